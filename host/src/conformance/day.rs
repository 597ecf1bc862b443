//! A day at the marketplace of the sandbox, as the host would live it, on a tape.

use lockstep_kit::Tape;

use super::book::Book;
use super::call::{Call, Told};
use super::paging;
use super::replay::{DAY, INSIDE};
use super::suite::{Live, Source, Suite};
use crate::model::{
    Carrier, Drop, Instant, LineDecision, LineQuantity, Listing, Order, ParcelOut, Reason,
    StockWrite,
};
use crate::plugin::Connector;

/// What the tape of the day is called in findings.
const NAME: &str = "the day against the sandbox";
/// Most pages of a walk: a catalogue of the sandbox has far fewer.
const PAGES: usize = 200;
/// Rows of a page at the stand-in.
const SHORT: usize = 40;
/// Stock of what is bought.
const PLENTY: u32 = 500;

/// Lives the day against the marketplace that the suite was told to use, if any, and puts its tape to the others.
pub(super) async fn live(suite: &mut Suite, book: &mut Book) -> anyhow::Result<()> {
    let Some(name) = suite.against.clone() else {
        return Ok(());
    };
    (suite.tell)(&format!("a day against {name}"));
    let live = suite.connect(&name).await?;
    live.stand_in.shorten_pages(SHORT);
    let manifest = suite.plugin.manifest();
    let mut tape = Tape::new(
        &manifest.plugin.id,
        &manifest.plugin.version.to_string(),
        suite.settings.clone(),
    );
    tape.base_url = Some(live.stand_in.base_url());
    let mut day = Day {
        suite,
        live: &live,
        book,
        tape,
        listings: Vec::new(),
    };
    book_day(&mut day).await?;
    let tape = day.tape;
    suite.sources.push(Source::new(NAME.into(), tape)?);
    suite.live = Some(live);
    Ok(())
}

struct Day<'a> {
    suite: &'a Suite,
    live: &'a Live,
    book: &'a mut Book,
    tape: Tape,
    listings: Vec<Listing>,
}

impl Day<'_> {
    /// Makes a call and records it.
    async fn call(&mut self, call: Call) -> Told {
        (self.suite.tell)(&format!(
            "a day against {}: {}",
            self.live.stand_in.name(),
            call.name()
        ));
        let told = call.run(&self.live.connector).await;
        let reel = self.live.recorder.take();
        for why in reel.refused {
            self.book.fail(INSIDE, format!("{}: {why}", call.name()));
        }
        let last = reel.exchanges.last();
        let seen = last.map_or("no request was sent".to_owned(), |e| {
            format!("{} was answered {}", e.request, e.answer)
        });
        let failed = told.fault.is_some();
        self.book.note(
            DAY,
            failed.then(|| format!("{}: {}; {seen}", call.name(), told.shown())),
        );
        self.tape.calls.push(lockstep_kit::Call {
            call: call.name().into(),
            input: call.input(),
            given: reel.given,
            exchanges: reel.exchanges,
            result: told.json.clone(),
        });
        told
    }

    /// Walks a list to its end; what its pages told.
    async fn walk(&mut self, page: impl Fn(Option<String>) -> Call) -> Vec<serde_json::Value> {
        let mut pages = Vec::new();
        let mut walk = paging::Walk::default();
        let mut cursor = None;
        loop {
            let call = page(cursor.clone());
            let name = call.name();
            let told = self.call(call).await;
            if told.fault.is_some() {
                break;
            }
            let ok = told.json["ok"].clone();
            cursor = ok["next"].as_str().map(str::to_owned);
            if ok["wait_ms"].is_number() {
                self.live.stand_in.settle();
            }
            pages.push(ok);
            match walk.step(name, cursor.as_deref(), PAGES) {
                Ok(true) => {}
                Ok(false) => break,
                Err(why) => {
                    self.book.fail(paging::ENDS, why);
                    break;
                }
            }
        }
        self.book.looked(paging::ENDS);
        pages
    }
}

