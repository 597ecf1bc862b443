//! One call of a connector as a value: made, told by name, written on a tape and read from one.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::{Drop, Fault, Instant, LineDecision, ParcelOut, StockOutcome, StockWrite};
use crate::plugin::Connector;

/// A function of the contract with its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", content = "input")]
pub enum Call {
    #[serde(rename = "about.identify")]
    Identify,
    #[serde(rename = "listings.page")]
    ListingsPage { cursor: Option<String>, stock: bool },
    #[serde(rename = "listings.by-id")]
    ListingsById { ids: Vec<String> },
    #[serde(rename = "listings.by-sku")]
    ListingsBySku { skus: Vec<String> },
    #[serde(rename = "stock.push")]
    Push { levels: Vec<StockWrite> },
    #[serde(rename = "stock.settle")]
    Settle { ticket: String },
    #[serde(rename = "orders.changed")]
    OrdersChanged {
        since: Instant,
        cursor: Option<String>,
    },
    #[serde(rename = "orders.by-id")]
    OrdersById { ids: Vec<String> },
    #[serde(rename = "acceptance.decide")]
    Decide {
        order: String,
        decisions: Vec<LineDecision>,
    },
    #[serde(rename = "fulfillments.carriers")]
    Carriers,
    #[serde(rename = "fulfillments.prepare")]
    Prepare { parcel: ParcelOut },
    #[serde(rename = "fulfillments.ship")]
    Ship { parcel: ParcelOut },
    #[serde(rename = "cancellations.reasons")]
    Reasons,
    #[serde(rename = "cancellations.cancel")]
    Cancel { drops: Vec<Drop> },
}

/// What came of a call.
#[derive(Clone, Debug)]
pub struct Told {
    /// `{"ok": VALUE}` or `{"fault": FAULT}`.
    pub json: Value,
    /// Why it failed: the call as a whole, or a level of a stock write.
    pub fault: Option<Fault>,
    /// Rows that it told, for calls that tell some.
    pub rows: Option<usize>,
}

impl Told {
    fn of<T: Serialize>(result: Result<T, Fault>, rows: impl FnOnce(&T) -> Option<usize>) -> Self {
        match result {
            Ok(value) => Self {
                rows: rows(&value),
                json: json!({"ok": value}),
                fault: None,
            },
            Err(fault) => Self {
                json: json!({"fault": fault}),
                fault: Some(fault),
                rows: None,
            },
        }
    }

    /// The fault's case and words, or that there is none; for people.
    pub fn shown(&self) -> String {
        match &self.fault {
            Some(fault) => format!("{} ({fault})", fault.case()),
            None => match self.rows {
                Some(rows) => format!("success with {rows} rows"),
                None => "success".into(),
            },
        }
    }
}

impl Call {
    /// Interface and function ("orders.changed").
    pub fn name(&self) -> &'static str {
        match self {
            Call::Identify => "about.identify",
            Call::ListingsPage { .. } => "listings.page",
            Call::ListingsById { .. } => "listings.by-id",
            Call::ListingsBySku { .. } => "listings.by-sku",
            Call::Push { .. } => "stock.push",
            Call::Settle { .. } => "stock.settle",
            Call::OrdersChanged { .. } => "orders.changed",
            Call::OrdersById { .. } => "orders.by-id",
            Call::Decide { .. } => "acceptance.decide",
            Call::Carriers => "fulfillments.carriers",
            Call::Prepare { .. } => "fulfillments.prepare",
            Call::Ship { .. } => "fulfillments.ship",
            Call::Reasons => "cancellations.reasons",
            Call::Cancel { .. } => "cancellations.cancel",
        }
    }

    /// Whether it is there to change something.
    pub fn writes(&self) -> bool {
        matches!(
            self,
            Call::Push { .. }
                | Call::Decide { .. }
                | Call::Prepare { .. }
                | Call::Ship { .. }
                | Call::Cancel { .. }
        )
    }

    /// Whether what it tells are the channel's own rows: none of them may get lost.
    pub fn tells_rows(&self) -> bool {
        matches!(
            self,
            Call::ListingsPage { .. }
                | Call::ListingsById { .. }
                | Call::ListingsBySku { .. }
                | Call::OrdersChanged { .. }
                | Call::OrdersById { .. }
        )
    }

    /// Reads a call from a tape.
    pub fn read(tape: &lockstep_kit::Call) -> anyhow::Result<Self> {
        let mut value = json!({"call": tape.call});
        if !tape.input.is_null() {
            value["input"] = tape.input.clone();
        }
        serde_json::from_value(value).with_context(|| {
            format!(
                "\"{}\" with this input is no call of the contract",
                tape.call
            )
        })
    }

    /// Its arguments.
    pub fn input(&self) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        value["input"].take()
    }

    /// Makes it.
    pub async fn run(&self, to: &Connector) -> Told {
        match self {
            Call::Identify => Told::of(to.identify().await, |_| None),
            Call::ListingsPage { cursor, stock } => {
                Told::of(to.listings_page(cursor.as_deref(), *stock).await, |p| {
                    Some(p.listings.len())
                })
            }
            Call::ListingsById { ids } => Told::of(to.listings_by_id(ids).await, |l| Some(l.len())),
            Call::ListingsBySku { skus } => {
                Told::of(to.listings_by_sku(skus).await, |l| Some(l.len()))
            }
            Call::Push { levels } => {
                let result = to.stock_push(levels).await;
                let failed = result.as_ref().ok().and_then(|outcomes| {
                    outcomes.iter().find_map(|o| match o {
                        StockOutcome::Failed(fault) => Some(fault.clone()),
                        _ => None,
                    })
                });
                let told = Told::of(result, |o| Some(o.len()));
                Told {
                    fault: told.fault.or(failed),
                    ..told
                }
            }
            Call::Settle { ticket } => Told::of(to.stock_settle(ticket).await, |_| None),
            Call::OrdersChanged { since, cursor } => {
                Told::of(to.orders_changed(*since, cursor.as_deref()).await, |p| {
                    Some(p.orders.len())
                })
            }
            Call::OrdersById { ids } => Told::of(to.orders_by_id(ids).await, |o| Some(o.len())),
            Call::Decide { order, decisions } => {
                Told::of(to.decide(order, decisions).await, |()| None)
            }
            Call::Carriers => Told::of(to.carriers().await, |c| Some(c.len())),
            Call::Prepare { parcel } => Told::of(to.prepare(parcel).await, |_| None),
            Call::Ship { parcel } => Told::of(to.ship(parcel).await, |_| None),
            Call::Reasons => Told::of(to.reasons().await, |r| Some(r.len())),
            Call::Cancel { drops } => Told::of(to.cancel(drops).await, |_| None),
        }
    }
}
