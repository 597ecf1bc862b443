//! What becomes of a channel's order in Shopify, and how it looks there.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::model::{
    Address, Fact, Instant, Key, Line, Money, NewLine, NewOrder, Order, Part, Policy, PriceBasis,
    State, Unmatched,
};
use crate::sync::bundles::{in_proportion, split};
use crate::sync::lone;

/// Name of the hidden line property that ties a Shopify line to the channel's lines.
pub const LINE_PROPERTY: &str = "_lockstep_line";

/// Name of the hidden line property that says which part of a bundle a Shopify line stands for.
pub const PART_PROPERTY: &str = "_lockstep_part";

/// The attributes that the host gives every order.
pub const CHANNEL_ATTRIBUTES: [&str; 3] =
    ["Sales channel", "Channel order number", "Channel order id"];

/// What to do with an order that Shopify does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Create it.
    Create {
        /// As it is to look.
        order: Box<NewOrder>,
        /// A custom line had to be used: a person should know.
        alarm: Option<String>,
        /// The channel's own total is another than that of the order as created.
        remark: Option<String>,
    },
    /// Wait; nothing is wrong.
    Hold(String),
    /// Wait for a person.
    Block(String),
    /// Every unit was cancelled before it came here.
    Cancelled,
    /// Known, never created.
    Ignore(String),
}

/// What is needed beside the order.
pub struct Context<'a> {
    /// Which channel.
    pub key: &'a Key,
    /// The channel's title.
    pub title: &'a str,
    /// Sync policy.
    pub policy: &'a Policy,
    /// Orders placed before are not created.
    pub orders_from: Instant,
    /// The channel as Shopify customer.
    pub customer: Option<String>,
    /// The shop's currency.
    pub currency: &'a str,
    /// Variant ids by SKU: every variant that has it.
    pub variants: &'a dyn Fn(&str) -> Vec<String>,
    /// The parts of a SKU that is sold as a bundle; none of any other.
    pub parts: &'a dyn Fn(&str) -> Vec<Part>,
}

impl Context<'_> {
    /// The variant with this SKU; none when a custom line is to stand for it, with why. An error blocks the order.
    fn variant(&self, sku: &str) -> Result<(Option<String>, Option<String>), String> {
        let why = if sku.is_empty() {
            "the line has no SKU".to_owned()
        } else {
            match lone(sku, &(self.variants)(sku)) {
                Ok(one) => return Ok((Some(one.clone()), None)),
                Err(why) => why,
            }
        };
        match self.policy.unmatched {
            Unmatched::Hold => Err(format!(
                "{why}; give the right variant exactly this SKU, and the order is created by itself"
            )),
            Unmatched::CustomLine => Ok((
                None,
                Some(format!(
                    "{why}: it became a custom line that moves no stock"
                )),
            )),
        }
    }
}

/// The marker that makes creation exactly-once.
pub fn reference(key: &Key, order: &str) -> String {
    format!("{}:{order}", key.channel)
}

/// When an order must be dispatched: as told, else the policy's or plugin's hours from purchase.
pub fn ship_by(order: &Order, policy: &Policy, plugin_hours: Option<u32>) -> Option<Instant> {
    let told = order
        .lines
        .iter()
        .filter(|l| l.open_units() > 0)
        .filter_map(|l| l.ship_by)
        .chain(order.ship_by)
        .min();
    told.or_else(|| {
        let hours = policy.dispatch_hours.or(plugin_hours)?;
        order
            .placed_at
            .checked_add(jiff::SignedDuration::from_hours(i64::from(hours)))
            .ok()
    })
}

