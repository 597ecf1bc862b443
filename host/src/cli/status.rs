//! `lockstep status`: how every channel stands and what needs a person, as the pages show it.

use clap::Args;

use super::output::{clock, print_rows, relative};
use super::{ATTENTION, Env, FINE, channels};
use crate::db::ChannelState;
use crate::model::{Instant, Key, Money};
use crate::view::{ChannelOverview, Need, NeedKind, Overview, Urgent, overview};

#[derive(Args)]
pub(super) struct StatusArgs {
    /// SHOP/CHANNEL; all channels otherwise.
    key: Option<Key>,
}

/// Open units shown.
const UNITS: usize = 20;

pub(super) async fn run(args: StatusArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    channels(&host, args.key.as_ref()).await?;
    let view = overview(&host.store, args.key.as_ref()).await?;
    if env.json {
        println!("{}", serde_json::to_string_pretty(&view)?);
    } else {
        print(&view);
    }
    let parked = view
        .channels
        .iter()
        .any(|c| c.state == ChannelState::Parked);
    // A channel that is left alone for a while goes on by itself.
    let asked = view.needs.iter().any(|n| n.kind != NeedKind::Channel);
    Ok(if parked || asked { ATTENTION } else { FINE })
}

fn print(view: &Overview) {
    println!("{} UTC", clock(view.at));
    let rows: Vec<Vec<String>> = view.channels.iter().map(|c| channel(c, view.at)).collect();
    print_rows(
        &[
            "channel",
            "state",
            "last cycle",
            "next",
            "linked SKUs",
            "not in step",
            "open units",
            "late",
            "needs you",
        ],
        &rows,
        usize::MAX,
    );
    let rows: Vec<Vec<String>> = view.urgent.iter().map(|u| unit(u, view.at)).collect();
    if !rows.is_empty() {
        println!("\nUnits to be dispatched, the least time left first");
        print_rows(
            &[
                "channel", "order", "SKU", "dispatch", "at stake", "state", "reason",
            ],
            &rows,
            UNITS,
        );
    }
    if view.needs.is_empty() {
        println!("\nNothing needs you.");
    } else {
        println!("\nNeeds you");
        let rows: Vec<Vec<String>> = view.needs.iter().map(need).collect();
        print_rows(&["channel", "what", "why"], &rows, usize::MAX);
    }
}

fn channel(c: &ChannelOverview, now: Instant) -> Vec<String> {
    let last = c.cycles.last();
    vec![
        c.channel.clone(),
        c.state.to_string(),
        last.map_or("never".into(), |cycle| {
            format!(
                "{} ({})",
                relative(cycle.started_at, now),
                cycle.outcome.as_deref().unwrap_or("running or killed")
            )
        }),
        c.due_at.map_or_else(String::new, |due| relative(due, now)),
        c.linked.to_string(),
        c.not_in_step.to_string(),
        c.open_units.to_string(),
        c.late_units.to_string(),
        c.needs.to_string(),
    ]
}

fn unit(u: &Urgent, now: Instant) -> Vec<String> {
    vec![
        u.channel.clone(),
        u.number.clone(),
        u.sku.clone().unwrap_or_default(),
        u.ship_by.map_or("none told".into(), |t| relative(t, now)),
        u.fee.as_ref().map_or_else(String::new, Money::to_string),
        u.state.clone(),
        u.reason.clone().unwrap_or_default(),
    ]
}

fn need(n: &Need) -> Vec<String> {
    let why = match n.kind {
        NeedKind::Approval => format!("{}; see `lockstep plan {}`", n.why, n.channel),
        _ => n.why.clone(),
    };
    vec![n.channel.clone(), n.label.clone(), why]
}
