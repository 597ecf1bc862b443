//! Order items as lines of the contract.

use rust_decimal::Decimal;

use crate::item::{Item, Shipment, Status};
use crate::listings::VENTURE;
use lockstep_sdk::json::{Node, shorten};
use lockstep_sdk::types::{
    Action, Cost, Cover, Delivery, Discount, Fact, Fulfiller, Line, LineKind, Money, Part, Side,
    State, Tax, Window,
};

/// Longest fact, in characters.
const FACT: usize = 500;

/// A line beside what the order needs of it.
pub struct Read {
    /// The line.
    pub line: Line,
    /// The item behind it.
    pub item: Item,
    /// What the discounts sum up to.
    pub discount: Decimal,
}

/// Makes an amount.
pub fn money(amount: Decimal, currency: &str) -> Money {
    Money {
        amount: amount.to_string(),
        currency: currency.to_owned(),
    }
}

/// Reads an amount. A null is no amount; a word where a number belongs is an error, since a wrong price is
/// worse than none.
pub fn amount(node: Node<'_>, member: &str) -> Result<Option<Decimal>, String> {
    let node = node.get(member);
    match node.decimal() {
        Some(amount) => Ok(Some(amount)),
        None if node.text().is_none() && !node.is_object() => Ok(None),
        None => Err(format!("{member} is no amount: {}", node.shortened(40))),
    }
}

/// Reads an item as a line of quantity 1.
pub fn read(node: Node<'_>, currency: &str, voucher: Option<&str>) -> Result<Read, String> {
    let item = Item::read(node)?;
    let id = item.id;
    let at = |why: String| format!("item {id}: {why}");
    let list = amount(node, "unitPrice").map_err(at)?;
    let paid = amount(node, "paidPrice").map_err(at)?;
    let paid = match paid {
        Some(paid) => Some(paid),
        None => amount(node, "priceAfterDiscount").map_err(at)?,
    };
    let shipping = amount(node, "shippingFee").map_err(at)?;
    let money = |amount: Decimal| money(amount, currency);

    let product = node.get("product");
    let sku = product.get("sellerSku").exact();
    let title = product
        .get("name")
        .text()
        .or_else(|| sku.clone())
        .unwrap_or_else(|| format!("Item {id}"));
    let choices = product.get("variation").text().map(|value| Fact {
        key: "variation".to_owned(),
        value,
    });
    let fulfiller = match item.shipment {
        Shipment::Venture => Fulfiller::Marketplace(VENTURE.to_owned()),
        Shipment::Crossdock => Fulfiller::SellerToHub(VENTURE.to_owned()),
        Shipment::Dropship => Fulfiller::Seller,
    };
    let (discounts, discount) = discounts(node, list, paid, currency, voucher).map_err(at)?;
    let state = state(&item);
    let is = |wanted: State| u32::from(state == wanted);
    let ship_by = node.get("targetToShipAt").text();

    Ok(Read {
        line: Line {
            id: id.to_string(),
            kind: match node.get("shipment").get("providerType").text().as_deref() {
                Some("digital") => LineKind::Digital,
                _ => LineKind::Goods,
            },
            fold: sku.as_ref().map(|sku| fold(sku, paid, list, item.shipment)),
            sku,
            listing: None,
            product: product.get("sku").text(),
            title,
            choices: choices.into_iter().collect(),
            quantity: 1,
            cancelled: is(State::Cancelled),
            shipped: u32::from(item.status.left()),
            delivered: Some(u32::from(item.status == Status::Delivered)),
            returned: Some(is(State::Returned)),
            native_state: item.native.clone(),
            reason: reason(node.get("failureReason")),
            allowed: item
                .actions
                .as_ref()
                .map(|actions| actions.iter().map(|word| action(word)).collect()),
            fulfilled_by: Some(fulfiller),
            cover: Cover::Ordered,
            list_unit: list.map(money),
            paid_unit: paid.map(money),
            goods: paid.map(money),
            shipping: shipping.map(money),
            taxes: taxes(node, currency).map_err(at)?,
            discounts,
            charges: Vec::new(),
            costs: costs(node, currency).map_err(at)?,
            ship_by: ship_by
                .and_then(|text| lockstep_sdk::time::instant(&text))
                .map(|latest| Window {
                    earliest: None,
                    latest: Some(latest),
                }),
            deliver_by: None,
            ship_from: node.get("warehouseName").text(),
            marks_required: Vec::new(),
            delivery: None::<Delivery>,
            gift: None,
            cancel_asks: Vec::new(),
            updated_at: updated_at(node).map(|at| at.to_string()),
            facts: facts(node, &item),
            state,
        },
        discount,
        item,
    })
}

/// The newest change of an item.
pub fn updated_at(node: Node<'_>) -> Option<jiff::Timestamp> {
    ["updatedAt", "lastStatusChangedAt", "createdAt"]
        .iter()
        .filter_map(|member| node.get(member).text())
        .filter_map(|text| lockstep_sdk::time::parse(&text))
        .max()
}

/// Items of one SKU and one price become one line of the shop.
fn fold(sku: &str, paid: Option<Decimal>, list: Option<Decimal>, shipment: Shipment) -> String {
    let text = |amount: Option<Decimal>| {
        amount
            .map(|amount| amount.normalize().to_string())
            .unwrap_or_default()
    };
    let by = match shipment {
        Shipment::Dropship => "",
        Shipment::Crossdock => "|hub",
        Shipment::Venture => "|venture",
    };
    format!("{sku}|{}|{}{by}", text(paid), text(list))
}

