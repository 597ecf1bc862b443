//! `lockstep user`, `lockstep token`, `lockstep setting`, `lockstep audit`: who may do what on the pages and the API.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;

use super::output::{clock, print_rows};
use super::{Env, FINE, Usage, secret};
use crate::actions::{people, setting};
use crate::model::{Actor, PUBLIC_URL, Role};

#[derive(Subcommand)]
pub(super) enum UserCommand {
    /// Who can sign in.
    List,
    /// Print a link that works once: whoever opens it chooses a password.
    Invite {
        /// Name to sign in with; whoever comes chooses one otherwise.
        name: Option<String>,
        /// viewer looks, operator works orders and channels, admin does everything.
        #[arg(long, default_value_t = Role::Admin)]
        role: Role,
    },
    /// Add somebody, or replace their password and role. The password comes from --password-file,
    /// LOCKSTEP_USER_PASSWORD or a prompt.
    Add {
        /// Name to sign in with.
        name: String,
        /// viewer, operator or admin.
        #[arg(long, default_value_t = Role::Viewer)]
        role: Role,
        /// File that holds the password.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Give somebody another role.
    Role {
        /// Name.
        name: String,
        /// viewer, operator or admin.
        role: Role,
    },
    /// Remove somebody; they are signed out.
    Remove {
        /// Name.
        name: String,
    },
}

pub(super) async fn user(command: UserCommand, env: &Env) -> anyhow::Result<u8> {
    let (host, actor) = (env.host()?, Actor::command());
    match command {
        UserCommand::List => {
            let people = host.store.read(|tx| tx.people()).await?;
            if env.json {
                println!("{}", serde_json::to_string_pretty(&people)?);
                return Ok(FINE);
            }
            if people.is_empty() {
                println!("Nobody yet. `lockstep user invite` makes a link for the first one.");
            }
            let rows: Vec<Vec<String>> = (people.into_iter())
                .map(|p| {
                    let role = p.role.to_string();
                    let seen = p.signed_in_at.map_or("never".into(), clock);
                    vec![p.name, role, clock(p.added_at), seen]
                })
                .collect();
            let head = ["name", "role", "added (UTC)", "signed in (UTC)"];
            print_rows(&head, &rows, usize::MAX);
        }
        UserCommand::Invite { name, role } => {
            let token = people::invite(&host, name.as_deref(), role, &actor).await?;
            let base = host
                .store
                .read(|tx| tx.setting::<String>(PUBLIC_URL))
                .await?
                .unwrap_or_else(|| format!("http://{}", crate::web::LISTEN));
            let link = format!("{}/welcome/{token}", base.trim_end_matches('/'));
            if env.json {
                println!("{}", serde_json::json!({"link": link, "role": role}));
            } else {
                println!("{link}");
            }
        }
        UserCommand::Add {
            name,
            role,
            password_file,
        } => {
            let password = secret::read(
                password_file.as_deref(),
                "LOCKSTEP_USER_PASSWORD",
                "password",
            )?;
            people::put(&host, &name, &password, role, &actor).await?;
            env.done(&format!("{name} can sign in as {role}."));
        }
        UserCommand::Role { name, role } => {
            people::set_role(&host, &name, role, &actor).await?;
            env.done(&format!("{name} is {role}."));
        }
        UserCommand::Remove { name } => {
            people::remove(&host, &name, &actor).await?;
            env.done(&format!("{name} is removed."));
        }
    }
    Ok(FINE)
}

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// The tokens of the JSON API.
    List,
    /// Make a token. It is printed once.
    Add {
        /// What it is for.
        name: String,
        /// viewer, operator or admin.
        #[arg(long, default_value_t = Role::Viewer)]
        role: Role,
    },
    /// End a token.
    Remove {
        /// Name.
        name: String,
    },
}

pub(super) async fn token(command: TokenCommand, env: &Env) -> anyhow::Result<u8> {
    let (host, actor) = (env.host()?, Actor::command());
    match command {
        TokenCommand::List => {
            let tokens = host.store.read(|tx| tx.tokens()).await?;
            if env.json {
                println!("{}", serde_json::to_string_pretty(&tokens)?);
                return Ok(FINE);
            }
            if tokens.is_empty() {
                println!("No token yet. `lockstep token add NAME` makes one.");
            }
            let rows: Vec<Vec<String>> = (tokens.into_iter())
                .map(|t| {
                    let role = t.role.to_string();
                    let used = t.used_at.map_or("never".into(), clock);
                    vec![t.name, role, clock(t.added_at), used]
                })
                .collect();
            print_rows(
                &["token", "role", "added (UTC)", "used (UTC)"],
                &rows,
                usize::MAX,
            );
        }
        TokenCommand::Add { name, role } => {
            let token = people::add_token(&host, &name, role, &actor).await?;
            if env.json {
                println!(
                    "{}",
                    serde_json::json!({"name": name, "role": role, "token": token.expose_secret()})
                );
            } else {
                println!("{}", token.expose_secret());
                eprintln!(
                    "Keep it: it is not shown again. Send it as `Authorization: Bearer TOKEN`."
                );
            }
        }
        TokenCommand::Remove { name } => {
            people::remove_token(&host, &name, &actor).await?;
            env.done(&format!("The token {name} is ended."));
        }
    }
    Ok(FINE)
}

#[derive(Subcommand)]
pub(super) enum SettingCommand {
    /// Settings of the host itself.
    List,
    /// Set one. `public-url`: the address of this host as browsers and webhooks reach it, as in https://lockstep.example.
    Set {
        /// public-url.
        key: String,
        /// Its value; empty takes it away.
        value: String,
    },
}

pub(super) async fn setting(command: SettingCommand, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    match command {
        SettingCommand::List => {
            let url = host
                .store
                .read(|tx| tx.setting::<String>(PUBLIC_URL))
                .await?;
            if env.json {
                println!("{}", serde_json::json!({PUBLIC_URL: url}));
            } else {
                let value = url.unwrap_or_else(|| "not set".into());
                print_rows(
                    &["setting", "value"],
                    &[vec![PUBLIC_URL.into(), value]],
                    usize::MAX,
                );
            }
        }
        SettingCommand::Set { key, value } => {
            if key != PUBLIC_URL {
                return Err(Usage(format!(
                    "there is no setting \"{key}\"; there is {PUBLIC_URL}. Settings of a channel are set with `lockstep channel set`"
                ))
                .into());
            }
            setting::set_public_url(
                &host,
                Some(value.as_str()).filter(|v| !v.is_empty()),
                &Actor::command(),
            )
            .await?;
            env.done("Set. It is used from the next start of `lockstep run`.");
        }
    }
    Ok(FINE)
}

#[derive(Args)]
pub(super) struct AuditArgs {
    /// How many, the newest.
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    last: u32,
}

pub(super) async fn audit(args: AuditArgs, env: &Env) -> anyhow::Result<u8> {
    let rows = env
        .host()?
        .store
        .read(move |tx| tx.audits(None, args.last))
        .await?;
    if env.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(FINE);
    }
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .rev()
        .map(|a| vec![clock(a.at), a.actor, a.via, a.action, a.subject, a.detail])
        .collect();
    let head = ["when (UTC)", "who", "by", "what", "to what", "how"];
    print_rows(&head, &rows, usize::MAX);
    Ok(FINE)
}
