//! A connector at work in the sandbox: a shop, a marketplace, people who buy and pack, and the real host between them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant as Clock, SystemTime};

use anyhow::Context;
use lockstep_sandbox::shopify;
use lockstep_sandbox::story::{Packing, Story};
use secrecy::SecretString;

use super::{TryArgs, component};
use crate::actions::channel::{NewChannel, create};
use crate::actions::{plan, shop};
use crate::cli::run::until_stopped;
use crate::cli::screen::Screen;
use crate::cli::{ATTENTION, Env, FINE, Usage};
use crate::conformance::{STAND_INS, StandIn};
use crate::cycle::{Mode, Report};
use crate::db::ShopRow;
use crate::host::Host;
use crate::model::{Actor, Instant, Key};
use crate::plugin::Manifest;
use crate::schedule;

/// Between two cycles.
const PAUSE: Duration = Duration::from_millis(1_500);
/// Pieces of what the story buys.
const PLENTY: i64 = 25;

/// Everything that plays.
struct Stage {
    stand_in: StandIn,
    host: Host,
    key: Key,
    screen: Screen,
    plugin: String,
    file: PathBuf,
    /// A folder to watch, and when it was built.
    sources: Option<(PathBuf, SystemTime)>,
    cycles: u32,
    /// Goes away at the end.
    _data: Data,
}

/// A data directory for as long as this lives.
struct Data(PathBuf);

impl Drop for Data {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) async fn run(args: TryArgs, env: &Env) -> anyhow::Result<u8> {
    let mut stage = set_up(&args, env).await?;
    let code = if args.once {
        once(&mut stage, args.seed).await
    } else {
        live(&mut stage, args.seed).await
    };
    stage.screen.finish();
    code
}

async fn set_up(args: &TryArgs, env: &Env) -> anyhow::Result<Stage> {
    let screen = Screen::new(env.json);
    let built = SystemTime::now();
    screen.working("building the connector");
    let bytes = component(&args.what)?;
    let data = Data(std::env::temp_dir().join(format!("lockstep-try-{}", uuid::Uuid::new_v4())));
    std::fs::create_dir_all(data.0.join("plugins"))?;
    let file = data.0.join("plugins/tried.wasm");
    put(&file, &bytes)?;
    let host = Host::open(&data.0, env.scrubber.clone())?;
    screen.working("compiling the connector");
    let manifest = host
        .registry
        .load(&bytes)
        .context("the host does not load the component")?;
    let manifest = manifest.manifest().clone();
    let against = against(args, &manifest)?;
    let stand_in = StandIn::start(&against, args.skus, args.seed).await?;
    let id = manifest.plugin.id.clone();
    grant(&host, &id)?;
    screen.title(&format!(
        "{} {} at the sandbox's {against}",
        manifest.plugin.name, manifest.plugin.version
    ));
    let store = shopify::Config::default();
    let row = ShopRow {
        shop: "sandbox".into(),
        base_url: stand_in.sandbox.shopify.url(),
        allow_local: true,
        auth: "client-credentials".into(),
        client_id: Some(store.client_id),
        info: None,
    };
    let actor = Actor::command();
    shop::connect(&host, row, &SecretString::from(store.client_secret), &actor).await?;
    let key = Key::new("sandbox", "tried");
    let (client_id, secret) = stand_in.account();
    let rate = stand_in
        .requests_per_second()
        .map_or(20, |n| n.get().min(100));
    let mut settings: Vec<String> = ["interval-s=2", "overlap-s=5", "doubt-s=2"]
        .map(str::to_owned)
        .to_vec();
    settings.push(format!("requests-per-second={rate}"));
    settings.extend(args.settings.iter().map(|(k, v)| format!("{k}={v}")));
    let channel = NewChannel {
        key: key.clone(),
        plugin: id.clone(),
        title: None,
        client_id,
        secret,
        locations: vec![],
        settings,
        orders_from: Some(Instant::now()),
        base_url: Some(stand_in.base_url()),
        allow_local: true,
    };
    let row = create(&host, channel, &actor).await?;
    screen.line(&format!(
        "Connected: account {} ({})",
        row.account_name.as_deref().unwrap_or(""),
        row.account_id.as_deref().unwrap_or("")
    ));
    screen.working("reading both catalogues");
    let end = schedule::run_once(&host, row, Mode::Plan).await?;
    if let Some(stop) = end.stop {
        anyhow::bail!("the first plan could not be made: {stop}");
    }
    screen.line(&format!(
        "{} SKUs are on both sides and linked; {} numbers differ and will be written",
        end.report.links,
        end.report.to_push.len()
    ));
    plan::approve(&host, &key, &actor).await?;
    Ok(Stage {
        stand_in,
        host,
        key,
        screen,
        plugin: id,
        file,
        sources: args.what.is_dir().then(|| (args.what.clone(), built)),
        cycles: 0,
        _data: data,
    })
}

