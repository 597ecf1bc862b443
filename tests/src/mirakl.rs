//! The second marketplace beside the first: the connector for Mirakl through the real binary, two channels of one shop.

use jiff::SignedDuration;
use lockstep_sandbox::faults::{Fault, Match, Rule};
use lockstep_sandbox::mirakl::{ImportEnd, OrderView, Purchase, Wish};
use lockstep_sandbox::seller_center;
use lockstep_sandbox::seller_center::Buyer;
use lockstep_sandbox::shopify;
use lockstep_sandbox::story::Packing;

use crate::crash::dies_at;
use crate::world::{MARKET, World};

/// A SKU that is linked everywhere and of which the shop has at least so many.
fn in_stock(world: &World, least: i64) -> String {
    let story = world.story(1);
    let linked = story.catalogue().linked();
    let found = linked.iter().find(|sku| available(world, sku) >= least);
    (*found.expect("a SKU with stock")).to_owned()
}

fn available(world: &World, sku: &str) -> i64 {
    let variants = world.sandbox.shopify.variants();
    let variant = variants.iter().find(|v| v.sku.as_deref() == Some(sku));
    variant.map_or(0, |v| v.levels.iter().map(|l| l.available).sum())
}

/// The merchant counts anew: so many are there, all at one place.
fn count(world: &World, sku: &str, found: i64) {
    let [first, rest @ ..] = world.sandbox.locations.as_slice() else {
        panic!("the shop has locations");
    };
    world.sandbox.shopify.set_available(sku, first, found);
    for location in rest {
        world.sandbox.shopify.set_available(sku, location, 0);
    }
}

/// What the marketplace would still sell of a SKU.
fn offered(world: &World, sku: &str) -> i64 {
    world.market().offer(sku).expect("the offer").quantity
}

/// Somebody buys at the Mirakl marketplace; the order's id.
fn buy(world: &World, lines: &[(&str, u32)]) -> String {
    let buyer = Buyer::random(world.market().orders().len() as u64);
    let bought = world.market().buy(lines, buyer, &Purchase::default());
    bought.expect("the marketplace sells it").id
}

fn order(world: &World, id: &str) -> OrderView {
    world.market().order(id).expect("the order")
}

fn state(world: &World, id: &str) -> String {
    order(world, id).state
}

/// The one Shopify order of a marketplace order.
fn in_shop(world: &World, id: &str) -> shopify::OrderView {
    let mut made = world.sandbox.shopify.order_by_name(id);
    assert_eq!(made.len(), 1, "order {id} in Shopify");
    made.remove(0)
}

/// The tracking codes of its parcels there.
fn codes(world: &World, id: &str) -> Vec<String> {
    let parcels = in_shop(world, id).fulfillments.into_iter();
    parcels
        .flat_map(|f| f.tracking)
        .filter_map(|t| Some(t.number?.trim().to_owned()))
        .collect()
}

