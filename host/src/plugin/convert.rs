//! Between the contract's records and the host's own types. Text that must be an instant or an amount is read
//! strictly: what breaks the contract is named by field.

use rust_decimal::Decimal;

use super::bindings::types as wit;
use super::bindings::{
    acceptance::exports::lockstep::plugin::acceptance as wit_acceptance,
    cancellations::exports::lockstep::plugin::cancellations as wit_cancellations,
    fulfillments::exports::lockstep::plugin::fulfillments as wit_fulfillments,
    listings::exports::lockstep::plugin::listings as wit_listings,
    stock::exports::lockstep::plugin::stock as wit_stock,
    webhooks::exports::lockstep::plugin::webhooks as wit_webhooks,
};
use super::state::one_line;
use crate::model::{
    Account, Carrier, Drop, Fact, Fault, Hint, Instant, LineDecision, LineQuantity, Listing,
    ListingPage, ListingState, Money, ParcelOut, Reason, Rest, Sent, Settlement, StockOutcome,
    StockWrite, Subscription,
};
use crate::vault::Scrubber;

/// Longest text of a fault that is kept, in bytes.
const LONGEST_DETAIL: usize = 2_000;

/// A value that breaks the contract's rules: which field, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field {field}: {why}")]
pub(super) struct Broken {
    field: String,
    why: String,
}

pub(super) type Read<T> = Result<T, Broken>;

pub(super) fn broken<T>(field: &str, why: impl Into<String>) -> Read<T> {
    Err(Broken {
        field: field.to_owned(),
        why: why.into(),
    })
}

/// Tells where inside a record a field is, from the inside out.
pub(super) trait At {
    fn at(self, outer: &str) -> Self;
    fn at_index(self, list: &str, index: usize) -> Self;
}

impl<T> At for Read<T> {
    fn at(self, outer: &str) -> Self {
        self.map_err(|b| {
            let field = if b.field.is_empty() {
                outer.to_owned()
            } else {
                format!("{outer}.{}", b.field)
            };
            Broken { field, why: b.why }
        })
    }

    fn at_index(self, list: &str, index: usize) -> Self {
        match self {
            Err(_) => self.at(&format!("{list}[{index}]")),
            ok => ok,
        }
    }
}

/// RFC 3339 in UTC, to the millisecond.
pub(super) fn instant(text: &str) -> Read<Instant> {
    let bytes = text.as_bytes();
    let shape = bytes.len() >= 20
        && bytes.iter().take(19).enumerate().all(|(at, b)| match at {
            4 | 7 => *b == b'-',
            10 => matches!(b, b'T' | b't'),
            13 | 16 => *b == b':',
            _ => b.is_ascii_digit(),
        });
    let rest = if shape { &text[19..] } else { "" };
    let zone = rest.strip_prefix('.').map_or(rest, |fraction| {
        let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if zone.len() == fraction.len() {
            ""
        } else {
            zone
        }
    });
    let utc = matches!(zone, "Z" | "z" | "+00:00" | "-00:00");
    match text.parse::<Instant>() {
        Ok(parsed) if utc => {
            Ok(Instant::from_millisecond(parsed.as_millisecond()).unwrap_or(parsed))
        }
        _ => broken(
            "",
            format!(
                "\"{}\" is not an RFC 3339 time in UTC, as in 2026-03-08T23:41:07Z",
                one_line(text, 60)
            ),
        ),
    }
}

pub(super) fn optional_instant(text: Option<&String>) -> Read<Option<Instant>> {
    text.map(|t| instant(t)).transpose()
}

/// Decimal text with a dot, no grouping, an optional leading minus sign.
pub(super) fn decimal(text: &str) -> Read<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = [whole, fraction]
        .iter()
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    match Decimal::from_str_exact(text) {
        Ok(amount) if plain => Ok(amount),
        _ => broken(
            "",
            format!(
                "\"{}\" is not decimal text, as in 84.95",
                one_line(text, 60)
            ),
        ),
    }
}

pub(super) fn currency(code: &str) -> Read<String> {
    if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) {
        Ok(code.to_owned())
    } else {
        broken(
            "",
            format!(
                "\"{}\" is not an ISO 4217 code, as in AUD",
                one_line(code, 60)
            ),
        )
    }
}

pub(super) fn money(m: &wit::Money) -> Read<Money> {
    Ok(Money {
        amount: decimal(&m.amount).at("amount")?,
        currency: currency(&m.currency).at("currency")?,
    })
}

