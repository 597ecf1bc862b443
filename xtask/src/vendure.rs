//! The connector for Vendure, against a Vendure that runs on this machine: what npm alone can fetch.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

use crate::{cargo, root, run};

/// The oldest Node that the server runs on.
const OLDEST_NODE: u32 = 20;

/// Fetches the server and the tool that makes the component, tests and builds the connector, and runs the tests that need
/// both. `rest` goes to the test binary.
pub fn test(rest: &[String]) -> anyhow::Result<()> {
    check_node()?;
    let connector = root().join("plugins/vendure");
    install(&root().join("plugins/sdk-js"))?;
    install(&connector.join("server"))?;
    npm(&connector, &["run", "--silent", "test"])?;
    npm(&connector, &["run", "--silent", "build"])?;
    let mut tests = cargo();
    tests.args([
        "test",
        "--locked",
        "--package",
        "lockstep-tests",
        "vendure::",
        "--",
        "--ignored",
    ]);
    // Each test has a server of its own, which is a processor's work while it starts.
    if !rest.iter().any(|a| a.starts_with("--test-threads")) {
        tests.arg("--test-threads=2");
    }
    tests.args(rest);
    run(tests)
}

fn check_node() -> anyhow::Result<()> {
    let output = Command::new("node")
        .arg("--version")
        .output()
        .context("cannot start node; install Node 20 or newer, with npm")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|n| n.parse::<u32>().ok());
    ensure!(
        major >= Some(OLDEST_NODE),
        "node is {version}; Vendure needs {OLDEST_NODE} or newer"
    );
    Ok(())
}

/// What the lock file of a folder names, unless it is there already. No package's own script is run.
fn install(folder: &Path) -> anyhow::Result<()> {
    let changed = |path: PathBuf| std::fs::metadata(path).and_then(|m| m.modified()).ok();
    let lock = changed(folder.join("package-lock.json"));
    if changed(folder.join("node_modules/.package-lock.json")) > lock {
        return Ok(());
    }
    npm(
        folder,
        &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
    )
}

fn npm(folder: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    npm.current_dir(folder).args(arguments);
    run(npm)
}
