//! Files of stock and offers: taken at once, worked on one after the other, told line by line only where they failed.

use axum::http::header;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Call, elements, required, text};
use super::form;
use super::import_rows::Failed;
use super::reply::{Answer, Refusal, Reply};
use super::state::{Due, State, millis, stamp};
use super::switches::ImportEnd;
use super::views::ImportView;

const FIRST_IMPORT: u64 = 20_431;

const STOCK_PATH: &str = "/api/offers/stock/imports";

/// The columns of a stock file.
pub(super) const STOCK_COLUMNS: [&str; 4] =
    ["offer-sku", "quantity", "warehouse-code", "update-delete"];

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Waiting,
    Running,
    Complete,
    Failed,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Running => "RUNNING",
            Self::Complete => "COMPLETE",
            Self::Failed => "FAILED",
        }
    }

    /// The word an answer has for it.
    fn told(self, state: &State) -> &'static str {
        match self {
            Self::Waiting if state.switches.unknown_enum_values => "QUEUED",
            other => other.as_str(),
        }
    }

    fn ended(self) -> bool {
        matches!(self, Self::Complete | Self::Failed)
    }
}

/// What an import brings.
#[derive(Clone)]
enum Load {
    /// A stock file; none when it could not be read.
    Stock(Option<Vec<Vec<String>>>),
    /// A file of offers: header and rows. With `replace`, what is not in it goes.
    Offers {
        columns: Vec<String>,
        rows: Option<Vec<Vec<String>>>,
        replace: bool,
    },
    /// Offers in JSON.
    Objects(Vec<Value>),
}

impl Load {
    fn of_stock(&self) -> bool {
        matches!(self, Self::Stock(_))
    }
}

/// One import.
pub(super) struct Import {
    pub(super) id: String,
    load: Load,
    raw: Vec<u8>,
    status: Status,
    created_at: Timestamp,
    ends_at: Timestamp,
    applied: usize,
    /// Index of the row, reason, and the row as it was sent.
    errors: Vec<(usize, String, Vec<String>)>,
    pub(super) inserted: usize,
    pub(super) updated: usize,
    pub(super) deleted: usize,
}

impl Import {
    pub(super) fn view(&self) -> ImportView {
        ImportView {
            id: self.id.clone(),
            status: self.status.as_str().to_owned(),
            lines_in_success: self.applied,
            errors: self
                .errors
                .iter()
                .map(|(index, why, _)| (index + 1, why.clone()))
                .collect(),
        }
    }
}

impl State {
    fn queue_import(&mut self, id: String, load: Load, raw: Vec<u8>) {
        let now = self.now();
        let open = self.imports.iter().filter(|i| !i.status.ended());
        let starts_at = open.map(|i| i.ends_at).max().unwrap_or(now).max(now);
        let ends_at = starts_at + millis(self.switches.import_delay_ms);
        let index = self.imports.len();
        self.imports.push(Import {
            id,
            load,
            raw,
            status: Status::Waiting,
            created_at: now,
            ends_at,
            applied: 0,
            errors: Vec::new(),
            inserted: 0,
            updated: 0,
            deleted: 0,
        });
        self.at(starts_at, Due::ImportStarts(index));
        self.at(ends_at, Due::ImportEnds(index));
    }

    pub(super) fn start_import(&mut self, index: usize) {
        if let Some(import) = self.imports.get_mut(index)
            && import.status == Status::Waiting
        {
            import.status = Status::Running;
        }
    }

    pub(super) fn end_import(&mut self, index: usize) {
        let end = self.switches.import_end;
        if end != ImportEnd::Stuck {
            self.finish_import(index, end);
        }
    }

    /// Ends every import that is open, in the order in which they came; returns how many.
    pub(super) fn settle_imports(&mut self) -> usize {
        let open: Vec<usize> = (0..self.imports.len())
            .filter(|i| !self.imports[*i].status.ended())
            .collect();
        for &index in &open {
            let end = match self.switches.import_end {
                ImportEnd::Stuck => ImportEnd::Complete,
                other => other,
            };
            self.finish_import(index, end);
        }
        open.len()
    }

    fn finish_import(&mut self, index: usize, end: ImportEnd) {
        let Some(import) = self.imports.get(index).filter(|i| !i.status.ended()) else {
            return;
        };
        let load = import.load.clone();
        let readable = match &load {
            Load::Stock(rows) => rows.is_some(),
            Load::Offers { rows, .. } => rows.is_some(),
            Load::Objects(_) => true,
        };
        if readable && end != ImportEnd::Failed {
            match load {
                Load::Stock(rows) => self.apply_stock(index, rows.unwrap_or_default()),
                Load::Offers {
                    columns,
                    rows,
                    replace,
                } => self.apply_offers(index, &columns, rows.unwrap_or_default(), replace),
                Load::Objects(offers) => self.apply_objects(index, &offers),
            }
        }
        if let Some(import) = self.imports.get_mut(index) {
            import.status = match readable && end == ImportEnd::Complete {
                true => Status::Complete,
                false => Status::Failed,
            };
        }
    }

