//! `lockstep plugin try`: a connector at work, against the sandbox or at a real account.

mod account;
mod sandbox;

use std::path::{Path, PathBuf};

use clap::Args;
use url::Url;

use super::check::pair;
use crate::cli::{Env, Usage};

#[derive(Args)]
pub(in crate::cli) struct TryArgs {
    /// A project's folder, which is built and built again when its sources change; or a .wasm file.
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    what: PathBuf,
    /// A marketplace of the sandbox: practice, the-iconic or mirakl; the one that the manifest names ([test] against)
    /// otherwise.
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
    /// Play one whole story, check it, and end.
    #[arg(long)]
    once: bool,
    /// SKUs of the sandbox.
    #[arg(long, default_value_t = 120, value_name = "NUMBER")]
    skus: usize,
    /// The same seed plays the same story.
    #[arg(long, default_value_t = 7, value_name = "NUMBER")]
    seed: u64,
    /// A setting of the plugin; repeat for more.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// Instead of the sandbox: a real account at this address. Reads only, unless --write is given.
    #[arg(long, value_name = "URL", conflicts_with_all = ["against", "once"])]
    base_url: Option<Url>,
    /// Client or application id of the account. The secret comes from --secret-file, LOCKSTEP_CHANNEL_SECRET or a prompt.
    #[arg(long, requires = "base_url")]
    client_id: Option<String>,
    /// File that holds the secret.
    #[arg(long, value_name = "FILE", requires = "base_url")]
    secret_file: Option<PathBuf>,
    /// Also write: each of the first listings' own stock number is written to it once more.
    #[arg(long, requires = "base_url")]
    write: bool,
    /// Keep what was said on a tape, without secrets.
    #[arg(long, value_name = "FILE", requires = "base_url")]
    record: Option<PathBuf>,
    /// Allow plain http and private addresses.
    #[arg(long, requires = "base_url")]
    allow_local: bool,
}

pub(in crate::cli) async fn run(args: TryArgs, env: &Env) -> anyhow::Result<u8> {
    match args.base_url.clone() {
        Some(base_url) => account::run(args, base_url, env).await,
        None => sandbox::run(args, env).await,
    }
}

/// The component of a folder, which is built, or of a file.
fn component(what: &Path) -> anyhow::Result<Vec<u8>> {
    if what.is_dir() {
        return super::build::packed(what);
    }
    let shown = what.display();
    std::fs::read(what).map_err(|e| Usage(format!("{shown}: {e}")).into())
}
