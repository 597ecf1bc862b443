//! Mirrors both catalogues: incrementally each cycle, wholly on the read-back interval.

use super::bundles::TOLD_BY;
use super::{Cycle, Step, Stop, channel, shopify};
use crate::db::{HintKind, Mismatch};
use crate::model::{Fault, Instant, Key, Listing, MismatchKind, Variant};
use crate::sync::link;

/// When a SKU was last seen to be edited in the shop; kept for the shop as a whole.
const EDITED: &str = "sku-edit";
/// The edit that the channel's links are as of.
const LINKED: &str = "linked-edit";
/// Where the walk over the channel's catalogue is: its number, and the plugin's cursor.
const WALK: &str = "listings-walk";
/// How long one cycle reads on in it.
const WALK_SECONDS: i64 = 20;
/// From this many changes on the whole catalogue is read, which takes fewer requests.
const MASS_EDIT: usize = 5_000;
/// Listings of one request that asks whether they are still there.
const CHECKED_TOGETHER: usize = 100;
/// Above this many variants a bulk operation is cheaper than pages of 250.
const BULK_FROM: u64 = 2_500;

impl Cycle {
    /// Brings both mirrors up to date and links what matches.
    pub(super) async fn refresh_catalog(&mut self) -> Step<()> {
        let key = self.key().clone();
        let now = self.now();
        let read_back = self.row.read_back_at.is_none_or(|t| {
            now.duration_since(t).as_secs() >= i64::from(self.row.policy.read_back_s)
        });
        let shared = self.shop.clone();
        let edited = {
            let _one_at_a_time = shared.mirror.lock().await;
            self.refresh_shop(read_back).await?
        };
        let whole = read_back && self.walk_listings().await?;
        if whole {
            self.fetch_lists().await?;
            let key = key.clone();
            self.store
                .fenced(&self.lease, move |tx| {
                    // What was refused may be taken by now: the listing was read anew.
                    tx.forget_refused(&key)?;
                    tx.set_read_back(&key, Some(now))
                })
                .await?;
            self.row.read_back_at = Some(now);
        } else if !edited.is_empty() {
            self.read_listings_of(&edited).await?;
        }
        let news = self.read_hinted_listings().await? | self.reread_asked().await?;
        // Another channel, or a run that was killed, may have read an edit that this channel has not linked by yet.
        let (marked, linked, told_by) = {
            let key = key.clone();
            self.store
                .read(move |tx| {
                    let shop_key = Key::new(key.shop.clone(), "");
                    Ok((
                        tx.mark(&shop_key, EDITED)?,
                        tx.mark(&key, LINKED)?,
                        tx.cursor(&key, TOLD_BY)?.unwrap_or_default(),
                    ))
                })
                .await?
        };
        let tell_by = self.bundles_told_by();
        if whole || news || marked != linked || tell_by.as_ref().is_some_and(|t| *t != told_by) {
            self.relink(marked, tell_by).await?;
        } else {
            let key = key.clone();
            let (links, mismatches) = self
                .store
                .read(move |tx| Ok((tx.link_count(&key)?, tx.mismatches(&key)?.len())))
                .await?;
            self.report.links = links;
            self.report.mismatches = mismatches as u32;
        }
        let key = key.clone();
        self.store
            .fenced(&self.lease, move |tx| tx.tie_units(&key))
            .await?;
        Ok(())
    }

    /// Reads what changed in the shop, or everything. Answers the SKUs that appeared or changed.
    async fn refresh_shop(&mut self, whole: bool) -> Step<Vec<String>> {
        let shop_key = Key::new(self.key().shop.clone(), "");
        let started = self.now();
        let (since, last_whole, any) = {
            let shop_key = shop_key.clone();
            self.store
                .read(move |tx| {
                    Ok((
                        tx.mark(&shop_key, "variants")?,
                        tx.mark(&shop_key, "variants-whole")?,
                        tx.variant_count(&shop_key.shop)? > 0,
                    ))
                })
                .await?
        };
        // Another channel of the shop may have read everything a moment ago.
        let recent = last_whole.is_some_and(|t| {
            started.duration_since(t).as_secs() < i64::from(self.row.policy.read_back_s)
        });
        let locations = self.row.locations.clone();
        match since {
            Some(since) if any && (recent || !whole) => {
                if let Some(edited) = self
                    .read_changes(&shop_key, &locations, since, last_whole)
                    .await?
                {
                    self.store
                        .fenced(&self.lease, move |tx| {
                            tx.set_mark(&shop_key, "variants", started)
                        })
                        .await?;
                    return Ok(edited);
                }
            }
            _ => {}
        }
        self.read_all_variants(&locations).await?;
        self.store
            .fenced(&self.lease, move |tx| {
                // Which SKUs were edited is not told by a whole read: every channel links anew.
                tx.set_mark(&shop_key, EDITED, started)?;
                tx.set_mark(&shop_key, "variants", started)?;
                tx.set_mark(&shop_key, "variants-whole", started)
            })
            .await?;
        Ok(Vec::new())
    }

