//! The list of orders.

use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::order::{Story, shop_url};
use crate::db::{
    self, ChannelRow, OrderFilter, OrderMark, OrderRow, OrderSort, OrderSpan, OrderState, ShopRow,
    Store, Tx,
};
use crate::model::{Instant, Key, Refusal};
use crate::sync::next::{Next, late, next, open_units};

/// Orders of a page unless told otherwise.
const PAGE: u32 = 50;
/// Most orders of a page.
pub const PAGE_MOST: u32 = 200;
/// Longest text that is searched for, in characters.
const SEARCH_LONGEST: usize = 100;

/// A state, or all states with something left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StateAsked {
    /// Every state but closed, cancelled and ignored.
    Open,
    /// Just stored.
    Seen,
    /// The channel or the operator holds it back.
    Held,
    /// Cannot be created until a person acts.
    Blocked,
    /// To be created.
    Ready,
    /// Creation was begun.
    Creating,
    /// Exists in Shopify.
    Created,
    /// Finished on both sides.
    Closed,
    /// Cancelled before it was created.
    Cancelled,
    /// Known, never created.
    Ignored,
}

impl StateAsked {
    /// All of them, as they are offered.
    pub const ALL: [Self; 10] = [
        Self::Open,
        Self::Seen,
        Self::Held,
        Self::Blocked,
        Self::Ready,
        Self::Creating,
        Self::Created,
        Self::Closed,
        Self::Cancelled,
        Self::Ignored,
    ];

    /// As given and shown.
    pub fn text(self) -> &'static str {
        match self {
            Self::Open => "open",
            one => one.states()[0].text(),
        }
    }

    fn states(self) -> &'static [OrderState] {
        match self {
            Self::Open => &[
                OrderState::Seen,
                OrderState::Held,
                OrderState::Blocked,
                OrderState::Ready,
                OrderState::Creating,
                OrderState::Created,
            ],
            Self::Seen => &[OrderState::Seen],
            Self::Held => &[OrderState::Held],
            Self::Blocked => &[OrderState::Blocked],
            Self::Ready => &[OrderState::Ready],
            Self::Creating => &[OrderState::Creating],
            Self::Created => &[OrderState::Created],
            Self::Closed => &[OrderState::Closed],
            Self::Cancelled => &[OrderState::Cancelled],
            Self::Ignored => &[OrderState::Ignored],
        }
    }
}

impl FromStr for StateAsked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        named(&Self::ALL, Self::text, text)
    }
}

/// In which order orders are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SortAsked {
    /// The newest first.
    #[default]
    Newest,
    /// The least time left to dispatch first. Orders of which nothing is left to be dispatched are left out; where only
    /// such are asked for, the newest come first.
    LeastTimeLeft,
}

impl SortAsked {
    /// As given and shown.
    pub fn text(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::LeastTimeLeft => "least-time-left",
        }
    }
}

impl FromStr for SortAsked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        named(&[Self::Newest, Self::LeastTimeLeft], Self::text, text)
    }
}

fn named<T: Copy>(all: &[T], text: fn(T) -> &'static str, wanted: &str) -> Result<T, String> {
    all.iter()
        .copied()
        .find(|one| text(*one) == wanted)
        .ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|one| text(*one)).collect();
            format!("\"{wanted}\" is none of {}", names.join(", "))
        })
}

/// Which orders are asked for.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct OrdersAsked {
    /// Of one shop (`kestrel`) or one channel (`kestrel/the-iconic`).
    #[param(max_length = 81)]
    pub channel: Option<String>,
    /// In this state.
    #[param(inline)]
    pub state: Option<StateAsked>,
    /// Only those that need a person: the order itself, or a parcel of it.
    pub needs_you: bool,
    /// Only those with units that should have been dispatched by now.
    pub late: bool,
    /// Placed on this day or later, in the shop's time zone.
    #[param(value_type = Option<String>, format = Date)]
    pub placed_from: Option<Date>,
    /// Placed on this day or before, in the shop's time zone.
    #[param(value_type = Option<String>, format = Date)]
    pub placed_to: Option<Date>,
    /// The beginning of the channel's number or id, or of the name in Shopify; or a whole SKU.
    #[param(min_length = 1, max_length = 100)]
    pub search: Option<String>,
    /// In which order.
    #[param(inline)]
    pub sort: Option<SortAsked>,
    /// What the page before gave as `next`.
    #[param(min_length = 1, max_length = 1000)]
    pub after: Option<String>,
    /// At most so many orders; 50 unless told otherwise.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// A page of orders.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderList {
    /// When this was read.
    pub at: Timestamp,
    /// The orders.
    pub items: Vec<OrderItem>,
    /// Give this as `after` for the next page; none on the last one.
    pub next: Option<String>,
}

