//! `/orders`: the list, one order, and what a person does with it.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::Uri;
use axum::response::Redirect;
use jiff::SignedDuration;
use serde::Deserialize;
use tower_sessions::Session;

use super::{Frame, Html, page, regret, say};
use crate::actions::order::{Wish, act};
use crate::db::UnitRow;
use crate::model::{Instant, Key, Money};
use crate::sync::next::{Next, Who};
use crate::sync::offers::{Act, Offer};
use crate::view::{
    self, EditedPart, OrderItem, OrderLine, OrderList, OrderView, OrdersAsked, Parcel, Sign,
    SortAsked, StateAsked,
};
use crate::web::auth::Me;
use crate::web::failure::Failure;
use crate::web::take::Take;
use crate::web::{App, show};

/// So long before a deadline the warehouse is hurried.
const NEAR: SignedDuration = SignedDuration::from_hours(4);

/// How urgent it is: `bad`, `warn`, `ok` or `idle`.
fn tone(next: &Next, late: bool, now: Instant) -> &'static str {
    match next.who {
        _ if late => "bad",
        Who::You => "warn",
        Who::Warehouse if next.by.is_some_and(|by| by.duration_since(now) < NEAR) => "warn",
        Who::Nobody => "ok",
        _ => "idle",
    }
}

#[derive(Template)]
#[template(path = "orders.html")]
struct ListPage {
    frame: Frame,
    asked: OrdersAsked,
    /// Shops and channels that can be chosen: what is given, and what is shown.
    channels: Vec<(String, String)>,
    list: OrderList,
    /// Its first page, when that is not the one that is shown.
    first: Option<String>,
    /// The next page.
    onward: Option<String>,
}

impl ListPage {
    /// Ways to look at the list that are asked for most: name, query, and whether it is the one that is shown.
    fn looks(&self) -> Vec<(&'static str, &'static str, bool)> {
        let a = &self.asked;
        let plain = a.channel.is_none()
            && a.search.is_none()
            && a.placed_from.is_none()
            && a.placed_to.is_none();
        let is = |state, needs_you, late| {
            plain && (a.state, a.needs_you, a.late) == (state, needs_you, late)
        };
        vec![
            ("All", "", is(None, false, false)),
            (
                "To dispatch",
                "?state=open&sort=least-time-left",
                is(Some(StateAsked::Open), false, false),
            ),
            ("Needs you", "?needs_you=true", is(None, true, false)),
            (
                "Late",
                "?late=true&sort=least-time-left",
                is(None, false, true),
            ),
        ]
    }

    fn filtered(&self) -> bool {
        !self
            .looks()
            .iter()
            .any(|(name, _, is)| *is && *name == "All")
    }

    /// Whether a filter is set that the common ones do not have.
    fn narrowed(&self) -> bool {
        let a = &self.asked;
        a.channel.is_some()
            || a.placed_from.is_some()
            || a.placed_to.is_some()
            || !(a.state.is_none() || self.looks().iter().any(|(_, _, is)| *is))
    }

    fn states(&self) -> [StateAsked; 10] {
        StateAsked::ALL
    }

    fn sorts(&self) -> [(SortAsked, &'static str); 2] {
        [
            (SortAsked::Newest, "newest first"),
            (SortAsked::LeastTimeLeft, "least time left first"),
        ]
    }

    fn tone(&self, item: &OrderItem) -> &'static str {
        tone(&item.next, item.late, self.list.at)
    }

    fn path(&self, item: &OrderItem) -> String {
        path(&item.channel, &item.id)
    }
}

fn path(channel: &str, id: &str) -> String {
    format!("/orders/{channel}/{}", show::segment(id))
}

/// What a form asks for: a field that is left empty is none.
fn asked(uri: &Uri) -> Result<OrdersAsked, Failure> {
    let given = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let filled = given.filter(|(_, value)| !value.is_empty());
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(filled)
        .finish();
    let uri = Uri::builder()
        .path_and_query(format!("/?{query}"))
        .build()
        .map_err(|e| Failure::Invalid(e.to_string()))?;
    Ok(Query::try_from_uri(&uri)?.0)
}

/// The address of another page of the same list: the first, or the one behind `after`.
fn other_page(uri: &Uri, after: Option<&str>) -> String {
    let given = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let kept = given.filter(|(name, value)| name != "after" && !value.is_empty());
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .extend_pairs(after.map(|after| ("after", after)))
        .finish();
    format!("/orders?{query}")
}

