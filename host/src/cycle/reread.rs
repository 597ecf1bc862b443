//! Reads single SKUs again on both sides, as a person asked, and has their numbers written again.

use std::collections::BTreeSet;

use super::catalog::{note_edits, store_listings};
use super::{Cycle, Step, Stop, channel, shopify};
use crate::db::{Error, ProductListing, Reread, Tx};
use crate::model::{Fault, Key};

/// SKUs that one cycle reads again: orders wait behind it.
const MOST: u32 = 50;

impl Cycle {
    /// Reads again what was asked for. True when all is to be linked anew: a listing has come, gone or changed its SKU, or
    /// is not linked, which may have been mended.
    ///
    /// The number is written again whatever the channel says of it: what a person doubts is not taken for known.
    pub(super) async fn reread_asked(&mut self) -> Step<bool> {
        let key = self.key().clone();
        let asked = self.store.read(move |tx| tx.rereads(&key, MOST)).await?;
        let mut relink = false;
        for ask in asked {
            match self.reread(&ask).await {
                Ok(changed) => relink |= changed,
                Err(Stop::Fault { fault, .. }) if of_the_sku(&fault) => {
                    let text = format!("{} could not be read again: {fault}", ask.sku);
                    self.problem(format!("sku:{}", ask.sku), "not-read", text)
                        .await?;
                    let key = self.key().clone();
                    self.store
                        .fenced(&self.lease, move |tx| tx.reread_done(&key, &ask))
                        .await?;
                }
                Err(stop) => return Err(stop),
            }
        }
        Ok(relink)
    }

    async fn reread(&mut self, ask: &Reread) -> Step<bool> {
        let (key, sku) = (self.key().clone(), ask.sku.clone());
        let (variants, skus, before) = self
            .store
            .read(move |tx| {
                let skus = akin(tx, &key, &sku)?;
                let variants = tx.variants_of(&key.shop, &skus)?;
                let ids: Vec<String> = variants.into_iter().map(|v| v.id).collect();
                let before = tx.listings_of(&key, &skus)?;
                Ok((ids, skus, before))
            })
            .await?;
        if !variants.is_empty() {
            let asked = self.now();
            let found = self
                .shop
                .shop
                .variants_by_id(&variants)
                .await
                .map_err(shopify)?;
            let shop = self.key().shop.clone();
            self.store
                .fenced(&self.lease, move |tx| {
                    note_edits(tx, &shop, &found, asked)?;
                    tx.put_variants(&shop, &found, asked, None)
                })
                .await?;
        }
        let asked = self.now();
        let mut there = self
            .connector
            .listings_by_sku(&skus)
            .await
            .map_err(channel)?;
        // What is not found by its SKU any more has another one, or is gone.
        let missing: Vec<String> = (before.iter())
            .filter(|l| there.iter().all(|t| t.id != l.id))
            .map(|l| l.id.clone())
            .collect();
        // A look-up by SKU need not tell the stock.
        let untold = there.iter().filter(|l| l.quantity.is_none());
        let by_id: Vec<String> = (missing.iter().cloned())
            .chain(untold.map(|l| l.id.clone()))
            .collect();
        if !by_id.is_empty() {
            let read = self.connector.listings_by_id(&by_id).await;
            let read = read.map_err(channel)?;
            there.retain(|l| read.iter().all(|r| r.id != l.id));
            there.extend(read);
        }
        let (key, now, ask) = (self.key().clone(), self.now(), ask.clone());
        let (changed, drift) = self
            .store
            .fenced(&self.lease, move |tx| {
                let gone: Vec<String> = (missing.into_iter())
                    .filter(|id| there.iter().all(|t| t.id != *id))
                    .collect();
                let drift = store_listings(tx, &key, &there, asked, None)?;
                tx.drop_listings(&key, &gone)?;
                let after = tx.listings_of(&key, &skus)?;
                let mine: Vec<&ProductListing> = (after.iter())
                    .filter(|l| l.sku == ask.sku || l.lost.as_ref() == Some(&ask.sku))
                    .collect();
                for listing in &mine {
                    tx.set_pushed(&key, &listing.id, None, now)?;
                }
                tx.reread_done(&key, &ask)?;
                let text = told(&ask, &mine);
                tx.record(&key, &format!("sku:{}", ask.sku), "read-again", &text, now)?;
                let changed = links_by(&before) != links_by(&after);
                Ok((changed || !mine.iter().all(|l| l.linked), drift))
            })
            .await?;
        self.report.drift += drift;
        Ok(changed)
    }
}

/// The SKU with those it may be taken for: parts of a bundle, and near misses on either side.
fn akin(tx: &Tx<'_>, key: &Key, sku: &str) -> Result<Vec<String>, Error> {
    let mut skus = BTreeSet::from([sku.to_owned()]);
    skus.extend(tx.parts_of(key, sku)?.into_iter().map(|p| p.sku));
    for (m, _) in tx.mismatches_of(key, &[sku.to_owned()])? {
        skus.insert(m.sku);
        skus.extend(m.near);
    }
    Ok(skus.into_iter().collect())
}

/// What linking goes by.
fn links_by(listings: &[ProductListing]) -> BTreeSet<(&str, &str, bool, bool)> {
    (listings.iter())
        .map(|l| (l.id.as_str(), l.sku.as_str(), l.sellers, l.ended))
        .collect()
}

fn told(ask: &Reread, listings: &[&ProductListing]) -> String {
    let says = match listings {
        [] => "the channel has no listing with this SKU".to_owned(),
        [one] => match one.quantity {
            Some(n) => format!("the channel has {n}"),
            None => "the channel does not tell its number".to_owned(),
        },
        many => format!("the channel has {} listings with this SKU", many.len()),
    };
    format!("read again, as {} asked: {says}", ask.asked_by)
}

/// Whether a fault may be the SKU's own: then it is noted, and nothing waits for it.
fn of_the_sku(fault: &Fault) -> bool {
    !matches!(
        fault,
        Fault::Auth { .. }
            | Fault::Denied { .. }
            | Fault::Throttled { .. }
            | Fault::Unavailable { .. }
    )
}