fn against(args: &TryArgs, manifest: &Manifest) -> anyhow::Result<String> {
    let named = manifest.test.as_ref().and_then(|t| t.against.clone());
    args.against.clone().or(named).ok_or_else(|| {
        Usage(format!(
            "no marketplace to play against: name one with --against or in plugin.toml ([test] against): {}; or a real account with --base-url",
            STAND_INS.join(", ")
        ))
        .into()
    })
}

/// Puts a component where the host looks for plugins, whole or not at all.
fn put(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let aside = file.with_extension("new");
    std::fs::write(&aside, bytes).with_context(|| aside.display().to_string())?;
    std::fs::rename(&aside, file).with_context(|| file.display().to_string())
}

/// Whoever tries a connector agrees to what it asks for.
fn grant(host: &Host, id: &str) -> anyhow::Result<()> {
    host.registry.refresh();
    let waits = (host.registry.entries().get(id)).is_some_and(|e| e.waits.is_some());
    if waits {
        host.registry.grant(id, None)?;
    }
    Ok(())
}

impl Stage {
    /// One cycle, as a row.
    async fn cycle(&mut self) -> anyhow::Result<Report> {
        self.screen.working("a cycle");
        self.stand_in.settle();
        let row = self.host.channel(&self.key).await?;
        let end = schedule::run_once(&self.host, row, Mode::Act).await?;
        self.cycles += 1;
        let report = end.report;
        if self.cycles == 1 {
            self.screen.line(&columns(&[
                "cycle",
                "read",
                "created",
                "parcels",
                "cancelled",
                "stock",
                "queued",
                "refused",
            ]));
        }
        let quiet = !report.acted() && report.orders_read == 0 && report.problems.is_empty();
        if !quiet || end.stop.is_some() {
            let numbers = [
                self.cycles,
                report.orders_read,
                report.orders_created,
                report.parcels_told,
                report.cancelled_in_shop + report.cancelled_at_channel,
                report.pushed,
                report.queued,
                report.push_failed,
            ];
            let cells = numbers.map(|n| n.to_string());
            self.screen
                .line(&columns(&cells.each_ref().map(String::as_str)));
        }
        for problem in &report.problems {
            self.screen.problem(problem);
        }
        for (order, why) in &report.orders_waiting {
            self.screen.problem(&format!("order {order} waits: {why}"));
        }
        if let Some(stop) = end.stop {
            self.screen
                .problem(&format!("the cycle stopped early: {stop}"));
        }
        Ok(report)
    }

    /// Cycles until nothing is left to do.
    async fn settle(&mut self) -> anyhow::Result<()> {
        for _ in 0..12 {
            if !self.cycle().await?.acted() {
                break;
            }
        }
        Ok(())
    }

    /// A SKU of which enough lies in the shop, offered at the marketplace too.
    fn sku(&self, turn: usize) -> anyhow::Result<String> {
        let there: Vec<String> = (self.stand_in.skus().into_iter())
            .filter(|sku| self.stand_in.quantity(sku).is_some_and(|n| n > 2))
            .collect();
        anyhow::ensure!(!there.is_empty(), "nothing is for sale at the marketplace");
        Ok(there[turn % there.len()].clone())
    }

    /// Somebody buys at the marketplace; the order's id and number.
    fn buy(&self, turn: usize) -> anyhow::Result<(String, String)> {
        let sku = self.sku(turn * 5)?;
        let pieces = 1 + (turn % 2) as u32;
        let id = self.stand_in.buy(&[(&sku, pieces)], turn as u64)?;
        let number = self.stand_in.number(&id).unwrap_or_else(|| id.clone());
        let what = format!("Somebody buys {pieces} x {sku} at the marketplace: order {number}");
        self.screen.world(&what);
        Ok((id, number))
    }

    /// Builds anew when a source changed, and puts the component to work beside the running host.
    async fn watch(&mut self) -> anyhow::Result<()> {
        let Some((folder, built)) = self.sources.clone() else {
            return Ok(());
        };
        if newest(&folder) <= built {
            return Ok(());
        }
        self.sources = Some((folder.clone(), SystemTime::now()));
        self.screen.title("The sources changed: building");
        let made = tokio::task::spawn_blocking(move || component(&folder)).await?;
        let bytes = match made {
            Ok(bytes) => bytes,
            // The version before goes on.
            Err(why) => {
                self.screen.problem(&format!("{why:#}"));
                return Ok(());
            }
        };
        put(&self.file, &bytes)?;
        grant(&self.host, &self.plugin)?;
        match self.host.plugin(&self.plugin) {
            Ok(plugin) => self.screen.line(&format!(
                "At work: {} {} ({})",
                self.plugin,
                plugin.manifest().plugin.version,
                &plugin.digest()[..12]
            )),
            Err(why) => self.screen.problem(&format!("{why:#}")),
        }
        Ok(())
    }
}

/// Right-aligned cells of one row.
fn columns(cells: &[&str]) -> String {
    cells.iter().map(|c| format!("{c:>10}")).collect()
}

