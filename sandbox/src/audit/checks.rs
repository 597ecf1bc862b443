//! The invariants, as functions over what both sides hold.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::snapshot::{ChannelItem, ChannelOrder, Fulfillment, ShopOrder, Snapshot};
use super::{Audit, AuditOptions, Check, EXAMPLES, Excuses, names};

/// Runs every check.
pub(super) fn all(seen: &Snapshot, options: &AuditOptions, excuses: &Excuses) -> Audit {
    let pairs = Pairs::new(seen, options, excuses);
    Audit {
        checks: vec![
            orders(&pairs, options),
            stock(seen, &pairs, options, excuses),
            parcels(&pairs, options),
            cancellations(&pairs, options),
            manners(seen),
            oversells(seen, &pairs, excuses),
        ],
    }
}

/// Collects violations and words the verdict.
#[derive(Default)]
struct Findings {
    wrong: Vec<String>,
}

impl Findings {
    fn add(&mut self, text: String) {
        self.wrong.push(text);
    }

    fn check(mut self, name: &str, looked_at: String) -> Check {
        let count = self.wrong.len();
        self.wrong.truncate(EXAMPLES);
        Check {
            name: name.into(),
            ok: count == 0,
            detail: match count {
                0 => looked_at,
                1 => format!("{looked_at}; 1 violation"),
                n => format!("{looked_at}; {n} violations"),
            },
            examples: self.wrong,
        }
    }
}

/// A marketplace order with what Shopify has of it.
struct Pair<'a> {
    channel: &'a ChannelOrder,
    /// The seller's own items: what the venture ships from its warehouse is not in them.
    items: Vec<&'a ChannelItem>,
    shop: Vec<&'a ShopOrder>,
    /// Placed early enough to be left alone.
    old: bool,
}

impl Pair<'_> {
    /// Held back by the marketplace, as far as the seller can see.
    fn held(&self) -> bool {
        self.items.iter().any(|i| i.held())
    }

    fn by_sku(&self, test: impl Fn(&ChannelItem) -> bool) -> BTreeMap<&str, u32> {
        let mut counts = BTreeMap::new();
        for item in self.items.iter().filter(|i| test(i)) {
            *counts.entry(item.sku.as_str()).or_insert(0) += 1;
        }
        counts
    }
}

struct Pairs<'a> {
    all: Vec<Pair<'a>>,
    /// Shopify orders of the channel that no marketplace order explains.
    orphans: Vec<&'a ShopOrder>,
}

impl<'a> Pairs<'a> {
    fn new(seen: &'a Snapshot, options: &AuditOptions, excuses: &Excuses) -> Self {
        let mut by_name: BTreeMap<&str, Vec<&ShopOrder>> = BTreeMap::new();
        for order in seen.shop_orders.iter().filter(|o| o.of_channel) {
            by_name.entry(&order.name).or_default().push(order);
        }
        let mut pairs = Vec::new();
        let mut known = BTreeSet::new();
        for channel in &seen.channel_orders {
            known.insert(channel.number.as_str());
            if excuses.orders.contains(&channel.number) {
                continue;
            }
            let items: Vec<_> = channel.items.iter().filter(|i| i.sellers).collect();
            let shop = by_name
                .get(channel.number.as_str())
                .cloned()
                .unwrap_or_default();
            pairs.push(Pair {
                old: channel.placed_at < options.since,
                channel,
                items,
                shop,
            });
        }
        let orphans = by_name
            .iter()
            .filter(|(name, _)| !known.contains(*name))
            .flat_map(|(_, orders)| orders.iter().copied())
            .collect();
        Self {
            all: pairs,
            orphans,
        }
    }

    /// Orders that are in Shopify once, with their Shopify order.
    fn met(&self) -> impl Iterator<Item = (&Pair<'a>, &'a ShopOrder)> {
        self.all.iter().filter_map(|p| match p.shop.as_slice() {
            [one] => Some((p, *one)),
            _ => None,
        })
    }
}

