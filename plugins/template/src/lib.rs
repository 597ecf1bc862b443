//! Lockstep connector for Practice Market.
//!
//! | File | Holds | For another marketplace |
//! |---|---|---|
//! | `api` | its dialect of HTTP: credential, error bodies, lists | the first file to change |
//! | `account` | who the seller is | one path, four members |
//! | `listings`, `stock` | the catalogue, and writing numbers | what the number means: `[stock]` in `plugin.toml` |
//! | `orders`, `order` | reading orders | most of the work: states, amounts, addresses |
//! | `parcels`, `cancel` | writing back | what makes a repeat harmless |
//!
//! The host calls one function, waits for its answer, and forgets the instance: keep nothing between calls. Everything
//! goes out through `cx.http`, which turns statuses and lost answers into the fault that the host acts upon.

mod account;
mod api;
mod cancel;
mod listings;
mod order;
mod orders;
mod parcels;
mod stock;
#[cfg(test)]
mod tests;

use lockstep_sdk::prelude::*;

/// The connector. Each trait of the SDK that it implements is something that the marketplace can do.
pub struct Template;

// What stands here is exported, and nothing else: leave out what the marketplace cannot do, and the host will not ask.
// There are `acceptance` (orders wait for the seller's yes) and `webhooks` (the marketplace calls) besides.
connector!(Template: about, listings, stock, orders, fulfillments, cancellations);
