//! What became of a file of stock or offers.

use crate::api::{Api, path};
use crate::file;
use crate::stock::{OFFERS, STOCK};
use lockstep_sdk::http::{Path, excerpt};
use lockstep_sdk::json::Node;
use lockstep_sdk::stock::{Outcome, Rest, Settled, Settlement};
use lockstep_sdk::types::Fault;

/// How soon to ask again, in milliseconds. The marketplace allows four times as often.
const POLL_MS: u32 = 60_000;

/// Asks what became of a ticket. `files` is the way to files, `api` to everything else.
pub fn settle(api: Api<'_>, files: Api<'_>, ticket: &str) -> Result<Settlement, Fault> {
    let (status, report) = if let Some(id) = ticket.strip_prefix(STOCK) {
        let call = |last: &str| path(api, &["offers", "stock", "imports", id, last]);
        (call("status"), call("error_report"))
    } else if let Some(id) = ticket.strip_prefix(OFFERS) {
        (
            path(api, &["offers", "imports", id]),
            path(api, &["offers", "imports", id, "error_report"]),
        )
    } else {
        return Err(Fault::Missing(format!(
            "\"{ticket}\" is no ticket of this connector"
        )));
    };
    let answer = api.read(status)?;
    let import = Node::new(&answer);
    let count = |member: &str| import.get(member).int().unwrap_or(0);
    // A stock file neither adds nor removes offers.
    for (member, what) in [("offer_deleted", "deleted"), ("offer_inserted", "added")] {
        if count(member) > 0 {
            api.error(&format!("import {ticket} {what} {} offers", count(member)));
        }
    }
    match import.get("status").text().as_deref() {
        Some("COMPLETE") => complete(files, ticket, report, import),
        // Nothing usable is known about any row.
        Some("FAILED") => {
            api.warn(&format!(
                "import {ticket} failed: {}",
                import.get("reason_status").text().unwrap_or_default()
            ));
            Ok(done(Vec::new(), Rest::Unknown))
        }
        // Waiting, running, or a word that is not known. One that is stuck the host gives up.
        Some(_) => Ok(later()),
        None => Err(Fault::Protocol(format!(
            "import {ticket}: the answer has no status: {}",
            import.shortened(200)
        ))),
    }
}

/// A complete import still has rows in error.
fn complete(
    files: Api<'_>,
    ticket: &str,
    report: Path,
    import: Node<'_>,
) -> Result<Settlement, Fault> {
    let failed = import.get("lines_in_error").int();
    let reported = import.get("has_error_report").flag();
    let clean = reported != Some(true) && failed.unwrap_or(0) == 0;
    if clean {
        return Ok(done(Vec::new(), Rest::Applied));
    }
    let text = match files.read_text(report) {
        Ok(text) => text,
        // The import stays open until its report is read.
        Err(Fault::Throttled(wait)) => {
            return Ok(Settlement {
                done: None,
                poll_after_ms: wait
                    .retry_after_ms
                    .map(|ms| ms.max(POLL_MS))
                    .or(Some(POLL_MS)),
            });
        }
        Err(Fault::Unavailable(_)) => return Ok(later()),
        Err(fault @ (Fault::Missing(_) | Fault::Denied(_))) => {
            files.warn(&format!(
                "import {ticket} has no error report: {}",
                fault.detail()
            ));
            return Ok(done(Vec::new(), Rest::Unknown));
        }
        Err(fault) => return Err(fault),
    };
    let rows = file::rows(&text);
    // Names of the first two columns differ; the columns of the file that was sent follow them.
    let header = rows.first().map(Vec::as_slice).unwrap_or_default();
    let place = ["offer-sku", "sku", "shop_sku", "shop-sku"]
        .iter()
        .find_map(|name| {
            header
                .iter()
                .position(|h| h.trim().eq_ignore_ascii_case(name))
        })
        .unwrap_or(2);
    let mut listed: Vec<(String, Outcome)> = Vec::new();
    let mut unnamed = 0;
    for row in rows.iter().skip(1) {
        let why = excerpt(row.get(1).map_or("no reason given", String::as_str));
        match row.get(place).filter(|sku| !sku.is_empty()) {
            // Several warehouses of one offer.
            Some(sku) if listed.iter().any(|(known, _)| known == sku) => {}
            Some(sku) => listed.push((sku.clone(), Outcome::Failed(Fault::reject(why)))),
            None => unnamed += 1,
        }
    }
    let told = i64::try_from(rows.len().saturating_sub(1)).unwrap_or(i64::MAX);
    let whole = unnamed == 0 && told >= failed.unwrap_or(1).max(1);
    if !whole {
        files.warn(&format!(
            "import {ticket}: {} rows failed, the report names {}",
            failed.unwrap_or(0),
            listed.len()
        ));
    }
    Ok(done(
        listed,
        if whole { Rest::Applied } else { Rest::Unknown },
    ))
}

fn done(listed: Vec<(String, Outcome)>, rest: Rest) -> Settlement {
    Settlement {
        done: Some(Settled { listed, rest }),
        poll_after_ms: None,
    }
}

fn later() -> Settlement {
    Settlement {
        done: None,
        poll_after_ms: Some(POLL_MS),
    }
}

#[cfg(test)]
#[path = "settle_tests.rs"]
mod tests;
