//! `lockstep plugin`: the connectors that this host can use.

use clap::Subcommand;

use super::output::print_rows;
use super::{Env, FINE};

#[derive(Subcommand)]
pub(super) enum PluginCommand {
    /// The plugins: those built in, and those in the data directory's plugins folder.
    List,
}

pub(super) fn run(command: PluginCommand, env: &Env) -> anyhow::Result<u8> {
    let PluginCommand::List = command;
    let host = env.host()?;
    let mut rows = Vec::new();
    let mut json = Vec::new();
    for (id, plugin) in host.plugins() {
        match plugin {
            Ok(p) => {
                let m = p.manifest();
                let capabilities = p.capabilities().join(", ");
                json.push(serde_json::json!({
                    "id": id, "name": m.plugin.name, "version": m.plugin.version.to_string(), "digest": p.digest(),
                    "capabilities": p.capabilities(), "endpoint": m.endpoint,
                }));
                rows.push(vec![
                    id.clone(),
                    m.plugin.name.clone(),
                    m.plugin.version.to_string(),
                    p.digest()[..12].to_owned(),
                    capabilities,
                ]);
            }
            Err(why) => {
                json.push(serde_json::json!({"id": id, "error": why}));
                rows.push(vec![
                    id.clone(),
                    "cannot be used".into(),
                    String::new(),
                    String::new(),
                    why.clone(),
                ]);
            }
        }
    }
    if env.json {
        println!("{}", serde_json::to_string_pretty(&json)?);
    } else {
        print_rows(
            &["plugin", "name", "version", "digest", "can do"],
            &rows,
            usize::MAX,
        );
    }
    Ok(FINE)
}
