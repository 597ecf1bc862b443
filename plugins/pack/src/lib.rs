//! Builds plugin crates as WebAssembly components and embeds their manifests, for build scripts.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(workspace)
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
    clean(&mut command);
    if let Some(rustc) = std::env::var_os(OTHER_RUSTC) {
        build_library_along(&mut command, &rustc)?;
    } else {
        ensure!(
            library_present(),
            "the toolchain has no standard library for {TARGET}; run `cargo xtask setup`, or `rustup target add {TARGET}`"
        );
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

/// A build script's environment describes the build that runs, not that of the plugins.
fn clean(command: &mut Command) {
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
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OURS.contains(&&*text) || (text.starts_with("CARGO_") && text != "CARGO_HOME") {
            command.env_remove(&name);
        }
    }
}

/// As Debian packages Rust: the target's library is built from its sources, with the linker of the pinned toolchain.
fn build_library_along(command: &mut Command, rustc: &std::ffi::OsStr) -> anyhow::Result<()> {
    let host = std::env::var("HOST").context("cargo sets HOST for build scripts")?;
    let tools = PathBuf::from(rustc_says(&["--print", "sysroot"])?)
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

/// Whether the toolchain has the standard library for plugins.
pub fn library_present() -> bool {
    rustc_says(&["--print", "target-libdir", "--target", TARGET])
        .is_ok_and(|d| std::fs::read_dir(d).is_ok_and(|mut entries| entries.next().is_some()))
}

fn rustc_says(args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("rustc")
        .args(args)
        .output()
        .context("cannot start rustc")?;
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
}