/// Decides what becomes of an order.
pub fn decide(order: &Order, held_by_operator: bool, cx: &Context<'_>) -> Decision {
    if let State::Other(word) = &order.state
        && order.lines.is_empty()
    {
        return Decision::Block(format!(
            "the channel's answer about it cannot be read: {word}"
        ));
    }
    let lines: Vec<&Line> = order
        .lines
        .iter()
        .filter(|l| order.sellers && l.sellers)
        .collect();
    if lines.is_empty() {
        return Decision::Ignore("the marketplace ships it from its own warehouse".into());
    }
    if order.placed_at < cx.orders_from {
        return Decision::Ignore(format!(
            "placed before {} UTC, when this channel's orders began to be imported",
            cx.orders_from.strftime("%Y-%m-%d %H:%M")
        ));
    }
    let wanted: Vec<(&Line, u32)> = lines
        .iter()
        .map(|l| (*l, l.quantity - l.dropped_units()))
        .filter(|(_, q)| *q > 0)
        .collect();
    if wanted.is_empty() {
        return Decision::Cancelled;
    }
    if held_by_operator {
        return Decision::Hold("held by the operator".into());
    }
    if !order.holds.is_empty() {
        return Decision::Hold(format!("the channel holds it: {}", order.holds.join(", ")));
    }
    if order.awaits_acceptance.is_some() {
        return Decision::Hold("waits for acceptance".into());
    }
    match &order.state {
        State::Held => {
            return Decision::Hold(format!("the channel holds it ({})", order.native_state));
        }
        State::Other(word) => {
            return Decision::Hold(format!("in a state that is not known here: {word}"));
        }
        _ => {}
    }
    if let Some((line, _)) = wanted
        .iter()
        .find(|(l, _)| matches!(l.state, State::Held | State::Other(_)))
    {
        return Decision::Hold(format!(
            "line {} is {} at the channel",
            line.id, line.native_state
        ));
    }
    if order.currency != cx.currency {
        return Decision::Block(format!(
            "it is in {}, the shop sells in {}",
            order.currency, cx.currency
        ));
    }
    new_order(order, &wanted, cx)
}

/// The order as it looks in Shopify, whatever its state: for a preview.
pub fn draft(order: &Order, cx: &Context<'_>) -> Decision {
    let wanted: Vec<(&Line, u32)> = order.lines.iter().map(|l| (l, l.quantity)).collect();
    new_order(order, &wanted, cx)
}

/// Lines that become one Shopify line, with their quantities.
fn fold<'a>(wanted: &[(&'a Line, u32)]) -> Vec<Vec<(&'a Line, u32)>> {
    let mut groups: Vec<Vec<(&Line, u32)>> = Vec::new();
    let mut by_key: BTreeMap<&str, usize> = BTreeMap::new();
    for (line, quantity) in wanted {
        match line.fold.as_deref().and_then(|f| by_key.get(f)) {
            Some(&i) => groups[i].push((line, *quantity)),
            None => {
                if let Some(f) = line.fold.as_deref() {
                    by_key.insert(f, groups.len());
                }
                groups.push(vec![(line, *quantity)]);
            }
        }
    }
    groups
}

