//! A connector that shows the host what reached it. Its twins in the other languages answer exactly the same.

mod asked;
mod order;

use lockstep_sdk::acceptance::Decision;
use lockstep_sdk::bindings::base::lockstep::plugin::session;
use lockstep_sdk::cancellations::{Drop, Dropped, ReasonEntry, ReasonKind};
use lockstep_sdk::fulfillments::{CarrierEntry, Parcel, Sent};
use lockstep_sdk::listings::ListingPage;
use lockstep_sdk::orders::OrderPage;
use lockstep_sdk::prelude::*;
use lockstep_sdk::stock::{Level, Outcome, Rest, Settled, Settlement};
use lockstep_sdk::webhooks::{Header, Hint, Subscription};

use order::{at, fulfiller, money, order, stage};

/// The greatest number that the bindings of every language give back unharmed.
const MOST: u32 = i32::MAX as u32;
/// When what was asked for by id was placed.
const PLACED: &str = "2026-03-08T23:41:07.123Z";

struct Mirror;

connector!(Mirror: about, listings, stock, orders, acceptance, fulfillments, cancellations, webhooks);

/// What is not there is a dash.
fn or_dash(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("-")
}

fn told(facts: &[Fact]) -> String {
    let pairs: Vec<_> = facts
        .iter()
        .map(|f| format!("{}={}", f.key, f.value))
        .collect();
    pairs.join(",")
}

/// The fault that the setting asks for.
fn stumble(cx: Cx<'_>) -> Result<(), Fault> {
    let case = cx.setting("fault").unwrap_or_default();
    let words = format!("Zoë was told: {case}");
    let backoff = |retry_after_ms| Backoff {
        retry_after_ms,
        detail: words.clone(),
    };
    Err(match case.as_str() {
        "" => return Ok(()),
        "auth" => Fault::Auth(words),
        "throttled" => Fault::Throttled(backoff(Some(1_500))),
        "unavailable" => Fault::Unavailable(backoff(None)),
        "unknown-outcome" => Fault::UnknownOutcome(words),
        "rejected" => Fault::reject_as("E063", words),
        "missing" => Fault::Missing(words),
        "conflict" => Fault::Conflict(words),
        "protocol" => Fault::Protocol(words),
        "denied" => Fault::Denied(words),
        _ => Fault::Other(words),
    })
}

impl About for Mirror {
    fn identify(cx: Cx<'_>) -> Result<Account, Fault> {
        stumble(cx)?;
        for (level, word) in [
            (session::Level::Debug, "debug"),
            (session::Level::Info, "info"),
            (session::Level::Warn, "warn"),
            (session::Level::Error, "error"),
        ] {
            session::log(level, word);
        }
        let settings = ["number", "flag", "unset"].map(|key| or_dash(&cx.setting(key)).to_owned());
        Ok(Account {
            id: cx.channel(),
            name: asked::each().join("; "),
            native_state: Some(format!(
                "{}; {}",
                asked::together().join("; "),
                settings.join(" ")
            )),
            selling: Some(
                session::now().len() == PLACED.len() && session::random_bytes(16).len() == 16,
            ),
            currency: cx.setting("currency"),
            facts: vec![Fact::new("language", "any")],
        })
    }
}

fn listing(n: u32, stock: bool) -> Listing {
    let some = n.is_multiple_of(2);
    let text = |text: &str| some.then(|| text.to_owned());
    Listing {
        id: n.to_string(),
        parent: text("parent"),
        sku: text("SKU-é"),
        product: text("product"),
        barcodes: vec!["9300000000001".into(), "9300000000002".into()],
        title: format!("Zoë's tee {n} €"),
        state: match n % 5 {
            0 => ListingState::Buyable,
            1 => ListingState::Unbuyable,
            2 => ListingState::Ended,
            3 => ListingState::Pending,
            _ => ListingState::Other("resting".into()),
        },
        native_state: text("native"),
        reasons: vec!["no picture".into(), "no price".into()],
        quantity: stock.then_some(MOST - n),
        reserved: stock.then_some(n),
        buyable: some.then_some(i32::MIN),
        places: vec![Place {
            location: "Botany".into(),
            quantity: 3,
        }],
        fulfilled_by: fulfiller(n),
        price: some.then(|| money("-12.50")),
        lot: some.then_some(2),
        least: some.then_some(3),
        most: some.then_some(4),
        sites: vec!["AU".into(), "NZ".into()],
        updated_at: at(some, PLACED),
        facts: vec![Fact::new("n", n.to_string())],
    }
}

