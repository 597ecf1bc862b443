//! What a person can do about an order now.

use serde::Serialize;
use utoipa::ToSchema;

use super::fulfillments::{contents, number_in};
use super::next::Work;
use crate::db::{OrderRow, OrderState, ParcelRow, ParcelState, UnitRow};
use crate::sync::acceptance::Answer;

/// Something that a person can do about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Say to the channel that the seller takes the order.
    Accept,
    /// Say to the channel that the seller does not take it.
    Refuse,
    /// Let a held order go.
    Release,
    /// Try again what was refused.
    Retry,
    /// Keep an order out of Shopify.
    Hold,
    /// Note that somebody has seen to it.
    Handled,
    /// Tell the channel a parcel again.
    Resend,
}

impl Act {
    /// The last part of its address.
    pub fn text(self) -> &'static str {
        match self {
            Act::Accept => "accept",
            Act::Refuse => "refuse",
            Act::Release => "release",
            Act::Retry => "retry",
            Act::Hold => "hold",
            Act::Handled => "handled",
            Act::Resend => "resend",
        }
    }

    /// On its button.
    pub fn label(self) -> &'static str {
        match self {
            Act::Accept => "Accept the order",
            Act::Refuse => "Refuse the order",
            Act::Release => "Release",
            Act::Retry => "Try again",
            Act::Hold => "Hold",
            Act::Handled => "Mark as handled",
            Act::Resend => "Tell again",
        }
    }
}

/// An act that makes sense now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Offer {
    /// Which.
    pub act: Act,
    /// The parcel it is about, by the number of its fulfillment.
    pub parcel: Option<String>,
    /// What it will do, in words.
    pub does: String,
}

/// Whether a parcel can be tried again: the channel refused it, or knows another code.
pub fn retried(parcel: &ParcelRow) -> bool {
    matches!(parcel.state, ParcelState::Refused | ParcelState::Doubt) && parcel.carrier.is_some()
}

/// Whether a parcel can be told again, or in words why it cannot.
pub fn resent(parcel: &ParcelRow, units: &[UnitRow], parcels: &[ParcelRow]) -> Result<(), String> {
    let label = parcel.label();
    if parcel.state == ParcelState::Withdrawn {
        return Err(format!("{label} was taken back in Shopify"));
    }
    if parcel.carrier.is_none() || parcel.state == ParcelState::Waiting {
        return Err(format!(
            "{label} cannot be told yet: {}",
            parcel.reason.as_deref().unwrap_or("it waits")
        ));
    }
    if contents(units, &parcel.id, &|id| number_in(id, parcels)).is_empty() {
        return Err(format!(
            "nothing of {label} is left to be told by itself: its units were cancelled, or are told with another parcel"
        ));
    }
    Ok(())
}

/// Whether an order can be held back, or in words why it cannot.
pub fn held_back(order: &OrderRow) -> Result<(), String> {
    let number = &order.number;
    match order.state {
        _ if order.shop_order.is_some() => Err(format!(
            "order {number} exists in Shopify already; hold its fulfillment there"
        )),
        OrderState::Creating => Err(format!(
            "order {number} is being created in Shopify; look again in a moment"
        )),
        state if state.finished() => Err(format!(
            "order {number} is {}: nothing of it goes to Shopify",
            state.text()
        )),
        _ => Ok(()),
    }
}

