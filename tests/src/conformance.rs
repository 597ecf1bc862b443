//! The conformance suite: connectors that are right pass it, and each mistake fails the cases that are about it.

use std::collections::BTreeMap;
use std::path::Path;

use lockstep::conformance::{self, Options, Report, Verdict};

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
    let listed: Vec<(&str, &str)> = guide
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
