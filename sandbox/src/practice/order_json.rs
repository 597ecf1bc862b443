//! Orders and parcels as answers tell them.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::state::{Line, Order, Parcel, Units, cents, id_of, stamp, tax_in};

/// One order.
pub(super) fn order(order: &Order, currency: &str) -> Value {
    let goods: Decimal = order.lines.iter().map(goods).sum();
    let buyer = &order.buyer;
    let name = format!("{} {}", buyer.first_name, buyer.last_name);
    json!({
        "id": id_of('O', order.id), "number": order.number, "status": order.status(),
        "placed_at": stamp(order.placed_at), "updated_at": stamp(order.updated_at),
        "ship_by": stamp(order.ship_by), "currency": currency,
        "total": cents(goods + order.shipping).to_string(),
        "shipping": {
            "method": "standard", "label": "Standard", "price": order.shipping.to_string(),
            "tax": tax_in(order.shipping).to_string(),
        },
        "buyer": {"name": name, "email": buyer.email, "phone": buyer.phone},
        "ship_to": {
            "name": name, "company": null, "line1": buyer.lines.first(),
            "line2": (buyer.lines.len() > 1).then(|| buyer.lines[1..].join(", ")),
            "city": buyer.city, "region": buyer.region, "postcode": buyer.post_code,
            "country": buyer.country,
        },
        "lines": order.lines.iter().map(line).collect::<Vec<_>>(),
        "parcels": order.parcels.iter().map(parcel).collect::<Vec<_>>(),
    })
}

fn goods(line: &Line) -> Decimal {
    line.price * Decimal::from(line.quantity)
}

fn line(line: &Line) -> Value {
    json!({
        "id": line.id, "listing": id_of('L', line.listing), "sku": line.sku, "title": line.title,
        "quantity": line.quantity, "cancelled": line.cancelled, "shipped": line.shipped,
        "price": line.price.to_string(), "tax": tax_in(goods(line)).to_string(),
    })
}

/// One parcel.
pub(super) fn parcel(parcel: &Parcel) -> Value {
    let told = &parcel.told;
    json!({
        "id": id_of('P', parcel.id), "key": told.key, "carrier": told.carrier,
        "tracking": told.tracking, "lines": units(&told.units),
        "shipped_at": stamp(told.shipped_at),
    })
}

fn units(units: &Units) -> Vec<Value> {
    let rows = units.iter();
    rows.map(|(line, n)| json!({"line": line, "quantity": n}))
        .collect()
}