fn new_order(order: &Order, wanted: &[(&Line, u32)], cx: &Context<'_>) -> Decision {
    let zero = || Money {
        amount: Decimal::ZERO,
        currency: order.currency.clone(),
    };
    let mut lines = Vec::new();
    let mut alarms = Vec::new();
    let mut paid = Decimal::ZERO;
    let included = order.tax_included.unwrap_or(true);
    for group in fold(wanted) {
        let first = group[0].0;
        let quantity: u32 = group.iter().map(|(_, q)| q).sum();
        let basis = match cx.policy.price_basis {
            PriceBasis::Paid => first
                .paid_unit
                .clone()
                .or_else(|| unit_of(first))
                .or_else(|| first.list_unit.clone()),
            PriceBasis::Listed => first
                .list_unit
                .clone()
                .or_else(|| first.paid_unit.clone())
                .or_else(|| unit_of(first)),
        };
        let Some(unit_price) = basis else {
            return Decision::Block(format!("line {} has no price", first.id));
        };
        let taxes = taxes(&group, &unit_price, included);
        paid += unit_price.amount * Decimal::from(quantity);
        if !included {
            paid += taxes.iter().map(|(_, _, m)| m.amount).sum::<Decimal>();
        }
        let ids: Vec<&str> = group.iter().map(|(l, _)| l.id.as_str()).collect();
        let properties = vec![Fact {
            key: LINE_PROPERTY.into(),
            value: ids.join(","),
        }];
        let line = NewLine {
            variant: None,
            title: first.title.clone(),
            sku: first.sku.clone(),
            quantity,
            taxable: !taxes.is_empty(),
            taxes,
            unit_price,
            requires_shipping: true,
            properties,
        };
        let sku = first.sku.as_deref().unwrap_or("");
        let parts = (cx.parts)(sku);
        let made = if parts.is_empty() {
            plain(line, first, cx).map(|(line, alarm)| (vec![line], Vec::from_iter(alarm)))
        } else {
            explode(&line, sku, &parts, cx)
        };
        match made {
            Ok((more, alarm)) => {
                lines.extend(more);
                alarms.extend(alarm);
            }
            Err(why) => return Decision::Block(why),
        }
    }
    let shipping = order.shipping_total.clone().unwrap_or_else(|| {
        let sum = wanted
            .iter()
            .filter_map(|(l, _)| l.shipping.as_ref())
            .map(|m| m.amount)
            .sum();
        Money {
            amount: sum,
            currency: order.currency.clone(),
        }
    });
    paid += shipping.amount;
    let mut tags = cx.policy.tags.clone();
    for tag in ["marketplace", &cx.key.channel] {
        if !tags.iter().any(|t| t == tag) {
            tags.push(tag.to_owned());
        }
    }
    let mut note = format!("{} order {}", cx.title, order.number);
    for (what, text) in [
        ("Buyer's note", &order.buyer_note),
        ("Gift message", &order.gift_message),
    ] {
        if let Some(text) = text.as_deref().filter(|t| !t.trim().is_empty()) {
            note = format!("{note}\n{what}: {text}");
        }
    }
    let alarm = (!alarms.is_empty()).then(|| alarms.join("; "));
    let remark = total_differs(order, wanted, paid);
    Decision::Create {
        order: Box::new(NewOrder {
            reference: reference(cx.key, &order.id),
            name: order.number.clone(),
            note,
            tags,
            source: cx.key.channel.clone(),
            attributes: (CHANNEL_ATTRIBUTES.into_iter())
                .zip([cx.title, &order.number, &order.id])
                .map(|(key, value)| Fact {
                    key: key.into(),
                    value: value.to_owned(),
                })
                .collect(),
            currency: order.currency.clone(),
            processed_at: order.placed_at,
            taxes_included: included,
            customer: cx.customer.clone(),
            billing: billing(cx),
            shipping: order.ship_to.clone(),
            lines,
            shipping_line: Some((
                order
                    .service_label
                    .clone()
                    .unwrap_or_else(|| cx.title.to_owned()),
                order.service.clone(),
                shipping,
            )),
            paid: Money {
                amount: paid,
                ..zero()
            },
            gateway: cx.title.to_owned(),
            decrement: true,
            test: cx.policy.test_orders,
        }),
        alarm,
        remark,
    }
}

/// The line of a SKU that is kept in the shop as it is sold.
fn plain(
    mut line: NewLine,
    sold: &Line,
    cx: &Context<'_>,
) -> Result<(NewLine, Option<String>), String> {
    let (variant, alarm) = cx.variant(line.sku.as_deref().unwrap_or(""))?;
    line.variant = variant;
    let list = (sold.list_unit.as_ref()).filter(|l| l.amount != line.unit_price.amount);
    line.properties.extend(list.map(|list| Fact {
        key: "_list_price".into(),
        value: list.amount.to_string(),
    }));
    Ok((line, alarm))
}

/// The lines of a bundle's parts: price and taxes split so that they add up to what was sold.
fn explode(
    sold: &NewLine,
    sku: &str,
    parts: &[Part],
    cx: &Context<'_>,
) -> Result<(Vec<NewLine>, Vec<String>), String> {
    let mut lines = Vec::new();
    let mut alarms = Vec::new();
    for share in split(&sold.unit_price, parts) {
        let part = &parts[share.part];
        let (variant, alarm) = (cx.variant(&part.sku))
            .map_err(|why| format!("part of the bundle \"{sku}\": {why}"))?;
        alarms.extend(alarm);
        let mut properties = sold.properties.clone();
        properties.extend([
            Fact {
                key: PART_PROPERTY.into(),
                value: part.sku.clone(),
            },
            Fact {
                key: "Bundle".into(),
                value: format!("{} ({sku})", sold.title),
            },
        ]);
        lines.push(NewLine {
            variant,
            sku: Some(part.sku.clone()),
            quantity: sold.quantity * share.pieces,
            unit_price: Money {
                amount: share.price,
                ..sold.unit_price.clone()
            },
            taxes: Vec::new(),
            properties,
            ..sold.clone()
        });
    }
    let amounts: Vec<Decimal> = (lines.iter())
        .map(|l| l.unit_price.amount * Decimal::from(l.quantity))
        .collect();
    for (code, rate, tax) in &sold.taxes {
        for (line, amount) in lines.iter_mut().zip(in_proportion(tax.amount, &amounts)) {
            let amount = Money {
                amount,
                ..tax.clone()
            };
            line.taxes.push((code.clone(), rate.clone(), amount));
        }
    }
    Ok((lines, alarms))
}

