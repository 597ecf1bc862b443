//! The seller account.

use crate::api::Api;
use lockstep_sdk::http::Path;
use lockstep_sdk::json::Node;
use lockstep_sdk::types::{Account, Fact, Fault};

/// Reads the account behind the credentials.
pub fn identify(api: Api<'_>) -> Result<Account, Fault> {
    let answer = api.read(Path::new("/v2/seller"))?;
    let seller = Node::new(&answer);
    let Some(id) = seller.get("id").text() else {
        return Err(Fault::Protocol(format!(
            "GET /v2/seller: the answer has no id: {}",
            seller.shortened(200)
        )));
    };
    let status = seller.get("status").text();
    let delisted: Vec<String> = seller
        .get("delistReasons")
        .list()
        .into_iter()
        .filter_map(|row| {
            let word = row.get("reason").text();
            word.or_else(|| row.get("message").text())
        })
        .collect();
    let selling = status.as_ref().map(|status| {
        status == "active" && delisted.is_empty() && seller.get("listed").flag() != Some(false)
    });
    let mut words: Vec<String> = status.into_iter().collect();
    words.extend(delisted);
    let mut facts = Vec::new();
    for (member, key) in [("shortCode", "short-code"), ("companyName", "company")] {
        if let Some(value) = seller.get(member).text() {
            facts.push(Fact {
                key: key.to_owned(),
                value,
            });
        }
    }
    Ok(Account {
        name: seller
            .get("name")
            .text()
            .or_else(|| seller.get("companyName").text())
            .unwrap_or_else(|| format!("Seller {id}")),
        id,
        native_state: (!words.is_empty()).then(|| words.join(", ")),
        selling,
        currency: None,
        facts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::api;
    use crate::seller_center;

    #[test]
    fn a_seller_on_holiday_does_not_sell() {
        let fake = seller_center().on(
            "GET /v2/seller",
            200,
            r#"{"id":5120,"name":"Kestrel Surf","shortCode":"KS1","status":"active","listed":false,
                "delistReasons":[{"reasonIdentifier":2,"reason":"HOLIDAY_MODE","message":"away"}]}"#,
        );
        let account = identify(api(fake.cx())).expect("an account");
        assert_eq!(account.id, "5120");
        assert_eq!(account.name, "Kestrel Surf");
        assert_eq!(
            account.native_state.as_deref(),
            Some("active, HOLIDAY_MODE")
        );
        assert_eq!(account.selling, Some(false));
    }

    #[test]
    fn nulls_are_survived_but_not_a_missing_id() {
        let fake = seller_center()
            .on(
                "GET /v2/seller",
                200,
                r#"{"id":"77","name":null,"status":null}"#,
            )
            .on("GET /v2/seller", 200, r#"{"id":null}"#)
            .on("GET /v2/seller", 200, "");
        let account = identify(api(fake.cx())).expect("an account");
        assert_eq!(account.name, "Seller 77");
        assert_eq!(account.selling, None);
        assert!(matches!(identify(api(fake.cx())), Err(Fault::Protocol(_))));
        assert!(matches!(identify(api(fake.cx())), Err(Fault::Protocol(_))));
    }
}
