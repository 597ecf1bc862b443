//! Who must act next on an order, in one sentence.

use serde::Serialize;
use utoipa::ToSchema;

use super::acceptance::Answer;
use super::cancellations::{InShop, at_channel, in_shop};
use super::{by_unit, counted};
use crate::db::{OrderRow, OrderState, ParcelRow, ParcelState, UnitRow};
use crate::model::{Instant, State};

/// Who is to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// A person who works orders.
    You,
    /// Whoever packs.
    Warehouse,
    /// The host itself; nobody need do anything.
    Lockstep,
    /// The marketplace.
    Channel,
    /// It is finished.
    Nobody,
}

impl Who {
    /// As a sentence begins.
    pub fn text(self) -> &'static str {
        match self {
            Who::You => "You",
            Who::Warehouse => "The warehouse",
            Who::Lockstep => "Lockstep",
            Who::Channel => "The channel",
            Who::Nobody => "Nobody",
        }
    }
}

/// Who must act next, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Next {
    /// Who.
    pub who: Who,
    /// What they are to do, in words: "pack 2 units".
    pub what: String,
    /// By when, where they have a deadline.
    #[schema(value_type = Option<jiff::Timestamp>)]
    pub by: Option<Instant>,
}

/// An order with all that says who must act.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// The order.
    pub order: &'a OrderRow,
    /// Its units.
    pub units: &'a [UnitRow],
    /// Its parcels.
    pub parcels: &'a [ParcelRow],
    /// What a person said, where the channel asks.
    pub answer: Option<&'a Answer>,
    /// The host answers by itself, where the channel asks.
    pub answers: bool,
    /// What a person must do before the channel is worked at all; none while it is.
    pub standstill: Option<&'a str>,
}

/// Sold units that the channel waits for: each piece of a bundle counts with its bundle.
pub fn open_units(order: &OrderRow, units: &[UnitRow]) -> u32 {
    if order.state.finished() {
        return 0;
    }
    let open = |u: &&UnitRow| u.piece == 0 && matches!(u.channel_state.as_str(), "open" | "held");
    units.iter().filter(open).count() as u32
}

/// Whether units should have been dispatched by now.
pub fn late(order: &OrderRow, units: &[UnitRow], now: Instant) -> bool {
    order.ship_by.is_some_and(|by| by < now) && open_units(order, units) > 0
}

/// Says who must act next on the order. A person's turn comes first, then the warehouse's, then the channel's: what the
/// host does by itself is told only when it is all there is to do.
pub fn next(work: Work<'_>) -> Next {
    let Work {
        order,
        units,
        parcels,
        ..
    } = work;
    let by = (open_units(order, units) > 0)
        .then_some(order.ship_by)
        .flatten();
    let you = |what: String| Next {
        who: Who::You,
        what,
        by,
    };
    if let Some(p) = parcels.iter().find(|p| p.attention) {
        return you(reasoned(&p.label(), p.reason.as_deref()));
    }
    let found = match order.state {
        OrderState::Cancelled | OrderState::Ignored => Next {
            who: Who::Nobody,
            what: (order.reason.clone()).unwrap_or_else(|| "there is nothing to do".into()),
            by: None,
        },
        OrderState::Closed => match telling(parcels) {
            Some(what) => lockstep(what),
            None => Next {
                who: Who::Nobody,
                what: "every unit is shipped or cancelled, on both sides".into(),
                by: None,
            },
        },
        OrderState::Created => created(work, by),
        _ => before(work, by),
    };
    match (found.who, work.standstill) {
        (Who::Lockstep, Some(todo)) => you(format!("{todo}; until then nothing is done")),
        _ => found,
    }
}

fn lockstep(what: String) -> Next {
    Next {
        who: Who::Lockstep,
        what,
        by: None,
    }
}

/// "parcel 123: why", without a name that the reason says again.
fn reasoned(label: &str, reason: Option<&str>) -> String {
    let reason = reason.unwrap_or("a person should look");
    match reason
        .strip_prefix(label)
        .map(|r| r.trim_start_matches(':'))
    {
        Some(rest) => format!("{label}: {}", rest.trim_start()),
        None => format!("{label}: {reason}"),
    }
}

