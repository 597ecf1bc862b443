//! `lockstep extra`: what edits a channel's orders and stock numbers on their way, in which order, and a preview of it.

use clap::{Args, Subcommand, ValueEnum};

use super::explain::find_order;
use super::output::print_rows;
use super::{ATTENTION, Env, FINE, Usage, channels};
use crate::actions::extra::{self, NewExtra};
use crate::cycle::extras::{edit_order, withhold};
use crate::cycle::orders::context_of;
use crate::db::{ChannelRow, OrderRow};
use crate::host::Host;
use crate::model::{Actor, Key, OnFailure};
use crate::sync::orders::{Decision, draft};
use crate::sync::stock::{sellable, target};
use crate::view::{self, Edited, Sign};

#[derive(Subcommand)]
pub(super) enum ExtraCommand {
    /// Add an extra to a channel, behind the others.
    Add(AddArgs),
    /// The extras of each channel, in the order in which they run.
    List {
        /// SHOP/CHANNEL; all channels otherwise.
        key: Option<Key>,
    },
    /// Change an extra's settings, or what happens when it fails.
    Set(SetArgs),
    /// Run an extra at another place.
    Move {
        /// SHOP/CHANNEL.
        key: Key,
        /// The extra's name.
        name: String,
        /// Its new place, 1 is the first.
        place: usize,
    },
    /// Take an extra away. What it did to orders that exist stays.
    Remove {
        /// SHOP/CHANNEL.
        key: Key,
        /// The extra's name.
        name: String,
    },
    /// Show what the extras make of an order, or of a SKU's number. Nothing is changed.
    Preview(PreviewArgs),
}

#[derive(Clone, Copy, ValueEnum)]
enum Failure {
    /// The order goes on without it; numbers are written without it.
    Skip,
    /// The order waits; of numbers only decreases are written.
    Hold,
}

impl From<Failure> for OnFailure {
    fn from(f: Failure) -> Self {
        match f {
            Failure::Skip => OnFailure::Skip,
            Failure::Hold => OnFailure::Hold,
        }
    }
}

#[derive(Args)]
pub(super) struct AddArgs {
    /// SHOP/CHANNEL.
    key: Key,
    /// The plugin's id.
    plugin: String,
    /// What to call it; the plugin's id otherwise.
    #[arg(long)]
    name: Option<String>,
    /// A setting of the plugin.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// What happens when it fails; orders go on, numbers only go down otherwise.
    #[arg(long, value_enum)]
    on_failure: Option<Failure>,
}

#[derive(Args)]
pub(super) struct SetArgs {
    /// SHOP/CHANNEL.
    key: Key,
    /// The extra's name.
    name: String,
    /// Settings of the plugin; KEY= takes one back to its default.
    #[arg(value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// What happens when it fails.
    #[arg(long, value_enum)]
    on_failure: Option<Failure>,
}

#[derive(Args)]
pub(super) struct PreviewArgs {
    /// SHOP/CHANNEL.
    key: Key,
    /// The channel's order number or id; the newest order otherwise.
    order: Option<String>,
    /// Show a SKU's number instead of an order.
    #[arg(long, conflicts_with = "order")]
    sku: Option<String>,
}

pub(super) async fn run(command: ExtraCommand, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let actor = Actor::command();
    let (key, said) = match command {
        ExtraCommand::Add(args) => {
            let new = NewExtra {
                plugin: args.plugin,
                name: args.name,
                settings: args.settings,
                on_failure: args.on_failure.map(OnFailure::from),
            };
            (
                args.key.clone(),
                extra::add(&host, &args.key, new, &actor).await?,
            )
        }
        ExtraCommand::Set(args) => {
            let failure = args.on_failure.map(OnFailure::from);
            let (key, name) = (args.key, args.name);
            let said = extra::set(&host, &key, &name, &args.settings, failure, &actor).await?;
            (key, said)
        }
        ExtraCommand::Move { key, name, place } => {
            let said = extra::place(&host, &key, &name, place, &actor).await?;
            (key, said)
        }
        ExtraCommand::Remove { key, name } => {
            let said = extra::remove(&host, &key, &name, &actor).await?;
            (key, said)
        }
        ExtraCommand::List { key } => return list(key.as_ref(), &host, env).await,
        ExtraCommand::Preview(args) => return preview(args, &host, env).await,
    };
    env.done(&format!(
        "{key}: {said}. See it with `lockstep extra preview {key}`."
    ));
    Ok(FINE)
}

async fn list(key: Option<&Key>, host: &Host, env: &Env) -> anyhow::Result<u8> {
    let mut rows = Vec::new();
    let mut json = Vec::new();
    for row in channels(host, key).await? {
        for (at, (setup, extra)) in host.extras(&row).into_iter().enumerate() {
            let state = extra.as_ref().err().cloned();
            json.push(serde_json::json!({"channel": row.key.to_string(), "place": at + 1, "extra": setup, "error": state}));
            let settings: Vec<String> = (setup.settings.iter())
                .map(|(k, v)| format!("{k}={v}"))
                .collect();
            rows.push(vec![
                row.key.to_string(),
                (at + 1).to_string(),
                setup.name,
                setup.plugin,
                settings.join("\n"),
                match setup.on_failure {
                    OnFailure::Skip => "goes on without it",
                    OnFailure::Hold => "holds",
                }
                .into(),
                state.unwrap_or_else(|| "ready".into()),
            ]);
        }
    }
    if env.json {
        println!("{}", serde_json::to_string_pretty(&json)?);
    } else if rows.is_empty() {
        println!("No extras. `lockstep plugin list` shows which there are.");
    } else {
        let head = [
            "channel", "place", "extra", "plugin", "settings", "failing", "state",
        ];
        print_rows(&head, &rows, usize::MAX);
    }
    Ok(FINE)
}