pub(super) async fn list_page(
    State(app): State<App>,
    uri: Uri,
    frame: Frame,
) -> Result<Html, Failure> {
    let asked = asked(&uri)?;
    let list = view::orders(&app.host.store, &asked).await?;
    let rows = app.host.store.read(|tx| tx.channels()).await?;
    let mut channels: Vec<(String, String)> = Vec::new();
    for row in &rows {
        let shop = &row.key.shop;
        let several = rows.iter().filter(|r| r.key.shop == *shop).count() > 1;
        if several && channels.iter().all(|(given, _)| given != shop) {
            channels.push((shop.clone(), format!("all of {shop}")));
        }
        channels.push((row.key.to_string(), format!("{} ({})", row.title, row.key)));
    }
    page(&ListPage {
        frame,
        first: asked.after.as_ref().map(|_| other_page(&uri, None)),
        onward: (list.next.as_deref()).map(|next| other_page(&uri, Some(next))),
        asked,
        channels,
        list,
    })
}

/// Units of a line that stand alike.
struct Alike<'a> {
    line: &'a OrderLine,
    /// The SKU of the part, of a bundle.
    part: Option<&'a str>,
    count: usize,
    there: &'static str,
    here: &'static str,
    parcel: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    frame: Frame,
    view: OrderView,
}

impl OrderPage {
    fn tone(&self) -> &'static str {
        tone(&self.view.next, self.view.late, self.view.at)
    }

    fn path(&self) -> String {
        path(&self.view.channel, &self.view.id)
    }

    /// Why it stands where it stands, where that is not said above. What to type is left out: here are buttons.
    fn why(&self) -> Option<&str> {
        let reason = self.view.reason.as_deref()?;
        let reason = reason.split("; `lockstep ").next().unwrap_or(reason);
        (!reason.contains(&self.view.next.what)).then_some(reason)
    }

    /// What can be done about the order itself.
    fn offers(&self) -> Vec<&Offer> {
        (self.view.offers.iter())
            .filter(|o| o.parcel.is_none() && self.frame.me.operates())
            .collect()
    }

    /// What can be done about a parcel.
    fn offer(&self, parcel: &Parcel) -> Option<&Offer> {
        (self.view.offers.iter())
            .find(|o| o.parcel.as_ref() == Some(&parcel.short_id) && self.frame.me.operates())
    }

    fn resend_does(&self) -> Option<&str> {
        let mut parcels = self.view.parcels.iter();
        Some(&parcels.find_map(|p| self.offer(p))?.does)
    }

    fn shop(&self) -> &str {
        self.view.channel.split('/').next().unwrap_or_default()
    }

    fn primary(&self, offer: &Offer) -> bool {
        matches!(offer.act, Act::Accept | Act::Release | Act::Retry)
    }

    fn reasons(&self, offer: &Offer) -> Vec<(&str, &str)> {
        match (&self.view.question, offer.act) {
            (Some(question), Act::Refuse) => (question.reasons.iter())
                .map(|r| (r.code.as_str(), r.label.as_str()))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn ship_to(&self) -> Vec<String> {
        (self.view.ship_to.as_ref()).map_or_else(Vec::new, view::address_lines)
    }

    /// Lines with their units, those that stand alike together.
    fn alike(&self) -> Vec<Alike<'_>> {
        let mut all: Vec<Alike<'_>> = Vec::new();
        for line in &self.view.lines {
            let before = all.len();
            for unit in self.view.units.iter().filter(|u| u.line == line.id) {
                let parcel = self.parcel_of(unit);
                let (part, there, here) = (unit.part.as_deref(), there(unit), here(unit));
                let known = all[before..]
                    .iter_mut()
                    .find(|a| (a.part, a.there, a.here, a.parcel) == (part, there, here, parcel));
                match known {
                    Some(known) => known.count += 1,
                    None => all.push(Alike {
                        line,
                        part,
                        count: 1,
                        there,
                        here,
                        parcel,
                    }),
                }
            }
            if all.len() == before {
                all.push(Alike {
                    line,
                    part: None,
                    count: line.quantity as usize,
                    there: "",
                    here: if line.sellers {
                        ""
                    } else {
                        "not yours to ship"
                    },
                    parcel: None,
                });
            }
        }
        all
    }

    fn parcel_of(&self, unit: &UnitRow) -> Option<&str> {
        let id = unit.parcel.as_deref()?;
        let known = self.view.parcels.iter().find(|p| p.id == id)?;
        Some(known.tracking.as_deref().unwrap_or(&known.short_id))
    }

    /// Rows of the money: what it is for, what the channel says, what Shopify was told.
    fn money(&self) -> Vec<(&'static str, Option<&Money>, Option<&Money>)> {
        let m = &self.view.money;
        let created = m.created.as_ref();
        vec![
            ("Goods", m.goods.as_ref(), created.map(|c| &c.goods)),
            (
                "Shipping",
                m.shipping.as_ref(),
                created.map(|c| &c.shipping),
            ),
            ("Total", m.total.as_ref(), created.map(|c| &c.paid)),
        ]
    }

    fn differs(&self) -> bool {
        let m = &self.view.money;
        match (&m.total, &m.created) {
            (Some(total), Some(created)) => total.amount != created.paid.amount,
            _ => false,
        }
    }

    fn changed(&self) -> Vec<&EditedPart> {
        let parts = self.view.extras.iter().flat_map(|e| &e.parts);
        parts.filter(|p| p.changed()).collect()
    }

    fn facts(&self) -> Vec<(String, String)> {
        let of_order = (self.view.facts.iter()).map(|f| (f.key.clone(), f.value.clone()));
        let of_lines = self.view.lines.iter().flat_map(|l| {
            (l.facts.iter()).map(move |f| (format!("{}, line {}", f.key, l.id), f.value.clone()))
        });
        of_order.chain(of_lines).collect()
    }
}

