//! The XML stock import and the feeds it turns into.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::Call;
use super::catalog::{USER_ID, wrapped};
use super::clock;
use super::reply::{Answer, Refusal, Reply};
use super::state::{Due, State};
use super::switches::Tolerance;
use super::xml;

const FIRST_FEED: u64 = 7731;
const FEED_PAGE_MAX: u64 = 20;
const ACTION: &str = "ProductStockUpdate";

/// An asynchronous job.
pub(super) struct Feed {
    pub(super) id: u64,
    pub(super) uuid: Uuid,
    status: &'static str,
    rows: Vec<(String, String)>,
    raw: String,
    errors: Vec<Value>,
    warnings: Vec<Value>,
    done: usize,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl State {
    fn feed(&self, call: &Call) -> Result<&Feed, Refusal> {
        let text = call.param("feed");
        // Upper-case UUIDs are not understood.
        let found = self.feeds.values().find(|f| f.uuid.to_string() == text);
        found.ok_or_else(|| Refusal::missing(format!("Feed {text}")))
    }

    /// Takes a queued feed into processing.
    pub(super) fn start_feed(&mut self, id: u64) {
        let now = self.now();
        let delay = self.switches.feed_delay_ms / 2;
        if let Some(feed) = self.feeds.get_mut(&id).filter(|f| f.status == "Queued") {
            feed.status = "Processing";
            feed.updated_at = now;
            self.later(delay, Due::FeedEnds(id));
        }
    }

    /// Applies a feed's rows and finishes it.
    pub(super) fn finish_feed(&mut self, id: u64) {
        let now = self.now();
        let Some(feed) = self.feeds.get_mut(&id).filter(|f| f.status == "Processing") else {
            return;
        };
        let rows = feed.rows.clone();
        let mut errors = Vec::new();
        for (sku, quantity) in &rows {
            let mut fail = |field: &str, message: String| {
                let item = Uuid::new_v4();
                errors.push(json!({
                    "itemId": item, "errorCode": 0, "fieldName": field, "errorMessage": message, "sellerSku": sku,
                }));
            };
            let Some(product) = self.product_by_sku(sku).map(|p| p.id) else {
                fail("SellerSku", "Product was not found".to_owned());
                continue;
            };
            match quantity.parse::<i64>() {
                Ok(quantity) if quantity >= 0 => {
                    if !self.write_stock(product, quantity) {
                        fail(
                            "Quantity",
                            "Stock of this product cannot be updated".to_owned(),
                        );
                    }
                }
                _ => fail("Quantity", format!("`{quantity}` is not a valid quantity")),
            }
        }
        if let Some(feed) = self.feeds.get_mut(&id) {
            feed.done = rows.len();
            feed.errors = errors;
            feed.status = "Finished";
            feed.updated_at = now;
        }
    }

    fn feed_row(&self, feed: &Feed) -> Value {
        let report = (!feed.errors.is_empty()).then_some(feed.id + 1289);
        json!({
            "id": feed.id, "userId": USER_ID, "sellerId": self.config.seller_id, "status": feed.status,
            "action": ACTION, "createdAt": clock::with_offset(feed.created_at),
            "updatedAt": clock::with_offset(feed.updated_at), "source": "API",
            "requestedFormats": [], "downloadLinks": [], "totalRecords": feed.rows.len(),
            "processedRecords": feed.done, "failedRecords": feed.errors.len(),
            "failureReportExportItemid": report,
        })
    }
}

/// `POST /v2/import/product-stock-update-xml`. Failures are answered with 200 and another root element.
pub(super) fn stock_xml(state: &mut State, call: &Call) -> Answer {
    let kind = call.content_type();
    if kind != "text/xml" {
        return Err(Refusal::Problem {
            status: 400,
            title: "Bad Request".to_owned(),
            detail: format!("The content type `{kind}` is not supported, send text/xml"),
        });
    }
    let raw = String::from_utf8_lossy(&call.body).into_owned();
    let root = match xml::parse(&raw) {
        Ok(root) if root.name == "Request" => root,
        Ok(root) => {
            let text = format!("Invalid Request Format: the root is `{}`", root.name);
            return failure(state, call, 5, &text, &[]);
        }
        Err(error) => {
            return failure(
                state,
                call,
                5,
                &format!("Invalid Request Format: {error}"),
                &[],
            );
        }
    };
    let mut rows = Vec::new();
    let mut details = Vec::new();
    let mut warnings = Vec::new();
    for product in root.children.iter().filter(|c| c.name == "Product") {
        let sku = product.child_text("SellerSku").unwrap_or_default();
        let quantity = product.child_text("Quantity").unwrap_or_default();
        if sku.is_empty() {
            details.push((
                "SellerSku",
                "must not be empty",
                String::new(),
                String::new(),
            ));
        }
        if quantity.parse::<i64>().is_err() {
            details.push((
                "Quantity",
                "not a number",
                quantity.to_owned(),
                sku.to_owned(),
            ));
        }
        for other in &product.children {
            if other.name != "SellerSku" && other.name != "Quantity" {
                warnings.push(json!({
                    "itemId": Uuid::new_v4(), "message": "Unknown field", "fieldName": other.name, "sellerSku": sku,
                }));
            }
        }
        rows.push((sku.to_owned(), quantity.to_owned()));
    }
    if rows.is_empty() {
        return failure(state, call, 30, "Empty Request", &[]);
    }
    if !details.is_empty() {
        return failure(state, call, 1, "Some fields are invalid", &details);
    }
    let open = |status: &str| status == "Queued" || status == "Processing";
    if let Some(same) = state
        .feeds
        .values()
        .find(|f| open(f.status) && f.raw == raw)
    {
        let text = format!("The same document is still in feed {}", same.uuid);
        return failure(state, call, 1000, &text, &[]);
    }
    if !state.allow_rows(rows.len() as u64) {
        return failure(state, call, 429, "The day's import rows are used up", &[]);
    }
    let now = state.now();
    let id = state.next_id("feed", FIRST_FEED);
    let uuid = Uuid::new_v4();
    let mut warned = String::new();
    for warning in &warnings {
        let _ = write!(
            warned,
            "<WarningDetail><Field>{}</Field><Message>Unknown field</Message><Value></Value></WarningDetail>",
            xml::escape(warning["fieldName"].as_str().unwrap_or_default())
        );
    }
    state.feeds.insert(
        id,
        Feed {
            id,
            uuid,
            status: "Queued",
            rows,
            raw,
            errors: Vec::new(),
            warnings,
            done: 0,
            created_at: now,
            updated_at: now,
        },
    );
    state.later(state.switches.feed_delay_ms / 2, Due::FeedStarts(id));
    Ok(Reply::Xml(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<SuccessResponse><Head><RequestId>{uuid}</RequestId>\
         <RequestAction>{ACTION}</RequestAction><ResponseType></ResponseType><Timestamp>{}</Timestamp></Head>\
         <Body>{warned}</Body></SuccessResponse>",
        clock::central_european(now)
    )))
}

