//! Reading orders.

use lockstep_sdk::orders::OrderPage;
use lockstep_sdk::prelude::*;
use serde_json::Value;

use crate::Template;
use crate::api::{api, look_up, next, paged, rows};
use crate::order;

const PATH: &str = "/v1/orders";
/// Ids of one request.
const AT_ONCE: usize = 50;

impl Orders for Template {
    // Any change counts: a new order, a cancelled piece, a new address. Where the marketplace can only list by the time
    // of purchase, ask for all that are not finished as well.
    fn changed(cx: Cx<'_>, since: String, cursor: Option<String>) -> Result<OrderPage, Fault> {
        let api = api(cx);
        let path = Path::new(PATH).with("changed_since", since);
        let answer = api.read(paged(api, path, cursor.as_deref()))?;
        Ok(OrderPage {
            orders: read(cx, &answer)?,
            next: next(&answer),
            wait_ms: None,
        })
    }

    // The look-up after every write, so it must tell what was just written.
    fn by_id(cx: Cx<'_>, ids: Vec<String>) -> Result<Vec<Order>, Fault> {
        let mut found = Vec::new();
        for answer in look_up(api(cx), PATH, "id", &ids, AT_ONCE)? {
            found.extend(read(cx, &answer)?);
        }
        Ok(found)
    }
}

fn read(cx: Cx<'_>, answer: &Value) -> Result<Vec<Order>, Fault> {
    let tax = cx.setting("tax-name").unwrap_or_default();
    let orders = rows(answer, "orders")?.into_iter().filter_map(|row| {
        let read = order::order(row, &tax).or_else(|fault| {
            cx.error(fault.detail());
            order::unreadable(row, fault.detail())
        });
        // Without an id it cannot even be shown. The others of its page are worked all the same.
        read.ok()
    });
    Ok(orders.collect())
}
