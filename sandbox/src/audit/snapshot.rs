//! What both sides hold, reduced to what the invariants speak of.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{AuditOptions, Marketplace};
use crate::shopify::{self, Shopify};

/// Both sides at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) shop_orders: Vec<ShopOrder>,
    pub(super) channel_orders: Vec<ChannelOrder>,
    pub(super) variants: Vec<Variant>,
    pub(super) products: Vec<Product>,
    pub(super) sides: Vec<Side>,
    /// Units by SKU that other marketplaces have sold and Shopify does not know of.
    pub(super) elsewhere: BTreeMap<String, i64>,
    /// Those of them that the host need not know of either.
    pub(super) elsewhere_doubtful: BTreeMap<String, i64>,
}

/// A Shopify order.
#[derive(Clone, Debug, Default)]
pub(super) struct ShopOrder {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) note: String,
    pub(super) customer: String,
    pub(super) billing: Person,
    pub(super) shipping: Person,
    /// Something about it says that it came from the channel.
    pub(super) of_channel: bool,
    pub(super) lines: Vec<ShopLine>,
    pub(super) fulfillments: Vec<Fulfillment>,
    /// Worth of the order as it was placed.
    pub(super) total: Decimal,
    /// Received for it.
    pub(super) paid: Decimal,
}

impl ShopOrder {
    /// Everything left in one parcel.
    pub(super) fn in_one_parcel(&self) -> bool {
        let parcels = self.fulfillments.iter().filter(|f| f.success());
        parcels.count() == 1 && self.lines.iter().all(|l| l.current <= l.fulfilled)
    }

    /// Pieces by SKU; SKUs without any are left out.
    pub(super) fn by_sku(&self, of: impl Fn(&ShopLine) -> u32) -> BTreeMap<&str, u32> {
        let mut counts = BTreeMap::new();
        for line in &self.lines {
            let n = of(line);
            if n > 0 {
                *counts.entry(line.sku.as_str()).or_insert(0) += n;
            }
        }
        counts
    }
}

/// Whose address it is and where it leads.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) company: String,
    pub(super) street: String,
    pub(super) city: String,
    pub(super) postcode: String,
}

impl Person {
    /// Whether it is the address of `title`, as a person or as a company.
    pub(super) fn names(&self, title: &str) -> bool {
        self.name == title || self.company == title
    }
}

/// A line of a Shopify order.
#[derive(Clone, Debug, Default)]
pub(super) struct ShopLine {
    pub(super) id: String,
    pub(super) sku: String,
    /// Ordered.
    pub(super) quantity: u32,
    /// Ordered and not removed.
    pub(super) current: u32,
    pub(super) fulfilled: u32,
}

/// A parcel as Shopify has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Fulfillment {
    pub(super) status: String,
    pub(super) company: String,
    pub(super) number: String,
    /// Pieces by line id.
    pub(super) lines: Vec<(String, u32)>,
}

impl Fulfillment {
    pub(super) fn success(&self) -> bool {
        self.status == "SUCCESS"
    }

    /// The tracking code without the blanks that people copy along.
    pub(super) fn code(&self) -> Option<&str> {
        Some(self.number.trim()).filter(|c| !c.is_empty())
    }
}

/// An order at the marketplace.
#[derive(Clone, Debug, Default)]
pub(super) struct ChannelOrder {
    pub(super) number: String,
    pub(super) placed_at: Timestamp,
    pub(super) shipping: Person,
    pub(super) items: Vec<ChannelItem>,
    /// The marketplace takes one tracking code for the whole order, however many parcels there are.
    pub(super) one_code: bool,
}

/// How far a unit is, in words that fit every marketplace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// Sold, but not released to the seller.
    Held,
    /// The seller has to send it.
    #[default]
    Open,
    /// The marketplace was told of its parcel.
    Told,
    /// Handed over.
    Gone,
    /// It will not be sent.
    Cancelled,
}

/// One unit of it.
#[derive(Clone, Debug, Default)]
pub(super) struct ChannelItem {
    /// What the marketplace calls it; units of a line share it.
    pub(super) id: String,
    pub(super) sku: String,
    /// The marketplace's own word.
    pub(super) status: String,
    pub(super) stage: Stage,
    /// The seller ships it, not the marketplace.
    pub(super) sellers: bool,
    pub(super) package: Option<String>,
    pub(super) tracking: String,
    pub(super) provider: String,
    pub(super) paid: Decimal,
    pub(super) shipping: Decimal,
}

impl ChannelItem {
    pub(super) fn cancelled(&self) -> bool {
        self.stage == Stage::Cancelled
    }

    /// Sold, but not released to the seller.
    pub(super) fn held(&self) -> bool {
        self.stage == Stage::Held
    }

    /// Told to have a parcel.
    pub(super) fn with_carrier(&self) -> bool {
        matches!(self.stage, Stage::Told | Stage::Gone)
    }

    /// Sold and not yet handed over.
    pub(super) fn binds_stock(&self) -> bool {
        matches!(self.stage, Stage::Held | Stage::Open | Stage::Told)
    }

