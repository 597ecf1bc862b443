//! Reading the catalog, by page and as a whole.

use super::*;

#[tokio::test]
async fn pages_end() {
    let w = world().await;
    for n in 0..22 {
        w.mirakl.add_offer(NewOffer {
            sku: format!("MORE-{n:02}"),
            quantity: 1,
            ..NewOffer::default()
        });
    }
    let first = w.get("/api/offers").await;
    assert_eq!(first["offers"].as_array().expect("a list").len(), 10);
    assert_eq!(first["total_count"], 25);
    let mut skus = Vec::new();
    let mut next = Some("/api/offers?max=10".to_owned());
    while let Some(path) = next {
        let request = w.http.get(format!("{}{path}", w.mirakl.url()));
        let answer = request.header("Authorization", &w.key).send().await;
        let answer = answer.expect("an answer");
        let link = answer
            .headers()
            .get("link")
            .map(|l| l.to_str().expect("a text"));
        next = link.into_iter().flat_map(|l| l.split(", ")).find_map(|l| {
            let (url, rel) = l.split_once("; ")?;
            let url = url.trim_matches(['<', '>']);
            (rel == "rel=\"next\"").then(|| url.replace(&w.mirakl.url(), ""))
        });
        let body: Value = answer.json().await.expect("JSON");
        let rows = body["offers"].as_array().expect("a list").clone();
        skus.extend(rows.into_iter().map(|o| o["shop_sku"].clone()));
    }
    assert_eq!(skus.len(), 25);
    assert_eq!(w.get("/api/offers?offset=30").await["offers"], json!([]));
    w.no_mistakes();
}

#[tokio::test]
async fn one_offer_and_why_it_is_not_for_sale() {
    let w = world().await;
    let found = w.get("/api/offers?sku=TIDE-32").await;
    let offer = &found["offers"][0];
    assert_eq!(
        (found["total_count"].clone(), offer["quantity"].clone()),
        (json!(1), json!(10))
    );
    assert_eq!(offer["price"].to_string(), "89.95");
    assert_eq!(offer["fulfillment"]["center"]["code"], "DEFAULT");
    let id = &offer["offer_id"];
    assert_eq!(
        w.get(&format!("/api/offers/{id}")).await["shop_sku"],
        "TIDE-32"
    );
    w.mirakl.set_quantity("TIDE-32", 0);
    let offer = w.get(&format!("/api/offers/{id}")).await;
    assert_eq!(offer["inactivity_reasons"], json!(["ZERO_QUANTITY"]));
    w.mirakl.add_offer(NewOffer {
        sku: "PACK-4".into(),
        quantity: 3,
        package_quantity: Some(4),
        ..NewOffer::default()
    });
    let found = w.get("/api/offers?sku=PACK-4").await;
    assert_eq!(found["offers"][0]["active"], false);
    w.mirakl.switches(|s| s.shop_state = "SUSPENDED".into());
    let found = w.get("/api/offers?sku=TIDE-34").await;
    assert_eq!(
        found["offers"][0]["inactivity_reasons"],
        json!(["SHOP_NOT_OPEN"])
    );
    assert!(w.mirakl.delete_offer("TIDE-34"));
    assert_eq!(w.get("/api/offers?sku=TIDE-34").await["total_count"], 0);
    w.no_mistakes();
}

async fn export(w: &World, body: Value) -> Vec<Value> {
    let (status, ticket) = w.post("/api/offers/export/async", body.clone()).await;
    assert_eq!(status, 200, "{ticket}");
    // Asked again while it is made ready, it is the same.
    assert_eq!(w.post("/api/offers/export/async", body).await.1, ticket);
    let id = ticket["tracking_id"].as_str().expect("an id");
    let path = format!("/api/offers/export/async/status/{id}");
    assert_eq!(w.get(&path).await["status"], "PENDING");
    w.mirakl.advance(seconds(1));
    let ready = w.get(&path).await;
    assert_eq!(ready["status"], "COMPLETED");
    let url = ready["urls"][0].as_str().expect("an address");
    let path = url.strip_prefix(&w.mirakl.url()).expect("the same host");
    w.get(path).await.as_array().expect("a list").clone()
}

#[tokio::test]
async fn full_and_differential_exports() {
    let w = world().await;
    w.mirakl.set_quantity("TIDE-30", 0);
    let kind = "application/json";
    let active = export(&w, json!({"export_type": kind})).await;
    assert_eq!(active.len(), 2);
    let all = export(
        &w,
        json!({"export_type": kind, "include_inactive_offers": true}),
    )
    .await;
    assert_eq!(all.len(), 3);
    w.mirakl.advance(seconds(60));
    let since = w.get("/api/account").await["last_updated_date"].clone();
    w.buy(&[("TIDE-32", 1)]);
    w.mirakl.delete_offer("TIDE-34");
    let changed = export(&w, json!({"export_type": kind, "last_request_date": since})).await;
    assert_eq!(changed.len(), 2);
    assert_eq!(
        (&changed[0]["quantity"], &changed[0]["deleted"]),
        (&json!(9), &json!(false))
    );
    assert_eq!(
        (&changed[1]["shop_sku"], &changed[1]["deleted"]),
        (&json!("TIDE-34"), &json!(true))
    );
    w.no_mistakes();
    let both = json!({"last_request_date": since, "include_inactive_offers": true});
    for body in [
        both,
        json!({"items_per_chunk": 5}),
        json!({"export_type": "xml"}),
    ] {
        assert_eq!(w.post("/api/offers/export/async", body).await.0, 400);
    }
    assert_eq!(w.mistakes().len(), 3);
}