/// Of an order that Shopify does not have.
fn before(work: Work<'_>, by: Option<Instant>) -> Next {
    let order = work.order;
    let snapshot = &order.snapshot;
    let you = |what: String, by| Next {
        who: Who::You,
        what,
        by,
    };
    let channel = |what: String| Next {
        who: Who::Channel,
        what,
        by: None,
    };
    let reason = || {
        let text = order.reason.clone()?;
        let prefix = format!("order {}: ", order.number);
        Some(
            text.strip_prefix(&prefix)
                .map_or(text.clone(), str::to_owned),
        )
    };
    if order.manual_hold {
        let why = (order.state == OrderState::Blocked || order.attention)
            .then(reason)
            .flatten();
        return you(
            why.unwrap_or_else(|| "release the order, or cancel it at the channel".into()),
            by,
        );
    }
    if order.state == OrderState::Creating {
        return lockstep("is creating the order in Shopify".into());
    }
    if let Some(due) = snapshot.awaits_acceptance.filter(|_| snapshot.sellers) {
        return match work.answer {
            Some(Answer::Accept) => lockstep("accepts the order in the next cycle".into()),
            Some(Answer::Refuse(_)) => lockstep("refuses the order in the next cycle".into()),
            None if work.answers && !order.attention && order.state == OrderState::Seen => {
                lockstep("answers the channel in the next cycle".into())
            }
            None => you("accept or refuse the order".into(), due.until.or(by)),
        };
    }
    if order.state == OrderState::Blocked {
        return you(
            reason().unwrap_or_else(|| "the order cannot be created".into()),
            by,
        );
    }
    if !snapshot.holds.is_empty() {
        return channel(format!("holds the order: {}", snapshot.holds.join(", ")));
    }
    match &snapshot.state {
        State::Held => return channel(format!("holds the order ({})", snapshot.native_state)),
        State::Other(word) => {
            return channel(format!(
                "says \"{word}\" of the order, which is not known here"
            ));
        }
        _ => {}
    }
    let held = |l: &&crate::model::Line| matches!(l.state, State::Held | State::Other(_));
    if let Some(line) = snapshot.lines.iter().find(held) {
        return channel(format!("holds line {} ({})", line.id, line.native_state));
    }
    if order.attention {
        return you(reason().unwrap_or_else(|| "look at the order".into()), by);
    }
    match reason().filter(|_| order.state == OrderState::Ready) {
        Some(why) => lockstep(format!("creates it in Shopify in the next cycle ({why})")),
        None => lockstep("creates it in Shopify in the next cycle".into()),
    }
}

/// Of an order that is being worked in Shopify.
fn created(work: Work<'_>, by: Option<Instant>) -> Next {
    let Work {
        order,
        units,
        parcels,
        ..
    } = work;
    let to = |who, what: String| Next {
        who,
        what,
        by: by.filter(|_| who != Who::Channel),
    };
    if order.attention {
        let text = (order.reason.clone()).unwrap_or_else(|| "look at the order".into());
        let prefix = format!("order {}: ", order.number);
        return to(
            Who::You,
            text.strip_prefix(&prefix).unwrap_or(&text).to_owned(),
        );
    }
    let begun = telling(parcels).or_else(|| cancelling(units));
    if let (Some(_), Some(todo)) = (&begun, work.standstill) {
        return to(Who::You, format!("{todo}; until then nothing is done"));
    }
    let unsettled = |p: &&ParcelRow| matches!(p.state, ParcelState::Refused | ParcelState::Doubt);
    if let Some(p) = parcels.iter().find(unsettled) {
        return to(
            Who::You,
            format!(
                "settle {} with the channel, or tell it again: {}",
                p.label(),
                p.reason
                    .as_deref()
                    .unwrap_or("the channel does not take it")
            ),
        );
    }
    let sold = by_unit(units);
    let how_many = |is: &dyn Fn(&UnitRow) -> bool| {
        (sold.iter())
            .filter(|pieces| pieces.iter().any(|u| is(u)))
            .count() as u32
    };
    let missing = how_many(&|u| u.channel_state == "open" && u.shop_state == "absent");
    if missing > 0 {
        return to(
            Who::You,
            format!(
                "see to {} that the Shopify order does not have: ship by hand, or cancel at the channel",
                counted(missing, "unit")
            ),
        );
    }
    let unpacked = how_many(&|u| u.channel_state == "open" && u.shop_state == "open");
    if unpacked > 0 {
        return to(
            Who::Warehouse,
            format!("pack {}", counted(unpacked, "unit")),
        );
    }
    let waiting: Vec<&ParcelRow> = (parcels.iter())
        .filter(|p| p.state == ParcelState::Waiting)
        .collect();
    if let Some(p) = waiting.iter().find(|p| p.tracking.is_none()) {
        return to(
            Who::Warehouse,
            format!(
                "add the tracking code to fulfillment {} in Shopify",
                p.short_id()
            ),
        );
    }
    if let Some(p) = waiting.first() {
        return to(Who::You, reasoned(&p.label(), p.reason.as_deref()));
    }
    let held = how_many(&|u| u.channel_state == "held");
    if held > 0 {
        return to(Who::Channel, format!("holds {}", counted(held, "unit")));
    }
    let odd = |l: &&crate::model::Line| matches!(l.state, State::Other(_));
    if let Some(line) = order.snapshot.lines.iter().find(odd) {
        return to(
            Who::Channel,
            format!(
                "says \"{}\" of line {}, which is not known here",
                line.native_state, line.id
            ),
        );
    }
    if let Some(what) = begun {
        return lockstep(what);
    }
    lockstep("closes the order in the next cycle".into())
}