impl Listings for Mirror {
    fn page(cx: Cx<'_>, cursor: Option<String>, stock: bool) -> Result<ListingPage, Fault> {
        stumble(cx)?;
        Ok(match cursor {
            None => ListingPage {
                listings: (0..5).map(|n| listing(n, stock)).collect(),
                next: Some("again".into()),
                wait_ms: None,
            },
            Some(cursor) => ListingPage {
                listings: vec![Listing {
                    id: cursor,
                    ..listing(1, stock)
                }],
                next: None,
                wait_ms: Some(250),
            },
        })
    }

    fn by_id(cx: Cx<'_>, ids: Vec<String>) -> Result<Vec<Listing>, Fault> {
        stumble(cx)?;
        Ok(ids
            .into_iter()
            .map(|id| Listing {
                id,
                ..listing(0, true)
            })
            .collect())
    }

    fn by_sku(cx: Cx<'_>, skus: Vec<String>) -> Result<Vec<Listing>, Fault> {
        stumble(cx)?;
        Ok(skus
            .into_iter()
            .map(|sku| Listing {
                sku: Some(sku),
                ..listing(0, true)
            })
            .collect())
    }
}

impl Stock for Mirror {
    fn push(cx: Cx<'_>, levels: Vec<Level>) -> Result<Vec<Outcome>, Fault> {
        stumble(cx)?;
        let outcome = |level: Level| {
            let echo = format!(
                "{}|{}|{}|{}|{}|{}",
                level.listing,
                or_dash(&level.parent),
                or_dash(&level.sku),
                level.quantity,
                level.places.len(),
                told(&level.facts),
            );
            match level.quantity {
                0 => Outcome::Applied,
                1 => Outcome::Queued(echo),
                2 => Outcome::Failed(Fault::Missing(echo)),
                _ => Outcome::Failed(Fault::reject(echo)),
            }
        };
        Ok(levels.into_iter().map(outcome).collect())
    }

    fn settle(cx: Cx<'_>, ticket: String) -> Result<Settlement, Fault> {
        stumble(cx)?;
        let rest = match ticket.as_str() {
            "wait" => {
                return Ok(Settlement {
                    done: None,
                    poll_after_ms: Some(30_000),
                });
            }
            "applied" => Rest::Applied,
            "failed" => Rest::Failed,
            _ => Rest::Unknown,
        };
        let listed = vec![
            (ticket, Outcome::Applied),
            ("later".into(), Outcome::Queued("again".into())),
            ("never".into(), Outcome::Failed(Fault::Denied("no".into()))),
        ];
        Ok(Settlement {
            done: Some(Settled { listed, rest }),
            poll_after_ms: None,
        })
    }
}

impl Orders for Mirror {
    fn changed(cx: Cx<'_>, since: String, cursor: Option<String>) -> Result<OrderPage, Fault> {
        stumble(cx)?;
        Ok(match cursor {
            None => OrderPage {
                orders: vec![order("0", &since), order("1", &since)],
                next: Some("2".into()),
                wait_ms: Some(1_000),
            },
            Some(cursor) => OrderPage {
                orders: vec![order(&cursor, &since)],
                next: None,
                wait_ms: None,
            },
        })
    }

    fn by_id(cx: Cx<'_>, ids: Vec<String>) -> Result<Vec<Order>, Fault> {
        stumble(cx)?;
        let known = ids.iter().filter(|id| *id != "gone");
        Ok(known.map(|id| order(id, PLACED)).collect())
    }
}

impl Acceptance for Mirror {
    fn decide(cx: Cx<'_>, order: String, decisions: Vec<Decision>) -> Result<(), Fault> {
        stumble(cx)?;
        let echo: Vec<_> = (decisions.iter())
            .map(|d| {
                format!(
                    "{}|{}|{}|{}",
                    d.line,
                    d.accepted,
                    d.quantity,
                    or_dash(&d.reason)
                )
            })
            .collect();
        match order.as_str() {
            "fine" => Ok(()),
            _ => Err(Fault::Conflict(format!("{order}: {}", echo.join("; ")))),
        }
    }
}

impl Fulfillments for Mirror {
    fn carriers(cx: Cx<'_>) -> Result<Vec<CarrierEntry>, Fault> {
        stumble(cx)?;
        let carrier = Carrier {
            code: Some("AP".into()),
            name: Some("Österreichische Post".into()),
            url: Some("https://post.example".into()),
        };
        Ok(vec![
            CarrierEntry {
                carrier,
                tracking_required: Some(true),
                tracking_pattern: Some("^[A-Z]+$".into()),
                books_itself: Some(false),
                usable: true,
            },
            CarrierEntry {
                carrier: Carrier::default(),
                tracking_required: None,
                tracking_pattern: None,
                books_itself: None,
                usable: false,
            },
        ])
    }

