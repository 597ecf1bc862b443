//! Files that look like plugins: components written by hand that lie about what they export, or do harm before anybody
//! calls them. None gets as far as a call, or past its limits in one.

use std::time::Duration;

use lockstep::model::Key;
use lockstep::net::{Client, ClientOptions};
use lockstep::plugin::{ConnectorConfig, Limits, Runtime};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const MANIFEST: &str = r#"
plugin = { id = "impostor", name = "Impostor", version = "0.1.0", generation = "0.1" }
endpoint = { base-url = "https://impostor.example", hosts = [] }
"#;

const EXTRA: &str = r#"
plugin = { id = "impostor", name = "Impostor", version = "0.1.0", generation = "0.1" }
"#;

/// What every module here has: memory, and an allocator that hands out one place.
const COMMON: &str = r#"
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
"#;

/// The contract, with more WIT beside it.
fn contract(more: &str) -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_dir("../wit").expect("the contract parses");
    if !more.is_empty() {
        resolve.push_str("more.wit", more).expect("the text parses");
    }
    resolve
}

/// A component of a world, from the text of its core module.
fn component(resolve: &Resolve, package: &str, world: &str, body: &str) -> Vec<u8> {
    let package = (resolve.packages.iter())
        .find(|(_, p)| p.name.to_string() == package)
        .map(|(id, _)| id)
        .expect("the package is there");
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = wat::parse_str(format!("(module {body} {COMMON})")).unwrap();
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .unwrap()
        .encode()
        .unwrap()
}

fn packed(component: Vec<u8>, manifest: &str) -> Vec<u8> {
    lockstep_pack::embed(component, manifest.as_bytes())
}

/// A connector whose `identify` runs these instructions.
fn identifies(body: &str) -> Vec<u8> {
    let body = format!(
        r#"(table $t 1 funcref)
           (func (export "lockstep:plugin/about@0.1.0#identify") (result i32) {body})"#
    );
    component(&contract(""), "lockstep:plugin@0.1.0", "with-about", &body)
}

/// Why the host does not take it.
#[track_caller]
fn refused(bytes: &[u8]) -> String {
    let runtime = Runtime::new(None).unwrap();
    match runtime.load(bytes) {
        Ok(_) => panic!("it was taken"),
        Err(e) => format!("{e:#}"),
    }
}

/// What becomes of a call of `identify`.
async fn called(bytes: &[u8], limits: Limits) -> String {
    let plugin = Runtime::new(None).unwrap().load(bytes).unwrap();
    let key = Key::new("kestrel", "impostor");
    let http = Client::new(ClientOptions::default()).unwrap();
    let connector = plugin
        .connector(ConnectorConfig {
            limits,
            ..ConnectorConfig::new(key, "https://impostor.example".parse().unwrap(), http)
        })
        .unwrap();
    let fault = connector.identify().await.unwrap_err().to_string();
    assert!(
        fault.contains("plugin impostor, call about.identify"),
        "{fault}"
    );
    fault
}

#[tokio::test]
async fn a_table_that_grows_without_end() {
    let bytes = packed(
        identifies(
            "(loop $more
               (drop (table.grow $t (ref.null func) (i32.const 10000)))
               (br $more))
             unreachable",
        ),
        MANIFEST,
    );
    let said = called(&bytes, Limits::default()).await;
    assert!(said.contains("table"), "{said}");
}

#[tokio::test]
async fn a_memory_that_grows_by_a_page_at_a_time() {
    let bytes = packed(
        identifies("(loop $more (drop (memory.grow (i32.const 1))) (br $more)) unreachable"),
        MANIFEST,
    );
    let said = called(&bytes, Limits::default()).await;
    assert!(said.contains("64 MiB of memory"), "{said}");
}

#[tokio::test]
async fn an_answer_that_points_outside_its_memory() {
    let bytes = packed(identifies("i32.const 0x7ffffff0"), MANIFEST);
    called(&bytes, Limits::default()).await;
    // A result whose tag is neither good nor bad.
    let bytes = packed(
        identifies("(i32.store8 (i32.const 64) (i32.const 9)) i32.const 64"),
        MANIFEST,
    );
    called(&bytes, Limits::default()).await;
    // A name that is no UTF-8.
    let bytes = packed(
        identifies(
            "(i32.store8 (i32.const 200) (i32.const 0xff))
             (i32.store (i32.const 68) (i32.const 200)) (i32.store (i32.const 72) (i32.const 1))
             i32.const 64",
        ),
        MANIFEST,
    );
    called(&bytes, Limits::default()).await;
}

#[test]
fn harm_before_the_first_call() {
    let starts = |what: &str| {
        let body = format!(
            r#"(func $start {what}) (start $start)
               (func (export "lockstep:plugin/about@0.1.0#identify") (result i32) unreachable)"#
        );
        packed(
            component(&contract(""), "lockstep:plugin@0.1.0", "with-about", &body),
            MANIFEST,
        )
    };
    let started = std::time::Instant::now();
    let said = refused(&starts("(loop $on (br $on))"));
    assert!(said.contains("start"), "{said}");
    assert!(started.elapsed() < Duration::from_secs(60));
    let said = refused(&starts("unreachable"));
    assert!(said.contains("start"), "{said}");
    let said = refused(&starts("(drop (memory.grow (i32.const 5000)))"));
    assert!(said.contains("memory"), "{said}");
}

