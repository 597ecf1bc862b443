//! Cancelling at the channel what the seller cannot supply.

use lockstep_sdk::cancellations::{Drop, Dropped, ReasonEntry, ReasonKind};
use lockstep_sdk::prelude::*;
use serde_json::json;

use crate::Template;
use crate::api::{api, rows};

impl Cancellations for Template {
    fn reasons(cx: Cx<'_>) -> Result<Vec<ReasonEntry>, Fault> {
        let answer = api(cx).read(Path::new("/v1/cancel-reasons"))?;
        let entry = |row: Node<'_>| {
            let code = row.get("code").exact()?;
            Some(ReasonEntry {
                label: row.get("label").text().unwrap_or_else(|| code.clone()),
                // The reason that the host takes when the merchant gave none that fits.
                out_of_stock: Some(code == "out-of-stock"),
                code,
                kind: ReasonKind::Cancel,
                usable: true,
            })
        };
        let rows = rows(&answer, "reasons")?;
        Ok(rows.into_iter().filter_map(entry).collect())
    }

    // Units of one order. One request for each, with its own key: a repeat cancels nothing twice.
    fn cancel(cx: Cx<'_>, drops: Vec<Drop>) -> Result<Dropped, Fault> {
        let mut lines = Vec::new();
        let mut refused = None;
        for drop in drops {
            let body = json!({
                "key": drop.id, "reason": drop.reason,
                "lines": [{"line": drop.line, "quantity": drop.quantity}],
            });
            let path = Path::new("/v1/orders").segment(&drop.order);
            let path = path.segment("cancellations");
            match api(cx).write(Method::Post, path, Some(&body)) {
                Ok(_) => lines.push(Packed {
                    line: drop.line,
                    quantity: drop.quantity,
                    marks: Vec::new(),
                }),
                // This one cannot be; the others may.
                Err(fault @ (Fault::Rejected(_) | Fault::Missing(_) | Fault::Conflict(_))) => {
                    refused.get_or_insert(fault);
                }
                Err(fault) if lines.is_empty() => return Err(fault),
                // Some are cancelled already, and a fault would say that none is: the host has to look.
                Err(fault) => return Err(Fault::UnknownOutcome(fault.detail().to_owned())),
            }
        }
        match refused {
            Some(fault) if lines.is_empty() => Err(fault),
            // What is left out of the answer was not cancelled.
            _ => Ok(Dropped { lines }),
        }
    }
}
