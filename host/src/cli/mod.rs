//! The command line: one file per command.

mod alert;
mod channel;
mod data;
mod demo;
mod events;
mod explain;
mod extra;
mod logging;
mod notify;
mod order;
mod orders;
mod output;
mod plan;
mod plugin;
mod products;
mod run;
mod sandbox;
mod screen;
mod secret;
mod shop;
mod spans;
mod status;
mod sync;
mod user;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};

use crate::actions::order::Wish;
use crate::actions::{Refusal, name_ok};
use crate::db;
use crate::host::Host;
use crate::model::Key;
use crate::vault::Scrubber;

/// Everything is fine.
pub const FINE: u8 = 0;
/// Something waits for a person, or an invariant does not hold.
pub const ATTENTION: u8 = 1;
/// Wrong use or configuration.
pub const USAGE: u8 = 2;
/// Another process holds the data directory.
pub const IN_USE: u8 = 3;
/// Shopify or a marketplace cannot be reached.
pub const UNREACHABLE: u8 = 4;

/// Keeps a Shopify store and its sales channels in lockstep: orders in, fulfillments and stock out.
///
/// Exit codes: 0 fine; 1 something waits for a person; 2 wrong use or configuration; 3 another process holds
/// the data directory; 4 Shopify or a marketplace cannot be reached.
#[derive(Parser)]
#[command(name = "lockstep", version, max_term_width = 110)]
struct Cli {
    /// Where database, key, plugins and cache lie.
    #[arg(
        long,
        global = true,
        env = "LOCKSTEP_DATA",
        default_value = "lockstep-data",
        value_name = "DIR"
    )]
    data: PathBuf,
    /// Print JSON instead of tables.
    #[arg(long, global = true)]
    json: bool,
    /// What to log, as in "info" or "lockstep=debug".
    #[arg(
        long,
        global = true,
        env = "LOCKSTEP_LOG",
        default_value = "warn",
        value_name = "FILTER"
    )]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create the data directory.
    Init,
    /// Connect a Shopify store.
    #[command(subcommand)]
    Shop(shop::ShopCommand),
    /// Connect a marketplace account to a shop.
    #[command(subcommand)]
    Channel(channel::ChannelCommand),
    /// Show what a sync would do, and do nothing.
    Plan(plan::PlanArgs),
    /// Approve the first sync of a channel, or one that its guard stopped.
    Approve(plan::ApproveArgs),
    /// Run cycles now.
    Sync(sync::SyncArgs),
    /// Work all channels on their intervals, and serve the pages, until Ctrl-C.
    Run(run::RunArgs),
    /// How every channel stands and what needs a person.
    Status(status::StatusArgs),
    /// List orders.
    Orders(orders::OrdersArgs),
    /// What needs a person, and who has said that they know.
    #[command(subcommand)]
    Alert(alert::AlertCommand),
    /// Who is told of alerts, and by which way.
    #[command(subcommand)]
    Notify(notify::NotifyCommand),
    /// The SKUs of a shop across its channels: what each channel has of them, in step or why not.
    Products(products::ProductsArgs),
    /// Read a SKU again on both sides and write its number again, in the next cycle.
    Resync(products::ResyncArgs),
    /// Why a SKU has its number, or what happened to an order.
    Explain(explain::ExplainArgs),
    /// Accept an order that its channel asks about.
    Accept(order::OrderArgs),
    /// Refuse an order that its channel asks about.
    Refuse(order::RefuseArgs),
    /// Try a refused order or parcel again.
    Retry(order::OrderArgs),
    /// Hold an order back.
    Hold(order::OrderArgs),
    /// Release a held order.
    Release(order::OrderArgs),
    /// Tell the channel a parcel again: it is asked first what it knows.
    Resend(order::ResendArgs),
    /// Note that a person has seen to an order.
    Handled(order::OrderArgs),
    /// What edits orders and stock numbers on their way.
    #[command(subcommand)]
    Extra(extra::ExtraCommand),
    /// The connectors and extras that this host can use.
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    /// Who can sign in to the pages.
    #[command(subcommand)]
    User(user::UserCommand),
    /// Tokens of the JSON API.
    #[command(subcommand)]
    Token(user::TokenCommand),
    /// Settings of the host itself.
    #[command(subcommand)]
    Setting(user::SettingCommand),
    /// What Shopify and the marketplaces are asked to tell this host, and what came of it.
    Webhooks,
    /// What happened: orders, parcels, numbers, channels.
    Events(events::EventsArgs),
    /// Who did what.
    Audit(user::AuditArgs),
    /// Copy the database while the host runs, and verify the copy.
    Backup(data::FileArgs),
    /// Put a backup in place of the database; the former one is kept.
    Restore(data::FileArgs),
    /// Check the database.
    Check,
    /// Write everything but the secrets as JSON, a line per row.
    Export,
    /// Play the whole story against a sandbox of Shopify and THE ICONIC on this machine.
    Demo(demo::DemoArgs),
    /// Serve the sandbox alone, for trying Lockstep or a connector against it.
    Sandbox(sandbox::SandboxArgs),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// What commands need beside their arguments.
pub(crate) struct Env {
    data: PathBuf,
    json: bool,
    /// Knows the secrets in memory, for the log.
    scrubber: Scrubber,
}

