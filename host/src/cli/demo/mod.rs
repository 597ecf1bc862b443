//! `lockstep demo`: the whole story on this machine, and a check of the invariants at its end.

mod backstage;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use anyhow::Context;
use clap::Args;
use lockstep_sandbox::audit::{Audit, AuditOptions, audit};
use lockstep_sandbox::story::{Packing, Story};
use lockstep_sandbox::{Options, Sandbox};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::run::until_stopped;
use super::screen::Screen;
use super::{ATTENTION, Env, FINE, Usage};
use crate::actions::channel::{NewChannel, create, set_state};
use crate::actions::{people, plan, shop};
use crate::cycle::{Mode, Report};
use crate::db::{ChannelState, ShopRow};
use crate::host::Host;
use crate::model::{Actor, Instant, Key, Role};
use crate::schedule::{self, Wakes};
use crate::sync::counted;
use crate::view;
use crate::web::{self, Server};
use backstage::Outside;

#[derive(Args)]
pub(super) struct DemoArgs {
    /// Play one full round, check both sides, print a summary and end.
    #[arg(long, conflicts_with = "length")]
    once: bool,
    /// End after this long, as in 90s or 5m; on Ctrl-C otherwise.
    #[arg(long = "for", value_name = "TIME", value_parser = length)]
    length: Option<Duration>,
    /// SKUs of the catalogue.
    #[arg(long, default_value_t = 2_000, value_name = "NUMBER")]
    skus: usize,
    /// The same seed plays the same story.
    #[arg(long, default_value_t = 7, value_name = "NUMBER")]
    seed: u64,
    /// Address and port of the pages; the usual one, or any free one, otherwise.
    #[arg(long, conflicts_with = "once", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Keep the data directory here, to look at it afterwards (and, from another terminal, while it runs).
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

fn length(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    );
    let number: u64 = number
        .parse()
        .map_err(|_| "expected a number of seconds or minutes, as in 90s or 5m".to_owned())?;
    match unit {
        "" | "s" => Ok(Duration::from_secs(number)),
        "m" | "min" => Ok(Duration::from_secs(number * 60)),
        _ => Err(format!("\"{unit}\" is no unit of time here; use s or m")),
    }
}

/// The channel's name in the demo.
const CHANNEL: &str = "THE ICONIC";

/// The sandbox's search index lags by two seconds, and times are told in whole ones.
const INDEX_LAG: Duration = Duration::from_millis(3_200);

/// Everything the demo plays with.
struct Stage {
    sandbox: Sandbox,
    host: Arc<Host>,
    key: Key,
    since: Instant,
    screen: Screen,
    data: PathBuf,
    keep: bool,
}

pub(super) async fn run(args: DemoArgs, env: &Env) -> anyhow::Result<u8> {
    if args.skus < 50 {
        return Err(Usage(
            "the catalogue needs at least 50 SKUs, so that something of every kind is in it".into(),
        )
        .into());
    }
    let stage = set_up(&args, env).await?;
    let code = if args.once {
        once(&stage, &args).await
    } else {
        live(&stage, &args).await
    };
    stage.screen.finish();
    if stage.keep {
        println!(
            "The data directory is kept: try `lockstep --data {} status`.",
            stage.data.display()
        );
    } else {
        let _ = std::fs::remove_dir_all(&stage.data);
    }
    code
}

