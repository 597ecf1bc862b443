//! Every misfortune of HTTP, laid over every kind of request of every kind of call: the host must be told what it can
//! act upon.

use std::collections::BTreeSet;

use lockstep_kit::{Exchange, Fault as Misfortune, Heard, Player, RETRY_AFTER_S, WORDS};

use super::book::{Book, Case};
use super::call::{Call, Told};
use super::replay::TRAPS;
use super::suite::{Source, Suite};
use crate::model::Fault;
use crate::plugin::Limits;

const HALF_DONE: &str = "half-done-is-told";
const BLIND: &str = "no-blind-repeat";

/// A group of misfortunes with one right answer.
struct Group {
    read: &'static str,
    write: &'static str,
    laid: &'static [Misfortune],
    /// Cases of the contract that are right for a read, and for a write.
    right: (&'static [&'static str], &'static [&'static str]),
}

const GROUPS: &[Group] = &[
    Group {
        read: "read-unauthorized",
        write: "write-unauthorized",
        laid: &[Misfortune::Status(401)],
        right: (&["auth"], &["auth"]),
    },
    Group {
        read: "read-forbidden",
        write: "write-forbidden",
        laid: &[Misfortune::Status(403)],
        right: (&["denied"], &["denied"]),
    },
    Group {
        read: "read-not-found",
        write: "write-not-found",
        laid: &[Misfortune::Status(404)],
        right: (&["missing", "success"], &["missing"]),
    },
    Group {
        read: "read-conflict",
        write: "write-conflict",
        laid: &[Misfortune::Status(409)],
        right: (&["conflict"], &["conflict"]),
    },
    Group {
        read: "read-refused",
        write: "write-refused",
        laid: &[Misfortune::Status(400), Misfortune::Status(422)],
        right: (&["rejected"], &["rejected"]),
    },
    Group {
        read: "read-throttled",
        write: "write-throttled",
        laid: &[Misfortune::Status(429)],
        right: (&["throttled"], &["throttled"]),
    },
    Group {
        read: "read-unavailable",
        write: "write-unavailable",
        laid: &[
            Misfortune::Status(500),
            Misfortune::Status(502),
            Misfortune::Status(503),
            Misfortune::NotSent,
        ],
        right: (&["unavailable"], &["unavailable", "unknown-outcome"]),
    },
    Group {
        read: "read-lost",
        write: "write-lost",
        laid: &[Misfortune::Lost, Misfortune::Timeout],
        right: (&["unavailable"], &["unknown-outcome"]),
    },
    Group {
        read: "read-unreadable",
        write: "write-unreadable",
        laid: &[Misfortune::Truncated, Misfortune::Html],
        right: (&["protocol"], &["unknown-outcome", "protocol"]),
    },
    Group {
        read: "read-empty",
        write: "write-empty",
        laid: &[Misfortune::Empty, Misfortune::Null, Misfortune::WrongType],
        right: (&["protocol"], &["unknown-outcome", "protocol", "success"]),
    },
    Group {
        read: "read-too-long",
        write: "write-too-long",
        laid: &[Misfortune::TooLarge],
        right: (&["protocol"], &["unknown-outcome", "protocol"]),
    },
];

