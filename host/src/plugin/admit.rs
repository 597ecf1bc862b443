//! What a file must be to become a plugin.

use anyhow::{Context, bail};
use wasmparser::{Encoding, Parser, Payload};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::manifest::Manifest;

/// Name of the custom section that holds `plugin.toml`.
const SECTION: &str = "lockstep:manifest";
/// The generation of the contract that this host speaks.
const GENERATION: &str = "0.1";
/// The package of that generation.
const PACKAGE: &str = "lockstep:plugin/";
/// The interfaces that a plugin may import.
const IMPORTS: [&str; 3] = ["lockstep:plugin/types@0.1.0", "lockstep:plugin/session@0.1.0", "lockstep:plugin/http@0.1.0"];

/// Reads the manifest of a component.
pub(super) fn manifest(bytes: &[u8]) -> anyhow::Result<Manifest> {
    if bytes.len() < 8 || !bytes.starts_with(b"\0asm") {
        bail!("this is not a WebAssembly file");
    }
    let mut found = None;
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.context("the file is damaged")? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                bail!("this is a core module, not a component; link it with `linker = \"wasm-component-ld\"`")
            }
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 1 && section.name() == SECTION => {
                found = Some(std::str::from_utf8(section.data()).context("its plugin.toml is not text")?.to_owned());
            }
            _ => {}
        }
    }
    let text = found.with_context(|| format!("it carries no manifest; put plugin.toml into a custom section named \"{SECTION}\""))?;
    let manifest = Manifest::parse(&text)?;
    if manifest.plugin.generation != GENERATION {
        bail!(
            "plugin {} was built for generation {} of the contract; this host speaks {GENERATION}",
            manifest.plugin.id,
            manifest.plugin.generation
        );
    }
    Ok(manifest)
}

/// Refuses a component that wants anything but the contract.
pub(super) fn imports(engine: &Engine, component: &Component) -> anyhow::Result<()> {
    for (name, _) in component.component_type().imports(engine) {
        if IMPORTS.contains(&name) {
            continue;
        }
        if name.starts_with("wasi:") {
            bail!("it imports {name}; this host gives plugins no WASI: build for wasm32-unknown-unknown");
        }
        if name.starts_with(PACKAGE) {
            bail!("it imports {name}, which generation {GENERATION} of the contract does not have");
        }
        bail!("it imports {name}; a plugin may import {} only", IMPORTS.join(", "));
    }
    Ok(())
}