fn orders(pairs: &Pairs<'_>, options: &AuditOptions) -> Check {
    let mut found = Findings::default();
    let (mut once, mut waiting) = (0, 0);
    for order in &pairs.orphans {
        found.add(format!(
            "Shopify order \"{}\" ({}) is of the channel, but {} has no such order",
            order.name, order.id, options.channel_title
        ));
    }
    for pair in &pairs.all {
        let number = &pair.channel.number;
        match pair.shop.as_slice() {
            [] if pair.old || pair.items.iter().all(|i| i.cancelled()) => {}
            [] if pair.held() || !options.converged => waiting += 1,
            [] => found.add(format!("order {number} is not in Shopify")),
            [shop] => {
                once += 1;
                if pair.items.is_empty() {
                    found.add(format!(
                        "order {number} is in Shopify, but the marketplace ships it by itself"
                    ));
                }
                for wrong in looks(pair, shop, options) {
                    found.add(format!("order {number}: {wrong}"));
                }
            }
            many => found.add(format!(
                "order {number} is {} times in Shopify: {}",
                many.len(),
                list(many.iter().map(|o| o.id.as_str()))
            )),
        }
    }
    let mut text = format!("{once} in Shopify once");
    if waiting > 0 {
        text = format!("{text}, {waiting} held or on their way");
    }
    found.check(names::ORDERS, text)
}

/// What is wrong with how an order looks in Shopify.
fn looks(pair: &Pair<'_>, shop: &ShopOrder, options: &AuditOptions) -> Vec<String> {
    let title = &options.channel_title;
    let mut wrong = Vec::new();
    if !shop.note.contains(title) {
        wrong.push(format!("the note \"{}\" does not name {title}", shop.note));
    }
    if shop.customer != *title {
        wrong.push(format!(
            "the customer is \"{}\", not {title}",
            shop.customer
        ));
    }
    if !shop.billing.names(title) {
        wrong.push(format!(
            "the billing address is of \"{}\", not {title}",
            shop.billing.name
        ));
    }
    let to = &pair.channel.shipping;
    for (what, theirs, ours) in [
        ("name", &to.name, &shop.shipping.name),
        ("street", &to.street, &shop.shipping.street),
        ("city", &to.city, &shop.shipping.city),
        ("postcode", &to.postcode, &shop.shipping.postcode),
    ] {
        // What the marketplace masks or leaves out cannot be compared.
        if !theirs.is_empty() && !theirs.contains("###") && !same_text(theirs, ours) {
            wrong.push(format!(
                "ships to {what} \"{ours}\" instead of \"{theirs}\""
            ));
        }
    }
    let bought = pair.by_sku(|_| true);
    let live = pair.by_sku(|i| !i.cancelled());
    let ordered = shop.by_sku(|l| l.quantity);
    let skus: BTreeSet<&str> = bought.keys().chain(ordered.keys()).copied().collect();
    let mut units_agree = true;
    for sku in skus {
        let of = |counts: &BTreeMap<&str, u32>| counts.get(sku).copied().unwrap_or(0);
        // Units cancelled before the order came over are not in it; later ones are.
        let (least, most, is) = (of(&live), of(&bought), of(&ordered));
        if is < least || is > most {
            units_agree = false;
            let expected = if least == most {
                least.to_string()
            } else {
                format!("{least} to {most}")
            };
            wrong.push(format!("{is} x {sku} in Shopify instead of {expected}"));
        }
    }
    if units_agree {
        let (least, most) = worth(pair, &ordered);
        if shop.total < least || shop.total > most {
            let expected = if least == most {
                least.to_string()
            } else {
                format!("{least} to {most}")
            };
            wrong.push(format!(
                "worth {} in Shopify instead of {expected}",
                shop.total
            ));
        }
        if shop.paid != shop.total {
            wrong.push(format!("{} of {} is paid", shop.paid, shop.total));
        }
    }
    wrong
}

/// The least and the most that the ordered units can have cost. Which of several cancelled units of one SKU came
/// over cannot be told from outside; when none is missing, both are the same.
fn worth(pair: &Pair<'_>, ordered: &BTreeMap<&str, u32>) -> (Decimal, Decimal) {
    let mut least = Decimal::ZERO;
    let mut most = Decimal::ZERO;
    let mut of_sku: BTreeMap<&str, Vec<&ChannelItem>> = BTreeMap::new();
    for item in &pair.items {
        of_sku.entry(&item.sku).or_default().push(item);
    }
    for (sku, items) in of_sku {
        let wanted = ordered.get(sku).copied().unwrap_or(0) as usize;
        let missing = items.len().saturating_sub(wanted);
        let gone: Vec<&&ChannelItem> = items.iter().filter(|i| i.cancelled()).collect();
        let mut cheap: Vec<Decimal> = gone.iter().map(|i| i.paid).collect();
        cheap.sort();
        // Whether the marketplace still charges the shipping of a cancelled unit is its affair.
        let mut dear: Vec<Decimal> = gone.iter().map(|i| i.paid + i.shipping).collect();
        dear.sort();
        let all: Decimal = items.iter().map(|i| i.paid + i.shipping).sum();
        most += all - cheap.iter().take(missing).sum::<Decimal>();
        least += all - dear.iter().rev().take(missing).sum::<Decimal>();
    }
    (least, most)
}