/// Parcels that the host is about to tell.
fn telling(parcels: &[ParcelRow]) -> Option<String> {
    let under_way: Vec<&ParcelRow> = (parcels.iter())
        .filter(|p| {
            matches!(
                p.state,
                ParcelState::Ready
                    | ParcelState::Preparing
                    | ParcelState::Prepared
                    | ParcelState::Shipping
            )
        })
        .collect();
    match under_way.as_slice() {
        [] => (parcels.iter())
            .find(|p| p.state == ParcelState::Gathered)
            .map(|p| format!("tells {} with the last one of the order", p.label())),
        [one] => Some(format!(
            "tells the channel {} in the next cycle",
            one.label()
        )),
        many => Some(format!(
            "tells the channel {} parcels in the next cycle",
            many.len()
        )),
    }
}

/// Units that only one side has dropped.
fn cancelling(units: &[UnitRow]) -> Option<String> {
    if in_shop(units) != InShop::Nothing {
        return Some("cancels in Shopify what the channel has cancelled, in the next cycle".into());
    }
    let lines = at_channel(units);
    (!lines.is_empty())
        .then(|| "cancels at the channel what Shopify has cancelled, in the next cycle".to_owned())
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use crate::model::Carrier;
    use crate::sync::orders::samples as channel;

    pub(crate) fn at(hour: u32) -> Instant {
        format!("2026-03-09T{hour:02}:00:00Z").parse().unwrap()
    }

    /// An order of so many lines of one piece.
    pub(crate) fn order(state: OrderState, lines: usize) -> OrderRow {
        let line = |n: usize| channel::line(&n.to_string(), "A", "84.95");
        let snapshot = channel::order((1..=lines).map(line).collect());
        let made = matches!(state, OrderState::Created | OrderState::Closed);
        OrderRow {
            id: snapshot.id.clone(),
            number: snapshot.number.clone(),
            state,
            reason: None,
            attention: false,
            manual_hold: false,
            ship_by: Some(at(12)),
            shop_order: made.then(|| "gid://shopify/Order/1".into()),
            shop_name: made.then(|| "914002771".into()),
            created_at: made.then(|| at(1)),
            seen_at: at(0),
            snapshot,
        }
    }

    pub(crate) fn unit(line: usize, there: &str, here: &str, parcel: Option<&str>) -> UnitRow {
        UnitRow {
            line: line.to_string(),
            ordinal: 0,
            piece: 0,
            sku: Some("A".into()),
            listing: None,
            part: None,
            item: None,
            shop_line: (here != "absent").then(|| "L".into()),
            channel_state: there.into(),
            shop_state: here.into(),
            parcel: parcel.map(str::to_owned),
        }
    }

    pub(crate) fn parcel(id: &str, state: ParcelState) -> ParcelRow {
        ParcelRow {
            id: format!("gid://shopify/Fulfillment/{id}"),
            order: "601774".into(),
            number: 1,
            company: Some("Sendle".into()),
            tracking: Some(format!("CODE{id}")),
            tracking_url: None,
            carrier: Some(Carrier {
                code: None,
                name: Some("Sendle".into()),
                tracking_required: None,
                tracking_pattern: None,
                books_itself: None,
                usable: true,
            }),
            state,
            reason: None,
            attention: false,
            shipped_at: at(2),
        }
    }

    pub(crate) fn work<'a>(
        order: &'a OrderRow,
        units: &'a [UnitRow],
        parcels: &'a [ParcelRow],
    ) -> Work<'a> {
        Work {
            order,
            units,
            parcels,
            answer: None,
            answers: true,
            standstill: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{at, order, parcel, unit, work};
    use super::*;
    use crate::model::AcceptanceDue;

    const SECOND: &str = "gid://shopify/Fulfillment/2";

    fn said(work: Work<'_>) -> String {
        let next = next(work);
        format!("{}: {}", next.who.text(), next.what)
    }

    fn simply(order: &OrderRow) -> String {
        said(work(order, &[unit(1, "open", "absent", None)], &[]))
    }

    #[test]
    fn every_state_has_a_sentence() {
        let with = |state, reason: &str| {
            let mut o = order(state, 1);
            o.reason = Some(reason.into());
            o
        };
        for (o, sentence) in [
            (
                order(OrderState::Seen, 1),
                "Lockstep: creates it in Shopify in the next cycle",
            ),
            (
                order(OrderState::Ready, 1),
                "Lockstep: creates it in Shopify in the next cycle",
            ),
            (
                with(OrderState::Ready, "not sent: unavailable"),
                "Lockstep: creates it in Shopify in the next cycle (not sent: unavailable)",
            ),
            (
                order(OrderState::Creating, 1),
                "Lockstep: is creating the order in Shopify",
            ),
            (
                with(OrderState::Blocked, "no variant has the SKU \"A\"; give it"),
                "You: no variant has the SKU \"A\"; give it",
            ),
            (
                order(OrderState::Closed, 1),
                "Nobody: every unit is shipped or cancelled, on both sides",
            ),
            (
                with(OrderState::Cancelled, "every unit was cancelled"),
                "Nobody: every unit was cancelled",
            ),
            (
                with(OrderState::Ignored, "the marketplace ships it"),
                "Nobody: the marketplace ships it",
            ),
            // Released, and not looked at anew yet.
            (
                with(OrderState::Held, "held by the operator"),
                "Lockstep: creates it in Shopify in the next cycle",
            ),
        ] {
            assert_eq!(simply(&o), sentence, "{:?}", o.state);
        }
    }

    #[test]
    fn what_the_channel_holds_is_its_turn() {
        let mut o = order(OrderState::Held, 1);
        o.snapshot.holds = vec!["payment review".into()];
        assert_eq!(simply(&o), "The channel: holds the order: payment review");
        o.snapshot.holds.clear();
        o.snapshot.state = State::Held;
        assert_eq!(simply(&o), "The channel: holds the order (pending)");
        o.snapshot.state = State::Other("odd".into());
        assert!(simply(&o).starts_with("The channel: says \"odd\""));
        o.snapshot.state = State::Open;
        o.snapshot.lines[0].state = State::Held;
        assert_eq!(simply(&o), "The channel: holds line 1 (pending)");
    }

    #[test]
    fn a_person_releases_what_a_person_holds() {
        let mut o = order(OrderState::Held, 1);
        o.manual_hold = true;
        assert!(simply(&o).starts_with("You: release the order"));
        // One that was deleted says so.
        o.attention = true;
        o.reason = Some("order 914002771: deleted in Shopify".into());
        assert_eq!(simply(&o), "You: deleted in Shopify");
    }

    #[test]
    fn where_the_channel_asks_somebody_answers() {
        let mut o = order(OrderState::Seen, 1);
        o.snapshot.awaits_acceptance = Some(AcceptanceDue { until: Some(at(3)) });
        let units = [unit(1, "held", "absent", None)];
        let mut w = work(&o, &units, &[]);
        assert_eq!(said(w), "Lockstep: answers the channel in the next cycle");
        w.answers = false;
        assert_eq!(said(w), "You: accept or refuse the order");
        assert_eq!(next(w).by, Some(at(3)));
        let answer = Answer::Refuse(None);
        w.answer = Some(&answer);
        assert_eq!(said(w), "Lockstep: refuses the order in the next cycle");
        let mut o = o.clone();
        o.state = OrderState::Held;
        o.attention = true;
        assert_eq!(
            said(work(&o, &units, &[])),
            "You: accept or refuse the order"
        );
    }

    #[test]
    fn the_warehouse_packs_until_the_deadline() {
        let o = order(OrderState::Created, 3);
        let units = [
            unit(1, "open", "open", None),
            unit(2, "open", "open", None),
            unit(3, "shipped", "fulfilled", Some(SECOND)),
        ];
        let n = next(work(&o, &units, &[parcel("2", ParcelState::Done)]));
        assert_eq!((n.who, n.what.as_str()), (Who::Warehouse, "pack 2 units"));
        assert_eq!(n.by, Some(at(12)));
        assert!(late(&o, &units, at(13)) && !late(&o, &units, at(11)));
        assert_eq!(open_units(&o, &units), 2);
        // A bundle is one unit, however many pieces it has.
        let mut pieces = [unit(1, "open", "open", None), unit(1, "open", "open", None)];
        pieces[1].piece = 1;
        assert_eq!(said(work(&o, &pieces, &[])), "The warehouse: pack 1 unit");
        assert_eq!(open_units(&o, &pieces), 1);
    }

    #[test]
    fn a_parcel_says_whose_turn_it_is() {
        let o = order(OrderState::Created, 1);
        let units = [unit(1, "open", "fulfilled", Some(SECOND))];
        let with = |state, reason: Option<&str>, attention| {
            let mut p = parcel("2", state);
            p.reason = reason.map(str::to_owned);
            p.attention = attention;
            said(work(&o, &units, &[p]))
        };
        for state in [
            ParcelState::Ready,
            ParcelState::Preparing,
            ParcelState::Prepared,
            ParcelState::Shipping,
        ] {
            assert_eq!(
                with(state, None, false),
                "Lockstep: tells the channel parcel CODE2 in the next cycle"
            );
        }
        assert_eq!(
            with(ParcelState::Gathered, None, false),
            "Lockstep: tells parcel CODE2 with the last one of the order"
        );
        assert_eq!(
            with(
                ParcelState::Refused,
                Some("the channel refuses it: no"),
                true
            ),
            "You: parcel CODE2: the channel refuses it: no"
        );
        // Seen to, and still not told.
        for state in [ParcelState::Refused, ParcelState::Doubt] {
            assert_eq!(
                with(state, Some("no"), false),
                "You: settle parcel CODE2 with the channel, or tell it again: no"
            );
        }
        assert_eq!(
            with(ParcelState::Waiting, Some("no carrier fits"), true),
            "You: parcel CODE2: no carrier fits"
        );
        assert_eq!(
            with(ParcelState::Waiting, Some("it waits"), false),
            "You: parcel CODE2: it waits"
        );
        let mut codeless = parcel("2", ParcelState::Waiting);
        codeless.tracking = None;
        assert_eq!(
            said(work(&o, &units, &[codeless])),
            "The warehouse: add the tracking code to fulfillment 2 in Shopify"
        );
    }

    #[test]
    fn what_one_side_has_dropped_is_the_hosts_to_drop() {
        let o = order(OrderState::Created, 1);
        let one = |there, here| said(work(&o, &[unit(1, there, here, None)], &[]));
        assert_eq!(
            one("dropped", "open"),
            "Lockstep: cancels in Shopify what the channel has cancelled, in the next cycle"
        );
        assert_eq!(
            one("open", "removed"),
            "Lockstep: cancels at the channel what Shopify has cancelled, in the next cycle"
        );
        assert_eq!(one("held", "open"), "The channel: holds 1 unit");
        assert!(one("open", "absent").starts_with("You: see to 1 unit"));
        assert_eq!(
            one("shipped", "fulfilled"),
            "Lockstep: closes the order in the next cycle"
        );
        let mut alarmed = o.clone();
        alarmed.attention = true;
        alarmed.reason = Some("order 914002771: 1 x A is in a parcel".into());
        assert_eq!(
            said(work(
                &alarmed,
                &[unit(1, "dropped", "fulfilled", None)],
                &[]
            )),
            "You: 1 x A is in a parcel"
        );
    }

    #[test]
    fn of_a_channel_that_is_not_worked_nothing_is_promised() {
        let mut o = order(OrderState::Ready, 1);
        let units = [unit(1, "open", "absent", None)];
        let mut w = work(&o, &units, &[]);
        w.standstill = Some("set the channel going again");
        let sentence = "You: set the channel going again; until then nothing is done";
        assert_eq!(said(w), sentence);
        o.state = OrderState::Created;
        let parcels = [parcel("2", ParcelState::Ready)];
        let packed = [
            unit(1, "open", "fulfilled", Some(SECOND)),
            unit(2, "open", "open", None),
        ];
        let mut w = work(&o, &packed, &parcels);
        w.standstill = Some("set the channel going again");
        assert_eq!(said(w), sentence);
        // What the warehouse does needs no channel.
        w.parcels = &[];
        w.units = &packed[1..];
        assert_eq!(said(w), "The warehouse: pack 1 unit");
    }

    #[test]
    fn a_closed_order_can_have_trouble_left() {
        let o = order(OrderState::Closed, 1);
        let units = [unit(1, "shipped", "fulfilled", Some(SECOND))];
        let mut p = parcel("2", ParcelState::Done);
        p.attention = true;
        p.reason = Some("the tracking code was changed".into());
        let n = next(work(&o, &units, &[p]));
        assert_eq!(n.who, Who::You);
        assert_eq!(n.by, None);
        let again = parcel("2", ParcelState::Preparing);
        assert!(said(work(&o, &units, &[again])).starts_with("Lockstep: tells the channel"));
    }
}
