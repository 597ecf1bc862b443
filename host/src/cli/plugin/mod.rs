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
use crate::plugin::{Plugin, Runtime};
use crate::registry::Entry;

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
        PluginCommand::List => list(&env.host()?, env),
        PluginCommand::Inspect { what } => inspect(&what, env),
        PluginCommand::Grant { id } => {
            let host = env.host()?;
            let asked = plugin::grant(&host, &id, &Actor::command()).await?;
            env.done(&format!("Granted to {id}: {}.", asked.join(", ")));
            Ok(FINE)
        }
        PluginCommand::Rollback { id } => {
            let host = env.host()?;
            let (from, to) = plugin::roll_back(&host, &id, &Actor::command()).await?;
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
    plugin::grant(host, id, &Actor::command()).await?;
    Ok(())
}

fn list(host: &Host, env: &Env) -> anyhow::Result<u8> {
    let (mut rows, mut json) = (Vec::new(), Vec::new());
    let mut code = FINE;
    for (id, entry) in host.registry.entries().iter() {
        let Entry {
            at_work,
            waits,
            file,
            error,
        } = entry;
        let told = |p: &Plugin| {
            let m = p.manifest();
            serde_json::json!({
                "name": m.plugin.name, "version": m.plugin.version.to_string(), "digest": p.digest(), "rights": p.rights(),
                "capabilities": p.capabilities(), "endpoint": m.endpoint,
            })
        };
        json.push(serde_json::json!({
            "id": id, "at_work": at_work.as_ref().map(told), "waits": waits.as_ref().map(|(p, asks)| serde_json::json!({"version": told(p), "asks": asks})),
            "file": file, "error": error,
        }));
        let state = match (at_work, waits, error) {
            (_, _, Some(why)) => format!("cannot be used: {why}"),
            (None, Some((_, asks)), _) => format!("waits to be granted: {}", asks.join(", ")),
            (Some(_), Some((p, asks)), _) => format!(
                "at work; version {} waits to be granted: {}",
                p.manifest().plugin.version,
                asks.join(", ")
            ),
            (Some(_), None, None) => "at work".into(),
            (None, None, None) => "not at work".into(),
        };
        if waits.is_some() || error.is_some() {
            code = ATTENTION;
        }
        let shown = at_work.as_ref().or(waits.as_ref().map(|(p, _)| p));
        rows.push(vec![
            id.clone(),
            shown.map_or(String::new(), |p| p.manifest().plugin.name.clone()),
            shown.map_or("", |p| kind(p)).to_owned(),
            shown.map_or(String::new(), |p| p.manifest().plugin.version.to_string()),
            shown.map_or(String::new(), |p| p.digest()[..12].to_owned()),
            file.clone().unwrap_or_else(|| "built in".into()),
            shown.map_or(String::new(), |p| p.capabilities().join(", ")),
            state,
        ]);
    }
    if env.json {
        println!("{}", serde_json::to_string_pretty(&json)?);
    } else {
        print_rows(
            &[
                "plugin", "name", "kind", "version", "digest", "from", "can do", "state",
            ],
            &rows,
            usize::MAX,
        );
    }
    Ok(code)
}

fn kind(plugin: &Plugin) -> &'static str {
    if plugin.is_extra() {
        "extra"
    } else {
        "connector"
    }
}

fn inspect(what: &str, env: &Env) -> anyhow::Result<u8> {
    let path = PathBuf::from(what);
    let (plugin, versions) = if path.extension().is_some_and(|e| e == "wasm") {
        let bytes = std::fs::read(&path).map_err(|e| Usage(format!("{}: {e}", path.display())))?;
        // An author looks at a file where there is no host yet.
        let plugin = (Runtime::new(None)?.load(&bytes))
            .map_err(|e| Usage(format!("{} cannot be used: {e:#}", path.display())))?;
        (plugin, Vec::new())
    } else {
        let host = env.host()?;
        let entries = host.registry.entries();
        let entry = entries.get(what).ok_or_else(|| {
            Usage(format!(
                "there is no plugin \"{what}\"; `lockstep plugin list` shows which there are"
            ))
        })?;
        let Some(plugin) = (entry.waits.as_ref().map(|(p, _)| p)).or(entry.at_work.as_ref()) else {
            let why = entry.error.clone().unwrap_or_default();
            return Err(Usage(format!("{what} cannot be used: {why}")).into());
        };
        let id = what.to_owned();
        (
            plugin.clone(),
            host.store.read_now(move |tx| tx.plugin_versions(&id))?,
        )
    };
    let m = plugin.manifest();
    if env.json {
        let versions: Vec<_> = versions.iter().map(|v| serde_json::json!({"digest": v.digest, "version": v.version, "rights": v.rights, "seen_at": v.seen_at, "granted_at": v.granted_at})).collect();
        let json = serde_json::json!({"manifest": m, "digest": plugin.digest(), "capabilities": plugin.capabilities(), "rights": plugin.rights(), "versions": versions});
        println!("{}", serde_json::to_string_pretty(&json)?);
        return Ok(FINE);
    }
    println!(
        "{} {} ({}), {}",
        m.plugin.name,
        m.plugin.version,
        m.plugin.id,
        kind(&plugin)
    );
    println!("sha256 {}", plugin.digest());
    let rows: Vec<Vec<String>> = (plugin.rights().words().into_iter())
        .map(|w| vec![w])
        .collect();
    print_rows(&["it may"], &rows, usize::MAX);
    let rows: Vec<Vec<String>> = (m.setting.iter())
        .map(|s| {
            vec![
                s.key.clone(),
                s.kind.text().to_owned(),
                s.default_text().unwrap_or_default(),
                [s.label.as_deref(), s.help.as_deref()]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join("\n"),
            ]
        })
        .collect();
    print_rows(
        &["setting", "type", "default", "meaning"],
        &rows,
        usize::MAX,
    );
    let rows: Vec<Vec<String>> = versions
        .iter()
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
