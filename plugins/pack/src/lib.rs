//! Builds plugin crates as WebAssembly components and embeds their manifests: for build scripts, and for authors.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use wasm_encoder::{CustomSection, Encode, Section};

/// What plugins are compiled for. With the linker `wasm-component-ld`, rustc writes a component for it.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// The section of a component in which the host looks for the manifest.
pub const MANIFEST_SECTION: &str = "lockstep:manifest";
/// Names a rustc with the sources of its standard library, to be used where the toolchain has no library for [`TARGET`].
pub const OTHER_RUSTC: &str = "LOCKSTEP_GUEST_RUSTC";

/// Puts a manifest (the text of `plugin.toml`) into a component, in place of one that is there.
pub fn embed(component: Vec<u8>, manifest: &[u8]) -> Vec<u8> {
    let component = without_manifest(component);
    let section = CustomSection {
        name: Cow::Borrowed(MANIFEST_SECTION),
        data: Cow::Borrowed(manifest),
    };
    let mut bytes = component;
    bytes.push(section.id());
    section.encode(&mut bytes);
    bytes
}

/// Leaves out the manifest's sections. Bytes that are no component stay as they are: who loads them says what is wrong.
fn without_manifest(component: Vec<u8>) -> Vec<u8> {
    /// Magic number, version and layer.
    const PREAMBLE: usize = 8;
    const CUSTOM: u8 = 0;
    let Some(preamble) = component.get(..PREAMBLE) else {
        return component;
    };
    let mut kept = preamble.to_vec();
    let mut at = PREAMBLE;
    while let Some(&id) = component.get(at) {
        let Some((size, start)) = number(&component, at + 1) else {
            return component;
        };
        let Some(body) = component.get(start..start + size) else {
            return component;
        };
        let name = number(body, 0).and_then(|(length, from)| body.get(from..from + length));
        if id != CUSTOM || name != Some(MANIFEST_SECTION.as_bytes()) {
            kept.extend_from_slice(&component[at..start + size]);
        }
        at = start + size;
    }
    kept
}

/// An unsigned LEB128 number, and where what follows it begins.
fn number(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut value = 0usize;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
    }
    None
}

/// Builds packages of the cargo workspace in `workspace` and answers the folder of the components.
///
/// Meant for build scripts: `out` is a folder inside the target directory of the build that runs, beside which the
/// plugins get one of their own, so that the two builds never wait for one lock.
pub fn build(workspace: &Path, packages: &[&str], out: &Path) -> anyhow::Result<PathBuf> {
    let target = out
        .ancestors()
        .find(|p| p.join("CACHEDIR.TAG").exists())
        .unwrap_or(out)
        .join("guests");
    let mut command = cargo(workspace).context("the plugins cannot be built")?;
    command
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            TARGET,
            "--target-dir",
        ])
        .arg(&target);
    for package in packages {
        command.args(["--package", package]);
    }
    let status = command
        .status()
        .context("cannot start cargo for the plugins")?;
    if !status.success() {
        bail!(
            "the plugins in {} do not build; see cargo's words above",
            workspace.display()
        );
    }
    Ok(target.join(TARGET).join("release"))
}

/// Builds the crate in a folder and answers its component, which lies wherever cargo puts it. Cargo's words go to the
/// terminal.
pub fn build_crate(directory: &Path) -> anyhow::Result<PathBuf> {
    let mut command = cargo(directory)?;
    command
        .args(["build", "--release", "--target", TARGET])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let output = command
        .output()
        .context("cannot start cargo; install Rust with rustup")?;
    ensure!(
        output.status.success(),
        "{} does not build; see cargo's words above",
        directory.display()
    );
    let manifest = directory.join("Cargo.toml").canonicalize()?;
    component_of(&String::from_utf8_lossy(&output.stdout), &manifest).with_context(|| {
        format!(
            "{} builds, but to no .wasm file; its library needs `crate-type = [\"cdylib\"]`",
            directory.display()
        )
    })
}

