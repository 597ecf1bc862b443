//! One order: both sides of it, what happened, and who must act next.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::edited::{Edited, edited};
use crate::db::{
    ChannelRow, ChannelState, Error, Happening, OrderRow, OrderState, ParcelRow, ParcelState,
    ShopRow, Store, Tx, UnitRow,
};
use crate::model::{
    Acceptance, Address, Carrier, Fact, Instant, Key, Line, Money, NewOrder, ParcelSeen, Reason,
};
use crate::sync::acceptance::Answer;
use crate::sync::next::{Next, Work, late, next, open_units};
use crate::sync::offers::{Offer, offers};

/// Newest rows shown of the timeline.
const TIMELINE: u32 = 200;

/// An order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderView {
    /// When this was read.
    pub at: Timestamp,
    /// SHOP/CHANNEL.
    pub channel: String,
    /// The channel's name.
    pub channel_title: String,
    /// The channel's id of the order.
    pub id: String,
    /// The channel's number of it.
    pub number: String,
    /// How far the host is with it.
    pub state: OrderState,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// A person should look at the order itself.
    pub attention: bool,
    /// The operator holds it.
    pub manual_hold: bool,
    /// The order or a parcel of it needs a person.
    pub needs_you: bool,
    /// Who must act next.
    pub next: Next,
    /// What a person can do about it now.
    pub offers: Vec<Offer>,
    /// The channel's own word for its state.
    pub native_state: String,
    /// Why the channel holds it.
    pub holds: Vec<String>,
    /// The channel asks whether the seller takes it.
    pub question: Option<Question>,
    /// When the buyer bought.
    pub placed_at: Timestamp,
    /// When the host learned of it.
    pub seen_at: Timestamp,
    /// When it must be dispatched.
    pub ship_by: Option<Timestamp>,
    /// Units of it should have been dispatched by now.
    pub late: bool,
    /// Units that the channel waits for.
    pub open_units: u32,
    /// What the marketplace charges when they are late, where that is set.
    pub fee: Option<Money>,
    /// The Shopify order's id.
    pub shop_order: Option<String>,
    /// Its name.
    pub shop_name: Option<String>,
    /// Where it is in the Shopify admin.
    pub shop_url: Option<String>,
    /// When it was created in Shopify.
    pub created_at: Option<Timestamp>,
    /// What is about the buyer was left out, since who asks is a viewer.
    pub masked: bool,
    /// The buyer.
    pub buyer_name: Option<String>,
    /// Where parcels go. Masked: the country and region only.
    pub ship_to: Option<Address>,
    /// The buyer's words.
    pub buyer_note: Option<String>,
    /// A gift's message.
    pub gift_message: Option<String>,
    /// Country of purchase.
    pub site: Option<String>,
    /// The delivery service that the buyer chose.
    pub service: Option<String>,
    /// What is paid, as the channel says and as Shopify was told.
    pub money: OrderMoney,
    /// What was sold.
    pub lines: Vec<OrderLine>,
    /// Each sold piece, of a bundle each piece of its parts.
    pub units: Vec<UnitRow>,
    /// Parcels on their way to the channel.
    pub parcels: Vec<Parcel>,
    /// Parcels as the channel told them last.
    pub parcels_there: Vec<ParcelSeen>,
    /// What else the channel tells of the order.
    pub facts: Vec<Fact>,
    /// What extras made of it.
    pub extras: Option<Edited>,
    /// What happened, oldest first.
    pub timeline: Vec<Happening>,
}

/// What the channel asks of the seller.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Question {
    /// Until when; none where the channel does not say.
    pub until: Option<Timestamp>,
    /// What somebody said, to be told in the next cycle: `accept` or `refuse`.
    pub answer: Option<String>,
    /// What the channel takes as a reason to refuse. When there are any, one must be named.
    pub reasons: Vec<Reason>,
}

