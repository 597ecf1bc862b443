//! Listings that are sold as one and kept in the shop as several, from stock to tracking code.

use lockstep_sandbox::seller_center::{NewProduct, NewSet, Purchase};
use rust_decimal::Decimal;

use crate::world::{KEY, World};

const SET: &str = "SET-TWO-KINDS";

/// A world with a listing that is one of `a` and two of `b`; what the shop has of both.
async fn with_a_bundle() -> (World, String, String) {
    let world = World::bare(60).await;
    let story = world.story(5);
    // The catalogue's linked SKUs have variants and listings of their own.
    let linked = story.catalogue().linked();
    let (a, b) = (linked[0].to_owned(), linked[1].to_owned());
    world.sandbox.seller_center.add_product_set(NewSet {
        name: "Two kinds".into(),
        parent_sku: "SET".into(),
        products: vec![NewProduct {
            seller_sku: SET.into(),
            price: Decimal::new(10001, 2),
            ..NewProduct::default()
        }],
    });
    let location = world.sandbox.locations[0].clone();
    for other in &world.sandbox.locations[1..] {
        for sku in [&a, &b] {
            world.sandbox.shopify.set_available(sku, other, 0);
        }
    }
    world.sandbox.shopify.set_available(&a, &location, 20);
    world.sandbox.shopify.set_available(&b, &location, 15);
    world.connect(&[]).await;
    let recipes = format!("recipes={SET} = {a} + {b} x 2");
    world
        .run(&["extra", "add", KEY, "bundles", "--set", &recipes])
        .await
        .code(0);
    world.run(&["approve", KEY]).await.code(0);
    world.settle().await;
    (world, a, b)
}

fn offered(world: &World, sku: &str) -> i64 {
    world.sandbox.seller_center.product(sku)[0].quantity
}

