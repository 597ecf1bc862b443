//! `lockstep plugin new`: a project to begin a connector with.
//!
//! It is made of the sources that this program was built with: the connector in `plugins/template` under another name,
//! the SDK, and the contract. So it needs nothing of this repository, and nothing from a registry but other people's crates.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use lockstep_bundle::STARTER;
use toml::{Table, Value};

use crate::cli::{Env, FINE, Usage};

/// What the connector in `plugins/template` is called.
const ID: &str = "template";
const TITLE: &str = "Practice Market";
const TYPE: &str = "Template";
/// Names that Cargo or the project itself needs for other crates.
const TAKEN: [&str; 6] = ["alloc", "core", "proc-macro", "std", "test", "lockstep-sdk"];

#[derive(Args)]
pub(in crate::cli) struct NewArgs {
    /// The plugin's id: lower-case letters, digits and dashes, as in acme-market.
    name: String,
    /// Where to write it; a folder of that name otherwise.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: NewArgs, env: &Env) -> anyhow::Result<u8> {
    let name = &args.name;
    check(name)?;
    let folder = args.dir.unwrap_or_else(|| name.into());
    if folder.exists() {
        return Err(Usage(format!(
            "{} exists, and nothing is written over; choose another name, or another place with --dir",
            folder.display()
        ))
        .into());
    }
    for (path, text) in project(name)? {
        let path = folder.join(path);
        let place = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(place)
            .and_then(|()| std::fs::write(&path, text))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if env.json {
        println!("{}", serde_json::json!({"id": name, "folder": folder}));
        return Ok(FINE);
    }
    println!(
        "{}: a connector that works, for a marketplace to practice on. It is yours to change.\n",
        folder.display()
    );
    println!("  cd {}", folder.display());
    println!("  cargo test               its tests, without WebAssembly");
    println!("  lockstep plugin build    {name}.wasm\n");
    println!("README.md says how to go on.");
    Ok(FINE)
}

fn check(name: &str) -> anyhow::Result<()> {
    let shape = crate::cli::name_ok(name)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-');
    if !shape {
        return Err(Usage(format!(
            "\"{name}\" cannot be a plugin's id: up to 40 lower-case letters, digits and dashes, a letter first"
        ))
        .into());
    }
    match TAKEN.contains(&name) {
        true => Err(Usage(format!(
            "\"{name}\" is the name of another crate; choose another"
        ))
        .into()),
        false => Ok(()),
    }
}

/// The files of a new project, by their paths in it.
fn project(name: &str) -> anyhow::Result<Vec<(String, String)>> {
    let title = words(name, " ");
    let mut files = vec![
        (".gitignore".to_owned(), "/target\n*.wasm\n".to_owned()),
        ("README.md".to_owned(), readme(name, &title)),
        ("Cargo.toml".to_owned(), root_manifest(name, &title)?),
        ("sdk/Cargo.toml".to_owned(), sdk_manifest()?),
    ];
    for (path, text) in STARTER {
        let text = (*text).to_owned();
        if let Some(source) = path.strip_prefix("template/src/") {
            let text = text.replace(TYPE, &words(name, ""));
            files.push((format!("src/{source}"), text));
        } else if *path == "template/plugin.toml" {
            let text = text
                .replace(&format!("id = \"{ID}\""), &format!("id = \"{name}\""))
                .replace(
                    &format!("name = \"{TITLE}\""),
                    &format!("name = \"{title}\""),
                );
            files.push(("plugin.toml".to_owned(), text));
        } else if path.starts_with("wit/") {
            files.push((format!("sdk/{path}"), text));
        } else if !path.ends_with("Cargo.toml") {
            files.push(((*path).to_owned(), text));
        }
    }
    Ok(files)
}

/// "acme-market" as "Acme Market" or "AcmeMarket".
fn words(name: &str, between: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let words = name.split('-').filter(|word| !word.is_empty());
    words.map(capital).collect::<Vec<_>>().join(between)
}

fn embedded(path: &str) -> anyhow::Result<Table> {
    let found = STARTER.iter().find(|(p, _)| *p == path);
    let (_, text) = found.with_context(|| format!("{path} is not part of this program"))?;
    text.parse().with_context(|| path.to_owned())
}

/// A package's manifest with what it takes from the workspace of the plugins written out.
fn alone(path: &str) -> anyhow::Result<(Table, Table)> {
    let workspace = embedded("Cargo.toml")?;
    let mut manifest = embedded(path)?;
    for section in ["package", "dependencies"] {
        let shared = &workspace["workspace"][section];
        let Some(Value::Table(given)) = manifest.get_mut(section) else {
            continue;
        };
        for (key, value) in given {
            let inherits = value.get("workspace").and_then(Value::as_bool) == Some(true);
            if inherits {
                let whole = shared.get(key);
                *value = whole.with_context(|| format!("{path}: {key}"))?.clone();
            }
        }
    }
    Ok((manifest, workspace))
}

fn root_manifest(name: &str, title: &str) -> anyhow::Result<String> {
    let (mut manifest, workspace) = alone("template/Cargo.toml")?;
    if let Some(Value::Table(package)) = manifest.get_mut("package") {
        package.insert("name".into(), name.into());
        let description = format!("Lockstep connector for {title}");
        package.insert("description".into(), description.into());
        package.remove("license");
    }
    let release = &workspace["profile"]["release"];
    let text = [
        section("package", &manifest["package"]),
        section("lib", &manifest["lib"]),
        section("dependencies", &manifest["dependencies"]),
        "# A project of its own, wherever it lies.\n[workspace]\n".to_owned(),
        format!(
            "# As small as it gets.\n{}",
            section("profile.release", release)
        ),
    ];
    Ok(text.join("\n"))
}

fn sdk_manifest() -> anyhow::Result<String> {
    let (manifest, _) = alone("sdk/Cargo.toml")?;
    let sections = ["package", "lib", "dependencies"];
    let text = sections.map(|name| section(name, &manifest[name]));
    Ok(text.join("\n"))
}

fn section(name: &str, table: &Value) -> String {
    let rows = table.as_table().into_iter().flatten();
    let rows: String = rows
        .map(|(key, value)| format!("{key} = {value}\n"))
        .collect();
    format!("[{name}]\n{rows}")
}

fn readme(name: &str, title: &str) -> String {
    format!(
        "# {title}

A connector for Lockstep. It speaks to Practice Market, the marketplace of Lockstep's sandbox, until you
make it speak to yours: the table in [src/lib.rs](src/lib.rs) says where what lies, and comments say what differs elsewhere.

```
cargo test                      # src/tests.rs, natively
lockstep plugin build           # {name}.wasm, with plugin.toml inside
lockstep plugin check {name}.wasm
```

To see it work, start the sandbox in another terminal, and do what it prints, with `{name}` for the plugin:

```
lockstep sandbox --practice
```

Put `{name}.wasm` into the folder `plugins` of the data directory before you add the channel.

| Where | What |
|---|---|
| `plugin.toml` | what the host must know: address, credentials, settings, limits of the marketplace |
| `src/` | the connector |
| `sdk/` | what it is written with; `sdk/wit/` is the contract, each item with what the host does with it |
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_has_its_own_name_everywhere() {
        let files = project("acme-2-market").unwrap();
        let of = |path: &str| {
            let found = files.iter().find(|(p, _)| p == path);
            &found.unwrap_or_else(|| panic!("no {path}")).1
        };
        let manifest: crate::plugin::Manifest =
            crate::plugin::Manifest::parse(of("plugin.toml")).unwrap();
        assert_eq!(manifest.plugin.id, "acme-2-market");
        assert_eq!(manifest.plugin.name, "Acme 2 Market");
        assert!(of("src/lib.rs").contains("pub struct Acme2Market;"));
        for (path, text) in files.iter().filter(|(p, _)| p.starts_with("src/")) {
            assert!(!text.contains(TYPE), "{path} keeps the old name");
        }
        for path in [
            "sdk/wit/types.wit",
            "sdk/src/lib.rs",
            ".cargo/config.toml",
            "Cargo.lock",
            "rust-toolchain.toml",
        ] {
            assert!(!of(path).is_empty());
        }
    }

    #[test]
    fn its_manifests_inherit_nothing() {
        let root: Table = root_manifest("acme", "Acme").unwrap().parse().unwrap();
        assert_eq!(root["package"]["name"].as_str(), Some("acme"));
        assert_eq!(
            root["dependencies"]["lockstep-sdk"]["path"].as_str(),
            Some("sdk")
        );
        assert_eq!(root["profile"]["release"]["lto"].as_bool(), Some(true));
        let sdk: Table = sdk_manifest().unwrap().parse().unwrap();
        assert_eq!(sdk["package"]["edition"], root["package"]["edition"]);
        for text in [root.to_string(), sdk.to_string()] {
            assert!(!text.contains("workspace = true"), "{text}");
        }
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        for name in ["", "Acme", "2nd", "-a", "a-", "a_b", "core", "lockstep-sdk"] {
            assert!(check(name).is_err(), "{name}");
        }
        assert!(check("acme-2").is_ok());
    }
}
