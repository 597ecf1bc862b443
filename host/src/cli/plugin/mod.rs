//! `lockstep plugin`: the connectors and extras that this host can use, their versions and their rights; and the tools of
//! those who write them.

mod build;
mod check;
mod new;
mod r#try;

use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;

use clap::Subcommand;

use super::output::{clock, print_rows};
use super::{ATTENTION, Env, FINE, Usage};
use crate::actions::plugin;
use crate::host::Host;
use crate::model::Actor;
use crate::plugin::Runtime;
use crate::registry::Entry;
use crate::view::{self, PluginKind, PluginRow, PluginState, Waiting};

#[derive(Subcommand)]
pub(super) enum PluginCommand {
    /// The plugins: those built in, and those in the data directory's plugins folder.
    List,
    /// What a plugin is, asks for and may be set, and which versions of it were seen.
    Inspect {
        /// A plugin's id, or a .wasm file.
        what: String,
    },
    /// Grant the version that waits what it asks for, and put it to work.
    Grant {
        /// The plugin's id.
        id: String,
    },
    /// Put the version before the present one to work again.
    Rollback {
        /// The plugin's id.
        id: String,
    },
    /// Begin a connector: write a project that builds, passes its tests, and is yours to change.
    New(new::NewArgs),
    /// Build a project into a file that a host takes.
    Build(build::BuildArgs),
    /// Put a manifest into a component that was built by other means.
    Pack(build::PackArgs),
    /// Check a connector the way the host will use it: faults, lost answers, odd data, limits.
    Check(check::CheckArgs),
    /// Let a connector work: against a marketplace of the sandbox, or, reading only, at a real account.
    Try(r#try::TryArgs),
}

pub(super) async fn run(command: PluginCommand, env: &Env) -> anyhow::Result<u8> {
    match command {
        PluginCommand::New(args) => new::run(args, env),
        PluginCommand::Build(args) => build::build(&args, env),
        PluginCommand::Pack(args) => build::pack(&args, env),
        PluginCommand::Try(args) => r#try::run(args, env).await,
        PluginCommand::Check(args) => check::run(args, env).await,
        PluginCommand::List => list(&env.host()?, env).await,
        PluginCommand::Inspect { what } => inspect(&what, env).await,
        PluginCommand::Grant { id } => {
            let host = env.host()?;
            let asked = plugin::grant(&host, &id, None, &Actor::command()).await?;
            env.done(&format!("Granted to {id}: {}.", asked.join(", ")));
            Ok(FINE)
        }
        PluginCommand::Rollback { id } => {
            let host = env.host()?;
            let (from, to) = plugin::roll_back(&host, &id, None, &Actor::command()).await?;
            env.done(&format!(
                "{id}: back from {} to {}. The newer one stays away until another file takes its place, or until `lockstep plugin grant {id}`.",
                &from[..12],
                &to[..12]
            ));
            Ok(FINE)
        }
    }
}

/// Has a person grant a plugin its rights before it is used the first time: by `agreed`, or asked at the terminal.
pub(super) async fn grant_first(id: &str, agreed: bool, host: &Host) -> anyhow::Result<()> {
    let entries = host.registry.entries();
    let Some(Entry {
        at_work: None,
        waits: Some((plugin, asks)),
        ..
    }) = entries.get(id)
    else {
        return Ok(());
    };
    let name = &plugin.manifest().plugin.name;
    println!("{name} {} asks to:", plugin.manifest().plugin.version);
    for ask in asks {
        println!("  {ask}");
    }
    let agreed = agreed
        || {
            if !std::io::stdin().is_terminal() {
                return Err(Usage(format!(
                "plugin \"{id}\" was not granted this; say so with --grant, or `lockstep plugin grant {id}`"
            ))
            .into());
            }
            print!("Grant it? [y/N] ");
            std::io::stdout().flush()?;
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            matches!(line.trim(), "y" | "Y" | "yes")
        };
    if !agreed {
        return Err(Usage(format!("plugin \"{id}\" was not granted what it asks for")).into());
    }
    plugin::grant(host, id, None, &Actor::command()).await?;
    Ok(())
}

async fn list(host: &Host, env: &Env) -> anyhow::Result<u8> {
    let found = view::plugins(host).await?;
    let waits = |p: &PluginRow| p.waits.is_some() || p.state == PluginState::Broken;
    let code = match found.items.iter().any(waits) {
        true => ATTENTION,
        false => FINE,
    };
    if env.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(code);
    }
    let rows: Vec<Vec<String>> = (found.items.iter())
        .map(|p| {
            vec![
                p.id.clone(),
                p.name.clone(),
                p.kind.map_or("", PluginKind::text).to_owned(),
                p.version.clone().unwrap_or_default(),
                (p.digest.as_ref()).map_or(String::new(), |d| d[..12].to_owned()),
                p.file.clone().unwrap_or_else(|| "built in".into()),
                p.capabilities.join(", "),
                state(p),
            ]
        })
        .collect();
    print_rows(
        &[
            "plugin", "name", "kind", "version", "digest", "from", "can do", "state",
        ],
        &rows,
        usize::MAX,
    );
    Ok(code)
}

