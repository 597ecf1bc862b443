//! Extras at work, and plugins that come, change and go while the host runs.

use std::path::PathBuf;
use std::time::Duration;

use lockstep_sandbox::story::Packing;

use crate::world::{KEY, World};

const THE_ICONIC_MANIFEST: &str = include_str!("../../plugins/the-iconic/plugin.toml");

/// The connector for THE ICONIC as another plugin would be: its manifest changed.
pub fn variant(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut manifest = THE_ICONIC_MANIFEST.to_owned();
    for (from, to) in changes {
        assert!(manifest.contains(from), "{from}");
        manifest = manifest.replacen(from, to, 1);
    }
    lockstep_pack::embed(lockstep_bundle::THE_ICONIC.to_vec(), manifest.as_bytes())
}

pub fn drop_in(world: &World, file: &str, bytes: &[u8]) -> PathBuf {
    let folder = world.place.join("plugins");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(file);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn drop_failing_extra(world: &World) {
    const MANIFEST: &str = r#"
        [plugin]
        id = "failing"
        name = "Failing"
        version = "0.1.0"
        generation = "0.1"
        [[setting]]
        key = "do"
        type = "text"
    "#;
    let component = std::fs::read(env!("FAILING_EXTRA")).unwrap();
    let bytes = lockstep_pack::embed(component, MANIFEST.as_bytes());
    drop_in(world, "failing.wasm", &bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn extras_edit_the_order_on_its_way_and_its_parcels_still_go_out() {
    let world = World::in_step(60).await;
    let add = |plugin: &'static str, settings: &'static [&'static str]| {
        let mut args = vec!["extra", "add", KEY, plugin];
        for setting in settings {
            args.extend(["--set", setting]);
        }
        args
    };
    for args in [
        add(
            "order-tags",
            &["tags={channel-key}-{country}", "note=Pack for {channel}"],
        ),
        add("channel-line-item", &["title=Sold on {channel}"]),
        add(
            "shipping-by-country",
            &[
                "methods=AU=Australia Post Express|ap-express",
                "default=DHL",
            ],
        ),
    ] {
        world.run(&args).await.code(0);
    }
    world
        .run(&["extra", "move", KEY, "channel-line-item", "1"])
        .await
        .code(0);
    let listed = world.run(&["extra", "list"]).await.code(0).out;
    let (line, tags) = (listed.find("channel-line-item"), listed.find("order-tags"));
    assert!(line < tags && line.is_some(), "{listed}");
    let mut story = world.story(1);
    let (order, _) = story.buy_on_channel(2).unwrap();
    world.settle().await;
    let found = world.sandbox.shopify.order_by_name(&order.number);
    let made = &found[0];
    assert!(
        made.tags.contains(&"the-iconic-AU".to_owned()),
        "{:?}",
        made.tags
    );
    assert!(
        made.note
            .as_deref()
            .unwrap_or("")
            .contains("Pack for THE ICONIC")
    );
    let added: Vec<_> = (made.lines.iter())
        .filter(|l| l.title == "Sold on THE ICONIC")
        .collect();
    assert_eq!(added.len(), 1);
    assert!(added[0].variant.is_none() && !added[0].requires_shipping);
    world
        .run(&["explain", &order.number])
        .await
        .code(0)
        .says("line added: 1 x Sold on THE ICONIC at 0.00 AUD")
        .says("shipping method: Australia Post Express")
        .says("before");
    world
        .run(&["extra", "preview", KEY, &order.number])
        .await
        .code(0)
        .says("tag added: the-iconic-AU");
    story.pack(&order.number, Packing::Whole).unwrap();
    world.settle().await;
    let items = world.sandbox.seller_center.order(order.id).unwrap().items;
    assert!(items.iter().all(|i| i.status == "shipped"));
    world.assert_sound("after an order with extras");
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_rules_hold_stock_back_and_let_it_go() {
    let world = World::in_step(60).await;
    let offered = || {
        let products = world.sandbox.seller_center.products();
        products.iter().map(|p| p.quantity).max().unwrap()
    };
    let story = world.story(2);
    let sku = story.catalogue().linked()[0].to_owned();
    let location = world.sandbox.locations[0].clone();
    world.sandbox.shopify.set_available(&sku, &location, 50);
    world.settle().await;
    assert!(offered() >= 50);
    world
        .run(&["channel", "set", KEY, "guard-change=1", "guard-zero=1"])
        .await
        .code(0);
    world
        .run(&[
            "extra",
            "add",
            KEY,
            "stock-rules",
            "--set",
            "rules=*: ceiling 2",
        ])
        .await
        .code(0);
    world.settle().await;
    let quantity = || world.sandbox.seller_center.product(&sku)[0].quantity;
    assert_eq!(quantity(), 2);
    world
        .run(&["explain", &sku])
        .await
        .code(0)
        .says("held back by extras");
    world
        .run(&["extra", "preview", KEY, "--sku", &sku])
        .await
        .code(0)
        .says("so 2 are");
    world
        .run(&["extra", "set", KEY, "stock-rules", "rules=*: ceil 2"])
        .await
        .code(0);
    // A rule that cannot be read: numbers may only go down until it is mended.
    world.sandbox.shopify.set_available(&sku, &location, 60);
    world.run(&["sync", "--once"]).await.says("\"ceil\"");
    assert_eq!(quantity(), 2);
    world.sandbox.shopify.set_available(&sku, &location, 1);
    world.run(&["sync", "--once"]).await;
    assert!(quantity() <= 2);
    world
        .run(&["extra", "remove", KEY, "stock-rules"])
        .await
        .code(0);
    world.settle().await;
    world.assert_sound("after the rules were taken away");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extra_that_fails_never_blocks_more_than_its_setting_says() {
    let world = World::in_step(60).await;
    drop_failing_extra(&world);
    world
        .run(&["extra", "add", KEY, "failing", "--on-failure", "skip"])
        .await
        .code(0);
    let mut story = world.story(3);
    for (how, why) in [
        ("trap", "unreachable"),
        ("spin", "2 s"),
        ("memory", "64 MiB"),
        ("words", "does not feel like it"),
        ("negative", "negative"),
        ("garbage", "decimal text"),
        ("forge", "the host's own"),
        ("flood", "the most is 20"),
    ] {
        let set = format!("do={how}");
        world
            .run(&["extra", "set", KEY, "failing", &set])
            .await
            .code(0);
        let (order, _) = story.buy_on_channel(1).unwrap();
        world.settle().await;
        let found = world.sandbox.shopify.order_by_name(&order.number);
        assert_eq!(found.len(), 1, "{how}");
        world
            .run(&["explain", &order.number])
            .await
            .says("without the extra \"failing\"")
            .says(why);
    }
    for how in ["raise", "short"] {
        let set = format!("do={how}");
        world
            .run(&["extra", "set", KEY, "failing", &set])
            .await
            .code(0);
        world.settle().await;
        world.assert_sound(how);
    }
    world
        .run(&[
            "extra",
            "set",
            KEY,
            "failing",
            "do=words",
            "--on-failure",
            "hold",
        ])
        .await
        .code(0);
    let (order, _) = story.buy_on_channel(1).unwrap();
    world.settle().await;
    let shopify = &world.sandbox.shopify;
    assert!(shopify.order_by_name(&order.number).is_empty());
    world
        .run(&["status"])
        .await
        .code(1)
        .says("does not feel like it");
    world
        .run(&["extra", "remove", KEY, "failing"])
        .await
        .code(0);
    world.settle().await;
    assert_eq!(shopify.order_by_name(&order.number).len(), 1);
    world.assert_sound("after every failure");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_asks_for_more_waits_and_a_bad_one_is_a_row() {
    let world = World::in_step(60).await;
    let version = |v: &str| ("version = \"0.1.0\"", format!("version = \"{v}\""));
    let (from, to) = version("0.2.0");
    drop_in(&world, "iconic.wasm", &variant(&[(from, &to)]));
    let list = async || world.run(&["plugin", "list"]).await.all();
    assert!(list().await.contains("0.2.0"));
    // More rights than the version at work has: that one goes on.
    let (from, to) = version("0.3.0");
    let greedy = variant(&[
        (from, &to),
        ("hosts = []", "hosts = [\"files.example.com\"]"),
    ]);
    drop_in(&world, "iconic.wasm", &greedy);
    let listed = list().await;
    assert!(listed.contains("reach files.example.com"), "{listed}");
    assert!(listed.contains("0.2.0"), "{listed}");
    world.run(&["sync"]).await.code(0);
    world
        .run(&["plugin", "grant", "the-iconic"])
        .await
        .code(0)
        .says("reach files.example.com");
    assert!(list().await.contains("0.3.0"));
    world
        .run(&["plugin", "rollback", "the-iconic"])
        .await
        .code(0);
    let listed = list().await;
    assert!(
        listed.contains("0.2.0") && listed.contains("rolled back"),
        "{listed}"
    );
    // A broken file in its place: a row, and the version at work goes on.
    drop_in(&world, "iconic.wasm", b"\0asm nonsense");
    let listed = list().await;
    assert!(
        listed.contains("cannot be used") && listed.contains("0.2.0"),
        "{listed}"
    );
    let mut story = world.story(4);
    story.buy_on_channel(1).unwrap();
    world.settle().await;
    world.assert_sound("after upgrades");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_decides_beside_a_running_host_reaches_it() {
    let world = World::bare(60).await;
    world.run(&["init"]).await.code(0);
    let acme = ("id = \"the-iconic\"", "id = \"acme\"");
    drop_in(&world, "acme.wasm", &variant(&[acme]));
    let store = lockstep::db::Store::attach(&world.place).unwrap();
    let host = lockstep::registry::Registry::new(&world.place, store);
    assert!(host.plugin("acme").is_err());
    assert!(!host.changed());
    world.run(&["plugin", "grant", "acme"]).await.code(0);
    assert!(host.changed());
    host.refresh();
    let first = host.plugin("acme").unwrap().digest().to_owned();
    let newer = ("version = \"0.1.0\"", "version = \"0.2.0\"");
    drop_in(&world, "acme.wasm", &variant(&[acme, newer]));
    host.refresh();
    assert_ne!(host.plugin("acme").unwrap().digest(), first);
    assert!(!host.changed());
    world.run(&["plugin", "rollback", "acme"]).await.code(0);
    assert!(host.changed());
    host.refresh();
    assert_eq!(host.plugin("acme").unwrap().digest(), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_host_takes_plugins_in_and_parks_what_lost_its_own() {
    let world = World::bare(60).await;
    let acme = variant(&[("id = \"the-iconic\"", "id = \"acme\"")]);
    let path = drop_in(&world, "acme.wasm", &acme);
    world
        .connect_with(&["--plugin", "acme", "--grant"], &[])
        .await;
    world.run(&["approve", KEY]).await.code(0);
    world.settle().await;
    let mut story = world.story(5);
    let mut host = world.start(&["run"]);
    let until = async |what: &str, done: &(dyn Fn(&str) -> bool + Sync)| {
        let mut last = String::new();
        for _ in 0..60 {
            last = world.run(&["status"]).await.all();
            if done(&last) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("{what}: {last}");
    };
    std::fs::remove_file(&path).unwrap();
    until("parked", &|s| s.contains("its plugin is not there")).await;
    let (order, _) = story.buy_on_channel(1).unwrap();
    std::fs::write(&path, &acme).unwrap();
    until("goes on", &|s| !s.contains("its plugin is not there")).await;
    for _ in 0..60 {
        if !world
            .sandbox
            .shopify
            .order_by_name(&order.number)
            .is_empty()
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // A new version in the place of the one at work, while orders come in.
    let newer = variant(&[
        ("id = \"the-iconic\"", "id = \"acme\""),
        ("version = \"0.1.0\"", "version = \"0.2.0\""),
    ]);
    std::fs::write(&path, &newer).unwrap();
    let (second, _) = story.buy_on_channel(1).unwrap();
    for _ in 0..60 {
        if !world
            .sandbox
            .shopify
            .order_by_name(&second.number)
            .is_empty()
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    host.start_kill().unwrap();
    host.wait().await.unwrap();
    world.run(&["plugin", "list"]).await.says("0.2.0");
    world.settle().await;
    for number in [&order.number, &second.number] {
        assert_eq!(world.sandbox.shopify.order_by_name(number).len(), 1);
    }
    world.assert_sound("after plugins came and went");
}
