//! Writes connectors and extras for Lockstep.
//!
//! A connector translates one marketplace's API into the records of the contract and back. It implements one trait for
//! each thing that it can do, and says so once:
//!
//! ```ignore
//! use lockstep_sdk::prelude::*;
//!
//! struct Acme;
//!
//! impl About for Acme {
//!     fn identify(cx: Cx<'_>) -> Result<Account, Fault> {
//!         let seller = cx.http(&ACME).read(Path::new("/seller"))?;
//!         let seller = Node::new(&seller);
//!         Ok(Account {
//!             id: seller.get("id").need("the seller's id")?,
//!             name: seller.get("name").text().unwrap_or_default(),
//!             ..Account::default()
//!         })
//!     }
//! }
//!
//! connector!(Acme: about);
//! ```
//!
//! Everything compiles natively as well, where [`testing::Fake`] stands in for the host: `cargo test` needs no
//! WebAssembly.
//!
//! | Module | Holds |
//! |---|---|
//! | [`types`] | the contract's records, with defaults for what an author leaves out |
//! | [`about`] ... [`webhooks`] | one capability of connectors each: its trait and its records |
//! | [`order_edits`], [`stock_edits`], [`bundles`] | the capabilities of extras |
//! | [`cx`] | the host, as a call sees it |
//! | [`http`] | requests, and what statuses and error bodies mean |
//! | [`json`], [`time`] | tolerant reading of what marketplaces send |
//! | [`template`] | templates in the settings of extras |
//! | [`testing`] | a scripted host |

pub mod bindings;
mod capabilities;
pub mod cx;
mod export;
pub mod fault;
pub mod http;
pub mod json;
pub mod template;
pub mod testing;
pub mod time;
pub mod types;

pub use capabilities::*;

/// What nearly every connector uses.
pub mod prelude {
    pub use crate::capabilities::*;
    pub use crate::cx::{Cx, ExtraCx};
    pub use crate::http::{Dialect, Http, Method, Path};
    pub use crate::json::Node;
    pub use crate::template::fill;
    pub use crate::types::*;
    pub use crate::{connector, extra};
}
