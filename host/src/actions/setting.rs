//! Settings of the host itself.

use crate::host::Host;
use crate::model::{Actor, Instant, PUBLIC_URL, checked_public_url};

/// Sets, or takes away, the address of this host as browsers and senders of webhooks see it. Answers it as it is stored.
pub async fn set_public_url(
    host: &Host,
    url: Option<&str>,
    actor: &Actor,
) -> anyhow::Result<Option<String>> {
    let url = url.map(checked_public_url).transpose()?;
    let (stored, actor) = (url.clone(), actor.clone());
    host.store
        .write(move |tx| {
            let detail = stored.as_deref().unwrap_or("taken away");
            tx.audit(&actor, "setting.set", PUBLIC_URL, detail, Instant::now())?;
            match &stored {
                Some(url) => tx.put_setting(PUBLIC_URL, url),
                None => tx.drop_setting(PUBLIC_URL),
            }
        })
        .await?;
    Ok(url)
}