    pub(super) fn code(&self) -> Option<&str> {
        Some(self.tracking.as_str()).filter(|c| !c.is_empty())
    }
}

/// A Shopify variant with its stock over the channel's locations.
#[derive(Clone, Debug, Default)]
pub(super) struct Variant {
    pub(super) sku: String,
    pub(super) tracked: bool,
    pub(super) available: i64,
}

/// A product at the marketplace.
#[derive(Clone, Debug, Default)]
pub(super) struct Product {
    pub(super) sku: String,
    /// Kept up by the seller and not deleted.
    pub(super) sellers: bool,
    pub(super) available: i64,
}

/// How a side was spoken to.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    pub(super) name: String,
    pub(super) requests: u64,
    pub(super) throttled: u64,
    pub(super) mistakes: Vec<String>,
}

/// Reads the shop and one marketplace, and what others in the same shop have sold.
pub(super) fn read(
    shop: &Shopify,
    channel: Marketplace<'_>,
    others: &[Marketplace<'_>],
    options: &AuditOptions,
) -> Snapshot {
    let shop_stats = shop.stats();
    let side = channel.side(&options.channel_title);
    // The marketplaces first: an order that arrives meanwhile is then missing on no side.
    let channel_orders = channel.orders();
    let other_orders: Vec<ChannelOrder> = others.iter().flat_map(|o| o.orders()).collect();
    let titles: Vec<&str> = others.iter().map(|o| o.title()).collect();
    let shop_orders: Vec<ShopOrder> = shop
        .orders()
        .into_iter()
        .map(|o| shop_order(o, &titles, options))
        .collect();
    let mut seen = Snapshot {
        channel_orders,
        variants: shop
            .variants()
            .into_iter()
            .map(|v| variant(v, options))
            .collect(),
        products: channel.products(),
        sides: vec![
            Side {
                name: "Shopify".into(),
                requests: shop_stats.requests.values().sum(),
                throttled: shop_stats.throttled,
                mistakes: shop_stats.mistakes,
            },
            side,
        ],
        ..Snapshot::default()
    };
    let known: BTreeSet<&str> = shop_orders.iter().map(|o| o.name.as_str()).collect();
    for order in other_orders {
        if known.contains(order.number.as_str()) {
            continue;
        }
        let old = order.placed_at < options.since;
        for item in order
            .items
            .into_iter()
            .filter(|i| i.sellers && i.binds_stock())
        {
            if old || item.held() {
                *seen.elsewhere_doubtful.entry(item.sku.clone()).or_default() += 1;
            }
            if !old {
                *seen.elsewhere.entry(item.sku).or_default() += 1;
            }
        }
    }
    seen.shop_orders = shop_orders;
    seen
}

fn shop_order(order: shopify::OrderView, others: &[&str], options: &AuditOptions) -> ShopOrder {
    let title = &options.channel_title;
    let cancelled = order.cancelled_at.is_some();
    let customer = order.customer_name.unwrap_or_default();
    let note = order.note.unwrap_or_default();
    let billing = person(order.billing_address);
    let names = |title: &str| customer == *title || note.contains(title) || billing.names(title);
    let of_another = others.iter().any(|other| names(other));
    ShopOrder {
        // Any one of these marks suffices: an order that has lost the others is then found and named.
        of_channel: names(title) || (order.source_identifier.is_some() && !of_another),
        id: order.gid,
        name: order.name,
        note,
        customer,
        billing,
        shipping: person(order.shipping_address),
        lines: order
            .lines
            .into_iter()
            // A line that names something, and is no goods: neither bought nor packed.
            .filter(|l| l.variant.is_some() || l.requires_shipping)
            .map(|l| ShopLine {
                id: l.id,
                sku: l.sku.unwrap_or_default(),
                quantity: l.quantity,
                current: if cancelled { l.fulfilled } else { l.current },
                fulfilled: l.fulfilled,
            })
            .collect(),
        fulfillments: order
            .fulfillments
            .into_iter()
            .map(|f| {
                let tracking = f.tracking.into_iter().next().unwrap_or_default();
                Fulfillment {
                    status: f.status,
                    company: tracking.company.unwrap_or_default(),
                    number: tracking.number.unwrap_or_default(),
                    lines: f.lines,
                }
            })
            .collect(),
        total: order.total,
        paid: order.paid,
    }
}

fn person(address: Option<shopify::AddressView>) -> Person {
    let Some(address) = address else {
        return Person::default();
    };
    let join = |parts: [Option<String>; 2]| {
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(" ").trim().to_owned()
    };
    Person {
        name: join([address.first_name, address.last_name]),
        company: address.company.unwrap_or_default(),
        street: join([address.address1, address.address2]),
        city: address.city.unwrap_or_default(),
        postcode: address.zip.unwrap_or_default(),
    }
}

fn variant(variant: shopify::VariantView, options: &AuditOptions) -> Variant {
    Variant {
        sku: variant.sku.unwrap_or_default(),
        tracked: variant.tracked,
        available: variant
            .levels
            .iter()
            .filter(|l| options.locations.contains(&l.location))
            .map(|l| l.available)
            .sum(),
    }
}