    /// Reads what changed in the shop. None when everything is to be read instead: so much changed that it takes fewer
    /// requests, or variants are gone, which no list of changes tells.
    async fn read_changes(
        &mut self,
        shop_key: &Key,
        locations: &[String],
        since: Instant,
        last_whole: Option<Instant>,
    ) -> Step<Option<Vec<String>>> {
        // A count that lags behind must not have everything read over and over.
        let just_read = last_whole.is_some_and(|t| self.overlapping(self.now()) < t);
        let Some(edited) = self
            .read_changed_variants(self.overlapping(since), locations, just_read)
            .await?
        else {
            return Ok(None);
        };
        for location in locations {
            if !self
                .read_changed_levels(shop_key, location, last_whole)
                .await?
            {
                return Ok(None);
            }
        }
        Ok(Some(edited))
    }

    /// Reads the stock of one location that changed since it was read last. Each location has a place of its own: channels
    /// with different locations read at different times. False when too much changed to be read so.
    async fn read_changed_levels(
        &mut self,
        shop_key: &Key,
        location: &str,
        last_whole: Option<Instant>,
    ) -> Step<bool> {
        let flow = format!("levels {location}");
        let asked = self.now();
        let last = {
            let (shop_key, flow) = (shop_key.clone(), flow.clone());
            self.store.read(move |tx| tx.mark(&shop_key, &flow)).await?
        };
        // A whole read has read every location.
        let since = last.max(last_whole).unwrap_or(Instant::UNIX_EPOCH);
        let from = self.overlapping(since);
        let Some(levels) = self
            .shop
            .shop
            .levels_changed_since(location, from, MASS_EDIT)
            .await
            .map_err(shopify)?
        else {
            self.tell(format!(
                "more than {MASS_EDIT} stock levels changed: reading the whole catalogue instead"
            ));
            return Ok(false);
        };
        let shop_key = shop_key.clone();
        self.store
            .fenced(&self.lease, move |tx| {
                tx.put_levels(&shop_key.shop, &levels, asked)?;
                tx.set_mark(&shop_key, &flow, asked)
            })
            .await?;
        Ok(true)
    }

    async fn read_changed_variants(
        &mut self,
        from: Instant,
        locations: &[String],
        just_read: bool,
    ) -> Step<Option<Vec<String>>> {
        let mut edited = Vec::new();
        let mut read = 0;
        let mut cursor: Option<String> = None;
        loop {
            let asked = self.now();
            let page = self
                .shop
                .shop
                .variants_page(cursor.as_deref(), Some(from), locations)
                .await
                .map_err(shopify)?;
            let shop = self.key().shop.clone();
            let variants = page.variants;
            read += variants.len();
            let total = page.total;
            edited.extend(
                self.store
                    .fenced(&self.lease, move |tx| {
                        let edited = note_edits(tx, &shop, &variants, asked)?;
                        tx.put_variants(&shop, &variants, asked, None)?;
                        Ok(edited)
                    })
                    .await?,
            );
            match page.next {
                Some(_) if read >= MASS_EDIT => {
                    self.tell(format!(
                        "more than {MASS_EDIT} variants changed: reading the whole catalogue instead"
                    ));
                    return Ok(None);
                }
                Some(next) => cursor = Some(next),
                None => {
                    let shop = self.key().shop.clone();
                    let known = self.store.read(move |tx| tx.variant_count(&shop)).await?;
                    if total.is_some_and(|total| total < known) && !just_read {
                        self.tell(format!(
                            "the shop has {} variants, {known} are known: reading which are gone",
                            total.unwrap_or_default()
                        ));
                        return Ok(None);
                    }
                    break;
                }
            }
        }
        edited.sort();
        edited.dedup();
        Ok(Some(edited))
    }

