//! The connector that authors begin with, at work: beside another channel, with short pages, and with lost answers.

use lockstep_sandbox::faults::{Fault, Match, Rule};
use lockstep_sandbox::practice::{self, Practice, Purchase};
use lockstep_sandbox::seller_center::Buyer;
use lockstep_sandbox::story::Packing;
use lockstep_sandbox::{Options, practice::PlacedOrder};

use crate::world::{HASTE, KEY, World};

const CHANNEL: &str = "kestrel/practice";
const MANIFEST: &str = include_str!("../../plugins/template/plugin.toml");

/// A shop with two channels that are in step: THE ICONIC, and Practice Market by the connector of authors.
async fn in_step() -> World {
    let component = std::fs::read(env!("TEMPLATE")).unwrap();
    let file = lockstep_pack::embed(component, MANIFEST.as_bytes());
    in_step_by("template", &file, &["page-size=7"]).await
}

/// The same by another connector for Practice Market, with its settings.
pub async fn in_step_by(plugin: &str, file: &[u8], settings: &[&str]) -> World {
    let world = World::with(Options {
        skus: 60,
        seed: 11,
        practice: Some(practice::Config::default()),
        ..Options::default()
    })
    .await;
    world.connect(&[]).await;
    world.run(&["approve", KEY]).await.code(0);
    let plugins = world.place.join("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    std::fs::write(plugins.join(format!("{plugin}.wasm")), file).unwrap();
    let (url, from) = (market(&world).url(), world.since.to_string());
    let mut add = vec!["channel", "add", CHANNEL, "--plugin", plugin, "--grant"];
    add.extend(["--title", market(&world).name()]);
    add.extend(["--base-url", &url, "--allow-local", "--orders-from", &from]);
    for setting in HASTE.iter().chain(settings) {
        add.extend(["--set", setting]);
    }
    let mut command = world.command();
    command
        .args(&add)
        .env("LOCKSTEP_CHANNEL_SECRET", market(&world).api_key());
    let added = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&added.stdout).into_owned();
    assert!(added.status.success(), "{said}{added:?}");
    assert!(
        said.contains("account Kestrel Outfitters (PM-1001)"),
        "{said}"
    );
    world.share_cache();
    world.run(&["approve", CHANNEL]).await.code(0);
    world.in_both_directions().await;
    world
}

pub fn market(world: &World) -> &Practice {
    world.sandbox.practice.as_ref().unwrap()
}

/// A SKU on both channels of which there are at least so many.
pub fn sku_of(world: &World, least: u32) -> String {
    let linked = world.sandbox.catalogue.linked();
    let listings = market(world).listings();
    let mut found = listings
        .into_iter()
        .filter(|l| l.quantity >= least && linked.contains(&l.sku.as_str()));
    found.next().expect("enough of some SKU").sku
}

pub fn buy(world: &World, sku: &str, quantity: u32) -> PlacedOrder {
    market(world)
        .buy(&[(sku, quantity)], Buyer::random(5), &Purchase::default())
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_comes_in_its_parcels_go_out_and_stock_follows() {
    let world = in_step().await;
    world.assert_sound("after the first sync");
    let sku = sku_of(&world, 6);
    let before = market(&world).listing(&sku)[0].quantity;
    let order = buy(&world, &sku, 3);
    world.in_both_directions().await;
    world.assert_sound("after an order");
    let left = market(&world).listing(&sku)[0].quantity;
    assert_eq!(left, before - 3);
    let elsewhere = world.sandbox.seller_center.product(&sku)[0].available;
    assert_eq!(elsewhere, i64::from(left), "the other channel sells it too");
    let mut story = world.story(3);
    story.pack(&order.number, Packing::TwoParcels).unwrap();
    world.settle().await;
    world.assert_sound("after two parcels");
    let told = market(&world).order(&order.id).unwrap();
    assert_eq!(told.status, "shipped");
    assert!(told.parcels.len() >= 2, "{told:?}");
    assert_eq!(market(&world).listing(&sku)[0].quantity, left);
    // The other way round: what the shop sells, the channel may not.
    story.sell(&sku, 1).unwrap();
    world.settle().await;
    world.assert_sound("after a sale in the shop");
    assert_eq!(market(&world).listing(&sku)[0].quantity, left - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancellations_cross_both_ways_each_piece_once() {
    let world = in_step().await;
    let sku = sku_of(&world, 6);
    let order = buy(&world, &sku, 4);
    world.settle().await;
    let cancelled = || market(&world).order(&order.id).unwrap().lines[0].cancelled;
    let mut story = world.story(3);
    // Two of one line one after the other: the second must not pass for a repeat of the first. The merchant has none left,
    // so the pieces that the marketplace puts back on sale by itself must not stay there.
    for n in 1..=2 {
        story.cancel_in_shop(&order.number).unwrap();
        world.settle().await;
        assert_eq!(cancelled(), n);
        world.assert_sound("after a piece was cancelled in Shopify");
    }
    let keep = ["channel", "set", CHANNEL, "restock=false"];
    world.run(&keep).await.code(0);
    market(&world).cancel(&order.id, &[("1", 1)]).unwrap();
    world.in_both_directions().await;
    world.assert_sound("after the buyer cancelled a piece that does not go back on the shelf");
    assert_eq!(cancelled(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_and_short_pages_lose_and_double_nothing() {
    let world = in_step().await;
    let market = market(&world);
    market.switches(|s| s.page_cap = 3);
    let lose = |method: &str, part: &str| {
        let matching = Match {
            method: Some(method.into()),
            path_contains: Some(part.into()),
            ..Match::default()
        };
        market.faults().add(Rule::once(matching, Fault::ResetAfter));
    };
    lose("PUT", "/v1/stock");
    let sku = sku_of(&world, 6);
    let orders: Vec<PlacedOrder> = (0..5).map(|_| buy(&world, &sku, 1)).collect();
    for _ in 0..3 {
        world.settle().await;
    }
    world.assert_sound("after a write of stock whose answer was lost");
    lose("POST", "/parcels");
    lose("POST", "/cancellations");
    let mut story = world.story(3);
    story.pack(&orders[0].number, Packing::Whole).unwrap();
    story.cancel_in_shop(&orders[1].number).unwrap();
    for _ in 0..4 {
        world.settle().await;
    }
    let hits: u64 = market.faults().hits().iter().map(|(_, n)| n).sum();
    assert_eq!(hits, 3, "every fault struck");
    assert_eq!(market.order(&orders[0].id).unwrap().parcels.len(), 1);
    assert_eq!(market.order(&orders[1].id).unwrap().status, "cancelled");
    world.assert_sound("after a parcel and a cancellation whose answers were lost");
}
