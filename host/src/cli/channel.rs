//! `lockstep channel`: connect a marketplace account to a shop.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use secrecy::SecretString;

use super::output::{clock, print_rows};
use super::plugin::grant_first;
use super::{Env, FINE, Usage, secret};
use crate::db::{ChannelRow, ChannelState};
use crate::host::Host;
use crate::model::{Instant, Key, Policy};
use crate::plugin::Manifest;

#[derive(Subcommand)]
pub(super) enum ChannelCommand {
    /// Add a channel. Checks the credentials and shows whose account they open.
    Add(AddArgs),
    /// Change settings of a channel.
    Set(SetArgs),
    /// Replace the secret of a channel, and work it again if it was parked for it.
    Secret(SecretArgs),
    /// Stop working a channel.
    Pause(KeyArgs),
    /// Work a paused or parked channel again.
    Resume(KeyArgs),
    /// The channels and their settings.
    List,
}

#[derive(Args)]
pub(super) struct KeyArgs {
    /// SHOP/CHANNEL.
    key: Key,
}

#[derive(Args)]
pub(super) struct AddArgs {
    /// SHOP/CHANNEL, as in kestrel/the-iconic.
    key: Key,
    /// Which plugin talks to the marketplace.
    #[arg(long)]
    plugin: String,
    /// Name shown on orders; the plugin's name otherwise.
    #[arg(long)]
    title: Option<String>,
    /// Client or application id. The secret comes from --secret-file, LOCKSTEP_CHANNEL_SECRET or a prompt.
    #[arg(long)]
    client_id: Option<String>,
    /// File that holds the secret.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// A Shopify location (name or id) whose stock counts; repeat for more. All that ship online orders otherwise.
    #[arg(long = "location", value_name = "NAME")]
    locations: Vec<String>,
    /// A setting of the plugin or of the sync, as in buffer=2 or carriers.MyVan=Sendle; repeat for more.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Import orders placed since this time (RFC 3339); now otherwise, since older ones are already being worked.
    #[arg(long, value_name = "TIME")]
    orders_from: Option<Instant>,
    /// Another address than the plugin's.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Allow plain http and private addresses: for a sandbox on this machine.
    #[arg(long)]
    allow_local: bool,
    /// Grant the plugin what it asks for.
    #[arg(long)]
    grant: bool,
}

#[derive(Args)]
pub(super) struct SetArgs {
    /// SHOP/CHANNEL.
    key: Key,
    /// A setting of the plugin or of the sync; repeat for more.
    #[arg(value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// The Shopify locations whose stock counts, instead of the present ones.
    #[arg(long = "location", value_name = "NAME")]
    locations: Vec<String>,
}

