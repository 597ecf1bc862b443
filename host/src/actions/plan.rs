//! Approving what a channel waits for.

use super::Refusal;
use crate::host::Host;
use crate::model::{Actor, Instant, Key};

/// Approves the first sync of a channel, or what its guard stopped. Answers what was approved.
pub async fn approve(host: &Host, key: &Key, actor: &Actor) -> anyhow::Result<String> {
    let row = host.channel(key).await?;
    let (key, actor) = (key.clone(), actor.clone());
    let done = host
        .store
        .write(move |tx| {
            let plan = tx.plan_why(&key)?;
            if row.approved_at.is_some() && plan.is_none() {
                return Ok(Err(Refusal::Conflict(format!(
                    "nothing of {key} waits for approval"
                ))));
            }
            let why = plan.unwrap_or_else(|| "its first sync".to_owned());
            let now = Instant::now();
            tx.approve(&key, now)?;
            let text = format!("{} approved: {why}", actor.name);
            tx.record(&key, "channel", "approved", &text, now)?;
            tx.audit(&actor, "channel.approve", &key.to_string(), &why, now)?;
            Ok(Ok(why))
        })
        .await?;
    Ok(done?)
}
