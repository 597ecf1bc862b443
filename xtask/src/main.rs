//! `cargo xtask`: the set-up and the checks of this repository, so that Rust is all a fresh machine needs.

mod attack;
mod browser;
mod fossils;
mod languages;
mod vendure;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};

const TARGET: &str = "wasm32-unknown-unknown";
/// The version of cargo-deny that is installed where there is none.
const CARGO_DENY: &str = "0.20.2";

const USAGE: &str = "cargo xtask COMMAND

  setup         make this machine ready: the WebAssembly target of the pinned toolchain
  demo [ARGS]   set up, then play the whole story (ARGS go to `lockstep demo`: --once, --for 60s ...)
  run ARGS      set up, then run the lockstep binary with ARGS
  test [ARGS]   set up, then run every test (ARGS go to the test binaries)
  languages     test and build the connectors in JavaScript and Python, where node and python3 are there
  browser [ARGS]
                play the pages in a real Chromium (ARGS go to Playwright), where node and Chromium are there
  screenshots   take the pictures of the pages: docs/pages
  fossils       build the plugins of a new generation of the contract that every later test run loads: tests/fossils
  test-vendure [ARGS]
                set up, then run the connector for Vendure against a Vendure that is fetched and started for it
  lint          format, clippy with warnings denied, documentation, licenses
  bench [pages] set up, then the benchmarks, in release mode: of the sync, or of the pages
  overhead      set up, then what the plugin border costs, against native code and Extism
  picture       play one round of the story and draw what it prints: docs/demo.svg
  ci            everything that must hold before a change lands: test and lint
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let result = match command.as_str() {
        "setup" => setup(),
        "demo" => setup().and_then(|()| lockstep("demo", &rest)),
        "run" => setup().and_then(|()| lockstep("", &rest)),
        "test" => setup().and_then(|()| test(&rest)),
        "languages" => languages::build(),
        "browser" => setup().and_then(|()| browser::test(&rest)),
        "screenshots" => setup().and_then(|()| browser::screenshots()),
        "fossils" => setup().and_then(|()| fossils::build(&rest)),
        "test-vendure" => setup().and_then(|()| vendure::test(&rest)),
        "lint" => setup().and_then(|()| lint()),
        "bench" => setup().and_then(|()| bench(&rest)),
        "overhead" => setup().and_then(|()| overhead()),
        "picture" => setup().and_then(|()| picture()),
        "ci" => setup().and_then(|()| test(&[])).and_then(|()| lint()),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The picture in the README.
fn picture() -> anyhow::Result<()> {
    let output = cargo()
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "lockstep",
            "--",
            "demo",
            "--once",
        ])
        .env("CLICOLOR_FORCE", "1")
        .output()
        .context("cannot start the demo")?;
    if !output.status.success() {
        bail!(
            "the demo failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let path = root().join("docs/demo.svg");
    std::fs::write(&path, anstyle_svg::Term::new().render_svg(text.trim()))
        .with_context(|| path.display().to_string())?;
    eprintln!("xtask: {} written", path.display());
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository")
        .to_owned()
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

fn run(mut command: Command) -> anyhow::Result<()> {
    let shown = format!(
        "{} {}",
        Path::new(command.get_program())
            .file_name()
            .unwrap_or_default()
            .to_string_lossy(),
        command
            .get_args()
            .map(|a| a.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ")
    );
    eprintln!("xtask: {shown}");
    let status = command
        .status()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed");
    }
    Ok(())
}

/// Adds the WebAssembly target to the pinned toolchain when it is missing.
fn setup() -> anyhow::Result<()> {
    if target_present()? {
        return Ok(());
    }
    if std::env::var_os("LOCKSTEP_GUEST_RUSTC").is_some() {
        eprintln!("xtask: building the plugins with LOCKSTEP_GUEST_RUSTC");
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.current_dir(root()).args(["target", "add", TARGET]);
    run(rustup).with_context(|| {
        format!(
            "the toolchain has no {TARGET} standard library and rustup cannot add it; docs/building.md names another way"
        )
    })
}

fn target_present() -> anyhow::Result<bool> {
    let output = Command::new("rustc")
        .current_dir(root())
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .context("cannot start rustc; install Rust with rustup")?;
    let directory = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    Ok(std::fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some()))
}

fn lockstep(command: &str, rest: &[String]) -> anyhow::Result<()> {
    let mut cargo = cargo();
    cargo.args(["run", "--locked", "--package", "lockstep", "--"]);
    if !command.is_empty() {
        cargo.arg(command);
    }
    cargo.args(rest);
    run(cargo)
}

fn test(rest: &[String]) -> anyhow::Result<()> {
    languages::build()?;
    attack::setup()?;
    let mut all = cargo();
    all.args(["test", "--workspace", "--locked"]);
    if !rest.is_empty() {
        all.arg("--").args(rest);
    }
    run(all)?;
    let mut plugins = cargo();
    plugins
        .current_dir(root().join("plugins"))
        .args(["test", "--locked", "--target-dir"])
        .arg(root().join("target/plugins"));
    run(plugins)?;
    if rest.is_empty() {
        browser::test_after_the_others()?;
    }
    Ok(())
}

fn lint() -> anyhow::Result<()> {
    let plugins = root().join("plugins");
    for directory in [root(), plugins.clone()] {
        let mut fmt = cargo();
        fmt.current_dir(&directory)
            .args(["fmt", "--all", "--", "--check"]);
        run(fmt)?;
    }
    let mut clippy = cargo();
    clippy.args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]);
    run(clippy)?;
    let mut clippy = cargo();
    clippy
        .current_dir(&plugins)
        .args(["clippy", "--all-targets", "--locked", "--target-dir"])
        .arg(root().join("target/plugins"))
        .args(["--", "-D", "warnings"]);
    run(clippy)?;
    let mut doc = cargo();
    doc.env("RUSTDOCFLAGS", "-D warnings")
        .args(["doc", "--workspace", "--no-deps", "--locked"]);
    run(doc)?;
    deny()
}

