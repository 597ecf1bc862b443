//! Connecting a Shopify store.

use anyhow::Context;
use secrecy::SecretString;

use super::{Refusal, name_ok};
use crate::db::ShopRow;
use crate::host::Host;
use crate::model::{Actor, Instant, ShopInfo};
use crate::shop::Shop;

/// The address of a store by its domain, however it was typed.
pub fn address(domain: &str) -> String {
    let domain = domain.trim();
    let bare = domain
        .trim_start_matches("https://")
        .trim_end_matches('/')
        .trim_start_matches("admin.shopify.com/store/");
    if bare.contains('.') {
        format!("https://{bare}")
    } else {
        format!("https://{bare}.myshopify.com")
    }
}

/// Checks a shop's credentials, scopes and identity, then stores them; nothing is stored when they do not hold.
pub async fn connect(
    host: &Host,
    mut row: ShopRow,
    secret: &SecretString,
    actor: &Actor,
) -> anyhow::Result<ShopInfo> {
    if !name_ok(&row.shop) {
        return Err(Refusal::Invalid(format!(
            "\"{}\" cannot be a short name: use lower-case letters, digits and dashes",
            row.shop
        ))
        .into());
    }
    row.base_url = super::base_url("the address of the store", &row.base_url)?;
    super::check_secret(secret)?;
    match &row.client_id {
        Some(id) => super::check_text("the client id", id, super::ID_MOST)?,
        None if row.auth == "client-credentials" => {
            return Err(Refusal::Invalid(
                "the client id of the app is missing; a permanent token needs none".into(),
            )
            .into());
        }
        None => {}
    }
    let known = {
        let name = row.shop.clone();
        host.store.read(move |tx| tx.shop(&name)).await?
    };
    let shop = host.try_shop(&row, secret)?;
    let mut info = shop
        .probe()
        .await
        .with_context(|| format!("cannot connect to {}", row.base_url))?;
    let missing = Shop::missing_scopes(&info);
    if !missing.is_empty() {
        return Err(Refusal::Invalid(format!(
            "the app may not do what is needed; grant it these scopes and try again: {}",
            missing.join(", ")
        ))
        .into());
    }
    if let Some(before) = known.and_then(|k| k.info).filter(|b| b.id != info.id) {
        return Err(Refusal::Conflict(format!(
            "{} is connected to {} ({}), these credentials open {} ({}); use another short name for another store",
            row.shop, before.name, before.domain, info.name, info.domain
        ))
        .into());
    }
    info.locations = shop.locations().await?;
    row.info = Some(info.clone());
    host.keep_secret(&row.shop, "", "secret", secret).await?;
    let actor = actor.clone();
    host.store
        .write(move |tx| {
            let now = Instant::now();
            tx.put_shop(&row, now)?;
            let detail = row.info.map_or(String::new(), |i| i.domain);
            tx.audit(&actor, "shop.connect", &row.shop, &detail, now)
        })
        .await?;
    Ok(info)
}