fn state(item: &Item) -> State {
    match &item.status {
        _ if item.withheld() => State::Held,
        Status::PaymentPending => State::Held,
        Status::Pending | Status::ReadyToShip => State::Open,
        Status::Shipped => State::Shipped,
        Status::Delivered => State::Delivered,
        Status::Canceled => State::Cancelled,
        Status::Failed => State::DeliveryFailed,
        Status::Returned => State::Returned,
        Status::Other(word) => State::Other(word.clone()),
    }
}

fn action(word: &str) -> Action {
    match word {
        "status_set_to_packed_by_marketplace" => Action::Pack,
        "status_set_to_ready_to_ship" => Action::Ready,
        "status_set_to_shipped" => Action::Ship,
        "status_set_to_canceled" => Action::Cancel,
        "set_tracking_code" => Action::CorrectTracking,
        other => Action::Other(other.to_owned()),
    }
}

fn reason(node: Node<'_>) -> Option<String> {
    let name = node
        .get("name")
        .text()
        .or_else(|| node.get("description").text())?;
    Some(match node.get("details").text() {
        Some(details) => format!("{name}: {details}"),
        None => name,
    })
}

/// GST, which prices contain. An item without tax carries none.
fn taxes(node: Node<'_>, currency: &str) -> Result<Vec<Tax>, String> {
    let Some(tax) = amount(node, "taxAmount")?.filter(|tax| !tax.is_zero()) else {
        return Ok(Vec::new());
    };
    let percent = amount(node, "taxPercent")?.filter(|percent| !percent.is_zero());
    Ok(vec![Tax {
        code: "GST".to_owned(),
        rate: percent.map(|percent| (percent / Decimal::ONE_HUNDRED).normalize().to_string()),
        amount: money(tax, currency),
        on: Part::Goods,
        included: Some(true),
        collected_by: Side::Seller,
    }])
}

/// The vouchers, what else was taken off the price, and what was taken off shipping. The sum is of the goods'.
fn discounts(
    node: Node<'_>,
    list: Option<Decimal>,
    paid: Option<Decimal>,
    currency: &str,
    voucher: Option<&str>,
) -> Result<(Vec<Discount>, Decimal), String> {
    let mut discounts = Vec::new();
    let mut told = Decimal::ZERO;
    for row in node.get("vouchers").list() {
        let Some(off) = amount(row, "amount")?.filter(|off| *off > Decimal::ZERO) else {
            continue;
        };
        told += off;
        discounts.push(Discount {
            code: row.get("code").text(),
            amount: money(off, currency),
            on: Part::Goods,
            seller_share: amount(row, "amountFundedBySeller")?.map(|share| money(share, currency)),
        });
    }
    let whole = match amount(node, "discountAmount")? {
        Some(whole) => Some(whole),
        None => list.zip(paid).map(|(list, paid)| list - paid),
    };
    let rest = whole.unwrap_or_default() - told;
    if rest > Decimal::ZERO {
        told += rest;
        discounts.push(Discount {
            code: match discounts.is_empty() {
                true => voucher.map(str::to_owned),
                false => None,
            },
            amount: money(rest, currency),
            on: Part::Goods,
            seller_share: None,
        });
    }
    if let Some(off) = amount(node, "shippingVoucherAmount")?.filter(|off| *off > Decimal::ZERO) {
        discounts.push(Discount {
            code: voucher.map(str::to_owned),
            amount: money(off, currency),
            on: Part::Shipping,
            seller_share: None,
        });
    }
    Ok((discounts, told))
}

fn costs(node: Node<'_>, currency: &str) -> Result<Vec<Cost>, String> {
    let mut costs = Vec::new();
    for (member, code) in [
        ("paidCommission", "commission"),
        ("shippingServiceCost", "shipping-service"),
    ] {
        if let Some(cost) = amount(node, member)?.filter(|cost| !cost.is_zero()) {
            costs.push(Cost {
                code: code.to_owned(),
                amount: money(cost, currency),
                tax: None,
            });
        }
    }
    Ok(costs)
}

fn facts(node: Node<'_>, item: &Item) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut fact = |key: &str, value: Option<String>| {
        facts.extend(value.map(|value| Fact {
            key: key.to_owned(),
            value: shorten(&value, FACT),
        }));
    };
    let purchase = node.get("purchase");
    let zero = |text: &String| text.parse::<Decimal>().is_ok_and(|amount| amount.is_zero());
    fact("tracking-code", item.tracking.clone());
    fact("serial-number", node.get("itemSerialNumber").text());
    fact("purchase-order", purchase.get("orderNumber").text());
    fact("invoice-number", node.get("invoiceNumber").text());
    fact("manifest", node.get("manifestStatus").text());
    for (member, key) in [
        ("walletCredits", "wallet-credits"),
        ("storeCredits", "store-credits"),
        ("codCollectableAmount", "cash-on-delivery"),
    ] {
        fact(key, node.get(member).text().filter(|text| !zero(text)));
    }
    fact(
        "gst-free",
        node.get("extraAttributes")
            .get("gst_free")
            .flag()
            .filter(|free| *free)
            .map(|_| "yes".to_owned()),
    );
    facts
}
