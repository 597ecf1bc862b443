//! Builds the job as a component and as an Extism plugin.

use std::path::{Path, PathBuf};

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    for watched in ["job", "guests", "../../wit", "../../plugins/sdk"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let built = lockstep_pack::build(&guests.join("component"), &["component"], &out)?;
    let component = std::fs::read(built.join("component.wasm")).context("the component")?;
    let manifest = std::fs::read(guests.join("component/plugin.toml")).context("its manifest")?;
    let packed = out.join("component.wasm");
    std::fs::write(&packed, lockstep_pack::embed(component, &manifest)).context("OUT_DIR")?;
    println!("cargo::rustc-env=COMPONENT={}", packed.display());
    let built = lockstep_pack::build(&guests.join("extism"), &["extism-job"], &out)?;
    println!(
        "cargo::rustc-env=EXTISM={}",
        built.join("extism_job.wasm").display()
    );
    Ok(())
}
