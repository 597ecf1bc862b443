//! The whole catalog of offers, made ready behind a ticket.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Call, expect_members, text};
use super::form;
use super::reply::{Answer, Refusal, Reply, amount};
use super::state::{Due, Offer, State, stamp};

/// Rows and megabytes a file may have.
const ROWS: (i64, i64) = (10_000, 1_000_000);
const MEGABYTES: (i64, i64) = (10, 1_000);

/// What a call may ask for. Filters are taken and change nothing here: there is one channel and one zone.
const MEMBERS: [&str; 10] = [
    "export_type",
    "last_request_date",
    "include_inactive_offers",
    "include_fields",
    "rename_fields",
    "items_per_chunk",
    "megabytes_per_chunk",
    "channel_codes",
    "shipping_zones",
    "ongoing_discount_campaign_identifiers",
];

/// One export.
pub(super) struct Export {
    id: String,
    body: Value,
    csv: bool,
    since: Option<Timestamp>,
    with_inactive: bool,
    rows_per_file: usize,
    /// What is in it; taken when it is made ready.
    files: Vec<String>,
    ready: bool,
    updated_at: Timestamp,
}

/// Columns of the file with separators.
const COLUMNS: [&str; 7] = [
    "offer-id",
    "shop-sku",
    "product-sku",
    "quantity",
    "active",
    "deleted",
    "last-updated",
];

impl State {
    fn export_row(&self, offer: &Offer) -> Value {
        let switches = &self.switches;
        let warehouses: Vec<Value> = offer
            .warehouses
            .iter()
            .map(|(code, n)| json!({"code": code, "quantity": n}))
            .collect();
        let mut row = json!({
            "offer_id": offer.id, "shop_id": self.config.shop_id, "shop_sku": offer.sku,
            "product_sku": offer.product_sku, "quantity": offer.quantity,
            "active": !offer.deleted && offer.inactivity(switches).is_empty(),
            "deleted": offer.deleted, "date_created": stamp(offer.created_at),
            "last_updated": stamp(offer.updated_at),
            "prices": [{"origin_price": amount(offer.price, switches)}],
            "currency_iso_code": self.config.currency, "state_code": offer.state_code,
            "leadtime_to_ship": offer.leadtime_to_ship,
            "fulfillment": {"center": {"code": offer.center}},
            "min_order_quantity": offer.min_order_quantity,
            "max_order_quantity": offer.max_order_quantity,
            "package_quantity": offer.package_quantity, "channels": ["AU"],
            "offer_additional_fields": [],
        });
        if !warehouses.is_empty() {
            row["warehouses"] = json!(warehouses);
        }
        self.spice(row)
    }

    /// Writes the files of an export, as the offers stand now.
    pub(super) fn end_export(&mut self, index: usize) {
        let now = self.now();
        let Some(export) = self.exports.get(index).filter(|e| !e.ready) else {
            return;
        };
        let chosen: Vec<&Offer> = self
            .offers
            .values()
            .filter(|o| match export.since {
                Some(since) => o.updated_at >= since,
                None => {
                    let active = o.inactivity(&self.switches).is_empty();
                    !o.deleted && (active || export.with_inactive)
                }
            })
            .collect();
        // An empty export still has a file.
        let chunks: Vec<&[&Offer]> = match chosen.is_empty() {
            true => vec![&[]],
            false => chosen.chunks(export.rows_per_file).collect(),
        };
        let files = chunks
            .into_iter()
            .map(|offers| match export.csv {
                false => {
                    Value::Array(offers.iter().map(|o| self.export_row(o)).collect()).to_string()
                }
                true => {
                    let mut file = form::line(COLUMNS);
                    for o in offers {
                        let active = !o.deleted && o.inactivity(&self.switches).is_empty();
                        let fields = [
                            o.id.to_string(),
                            o.sku.clone(),
                            o.product_sku.clone(),
                            o.quantity.to_string(),
                            active.to_string(),
                            o.deleted.to_string(),
                            stamp(o.updated_at),
                        ];
                        file.push_str(&form::line(fields.iter().map(String::as_str)));
                    }
                    file
                }
            })
            .collect();
        if let Some(export) = self.exports.get_mut(index) {
            export.files = files;
            export.ready = true;
            export.updated_at = now;
        }
    }
}

