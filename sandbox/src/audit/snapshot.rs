//! What both sides hold, reduced to what the invariants speak of.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::AuditOptions;
use crate::seller_center::{self, SellerCenter, ShipmentType};
use crate::shopify::{self, Shopify};

/// Both sides at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshot {
    pub(super) shop_orders: Vec<ShopOrder>,
    pub(super) channel_orders: Vec<ChannelOrder>,
    pub(super) variants: Vec<Variant>,
    pub(super) products: Vec<Product>,
    pub(super) sides: Vec<Side>,
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
}

/// One unit of it.
#[derive(Clone, Debug, Default)]
pub(super) struct ChannelItem {
    pub(super) id: u64,
    pub(super) sku: String,
    pub(super) status: String,
    /// The seller ships it, not the marketplace.
    pub(super) sellers: bool,
    /// The seller may act on it.
    pub(super) processable: bool,
    pub(super) package: Option<u64>,
    pub(super) tracking: String,
    pub(super) provider: String,
    pub(super) paid: Decimal,
    pub(super) shipping: Decimal,
}

impl ChannelItem {
    pub(super) fn cancelled(&self) -> bool {
        self.status == "canceled"
    }

    /// Sold, but not released to the seller.
    pub(super) fn held(&self) -> bool {
        self.status == "payment_pending" || (self.status == "pending" && !self.processable)
    }

    /// Told to have a parcel.
    pub(super) fn with_carrier(&self) -> bool {
        !matches!(
            self.status.as_str(),
            "payment_pending" | "pending" | "canceled"
        )
    }

    /// Sold and not yet handed over.
    pub(super) fn binds_stock(&self) -> bool {
        matches!(
            self.status.as_str(),
            "payment_pending" | "pending" | "ready_to_ship"
        )
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

/// Reads both sides.
pub(super) fn read(shop: &Shopify, channel: &SellerCenter, options: &AuditOptions) -> Snapshot {
    let (shop_stats, channel_stats) = (shop.stats(), channel.stats());
    // The marketplace first: an order that arrives meanwhile is then missing on no side.
    let channel_orders = channel.orders().into_iter().map(channel_order).collect();
    Snapshot {
        channel_orders,
        shop_orders: shop
            .orders()
            .into_iter()
            .map(|o| shop_order(o, options))
            .collect(),
        variants: shop
            .variants()
            .into_iter()
            .map(|v| variant(v, options))
            .collect(),
        products: channel
            .products()
            .into_iter()
            .map(|p| Product {
                sellers: p.shipment_type != ShipmentType::Warehouse && p.status != "deleted",
                sku: p.seller_sku,
                available: p.available,
            })
            .collect(),
        sides: vec![
            Side {
                name: "Shopify".into(),
                requests: shop_stats.requests.values().sum(),
                throttled: shop_stats.throttled,
                mistakes: shop_stats.mistakes,
            },
            Side {
                name: options.channel_title.clone(),
                requests: channel_stats.requests.values().sum(),
                throttled: channel_stats.throttled,
                mistakes: channel_stats.mistakes,
            },
        ],
    }
}

fn channel_order(order: seller_center::OrderView) -> ChannelOrder {
    let fee = order.shipping_fee;
    ChannelOrder {
        number: order.number,
        placed_at: order.created_at,
        shipping: Person {
            name: format!("{} {}", order.buyer.first_name, order.buyer.last_name),
            company: String::new(),
            street: order.buyer.lines.join(" "),
            city: order.buyer.city,
            postcode: order.buyer.post_code,
        },
        items: order
            .items
            .into_iter()
            .enumerate()
            .map(|(i, item)| ChannelItem {
                id: item.id,
                sku: item.seller_sku,
                status: item.status,
                sellers: item.shipment_type != ShipmentType::Warehouse,
                processable: item.is_processable,
                package: item.package,
                tracking: item.tracking,
                provider: item.provider.unwrap_or_default(),
                paid: item.paid_price,
                // The buyer pays shipping once, with the first piece.
                shipping: if i == 0 { fee } else { Decimal::ZERO },
            })
            .collect(),
    }
}

fn shop_order(order: shopify::OrderView, options: &AuditOptions) -> ShopOrder {
    let title = &options.channel_title;
    let cancelled = order.cancelled_at.is_some();
    let customer = order.customer_name.unwrap_or_default();
    let note = order.note.unwrap_or_default();
    let billing = person(order.billing_address);
    ShopOrder {
        // Any one of these marks suffices: an order that has lost the others is then found and named.
        of_channel: customer == *title
            || note.contains(title)
            || billing.names(title)
            || order.source_identifier.is_some(),
        id: order.gid,
        name: order.name,
        note,
        customer,
        billing,
        shipping: person(order.shipping_address),
        lines: order
            .lines
            .into_iter()
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
