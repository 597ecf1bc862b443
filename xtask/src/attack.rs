//! Schemathesis, with which the integration tests attack the JSON API: fetched into `target`, pinned.

use anyhow::bail;

use crate::languages::{command, is_newer, python_missing};
use crate::{root, run, skip};

/// Installs it, unless it is there. Where python3 is missing, that test is left out with a loud line.
pub fn setup() -> anyhow::Result<()> {
    match install() {
        Ok(()) => Ok(()),
        Err(why) => skip("the attack on the JSON API", &why),
    }
}

fn install() -> anyhow::Result<()> {
    if let Some(why) = python_missing() {
        bail!("{why}");
    }
    let environment = root().join("target/schemathesis");
    let scripts = if cfg!(windows) { "Scripts" } else { "bin" };
    let tool = environment.join(scripts).join("schemathesis");
    let requirements = root().join("tests/schemathesis.txt");
    if is_newer(&tool, std::slice::from_ref(&requirements)) {
        return Ok(());
    }
    let mut venv = command("python3", &root());
    venv.args(["-m", "venv", "--clear"]).arg(&environment);
    run(venv)?;
    let mut install = command(environment.join(scripts).join("python"), &root());
    install
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ])
        .arg("--cache-dir")
        .arg(root().join("target/pip"))
        .arg("--requirement")
        .arg(requirements);
    run(install)
}
