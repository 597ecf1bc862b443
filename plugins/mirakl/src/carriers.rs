//! The operator's carriers, and those that a seller names.

use serde_json::{Map, Value, json};

use crate::api::{Api, path, setting};
use lockstep_sdk::fulfillments::{CarrierEntry, Parcel};
use lockstep_sdk::json::Node;
use lockstep_sdk::types::{Carrier, Fault};

/// Stands for the number in a carrier's address.
const NUMBER: &str = "{trackingId}";

/// The carriers of this marketplace, and those of the setting.
pub fn list(api: Api<'_>) -> Result<Vec<CarrierEntry>, Fault> {
    let answer = api.read(path(api, &["shipping", "carriers"]))?;
    let node = Node::new(&answer);
    let rows = node.get("carriers");
    if !rows.value().is_array() {
        return Err(Fault::Protocol(format!(
            "GET /api/shipping/carriers: the answer has no list of carriers: {}",
            node.shortened(200)
        )));
    }
    let mut entries: Vec<CarrierEntry> = rows.list().into_iter().filter_map(entry).collect();
    let others = setting(api, "other-carriers").unwrap_or_default();
    for name in others.split(',').map(str::trim).filter(|n| !n.is_empty()) {
        let known = |e: &CarrierEntry| {
            let name = name.to_lowercase();
            e.carrier
                .name
                .as_ref()
                .is_some_and(|n| n.to_lowercase() == name)
        };
        if !entries.iter().any(known) {
            entries.push(CarrierEntry {
                carrier: Carrier::named(name),
                tracking_required: Some(false),
                tracking_pattern: None,
                books_itself: Some(false),
                usable: true,
            });
        }
    }
    Ok(entries)
}

/// A carrier. One without a code cannot be used in any call.
fn entry(row: Node<'_>) -> Option<CarrierEntry> {
    let code = row.get("code").exact()?;
    let url = row.get("tracking_url").text();
    Some(CarrierEntry {
        // Its address is of use only with a number.
        tracking_required: Some(url.as_ref().is_some_and(|url| url.contains(NUMBER))),
        carrier: Carrier {
            name: row.get("label").exact().or_else(|| Some(code.clone())),
            code: Some(code),
            url,
        },
        tracking_pattern: None,
        books_itself: Some(false),
        usable: true,
    })
}

/// A parcel's number without blanks; the marketplace keeps them as they are sent.
pub fn number(parcel: &Parcel) -> Option<&str> {
    let text = parcel.tracking.as_deref().map(str::trim);
    text.filter(|text| !text.is_empty())
}

/// What calls tell of carrier and number. The address of a carrier that the marketplace does not know has another name
/// in each call.
pub fn told(parcel: &Parcel, url: &str) -> Result<Value, Fault> {
    let text = |text: &Option<String>| text.clone().filter(|t| !t.trim().is_empty());
    let (code, name) = (text(&parcel.carrier.code), text(&parcel.carrier.name));
    let mut members = Map::new();
    match (code, name) {
        (None, None) => {
            return Err(Fault::reject(
                "the parcel names no carrier; map it to one of the channel's carriers",
            ));
        }
        (Some(code), name) => {
            members.insert("carrier_code".to_owned(), json!(code));
            if let Some(name) = name {
                members.insert("carrier_name".to_owned(), json!(name));
            }
        }
        (None, Some(name)) => {
            members.insert("carrier_name".to_owned(), json!(name));
            if let Some(address) = text(&parcel.tracking_url) {
                members.insert(url.to_owned(), json!(address));
            }
        }
    }
    if let Some(number) = number(parcel) {
        members.insert("tracking_number".to_owned(), json!(number));
    }
    Ok(Value::Object(members))
}

/// Whether a carrier that the marketplace shows is the parcel's.
pub fn same(parcel: &Parcel, code: Option<&str>, name: Option<&str>) -> bool {
    match (parcel.carrier.code.as_deref(), code) {
        (Some(wanted), Some(code)) => wanted == code,
        _ => {
            let plain = |text: Option<&str>| text.map(|t| t.trim().to_lowercase());
            plain(parcel.carrier.name.as_deref()) == plain(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::api;
    use crate::marketplace;

    #[test]
    fn the_operators_list_and_the_sellers_own() {
        let fake = marketplace().set("other-carriers", "Pigeon Post, ,australia post").on(
            "GET /api/shipping/carriers?shop_id=2043",
            200,
            r#"{"carriers":[{"code":"AUSPOST","label":"Australia Post","standard_code":null,
                "tracking_url":"https://carrier.example/{trackingId}"},{"code":"OWN","label":null,"tracking_url":null},
                {"label":"no code"}]}"#,
        );
        let entries = list(api(fake.cx())).expect("carriers");
        let seen: Vec<_> = (entries.iter())
            .map(|e| {
                (
                    e.carrier.code.as_deref(),
                    e.carrier.name.as_deref(),
                    e.tracking_required,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (Some("AUSPOST"), Some("Australia Post"), Some(true)),
                (Some("OWN"), Some("OWN"), Some(false)),
                (None, Some("Pigeon Post"), Some(false)),
            ]
        );
        let fake = marketplace().on("GET /api/shipping/carriers", 200, "{}");
        assert!(matches!(list(api(fake.cx())), Err(Fault::Protocol(_))));
    }
}