/// The component that cargo's messages name for the crate with this manifest.
fn component_of(messages: &str, manifest: &Path) -> Option<PathBuf> {
    let artifacts = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["manifest_path"].as_str().map(Path::new) == Some(manifest));
    artifacts
        .filter_map(|message| {
            let files = message["filenames"].as_array()?.iter();
            let mut files = files.filter_map(|file| file.as_str().map(PathBuf::from));
            files.find(|file| file.extension().is_some_and(|e| e == "wasm"))
        })
        .next_back()
}

/// Cargo in a folder, ready to build for [`TARGET`].
fn cargo(directory: &Path) -> anyhow::Result<Command> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(directory);
    clean(&mut command);
    if let Some(rustc) = std::env::var_os(OTHER_RUSTC) {
        build_library_along(&mut command, directory, &rustc)?;
    } else {
        ensure!(
            library_present(directory)?,
            "the toolchain has no standard library for {TARGET}; run `rustup target add {TARGET}`"
        );
    }
    Ok(command)
}

/// Takes away what describes the build, or the program, that runs: a build in another folder is another one.
pub fn clean(command: &mut Command) {
    const OURS: [&str; 11] = [
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "TARGET",
        "HOST",
        "OUT_DIR",
        "PROFILE",
        "OPT_LEVEL",
        "DEBUG",
    ];
    const KEPT: [&str; 3] = ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_TARGET_DIR"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OURS.contains(&&*text) || (text.starts_with("CARGO_") && !KEPT.contains(&&*text)) {
            command.env_remove(&name);
        }
    }
}

/// As Debian packages Rust: the target's library is built from its sources, with the linker of the pinned toolchain.
fn build_library_along(
    command: &mut Command,
    directory: &Path,
    rustc: &std::ffi::OsStr,
) -> anyhow::Result<()> {
    let version = rustc_says(directory, &["-vV"])?;
    let host = version.lines().find_map(|l| l.strip_prefix("host: "));
    let host = host.context("rustc does not say what it runs on")?;
    let tools = PathBuf::from(rustc_says(directory, &["--print", "sysroot"])?)
        .join("lib/rustlib")
        .join(host)
        .join("bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(tools.join("gcc-ld")).chain(std::env::split_paths(&path));
    command
        .env("RUSTC", rustc)
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
            tools.join("wasm-component-ld"),
        )
        .env("PATH", std::env::join_paths(paths)?)
        .arg("-Zbuild-std=std,panic_abort");
    Ok(())
}

/// Whether the toolchain that a folder uses has the standard library for plugins.
fn library_present(directory: &Path) -> anyhow::Result<bool> {
    let place = rustc_says(directory, &["--print", "target-libdir", "--target", TARGET])?;
    Ok(std::fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_some()))
}

fn rustc_says(directory: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("rustc")
        .current_dir(directory)
        .args(args)
        .output()
        .context("cannot start rustc; install Rust with rustup")?;
    ensure!(
        output.status.success(),
        "rustc does not run: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_takes_the_place_of_another() {
        let mut component = vec![0, b'a', b's', b'm', 0x0d, 0, 1, 0];
        let other = CustomSection {
            name: Cow::Borrowed("name"),
            data: Cow::Borrowed(&[7; 300]),
        };
        component.push(other.id());
        other.encode(&mut component);
        let once = embed(component.clone(), b"one");
        let long = "two".repeat(100);
        let twice = embed(embed(once.clone(), long.as_bytes()), b"one");
        assert_eq!(once, twice);
        assert_eq!(without_manifest(once), component);
        assert_eq!(without_manifest(b"short".to_vec()), b"short");
    }

    #[test]
    fn the_component_is_the_one_of_the_crate_itself() {
        let messages = r#"
{"reason":"compiler-artifact","manifest_path":"/w/sdk/Cargo.toml","filenames":["/t/sdk.rlib"]}
{"reason":"compiler-artifact","manifest_path":"/w/other/Cargo.toml","filenames":["/t/other.wasm"]}
{"reason":"compiler-artifact","manifest_path":"/w/Cargo.toml","filenames":["/t/acme.wasm","/t/libacme.rlib"]}
{"reason":"build-finished","success":true}
not JSON"#;
        let of = |manifest: &str| component_of(messages, Path::new(manifest));
        assert_eq!(of("/w/Cargo.toml"), Some("/t/acme.wasm".into()));
        assert_eq!(of("/w/sdk/Cargo.toml"), None);
    }
}
