//! Which listings are bundles, as the channel's extras say.

use sha2::{Digest, Sha256};

use super::{Cycle, Step};
use crate::db::Bundles;
use crate::sync::bundles::check;

/// What the channel's bundles were told by; kept so that a changed recipe is noticed.
pub(super) const TOLD_BY: &str = "bundles-told-by";

impl Cycle {
    /// What tells the bundles: another text means that they may be others. None when that cannot be said, since an extra
    /// cannot be loaded.
    pub(super) fn bundles_told_by(&self) -> Option<String> {
        let mut hash = Sha256::new();
        for (setup, extra) in &self.extras {
            let extra = extra.as_ref().ok()?;
            if extra.knows_bundles() {
                let told_by = (&setup.name, extra.plugin().digest(), &setup.settings);
                hash.update(crate::db::json(&told_by));
            }
        }
        Some(hex::encode(hash.finalize()))
    }

    /// Asks the extras for the parts of each listing; the first that knows a SKU counts. None when one fails: then the
    /// bundles stay as they were known, since without them orders and stock would go wrong.
    pub(super) async fn ask_bundles(&mut self) -> Step<Option<Bundles>> {
        let mut bundles = Bundles::new();
        let extras = self.extras.clone();
        let known = |e: &Result<crate::plugin::Extra, String>| {
            e.as_ref().is_ok_and(|extra| !extra.knows_bundles())
        };
        if extras.iter().all(|(_, extra)| known(extra)) {
            return Ok(Some(bundles));
        }
        let key = self.key().clone();
        let candidates = self.store.read(move |tx| tx.candidates(&key)).await?;
        for (setup, extra) in extras.iter().filter(|(_, extra)| !known(extra)) {
            let told = match extra {
                Ok(extra) => extra
                    .parts(&candidates)
                    .await
                    .map_err(|f| super::extras::words(&f)),
                Err(why) => Err(why.clone()),
            };
            let checked = told.and_then(|lists| {
                let with_sku = candidates.iter().map(|c| &c.sku).zip(lists);
                for (sku, parts) in with_sku.filter(|(_, parts)| !parts.is_empty()) {
                    check(sku, &parts)?;
                    bundles.entry(sku.clone()).or_insert(parts);
                }
                Ok(())
            });
            if let Err(why) = checked {
                let text = format!(
                    "the extra \"{}\" failed: {why}; bundles stay as they were known",
                    setup.name
                );
                self.extra_failed(text).await?;
                return Ok(None);
            }
        }
        Ok(Some(bundles))
    }
}
