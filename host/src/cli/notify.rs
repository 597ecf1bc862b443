//! `lockstep notify`: who is told of alerts, and by which way.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use secrecy::ExposeSecret;

use super::output::{clock, print_rows};
use super::{ATTENTION, Env, FINE, UNREACHABLE, Usage, secret};
use crate::alert::{self, Email, Quiet, Secret, Target, TargetView, Way, Webhook};
use crate::model::{Actor, Severity};
use crate::net::mail::MailTls;

/// Where a target's secret may lie in the environment.
const VARIABLE: &str = "LOCKSTEP_NOTIFY_SECRET";

#[derive(Subcommand)]
pub(super) enum NotifyCommand {
    /// The targets, and how messages to them fare.
    List,
    /// Tell alerts by mail; changes the target of that name when there is one.
    AddEmail(EmailArgs),
    /// Tell alerts by a request to a URL; changes the target of that name when there is one.
    AddWebhook(WebhookArgs),
    /// Remove a target with the messages that wait for it.
    Remove(NameArgs),
    /// Send a test message now, and say exactly what became of it.
    Test(NameArgs),
}

#[derive(Args)]
pub(super) struct NameArgs {
    /// The target's name.
    name: String,
}

#[derive(Args)]
struct Common {
    /// Your name for the target: lower-case letters, digits and dashes.
    name: String,
    /// Alerts that are less severe are not told: "info", "warning" or "urgent".
    #[arg(long, default_value = "warning")]
    severity: Severity,
    /// SHOP/CHANNEL, or SHOP, whose alerts are told; repeat for more. All otherwise.
    #[arg(long = "channel", value_name = "SHOP[/CHANNEL]")]
    channels: Vec<String>,
    /// Seconds for which alerts are gathered into one message.
    #[arg(long, default_value_t = 120)]
    group_s: u32,
    /// Hours after which an urgent alert that nobody has acknowledged is told again; 0 for never.
    #[arg(long, default_value_t = 12)]
    repeat_h: u32,
    /// Tell when an alert resolves, too.
    #[arg(long)]
    tell_resolved: bool,
    /// When only what is urgent is told, in the shop's time zone, as in 22:00-07:00.
    #[arg(long, value_name = "FROM-TO")]
    quiet: Option<Quiet>,
    /// File that holds the password or signing secret; else it is taken from LOCKSTEP_NOTIFY_SECRET or asked for.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

impl Common {
    fn target(self, to: Way) -> Target {
        Target {
            name: self.name,
            to,
            least: self.severity,
            channels: self.channels,
            group_s: self.group_s,
            repeat_h: self.repeat_h,
            tell_resolved: self.tell_resolved,
            quiet: self.quiet,
        }
    }