async fn book_day(day: &mut Day<'_>) -> anyhow::Result<()> {
    let stand_in = &day.live.stand_in;
    let morning = Instant::now() - jiff::SignedDuration::from_secs(5);
    let skus: Vec<String> = stand_in.skus().into_iter().take(8).collect();
    for sku in &skus {
        stand_in.set_quantity(sku, PLENTY);
    }
    let baskets: [&[(&str, u32)]; 2] = [
        &[(skus[0].as_str(), 2), (skus[1].as_str(), 1)],
        &[(skus[2].as_str(), 2)],
    ];
    let mut bought = Vec::new();
    for (n, basket) in baskets.iter().enumerate() {
        bought.push(stand_in.buy(basket, n as u64)?);
    }

    day.call(Call::Identify).await;
    if day.suite.exports("listings") {
        listings(day, &skus).await;
    }
    if !day.suite.exports("orders") {
        return Ok(());
    }
    let pages = day
        .walk(|cursor| Call::OrdersChanged {
            since: morning,
            cursor,
        })
        .await;
    let told: Vec<String> = pages.iter().flat_map(|p| ids(&p["orders"])).collect();
    for order in &bought {
        let missing = !told.contains(order);
        day.book.note(
            paging::COMPLETE,
            missing.then(|| {
                format!(
                    "orders.changed did not tell order {order}, bought just now; it told {told:?}"
                )
            }),
        );
    }
    day.call(Call::OrdersById {
        ids: bought.clone(),
    })
    .await;
    if day.suite.exports("acceptance") {
        for order in day
            .live
            .connector
            .orders_by_id(&bought)
            .await
            .unwrap_or_default()
        {
            day.live.recorder.take();
            if order.awaits_acceptance.is_some() {
                let (order, decisions) = accept(&order);
                day.call(Call::Decide { order, decisions }).await;
            }
        }
        day.live.stand_in.settle();
    }
    let orders = ready(day.live, &bought).await;
    day.live.recorder.take();
    let (Some(first), Some(second)) = (orders.first(), orders.get(1)) else {
        return Ok(());
    };
    if day.suite.exports("fulfillments") {
        day.call(Call::Carriers).await;
        // What is asked only to choose a carrier is no call of the day.
        if let Some(parcel) = parcel(&day.live.connector, first, "day").await {
            day.live.recorder.take();
            let told = day
                .call(Call::Prepare {
                    parcel: parcel.clone(),
                })
                .await;
            if told.json["ok"]["more"] == true {
                day.call(Call::Ship { parcel }).await;
            }
            day.call(Call::OrdersById {
                ids: vec![first.id.clone()],
            })
            .await;
        }
    }
    if day.suite.exports("cancellations") {
        day.call(Call::Reasons).await;
        if let Some(drops) = drops(&day.live.connector, second, "day").await {
            day.live.recorder.take();
            day.call(Call::Cancel { drops }).await;
            day.call(Call::OrdersById {
                ids: vec![second.id.clone()],
            })
            .await;
        }
    }
    Ok(())
}

/// The catalogue and its stock.
async fn listings(day: &mut Day<'_>, skus: &[String]) {
    let pages = day
        .walk(|cursor| Call::ListingsPage {
            cursor,
            stock: true,
        })
        .await;
    day.call(Call::ListingsPage {
        cursor: None,
        stock: false,
    })
    .await;
    let rows = pages.iter().filter_map(|p| p["listings"].as_array());
    day.listings = rows
        .flatten()
        .filter_map(|row| serde_json::from_value(row.clone()).ok())
        .collect();
    for sku in skus {
        let missing = !day.listings.iter().any(|l| l.sku.as_ref() == Some(sku));
        day.book.note(
            paging::COMPLETE,
            missing.then(|| format!("the walk of listings.page did not tell SKU {sku}")),
        );
    }
    let some: Vec<Listing> = (day.listings.iter())
        .filter(|l| l.sku.as_ref().is_some_and(|s| skus.contains(s)))
        .take(3)
        .cloned()
        .collect();
    if some.is_empty() {
        return;
    }
    let ids = some.iter().map(|l| l.id.clone()).collect();
    day.call(Call::ListingsById { ids }).await;
    let skus = some.iter().filter_map(|l| l.sku.clone()).collect();
    day.call(Call::ListingsBySku { skus }).await;
    if day.suite.exports("stock") {
        let levels: Vec<StockWrite> = some.iter().map(|l| level(l, PLENTY - 7)).collect();
        let told = day.call(Call::Push { levels }).await;
        day.live.stand_in.settle();
        if let Some(ticket) = ticket(&told) {
            day.call(Call::Settle { ticket }).await;
        }
    }
}

