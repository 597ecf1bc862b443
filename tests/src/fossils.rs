//! Plugins that were built when their generation of the contract was published, and never since: this host runs them,
//! and each of their functions gets and gives what it always did.
//!
//! Their sources are in `tests/fossils/source`. The same answers are expected of all languages.

mod expected;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lockstep::model::{Fault, Key, OrderPage};
use lockstep::net::{Client, ClientOptions};
use lockstep::plugin::{
    Connector, ConnectorConfig, Credential, Extra, ExtraConfig, Limits, Plugin, Runtime,
};
use lockstep::vault::Scrubber;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId, WorldItem};

const GENERATION: &str = "0.1.0";
const KINDS: [&str; 2] = ["mirror", "mirror-extra"];
const LANGUAGES: [&str; 3] = ["rust", "javascript", "python"];

#[derive(Clone, Copy)]
enum Language {
    Rust,
    JavaScript,
    Python,
}

impl Language {
    fn name(self) -> &'static str {
        LANGUAGES[self as usize]
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fossils")
}

fn unpacked(generation: &str, kind: &str, language: &str) -> Vec<u8> {
    let path = folder()
        .join(generation)
        .join(format!("{kind}-{language}.wasm.gz"));
    let packed = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&*packed)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// Compiled once for all tests, and kept: an interpreter takes its time.
fn plugin(kind: usize, language: Language) -> Plugin {
    static PLUGINS: [[OnceLock<Plugin>; 3]; 2] = [const { [const { OnceLock::new() }; 3] }; 2];
    let plugin = PLUGINS[kind][language as usize].get_or_init(|| {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fossil-cache");
        let runtime = Runtime::new(Some(cache)).unwrap();
        runtime
            .load(&unpacked(GENERATION, KINDS[kind], language.name()))
            .unwrap()
    });
    plugin.clone()
}

fn connector(language: Language, base: &str, fault: &str) -> Connector {
    let credential = |id: Option<&str>| Credential {
        id: id.map(SecretString::from),
        secret: SecretString::from("an amber secret"),
    };
    let key = Key::new("kestrel", "amber");
    let http = Client::new(ClientOptions { allow_local: true }).unwrap();
    let made = plugin(0, language).connector(ConnectorConfig {
        settings: BTreeMap::from([("fault".to_owned(), fault.to_owned())]),
        credentials: BTreeMap::from([
            ("api".to_owned(), credential(None)),
            ("oauth".to_owned(), credential(Some("client"))),
            ("elsewhere".to_owned(), credential(Some("client"))),
            ("query".to_owned(), credential(None)),
            ("basic".to_owned(), credential(Some("client"))),
            ("bearer".to_owned(), credential(None)),
        ]),
        limits: Limits {
            body: 4_000,
            ..Limits::default()
        },
        ..ConnectorConfig::new(key, base.parse().unwrap(), http)
    });
    made.unwrap()
}

fn extra(language: Language, fail: &str) -> Extra {
    let made = plugin(1, language).extra(ExtraConfig {
        key: Key::new("kestrel", "amber"),
        settings: BTreeMap::from([("fail".to_owned(), fail.to_owned())]),
        limits: ExtraConfig::limits(),
        scrubber: Scrubber::default(),
    });
    made.unwrap()
}

/// A marketplace that shows what it was asked.
async fn market() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = answer(stream).await;
            });
        }
    });
    base
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(at) = read.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|l| l.split_once(": "));
        let found = lines.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map_or("-", |(_, value)| value).to_owned()
    };
    let length: usize = header("content-length").parse().unwrap_or(0);
    while read.len() < end + length {
        stream.read_buf(&mut read).await?;
    }
    let body = String::from_utf8_lossy(&read[end..]).into_owned();
    let asked = head
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches(" HTTP/1.1");
    let (status, body) = match asked {
        "GET /v1/cut" | "POST /v1/cut" => return Ok(()),
        "GET /v1/big" => (200, "x".repeat(5_000)),
        "POST /v1/token" => (401, String::new()),
        _ => (
            207,
            format!("({} {} {body})", header("x-mirror"), header("x-api-key")),
        ),
    };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} Fine\r\nx-echo: {asked}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await
}

async fn says_who_it_is_and_reaches_its_marketplace(language: Language) {
    let connector = connector(language, &market().await, "");
    assert_eq!(connector.capabilities(), expected::CAPABILITIES);
    let manifest = connector.manifest();
    assert_eq!(
        (manifest.plugin.id.as_str(), manifest.credential.len()),
        ("mirror", 6)
    );
    assert_eq!(connector.identify().await.unwrap(), expected::account());
}

