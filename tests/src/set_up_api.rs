//! From an empty data directory to a channel in step, over HTTP alone, as a program sets it up.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use lockstep_sandbox::audit::{AuditOptions, Excuses, Marketplace, audit_marketplace};
use lockstep_sandbox::{seller_center, shopify};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::plugins::{drop_in, variant};
use crate::served::{Client, Served};
use crate::world::{HASTE, KEY, World};

/// Longest time for something that a cycle brings about.
const SOON: Duration = Duration::from_secs(90);

/// A program with a token, and all that it was ever answered.
struct Program {
    client: Client,
    heard: Mutex<String>,
}

impl Program {
    async fn of(served: &Served, world: &World, role: &str) -> Self {
        Self {
            client: served.token(world, role).await,
            heard: Mutex::default(),
        }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let (status, answer) = self.client.call(method, path, body).await;
        self.heard.lock().unwrap().push_str(&answer.to_string());
        (status, answer)
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {answer:#}");
        answer
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask("POST", path, Some(body)).await
    }

    /// Asks for something that is not to be done; answers why.
    #[track_caller]
    fn refused(&self, path: &str, body: Value, wanted: u16) -> impl Future<Output = String> {
        let at = std::panic::Location::caller();
        async move {
            let (status, answer) = self.post(path, body).await;
            assert_eq!(status, wanted, "{at}: {path}: {answer:#}");
            answer["detail"].as_str().expect("a problem").to_owned()
        }
    }

    /// Asks again until the answer is as wanted.
    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.get(path).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < SOON, "{path} stays {answer:#}");
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// The store of a world, as it is connected.
fn shop_of(world: &World) -> Value {
    let config = shopify::Config::default();
    json!({
        "shop": "kestrel",
        "base_url": world.sandbox.shopify.url(),
        "client_id": config.client_id,
        "secret": config.client_secret,
        "allow_local": true,
    })
}

/// The channel of a world, as it is added.
fn channel_of(world: &World) -> Value {
    let config = seller_center::Config::default();
    let settings: BTreeMap<_, _> = HASTE.iter().filter_map(|s| s.split_once('=')).collect();
    json!({
        "shop": "kestrel",
        "channel": "the-iconic",
        "plugin": "the-iconic",
        "title": "THE ICONIC (test)",
        "client_id": config.client_id,
        "secret": config.client_secret,
        "settings": settings,
        "orders_from": world.since.to_string(),
        "base_url": world.sandbox.seller_center.url(),
        "allow_local": true,
    })
}

/// The same with other members; null takes one away.
fn with(mut body: Value, changes: Value) -> Value {
    let members = body.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    body
}

/// What no answer, event or row may ever hold.
const WRONG_SECRET: &str = "wrong-secret-wrong-secret";

#[tokio::test(flavor = "multi_thread")]
async fn a_program_sets_everything_up() {
    let world = World::bare(40).await;
    world.take_cache();
    world.run(&["init"]).await.code(0);
    drop_in(
        &world,
        "acme.wasm",
        &variant(&[("id = \"the-iconic\"", "id = \"acme\"")]),
    );
    let served = Served::start(&world).await;
    let admin = Program::of(&served, &world, "admin").await;
    assert_eq!(admin.get("/api/v1/shops").await, json!([]));
    assert_eq!(admin.get("/api/v1/channels").await, json!([]));

    // A store that is not taken leaves nothing behind.
    let shop = shop_of(&world);
    let shops = "/api/v1/shops";
    let changed = |changes: Value| with(shop_of(&world), changes);
    let why = admin.refused(shops, changed(json!({"secret": WRONG_SECRET})), 422);
    assert!(why.await.contains("check id and secret"));
    let closed = json!({"base_url": "http://127.0.0.1:9"});
    admin.refused(shops, changed(closed), 502).await;
    let nowhere = json!({"base_url": null, "domain": "shop.invalid", "allow_local": false});
    admin.refused(shops, changed(nowhere), 502).await;
    let inside = json!({"base_url": "https://10.0.0.1", "allow_local": false});
    let why = admin.refused(shops, changed(inside), 422).await;
    assert!(why.contains("private address"), "{why}");
    for wrong in [
        json!({"domain": "kestrel-surf.myshopify.com"}),
        json!({"base_url": null}),
        json!({"base_url": "ftp://example.com"}),
        json!({"base_url": "https://a:b@example.com"}),
        json!({"base_url": "data:text/plain,x"}),
        json!({"base_url": null, "domain": "a\0b"}),
        json!({"base_url": null, "domain": "x".repeat(254)}),
        json!({"base_url": format!("https://{}.example.com", "x".repeat(500))}),
        json!({"shop": "Kestrel"}),
        json!({"shop": "x".repeat(41)}),
        json!({"client_id": null}),
        json!({"client_id": "x".repeat(256)}),
        json!({"client_id": "a\nb"}),
        json!({"auth": "token"}),
        json!({"auth": "password"}),
        json!({"secret": null}),
        json!({"secret": ""}),
        json!({"secret": "a\0bcdefgh"}),
        json!({"secret": "x".repeat(2_001)}),
        json!({"surprise": 1}),
    ] {
        admin.refused(shops, changed(wrong), 422).await;
    }
    // What is no text is not repeated either.
    let why = admin.refused(shops, changed(json!({"secret": 83_920_485_761_u64})), 422);
    assert!(!why.await.contains("83920485761"));
    assert_eq!(admin.get(shops).await, json!([]));
    let (status, _) = admin
        .ask("GET", "/api/v1/shops/kestrel/locations", None)
        .await;
    assert_eq!(status, 404);

    let (status, connected) = admin.post(shops, shop.clone()).await;
    assert_eq!(status, 200, "{connected:#}");
    assert_eq!(connected["info"]["domain"], "kestrel-surf.myshopify.com");
    assert!(
        !connected["info"]["locations"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(admin.get(shops).await, json!([connected]));
    let listed = world.run(&["--json", "shop", "list"]).await.code(0);
    let listed: Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!(listed, json!([connected]));
    assert_eq!(
        admin.get("/api/v1/shops/kestrel/locations").await,
        connected["info"]["locations"]
    );
    // Asked twice it is the same.
    assert_eq!(admin.post(shops, shop).await, (200, connected));

    // A channel that is not taken leaves nothing behind.
    let channels = "/api/v1/channels";
    let changed = |changes: Value| with(channel_of(&world), changes);
    let why = admin.refused(channels, changed(json!({"secret": WRONG_SECRET})), 422);
    assert!(why.await.contains("does not accept the credentials"));
    let closed = json!({"base_url": "http://127.0.0.1:9"});
    admin.refused(channels, changed(closed), 502).await;
    let why = admin.refused(channels, changed(json!({"plugin": "acme"})), 409);
    assert!(why.await.contains("POST /api/v1/plugins/acme/grant"));
    let unknown = json!({"plugin": "nobody"});
    admin.refused(channels, changed(unknown), 404).await;
    let unknown = json!({"shop": "nobody"});
    admin.refused(channels, changed(unknown), 404).await;
    for wrong in [
        json!({"channel": "The Iconic"}),
        json!({"channel": "x".repeat(41)}),
        json!({"title": "x".repeat(101)}),
        json!({"title": "a\0b"}),
        json!({"client_id": null}),
        json!({"client_id": ""}),
        json!({"secret": 1}),
        json!({"base_url": "nowhere"}),
        json!({"base_url": "http://127.0.0.1:9", "allow_local": false}),
        json!({"settings": {"no-such-setting": "1"}}),
        json!({"settings": {"buffer": "many"}}),
        json!({"locations": ["The Moon"]}),
        json!({"locations": vec!["x"; 101]}),
        json!({"orders_from": "yesterday"}),
        json!({"surprise": 1}),
    ] {
        admin.refused(channels, changed(wrong), 422).await;
    }
    assert_eq!(admin.get(channels).await, json!([]));
    let database = rusqlite::Connection::open(world.place.join("lockstep.db")).unwrap();
    let secrets = "select count(*) from secret where owner <> ''";
    let count: i64 = database.query_row(secrets, [], |r| r.get(0)).unwrap();
    assert_eq!(count, 0);

    let (status, added) = admin.post(channels, channel_of(&world)).await;
    assert_eq!(status, 200, "{added:#}");
    assert_eq!(added["overview"]["title"], "THE ICONIC (test)");
    assert_eq!(added["approved_at"], Value::Null);
    assert!(added["account_id"].is_string());
    admin.refused(channels, channel_of(&world), 409).await;

    // Its plan comes, changes nothing, and is approved.
    let of = format!("{channels}/{KEY}");
    let plan = format!("{of}/plan");
    let made = admin.until(&plan, |p| p["made_at"].is_string()).await;
    assert!(made["stock_total"].as_u64().unwrap() > 0, "{made:#}");
    assert_eq!(made["first"], true);
    let (status, done) = admin.ask("POST", &format!("{of}/approve"), None).await;
    assert_eq!(status, 200, "{done:#}");
    let quiet = |c: &Value| {
        let done = |y: &Value| y["outcome"] == "done" && y["summary"] == "nothing to do";
        c["approved_at"].is_string() && c["cycles"].as_array().unwrap().iter().take(2).all(done)
    };
    admin.until(&of, quiet).await;
    let listed = admin.get(channels).await;
    assert_eq!(listed[0]["channel"], KEY);
    assert_eq!(listed[0]["awaits_approval"], Value::Null);
    assert!(listed[0]["linked"].as_u64().unwrap() > 0);

    // New credentials: only those that open the same account.
    let secret = format!("{of}/secret");
    let wrong = json!({"secret": WRONG_SECRET});
    let why = admin.refused(&secret, wrong, 422).await;
    assert!(why.contains("the stored ones are kept"), "{why}");
    admin.refused(&secret, json!({"secret": "a\0b"}), 422).await;
    let right = seller_center::Config::default().client_secret;
    let (status, done) = admin.post(&secret, json!({"secret": right})).await;
    assert_eq!(status, 200, "{done:#}");
    let account = added["account_id"].as_str().unwrap();
    assert!(done["said"].as_str().unwrap().contains(account), "{done:#}");

    // Whoever may only look, looks.
    let viewer = Program::of(&served, &world, "viewer").await;
    for path in [shops, channels, &of, &plan, "/api/v1/settings"] {
        viewer.get(path).await;
    }
    for (path, body) in [
        (shops, shop_of(&world)),
        (channels, channel_of(&world)),
        (&secret, json!({"secret": right})),
        ("/api/v1/settings", json!({"public_url": null})),
    ] {
        viewer.refused(path, body, 403).await;
    }
    let person = json!({"password": "long-enough-for-this", "role": "admin"});
    let (status, _) = (viewer.ask("PUT", "/api/v1/people/mallory", Some(person))).await;
    assert_eq!(status, 403);

    // It is all on record, and neither there nor in any answer is a secret.
    let audit = admin.get("/api/v1/audit").await;
    let acts: Vec<&str> = (audit["items"].as_array().unwrap().iter())
        .filter(|a| a["via"] == "api")
        .filter_map(|a| a["action"].as_str())
        .collect();
    for act in [
        "shop.connect",
        "channel.add",
        "channel.approve",
        "channel.secret",
    ] {
        assert!(acts.contains(&act), "{act}: {acts:?}");
    }
    let exported = world.run(&["export"]).await.code(0).out;
    let heard = admin.heard.lock().unwrap().clone() + &exported;
    for secret in [
        WRONG_SECRET,
        &right,
        &shopify::Config::default().client_secret,
    ] {
        assert!(!heard.contains(secret));
    }
    served.end().await;
    world.share_cache();
    world.settle().await;
    let center = Marketplace::SellerCenter(&world.sandbox.seller_center);
    let options = AuditOptions {
        since: world.since,
        channel_title: center.title().to_owned(),
        ..AuditOptions::default()
    };
    let audit = audit_marketplace(&world.sandbox, center, &options, &Excuses::default());
    // The credentials that were wrong on purpose are all that was ever refused.
    for check in audit.checks.iter().filter(|c| !c.ok) {
        assert_eq!(check.name, "requests well-formed", "{audit}");
        let wrong = |e: &String| e.contains("401 invalid_client");
        assert!(check.examples.iter().all(wrong), "{audit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_sets_the_address_and_sees_what_comes_of_it() {
    let world = World::in_step(20).await;
    let served = Served::start(&world).await;
    let admin = Program::of(&served, &world, "admin").await;
    let viewer = Program::of(&served, &world, "viewer").await;
    let (settings, webhooks) = ("/api/v1/settings", "/api/v1/webhooks");
    assert_eq!(admin.get(settings).await, json!({"public_url": null}));
    let none = viewer.get(webhooks).await;
    assert_eq!(none["public_url"], Value::Null);
    let sides: Vec<_> = (none["sources"].as_array().unwrap().iter())
        .map(|s| (s["shop"].clone(), s["channel"].clone(), s["url"].clone()))
        .collect();
    assert_eq!(
        sides,
        [
            (json!("kestrel"), Value::Null, Value::Null),
            (json!("kestrel"), json!("the-iconic"), Value::Null),
        ]
    );
    for wrong in [
        json!("https://lockstep.example/behind"),
        json!("lockstep.example"),
        json!("https://lock\0step.example"),
        json!(format!("https://{}.example", "x".repeat(300))),
        json!(5),
    ] {
        (admin.refused(settings, json!({ "public_url": wrong }), 422)).await;
    }
    // To say nothing is not to take it away.
    admin.refused(settings, json!({}), 422).await;

    let url = &served.url;
    let set = admin.post(settings, json!({"public_url": format!("{url}/")}));
    assert_eq!(set.await, (200, json!({ "public_url": url })));
    assert_eq!(viewer.get(settings).await, json!({ "public_url": url }));
    let all = |w: &Value, is: fn(&Value) -> bool| {
        let sources = w["sources"].as_array().unwrap();
        sources.len() == 2 && sources.iter().all(is)
    };
    let made = |w: &Value| all(w, |s| s["url"].is_string() && s["error"].is_null());
    let state = viewer.until(webhooks, made).await;
    assert_eq!(state["public_url"], *url);
    let shown = state["sources"][1]["url"].as_str().unwrap();
    assert_eq!(shown, format!("{url}/webhooks/channel/{KEY}/"));
    let said = world.run(&["webhooks"]).await.code(0);
    assert!(said.out.contains("Shopify, kestrel"), "{}", said.out);
    let said = world.run(&["--json", "webhooks"]).await.code(0);
    let said: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said["public_url"], *url);
    let page = served.sign_in(&world, "admin").await;
    let (status, html) = page.get("/settings").await;
    assert_eq!(status, 200);
    assert!(html.contains(shown) && html.contains("Shopify, kestrel"));

    let taken = admin.post(settings, json!({"public_url": ""})).await;
    assert_eq!(taken, (200, json!({"public_url": null})));
    let gone = |w: &Value| all(w, |s| s["url"].is_null());
    viewer.until(webhooks, gone).await;
    let (_, html) = page.get("/settings").await;
    assert!(html.contains("No public address is set"));

    // A person with a password, as `lockstep user add` makes one.
    let person = json!({"password": "long-enough-for-this", "role": "operator"});
    let (status, _) = (admin.ask("PUT", "/api/v1/people/grace", Some(person))).await;
    assert_eq!(status, 200);
    world.run(&["user", "list"]).await.code(0).says("grace");
    let short = json!({"password": "short", "role": "operator"});
    let (status, _) = (admin.ask("PUT", "/api/v1/people/grace", Some(short))).await;
    assert_eq!(status, 422);
    let (status, link) = admin
        .post("/api/v1/people", json!({"role": "viewer"}))
        .await;
    assert_eq!(status, 200);
    assert!(link["link"].as_str().unwrap().contains("/welcome/"));
    let heard = admin.heard.lock().unwrap().clone();
    assert!(!heard.contains("long-enough-for-this"));
}