/// Ends the pauses between questions about imports.
fn ask_about_imports_now(world: &World) {
    let database = rusqlite::Connection::open(world.place.join("lockstep.db")).unwrap();
    database
        .execute("update ticket set poll_at = 0", [])
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_accepted_made_once_and_told_parcel_by_parcel() {
    let world = World::with_market(60, &[]).await;
    world.assert_sound("after the first sync");
    let sku = in_stock(&world, 5);
    let id = buy(&world, &[(&sku, 3)]);
    assert_eq!(state(&world, &id), "WAITING_ACCEPTANCE");
    world.in_both_directions().await;
    assert_eq!(state(&world, &id), "SHIPPING");
    let made = in_shop(&world, &id);
    assert_eq!(made.customer_name.as_deref(), Some("Tidepool Market"));
    assert_eq!(made.lines[0].quantity, 3);
    let mut story = world.story(1);
    story.pack(&id, Packing::TwoParcels).unwrap();
    world.in_both_directions().await;
    assert_eq!(state(&world, &id), "SHIPPED");
    let told: Vec<(String, u32)> = (order(&world, &id).shipments.into_iter())
        .map(|s| {
            let units = s.lines.iter().map(|(_, n)| n).sum();
            (s.tracking.number.expect("a code"), units)
        })
        .collect();
    assert_eq!(told.iter().map(|(_, n)| n).sum::<u32>(), 3);
    for code in codes(&world, &id) {
        assert!(told.iter().any(|(number, _)| *number == code), "{code}");
    }
    world
        .run(&["explain", &id])
        .await
        .code(0)
        .says("accepted")
        .says("shipped at the channel");
    world.assert_sound("after two parcels");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_an_order_is_told_whole_its_parcels_wait_for_the_last() {
    let world = World::with_market(60, &[]).await;
    world.market().switches(|s| s.multi_shipment = false);
    let sku = in_stock(&world, 12);
    let [both, later, rest] = [3, 2, 3].map(|n| buy(&world, &[(&sku, n)]));
    world.in_both_directions().await;
    let mut story = world.story(2);
    // Two parcels that are ready at once.
    story.pack(&both, Packing::TwoParcels).unwrap();
    story.pack(&later, Packing::Partial).unwrap();
    story.pack(&rest, Packing::Partial).unwrap();
    world.in_both_directions().await;
    assert_eq!(state(&world, &both), "SHIPPED");
    for id in [&later, &rest] {
        assert_eq!(state(&world, id), "SHIPPING");
        assert_eq!(order(&world, id).tracking.number, None);
        world
            .run(&["explain", id])
            .await
            .code(0)
            .says("it is told with the last parcel");
    }
    let told = codes(&world, &both);
    assert_eq!(told.len(), 2);
    let code = order(&world, &both).tracking.number.expect("a code");
    assert!(told.contains(&code), "{code}");
    // The rest of one is packed another day, that of the other is cancelled.
    story.pack(&later, Packing::Whole).unwrap();
    story.cancel_in_shop(&rest).unwrap();
    story.cancel_in_shop(&rest).unwrap();
    world.in_both_directions().await;
    world.in_both_directions().await;
    for id in [&later, &rest] {
        assert_eq!(state(&world, id), "SHIPPED");
    }
    for id in [&both, &later, &rest] {
        world.run(&["explain", id]).await.code(0).says("closed");
    }
    world.run(&["status"]).await.says("Nothing needs you");
    world.assert_sound("after parcels of orders that are told whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_person_accepts_the_order_waits_for_the_word() {
    let world = World::with_market(60, &["acceptance=manual"]).await;
    let sku = in_stock(&world, 6);
    let left = available(&world, &sku);
    let [yes, no] = [2, 1].map(|n| buy(&world, &[(&sku, n)]));
    world
        .in_both_directions()
        .await
        .says("orders of this channel are accepted by hand")
        .says(&format!("lockstep accept {yes}"));
    for id in [&yes, &no] {
        assert_eq!(state(&world, id), "WAITING_ACCEPTANCE");
        assert!(world.sandbox.shopify.order_by_name(id).is_empty());
    }
    world.assert_sound("while a person is asked");
    world.run(&["accept", &yes]).await.code(0);
    world.run(&["refuse", &no]).await.code(0);
    world.in_both_directions().await;
    assert_eq!(state(&world, &yes), "SHIPPING");
    assert_eq!(state(&world, &no), "REFUSED");
    in_shop(&world, &yes);
    assert!(world.sandbox.shopify.order_by_name(&no).is_empty());
    // The marketplace has emptied the offer of a refused line.
    world.in_both_directions().await;
    assert_eq!(available(&world, &sku), left - 2);
    assert_eq!(offered(&world, &sku), left - 2);
    world.run(&["accept", &yes]).await.code(2);
    // Nobody answers in time: the marketplace refuses, and empties the offer again.
    let late = buy(&world, &[(&sku, 1)]);
    world.in_both_directions().await;
    world.market().advance(SignedDuration::from_hours(25));
    assert_eq!(
        (state(&world, &late).as_str(), offered(&world, &sku)),
        ("REFUSED", 0)
    );
    world.in_both_directions().await;
    assert_eq!(offered(&world, &sku), left - 2);
    world.assert_sound("after both words, and one that was never said");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_sent_once_and_settles_when_the_import_ends() {
    let world = World::with_market(60, &["read-back-s=3600"]).await;
    let sku = in_stock(&world, 3);
    let market = world.market();
    market.switches(|s| s.import_end = ImportEnd::Stuck);
    let (before, imports) = (offered(&world, &sku), market.imports().len());
    count(&world, &sku, 40);
    for _ in 0..3 {
        world.in_both_directions().await;
        ask_about_imports_now(&world);
    }
    assert_eq!(offered(&world, &sku), before);
    assert_eq!(market.imports().len(), imports + 1, "sent once");
    world
        .run(&["explain", &sku])
        .await
        .code(0)
        .says("queued as");
    // Another number takes its place, whatever becomes of the first.
    count(&world, &sku, 30);
    world.in_both_directions().await;
    assert_eq!(market.imports().len(), imports + 2);
    market.settle_imports();
    ask_about_imports_now(&world);
    world.in_both_directions().await;
    assert_eq!(offered(&world, &sku), 30);
    assert_eq!(market.imports().len(), imports + 2);
    world.run(&["explain", &sku]).await.code(0).says("applied");
    world.assert_sound("after imports that took their time");

    // One that never ends is given up, and its numbers are sent again.
    count(&world, &sku, 20);
    world.in_both_directions().await;
    let database = rusqlite::Connection::open(world.place.join("lockstep.db")).unwrap();
    database
        .execute("update ticket set made_at = 0, poll_at = 0", [])
        .unwrap();
    market.switches(|s| s.import_end = ImportEnd::Complete);
    world.settle().await.says("works on it for 6 hours");
    world.in_both_directions().await;
    assert_eq!(offered(&world, &sku), 20);
    market.settle_imports();
    world.assert_sound("after an import that was given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_import_only_what_failed_is_sent_again_or_shown() {
    let world = World::with_market(60, &["read-back-s=3600"]).await;
    let market = world.market();
    let (gone, kept) = {
        let story = world.story(1);
        let linked = story.catalogue().linked();
        (linked[0].to_owned(), linked[1].to_owned())
    };
    market.delete_offer(&gone);
    for sku in [&gone, &kept] {
        count(&world, sku, 17);
    }
    let imports = market.imports().len();
    world
        .settle()
        .await
        .says(&format!("{gone}: 17 was not written"));
    assert_eq!(offered(&world, &kept), 17);
    world.in_both_directions().await;
    assert_eq!(
        market.imports().len(),
        imports + 1,
        "a refused number is not sent again"
    );
    world
        .run(&["status"])
        .await
        .code(1)
        .says("does not take its number 17");
    // A file that fails as a whole is sent again until one passes.
    market.switches(|s| s.import_end = ImportEnd::Failed);
    count(&world, &kept, 9);
    world.settle().await.says("does not tell what became of");
    market.switches(|s| s.import_end = ImportEnd::Complete);
    world.in_both_directions().await;
    assert_eq!(offered(&world, &kept), 9);
    // Once the catalogue is read anew, the deleted offer is none of ours any more.
    world
        .run(&["channel", "set", MARKET, "read-back-s=0"])
        .await
        .code(0);
    world.in_both_directions().await;
    world
        .run(&["status", MARKET])
        .await
        .says("Nothing needs you");
    world.assert_sound("after imports that failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_marketplace_sells_the_other_does_not_offer_any_more() {
    let world = World::with_market(60, &[]).await;
    let sku = in_stock(&world, 8);
    count(&world, &sku, 8);
    world.in_both_directions().await;
    let at_center = || world.sandbox.seller_center.product(&sku)[0].available;
    assert_eq!((at_center(), offered(&world, &sku)), (8, 8));
    world
        .sandbox
        .seller_center
        .buy(
            &[(&sku, 3)],
            Buyer::random(9),
            seller_center::Purchase::default(),
        )
        .unwrap();
    world.in_both_directions().await;
    assert_eq!((at_center(), offered(&world, &sku)), (5, 5));
    let id = buy(&world, &[(&sku, 2)]);
    world.in_both_directions().await;
    world.in_both_directions().await;
    assert_eq!((at_center(), offered(&world, &sku)), (3, 3));
    assert_eq!(available(&world, &sku), 3);
    world.story(4).sell(&sku, 1).unwrap();
    world.in_both_directions().await;
    assert_eq!((at_center(), offered(&world, &sku)), (2, 2));
    in_shop(&world, &id);
    world.assert_sound("after sales on every side");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancellations_cross_and_what_is_paid_is_refunded() {
    let world = World::with_market(60, &[]).await;
    let sku = in_stock(&world, 12);
    let [whole, part, theirs, early] = [1, 3, 2, 1].map(|n| buy(&world, &[(&sku, n)]));
    let market = world.market();
    // Before the money is there the customer cancels by herself.
    assert_eq!(market.request_cancellation(&early), Ok(Wish::Canceled));
    world.in_both_directions().await;
    assert!(world.sandbox.shopify.order_by_name(&early).is_empty());
    let mut story = world.story(5);
    story.cancel_in_shop(&whole).unwrap();
    story.cancel_in_shop(&part).unwrap();
    assert_eq!(market.cancel(&theirs, &[]), 1);
    world.in_both_directions().await;
    world.in_both_directions().await;
    for (id, units) in [(&whole, 1), (&part, 1)] {
        let line = &order(&world, id).lines[0];
        assert_eq!(line.canceled, units, "{id}");
        assert_eq!(line.refunded, line.unit_price, "{id}");
    }
    assert!(in_shop(&world, &theirs).cancelled_at.is_some());
    story.pack(&part, Packing::Whole).unwrap();
    world.in_both_directions().await;
    assert_eq!(state(&world, &part), "SHIPPED");
    for id in [&whole, &part, &theirs] {
        world.run(&["explain", id]).await.code(0).says("closed");
    }
    world.assert_sound("after cancellations");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_would_be_one_too_many_is_not_made() {
    let world = World::with_market(60, &["read-back-s=3600"]).await;
    let sku = in_stock(&world, 2);
    let id = buy(&world, &[(&sku, 1)]);
    let world = &world;
    let set = |setting: &'static str| async move {
        world.run(&["channel", "set", MARKET, setting]).await
    };
    set("call-rates.parcels=5")
        .await
        .code(2)
        .says("it has orders, stock-files");
    set("call-rates.orders=1").await.code(0);
    // One call reads the order; the one that reads it back would be the second in an hour.
    world
        .run(&["sync", MARKET])
        .await
        .code(1)
        .says("the manifest's rate for this call is used up");
    assert_eq!(
        state(world, &id),
        "SHIPPING",
        "it was accepted all the same"
    );
    assert!(world.sandbox.shopify.order_by_name(&id).is_empty());
    set("call-rates.orders=100000").await.code(0);
    world.in_both_directions().await;
    in_shop(world, &id);
    world.assert_sound("after a call that had to wait");
}

/// What there is to be done at the marketplace.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ToDo {
    Answer,
    Parcel,
    Refund,
    Stock,
}

/// Sees to it that there is. Answers the order, where there is one, with the state it ends in.
async fn prepare(world: &World, sku: &str, what: ToDo) -> Option<(String, &'static str)> {
    if what == ToDo::Stock {
        count(world, sku, available(world, sku) + 1);
        return None;
    }
    let id = buy(world, &[(sku, 2)]);
    let ends = match what {
        ToDo::Answer => "SHIPPING",
        ToDo::Parcel => "SHIPPED",
        _ => "SHIPPING",
    };
    if what != ToDo::Answer {
        world.run(&["sync", MARKET]).await;
        let mut story = world.story(6);
        match what {
            ToDo::Parcel => drop(story.pack(&id, Packing::Whole).unwrap()),
            _ => drop(story.cancel_in_shop(&id).unwrap()),
        }
    }
    Some((id, ends))
}

#[tokio::test(flavor = "multi_thread")]
async fn dying_at_the_boundaries_of_what_is_told_loses_and_doubles_nothing() {
    let world = World::with_market(60, &[]).await;
    let sku = in_stock(&world, 1);
    count(&world, &sku, 60);
    world.in_both_directions().await;
    for (point, what) in [
        ("accept-before-intent", ToDo::Answer),
        ("accept-before-send", ToDo::Answer),
        ("accept-after-answer", ToDo::Answer),
        ("accept-before-settle", ToDo::Answer),
        ("accept-after-settle", ToDo::Answer),
        ("parcel-prepare-after-answer", ToDo::Parcel),
        ("parcel-ship-after-answer", ToDo::Parcel),
        ("channel-cancel-after-answer", ToDo::Refund),
        ("stock-push-after-answer", ToDo::Stock),
        ("stock-push-after-settle", ToDo::Stock),
    ] {
        let order = prepare(&world, &sku, what).await;
        dies_at(&world, &["sync", MARKET], point).await;
        if let Some((id, ends)) = order {
            assert_eq!(state(&world, &id), ends, "{point}");
            in_shop(&world, &id);
        }
        world.assert_sound(&format!("after dying at {point}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_lost_lose_and_double_nothing() {
    for shipments in [true, false] {
        let world = World::with_market(60, &[]).await;
        world.market().switches(|s| s.multi_shipment = shipments);
        let sku = in_stock(&world, 1);
        count(&world, &sku, 60);
        world.in_both_directions().await;
        let parcels: &[(&str, &str)] = match shipments {
            true => &[("POST", "/api/shipments"), ("PUT", "/api/shipments/ship")],
            false => &[("PUT", "/tracking"), ("PUT", "/ship")],
        };
        let parcels = parcels.iter().map(|(m, p)| (*m, *p, ToDo::Parcel));
        let others = [
            ("PUT", "/accept", ToDo::Answer),
            ("PUT", "/api/orders/refund", ToDo::Refund),
            ("POST", "/api/offers/stock/imports", ToDo::Stock),
        ];
        for (method, path, what) in others.into_iter().chain(parcels) {
            for fault in [Fault::ResetBefore, Fault::ResetAfter] {
                let told = format!("{fault:?} of {method} {path}");
                let order = prepare(&world, &sku, what).await;
                let mut matching = Match::route(method, "/api");
                matching.path_contains = Some(path.to_owned());
                let faults = world.market().faults();
                faults.add(Rule::once(matching, fault));
                world.run(&["sync", MARKET]).await;
                let struck: u64 = faults.hits().iter().map(|(_, hits)| *hits).sum();
                assert_eq!(struck, 1, "{told}");
                faults.clear();
                for _ in 0..2 {
                    world.run(&["sync", MARKET]).await;
                }
                if let Some((id, ends)) = order {
                    assert_eq!(state(&world, &id), ends, "{told}");
                    in_shop(&world, &id);
                }
            }
        }
        world.in_both_directions().await;
        world.assert_sound("after answers that were lost");
    }
}
