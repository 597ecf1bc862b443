use super::snapshot::{
    ChannelItem, ChannelOrder, Fulfillment, Person, Product, ShopLine, ShopOrder, Side, Snapshot,
    Stage, Variant,
};
use super::*;
use rust_decimal::Decimal;

fn person(name: &str) -> Person {
    Person {
        name: name.into(),
        street: "Unit 2 8 Lantern Rd".into(),
        city: "Fremantle".into(),
        postcode: "6160".into(),
        ..Person::default()
    }
}

fn item(id: u64, sku: &str) -> ChannelItem {
    ChannelItem {
        id: id.to_string(),
        sku: sku.into(),
        stage: Stage::Open,
        sellers: true,
        paid: Decimal::new(8_495, 2),
        ..ChannelItem::default()
    }
}

/// Two pieces of A and one of B, brought over faithfully, and one parcel with the A's that both sides know.
fn faithful() -> Snapshot {
    let mut items = vec![item(1, "A"), item(2, "A"), item(3, "B")];
    items[0].shipping = Decimal::new(995, 2);
    for i in &mut items[..2] {
        i.stage = Stage::Told;
        i.package = Some("7".into());
        i.tracking = "KSP1".into();
        i.provider = "Australia Post".into();
    }
    let line = |id: &str, sku: &str, quantity, fulfilled| ShopLine {
        id: id.into(),
        sku: sku.into(),
        quantity,
        current: quantity,
        fulfilled,
    };
    let variant = |sku: &str, available| Variant {
        sku: sku.into(),
        tracked: true,
        available,
    };
    let product = |sku: &str, available| Product {
        sku: sku.into(),
        sellers: true,
        available,
    };
    Snapshot {
        channel_orders: vec![ChannelOrder {
            number: "914002771".into(),
            placed_at: "2026-03-08T23:41:07Z".parse().unwrap(),
            shipping: person("Marlo Quill"),
            items,
            one_code: false,
        }],
        shop_orders: vec![ShopOrder {
            id: "gid://shopify/Order/1".into(),
            name: "914002771".into(),
            note: "THE ICONIC order 914002771".into(),
            customer: "THE ICONIC".into(),
            billing: person("THE ICONIC"),
            shipping: Person {
                street: "Unit 2, 8 Lantern Rd".into(),
                ..person("Marlo Quill")
            },
            of_channel: true,
            lines: vec![line("L1", "A", 2, 2), line("L2", "B", 1, 0)],
            fulfillments: vec![Fulfillment {
                status: "SUCCESS".into(),
                company: "auspost".into(),
                number: " KSP1 ".into(),
                lines: vec![("L1".into(), 2)],
            }],
            total: Decimal::new(26_480, 2),
            paid: Decimal::new(26_480, 2),
        }],
        variants: vec![variant("A", 3), variant("B", -1), variant("C", 4)],
        products: vec![product("A", 3), product("B", 0), product("c", 9)],
        ..Snapshot::default()
    }
}

fn verdict(seen: &Snapshot) -> Audit {
    let excuses = Excuses {
        oversells: 1,
        ..Excuses::default()
    };
    checks::all(seen, &AuditOptions::default(), &excuses)
}

/// The one check that fails, and its examples.
#[track_caller]
fn fails(seen: &Snapshot, name: &str) -> String {
    let audit = verdict(seen);
    let failed: Vec<_> = audit.checks.iter().filter(|c| !c.ok).collect();
    let [check] = failed[..] else {
        panic!("expected only \"{name}\" to fail:\n{audit}");
    };
    assert_eq!(check.name, name, "{audit}");
    check.examples.join("\n")
}

#[track_caller]
fn passes(seen: &Snapshot) {
    let audit = verdict(seen);
    assert!(audit.ok(), "{audit}");
}

#[test]
fn a_faithful_copy_passes() {
    passes(&faithful());
    passes(&Snapshot::default());
}

#[test]
fn a_lost_order_is_found_and_its_units_are_kept_back() {
    let mut seen = faithful();
    seen.shop_orders.clear();
    // Nothing was shipped, and two A and a B are sold that Shopify still counts.
    for i in &mut seen.channel_orders[0].items {
        *i = item(i.id.parse().unwrap(), &i.sku);
    }
    seen.products[0].available = 1;
    assert!(fails(&seen, names::ORDERS).contains("order 914002771 is not in Shopify"));
    seen.products[0].available = 2;
    let audit = verdict(&seen);
    assert!(!audit.check(names::STOCK).unwrap().ok);
    seen.products[0].available = 1;
    let late = AuditOptions {
        converged: false,
        ..AuditOptions::default()
    };
    let excuses = Excuses {
        oversells: 1,
        ..Excuses::default()
    };
    assert!(checks::all(&seen, &late, &excuses).ok());
    let younger = AuditOptions {
        since: "2026-03-09T00:00:00Z".parse().unwrap(),
        ..AuditOptions::default()
    };
    assert!(
        checks::all(&seen, &younger, &excuses)
            .check(names::ORDERS)
            .unwrap()
            .ok
    );
}

