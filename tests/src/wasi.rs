//! A plugin that imports WASI: it finds nothing there but the time, random numbers and its own log.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lockstep::model::{Fault, Key};
use lockstep::net::{Client, ClientOptions};
use lockstep::plugin::{Connector, ConnectorConfig, Limits, LogLevel, Runtime};
use lockstep::vault::Scrubber;
use secrecy::SecretString;
use tracing_subscriber::util::SubscriberInitExt;
use wasm_encoder::{
    Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection, InstanceType,
};

const MANIFEST: &str = r#"
[plugin]
id = "nosy"
name = "Nosy"
version = "0.1.0"
generation = "0.1"

[endpoint]
base-url = "https://nosy.example"

[[setting]]
key = "do"
type = "text"

[[setting]]
key = "leak"
type = "text"
"#;

fn nosy(what: &str) -> Connector {
    let component = std::fs::read(env!("NOSY_GUEST")).unwrap();
    let bytes = lockstep_pack::embed(component, MANIFEST.as_bytes());
    let secret = "a secret that must not be seen";
    let scrubber = Scrubber::default();
    scrubber.learn(&SecretString::from(secret));
    let key = Key::new("kestrel", "nosy");
    let http = Client::new(ClientOptions::default()).unwrap();
    Runtime::new(None)
        .unwrap()
        .load(&bytes)
        .unwrap()
        .connector(ConnectorConfig {
            settings: BTreeMap::from([
                ("do".to_owned(), what.to_owned()),
                ("leak".to_owned(), secret.to_owned()),
            ]),
            limits: Limits {
                cpu: Duration::from_secs(2),
                wall: Duration::from_secs(3),
                ..Limits::default()
            },
            scrubber,
            ..ConnectorConfig::new(key, "https://nosy.example".parse().unwrap(), http)
        })
        .unwrap()
}

async fn told(what: &str) -> String {
    let account = nosy(what).identify().await.unwrap();
    account.native_state.unwrap()
}

async fn died(what: &str) -> String {
    match nosy(what).identify().await {
        Err(Fault::Plugin { detail }) => detail,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn it_sees_no_files_no_environment_and_no_arguments() {
    assert_eq!(
        told("look").await,
        "environment []; arguments []; directory None; files 0; stdin true; random 8; clock true"
    );
}

#[tokio::test]
async fn it_reaches_no_network() {
    assert_eq!(
        told("connect").await,
        "names permanent-resolver-failure; tcp access-denied; udp access-denied"
    );
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn logged(what: &str) -> Vec<String> {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let guard = subscriber.set_default();
    nosy(what).identify().await.unwrap();
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn what_it_prints_is_in_its_log_and_nowhere_else() {
    let lines = logged("print").await;
    let [first, second, third] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert!(
        first.contains("INFO plugin: it printed this") && first.contains("plugin=\"nosy\""),
        "{first}"
    );
    assert!(
        second.contains("INFO plugin: ERROR forged\\u{1b}[31m"),
        "{second}"
    );
    assert!(third.contains("WARN plugin: secret "), "{third}");
    assert!(!third.contains("must not be seen"), "{third}");
}

#[tokio::test]
async fn what_it_says_and_how_it_fails_is_kept_for_whoever_looks_after_it() {
    let connector = nosy("print");
    connector.identify().await.unwrap();
    let log = connector.plugin().log();
    let told: Vec<_> = (log.iter().rev())
        .map(|l| (l.level, l.channel.as_str(), l.call.as_str()))
        .collect();
    let here = |level| (level, "kestrel/nosy", "about.identify");
    assert_eq!(
        told,
        [
            here(LogLevel::Info),
            here(LogLevel::Info),
            here(LogLevel::Warn)
        ]
    );
    assert!(log[2].text.contains("it printed this"), "{log:?}");
    assert!(!format!("{log:?}").contains("must not be seen"));
    assert!(connector.plugin().faults().is_empty());
    let stats = connector.plugin().stats();
    assert!(
        stats.memory_peak > 0 && stats.memory_peak <= 64 << 20,
        "{stats:?}"
    );
    let broken = nosy("die");
    broken.identify().await.unwrap_err();
    let faults = broken.plugin().faults();
    assert_eq!(faults.len(), 1);
    assert_eq!(
        (faults[0].case.as_str(), faults[0].call.as_str()),
        ("plugin", "about.identify")
    );
    assert!(faults[0].text.contains("it said: KeyError"), "{faults:?}");
}

#[tokio::test]
async fn a_chatterer_fills_no_log_and_comes_to_no_harm() {
    let lines = logged("chatter").await;
    let size: usize = lines.iter().map(String::len).sum();
    assert!(size < 8 << 10, "{size}");
}

#[tokio::test]
async fn the_last_words_of_one_that_dies_are_told() {
    let why = died("die").await;
    assert!(
        why.contains("unreachable") && why.ends_with("it said: KeyError: 'id' of the order"),
        "{why}"
    );
    let why = died("exit").await;
    assert!(why.contains("exit"), "{why}");
}

#[tokio::test]
async fn it_cannot_sleep_or_hoard_without_end() {
    let start = Instant::now();
    let why = died("sleep").await;
    assert!(why.contains("took longer than 3 s"), "{why}");
    assert!(start.elapsed() < Duration::from_secs(20));
    for what in ["hoard-random", "hoard-timers"] {
        died(what).await;
    }
}

#[test]
fn other_versions_and_packages_are_refused_when_it_is_loaded() {
    let refused = |import: &str| {
        let mut component = Component::new();
        let mut types = ComponentTypeSection::new();
        types.instance(&InstanceType::new());
        let mut imports = ComponentImportSection::new();
        imports.import(import, ComponentTypeRef::Instance(0));
        component.section(&types).section(&imports);
        let bytes = lockstep_pack::embed(component.finish(), MANIFEST.as_bytes());
        let error = Runtime::new(None).unwrap().load(&bytes).unwrap_err();
        format!("{error:#}")
    };
    let http = refused("wasi:http/outgoing-handler@0.2.0");
    assert!(http.contains("lockstep:plugin/http only"), "{http}");
    for import in [
        "wasi:cli/environment@0.3.0",
        "wasi:keyvalue/store@0.2.0",
        "env:os/files",
    ] {
        let why = refused(import);
        assert!(
            why.contains(&format!("imports {import}, which this host does not")),
            "{why}"
        );
    }
    // What is linked is not what it is refused for.
    let why = refused("wasi:cli/environment@0.2.0");
    assert!(why.contains("does not export"), "{why}");
}
