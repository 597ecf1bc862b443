//! An order as it is read.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::account::{CARRIERS, METHODS};
use super::orders::{Line, Order, Returned, Stage};
use super::reply::amount;
use super::state::{State, stamp, tax_in};
use super::switches::{Addresses, TaxMode};
use crate::faults;

/// Amounts on one basis.
struct Money<'a> {
    state: &'a State,
    mode: TaxMode,
}

impl Money<'_> {
    /// An amount with its tax, as the basis has it.
    fn of(&self, gross: Decimal) -> Value {
        amount(self.net(gross), &self.state.switches)
    }

    fn net(&self, gross: Decimal) -> Decimal {
        match self.mode {
            TaxMode::TaxIncluded => gross,
            TaxMode::TaxExcluded => gross - tax_in(gross),
        }
    }

    fn taxes(&self, gross: Decimal) -> Value {
        json!([{
            "code": "GST", "amount": amount(tax_in(gross), &self.state.switches), "rate": 10,
            "tax_calculation_rule": "PROPORTIONAL_TO_AMOUNT",
        }])
    }

    /// An amount that has no tax basis.
    fn plain(&self, value: Decimal) -> Value {
        amount(value, &self.state.switches)
    }
}

/// Fifteen percent of the price are the operator's, rounded to cents.
fn commission(line: &Line) -> Decimal {
    super::state::cents(line.price() * Decimal::new(15, 2))
}

impl State {
    /// An order with its lines, amounts on the given basis.
    pub(super) fn order_json(&self, order: &Order, mode: TaxMode) -> Value {
        let money = Money { state: self, mode };
        let stage = order.stage();
        let counted = || order.lines.iter().filter(|l| l.stage != Stage::Refused);
        // Each line is rounded by itself: totals are sums of what the lines show.
        let price: Decimal = counted().map(|l| money.net(l.price())).sum();
        let shipping: Decimal = counted().map(|l| money.net(l.shipping_price())).sum();
        let commission: Decimal = counted().map(commission).sum();
        let deduced: Decimal = counted()
            .map(|l| l.discount * Decimal::from(l.quantity))
            .sum();
        let method = METHODS.iter().find(|(c, _)| *c == order.shipping_type);
        let carrier = order.tracking.carrier_code.as_deref();
        let carrier = carrier.and_then(|code| CARRIERS.iter().find(|c| c.code == code));
        let (state, workflow) = match (self.switches.unknown_enum_values, stage) {
            (true, Stage::Closed) => ("ARCHIVED", "PAY_IN_PARTS"),
            (true, other) => (other.as_str(), "PAY_IN_PARTS"),
            (false, other) => (other.as_str(), "PAY_ON_ACCEPTANCE"),
        };
        let mut value = self.spice(json!({
            "order_id": order.id, "commercial_id": order.commercial_id, "order_state": state,
            "order_state_reason_code": null, "order_state_reason_label": null,
            "references": {
                "order_reference_for_customer": null,
                "order_reference_for_seller": order.seller_reference,
            },
            "acceptance_decision_date": order.decided_at.map(stamp),
            "can_cancel": can_cancel(order), "can_shop_ship": stage == Stage::Shipping,
            "channel": {"code": "AU", "label": "Australia"},
            "created_date": stamp(order.created_at), "last_updated_date": stamp(order.updated_at),
            "customer_debited_date": order.debited_at.map(stamp),
            "shipping_deadline": order.ship_by.map(stamp), "delivery_date": null,
            "leadtime_to_ship": 1, "currency_iso_code": self.config.currency,
            "order_tax_mode": mode.as_str(),
        }));
        let amounts = json!({
            "price": money.plain(price), "shipping_price": money.plain(shipping),
            "total_price": money.plain(price + shipping),
            "total_commission": money.plain(commission),
            "promotions": {"applied_promotions": [], "total_deduced_amount": money.plain(deduced)},
            "discount_campaigns": [], "payment_type": "CARD", "paymentType": "CARD",
            "payment_workflow": workflow, "transaction_number": null,
            "customer_directly_pays_seller": false,
            "customer_notification_email": format!("{}@notification.example", order.commercial_id),
            "customer": self.customer_json(order),
            "shipping_type_code": order.shipping_type,
            "shipping_type_label": method.map(|(_, label)| label),
            "shipping_type_standard_code": null,
            "shipping_zone_code": "AU", "shipping_zone_label": "Australia",
            "shipping_pudo_id": null,
            "shipping_carrier_code": order.tracking.carrier_code,
            "shipping_carrier_standard_code": carrier.and_then(|c| c.standard_code),
            "shipping_company": order.tracking.carrier_name,
            "shipping_tracking": order.tracking.number, "shipping_tracking_url": order.tracking.url,
        });
        let center = order.lines.first().map_or("DEFAULT", |l| &l.center);
        let rest = json!({
            "fulfillment": {"center": {"code": center}},
            "has_customer_message": false,
            "has_incident": order.lines.iter().any(|l| l.incident), "has_invoice": false,
            "fully_refunded": order.lines.iter().all(|l| l.stage == Stage::Refunded),
            "order_additional_fields": [],
            "order_lines": order.lines.iter().map(|l| self.line_json(order, l, &money)).collect::<Vec<_>>(),
        });
        add(&mut value, [amounts, rest]);
        for (pointer, new) in &self.switches.order_edits {
            faults::edit(&mut value, pointer, new);
        }
        value
    }