/// A line of an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderLine {
    /// The channel's id.
    pub id: String,
    /// As sold.
    pub sku: Option<String>,
    /// Shown.
    pub title: String,
    /// Size, color ...
    pub choices: Vec<Fact>,
    /// Units, cancelled ones included.
    pub quantity: u32,
    /// Cancelled of them.
    pub cancelled: u32,
    /// Shipped of them.
    pub shipped: u32,
    /// The channel's own word for its state.
    pub native_state: String,
    /// Why it is cancelled or returned.
    pub reason: Option<String>,
    /// The seller ships it.
    pub sellers: bool,
    /// List price of one piece.
    pub list_unit: Option<Money>,
    /// Price of one piece after discounts.
    pub paid_unit: Option<Money>,
    /// When it must be dispatched, where the channel says so for the line.
    pub ship_by: Option<Timestamp>,
    /// What else the channel tells of it.
    pub facts: Vec<Fact>,
}

/// A parcel on its way to the channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Parcel {
    /// The Shopify fulfillment's id.
    pub id: String,
    /// The number at its end.
    pub short_id: String,
    /// Counts from 1 within the order.
    pub number: u32,
    /// What to call it.
    pub label: String,
    /// Sold pieces in it, of a bundle each piece of its parts.
    pub units: u32,
    /// The carrier in Shopify, as the merchant wrote it.
    pub company: Option<String>,
    /// The channel's carrier that is meant.
    pub carrier: Option<Carrier>,
    /// Tracking code.
    pub tracking: Option<String>,
    /// Where it is tracked.
    pub tracking_url: Option<String>,
    /// How far it is.
    pub state: ParcelState,
    /// Why.
    pub reason: Option<String>,
    /// A person should look.
    pub attention: bool,
    /// When it left.
    pub shipped_at: Timestamp,
}

/// What is paid for an order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderMoney {
    /// ISO 4217 code.
    pub currency: String,
    /// What the goods cost after discounts, as far as the channel tells it of each line.
    pub goods: Option<Money>,
    /// What shipping costs.
    pub shipping: Option<Money>,
    /// What the buyer pays in all.
    pub total: Option<Money>,
    /// Whether prices contain tax.
    pub tax_included: Option<bool>,
    /// Whether the buyer has paid.
    pub paid: bool,
    /// As it was sent to Shopify; none before that.
    pub created: Option<CreatedMoney>,
}

/// The money of an order as it was sent to Shopify.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreatedMoney {
    /// Its lines.
    pub lines: Vec<CreatedLine>,
    /// What they cost.
    pub goods: Money,
    /// What shipping costs.
    pub shipping: Money,
    /// Tax on the lines.
    pub tax: Money,
    /// Whether prices contain the tax.
    pub tax_included: bool,
    /// What was paid in all.
    pub paid: Money,
}

/// A line as it was sent to Shopify.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreatedLine {
    /// SKU.
    pub sku: Option<String>,
    /// Shown.
    pub title: String,
    /// Pieces.
    pub quantity: u32,
    /// Price of one.
    pub unit_price: Money,
    /// Stands for no variant, and moves no stock.
    pub custom: bool,
}

/// An order with all that says who must act, as read in one transaction.
pub(super) struct Story {
    pub(super) order: OrderRow,
    pub(super) units: Vec<UnitRow>,
    pub(super) parcels: Vec<ParcelRow>,
    answer: Option<Answer>,
    answers: bool,
    standstill: Option<String>,
}

impl Story {
    pub(super) fn read(tx: &Tx<'_>, channel: &ChannelRow, order: OrderRow) -> Result<Self, Error> {
        let key = &channel.key;
        Ok(Self {
            units: tx.units(key, &order.id)?,
            parcels: tx.parcels_of(key, &order.id)?,
            answer: tx.answer(key, &order.id)?,
            answers: channel.policy.acceptance == Acceptance::Auto,
            standstill: standstill(channel),
            order,
        })
    }