fn ids(rows: &serde_json::Value) -> Vec<String> {
    let rows = rows.as_array().into_iter().flatten();
    rows.filter_map(|r| r["id"].as_str().map(str::to_owned))
        .collect()
}

/// The first ticket that a stock write was queued under.
pub(super) fn ticket(told: &Told) -> Option<String> {
    let outcomes = told.json["ok"].as_array()?;
    (outcomes.iter()).find_map(|o| o["queued"].as_str().map(str::to_owned))
}

/// A listing's new number.
pub(super) fn level(listing: &Listing, quantity: u32) -> StockWrite {
    StockWrite {
        listing: listing.id.clone(),
        parent: listing.parent.clone(),
        sku: listing.sku.clone(),
        quantity,
        facts: listing.facts.clone(),
    }
}

/// Reads orders, and accepts what waits for it until they may be shipped.
pub(super) async fn ready(live: &Live, ids: &[String]) -> Vec<Order> {
    for _ in 0..3 {
        let Ok(mut orders) = live.connector.orders_by_id(ids).await else {
            return Vec::new();
        };
        orders.sort_by_key(|o| ids.iter().position(|id| *id == o.id));
        let waiting: Vec<&Order> = (orders.iter())
            .filter(|o| o.awaits_acceptance.is_some())
            .collect();
        if waiting.is_empty() && orders.iter().all(|o| o.holds.is_empty()) {
            return orders;
        }
        for order in waiting {
            let (order, decisions) = accept(order);
            let _ = live.connector.decide(&order, &decisions).await;
        }
        live.stand_in.settle();
    }
    live.connector.orders_by_id(ids).await.unwrap_or_default()
}

/// The seller's yes to all of an order.
fn accept(order: &Order) -> (String, Vec<LineDecision>) {
    let yes = |line: &crate::model::Line| LineDecision {
        line: line.id.clone(),
        accepted: true,
        quantity: line.quantity,
        reason: None,
    };
    (order.id.clone(), order.lines.iter().map(yes).collect())
}

/// A parcel with all open units of an order. None: there is no carrier, or nothing is open.
pub(super) async fn parcel(to: &Connector, order: &Order, key: &str) -> Option<ParcelOut> {
    let carriers = to.carriers().await.ok()?;
    let by_hand = |c: &&Carrier| c.usable && c.books_itself != Some(true);
    let carrier = (carriers.iter().find(by_hand))
        .or(carriers.iter().find(|c| c.usable))?
        .clone();
    let lines: Vec<LineQuantity> = (order.lines.iter())
        .filter(|l| l.sellers && l.open_units() > 0)
        .map(|l| LineQuantity {
            line: l.id.clone(),
            quantity: l.open_units(),
        })
        .collect();
    (!lines.is_empty()).then(|| ParcelOut {
        id: format!("check-{key}-{}", order.id),
        number: 1,
        last: true,
        order: order.id.clone(),
        lines,
        carrier,
        tracking: Some(format!("33KS{:0>8}", tail(&order.id))),
        tracking_url: None,
        shipped_at: order.placed_at,
    })
}

/// Digits that tell one order from another.
fn tail(id: &str) -> String {
    let digits: String = id.chars().filter(char::is_ascii_digit).collect();
    digits[digits.len().saturating_sub(8)..].to_owned()
}

/// One unit of an order that cannot be supplied. None: there is no reason to give, or nothing is open.
pub(super) async fn drops(to: &Connector, order: &Order, key: &str) -> Option<Vec<Drop>> {
    let reasons = to.reasons().await.ok()?;
    let of = |kind: &str| {
        let mut all = reasons
            .iter()
            .filter(|r: &&Reason| r.usable && r.kind == kind);
        all.next().map(|r| r.code.clone())
    };
    let line = order
        .lines
        .iter()
        .find(|l| l.sellers && l.open_units() > 0)?;
    let refund = of("refund");
    Some(vec![Drop {
        id: format!("check-{key}-{}", order.id),
        order: order.id.clone(),
        line: line.id.clone(),
        quantity: 1,
        paid: order.paid,
        reason: of("cancel").or_else(|| refund.clone())?,
        refund_reason: refund,
        note: None,
    }])
}
