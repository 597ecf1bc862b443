//! Writing stock.

use std::collections::HashMap;

use lockstep_sdk::prelude::*;
use lockstep_sdk::stock::{Level, Outcome, Settlement};
use serde_json::{Value, json};

use crate::Template;
use crate::api::{api, rows};

impl Stock for Template {
    // At most `[stock] batch` levels of `plugin.toml`. Numbers are absolute, so a repeat is harmless.
    fn push(cx: Cx<'_>, levels: Vec<Level>) -> Result<Vec<Outcome>, Fault> {
        // The marketplace refuses an empty list.
        if levels.is_empty() {
            return Ok(Vec::new());
        }
        let body: Vec<Value> = (levels.iter())
            .map(|l| json!({"listing": l.listing, "quantity": l.quantity}))
            .collect();
        let body = json!({ "levels": body });
        // A fault of the whole call: nothing is known to be written.
        let answer = api(cx).write(Method::Put, Path::new("/v1/stock"), Some(&body))?;
        // It was written, but not told how: the host reads the listings back.
        let results = rows(&answer, "results")
            .map_err(|fault| Fault::UnknownOutcome(fault.detail().to_owned()))?;
        let told: HashMap<String, Outcome> = (results.into_iter())
            .filter_map(|row| Some((row.get("listing").exact()?, outcome(row))))
            .collect();
        // One outcome for each level, in their order.
        Ok((levels.into_iter())
            .map(|l| {
                let silence = || {
                    let text = format!("the answer says nothing of listing {}", l.listing);
                    Outcome::Failed(Fault::UnknownOutcome(text))
                };
                told.get(&l.listing).cloned().unwrap_or_else(silence)
            })
            .collect())
    }

    // For marketplaces that queue writes: `push` answers `Outcome::Queued(ticket)`, and the host asks here.
    fn settle(_: Cx<'_>, ticket: String) -> Result<Settlement, Fault> {
        Err(Fault::Missing(format!("there is no ticket {ticket}")))
    }
}

fn outcome(row: Node<'_>) -> Outcome {
    if row.get("ok").flag() == Some(true) {
        return Outcome::Applied;
    }
    let code = row.get("error").get("code").text().unwrap_or_default();
    let words = row.get("error").get("message").text().unwrap_or_default();
    Outcome::Failed(match code.as_str() {
        "not-found" => Fault::Missing(words),
        _ => Fault::reject_as(code, words),
    })
}