/// Field, message, value, SKU.
type Detail = (&'static str, &'static str, String, String);

fn failure(state: &mut State, call: &Call, code: u16, text: &str, details: &[Detail]) -> Answer {
    state.mistake(format!("{} {}: E{code:03} {text}", call.method, call.path));
    let mut body = String::new();
    for (field, message, value, sku) in details {
        let _ = write!(
            body,
            "<ErrorDetail><Field>{field}</Field><Message>{message}</Message><Value>{}</Value>\
             <SellerSku>{}</SellerSku></ErrorDetail>",
            xml::escape(value),
            xml::escape(sku)
        );
    }
    let kind = if code < 1000 { "Sender" } else { "Platform" };
    Ok(Reply::Xml(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse><Head><RequestAction>{ACTION}</RequestAction>\
         <ErrorType>{kind}</ErrorType><ErrorCode>{code}</ErrorCode><ErrorMessage>E{code:03}: {}</ErrorMessage></Head>\
         <Body>{body}</Body></ErrorResponse>",
        xml::escape(text)
    )))
}

/// `GET /v2/feeds`.
pub(super) fn feeds(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["limit", "offset"]);
    let page = call.page(state, FEED_PAGE_MAX, Tolerance::Refused)?;
    let rows = state.feeds.values().skip(page.offset).take(page.limit);
    let rows = rows.map(|f| state.feed_row(f)).collect();
    Reply::ok(wrapped(rows, page, state.feeds.len()))
}

/// `GET /v2/feeds/count`.
pub(super) fn feed_count(state: &mut State, _: &Call) -> Answer {
    let count = |status: &str| state.feeds.values().filter(|f| f.status == status).count();
    Reply::ok(json!({
        "total": state.feeds.len(), "queued": count("Queued"), "processing": count("Processing"),
        "finished": count("Finished"), "canceled": count("Canceled"),
    }))
}

/// `GET /v2/feed/{feed}/status`.
pub(super) fn feed_status(state: &mut State, call: &Call) -> Answer {
    let feed = state.feed(call)?;
    let known = feed.status == "Finished";
    let listed = |rows: &[Value]| if known { rows.to_vec() } else { Vec::new() };
    Reply::ok(json!({
        "id": feed.uuid, "action": ACTION, "status": feed.status,
        "errors": listed(&feed.errors), "warnings": listed(&feed.warnings),
    }))
}

/// `DELETE /v2/feed/{feed}`: only what still waits can be canceled.
pub(super) fn feed_cancel(state: &mut State, call: &Call) -> Answer {
    let now = state.now();
    let id = state.feed(call)?.id;
    match state.feeds.get_mut(&id).filter(|f| f.status == "Queued") {
        Some(feed) => {
            feed.status = "Canceled";
            feed.updated_at = now;
            Ok(Reply::Empty(204))
        }
        None => Err(Refusal::missing("An unprocessed feed with this id")),
    }
}

/// `GET /v2/feed/raw-input?feedUuidList[]=`.
pub(super) fn feed_raw(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["feedUuidList[]"]);
    let wanted = call.many("feedUuidList");
    let rows = state
        .feeds
        .values()
        .filter(|f| wanted.contains(&f.uuid.to_string().as_str()));
    Reply::ok(
        rows.map(|f| json!({"feedUuid": f.uuid, "rawInput": f.raw}))
            .collect(),
    )
}
