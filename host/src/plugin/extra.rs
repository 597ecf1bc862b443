//! An extra at work for one channel: it edits orders and stock numbers, and reaches nothing outside.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::call::{READS, Shared, call, settings};
use super::convert_extra;
use super::limits::Limits;
use super::manifest::Manifest;
use super::runtime::Plugin;
use super::state::Surroundings;
use super::stats::Counters;
use crate::model::{Candidate, Edit, Fault, Key, NewOrder, Order, Part, Position};
use crate::vault::Scrubber;

/// Positions, or candidates, of one call.
const POSITIONS: usize = 5_000;

/// What an extra is made from.
#[derive(Debug)]
pub struct ExtraConfig {
    /// The channel.
    pub key: Key,
    /// What the operator set, by key; the manifest's defaults fill in.
    pub settings: BTreeMap<String, String>,
    /// For each call.
    pub limits: Limits,
    /// Blanks secrets in its words.
    pub scrubber: Scrubber,
}

impl ExtraConfig {
    /// The limits of an extra: it waits for nothing, so it has little time.
    pub fn limits() -> Limits {
        Limits {
            cpu: Duration::from_secs(2),
            wall: Duration::from_secs(10),
            requests: 0,
            ..Limits::default()
        }
    }
}

/// An extra with the settings of one channel. Every method fails with [`Fault::Plugin`] when it traps, passes a limit
/// or breaks the contract, and with [`Fault::Other`] when it says that it cannot.
#[derive(Clone)]
pub struct Extra {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Extra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extra")
            .field("channel", &self.shared.around.channel)
            .field("plugin", &self.shared.plugin)
            .finish()
    }
}

impl Extra {
    pub(super) fn new(plugin: Plugin, config: ExtraConfig) -> anyhow::Result<Self> {
        let settings = settings(plugin.manifest(), config.settings)?;
        let record = plugin.inner.record.clone();
        Ok(Self {
            shared: Arc::new(Shared {
                plugin,
                limits: config.limits,
                around: Arc::new(Surroundings {
                    record,
                    channel: config.key.to_string(),
                    scrubber: config.scrubber,
                    settings,
                    egress: None,
                }),
                counters: Counters::default(),
            }),
        })
    }

    /// What it says about itself.
    pub fn manifest(&self) -> &Manifest {
        self.shared.plugin.manifest()
    }

    /// The plugin behind it.
    pub fn plugin(&self) -> &Plugin {
        &self.shared.plugin
    }

    /// Whether it edits orders.
    pub fn edits_orders(&self) -> bool {
        self.shared.plugin.inner.ready.order_edits.is_some()
    }

    /// Whether it edits stock numbers.
    pub fn edits_stock(&self) -> bool {
        self.shared.plugin.inner.ready.stock_edits.is_some()
    }

    /// Whether it knows bundles.
    pub fn knows_bundles(&self) -> bool {
        self.shared.plugin.inner.ready.bundles.is_some()
    }

    /// The changes that it makes to an order on its way into Shopify. `title` is the channel's.
    pub async fn edit_order(
        &self,
        channel: &str,
        title: &str,
        order: &Order,
        draft: &NewOrder,
    ) -> Result<Vec<Edit>, Fault> {
        let draft = convert_extra::draft(channel, title, order, draft);
        call!(self, order_edits."edits", READS, lockstep_plugin_order_edits.call_edits(&draft))
            .read(|edits, _| convert_extra::edits(edits))
    }

    /// The numbers that it offers, one per position, in order.
    pub async fn adjust_stock(&self, positions: &[Position]) -> Result<Vec<u32>, Fault> {
        let mut numbers = Vec::with_capacity(positions.len());
        for chunk in positions.chunks(POSITIONS) {
            let given: Vec<_> = chunk.iter().map(convert_extra::position).collect();
            numbers.extend(
                call!(self, stock_edits."adjust", READS, lockstep_plugin_stock_edits.call_adjust(&given))
                    .read(|numbers, _| convert_extra::numbers(numbers, chunk.len()))?,
            );
        }
        Ok(numbers)
    }

    /// The parts of each listing, in order; none of those that are no bundles.
    pub async fn parts(&self, candidates: &[Candidate]) -> Result<Vec<Vec<Part>>, Fault> {
        let mut parts = Vec::with_capacity(candidates.len());
        for chunk in candidates.chunks(POSITIONS) {
            let given: Vec<_> = chunk.iter().map(convert_extra::candidate).collect();
            parts.extend(
                call!(self, bundles."parts", READS, lockstep_plugin_bundles.call_parts(&given))
                    .read(|lists, _| convert_extra::parts(lists, chunk.len()))?,
            );
        }
        Ok(parts)
    }
}