async fn reads_listings_and_writes_stock(language: Language) {
    let connector = connector(language, "https://api.mirror.example", "");
    let first = connector.listings_page(None, true).await.unwrap();
    assert_eq!(
        first.listings,
        (0..5)
            .map(|n| expected::listing(n, true))
            .collect::<Vec<_>>()
    );
    assert_eq!(
        (first.next.as_deref(), first.wait_ms),
        (Some("again"), None)
    );
    let next = connector.listings_page(Some("Zoë €"), false).await.unwrap();
    let mut renamed = expected::listing(1, false);
    renamed.id = "Zoë €".into();
    assert_eq!(
        (next.listings, next.next, next.wait_ms),
        (vec![renamed], None, Some(250))
    );
    let asked = ["a".to_owned(), "b".to_owned()];
    let by_id = connector.listings_by_id(&asked).await.unwrap();
    let by_sku = connector.listings_by_sku(&asked).await.unwrap();
    for (at, wanted) in asked.iter().enumerate() {
        let mut listing = expected::listing(0, true);
        listing.id.clone_from(wanted);
        assert_eq!(by_id[at], listing);
        let mut listing = expected::listing(0, true);
        listing.sku = Some(wanted.clone());
        assert_eq!(by_sku[at], listing);
    }
    let outcomes = connector
        .stock_push(&expected::stock_writes())
        .await
        .unwrap();
    assert_eq!(outcomes, expected::stock_outcomes());
    for ticket in ["wait", "applied", "failed", "Zoë €"] {
        let settled = connector.stock_settle(ticket).await.unwrap();
        assert_eq!(
            (settled.done, settled.poll_after_ms),
            expected::settled(ticket),
            "{ticket}"
        );
    }
}

async fn reads_orders(language: Language) {
    let connector = connector(language, "https://api.mirror.example", "");
    let since = "2026-03-07T01:02:03.004Z";
    let changed = async |cursor: Option<&str>| -> OrderPage {
        let page = connector.orders_changed(since.parse().unwrap(), cursor);
        page.await.unwrap()
    };
    let page = changed(None).await;
    assert_eq!(
        page.orders,
        [expected::order(0, since), expected::order(1, since)]
    );
    assert_eq!(
        (page.next.as_deref(), page.wait_ms),
        (Some("2"), Some(1_000))
    );
    let page = changed(page.next.as_deref()).await;
    assert_eq!(
        (page.orders, page.next, page.wait_ms),
        (vec![expected::order(2, since)], None, None)
    );
    let mut ids: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    ids.push("gone".into());
    let read = connector.orders_by_id(&ids).await.unwrap();
    assert_eq!(read.len(), 10);
    for (n, order) in (0..10).zip(read) {
        assert_eq!(order, expected::order(n, expected::PLACED));
    }
}

async fn accepts_ships_and_cancels(language: Language) {
    let connector = connector(language, "https://api.mirror.example", "");
    let decisions = expected::decisions();
    connector.decide("fine", &decisions).await.unwrap();
    let told = connector.decide("Zoë €", &decisions).await.unwrap_err();
    assert_eq!(told, expected::decided());
    assert_eq!(connector.carriers().await.unwrap(), expected::carriers());
    for number in 0..7 {
        let parcel = expected::parcel(number);
        assert_eq!(
            connector.prepare(&parcel).await.unwrap(),
            expected::prepared(number)
        );
        let shipped = connector.ship(&parcel).await.unwrap();
        assert_eq!(
            (shipped.reached.as_str(), &shipped.marketplace_id),
            ("shipped", &parcel.tracking)
        );
        assert_eq!(shipped.more, parcel.last);
    }
    assert_eq!(connector.reasons().await.unwrap(), expected::reasons());
    let dropped = connector.cancel(&expected::drops()).await.unwrap();
    assert_eq!(dropped, expected::dropped());
}

async fn subscribes_and_reads_messages(language: Language) {
    let connector = connector(language, "https://api.mirror.example", "");
    assert_eq!(
        connector.webhooks().await.unwrap(),
        expected::subscriptions()
    );
    let made = connector
        .webhook_ensure("https://shop.example/Zoë")
        .await
        .unwrap();
    assert_eq!(
        made,
        expected::subscription("S9", "https://shop.example/Zoë", &["all"], true)
    );
    connector.webhook_remove("S9").await.unwrap();
    let missing = connector.webhook_remove("S1").await.unwrap_err();
    assert_eq!(
        missing,
        Fault::Missing {
            detail: "S1".into()
        }
    );
    let headers = [
        ("x-topic".to_owned(), "order €".to_owned()),
        ("x-other".to_owned(), String::new()),
    ];
    let body: Vec<u8> = (0..=255).collect();
    let hints = connector.webhook_parse(&headers, &body).await.unwrap();
    assert_eq!(hints, expected::hints(&body));
    assert_eq!(
        connector.webhook_parse(&[], &[]).await.unwrap(),
        expected::no_hints()
    );
}

