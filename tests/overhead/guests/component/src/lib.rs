//! The job as an extra of Lockstep.

use lockstep_sdk::prelude::*;
use lockstep_sdk::stock_edits::Position;

struct Job;

impl StockEdits for Job {
    fn adjust(_: ExtraCx<'_>, positions: Vec<Position>) -> Result<Vec<u32>, String> {
        let offer = |p: &Position| job::offer(&p.sku, p.sellable);
        Ok(positions.iter().map(offer).collect())
    }
}

extra!(Job: stock_edits);