/// What to note when the channel states another total than the Shopify order gets. Of an order of which a part was
/// cancelled or is not the seller's it cannot be said.
fn total_differs(order: &Order, wanted: &[(&Line, u32)], paid: Decimal) -> Option<String> {
    let grand = order.grand_total.as_ref()?;
    let whole = wanted.len() == order.lines.len() && wanted.iter().all(|(l, q)| *q == l.quantity);
    // A cent a line is rounding.
    let rounding = Decimal::new(wanted.len() as i64, 2);
    ((grand.amount - paid).abs() > rounding && whole && grand.currency == order.currency).then(
        || {
            format!(
                "the channel states a total of {} {}; lines and shipping add up to {}",
                grand.amount.normalize(),
                grand.currency,
                paid.normalize()
            )
        },
    )
}

fn unit_of(line: &Line) -> Option<Money> {
    let goods = line.goods.as_ref()?;
    (line.covers > 0).then(|| Money {
        amount: goods.amount / Decimal::from(line.covers),
        currency: goods.currency.clone(),
    })
}

/// Taxes of the folded line by name and rate; those that the marketplace remits are not the seller's.
fn taxes(
    group: &[(&Line, u32)],
    unit_price: &Money,
    included: bool,
) -> Vec<(String, String, Money)> {
    let mut sums: BTreeMap<(String, String), Decimal> = BTreeMap::new();
    for (line, quantity) in group {
        for tax in line
            .taxes
            .iter()
            .filter(|t| t.on == "goods" && !t.by_marketplace)
        {
            let share = if line.covers == 0 {
                Decimal::ZERO
            } else {
                Decimal::from(*quantity) / Decimal::from(line.covers)
            };
            let rate = tax.rate.clone().unwrap_or_else(|| {
                let base = unit_price.amount * Decimal::from(line.covers)
                    - if included {
                        tax.amount.amount
                    } else {
                        Decimal::ZERO
                    };
                if base.is_zero() {
                    "0".into()
                } else {
                    (tax.amount.amount / base)
                        .round_dp(4)
                        .normalize()
                        .to_string()
                }
            });
            *sums.entry((tax.code.clone(), rate)).or_default() += tax.amount.amount * share;
        }
    }
    sums.into_iter()
        .map(|((code, rate), amount)| {
            (
                code,
                rate,
                Money {
                    amount: amount.round_dp(2),
                    currency: unit_price.currency.clone(),
                },
            )
        })
        .collect()
}

/// The channel's own address: it buys, the end customer only receives.
fn billing(cx: &Context<'_>) -> Address {
    let (first, last) = channel_name(cx.title);
    let set = &cx.policy.billing;
    Address {
        first_name: set.first_name.clone().or(Some(first)),
        last_name: set.last_name.clone().or(Some(last)),
        company: set.company.clone().or_else(|| Some(cx.title.to_owned())),
        ..set.clone()
    }
}

/// First and last name of the customer that stands for a channel: Shopify wants both.
pub fn channel_name(title: &str) -> (String, String) {
    match title.trim().rsplit_once(' ') {
        Some((first, last)) => (first.to_owned(), last.to_owned()),
        None => (title.trim().to_owned(), "Marketplace".to_owned()),
    }
}

