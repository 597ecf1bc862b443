//! Telling the channel what was shipped.

use lockstep_sdk::fulfillments::{CarrierEntry, Parcel, Sent};
use lockstep_sdk::prelude::*;
use serde_json::{Value, json};

use crate::Template;
use crate::api::{api, rows};

/// What the marketplace takes for a tracking code.
const PATTERN: &str = "^[A-Za-z0-9-]{4,40}$";

impl Fulfillments for Template {
    // The host matches what the merchant wrote in Shopify ("AusPost") with these names.
    fn carriers(cx: Cx<'_>) -> Result<Vec<CarrierEntry>, Fault> {
        let answer = api(cx).read(Path::new("/v1/carriers"))?;
        let entry = |row: Node<'_>| CarrierEntry {
            carrier: Carrier {
                code: row.get("code").exact(),
                name: row.get("name").exact(),
                url: None,
            },
            tracking_required: Some(true),
            tracking_pattern: Some(PATTERN.to_owned()),
            books_itself: Some(false),
            usable: true,
        };
        Ok(rows(&answer, "carriers")?.into_iter().map(entry).collect())
    }

    // One request does all, so nothing is left for `ship` (`more` is false). Its key makes a repeat harmless: the same
    // parcel comes back. Where a marketplace has no such key, read the order first, look for the parcel, and do only what
    // is left: after a lost answer, that is what the host counts on.
    fn prepare(cx: Cx<'_>, parcel: Parcel) -> Result<Sent, Fault> {
        let code = parcel.tracking.as_deref().unwrap_or_default();
        if !is_code(code) {
            // What is refused here costs no request, and reaches a person at once.
            return Err(Fault::reject(format!(
                "\"{code}\" is no tracking code for Practice Market: 4 to 40 letters, digits and dashes"
            )));
        }
        let lines: Vec<Value> = (parcel.lines.iter())
            .map(|l| json!({"line": l.line, "quantity": l.quantity}))
            .collect();
        let body = json!({
            "key": parcel.id, "carrier": parcel.carrier.code, "tracking": code,
            "shipped_at": parcel.shipped_at, "lines": lines,
        });
        let path = Path::new("/v1/orders").segment(&parcel.order);
        let told = api(cx).write(Method::Post, path.segment("parcels"), Some(&body))?;
        Ok(Sent {
            reached: Stage::Shipped,
            marketplace_id: Node::new(&told).get("id").exact(),
            more: false,
        })
    }

    // For marketplaces with two steps (packed, then shipped): the host lowers stock between them.
    fn ship(cx: Cx<'_>, parcel: Parcel) -> Result<Sent, Fault> {
        Self::prepare(cx, parcel)
    }
}

fn is_code(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (4..=40).contains(&text.len()) && text.bytes().all(fits)
}