#[derive(Args)]
pub(super) struct SecretArgs {
    /// SHOP/CHANNEL.
    key: Key,
    /// Another client or application id.
    #[arg(long)]
    client_id: Option<String>,
    /// File that holds the secret.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

pub(super) async fn run(command: ChannelCommand, env: &Env) -> anyhow::Result<u8> {
    match command {
        ChannelCommand::Add(args) => add(args, env).await,
        ChannelCommand::Set(args) => set(args, env).await,
        ChannelCommand::Secret(args) => change_secret(args, env).await,
        ChannelCommand::Pause(args) => state(&args.key, env, ChannelState::Paused).await,
        ChannelCommand::Resume(args) => state(&args.key, env, ChannelState::Active).await,
        ChannelCommand::List => list(env).await,
    }
}

async fn add(args: AddArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    grant_first(&args.plugin, args.grant, &host)?;
    let secret = secret::read(
        args.secret_file.as_deref(),
        "LOCKSTEP_CHANNEL_SECRET",
        "secret of the marketplace account",
    )?;
    let new = NewChannel {
        key: args.key,
        plugin: args.plugin,
        title: args.title,
        client_id: args.client_id,
        secret,
        locations: args.locations,
        settings: args.settings,
        orders_from: args.orders_from,
        base_url: args.base_url,
        allow_local: args.allow_local,
    };
    let row = create(&host, new).await?;
    if env.json {
        println!(
            "{}",
            serde_json::json!({"channel": row.key.to_string(), "account": row.account_id, "name": row.account_name, "locations": row.locations})
        );
    } else {
        println!(
            "Added {}: account {} ({}).",
            row.key,
            row.account_name.as_deref().unwrap_or(""),
            row.account_id.as_deref().unwrap_or("")
        );
        println!(
            "Nothing is changed anywhere yet. Look at `lockstep plan {0}`, then `lockstep approve {0}`.",
            row.key
        );
    }
    Ok(FINE)
}

/// A channel to be added.
pub(super) struct NewChannel {
    pub key: Key,
    pub plugin: String,
    pub title: Option<String>,
    pub client_id: Option<String>,
    pub secret: SecretString,
    pub locations: Vec<String>,
    pub settings: Vec<String>,
    pub orders_from: Option<Instant>,
    pub base_url: Option<String>,
    pub allow_local: bool,
}

/// Checks everything about a new channel against both sides, then stores it.
pub(super) async fn create(host: &Host, new: NewChannel) -> anyhow::Result<ChannelRow> {
    let key = new.key.clone();
    if host
        .store
        .read({
            let key = key.clone();
            move |tx| tx.channel(&key)
        })
        .await?
        .is_some()
    {
        return Err(Usage(format!(
            "channel {key} exists; change it with `lockstep channel set {key}`"
        ))
        .into());
    }
    let plugin = host.plugin(&new.plugin)?;
    let manifest = plugin.manifest();
    let mut row = ChannelRow {
        key: key.clone(),
        plugin: new.plugin.clone(),
        title: new.title.unwrap_or_else(|| manifest.plugin.name.clone()),
        base_url: new.base_url,
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
    let account = host
        .try_channel(&row, &secrets)?
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
        return Err(Usage(format!(
            "account {} ({}) is already worked by {}: its orders would be imported twice",
            account.name, account.id, other.key
        ))
        .into());
    }
    row.account_id = Some(account.id);
    row.account_name = Some(account.name);
    for (field, secret) in &secrets {
        host.keep_secret(&key.shop, &key.channel, field, secret)
            .await?;
    }
    let stored = row.clone();
    host.store
        .write(move |tx| {
            tx.add_channel(&stored, Instant::now())?;
            tx.pin_account(
                &stored.key,
                stored.account_id.as_deref().unwrap_or(""),
                stored.account_name.as_deref().unwrap_or(""),
            )
        })
        .await?;
    Ok(row)
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
async fn choose_locations(
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
            return Err(Usage(
                "no active location of the shop ships online orders; name one with --location"
                    .into(),
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
                    Err(Usage(format!(
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
            .ok_or_else(|| Usage(format!("\"{setting}\" is not KEY=VALUE")))?;
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
                return Err(Usage(format!(
                    "the plugin has no call rate \"{name}\"; it has {}",
                    if known.is_empty() { "none" } else { &known }
                ))
                .into());
            }
            let calls = value.parse().map_err(|_| {
                Usage(format!(
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
            return Err(Usage(format!(
                "there is no setting \"{name}\"; there are {}",
                known.join(", ")
            ))
            .into());
        }
        let parsed = serde_json::from_str(value)
            .unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
        object.insert(name.to_owned(), parsed);
        row.policy =
            serde_json::from_value(policy).map_err(|e| Usage(format!("setting {name}: {e}")))?;
    }
    Ok(())
}

async fn set(args: SetArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let mut row = host.channel(&args.key).await?;
    let plugin = host.plugin(&row.plugin)?;
    apply(&mut row, &args.settings, plugin.manifest())?;
    if !args.locations.is_empty() {
        row.locations = choose_locations(&host, &args.key.shop, &args.locations).await?;
    }
    let changed = row.clone();
    host.store
        .write(move |tx| {
            tx.change_channel(&changed)?;
            tx.record(
                &changed.key,
                "channel",
                "settings",
                "settings changed",
                Instant::now(),
            )
        })
        .await?;
    println!("{}", serde_json::to_string_pretty(&row.policy)?);
    Ok(FINE)
}

async fn change_secret(args: SecretArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let row = host.channel(&args.key).await?;
    let secret = secret::read(
        args.secret_file.as_deref(),
        "LOCKSTEP_CHANNEL_SECRET",
        "secret of the marketplace account",
    )?;
    let before = host.channel_secrets(&args.key).await?;
    let secrets = secrets_of(
        host.plugin(&row.plugin)?.manifest(),
        args.client_id.as_deref(),
        &secret,
        before,
    );
    let account = host
        .try_channel(&row, &secrets)?
        .identify()
        .await
        .with_context(|| {
            format!(
                "{} does not accept them; the stored ones are kept",
                row.title
            )
        })?;
    if row.account_id.as_deref().is_some_and(|id| id != account.id) {
        return Err(Usage(format!("these credentials open account {} ({}), not the one of this channel; the stored ones are kept", account.name, account.id)).into());
    }
    for (field, secret) in &secrets {
        host.keep_secret(&args.key.shop, &args.key.channel, field, secret)
            .await?;
    }
    println!("Accepted: account {} ({}).", account.name, account.id);
    let key = args.key.clone();
    host.store
        .write(move |tx| tx.set_channel_state(&key, ChannelState::Active, None))
        .await?;
    Ok(FINE)
}

async fn state(key: &Key, env: &Env, state: ChannelState) -> anyhow::Result<u8> {
    let host = env.host()?;
    host.channel(key).await?;
    let stored = key.clone();
    host.store
        .write(move |tx| {
            tx.set_channel_state(&stored, state, None)?;
            if state == ChannelState::Active {
                // Whoever asks has seen to what the channel refused.
                tx.forget_refused(&stored)?;
            }
            tx.set_due(&stored, Instant::now(), 0)?;
            tx.record(
                &stored,
                "channel",
                "state",
                &format!("{state} by the operator"),
                Instant::now(),
            )
        })
        .await?;
    println!("{key} is {state}.");
    Ok(FINE)
}

async fn list(env: &Env) -> anyhow::Result<u8> {
    let channels = env.host()?.store.read(|tx| tx.channels()).await?;
    if env.json {
        let all: Vec<_> = channels
            .iter()
            .map(|c| serde_json::json!({"channel": c.key.to_string(), "plugin": c.plugin, "title": c.title, "account": c.account_id, "account_name": c.account_name,
                "state": c.state, "reason": c.reason, "approved_at": c.approved_at, "policy": c.policy, "settings": c.settings, "locations": c.locations}))
            .collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(FINE);
    }
    let rows: Vec<Vec<String>> = channels
        .into_iter()
        .map(|c| {
            vec![
                c.key.to_string(),
                c.plugin,
                format!(
                    "{} ({})",
                    c.account_name.unwrap_or_default(),
                    c.account_id.unwrap_or_default()
                ),
                c.state.to_string(),
                c.approved_at.map_or("no".into(), clock),
                c.reason.unwrap_or_default(),
            ]
        })
        .collect();
    print_rows(
        &[
            "channel", "plugin", "account", "state", "approved", "reason",
        ],
        &rows,
        usize::MAX,
    );
    Ok(FINE)
}