/// When a source below a folder changed last; what builds make does not count.
fn newest(folder: &Path) -> SystemTime {
    let mut latest = SystemTime::UNIX_EPOCH;
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let made = name.starts_with('.')
            || matches!(
                &*name,
                "target" | "node_modules" | "dist" | "build" | "__pycache__"
            )
            || name.ends_with(".wasm")
            || name.ends_with(".lock");
        if made {
            continue;
        }
        let changed = match path.is_dir() {
            true => newest(&path),
            false => entry
                .metadata()
                .and_then(|m| m.modified())
                .unwrap_or(latest),
        };
        latest = latest.max(changed);
    }
    latest
}

/// One order from purchase to parcel, and stock in both directions.
async fn once(stage: &mut Stage, seed: u64) -> anyhow::Result<u8> {
    let mut story = Story::new(&stage.stand_in.sandbox, seed);
    let mut fine = true;
    stage.screen.title("Stock out");
    let sku = stage.stand_in.skus().into_iter().next().unwrap_or_default();
    let location = stage.stand_in.sandbox.locations[0].clone();
    stage
        .stand_in
        .sandbox
        .shopify
        .set_available(&sku, &location, PLENTY);
    stage
        .screen
        .world(&format!("The merchant counts {PLENTY} x {sku}"));
    stage.settle().await?;
    let offered = stage.stand_in.quantity(&sku);
    fine &= check(
        stage,
        offered.is_some_and(|n| n >= PLENTY),
        "stock is told",
        &format!("the marketplace offers {} x {sku}", number_of(offered)),
    );
    stage.screen.title("An order in");
    let id = stage.stand_in.buy(&[(&sku, 2)], seed)?;
    let number = stage.stand_in.number(&id).unwrap_or_else(|| id.clone());
    stage
        .screen
        .world(&format!("Somebody buys 2 x {sku}: order {number}"));
    stage.settle().await?;
    let shop = stage.stand_in.sandbox.shopify.clone();
    let created = shop.order_by_name(&number).len();
    fine &= check(
        stage,
        created == 1,
        "the order is in the shop",
        &format!("Shopify has {created} orders {number}"),
    );
    stage.screen.title("A parcel out");
    match story.pack(&number, Packing::Whole) {
        Ok(texts) => texts.iter().for_each(|t| stage.screen.world(t)),
        Err(why) => stage.screen.problem(&format!("{why:#}")),
    }
    stage.settle().await?;
    let effects = stage.stand_in.effects(&id).unwrap_or_default();
    fine &= check(
        stage,
        effects.told == 2 && effects.parcels >= 1,
        "the parcel is told",
        &format!(
            "the marketplace knows {} of 2 units as shipped, in {} parcels",
            effects.told, effects.parcels
        ),
    );
    stage.screen.title("A sale in the shop");
    let before = stage.stand_in.quantity(&sku);
    stage.screen.world(&story.sell(&sku, 3)?);
    stage.settle().await?;
    let after = stage.stand_in.quantity(&sku);
    fine &= check(
        stage,
        matches!((before, after), (Some(b), Some(a)) if a < b),
        "stock follows",
        &format!(
            "the marketplace offered {} x {sku} before, {} after",
            number_of(before),
            number_of(after)
        ),
    );
    Ok(if fine { FINE } else { ATTENTION })
}

fn number_of(quantity: Option<i64>) -> String {
    quantity.map_or("no".into(), |n| n.to_string())
}

fn check(stage: &Stage, ok: bool, name: &str, detail: &str) -> bool {
    stage.screen.check(ok, name, detail);
    ok
}

/// People buy and pack; the host works; sources are built when they change.
async fn live(stage: &mut Stage, seed: u64) -> anyhow::Result<u8> {
    stage.screen.title(match stage.sources {
        Some(_) => "Live: people buy and pack; a change of the sources is built and put to work. Ctrl-C ends it",
        None => "Live: people buy and pack. Ctrl-C ends it",
    });
    let stop = until_stopped("Ending.");
    let mut story = Story::new(&stage.stand_in.sandbox, seed);
    let mut unpacked: Vec<String> = Vec::new();
    let mut turn = 0;
    let mut next = Clock::now();
    while !stop.is_cancelled() {
        stage.watch().await?;
        if Clock::now() >= next {
            match stage.buy(turn) {
                Ok((_, number)) => unpacked.push(number),
                Err(why) => stage.screen.problem(&format!("{why:#}")),
            }
            // Packed is what the host has brought over.
            let shop = &stage.stand_in.sandbox.shopify;
            if let Some(at) = unpacked
                .iter()
                .position(|n| shop.order_by_name(n).len() == 1)
            {
                let number = unpacked.remove(at);
                if let Ok(texts) = story.pack(&number, Packing::Whole) {
                    texts.iter().for_each(|t| stage.screen.world(t));
                }
            }
            if turn % 3 == 2
                && let Ok(text) = story.recount()
            {
                stage.screen.world(&text);
            }
            turn += 1;
            next = Clock::now() + Duration::from_secs(6);
        }
        if let Err(why) = stage.cycle().await {
            stage.screen.problem(&format!("{why:#}"));
        }
        stage.screen.working("waiting for the next cycle");
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
    Ok(FINE)
}
