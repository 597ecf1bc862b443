//! Plugins of the present generation of the contract, for `tests/fossils`: built once, committed, and never built again.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use flate2::{Compression, write::GzEncoder};

use crate::{languages, root, run};

/// The worlds of `tests/fossils/source`, each with its manifest beside it.
const WORLDS: [&str; 2] = ["mirror", "mirror-extra"];

/// Builds all of them, or none. Those that exist are replaced only with `--force`.
pub fn build(arguments: &[String]) -> anyhow::Result<()> {
    let force = match arguments {
        [] => false,
        [one] if one == "--force" => true,
        _ => bail!("`cargo xtask fossils` takes nothing but --force"),
    };
    let generation = generation()?;
    ensure!(
        root().join("wit/frozen").join(&generation).is_dir(),
        "generation {generation} is not published: wit/VERSIONING.md says how"
    );
    let folder = root().join("tests/fossils").join(&generation);
    if !force && std::fs::read_dir(&folder).is_ok_and(|mut files| files.next().is_some()) {
        bail!(
            "{} has fossils already; they are never built again. --force is for a generation that no release has yet",
            folder.display()
        );
    }
    let source = root().join("tests/fossils/source");
    let built = root().join("target/fossils");
    std::fs::create_dir_all(&built).with_context(|| built.display().to_string())?;
    let mut files = rust(&source)?;
    files.extend(javascript(&source, &built)?);
    files.extend(python(&source, &built)?);
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for (world, language, component) in files {
        let manifest = read(&source.join(format!("{world}.toml")))?;
        let plugin = lockstep_pack::embed(read(&component)?, &manifest);
        let path = folder.join(format!("{world}-{language}.wasm.gz"));
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&plugin)?;
        let packed = packed.finish()?;
        std::fs::write(&path, &packed).with_context(|| path.display().to_string())?;
        eprintln!(
            "xtask: {}: {} bytes, {} unpacked",
            path.display(),
            packed.len(),
            plugin.len()
        );
    }
    Ok(())
}

/// World, language and component.
type Built = Vec<(&'static str, &'static str, PathBuf)>;

/// The version in the contract's `package` line.
fn generation() -> anyhow::Result<String> {
    let text = String::from_utf8(read(&root().join("wit/types.wit"))?)?;
    let version = text.lines().find_map(|l| {
        l.strip_prefix("package lockstep:plugin@")?
            .strip_suffix(';')
    });
    let version =
        version.context("wit/types.wit has no line `package lockstep:plugin@VERSION;`")?;
    Ok(version.to_owned())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| path.display().to_string())
}

fn rust(source: &Path) -> anyhow::Result<Built> {
    let folder = lockstep_pack::build(&source.join("rust"), &WORLDS, &root().join("target"))?;
    let file = |world: &str| folder.join(format!("{}.wasm", world.replace('-', "_")));
    Ok(WORLDS.map(|w| (w, "rust", file(w))).into())
}

fn javascript(source: &Path, built: &Path) -> anyhow::Result<Built> {
    let tool = languages::javascript_tool()?;
    let mut files = Built::new();
    for world in WORLDS {
        let output = built.join(format!("{world}-javascript.wasm"));
        let mut node = languages::command("node", source);
        node.arg(&tool)
            .args(["--wit", "wit", "--world", world, "--js"])
            .arg(format!("javascript/{world}.js"))
            // Imports reach the SDK.
            .arg("--module-root")
            .arg(root())
            .args(["--sync", "--stub-wasi", "--opt-size", "--output"])
            .arg(&output);
        run(node)?;
        files.push((world, "javascript", output));
    }
    Ok(files)
}

fn python(source: &Path, built: &Path) -> anyhow::Result<Built> {
    let tool = languages::python_tool()?;
    let mut files = Built::new();
    for world in WORLDS {
        let output = built.join(format!("{world}-python.wasm"));
        let mut python = languages::command(&tool, source);
        // WASI stays imported, as authors have it: that it is answered is promised as well.
        python
            .args(["-q", "-d", "wit", "-w", world, "componentize", "main", "-p"])
            .arg(format!("python/{world}"))
            .arg("-p")
            .arg(languages::folder("sdk-python"))
            .arg("-o")
            .arg(&output)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        run(python)?;
        files.push((world, "python", output));
    }
    Ok(files)
}