async fn set_up(args: &DemoArgs, env: &Env) -> anyhow::Result<Stage> {
    let screen = Screen::new(env.json);
    let data = args.keep.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("lockstep-demo-{}", std::process::id()))
    });
    if data.join("lockstep.db").exists() {
        return Err(Usage(format!(
            "{} holds a Lockstep data directory already; name a new one with --keep",
            data.display()
        ))
        .into());
    }
    screen.title("A Shopify store and an account at THE ICONIC, on this machine");
    let options = Options {
        skus: args.skus,
        seed: args.seed,
        control_port: Some(0),
        ..Options::default()
    };
    let (shopify, seller) = (options.shopify.clone(), options.seller_center.clone());
    let sandbox = Sandbox::start(options)
        .await
        .context("cannot start the sandbox")?;
    screen.line(&format!("Shopify        {}", sandbox.shopify.url()));
    screen.line(&format!("Seller Center  {}", sandbox.seller_center.url()));
    screen.line(&format!(
        "Control API    {}",
        sandbox.control_url().unwrap_or_default()
    ));
    screen.title("The host, with its connector as a sandboxed WebAssembly component");
    screen.working("compiling the connector (once; kept on disk afterwards)");
    let host = Arc::new(Host::open(&data, env.scrubber.clone())?);
    let since = Instant::now();
    let row = ShopRow {
        shop: "kestrel".into(),
        base_url: sandbox.shopify.url(),
        allow_local: true,
        auth: "client-credentials".into(),
        client_id: Some(shopify.client_id.clone()),
        info: None,
    };
    let info = shop::connect(
        &host,
        row,
        &SecretString::from(shopify.client_secret.clone()),
        &Actor::command(),
    )
    .await?;
    screen.line(&format!("Connected to {} ({})", info.name, info.domain));
    let key = Key::new("kestrel", "the-iconic");
    let channel = NewChannel {
        key: key.clone(),
        plugin: "the-iconic".into(),
        title: None,
        client_id: Some(seller.client_id.clone()),
        secret: SecretString::from(seller.client_secret.clone()),
        locations: vec![],
        settings: [
            "interval-s=2",
            "overlap-s=5",
            "doubt-s=2",
            "requests-per-second=20",
            "late-fee=20",
        ]
        .map(str::to_owned)
        .to_vec(),
        orders_from: Some(since),
        base_url: Some(sandbox.seller_center.url()),
        allow_local: true,
    };
    let row = create(&host, channel, &Actor::command()).await?;
    screen.line(&format!(
        "Connected to {CHANNEL}: account {}",
        row.account_name.as_deref().unwrap_or("")
    ));
    screen.title("First sync: a plan to approve");
    screen.working("reading both catalogues");
    let end = schedule::run_once(&host, row, Mode::Plan).await?;
    if let Some(stop) = end.stop {
        anyhow::bail!("the first plan could not be made: {stop}");
    }
    let report = end.report;
    screen.line(&format!(
        "{} are on both sides and linked; {} are not in step",
        counted(report.links, "SKU"),
        report.mismatches
    ));
    let mismatches = {
        let key = key.clone();
        host.store
            .read(move |tx| tx.status(&key, Instant::now()))
            .await?
            .mismatches
    };
    for (kind, n) in mismatches {
        screen.line(&format!("    {n:>4}  {}", view::meaning(kind)));
    }
    screen.line(&format!(
        "{} at {CHANNEL} differ from the shop and would be written",
        counted(report.to_push.len() as u32, "number")
    ));
    plan::approve(&host, &key, &Actor::command()).await?;
    screen.line("Approved (a merchant would look first; the demo approves its own)");
    Ok(Stage {
        sandbox,
        host,
        key,
        since,
        screen,
        data,
        keep: args.keep.is_some(),
    })
}

impl Stage {
    /// One cycle, now.
    async fn cycle(&self) -> anyhow::Result<Report> {
        let row = self.host.channel(&self.key).await?;
        let end = schedule::run_once(&self.host, row, Mode::Act).await?;
        self.show(&end.report);
        if let Some(stop) = end.stop {
            self.screen
                .problem(&format!("the cycle stopped early: {stop}"));
        }
        Ok(end.report)
    }

    fn show(&self, report: &Report) {
        if report.acted() {
            self.screen.host(&report.summary());
        }
        for (order, why) in &report.orders_waiting {
            self.screen.host(&format!("order {order} waits: {why}"));
        }
        for problem in &report.problems {
            self.screen.problem(problem);
        }
    }

    /// Cycles until nothing is left to do.
    async fn settle(&self) -> anyhow::Result<()> {
        for _ in 0..12 {
            let report = self.cycle().await?;
            if !report.acted() {
                break;
            }
        }
        Ok(())
    }

    /// Cycles, once the store's search index has caught up with what was done there.
    async fn catch_up(&self) -> anyhow::Result<()> {
        self.screen.working("the store's search index catches up");
        tokio::time::sleep(INDEX_LAG).await;
        self.settle().await
    }