pub(super) fn optional_money(m: Option<&wit::Money>) -> Read<Option<Money>> {
    m.map(money).transpose()
}

pub(super) fn id(text: &str) -> Read<String> {
    if text.is_empty() {
        broken("", "is empty")
    } else {
        Ok(text.to_owned())
    }
}

pub(super) fn facts(facts: Vec<wit::Fact>) -> Vec<Fact> {
    facts
        .into_iter()
        .map(|f| Fact {
            key: f.key,
            value: f.value,
        })
        .collect()
}

pub(super) fn facts_out(facts: &[Fact]) -> Vec<wit::Fact> {
    facts
        .iter()
        .map(|f| wit::Fact {
            key: f.key.clone(),
            value: f.value.clone(),
        })
        .collect()
}

/// A plugin's fault. Its words are cut to a sensible length, and no secret is in them.
pub(super) fn fault(fault: wit::Fault, scrubber: &Scrubber) -> Fault {
    let text = |t: String| one_line(&scrubber.scrub(&t), LONGEST_DETAIL);
    match fault {
        wit::Fault::Auth(t) => Fault::Auth { detail: text(t) },
        wit::Fault::Throttled(b) => Fault::Throttled {
            retry_after_ms: b.retry_after_ms,
            detail: text(b.detail),
        },
        wit::Fault::Unavailable(b) => Fault::Unavailable {
            retry_after_ms: b.retry_after_ms,
            detail: text(b.detail),
        },
        wit::Fault::UnknownOutcome(t) => Fault::UnknownOutcome { detail: text(t) },
        wit::Fault::Rejected(r) => Fault::Rejected {
            code: r.code.map(text),
            detail: text(r.detail),
        },
        wit::Fault::Missing(t) => Fault::Missing { detail: text(t) },
        wit::Fault::Conflict(t) => Fault::Conflict { detail: text(t) },
        wit::Fault::Protocol(t) => Fault::Protocol { detail: text(t) },
        wit::Fault::Denied(t) => Fault::Denied { detail: text(t) },
        wit::Fault::Other(t) => Fault::Other { detail: text(t) },
    }
}

/// Whether the seller sends the goods.
pub(super) fn sellers(by: &wit::Fulfiller) -> bool {
    matches!(by, wit::Fulfiller::Seller | wit::Fulfiller::SellerToHub(_))
}

pub(super) fn account(a: wit::Account) -> Read<Account> {
    Ok(Account {
        id: id(&a.id).at("id")?,
        name: a.name,
        native_state: a.native_state,
        selling: a.selling,
        currency: a
            .currency
            .as_deref()
            .map(currency)
            .transpose()
            .at("currency")?,
    })
}

fn listing_state(state: wit::ListingState) -> ListingState {
    match state {
        wit::ListingState::Buyable => ListingState::Buyable,
        wit::ListingState::Unbuyable => ListingState::Unbuyable,
        wit::ListingState::Ended => ListingState::Ended,
        wit::ListingState::Pending => ListingState::Pending,
        wit::ListingState::Other(word) => ListingState::Other(word),
    }
}

fn listing(l: wit::Listing, who: &dyn std::fmt::Display) -> Read<Listing> {
    // A price is only shown: one that cannot be read must not stop the stock of its listing.
    let price = optional_money(l.price.as_ref())
        .at("price")
        .unwrap_or_else(|e| {
            tracing::warn!(
                "{who}: listing {}: {e}; the price is left out",
                one_line(&l.id, 100)
            );
            None
        });
    Ok(Listing {
        id: id(&l.id).at("id")?,
        parent: l.parent,
        sku: l.sku,
        title: l.title,
        state: listing_state(l.state),
        reasons: l.reasons,
        quantity: l.quantity,
        reserved: l.reserved,
        buyable: l.buyable,
        sellers: sellers(&l.fulfilled_by),
        price,
        facts: facts(l.facts),
    })
}

pub(super) fn listings(list: Vec<wit::Listing>, who: &dyn std::fmt::Display) -> Read<Vec<Listing>> {
    list.into_iter()
        .enumerate()
        .map(|(at, l)| listing(l, who).at_index("listings", at))
        .collect()
}

pub(super) fn listing_page(
    page: wit_listings::ListingPage,
    who: &dyn std::fmt::Display,
) -> Read<ListingPage> {
    Ok(ListingPage {
        listings: listings(page.listings, who)?,
        next: page.next,
        wait_ms: page.wait_ms,
    })
}