/// How a unit stands at the channel.
fn there(unit: &UnitRow) -> &'static str {
    match unit.channel_state.as_str() {
        "held" => "held",
        "open" => "to be shipped",
        "shipped" => "shipped",
        "dropped" => "cancelled",
        _ => "not known here",
    }
}

/// How a unit stands in Shopify.
fn here(unit: &UnitRow) -> &'static str {
    match unit.shop_state.as_str() {
        "open" => "to be packed",
        "fulfilled" => "packed",
        "removed" => "removed",
        _ => "not there",
    }
}

#[derive(Deserialize)]
pub(super) struct OneOrder {
    shop: String,
    channel: String,
    id: String,
}

impl OneOrder {
    fn key(&self) -> Key {
        Key::new(&self.shop, &self.channel)
    }
}

pub(super) async fn order_page(
    State(app): State<App>,
    Take(Path(one), _): Take<Path<OneOrder>, Failure>,
    frame: Frame,
) -> Result<Html, Failure> {
    let key = one.key();
    let found = view::order(&app.host.store, &key, &one.id, frame.me.operates()).await?;
    let view = found.ok_or_else(|| {
        Failure::Unknown(format!("{key} has no order with the id \"{}\".", one.id))
    })?;
    page(&OrderPage { frame, view })
}

#[derive(Deserialize)]
pub(super) struct OneAct {
    #[serde(flatten)]
    order: OneOrder,
    act: String,
}

#[derive(Default, Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    reason: String,
}

pub(super) async fn act_on(
    State(app): State<App>,
    me: Me,
    session: Session,
    Take(Path(one), _): Take<Path<OneAct>, Failure>,
    Take(Form(given), _): Take<Form<Given>, Failure>,
) -> Result<Redirect, Failure> {
    let wish = match one.act.as_str() {
        "accept" => Wish::Accept,
        "refuse" => Wish::Refuse(Some(given.reason).filter(|r| !r.is_empty())),
        "retry" => Wish::Retry,
        "hold" => Wish::Hold,
        "release" => Wish::Release,
        "handled" => Wish::Handled,
        other => return Err(Failure::Unknown(format!("There is no act \"{other}\"."))),
    };
    carry_out(&app, &me, &session, one.order, wish).await
}

#[derive(Deserialize)]
pub(super) struct OneParcel {
    #[serde(flatten)]
    order: OneOrder,
    parcel: String,
}

pub(super) async fn resend(
    State(app): State<App>,
    me: Me,
    session: Session,
    Take(Path(one), _): Take<Path<OneParcel>, Failure>,
) -> Result<Redirect, Failure> {
    carry_out(&app, &me, &session, one.order, Wish::Resend(one.parcel)).await
}

/// Does it, and goes back to the order with what became of it.
async fn carry_out(
    app: &App,
    me: &Me,
    session: &Session,
    one: OneOrder,
    wish: Wish,
) -> Result<Redirect, Failure> {
    let key = one.key();
    match act(&app.host, &key, &one.id, wish, &me.actor).await {
        Ok(done) => {
            if done.changed {
                app.wakes.wake(key.clone());
            }
            say(session, sentence(&done.said)).await;
        }
        Err(e) => match Failure::from(e) {
            // What the page showed is not how things are any more: it is shown anew.
            Failure::Conflict(why) | Failure::Invalid(why) => {
                regret(session, format!("Not done: {why}.")).await;
            }
            other => return Err(other),
        },
    }
    Ok(Redirect::to(&path(&key.to_string(), &one.id)))
}

/// With a capital at its beginning and a full stop at its end.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_left_empty_asks_for_nothing() {
        let uri: Uri = "/orders?state=&search=+9%2F1&late=true&placed_from=2026-03-01&after="
            .parse()
            .unwrap();
        let asked = asked(&uri).unwrap();
        assert_eq!(asked.state, None);
        assert_eq!(asked.search.as_deref(), Some(" 9/1"));
        assert!(asked.late && !asked.needs_you);
        assert_eq!(asked.placed_from, Some(jiff::civil::date(2026, 3, 1)));
        assert_eq!(
            other_page(&uri, Some("a b")),
            "/orders?search=+9%2F1&late=true&placed_from=2026-03-01&after=a+b"
        );
        assert!(super::asked(&"/orders?state=lost".parse().unwrap()).is_err());
    }
}