    /// Notes what became of a row.
    pub(super) fn note_row(
        &mut self,
        index: usize,
        row: usize,
        fields: &[String],
        result: Result<(), Failed>,
    ) {
        let Err((why, foreseeable)) = result else {
            self.imports[index].applied += 1;
            return;
        };
        let id = self.imports[index].id.clone();
        let text = format!("import {id}, row {}: {why}", row + 1);
        match foreseeable {
            true => self.mistake(text),
            false => self.conflict(text),
        }
        self.imports[index].errors.push((row, why, fields.to_vec()));
    }
}

/// The file of an upload.
fn upload(call: &Call) -> Result<(String, Vec<form::Part>), Refusal> {
    let parts = call.form()?;
    let file = parts
        .iter()
        .find(|p| p.name == "file")
        .ok_or_else(|| Refusal::invalid("the part `file` is missing"))?;
    if file.filename.is_none() {
        return Err(Refusal::invalid("the part `file` has no file name"));
    }
    let text = file.text()?.to_owned();
    Ok((text, parts))
}

/// `POST /api/offers/stock/imports`.
pub(super) fn stock(state: &mut State, call: &Call) -> Answer {
    if !state.switches.stock_imports {
        return Err(Refusal::missing("The call"));
    }
    call.expect(state, &[]);
    let (text, _) = upload(call)?;
    let lenient = state.switches.lenient_files;
    let separator = match text.lines().next() {
        Some(first) if lenient && !first.contains(';') => ',',
        _ => ';',
    };
    let read = form::rows(&text, separator).and_then(|rows| stock_rows(rows, lenient));
    if let Err(why) = &read {
        state.mistake(format!(
            "POST {STOCK_PATH}: the file is not understood: {why}"
        ));
    }
    let raw = text.into_bytes();
    if state.switches.same_import_reused
        && let Some(same) = state
            .imports
            .iter()
            .find(|i| i.load.of_stock() && !i.status.ended() && i.raw == raw)
    {
        return Reply::created(json!({"import_id": same.id}));
    }
    let id = Uuid::new_v4().to_string();
    state.queue_import(id.clone(), Load::Stock(read.ok()), raw);
    let location = format!("{}{STOCK_PATH}/{id}/status", state.url);
    Ok(Reply::created(json!({"import_id": id}))?.with(header::LOCATION, location))
}

/// The rows below the header, in the order of the known columns.
fn stock_rows(rows: Vec<Vec<String>>, lenient: bool) -> Result<Vec<Vec<String>>, String> {
    let mut rows = rows.into_iter();
    let header = rows.next().ok_or("it is empty")?;
    let place = |name: &str| header.iter().position(|h| h == name);
    let Some(sku) = place("offer-sku").or_else(|| place("sku").filter(|_| lenient)) else {
        return Err("the column `offer-sku` is missing".to_owned());
    };
    let Some(quantity) = place("quantity") else {
        return Err("the column `quantity` is missing".to_owned());
    };
    let known = |h: &String| STOCK_COLUMNS.contains(&h.as_str()) || (lenient && h == "sku");
    if let Some(other) = header.iter().find(|h| !known(h)) {
        return Err(format!("the column `{other}` is unknown"));
    }
    let optional = [place("warehouse-code"), place("update-delete")];
    let rows: Vec<Vec<String>> = rows
        .map(|row| {
            if row.len() != header.len() {
                return row;
            }
            let field = |n: usize| row.get(n).cloned().unwrap_or_default();
            let rest = optional.iter().map(|n| n.map(field).unwrap_or_default());
            [field(sku), field(quantity)]
                .into_iter()
                .chain(rest)
                .collect()
        })
        .collect();
    match rows.is_empty() {
        true => Err("it has no rows".to_owned()),
        false => Ok(rows),
    }
}

fn find<'a>(state: &'a State, id: &str, of_stock: bool) -> Result<&'a Import, Refusal> {
    let mut imports = state.imports.iter();
    let found = imports.find(|i| i.id == id && i.load.of_stock() == of_stock);
    found.ok_or_else(|| Refusal::missing(format!("Import {id}")))
}

/// `GET /api/offers/stock/imports/{import}/status`.
pub(super) fn stock_status(state: &mut State, call: &Call) -> Answer {
    let import = find(state, call.param("import"), true)?;
    let mut body = json!({
        "import_id": import.id, "shop_id": state.config.shop_id,
        "date_created": stamp(import.created_at), "status": import.status.told(state),
        "has_error_report": !import.errors.is_empty(),
    });
    if import.status == Status::Complete {
        body["lines_in_success"] = json!(import.applied);
        body["lines_in_error"] = json!(import.errors.len());
    }
    Reply::ok(state.spice(body))
}

