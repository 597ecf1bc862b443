//! `lockstep channel`: connect a marketplace account to a shop.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::{clock, print_rows};
use super::plugin::grant_first;
use super::{Env, FINE, secret};
use crate::actions::channel::{self, NewChannel, create};
use crate::db::ChannelState;
use crate::model::{Actor, Instant, Key};
use crate::view;

/// Cycles that are shown.
const CYCLES: usize = 10;

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
    /// One channel: how it stands, what is set, and its newest cycles.
    Show(KeyArgs),
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
        ChannelCommand::Show(args) => show(&args.key, env).await,
    }
}

async fn add(args: AddArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    grant_first(&args.plugin, args.grant, &host).await?;
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
    let row = create(&host, new, &Actor::command()).await?;
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

async fn set(args: SetArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let actor = Actor::command();
    let row = channel::set(&host, &args.key, &args.settings, &args.locations, &actor).await?;
    println!("{}", serde_json::to_string_pretty(&row.policy)?);
    Ok(FINE)
}

async fn change_secret(args: SecretArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    host.channel(&args.key).await?;
    let secret = secret::read(
        args.secret_file.as_deref(),
        "LOCKSTEP_CHANNEL_SECRET",
        "secret of the marketplace account",
    )?;
    let (id, actor) = (args.client_id.as_deref(), Actor::command());
    let account = channel::change_secret(&host, &args.key, id, &secret, &actor).await?;
    if env.json {
        println!(
            "{}",
            serde_json::json!({"channel": args.key.to_string(), "account": account.id, "name": account.name})
        );
    } else {
        println!("Accepted: account {} ({}).", account.name, account.id);
    }
    Ok(FINE)
}

async fn state(key: &Key, env: &Env, state: ChannelState) -> anyhow::Result<u8> {
    channel::set_state(&env.host()?, key, state, &Actor::command()).await?;
    env.done(&format!("{key} is {state}."));
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

async fn show(key: &Key, env: &Env) -> anyhow::Result<u8> {
    let found = view::channel(&env.host()?, key).await?;
    if env.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(FINE);
    }
    let now = &found.overview;
    println!(
        "{key}: {} by {}, account {} ({}), {}.",
        now.title,
        now.plugin,
        now.account.as_deref().unwrap_or_default(),
        found.account_id.as_deref().unwrap_or_default(),
        now.state
    );
    if let Some(reason) = &now.reason {
        println!("{reason}");
    }
    if let Some(why) = &now.awaits_approval {
        println!("Waits for approval: {why}. Look at `lockstep plan {key}`.");
    }
    println!(
        "{} SKUs linked, {} not in step; {} orders today; {} units to be dispatched, {} of them late.",
        now.linked, now.not_in_step, now.orders_today, now.open_units, now.late_units
    );
    let counts = found.locations.iter().filter(|l| l.counts);
    let places: Vec<&str> = counts.map(|l| l.name.as_str()).collect();
    println!("Stock counts at: {}.", places.join(", "));
    // What is as it comes is said by docs/settings.md and --json.
    let set: Vec<Vec<String>> = (found.settings.iter())
        .filter(|s| s.value != s.default && !s.value.is_empty())
        .map(|s| vec![s.key.clone(), s.value.clone(), s.default.clone()])
        .collect();
    print_rows(&["set", "to", "instead of"], &set, usize::MAX);
    let extras: Vec<Vec<String>> = (found.extras.into_iter())
        .map(|e| vec![e.place.to_string(), e.name, e.error.unwrap_or_default()])
        .collect();
    print_rows(&["place", "extra", "what is wrong"], &extras, usize::MAX);
    let cycles: Vec<Vec<String>> = (found.cycles.into_iter().take(CYCLES))
        .map(|c| {
            let took = c.ms.map_or(String::new(), |ms| format!("{ms} ms"));
            let ended = c.outcome.unwrap_or_else(|| "not".into());
            vec![clock(c.started_at), took, ended, c.summary]
        })
        .collect();
    let head = ["began (UTC)", "took", "ended", "what it did"];
    print_rows(&head, &cycles, usize::MAX);
    Ok(FINE)
}
