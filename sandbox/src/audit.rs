//! The auditor: reads both sides as they stand and checks that no order, unit, stock level or tracking code went
//! astray. It knows nothing of the host that is under test, uses none of its marks (line properties, metafields,
//! tags) and reads the servers' memory, not their APIs, so that no fault, lag or limit can fool it.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lockstep_sandbox::audit::{AuditOptions, audit};
//! use lockstep_sandbox::{Options, Sandbox};
//!
//! let sandbox = Sandbox::start(Options::default()).await?;
//! let verdict = audit(&sandbox, &AuditOptions::default());
//! assert!(verdict.ok(), "{verdict}");
//! # Ok(())
//! # }
//! ```

mod checks;
mod marketplaces;
mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::mirakl::Mirakl;
use crate::practice::Practice;
use crate::seller_center::SellerCenter;
use crate::{CHANNEL, Sandbox};

/// How many examples a check names at most.
const EXAMPLES: usize = 20;

/// What the auditor has to know.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// Orders at the marketplace placed before are nobody's business.
    pub since: Timestamp,
    /// Pieces of each SKU that the merchant holds back from the marketplace.
    pub buffer: u32,
    /// Ids of the Shopify locations whose stock the marketplace may sell; all of the sandbox when empty.
    pub locations: Vec<String>,
    /// What the channel is called in Shopify's notes, customers and billing addresses.
    pub channel_title: String,
    /// The host had time to bring everything over: what is missing now is lost, not late.
    pub converged: bool,
}

impl Default for AuditOptions {
    /// Everything since the beginning, no buffer, all locations, "THE ICONIC", converged.
    fn default() -> Self {
        Self {
            since: Timestamp::UNIX_EPOCH,
            buffer: 0,
            locations: Vec::new(),
            channel_title: "THE ICONIC".into(),
            converged: true,
        }
    }
}

/// What a test or an operator holds back on purpose.
#[derive(Clone, Debug, Default)]
pub struct Excuses {
    /// SKUs whose stock need not agree: quarantined or waiting for approval.
    pub skus: BTreeSet<String>,
    /// Numbers of marketplace orders that need not be in Shopify or agree with it: held, or a person's matter.
    pub orders: BTreeSet<String>,
    /// How many variants may be oversold: a race for the last piece that nobody could have prevented.
    pub oversells: usize,
}

/// The verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// One per invariant, in a fixed order.
    pub checks: Vec<Check>,
}

impl Audit {
    /// Whether every check passed.
    pub fn ok(&self) -> bool {
        self.checks.iter().all(|c| c.ok)
    }

    /// The check of that name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|c| c.name == name)
    }
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            let mark = if check.ok { "ok  " } else { "FAIL" };
            writeln!(f, "{mark} {}: {}", check.name, check.detail)?;
            for example in &check.examples {
                writeln!(f, "       {example}")?;
            }
        }
        Ok(())
    }
}

/// One invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// One of the names in [`names`].
    pub name: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was looked at, and how much of it is wrong.
    pub detail: String,
    /// The first violations, each naming its order, SKU or code.
    pub examples: Vec<String>,
}

/// The names of the checks.
pub mod names {
    /// Every order of the marketplace is in Shopify exactly once and looks right.
    pub const ORDERS: &str = "orders exactly once";
    /// The marketplace offers exactly what the shop can deliver.
    pub const STOCK: &str = "stock in step";
    /// Every parcel's tracking code is at the marketplace, once, with the right units and carrier.
    pub const PARCELS: &str = "fulfillments exactly once";
    /// The same units are cancelled on both sides.
    pub const CANCELLATIONS: &str = "cancellations agree";
    /// Neither side had to refuse or slow down a request.
    pub const MANNERS: &str = "requests well-formed";
    /// Nothing was sold that is not there.
    pub const OVERSELLS: &str = "no oversells";
}

/// A marketplace to be audited.
#[derive(Clone, Copy)]
pub enum Marketplace<'a> {
    /// An account at Seller Center.
    SellerCenter(&'a SellerCenter),
    /// A shop at a marketplace run with Mirakl. Its orders are known to Shopify by their order id.
    Mirakl(&'a Mirakl),
    /// The marketplace to learn with. Its orders are known to Shopify by their number.
    Practice(&'a Practice),
}

impl<'a> Marketplace<'a> {
    /// What it is called in texts for people.
    pub fn title(self) -> &'a str {
        match self {
            Self::SellerCenter(_) => CHANNEL,
            Self::Mirakl(mirakl) => mirakl.platform_name(),
            Self::Practice(practice) => practice.name(),
        }
    }

    fn url(self) -> String {
        match self {
            Self::SellerCenter(center) => center.url(),
            Self::Mirakl(mirakl) => mirakl.url(),
            Self::Practice(practice) => practice.url(),
        }
    }
}

/// Audits Shopify and Seller Center, nothing excused.
pub fn audit(sandbox: &Sandbox, options: &AuditOptions) -> Audit {
    audit_excusing(sandbox, options, &Excuses::default())
}

/// Audits Shopify and Seller Center but for what is excused.
pub fn audit_excusing(sandbox: &Sandbox, options: &AuditOptions, excuses: &Excuses) -> Audit {
    let channel = Marketplace::SellerCenter(&sandbox.seller_center);
    audit_marketplace(sandbox, channel, options, excuses)
}

/// Audits Shopify and any marketplace but for what is excused. What the sandbox's other marketplaces have sold counts
/// as sold. [`AuditOptions::channel_title`] has to be what the host calls the channel, usually
/// [`Marketplace::title`].
pub fn audit_marketplace(
    sandbox: &Sandbox,
    channel: Marketplace<'_>,
    options: &AuditOptions,
    excuses: &Excuses,
) -> Audit {
    let mut options = options.clone();
    if options.locations.is_empty() {
        options.locations.clone_from(&sandbox.locations);
    }
    let center = Marketplace::SellerCenter(&sandbox.seller_center);
    let others: Vec<Marketplace<'_>> = std::iter::once(center)
        .chain(sandbox.mirakl.as_ref().map(Marketplace::Mirakl))
        .chain(sandbox.practice.as_ref().map(Marketplace::Practice))
        .filter(|other| other.url() != channel.url())
        .collect();
    let seen = snapshot::read(&sandbox.shopify, channel, &others, &options);
    checks::all(&seen, &options, excuses)
}