#[test]
fn a_held_or_cancelled_order_is_not_missed() {
    let mut seen = faithful();
    seen.shop_orders.clear();
    seen.products[0].available = 1;
    for i in &mut seen.channel_orders[0].items {
        *i = item(i.id.parse().unwrap(), &i.sku);
        i.stage = Stage::Held;
    }
    passes(&seen);
    for i in &mut seen.channel_orders[0].items {
        i.stage = Stage::Cancelled;
    }
    seen.products[0].available = 3;
    passes(&seen);
}

#[test]
fn a_doubled_order_is_found() {
    let mut seen = faithful();
    let mut twin = seen.shop_orders[0].clone();
    twin.id = "gid://shopify/Order/2".into();
    twin.fulfillments.clear();
    seen.shop_orders.push(twin);
    assert!(fails(&seen, names::ORDERS).contains("is 2 times in Shopify"));
}

#[test]
fn an_order_that_nobody_placed_is_found() {
    let mut seen = faithful();
    let mut ghost = seen.shop_orders[0].clone();
    ghost.name = "914009999".into();
    ghost.fulfillments.clear();
    seen.shop_orders.push(ghost);
    assert!(fails(&seen, names::ORDERS).contains("has no such order"));
}

#[test]
fn a_wrong_look_is_found() {
    type Spoil = fn(&mut ShopOrder);
    let spoil: [(&str, Spoil); 7] = [
        ("the note", |o| o.note = "a nice order".into()),
        ("the customer is", |o| o.customer = "Marlo Quill".into()),
        ("the billing address", |o| o.billing = person("Marlo Quill")),
        ("ships to postcode", |o| o.shipping.postcode = "6000".into()),
        ("3 x A", |o| {
            o.lines[0].quantity = 3;
            o.lines[0].current = 3;
        }),
        ("worth 264.79", |o| o.total = Decimal::new(26_479, 2)),
        ("is paid", |o| o.paid = Decimal::ZERO),
    ];
    for (text, change) in spoil {
        let mut seen = faithful();
        change(&mut seen.shop_orders[0]);
        let audit = verdict(&seen);
        let check = audit.check(names::ORDERS).unwrap();
        assert!(check.examples.join("\n").contains(text), "{text}: {audit}");
    }
}

#[test]
fn stock_above_and_below_is_found() {
    let mut seen = faithful();
    seen.products[0].available = 4;
    assert!(fails(&seen, names::STOCK).contains("can be oversold"));
    seen.products[0].available = 2;
    assert!(fails(&seen, names::STOCK).contains("sales are missed"));
    let mut excuses = Excuses {
        oversells: 1,
        ..Excuses::default()
    };
    excuses.skus.insert("A".into());
    assert!(checks::all(&seen, &AuditOptions::default(), &excuses).ok());
    let buffered = AuditOptions {
        buffer: 1,
        ..AuditOptions::default()
    };
    assert!(checks::all(&seen, &buffered, &excuses).ok());
}

#[test]
fn doubled_and_untracked_skus_are_nobodys_stock() {
    let mut seen = faithful();
    seen.products[0].available = 99;
    seen.variants.push(seen.variants[0].clone());
    passes(&seen);
    seen.variants.pop();
    seen.variants[0].tracked = false;
    passes(&seen);
}

#[test]
fn a_wrong_code_is_found() {
    let mut seen = faithful();
    for i in &mut seen.channel_orders[0].items[..2] {
        i.tracking = "KSP9".into();
    }
    let text = fails(&seen, names::PARCELS);
    assert!(text.contains("\"KSP9\", which no fulfillment"), "{text}");
    assert!(text.contains("\"KSP1\" carries 2 x A"), "{text}");
}

#[test]
fn a_missing_unit_a_wrong_carrier_and_a_code_used_twice_are_found() {
    let mut seen = faithful();
    seen.channel_orders[0].items[1] = item(2, "A");
    assert!(fails(&seen, names::PARCELS).contains("has 1 x A with it"));

    let mut seen = faithful();
    seen.channel_orders[0].items[0].provider = "Sendle".into();
    assert!(fails(&seen, names::PARCELS).contains("told \"Sendle\""));

    let mut seen = faithful();
    seen.channel_orders[0].items[1].package = Some("8".into());
    assert!(fails(&seen, names::PARCELS).contains("on 2 packages"));

    let mut seen = faithful();
    seen.shop_orders[0].fulfillments[0].number.clear();
    assert!(fails(&seen, names::PARCELS).contains("which no fulfillment"));
}