    async fn read_all_variants(&mut self, locations: &[String]) -> Step<()> {
        let shop = self.key().shop.clone();
        let walk = self.now().as_millisecond();
        let asked = self.now();
        let count = self.shop.shop.variant_count().await.map_err(shopify)?;
        if count > BULK_FROM {
            let tell = |done| {
                self.tell(format!(
                    "reading the shop's catalogue: {done} of {count} variants"
                ))
            };
            let variants = self.shop.shop.variants_bulk(tell).await.map_err(shopify)?;
            self.store_variants(variants, asked, walk).await?;
        } else {
            let mut cursor: Option<String> = None;
            loop {
                let asked = self.now();
                let page = self
                    .shop
                    .shop
                    .variants_page(cursor.as_deref(), None, locations)
                    .await
                    .map_err(shopify)?;
                self.store_variants(page.variants, asked, walk).await?;
                match page.next {
                    Some(next) => cursor = Some(next),
                    None => break,
                }
            }
        }
        self.store
            .fenced(&self.lease, move |tx| tx.end_variant_walk(&shop, walk))
            .await?;
        Ok(())
    }

    async fn store_variants(&self, variants: Vec<Variant>, asked: Instant, walk: i64) -> Step<()> {
        let shop = self.key().shop.clone();
        self.store
            .fenced(&self.lease, move |tx| {
                for chunk in variants.chunks(5_000) {
                    tx.put_variants(&shop, chunk, asked, Some(walk))?;
                }
                Ok(())
            })
            .await?;
        Ok(())
    }

    /// Reads the whole catalogue of the channel with stock, and counts numbers that are not what was pushed. True when
    /// the walk has come to its end.
    ///
    /// A large catalogue takes many requests. So the walk's place is stored with each page: a cycle that fails or is killed
    /// goes on there, and one that has other things to do leaves the rest to the next.
    async fn walk_listings(&mut self) -> Step<bool> {
        let started = self.now();
        let key = self.key().clone();
        let stored = self
            .store
            .read({
                let key = key.clone();
                move |tx| tx.cursor(&key, WALK)
            })
            .await?;
        let (walk, mut cursor) = match stored.as_deref().and_then(|s| s.split_once(' ')) {
            Some((walk, cursor)) => (
                walk.parse().unwrap_or(started.as_millisecond()),
                Some(cursor.to_owned()),
            ),
            None => (started.as_millisecond(), None),
        };
        let mut seen = std::collections::HashSet::new();
        let mut done = 0usize;
        loop {
            let asked = self.now();
            let page = match self.connector.listings_page(cursor.as_deref(), true).await {
                Ok(page) => page,
                Err(fault) => {
                    if !matches!(
                        fault,
                        Fault::Throttled { .. } | Fault::Unavailable { .. } | Fault::Auth { .. }
                    ) {
                        // The place may be what it does not like: the next walk begins anew.
                        let k = key.clone();
                        self.store
                            .fenced(&self.lease, move |tx| tx.clear_cursor(&k, WALK))
                            .await?;
                    }
                    return Err(channel(fault));
                }
            };
            done += page.listings.len();
            if !page.listings.is_empty() {
                self.tell(format!("reading the channel's catalogue: {done} listings"));
            }
            let next = page.next.clone();
            let wait_ms = page.wait_ms;
            let place = next.as_ref().map(|n| format!("{walk} {n}"));
            let k = key.clone();
            self.report.drift += self
                .store
                .fenced(&self.lease, move |tx| {
                    let drift = store_listings(tx, &k, &page.listings, asked, Some(walk))?;
                    match &place {
                        Some(place) => tx.set_cursor(&k, WALK, place)?,
                        None => tx.clear_cursor(&k, WALK)?,
                    }
                    Ok(drift)
                })
                .await?;
            let Some(next) = next else { break };
            if !seen.insert(next.clone()) {
                let k = key.clone();
                self.store
                    .fenced(&self.lease, move |tx| tx.clear_cursor(&k, WALK))
                    .await?;
                return Err(channel(Fault::Protocol {
                    detail: format!("the plugin's listings walk repeats the cursor \"{next}\""),
                }));
            }
            cursor = Some(next);
            self.wait_for_page(wait_ms).await;
            // Orders wait behind this: once everything has been read one time, a part at a time will do.
            if self.row.read_back_at.is_some()
                && self.now().duration_since(started).as_secs() >= WALK_SECONDS
            {
                return Ok(false);
            }
        }
        // A catalogue that shrinks while it is walked by offset hides some from the walk: each is asked for by itself.
        let unseen = {
            let key = key.clone();
            self.store
                .read(move |tx| tx.listings_not_walked(&key, walk))
                .await?
        };
        for chunk in unseen.chunks(CHECKED_TOGETHER) {
            let asked = self.now();
            let there = self
                .connector
                .listings_by_id(chunk)
                .await
                .map_err(channel)?;
            let k = key.clone();
            self.report.drift += self
                .store
                .fenced(&self.lease, move |tx| {
                    store_listings(tx, &k, &there, asked, Some(walk))
                })
                .await?;
        }
        self.store
            .fenced(&self.lease, move |tx| tx.end_listing_walk(&key, walk))
            .await?;
        Ok(true)
    }