    fn audit(&self) -> Audit {
        audit(
            &self.sandbox,
            &AuditOptions {
                since: self.since,
                buffer: 0,
                locations: self.sandbox.locations.clone(),
                channel_title: CHANNEL.into(),
                converged: true,
            },
        )
    }

    /// Prints the verdict; the exit code.
    fn verdict(&self, audit: &Audit, started: Clock) -> u8 {
        self.screen.title("Both sides read back");
        for check in &audit.checks {
            self.screen.check(check.ok, &check.name, &check.detail);
            for example in check.examples.iter().take(5) {
                self.screen.line(&format!("      {example}"));
            }
        }
        let requests =
            |counts: &std::collections::BTreeMap<String, u64>| counts.values().sum::<u64>();
        self.screen.line(&format!(
            "{} requests to Shopify, {} to {CHANNEL}, {} s",
            requests(&self.sandbox.shopify.stats().requests),
            requests(&self.sandbox.seller_center.stats().requests),
            started.elapsed().as_secs()
        ));
        if audit.ok() {
            self.screen.line("Every invariant holds.");
            FINE
        } else {
            self.screen.line("An invariant does not hold: see above.");
            ATTENTION
        }
    }
}

/// A scripted round that meets every flow once.
async fn once(stage: &Stage, args: &DemoArgs) -> anyhow::Result<u8> {
    let started = Clock::now();
    let screen = &stage.screen;
    let mut story = Story::new(&stage.sandbox, args.seed);
    screen.title("Stock out");
    stage.settle().await?;
    screen.title("Orders in");
    let mut numbers = Vec::new();
    for i in 0..6 {
        let (order, text) = story.buy_on_channel(1 + i % 3)?;
        screen.world(&text);
        numbers.push(order.number);
    }
    for _ in 0..3 {
        screen.world(&story.buy_in_shop()?);
    }
    stage.settle().await?;
    screen.title("Fulfillments out");
    for (number, packing) in [
        (0, Packing::Whole),
        (2, Packing::TwoParcels),
        (3, Packing::TrackingLater),
    ] {
        for text in story.pack(&numbers[number], packing)? {
            screen.world(&text);
        }
    }
    stage.catch_up().await?;
    screen.world(&story.add_tracking()?);
    stage.catch_up().await?;
    screen.title("Cancellations, both ways");
    screen.world(&story.cancel_on_channel(&numbers[4])?);
    screen.world(&story.cancel_in_shop(&numbers[5])?);
    stage.catch_up().await?;
    screen.title("A SKU is edited, stock is counted anew");
    screen.world(&story.edit_sku()?);
    screen.world(&story.recount()?);
    stage.catch_up().await?;
    let audit = stage.audit();
    if stage.screen.quiet() {
        println!("{}", serde_json::to_string_pretty(&audit)?);
    }
    Ok(stage.verdict(&audit, started))
}

/// The story goes on by itself beside the working host, and whoever opens the pages plays along.
async fn live(stage: &Stage, args: &DemoArgs) -> anyhow::Result<u8> {
    let started = Clock::now();
    let screen = &stage.screen;
    screen.title("Live: a shopper buys on both sides, a merchant packs. Ctrl-C ends it");
    let stop =
        until_stopped("Ending: the last changes are brought over, then both sides are checked.");
    if let Some(length) = args.length {
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(length).await;
            stop.cancel();
        });
    }
    let outside = Outside::new(&stage.sandbox, &stage.key, args.seed);
    let host_stop = CancellationToken::new();
    let wakes = Wakes::default();
    let pages = serve(stage, args, outside.clone(), &wakes, &host_stop).await?;
    let schedule = tokio::spawn({
        let (host, stop, screen) = (stage.host.clone(), host_stop.clone(), screen.clone());
        async move {
            schedule::run(host, wakes, stop, |_, end| match end {
                Ok(end) => {
                    if end.report.acted() {
                        screen.host(&end.report.summary());
                    }
                    if let Some(stop) = &end.stop {
                        screen.problem(&format!("the cycle stopped early: {stop}"));
                    }
                    for problem in &end.report.problems {
                        screen.problem(problem);
                    }
                }
                Err(e) => screen.problem(&format!("{e:#}")),
            })
            .await
        }
    });
    let mut next = Clock::now();
    while !stop.is_cancelled() {
        if Clock::now() >= next {
            if outside.alone() {
                for happening in outside.story.lock().await.step().await {
                    screen.world(&happening.text);
                    outside.note(&happening.text);
                }
            }
            next = Clock::now() + Duration::from_millis(1_500);
        }
        screen.board(&board(stage).await?);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
    }
    host_stop.cancel();
    schedule.await??;
    let _ = tokio::time::timeout(web::GRACE, pages).await;
    // What whoever looked has broken must not spoil the verdict.
    stage.sandbox.shopify.faults().clear();
    stage.sandbox.seller_center.faults().clear();
    resume(stage).await?;
    for text in outside.story.lock().await.finish()? {
        screen.world(&text);
    }
    stage.catch_up().await?;
    screen.finish();
    Ok(stage.verdict(&stage.audit(), started))
}

