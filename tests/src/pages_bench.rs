//! `just bench-pages`: how long the host takes for each page and call, with 100,000 SKUs and 50,000 orders.
//!
//! The rows are made from real ones: one catalogue entry and a few orders of the sandbox go through the real host, and are
//! then multiplied in the database. Times are of this machine, and are printed, never judged.

#[allow(dead_code)]
mod served;
#[allow(dead_code)]
mod world;

use std::time::{Duration, Instant};

use lockstep_sandbox::story::{Packing, Story};
use served::Served;
use world::{KEY, World};

/// SKUs on both sides.
const SKUS: u32 = 100_000;
/// Orders, one in a hundred of them open.
const ORDERS: u32 = 50_000;
/// Requests of each page.
const TIMES: usize = 31;
/// What a page may take at the median.
const AIM: Duration = Duration::from_millis(50);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let world = World::in_step(60).await;
    play(&world).await?;
    world.run(&["channel", "pause", KEY]).await.code(0);
    let started = Instant::now();
    multiply(&world)?;
    eprintln!(
        "{SKUS} SKUs and {ORDERS} orders after {:.0?}",
        started.elapsed()
    );
    let served = Served::start(&world).await;
    let admin = served.sign_in(&world, "admin").await;
    let (order, sku) = examples(&world)?;
    let pages = [
        "/".to_owned(),
        "/orders".into(),
        "/orders?needs_you=true".into(),
        "/orders?search=9140027".into(),
        "/orders?search=nothing-like-it".into(),
        "/orders?state=closed".into(),
        "/orders?late=true".into(),
        "/orders?sort=least-time-left".into(),
        format!("/orders/{KEY}/{order}"),
        "/products".into(),
        format!("/products?channel={KEY}&state=out"),
        format!("/products?channel={KEY}&state=out&kind=no-listing"),
        "/products?search=MANY-05".into(),
        "/products?search=nothing+like+it".into(),
        format!("/products/kestrel/{sku}"),
        "/channels".into(),
        format!("/channels/{KEY}"),
        format!("/channels/{KEY}/plan"),
        "/plugins".into(),
        "/plugins/the-iconic".into(),
        "/activity".into(),
        format!("/activity?channel={KEY}&kind=created"),
        "/activity?kind=drift".into(),
        "/activity/alerts".into(),
        "/activity/people".into(),
        "/settings".into(),
        "/settings/notify".into(),
        "/set-up".into(),
        "/set-up/shop".into(),
        "/set-up/channel?shop=kestrel&plugin=the-iconic".into(),
        "/me".into(),
        "/api/v1/overview".into(),
        "/api/v1/orders".into(),
        "/api/v1/products".into(),
        "/metrics".into(),
    ];
    println!("| Page | Median | 95 of 100 | Bytes |\n|---|---|---|---|");
    let mut slow = 0;
    for page in pages {
        let mut took = Vec::new();
        let mut bytes = 0;
        for _ in 0..TIMES {
            let begun = Instant::now();
            let (status, text) = admin.get(&page).await;
            took.push(begun.elapsed());
            bytes = text.len();
            anyhow::ensure!(status == 200, "{page}: {status}");
        }
        took.sort();
        let (median, late) = (took[TIMES / 2], took[TIMES * 95 / 100]);
        slow += usize::from(median > AIM);
        let mark = if median > AIM { " (over 50 ms)" } else { "" };
        println!("| `{page}` | {median:.1?}{mark} | {late:.1?} | {bytes} |");
    }
    println!("\n{slow} pages are over the aim of 50 ms at the median.");
    Ok(())
}

/// A day in which every kind of order comes to be.
async fn play(world: &World) -> anyhow::Result<()> {
    let mut story = Story::new(&world.sandbox, 5);
    let mut numbers = Vec::new();
    for pieces in [1, 2, 3, 1, 2, 1] {
        numbers.push(story.buy_on_channel(pieces)?.0.number);
    }
    world.settle().await;
    story.pack(&numbers[0], Packing::Whole)?;
    story.pack(&numbers[1], Packing::TwoParcels)?;
    world.settle().await;
    story.cancel_on_channel(&numbers[3])?;
    world.settle().await;
    Ok(())
}

