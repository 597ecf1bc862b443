//! Accepting and refusing orders.

use serde_json::json;

use crate::api::{Api, path};
use crate::order::Terms;
use crate::orders;
use lockstep_sdk::acceptance::Decision;
use lockstep_sdk::http::Method;
use lockstep_sdk::json::Node;
use lockstep_sdk::types::Fault;

/// Gives the seller's word on all lines of an order that wait for it: the marketplace wants them in one call, whole
/// lines, and takes no reason. A refusal of the call is looked up, since a repeat is one.
pub fn decide(api: Api<'_>, order: &str, decisions: &[Decision]) -> Result<(), Fault> {
    if decisions.is_empty() {
        return Ok(());
    }
    let mut lines: Vec<(&str, bool)> = Vec::new();
    for decision in decisions {
        match lines.iter().find(|(id, _)| *id == decision.line) {
            Some((_, accepted)) if *accepted != decision.accepted => {
                return Err(Fault::reject(format!(
                    "line {} is both accepted and refused; Mirakl takes one word for a line",
                    decision.line
                )));
            }
            Some(_) => {}
            None => lines.push((&decision.line, decision.accepted)),
        }
    }
    let rows: Vec<_> = (lines.iter())
        .map(|(id, accepted)| json!({"id": id, "accepted": accepted}))
        .collect();
    let body = json!({"order_lines": rows});
    let refused = match api.write(
        Method::Put,
        path(api, &["orders", order, "accept"]),
        Some(&body),
    ) {
        Ok(_) => return Ok(()),
        Err(fault @ (Fault::Rejected(_) | Fault::Conflict(_))) => fault,
        Err(fault) => return Err(fault),
    };
    let Ok(Some(now)) = orders::raw(api, order, &Terms::of(api)) else {
        return Err(refused);
    };
    let order_state = Node::new(&now)
        .get("order_state")
        .text()
        .unwrap_or_default();
    let states: Vec<(Option<String>, String)> = (Node::new(&now).get("order_lines").list().iter())
        .map(|line| {
            let state = line.get("order_line_state").text();
            (
                line.get("order_line_id").exact(),
                state.unwrap_or_else(|| order_state.clone()),
            )
        })
        .collect();
    if states
        .iter()
        .any(|(_, state)| state == "WAITING_ACCEPTANCE")
    {
        return Err(refused);
    }
    let as_decided = lines.iter().all(|(id, accepted)| {
        let state = states.iter().find(|(line, _)| line.as_deref() == Some(id));
        state.is_some_and(|(_, state)| match state.as_str() {
            "REFUSED" => !accepted,
            "STAGING" | "CANCELED" => false,
            _ => *accepted,
        })
    });
    match as_decided {
        true => Ok(()),
        false => Err(Fault::Conflict(format!(
            "order {order} does not wait for an answer any more, it is {order_state}: {}",
            refused.detail()
        ))),
    }
}

#[cfg(test)]
#[path = "accept_tests.rs"]
mod tests;
