//! Builds the plugin that misbehaves in every way, for `src/hostile.rs`.

use std::path::{Path, PathBuf};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/hostile");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    for watched in ["src", "Cargo.toml", "Cargo.lock", "../../../wit"] {
        println!("cargo::rerun-if-changed={}", guest.join(watched).display());
    }
    println!("cargo::rerun-if-env-changed={}", lockstep_pack::OTHER_RUSTC);
    let built = lockstep_pack::build(&guest, &["hostile"], &out)?;
    println!(
        "cargo::rustc-env=HOSTILE_GUEST={}",
        built.join("hostile.wasm").display()
    );
    Ok(())
}