impl Env {
    /// Opens the data directory beside a host that may be working it: to look, or to change settings.
    fn host(&self) -> anyhow::Result<Host> {
        self.exists()?;
        Host::attach(&self.data, self.scrubber.clone())
    }

    /// Opens the data directory to work its channels. Fails when another process works them.
    fn worker(&self) -> anyhow::Result<Host> {
        self.exists()?;
        Host::open(&self.data, self.scrubber.clone())
    }

    /// Says what was done: a sentence, or the same as JSON.
    fn done(&self, said: &str) {
        if self.json {
            println!("{}", serde_json::json!({"done": said}));
        } else {
            println!("{said}");
        }
    }

    fn exists(&self) -> anyhow::Result<()> {
        if self.data.join("lockstep.db").exists() {
            return Ok(());
        }
        Err(Usage(format!(
            "{} is no Lockstep data directory; create one with `lockstep init`, or name another with --data",
            self.data.display()
        ))
        .into())
    }
}

/// Wrong use: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub String);

/// Something outside cannot be reached: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreachable(pub String);

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((shop, channel)) if name_ok(shop) && name_ok(channel) => Ok(Key::new(shop, channel)),
            _ => Err("expected SHOP/CHANNEL, both of lower-case letters, digits and dashes, as in kestrel/the-iconic".into()),
        }
    }
}

/// Parses the command line, runs the command, prints an error with its causes.
pub async fn main() -> ExitCode {
    let cli = Cli::parse();
    let scrubber = Scrubber::default();
    let export = match logging::start(&cli.log, scrubber.clone()) {
        Ok(export) => export,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(USAGE);
        }
    };
    let env = Env {
        data: cli.data,
        json: cli.json,
        scrubber,
    };
    let result = run(cli.command, &env).await;
    if let Some(export) = export {
        export.finish().await;
    }
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {}", env.scrubber.scrub(&format!("{error:#}")));
            ExitCode::from(code_of(&error))
        }
    }
}

fn code_of(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if cause.is::<Usage>() || cause.is::<Refusal>() {
            return USAGE;
        }
        if cause.is::<Unreachable>() {
            return UNREACHABLE;
        }
        match cause.downcast_ref::<db::Error>() {
            Some(db::Error::InUse(_)) => return IN_USE,
            Some(_) => return ATTENTION,
            None => {}
        }
        if let Some(fault) = cause.downcast_ref::<crate::model::Fault>() {
            return match fault {
                crate::model::Fault::Unavailable { .. } | crate::model::Fault::Throttled { .. } => {
                    UNREACHABLE
                }
                _ => USAGE,
            };
        }
    }
    USAGE
}

async fn run(command: Command, env: &Env) -> anyhow::Result<u8> {
    match command {
        Command::Init => data::init(env),
        Command::Shop(c) => shop::run(c, env).await,
        Command::Channel(c) => channel::run(c, env).await,
        Command::Plan(a) => plan::plan(a, env).await,
        Command::Approve(a) => plan::approve(a, env).await,
        Command::Sync(a) => sync::run(a, env).await,
        Command::Run(a) => run::run(a, env).await,
        Command::Status(a) => status::run(a, env).await,
        Command::Orders(a) => orders::run(a, env).await,
        Command::Alert(c) => alert::run(c, env).await,
        Command::Notify(c) => notify::run(c, env).await,
        Command::Products(a) => products::list(a, env).await,
        Command::Resync(a) => products::resync(a, env).await,
        Command::Explain(a) => explain::run(a, env).await,
        Command::Accept(a) => order::act(a, Wish::Accept, env).await,
        Command::Refuse(a) => order::refuse(a, env).await,
        Command::Retry(a) => order::act(a, Wish::Retry, env).await,
        Command::Hold(a) => order::act(a, Wish::Hold, env).await,
        Command::Release(a) => order::act(a, Wish::Release, env).await,
        Command::Resend(a) => order::resend(a, env).await,
        Command::Handled(a) => order::act(a, Wish::Handled, env).await,
        Command::Extra(c) => extra::run(c, env).await,
        Command::Plugin(c) => plugin::run(c, env).await,
        Command::User(c) => user::user(c, env).await,
        Command::Token(c) => user::token(c, env).await,
        Command::Setting(c) => user::setting(c, env).await,
        Command::Webhooks => webhooks::run(env).await,
        Command::Events(a) => events::run(a, env).await,
        Command::Audit(a) => user::audit(a, env).await,
        Command::Backup(a) => data::backup(a, env).await,
        Command::Restore(a) => data::restore(a, env),
        Command::Check => data::check(env).await,
        Command::Export => data::export(env).await,
        Command::Demo(a) => demo::run(a, env).await,
        Command::Sandbox(a) => sandbox::run(a, env).await,
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "lockstep",
                &mut std::io::stdout(),
            );
            Ok(FINE)
        }
    }
}

/// The channels meant: the one named, or all.
pub(crate) async fn channels(
    host: &Host,
    one: Option<&Key>,
) -> anyhow::Result<Vec<db::ChannelRow>> {
    match one {
        Some(key) => Ok(vec![host.channel(key).await?]),
        None => {
            let all = host
                .store
                .read(|tx| tx.channels())
                .await
                .context("reading the channels")?;
            if all.is_empty() {
                return Err(Usage("there is no channel yet; add one with `lockstep channel add SHOP/CHANNEL --plugin the-iconic`".into()).into());
            }
            Ok(all)
        }
    }
}