/// An order in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrderItem {
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
    /// The channel's own word for its state.
    pub native_state: String,
    /// The order or a parcel of it needs a person.
    pub needs_you: bool,
    /// Who must act next.
    pub next: Next,
    /// When the buyer bought.
    pub placed_at: Timestamp,
    /// When it must be dispatched.
    pub ship_by: Option<Timestamp>,
    /// Units of it should have been dispatched by now.
    pub late: bool,
    /// Units that the channel waits for.
    pub open_units: u32,
    /// What was sold.
    pub sold: Vec<Sold>,
    /// The Shopify order's id.
    pub shop_order: Option<String>,
    /// Its name.
    pub shop_name: Option<String>,
    /// Where it is in the Shopify admin.
    pub shop_url: Option<String>,
}

/// So many of one SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sold {
    /// As sold; none where the channel tells none.
    pub sku: Option<String>,
    /// Shown.
    pub title: String,
    /// Units, cancelled ones included.
    pub quantity: u32,
}

/// Reads a page of orders. A [`Refusal`] says what was asked wrongly.
pub async fn orders(store: &Store, asked: &OrdersAsked) -> anyhow::Result<OrderList> {
    let asked = asked.clone();
    Ok(store.read(move |tx| read(tx, &asked)).await??)
}

fn read(tx: &Tx<'_>, asked: &OrdersAsked) -> Result<Result<OrderList, Refusal>, db::Error> {
    let now = Instant::now();
    let (shops, channels) = (tx.shops()?, tx.channels()?);
    let filter = match filter(asked, &shops, &channels) {
        Ok(filter) => filter,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut found = tx.find_orders(&filter, now)?;
    let more = found.len() == filter.limit as usize;
    if more {
        found.pop();
    }
    let next = found.last().filter(|_| more).map(|(mark, _)| cursor(mark));
    let mut items = Vec::with_capacity(found.len());
    for (mark, order) in found {
        let channel = channels.iter().find(|c| c.key == mark.key);
        let shop = shops.iter().find(|s| s.shop == mark.key.shop);
        let Some(channel) = channel else { continue };
        let story = Story::read(tx, channel, order)?;
        items.push(item(&story, channel, shop, now));
    }
    Ok(Ok(OrderList {
        at: now,
        items,
        next,
    }))
}

fn item(story: &Story, channel: &ChannelRow, shop: Option<&ShopRow>, now: Instant) -> OrderItem {
    let (order, units) = (&story.order, &story.units);
    OrderItem {
        channel: channel.key.to_string(),
        channel_title: channel.title.clone(),
        id: order.id.clone(),
        number: order.number.clone(),
        state: order.state,
        reason: order.reason.clone(),
        native_state: order.snapshot.native_state.clone(),
        needs_you: story.needs_you(),
        next: next(story.work()),
        placed_at: order.snapshot.placed_at,
        ship_by: order.ship_by,
        late: late(order, units, now),
        open_units: open_units(order, units),
        sold: sold(order),
        shop_order: order.shop_order.clone(),
        shop_name: order.shop_name.clone(),
        shop_url: shop_url(shop, order.shop_order.as_deref()),
    }
}

fn sold(order: &OrderRow) -> Vec<Sold> {
    let mut all: Vec<Sold> = Vec::new();
    for line in &order.snapshot.lines {
        let same = |s: &&mut Sold| s.sku == line.sku && (s.sku.is_some() || s.title == line.title);
        match all.iter_mut().find(same) {
            Some(known) => known.quantity += line.quantity,
            None => all.push(Sold {
                sku: line.sku.clone(),
                title: line.title.clone(),
                quantity: line.quantity,
            }),
        }
    }
    all
}

fn filter(
    asked: &OrdersAsked,
    shops: &[ShopRow],
    channels: &[ChannelRow],
) -> Result<OrderFilter, Refusal> {
    let invalid = |text: String| Refusal::Invalid(text);
    let limit = asked.limit.unwrap_or(PAGE);
    if !(1..=PAGE_MOST).contains(&limit) {
        return Err(invalid(format!("limit must be 1 to {PAGE_MOST}")));
    }
    let search = match asked.search.as_deref().map(str::trim) {
        Some(text) if text.is_empty() || text.chars().count() > SEARCH_LONGEST => {
            return Err(invalid(format!(
                "search must have 1 to {SEARCH_LONGEST} characters"
            )));
        }
        search => search.map(str::to_owned),
    };
    let meant = |key: &Key| match &asked.channel {
        Some(name) => key.shop == *name || key.to_string() == *name,
        None => true,
    };
    let spans: Vec<OrderSpan> = (channels.iter().filter(|c| meant(&c.key)))
        .map(|c| span(asked, &c.key, shops))
        .collect();
    if let Some(name) = asked.channel.as_ref().filter(|_| spans.is_empty())
        && shops.iter().all(|s| s.shop != *name)
    {
        return Err(invalid(format!("there is no shop or channel \"{name}\"")));
    }
    let finished = |s: StateAsked| s.states().iter().all(|s| s.finished());
    let sort = match asked.sort.unwrap_or_default() {
        SortAsked::LeastTimeLeft if !asked.state.is_some_and(finished) => OrderSort::LeastTimeLeft,
        _ => OrderSort::Newest,
    };
    let after = match asked.after.as_deref() {
        Some(text) => Some(marked(text).ok_or_else(|| {
            invalid("after is none that a page gave as next; begin at the first page".into())
        })?),
        None => None,
    };
    Ok(OrderFilter {
        spans,
        states: asked.state.map_or(Vec::new(), |s| s.states().to_vec()),
        attention: asked.needs_you,
        late: asked.late,
        search,
        sort,
        after,
        // One more says whether there is another page.
        limit: limit + 1,
    })
}

/// Days are those of the shop.
fn span(asked: &OrdersAsked, key: &Key, shops: &[ShopRow]) -> OrderSpan {
    let zone = shops
        .iter()
        .find(|s| s.shop == key.shop)
        .and_then(|s| TimeZone::get(&s.info.as_ref()?.timezone).ok())
        .unwrap_or(TimeZone::UTC);
    // Days before or after all time begin then.
    let begin = |date: Date| match date.to_zoned_datetime(zone.clone()) {
        Ok(day) => day.timestamp(),
        Err(_) if date.year() < 0 => Instant::MIN,
        Err(_) => Instant::MAX,
    };
    OrderSpan {
        key: key.clone(),
        from: asked.placed_from.map(begin),
        until: asked.placed_to.and_then(|d| d.tomorrow().ok()).map(begin),
    }
}

/// Where a list goes on, as text that need not be understood.
fn cursor(mark: &OrderMark) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}/{}/{}", mark.at, mark.key, mark.id))
}

fn marked(text: &str) -> Option<OrderMark> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let mut parts = text.splitn(4, '/');
    Some(OrderMark {
        at: parts.next()?.parse().ok()?,
        key: Key::new(parts.next()?, parts.next()?),
        id: parts.next()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back() {
        let mark = OrderMark {
            at: -5,
            key: Key::new("kestrel", "the-iconic"),
            id: "A/7 é".into(),
        };
        assert_eq!(marked(&cursor(&mark)), Some(mark));
        for wrong in ["", "x", "MQ", "////", "-1"] {
            assert_eq!(marked(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn words_are_read_as_they_are_shown() {
        for state in StateAsked::ALL {
            assert_eq!(state.text().parse(), Ok(state));
            let json = serde_json::to_value(state).unwrap();
            assert_eq!(json, state.text());
        }
        assert!("lost".parse::<StateAsked>().unwrap_err().contains("held"));
    }
}
