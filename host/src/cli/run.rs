//! `lockstep run`: work all channels and serve the pages until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::output::clock;
use super::{Env, FINE};
use crate::alert;
use crate::host::Host;
use crate::model::{Instant, Key};
use crate::schedule::{self, End, Wakes};
use crate::web::{self, Server};

#[derive(Args)]
pub(super) struct RunArgs {
    /// Address and port of the pages and the API. Reachable from this machine only, unless an address of the network is
    /// named.
    #[arg(long, env = "LOCKSTEP_LISTEN", default_value_t = web::LISTEN, value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Work the channels without pages and API.
    #[arg(long)]
    no_pages: bool,
}

pub(super) async fn run(args: RunArgs, env: &Env) -> anyhow::Result<u8> {
    let host = Arc::new(env.worker()?);
    let wakes = Wakes::default();
    let stop = until_stopped("Stopping after the running cycles; Ctrl-C again stops at once.");
    let served = if args.no_pages {
        None
    } else {
        let server = Server::bind(host.clone(), wakes.clone(), args.listen, stop.clone()).await?;
        say_where(&server, env).await?;
        Some(tokio::spawn(server.serve()))
    };
    say_what(&host, env).await?;
    let json = env.json;
    let (bell, over) = (alert::Bell::default(), CancellationToken::new());
    let watching = tokio::spawn(alert::watch(host.clone(), bell.clone(), over.clone()));
    let subscribing = tokio::spawn(web::hooks::subscribe(host.clone(), over.clone()));
    let worked = schedule::run(host, wakes, stop.clone(), |key, end| {
        bell.ring();
        tell(key, end, json);
    })
    .await;
    stop.cancel();
    over.cancel();
    watching.await?;
    subscribing.await?;
    if let Some(served) = served {
        // Answers under way are waited for, a page that only follows changes is not.
        if let Ok(ended) = tokio::time::timeout(web::GRACE, served).await {
            ended??;
        }
    }
    worked?;
    if !json {
        println!("Stopped; no cycle was cut short.");
    }
    Ok(FINE)
}

async fn say_where(server: &Server, env: &Env) -> anyhow::Result<()> {
    let link = server.first_link().await?;
    if env.json {
        println!(
            "{}",
            serde_json::json!({"pages": server.url(), "listen": server.address(), "first_link": link})
        );
        return Ok(());
    }
    println!("Pages: {}", server.url());
    if let Some(link) = link {
        println!(
            "Nobody can sign in yet. Open this link once to choose a password:\n\n    {link}\n"
        );
    }
    if !server.address().ip().is_loopback() {
        println!(
            "Anybody who reaches {} sees the sign-in page, over plain HTTP: put a proxy with TLS in front.",
            server.address()
        );
    }
    Ok(())
}

async fn say_what(host: &Host, env: &Env) -> anyhow::Result<()> {
    let all = host.store.read(|tx| tx.channels()).await?;
    if env.json {
        return Ok(());
    }
    let names: Vec<String> = all.iter().map(|c| c.key.to_string()).collect();
    if names.is_empty() {
        println!(
            "There is no channel yet: set one up on the pages, or with `lockstep channel add`. Stop with Ctrl-C."
        );
    } else {
        println!("Working {}. Stop with Ctrl-C.", names.join(", "));
    }
    Ok(())
}

/// Prints how a cycle ended, where it did or met anything.
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
