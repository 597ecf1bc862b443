//! Practice Market's dialect of HTTP.

use lockstep_sdk::http::Refusal;
use lockstep_sdk::prelude::*;
use serde_json::Value;

/// Most rows of a page.
const PAGE: i64 = 200;

/// What is particular to it. The SDK's defaults suit most JSON APIs: override what differs.
struct PracticeMarket;

/// The marketplace in this call.
pub fn api(cx: Cx<'_>) -> Http<'_> {
    cx.http(&PracticeMarket)
}

impl Dialect for PracticeMarket {
    // A slot of `plugin.toml`. The connector names it, and never sees what is in it.
    fn credential(&self) -> Option<&str> {
        Some("api")
    }

    // {"error": {"code": "...", "message": "..."}}; a gateway in front may answer with a page of its own.
    fn refusal(&self, body: &str) -> Refusal {
        let usual = Refusal::read(body);
        let Ok(value) = serde_json::from_str::<Value>(body) else {
            return usual;
        };
        let error = Node::new(&value).get("error");
        Refusal {
            code: error.get("code").text().or(usual.code),
            detail: error.get("message").text().unwrap_or(usual.detail),
        }
    }

    // A write that meets maintenance is not carried out. Without this, a 503 to a write leaves open whether it was, and
    // the host looks before it writes again.
    fn nothing_was_applied(&self, status: u16, refusal: &Refusal) -> bool {
        status == 503 && refusal.code.as_deref() == Some("maintenance")
    }
}

/// The path of a page. A marketplace with page numbers or offsets keeps them in the cursor, as text.
pub fn paged(api: Http<'_>, path: Path, cursor: Option<&str>) -> Path {
    let size = api.setting("page-size").and_then(|n| n.parse().ok());
    let path = path.with("limit", size.unwrap_or(PAGE).clamp(1, PAGE));
    match cursor {
        Some(cursor) => path.with("cursor", cursor),
        None => path,
    }
}

/// The rows of a list, under their name. An answer without them is none of this API's.
pub fn rows<'a>(answer: &'a Value, name: &str) -> Result<Vec<Node<'a>>, Fault> {
    let list = Node::new(answer).get(name);
    match list.value() {
        Value::Array(_) => Ok(list.list()),
        _ => Err(Fault::Protocol(format!(
            "the answer has no list `{name}`: {}",
            Node::new(answer).shortened(200)
        ))),
    }
}

/// Where a list goes on.
pub fn next(answer: &Value) -> Option<String> {
    Node::new(answer).get("next").exact()
}

/// Looks up things by a parameter that is given once for each, `at_once` of them in a request.
pub fn look_up(
    api: Http<'_>,
    path: &str,
    name: &str,
    values: &[String],
    at_once: usize,
) -> Result<Vec<Value>, Fault> {
    let chunks = values.chunks(at_once);
    let paths = chunks.map(|chunk| Path::new(path).with_each(name, chunk));
    // The host sends them together, as fast as the rate in `plugin.toml` allows.
    api.read_all(paths.collect()).into_iter().collect()
}