pub(super) const CASES: &[Case] = &[
    Case {
        name: "read-unauthorized",
        meaning: "A secret that was revoked parks the channel and says so, instead of being tried for days.",
        remedy: "Answer `auth` to status 401.",
    },
    Case {
        name: "write-unauthorized",
        meaning: "The same when it is noticed while writing.",
        remedy: "Answer `auth` to status 401.",
    },
    Case {
        name: "read-forbidden",
        meaning: "A permission that the account lacks parks what needs it, and says so.",
        remedy: "Answer `denied` to status 403.",
    },
    Case {
        name: "write-forbidden",
        meaning: "The same when it is noticed while writing.",
        remedy: "Answer `denied` to status 403.",
    },
    Case {
        name: "read-not-found",
        meaning: "What is gone at the marketplace counts as gone, and does not stall the rest.",
        remedy: "Answer `missing` to status 404, or leave the row out.",
    },
    Case {
        name: "write-not-found",
        meaning: "A write to something that is gone is not repeated.",
        remedy: "Answer `missing` to status 404.",
    },
    Case {
        name: "read-conflict",
        meaning: "What changed meanwhile is read anew.",
        remedy: "Answer `conflict` to status 409.",
    },
    Case {
        name: "write-conflict",
        meaning: "A write that meets another state is decided anew instead of being forced.",
        remedy: "Answer `conflict` to status 409.",
    },
    Case {
        name: "read-refused",
        meaning: "What the marketplace refuses for good reaches a person, in the marketplace's words.",
        remedy: "Answer `rejected` to status 400 and 422, with the text of the error body.",
    },
    Case {
        name: "write-refused",
        meaning: "A refused write reaches a person, in the marketplace's words, and is not repeated unchanged.",
        remedy: "Answer `rejected` to status 400 and 422, with the text of the error body.",
    },
    Case {
        name: "read-throttled",
        meaning: "The host slows down for as long as the marketplace asks, before the account is blocked.",
        remedy: "Answer `throttled` to status 429, with `retry-after` in milliseconds.",
    },
    Case {
        name: "write-throttled",
        meaning: "The same for writes: none of them gets lost.",
        remedy: "Answer `throttled` to status 429, with `retry-after` in milliseconds.",
    },
    Case {
        name: "read-unavailable",
        meaning: "A marketplace that is down is asked again later, and nobody is bothered.",
        remedy: "Answer `unavailable` to 5xx and to requests that were not sent.",
    },
    Case {
        name: "write-unavailable",
        meaning: "A write that met a marketplace that is down is not taken for done.",
        remedy: "Answer `unknown-outcome` to 5xx, or `unavailable` where surely nothing was applied.",
    },
    Case {
        name: "read-lost",
        meaning: "A read whose answer got lost is done again.",
        remedy: "Answer `unavailable` when a read has no answer.",
    },
    Case {
        name: "write-lost",
        meaning: "A write whose answer got lost is looked up before anything else: nothing is shipped or cancelled twice.",
        remedy: "Answer `unknown-outcome` when a write has no answer, unless the connector has looked it up itself.",
    },
    Case {
        name: "read-unreadable",
        meaning: "A page of a gateway or half an answer is never taken for an empty list.",
        remedy: "Answer `protocol` when a body is not the JSON that it should be.",
    },
    Case {
        name: "write-unreadable",
        meaning: "A write with an unreadable answer is looked up.",
        remedy: "Answer `unknown-outcome` when the answer of a write cannot be read.",
    },
    Case {
        name: "read-empty",
        meaning: "An empty body, `null` or something of another type is never taken for an empty list: orders would be skipped.",
        remedy: "Answer `protocol` when the list that was asked for is not in the answer.",
    },
    Case {
        name: "write-empty",
        meaning: "A write whose answer lacks what it should tell is looked up.",
        remedy: "Answer `unknown-outcome` when what the answer should tell is not in it; a status that says it all is enough.",
    },
    Case {
        name: "read-too-long",
        meaning: "An answer that is far too long fails one read, not the host.",
        remedy: "Answer `protocol` to `too-large`.",
    },
    Case {
        name: "write-too-long",
        meaning: "The same for writes, which are then looked up.",
        remedy: "Answer `unknown-outcome` to `too-large`.",
    },
    Case {
        name: HALF_DONE,
        meaning: "When the second of several writes fails, the host learns that something was done.",
        remedy: "After a write went through, answer `unknown-outcome` (or what was reached) rather than `unavailable` or `throttled`, which say that nothing was applied.",
    },
    Case {
        name: BLIND,
        meaning: "After a lost answer nothing is written again before it was looked up.",
        remedy: "Leave repeats to the host: answer `unknown-outcome` and return.",
    },
];

/// Where in a call a misfortune strikes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Read,
    Write,
    /// Behind a write that went through.
    After,
}

pub(super) async fn run(suite: &Suite, book: &mut Book) -> anyhow::Result<()> {
    let mut done = BTreeSet::new();
    for source in &suite.sources {
        for (n, call) in source.calls.iter().enumerate() {
            (suite.tell)(&format!(
                "faults over {}, call {} of {}",
                call.name(),
                n + 1,
                source.calls.len()
            ));
            over_call(suite, source, n, &mut done, book).await?;
        }
    }
    Ok(())
}

