//! Connecting a marketplace account to a shop, and changing how it is synchronized.

use std::collections::BTreeMap;

use anyhow::Context;
use secrecy::SecretString;

use super::{Refusal, name_ok};
use crate::db::{ChannelRow, ChannelState};
use crate::host::Host;
use crate::model::{Account, Actor, Instant, Key, Policy};
use crate::plugin::{Connector, Manifest};

/// A channel to be added.
pub struct NewChannel {
    /// Its short name.
    pub key: Key,
    /// Which plugin talks to the marketplace.
    pub plugin: String,
    /// Shown on orders; the plugin's name otherwise.
    pub title: Option<String>,
    /// Client or application id, where the plugin's credential has one.
    pub client_id: Option<String>,
    /// The secret of the account.
    pub secret: SecretString,
    /// Names or ids of the Shopify locations whose stock counts; all that ship online orders when empty.
    pub locations: Vec<String>,
    /// KEY=VALUE, of the plugin or of the sync.
    pub settings: Vec<String>,
    /// Orders placed before are known, never created; now otherwise.
    pub orders_from: Option<Instant>,
    /// Another address than the plugin's.
    pub base_url: Option<String>,
    /// Plain http and private addresses allowed.
    pub allow_local: bool,
}

/// Checks everything about a new channel against both sides, then stores it.
pub async fn create(host: &Host, new: NewChannel, actor: &Actor) -> anyhow::Result<ChannelRow> {
    let key = new.key.clone();
    check_credentials(new.client_id.as_deref(), &new.secret)?;
    if let Some(title) = &new.title {
        super::check_text("the title", title, super::TITLE_MOST)?;
    }
    let base_url = (new.base_url.as_deref())
        .map(|url| super::base_url("the address of the marketplace", url))
        .transpose()?;
    if !name_ok(&key.channel) {
        return Err(Refusal::Invalid(format!(
            "\"{}\" cannot be a short name: use lower-case letters, digits and dashes",
            key.channel
        ))
        .into());
    }
    if host
        .store
        .read({
            let key = key.clone();
            move |tx| tx.channel(&key)
        })
        .await?
        .is_some()
    {
        return Err(exists(&key).into());
    }
    let plugin = host.plugin(&new.plugin)?;
    let manifest = plugin.manifest();
    let mut row = ChannelRow {
        key: key.clone(),
        plugin: new.plugin.clone(),
        title: new.title.unwrap_or_else(|| manifest.plugin.name.clone()),
        base_url,
        allow_local: new.allow_local,
        account_id: None,
        account_name: None,
        settings: BTreeMap::new(),
        policy: Policy {
            interval_s: (manifest.orders.interval_s).unwrap_or(Policy::default().interval_s),
            ..Policy::default()
        },
        extras: Vec::new(),
        locations: Vec::new(),
        orders_from: new.orders_from.unwrap_or_else(Instant::now),
        state: ChannelState::Active,
        reason: None,
        approved_at: None,
        guard_pass: false,
        due_at: Instant::now(),
        failures: 0,
        read_back_at: None,
    };
    apply(&mut row, &new.settings, manifest)?;
    row.locations = choose_locations(host, &key.shop, &new.locations).await?;
    let secrets = secrets_of(
        manifest,
        new.client_id.as_deref(),
        &new.secret,
        BTreeMap::new(),
    );
    let account = connector(host, &row, &secrets)?
        .identify()
        .await
        .with_context(|| format!("{} does not accept the credentials of {key}", row.title))?;
    let other = {
        let (id, plugin, shop) = (account.id.clone(), row.plugin.clone(), key.shop.clone());
        host.store
            .read(move |tx| {
                Ok(tx.channels()?.into_iter().find(|c| {
                    c.plugin == plugin && c.account_id.as_deref() == Some(&id) && c.key.shop == shop
                }))
            })
            .await?
    };
    if let Some(other) = other {
        return Err(Refusal::Conflict(format!(
            "account {} ({}) is already worked by {}: its orders would be imported twice",
            account.name, account.id, other.key
        ))
        .into());
    }
    row.account_id = Some(account.id);
    row.account_name = Some(account.name);
    let sealed = (secrets.iter())
        .map(|(field, secret)| {
            let sealed = host.seal(&key.shop, &key.channel, field, secret)?;
            Ok((field.clone(), sealed))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let (stored, actor) = (row.clone(), actor.clone());
    let done = host
        .store
        .write(move |tx| {
            // Somebody else may have added it while the marketplace was asked.
            if tx.channel(&stored.key)?.is_some() {
                return Ok(Err(exists(&stored.key)));
            }
            let now = Instant::now();
            for (field, sealed) in &sealed {
                tx.put_secret(&stored.key.shop, &stored.key.channel, field, sealed)?;
            }
            let (id, name) = (stored.account_id.as_deref(), stored.account_name.as_deref());
            let (id, name) = (id.unwrap_or_default(), name.unwrap_or_default());
            tx.add_channel(&stored, now)?;
            tx.pin_account(&stored.key, id, name)?;
            let detail = format!("{} account {name} ({id})", stored.title);
            tx.audit(&actor, "channel.add", &stored.key.to_string(), &detail, now)?;
            Ok(Ok(()))
        })
        .await?;
    done?;
    Ok(row)
}

fn exists(key: &Key) -> Refusal {
    Refusal::Conflict(format!(
        "channel {key} exists; change it with `lockstep channel set {key}`"
    ))
}

fn check_credentials(client_id: Option<&str>, secret: &SecretString) -> Result<(), Refusal> {
    if let Some(id) = client_id {
        super::check_text("the client id", id, super::ID_MOST)?;
    }
    super::check_secret(secret)
}

/// The connector of a channel that is being set up. Settings and secrets that the plugin does not take are told now, not
/// by a parked channel.
fn connector(
    host: &Host,
    row: &ChannelRow,
    secrets: &BTreeMap<String, SecretString>,
) -> anyhow::Result<Connector> {
    let refused = |e: anyhow::Error| match e.downcast::<Refusal>() {
        Ok(refusal) => refusal,
        Err(e) => Refusal::Invalid(format!("{e:#}")),
    };
    Ok(host.try_channel(row, secrets).map_err(refused)?)
}

/// What each credential slot of a plugin gets, by `slot.id` and `slot.secret`; an id that is not given stays as it was.
fn secrets_of(
    manifest: &Manifest,
    id: Option<&str>,
    secret: &SecretString,
    before: BTreeMap<String, SecretString>,
) -> BTreeMap<String, SecretString> {
    let mut secrets = before;
    for slot in &manifest.credential {
        if let Some(id) = id {
            secrets.insert(format!("{}.id", slot.slot), SecretString::from(id));
        }
        secrets.insert(format!("{}.secret", slot.slot), secret.clone());
    }
    secrets
}

/// Location ids by name or id; all active ones that ship online orders when none is named.
pub async fn choose_locations(
    host: &Host,
    shop: &str,
    names: &[String],
) -> anyhow::Result<Vec<String>> {
    let all = host
        .shop(shop)
        .await?
        .shop
        .locations()
        .await
        .context("reading the shop's locations")?;
    if names.is_empty() {
        let found: Vec<String> = all
            .iter()
            .filter(|l| l.active && l.ships_online && !l.fulfillment_service)
            .map(|l| l.id.clone())
            .collect();
        if found.is_empty() {
            return Err(Refusal::Invalid(
                "no active location of the shop ships online orders; name one".into(),
            )
            .into());
        }
        return Ok(found);
    }
    names
        .iter()
        .map(|name| {
            let found: Vec<_> = all
                .iter()
                .filter(|l| l.name == *name || l.id == *name)
                .collect();
            match found.as_slice() {
                [one] => Ok(one.id.clone()),
                _ => {
                    let known: Vec<String> =
                        all.iter().map(|l| format!("\"{}\"", l.name)).collect();
                    Err(Refusal::Invalid(format!(
                        "the shop has no single location \"{name}\"; it has {}",
                        known.join(", ")
                    ))
                    .into())
                }
            }
        })
        .collect()
}

/// Applies KEY=VALUE settings: the plugin's own by name, `carriers.NAME`, `reasons.WORD` and `call-rates.NAME`, else the
/// sync policy's.
fn apply(row: &mut ChannelRow, settings: &[String], manifest: &Manifest) -> anyhow::Result<()> {
    let plugin_keys: Vec<&str> = manifest.setting.iter().map(|s| s.key.as_str()).collect();
    for setting in settings {
        let (name, value) = setting
            .split_once('=')
            .ok_or_else(|| Refusal::Invalid(format!("\"{setting}\" is not KEY=VALUE")))?;
        if plugin_keys.contains(&name) {
            row.settings.insert(name.to_owned(), value.to_owned());
            continue;
        }
        if let Some(carrier) = name.strip_prefix("carriers.") {
            row.policy
                .carriers
                .insert(carrier.to_owned(), value.to_owned());
            continue;
        }
        if let Some(word) = name.strip_prefix("reasons.") {
            row.policy.reasons.insert(word.to_owned(), value.to_owned());
            continue;
        }
        if let Some(name) = name.strip_prefix("call-rates.") {
            let known: Vec<&str> = manifest.call_rate.iter().map(|r| r.name.as_str()).collect();
            if !known.contains(&name) {
                let known = known.join(", ");
                return Err(Refusal::Invalid(format!(
                    "the plugin has no call rate \"{name}\"; it has {}",
                    if known.is_empty() { "none" } else { &known }
                ))
                .into());
            }
            let calls = value.parse().map_err(|_| {
                Refusal::Invalid(format!(
                    "setting call-rates.{name}: \"{value}\" is no number of calls"
                ))
            })?;
            row.policy.call_rates.insert(name.to_owned(), calls);
            continue;
        }
        let mut policy = serde_json::to_value(&row.policy)?;
        let object = policy
            .as_object_mut()
            .context("a policy is a JSON object")?;
        if !object.contains_key(name) {
            let known: Vec<&str> = object
                .keys()
                .map(String::as_str)
                .chain(plugin_keys.iter().copied())
                .collect();
            return Err(Refusal::Invalid(format!(
                "there is no setting \"{name}\"; there are {}",
                known.join(", ")
            ))
            .into());
        }
        let parsed = serde_json::from_str(value)
            .unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
        object.insert(name.to_owned(), parsed);
        row.policy = serde_json::from_value(policy)
            .map_err(|e| Refusal::Invalid(format!("setting {name}: {e}")))?;
    }
    Ok(())
}

/// Changes settings (KEY=VALUE, of the plugin or of the sync) and, when any is named, the locations whose stock counts.
pub async fn set(
    host: &Host,
    key: &Key,
    settings: &[String],
    locations: &[String],
    actor: &Actor,
) -> anyhow::Result<ChannelRow> {
    let mut row = host.channel(key).await?;
    let plugin = host.plugin(&row.plugin)?;
    apply(&mut row, settings, plugin.manifest())?;
    if !locations.is_empty() {
        row.locations = choose_locations(host, &key.shop, locations).await?;
    }
    connector(host, &row, &host.channel_secrets(key).await?)?;
    let (changed, actor) = (row.clone(), actor.clone());
    let mut what = settings.to_vec();
    if !locations.is_empty() {
        what.push(format!("locations {}", locations.join(", ")));
    }
    host.store
        .write(move |tx| {
            let now = Instant::now();
            tx.change_channel(&changed)?;
            let detail = what.join("; ");
            let text = format!("{} changed settings: {detail}", actor.name);
            tx.record(&changed.key, "channel", "settings", &text, now)?;
            tx.audit(
                &actor,
                "channel.set",
                &changed.key.to_string(),
                &detail,
                now,
            )
        })
        .await?;
    Ok(row)
}

/// Replaces the secret of a channel, once it is seen to open the same account, and works the channel again if it was
/// parked.
pub async fn change_secret(
    host: &Host,
    key: &Key,
    client_id: Option<&str>,
    secret: &SecretString,
    actor: &Actor,
) -> anyhow::Result<Account> {
    let row = host.channel(key).await?;
    check_credentials(client_id, secret)?;
    let before = host.channel_secrets(key).await?;
    let secrets = secrets_of(
        host.plugin(&row.plugin)?.manifest(),
        client_id,
        secret,
        before,
    );
    let account = connector(host, &row, &secrets)?
        .identify()
        .await
        .with_context(|| {
            format!(
                "{} does not accept them; the stored ones are kept",
                row.title
            )
        })?;
    if row.account_id.as_deref().is_some_and(|id| id != account.id) {
        return Err(Refusal::Conflict(format!(
            "these credentials open account {} ({}), not the one of this channel; the stored ones are kept",
            account.name, account.id
        ))
        .into());
    }
    for (field, secret) in &secrets {
        host.keep_secret(&key.shop, &key.channel, field, secret)
            .await?;
    }
    let (key, actor) = (key.clone(), actor.clone());
    host.store
        .write(move |tx| {
            tx.set_channel_state(&key, ChannelState::Active, None)?;
            let detail = "opens the same account";
            tx.audit(
                &actor,
                "channel.secret",
                &key.to_string(),
                detail,
                Instant::now(),
            )
        })
        .await?;
    Ok(account)
}

/// Pauses a channel, or works a paused or parked one again.
pub async fn set_state(
    host: &Host,
    key: &Key,
    state: ChannelState,
    actor: &Actor,
) -> anyhow::Result<()> {
    host.channel(key).await?;
    let (key, actor) = (key.clone(), actor.clone());
    host.store
        .write(move |tx| {
            let now = Instant::now();
            tx.set_channel_state(&key, state, None)?;
            if state == ChannelState::Active {
                // Whoever asks has seen to what the channel refused.
                tx.forget_refused(&key)?;
            }
            tx.set_due(&key, now, 0)?;
            let text = format!("{state} by {}", actor.name);
            tx.record(&key, "channel", "state", &text, now)?;
            tx.audit(
                &actor,
                "channel.state",
                &key.to_string(),
                &state.to_string(),
                now,
            )
        })
        .await?;
    Ok(())
}

/// Makes a channel due at once.
pub async fn sync_now(host: &Host, key: &Key, actor: &Actor) -> anyhow::Result<()> {
    let row = host.channel(key).await?;
    if row.state != ChannelState::Active {
        return Err(Refusal::Conflict(format!("{key} is {}; resume it first", row.state)).into());
    }
    let (key, actor) = (key.clone(), actor.clone());
    host.store
        .write(move |tx| {
            let now = Instant::now();
            tx.set_due(&key, now, row.failures)?;
            tx.audit(&actor, "channel.sync", &key.to_string(), "a cycle now", now)
        })
        .await?;
    Ok(())
}