    fn line_json(&self, order: &Order, line: &Line, money: &Money<'_>) -> Value {
        let switches = &self.switches;
        let canceled: u32 = line.cancelations.iter().map(|c| c.quantity).sum();
        let quantity = match switches.cancellation_lowers_quantity {
            true => line.quantity - canceled.min(line.quantity),
            false => line.quantity,
        };
        let (price, shipping) = (line.price(), line.shipping_price());
        let unit = match switches.promotion_in_price {
            true => line.unit_price + line.discount,
            false => line.unit_price,
        };
        let deduced = line.discount * Decimal::from(line.quantity);
        let promotions = match line.discount.is_zero() {
            true => json!([]),
            false => json!([{
                "id": "SPRING", "deduced_amount": money.of(deduced), "apportioned": true,
                "configuration": {"type": "AMOUNT_OFF"},
            }]),
        };
        let fee = commission(line);
        let (left, _) = line.refundable();
        let mut value = self.spice(json!({
            "order_line_id": line.id, "order_line_index": line.index,
            "order_line_state": line.state(), "order_line_state_reason_code": null,
            "order_line_state_reason_label": null,
            "offer_id": line.offer, "offer_sku": line.sku, "offer_state_code": "11",
            "product_sku": line.product_sku, "product_shop_sku": null,
            "product_title": line.title, "product_medias": [],
            "category_code": "APPAREL", "category_label": "Apparel",
            "quantity": quantity, "price_unit": money.of(unit),
            "origin_unit_price": money.of(line.unit_price + line.discount),
            "price": money.of(price), "shipping_price": money.of(shipping),
            "total_price": money.plain(money.net(price) + money.net(shipping)),
            "taxes": money.taxes(price), "shipping_taxes": money.taxes(shipping), "fees": [],
            "commission_fee": money.plain(fee), "commission_taxes": [],
            "total_commission": money.plain(fee),
        }));
        let rest = json!({
            "promotions": promotions,
            "cancelations": line.cancelations.iter().map(|c| returned(c, money, false)).collect::<Vec<_>>(),
            "refunds": line.refunds.iter().map(|r| returned(r, money, true)).collect::<Vec<_>>(),
            "can_refund": order.debited_at.is_some() && left == line.price() && line.stage < Stage::Closed,
            "created_date": stamp(line.created_at), "last_updated_date": stamp(line.updated_at),
            "debited_date": order.debited_at.map(stamp),
            "shipped_date": line.shipped_at.map(stamp), "received_date": line.received_at.map(stamp),
            "shipping_from": null, "order_line_additional_fields": [], "description": "",
        });
        add(&mut value, [rest]);
        value
    }

    fn customer_json(&self, order: &Order) -> Value {
        let buyer = &order.buyer;
        let mut customer = json!({
            "customer_id": format!("C-{}", order.commercial_id), "civility": null,
            "firstname": buyer.first_name, "lastname": buyer.last_name, "locale": "en_AU",
        });
        let shown = !order.stage().before_debit();
        match (shown, self.switches.addresses) {
            (true, _) | (false, Addresses::Shown) => {
                customer["billing_address"] = address(order);
                customer["shipping_address"] = address(order);
                customer["shipping_address"]["additional_info"] = Value::Null;
            }
            (false, Addresses::Null) => {
                customer["billing_address"] = Value::Null;
                customer["shipping_address"] = Value::Null;
            }
            (false, Addresses::Absent) => {}
        }
        customer
    }
}

/// Adds the members of more objects to one.
fn add(value: &mut Value, more: impl IntoIterator<Item = Value>) {
    let Some(all) = value.as_object_mut() else {
        return;
    };
    for part in more {
        if let Value::Object(members) = part {
            all.extend(members);
        }
    }
}

/// An order's address. The operator's form has two lines for streets.
pub(super) fn address(order: &Order) -> Value {
    let buyer = &order.buyer;
    let (country, code) = match buyer.country.as_str() {
        "NZ" => ("New Zealand", "NZL"),
        _ => ("Australia", "AUS"),
    };
    let rest = buyer.lines.get(1..).unwrap_or_default().join(", ");
    json!({
        "civility": null, "firstname": buyer.first_name, "lastname": buyer.last_name,
        "company": null, "street_1": buyer.lines.first(),
        "street_2": Some(rest).filter(|r| !r.is_empty()), "zip_code": buyer.post_code,
        "city": buyer.city, "state": buyer.region, "country": country,
        "country_iso_code": code, "phone": buyer.phone, "phone_secondary": null,
    })
}

/// Accepted and not paid: the seller may still cancel the whole order.
pub(super) fn can_cancel(order: &Order) -> bool {
    matches!(
        order.stage(),
        Stage::WaitingDebit | Stage::WaitingDebitPayment
    )
}

fn returned(part: &Returned, money: &Money<'_>, refund: bool) -> Value {
    let mut value = json!({
        "id": part.id, "quantity": part.quantity, "amount": money.of(part.amount),
        "shipping_amount": money.of(part.shipping), "taxes": money.taxes(part.amount),
        "shipping_taxes": money.taxes(part.shipping), "fees": [], "reason_code": part.reason,
        "created_date": stamp(part.at),
    });
    if refund {
        value["order_refund_id"] = json!(part.group);
        value["refund_state"] = json!("WAITING_REFUND");
        value["state"] = json!("WAITING_REFUND");
    }
    value
}
