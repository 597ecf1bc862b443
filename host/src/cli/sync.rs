//! `lockstep sync`: run cycles now.

use clap::Args;

use super::output::{Spinner, print_rows};
use super::{ATTENTION, Env, FINE, channels, code_of};
use crate::cycle::{Mode, Report};
use crate::db::ChannelState;
use crate::model::Key;
use crate::schedule;

#[derive(Args)]
pub(super) struct SyncArgs {
    /// SHOP/CHANNEL; all channels otherwise.
    key: Option<Key>,
    /// One cycle each; otherwise cycles until nothing is left to do.
    #[arg(long)]
    once: bool,
}

/// More cycles than any chain of steps needs (seen, created, packed, shipped, stock).
const MOST_CYCLES: usize = 12;

pub(super) async fn run(args: SyncArgs, env: &Env) -> anyhow::Result<u8> {
    let mut host = env.worker()?;
    let spinner = Spinner::of(&mut host);
    let mut code = FINE;
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    let mut json = Vec::new();
    for row in channels(&host, args.key.as_ref()).await? {
        let key = row.key.clone();
        if row.state != ChannelState::Active {
            let why = row
                .reason
                .clone()
                .unwrap_or_else(|| "by the operator".into());
            eprintln!(
                "{key} is {}: {why}. Work it again with `lockstep channel resume {key}`.",
                row.state
            );
            code = code.max(ATTENTION);
            continue;
        }
        let mut next = Some(row);
        let mut total: Option<Report> = None;
        let mut stop = None;
        for _ in 0..if args.once { 1 } else { MOST_CYCLES } {
            let Some(row) = next.take() else { break };
            match schedule::run_once(&host, row, Mode::Act).await {
                Ok(end) => {
                    let idle = !end.report.acted();
                    match &mut total {
                        None => total = Some(end.report),
                        Some(t) => t.absorb(end.report),
                    }
                    stop = end.stop.map(|s| s.to_string());
                    if idle || stop.is_some() {
                        break;
                    }
                }
                Err(e) => {
                    code = code.max(code_of(&e));
                    stop = Some(format!("{e:#}"));
                    break;
                }
            }
            next = Some(host.channel(&key).await?);
        }
        let report = total.unwrap_or_default();
        if stop.is_some() || report.awaits_approval.is_some() || !report.problems.is_empty() {
            code = code.max(ATTENTION);
        }
        let outcome = stop
            .clone()
            .or_else(|| {
                report
                    .awaits_approval
                    .clone()
                    .map(|w| format!("waits for approval: {w}"))
            })
            .unwrap_or_else(|| "done".into());
        rows.push(vec![
            key.to_string(),
            report.orders_created.to_string(),
            report.parcels_told.to_string(),
            (report.cancelled_in_shop + report.cancelled_at_channel).to_string(),
            report.pushed.to_string(),
            report.orders_waiting.len().to_string(),
            report.problems.len().to_string(),
            outcome.clone(),
        ]);
        if env.json {
            json.push(serde_json::json!({"channel": key.to_string(), "outcome": outcome, "report": report}));
        } else {
            for (order, why) in &report.orders_waiting {
                notes.push(format!("{key}: order {order} waits: {why}"));
            }
            for problem in &report.problems {
                notes.push(format!("{key}: {problem}"));
            }
        }
    }
    drop(spinner);
    for note in &notes {
        println!("{note}");
    }
    if env.json {
        println!("{}", serde_json::to_string_pretty(&json)?);
    } else {
        print_rows(
            &[
                "channel",
                "orders created",
                "parcels told",
                "units cancelled",
                "numbers written",
                "waiting",
                "problems",
                "outcome",
            ],
            &rows,
            usize::MAX,
        );
    }
    Ok(code)
}