/// What makes sense now, what is most likely meant first.
pub fn offers(work: Work<'_>) -> Vec<Offer> {
    let Work {
        order,
        units,
        parcels,
        ..
    } = work;
    let mut found = Vec::new();
    let mut offer = |act, does: String| {
        found.push(Offer {
            act,
            parcel: None,
            does,
        });
    };
    let asked = order.snapshot.awaits_acceptance.is_some()
        && order.snapshot.sellers
        && order.shop_order.is_none()
        && !order.state.finished();
    if asked {
        if work.answer != Some(&Answer::Accept) {
            offer(
                Act::Accept,
                "Says yes to the channel in the next cycle; then the order goes to Shopify.".into(),
            );
        }
        if !matches!(work.answer, Some(Answer::Refuse(_))) {
            offer(
                Act::Refuse,
                "Says no to the channel in the next cycle. The channel tells the buyer.".into(),
            );
        }
    }
    if order.manual_hold {
        offer(
            Act::Release,
            "Lets it go to Shopify in the next cycle, if nothing else is in the way.".into(),
        );
    }
    let mut again = Vec::new();
    if order.state == OrderState::Blocked && !order.manual_hold {
        again.push("creating it in Shopify".to_owned());
    }
    again.extend(
        (parcels.iter().filter(|p| retried(p)))
            .map(|p| format!("telling the channel {}", p.label())),
    );
    if !again.is_empty() {
        offer(
            Act::Retry,
            format!(
                "Tries again in the next cycle: {}. Nothing is done twice: both sides are asked first.",
                again.join(", ")
            ),
        );
    }
    // A question is answered; having seen it is not enough.
    if (order.attention && !asked) || parcels.iter().any(|p| p.attention) {
        offer(
            Act::Handled,
            "Notes that you have seen to it, so that it no longer counts as needing you. Nothing else changes.".into(),
        );
    }
    if held_back(order).is_ok() && !order.manual_hold {
        offer(
            Act::Hold,
            "Keeps it out of Shopify until somebody releases it. Its units stay sold.".into(),
        );
    }
    for parcel in parcels {
        let stands = matches!(
            parcel.state,
            ParcelState::Done | ParcelState::Refused | ParcelState::Doubt
        );
        if stands && resent(parcel, units, parcels).is_ok() {
            found.push(Offer {
                act: Act::Resend,
                parcel: Some(parcel.short_id().to_owned()),
                does: "Asks the channel what it knows of this parcel, and tells it what is missing. A code that it has is never replaced.".into(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::next::samples::{order, parcel, unit, work};
    use super::*;
    use crate::model::AcceptanceDue;

    fn acts(work: Work<'_>) -> Vec<Act> {
        offers(work).iter().map(|o| o.act).collect()
    }

    #[test]
    fn only_what_makes_sense_is_offered() {
        let units = [unit(1, "open", "absent", None)];
        for (state, expected) in [
            (OrderState::Seen, vec![Act::Hold]),
            (OrderState::Held, vec![Act::Hold]),
            (OrderState::Ready, vec![Act::Hold]),
            (OrderState::Blocked, vec![Act::Retry, Act::Hold]),
            (OrderState::Creating, vec![]),
            (OrderState::Created, vec![]),
            (OrderState::Closed, vec![]),
            (OrderState::Cancelled, vec![]),
            (OrderState::Ignored, vec![]),
        ] {
            let o = order(state, 1);
            assert_eq!(acts(work(&o, &units, &[])), expected, "{state:?}");
            assert_eq!(held_back(&o).is_ok(), expected.contains(&Act::Hold));
        }
        let mut held = order(OrderState::Held, 1);
        held.manual_hold = true;
        held.attention = true;
        assert_eq!(acts(work(&held, &units, &[])), [Act::Release, Act::Handled]);
    }

    #[test]
    fn an_answer_can_be_changed_until_it_is_told() {
        let mut o = order(OrderState::Held, 1);
        o.snapshot.awaits_acceptance = Some(AcceptanceDue::default());
        let units = [unit(1, "held", "absent", None)];
        o.attention = true;
        let mut w = work(&o, &units, &[]);
        assert_eq!(acts(w), [Act::Accept, Act::Refuse, Act::Hold]);
        w.answer = Some(&Answer::Accept);
        assert_eq!(acts(w), [Act::Refuse, Act::Hold]);
        let refused = Answer::Refuse(Some("OOS".into()));
        w.answer = Some(&refused);
        assert_eq!(acts(w), [Act::Accept, Act::Hold]);
    }

    #[test]
    fn a_parcel_is_told_again_only_when_there_is_something_to_tell() {
        let o = order(OrderState::Created, 1);
        let id = "gid://shopify/Fulfillment/2";
        let units = [unit(1, "open", "fulfilled", Some(id))];
        let with = |state| {
            let p = [parcel("2", state)];
            acts(work(&o, &units, &p))
        };
        assert_eq!(with(ParcelState::Done), [Act::Resend]);
        assert_eq!(with(ParcelState::Refused), [Act::Retry, Act::Resend]);
        assert_eq!(with(ParcelState::Doubt), [Act::Retry, Act::Resend]);
        for state in [
            ParcelState::Waiting,
            ParcelState::Ready,
            ParcelState::Shipping,
            ParcelState::Gathered,
            ParcelState::Withdrawn,
        ] {
            assert_eq!(with(state), [], "{state:?}");
        }
        let p = [parcel("2", ParcelState::Done)];
        assert!(resent(&p[0], &units, &p).is_ok());
        // All of it was cancelled since: what is left to tell would be nothing.
        let dropped = [unit(1, "dropped", "fulfilled", Some(id))];
        assert!(
            resent(&p[0], &dropped, &p)
                .unwrap_err()
                .contains("is left to be told")
        );
        assert_eq!(acts(work(&o, &dropped, &p)), []);
        let offer = &offers(work(&o, &units, &p))[0];
        assert_eq!(offer.parcel.as_deref(), Some("2"));
    }
}
