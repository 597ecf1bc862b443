//! Messages from outside, sent by both stand-ins over HTTP to a host that is at work in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use lockstep::host::Host;
use lockstep::model::{Key, PUBLIC_URL};
use lockstep::net::{Client, ClientOptions, Method, Request, Response};
use lockstep::schedule::{self, Wakes};
use lockstep::vault::Scrubber;
use lockstep::view;
use lockstep::web::{health, hooks, metrics};
use lockstep_sandbox::shopify;
use lockstep_sandbox::story::Packing;
use tokio_util::sync::CancellationToken;

use crate::world::{KEY, World};

/// Sooner than any interval of these tests, and later than what a webhook brings takes on a slow machine.
const SOON: Duration = Duration::from_secs(45);
/// The interval of a channel that would notice nothing by itself while a test runs.
const NEVER: [&str; 3] = ["interval-s=86400", "read-back-s=86400", "overlap-s=1"];

/// A host at work in this process, with what it serves.
struct AtWork {
    host: Arc<Host>,
    url: String,
    cycles: Arc<AtomicU32>,
    stop: CancellationToken,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl AtWork {
    /// Works the world's channels; told by webhooks if `subscribed`.
    async fn on(world: &World, subscribed: bool) -> Self {
        let host = Arc::new(Host::open(&world.place, Scrubber::default()).unwrap());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let wakes = Wakes::default();
        let app = hooks::router(host.clone(), wakes.clone())
            .merge(metrics::router(host.clone()))
            .merge(health::router(host.clone()));
        let stop = CancellationToken::new();
        let cycles = Arc::new(AtomicU32::new(0));
        let (counted, ended, at_work) = (cycles.clone(), stop.clone(), host.clone());
        let mut tasks = vec![
            tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }),
            tokio::spawn(async move {
                schedule::run(at_work, wakes, ended, |_, end| {
                    counted.fetch_add(1, Ordering::SeqCst);
                    if let Ok(end) = end
                        && let Some(stop) = &end.stop
                    {
                        eprintln!("stopped early: {stop}");
                    }
                })
                .await
                .unwrap();
            }),
        ];
        let at_work = Self {
            host,
            url,
            cycles,
            stop,
            tasks: Vec::new(),
        };
        if subscribed {
            at_work.set_public_url(Some(&at_work.url)).await;
            tasks.push(tokio::spawn(hooks::subscribe(
                at_work.host.clone(),
                at_work.stop.clone(),
            )));
            at_work.subscribed(2).await;
        }
        // The channel is due at once: what follows is not found by that cycle.
        until("the first cycle", || at_work.cycles() > 0).await;
        Self { tasks, ..at_work }
    }

    async fn set_public_url(&self, url: Option<&str>) {
        let url = url.map(str::to_owned);
        let set = self.host.store.write(move |tx| match &url {
            Some(url) => tx.put_setting(PUBLIC_URL, url),
            None => tx.drop_setting(PUBLIC_URL),
        });
        set.await.unwrap();
    }

    /// Waits until so many sources are subscribed.
    async fn subscribed(&self, count: usize) {
        let begun = Instant::now();
        loop {
            let state = view::webhooks(&self.host).await.unwrap();
            let made = state.sources.iter().filter(|s| s.url.is_some());
            if made.count() == count {
                return;
            }
            assert!(begun.elapsed() < SOON, "{state:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn cycles(&self) -> u32 {
        self.cycles.load(Ordering::SeqCst)
    }

    async fn deliveries(&self, channel: &str) -> u32 {
        let key = Key::new("kestrel", channel);
        let read = self.host.store.read(move |tx| tx.deliveries(&key));
        read.await.unwrap().count
    }

    async fn scraped(&self) -> String {
        let answer = send(Method::Get, &format!("{}/metrics", self.url), &[], None).await;
        assert_eq!(answer.status, 200);
        String::from_utf8(answer.body).unwrap()
    }

    /// A message as Shopify sends it, with the headers that are not to be as usual.
    async fn deliver(&self, id: &str, topic: &str, body: &str, other: &[(&str, &str)]) -> u16 {
        let signed = signature(&shopify::Config::default().client_secret, body.as_bytes());
        let usual = [
            ("content-type", "application/json"),
            ("x-shopify-topic", topic),
            ("x-shopify-hmac-sha256", &signed),
            ("x-shopify-shop-domain", "kestrel-surf.myshopify.com"),
            ("x-shopify-webhook-id", id),
        ];
        let headers: Vec<(&str, &str)> = usual
            .iter()
            .map(|(name, value)| {
                let changed = other.iter().find(|(n, _)| n == name);
                changed.copied().unwrap_or((name, value))
            })
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let url = format!("{}/webhooks/shopify/kestrel", self.url);
        send(Method::Post, &url, &headers, Some(body)).await.status
    }

    async fn end(self) {
        self.stop.cancel();
        for (n, task) in self.tasks.into_iter().enumerate() {
            if n == 0 {
                task.abort();
            } else {
                task.await.unwrap();
            }
        }
    }
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    STANDARD.encode(mac.chain_update(body).finalize().into_bytes())
}

async fn send(method: Method, url: &str, headers: &[(&str, &str)], body: Option<&str>) -> Response {
    let client = Client::new(ClientOptions { allow_local: true }).unwrap();
    let request = Request {
        method,
        url: url.parse().unwrap(),
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        body: body.map(|b| b.as_bytes().to_vec()),
        timeout: Duration::from_secs(30),
        max_body: 4 << 20,
    };
    client.send(request).await.unwrap()
}

/// Waits until something holds, and says how long it took.
async fn until(what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < SOON, "not within {SOON:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}

/// A world in step whose channel is to be worked once a day.
async fn slow_world() -> World {
    let world = World::in_step(60).await;
    let mut args = vec!["channel", "set", KEY];
    args.extend(NEVER);
    world.run(&args).await.code(0);
    world
}

/// A linked SKU of which there is enough on both sides.
fn sku(world: &World) -> String {
    let linked = world.sandbox.catalogue.linked();
    let enough = |sku: &&&str| {
        let found = world.sandbox.seller_center.product(sku);
        found.len() == 1 && found[0].available >= 8 && found[0].reserved == 0
    };
    linked
        .iter()
        .find(enough)
        .expect("enough of some SKU")
        .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_on_either_side_reaches_the_other_long_before_the_interval() {
    let world = slow_world().await;
    let at_work = AtWork::on(&world, true).await;
    // Searches of Shopify show nothing new while this test runs: what a message names is read by its id.
    world.sandbox.shopify.switches(|s| s.index_lag_ms = 600_000);
    let mut story = world.story(3);
    let sku = sku(&world);
    let center = &world.sandbox.seller_center;
    let quantity = || center.product(&sku)[0].quantity;

    let before = quantity();
    story.sell(&sku, 2).unwrap();
    let took = until("a sale in the shop lowers the channel's number", || {
        quantity() == before - 2
    })
    .await;
    eprintln!("a sale in the shop reached the channel after {took:?}");

    let (order, _) = story.buy(&[(sku.clone(), 1)], Default::default()).unwrap();
    let in_shop = || world.sandbox.shopify.order_by_name(&order.number);
    let took = until("an order of the channel comes into the shop", || {
        in_shop().len() == 1
    })
    .await;
    eprintln!("an order of the channel came into the shop after {took:?}");

    story.pack(&order.number, Packing::Whole).unwrap();
    let shipped = || {
        let there = center.order(order.id).unwrap();
        there.items.iter().all(|i| !i.tracking.is_empty())
    };
    let took = until("a parcel is told to the channel", shipped).await;
    eprintln!("a parcel was told to the channel after {took:?}");

    let state = view::webhooks(&at_work.host).await.unwrap();
    assert_eq!(state.public_url.as_deref(), Some(&*at_work.url));
    for source in &state.sources {
        assert!(source.last_delivery_at.is_some(), "{source:?}");
        assert!(
            source.deliveries > 0 && source.error.is_none(),
            "{source:?}"
        );
        assert!(!source.topics.is_empty(), "{source:?}");
    }
    let secret = at_work
        .host
        .known_address_secret(&KEY.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let shown = serde_json::to_string(&state).unwrap();
    assert!(!shown.contains(secrecy::ExposeSecret::expose_secret(&secret)));

    let figures = at_work.scraped().await;
    let of_channel = "{shop=\"kestrel\",channel=\"the-iconic\"}";
    for (name, least) in [
        ("lockstep_stock_propagation_seconds_count", 1),
        ("lockstep_order_latency_seconds_count", 1),
        ("lockstep_channel_up", 1),
        ("lockstep_linked_skus", 20),
    ] {
        let line = format!("{name}{of_channel} ");
        let found = figures.lines().find_map(|l| l.strip_prefix(&line));
        let value: f64 = found
            .unwrap_or_else(|| panic!("{line}\n{figures}"))
            .parse()
            .unwrap();
        assert!(value >= f64::from(least), "{line}{value}");
    }
    let ready = send(Method::Get, &format!("{}/readyz", at_work.url), &[], None).await;
    assert_eq!(
        ready.status,
        200,
        "{}",
        String::from_utf8_lossy(&ready.body)
    );

    world.sandbox.shopify.switches(|s| s.index_lag_ms = 0);
    at_work.set_public_url(None).await;
    at_work.subscribed(0).await;
    let shop = at_work.host.shop("kestrel").await.unwrap();
    let address = format!("{}/webhooks/shopify/kestrel", at_work.url);
    let left = shop
        .shop
        .ensure_webhooks(&address.parse().unwrap(), &[])
        .await;
    assert!(
        left.unwrap().removed.is_empty(),
        "Shopify sends messages still"
    );
    let row = at_work.host.channel(&KEY.parse().unwrap()).await.unwrap();
    let connector = at_work.host.connector(&row).await.unwrap();
    assert_eq!(connector.webhooks().await.unwrap(), []);
    at_work.end().await;
    world.settle().await;
    world.assert_sound("after a day of webhooks");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_genuine_does_nothing() {
    let world = slow_world().await;
    let at_work = AtWork::on(&world, false).await;
    let cycles = at_work.cycles();
    let body = r#"{"inventory_item_id":1,"location_id":1,"available":10}"#;
    let topic = "inventory_levels/update";

    let other = signature("another secret", body.as_bytes());
    let forged = [("x-shopify-hmac-sha256", other.as_str())];
    assert_eq!(at_work.deliver("a", topic, body, &forged).await, 401);
    let unsigned = [("x-shopify-hmac-sha256", "")];
    assert_eq!(at_work.deliver("a", topic, body, &unsigned).await, 401);
    let wrong = [("x-shopify-shop-domain", "another.myshopify.com")];
    assert_eq!(at_work.deliver("a", topic, body, &wrong).await, 403);
    let nameless = [("x-shopify-webhook-id", "")];
    assert_eq!(at_work.deliver("a", topic, body, &nameless).await, 400);
    let large = format!(r#"{{"id":1,"note":"{}"}}"#, "x".repeat(6 << 20));
    assert_eq!(at_work.deliver("a", topic, &large, &[]).await, 413);
    // Its body is signed, its topic is not.
    assert_eq!(
        at_work.deliver("a", "app/uninstalled", body, &[]).await,
        401
    );
    let unknown = format!("{}/webhooks/shopify/nobody", at_work.url);
    let answer = send(Method::Post, &unknown, &[], Some(body)).await;
    assert_eq!(answer.status, 404);

    let key: Key = KEY.parse().unwrap();
    let secret = at_work.host.address_secret(&key).await.unwrap();
    let secret = secrecy::ExposeSecret::expose_secret(&secret).to_owned();
    assert_eq!(secret.len(), 64);
    let near = format!(
        "{}{}",
        &secret[..63],
        if secret.ends_with('0') { '1' } else { '0' }
    );
    let address =
        |key: &str, secret: &str| format!("{}/webhooks/channel/{key}/{secret}", at_work.url);
    let event = r#"{"event":"onOrderCreated","payload":{"OrderId":1,"OrderNr":"1"}}"#;
    for wrong in [
        address(KEY, &near),
        address(KEY, &secret[..10]),
        address("kestrel/nobody", &secret),
    ] {
        let answer = send(Method::Post, &wrong, &[], Some(event)).await;
        assert_eq!(answer.status, 404, "{wrong}");
    }
    let large = "x".repeat(2 << 20);
    let answer = send(Method::Post, &address(KEY, &secret), &[], Some(&large)).await;
    assert_eq!(answer.status, 413);
    let get = send(Method::Get, &address(KEY, &secret), &[], None).await;
    assert_eq!(get.status, 405);

    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(at_work.cycles(), cycles, "nothing of that wakes a channel");
    assert_eq!(
        at_work.deliveries("").await + at_work.deliveries("the-iconic").await,
        0
    );
    let figures = at_work.scraped().await;
    for reason in ["forged", "wrong-shop", "no-id", "too-large", "unknown-shop"] {
        let line =
            format!("lockstep_webhooks_refused_total{{side=\"shopify\",reason=\"{reason}\"}}");
        assert!(figures.contains(&line), "{line}\n{figures}");
    }

    // The genuine one is taken, once; an order that the marketplace does not have harms nothing.
    assert_eq!(at_work.deliver("a", topic, body, &[]).await, 200);
    until("a cycle", || at_work.cycles() == cycles + 1).await;
    for _ in 0..3 {
        assert_eq!(at_work.deliver("a", topic, body, &[]).await, 200);
    }
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(
        at_work.cycles(),
        cycles + 1,
        "a repeated message does nothing"
    );
    assert_eq!(at_work.deliveries("").await, 1);
    for message in [event, "not JSON"] {
        let answer = send(Method::Post, &address(KEY, &secret), &[], Some(message)).await;
        assert_eq!(answer.status, 200);
    }
    until("a cycle after it", || at_work.cycles() == cycles + 2).await;
    let row = at_work.host.channel(&key).await.unwrap();
    assert_eq!((row.failures, row.reason), (0, None));
    at_work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_before_counts_for_a_while() {
    let world = slow_world().await;
    let at_work = AtWork::on(&world, false).await;
    let new = secrecy::SecretString::from("the new secret of the app");
    at_work
        .host
        .keep_secret("kestrel", "", "secret", &new)
        .await
        .unwrap();
    let body = r#"{"id":7}"#;
    assert_eq!(
        at_work.deliver("old", "orders/updated", body, &[]).await,
        200
    );
    let signed = signature("the new secret of the app", body.as_bytes());
    let by_new = [("x-shopify-hmac-sha256", signed.as_str())];
    assert_eq!(
        at_work
            .deliver("new", "orders/updated", body, &by_new)
            .await,
        200
    );
    let newest = secrecy::SecretString::from("the newest secret of the app");
    at_work
        .host
        .keep_secret("kestrel", "", "secret", &newest)
        .await
        .unwrap();
    assert_eq!(
        at_work.deliver("older", "orders/updated", body, &[]).await,
        401
    );
    at_work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_messages_is_answered_in_time_and_makes_few_cycles() {
    let world = slow_world().await;
    let at_work = Arc::new(AtWork::on(&world, false).await);
    let before = at_work.cycles();
    let begun = Instant::now();
    let mut senders = Vec::new();
    for sender in 0..20 {
        let at_work = at_work.clone();
        senders.push(tokio::spawn(async move {
            let mut slowest = Duration::ZERO;
            for n in 0..50 {
                let id = format!("{sender}-{n}");
                let body = format!(
                    r#"{{"inventory_item_id":{},"available":1}}"#,
                    sender * 50 + n
                );
                let sent = Instant::now();
                let status = at_work
                    .deliver(&id, "inventory_levels/update", &body, &[])
                    .await;
                assert_eq!(status, 200);
                slowest = slowest.max(sent.elapsed());
            }
            slowest
        }));
    }
    let mut slowest = Duration::ZERO;
    for sender in senders {
        slowest = slowest.max(sender.await.unwrap());
    }
    let storm = begun.elapsed();
    until("the last of it is looked at", || at_work.cycles() > before).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let (cycles, took) = (at_work.cycles() - before, begun.elapsed());
    eprintln!(
        "1,000 messages within {storm:?}, the slowest answered after {slowest:?}, made {cycles} cycles in {took:?}"
    );
    assert!(slowest < Duration::from_secs(5), "Shopify waits no longer");
    assert_eq!(at_work.deliveries("").await, 1_000);
    assert!(
        f64::from(cycles) <= took.as_secs_f64() / 5.0 + 1.0,
        "{cycles} in {took:?}"
    );
    let at_work = Arc::into_inner(at_work).unwrap();
    at_work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_lost_costs_the_interval_and_no_more() {
    let world = World::in_step(60).await;
    world.sandbox.shopify.switches(|s| s.webhook_loss = 1);
    let at_work = AtWork::on(&world, true).await;
    let sku = sku(&world);
    let center = &world.sandbox.seller_center;
    let before = center.product(&sku)[0].quantity;
    world.story(5).sell(&sku, 3).unwrap();
    until("the channel's number follows", || {
        center.product(&sku)[0].quantity == before - 3
    })
    .await;
    assert_eq!(at_work.deliveries("").await, 0);
    at_work.end().await;
    world.settle().await;
    world.assert_sound("without one message");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_was_dropped_is_made_again_and_told() {
    let world = slow_world().await;
    let at_work = AtWork::on(&world, true).await;
    let key: Key = KEY.parse().unwrap();
    let shop = at_work.host.shop("kestrel").await.unwrap();
    let address = format!("{}/webhooks/shopify/kestrel", at_work.url);
    let address = address.parse().unwrap();
    let dropped = shop
        .shop
        .ensure_webhooks(&address, &["ORDERS_UPDATED"])
        .await;
    assert_eq!(dropped.unwrap().removed.len(), 9);
    let row = at_work.host.channel(&key).await.unwrap();
    let connector = at_work.host.connector(&row).await.unwrap();
    for there in connector.webhooks().await.unwrap() {
        connector.webhook_remove(&there.id).await.unwrap();
    }
    // What another start does, the hourly look does too.
    let again = CancellationToken::new();
    let task = tokio::spawn(hooks::subscribe(at_work.host.clone(), again.clone()));
    let told = async |key: Key, subject: &'static str| {
        let begun = Instant::now();
        loop {
            let asked = key.clone();
            let read = at_work
                .host
                .store
                .read(move |tx| tx.events(&asked, subject, 20));
            let events = read.await.unwrap();
            if let Some(event) = events.into_iter().find(|e| e.kind == "webhooks") {
                return event.text;
            }
            assert!(begun.elapsed() < SOON, "nobody is told of {key}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let text = told(Key::new("kestrel", ""), "shop").await;
    assert!(
        text.starts_with("Shopify had no subscription any more for "),
        "{text}"
    );
    assert!(
        text.contains("APP_UNINSTALLED") && !text.contains("ORDERS_UPDATED"),
        "{text}"
    );
    let text = told(key, "channel").await;
    assert!(text.contains("onOrderCreated"), "{text}");
    assert_eq!(connector.webhooks().await.unwrap().len(), 1);
    again.cancel();
    task.await.unwrap();
    at_work.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_uninstalled_parks_the_channels_of_the_shop() {
    let world = slow_world().await;
    let at_work = AtWork::on(&world, false).await;
    let body = r#"{"id":1,"name":"Kestrel Surf","myshopify_domain":"kestrel-surf.myshopify.com"}"#;
    assert_eq!(
        at_work.deliver("u", "app/uninstalled", body, &[]).await,
        200
    );
    let row = at_work.host.channel(&KEY.parse().unwrap()).await.unwrap();
    assert_eq!(row.state, lockstep::db::ChannelState::Parked);
    let why = row.reason.unwrap();
    assert!(
        why.contains("uninstalled") && why.contains("lockstep channel resume"),
        "{why}"
    );
    at_work.end().await;
    world.run(&["status"]).await.code(1).says("uninstalled");
    world.run(&["channel", "resume", KEY]).await.code(0);
    world.settle().await;
}
