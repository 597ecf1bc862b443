//! `lockstep plan` and `lockstep approve`: see what would be done, and allow it.

use clap::Args;

use super::output::{Spinner, print_rows};
use super::{ATTENTION, Env, FINE, channels};
use crate::actions;
use crate::cycle::{Mode, Report};
use crate::db::{self, Mismatch, Store};
use crate::model::{Actor, Key};
use crate::schedule;
use crate::sync::counted;
use crate::view;

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
    let limit = if args.all { usize::MAX } else { FIRST };
    let mut host = match env.worker() {
        Ok(host) => host,
        Err(e) if matches!(e.downcast_ref::<db::Error>(), Some(db::Error::InUse(_))) => {
            return stored(args.key.as_ref(), limit, env).await;
        }
        Err(e) => return Err(e),
    };
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
async fn stored(one: Option<&Key>, limit: usize, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let mut plans = Vec::new();
    for row in channels(&host, one).await? {
        plans.push(view::plan(&host, &row.key).await?);
    }
    if env.json {
        println!("{}", serde_json::to_string_pretty(&plans)?);
        return Ok(FINE);
    }
    for plan in plans {
        let key = &plan.channel;
        let Some(why) = &plan.why else {
            println!("{key}: the running host works it; nothing waits for approval.");
            continue;
        };
        println!("\n{key} waits for approval: {why}");
        print_pairs(
            &[
                ("Orders to be created in Shopify", "lines", &plan.orders),
                ("Orders that wait", "why", &plan.waiting),
                (
                    "Parcels to be told to the channel",
                    "carrier and code",
                    &plan.parcels,
                ),
                (
                    "Cancellations to be carried over",
                    "units",
                    &plan.cancellations,
                ),
            ],
            limit,
        );
        let changes: Vec<Vec<String>> = (plan.stock.iter())
            .map(|c| change(&c.sku, c.from, c.to, c.because.clone()))
            .collect();
        if !changes.is_empty() {
            println!(
                "\nStock to be written: {}, {} of them to zero; what falls most comes first",
                plan.stock_total, plan.to_zero
            );
            print_rows(&CHANGE, &changes, limit);
        }
        let kinds: Vec<Vec<String>> = (plan.mismatches.iter())
            .map(|m| vec![m.kind.clone(), m.count.to_string(), m.meaning.to_owned()])
            .collect();
        section(
            "SKUs that are not in step, by kind",
            &["kind", "SKUs", "meaning"],
            &kinds,
            limit,
        );
        let problems: Vec<Vec<String>> = plan.problems.iter().map(|p| vec![p.clone()]).collect();
        section("Problems", &["problem"], &problems, limit);
        println!("\nNothing was changed. Allow it with `lockstep approve {key}`.");
    }
    Ok(FINE)
}

const CHANGE: [&str; 4] = ["SKU", "at the channel", "would become", "because"];

fn change(sku: &str, from: Option<u32>, to: u32, because: String) -> Vec<String> {
    vec![
        sku.to_owned(),
        from.map_or("?".into(), |f| f.to_string()),
        to.to_string(),
        because,
    ]
}

/// A table of orders: its title, its second column, its rows.
type Orders<'a> = (&'a str, &'a str, &'a [(String, String)]);

fn print_pairs(tables: &[Orders<'_>], limit: usize) {
    for (title, column, rows) in tables {
        let rows: Vec<Vec<String>> = (rows.iter())
            .map(|(a, b)| vec![a.clone(), b.clone()])
            .collect();
        section(title, &["order", column], &rows, limit);
    }
}

/// Prints what a cycle would do.
pub(super) fn show(key: &Key, report: &Report, mismatches: &[Mismatch], limit: usize) {
    println!(
        "\n{key}: {} linked, {} not in step",
        counted(report.links, "SKU"),
        report.mismatches
    );
    print_pairs(
        &[
            (
                "Orders to be created in Shopify",
                "lines",
                &report.orders_to_create,
            ),
            ("Orders that wait", "why", &report.orders_waiting),
            (
                "Parcels to be told to the channel",
                "carrier and code",
                &report.parcels_to_tell,
            ),
            (
                "Cancellations to be carried over",
                "units",
                &report.to_cancel,
            ),
        ],
        limit,
    );
    let stock: Vec<Vec<String>> = (report.to_push.iter())
        .map(|c| change(&c.sku, c.from, c.to, view::because(c)))
        .collect();
    section("Stock to be written", &CHANGE, &stock, limit);
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
