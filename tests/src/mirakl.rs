//! The second marketplace beside the first: the connector for Mirakl through the real binary, two channels of one shop.

use lockstep_sandbox::mirakl::Purchase;
use lockstep_sandbox::seller_center::Buyer;
use lockstep_sandbox::story::Packing;

use crate::world::{MARKET, World};

/// Of a SKU that is linked everywhere, how many the shop has; at least this many.
fn in_stock(world: &World, least: i64) -> (String, i64) {
    let story = world.story(1);
    let linked = story.catalogue().linked();
    let found = linked
        .iter()
        .map(|sku| ((*sku).to_owned(), available(world, sku)))
        .find(|(_, n)| *n >= least);
    found.expect("a SKU with stock")
}

fn available(world: &World, sku: &str) -> i64 {
    let variants = world.sandbox.shopify.variants();
    let variant = variants.iter().find(|v| v.sku.as_deref() == Some(sku));
    variant.map_or(0, |v| v.levels.iter().map(|l| l.available).sum())
}

/// Somebody buys at the Mirakl marketplace; the order's id.
fn buy(world: &World, lines: &[(&str, u32)]) -> String {
    let orders = world.market().orders().len() as u64;
    let bought = world
        .market()
        .buy(lines, Buyer::random(orders), &Purchase::default());
    bought.expect("the marketplace sells it").id
}

fn state(world: &World, order: &str) -> String {
    world.market().order(order).expect("the order").state
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_accepted_made_once_packed_in_two_parcels_and_shipped() {
    let world = World::with_market(60, &[]).await;
    world.assert_sound("after the first sync");
    let (sku, _) = in_stock(&world, 4);
    let order = buy(&world, &[(&sku, 3)]);
    assert_eq!(state(&world, &order), "WAITING_ACCEPTANCE");
    let ran = world.in_both_directions().await;
    println!("{}", ran.all());
    assert_eq!(state(&world, &order), "SHIPPING");
    let made = world.sandbox.shopify.order_by_name(&order);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].customer_name.as_deref(), Some("Tidepool Market"));
    let mut story = world.story(1);
    story.pack(&order, Packing::TwoParcels).unwrap();
    world.in_both_directions().await;
    assert_eq!(state(&world, &order), "SHIPPED");
    let told = world.market().order(&order).unwrap();
    assert_eq!(told.shipments.len(), 2);
    world.assert_sound("after two parcels");
    let _ = MARKET;
}
