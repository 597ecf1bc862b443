//! The connector for Vendure against a Vendure that really runs, as its buyers and its merchant use it. Needs Node, and
//! packages that `just test-vendure` fetches; it is left out of the other tests.

mod server;

use lockstep_sandbox::shopify::{OrderView, VariantView};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::crash::dies_at;
use crate::world::{HASTE, Ran, World};
use server::{Placed, Vendure, root};

const CHANNEL: &str = "kestrel/vendure";

/// A Vendure, and a sandbox's shop that is connected with it.
struct Shopfront {
    world: World,
    vendure: Vendure,
}

/// The component with its manifest, as an operator gets it.
fn plugin() -> Vec<u8> {
    let file = root().join("target/guests/vendure.wasm");
    std::fs::read(&file)
        .unwrap_or_else(|e| panic!("{}: {e}; run `just test-vendure`", file.display()))
}

impl Shopfront {
    /// The shop and its Vendure, connected, approved and in step.
    async fn open() -> Self {
        let front = Self::beside().await;
        front.connect(&front.vendure.api_key).await.code(0);
        front.world.run(&["approve", CHANNEL]).await.code(0);
        front.settle().await;
        front
    }

    /// The shop and its Vendure, not connected yet.
    async fn beside() -> Self {
        let world = World::bare(40).await;
        let sold: Vec<VariantView> = Self::linked(&world).collect();
        let vendure = Vendure::start(&sold).await;
        world.run(&["init"]).await.code(0);
        world.add_shop().await.code(0);
        let plugins = world.place.join("plugins");
        std::fs::create_dir_all(&plugins).expect("the folder of plugins");
        std::fs::write(plugins.join("vendure.wasm"), plugin()).expect("the plugin");
        Self { world, vendure }
    }