fn stock(seen: &Snapshot, pairs: &Pairs<'_>, options: &AuditOptions, excuses: &Excuses) -> Check {
    let mut found = Findings::default();
    // Sold at the marketplace and not taken off Shopify's stock yet; and what may or may not be reserved there.
    let mut unseen: BTreeMap<&str, i64> = BTreeMap::new();
    let mut doubtful: BTreeMap<&str, i64> = BTreeMap::new();
    for pair in pairs.all.iter().filter(|p| p.shop.is_empty()) {
        for item in pair.items.iter().filter(|i| i.binds_stock()) {
            if pair.old {
                *doubtful.entry(&item.sku).or_default() += 1;
            } else {
                *unseen.entry(&item.sku).or_default() += 1;
                if item.held() {
                    *doubtful.entry(&item.sku).or_default() += 1;
                }
            }
        }
    }
    for (sku, n) in &seen.elsewhere {
        *unseen.entry(sku).or_default() += n;
    }
    for (sku, n) in &seen.elsewhere_doubtful {
        *doubtful.entry(sku).or_default() += n;
    }
    let mut variants: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for v in &seen.variants {
        variants.entry(&v.sku).or_default().push(v);
    }
    let mut products: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for p in seen.products.iter().filter(|p| p.sellers) {
        products.entry(&p.sku).or_default().push(p);
    }
    let (mut linked, mut excused, mut apart) = (0, 0, 0);
    for (sku, offered) in &products {
        let (Some([variant]), [product]) = (variants.get(sku).map(Vec::as_slice), &offered[..])
        else {
            continue;
        };
        if !variant.tracked || sku.is_empty() {
            continue;
        }
        if excuses.skus.contains(*sku) {
            excused += 1;
            continue;
        }
        linked += 1;
        let sold = unseen.get(sku).copied().unwrap_or(0);
        let expected = (variant.available - sold - i64::from(options.buffer)).max(0);
        let slack = doubtful.get(sku).copied().unwrap_or(0);
        let is = product.available;
        if is > expected || is < expected - slack {
            if !options.converged {
                apart += 1;
                continue;
            }
            let why = if is > expected {
                "it can be oversold"
            } else {
                "sales are missed"
            };
            found.add(format!(
                "{sku}: {is} offered at {} instead of {expected} ({} in Shopify, {sold} sold and not in Shopify yet, {} held back): {why}",
                options.channel_title, variant.available, options.buffer
            ));
        }
    }
    // What can be oversold is worse.
    found.wrong.sort_by_key(|w| !w.ends_with("oversold"));
    let mut text = format!("{linked} SKUs linked");
    if excused > 0 {
        text = format!("{text}, {excused} excused");
    }
    if apart > 0 {
        text = format!("{text}, {apart} on their way");
    }
    found.check(names::STOCK, text)
}

fn parcels(pairs: &Pairs<'_>, options: &AuditOptions) -> Check {
    let mut found = Findings::default();
    let mut told = 0;
    for (pair, shop) in pairs.met() {
        if pair.channel.one_code && !shop.in_one_parcel() {
            match one_for_all(pair, shop, options.converged) {
                Ok(parcels) => told += parcels,
                Err(wrong) => found.add(format!("order {}: {wrong}", pair.channel.number)),
            }
            continue;
        }
        for f in shop.fulfillments.iter().filter(|f| f.success()) {
            let Some(code) = f.code() else { continue };
            match parcel(pair, shop, f, code, options.converged) {
                Ok(true) => told += 1,
                Ok(false) => {}
                Err(wrong) => found.add(format!("order {}: {wrong}", pair.channel.number)),
            }
        }
    }
    // And back: what the marketplace knows has to come from the shop, once.
    let mut packages: BTreeMap<&str, BTreeSet<(&str, Option<&str>)>> = BTreeMap::new();
    for pair in pairs.all.iter().filter(|p| !p.old) {
        let number = pair.channel.number.as_str();
        let mut codes = BTreeSet::new();
        for item in &pair.items {
            if let Some(code) = item.code() {
                codes.insert(code);
                packages
                    .entry(code)
                    .or_default()
                    .insert((number, item.package.as_deref()));
            } else if item.with_carrier() {
                found.add(format!(
                    "order {number}: item {} is {} at the marketplace without a tracking code",
                    item.id, item.status
                ));
            }
        }
        for code in codes {
            let (live, dead): (Vec<_>, Vec<_>) = pair
                .shop
                .iter()
                .flat_map(|o| &o.fulfillments)
                .filter(|f| f.code() == Some(code))
                .partition(|f| f.success());
            match (live.len(), dead.len()) {
                // A fulfillment withdrawn after it was told leaves its code behind: codes are written once.
                (1, _) | (0, 1) => {}
                (0, 0) => found.add(format!(
                    "order {number}: the marketplace has the tracking code \"{code}\", which no fulfillment in Shopify has"
                )),
                (a, b) => found.add(format!(
                    "order {number}: the tracking code \"{code}\" is of {} fulfillments in Shopify",
                    a.max(b)
                )),
            }
        }
    }
    for (code, places) in packages {
        if places.len() > 1 {
            found.add(format!(
                "the tracking code \"{code}\" is on {} packages at the marketplace: orders {}",
                places.len(),
                list(places.iter().map(|(number, _)| *number))
            ));
        }
    }
    found.check(names::PARCELS, format!("{told} parcels told"))
}

