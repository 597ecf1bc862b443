//! Connectors in other languages at work: the same story that the one in Rust plays, with the real binary.
//!
//! `cargo xtask languages` builds them, and `cargo xtask test` does it first. Where it leaves one out, so do these tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use lockstep::model::{Fault, Key, StockOutcome, StockWrite};
use lockstep::net::{Client, ClientOptions};
use lockstep::plugin::{Connector, ConnectorConfig, Credential, Plugin, Runtime};
use lockstep_sandbox::faults::{Fault as Strike, Match, Rule};
use lockstep_sandbox::practice::{Config, NewListing, Practice, Purchase};
use lockstep_sandbox::seller_center::Buyer;
use lockstep_sandbox::story::Packing;
use secrecy::SecretString;

use crate::conformance::{check, failures};
use crate::practice::{buy, in_step_by, market, sku_of};
use crate::world::shared_cache;

const CAPABILITIES: [&str; 6] = [
    "about",
    "listings",
    "stock",
    "orders",
    "fulfillments",
    "cancellations",
];

#[derive(Clone, Copy)]
enum Language {
    JavaScript,
    Python,
}

impl Language {
    fn id(self) -> &'static str {
        match self {
            Language::JavaScript => "practice-js",
            Language::Python => "practice-python",
        }
    }

    /// The plugin file; none, with a loud line, where it was not built.
    fn file(self) -> Option<Vec<u8>> {
        let name = format!("{}.wasm", self.id().replace('-', "_"));
        let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests");
        let file = std::fs::read(guests.join(&name)).ok();
        if file.is_none() {
            eprintln!("SKIPPED: there is no target/guests/{name}; cargo xtask languages builds it");
        }
        file
    }

    /// Compiled once for all tests, and kept: an interpreter takes its time.
    fn plugin(self) -> Option<Plugin> {
        static PLUGINS: [OnceLock<Option<Plugin>>; 2] = [OnceLock::new(), OnceLock::new()];
        let plugin = PLUGINS[self as usize].get_or_init(|| {
            let runtime = Runtime::new(Some(shared_cache())).unwrap();
            Some(runtime.load(&self.file()?).unwrap())
        });
        plugin.clone()
    }
}

/// A marketplace with these listings, each with ten pieces.
async fn shelf(skus: usize) -> Practice {
    let market = Practice::start(Config::default()).await.unwrap();
    for n in 0..skus {
        market.add_listing(NewListing {
            sku: format!("SKU-{n}"),
            title: format!("Zoë's tee {n} €"),
            quantity: 10,
            ..NewListing::default()
        });
    }
    market
}

fn connector(language: Language, market: &Practice) -> Option<Connector> {
    let http = Client::new(ClientOptions { allow_local: true }).unwrap();
    let key = Key::new("kestrel", "practice");
    let connector = language.plugin()?.connector(ConnectorConfig {
        credentials: BTreeMap::from([(
            "api".to_owned(),
            Credential {
                id: None,
                secret: SecretString::from(market.api_key()),
            },
        )]),
        requests_per_second: std::num::NonZeroU32::new(1_000),
        ..ConnectorConfig::new(key, market.url().parse().unwrap(), http)
    });
    Some(connector.unwrap())
}

fn write(listing: &str, quantity: u32) -> StockWrite {
    StockWrite {
        listing: listing.to_owned(),
        parent: None,
        sku: None,
        quantity,
        facts: Vec::new(),
    }
}

/// An order comes in, its parcels go out, a piece is cancelled, and stock follows.
async fn plays_the_story(language: Language) {
    // Compiled before the world takes over what is.
    let Some(_) = language.plugin() else { return };
    let file = language.file().unwrap();
    let world = in_step_by(language.id(), &file, &[]).await;
    world.assert_sound("after the first sync");
    let sku = sku_of(&world, 8);
    let before = market(&world).listing(&sku)[0].quantity;
    let order = buy(&world, &sku, 3);
    let other = buy(&world, &sku, 2);
    world.in_both_directions().await;
    world.assert_sound("after two orders");
    let left = market(&world).listing(&sku)[0].quantity;
    assert_eq!(left, before - 5);
    let elsewhere = world.sandbox.seller_center.product(&sku)[0].available;
    assert_eq!(elsewhere, i64::from(left), "the other channel sells it too");
    let mut story = world.story(3);
    story.pack(&order.number, Packing::TwoParcels).unwrap();
    story.cancel_in_shop(&other.number).unwrap();
    let lost = Match {
        method: Some("POST".into()),
        path_contains: Some("/parcels".into()),
        ..Match::default()
    };
    let faults = market(&world).faults();
    faults.add(Rule::once(lost, Strike::ResetAfter));
    for _ in 0..3 {
        world.settle().await;
    }
    assert_eq!(faults.hits().iter().map(|(_, n)| n).sum::<u64>(), 1);
    world.assert_sound("after two parcels, one with a lost answer, and a cancelled piece");
    let told = market(&world).order(&order.id).unwrap();
    assert_eq!(told.status, "shipped");
    assert!(told.parcels.len() >= 2, "{told:?}");
    let cut = market(&world).order(&other.id).unwrap();
    assert_eq!(cut.lines[0].cancelled, 1);
    let mistakes = market(&world).stats().mistakes;
    assert!(mistakes.is_empty(), "{mistakes:?}");
}