    fn gives_secret(&self) -> bool {
        self.secret_file.is_some() || std::env::var_os(VARIABLE).is_some()
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Protection {
    Starttls,
    Tls,
    None,
}

#[derive(Args)]
pub(super) struct EmailArgs {
    #[command(flatten)]
    common: Common,
    /// SMTP server.
    #[arg(long, value_name = "HOST")]
    server: String,
    /// Its port; 587, or 465 with --tls tls, or 25 with --tls none, otherwise.
    #[arg(long)]
    port: Option<u16>,
    /// How the connection is protected.
    #[arg(long, value_enum, default_value = "starttls")]
    tls: Protection,
    /// The name to sign in with, where the server wants one.
    #[arg(long)]
    username: Option<String>,
    /// The sender, as in "Lockstep <lockstep@example.com>".
    #[arg(long)]
    from: String,
    /// A receiver; repeat for more.
    #[arg(long, required = true)]
    to: Vec<String>,
}

#[derive(Args)]
pub(super) struct WebhookArgs {
    #[command(flatten)]
    common: Common,
    /// Where messages go; https.
    #[arg(long)]
    url: String,
    /// Sign messages. The secret is taken from --secret-file or LOCKSTEP_NOTIFY_SECRET, else made and shown once.
    #[arg(long)]
    sign: bool,
    /// Allow plain http and private addresses.
    #[arg(long)]
    allow_local: bool,
}

pub(super) async fn run(command: NotifyCommand, env: &Env) -> anyhow::Result<u8> {
    match command {
        NotifyCommand::List => list(env).await,
        NotifyCommand::AddEmail(args) => add_email(args, env).await,
        NotifyCommand::AddWebhook(args) => add_webhook(args, env).await,
        NotifyCommand::Remove(args) => {
            alert::remove_target(&env.host()?, &Actor::command(), &args.name).await?;
            if env.json {
                println!("{}", serde_json::json!({"removed": args.name}));
            } else {
                println!("Target {} is removed.", args.name);
            }
            Ok(FINE)
        }
        NotifyCommand::Test(args) => test(&args.name, env).await,
    }
}

async fn add_email(args: EmailArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let known = alert::targets(&host).await?;
    // A change that does not name a password keeps the one there is.
    let has = |name: &str| {
        known
            .iter()
            .any(|t| t.target.name == name && t.has_secret && matches!(t.target.to, Way::Email(_)))
    };
    let secret = match &args.username {
        None => Secret::None,
        Some(_) if has(&args.common.name) && !args.common.gives_secret() => Secret::Keep,
        Some(_) => Secret::Set(secret::read(
            args.common.secret_file.as_deref(),
            VARIABLE,
            "password of the mailbox",
        )?),
    };
    let (tls, port) = match args.tls {
        Protection::Starttls => (MailTls::Starttls, 587),
        Protection::Tls => (MailTls::Tls, 465),
        Protection::None => (MailTls::None, 25),
    };
    let target = args.common.target(Way::Email(Email {
        server: args.server,
        port: args.port.unwrap_or(port),
        tls,
        username: args.username,
        from: args.from,
        to: args.to,
    }));
    let view = alert::put_target(&host, &Actor::command(), target, secret).await?;
    added(&view, None, env)
}

async fn add_webhook(args: WebhookArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let mut made = None;
    let secret = if !args.sign {
        if args.common.gives_secret() {
            return Err(Usage("a secret is given, but --sign is not".into()).into());
        }
        Secret::None
    } else if args.common.gives_secret() {
        let file = args.common.secret_file.as_deref();
        Secret::Set(secret::read(file, VARIABLE, "signing secret")?)
    } else {
        let known = alert::targets(&host).await?;
        let has = |t: &TargetView| {
            t.target.name == args.common.name
                && t.has_secret
                && matches!(t.target.to, Way::Webhook(_))
        };
        if known.iter().any(has) {
            Secret::Keep
        } else {
            let secret = alert::new_signing_secret();
            made = Some(secret.clone());
            Secret::Set(secret)
        }
    };
    let target = args.common.target(Way::Webhook(Webhook {
        url: args.url,
        allow_local: args.allow_local,
    }));
    let view = alert::put_target(&host, &Actor::command(), target, secret).await?;
    added(&view, made.as_ref().map(|s| s.expose_secret()), env)
}

/// Says what was added. A secret that was made is shown here and never again.
fn added(view: &TargetView, secret: Option<&str>, env: &Env) -> anyhow::Result<u8> {
    if env.json {
        let mut json = serde_json::to_value(view)?;
        if let (Some(object), Some(secret)) = (json.as_object_mut(), secret) {
            object.insert("secret".into(), secret.into());
        }
        println!("{}", serde_json::to_string_pretty(&json)?);
        return Ok(FINE);
    }
    let name = &view.target.name;
    println!("Alerts are told to {name}: {}.", view.target.place());
    if let Some(secret) = secret {
        println!("The signing secret, shown only now: {secret}");
    }
    println!("See whether messages arrive with `lockstep notify test {name}`.");
    Ok(FINE)
}

async fn test(name: &str, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let outcome = alert::test_target(&host, &Actor::command(), name).await?;
    let code = if outcome.delivered { FINE } else { UNREACHABLE };
    if env.json {
        println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else if outcome.delivered {
        println!("Delivered: {}.", outcome.detail);
    } else {
        println!("Not delivered: {}.", outcome.detail.trim_end_matches('.'));
    }
    Ok(code)
}

async fn list(env: &Env) -> anyhow::Result<u8> {
    let targets = alert::targets(&env.host()?).await?;
    let failing = targets.iter().any(|t| t.error.is_some());
    let code = if failing { ATTENTION } else { FINE };
    if env.json {
        println!("{}", serde_json::to_string_pretty(&targets)?);
        return Ok(code);
    }
    if targets.is_empty() {
        println!(
            "Nobody is told of alerts. Add a target with `lockstep notify add-email` or `lockstep notify add-webhook`."
        );
        return Ok(code);
    }
    let rows: Vec<Vec<String>> = (targets.iter())
        .map(|t| {
            let channels = match t.target.channels.as_slice() {
                [] => "all".to_owned(),
                some => some.join(", "),
            };
            let fares = match (&t.error, t.sent_at) {
                (Some(error), _) => error.clone(),
                (None, Some(at)) => format!("sent {}", clock(at)),
                (None, None) => "nothing sent yet".into(),
            };
            vec![
                t.target.name.clone(),
                t.target.place(),
                t.target.least.to_string(),
                channels,
                t.target.quiet.map_or(String::new(), |q| q.to_string()),
                t.waiting.to_string(),
                fares,
            ]
        })
        .collect();
    print_rows(
        &[
            "target", "where", "severity", "channels", "quiet", "waiting", "last",
        ],
        &rows,
        usize::MAX,
    );
    Ok(code)
}
