//! The shop behind the key.

use crate::api::{Api, path};
use lockstep_sdk::json::Node;
use lockstep_sdk::types::{Account, Fact, Fault};

/// Reads the shop.
pub fn identify(api: Api<'_>) -> Result<Account, Fault> {
    let answer = api.read(path(api, &["account"]))?;
    let shop = Node::new(&answer);
    let id = shop.get("shop_id").need("the shop's id")?;
    let state = shop.get("shop_state").text();
    let mut words: Vec<String> = state.iter().cloned().collect();
    words.extend(shop.get("suspension_type").text());
    let mut facts = Vec::new();
    for (member, key) in [("model", "model"), ("approval_delay", "approval-delay")] {
        facts.extend(shop.get(member).text().map(|value| Fact::new(key, value)));
    }
    let kyc = shop.get("kyc").get("status").text();
    facts.extend(kyc.map(|value| Fact::new("kyc", value)));
    let channels: Vec<String> = (shop.get("channels").list().into_iter())
        .filter_map(Node::text)
        .collect();
    if !channels.is_empty() {
        facts.push(Fact::new("channels", channels.join(", ")));
    }
    Ok(Account {
        name: shop
            .get("shop_name")
            .text()
            .unwrap_or_else(|| format!("Shop {id}")),
        id,
        native_state: (!words.is_empty()).then(|| words.join(", ")),
        selling: state.map(|state| state == "OPEN"),
        currency: shop.get("currency_iso_code").text(),
        facts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::api;
    use crate::marketplace;

    #[test]
    fn a_suspended_shop_still_answers() {
        let fake = marketplace().on(
            "GET /api/account?shop_id=2043",
            200,
            r#"{"shop_id":2043,"shop_name":"Kestrel Surf","shop_state":"SUSPENDED","suspension_type":"MANUAL",
                "model":"MARKETPLACE","currency_iso_code":"AUD","channels":["AU","NZ"],"news":{}}"#,
        );
        let account = identify(api(fake.cx())).expect("an account");
        assert_eq!(
            (account.id.as_str(), account.name.as_str()),
            ("2043", "Kestrel Surf")
        );
        assert_eq!(account.native_state.as_deref(), Some("SUSPENDED, MANUAL"));
        assert_eq!(account.selling, Some(false));
        assert_eq!(account.currency.as_deref(), Some("AUD"));
        assert!(account.facts.contains(&Fact::new("channels", "AU, NZ")));
    }

    #[test]
    fn nulls_are_survived_but_not_a_missing_id() {
        let fake = marketplace()
            .on(
                "GET /api/account",
                200,
                r#"{"shop_id":"7","shop_name":null}"#,
            )
            .on("GET /api/account", 200, "{}");
        let account = identify(api(fake.cx())).expect("an account");
        assert_eq!((account.name.as_str(), account.selling), ("Shop 7", None));
        assert!(matches!(identify(api(fake.cx())), Err(Fault::Protocol(_))));
    }
}
