//! `lockstep init`, `backup`, `restore`, `check`, `export`: the data directory.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::{ATTENTION, Env, FINE, Usage};
use crate::db;
use crate::host::Host;

#[derive(Args)]
pub(super) struct FileArgs {
    /// The backup file.
    file: PathBuf,
}

pub(super) fn init(env: &Env) -> anyhow::Result<u8> {
    let fresh = !env.data.join("lockstep.db").exists();
    Host::attach(&env.data, env.scrubber.clone())?;
    let place = env.data.display();
    if env.json {
        println!(
            "{}",
            serde_json::json!({"data": env.data, "key": env.data.join("key"), "created": fresh})
        );
    } else if fresh {
        println!("Created {place}: database, key and cache.");
        println!(
            "Keep a copy of {} in a safe place: without it the stored credentials cannot be read.",
            env.data.join("key").display()
        );
        println!(
            "Next: `lockstep run`, and set up everything on its pages; or `lockstep shop add`."
        );
    } else {
        println!("{place} exists and is in order; nothing was changed.");
    }
    Ok(FINE)
}

pub(super) async fn backup(args: FileArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    if args.file.exists() {
        return Err(Usage(format!("{} exists; name a new file", args.file.display())).into());
    }
    host.store.backup(&args.file).await?;
    env.done(&format!(
        "Backed up to {}, and the copy verified. The key is not in it: keep {} apart.",
        args.file.display(),
        env.data.join("key").display()
    ));
    Ok(FINE)
}

pub(super) fn restore(args: FileArgs, env: &Env) -> anyhow::Result<u8> {
    if !args.file.exists() {
        return Err(Usage(format!("there is no file {}", args.file.display())).into());
    }
    let kept = db::restore(&env.data, &args.file)?;
    let mut said = format!("Restored from {}.", args.file.display());
    if kept.exists() {
        said += &format!(" The former database is kept as {}.", kept.display());
    }
    env.done(&said);
    Ok(FINE)
}

pub(super) async fn check(env: &Env) -> anyhow::Result<u8> {
    let faults = env.host()?.store.check().await?;
    if env.json {
        println!(
            "{}",
            serde_json::json!({"sound": faults.is_empty(), "faults": faults})
        );
        return Ok(if faults.is_empty() { FINE } else { ATTENTION });
    }
    if faults.is_empty() {
        println!("The database is sound.");
        return Ok(FINE);
    }
    for fault in &faults {
        println!("{fault}");
    }
    println!("The database is damaged; restore a backup with `lockstep restore FILE`.");
    Ok(ATTENTION)
}

pub(super) async fn export(env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    host.store
        .read(|tx| {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            tx.export(|table, row| {
                // A closed pipe (`| head`) is no failure of the export.
                let _ = writeln!(out, "{}", serde_json::json!({"table": table, "row": row}));
            })
        })
        .await?;
    Ok(FINE)
}
