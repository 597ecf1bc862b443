//! Tapes played exactly as they were recorded.

use lockstep_kit::Player;

use super::book::{Book, Case};
use super::suite::Suite;
use crate::model::Fault;
use crate::plugin::Limits;

pub(super) const DAY: &str = "ordinary-day";
pub(super) const INSIDE: &str = "stays-inside";
pub(super) const TRAPS: &str = "never-traps";
const EXACT: &str = "replays-exactly";
const SAME: &str = "deterministic";
const MARKED: &str = "writes-are-marked";
const FRUGAL: &str = "half-the-limits";

pub(super) const CASES: &[Case] = &[
    Case {
        name: DAY,
        meaning: "On a day without misfortunes every call succeeds: account, catalogue, orders, stock, parcels, cancellations.",
        remedy: "Read the fault and the exchange before it: the connector misreads the marketplace, or asks for something that it does not have.",
    },
    Case {
        name: EXACT,
        meaning: "What was recorded at a real account still comes out the same: requests, and what is made of the answers.",
        remedy: "When the change is meant, record the tape anew with `lockstep plugin try --base-url ... --record`.",
    },
    Case {
        name: SAME,
        meaning: "The same answers give the same result, so that what the host shows beforehand is what it does.",
        remedy: "Use nothing but arguments, settings and answers; take the time from `session.now`, keep lists in an order of their own.",
    },
    Case {
        name: INSIDE,
        meaning: "It reaches nobody but the marketplace that the operator agreed to.",
        remedy: "Ask for paths behind the base URL; name further hosts in the manifest ([endpoint] hosts), and secrets by their slot.",
    },
    Case {
        name: MARKED,
        meaning: "The host knows which requests can change something, and looks before it repeats one of those.",
        remedy: "Set `writes` on every request that can change something.",
    },
    Case {
        name: TRAPS,
        meaning: "No answer, however broken, brings the connector down: a call that fails says why.",
        remedy: "Return a fault where the code panics, indexes out of bounds, or asks for more memory than the host grants.",
    },
    Case {
        name: FRUGAL,
        meaning: "There is room for larger shops: every call gets by with half of the processor time and memory that the host grants.",
        remedy: "Read less at once, and do not copy whole answers.",
    },
];

/// Half of what the host grants.
fn half() -> Limits {
    let whole = Limits::default();
    Limits {
        cpu: whole.cpu / 2,
        memory: whole.memory / 2,
        ..whole
    }
}

pub(super) async fn run(suite: &Suite, book: &mut Book) -> anyhow::Result<()> {
    for source in &suite.sources {
        (suite.tell)(&format!("playing {}", source.name));
        for (n, (call, taped)) in source.calls.iter().zip(&source.tape.calls).enumerate() {
            let place = format!("{}, call {} ({})", source.name, n + 1, call.name());
            let mut results = Vec::new();
            for limits in [Limits::default(), half()] {
                let (told, tap) = suite
                    .play(source, call, Player::strict(taped), limits)
                    .await?;
                for why in tap.refused() {
                    book.fail(INSIDE, format!("{place}: {why}"));
                }
                for why in tap.player.wrong() {
                    book.fail(EXACT, format!("{place}: {why}"));
                }
                results.push(told);
            }
            for case in [EXACT, SAME, INSIDE, TRAPS, FRUGAL] {
                book.looked(case);
            }
            let [whole, halved] = results.as_slice() else {
                continue;
            };
            if whole.json != taped.result {
                book.fail(
                    EXACT,
                    format!(
                        "{place}: the result is another: {}",
                        differ(&taped.result, &whole.json)
                    ),
                );
            }
            match (&whole.fault, &halved.fault) {
                (Some(Fault::Plugin { detail }), _) => {
                    book.fail(TRAPS, format!("{place}: {detail}"));
                }
                (_, Some(Fault::Plugin { detail })) => {
                    book.fail(FRUGAL, format!("{place}: {detail}"));
                }
                _ if whole.json != halved.json => book.fail(
                    SAME,
                    format!(
                        "{place}: played twice, it told two things: {}",
                        differ(&whole.json, &halved.json)
                    ),
                ),
                _ => {}
            }
            marks(call.writes(), taped, &place, book);
        }
    }
    Ok(())
}

/// Whether requests that can change something say so.
fn marks(writes: bool, taped: &lockstep_kit::Call, place: &str, book: &mut Book) {
    let requests = || taped.exchanges.iter().map(|e| &e.request);
    if writes && requests().next().is_some() {
        book.looked(MARKED);
        let changes = requests().any(|r| r.method != "GET");
        if changes && !requests().any(|r| r.writes) {
            book.fail(
                MARKED,
                format!("{place}: none of its requests is marked as a write"),
            );
        }
    }
    for request in requests() {
        let surely = matches!(request.method.as_str(), "PUT" | "PATCH" | "DELETE");
        if surely && !request.writes {
            book.fail(MARKED, format!("{place}: not marked as a write: {request}"));
        }
    }
}

/// The first place at which two results differ.
pub(super) fn differ(expected: &serde_json::Value, got: &serde_json::Value) -> String {
    use serde_json::Value;
    fn walk(path: &str, a: &Value, b: &Value) -> Option<String> {
        match (a, b) {
            (Value::Object(x), Value::Object(y)) => x
                .keys()
                .chain(y.keys().filter(|k| !x.contains_key(*k)))
                .find_map(|k| {
                    let none = Value::Null;
                    let (a, b) = (x.get(k).unwrap_or(&none), y.get(k).unwrap_or(&none));
                    walk(&format!("{path}.{k}"), a, b)
                }),
            (Value::Array(x), Value::Array(y)) if x.len() == y.len() => x
                .iter()
                .zip(y)
                .enumerate()
                .find_map(|(n, (a, b))| walk(&format!("{path}[{n}]"), a, b)),
            (Value::Array(x), Value::Array(y)) => Some(format!(
                "at {path}: expected {} rows, got {}",
                x.len(),
                y.len()
            )),
            _ if a == b => None,
            _ => {
                let shown = |v: &Value| v.to_string().chars().take(200).collect::<String>();
                Some(format!(
                    "at {path}: expected {}, got {}",
                    shown(a),
                    shown(b)
                ))
            }
        }
    }
    walk("result", expected, got).unwrap_or_else(|| "no difference".into())
}