/// `GET /api/offers/stock/imports/{import}/error_report`.
pub(super) fn stock_report(state: &mut State, call: &Call) -> Answer {
    let import = find(state, call.param("import"), true)?;
    report(state, import, &STOCK_COLUMNS)
}

fn report(state: &State, import: &Import, columns: &[&str]) -> Answer {
    if import.errors.is_empty() || !import.status.ended() {
        return Err(Refusal::missing("The error report"));
    }
    let first = 1 + usize::from(state.switches.report_counts_header);
    let head = ["line-number", "error-message"];
    let mut text = form::line(head.into_iter().chain(columns.iter().copied()));
    for (index, why, fields) in &import.errors {
        let number = (index + first).to_string();
        let start = [number.as_str(), why.as_str()].into_iter();
        text.push_str(&form::line(start.chain(fields.iter().map(String::as_str))));
    }
    Reply::csv(text)
}

/// `POST /api/offers/imports`.
pub(super) fn offers(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let (text, parts) = upload(call)?;
    let part = |name: &str| parts.iter().find(|p| p.name == name);
    let mode = part("import_mode").map(|p| p.text()).transpose()?;
    let replace = match mode {
        Some("NORMAL") => false,
        Some("REPLACE") => true,
        Some("PARTIAL_UPDATE") => {
            state.mistake("POST /api/offers/imports: the mode PARTIAL_UPDATE is deprecated".into());
            false
        }
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "import_mode: `{other}` is no mode"
            )));
        }
        None => return Err(Refusal::invalid("import_mode is required")),
    };
    let mut columns = Vec::new();
    let read = form::rows(&text, ';').and_then(|rows| {
        let mut rows = rows.into_iter();
        columns = rows.next().ok_or("it is empty")?;
        match columns.iter().any(|c| c == "sku") {
            true => Ok(rows.collect()),
            false => Err("the column `sku` is missing".to_owned()),
        }
    });
    if let Err(why) = &read {
        state.mistake(format!(
            "POST /api/offers/imports: the file is not understood: {why}"
        ));
    }
    let id = state.next_id("import", FIRST_IMPORT);
    let load = Load::Offers {
        columns,
        rows: read.ok(),
        replace,
    };
    state.queue_import(id.to_string(), load, text.into_bytes());
    Reply::created(json!({"import_id": id}))
}

/// `POST /api/offers`.
pub(super) fn objects(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let body = call.json()?;
    let given = elements(&body, "offers", 100)?;
    for offer in given {
        for name in ["shop_sku", "product_id", "product_id_type", "state_code"] {
            required(offer, name)?;
        }
        if offer["price"].is_null() {
            return Err(Refusal::invalid("price is required"));
        }
        text(offer, "logistic_class")?;
        match text(offer, "update_delete")? {
            Some("" | "update" | "delete") => {}
            _ => return Err(Refusal::invalid("update_delete is required")),
        }
    }
    let raw = body.to_string().into_bytes();
    let running = state
        .imports
        .iter()
        .find(|i| matches!(i.load, Load::Objects(_)) && !i.status.ended() && i.raw == raw);
    if let Some(same) = running {
        let id: u64 = same.id.parse().unwrap_or_default();
        return Reply::created(json!({"import_id": id}));
    }
    let id = state.next_id("import", FIRST_IMPORT);
    state.queue_import(id.to_string(), Load::Objects(given.to_vec()), raw);
    Reply::created(json!({"import_id": id}))
}

/// `GET /api/offers/imports/{import}`.
pub(super) fn offers_status(state: &mut State, call: &Call) -> Answer {
    let import = find(state, call.param("import"), false)?;
    let id: u64 = import.id.parse().unwrap_or_default();
    let total = match &import.load {
        Load::Objects(offers) => offers.len(),
        Load::Offers { rows, .. } | Load::Stock(rows) => rows.as_ref().map_or(0, Vec::len),
    };
    let pending = match import.status.ended() {
        true => 0,
        false => total,
    };
    Reply::ok(state.spice(json!({
        "import_id": id, "shop_id": state.config.shop_id,
        "date_created": stamp(import.created_at), "status": import.status.told(state),
        "lines_read": total, "lines_in_success": import.applied,
        "lines_in_error": import.errors.len(), "lines_in_pending": pending,
        "offer_inserted": import.inserted, "offer_updated": import.updated,
        "offer_deleted": import.deleted, "has_error_report": !import.errors.is_empty(),
        "reason_status": null,
    })))
}

/// `GET /api/offers/imports/{import}/error_report`.
pub(super) fn offers_report(state: &mut State, call: &Call) -> Answer {
    let import = find(state, call.param("import"), false)?;
    let columns: Vec<&str> = match &import.load {
        Load::Offers { columns, .. } => columns.iter().map(String::as_str).collect(),
        _ => vec!["shop_sku"],
    };
    report(state, import, &columns)
}
