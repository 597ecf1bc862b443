//! The connector for Vendure, against a Vendure that runs on this machine: what npm alone can fetch.

use anyhow::{Context, ensure};

use crate::languages::{folder, javascript_plugin, npm_install, says};
use crate::{cargo, run};

/// The oldest Node that the server runs on.
const OLDEST_NODE: u32 = 20;

/// Tests and builds the connector, fetches the server, and runs the tests that need both. `rest` goes to the test binary.
pub fn test(rest: &[String]) -> anyhow::Result<()> {
    let version = says("node", &["--version"]).with_context(|| {
        format!("cannot start node; install Node {OLDEST_NODE} or newer, with npm")
    })?;
    let major = version.trim_start_matches('v').split('.').next();
    let major = major.and_then(|n| n.parse::<u32>().ok());
    ensure!(
        major >= Some(OLDEST_NODE),
        "node is {version}; Vendure needs {OLDEST_NODE} or newer"
    );
    javascript_plugin("vendure")?;
    npm_install(&folder("vendure/server"))?;
    let mut tests = cargo();
    tests.args([
        "test",
        "--locked",
        "--package",
        "lockstep-tests",
        "--test",
        "all",
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