/// `POST /api/offers/export/async`.
pub(super) fn start(state: &mut State, call: &Call) -> Answer {
    let body = call.json()?;
    expect_members(state, call, &body, &MEMBERS);
    let csv = match text(&body, "export_type")? {
        None | Some("text/csv") => true,
        Some("application/json") => false,
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "export_type: `{other}` is no type"
            )));
        }
    };
    let since = match text(&body, "last_request_date")? {
        None => None,
        Some(text) => Some(text.parse::<Timestamp>().map_err(|_| {
            Refusal::invalid(format!(
                "last_request_date: `{text}` is no time with a zone"
            ))
        })?),
    };
    let with_inactive = match &body["include_inactive_offers"] {
        Value::Null => None,
        Value::Bool(flag) => Some(*flag),
        _ => {
            return Err(Refusal::invalid(
                "include_inactive_offers must be a boolean",
            ));
        }
    };
    if since.is_some() && with_inactive.is_some() {
        return Err(Refusal::invalid(
            "include_inactive_offers cannot be given with last_request_date",
        ));
    }
    let within = |name: &str, (least, most): (i64, i64), absent: i64| match &body[name] {
        Value::Null => Ok(absent),
        value => value
            .as_i64()
            .filter(|n| (least..=most).contains(n))
            .ok_or_else(|| Refusal::invalid(format!("{name} must be {least} to {most}"))),
    };
    let rows = within("items_per_chunk", ROWS, 100_000)?;
    within("megabytes_per_chunk", MEGABYTES, 100)?;
    if let Some(same) = state.exports.iter().find(|e| !e.ready && e.body == body) {
        return Reply::ok(json!({"tracking_id": same.id}));
    }
    let id = Uuid::new_v4().to_string();
    let updated_at = state.now();
    state.exports.push(Export {
        id: id.clone(),
        body,
        csv,
        since,
        with_inactive: with_inactive.unwrap_or(false),
        rows_per_file: usize::try_from(rows).unwrap_or(100_000),
        files: Vec::new(),
        ready: false,
        updated_at,
    });
    let index = state.exports.len() - 1;
    state.later(state.switches.export_delay_ms, Due::ExportEnds(index));
    Reply::ok(json!({"tracking_id": id}))
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Export, Refusal> {
    let found = state.exports.iter().find(|e| e.id == id);
    found.ok_or_else(|| Refusal::missing(format!("Export {id}")))
}

/// `GET /api/offers/export/async/status/{export}`.
pub(super) fn status(state: &mut State, call: &Call) -> Answer {
    let export = find(state, call.param("export"))?;
    let mut body = json!({"status": "PENDING", "last_updated": stamp(export.updated_at)});
    if export.ready {
        body["status"] = json!("COMPLETED");
        let urls = (0..export.files.len()).map(|n| {
            format!(
                "{}/api/offers/export/async/file/{}/{n}",
                state.url, export.id
            )
        });
        body["urls"] = urls.collect();
    }
    Reply::ok(body)
}

/// One file of an export, at an address that the status gives.
pub(super) fn file(state: &mut State, call: &Call) -> Answer {
    let export = find(state, call.param("export"))?;
    let number = call.param("number");
    let file = number.parse().ok().and_then(|n: usize| export.files.get(n));
    let file = file.ok_or_else(|| Refusal::missing(format!("File {number}")))?;
    match export.csv {
        true => Reply::csv(file.clone()),
        false => Reply::ok(serde_json::from_str(file).unwrap_or_default()),
    }
}
