//! Builds the plugins that ship and embeds each one's `plugin.toml`; gathers the sources that a new connector begins with.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The package's name, and the constant that holds its component.
const SHIPPED: [(&str, &str); 7] = [
    ("bundles", "BUNDLES"),
    ("channel-line-item", "CHANNEL_LINE_ITEM"),
    ("mirakl", "MIRAKL"),
    ("order-tags", "ORDER_TAGS"),
    ("shipping-by-country", "SHIPPING_BY_COUNTRY"),
    ("stock-rules", "STOCK_RULES"),
    ("the-iconic", "THE_ICONIC"),
];

/// Files and folders below `plugins` that a new connector begins with.
const STARTER: [&str; 8] = [
    "template/Cargo.toml",
    "template/plugin.toml",
    "template/src",
    "sdk/Cargo.toml",
    "sdk/src",
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
];
/// The same beside `plugins`.
const BESIDE: [&str; 6] = [
    "wit/connector.wit",
    "wit/extra.wit",
    "wit/host.wit",
    "wit/types.wit",
    "wit/worlds.wit",
    "rust-toolchain.toml",
];

fn main() -> anyhow::Result<()> {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("bundle lies in plugins")?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let packages: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    for watched in packages
        .iter()
        .chain(&STARTER)
        .chain(&["../wit", "../rust-toolchain.toml"])
    {
        println!(
            "cargo::rerun-if-changed={}",
            plugins.join(watched).display()
        );
    }
    println!("cargo::rerun-if-env-changed={}", lockstep_pack::OTHER_RUSTC);
    let built = lockstep_pack::build(plugins, &packages, &out)?;
    let mut source = String::new();
    for (name, constant) in SHIPPED {
        let component = read(&built.join(format!("{}.wasm", name.replace('-', "_"))))?;
        let manifest = read(&plugins.join(name).join("plugin.toml"))?;
        let packed = out.join(format!("{name}.wasm"));
        std::fs::write(&packed, lockstep_pack::embed(component, &manifest))
            .with_context(|| packed.display().to_string())?;
        writeln!(
            source,
            "/// The plugin `{name}`.\npub static {constant}: &[u8] = include_bytes!({:?});",
            packed.display().to_string()
        )?;
    }
    let all: Vec<String> = SHIPPED
        .iter()
        .map(|(name, constant)| format!("({name:?}, {constant})"))
        .collect();
    writeln!(
        source,
        "/// All of them, each with its id.\npub static ALL: &[(&str, &[u8])] = &[{}];",
        all.join(", ")
    )?;
    let mut starter = Vec::new();
    let root = plugins.parent().context("plugins lies in the repository")?;
    for (base, names) in [(plugins, &STARTER[..]), (root, &BESIDE)] {
        for name in names {
            gather(base, name, &mut starter)?;
        }
    }
    starter.sort();
    writeln!(
        source,
        "/// The sources that a new connector begins with, by their paths below `plugins`; the contract's lie in `wit`.\npub static STARTER: &[(&str, &str)] = &["
    )?;
    for (name, path) in starter {
        let path = path.display().to_string();
        writeln!(source, "({name:?}, include_str!({path:?})),")?;
    }
    source.push_str("];\n");
    std::fs::write(out.join("bundle.rs"), source).context("OUT_DIR can be written")
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| path.display().to_string())
}

/// Every file of a folder, or one file, with its name below `base`.
fn gather(base: &Path, name: &str, found: &mut Vec<(String, PathBuf)>) -> anyhow::Result<()> {
    let path = base.join(name);
    if path.is_file() {
        found.push((name.to_owned(), path));
        return Ok(());
    }
    for entry in std::fs::read_dir(&path).with_context(|| path.display().to_string())? {
        let inside = entry?.file_name();
        gather(base, &format!("{name}/{}", inside.to_string_lossy()), found)?;
    }
    Ok(())
}
