//! Decides from the bytes alone whether a file may become a plugin, before anything of it is compiled.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use wasmparser::{Encoding, Parser, Payload};

use super::manifest::Manifest;
use super::wasi;

/// Custom section that holds the manifest.
pub const MANIFEST_SECTION: &str = "lockstep:manifest";
/// Longest component in bytes.
const LONGEST: usize = 64 << 20;
const PACKAGE: &str = "lockstep:plugin/";
const VERSION: &str = "0.1.0";
/// Interfaces that the host provides; `types` holds no functions.
const PROVIDED: [&str; 3] = ["types", "session", "http"];
/// Interfaces that the host calls: what a plugin can do.
pub(super) const CAPABILITIES: [&str; 11] = [
    "about",
    "listings",
    "stock",
    "orders",
    "acceptance",
    "fulfillments",
    "cancellations",
    "webhooks",
    "order-edits",
    "stock-edits",
    "bundles",
];
/// Those of extras; a plugin has these or the others.
const EXTRAS: [&str; 3] = ["order-edits", "stock-edits", "bundles"];

/// What a file tells about itself.
#[derive(Debug)]
pub(super) struct Admission {
    pub manifest: Manifest,
    /// Of [`CAPABILITIES`], in that order.
    pub capabilities: Vec<&'static str>,
    /// Whether it imports anything of WASI.
    pub wasi: bool,
}

/// Reads a file's manifest, imports and exports and checks them against what this host offers.
pub(super) fn admit(bytes: &[u8]) -> anyhow::Result<Admission> {
    ensure!(
        bytes.len() <= LONGEST,
        "it has {} bytes; the longest component taken has {LONGEST}",
        bytes.len()
    );
    let mut manifests: Vec<&[u8]> = Vec::new();
    let (mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new());
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.context("it is not a WebAssembly component (or is damaged)")? {
            Payload::Version { encoding, .. } => {
                ensure!(
                    depth > 0 || encoding == Encoding::Component,
                    "it is a core module, not a component; build it with the linker wasm-component-ld (set it for wasm32-unknown-unknown in .cargo/config.toml)"
                );
                depth += 1;
            }
            Payload::End(_) => depth -= 1,
            // A compiler puts the section into the module inside the component, a packer beside it.
            Payload::CustomSection(section)
                if section.name() == MANIFEST_SECTION && !manifests.contains(&section.data()) =>
            {
                manifests.push(section.data());
            }
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.insert(import?.name.name);
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.insert(export?.name.name);
                }
            }
            _ => {}
        }
    }
    let manifest = match manifests.as_slice() {
        [one] => std::str::from_utf8(one).context("its manifest is not text")?,
        [] => bail!(
            "it has no custom section \"{MANIFEST_SECTION}\"; embed the plugin's manifest in it"
        ),
        several => bail!(
            "it has {} different manifests; one must be left",
            several.len()
        ),
    };
    let manifest = Manifest::parse(manifest)?;
    for import in &imports {
        check_import(import)?;
    }
    let exports: Vec<&str> = exports
        .into_iter()
        .filter_map(|e| e.strip_prefix(PACKAGE))
        .collect();
    let mut capabilities = Vec::new();
    for export in exports {
        let (name, version) = export.split_once('@').unwrap_or((export, ""));
        let Some(known) = CAPABILITIES.into_iter().find(|c| *c == name) else {
            // Types that its interfaces use may be exported with them.
            ensure!(
                PROVIDED.contains(&name),
                "it exports {PACKAGE}{export}, which this generation of the contract does not have"
            );
            continue;
        };
        ensure!(
            version == VERSION,
            "it exports {PACKAGE}{export}, but this host calls version {VERSION}; build it with the SDK of that generation"
        );
        capabilities.push(known);
    }
    capabilities.sort_by_key(|c| CAPABILITIES.iter().position(|k| k == c));
    let extra = capabilities.iter().any(|c| EXTRAS.contains(c));
    if extra {
        if let Some(other) = capabilities.iter().find(|c| !EXTRAS.contains(c)) {
            bail!(
                "it exports {other} beside {}; a plugin is an extra or a connector",
                EXTRAS.join(" or ")
            );
        }
        ensure!(
            !imports
                .iter()
                .any(|i| i.starts_with(&format!("{PACKAGE}http"))),
            "it imports {PACKAGE}http, but an extra reaches nothing outside"
        );
    } else {
        ensure!(
            capabilities.contains(&"about"),
            "it does not export {PACKAGE}about@{VERSION}, which every connector must"
        );
    }
    manifest.check_kind(extra)?;
    Ok(Admission {
        manifest,
        capabilities,
        wasi: imports.iter().any(|i| wasi::known(i)),
    })
}

fn check_import(import: &str) -> anyhow::Result<()> {
    if let Some(rest) = import.strip_prefix(PACKAGE) {
        let (name, version) = rest.split_once('@').unwrap_or((rest, ""));
        ensure!(
            PROVIDED.contains(&name),
            "it imports {import}, which this generation of the contract does not have"
        );
        ensure!(
            version == VERSION,
            "it imports {import}, but this host provides version {VERSION}; build it with the SDK of that generation"
        );
        return Ok(());
    }
    if wasi::known(import) {
        return Ok(());
    }
    if import.starts_with("wasi:http/") {
        bail!(
            "it imports {import}, but requests go through {PACKAGE}http only, where the operator's grant is kept; build it without"
        );
    }
    bail!(
        "it imports {import}, which this host does not provide; a plugin may import {PACKAGE}session, {PACKAGE}http and what of WASI 0.2 a language needs (docs/other-languages.md)"
    )
}