/// Lays every misfortune over each kind of request of a call that was not looked at in the same surroundings before.
async fn over_call(
    suite: &Suite,
    source: &Source,
    n: usize,
    done: &mut BTreeSet<String>,
    book: &mut Book,
) -> anyhow::Result<()> {
    let (call, taped) = (&source.calls[n], &source.tape.calls[n]);
    let mut written = false;
    let mut shapes = BTreeSet::new();
    for (m, exchange) in taped.exchanges.iter().enumerate() {
        let request = &exchange.request;
        let at = match (written, request.writes) {
            (true, _) => At::After,
            (false, true) => At::Write,
            (false, false) => At::Read,
        };
        let answered = |e: &Exchange| matches!(&e.answer, Heard::Answer(a) if a.status < 300);
        written |= request.writes && answered(exchange);
        let kind = format!("{} {} {}", call.name(), request.shape(), at as u8);
        if !shapes.insert(kind.clone()) || !done.insert(kind) {
            continue;
        }
        for group in GROUPS {
            for misfortune in group.laid {
                let Some(player) = Player::with_fault(taped, m, *misfortune) else {
                    continue;
                };
                let (told, tap) = suite.play(source, call, player, Limits::default()).await?;
                let place = format!(
                    "{}, {} over {} {}",
                    call.name(),
                    misfortune.name(),
                    request.method,
                    request.path()
                );
                // It never got there: that is the business of other cases.
                if !tap.player.wrong().is_empty() {
                    continue;
                }
                book.looked(TRAPS);
                if let Some(Fault::Plugin { detail }) = &told.fault {
                    book.fail(TRAPS, format!("{place}: {detail}"));
                    continue;
                }
                if let Some(other) = tap.player.strayed() {
                    // With a broken answer taken for a whole one, other requests follow than the tape has.
                    let broken = misfortune.after(&exchange.answer);
                    if at == At::Read && matches!(broken, Some(Heard::Answer(_))) {
                        let why =
                            format!("{place}: it goes on as if nothing were wrong, with {other}");
                        book.fail(group.read, why);
                    }
                    continue;
                }
                let log = tap.player.log();
                let behind = log.get(m + 1..).unwrap_or_default();
                if at != At::Read && matches!(misfortune, Misfortune::Lost | Misfortune::Timeout) {
                    book.note(BLIND, blind(request, behind).then(|| place.clone()));
                }
                let (case, wrong) = match at {
                    At::After => (HALF_DONE, half_done(&told)),
                    At::Read => (
                        group.read,
                        judge(call, group.right.0, *misfortune, &told, false),
                    ),
                    At::Write => (
                        group.write,
                        judge(
                            call,
                            group.right.1,
                            *misfortune,
                            &told,
                            behind.iter().any(|e| !e.request.writes),
                        ),
                    ),
                };
                book.note(case, wrong.map(|why| format!("{place}: {why}")));
            }
        }
    }
    Ok(())
}

/// What is wrong with what a call told. `looked`: it read something behind the misfortune.
fn judge(
    call: &Call,
    right: &[&str],
    misfortune: Misfortune,
    told: &Told,
    looked: bool,
) -> Option<String> {
    let case = told.fault.as_ref().map_or("success", Fault::case);
    let fits = right.contains(&case)
        // Whoever looks what became of a write may tell it.
        || (looked && right.contains(&"unknown-outcome") && matches!(case, "success" | "conflict"))
        // A read before a write that is as doubtful as the write costs only a look.
        || (call.writes() && case == "unknown-outcome" && right.contains(&"unavailable"));
    if !fits {
        return Some(format!(
            "expected {}, got {}",
            right.join(" or "),
            told.shown()
        ));
    }
    match (misfortune, &told.fault) {
        (Misfortune::Status(400 | 422), Some(Fault::Rejected { detail, .. }))
            if !detail.contains(WORDS) =>
        {
            Some(format!(
                "the marketplace's words (\"{WORDS}\") got lost: \"{detail}\""
            ))
        }
        (Misfortune::Status(429), Some(fault))
            if fault.retry_after_ms() != Some(RETRY_AFTER_S * 1_000) =>
        {
            Some(format!(
                "the marketplace asked for {RETRY_AFTER_S} s; told were {:?} ms",
                fault.retry_after_ms()
            ))
        }
        _ => None,
    }
}

fn half_done(told: &Told) -> Option<String> {
    match &told.fault {
        Some(fault @ (Fault::Unavailable { .. } | Fault::Throttled { .. })) => Some(format!(
            "a write had gone through, but the fault says that nothing was applied: {} ({fault})",
            fault.case()
        )),
        _ => None,
    }
}

/// Whether the same kind of write went out again before anything was read.
fn blind(lost: &lockstep_kit::Request, behind: &[Exchange]) -> bool {
    (behind.iter().take_while(|e| e.request.writes)).any(|e| e.request.shape() == lost.shape())
}