    pub(super) fn work(&self) -> Work<'_> {
        Work {
            order: &self.order,
            units: &self.units,
            parcels: &self.parcels,
            answer: self.answer.as_ref(),
            answers: self.answers,
            standstill: self.standstill.as_deref(),
        }
    }

    pub(super) fn needs_you(&self) -> bool {
        self.order.attention || self.parcels.iter().any(|p| p.attention)
    }
}

/// What a person must do before a channel is worked; none while it is.
fn standstill(channel: &ChannelRow) -> Option<String> {
    let key = &channel.key;
    match channel.state {
        ChannelState::Parked => Some(format!(
            "set the channel {key} going again, which is parked: {}",
            channel.reason.as_deref().unwrap_or("no reason is known")
        )),
        ChannelState::Paused => Some(format!(
            "set the channel {key} going again, which is paused"
        )),
        ChannelState::Active if channel.approved_at.is_none() => {
            Some(format!("approve the first sync of the channel {key}"))
        }
        ChannelState::Active => None,
    }
}

/// Where a Shopify order is in the admin of its shop.
pub(super) fn shop_url(shop: Option<&ShopRow>, order: Option<&str>) -> Option<String> {
    let domain = &shop?.info.as_ref()?.domain;
    let name = domain.strip_suffix(".myshopify.com")?;
    let number = order?.rsplit('/').next()?;
    Some(format!(
        "https://admin.shopify.com/store/{name}/orders/{number}"
    ))
}

/// Reads an order; none when there is none. Without `personal`, what is about the buyer is left out.
pub async fn order(
    store: &Store,
    key: &Key,
    id: &str,
    personal: bool,
) -> Result<Option<OrderView>, Error> {
    let (key, id) = (key.clone(), id.to_owned());
    store
        .read(move |tx| {
            let (Some(channel), Some(order)) = (tx.channel(&key)?, tx.order(&key, &id)?) else {
                return Ok(None);
            };
            read(tx, &channel, order, personal).map(Some)
        })
        .await
}

fn read(
    tx: &Tx<'_>,
    channel: &ChannelRow,
    order: OrderRow,
    personal: bool,
) -> Result<OrderView, Error> {
    let now = Instant::now();
    let key = &channel.key;
    let shop = tx.shop(&key.shop)?;
    let story = Story::read(tx, channel, order)?;
    let sent = tx.order_sent(key, &story.order.id)?;
    let reasons = tx.reasons(key)?;
    let extras = tx
        .extra_steps(key, &story.order.id)?
        .map(|(before, steps, after)| edited(&before, steps, &after, personal));
    let timeline = tx.timeline(key, &format!("order:{}", story.order.id), TIMELINE)?;
    let (next, offers, needs_you) = (next(story.work()), offers(story.work()), story.needs_you());
    let Story {
        order,
        units,
        parcels,
        answer,
        ..
    } = story;
    let snapshot = &order.snapshot;
    let question = snapshot.awaits_acceptance.map(|due| Question {
        until: due.until,
        answer: answer.map(|a| {
            if a == Answer::Accept {
                "accept"
            } else {
                "refuse"
            }
            .to_owned()
        }),
        reasons: (reasons.into_iter())
            .filter(|r| r.usable && r.kind == "refuse")
            .collect(),
    });
    let ours = |text: &Option<String>| text.clone().filter(|_| personal);
    let open_units = open_units(&order, &units);
    let currency = shop
        .as_ref()
        .and_then(|s| Some(&*s.info.as_ref()?.currency));
    let fee = (channel.policy.fee(currency)).filter(|_| open_units > 0 && order.ship_by.is_some());
    Ok(OrderView {
        at: now,
        channel: key.to_string(),
        channel_title: channel.title.clone(),
        id: order.id.clone(),
        number: order.number.clone(),
        state: order.state,
        reason: order.reason.clone(),
        attention: order.attention,
        manual_hold: order.manual_hold,
        needs_you,
        next,
        offers,
        native_state: snapshot.native_state.clone(),
        holds: snapshot.holds.clone(),
        question,
        placed_at: snapshot.placed_at,
        seen_at: order.seen_at,
        ship_by: order.ship_by,
        late: late(&order, &units, now),
        open_units,
        fee,
        shop_order: order.shop_order.clone(),
        shop_name: order.shop_name.clone(),
        shop_url: shop_url(shop.as_ref(), order.shop_order.as_deref()),
        created_at: order.created_at,
        masked: !personal,
        buyer_name: ours(&snapshot.buyer_name),
        ship_to: snapshot.ship_to.as_ref().map(|address| match personal {
            true => address.clone(),
            false => masked(address),
        }),
        buyer_note: ours(&snapshot.buyer_note),
        gift_message: ours(&snapshot.gift_message),
        site: snapshot.site.clone(),
        service: (snapshot.service_label.clone()).or_else(|| snapshot.service.clone()),
        money: money(&order, sent.filter(|_| order.shop_order.is_some())),
        lines: snapshot.lines.iter().map(|l| line(l, personal)).collect(),
        parcels: parcels.into_iter().map(|p| parcel(p, &units)).collect(),
        units,
        parcels_there: snapshot.parcels.clone(),
        facts: shown(&snapshot.facts, personal),
        extras,
        timeline,
    })
}

