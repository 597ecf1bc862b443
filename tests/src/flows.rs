//! The main job, flow by flow, through the real binary: what a merchant is promised, read back from both sides.

use std::time::Duration;

use lockstep_sandbox::seller_center::Purchase;
use lockstep_sandbox::story::Packing;
use rust_decimal::Decimal;

use crate::world::{KEY, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sync_is_a_plan_and_changes_nothing() {
    let world = World::bare(60).await;
    world.connect(&[]).await;
    let writes = world.sandbox.seller_center.stock_writes();
    world
        .run(&["plan"])
        .await
        .code(0)
        .says("Stock to be written")
        .says("near-miss")
        .says("Nothing was changed");
    world
        .run(&["sync", "--once"])
        .await
        .code(1)
        .says("waits for approval");
    assert_eq!(world.sandbox.seller_center.stock_writes(), writes);
    assert!(world.sandbox.shopify.orders().is_empty());
    world.run(&["status"]).await.code(1).says("approval");
    world.run(&["approve", KEY]).await.code(0);
    world.settle().await;
    assert!(world.sandbox.seller_center.stock_writes() > writes);
    world.assert_sound("after the first sync");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_in_shopify_looks_as_promised() {
    let world = World::in_step(60).await;
    let mut story = world.story(1);
    let sku = story.catalogue().linked()[0].to_owned();
    story.sell(&sku, 0).ok();
    let (order, _) = story.buy_on_channel(3).unwrap();
    world.settle().await;
    let found = world.sandbox.shopify.order_by_name(&order.number);
    assert_eq!(found.len(), 1);
    let made = &found[0];
    let bought = world.sandbox.seller_center.order(order.id).unwrap();
    assert_eq!(made.name, order.number);
    assert!(
        made.note.as_deref().unwrap_or("").contains("THE ICONIC"),
        "{:?}",
        made.note
    );
    assert_eq!(made.customer_name.as_deref(), Some("THE ICONIC"));
    let billing = made.billing_address.as_ref().unwrap();
    assert_eq!(
        (billing.first_name.as_deref(), billing.last_name.as_deref()),
        (Some("THE"), Some("ICONIC"))
    );
    let shipping = made.shipping_address.as_ref().unwrap();
    assert_ne!(shipping.last_name.as_deref(), Some("ICONIC"));
    assert_eq!(shipping.country_code.as_deref(), Some("AU"));
    assert_eq!(made.email, None);
    assert_eq!(made.financial_status.as_deref(), Some("PAID"));
    assert!(made.taxes_included);
    assert_eq!(
        made.lines.iter().map(|l| l.quantity).sum::<u32>() as usize,
        bought.items.len()
    );
    let paid: Decimal = bought.items.iter().map(|i| i.paid_price).sum();
    assert_eq!(
        made.lines
            .iter()
            .map(|l| l.unit_price * Decimal::from(l.quantity))
            .sum::<Decimal>(),
        paid
    );
    assert!(
        made.lines
            .iter()
            .all(|l| l.requires_shipping && l.variant.is_some() && l.claimed_at.is_some())
    );
    assert!(made.tags.contains(&"the-iconic".to_owned()));
    world
        .run(&["explain", &order.number])
        .await
        .code(0)
        .says(&made.gid)
        .says("created");
    world.assert_sound("after one order");
}

#[tokio::test(flavor = "multi_thread")]
async fn parcels_reach_the_channel_whole_in_parts_and_late() {
    let world = World::in_step(60).await;
    let mut story = world.story(2);
    let mut orders = Vec::new();
    for _ in 0..4 {
        orders.push(story.buy_on_channel(3).unwrap().0);
    }
    world.settle().await;
    story.pack(&orders[0].number, Packing::Whole).unwrap();
    story.pack(&orders[1].number, Packing::TwoParcels).unwrap();
    story.pack(&orders[2].number, Packing::Partial).unwrap();
    story
        .pack(&orders[3].number, Packing::TrackingLater)
        .unwrap();
    world.settle().await;
    let statuses = |n: usize| -> Vec<String> {
        world
            .sandbox
            .seller_center
            .order(orders[n].id)
            .unwrap()
            .items
            .iter()
            .map(|i| i.status.clone())
            .collect()
    };
    assert!(
        statuses(0).iter().all(|s| s == "shipped"),
        "{:?}",
        statuses(0)
    );
    assert!(
        statuses(1).iter().all(|s| s == "shipped"),
        "{:?}",
        statuses(1)
    );
    assert!(
        statuses(2).iter().any(|s| s == "shipped") && statuses(2).iter().any(|s| s == "pending"),
        "{:?}",
        statuses(2)
    );
    assert!(
        statuses(3).iter().all(|s| s == "pending"),
        "{:?}",
        statuses(3)
    );
    world
        .run(&["explain", &orders[3].number])
        .await
        .code(0)
        .says("no tracking code in Shopify yet");
    story.add_tracking().unwrap();
    world.settle().await;
    assert!(
        statuses(3).iter().all(|s| s == "shipped"),
        "{:?}",
        statuses(3)
    );
    world.assert_sound("after four ways of packing");
}

#[tokio::test(flavor = "multi_thread")]
async fn packing_before_ready_to_ship_works_where_it_is_demanded() {
    let world = World::in_step(60).await;
    world
        .sandbox
        .seller_center
        .switches(|s| s.packed_required = true);
    let mut story = world.story(3);
    let (order, _) = story.buy_on_channel(2).unwrap();
    world.settle().await;
    story.pack(&order.number, Packing::Whole).unwrap();
    world.settle().await;
    assert!(
        world
            .sandbox
            .seller_center
            .order(order.id)
            .unwrap()
            .items
            .iter()
            .all(|i| i.status == "shipped")
    );
    world.assert_sound("after packing first");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancellations_cross_both_ways() {
    let world = World::in_step(60).await;
    let mut story = world.story(4);
    let (one, _) = story.buy_on_channel(3).unwrap();
    let (two, _) = story.buy_on_channel(2).unwrap();
    world.settle().await;
    story.cancel_on_channel(&one.number).unwrap();
    story.cancel_in_shop(&two.number).unwrap();
    world.settle().await;
    world.settle().await;
    world.assert_sound("after cancellations both ways");
    let cancelled = |id: u64| {
        world
            .sandbox
            .seller_center
            .order(id)
            .unwrap()
            .items
            .iter()
            .filter(|i| i.status == "canceled")
            .count()
    };
    assert!(cancelled(one.id) >= 1);
    assert!(cancelled(two.id) >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_under_payment_review_waits_and_binds_its_stock() {
    let world = World::in_step(60).await;
    let mut story = world.story(5);
    let (order, _) = story
        .buy_anything(
            1,
            Purchase {
                payment_pending: true,
                ..Purchase::default()
            },
        )
        .unwrap();
    world.settle().await;
    assert!(
        world
            .sandbox
            .shopify
            .order_by_name(&order.number)
            .is_empty()
    );
    world
        .run(&["explain", &order.number])
        .await
        .code(0)
        .says("payment");
    story.release_payment().unwrap();
    world.settle().await;
    assert_eq!(world.sandbox.shopify.order_by_name(&order.number).len(), 1);
    world.assert_sound("after the payment was released");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_sku_holds_its_order_until_it_is_mended() {
    let world = World::in_step(60).await;
    let set = lockstep_sandbox::seller_center::NewSet {
        name: "Lone Hat".into(),
        parent_sku: "LONE".into(),
        products: vec![lockstep_sandbox::seller_center::NewProduct {
            seller_sku: "LONE-HAT-1".into(),
            variation: "one".into(),
            price: Decimal::from(30),
            quantity: 5,
            ..Default::default()
        }],
    };
    world.sandbox.seller_center.add_product_set(set);
    let mut story = world.story(6);
    let (order, _) = story
        .buy(&[("LONE-HAT-1".to_owned(), 1)], Purchase::default())
        .unwrap();
    let (other, _) = story.buy_on_channel(1).unwrap();
    world.run(&["sync"]).await;
    assert!(
        world
            .sandbox
            .shopify
            .order_by_name(&order.number)
            .is_empty()
    );
    assert_eq!(
        world.sandbox.shopify.order_by_name(&other.number).len(),
        1,
        "one bad order must not hold up another"
    );
    world.run(&["status"]).await.code(1).says("LONE-HAT-1");
    let location = world.sandbox.locations[0].clone();
    world
        .sandbox
        .shopify
        .add_product(lockstep_sandbox::shopify::NewProduct {
            title: "Lone Hat".into(),
            status: "ACTIVE".into(),
            days_unchanged: 0,
            variants: vec![lockstep_sandbox::shopify::NewVariant {
                sku: Some("LONE-HAT-1".into()),
                title: "one".into(),
                price: Decimal::from(30),
                tracked: true,
                available: vec![(location, 9)],
                ..Default::default()
            }],
        });
    world.settle().await;
    assert_eq!(world.sandbox.shopify.order_by_name(&order.number).len(), 1);
    world.assert_sound("after the SKU was given");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_sku_links_at_once() {
    let world = World::in_step(200).await;
    let mut story = world.story(7);
    let before = world.run(&["status", "--json"]).await.out;
    story.edit_sku().unwrap();
    world.run(&["sync", "--once"]).await;
    let after = world.run(&["status", "--json"]).await.out;
    let linked = |text: &str| {
        serde_json::from_str::<serde_json::Value>(text).unwrap()["channels"][0]["linked"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(linked(&after), linked(&before) + 1);
    world.assert_sound("after a SKU was mended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variant_that_is_deleted_is_no_longer_offered() {
    let world = World::bare(60).await;
    world.connect(&["read-back-s=3600", "overlap-s=1"]).await;
    world.run(&["approve", KEY]).await.code(0);
    world.settle().await;
    let story = world.story(8);
    let sku = story.catalogue().linked()[3].to_owned();
    let location = world.sandbox.locations[0].clone();
    world.sandbox.shopify.set_available(&sku, &location, 7);
    world.settle().await;
    let advertised = || world.sandbox.seller_center.product(&sku)[0].quantity;
    assert!(advertised() >= 7);
    let variant = world
        .sandbox
        .shopify
        .variants()
        .into_iter()
        .find(|v| v.sku.as_deref() == Some(&sku))
        .unwrap();
    world.sandbox.shopify.remove_variant(&variant.gid);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    world.settle().await;
    assert_eq!(advertised(), 0);
    world
        .run(&["explain", &sku])
        .await
        .says("no variant in Shopify has this SKU")
        .says("is not in the shop any more");
    world.assert_sound("after a variant was deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_deleted_in_shopify_is_made_anew_only_when_a_person_says_so() {
    let world = World::in_step(60).await;
    let mut story = world.story(9);
    let (order, _) = story.buy_on_channel(2).unwrap();
    world.settle().await;
    let shopify = &world.sandbox.shopify;
    let gid = shopify.order_by_name(&order.number)[0].gid.clone();
    shopify.cancel_order(&gid, "OTHER", true).unwrap();
    shopify.delete_order(&gid).unwrap();
    // Open orders are read by id as often as the catalogue.
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.run(&["sync", "--once"]).await;
    world
        .run(&["status"])
        .await
        .code(1)
        .says("was deleted in Shopify");
    world.settle().await;
    assert!(shopify.order_by_name(&order.number).is_empty());
    world.run(&["release", &order.number]).await.code(0);
    world.settle().await;
    assert_eq!(shopify.order_by_name(&order.number).len(), 1);
    world.assert_sound("after a deleted order was made anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_with_a_cancelled_piece_raises_an_alarm_until_it_is_handled() {
    let world = World::in_step(60).await;
    let mut story = world.story(10);
    let (order, _) = story.buy_on_channel(2).unwrap();
    world.settle().await;
    story.pack(&order.number, Packing::TrackingLater).unwrap();
    world.settle().await;
    story.cancel_on_channel(&order.number).unwrap();
    world.settle().await;
    story.add_tracking().unwrap();
    world.settle().await;
    let status = |number: String| {
        let world = &world;
        async move {
            world
                .run(&["status"])
                .await
                .all()
                .contains(&format!("order {number}: 1 x"))
        }
    };
    assert!(status(order.number.clone()).await);
    world.run(&["handled", &order.number]).await.code(0);
    world.settle().await;
    assert!(!status(order.number.clone()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_whose_units_were_all_cancelled_waits_for_a_person_whatever_else_is_told() {
    let world = World::in_step(60).await;
    let mut story = world.story(10);
    let (order, _) = story.buy_on_channel(2).unwrap();
    world.settle().await;
    let shop = &world.sandbox.shopify;
    let gid = shop.order_by_name(&order.number)[0].gid.clone();
    let line = shop.order(&gid).unwrap().lines[0].id.clone();
    shop.fulfill(&gid, Some(&[(line, 1)]), None).unwrap();
    world.settle().await;
    // The unit that lies in the box without a code: the first of its line.
    world
        .sandbox
        .seller_center
        .cancel_items(&order.item_ids[..1], "Changed mind");
    world.settle().await;
    let asks_for_a_person = || async {
        let ran = world
            .run(&["explain", &order.number, "--json"])
            .await
            .code(0);
        let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        let parcels = told[0]["parcels"].as_array().unwrap().clone();
        parcels.iter().any(|p| {
            let why = p["reason"].as_str().unwrap_or_default();
            p["attention"] == true && why.ends_with("stop the parcel")
        })
    };
    assert!(asks_for_a_person().await);
    shop.fulfill(&gid, None, Some(("Sendle", "SENDLE000009")))
        .unwrap();
    world.settle().await;
    let items = world.sandbox.seller_center.order(order.id).unwrap().items;
    assert!(items.iter().any(|i| i.status == "shipped"), "{items:?}");
    assert!(asks_for_a_person().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fulfillment_made_again_never_sends_a_second_code() {
    let world = World::in_step(60).await;
    let mut story = world.story(12);
    let (same, _) = story.buy_on_channel(1).unwrap();
    let (other, _) = story.buy_on_channel(1).unwrap();
    world.settle().await;
    let shopify = &world.sandbox.shopify;
    let ship = |number: &str, code: &str| {
        let gid = shopify.order_by_name(number)[0].gid.clone();
        shopify.fulfill(&gid, None, Some(("Sendle", code))).unwrap()
    };
    let (first, second) = (
        ship(&same.number, "SNDL0001"),
        ship(&other.number, "SNDL0002"),
    );
    world.settle().await;
    shopify.cancel_fulfillment(&first);
    shopify.cancel_fulfillment(&second);
    ship(&same.number, "SNDL0001");
    ship(&other.number, "SNDL9999");
    world.settle().await;
    world
        .run(&["explain", &same.number])
        .await
        .says("the channel knows its code from the fulfillment that it replaces");
    world
        .run(&["status"])
        .await
        .code(1)
        .says("the channel never changes a code");
    let told = |id: u64| {
        world.sandbox.seller_center.order(id).unwrap().items[0]
            .tracking
            .clone()
    };
    assert_eq!(told(other.id), "SNDL0002");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mass_change_waits_for_a_person() {
    let world = World::in_step(120).await;
    let variants = world.sandbox.shopify.variants();
    for v in &variants {
        for level in &v.levels {
            world
                .sandbox
                .shopify
                .set_available(v.sku.as_deref().unwrap_or(""), &level.location, 0);
        }
    }
    let writes = world.sandbox.seller_center.stock_writes();
    world
        .run(&["sync", "--once"])
        .await
        .code(1)
        .says("would go to zero");
    assert_eq!(world.sandbox.seller_center.stock_writes(), writes);
    world
        .run(&["status"])
        .await
        .code(1)
        .says("would go to zero");
    world
        .run(&["approve", KEY])
        .await
        .code(0)
        .says("would go to zero");
    world.settle().await;
    world.assert_sound("after everything was set to zero and approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_somebody_else_wrote_is_found_and_mended() {
    let world = World::in_step(60).await;
    let story = world.story(8);
    let sku = story.catalogue().linked()[0].to_owned();
    let product = world.sandbox.seller_center.product(&sku)[0].clone();
    world.sandbox.seller_center.set_quantity(product.id, 777);
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    world.settle().await;
    assert_eq!(
        world.sandbox.seller_center.product(&sku)[0].quantity,
        product.quantity
    );
    world
        .run(&["explain", &sku])
        .await
        .code(0)
        .says("drift")
        .says("777");
    world.assert_sound("after the drift was mended");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_behind_the_credentials_parks_the_channel() {
    let world = World::in_step(60).await;
    let other = lockstep_sandbox::seller_center::SellerCenter::start(
        lockstep_sandbox::seller_center::Config {
            seller_id: 9_999,
            seller_name: "Somebody Else".into(),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let database = rusqlite::Connection::open(world.data.path().join("lockstep.db")).unwrap();
    database
        .execute("update channel set base_url = ?1", [other.url()])
        .unwrap();
    database
        .execute("delete from cursor where flow = 'identified'", [])
        .unwrap();
    drop(database);
    world
        .run(&["sync", "--once"])
        .await
        .code(1)
        .says("Somebody Else")
        .says("nothing was changed there");
    world
        .run(&["status"])
        .await
        .code(1)
        .says("parked")
        .says("9999");
    assert_eq!(other.stock_writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_cycle_takes_few_requests() {
    let world = World::bare(200).await;
    world.connect(&["read-back-s=3600"]).await;
    world.run(&["approve", KEY]).await.code(0);
    world.settle().await;
    world.story(9).buy_on_channel(1).unwrap();
    world.settle().await;
    let requests = || {
        let sum = |counts: &std::collections::BTreeMap<String, u64>| {
            counts
                .iter()
                .filter(|(n, _)| !n.contains("oauth"))
                .map(|(_, n)| n)
                .sum::<u64>()
        };
        sum(&world.sandbox.shopify.stats().requests)
            + sum(&world.sandbox.seller_center.stats().requests)
    };
    let before = requests();
    world.run(&["sync", "--once"]).await.code(0);
    let used = requests() - before;
    assert!(used <= 6, "{used} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_search_index_loses_nothing() {
    let world = World::in_step(60).await;
    world.sandbox.shopify.switches(|s| s.index_lag_ms = 1_500);
    let mut story = world.story(10);
    let (order, _) = story.buy_on_channel(2).unwrap();
    story.recount().unwrap();
    world.settle().await;
    story.pack(&order.number, Packing::Whole).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_700)).await;
    world.settle().await;
    world.assert_sound("after the index had caught up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_random_story_ends_in_step() {
    let world = World::in_step(120).await;
    long_story(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_random_story_on_two_marketplaces_ends_in_step() {
    let world = World::with_market(120, &[]).await;
    // The people of the story see to the money.
    world.market().switches(|s| s.debit_delay_ms = None);
    long_story(&world).await;
}

async fn long_story(world: &World) {
    let mut story = world.story(42);
    for round in 0..12 {
        for _ in 0..6 {
            story.step().await;
        }
        world.run(&["sync", "--once"]).await;
        let _ = round;
    }
    story.finish().unwrap();
    for _ in 0..3 {
        world.settle().await;
    }
    world.assert_sound("after a long story");
}