/// Makes many of each row. What is unique gets a number of its own.
fn multiply(world: &World) -> anyhow::Result<()> {
    let db = rusqlite::Connection::open(world.place.join("lockstep.db"))?;
    db.execute_batch("pragma synchronous = off; begin;")?;
    // Each table: what differs from the row it is made from.
    let many = [
        (
            "variant",
            SKUS,
            "id = id || 'M' || n, item = item || 'M' || n, product = product || 'M' || n, sku = printf('MANY-%06d', n)",
            "sku = (select min(sku) from link)",
        ),
        (
            "level",
            SKUS,
            "item = item || 'M' || n",
            "item = (select item from link order by sku limit 1)",
        ),
        (
            "listing",
            SKUS,
            "id = id || 'M' || n, sku = printf('MANY-%06d', n)",
            "sku = (select min(sku) from link)",
        ),
        (
            "link",
            SKUS,
            "listing = listing || 'M' || n, variant = variant || 'M' || n, item = item || 'M' || n, sku = printf('MANY-%06d', n)",
            "sku = (select min(sku) from link)",
        ),
        (
            "mismatch",
            30_000,
            "sku = printf('ODD-%06d', n), kind = 'no-listing'",
            "rowid = (select min(rowid) from mismatch)",
        ),
        (
            "channel_order",
            ORDERS,
            "id = id || 'M' || n, number = number || 'M' || n, shop_order = shop_order || 'M' || n, shop_name = shop_name || 'M' || n, placed_at = placed_at - n * 60000, state = iif(n % 100 = 0, 'created', 'closed'), attention = (n % 1000 = 0)",
            "id = (select order_id from parcel limit 1)",
        ),
        (
            "unit",
            ORDERS,
            "order_id = order_id || 'M' || n, parcel = parcel || 'M' || n, sku = printf('MANY-%06d', n * 7 % 20000), item = (select item from link order by sku limit 1) || 'M' || (n * 7 % 20000), listing = (select listing from link order by sku limit 1) || 'M' || (n * 7 % 20000), channel_state = iif(n % 100 = 0, 'open', 'shipped'), shop_state = iif(n % 100 = 0, 'open', shop_state)",
            "order_id = (select order_id from parcel limit 1)",
        ),
        (
            "parcel",
            ORDERS,
            "id = id || 'M' || n, order_id = order_id || 'M' || n, tracking = tracking || n",
            "rowid = (select min(rowid) from parcel)",
        ),
        (
            "push",
            3 * SKUS,
            "id = null, sku = printf('MANY-%06d', n % 100000), at = at - n * 1000",
            "id = (select min(id) from push)",
        ),
        (
            "event",
            6 * ORDERS,
            "id = null, subject = 'order:' || (select order_id from parcel limit 1) || 'M' || (n % 50000), at = at - n * 1000",
            "id = (select min(id) from event where subject like 'order:%')",
        ),
        (
            "exchange",
            8 * ORDERS,
            "id = null, subject = 'order:' || (select order_id from parcel limit 1) || 'M' || (n % 50000), at = at - n * 1000, last_at = last_at - n * 1000",
            "id = (select min(id) from exchange where subject like 'order:%')",
        ),
        (
            "audit",
            20_000,
            "id = null, at = at - n * 1000",
            "id = (select min(id) from audit)",
        ),
        (
            "cycle",
            40_000,
            "id = null, started_at = started_at - n * 60000, ended_at = ended_at - n * 60000",
            "id = (select min(id) from cycle)",
        ),
    ];
    for (table, count, differs, from) in many {
        let columns: Vec<String> = db
            .prepare(&format!("select name from pragma_table_info('{table}')"))?
            .query_map([], |r| r.get(0))?
            .collect::<Result<_, _>>()?;
        let change = |column: &String| {
            split(differs)
                .into_iter()
                .find_map(|(name, value)| (name == column).then(|| value.to_owned()))
                .unwrap_or_else(|| column.clone())
        };
        let values: Vec<String> = columns.iter().map(change).collect();
        db.execute_batch(&format!(
            "with recursive many(n) as (select 1 union all select n + 1 from many where n < {count})
             insert or ignore into {table} ({}) select {} from {table}, many where {from}",
            columns.join(", "),
            values.join(", ")
        ))
        .map_err(|e| anyhow::anyhow!("{table}: {e}"))?;
    }
    db.execute_batch("commit; pragma wal_checkpoint(truncate);")?;
    Ok(())
}

/// "a = x, b = f(y, z)" as pairs.
fn split(text: &str) -> Vec<(&str, &str)> {
    let (mut pairs, mut depth, mut from) = (Vec::new(), 0, 0);
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                pairs.extend(text[from..i].split_once(" = "));
                from = i + 1;
            }
            _ => {}
        }
    }
    pairs.extend(text[from..].split_once(" = "));
    (pairs.into_iter())
        .map(|(name, value)| (name.trim(), value))
        .collect()
}

/// An order and a SKU in the middle of the many.
fn examples(world: &World) -> anyhow::Result<(String, String)> {
    let db = rusqlite::Connection::open(world.place.join("lockstep.db"))?;
    let order = db.query_row(
        "select id from channel_order where id like '%M25000'",
        [],
        |r| r.get(0),
    )?;
    Ok((order, "MANY-010003".into()))
}
