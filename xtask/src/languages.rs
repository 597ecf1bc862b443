//! The connectors in JavaScript and Python: their tests, and their components for the integration tests.
//!
//! Their tools are fetched into `target` and the SDK's folder, pinned. Where node or python3 is missing, that language is
//! left out with a loud line. Where it is there, a build that fails is an error when `CI` is `true`, else a loud line too:
//! the tools may just be out of reach.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, bail};

use crate::{root, run};

/// Connectors in JavaScript, by folder.
const JAVASCRIPT: [&str; 2] = ["practice-js", "vendure"];
/// Connectors in Python, by folder.
const PYTHON: [&str; 1] = ["practice-python"];
/// The oldest Python that the tools and the SDK run on.
const OLDEST_PYTHON: (u32, u32) = (3, 11);

/// Tests and builds what the tools of this machine allow, into `target/guests`.
pub fn build() -> anyhow::Result<()> {
    language("JavaScript", &JAVASCRIPT, node_missing(), javascript)?;
    language("Python", &PYTHON, python_missing(), python)
}

fn language(
    name: &str,
    plugins: &[&str],
    missing: Option<String>,
    make: fn() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let why = match missing {
        Some(why) => anyhow::Error::msg(why),
        None => match make() {
            Ok(()) => return Ok(()),
            Err(error) if std::env::var("CI").is_ok_and(|v| v == "true") => {
                return Err(error.context(format!("the plugins in {name}")));
            }
            Err(error) => error,
        },
    };
    // What an earlier build left is not what the tests are to try.
    for plugin in plugins {
        let _ = std::fs::remove_file(component(plugin));
    }
    eprintln!("xtask: SKIPPED the plugins in {name}: {why:#}");
    Ok(())
}

/// Where the integration tests find a component, with its manifest.
fn component(plugin: &str) -> PathBuf {
    let file = format!("{}.wasm", plugin.replace('-', "_"));
    root().join("target/guests").join(file)
}

/// Where a plugin or an SDK lies.
pub fn folder(name: &str) -> PathBuf {
    root().join("plugins").join(name)
}

/// A program that works in a folder.
pub fn command(program: impl AsRef<OsStr>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    command
}

/// What a program prints, if it can be started and succeeds.
pub fn says(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

/// Why node and npm cannot be used.
pub fn node_missing() -> Option<String> {
    let there = says("node", &["--version"]).is_some() && says(npm(), &["--version"]).is_some();
    (!there).then(|| "node and npm are not installed".to_owned())
}

/// How npm is called here.
pub fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

/// The script of componentize-qjs, installed if it is not.
pub fn javascript_tool() -> anyhow::Result<PathBuf> {
    if let Some(why) = node_missing() {
        bail!("{why}");
    }
    let sdk = folder("sdk-js");
    npm_install(&sdk)?;
    Ok(sdk.join("node_modules/componentize-qjs/bin/componentize-qjs"))
}

fn javascript() -> anyhow::Result<()> {
    javascript_tool()?;
    let sdk = folder("sdk-js");
    npm_run(&sdk, "test")?;
    for plugin in JAVASCRIPT {
        javascript_plugin(plugin)?;
    }
    Ok(())
}

/// Tests and builds one connector in JavaScript.
pub fn javascript_plugin(plugin: &str) -> anyhow::Result<()> {
    let (folder, sdk) = (folder(plugin), folder("sdk-js"));
    npm_install(&sdk)?;
    npm_run(&folder, "test")?;
    finish(plugin, &sdk, || npm_run(&folder, "build"))
}

/// Fetches what the lock file of a folder names, unless it is there already. No package's own script is run.
pub fn npm_install(folder: &Path) -> anyhow::Result<()> {
    let installed = folder.join("node_modules/.package-lock.json");
    if is_newer(&installed, &[folder.join("package-lock.json")]) {
        return Ok(());
    }
    let mut install = command(npm(), folder);
    install
        .args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--cache",
        ])
        .arg(root().join("target/npm"));
    run(install)
}

fn npm_run(folder: &Path, script: &str) -> anyhow::Result<()> {
    let mut npm = command(npm(), folder);
    npm.args(["run", "--silent", script]);
    run(npm)
}