    /// Looks edited SKUs up at the channel, so that they link at once.
    async fn read_listings_of(&mut self, skus: &[String]) -> Step<()> {
        for chunk in skus.chunks(100) {
            let asked = self.now();
            let listings = self
                .connector
                .listings_by_sku(chunk)
                .await
                .map_err(channel)?;
            let key = self.key().clone();
            self.store
                .fenced(&self.lease, move |tx| {
                    tx.put_listings(&key, &listings, asked, None)
                })
                .await?;
        }
        Ok(())
    }

    /// Reads the listings that messages named by SKU. True when one has come, or has gone from that SKU.
    async fn read_hinted_listings(&mut self) -> Step<bool> {
        let named = self.take_hints(HintKind::Sku).await?;
        if named.is_empty() {
            return Ok(false);
        }
        let before = self.listings_of(&named).await?;
        match self.read_listings_of(&named).await {
            Ok(()) => Ok(self.listings_of(&named).await? != before),
            // Nothing proves that what was named exists: the reading of the whole catalogue is what counts.
            Err(Stop::Fault { fault, .. }) => {
                tracing::info!(channel = %self.key(), "listings that messages named: {fault}");
                Ok(false)
            }
            Err(other) => Err(other),
        }
    }

    /// The ids of the listings with these SKUs, as known.
    async fn listings_of(&self, skus: &[String]) -> Step<Vec<String>> {
        let (key, skus) = (self.key().clone(), skus.to_vec());
        let found = self.store.read(move |tx| {
            let mut ids = Vec::new();
            for sku in &skus {
                ids.extend(tx.listings_with_sku(&key, sku)?.into_iter().map(|l| l.id));
            }
            Ok(ids)
        });
        Ok(found.await?)
    }

    /// The channel's carriers and reasons.
    pub(super) async fn fetch_lists(&mut self) -> Step<()> {
        let carriers = self.connector.carriers().await.map_err(channel)?;
        let reasons = self.connector.reasons().await.map_err(channel)?;
        let key = self.key().clone();
        self.store
            .fenced(&self.lease, move |tx| {
                tx.put_carriers(&key, &carriers)?;
                tx.put_reasons(&key, &reasons)
            })
            .await?;
        Ok(())
    }

