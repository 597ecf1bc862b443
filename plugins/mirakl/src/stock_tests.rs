use super::*;
use crate::api::api;
use crate::marketplace;
use lockstep_sdk::http::Error;
use lockstep_sdk::testing::Fake;
use lockstep_sdk::types::{Fact, Place};

const STO01: &str = "POST /api/offers/stock/imports?shop_id=2043";
const OF01: &str = "POST /api/offers/imports?shop_id=2043";

fn level(sku: &str, quantity: u32) -> Level {
    Level {
        listing: sku.to_owned(),
        parent: None,
        sku: Some(sku.to_owned()),
        quantity,
        places: Vec::new(),
        facts: Vec::new(),
    }
}

fn housed(sku: &str, quantity: u32) -> Level {
    Level {
        facts: vec![Fact::new(WAREHOUSES, "PERTH\nSYDNEY")],
        ..level(sku, quantity)
    }
}

/// The rows of the file that a request carried.
fn sent(fake: &Fake, index: usize) -> Vec<Vec<String>> {
    let text = String::from_utf8(fake.raw_body(index)).expect("text");
    let start = text.find("\r\n\r\n").expect("a part") + 4;
    let end = text[start..].find("\r\n--").expect("an end") + start;
    file::rows(&text[start..end])
}

#[test]
fn levels_become_one_file_and_a_ticket() {
    let fake = marketplace().on(STO01, 201, r#"{"import_id":"9b1c"}"#);
    let skus = ["KS \"7\"; blue", "水着,30", "A", "A", "bad/sku", ""];
    let mut levels: Vec<Level> = (1..).zip(skus).map(|(n, sku)| level(sku, n)).collect();
    levels.push(level(&"x".repeat(41), 1));
    let outcomes = push(api(fake.cx()), &levels).expect("outcomes");
    let queued = Outcome::Queued("stock:9b1c".to_owned());
    assert!(outcomes[..4].iter().all(|o| *o == queued));
    assert!(
        outcomes[4..]
            .iter()
            .all(|o| matches!(o, Outcome::Failed(Fault::Rejected(_))))
    );
    let rows = sent(&fake, 0);
    assert_eq!(
        rows[0],
        ["offer-sku", "quantity", "warehouse-code", "update-delete"]
    );
    assert_eq!(rows[1], ["KS \"7\"; blue", "1", "", ""]);
    assert_eq!(rows[2], ["水着,30", "2", "", ""]);
    // The last of two numbers for one SKU counts.
    assert_eq!(rows[3], ["A", "4", "", ""]);
    assert_eq!(rows.len(), 4);
}

#[test]
fn offers_with_warehouses_are_never_given_a_total() {
    let fake = marketplace()
        .set("warehouse", "SYDNEY")
        .on(STO01, 201, r#"{"import_id":"1"}"#);
    let mut placed = housed("B", 9);
    placed.places = vec![Place {
        location: "PERTH".into(),
        quantity: 2,
    }];
    push(api(fake.cx()), &[housed("A", 5), placed, level("C", 3)]).expect("outcomes");
    let rows = sent(&fake, 0);
    assert_eq!(rows[1], ["A", "0", "PERTH", ""]);
    assert_eq!(rows[2], ["A", "5", "SYDNEY", ""]);
    assert_eq!(rows[3], ["B", "2", "PERTH", ""]);
    assert_eq!(rows[4], ["C", "3", "", ""]);
    let fake = marketplace();
    let outcomes = push(api(fake.cx()), &[housed("A", 5)]).expect("outcomes");
    assert!(
        matches!(&outcomes[0], Outcome::Failed(Fault::Rejected(r)) if r.detail.contains("`warehouse`"))
    );
}

#[test]
fn an_installation_without_stock_files_gets_offer_files() {
    for status in [404, 403, 405] {
        let fake = marketplace()
            .set("warehouse", "PERTH")
            .on(STO01, status, "")
            .on(OF01, 201, r#"{"import_id":20431}"#);
        let outcomes = push(api(fake.cx()), &[level("A", 5), housed("B", 1)]).expect("outcomes");
        assert_eq!(outcomes[0], Outcome::Queued("offers:20431".to_owned()));
        assert!(matches!(outcomes[1], Outcome::Failed(Fault::Rejected(_))));
        assert_eq!(
            sent(&fake, 1),
            [["sku", "quantity", "update-delete"], ["A", "5", "update"]]
        );
        let form = String::from_utf8(fake.raw_body(1)).expect("text");
        assert!(form.contains("name=\"import_mode\"\r\n\r\nNORMAL\r\n"));
        assert!(fake.logged().contains("takes no stock files"));
    }
    let fake = marketplace()
        .set("stock-import", "stock-file")
        .on(STO01, 404, "");
    assert!(matches!(
        push(api(fake.cx()), &[level("A", 5)]),
        Err(Fault::Missing(_))
    ));
    let fake = marketplace()
        .set("stock-import", "offer-file")
        .on(OF01, 201, r#"{"import_id":1}"#);
    push(api(fake.cx()), &[level("A", 5)]).expect("outcomes");
}

#[test]
fn an_answer_that_is_lost_or_names_no_import_is_of_unknown_outcome() {
    let fake = marketplace()
        .on(STO01, 201, "{}")
        .fails(STO01, Error::OutcomeUnknown("reset".into()))
        .on(STO01, 429, "");
    let api = api(fake.cx());
    let levels = [level("A", 1)];
    assert!(matches!(push(api, &levels), Err(Fault::UnknownOutcome(_))));
    assert!(matches!(push(api, &levels), Err(Fault::UnknownOutcome(_))));
    assert!(matches!(push(api, &levels), Err(Fault::Throttled(_))));
    assert!(push(api, &[]).expect("nothing").is_empty());
}