/// How many parcels of an order are told where the marketplace takes one code for all of them; an error when it was
/// told wrong. It is told when the last parcel has left, with the code of any.
fn one_for_all(pair: &Pair<'_>, shop: &ShopOrder, converged: bool) -> Result<usize, String> {
    let open: u32 = shop
        .by_sku(|l| l.current.saturating_sub(l.fulfilled))
        .values()
        .sum();
    let parcels: Vec<&Fulfillment> = shop
        .fulfillments
        .iter()
        .filter(|f| f.success() && f.code().is_some())
        .collect();
    let gone: Vec<_> = pair.items.iter().filter(|i| i.with_carrier()).collect();
    let Some(first) = gone.first() else {
        return match parcels.is_empty() || open > 0 || !converged {
            true => Ok(0),
            false => Err(format!(
                "{} parcels have left, but the marketplace knows of none",
                parcels.len()
            )),
        };
    };
    if open > 0 {
        return Err(format!(
            "shipped at the marketplace while {open} units are not packed"
        ));
    }
    let code = first.code().unwrap_or_default();
    match parcels.iter().find(|f| f.code() == Some(code)) {
        // That the code is nobody's is found where codes are traced back.
        None => Ok(0),
        Some(f) if !same_carrier(&f.company, &first.provider) => Err(format!(
            "parcel \"{code}\" travels with \"{}\", but the marketplace was told \"{}\"",
            f.company, first.provider
        )),
        Some(_) => Ok(parcels.len()),
    }
}

