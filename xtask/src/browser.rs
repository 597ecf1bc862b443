//! The pages in a real Chromium: tests, and the pictures of the guides.
//!
//! Chromium is Debian's, installed where this may be done; Playwright drives it and fetches no browser of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::languages::{command, node_missing, npm, npm_install, says};
use crate::{cargo, root, run};

/// Plays every page with a host that is built for it.
pub fn test(arguments: &[String]) -> anyhow::Result<()> {
    tested(build, arguments)
}

/// Plays every page with the host that the other tests were played with. To build it alone would build most of what it
/// depends on anew, with other features.
pub fn test_after_the_others() -> anyhow::Result<()> {
    tested(|| Ok(root().join("target/debug/lockstep-under-test")), &[])
}

/// Without node or Chromium the tests are left out with a loud line.
fn tested(
    host: impl FnOnce() -> anyhow::Result<PathBuf>,
    arguments: &[String],
) -> anyhow::Result<()> {
    match ready() {
        Ok(chromium) => play(&chromium, &host()?, "test", arguments),
        // A machine may not have Chromium, and no way to get it.
        Err(why) => {
            eprintln!("xtask: SKIPPED the tests in a browser: {why:#}");
            Ok(())
        }
    }
}

/// Takes the pictures of the guides: `docs/pages`.
pub fn screenshots() -> anyhow::Result<()> {
    let chromium = ready()?;
    play(&chromium, &build()?, "screenshots", &[])
}

fn build() -> anyhow::Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--locked", "--package", "lockstep"]);
    run(build)?;
    Ok(root().join("target/debug/lockstep"))
}

fn play(chromium: &Path, host: &Path, script: &str, arguments: &[String]) -> anyhow::Result<()> {
    let mut npm = command(npm(), &root().join("tests/browser"));
    npm.args(["run", "--silent", script, "--"])
        .args(arguments)
        .env("CHROMIUM", chromium)
        .env("LOCKSTEP_BIN", host);
    run(npm)
}

/// Chromium, once everything that drives it is there.
fn ready() -> anyhow::Result<PathBuf> {
    if let Some(why) = node_missing() {
        bail!("{why}");
    }
    let chromium = chromium()?;
    npm_install(&root().join("tests/browser"))?;
    Ok(chromium)
}

fn chromium() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    if let Some(found) = installed() {
        return Ok(found);
    }
    // Root on a Debian, as test machines are: it can be had.
    if says("id", &["-u"]).as_deref() == Some("0") && says("apt-get", &["--version"]).is_some() {
        let mut update = Command::new("apt-get");
        update.args(["update", "--quiet=2"]);
        run(update)?;
        let mut install = Command::new("apt-get");
        install
            .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
            .args(["chromium", "fonts-dejavu-core"])
            .env("DEBIAN_FRONTEND", "noninteractive");
        run(install)?;
    }
    installed().context("Chromium is not installed; on Debian: apt install chromium. CHROMIUM names one that is elsewhere")
}

fn installed() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| std::env::split_paths(&paths).map(move |p| p.join(name)))
        .find(|p| p.is_file())
}
