//! Granting plugins their rights, and going back to the version before.

use super::Refusal;
use crate::host::Host;
use crate::model::{Actor, Instant};

/// Grants the version that waits what it asks for, and puts it to work. Answers what was granted.
pub async fn grant(host: &Host, id: &str, actor: &Actor) -> anyhow::Result<Vec<String>> {
    let entries = host.registry.entries();
    if entries.get(id).is_none_or(|e| e.waits.is_none()) {
        return Err(Refusal::Conflict(format!(
            "no version of plugin \"{id}\" waits to be granted anything"
        ))
        .into());
    }
    let asked = host.registry.grant(id)?;
    note(host, actor, "plugin.grant", id, asked.join(", ")).await?;
    Ok(asked)
}

/// Puts the version before the present one to work again. Answers both digests.
pub async fn roll_back(host: &Host, id: &str, actor: &Actor) -> anyhow::Result<(String, String)> {
    let (from, to) = host
        .registry
        .roll_back(id)
        .map_err(|e| Refusal::Conflict(format!("{e:#}")))?;
    let text = format!("from {} to {}", &from[..12], &to[..12]);
    note(host, actor, "plugin.rollback", id, text).await?;
    Ok((from, to))
}

async fn note(
    host: &Host,
    actor: &Actor,
    action: &'static str,
    id: &str,
    detail: String,
) -> anyhow::Result<()> {
    let (actor, id) = (actor.clone(), format!("plugin {id}"));
    host.store
        .write(move |tx| tx.audit(&actor, action, &id, &detail, Instant::now()))
        .await?;
    Ok(())
}
