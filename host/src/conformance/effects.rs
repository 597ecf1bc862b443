//! What writes do, counted from the marketplace's side.

use std::collections::BTreeMap;

use lockstep_kit::Fault as Misfortune;

use super::book::{Book, Case};
use super::call::Call;
use super::day::{drops, level, parcel, ready, ticket};
use super::replay::TRAPS;
use super::stand_in::Effects;
use super::suite::{Live, Suite};
use crate::model::{Fault, Listing, Order, ParcelOut};

const PARCEL_ONCE: &str = "same-parcel-one-effect";
const CANCEL_ONCE: &str = "same-cancellation-one-effect";
const PARCEL_FOUND: &str = "lost-parcel-is-found";
const CANCEL_FOUND: &str = "lost-cancellation-is-found";
const STOCK_FOUND: &str = "lost-stock-is-found";
const EMPTY: &str = "empty-batch";
const ZERO: &str = "zero-stock";
const FULL: &str = "full-batch";
const UNICODE: &str = "unicode-sku";

/// A SKU as merchants make them: letters of three scripts, a blank, a fraction, a sign beyond the first plane.
const SKU: &str = "KS-Größe 38½ 青い-🐋";

pub(super) const CASES: &[Case] = &[
    Case {
        name: PARCEL_ONCE,
        meaning: "A parcel that is told twice is one parcel at the marketplace.",
        remedy: "Look at what is already done before writing, or give the marketplace the parcel's `id` as its key.",
    },
    Case {
        name: CANCEL_ONCE,
        meaning: "Units that are cancelled twice under one key are cancelled once.",
        remedy: "Look at what is already cancelled before writing, or give the marketplace the drop's `id` as its key.",
    },
    Case {
        name: PARCEL_FOUND,
        meaning: "When the answer to a parcel gets lost, the host finds it in the order, and telling it again ships nothing twice.",
        remedy: "Tell parcels, tracking codes and shipped units in `orders.by-id`, and make a repeat of `prepare` and `ship` do only what is left.",
    },
    Case {
        name: CANCEL_FOUND,
        meaning: "When the answer to a cancellation gets lost, the host finds it in the order, and cancels nothing twice.",
        remedy: "Tell cancelled units in `orders.by-id`.",
    },
    Case {
        name: STOCK_FOUND,
        meaning: "When the answer to a stock write gets lost, the host reads the number back, and writing it again is harmless.",
        remedy: "Tell in `listings.by-id` the number that `push` sets, and write absolute numbers.",
    },
    Case {
        name: EMPTY,
        meaning: "Nothing to do does nothing.",
        remedy: "Answer an empty list to an empty list, without a request.",
    },
    Case {
        name: ZERO,
        meaning: "What is sold out can no longer be bought.",
        remedy: "Write 0 as any other number; leave no row out.",
    },
    Case {
        name: FULL,
        meaning: "As many levels as the manifest says go out in one call.",
        remedy: "Split the levels where the marketplace takes fewer in a request, or lower [stock] batch in the manifest.",
    },
    Case {
        name: UNICODE,
        meaning: "SKUs are matched letter for letter, whatever is in them.",
        remedy: "Pass SKUs on byte for byte, and encode them in queries.",
    },
];

pub(super) async fn run(suite: &mut Suite, book: &mut Book) -> anyhow::Result<()> {
    let Some(live) = &suite.live else {
        return Ok(());
    };
    let desk = Desk { suite, live };
    let can = |capability: &str| suite.exports(capability);
    if can("fulfillments") && can("orders") {
        desk.tell("the same parcel twice");
        desk.parcel_twice(book).await?;
        desk.tell("a parcel whose answer is lost");
        desk.parcel_lost(book).await?;
    }
    if can("cancellations") && can("orders") {
        desk.tell("the same cancellation twice");
        desk.cancel_twice(book).await?;
        desk.tell("a cancellation whose answer is lost");
        desk.cancel_lost(book).await?;
    }
    desk.tell("empty batches");
    desk.empty(book).await;
    if can("stock") && can("listings") {
        desk.tell("stock");
        desk.stock(book).await?;
    }
    if can("listings") {
        desk.tell("an unusual SKU");
        desk.unicode(book).await?;
    }
    Ok(())
}

struct Desk<'a> {
    suite: &'a Suite,
    live: &'a Live,
}

