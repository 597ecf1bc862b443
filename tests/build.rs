//! Builds the plugins that only tests use: those that misbehave or pry, and the one that authors begin with.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The guests, with the variable that names each one's component.
const GUESTS: [(&str, &str); 4] = [
    ("careless", "CARELESS_GUEST"),
    ("hostile", "HOSTILE_GUEST"),
    ("failing-extra", "FAILING_EXTRA"),
    ("nosy", "NOSY_GUEST"),
];

fn main() -> anyhow::Result<()> {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    for watched in ["../../wit", "../../plugins/sdk", "../../plugins/template"] {
        println!("cargo::rerun-if-changed={}", guests.join(watched).display());
    }
    println!("cargo::rerun-if-env-changed={}", lockstep_pack::OTHER_RUSTC);
    for (name, variable) in GUESTS {
        let guest = guests.join(name);
        println!("cargo::rerun-if-changed={}", guest.display());
        let built = lockstep_pack::build(&guest, &[name], &out)?;
        let file = format!("{}.wasm", name.replace('-', "_"));
        println!("cargo::rustc-env={variable}={}", built.join(file).display());
    }
    let plugins = guests.join("../../plugins");
    println!(
        "cargo::rerun-if-changed={}",
        plugins.join("template").display()
    );
    let built = lockstep_pack::build(&plugins, &["template"], &out)?;
    println!(
        "cargo::rustc-env=TEMPLATE={}",
        built.join("template.wasm").display()
    );
    Ok(())
}