/// Orders for tests.
#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    pub(crate) fn money(text: &str) -> Money {
        Money {
            amount: text.parse().unwrap(),
            currency: "AUD".into(),
        }
    }

    pub(crate) fn line(id: &str, sku: &str, paid: &str) -> Line {
        Line {
            id: id.into(),
            fold: Some(format!("{sku}|{paid}")),
            sku: Some(sku.into()),
            listing: None,
            title: sku.into(),
            choices: vec![],
            quantity: 1,
            cancelled: 0,
            shipped: 0,
            state: State::Open,
            native_state: "pending".into(),
            reason: None,
            allowed: None,
            sellers: true,
            list_unit: Some(money("89.95")),
            paid_unit: Some(money(paid)),
            covers: 1,
            goods: Some(money(paid)),
            shipping: Some(money("0")),
            taxes: vec![crate::model::Tax {
                code: "GST".into(),
                rate: Some("0.1".into()),
                amount: money("7.72"),
                on: "goods".into(),
                included: Some(true),
                by_marketplace: false,
            }],
            ship_by: None,
            updated_at: None,
            facts: vec![],
        }
    }

    pub(crate) fn order(lines: Vec<Line>) -> Order {
        Order {
            id: "601774".into(),
            number: "914002771".into(),
            state: State::Open,
            native_state: "pending".into(),
            holds: vec![],
            awaits_acceptance: None,
            sellers: true,
            placed_at: "2026-03-08T23:41:07Z".parse().unwrap(),
            updated_at: None,
            ship_by: None,
            currency: "AUD".into(),
            grand_total: None,
            shipping_total: None,
            tax_included: Some(true),
            paid: true,
            buyer_name: Some("Marlo Quill".into()),
            site: Some("AU".into()),
            ship_to: Some(Address {
                first_name: Some("Marlo".into()),
                ..Address::default()
            }),
            service: None,
            service_label: Some("express".into()),
            gift_message: None,
            buyer_note: None,
            lines,
            parcels: vec![],
            facts: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{line, money, order};
    use super::*;

    fn run(order: &Order, policy: &Policy) -> Decision {
        let key = Key::new("kestrel", "the-iconic");
        let variants = |sku: &str| {
            if sku == "none" {
                vec![]
            } else {
                vec![format!("gid://{sku}")]
            }
        };
        decide(
            order,
            false,
            &Context {
                key: &key,
                title: "THE ICONIC",
                policy,
                orders_from: "2026-01-01T00:00:00Z".parse().unwrap(),
                customer: Some("gid://customer".into()),
                currency: "AUD",
                variants: &variants,
                parts: &|sku| match sku {
                    "SET" => vec![part("A", 1, 2), part("B", 2, 1)],
                    "TORN" => vec![part("none", 1, 1)],
                    _ => vec![],
                },
            },
        )
    }

    fn part(sku: &str, pieces: u32, weight: u32) -> Part {
        Part {
            sku: sku.into(),
            pieces,
            weight,
        }
    }

    #[test]
    fn a_bundle_becomes_the_lines_of_its_parts() {
        let mut set = line("1", "SET", "10.01");
        set.quantity = 2;
        set.cancelled = 0;
        let Decision::Create { order, .. } =
            run(&order(vec![set, line("2", "B", "20")]), &Policy::default())
        else {
            panic!("not created");
        };
        let lines: Vec<_> = (order.lines.iter())
            .map(|l| {
                let part = (l.properties.iter())
                    .find(|p| p.key == PART_PROPERTY)
                    .map(|p| p.value.as_str());
                (
                    l.quantity,
                    l.variant.as_deref(),
                    l.unit_price.amount.to_string(),
                    part,
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                (2, Some("gid://A"), "5.01".into(), Some("A")),
                (4, Some("gid://B"), "2.50".into(), Some("B")),
                (1, Some("gid://B"), "20".into(), None),
            ]
        );
        assert_eq!(order.paid.amount, "40.02".parse().unwrap());
        let Decision::Block(why) = run(
            &super::samples::order(vec![line("1", "TORN", "10")]),
            &Policy::default(),
        ) else {
            panic!("not blocked");
        };
        assert!(
            why.starts_with("part of the bundle \"TORN\": no variant"),
            "{why}"
        );
    }

    #[test]
    fn the_order_looks_as_promised() {
        let Decision::Create { order, alarm, .. } = run(
            &order(vec![
                line("1", "A", "84.95"),
                line("2", "A", "84.95"),
                line("3", "B", "20"),
            ]),
            &Policy::default(),
        ) else {
            panic!("not created");
        };
        assert_eq!(alarm, None);
        assert_eq!(order.name, "914002771");
        assert!(order.note.starts_with("THE ICONIC order 914002771"));
        assert_eq!(
            (
                order.billing.first_name.as_deref(),
                order.billing.last_name.as_deref()
            ),
            (Some("THE"), Some("ICONIC"))
        );
        assert_eq!(
            order.shipping.as_ref().unwrap().first_name.as_deref(),
            Some("Marlo")
        );
        assert_eq!(order.customer.as_deref(), Some("gid://customer"));
        assert_eq!(order.lines.len(), 2);
        assert_eq!(
            (
                order.lines[0].quantity,
                order.lines[0].properties[0].value.as_str()
            ),
            (2, "1,2")
        );
        assert_eq!(
            order.lines[0].taxes,
            [("GST".to_owned(), "0.1".to_owned(), money("15.44"))]
        );
        assert_eq!(order.paid, money("189.90"));
        assert!(order.decrement);
    }

    #[test]
    fn a_total_that_does_not_add_up_is_remarked() {
        let mut o = order(vec![line("1", "A", "84.95"), line("2", "B", "20")]);
        let remark = |o: &Order| match run(o, &Policy::default()) {
            Decision::Create { remark, .. } => remark,
            other => panic!("{other:?}"),
        };
        o.grand_total = Some(money("104.96"));
        assert_eq!(remark(&o), None);
        o.grand_total = Some(money("99.95"));
        assert!(remark(&o).unwrap().contains("99.95 AUD"));
        o.lines[1].state = State::Cancelled;
        assert_eq!(remark(&o), None);
    }

    #[test]
    fn unmatched_is_held_or_becomes_a_custom_line() {
        let o = order(vec![line("1", "none", "84.95")]);
        assert!(
            matches!(run(&o, &Policy::default()), Decision::Block(why) if why.contains("\"none\""))
        );
        let policy = Policy {
            unmatched: Unmatched::CustomLine,
            ..Policy::default()
        };
        assert!(
            matches!(run(&o, &policy), Decision::Create { order, alarm: Some(_), .. } if order.lines[0].variant.is_none())
        );
    }

    #[test]
    fn cancelled_units_are_left_out() {
        let mut gone = line("1", "A", "84.95");
        gone.state = State::Cancelled;
        assert_eq!(
            run(&order(vec![gone.clone()]), &Policy::default()),
            Decision::Cancelled
        );
        let Decision::Create { order, .. } = run(
            &order(vec![gone, line("2", "A", "84.95")]),
            &Policy::default(),
        ) else {
            panic!()
        };
        assert_eq!((order.lines.len(), order.lines[0].quantity), (1, 1));
    }

    #[test]
    fn amounts_stand_for_what_was_ordered_or_for_what_is_left() {
        for (covers, goods, tax) in [(4, "80", "7.28"), (3, "60", "5.46")] {
            let mut part = line("1", "A", "0");
            (part.quantity, part.cancelled, part.covers) = (4, 1, covers);
            (part.paid_unit, part.goods) = (None, Some(money(goods)));
            part.taxes[0].amount = money(tax);
            part.taxes[0].rate = None;
            let Decision::Create { order, .. } = run(&order(vec![part]), &Policy::default()) else {
                panic!("not created");
            };
            let made = &order.lines[0];
            assert_eq!((made.quantity, &made.unit_price), (3, &money("20")));
            let told = [("GST".to_owned(), "0.1001".to_owned(), money("5.46"))];
            assert_eq!(made.taxes, told, "amounts for {covers}");
        }
    }

    #[test]
    fn held_foreign_and_old_orders_wait_or_are_ignored() {
        let mut held = order(vec![line("1", "A", "1")]);
        held.holds = vec!["payment".into()];
        assert!(matches!(run(&held, &Policy::default()), Decision::Hold(_)));
        let mut venture = order(vec![line("1", "A", "1")]);
        venture.lines[0].sellers = false;
        assert!(matches!(
            run(&venture, &Policy::default()),
            Decision::Ignore(_)
        ));
        let mut old = order(vec![line("1", "A", "1")]);
        old.placed_at = "2025-03-08T23:41:07Z".parse().unwrap();
        assert!(matches!(run(&old, &Policy::default()), Decision::Ignore(_)));
        let mut foreign = order(vec![line("1", "A", "1")]);
        foreign.currency = "NZD".into();
        assert!(matches!(
            run(&foreign, &Policy::default()),
            Decision::Block(_)
        ));
    }
}
