//! A connector at a real account: read, shown as tables, and kept on a tape where that is asked for.

use std::collections::BTreeMap;

use anyhow::Context;
use lockstep_kit::Tape;
use serde_json::Value;
use url::Url;

use super::{TryArgs, component};
use crate::cli::output::print_rows;
use crate::cli::secret;
use crate::cli::{ATTENTION, Env, FINE, UNREACHABLE};
use crate::conformance::{Call, Recorder};
use crate::model::{Fault, Instant, Key, StockWrite};
use crate::net::{Client, ClientOptions};
use crate::plugin::{Connector, ConnectorConfig, Credential, Runtime};

/// Rows of a table.
const ROWS: usize = 20;
/// Orders of so many days are read.
const DAYS: i64 = 30;
/// Listings whose number is written again with `--write`.
const WRITTEN: usize = 3;

struct Account {
    connector: Connector,
    recorder: std::sync::Arc<Recorder>,
    tape: Tape,
    /// The worst that came.
    code: u8,
    quiet: bool,
}

impl Account {
    /// Makes a call, says what came of it, and records it. None when it failed.
    async fn call(&mut self, call: Call) -> Option<Value> {
        let told = call.run(&self.connector).await;
        let reel = self.recorder.take();
        if !self.quiet {
            println!(
                "\n{}: {} ({} requests)",
                call.name(),
                told.shown(),
                reel.exchanges.len()
            );
        }
        for why in &reel.refused {
            eprintln!("refused by the host: {why}");
        }
        let code = match &told.fault {
            None => FINE,
            Some(Fault::Unavailable { .. } | Fault::Throttled { .. }) => UNREACHABLE,
            Some(_) => ATTENTION,
        };
        self.code = self.code.max(code);
        self.tape.calls.push(lockstep_kit::Call {
            call: call.name().into(),
            input: call.input(),
            given: reel.given,
            exchanges: reel.exchanges,
            result: told.json.clone(),
        });
        told.json.get("ok").cloned()
    }

    /// Shows members of rows.
    fn show(&self, rows: &Value, members: &[&str]) {
        if self.quiet {
            return;
        }
        let rows: Vec<Vec<String>> = (rows.as_array().into_iter().flatten())
            .map(|row| members.iter().map(|m| cell(&row[*m])).collect())
            .collect();
        print_rows(members, &rows, ROWS);
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(rows) => format!("{} of them", rows.len()),
        Value::Object(money) if money.contains_key("amount") => {
            format!("{} {}", cell(&money["amount"]), cell(&money["currency"]))
        }
        other => other.to_string(),
    }
}

pub(super) async fn run(args: TryArgs, base_url: Url, env: &Env) -> anyhow::Result<u8> {
    let bytes = component(&args.what)?;
    let plugin = Runtime::new(None)?
        .load(&bytes)
        .context("the host does not load the component")?;
    let manifest = plugin.manifest().clone();
    let mut credentials = BTreeMap::new();
    if !manifest.credential.is_empty() {
        let secret = secret::read(
            args.secret_file.as_deref(),
            "LOCKSTEP_CHANNEL_SECRET",
            "secret of the marketplace account",
        )?;
        for slot in &manifest.credential {
            let credential = Credential {
                id: args.client_id.clone().map(Into::into),
                secret: secret.clone(),
            };
            credentials.insert(slot.slot.clone(), credential);
        }
    }
    let settings: BTreeMap<String, String> = args.settings.into_iter().collect();
    let own = manifest.endpoint.as_ref().map(|e| e.base_url.clone());
    let mut tape = Tape::new(
        &manifest.plugin.id,
        &manifest.plugin.version.to_string(),
        settings.clone(),
    );
    let same =
        own.is_some_and(|o| o.trim_end_matches('/') == base_url.as_str().trim_end_matches('/'));
    tape.base_url = (!same).then(|| base_url.to_string());
    let recorder = match args.write {
        true => Recorder::new(env.scrubber.clone()),
        false => Recorder::reading(env.scrubber.clone()),
    };
    let key = Key::new("try", &*manifest.plugin.id);
    let http = Client::new(ClientOptions {
        allow_local: args.allow_local,
    })?;
    let config = ConnectorConfig {
        settings,
        credentials,
        scrubber: env.scrubber.clone(),
        ..ConnectorConfig::new(key, base_url, http)
    };
    let connector = plugin.tapped(config, recorder.clone())?;
    let mut account = Account {
        connector,
        recorder,
        tape,
        code: FINE,
        quiet: env.json,
    };
    read(&mut account, &plugin, args.write).await;
    if let Some(file) = &args.record {
        let text = account.tape.to_text();
        std::fs::write(file, &text).with_context(|| file.display().to_string())?;
        if !env.json {
            println!(
                "\n{}: {} calls, {} KiB. Secrets are blanked; names and addresses of buyers are not: look through it before you pass it on.",
                file.display(),
                account.tape.calls.len(),
                text.len().div_ceil(1024)
            );
        }
    }
    if env.json {
        println!("{}", serde_json::to_string_pretty(&account.tape)?);
    }
    Ok(account.code)
}

async fn read(account: &mut Account, plugin: &crate::plugin::Plugin, write: bool) {
    let can = |capability: &str| plugin.capabilities().contains(&capability);
    if let Some(who) = account.call(Call::Identify).await {
        account.show(
            &Value::Array(vec![who]),
            &["id", "name", "currency", "native_state"],
        );
    }
    let mut listings = Value::Null;
    if can("listings") {
        let first = Call::ListingsPage {
            cursor: None,
            stock: true,
        };
        if let Some(page) = account.call(first).await {
            listings = page["listings"].clone();
            let members = [
                "id", "sku", "title", "state", "quantity", "reserved", "price",
            ];
            account.show(&listings, &members);
            if let Some(next) = page["next"].as_str() {
                let next = Call::ListingsPage {
                    cursor: Some(next.to_owned()),
                    stock: true,
                };
                account.call(next).await;
            }
        }
    }
    if can("orders") {
        let since = Instant::now() - jiff::SignedDuration::from_hours(24 * DAYS);
        let first = Call::OrdersChanged {
            since,
            cursor: None,
        };
        if let Some(page) = account.call(first).await {
            let members = [
                "id",
                "number",
                "native_state",
                "placed_at",
                "grand_total",
                "lines",
            ];
            account.show(&page["orders"], &members);
            if let Some(id) = page["orders"][0]["id"].as_str() {
                let ids = vec![id.to_owned()];
                account.call(Call::OrdersById { ids }).await;
            }
        }
    }
    if can("fulfillments")
        && let Some(carriers) = account.call(Call::Carriers).await
    {
        account.show(&carriers, &["code", "name", "tracking_required", "usable"]);
    }
    if can("cancellations")
        && let Some(reasons) = account.call(Call::Reasons).await
    {
        account.show(&reasons, &["code", "label", "kind", "usable"]);
    }
    if write && can("stock") {
        let rows = listings.as_array().into_iter().flatten();
        let levels: Vec<StockWrite> = rows
            .filter_map(|row| serde_json::from_value(row.clone()).ok())
            .filter_map(|l: crate::model::Listing| {
                Some(StockWrite {
                    quantity: l.quantity?,
                    listing: l.id,
                    parent: l.parent,
                    sku: l.sku,
                    facts: l.facts,
                })
            })
            .take(WRITTEN)
            .collect();
        if !levels.is_empty() {
            account.call(Call::Push { levels }).await;
        }
    }
}