/// An address as it is written on a parcel, a phone number and words for the driver behind it.
pub fn address_lines(a: &Address) -> Vec<String> {
    let joined = |parts: &[&Option<String>]| {
        let given: Vec<&str> = (parts.iter())
            .filter_map(|p| p.as_deref())
            .filter(|p| !p.trim().is_empty())
            .collect();
        given.join(" ")
    };
    let name = match a.name.as_deref() {
        Some(name) if !name.trim().is_empty() => name.to_owned(),
        _ => joined(&[&a.first_name, &a.last_name]),
    };
    let country = a.country_as_given.as_ref().or(a.country.as_ref()).cloned();
    let mut lines = vec![name, joined(&[&a.company])];
    lines.extend(a.lines.iter().cloned());
    lines.push(joined(&[&a.suburb]));
    lines.push(joined(&[&a.city, &a.region, &a.postcode]));
    lines.push(joined(&[&country]));
    lines.extend(a.phones.iter().cloned());
    lines.push(joined(&[&a.instructions]));
    lines.retain(|l| !l.trim().is_empty());
    lines
}

/// What of an address says nothing of who lives there.
fn masked(address: &Address) -> Address {
    Address {
        region: address.region.clone(),
        country: address.country.clone(),
        country_as_given: address.country_as_given.clone(),
        masked: true,
        ..Address::default()
    }
}

/// A channel may put anything into facts, a tax number for one.
fn shown(facts: &[Fact], personal: bool) -> Vec<Fact> {
    if personal { facts.to_vec() } else { Vec::new() }
}

fn line(l: &Line, personal: bool) -> OrderLine {
    OrderLine {
        id: l.id.clone(),
        sku: l.sku.clone(),
        title: l.title.clone(),
        choices: l.choices.clone(),
        quantity: l.quantity,
        cancelled: l.cancelled,
        shipped: l.shipped,
        native_state: l.native_state.clone(),
        reason: l.reason.clone(),
        sellers: l.sellers,
        list_unit: l.list_unit.clone(),
        paid_unit: l.paid_unit.clone(),
        ship_by: l.ship_by,
        facts: shown(&l.facts, personal),
    }
}

fn parcel(p: ParcelRow, units: &[UnitRow]) -> Parcel {
    let within = |u: &&UnitRow| u.parcel.as_deref() == Some(&p.id);
    // A merchant's text: only what opens a page is a link.
    let opens = |url: &String| url.starts_with("https://") || url.starts_with("http://");
    Parcel {
        short_id: p.short_id().to_owned(),
        label: p.label(),
        units: units.iter().filter(within).count() as u32,
        number: p.number,
        company: p.company,
        carrier: p.carrier,
        tracking: p.tracking,
        tracking_url: p.tracking_url.filter(opens),
        state: p.state,
        reason: p.reason,
        attention: p.attention,
        shipped_at: p.shipped_at,
        id: p.id,
    }
}

