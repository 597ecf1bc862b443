//! The promise of the contract: what was published stays, byte for byte, and the present text takes nothing of it back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sha2::{Digest, Sha256};
use wit_component::{OutputToString, WitPrinter};
use wit_parser::Resolve;

/// Each published generation, with the digest of its text.
const PUBLISHED: [(&str, &str); 1] = [(
    "0.1.0",
    "576befdb7d854aa201502d1908a2c704e6c65e2b834f37daa16ae68bad3028f2",
)];

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "wit"))
        .map(|p| {
            let name = p.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&p).unwrap())
        })
        .collect()
}

#[test]
fn published_generations_are_never_edited() {
    for (version, digest) in PUBLISHED {
        let mut hash = Sha256::new();
        for (name, text) in files(&Path::new("../wit/frozen").join(version)) {
            hash.update(format!("{name}\n{text}"));
        }
        assert_eq!(
            hex::encode(hash.finalize()),
            digest,
            "wit/frozen/{version} was edited; put it back, and make a new generation instead"
        );
    }
}

/// The items of each interface and world, without documentation: types with their fields and cases, functions with their
/// parameters and results.
fn items(folder: &Path) -> (String, BTreeMap<String, BTreeSet<String>>) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder).expect("the contract parses");
    let version = resolve.packages[package].name.version.clone();
    let mut printer = WitPrinter::new(OutputToString::default());
    printer.emit_docs(false);
    printer.print(&resolve, package, &[]).expect("it prints");
    let text = printer.output.to_string();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut inside, mut item, mut depth) = (String::new(), String::new(), 0usize);
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        if depth == 0 && line.ends_with('{') {
            inside = line.trim_end_matches('{').trim().to_owned();
            found.entry(inside.clone()).or_default();
            depth = 1;
            continue;
        }
        if depth == 1 && line == "}" {
            depth = 0;
            continue;
        }
        if depth == 0 {
            continue;
        }
        item.push_str(line);
        item.push(' ');
        depth = depth + line.matches('{').count() - line.matches('}').count();
        if depth == 1 && (line.ends_with(';') || line.ends_with('}')) {
            found
                .entry(inside.clone())
                .or_default()
                .insert(std::mem::take(&mut item));
        }
    }
    let version = version.expect("a published package has a version");
    (version.to_string(), found)
}

#[test]
fn the_present_contract_takes_nothing_back() {
    let (version, present) = items(Path::new("../wit"));
    let frozen = Path::new("../wit/frozen").join(&version);
    assert!(
        frozen.is_dir(),
        "generation {version} is not published: copy wit/*.wit to wit/frozen/{version}"
    );
    let (_, published) = items(&frozen);
    assert!(published.len() > 15, "{:?}", published.keys());
    for (place, items) in &published {
        let now = present
            .get(place)
            .unwrap_or_else(|| panic!("{place} is gone from the contract"));
        for item in items {
            assert!(
                now.contains(item),
                "{place}: this was published in generation {version} and is gone or changed:\n  {item}"
            );
        }
        // A record, variant or interface that the host calls may not grow either.
        let provided = ["interface session", "interface http"].contains(&place.as_str());
        if !provided {
            let grown = now.difference(items);
            let new: Vec<_> = grown.filter(|i| !i.starts_with("import ")).collect();
            assert!(
                new.is_empty(),
                "{place}: this is new, and plugins of generation {version} do not have it:\n  {new:?}"
            );
        }
    }
}
