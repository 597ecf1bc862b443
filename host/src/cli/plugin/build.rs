//! `lockstep plugin build` and `lockstep plugin pack`: from a project, or a component, to a file that a host takes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::Args;

use crate::cli::{Env, FINE, Usage};
use crate::plugin::{Build, Manifest, Runtime};

#[derive(Args)]
pub(in crate::cli) struct BuildArgs {
    /// The project's folder, where plugin.toml lies.
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
}

#[derive(Args)]
pub(in crate::cli) struct PackArgs {
    /// A WebAssembly component.
    component: PathBuf,
    /// Its plugin.toml.
    manifest: PathBuf,
    /// Where to write it; a file by the plugin's id, here, otherwise.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn build(args: &BuildArgs, env: &Env) -> anyhow::Result<u8> {
    let dir = &args.dir;
    let (manifest, text, component) = make(dir)?;
    let name = format!("{}.wasm", manifest.plugin.id);
    let output = match dir.as_os_str() == "." {
        true => PathBuf::from(name),
        false => dir.join(name),
    };
    finish(&component, &text, &output, env)
}

/// Builds a project: its manifest, that as text, and where its component lies.
fn make(dir: &Path) -> anyhow::Result<(Manifest, String, PathBuf)> {
    let (manifest, text) = manifest(&dir.join("plugin.toml"))?;
    let component = match &manifest.build {
        Some(recipe) => follow(recipe, dir)?,
        None if dir.join("Cargo.toml").exists() => lockstep_pack::build_crate(dir)?,
        None => return Err(Usage(no_recipe(dir)).into()),
    };
    Ok((manifest, text, component))
}

/// Builds a project: the component with its manifest, as a host takes it.
pub(super) fn packed(dir: &Path) -> anyhow::Result<Vec<u8>> {
    let (_, text, component) = make(dir)?;
    let bytes = std::fs::read(&component).with_context(|| component.display().to_string())?;
    Ok(lockstep_pack::embed(bytes, text.as_bytes()))
}

pub(super) fn pack(args: &PackArgs, env: &Env) -> anyhow::Result<u8> {
    let (manifest, text) = manifest(&args.manifest)?;
    let usual = PathBuf::from(format!("{}.wasm", manifest.plugin.id));
    let output = args.output.as_ref().unwrap_or(&usual);
    finish(&args.component, &text, output, env)
}

fn manifest(path: &Path) -> anyhow::Result<(Manifest, String)> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| {
        Usage(format!(
            "{shown}: {e}; every plugin has a plugin.toml, which `lockstep plugin new` writes"
        ))
    })?;
    let manifest = Manifest::parse(&text).map_err(|e| Usage(format!("{shown}: {e:#}")))?;
    Ok((manifest, text))
}

/// Runs the recipe of a manifest.
fn follow(recipe: &Build, dir: &Path) -> anyhow::Result<PathBuf> {
    let mut shell = match cfg!(windows) {
        true => Command::new("cmd"),
        false => Command::new("sh"),
    };
    shell.arg(if cfg!(windows) { "/C" } else { "-c" });
    shell.arg(&recipe.command).current_dir(dir);
    lockstep_pack::clean(&mut shell);
    let status = shell
        .status()
        .with_context(|| format!("cannot start `{}`", recipe.command))?;
    if !status.success() {
        return Err(Usage(format!(
            "`{}`, which plugin.toml gives as build.command, failed; see its words above",
            recipe.command
        ))
        .into());
    }
    let component = dir.join(&recipe.component);
    match component.exists() {
        true => Ok(component),
        false => Err(Usage(format!(
            "`{}` made no {}, which plugin.toml gives as build.component",
            recipe.command,
            component.display()
        ))
        .into()),
    }
}

/// What to do about a folder that nobody said how to build.
fn no_recipe(dir: &Path) -> String {
    let python = std::fs::read_dir(dir).is_ok_and(|mut entries| {
        entries.any(|e| e.is_ok_and(|e| e.path().extension().is_some_and(|x| x == "py")))
    });
    let (what, command) = if dir.join("package.json").exists() {
        ("a package.json", "npm run build")
    } else if python {
        (
            "Python files",
            "componentize-py ... componentize app -o plugin.wasm",
        )
    } else {
        (
            "neither a Cargo.toml nor anything else that is known",
            "make",
        )
    };
    format!(
        "{} has {what}: say in plugin.toml how it is built, as in\n\n  [build]\n  command = \"{command}\"\n  component = \"plugin.wasm\"\n\nor build it and use `lockstep plugin pack plugin.wasm plugin.toml`",
        dir.display()
    )
}

/// Embeds the manifest, has the host's own admission look at the whole, and writes it.
fn finish(component: &Path, manifest: &str, output: &Path, env: &Env) -> anyhow::Result<u8> {
    let shown = component.display();
    let bytes = std::fs::read(component).map_err(|e| Usage(format!("{shown}: {e}")))?;
    let bytes = lockstep_pack::embed(bytes, manifest.as_bytes());
    let plugin = (Runtime::new(None)?.load(&bytes))
        .map_err(|e| Usage(format!("{shown} cannot be used: {e:#}")))?;
    std::fs::write(output, &bytes).with_context(|| format!("cannot write {}", output.display()))?;
    if env.json {
        let told = serde_json::json!({
            "file": output, "bytes": bytes.len(), "digest": plugin.digest(),
            "capabilities": plugin.capabilities(),
        });
        println!("{}", serde_json::to_string_pretty(&told)?);
        return Ok(FINE);
    }
    println!("{}: {} KiB", output.display(), bytes.len().div_ceil(1024));
    println!("sha256 {}", plugin.digest());
    println!("can do {}", plugin.capabilities().join(", "));
    Ok(FINE)
}
