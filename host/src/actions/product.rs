//! What a person does with one SKU.

use super::Refusal;
use crate::db::{ChannelRow, ChannelState, Tx};
use crate::host::Host;
use crate::model::{Actor, Instant, Key};

/// What was asked of the next cycles.
pub struct Asked {
    /// For people.
    pub said: String,
    /// The channels that are due for it at once.
    pub due: Vec<Key>,
}

impl Asked {
    fn of(rows: &[ChannelRow], said: String) -> Self {
        let worked = rows.iter().filter(|r| r.state == ChannelState::Active);
        Self {
            said,
            due: worked.map(|r| r.key.clone()).collect(),
        }
    }
}

/// Has a SKU read again on both sides, and its number written again, by the next cycle of each channel of the shop; of one
/// channel when it is named. Asked twice before the cycle, it is done once.
pub async fn resync(
    host: &Host,
    shop: &str,
    sku: &str,
    only: Option<&Key>,
    actor: &Actor,
) -> anyhow::Result<Asked> {
    let act = |tx: &Tx<'_>, row: &ChannelRow, sku: &str, actor: &Actor, now| {
        tx.ask_reread(&row.key, sku, &actor.name, now)?;
        Ok(true)
    };
    let rows = on_channels(host, shop, sku, only, actor, "resync", act).await?;
    let named = |state: fn(ChannelState) -> bool| {
        let meant = rows.iter().filter(|r| state(r.state));
        let titles: Vec<&str> = meant.map(|r| r.title.as_str()).collect();
        titles.join(", ")
    };
    let (worked, idle) = (
        named(|s| s == ChannelState::Active),
        named(|s| s != ChannelState::Active),
    );
    let mut said = Vec::new();
    if !worked.is_empty() {
        said.push(format!(
            "read again and its number written in the next cycle of {worked}"
        ));
    }
    if !idle.is_empty() {
        said.push(format!(
            "read again when {idle} is worked again, which stands still now"
        ));
    }
    Ok(Asked::of(&rows, said.join("; ")))
}

/// Has a number that a channel refused tried again by its next cycle. None: no channel refuses it.
pub async fn retry(
    host: &Host,
    shop: &str,
    sku: &str,
    only: Option<&Key>,
    actor: &Actor,
) -> anyhow::Result<Option<Asked>> {
    let act = |tx: &Tx<'_>, row: &ChannelRow, sku: &str, _: &Actor, _| {
        Ok(tx.forget_refused_of(&row.key, sku)? > 0)
    };
    let rows = on_channels(host, shop, sku, only, actor, "retry", act).await?;
    let titles: Vec<&str> = rows.iter().map(|r| r.title.as_str()).collect();
    if titles.is_empty() {
        return Ok(None);
    }
    let said = format!(
        "its number is tried again in the next cycle of {}",
        titles.join(", ")
    );
    Ok(Some(Asked::of(&rows, said)))
}

/// Does something for a SKU on each channel of the shop, or the one named, in one transaction, and makes those due where
/// it did anything. Answers these.
async fn on_channels(
    host: &Host,
    shop: &str,
    sku: &str,
    only: Option<&Key>,
    actor: &Actor,
    kind: &'static str,
    act: impl Fn(&Tx<'_>, &ChannelRow, &str, &Actor, Instant) -> Result<bool, crate::db::Error>
    + Send
    + 'static,
) -> anyhow::Result<Vec<ChannelRow>> {
    if let Some(key) = only {
        host.channel(key).await?;
    }
    let (shop, sku, only, actor) = (
        shop.to_owned(),
        sku.to_owned(),
        only.cloned(),
        actor.clone(),
    );
    let done = host
        .store
        .write(move |tx| {
            if !tx.knows_sku(&shop, &sku)? {
                return Ok(Err(Refusal::Unknown(format!(
                    "neither the shop \"{shop}\" nor a channel of it has the SKU \"{sku}\""
                ))));
            }
            let now = Instant::now();
            let mut rows = tx.channels()?;
            rows.retain(|r| r.key.shop == shop && only.as_ref().is_none_or(|k| r.key == *k));
            if rows.is_empty() {
                return Ok(Err(Refusal::Conflict(format!(
                    "the shop \"{shop}\" has no channel yet"
                ))));
            }
            let mut touched = Vec::new();
            for row in rows {
                if !act(tx, &row, &sku, &actor, now)? {
                    continue;
                }
                if row.state == ChannelState::Active {
                    tx.set_due(&row.key, now, row.failures)?;
                }
                touched.push(row);
            }
            if !touched.is_empty() {
                let keys: Vec<String> = touched.iter().map(|r| r.key.to_string()).collect();
                let subject = format!("{shop} SKU {sku}");
                tx.audit(
                    &actor,
                    &format!("sku.{kind}"),
                    &subject,
                    &keys.join(", "),
                    now,
                )?;
            }
            Ok(Ok(touched))
        })
        .await?;
    Ok(done?)
}