#[test]
fn one_code_stands_for_all_parcels() {
    let mut seen = faithful();
    seen.channel_orders[0].one_code = true;
    for i in &mut seen.channel_orders[0].items {
        *i = item(i.id.parse().unwrap(), &i.sku);
    }
    seen.channel_orders[0].items[0].shipping = Decimal::new(995, 2);
    // Two of three are packed: there is nothing to tell yet.
    passes(&seen);
    let shop = &mut seen.shop_orders[0];
    shop.lines[1].fulfilled = 1;
    shop.fulfillments.push(Fulfillment {
        status: "SUCCESS".into(),
        company: "Sendle".into(),
        number: "S2".into(),
        lines: vec![("L2".into(), 1)],
    });
    assert!(fails(&seen, names::PARCELS).contains("knows of none"));
    for i in &mut seen.channel_orders[0].items {
        i.stage = Stage::Gone;
        i.package = Some("1".into());
        i.tracking = "S2".into();
        i.provider = "Sendle".into();
    }
    passes(&seen);
    seen.channel_orders[0].items[0].provider = "StarTrack".into();
    assert!(fails(&seen, names::PARCELS).contains("told \"StarTrack\""));
    seen.shop_orders[0].lines[1].fulfilled = 0;
    assert!(fails(&seen, names::PARCELS).contains("1 units are not packed"));
}

#[test]
fn what_others_have_sold_is_kept_back() {
    let mut seen = faithful();
    seen.elsewhere.insert("A".into(), 2);
    assert!(fails(&seen, names::STOCK).contains("can be oversold"));
    seen.products[0].available = 1;
    passes(&seen);
    seen.products[0].available = 0;
    assert!(fails(&seen, names::STOCK).contains("sales are missed"));
    // Sold there under review: the host may know of it or not.
    seen.elsewhere_doubtful.insert("A".into(), 1);
    passes(&seen);
}

#[test]
fn cancelled_units_have_to_agree() {
    let mut seen = faithful();
    seen.channel_orders[0].items[2].stage = Stage::Cancelled;
    assert!(fails(&seen, names::CANCELLATIONS).contains("0 x B wanted at the marketplace, 1 in"));
    seen.shop_orders[0].lines[1].current = 0;
    passes(&seen);
    // Cancelled before it came over: Shopify never had it.
    seen.shop_orders[0].lines.pop();
    seen.shop_orders[0].total -= Decimal::new(8_495, 2);
    seen.shop_orders[0].paid = seen.shop_orders[0].total;
    passes(&seen);
    let mut seen = faithful();
    seen.shop_orders[0].lines[1].current = 0;
    assert!(fails(&seen, names::CANCELLATIONS).contains("1 x B wanted at the marketplace, 0 in"));
}

#[test]
fn a_unit_cancelled_after_it_was_packed_is_no_violation() {
    let mut seen = faithful();
    seen.channel_orders[0].items[1].stage = Stage::Cancelled;
    passes(&seen);
}

#[test]
fn an_oversold_sku_is_found() {
    let seen = faithful();
    let audit = checks::all(&seen, &AuditOptions::default(), &Excuses::default());
    let check = audit.check(names::OVERSELLS).unwrap();
    assert!(!check.ok);
    assert!(check.examples[0].starts_with("B: -1 available"), "{audit}");
}

#[test]
fn bad_manners_are_found() {
    let mut seen = faithful();
    seen.sides.push(Side {
        name: "Shopify".into(),
        requests: 9,
        throttled: 2,
        mistakes: vec!["OrderCreate: no line items".into()],
    });
    let text = fails(&seen, names::MANNERS);
    assert!(text.contains("throttle 2 requests") && text.contains("no line items"));
}

