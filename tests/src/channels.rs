//! Several channels of one shop: they share its stock, and one that misbehaves does not hold up the others.

use std::time::Duration;

use lockstep_sandbox::seller_center::{Buyer, Config, NewProduct, NewSet, Purchase, SellerCenter};
use rust_decimal::Decimal;

use crate::world::{KEY, World};

const OUTLET: &str = "kestrel/outlet";

async fn outlet(sku: &str) -> SellerCenter {
    let outlet = SellerCenter::start(Config {
        seller_id: 7_777,
        seller_name: "Kestrel Outlet".into(),
        ..Config::default()
    })
    .await
    .unwrap();
    outlet.add_product_set(NewSet {
        name: "Shared".into(),
        parent_sku: "SHARED".into(),
        products: vec![NewProduct {
            seller_sku: sku.into(),
            variation: "one".into(),
            price: Decimal::from(30),
            quantity: 0,
            ..NewProduct::default()
        }],
    });
    outlet
}

#[tokio::test(flavor = "multi_thread")]
async fn two_channels_share_one_stock() {
    let world = World::in_step(60).await;
    let available = |sku: &str| -> i64 {
        let variants = world.sandbox.shopify.variants();
        let variant = variants
            .iter()
            .find(|v| v.sku.as_deref() == Some(sku))
            .unwrap();
        variant.levels.iter().map(|l| l.available).sum()
    };
    let sku = {
        let story = world.story(1);
        let linked = story.catalogue().linked();
        (*linked.iter().find(|s| available(s) >= 4).unwrap()).to_owned()
    };
    let outlet = outlet(&sku).await;
    let from = world.since.to_string();
    let url = outlet.url();
    let id = Config::default().client_id;
    let add = vec![
        "channel",
        "add",
        OUTLET,
        "--plugin",
        "the-iconic",
        "--title",
        "Kestrel Outlet",
        "--base-url",
        &url,
        "--client-id",
        &id,
        "--allow-local",
        "--orders-from",
        &from,
        "--set",
        "overlap-s=5",
    ];
    world.run(&add).await.code(0).says("Kestrel Outlet");
    world.run(&["approve", OUTLET]).await.code(0);
    world.settle().await;
    assert_eq!(outlet.product(&sku)[0].available, available(&sku));
    let before = available(&sku);
    let order = outlet
        .buy(&[(&sku, 2)], Buyer::random(3), Purchase::default())
        .unwrap();
    world.settle().await;
    world.settle().await;
    let made = world.sandbox.shopify.order_by_name(&order.number);
    assert_eq!(made.len(), 1);
    assert!(made[0].note.as_deref().unwrap().contains("Kestrel Outlet"));
    assert_eq!(made[0].customer_name.as_deref(), Some("Kestrel Outlet"));
    assert_eq!(available(&sku), before - 2);
    assert_eq!(outlet.product(&sku)[0].available, before - 2);
    assert_eq!(
        world.sandbox.seller_center.product(&sku)[0].available,
        before - 2,
        "the other channel must not sell what this one has sold"
    );
    // One account cannot be worked twice: its orders would come twice.
    let twice = [
        "channel",
        "add",
        "kestrel/again",
        "--plugin",
        "the-iconic",
        "--base-url",
        &url,
        "--client-id",
        &id,
        "--allow-local",
    ];
    world
        .run(&twice)
        .await
        .code(2)
        .says("is already worked by kestrel/outlet");
}

const MANIFEST: &str = r#"
[plugin]
id = "hostile"
name = "Hostile"
version = "0.1.0"
generation = "0.1"

[endpoint]
base-url = "https://hostile.example"

[[setting]]
key = "do"
type = "text"

[stock]
semantics = "sellable"
batch = 100

[rate]
per-second = 100
burst = 100
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_whose_plugin_loops_does_not_hold_up_the_others() {
    let world = World::in_step(60).await;
    let plugins = world.place.join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    let component = std::fs::read(env!("HOSTILE_GUEST")).unwrap();
    std::fs::write(
        plugins.join("hostile.wasm"),
        lockstep_pack::embed(component, MANIFEST.as_bytes()),
    )
    .unwrap();
    let key = "kestrel/hostile";
    let add = [
        "channel",
        "add",
        key,
        "--plugin",
        "hostile",
        "--set",
        "do=big-result 3",
        "--set",
        "interval-s=1",
    ];
    world.run(&add[..]).await.code(2).says("was not granted");
    world
        .run(&[&add[..], &["--grant"]].concat())
        .await
        .code(0)
        .says("asks to");
    world.run(&["channel", "set", key, "do=spin"]).await.code(0);
    let database = rusqlite::Connection::open(world.place.join("lockstep.db")).unwrap();
    database
        .execute(
            "delete from cursor where flow = 'identified' and channel = 'hostile'",
            [],
        )
        .unwrap();
    drop(database);
    let mut host = world.start(&["run"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (order, _) = world.story(1).buy_on_channel(1).unwrap();
    let imported = async {
        while world
            .sandbox
            .shopify
            .order_by_name(&order.number)
            .is_empty()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), imported)
        .await
        .expect("the other channel goes on");
    let told = async {
        loop {
            let status = world.run(&["status", "--json"]).await.out;
            if status.contains("of processor time") {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let status = tokio::time::timeout(Duration::from_secs(90), told)
        .await
        .expect("the limit is told");
    assert!(
        status.contains("plugin hostile, call about.identify"),
        "{status}"
    );
    host.kill().await.unwrap();
    world.run(&["sync", KEY]).await.code(0);
}
