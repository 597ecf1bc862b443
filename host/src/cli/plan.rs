//! `lockstep plan` and `lockstep approve`: see what would be done, and allow it.

use clap::Args;

use super::output::{Spinner, count, print_rows};
use super::{ATTENTION, Env, FINE, channels};
use crate::actions;
use crate::cycle::{Mode, Report};
use crate::db::{self, Mismatch, Store};
use crate::model::{Actor, Key};
use crate::schedule;

#[derive(Args)]
pub(super) struct PlanArgs {
    /// SHOP/CHANNEL; all channels otherwise.
    key: Option<Key>,
    /// Show every row, not only the first ones.
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
pub(super) struct ApproveArgs {
    /// SHOP/CHANNEL.
    key: Key,
}

/// Rows of each table without `--all`.
const FIRST: usize = 15;

pub(super) async fn plan(args: PlanArgs, env: &Env) -> anyhow::Result<u8> {
    let mut host = match env.worker() {
        Ok(host) => host,
        Err(e) if matches!(e.downcast_ref::<db::Error>(), Some(db::Error::InUse(_))) => {
            return stored(args.key.as_ref(), env).await;
        }
        Err(e) => return Err(e),
    };
    let limit = if args.all { usize::MAX } else { FIRST };
    let mut json = Vec::new();
    let mut code = FINE;
    for row in channels(&host, args.key.as_ref()).await? {
        let key = row.key.clone();
        let spinner = Spinner::of(&mut host);
        let end = schedule::run_once(&host, row, Mode::Plan).await?;
        drop(spinner);
        let mismatches = mismatches(&host.store, &key).await?;
        if let Some(stop) = &end.stop {
            code = ATTENTION;
            eprintln!("{key}: the plan is not complete: {stop}");
        }
        if env.json {
            json.push(serde_json::json!({
                "channel": key.to_string(),
                "complete": end.stop.is_none(),
                "plan": end.report,
                "mismatches": mismatches,
            }));
        } else {
            show(&key, &end.report, &mismatches, limit);
        }
    }
    if env.json {
        println!("{}", serde_json::to_string_pretty(&json)?);
    }
    Ok(code)
}

async fn mismatches(store: &Store, key: &Key) -> anyhow::Result<Vec<Mismatch>> {
    let key = key.clone();
    Ok(store.read(move |tx| tx.mismatches(&key)).await?)
}

/// Beside a working host: what it wants approved, without reading anything anew.
async fn stored(one: Option<&Key>, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let mut json = Vec::new();
    for row in channels(&host, one).await? {
        let key = row.key.clone();
        let plan = {
            let key = key.clone();
            host.store.read(move |tx| tx.plan(&key)).await?
        };
        match plan {
            None if env.json => {
                json.push(serde_json::json!({"channel": key.to_string(), "plan": null}))
            }
            None => println!("{key}: the running host works it; nothing waits for approval."),
            Some((why, _, body)) => {
                let body: serde_json::Value = serde_json::from_str(&body)?;
                if env.json {
                    json.push(
                        serde_json::json!({"channel": key.to_string(), "why": why, "plan": body}),
                    );
                } else {
                    println!("{key}: waits for approval: {why}.");
                    let changes = body["to_push"].as_array().cloned().unwrap_or_default();
                    let text = |v: &serde_json::Value| match v {
                        serde_json::Value::Null => "?".to_owned(),
                        serde_json::Value::String(s) => s.clone(),
                        other => other.to_string(),
                    };
                    let rows: Vec<Vec<String>> = changes
                        .iter()
                        .map(|c| vec![text(&c["sku"]), text(&c["from"]), text(&c["to"])])
                        .collect();
                    print_rows(&["SKU", "at the channel", "would become"], &rows, FIRST);
                    println!("Allow it with `lockstep approve {key}`.");
                }
            }
        }
    }
    if env.json {
        println!("{}", serde_json::to_string_pretty(&json)?);
    }
    Ok(FINE)
}

/// Prints what a cycle would do.
pub(super) fn show(key: &Key, report: &Report, mismatches: &[Mismatch], limit: usize) {
    println!(
        "\n{key}: {} linked, {} not in step",
        count(report.links, "SKU"),
        report.mismatches
    );
    let pairs = |rows: &[(String, String)]| {
        rows.iter()
            .map(|(a, b)| vec![a.clone(), b.clone()])
            .collect::<Vec<_>>()
    };
    section(
        "Orders to be created in Shopify",
        &["order", "lines"],
        &pairs(&report.orders_to_create),
        limit,
    );
    section(
        "Orders that wait",
        &["order", "why"],
        &pairs(&report.orders_waiting),
        limit,
    );
    section(
        "Parcels to be told to the channel",
        &["order", "carrier and code"],
        &pairs(&report.parcels_to_tell),
        limit,
    );
    section(
        "Cancellations to be carried over",
        &["order", "units"],
        &pairs(&report.to_cancel),
        limit,
    );
    let stock: Vec<Vec<String>> = report
        .to_push
        .iter()
        .map(|c| {
            vec![
                c.sku.clone(),
                c.from.map_or("?".into(), |f| f.to_string()),
                c.to.to_string(),
                format!(
                    "{} available - {} unseen - {} buffer + {} reserved there",
                    c.available, c.unseen, c.buffer, c.reserved
                ),
            ]
        })
        .collect();
    section(
        "Stock to be written",
        &["SKU", "at the channel", "would become", "because"],
        &stock,
        limit,
    );
    let rows: Vec<Vec<String>> = mismatches
        .iter()
        .map(|m| vec![m.sku.clone(), m.kind.to_string(), m.detail.clone()])
        .collect();
    section(
        "SKUs that are not in step",
        &["SKU", "kind", "what to do"],
        &rows,
        limit,
    );
    let problems: Vec<Vec<String>> = report.problems.iter().map(|p| vec![p.clone()]).collect();
    section("Problems", &["problem"], &problems, limit);
    match &report.awaits_approval {
        Some(why) => {
            println!("\nNothing was changed: {why}. Allow it with `lockstep approve {key}`.")
        }
        None => println!("\nNothing was changed."),
    }
}

fn section(title: &str, header: &[&str], rows: &[Vec<String>], limit: usize) {
    if !rows.is_empty() {
        println!("\n{title}: {}", rows.len());
        print_rows(header, rows, limit);
    }
}

pub(super) async fn approve(args: ApproveArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let why = actions::plan::approve(&host, &args.key, &Actor::command()).await?;
    env.done(&format!("Approved {}: {why}.", args.key));
    Ok(FINE)
}