/// Licenses, bans and sources, with cargo-deny: the one on the PATH, else one installed into `target/tools`.
fn deny() -> anyhow::Result<()> {
    let own = root().join("target/tools");
    let local = own.join("bin/cargo-deny");
    let on_path = Command::new("cargo-deny")
        .arg("--version")
        .output()
        .is_ok_and(|o| o.status.success());
    let program = if on_path {
        PathBuf::from("cargo-deny")
    } else {
        if !local.exists() {
            let mut install = cargo();
            install
                .args([
                    "install",
                    "--locked",
                    "--debug",
                    "--version",
                    CARGO_DENY,
                    "--root",
                ])
                .arg(&own)
                .arg("cargo-deny");
            if let Err(error) = run(install) {
                return skip("the license check", &error);
            }
        }
        local
    };
    for directory in [root(), root().join("plugins")] {
        let mut deny = Command::new(&program);
        deny.current_dir(&directory)
            .arg("--config")
            .arg(root().join("deny.toml"))
            .args(["check", "licenses", "bans", "sources"]);
        run(deny)?;
    }
    Ok(())
}

/// Leaves a part out with a loud line; where `CI` is `true` that is a failure.
fn skip(what: &str, why: &anyhow::Error) -> anyhow::Result<()> {
    if std::env::var("CI").is_ok_and(|v| v == "true") {
        bail!("{what} cannot run: {why:#}");
    }
    eprintln!("xtask: SKIPPED {what}: {why:#}");
    Ok(())
}

/// Its workspace is its own: Extism brings another wasmtime, which takes as long again to build.
fn overhead() -> anyhow::Result<()> {
    let mut overhead = cargo();
    overhead
        .args(["run", "--release", "--locked", "--manifest-path"])
        .arg(root().join("tests/overhead/Cargo.toml"));
    run(overhead)
}

fn bench(rest: &[String]) -> anyhow::Result<()> {
    let (which, rest) = match rest.split_first() {
        Some((first, rest)) if first == "pages" => ("pages", rest),
        _ => ("sync", rest),
    };
    let mut bench = cargo();
    bench.args(["bench", "--locked", "--package", "lockstep-tests"]);
    bench.args(["--bench", which, "--"]).args(rest);
    run(bench)
}
