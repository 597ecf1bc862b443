//! Mirakl's dialect of HTTP.

use lockstep_sdk::cx::Cx;
use lockstep_sdk::http::{Dialect, Http, Path, Refusal};
use lockstep_sdk::json::Node;
use lockstep_sdk::types::Fault;
use serde_json::Value;

/// The marketplace, reached through the host.
pub type Api<'a> = Http<'a>;

/// Most rows of a page, and most values of a list separated by commas.
pub const MOST: usize = 100;

/// What is particular to it.
pub struct Mirakl {
    accept: &'static str,
}

static JSON: Mirakl = Mirakl {
    accept: "application/json",
};

static FILES: Mirakl = Mirakl {
    accept: "text/csv, application/json;q=0.9, */*;q=0.8",
};

/// The marketplace in this call.
pub fn api(cx: Cx<'_>) -> Api<'_> {
    cx.http(&JSON)
}

/// The same for answers that are files.
pub fn files(cx: Cx<'_>) -> Api<'_> {
    cx.http(&FILES)
}

/// A path below `/api`. Without the shop's id, whichever shop is the user's default answers.
pub fn path(api: Api<'_>, segments: &[&str]) -> Path {
    let path = segments
        .iter()
        .fold(Path::new("/api"), |path, segment| path.segment(segment));
    match setting(api, "shop-id") {
        Some(shop) => path.with("shop_id", shop),
        None => path,
    }
}

/// The rows of a page of `/api/{list}`, and how many there are in all, where it is told.
pub fn rows<'a>(answer: &'a Value, list: &str) -> Result<(Vec<Node<'a>>, Option<usize>), Fault> {
    let node = Node::new(answer);
    let rows = node.get(list);
    if !rows.value().is_array() {
        return Err(Fault::Protocol(format!(
            "GET /api/{list}: the answer has no list of {list}: {}",
            node.shortened(200)
        )));
    }
    let total = node.get("total_count").id();
    Ok((rows.list(), total.and_then(|n| usize::try_from(n).ok())))
}

/// A setting that says something.
pub fn setting(api: Api<'_>, key: &str) -> Option<String> {
    let text = api.setting(key)?;
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

impl Dialect for Mirakl {
    fn credential(&self) -> Option<&str> {
        Some("api")
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![("accept", self.accept.to_owned())]
    }

    fn fault(&self, status: u16, refusal: &Refusal, said: &str) -> Option<Fault> {
        match (status, refusal.code.as_deref()) {
            (400, Some("ORDER_INVALID_STATE")) => Some(Fault::Conflict(said.to_owned())),
            (400, Some("ORDER_NOT_FOUND" | "ORDER_LINE_NOT_FOUND")) => {
                Some(Fault::Missing(said.to_owned()))
            }
            // The installation lacks the call.
            (405, _) => Some(Fault::Missing(said.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marketplace;
    use lockstep_sdk::http::Method;

    fn refused(status: u16, body: &str) -> Fault {
        let fake = marketplace().on("PUT /api/orders/A%2F1/accept?shop_id=2043", status, body);
        let api = api(fake.cx());
        let path = path(api, &["orders", "A/1", "accept"]);
        api.write(Method::Put, path, None).expect_err("a fault")
    }

    #[test]
    fn refusals_in_every_shape() {
        let said = refused(
            400,
            r#"{"message":"Order must be in state SHIPPING","status":400}"#,
        );
        assert!(matches!(&said, Fault::Rejected(r) if r.detail.contains("state SHIPPING")));
        assert!(matches!(refused(400, ""), Fault::Rejected(_)));
        for body in [
            r#"{"status":400,"message":"x","code":"ORDER_INVALID_STATE"}"#,
            r#"{"errors":[{"code":"ORDER_INVALID_STATE","message":"x"}]}"#,
        ] {
            assert!(matches!(refused(400, body), Fault::Conflict(_)), "{body}");
        }
        let coded = r#"{"status":400,"message":"x","code":"ORDER_PARTIAL_ACCEPTANCE_DISABLED"}"#;
        assert!(matches!(
            refused(400, coded),
            Fault::Rejected(r) if r.code.as_deref() == Some("ORDER_PARTIAL_ACCEPTANCE_DISABLED")
        ));
        let page = "<html><head><title>401</title></head></html>";
        assert!(matches!(refused(401, page), Fault::Auth(_)));
        assert!(matches!(refused(403, ""), Fault::Denied(_)));
        assert!(matches!(refused(404, ""), Fault::Missing(_)));
        assert!(matches!(refused(405, ""), Fault::Missing(_)));
        assert!(matches!(refused(500, ""), Fault::UnknownOutcome(_)));
        assert!(matches!(
            refused(429, r#"{"status":429,"message":"Too many requests"}"#),
            Fault::Throttled(b) if b.retry_after_ms == Some(60_000)
        ));
    }
}