#[tokio::test]
async fn a_mirakl_marketplace_is_read() {
    use crate::Options;
    use crate::mirakl::{self, Purchase};
    use crate::seller_center::Buyer;

    let sandbox = crate::Sandbox::start(Options {
        mirakl: Some(mirakl::Config::default()),
        ..Options::default()
    })
    .await
    .unwrap();
    let market = sandbox.mirakl.as_ref().unwrap();
    let channel = Marketplace::Mirakl(market);
    let options = AuditOptions {
        channel_title: channel.title().to_owned(),
        ..AuditOptions::default()
    };
    let judge = || audit_marketplace(&sandbox, channel, &options, &Excuses::default());
    let sku = market
        .offers()
        .into_iter()
        .find(|o| o.quantity > 2 && sandbox.catalogue.linked().contains(&o.sku.as_str()))
        .unwrap()
        .sku;
    // In step by hand: what the shop has, on both marketplaces.
    for variant in sandbox.shopify.variants().iter().filter(|v| v.tracked) {
        let there = variant.levels.iter().map(|l| l.available).sum::<i64>();
        let there = u32::try_from(there.max(0)).unwrap();
        let of = variant.sku.as_deref().unwrap_or_default();
        market.set_quantity(of, there);
        for product in sandbox.seller_center.product(of) {
            sandbox.seller_center.set_quantity(product.id, there);
        }
    }
    let stock_of_sku = sandbox
        .shopify
        .variants()
        .into_iter()
        .find(|v| v.sku.as_ref() == Some(&sku))
        .unwrap();
    sandbox
        .shopify
        .set_available(&sku, &stock_of_sku.levels[0].location, 7);
    let there: i64 = sandbox
        .shopify
        .variants()
        .iter()
        .filter(|v| v.sku.as_ref() == Some(&sku))
        .flat_map(|v| &v.levels)
        .map(|l| l.available)
        .sum();
    let all = u32::try_from(there).unwrap();
    market.set_quantity(&sku, all);
    let product = sandbox.seller_center.product(&sku)[0].id;
    sandbox.seller_center.set_quantity(product, all);
    assert!(judge().ok(), "{}", judge());
    assert!(audit(&sandbox, &AuditOptions::default()).ok());
    let order = market
        .buy(&[(&sku, 2)], Buyer::random(4), &Purchase::default())
        .unwrap();
    // Waiting for acceptance: held, and off the quantity already. The other marketplace may know of it or not.
    assert!(judge().ok(), "{}", judge());
    sandbox.seller_center.set_quantity(product, all - 2);
    assert!(audit(&sandbox, &AuditOptions::default()).ok());
    market.switches(|s| s.debit_delay_ms = Some(0));
    market.cancel(&order.id, &[]);
    let audit = judge();
    assert!(audit.check(names::ORDERS).unwrap().ok);
    let stock = audit.check(names::STOCK).unwrap();
    assert!(stock.examples[0].contains("sales are missed"), "{audit}");
    market.set_quantity(&sku, all);
    market.switches(|s| s.automatic_acceptance = true);
    let order = market
        .buy(&[(&sku, 2)], Buyer::random(4), &Purchase::default())
        .unwrap();
    market.debit(&order.id);
    let audit = judge();
    let orders = audit.check(names::ORDERS).unwrap();
    assert!(orders.examples[0].contains(&order.id), "{audit}");
    assert!(audit.check(names::STOCK).unwrap().ok, "{audit}");
}

#[tokio::test]
async fn a_marketplace_to_learn_with_is_read() {
    use crate::Options;
    use crate::practice::{self, Purchase};
    use crate::seller_center::Buyer;

    let sandbox = crate::Sandbox::start(Options {
        practice: Some(practice::Config::default()),
        ..Options::default()
    })
    .await
    .unwrap();
    let market = sandbox.practice.as_ref().unwrap();
    let channel = Marketplace::Practice(market);
    let options = AuditOptions {
        channel_title: channel.title().to_owned(),
        ..AuditOptions::default()
    };
    let judge = || audit_marketplace(&sandbox, channel, &options, &Excuses::default());
    // In step by hand: what the shop has, on both marketplaces.
    for variant in sandbox.shopify.variants().iter().filter(|v| v.tracked) {
        let there = variant.levels.iter().map(|l| l.available).sum::<i64>();
        let there = u32::try_from(there.max(0)).unwrap();
        let sku = variant.sku.as_deref().unwrap_or_default();
        market.set_quantity(sku, there);
        for product in sandbox.seller_center.product(sku) {
            sandbox.seller_center.set_quantity(product.id, there);
        }
    }
    assert!(judge().ok(), "{}", judge());
    let linked = sandbox.catalogue.linked();
    let listings = market.listings();
    let listing = (listings.iter())
        .find(|l| l.quantity > 2 && linked.contains(&l.sku.as_str()))
        .unwrap();
    let order = market
        .buy(&[(&listing.sku, 2)], Buyer::random(4), &Purchase::default())
        .unwrap();
    let audit = judge();
    let orders = audit.check(names::ORDERS).unwrap();
    assert!(orders.examples[0].contains(&order.number), "{audit}");
    assert!(audit.check(names::STOCK).unwrap().ok, "{audit}");
    // What was sold here, the other marketplace must not sell.
    let other = super::audit(&sandbox, &AuditOptions::default());
    let stock = other.check(names::STOCK).unwrap();
    assert!(stock.examples[0].contains("can be oversold"), "{other}");
    // Cancelled: the piece is back on sale, and nobody misses the order.
    market.cancel(&order.id, &[]).unwrap();
    assert!(judge().ok(), "{}", judge());
    market.set_quantity(&listing.sku, listing.quantity - 1);
    assert!(!judge().check(names::STOCK).unwrap().ok);
}
