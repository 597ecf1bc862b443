//! `lockstep alert`: what needs a person, and who has said that they know.

use clap::{Args, Subcommand};

use super::output::{clock, print_rows, relative};
use super::{ATTENTION, Env, FINE};
use crate::alert::{self, Alert, AlertFilter};
use crate::model::{Actor, AlertKind, AlertState, Instant, Key, Money, Severity};

#[derive(Subcommand)]
pub(super) enum AlertCommand {
    /// The alerts, the most urgent first.
    List(ListArgs),
    /// Say that you know of alerts: nobody is told of them again unless they get worse.
    Ack(AckArgs),
    /// Take that back.
    Unack(IdArgs),
}

#[derive(Args)]
pub(super) struct ListArgs {
    /// Only those that are "open", "acknowledged" or "resolved"; those that are not resolved otherwise.
    #[arg(long)]
    state: Option<AlertState>,
    /// SHOP/CHANNEL.
    #[arg(long)]
    channel: Option<Key>,
    /// Only of this kind, as in "fulfillment-refused".
    #[arg(long)]
    kind: Option<AlertKind>,
    /// At least so severe: "info", "warning" or "urgent".
    #[arg(long)]
    severity: Option<Severity>,
    /// Show no more than so many.
    #[arg(long, default_value_t = 200)]
    limit: u32,
}

#[derive(Args)]
pub(super) struct IdArgs {
    /// The alert's id, as `lockstep alert list` shows it; several are fine.
    #[arg(required = true)]
    ids: Vec<i64>,
}

#[derive(Args)]
pub(super) struct AckArgs {
    #[command(flatten)]
    ids: IdArgs,
    /// What others should know.
    #[arg(long)]
    note: Option<String>,
}

pub(super) async fn run(command: AlertCommand, env: &Env) -> anyhow::Result<u8> {
    match command {
        AlertCommand::List(args) => list(args, env).await,
        AlertCommand::Ack(args) => {
            let (host, actor) = (env.host()?, Actor::command());
            let mut done = Vec::new();
            for id in args.ids.ids {
                done.push(alert::acknowledge(&host, &actor, id, args.note.as_deref()).await?);
            }
            told(&done, "is acknowledged", env)
        }
        AlertCommand::Unack(args) => {
            let (host, actor) = (env.host()?, Actor::command());
            let mut done = Vec::new();
            for id in args.ids {
                done.push(alert::unacknowledge(&host, &actor, id).await?);
            }
            told(&done, "is open again", env)
        }
    }
}

fn told(alerts: &[Alert], what: &str, env: &Env) -> anyhow::Result<u8> {
    if env.json {
        println!("{}", serde_json::to_string_pretty(alerts)?);
        return Ok(FINE);
    }
    for alert in alerts {
        println!("Alert {} {what}: {}", alert.id, alert.title);
    }
    Ok(FINE)
}

async fn list(args: ListArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let filter = AlertFilter {
        state: args.state,
        channel: args.channel,
        kind: args.kind,
        least: args.severity,
        before: None,
        limit: Some(args.limit),
    };
    let alerts = alert::list(&host, &filter).await?;
    let open = alerts.iter().any(|a| a.state == AlertState::Open);
    let code = if open { ATTENTION } else { FINE };
    if env.json {
        println!("{}", serde_json::to_string_pretty(&alerts)?);
        return Ok(code);
    }
    if alerts.is_empty() {
        println!("There is no such alert.");
        return Ok(code);
    }
    let now = Instant::now();
    let rows: Vec<Vec<String>> = alerts.iter().map(|a| row(a, now)).collect();
    print_rows(
        &["id", "severity", "channel", "what", "by", "costs", "state"],
        &rows,
        usize::MAX,
    );
    Ok(code)
}

fn row(a: &Alert, now: Instant) -> Vec<String> {
    let state = match (&a.resolved_at, &a.acknowledged) {
        (Some(at), _) => format!("resolved {}", clock(*at)),
        (None, Some(ack)) => match &ack.note {
            Some(note) => format!("{} knows: {note}", ack.by),
            None => format!("{} knows", ack.by),
        },
        (None, None) if a.gone_at.is_some() => "open, about to resolve".into(),
        (None, None) => format!("open since {}", clock(a.opened_at)),
    };
    vec![
        a.id.to_string(),
        a.severity.to_string(),
        a.place(),
        format!("{}\n{}\n{}", a.title, a.text, a.todo),
        a.deadline.map_or(String::new(), |t| relative(t, now)),
        (a.at_stake.as_ref()).map_or(String::new(), |Money { amount, currency }| {
            format!("{amount} {currency}")
        }),
        state,
    ]
}