async fn preview(args: PreviewArgs, host: &Host, env: &Env) -> anyhow::Result<u8> {
    let row = host.channel(&args.key).await?;
    if let Some(sku) = &args.sku {
        return preview_sku(sku, &row, host, env).await;
    }
    let order = match &args.order {
        Some(what) => find_order(host, &row.key, what)
            .await?
            .ok_or_else(|| Usage(format!("{} has no order \"{what}\"", row.key)))?,
        None => {
            let key = row.key.clone();
            let newest = host.store.read(move |tx| tx.newest_orders(&key, 1)).await?;
            newest.into_iter().next().ok_or_else(|| {
                Usage(format!(
                    "{} has no orders yet; `lockstep sync --once` reads them",
                    row.key
                ))
            })?
        }
    };
    preview_order(order, &row, host, env).await
}

async fn preview_order(
    order: OrderRow,
    row: &ChannelRow,
    host: &Host,
    env: &Env,
) -> anyhow::Result<u8> {
    let shop = host.shop(&row.key.shop).await?;
    let context = context_of(&host.store, &shop.row, row, &order.snapshot).await?;
    let before = match context.with(|cx| draft(&order.snapshot, cx)) {
        Decision::Create { order, .. } => *order,
        Decision::Block(why) | Decision::Hold(why) | Decision::Ignore(why) => {
            println!("Order {} would wait: {why}", order.number);
            return Ok(ATTENTION);
        }
        Decision::Cancelled => {
            println!("Order {} is cancelled.", order.number);
            return Ok(FINE);
        }
    };
    let edited = edit_order(
        &host.extras(row),
        &row.key,
        &row.title,
        &order.snapshot,
        &before,
    )
    .await;
    if env.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&serde_json::json!({
                "channel": row.key.to_string(), "order": order.number, "before": before, "extras": edited.steps,
                "after": edited.after, "held": edited.hold,
            }))?
        );
    } else {
        println!(
            "Order {} of {}, as Shopify would get it now",
            order.number, row.title
        );
        print_edited(&view::edited(
            &before,
            edited.steps.clone(),
            &edited.after,
            true,
        ));
        if let Some(why) = &edited.hold {
            println!("The order would be held: {why}");
        }
    }
    Ok(if edited.steps.iter().any(|s| s.error.is_some()) {
        ATTENTION
    } else {
        FINE
    })
}

async fn preview_sku(sku: &str, row: &ChannelRow, host: &Host, env: &Env) -> anyhow::Result<u8> {
    let (key, locations, wanted) = (row.key.clone(), row.locations.clone(), sku.to_owned());
    let mut rows = host
        .store
        .read(move |tx| tx.stock_rows(&key, &locations, Some(std::slice::from_ref(&wanted))))
        .await?;
    if rows.is_empty() {
        return Err(Usage(format!("{}: the SKU \"{sku}\" is not linked", row.key)).into());
    }
    let semantics = host.plugin(&row.plugin)?.manifest().stock_semantics();
    let done = withhold(&host.extras(row), &row.policy, &mut rows).await;
    let r = &rows[0];
    let (without, _) = sellable(r, row.policy.buffer);
    let change = target(r, &row.policy, semantics);
    if env.json {
        let json = serde_json::json!({"sku": sku, "sellable": without, "withheld": r.withheld, "number": change, "failures": done.failures});
        println!("{}", serde_json::to_string_pretty(&json)?);
    } else {
        println!(
            "{sku}: {without} could be offered; the extras hold {} back, so {} are; the number to write is {}",
            r.withheld,
            without - r.withheld,
            change.to
        );
        for part in r.parts.iter().filter(|p| p.part.is_some()) {
            println!(
                "One contains {} x {}, of which the shop has {} ({} of them sold and not in that number yet).",
                part.pieces,
                part.part.as_deref().unwrap_or_default(),
                part.available,
                part.unseen
            );
        }
        for failure in &done.failures {
            println!("{failure}");
        }
    }
    Ok(if done.failures.is_empty() {
        FINE
    } else {
        ATTENTION
    })
}

/// What extras made of an order: each step, then both looks side by side.
pub(super) fn print_edited(edited: &Edited) {
    let rows: Vec<Vec<String>> = (edited.steps.iter())
        .map(|s| {
            let did = match (&s.error, s.edits.as_slice()) {
                (Some(why), _) => format!("failed: {why}"),
                (None, []) => "nothing to change".into(),
                (None, edits) => edits.join("\n"),
            };
            vec![s.name.clone(), s.plugin.clone(), did]
        })
        .collect();
    print_rows(&["extra", "plugin", "what it did"], &rows, usize::MAX);
    let rows: Vec<Vec<String>> = (edited.parts.iter())
        .map(|part| {
            let side = |other: Sign| {
                let rows = part.rows.iter().filter(|r| r.sign != other);
                rows.map(|r| r.text.as_str()).collect::<Vec<_>>().join("\n")
            };
            let after = match part.changed() {
                true => side(Sign::Removed),
                false => "the same".into(),
            };
            vec![part.name.clone(), side(Sign::Added), after]
        })
        .collect();
    print_rows(&["order", "before", "after"], &rows, usize::MAX);
}