    fn prepare(cx: Cx<'_>, parcel: Parcel) -> Result<Sent, Fault> {
        stumble(cx)?;
        let lines: Vec<_> = (parcel.lines.iter())
            .map(|p| format!("{} x {} [{}]", p.quantity, p.line, told(&p.marks)))
            .collect();
        let echo = [
            parcel.id.as_str(),
            &parcel.number.to_string(),
            &parcel.last.to_string(),
            &parcel.order,
            &lines.join(", "),
            or_dash(&parcel.carrier.code),
            or_dash(&parcel.carrier.name),
            or_dash(&parcel.carrier.url),
            or_dash(&parcel.tracking),
            or_dash(&parcel.tracking_url),
            &parcel.shipped_at,
            or_dash(&parcel.ship_from),
            &told(&parcel.facts),
        ];
        Ok(Sent {
            reached: stage(parcel.number),
            marketplace_id: Some(echo.join("|")),
            more: !parcel.last,
        })
    }

    fn ship(cx: Cx<'_>, parcel: Parcel) -> Result<Sent, Fault> {
        stumble(cx)?;
        Ok(Sent {
            reached: Stage::Shipped,
            marketplace_id: parcel.tracking,
            more: parcel.last,
        })
    }
}

impl Cancellations for Mirror {
    fn reasons(cx: Cx<'_>) -> Result<Vec<ReasonEntry>, Fault> {
        stumble(cx)?;
        let kinds = [
            ReasonKind::Cancel,
            ReasonKind::Refuse,
            ReasonKind::Refund,
            ReasonKind::RejectReturn,
            ReasonKind::Other("whim".into()),
        ];
        let entry = |(n, kind)| ReasonEntry {
            code: format!("C{n}"),
            label: format!("Reason {n}"),
            kind,
            out_of_stock: [Some(true), Some(false), None][n % 3],
            usable: n % 2 == 0,
        };
        Ok(kinds.into_iter().enumerate().map(entry).collect())
    }

    fn cancel(cx: Cx<'_>, drops: Vec<Drop>) -> Result<Dropped, Fault> {
        stumble(cx)?;
        let packed = |d: Drop| {
            let nothing = d.goods.is_none()
                && d.shipping.is_none()
                && d.taxes.is_empty()
                && d.charges.is_empty();
            let words = [
                &d.reason,
                or_dash(&d.refund_reason),
                or_dash(&d.note),
                or_dash(&d.answers),
            ]
            .join("|");
            Packed {
                line: format!(
                    "{}|{}|{}|{}|{nothing}|{words}",
                    d.id, d.order, d.line, d.paid
                ),
                quantity: d.quantity,
                marks: vec![Fact::new("drop", d.id)],
            }
        };
        Ok(Dropped {
            lines: drops.into_iter().map(packed).collect(),
        })
    }
}

impl Webhooks for Mirror {
    fn list(cx: Cx<'_>) -> Result<Vec<Subscription>, Fault> {
        stumble(cx)?;
        let subscription = |n: u32| Subscription {
            id: format!("S{n}"),
            url: format!("https://shop.example/{n}"),
            events: (0..n).map(|e| format!("event {e}")).collect(),
            enabled: n == 2,
        };
        Ok(vec![subscription(0), subscription(2)])
    }

    fn ensure(cx: Cx<'_>, url: String) -> Result<Subscription, Fault> {
        stumble(cx)?;
        Ok(Subscription {
            id: "S9".into(),
            url,
            events: vec!["all".into()],
            enabled: true,
        })
    }

    fn remove(cx: Cx<'_>, id: String) -> Result<(), Fault> {
        stumble(cx)?;
        if id == "S9" {
            Ok(())
        } else {
            Err(Fault::Missing(id))
        }
    }

    fn parse(cx: Cx<'_>, headers: Vec<Header>, body: Vec<u8>) -> Result<Vec<Hint>, Fault> {
        stumble(cx)?;
        let headers: Vec<_> = headers
            .iter()
            .map(|h| format!("{}: {}", h.name, h.value))
            .collect();
        let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(vec![
            Hint::Order(headers.join(", ")),
            Hint::ListingSku(hex),
            Hint::Channel,
            Hint::Nothing,
        ])
    }
}