async fn fails_with_each_fault(language: Language) {
    for fault in expected::faults() {
        let connector = connector(language, "https://api.mirror.example", fault.case());
        assert_eq!(connector.identify().await.unwrap_err(), fault);
        let page = connector.orders_changed(expected::PLACED.parse().unwrap(), None);
        assert_eq!(page.await.unwrap_err(), fault);
        let push = connector.stock_push(&expected::stock_writes()).await;
        assert_eq!(push.unwrap_err(), fault);
    }
    let connector = connector(language, "https://api.mirror.example", "denied");
    let parcel = expected::parcel(1);
    let ids = ["1".to_owned()];
    let faults = [
        connector.listings_page(None, true).await.map(drop),
        connector.listings_by_id(&ids).await.map(drop),
        connector.listings_by_sku(&ids).await.map(drop),
        connector.stock_settle("1").await.map(drop),
        connector.orders_by_id(&ids).await.map(drop),
        connector.decide("fine", &[]).await,
        connector.carriers().await.map(drop),
        connector.prepare(&parcel).await.map(drop),
        connector.ship(&parcel).await.map(drop),
        connector.reasons().await.map(drop),
        connector.cancel(&[]).await.map(drop),
        connector.webhooks().await.map(drop),
        connector
            .webhook_ensure("https://shop.example")
            .await
            .map(drop),
        connector.webhook_remove("S9").await,
        connector.webhook_parse(&[], &[]).await.map(drop),
    ];
    for (at, fault) in faults.into_iter().enumerate() {
        assert_eq!(fault.unwrap_err(), expected::denied(), "function {at}");
    }
    assert_eq!(connector.stats().broken, 0);
}

async fn edits_orders_stock_and_bundles(language: Language) {
    let extra = extra(language, "false");
    assert!(extra.edits_orders() && extra.edits_stock() && extra.knows_bundles());
    for full in [true, false] {
        let (order, draft) = expected::draft(full);
        let edits = extra
            .edit_order("amber", "Amber €", &order, &draft)
            .await
            .unwrap();
        assert_eq!(edits, expected::edits(full));
    }
    let numbers = extra.adjust_stock(&expected::positions()).await.unwrap();
    assert_eq!(numbers, [u32::MAX / 2, 0]);
    let parts = extra.parts(&expected::candidates()).await.unwrap();
    assert_eq!(parts, expected::parts());
}

async fn says_why_it_edits_nothing(language: Language) {
    let extra = extra(language, "true");
    let (order, draft) = expected::draft(true);
    let words = [
        extra
            .edit_order("amber", "Amber €", &order, &draft)
            .await
            .map(drop),
        extra.adjust_stock(&expected::positions()).await.map(drop),
        extra.parts(&expected::candidates()).await.map(drop),
    ];
    let said = words.map(|w| match w.unwrap_err() {
        Fault::Other { detail } => detail,
        other => panic!("{other:?}"),
    });
    assert_eq!(said, expected::words());
}

macro_rules! in_each_language {
    ($($test:ident)*) => {
        in_each_language! { @ rust Rust: $($test)* }
        in_each_language! { @ javascript JavaScript: $($test)* }
        in_each_language! { @ python Python: $($test)* }
    };
    (@ $module:ident $language:ident: $($test:ident)*) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(Language::$language).await;
                }
            )*
        }
    };
}

in_each_language! {
    says_who_it_is_and_reaches_its_marketplace
    reads_listings_and_writes_stock
    reads_orders
    accepts_ships_and_cancels
    subscribes_and_reads_messages
    fails_with_each_fault
    edits_orders_stock_and_bundles
    says_why_it_edits_nothing
}

/// The interfaces of the contract that a world exports.
fn exports(resolve: &Resolve, world: WorldId) -> BTreeSet<String> {
    let items = resolve.worlds[world].exports.values();
    let interfaces = items.filter_map(|item| match item {
        WorldItem::Interface { id, .. } => resolve.id_of(*id),
        _ => None,
    });
    interfaces.collect()
}

#[test]
fn each_published_world_has_a_fossil_in_each_language() {
    let frozen = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/frozen");
    for published in std::fs::read_dir(frozen).unwrap() {
        let published = published.unwrap();
        let generation = published.file_name().into_string().unwrap();
        let mut contract = Resolve::default();
        let (package, _) = contract.push_dir(published.path()).unwrap();
        let worlds = contract.packages[package].worlds.values();
        let wanted: BTreeSet<_> = worlds.flat_map(|w| exports(&contract, *w)).collect();
        assert!(!wanted.is_empty(), "generation {generation}");
        let files: BTreeSet<_> = std::fs::read_dir(folder().join(&generation))
            .unwrap_or_else(|e| panic!("cargo xtask fossils makes those of {generation}: {e}"))
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut known = BTreeSet::new();
        for language in LANGUAGES {
            let mut found = BTreeSet::new();
            for kind in KINDS {
                known.insert(format!("{kind}-{language}.wasm.gz"));
                let bytes = unpacked(&generation, kind, language);
                let Ok(DecodedWasm::Component(resolve, world)) = wit_component::decode(&bytes)
                else {
                    panic!("{kind}-{language} of {generation} is no component");
                };
                found.extend(exports(&resolve, world));
            }
            found.retain(|export| wanted.contains(export) || export.starts_with("lockstep:"));
            let types: BTreeSet<_> = found.difference(&wanted).cloned().collect();
            assert!(
                wanted.is_subset(&found),
                "{generation} in {language}: {found:?}"
            );
            assert!(types.iter().all(|t| t.contains("/types@")), "{types:?}");
        }
        assert_eq!(files, known, "generation {generation}");
    }
}