pub(super) fn level(write: &StockWrite) -> wit_stock::Level {
    wit_stock::Level {
        listing: write.listing.clone(),
        parent: write.parent.clone(),
        sku: write.sku.clone(),
        quantity: write.quantity,
        places: Vec::new(),
        facts: facts_out(&write.facts),
    }
}

fn outcome(o: wit_stock::Outcome, scrubber: &Scrubber) -> StockOutcome {
    match o {
        wit_stock::Outcome::Applied => StockOutcome::Applied,
        wit_stock::Outcome::Queued(ticket) => StockOutcome::Queued(ticket),
        wit_stock::Outcome::Failed(f) => StockOutcome::Failed(fault(f, scrubber)),
    }
}

/// Outcomes in the order of the levels: as many as there were.
pub(super) fn outcomes(
    list: Vec<wit_stock::Outcome>,
    levels: usize,
    scrubber: &Scrubber,
) -> Read<Vec<StockOutcome>> {
    if list.len() != levels {
        return broken("outcomes", format!("{} for {levels} levels", list.len()));
    }
    Ok(list.into_iter().map(|o| outcome(o, scrubber)).collect())
}

pub(super) fn settlement(s: wit_stock::Settlement, scrubber: &Scrubber) -> Settlement {
    let done = s.done.map(|d| {
        let listed = d
            .listed
            .into_iter()
            .map(|(listing, o)| (listing, outcome(o, scrubber)))
            .collect();
        let rest = match d.rest {
            wit_stock::Rest::Applied => Rest::Applied,
            wit_stock::Rest::Failed => Rest::Failed,
            wit_stock::Rest::Unknown => Rest::Unknown,
        };
        (listed, rest)
    });
    Settlement {
        done,
        poll_after_ms: s.poll_after_ms,
    }
}

pub(super) fn carriers(list: Vec<wit_fulfillments::CarrierEntry>) -> Vec<Carrier> {
    list.into_iter()
        .map(|e| Carrier {
            code: e.carrier.code,
            name: e.carrier.name,
            tracking_required: e.tracking_required,
            tracking_pattern: e.tracking_pattern,
            books_itself: e.books_itself,
            usable: e.usable,
        })
        .collect()
}

pub(super) fn parcel(p: &ParcelOut) -> wit_fulfillments::Parcel {
    wit_fulfillments::Parcel {
        id: p.id.clone(),
        number: p.number,
        last: p.last,
        order: p.order.clone(),
        lines: p
            .lines
            .iter()
            .map(|l| wit::Packed {
                line: l.line.clone(),
                quantity: l.quantity,
                marks: Vec::new(),
            })
            .collect(),
        carrier: wit::Carrier {
            code: p.carrier.code.clone(),
            name: p.carrier.name.clone(),
            url: None,
        },
        tracking: p.tracking.clone(),
        tracking_url: p.tracking_url.clone(),
        shipped_at: instant_out(p.shipped_at),
        ship_from: None,
        facts: Vec::new(),
    }
}

/// As the contract writes instants.
pub(super) fn instant_out(at: Instant) -> String {
    format!("{at:.3}")
}

pub(super) fn stage(stage: wit::Stage) -> String {
    match stage {
        wit::Stage::Created => "created".into(),
        wit::Stage::Packed => "packed".into(),
        wit::Stage::Ready => "ready".into(),
        wit::Stage::Shipped => "shipped".into(),
        wit::Stage::Delivered => "delivered".into(),
        wit::Stage::Cancelled => "cancelled".into(),
        wit::Stage::Other(word) => word,
    }
}

pub(super) fn sent(s: wit_fulfillments::Sent) -> Sent {
    Sent {
        reached: stage(s.reached),
        marketplace_id: s.marketplace_id,
        more: s.more,
    }
}

pub(super) fn packed(list: Vec<wit::Packed>) -> Vec<LineQuantity> {
    list.into_iter()
        .map(|p| LineQuantity {
            line: p.line,
            quantity: p.quantity,
        })
        .collect()
}