/// Why python3 cannot be used.
pub fn python_missing() -> Option<String> {
    let version = "import sys; print(*sys.version_info[:2], sep='.')";
    let Some(version) = says("python3", &["-c", version]) else {
        return Some("python3 is not installed".to_owned());
    };
    let (major, minor) = OLDEST_PYTHON;
    let mut parts = version.split('.').filter_map(|n| n.parse::<u32>().ok());
    if (parts.next(), parts.next()) < (Some(major), Some(minor)) {
        return Some(format!("python3 is {version}; {major}.{minor} is needed"));
    }
    if says("python3", &["-c", "import ensurepip, venv"]).is_none() {
        return Some("python3 has no venv; on Debian: apt install python3-venv".to_owned());
    }
    None
}

/// componentize-py, installed if it is not.
pub fn python_tool() -> anyhow::Result<PathBuf> {
    if let Some(why) = python_missing() {
        bail!("{why}");
    }
    let environment = root().join("target/python");
    let scripts = if cfg!(windows) { "Scripts" } else { "bin" };
    let tool = environment.join(scripts).join("componentize-py");
    let requirements = folder("sdk-python").join("requirements.txt");
    if !is_newer(&tool, std::slice::from_ref(&requirements)) {
        let mut venv = command("python3", &root());
        venv.args(["-m", "venv", "--clear"]).arg(&environment);
        run(venv)?;
        let mut install = command(environment.join(scripts).join("python"), &root());
        install
            .args(["-m", "pip", "install", "--quiet"])
            .arg("--disable-pip-version-check")
            .arg("--cache-dir")
            .arg(root().join("target/pip"))
            .arg("--requirement")
            .arg(requirements);
        run(install)?;
    }
    Ok(tool)
}

fn python() -> anyhow::Result<()> {
    python_tool()?;
    let sdk = folder("sdk-python");
    for plugin in PYTHON {
        let folder = folder(plugin);
        let file = format!("build/{}.wasm", plugin.replace('-', "_"));
        let plugin_py = |arguments: &[&str]| {
            let mut python = command("python3", &folder);
            python.arg("../sdk-python/tools/plugin.py").args(arguments);
            run(python)
        };
        plugin_py(&["test"])?;
        finish(plugin, &sdk, || plugin_py(&["build", "main", &file]))?;
    }
    Ok(())
}

/// Builds a component where its sources, the SDK or the contract changed, and puts its manifest into it.
fn finish(
    plugin: &str,
    sdk: &Path,
    build: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (folder, finished) = (folder(plugin), component(plugin));
    let inputs = [
        folder.join("src"),
        folder.join("wit/world.wit"),
        folder.join("plugin.toml"),
        sdk.to_owned(),
        root().join("wit"),
    ];
    if is_newer(&finished, &inputs) {
        return Ok(());
    }
    build()?;
    let file = format!("build/{}.wasm", plugin.replace('-', "_"));
    let read = |path: PathBuf| std::fs::read(&path).with_context(|| path.display().to_string());
    let bytes = lockstep_pack::embed(read(folder.join(file))?, &read(folder.join("plugin.toml"))?);
    std::fs::create_dir_all(root().join("target/guests"))?;
    std::fs::write(&finished, bytes).with_context(|| finished.display().to_string())
}

/// Whether a file is there and newer than everything that it was made from.
pub fn is_newer(file: &Path, inputs: &[PathBuf]) -> bool {
    let Ok(made) = std::fs::metadata(file).and_then(|m| m.modified()) else {
        return false;
    };
    inputs
        .iter()
        .all(|input| newest(input).is_ok_and(|changed| changed < made))
}

/// The last change of a file, or of anything inside a folder but what tools leave there.
fn newest(path: &Path) -> anyhow::Result<SystemTime> {
    const LEFT: [&str; 3] = ["node_modules", "__pycache__", "build"];
    let about = std::fs::metadata(path).with_context(|| path.display().to_string())?;
    let mut newest = about.modified()?;
    if about.is_dir() {
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            if !LEFT.iter().any(|left| entry.file_name() == *left) {
                newest = newest.max(self::newest(&entry.path())?);
            }
        }
    }
    Ok(newest)
}
