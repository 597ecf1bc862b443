//! The arrows of `ARCHITECTURE.md` run one way.

use std::path::{Path, PathBuf};

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Lines of host sources outside `home` that contain one of the words; comments do not count.
fn strays(home: &[&str], words: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 30, "the sources were not found");
    let mut found = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        if home.iter().any(|h| name.starts_with(h)) {
            continue;
        }
        for (n, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            if words.iter().any(|w| code.contains(w)) {
                found.push(format!("{name}:{}: {}", n + 1, line.trim()));
            }
        }
    }
    found
}

#[test]
fn libraries_stay_at_home() {
    for (home, words) in [
        (&["net/"][..], &["reqwest::", "rustls::", "lettre::"][..]),
        (&["plugin/"], &["wasmtime::", "wasmparser::"]),
        (&["db/"], &["rusqlite::"]),
        (&["shop/"], &["cynic::", "/admin/api", "/admin/oauth"]),
        (&["vault/"], &["chacha20poly1305::"]),
    ] {
        let found = strays(home, words);
        assert!(found.is_empty(), "outside {home:?}:\n{}", found.join("\n"));
    }
}

#[test]
fn arrows_run_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src");
    for (module, forbidden) in [
        (
            "model",
            &[
                "crate::sync",
                "crate::db",
                "crate::shop",
                "crate::plugin",
                "crate::net",
                "crate::cycle",
                "crate::cli",
            ][..],
        ),
        (
            "sync",
            &[
                "crate::shop",
                "crate::plugin",
                "crate::net",
                "crate::cycle",
                "crate::cli",
                "crate::host",
                "tokio::",
            ],
        ),
        (
            "db",
            &[
                "crate::shop",
                "crate::plugin",
                "crate::net",
                "crate::cycle",
                "crate::cli",
                "crate::host",
            ],
        ),
        (
            "net",
            &[
                "crate::db",
                "crate::trace",
                "crate::shop",
                "crate::plugin",
                "crate::cycle",
                "crate::cli",
                "crate::host",
            ],
        ),
        (
            "shop",
            &[
                "crate::db",
                "crate::plugin",
                "crate::cycle",
                "crate::cli",
                "crate::host",
            ],
        ),
        (
            "plugin",
            &[
                "crate::db",
                "crate::shop",
                "crate::cycle",
                "crate::cli",
                "crate::host",
            ],
        ),
        (
            "trace",
            &[
                "crate::db",
                "crate::shop",
                "crate::plugin",
                "crate::cycle",
                "crate::cli",
                "crate::host",
            ],
        ),
        (
            "vault",
            &[
                "crate::db",
                "crate::shop",
                "crate::plugin",
                "crate::cycle",
                "crate::cli",
                "crate::host",
            ],
        ),
        (
            "conformance",
            &[
                "crate::db",
                "crate::shop",
                "crate::cycle",
                "crate::cli",
                "crate::host",
            ],
        ),
        (
            "telemetry",
            &[
                "crate::db",
                "crate::net",
                "crate::shop",
                "crate::plugin",
                "crate::cycle",
                "crate::cli",
                "crate::host",
                "crate::web",
            ],
        ),
        (
            "cycle",
            &["crate::cli", "crate::host", "crate::schedule", "crate::web"],
        ),
        ("schedule", &["crate::cli", "crate::web"]),
        ("alert", &["crate::cli", "crate::schedule"]),
    ] {
        let mut files = Vec::new();
        sources(&root.join(module), &mut files);
        assert!(!files.is_empty(), "{module} was not found");
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for word in forbidden {
                assert!(!text.contains(word), "{} uses {word}", file.display());
            }
        }
    }
}