fn state(p: &PluginRow) -> String {
    match (&p.error, &p.waits, p.state) {
        (Some(why), ..) => format!("cannot be used: {why}"),
        (None, Some(waits), PluginState::AtWork) => format!(
            "at work; version {} waits to be granted: {}",
            waits.version,
            waits.asks.join(", ")
        ),
        (None, Some(waits), _) => format!("waits to be granted: {}", waits.asks.join(", ")),
        (None, None, state) => state.text().to_owned(),
    }
}

async fn inspect(what: &str, env: &Env) -> anyhow::Result<u8> {
    let path = PathBuf::from(what);
    let found = if path.extension().is_some_and(|e| e == "wasm") {
        let bytes = std::fs::read(&path).map_err(|e| Usage(format!("{}: {e}", path.display())))?;
        // An author looks at a file where there is no host yet.
        let plugin = (Runtime::new(None)?.load(&bytes))
            .map_err(|e| Usage(format!("{} cannot be used: {e:#}", path.display())))?;
        view::of_file(&plugin, what)
    } else {
        let host = env.host()?;
        let found = view::plugin(&host, what).await?;
        if let (None, Some(why)) = (&found.manifest, &found.plugin.error) {
            return Err(Usage(format!("{what} cannot be used: {why}")).into());
        }
        found
    };
    if env.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(FINE);
    }
    let shown = &found.plugin;
    println!(
        "{} {} ({}), {}",
        shown.name,
        shown.version.as_deref().unwrap_or_default(),
        shown.id,
        shown.kind.map_or("", PluginKind::text)
    );
    println!("sha256 {}", shown.digest.as_deref().unwrap_or_default());
    let one =
        |words: &[String]| -> Vec<Vec<String>> { words.iter().map(|w| vec![w.clone()]).collect() };
    let may = match shown.state {
        PluginState::WaitsForGrant => "it asks to",
        _ => "it may",
    };
    print_rows(&[may], &one(&shown.may), usize::MAX);
    if let Some(waits) = shown
        .waits
        .as_ref()
        .filter(|w| Some(&w.digest) != shown.digest.as_ref())
    {
        print_waiting(waits);
    }
    let rows: Vec<Vec<String>> = (found.settings.iter())
        .map(|s| {
            vec![
                s.key.clone(),
                s.kind.clone(),
                s.default.clone().unwrap_or_default(),
                s.meaning.clone(),
            ]
        })
        .collect();
    print_rows(
        &["setting", "type", "default", "meaning"],
        &rows,
        usize::MAX,
    );
    let rows: Vec<Vec<String>> = (found.versions.iter())
        .map(|v| {
            vec![
                v.version.clone(),
                v.digest[..12].to_owned(),
                clock(v.seen_at),
                v.granted_at.map_or("no".into(), clock),
            ]
        })
        .collect();
    print_rows(
        &["version", "digest", "seen (UTC)", "granted (UTC)"],
        &rows,
        usize::MAX,
    );
    Ok(FINE)
}

/// What a version that waits has otherwise than the one at work.
fn print_waiting(waits: &Waiting) {
    println!("Version {} waits to be granted:", waits.version);
    let rights = (waits.asks.iter().map(|a| format!("+ {a}")))
        .chain(waits.drops.iter().map(|d| format!("- {d}")));
    let rows: Vec<Vec<String>> = rights.map(|r| vec![r]).collect();
    print_rows(&["more and less than was granted"], &rows, usize::MAX);
    let there = |side: &Option<String>| side.clone().unwrap_or_else(|| "not there".into());
    let rows: Vec<Vec<String>> = (waits.differences.iter())
        .map(|d| vec![d.what.clone(), there(&d.before), there(&d.after)])
        .collect();
    print_rows(&["what", "at work", &waits.version], &rows, usize::MAX);
}
