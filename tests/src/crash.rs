//! The process dies at every boundary of every effect; the next run must find the world as if it had not.

use std::time::Duration;

use lockstep_sandbox::faults::{Fault, Match, Rule};
use lockstep_sandbox::story::{Packing, Story};

use crate::world::World;

/// What must have happened outside before a run reaches a point.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// A customer bought.
    Order,
    /// The merchant packed an order that was imported.
    Parcel,
    /// A customer cancelled a unit of an imported order.
    ChannelCancel,
    /// The merchant cancelled an imported order.
    ShopCancel,
    /// The merchant counted anew.
    Stock,
}

const POINTS: &[(&str, Before)] = &[
    ("orders-page-before", Before::Order),
    ("orders-page-after", Before::Order),
    ("order-create-before-intent", Before::Order),
    ("order-create-before-send", Before::Order),
    ("order-create-after-answer", Before::Order),
    ("order-create-before-settle", Before::Order),
    ("order-create-after-settle", Before::Order),
    ("parcel-prepare-before-intent", Before::Parcel),
    ("parcel-prepare-before-send", Before::Parcel),
    ("parcel-prepare-after-answer", Before::Parcel),
    ("parcel-prepare-after-settle", Before::Parcel),
    ("parcel-ship-before-intent", Before::Parcel),
    ("parcel-ship-before-send", Before::Parcel),
    ("parcel-ship-after-answer", Before::Parcel),
    ("parcel-ship-after-settle", Before::Parcel),
    ("shop-cancel-before-intent", Before::ChannelCancel),
    ("shop-cancel-before-send", Before::ChannelCancel),
    ("shop-cancel-after-answer", Before::ChannelCancel),
    ("shop-cancel-before-settle", Before::ChannelCancel),
    ("shop-cancel-after-settle", Before::ChannelCancel),
    ("channel-cancel-before-intent", Before::ShopCancel),
    ("channel-cancel-before-send", Before::ShopCancel),
    ("channel-cancel-after-answer", Before::ShopCancel),
    ("channel-cancel-before-settle", Before::ShopCancel),
    ("channel-cancel-after-settle", Before::ShopCancel),
    ("stock-push-before", Before::Stock),
    ("stock-push-after-answer", Before::Stock),
    ("stock-push-after-settle", Before::Stock),
];

async fn prepare(world: &World, story: &mut Story, before: Before) {
    if before == Before::Order {
        story.buy_on_channel(2).unwrap();
        return;
    }
    if before == Before::Stock {
        story.recount().unwrap();
        return;
    }
    let (order, _) = story.buy_on_channel(2).unwrap();
    world.settle().await;
    match before {
        Before::Parcel => drop(story.pack(&order.number, Packing::Whole).unwrap()),
        Before::ChannelCancel => drop(story.cancel_on_channel(&order.number).unwrap()),
        _ => drop(story.cancel_in_shop(&order.number).unwrap()),
    }
}

/// A run dies at this point; the next ones go on.
pub async fn dies_at(world: &World, sync: &[&str], point: &str) {
    let ran = world.run_to_crash(sync, point).await;
    assert!(
        ran.err.contains(&format!("killed at {point}")),
        "{point} was not reached:\n{}",
        ran.all()
    );
    assert!(!ran.status.success());
    world.settle().await;
    // An effect in doubt is looked for more than once before it is repeated.
    world.settle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dying_at_every_boundary_loses_and_doubles_nothing() {
    let world = World::in_step(60).await;
    let mut story = world.story(3);
    for (point, before) in POINTS {
        prepare(&world, &mut story, *before).await;
        dies_at(&world, &["sync"], point).await;
        world.assert_sound(&format!("after dying at {point}"));
    }
}

/// Effects that are under way when SIGKILL comes: the request of each, where it can be seen on the wire.
const UNDER_WAY: &[(&str, &str, Before, bool)] = &[
    ("order creation", "OrderCreate", Before::Order, true),
    (
        "telling a parcel",
        "/v2/orders/statuses/set-to-ready-to-ship",
        Before::Parcel,
        false,
    ),
    (
        "marking as shipped",
        "/v2/orders/statuses/set-to-shipped",
        Before::Parcel,
        false,
    ),
    (
        "cancelling at the channel",
        "/v2/orders/statuses/set-to-cancelled",
        Before::ShopCancel,
        false,
    ),
    ("writing stock", "/v2/stock/product", Before::Stock, false),
];

#[tokio::test(flavor = "multi_thread")]
async fn sigkill_while_the_request_is_under_way_loses_and_doubles_nothing() {
    let world = World::in_step(60).await;
    let mut story = world.story(4);
    for (what, request, before, shopify) in UNDER_WAY {
        // The answer is held back before the effect, then after it.
        for fault in [Fault::Delay { ms: 3_000 }, Fault::DelayAfter { ms: 3_000 }] {
            prepare(&world, &mut story, *before).await;
            let faults = if *shopify {
                world.sandbox.shopify.faults()
            } else {
                world.sandbox.seller_center.faults()
            };
            let matching = if *shopify {
                Match::label(request)
            } else {
                Match::path(request)
            };
            faults.add(Rule::once(matching, fault.clone()).named(what));
            let mut child = world.start(&["sync"]);
            let reached = async {
                while faults.hits().iter().all(|(_, hits)| *hits == 0) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), reached)
                .await
                .unwrap_or_else(|_| panic!("{what} was never begun"));
            tokio::time::sleep(Duration::from_millis(150)).await;
            child.kill().await.unwrap();
            // What was on its way arrives all the same.
            tokio::time::sleep(Duration::from_millis(3_200)).await;
            faults.clear();
            world.settle().await;
            world.settle().await;
            world.assert_sound(&format!("after SIGKILL during {what} ({fault:?})"));
        }
    }
}