pub(super) fn reasons(list: Vec<wit_cancellations::ReasonEntry>) -> Vec<Reason> {
    list.into_iter()
        .map(|r| Reason {
            code: r.code,
            label: r.label,
            kind: match r.kind {
                wit_cancellations::ReasonKind::Cancel => "cancel".into(),
                wit_cancellations::ReasonKind::Refuse => "refuse".into(),
                wit_cancellations::ReasonKind::Refund => "refund".into(),
                wit_cancellations::ReasonKind::RejectReturn => "reject-return".into(),
                wit_cancellations::ReasonKind::Other(word) => word,
            },
            out_of_stock: r.out_of_stock,
            usable: r.usable,
        })
        .collect()
}

pub(super) fn drop_out(d: &Drop) -> wit_cancellations::Drop {
    wit_cancellations::Drop {
        id: d.id.clone(),
        order: d.order.clone(),
        line: d.line.clone(),
        quantity: d.quantity,
        paid: d.paid,
        goods: None,
        shipping: None,
        taxes: Vec::new(),
        charges: Vec::new(),
        reason: d.reason.clone(),
        refund_reason: d.refund_reason.clone(),
        note: d.note.clone(),
        answers: None,
    }
}

pub(super) fn decision(d: &LineDecision) -> wit_acceptance::Decision {
    wit_acceptance::Decision {
        line: d.line.clone(),
        accepted: d.accepted,
        quantity: d.quantity,
        reason: d.reason.clone(),
    }
}

pub(super) fn subscription(s: wit_webhooks::Subscription) -> Subscription {
    Subscription {
        id: s.id,
        url: s.url,
        events: s.events,
        enabled: s.enabled,
    }
}

pub(super) fn hint(h: wit_webhooks::Hint) -> Hint {
    match h {
        wit_webhooks::Hint::Order(id) => Hint::Order(id),
        wit_webhooks::Hint::ListingSku(sku) => Hint::ListingSku(sku),
        wit_webhooks::Hint::Channel => Hint::Channel,
        wit_webhooks::Hint::Nothing => Hint::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_strictly() {
        for (text, expected) in [
            ("2026-03-08T23:41:07Z", "2026-03-08T23:41:07Z"),
            ("2026-03-08T23:41:07.1239Z", "2026-03-08T23:41:07.123Z"),
            ("2026-03-08T23:41:07+00:00", "2026-03-08T23:41:07Z"),
            ("2026-03-08t23:41:07z", "2026-03-08T23:41:07Z"),
        ] {
            assert_eq!(instant(text).unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            "2026-03-08",
            "2026-03-08 23:41:07",
            "2026-03-08 23:41:07Z",
            "2026-03-08T23:41Z",
            "2026-03-08T23:41:07",
            "2026-03-08T23:41:07.Z",
            "2026-03-08T23:41:07+10:00",
            "2026-03-08T23:41:07Z[UTC]",
            "2026-02-30T23:41:07Z",
            "20260308T234107Z",
            "2026-03-08T23:41:0\u{e9}Z",
            "1741477267",
            "yesterday",
        ] {
            assert!(instant(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_read_strictly() {
        for text in ["84.95", "0", "-3.10", "20.0", "007"] {
            assert_eq!(
                decimal(text).unwrap(),
                text.parse::<Decimal>().unwrap(),
                "{text}"
            );
        }
        for text in [
            "",
            "-",
            ".5",
            "5.",
            "1,5",
            "1_000",
            "+1",
            "1e3",
            " 1",
            "1 ",
            "--1",
            "1.2.3",
            "NaN",
            "99999999999999999999999999999999",
            "0.12345678901234567890123456789012",
        ] {
            assert!(decimal(text).is_err(), "{text}");
        }
        assert!(
            currency("AUD").is_ok()
                && currency("aud").is_err()
                && currency("AU$").is_err()
                && currency("").is_err()
        );
    }

    #[test]
    fn a_broken_field_is_named_from_the_outside_in() {
        let bad = wit::Money {
            amount: "1,50".into(),
            currency: "AUD".into(),
        };
        let error = money(&bad)
            .map(drop)
            .at("paid-unit")
            .at_index("lines", 2)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "field lines[2].paid-unit.amount: \"1,50\" is not decimal text, as in 84.95"
        );
    }

    #[test]
    fn a_fault_is_scrubbed_and_cut() {
        let scrubber = Scrubber::default();
        scrubber.learn(&"hunter-2-secret".to_owned().into());
        let told = fault(
            wit::Fault::Other(format!("hunter-2-secret\n{}", "x".repeat(10_000))),
            &scrubber,
        );
        let text = told.to_string();
        assert!(
            text.starts_with("[secret] x") && text.len() < 2_100,
            "{}",
            text.len()
        );
    }
}