/// Works the channel again if it was parked or paused.
async fn resume(stage: &Stage) -> anyhow::Result<()> {
    let row = stage.host.channel(&stage.key).await?;
    if row.state != ChannelState::Active {
        let actor = Actor::command();
        set_state(&stage.host, &stage.key, ChannelState::Active, &actor).await?;
    }
    Ok(())
}

/// Name and password of whoever looks at the demo: it is on this machine only, and ends with the demo.
const GUEST: (&str, &str) = ("demo", "lockstep-demo");

/// Opens the pages, with their backstage.
async fn serve(
    stage: &Stage,
    args: &DemoArgs,
    outside: Arc<Outside>,
    wakes: &Wakes,
    stop: &CancellationToken,
) -> anyhow::Result<tokio::task::JoinHandle<anyhow::Result<()>>> {
    let (host, actor) = (&stage.host, Actor::command());
    people::put(host, GUEST.0, &GUEST.1.into(), Role::Admin, &actor).await?;
    let bind = |at| Server::bind(host.clone(), wakes.clone(), at, stop.clone());
    let server = match args.listen {
        Some(at) => bind(at).await?,
        // The usual address, or any free one where another host has it.
        None => match bind(web::LISTEN).await {
            Ok(server) => server,
            Err(_) => bind(([127, 0, 0, 1], 0).into()).await?,
        },
    };
    stage.screen.line(&format!(
        "Pages          {}   sign in as {} with the password {}",
        server.url(),
        GUEST.0,
        GUEST.1
    ));
    stage.screen.line(&format!(
        "               {}/backstage lets you buy, pack, cancel and break things",
        server.url()
    ));
    Ok(tokio::spawn(server.with_backstage(outside).serve()))
}

/// The lines at the foot of the screen.
async fn board(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let now = Instant::now();
    let (status, states, units) = {
        let key = stage.key.clone();
        stage
            .host
            .store
            .read(move |tx| {
                Ok((
                    tx.status(&key, now)?,
                    tx.orders_by_state(&key)?,
                    tx.open_units(&key, 1)?,
                ))
            })
            .await?
    };
    let orders: u32 = states.iter().map(|(_, n)| n).sum();
    let state = |name: &str| {
        (states.iter())
            .find(|(s, _)| s == name)
            .map_or(0, |(_, n)| *n)
    };
    let deadline = units
        .first()
        .and_then(|u| Some((u.number.clone(), u.ship_by?)))
        .map_or("none".into(), |(number, by)| {
            let left = by.duration_since(now).as_secs();
            let sign = if left < 0 { "-" } else { "" };
            let left = left.unsigned_abs();
            format!(
                "order {number} in {sign}{:02}:{:02}:{:02}",
                left / 3600,
                left % 3600 / 60,
                left % 60
            )
        });
    Ok(vec![
        format!(
            "orders {orders}   in Shopify {}   waiting {}   finished {}   units to dispatch {}",
            state("created") + state("closed"),
            state("held") + state("blocked") + state("seen") + state("ready"),
            state("closed"),
            status.open_units
        ),
        format!(
            "SKUs in step {}   not sure {}   next dispatch deadline: {deadline}",
            status.linked, status.unsure
        ),
    ])
}
