//! How the marketplaces' own words read in the auditor's.

use rust_decimal::Decimal;

use super::Marketplace;
use super::snapshot::{ChannelItem, ChannelOrder, Person, Product, Side, Stage};
use crate::mirakl::{self, LineView, TrackingView};
use crate::practice;
use crate::seller_center::{self, Buyer, ShipmentType};

impl Marketplace<'_> {
    pub(super) fn orders(self) -> Vec<ChannelOrder> {
        match self {
            Self::SellerCenter(center) => center.orders().into_iter().map(center_order).collect(),
            Self::Mirakl(mirakl) => {
                let one_code = !mirakl.multi_shipment();
                let orders = mirakl.orders().into_iter();
                orders.map(|o| mirakl_order(o, one_code)).collect()
            }
            Self::Practice(practice) => practice.orders().into_iter().map(practice_order).collect(),
        }
    }

    pub(super) fn products(self) -> Vec<Product> {
        match self {
            Self::SellerCenter(center) => center
                .products()
                .into_iter()
                .map(|p| Product {
                    sellers: p.shipment_type != ShipmentType::Warehouse && p.status != "deleted",
                    sku: p.seller_sku,
                    available: p.available,
                })
                .collect(),
            Self::Mirakl(mirakl) => mirakl
                .offers()
                .into_iter()
                .map(|o| Product {
                    sellers: o.center == OWN && !o.deleted,
                    sku: o.sku,
                    available: o.quantity,
                })
                .collect(),
            Self::Practice(practice) => practice
                .listings()
                .into_iter()
                .map(|l| Product {
                    sellers: true,
                    sku: l.sku,
                    available: l.quantity.into(),
                })
                .collect(),
        }
    }

    pub(super) fn side(self, name: &str) -> Side {
        let (requests, throttled, mistakes) = match self {
            Self::SellerCenter(center) => {
                let stats = center.stats();
                (stats.requests, stats.throttled, stats.mistakes)
            }
            Self::Mirakl(mirakl) => {
                let stats = mirakl.stats();
                (stats.requests, stats.throttled, stats.mistakes)
            }
            Self::Practice(practice) => {
                let stats = practice.stats();
                (stats.requests, stats.throttled, stats.mistakes)
            }
        };
        Side {
            name: name.to_owned(),
            requests: requests.values().sum(),
            throttled,
            mistakes,
        }
    }
}

/// The seller's own goods at a Mirakl marketplace.
const OWN: &str = "DEFAULT";

fn person(buyer: Buyer) -> Person {
    Person {
        name: format!("{} {}", buyer.first_name, buyer.last_name),
        company: String::new(),
        street: buyer.lines.join(" "),
        city: buyer.city,
        postcode: buyer.post_code,
    }
}

fn center_order(order: seller_center::OrderView) -> ChannelOrder {
    let fee = order.shipping_fee;
    ChannelOrder {
        number: order.number,
        placed_at: order.created_at,
        shipping: person(order.buyer),
        one_code: false,
        items: order
            .items
            .into_iter()
            .enumerate()
            .map(|(i, item)| ChannelItem {
                id: item.id.to_string(),
                sku: item.seller_sku,
                stage: match (item.status.as_str(), item.is_processable) {
                    ("payment_pending", _) | ("pending", false) => Stage::Held,
                    ("pending", true) => Stage::Open,
                    ("ready_to_ship", _) => Stage::Told,
                    ("canceled", _) => Stage::Cancelled,
                    _ => Stage::Gone,
                },
                status: item.status,
                sellers: item.shipment_type != ShipmentType::Warehouse,
                package: item.package.map(|id| id.to_string()),
                tracking: item.tracking,
                provider: item.provider.unwrap_or_default(),
                paid: item.paid_price,
                // The buyer pays shipping once, with the first piece.
                shipping: if i == 0 { fee } else { Decimal::ZERO },
            })
            .collect(),
    }
}

fn mirakl_order(order: mirakl::OrderView, one_code: bool) -> ChannelOrder {
    ChannelOrder {
        items: order
            .lines
            .iter()
            .flat_map(|line| units(&order, line))
            .collect(),
        number: order.id,
        placed_at: order.created_at,
        shipping: person(order.buyer),
        one_code,
    }
}

/// The units of a line: which of several equal ones was canceled or lies in which parcel is free to choose.
fn units(order: &mirakl::OrderView, line: &LineView) -> Vec<ChannelItem> {
    // An open incident hides how far the line is; its history does not.
    let state = line.history.last().map_or("", |change| &change.state);
    let unit = |stage: Stage, package: Option<&str>, tracking: &TrackingView| ChannelItem {
        id: line.id.clone(),
        sku: line.sku.clone(),
        status: line.state.clone(),
        stage,
        sellers: line.center == OWN,
        package: package.map(str::to_owned),
        tracking: tracking.number.clone().unwrap_or_default(),
        provider: tracking.carrier_name.clone().unwrap_or_default(),
        paid: line.unit_price,
        shipping: Decimal::ZERO,
    };
    let none = TrackingView::default();
    let mut units = Vec::new();
    for shipment in order.shipments.iter().filter(|s| s.state != "CANCELED") {
        let stage = match shipment.state.as_str() {
            "SHIPPING" => Stage::Open,
            _ => Stage::Gone,
        };
        let inside = shipment.lines.iter().filter(|(id, _)| *id == line.id);
        for _ in 0..inside.map(|(_, n)| n).sum() {
            units.push(unit(stage, Some(&shipment.id), &shipment.tracking));
        }
    }
    let canceled = (0..line.canceled).map(|_| unit(Stage::Cancelled, None, &none));
    units.extend(canceled);
    let rest = line
        .quantity
        .saturating_sub(u32::try_from(units.len()).unwrap_or(0));
    for _ in 0..rest {
        units.push(match state {
            "STAGING" | "WAITING_ACCEPTANCE" | "WAITING_DEBIT" | "WAITING_DEBIT_PAYMENT" => {
                unit(Stage::Held, None, &none)
            }
            "SHIPPING" => unit(Stage::Open, Some(&order.id), &order.tracking),
            _ => unit(Stage::Gone, Some(&order.id), &order.tracking),
        });
    }
    // The buyer pays shipping once for the line.
    if let Some(first) = units.first_mut() {
        first.shipping = line.shipping_price;
    }
    units
}

fn practice_order(order: practice::OrderView) -> ChannelOrder {
    let mut items: Vec<ChannelItem> = Vec::new();
    for line in &order.lines {
        let unit = |stage: Stage| ChannelItem {
            id: line.id.clone(),
            sku: line.sku.clone(),
            status: order.status.to_owned(),
            stage,
            sellers: true,
            paid: line.price,
            ..ChannelItem::default()
        };
        for parcel in &order.parcels {
            let inside = parcel.lines.iter().filter(|(id, _)| *id == line.id);
            for _ in 0..inside.map(|(_, n)| n).sum() {
                items.push(ChannelItem {
                    package: Some(parcel.id.clone()),
                    tracking: parcel.tracking.clone(),
                    provider: parcel.carrier_name.clone(),
                    ..unit(Stage::Gone)
                });
            }
        }
        items.extend((0..line.cancelled).map(|_| unit(Stage::Cancelled)));
        let open = line.quantity - line.cancelled - line.shipped;
        items.extend((0..open).map(|_| unit(Stage::Open)));
    }
    // The buyer pays shipping once for the order.
    if let Some(first) = items.first_mut() {
        first.shipping = order.shipping;
    }
    ChannelOrder {
        number: order.number,
        placed_at: order.placed_at,
        shipping: person(order.buyer),
        items,
        one_code: false,
    }
}
