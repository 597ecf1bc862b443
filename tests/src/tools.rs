//! The tools of authors: `plugin new`, `plugin build`, `plugin pack`, and what they say when something is wrong.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const MANIFEST: &str = include_str!("../../plugins/template/plugin.toml");

/// A folder of files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

fn lockstep(place: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-under-test"));
    command.current_dir(place).args(args);
    command
}

/// Runs it; the exit code, and all that was said.
fn run(mut command: Command) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let said = [stdout, stderr].concat();
    (
        status.code().unwrap_or(-1),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[track_caller]
fn refuses(place: &Path, args: &[&str], words: &[&str]) {
    let (code, said) = run(lockstep(place, args));
    assert_eq!(code, 2, "{args:?}: {said}");
    for word in words {
        assert!(
            said.contains(word),
            "{args:?} does not say \"{word}\": {said}"
        );
    }
}

fn template() -> Vec<u8> {
    std::fs::read(env!("TEMPLATE")).unwrap()
}

#[test]
fn a_component_is_packed_and_can_be_inspected_without_a_host() {
    let place = folder(&[
        ("built.wasm", &template()),
        ("plugin.toml", MANIFEST.as_bytes()),
    ]);
    let pack = ["plugin", "pack", "built.wasm", "plugin.toml"];
    let (code, said) = run(lockstep(place.path(), &pack));
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("template.wasm") && said.contains("can do about, listings"),
        "{said}"
    );
    let (code, said) = run(lockstep(
        place.path(),
        &["plugin", "inspect", "template.wasm"],
    ));
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("use the credential api (header)"), "{said}");
    let again = [&pack[..], &["-o", "other.wasm"]].concat();
    assert_eq!(run(lockstep(place.path(), &again)).0, 0);
    let bytes = |name: &str| std::fs::read(place.path().join(name)).unwrap();
    assert_eq!(bytes("other.wasm"), bytes("template.wasm"));
}

#[test]
fn what_cannot_be_a_plugin_is_refused_with_the_reason() {
    let core = [b"\0asm".as_slice(), &[1, 0, 0, 0]].concat();
    // The contract's version stands in the names of imports and exports; another of the same length changes nothing else.
    let newer = replaced(
        template(),
        b"lockstep:plugin/about@0.1.0",
        b"lockstep:plugin/about@0.9.0",
    );
    let place = folder(&[
        ("core.wasm", &core),
        ("newer.wasm", &newer),
        ("text.wasm", b"#!/bin/sh"),
        ("built.wasm", &template()),
        ("plugin.toml", MANIFEST.as_bytes()),
        (
            "old.toml",
            MANIFEST
                .replace("generation = \"0.1\"", "generation = \"0.0\"")
                .as_bytes(),
        ),
        (
            "nameless.toml",
            MANIFEST
                .replace("name = \"Practice Market\"\n", "")
                .as_bytes(),
        ),
        (
            "spelled.toml",
            MANIFEST.replace("batch = 100", "batches = 100").as_bytes(),
        ),
    ]);
    for (component, manifest, words) in [
        (
            "core.wasm",
            "plugin.toml",
            ["core module", "wasm-component-ld"],
        ),
        (
            "newer.wasm",
            "plugin.toml",
            ["about@0.9.0", "calls version 0.1.0"],
        ),
        (
            "text.wasm",
            "plugin.toml",
            ["text.wasm", "not a WebAssembly component"],
        ),
        ("none.wasm", "plugin.toml", ["none.wasm", "No such file"]),
        ("built.wasm", "old.toml", ["old.toml", "plugin.generation"]),
        (
            "built.wasm",
            "nameless.toml",
            ["nameless.toml", "missing field `name`"],
        ),
        ("built.wasm", "spelled.toml", ["spelled.toml", "batches"]),
        (
            "built.wasm",
            "none.toml",
            ["none.toml", "lockstep plugin new"],
        ),
    ] {
        refuses(
            place.path(),
            &["plugin", "pack", component, manifest],
            &words,
        );
    }
    assert!(
        !place.path().join("template.wasm").exists(),
        "nothing is written"
    );
}

fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let found: Vec<usize> = (bytes.windows(from.len()).enumerate())
        .filter(|(_, window)| *window == from)
        .map(|(at, _)| at)
        .collect();
    assert!(!found.is_empty());
    for at in found {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn a_project_of_another_language_is_built_by_its_own_recipe() {
    let recipe = "\n[build]\ncommand = \"test -z \\\"$CARGO_PKG_NAME\\\" && cp built.wasm made.wasm\"\ncomponent = \"made.wasm\"\n";
    let manifest = format!("{MANIFEST}{recipe}");
    let place = folder(&[
        ("built.wasm", &template()),
        ("plugin.toml", manifest.as_bytes()),
    ]);
    let mut build = lockstep(place.path(), &["plugin", "build"]);
    // What describes the build that runs is kept from the recipe.
    build.env("CARGO_PKG_NAME", "lockstep-tests");
    let (code, said) = run(build);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("template.wasm: "), "{said}");
    let toml = |command: &str, component: &str| {
        let build = format!("[build]\ncommand = \"{command}\"\ncomponent = \"{component}\"\n");
        std::fs::write(
            place.path().join("plugin.toml"),
            format!("{MANIFEST}\n{build}"),
        )
        .unwrap();
    };
    let build = ["plugin", "build"];
    toml("exit 3", "made.wasm");
    refuses(
        place.path(),
        &build,
        &["`exit 3`", "build.command", "failed"],
    );
    toml("true", "nowhere.wasm");
    refuses(
        place.path(),
        &build,
        &["made no", "nowhere.wasm", "build.component"],
    );
}

#[test]
fn a_project_without_a_recipe_is_told_how_to_write_one() {
    let place = folder(&[("plugin.toml", MANIFEST.as_bytes())]);
    let build = ["plugin", "build"];
    refuses(
        place.path(),
        &build,
        &["neither a Cargo.toml", "[build]", "plugin pack"],
    );
    std::fs::write(place.path().join("app.py"), "").unwrap();
    refuses(place.path(), &build, &["Python", "componentize-py"]);
    std::fs::write(place.path().join("package.json"), "{}").unwrap();
    refuses(place.path(), &build, &["package.json", "npm run build"]);
    let empty = folder(&[]);
    refuses(
        empty.path(),
        &build,
        &["plugin.toml", "lockstep plugin new"],
    );
}

#[test]
fn a_folder_that_exists_is_not_written_over() {
    let place = folder(&[]);
    let new = ["plugin", "new", "acme"];
    assert_eq!(run(lockstep(place.path(), &new)).0, 0);
    refuses(place.path(), &new, &["acme exists", "--dir"]);
    let other = ["plugin", "new", "acme", "--dir", "deep/er"];
    assert_eq!(run(lockstep(place.path(), &other)).0, 0);
    assert!(place.path().join("deep/er/src/lib.rs").exists());
    refuses(place.path(), &["plugin", "new", "Acme"], &["lower-case"]);
}

/// A rustc whose toolchain lacks the target of plugins.
#[cfg(unix)]
#[test]
fn a_missing_target_is_told_with_the_command_that_adds_it() {
    use std::os::unix::fs::PermissionsExt;
    let place = folder(&[("rustc", b"#!/bin/sh\necho /nowhere/at/all\n")]);
    let rustc = place.path().join("rustc");
    std::fs::set_permissions(&rustc, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(run(lockstep(place.path(), &["plugin", "new", "acme"])).0, 0);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths: Vec<PathBuf> = std::iter::once(place.path().to_owned())
        .chain(std::env::split_paths(&path))
        .collect();
    let mut build = lockstep(place.path(), &["plugin", "build", "acme"]);
    build.env("PATH", std::env::join_paths(paths).unwrap());
    build.env_remove(lockstep_pack::OTHER_RUSTC);
    let (code, said) = run(build);
    assert_eq!(code, 2, "{said}");
    assert!(
        said.contains("rustup target add wasm32-unknown-unknown"),
        "{said}"
    );
}