#[test]
fn exports_that_are_not_what_they_are_called() {
    // The interface's name, and other types behind it.
    let liar = contract(
        "package lockstep:liar; interface about { identify: func() -> u32; } world liar { export about; }",
    );
    let lies = component(
        &liar,
        "lockstep:liar",
        "liar",
        r#"(func (export "lockstep:liar/about#identify") (result i32) i32.const 1)"#,
    );
    let said = refused(&packed(lies, MANIFEST));
    assert!(said.contains("about"), "{said}");
    let other = {
        let mut resolve = Resolve::default();
        resolve
            .push_str(
                "about.wit",
                "package lockstep:plugin@0.1.0; interface about { identify: func() -> u32; } world liar { export about; }",
            )
            .unwrap();
        component(
            &resolve,
            "lockstep:plugin@0.1.0",
            "liar",
            r#"(func (export "lockstep:plugin/about@0.1.0#identify") (result i32) i32.const 1)"#,
        )
    };
    let said = refused(&packed(other, MANIFEST));
    assert!(said.contains("about"), "{said}");
}

#[test]
fn another_generation_than_the_hosts() {
    let mut resolve = Resolve::default();
    resolve
        .push_str(
            "about.wit",
            "package lockstep:plugin@0.9.0; interface about { identify: func() -> u32; } world new { export about; }",
        )
        .unwrap();
    let newer = component(
        &resolve,
        "lockstep:plugin@0.9.0",
        "new",
        r#"(func (export "lockstep:plugin/about@0.9.0#identify") (result i32) i32.const 1)"#,
    );
    let said = refused(&packed(newer, MANIFEST));
    assert!(said.contains("0.9.0") && said.contains("0.1.0"), "{said}");
}

#[test]
fn imports_that_nobody_gives() {
    let more = "package lockstep:thief;
        interface files { read: func(path: string) -> string; }
        world thief { import files; include lockstep:plugin/with-about@0.1.0; }";
    let thief = component(
        &contract(more),
        "lockstep:thief",
        "thief",
        r#"(import "lockstep:thief/files" "read" (func (param i32 i32 i32)))
           (func (export "lockstep:plugin/about@0.1.0#identify") (result i32) unreachable)"#,
    );
    let said = refused(&packed(thief, MANIFEST));
    assert!(said.contains("lockstep:thief/files"), "{said}");
}

#[test]
fn an_extra_that_would_reach_outside_or_be_a_connector_as_well() {
    let more = "package lockstep:both;
        world outside { import lockstep:plugin/http@0.1.0; include lockstep:plugin/with-stock-edits@0.1.0; }
        world both { include lockstep:plugin/with-about@0.1.0; include lockstep:plugin/with-stock-edits@0.1.0; }";
    let adjusts = r#"(func (export "lockstep:plugin/stock-edits@0.1.0#adjust") (param i32 i32) (result i32) unreachable)"#;
    let outside = component(
        &contract(more),
        "lockstep:both",
        "outside",
        &format!(
            r#"(import "lockstep:plugin/http@0.1.0" "send-all" (func (param i32 i32 i32))) {adjusts}"#
        ),
    );
    let said = refused(&packed(outside, EXTRA));
    assert!(said.contains("reaches nothing outside"), "{said}");
    let both = component(
        &contract(more),
        "lockstep:both",
        "both",
        &format!(
            r#"(func (export "lockstep:plugin/about@0.1.0#identify") (result i32) unreachable) {adjusts}"#
        ),
    );
    let said = refused(&packed(both, MANIFEST));
    assert!(said.contains("an extra or a connector"), "{said}");
}

#[test]
fn two_manifests_that_differ() {
    let mut bytes = packed(identifies("unreachable"), MANIFEST);
    // A second one behind the first, as no packer writes it.
    let section = wasm_encoder::CustomSection {
        name: "lockstep:manifest".into(),
        data: MANIFEST.replace("Impostor", "Other").into_bytes().into(),
    };
    use wasm_encoder::{Encode, Section};
    bytes.push(section.id());
    section.encode(&mut bytes);
    let said = refused(&bytes);
    assert!(said.contains("2 different manifests"), "{said}");
}

/// The table of attempts in the documentation names tests. Each of them is there.
#[test]
fn every_attempt_in_the_documentation_has_its_test() {
    let table = include_str!("../../docs/containment.md");
    let mut rows = 0;
    for row in table
        .lines()
        .filter(|l| l.starts_with("| ") && l.ends_with("` |"))
    {
        let name = row.rsplit('`').nth(1).unwrap();
        let (module, function) = name.split_once("::").unwrap();
        let source = std::fs::read_to_string(format!("src/{module}.rs")).unwrap();
        assert!(
            source.contains(&format!("fn {function}()")),
            "{name} is not there"
        );
        rows += 1;
    }
    assert!(rows >= 30, "{rows} rows");
}