    /// Links all SKUs anew, as of the newest edit that the mirror holds.
    async fn relink(&mut self, edit: Option<Instant>, told_by: Option<String>) -> Step<()> {
        let bundles = self.ask_bundles().await?;
        let (key, now) = (self.key().clone(), self.now());
        let (links, mismatches, new, gone) = self
            .store
            .fenced(&self.lease, move |tx| {
                if let Some(bundles) = &bundles {
                    tx.replace_bundles(&key, bundles)?;
                    if let Some(told_by) = &told_by {
                        tx.set_cursor(&key, TOLD_BY, told_by)?;
                    }
                }
                let bundles = tx.bundles(&key)?;
                let plan = link::plan(&tx.shop_skus(&key.shop)?, &tx.listings(&key)?, &bundles);
                let before: Vec<Mismatch> = tx.mismatches(&key)?;
                for m in plan
                    .mismatches
                    .iter()
                    .filter(|m| duplicate(m.kind) && !before.contains(m))
                {
                    tx.record(
                        &key,
                        &format!("sku:{}", m.sku),
                        "quarantined",
                        &m.detail,
                        now,
                    )?;
                }
                let (new, gone) = tx.replace_links(&key, &plan.links, &plan.mismatches, now)?;
                if new + gone > 0 {
                    tx.record(
                        &key,
                        "channel",
                        "linked",
                        &format!(
                            "{new} SKUs linked, {gone} no longer; {} in step",
                            plan.linked()
                        ),
                        now,
                    )?;
                }
                if let Some(edit) = edit {
                    tx.set_mark(&key, LINKED, edit)?;
                }
                Ok((plan.linked(), plan.mismatches.len(), new, gone))
            })
            .await?;
        tracing::info!(channel = %self.key(), links, mismatches, new, gone, "linked");
        self.report.links = links as u32;
        self.report.mismatches = mismatches as u32;
        Ok(())
    }

    /// Reads stock again whose mirror is older than an order that lowered it, or that a message named: a search does not
    /// show it at once.
    pub(super) async fn refresh_stale_items(&mut self) -> Step<()> {
        let shop_key = Key::new(self.key().shop.clone(), "");
        let (variants, named) = {
            let shop_key = shop_key.clone();
            self.store
                .read(move |tx| {
                    let shop = &shop_key.shop;
                    let named = tx.hints(&shop_key, HintKind::Item)?;
                    let mut items = tx.stale_items(shop)?;
                    items.extend(named.iter().map(|hint| hint.id.clone()));
                    items.sort();
                    items.dedup();
                    let mut ids = Vec::new();
                    for item in items {
                        ids.extend(tx.variants_of_item(shop, &item)?);
                    }
                    Ok((ids, named))
                })
                .await?
        };
        for chunk in variants.chunks(100) {
            let asked = self.now();
            let found = self
                .shop
                .shop
                .variants_by_id(chunk)
                .await
                .map_err(shopify)?;
            let shop = self.key().shop.clone();
            self.store
                .fenced(&self.lease, move |tx| {
                    tx.put_variants(&shop, &found, asked, None)
                })
                .await?;
        }
        if !named.is_empty() {
            self.store
                .fenced(&self.lease, move |tx| {
                    tx.drop_hints(&shop_key, HintKind::Item, &named)
                })
                .await?;
        }
        Ok(())
    }
}

/// The SKUs that appear or change with these variants, which are not stored yet; noted, so that every channel links anew.
pub(super) fn note_edits(
    tx: &crate::db::Tx<'_>,
    shop: &str,
    variants: &[Variant],
    asked: Instant,
) -> Result<Vec<String>, crate::db::Error> {
    let mut edited = Vec::new();
    for v in variants {
        let before = tx.sku_of_variant(shop, &v.id)?.flatten();
        if before.as_deref() != v.sku.as_deref().filter(|s| !s.is_empty()) {
            edited.extend(
                before
                    .into_iter()
                    .chain(v.sku.clone())
                    .filter(|s| !s.is_empty()),
            );
        }
    }
    if !edited.is_empty() {
        tx.set_mark(&Key::new(shop, ""), EDITED, asked)?;
    }
    Ok(edited)
}

/// Whether one side has the SKU twice.
fn duplicate(kind: MismatchKind) -> bool {
    matches!(
        kind,
        MismatchKind::DuplicateShop | MismatchKind::DuplicateChannel
    )
}

/// Stores read listings and answers how many carry another number than the host left there.
pub(super) fn store_listings(
    tx: &crate::db::Tx<'_>,
    key: &Key,
    listings: &[Listing],
    asked: Instant,
    walk: Option<i64>,
) -> Result<u32, crate::db::Error> {
    let mut drift = 0;
    for l in listings {
        let Some(read) = l.quantity else { continue };
        if let Some(known) = tx.known_quantity(key, &l.id, asked)?
            && known != read
        {
            drift += 1;
            let sku = l.sku.as_deref().unwrap_or(&l.id);
            tx.record(
                key,
                &format!("sku:{sku}"),
                "drift",
                &format!("the channel says {read} where {known} was left: somebody else wrote it"),
                asked,
            )?;
        }
    }
    tx.put_listings(key, listings, asked, walk)?;
    Ok(drift)
}
