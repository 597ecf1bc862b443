//! Inventory levels: what is where, and how sales, shipments and corrections move it.

use super::state::{Due, State, now};

/// Stock of one variant at one location.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    pub(super) id: u64,
    pub(super) location: u64,
    pub(super) active: bool,
    pub(super) available: i64,
    pub(super) committed: i64,
    pub(super) incoming: i64,
    pub(super) reserved: i64,
    pub(super) damaged: i64,
    pub(super) safety_stock: i64,
    pub(super) quality_control: i64,
    pub(super) updated_at: i64,
    /// `updated_at` as searches see it.
    pub(super) indexed_at: i64,
}

/// Names of the quantities of a level.
pub(super) const NAMES: [&str; 8] = [
    "available",
    "on_hand",
    "committed",
    "incoming",
    "reserved",
    "damaged",
    "safety_stock",
    "quality_control",
];

impl Level {
    pub(super) fn on_hand(&self) -> i64 {
        self.available
            + self.committed
            + self.reserved
            + self.damaged
            + self.safety_stock
            + self.quality_control
    }

    pub(super) fn quantity(&self, name: &str) -> Option<i64> {
        Some(match name {
            "available" => self.available,
            "on_hand" => self.on_hand(),
            "committed" => self.committed,
            "incoming" => self.incoming,
            "reserved" => self.reserved,
            "damaged" => self.damaged,
            "safety_stock" => self.safety_stock,
            "quality_control" => self.quality_control,
            _ => return None,
        })
    }

    fn adjustable(&mut self, name: &str) -> Option<&mut i64> {
        Some(match name {
            "available" => &mut self.available,
            "incoming" => &mut self.incoming,
            "reserved" => &mut self.reserved,
            "damaged" => &mut self.damaged,
            "safety_stock" => &mut self.safety_stock,
            "quality_control" => &mut self.quality_control,
            _ => return None,
        })
    }
}

impl State {
    pub(super) fn level(&self, variant: u64, location: u64) -> Option<&Level> {
        self.variants
            .get(&variant)?
            .levels
            .iter()
            .find(|l| l.location == location)
    }

    /// Applies a change to a level, stocking the variant there first if it is not, and announces it.
    pub(super) fn change_level(
        &mut self,
        variant: u64,
        location: u64,
        change: impl FnOnce(&mut Level),
    ) {
        let fresh = self.level(variant, location).is_none();
        let id = if fresh { self.id() } else { 0 };
        let Some(entry) = self.variants.get_mut(&variant) else {
            return;
        };
        if fresh {
            entry.levels.push(Level {
                id,
                location,
                active: true,
                ..Level::default()
            });
        }
        let Some(level) = entry.levels.iter_mut().find(|l| l.location == location) else {
            return;
        };
        change(level);
        level.updated_at = now();
        let lag = self.config.switches.index_lag_ms;
        self.later(lag, Due::IndexLevel(variant, location));
        if self.config.switches.stock_moves_variant {
            self.touch_variant(variant);
        }
        let topic = if fresh {
            "INVENTORY_LEVELS_CONNECT"
        } else {
            "INVENTORY_LEVELS_UPDATE"
        };
        self.announce_level(variant, location, topic);
    }

    pub(super) fn adjust(&mut self, variant: u64, location: u64, name: &str, delta: i64) {
        self.change_level(variant, location, |level| {
            if let Some(quantity) = level.adjustable(name) {
                *quantity += delta;
            }
        });
    }

    /// The location a sale of so many pieces takes its stock from: one that has them all, else the fullest.
    pub(super) fn source_of(&self, variant: u64, quantity: i64) -> Option<u64> {
        let variant = self.variants.get(&variant).filter(|v| v.tracked)?;
        let stocked: Vec<&Level> = variant
            .levels
            .iter()
            .filter(|l| l.active && self.locations.get(&l.location).is_some_and(|p| p.active))
            .collect();
        stocked
            .iter()
            .find(|l| l.available >= quantity)
            .or_else(|| stocked.iter().max_by_key(|l| l.available))
            .map(|l| l.location)
    }

    /// A sale: `available` falls, `committed` rises, `on_hand` stays.
    pub(super) fn claim(&mut self, variant: u64, location: u64, quantity: i64) {
        self.change_level(variant, location, |level| {
            level.available -= quantity;
            level.committed += quantity;
        });
    }

    /// A claim ends: the pieces go back on the shelf, or have left.
    pub(super) fn release(&mut self, variant: u64, location: u64, quantity: i64, restock: bool) {
        self.change_level(variant, location, |level| {
            level.committed -= quantity;
            if restock {
                level.available += quantity;
            }
        });
    }
}
