//! The conformance suite: connectors that are right pass it, and each mistake fails the cases that are about it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use lockstep::conformance::{self, Options, Report, Verdict};
use lockstep_sandbox::practice::{Config, NewListing, Practice, Purchase};
use lockstep_sandbox::seller_center::Buyer;
use tempfile::TempDir;

const CARELESS: &str = r#"
[plugin]
id = "careless"
name = "Careless"
version = "0.1.0"
generation = "0.1"

[endpoint]
base-url = "https://api.practice-market.example"

[[credential]]
slot = "api"
kind = "header"
name = "x-api-key"

[[setting]]
key = "mistake"
type = "text"

[[setting]]
key = "tax-name"
type = "text"
default = "GST"

[test]
against = "practice"
"#;

async fn check(component: &[u8], mistake: Option<&str>) -> Report {
    let settings: BTreeMap<String, String> = mistake
        .map(|m| ("mistake".to_owned(), m.to_owned()))
        .into_iter()
        .collect();
    let options = Options {
        tapes: Vec::new(),
        settings,
        against: None,
        only: None,
        tell: Box::new(|_| ()),
    };
    conformance::check(component, options).await.unwrap()
}

fn failures(report: &Report) -> String {
    let failed = report
        .cases
        .iter()
        .filter_map(|(case, verdict)| match verdict {
            Verdict::Fail { found, .. } => Some(format!("{}: {}", case.name, found.join("\n  "))),
            _ => None,
        });
    failed.collect::<Vec<_>>().join("\n")
}

fn careless() -> Vec<u8> {
    let component = std::fs::read(env!("CARELESS_GUEST")).unwrap();
    lockstep_pack::embed(component, CARELESS.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_iconic_passes_every_case() {
    let report = check(lockstep_bundle::THE_ICONIC, None).await;
    assert_eq!(failures(&report), "");
    // Nothing was left out either.
    assert_eq!(report.counts(), (conformance::cases().len(), 0, 0));
}

fn template() -> Vec<u8> {
    let component = std::fs::read(env!("TEMPLATE")).unwrap();
    let manifest = include_bytes!("../../plugins/template/plugin.toml");
    lockstep_pack::embed(component, manifest)
}

/// `lockstep plugin ARGS` in a folder: exit code, and everything it printed.
async fn plugin(folder: &Path, args: &[&str], secret: &str) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-under-test"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LOCKSTEP_CHANNEL_SECRET", secret)
        .current_dir(folder)
        .arg("plugin")
        .args(args)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let printed = text(&output.stdout) + &text(&output.stderr);
    (output.status.code().unwrap_or(-1), printed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tape_of_an_account_holds_no_secret_and_the_check_plays_it() {
    let market = Practice::start(Config::default()).await.unwrap();
    for n in 0..3 {
        market.add_listing(NewListing {
            sku: format!("SKU-{n}"),
            quantity: 5,
            ..NewListing::default()
        });
    }
    let order = [("SKU-0", 2), ("SKU-1", 1)];
    market
        .buy(&order, Buyer::random(3), &Purchase::default())
        .unwrap();
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("acme.wasm"), template()).unwrap();
    std::fs::create_dir(folder.path().join("tapes")).unwrap();
    let url = market.url();
    let recording = [
        "try",
        "acme.wasm",
        "--base-url",
        &url,
        "--allow-local",
        "--record",
        "tapes/account.json",
    ];
    let (code, printed) = plugin(folder.path(), &recording, market.api_key()).await;
    assert_eq!(code, 0, "{printed}");
    assert!(
        printed.contains("orders.changed: success with 1 rows"),
        "{printed}"
    );
    let requests = market.stats().requests;
    assert!(
        requests.keys().all(|r| r.starts_with("GET ")),
        "{requests:?}"
    );
    let text = std::fs::read_to_string(folder.path().join("tapes/account.json")).unwrap();
    assert!(!text.contains(market.api_key()));

    // The folder beside the file is found, and nothing of it is sent.
    market.stop();
    let options = |text: &str| Options {
        tapes: vec![(
            "account.json".into(),
            lockstep_kit::Tape::parse(text).unwrap(),
        )],
        settings: BTreeMap::new(),
        against: None,
        only: Some("replays-exactly".into()),
        tell: Box::new(|_| ()),
    };
    let component = lockstep_pack::embed(
        template(),
        include_str!("../../plugins/template/plugin.toml")
            .replace("against = \"practice\"", "")
            .as_bytes(),
    );
    let report = conformance::check(&component, options(&text))
        .await
        .unwrap();
    assert_eq!(report.counts(), (1, 0, 0), "{}", failures(&report));
    let changed = text.replace("/v1/carriers", "/v1/couriers");
    let report = conformance::check(&component, options(&changed))
        .await
        .unwrap();
    let found = failures(&report);
    assert!(
        found.contains("path: expected /v1/couriers, got /v1/carriers"),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn try_plays_one_story_and_checks_it_at_the_marketplace() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("acme.wasm"), template()).unwrap();
    let (code, printed) = plugin(folder.path(), &["try", "acme.wasm", "--once"], "").await;
    assert_eq!(code, 0, "{printed}");
    for step in [
        "ok   stock is told",
        "ok   the order is in the shop",
        "ok   the parcel is told",
        "ok   stock follows",
    ] {
        assert!(printed.contains(step), "{step}\n{printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_fails_the_cases_that_are_about_it_and_no_other() {
    let component = careless();
    for (mistake, expected) in [
        (None, &[][..]),
        (
            Some("throttled-as-other"),
            &["read-throttled", "write-throttled"],
        ),
        (Some("blind-repeat"), &["no-blind-repeat"]),
        (Some("same-cursor"), &["paging-ends"]),
        (Some("panic"), &["never-traps"]),
        (Some("other-host"), &["stays-inside"]),
    ] {
        let report = check(&component, mistake).await;
        let failed = report.failed();
        assert_eq!(failed, expected, "{mistake:?}:\n{}", failures(&report));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_component_fails_the_first_case_and_the_rest_is_skipped() {
    let report = check(b"no component", None).await;
    assert_eq!(report.failed(), ["loads"]);
    let (passed, failed, skipped) = report.counts();
    assert_eq!((passed, failed), (0, 1));
    assert_eq!(skipped, conformance::cases().len() - 1);
}

#[test]
fn the_guide_has_every_case_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/checking-a-plugin.md");
    let guide = std::fs::read_to_string(path).unwrap();
    let (_, cases) = guide.split_once("### The cases").unwrap();
    let listed: Vec<(&str, &str)> = cases
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|row| row.split_once("` | "))
        .filter_map(|(name, rest)| Some((name, rest.split_once(" |")?.0)))
        .collect();
    let cases: Vec<(&str, &str)> = (conformance::cases().iter())
        .map(|c| (c.name, c.meaning))
        .collect();
    assert_eq!(listed, cases);
}