    async fn connect(&self, api_key: &str) -> Ran {
        let from = self.world.since.to_string();
        let mut args = vec!["channel", "add", CHANNEL, "--plugin", "vendure", "--grant"];
        args.extend(["--base-url", &self.vendure.base, "--allow-local"]);
        args.extend(["--orders-from", &from]);
        for setting in HASTE {
            args.extend(["--set", setting]);
        }
        let mut command = self.world.command();
        command.args(&args).env("LOCKSTEP_CHANNEL_SECRET", api_key);
        self.world.take_cache();
        let output = command.output().await.expect("the binary starts");
        self.world.share_cache();
        Ran {
            status: output.status,
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    async fn settle(&self) {
        self.world.settle().await.code(0);
    }

    /// The shop's variants that are counted and have a SKU of their own.
    fn linked(world: &World) -> impl Iterator<Item = VariantView> {
        let story = world.story(1);
        let skus: Vec<String> = (story.catalogue().linked().iter())
            .map(|s| (*s).to_owned())
            .collect();
        let variants = world.sandbox.shopify.variants();
        variants
            .into_iter()
            .filter(move |v| v.sku.as_ref().is_some_and(|sku| skus.contains(sku)))
    }

    fn available(&self, sku: &str) -> i64 {
        let found = Self::linked(&self.world).find(|v| v.sku.as_deref() == Some(sku));
        found.map_or(0, |v| v.levels.iter().map(|l| l.available).sum())
    }

    /// Gives so many SKUs ten pieces each at one location, so that each order leaves in one parcel.
    async fn stocked(&self, count: usize) -> Vec<String> {
        let places = &self.world.sandbox.locations;
        let skus: Vec<String> = Self::linked(&self.world)
            .filter_map(|v| v.sku)
            .take(count)
            .collect();
        for sku in &skus {
            for (at, place) in places.iter().enumerate() {
                let pieces = if at == 0 { 10 } else { 0 };
                self.world.sandbox.shopify.set_available(sku, place, pieces);
            }
        }
        self.settle().await;
        skus
    }

    fn in_shopify(&self, order: &Placed) -> OrderView {
        let mut found = self.world.sandbox.shopify.order_by_name(&order.code);
        assert_eq!(found.len(), 1, "orders named {}", order.code);
        found.remove(0)
    }
}

fn line<'a>(order: &'a Value, sku: &str) -> &'a Value {
    let lines = order["lines"].as_array().expect("lines");
    let found = lines.iter().find(|l| l["productVariant"]["sku"] == sku);
    found.expect("a line of the SKU")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Vendure: run `just test-vendure`"]
async fn numbers_of_the_shop_become_stock_on_hand() {
    let front = Shopfront::open().await;
    for variant in Shopfront::linked(&front.world) {
        let sku = variant.sku.unwrap();
        let expected = front.available(&sku).max(0);
        assert_eq!(front.vendure.stock(&sku).await, (expected, 0), "{sku}");
    }
    let skus = front.stocked(1).await;
    assert_eq!(front.vendure.stock(&skus[0]).await, (10, 0));
    front.world.sandbox.shopify.sell(&skus[0], 4).unwrap();
    front.settle().await;
    assert_eq!(front.vendure.stock(&skus[0]).await, (6, 0));
    // What a buyer has bought there is subtracted by Vendure: the number stays until Shopify has it, and after.
    front.vendure.buy(&[(&skus[0], 2)], "test-payment").await;
    assert_eq!(front.vendure.stock(&skus[0]).await, (6, 2));
    front.settle().await;
    assert_eq!(front.available(&skus[0]), 4);
    assert_eq!(front.vendure.stock(&skus[0]).await, (6, 2));
    front.world.sandbox.shopify.sell(&skus[0], 1).unwrap();
    front.settle().await;
    assert_eq!(front.vendure.stock(&skus[0]).await, (5, 2));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Vendure: run `just test-vendure`"]
async fn an_order_arrives_with_its_prices_its_tax_and_its_address() {
    let front = Shopfront::open().await;
    let skus = front.stocked(2).await;
    let bought = [(skus[0].as_str(), 3), (skus[1].as_str(), 1)];
    let placed = front.vendure.buy(&bought, "test-payment").await;
    front.settle().await;
    let (there, made) = (
        front.vendure.order(&placed.id).await,
        front.in_shopify(&placed),
    );
    let cents = |value: &Value| Decimal::new(value.as_i64().expect("minor units"), 2);
    assert_eq!(made.lines.len(), 2);
    for made_line in &made.lines {
        let sku = made_line.sku.as_deref().unwrap();
        let told = line(&there, sku);
        let goods = made_line.unit_price * Decimal::from(made_line.quantity);
        assert_eq!(
            i64::from(made_line.quantity),
            told["quantity"].as_i64().unwrap()
        );
        assert_eq!(goods, cents(&told["proratedLinePriceWithTax"]), "{sku}");
        assert_eq!(made_line.taxes.len(), 1, "{sku}");
        let tax = &made_line.taxes[0];
        assert_eq!(tax.rate, Decimal::new(1, 1), "{sku}");
        assert_eq!(tax.amount, cents(&told["lineTax"]), "{sku}");
        assert!(made_line.claimed_at.is_some(), "{sku} claims stock");
    }
    assert!(made.taxes_included);
    assert_eq!(made.currency, "AUD");
    assert_eq!(made.shipping_lines.len(), 1);
    assert_eq!(made.shipping_lines[0].title, "Standard Shipping");
    assert_eq!(made.shipping_lines[0].price, Decimal::new(995, 2));
    assert_eq!(made.total, cents(&there["totalWithTax"]));
    assert_eq!(made.paid, cents(&there["totalWithTax"]));
    assert_eq!(made.customer_name.as_deref(), Some("Vendure Marketplace"));
    let to = made.shipping_address.unwrap();
    assert_eq!(
        [
            to.first_name.as_deref(),
            to.last_name.as_deref(),
            to.company.as_deref(),
            to.address1.as_deref(),
            to.address2.as_deref(),
            to.city.as_deref(),
            to.province_code.as_deref(),
            to.zip.as_deref(),
            to.country_code.as_deref(),
            to.phone.as_deref(),
        ],
        [
            Some("Mia"),
            Some("Nguyen"),
            Some("Nguyen Boards"),
            Some("12 Wave St"),
            Some("Unit 3"),
            Some("Torquay"),
            Some("VIC"),
            Some("3228"),
            Some("AU"),
            Some("0491 570 006"),
        ]
    );
    for (sku, quantity) in bought {
        assert_eq!(front.available(sku), 10 - i64::from(quantity));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Vendure: run `just test-vendure`"]
async fn an_order_that_is_not_paid_binds_its_stock_and_waits() {
    let front = Shopfront::open().await;
    let skus = front.stocked(1).await;
    let placed = front.vendure.buy(&[(&skus[0], 2)], "pay-later").await;
    front.settle().await;
    assert!(
        (front.world.sandbox.shopify)
            .order_by_name(&placed.code)
            .is_empty()
    );
    front
        .world
        .run(&["explain", &placed.code])
        .await
        .says("payment");
    // The host cannot know that Vendure holds back what is not paid: it lowers the number by it, to be safe.
    assert_eq!(front.vendure.stock(&skus[0]).await, (8, 2));
    let payment = front
        .vendure
        .admin(
            "query ($id: ID!) { order(id: $id) { payments { id } } }",
            json!({"id": placed.id}),
        )
        .await;
    front
        .vendure
        .admin(
            "mutation ($id: ID!) { settlePayment(id: $id) { __typename } }",
            json!({"id": payment["order"]["payments"][0]["id"]}),
        )
        .await;
    front.settle().await;
    assert_eq!(front.in_shopify(&placed).lines[0].quantity, 2);
    assert_eq!(front.available(&skus[0]), 8);
    assert_eq!(front.vendure.stock(&skus[0]).await, (10, 2));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Vendure: run `just test-vendure`"]
async fn parcels_arrive_with_their_codes_and_another_cycle_changes_nothing() {
    let front = Shopfront::open().await;
    let skus = front.stocked(2).await;
    let bought = [(skus[0].as_str(), 2), (skus[1].as_str(), 1)];
    let placed = front.vendure.buy(&bought, "test-payment").await;
    front.settle().await;
    let made = front.in_shopify(&placed);
    let shop = &front.world.sandbox.shopify;
    let of = |sku: &str| {
        let found = made.lines.iter().find(|l| l.sku.as_deref() == Some(sku));
        found.expect("a line").id.clone()
    };
    shop.fulfill(
        &made.gid,
        Some(&[(of(&skus[0]), 1)]),
        Some(("Australia Post", "33ABC0000001")),
    )
    .unwrap();
    front.settle().await;
    let there = front.vendure.order(&placed.id).await;
    assert_eq!(there["state"], "PartiallyShipped");
    // A sale takes the piece out of both numbers.
    assert_eq!(front.vendure.stock(&skus[0]).await, (9, 1));
    shop.fulfill(&made.gid, None, Some(("StarTrack", "ST0000002")))
        .unwrap();
    front.settle().await;
    let there = front.vendure.order(&placed.id).await;
    assert_eq!(there["state"], "Shipped");
    let parcels: Vec<_> = there["fulfillments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| {
            let units: i64 = (f["lines"].as_array().unwrap().iter())
                .map(|l| l["quantity"].as_i64().unwrap())
                .sum();
            (
                f["state"].as_str().unwrap(),
                f["method"].as_str().unwrap(),
                f["trackingCode"].as_str().unwrap(),
                units,
            )
        })
        .collect();
    assert_eq!(
        parcels,
        [
            ("Shipped", "Australia Post", "33ABC0000001", 1),
            ("Shipped", "StarTrack", "ST0000002", 2),
        ]
    );
    assert_eq!(front.vendure.stock(&skus[0]).await, (8, 0));
    assert_eq!(front.vendure.stock(&skus[1]).await, (9, 0));
    let updated = shop.order(&made.gid).unwrap().updated_at;
    front.settle().await;
    front.settle().await;
    assert_eq!(front.vendure.order(&placed.id).await, there);
    assert_eq!(front.in_shopify(&placed).updated_at, updated);
    assert_eq!(front.vendure.stock(&skus[0]).await, (8, 0));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Vendure: run `just test-vendure`"]
async fn cancellations_cross_both_ways() {
    let front = Shopfront::open().await;
    let skus = front.stocked(2).await;
    let theirs = front.vendure.buy(&[(&skus[0], 3)], "test-payment").await;
    let part = front.vendure.buy(&[(&skus[1], 2)], "test-payment").await;
    let whole = front.vendure.buy(&[(&skus[1], 1)], "test-payment").await;
    front.settle().await;
    let shop = &front.world.sandbox.shopify;
    assert_eq!(
        (front.available(&skus[0]), front.available(&skus[1])),
        (7, 7)
    );

    let there = front.vendure.order(&theirs.id).await;
    let one = line(&there, &skus[0]);
    front.vendure.cancel(&theirs.id, one, 1).await;
    let made = front.in_shopify(&part);
    shop.remove_units(&made.gid, &made.lines[0].id, 1, true)
        .unwrap();
    let made = front.in_shopify(&whole);
    shop.cancel_order(&made.gid, "INVENTORY", true).unwrap();
    front.settle().await;
    front.settle().await;

    assert_eq!(front.in_shopify(&theirs).lines[0].current, 2);
    let there = front.vendure.order(&part.id).await;
    assert_eq!(there["state"], "PaymentSettled");
    assert_eq!(line(&there, &skus[1])["quantity"], 1);
    assert_eq!(there["shippingWithTax"], 995);
    let there = front.vendure.order(&whole.id).await;
    assert_eq!(there["state"], "Cancelled");
    assert_eq!(there["totalWithTax"], 0, "shipping is not paid either");
    let said = (there["history"]["items"].as_array().unwrap().iter())
        .find(|h| h["type"] == "ORDER_CANCELLATION")
        .expect("the cancellation is in the history");
    assert_eq!(said["data"]["reason"], "Out of stock");
    assert_eq!(front.available(&skus[1]), 9);
    assert_eq!(front.vendure.stock(&skus[1]).await, (10, 1));
    assert_eq!(
        front.vendure.stock(&skus[0]).await,
        (front.available(&skus[0]) + 2, 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Vendure: run `just test-vendure`"]
async fn a_run_that_dies_after_vendure_has_answered_leaves_no_second_parcel_or_cancellation() {
    let front = Shopfront::open().await;
    let skus = front.stocked(1).await;
    let placed = front.vendure.buy(&[(&skus[0], 3)], "test-payment").await;
    front.settle().await;
    let shop = &front.world.sandbox.shopify;
    let made = front.in_shopify(&placed);
    let line = [(made.lines[0].id.clone(), 1)];
    // Two pieces in two parcels, and the third is cancelled.
    shop.fulfill(&made.gid, Some(&line), Some(("Sendle", "S0001")))
        .unwrap();
    dies_at(&front.world, &["sync"], "parcel-prepare-after-answer").await;
    shop.fulfill(&made.gid, Some(&line), Some(("Sendle", "S0002")))
        .unwrap();
    dies_at(&front.world, &["sync"], "parcel-ship-after-answer").await;
    shop.remove_units(&made.gid, &made.lines[0].id, 1, true)
        .unwrap();
    dies_at(&front.world, &["sync"], "channel-cancel-after-answer").await;
    let there = front.vendure.order(&placed.id).await;
    let codes: Vec<_> = (there["fulfillments"].as_array().unwrap().iter())
        .map(|f| (f["trackingCode"].as_str(), f["state"].as_str()))
        .collect();
    assert_eq!(
        codes,
        [
            (Some("S0001"), Some("Shipped")),
            (Some("S0002"), Some("Shipped")),
        ]
    );
    assert_eq!(there["lines"][0]["quantity"], 2);
    // So Vendure leaves it when the rest is cancelled, by hand too.
    assert_eq!(there["state"], "PartiallyShipped");
    assert_eq!(front.vendure.stock(&skus[0]).await, (8, 0));
    assert_eq!(front.available(&skus[0]), 8);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Vendure: run `just test-vendure`"]
async fn a_key_that_vendure_does_not_know_is_told_before_anything_is_added() {
    let front = Shopfront::beside().await;
    front
        .connect("0123456789abcdef01234567:no-such-key")
        .await
        .says("does not know the API key");
}