/// Full batches and pages fit into the limits of a call with room to spare.
async fn stays_within_its_limits(language: Language) {
    let market = shelf(250).await;
    let Some(connector) = connector(language, &market) else {
        return;
    };
    assert_eq!(connector.capabilities(), CAPABILITIES);
    assert_eq!(connector.identify().await.unwrap().id, "PM-1001");
    let first = connector.listings_page(None, true).await.unwrap();
    let next = first.next.as_deref();
    let rest = connector.listings_page(next, true).await.unwrap();
    assert_eq!((first.listings.len(), rest.listings.len()), (200, 50));
    assert_eq!(first.listings[0].title, "Zoë's tee 0 €");
    let writes: Vec<_> = (first.listings.iter().take(100))
        .map(|l| write(&l.id, 7))
        .collect();
    let outcomes = connector.stock_push(&writes).await.unwrap();
    assert!(outcomes.iter().all(|o| *o == StockOutcome::Applied));
    let ids: Vec<String> = first.listings.iter().map(|l| l.id.clone()).collect();
    let read = connector.listings_by_id(&ids).await.unwrap();
    assert_eq!(read.iter().filter(|l| l.quantity == Some(7)).count(), 100);
    for n in 0..200 {
        market
            .buy(&[("SKU-9", 1)], Buyer::random(n), &Purchase::default())
            .ok();
        market.set_quantity("SKU-9", 10);
    }
    let page = connector.orders_changed("2026-01-01T00:00:00Z".parse().unwrap(), None);
    assert_eq!(page.await.unwrap().orders.len(), 200);
    let stats = connector.stats();
    assert_eq!((stats.faults, stats.broken), (0, 0));
    let each = stats.cpu_us / stats.calls;
    assert!(each < 1_000_000, "{each} us of processor time a call");
    let mistakes = market.stats().mistakes;
    assert!(mistakes.is_empty(), "{mistakes:?}");
}

/// Whatever comes back becomes the fault that it is; nothing ends a call.
async fn takes_bad_answers(language: Language) {
    let market = shelf(3).await;
    let Some(connector) = connector(language, &market) else {
        return;
    };
    let body = |text: &str| Strike::Status {
        status: 200,
        headers: Vec::new(),
        body: text.to_owned(),
        content_type: "application/json".to_owned(),
    };
    let deep = "[".repeat(100_000);
    let (down, broken) = ("unavailable", "protocol");
    for (strike, read) in [
        (body(r#"{"listings": [{"id": "L1""#), broken),
        (body(r#"{"listings": {"id": 7}, "results": null}"#), broken),
        (body(r#"["\ud800"]"#), broken),
        (body(&deep), broken),
        (body(""), broken),
        (Strike::Html { status: 200 }, broken),
        (body("\u{feff}<html>"), broken),
        (Strike::Html { status: 502 }, down),
        (Strike::Truncated, down),
        (Strike::ResetBefore, down),
    ] {
        let faults = market.faults();
        faults.add(Rule::always(Match::default(), strike.clone()));
        let page = connector.listings_page(None, true).await;
        let push = connector.stock_push(&[write("L1", 5)]).await;
        faults.clear();
        let cases = [page.unwrap_err().case(), push.unwrap_err().case()];
        assert_eq!(cases, [read, "unknown-outcome"], "{strike:?}");
    }
    // A date needs more of a language than a number.
    for wait in ["3", "Wed, 21 Oct 2065 07:28:00 GMT"] {
        let strike = Strike::TooManyRequests {
            retry_after: Some(wait.to_owned()),
        };
        market.faults().add(Rule::once(Match::default(), strike));
        let fault = connector.identify().await.unwrap_err();
        let Fault::Throttled { retry_after_ms, .. } = fault else {
            panic!("{fault:?}")
        };
        assert!(retry_after_ms.is_some_and(|ms| ms >= 3_000), "{wait}");
    }
    // Rows that are not as they should be stop nothing.
    let odd = r#"{"listings": [null, 7, {"id": null}, {"id": "L9", "quantity": "many", "active": "perhaps"}]}"#;
    let faults = market.faults();
    faults.add(Rule::always(Match::default(), body(odd)));
    let page = connector.listings_page(None, true).await.unwrap();
    assert_eq!((page.listings.len(), page.next), (1, None));
    let stats = connector.stats();
    assert_eq!(stats.broken, 0, "{stats:?}");
}

/// What every connector has to do right.
async fn passes_the_conformance_suite(language: Language) {
    let Some(file) = language.file() else { return };
    let report = check(&file, None).await;
    assert_eq!(failures(&report), "");
    let (passed, _, _) = report.counts();
    assert!(passed > 40, "{passed} cases");
}

macro_rules! both {
    ($($test:ident)*) => {
        mod javascript {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(Language::JavaScript).await;
                }
            )*
        }

        mod python {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(Language::Python).await;
                }
            )*
        }
    };
}

both! {
    plays_the_story
    stays_within_its_limits
    takes_bad_answers
    passes_the_conformance_suite
}