impl Desk<'_> {
    fn tell(&self, what: &str) {
        (self.suite.tell)(&format!("effects at {}: {what}", self.live.stand_in.name()));
    }

    /// A new order that may be shipped, of two units of one SKU.
    async fn order(&self) -> anyhow::Result<Option<Order>> {
        let skus = self.live.stand_in.skus();
        let sku = skus.get(4).or(skus.first()).cloned().unwrap_or_default();
        self.live.stand_in.set_quantity(&sku, 50);
        let id = self.live.stand_in.buy(&[(&sku, 2)], 5)?;
        Ok(ready(self.live, &[id]).await.into_iter().next())
    }

    fn effects(&self, order: &Order) -> Effects {
        self.live.stand_in.effects(&order.id).unwrap_or_default()
    }

    /// Tells a parcel wholly; the first fault.
    async fn send(&self, parcel: &ParcelOut) -> Option<Fault> {
        match self.live.connector.prepare(parcel).await {
            Ok(sent) if sent.more => self.live.connector.ship(parcel).await.err(),
            Ok(_) => None,
            Err(fault) => Some(fault),
        }
    }

    async fn parcel_twice(&self, book: &mut Book) -> anyhow::Result<()> {
        let Some(order) = self.order().await? else {
            return Ok(());
        };
        let Some(parcel) = parcel(&self.live.connector, &order, "twice").await else {
            return Ok(());
        };
        if let Some(fault) = self.send(&parcel).await {
            book.skip(
                PARCEL_ONCE,
                &format!("the parcel could not be told once: {fault}"),
            );
            return Ok(());
        }
        let once = self.effects(&order);
        let again = self.send(&parcel).await;
        let twice = self.effects(&order);
        let why = if twice != once {
            Some(format!("after once: {once:?}; after twice: {twice:?}"))
        } else {
            again
                .filter(|f| !matches!(f, Fault::Conflict { .. }))
                .map(|f| format!("the repeat fails: {} ({f})", f.case()))
        };
        book.note(PARCEL_ONCE, why);
        Ok(())
    }

    /// Loses the answer of each write of telling a parcel, one parcel for each.
    async fn parcel_lost(&self, book: &mut Book) -> anyhow::Result<()> {
        for after in 0..3 {
            let Some(order) = self.order().await? else {
                return Ok(());
            };
            let Some(parcel) = parcel(&self.live.connector, &order, "lost").await else {
                return Ok(());
            };
            self.live.recorder.take();
            self.live.recorder.strike(after, Misfortune::Lost);
            let first = self.send(&parcel).await;
            let struck = self.live.recorder.calm();
            if !struck {
                // There are no so many writes.
                break;
            }
            let place = format!("write {} of a parcel", after + 1);
            self.not_broken(&first, book);
            let before = serde_json::to_value(&order)?;
            let seen = self.read(&order).await;
            let shows = seen.as_ref().is_some_and(|o| {
                serde_json::to_value(&o.lines).ok() != before.get("lines").cloned()
                    || o.parcels != order.parcels
            });
            if !shows {
                book.fail(
                    PARCEL_FOUND,
                    format!("{place} was carried out, its answer lost; orders.by-id tells the order as before"),
                );
            }
            let again = self.send(&parcel).await;
            let end = self.effects(&order);
            let whole = Effects {
                told: 2,
                parcels: 1,
                cancelled: 0,
            };
            let why = if end != whole {
                Some(format!(
                    "{place} was lost and the parcel told again: expected {whole:?}, got {end:?}"
                ))
            } else {
                again
                    .filter(|f| !matches!(f, Fault::Conflict { .. }))
                    .map(|f| format!("{place} was lost; the repeat fails: {} ({f})", f.case()))
            };
            book.note(PARCEL_FOUND, why);
        }
        Ok(())
    }

    async fn cancel_twice(&self, book: &mut Book) -> anyhow::Result<()> {
        let Some(order) = self.order().await? else {
            return Ok(());
        };
        let Some(drops) = drops(&self.live.connector, &order, "twice").await else {
            return Ok(());
        };
        if let Err(fault) = self.live.connector.cancel(&drops).await {
            book.skip(
                CANCEL_ONCE,
                &format!("the unit could not be cancelled once: {fault}"),
            );
            return Ok(());
        }
        if !self.live.stand_in.knows_cancellations() {
            let why = "this marketplace has no key for cancellations: the host looks before it repeats one";
            book.skip(CANCEL_ONCE, why);
            return Ok(());
        }
        let once = self.effects(&order);
        let again = self.live.connector.cancel(&drops).await.err();
        let twice = self.effects(&order);
        let why = if once != twice {
            Some(format!("after once: {once:?}; after twice: {twice:?}"))
        } else {
            again
                .filter(|f| !matches!(f, Fault::Conflict { .. } | Fault::Rejected { .. }))
                .map(|f| format!("the repeat fails: {} ({f})", f.case()))
        };
        book.note(CANCEL_ONCE, why);
        Ok(())
    }

    async fn cancel_lost(&self, book: &mut Book) -> anyhow::Result<()> {
        let Some(order) = self.order().await? else {
            return Ok(());
        };
        let Some(drops) = drops(&self.live.connector, &order, "lost").await else {
            return Ok(());
        };
        self.live.recorder.strike(0, Misfortune::Lost);
        let first = self.live.connector.cancel(&drops).await.err();
        if !self.live.recorder.calm() {
            book.skip(
                CANCEL_FOUND,
                "cancelling sent no request that is marked as a write",
            );
            return Ok(());
        }
        self.not_broken(&first, book);
        let lost = self.effects(&order);
        let seen = self.read(&order).await;
        let gone: u32 = (seen.iter().flat_map(|o| &o.lines))
            .map(crate::model::Line::dropped_units)
            .sum();
        if gone != lost.cancelled {
            book.fail(
                CANCEL_FOUND,
                format!(
                    "{} units are cancelled at the marketplace; orders.by-id tells {gone}",
                    lost.cancelled
                ),
            );
        }
        // The host repeats nothing that it finds.
        book.note(
            CANCEL_FOUND,
            (lost.cancelled != 1)
                .then(|| format!("1 unit was to be cancelled; {} are", lost.cancelled)),
        );
        Ok(())
    }

    async fn read(&self, order: &Order) -> Option<Order> {
        let ids = [order.id.clone()];
        let read = self.live.connector.orders_by_id(&ids).await;
        read.ok()?.into_iter().next()
    }

    fn not_broken(&self, fault: &Option<Fault>, book: &mut Book) {
        if let Some(Fault::Plugin { detail }) = fault {
            book.fail(TRAPS, detail.clone());
        }
    }

    async fn empty(&self, book: &mut Book) {
        let calls = [
            ("listings", Call::ListingsById { ids: vec![] }),
            ("listings", Call::ListingsBySku { skus: vec![] }),
            ("orders", Call::OrdersById { ids: vec![] }),
            ("stock", Call::Push { levels: vec![] }),
            ("cancellations", Call::Cancel { drops: vec![] }),
        ];
        for (capability, call) in calls {
            if !self.suite.exports(capability) {
                continue;
            }
            self.live.recorder.take();
            let told = call.run(&self.live.connector).await;
            let writes = (self.live.recorder.take().exchanges.iter()).any(|e| e.request.writes);
            // Whether cancelling nothing is an error is for the connector to say.
            let fine = told.fault.is_none() || matches!(call, Call::Cancel { .. });
            let why = match &told.fault {
                Some(fault @ Fault::Plugin { .. }) => Some(format!("{fault}")),
                _ if !fine => Some(told.shown()),
                _ if told.rows.unwrap_or(0) > 0 => Some(told.shown()),
                _ if writes => Some("it sent a write".into()),
                _ => None,
            };
            let name = call.name();
            book.note(EMPTY, why.map(|why| format!("{name} of nothing: {why}")));
        }
    }

    /// The listings of SKUs, by SKU.
    async fn listings(&self, skus: &[String]) -> BTreeMap<String, Listing> {
        let found = self.live.connector.listings_by_sku(skus).await;
        (found.unwrap_or_default().into_iter())
            .filter_map(|l| Some((l.sku.clone()?, l)))
            .collect()
    }

    /// Writes numbers and waits until they are worked off; the first fault.
    async fn push(&self, numbers: &[(&Listing, u32)]) -> Option<Fault> {
        let levels = numbers.iter().map(|(l, n)| level(l, *n)).collect();
        let told = Call::Push { levels }.run(&self.live.connector).await;
        self.live.stand_in.settle();
        if let Some(ticket) = ticket(&told) {
            let _ = self.live.connector.stock_settle(&ticket).await;
        }
        told.fault
    }

    async fn stock(&self, book: &mut Book) -> anyhow::Result<()> {
        let batch = self.suite.plugin.manifest().stock_batch();
        let skus: Vec<String> = self.live.stand_in.skus().into_iter().take(batch).collect();
        let found = self.listings(&skus).await;
        let (Some((sku, one)), held) = (found.iter().next(), |sku: &str| {
            self.live.stand_in.quantity(sku)
        }) else {
            return Ok(());
        };
        let fault = self.push(&[(one, 0)]).await;
        let now = held(sku);
        let why = match fault {
            Some(fault) => Some(format!("{} ({fault})", fault.case())),
            None => (now != Some(0))
                .then(|| format!("0 was written to {sku}; the marketplace holds {now:?}")),
        };
        book.note(ZERO, why);

        let numbers: Vec<(&Listing, u32)> = (found.values().enumerate())
            .map(|(n, l)| (l, 11 + n as u32))
            .collect();
        let fault = self.push(&numbers).await;
        let wrong = numbers
            .iter()
            .find(|(l, n)| held(l.sku.as_deref().unwrap_or_default()) != Some(i64::from(*n)));
        let why = match (fault, wrong) {
            (Some(fault), _) => Some(format!(
                "{} levels: {} ({fault})",
                numbers.len(),
                fault.case()
            )),
            (None, Some((l, n))) => Some(format!(
                "{} levels: {n} was written to {:?}, the marketplace holds {:?}",
                numbers.len(),
                l.sku,
                held(l.sku.as_deref().unwrap_or_default())
            )),
            (None, None) => None,
        };
        book.note(FULL, why);

        self.live.recorder.strike(0, Misfortune::Lost);
        let lost = self.push(&[(one, 37)]).await;
        if !self.live.recorder.calm() {
            book.skip(
                STOCK_FOUND,
                "writing stock sent no request that is marked as a write",
            );
            return Ok(());
        }
        self.not_broken(&lost, book);
        let ids = [one.id.clone()];
        let read = self.live.connector.listings_by_id(&ids).await;
        let told = read.ok().and_then(|l| l.first()?.quantity);
        let truth = held(sku);
        if told.map(i64::from) != truth {
            book.fail(
                STOCK_FOUND,
                format!("the marketplace holds {truth:?} of {sku}; listings.by-id tells {told:?}"),
            );
        }
        let again = self.push(&[(one, 37)]).await;
        let end = held(sku);
        let why = match again {
            Some(fault) => Some(format!("the repeat fails: {} ({fault})", fault.case())),
            None => (end != Some(37))
                .then(|| format!("37 was written twice to {sku}; the marketplace holds {end:?}")),
        };
        book.note(STOCK_FOUND, why);
        Ok(())
    }

    async fn unicode(&self, book: &mut Book) -> anyhow::Result<()> {
        let stand_in = &self.live.stand_in;
        let Some(plain) = stand_in.skus().into_iter().nth(6) else {
            return Ok(());
        };
        stand_in.set_quantity(&plain, 9);
        stand_in.rename(&plain, SKU);
        let skus = [SKU.to_owned()];
        let found = self.listings(&skus).await;
        match found.get(SKU) {
            None => book.fail(UNICODE, format!("listings.by-sku does not find \"{SKU}\"")),
            Some(listing) if self.suite.exports("stock") => {
                let fault = self.push(&[(listing, 8)]).await;
                let held = stand_in.quantity(SKU);
                let why = match fault {
                    Some(fault) => Some(format!("stock of \"{SKU}\": {} ({fault})", fault.case())),
                    None => (held != Some(8)).then(|| {
                        format!("8 was written to \"{SKU}\"; the marketplace holds {held:?}")
                    }),
                };
                book.note(UNICODE, why);
            }
            Some(_) => book.looked(UNICODE),
        }
        if self.suite.exports("orders") {
            let id = stand_in.buy(&[(SKU, 1)], 6)?;
            let ids = [id.clone()];
            let told = self.live.connector.orders_by_id(&ids).await;
            let sku = (told.ok()).and_then(|o| o.first()?.lines.first()?.sku.clone());
            book.note(
                UNICODE,
                (sku.as_deref() != Some(SKU))
                    .then(|| format!("order {id} is of \"{SKU}\"; its line tells {sku:?}")),
            );
        }
        stand_in.rename(SKU, &plain);
        Ok(())
    }
}
