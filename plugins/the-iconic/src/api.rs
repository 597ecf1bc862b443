//! Seller Center's dialect of HTTP.

use serde_json::Value;

use lockstep_sdk::cx::Cx;
use lockstep_sdk::http::{Dialect, Http, Refusal, excerpt};
use lockstep_sdk::json::Node;
use lockstep_sdk::types::Fault;

/// Seller Center, reached through the host.
pub type Api<'a> = Http<'a>;

/// What is particular to it.
pub struct SellerCenter;

/// Seller Center in this call.
pub fn api(cx: Cx<'_>) -> Api<'_> {
    cx.http(&SellerCenter)
}

impl Dialect for SellerCenter {
    fn credential(&self) -> Option<&str> {
        Some("api")
    }

    fn refusal(&self, body: &str) -> Refusal {
        read_refusal(body)
    }

    // The gate is closed before anything is looked at.
    fn nothing_was_applied(&self, status: u16, refusal: &Refusal) -> bool {
        status == 503 && refusal.code.as_deref() == Some(MAINTENANCE)
    }

    fn fault(&self, status: u16, refusal: &Refusal, said: &str) -> Option<Fault> {
        let usual = matches!(status, 401 | 403 | 404 | 408 | 409 | 410 | 429);
        // The order management behind Seller Center refused; that can pass.
        let passes = refusal.code.as_deref() == Some("E021") && (400..=499).contains(&status);
        (passes && !usual).then(|| Fault::Other(said.to_owned()))
    }
}

/// What maintenance is told by.
const MAINTENANCE: &str = "maintenance_mode";

/// An error body in any of its shapes.
fn read_refusal(body: &str) -> Refusal {
    let trimmed = body.trim();
    let usual = Refusal::read(trimmed);
    let Ok(value) = serde_json::from_str::<Value>(trimmed) else {
        return Refusal {
            code: code_of(trimmed),
            ..usual
        };
    };
    let node = Node::new(&value);
    let cause = node.get("caused_by").text();
    let errors = node.get("errors").list();
    // The one shape that the usual reading does not know: words about one item of an order.
    let items: Vec<String> = (errors.iter())
        .filter_map(|error| {
            let item = error.get("orderItemId").text()?;
            let words = error
                .get("detail")
                .text()
                .or_else(|| error.get("message").text())?;
            Some(format!("item {item}: {words}"))
        })
        .collect();
    let code = (errors.iter())
        .map(|error| error.get("detail"))
        .chain([node.get("detail"), node.get("title"), node.get("message")])
        .filter_map(Node::text)
        .find_map(|text| code_of(&text));
    Refusal {
        code: cause.filter(|c| c == MAINTENANCE).or(code),
        detail: if items.is_empty() {
            usual.detail
        } else {
            excerpt(&items.join("; "))
        },
    }
}

/// The classic error code that a text begins with: `E`, at least two digits, a colon.
fn code_of(text: &str) -> Option<String> {
    let (head, _) = text.trim_start().split_once(':')?;
    let digits = head.strip_prefix('E')?;
    let fits = (2..=5).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| head.to_owned())
}

#[cfg(test)]
#[path = "api_tests.rs"]
mod tests;