/// Whether the marketplace knows the parcel; an error when it knows it wrong.
fn parcel(
    pair: &Pair<'_>,
    shop: &ShopOrder,
    f: &Fulfillment,
    code: &str,
    converged: bool,
) -> Result<bool, String> {
    let there: Vec<&ChannelItem> = pair
        .items
        .iter()
        .copied()
        .filter(|i| i.code() == Some(code) && !i.cancelled())
        .collect();
    let mut wanted: BTreeMap<&str, u32> = BTreeMap::new();
    for (line, quantity) in &f.lines {
        let sku = shop
            .lines
            .iter()
            .find(|l| l.id == *line)
            .map_or("", |l| &l.sku);
        *wanted.entry(sku).or_default() += quantity;
    }
    let mut is: BTreeMap<&str, u32> = BTreeMap::new();
    for item in &there {
        *is.entry(&item.sku).or_default() += 1;
    }
    let cancelled = pair.by_sku(|i| i.cancelled());
    let units = || {
        wanted
            .iter()
            .map(|(sku, n)| format!("{n} x {sku}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    for sku in wanted.keys().chain(is.keys()) {
        let of = |counts: &BTreeMap<&str, u32>| counts.get(sku).copied().unwrap_or(0);
        let least = of(&wanted).saturating_sub(of(&cancelled));
        if of(&is) > of(&wanted) || (of(&is) < least && converged) {
            let state = if there.is_empty() {
                "does not have it".to_owned()
            } else {
                format!("has {} x {sku} with it", of(&is))
            };
            return Err(format!(
                "parcel \"{code}\" carries {}, but the marketplace {state}",
                units()
            ));
        }
    }
    for item in &there {
        if !item.with_carrier() {
            // Packed only: on its way to being told.
            if converged {
                return Err(format!(
                    "item {} has the tracking code \"{code}\" but is still {}",
                    item.id, item.status
                ));
            }
            return Ok(false);
        }
        if !same_carrier(&f.company, &item.provider) {
            return Err(format!(
                "parcel \"{code}\" travels with \"{}\", but the marketplace was told \"{}\"",
                f.company, item.provider
            ));
        }
    }
    Ok(!there.is_empty())
}

fn cancellations(pairs: &Pairs<'_>, options: &AuditOptions) -> Check {
    let mut found = Findings::default();
    let (mut units, mut late, mut apart) = (0, 0, 0);
    for (pair, shop) in pairs.met() {
        let bought = pair.by_sku(|_| true);
        let live = pair.by_sku(|i| !i.cancelled());
        let current = shop.by_sku(|l| l.current);
        let fulfilled = shop.by_sku(|l| l.fulfilled);
        let skus: BTreeSet<&str> = bought.keys().chain(current.keys()).copied().collect();
        for sku in skus {
            let of = |counts: &BTreeMap<&str, u32>| counts.get(sku).copied().unwrap_or(0);
            units += of(&bought) - of(&live);
            // What had left the shop when the cancellation came cannot be taken back there.
            let expected = of(&live).max(of(&fulfilled));
            late += expected - of(&live);
            if of(&current) == expected {
                continue;
            }
            if !options.converged {
                apart += 1;
                continue;
            }
            found.add(format!(
                "order {}: {} x {sku} wanted at the marketplace, {} in Shopify",
                pair.channel.number,
                of(&live),
                of(&current)
            ));
        }
    }
    let mut text = format!("{units} units cancelled");
    if late > 0 {
        text = format!("{text}, {late} of them after they were packed");
    }
    if apart > 0 {
        text = format!("{text}, {apart} lines on their way");
    }
    found.check(names::CANCELLATIONS, text)
}

fn manners(seen: &Snapshot) -> Check {
    let mut found = Findings::default();
    let mut requests = 0;
    for side in &seen.sides {
        requests += side.requests;
        if side.throttled > 0 {
            found.add(format!(
                "{} had to throttle {} requests",
                side.name, side.throttled
            ));
        }
        for mistake in &side.mistakes {
            found.add(format!("{} refused: {mistake}", side.name));
        }
    }
    found.check(names::MANNERS, format!("{requests} requests"))
}

fn oversells(seen: &Snapshot, pairs: &Pairs<'_>, excuses: &Excuses) -> Check {
    let mut taken: BTreeMap<&str, u32> = BTreeMap::new();
    for (_, shop) in pairs.met() {
        for (sku, n) in shop.by_sku(|l| l.current.saturating_sub(l.fulfilled)) {
            *taken.entry(sku).or_default() += n;
        }
    }
    let mut found = Findings::default();
    let mut below = 0;
    for v in seen
        .variants
        .iter()
        .filter(|v| v.tracked && v.available < 0)
    {
        below += 1;
        let by_channel = taken.get(v.sku.as_str()).copied().unwrap_or(0);
        if by_channel > 0 {
            found.add(format!(
                "{}: {} available in Shopify with {by_channel} unshipped units of the channel",
                v.sku, v.available
            ));
        }
    }
    let by_channel = found.wrong.len();
    if by_channel <= excuses.oversells {
        found.wrong.clear();
    }
    found.check(
        names::OVERSELLS,
        format!("{below} SKUs below zero, {by_channel} of them by orders of the channel"),
    )
}

/// Names of one carrier, reduced to letters and digits.
const ALIASES: &[&[&str]] = &[
    &["australiapost", "auspost", "australiaposteparcel"],
    &["startrack", "startrackexpress"],
    &["couriersplease", "courierplease"],
    &["aramex", "aramexaustralia", "fastway"],
    &["tnt", "tntaustralia"],
    &["toll", "tollipec", "ipec"],
    &["dhl", "dhlexpress"],
    &["newzealandpost", "nzpost"],
];

/// Whether two names mean one carrier. A fulfillment that names none fits every carrier.
fn same_carrier(shop: &str, channel: &str) -> bool {
    let (a, b) = (plain(shop), plain(channel));
    a.is_empty()
        || a == b
        || ALIASES
            .iter()
            .any(|names| names.contains(&a.as_str()) && names.contains(&b.as_str()))
}

/// Equal but for case, blanks and punctuation: street lines may be joined in one way or another.
fn same_text(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn list<'a>(all: impl Iterator<Item = &'a str>) -> String {
    all.collect::<Vec<_>>().join(", ")
}
