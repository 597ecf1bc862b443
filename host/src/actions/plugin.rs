//! Granting plugins their rights, and going back to the version before.

use super::Refusal;
use crate::host::Host;
use crate::model::{Actor, Instant};
use crate::plugin::Plugin;
use crate::registry::{Entries, Entry};

/// Grants the version that waits what it asks for, and puts it to work. Answers what was granted; nothing when the version
/// with this digest has it already. With a digest that version only: what was looked at is what is granted.
pub async fn grant(
    host: &Host,
    id: &str,
    digest: Option<&str>,
    actor: &Actor,
) -> anyhow::Result<Vec<String>> {
    let entries = host.registry.entries();
    let entry = known(&entries, id)?;
    let at_work = entry.at_work.as_ref().map(Plugin::digest);
    if digest.is_some() && at_work == digest {
        return Ok(Vec::new());
    }
    let asked = host.registry.grant(id, digest)?;
    note(host, actor, "plugin.grant", id, asked.join(", ")).await?;
    Ok(asked)
}

/// Puts the version before the present one to work again. Answers both digests. With a digest only when that version is
/// the present one, so that asking twice goes back once.
pub async fn roll_back(
    host: &Host,
    id: &str,
    digest: Option<&str>,
    actor: &Actor,
) -> anyhow::Result<(String, String)> {
    known(&host.registry.entries(), id)?;
    let (from, to) = host.registry.roll_back(id, digest)?;
    let text = format!("from {} to {}", &from[..12], &to[..12]);
    note(host, actor, "plugin.rollback", id, text).await?;
    Ok((from, to))
}

fn known<'a>(entries: &'a Entries, id: &str) -> Result<&'a Entry, Refusal> {
    (entries.get(id)).ok_or_else(|| Refusal::Unknown(format!("there is no plugin \"{id}\"")))
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
