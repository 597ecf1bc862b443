//! `just bench`: what a full read-and-compare and a quiet cycle cost, in requests, time and memory.
//!
//! Requests are compared with the fewest that the two APIs allow; times and memory are of this machine, and are printed,
//! never judged.

#[allow(dead_code)]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lockstep_sandbox::Options;
use world::{KEY, World};

/// What a command used.
struct Used {
    wall: Duration,
    cpu_s: f64,
    peak_mib: f64,
    shopify: u64,
    channel: u64,
}

fn sum(counts: &BTreeMap<String, u64>) -> u64 {
    counts
        .iter()
        .filter(|(name, _)| !name.contains("oauth"))
        .map(|(_, n)| n)
        .sum()
}

async fn measure(world: &World, args: &[&str]) -> Used {
    let before = (
        sum(&world.sandbox.shopify.stats().requests),
        sum(&world.sandbox.seller_center.stats().requests),
    );
    let started = Instant::now();
    let mut command = world.command();
    command
        .args(args)
        .env("LOCKSTEP_LOG", "warn")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit());
    let mut child = command.spawn().expect("the binary starts");
    let pid = child.id().expect("it runs");
    let (mut cpu_s, mut peak_mib) = (0.0, 0.0);
    while child.try_wait().expect("a child").is_none() {
        if let Some((cpu, peak)) = resources(pid) {
            (cpu_s, peak_mib) = (cpu, peak);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Used {
        wall: started.elapsed(),
        cpu_s,
        peak_mib,
        shopify: sum(&world.sandbox.shopify.stats().requests) - before.0,
        channel: sum(&world.sandbox.seller_center.stats().requests) - before.1,
    }
}

/// Processor seconds and peak memory of a process so far, as Linux tells them.
fn resources(pid: u32) -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status
        .lines()
        .find(|l| l.starts_with("VmHWM"))?
        .split_whitespace()
        .nth(1)?
        .parse::<f64>()
        .ok()?;
    Some((ticks / 100.0, peak / 1024.0))
}

fn show(what: &str, used: &Used, fewest: Option<(u64, u64)>) {
    let beside = |n: u64, least: Option<u64>| match least {
        Some(least) => format!(
            "{n} (fewest {least}, {:+.1} %)",
            100.0 * (n as f64 - least as f64) / least as f64
        ),
        None => n.to_string(),
    };
    println!(
        "{what:<34} Shopify {:<28} channel {:<34} {:>7.1} s wall {:>7.1} s CPU {:>7.0} MiB peak",
        beside(used.shopify, fewest.map(|f| f.0)),
        beside(used.channel, fewest.map(|f| f.1)),
        used.wall.as_secs_f64(),
        used.cpu_s,
        used.peak_mib
    );
}

fn main() {
    // `cargo bench` passes flags of its own.
    let skus: usize = std::env::args()
        .skip(1)
        .find_map(|a| a.parse().ok())
        .unwrap_or(100_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(skus));
}

async fn run(skus: usize) {
    let mut options = Options {
        skus,
        seed: 1,
        ..Options::default()
    };
    // Rates are the sandbox's to lift here: what is measured is the host.
    options.seller_center.switches.requests_per_second = 0;
    let world = World::with(options).await;
    world
        .connect(&["requests-per-second=100000", "read-back-s=86400"])
        .await;
    let products = world.sandbox.seller_center.products();
    let sets = products
        .iter()
        .map(|p| p.product_set_id)
        .collect::<BTreeSet<_>>()
        .len() as u64;
    println!(
        "{skus} SKUs in the catalogue, {} listings in {sets} sets at the channel\n",
        products.len()
    );
    // Shopify: count, bulk operation, one look at it, its file. Channel: pages of sets, stock of each set, look-ups of a
    // hundred SKUs each, account, orders, carriers, reasons.
    let fewest = (
        4,
        sets.div_ceil(100) + sets + (products.len() as u64).div_ceil(100) + 3,
    );
    let full = measure(&world, &["plan", "--json"]).await;
    show("full read and compare", &full, Some(fewest));
    world.run(&["approve", KEY]).await.code(0);
    let writes = world.sandbox.seller_center.stock_writes();
    let first = measure(&world, &["sync", "--once"]).await;
    show("first sync", &first, None);
    println!(
        "{:<34} {} numbers",
        "",
        world.sandbox.seller_center.stock_writes() - writes
    );
    let quiet = measure(&world, &["sync", "--once"]).await;
    show("quiet cycle", &quiet, None);
    world
        .story(1)
        .buy_on_channel(2)
        .expect("something is for sale");
    let busy = measure(&world, &["sync", "--once"]).await;
    show("cycle with one new order", &busy, None);
    let place = world.sandbox.locations[0].clone();
    let edited: Vec<String> = (world.sandbox.shopify.variants().into_iter())
        .filter_map(|v| v.sku)
        .take(skus / 5)
        .collect();
    for sku in &edited {
        world.sandbox.shopify.adjust(sku, &place, 1);
    }
    let mass = measure(&world, &["sync", "--once"]).await;
    show("cycle after a fifth was recounted", &mass, None);
    let mistakes = [
        world.sandbox.shopify.stats().mistakes,
        world.sandbox.seller_center.stats().mistakes,
    ]
    .concat();
    let throttled =
        world.sandbox.shopify.stats().throttled + world.sandbox.seller_center.stats().throttled;
    println!(
        "\n{throttled} requests throttled, {} refused as malformed",
        mistakes.len()
    );
}