fn available(world: &World, sku: &str) -> i64 {
    let variants = world.sandbox.shopify.variants();
    let found = variants.iter().find(|v| v.sku.as_deref() == Some(sku));
    found.unwrap().levels.iter().map(|l| l.available).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_offered_sold_packed_and_told_as_a_whole() {
    let (world, a, b) = with_a_bundle().await;
    assert_eq!(
        (
            offered(&world, SET),
            offered(&world, &a),
            offered(&world, &b)
        ),
        (7, 20, 15)
    );
    world
        .run(&["explain", SET])
        .await
        .code(0)
        .says(&format!("2 x {b}"));
    world
        .run(&["extra", "preview", KEY, "--sku", SET])
        .await
        .code(0)
        .says(&format!("One contains 1 x {a}"));
    let mut story = world.story(6);
    let (order, _) = story
        .buy(&[(SET.to_owned(), 2)], Purchase::default())
        .unwrap();
    world.settle().await;
    let found = world.sandbox.shopify.order_by_name(&order.number);
    assert_eq!(found.len(), 1);
    let made = &found[0];
    let count = |sku: &str| -> u32 {
        let of_sku = made.lines.iter().filter(|l| l.sku.as_deref() == Some(sku));
        of_sku.map(|l| l.quantity).sum()
    };
    assert_eq!((count(&a), count(&b)), (2, 4));
    assert!(made.lines.iter().all(|l| l.variant.is_some()));
    let paid: Decimal = (made.lines.iter())
        .map(|l| l.unit_price * Decimal::from(l.quantity))
        .sum();
    assert_eq!(paid, Decimal::new(20002, 2));
    assert_eq!((available(&world, &a), available(&world, &b)), (18, 11));
    // The channel holds the two sold ones back by itself: 11 / 2 are left, and the 2 are added.
    assert_eq!(offered(&world, SET), 7);
    assert_eq!((offered(&world, &a), offered(&world, &b)), (18, 11));
    // The parts leave in two boxes. The channel hears nothing before the last part of a set is on its way.
    let status = || {
        let items = world.sandbox.seller_center.order(order.id).unwrap().items;
        items
            .iter()
            .map(|i| (i.status.clone(), i.tracking.clone()))
            .collect::<Vec<_>>()
    };
    let all_of_a = made.lines.iter().filter(|l| l.sku.as_deref() == Some(&a));
    let first: Vec<(String, u32)> = all_of_a.map(|l| (l.id.clone(), l.quantity)).collect();
    world
        .sandbox
        .shopify
        .fulfill(&made.gid, Some(&first), Some(("Sendle", "SENDLE000001")))
        .unwrap();
    world.settle().await;
    assert!(
        status().iter().all(|(s, _)| s == "pending"),
        "{:?}",
        status()
    );
    world
        .run(&["explain", &order.number])
        .await
        .code(0)
        .says("it carries parts of bundles");
    world
        .sandbox
        .shopify
        .fulfill(&made.gid, None, Some(("Sendle", "SENDLE000002")))
        .unwrap();
    world.settle().await;
    assert!(
        status()
            .iter()
            .all(|(s, code)| s == "shipped" && code == "SENDLE000002"),
        "{:?}",
        status()
    );
    world
        .run(&["explain", &order.number])
        .await
        .code(0)
        .says("its parts were told with")
        .says("closed");
    assert_eq!(offered(&world, SET), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_bundle_takes_its_parts_with_it() {
    let (world, a, b) = with_a_bundle().await;
    let mut story = world.story(7);
    let (order, _) = story
        .buy(&[(SET.to_owned(), 2)], Purchase::default())
        .unwrap();
    world.settle().await;
    let items = world.sandbox.seller_center.order(order.id).unwrap().items;
    world
        .sandbox
        .seller_center
        .cancel_items(&[items[0].id], "Changed mind");
    world.settle().await;
    let current = |sku: &str| -> u32 {
        let order = &world.sandbox.shopify.order_by_name(&order.number)[0];
        let of_sku = order.lines.iter().filter(|l| l.sku.as_deref() == Some(sku));
        of_sku.map(|l| l.current).sum()
    };
    assert_eq!((current(&a), current(&b)), (1, 2));
    assert_eq!((available(&world, &a), available(&world, &b)), (19, 13));
    // The merchant takes out a part: the channel sells only whole ones, so a person has to look.
    let made = &world.sandbox.shopify.order_by_name(&order.number)[0];
    let remove = |sku: &str, quantity: u32| {
        let line =
            (made.lines.iter()).find(|l| l.sku.as_deref() == Some(sku) && l.current >= quantity);
        let shop = &world.sandbox.shopify;
        shop.remove_units(&made.gid, &line.unwrap().id, quantity, true)
            .unwrap();
    };
    remove(&a, 1);
    world.settle().await;
    world
        .run(&["explain", &order.number])
        .await
        .code(0)
        .says("a part of the bundle");
    // And the rest: now the bundle is cancelled at the channel.
    remove(&b, 1);
    remove(&b, 1);
    world.settle().await;
    let items = world.sandbox.seller_center.order(order.id).unwrap().items;
    assert!(items.iter().all(|i| i.status == "canceled"), "{items:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_that_cannot_be_read_leaves_the_bundles_as_they_were() {
    let (world, a, b) = with_a_bundle().await;
    let broken = format!("recipes={SET} = {a} x");
    world
        .run(&["extra", "set", KEY, "bundles", &broken])
        .await
        .code(0);
    world
        .settle()
        .await
        .says("a number must stand behind x")
        .says("bundles stay as they were known");
    assert_eq!(offered(&world, SET), 7);
    let other = format!("recipes={SET} = {b} x 3");
    world
        .run(&["extra", "set", KEY, "bundles", &other])
        .await
        .code(0);
    world.settle().await;
    assert_eq!(offered(&world, SET), 5);
    // Without the extra nothing in the shop stands behind the listing.
    world
        .run(&["extra", "remove", KEY, "bundles"])
        .await
        .code(0);
    world.settle().await;
    assert_eq!(offered(&world, SET), 0);
    world
        .run(&["explain", SET])
        .await
        .code(0)
        .says("no-variant");
}