fn money(order: &OrderRow, sent: Option<NewOrder>) -> OrderMoney {
    let snapshot = &order.snapshot;
    let of = |amount: Decimal| Money {
        amount,
        currency: snapshot.currency.clone(),
    };
    let each: Option<Vec<Decimal>> = (snapshot.lines.iter())
        .map(|l| l.goods.as_ref().map(|m| m.amount))
        .collect();
    let shipping: Option<Vec<Decimal>> = (snapshot.lines.iter())
        .map(|l| l.shipping.as_ref().map(|m| m.amount))
        .collect();
    OrderMoney {
        currency: snapshot.currency.clone(),
        goods: each.map(|all| of(all.iter().sum())),
        shipping: (snapshot.shipping_total.clone())
            .or_else(|| shipping.map(|all| of(all.iter().sum()))),
        total: snapshot.grand_total.clone(),
        tax_included: snapshot.tax_included,
        paid: snapshot.paid,
        created: sent.map(created),
    }
}

fn created(order: NewOrder) -> CreatedMoney {
    let of = |amount: Decimal| Money {
        amount,
        currency: order.currency.clone(),
    };
    let goods = (order.lines.iter()).map(|l| l.unit_price.amount * Decimal::from(l.quantity));
    let tax = (order.lines.iter().flat_map(|l| &l.taxes)).map(|(_, _, m)| m.amount);
    CreatedMoney {
        goods: of(goods.sum()),
        tax: of(tax.sum()),
        shipping: (order.shipping_line.clone()).map_or(of(Decimal::ZERO), |(_, _, price)| price),
        tax_included: order.taxes_included,
        paid: order.paid.clone(),
        lines: (order.lines.iter())
            .map(|l| CreatedLine {
                sku: l.sku.clone(),
                title: l.title.clone(),
                quantity: l.quantity,
                unit_price: l.unit_price.clone(),
                custom: l.variant.is_none(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ShopInfo;

    #[test]
    fn an_order_is_found_in_the_admin_of_its_own_shop() {
        let info = |domain: &str| ShopInfo {
            id: "gid://shopify/Shop/1".into(),
            name: "Kestrel".into(),
            domain: domain.into(),
            currency: "AUD".into(),
            timezone: "Australia/Sydney".into(),
            scopes: vec![],
            api_version: String::new(),
            locations: vec![],
        };
        let shop = |domain| ShopRow {
            shop: "kestrel".into(),
            base_url: String::new(),
            allow_local: false,
            auth: "token".into(),
            client_id: None,
            info: Some(info(domain)),
        };
        let at = |domain, order| shop_url(Some(&shop(domain)), order);
        assert_eq!(
            at("kestrel-surf.myshopify.com", Some("gid://shopify/Order/17")).as_deref(),
            Some("https://admin.shopify.com/store/kestrel-surf/orders/17")
        );
        assert_eq!(at("shop.example", Some("gid://shopify/Order/17")), None);
        assert_eq!(at("kestrel-surf.myshopify.com", None), None);
        assert_eq!(shop_url(None, Some("gid://shopify/Order/17")), None);
    }

    #[test]
    fn a_masked_address_keeps_country_and_region_only() {
        let address = Address {
            name: Some("Marlo Quill".into()),
            lines: vec!["1 Shell Street".into()],
            city: Some("Bondi".into()),
            region: Some("NSW".into()),
            postcode: Some("2026".into()),
            country: Some("AU".into()),
            phones: vec!["0400".into()],
            instructions: Some("ring".into()),
            ..Address::default()
        };
        let kept = serde_json::to_string(&masked(&address)).unwrap();
        for word in ["Marlo", "Shell", "Bondi", "2026", "0400", "ring"] {
            assert!(!kept.contains(word), "{kept}");
        }
        assert!(kept.contains("NSW") && kept.contains("\"masked\":true"));
    }
}
