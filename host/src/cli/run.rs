//! `lockstep run`: work all channels until told to stop.

use std::sync::Arc;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::output::clock;
use super::{Env, FINE, channels};
use crate::alert;
use crate::model::{Instant, Key};
use crate::schedule::{self, End, Wakes};

#[derive(Args)]
pub(super) struct RunArgs {}

pub(super) async fn run(_args: RunArgs, env: &Env) -> anyhow::Result<u8> {
    let host = Arc::new(env.worker()?);
    let all = channels(&host, None).await?;
    println!(
        "Working {}. Stop with Ctrl-C.",
        all.iter()
            .map(|c| c.key.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    );
    let json = env.json;
    let stop = until_stopped("Stopping after the running cycles; Ctrl-C again stops at once.");
    let (bell, worked) = (alert::Bell::default(), CancellationToken::new());
    let watching = tokio::spawn(alert::watch(host.clone(), bell.clone(), worked.clone()));
    schedule::run(host, Wakes::default(), stop, |key, end| {
        bell.ring();
        tell(key, end, json);
    })
    .await?;
    worked.cancel();
    watching.await?;
    println!("Stopped; no cycle was cut short.");
    Ok(FINE)
}

/// Says how a cycle ended.
fn tell(key: &Key, end: &anyhow::Result<End>, json: bool) {
    match end {
        Ok(end) if json => {
            let stop = end.stop.as_ref().map(ToString::to_string);
            println!(
                "{}",
                serde_json::json!({"at": Instant::now(), "channel": key.to_string(), "stop": stop, "due": end.due, "report": end.report})
            );
        }
        Ok(end) => {
            let now = clock(Instant::now());
            if let Some(stop) = &end.stop {
                println!(
                    "{now}  {key}  stopped early: {stop}; again at {}",
                    clock(end.due)
                );
            } else if let Some(why) = &end.report.awaits_approval {
                println!("{now}  {key}  waits for approval: {why} (`lockstep approve {key}`)");
            } else if end.report.acted() || !end.report.problems.is_empty() {
                println!("{now}  {key}  {}", end.report.summary());
            }
            for problem in &end.report.problems {
                println!("{now}  {key}  {problem}");
            }
        }
        Err(e) => eprintln!("{}  {key}  {e:#}", clock(Instant::now())),
    }
}

/// A token that Ctrl-C or SIGTERM cancels, with a notice. A second Ctrl-C ends the process at once: every effect is recorded
/// before it is begun, so that is safe too.
pub(super) fn until_stopped(notice: &'static str) -> CancellationToken {
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        eprintln!("{notice}");
        stop.cancel();
        wait_for_signal().await;
        std::process::exit(130);
    });
    token
}

async fn wait_for_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut term) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
