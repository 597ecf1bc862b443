//! Answers as they will be one day: with members, words and nulls that nobody announced, and with very many rows.

use std::collections::BTreeSet;

use lockstep_kit::{Answer, Body, Call as Taped, Heard, Player, bend};
use serde_json::Value;

use super::book::{Book, Case};
use super::call::{Call, Told};
use super::replay::{TRAPS, differ};
use super::suite::{Source, Suite};
use crate::model::{Fault, LineQuantity};
use crate::plugin::Limits;

const MEMBERS: &str = "unknown-fields";
const WORDS: &str = "unknown-words";
const NULLS: &str = "nulls";
const LONG_ORDER: &str = "ten-thousand-lines";
const LONG_PARCEL: &str = "parcel-of-ten-thousand-lines";
/// Lines of a very long order.
const MANY: usize = 10_000;

pub(super) const CASES: &[Case] = &[
    Case {
        name: MEMBERS,
        meaning: "A marketplace that adds a member to its answers changes nothing.",
        remedy: "Ignore members that the connector does not know.",
    },
    Case {
        name: WORDS,
        meaning: "A status or type that is new costs no page of orders: the one row is shown as it is, the others are worked.",
        remedy: "Map words that the connector does not know to `other` with the marketplace's own word.",
    },
    Case {
        name: NULLS,
        meaning: "A value that is missing in one row stalls no other row.",
        remedy: "Treat every member as optional; where a row is of no use without it, leave out the row and log it.",
    },
    Case {
        name: LONG_ORDER,
        meaning: "An order of ten thousand lines is read within the host's limits.",
        remedy: "Read lines one after the other and look nothing up line by line.",
    },
    Case {
        name: LONG_PARCEL,
        meaning: "A parcel of ten thousand lines is told, or refused in words, within the host's limits.",
        remedy: "Look lines up by a map rather than a list.",
    },
];

pub(super) async fn run(suite: &Suite, book: &mut Book) -> anyhow::Result<()> {
    let mut done = BTreeSet::new();
    for source in &suite.sources {
        for (n, call) in source.calls.iter().enumerate() {
            let taped = &source.tape.calls[n];
            (suite.tell)(&format!(
                "bent answers for {}, call {} of {}",
                call.name(),
                n + 1,
                source.calls.len()
            ));
            let bent = Bent {
                suite,
                source,
                call,
                taped,
            };
            let mut shapes = BTreeSet::new();
            for (m, exchange) in taped.exchanges.iter().enumerate() {
                let Some(document) = exchange.answer.json() else {
                    continue;
                };
                // The first of each kind stands for the others.
                if shapes.insert(exchange.request.shape()) {
                    bent.over_exchange(m, &document, &mut done, book).await?;
                }
            }
            bent.long_parcel(&mut done, book).await?;
        }
    }
    Ok(())
}

struct Bent<'a> {
    suite: &'a Suite,
    source: &'a Source,
    call: &'a Call,
    taped: &'a Taped,
}

impl Bent<'_> {
    async fn over_exchange(
        &self,
        at: usize,
        document: &Value,
        done: &mut BTreeSet<String>,
        book: &mut Book,
    ) -> anyhow::Result<()> {
        let shape = self.taped.exchanges[at].request.shape();
        let mut new = |what: &str| done.insert(format!("{} {shape} {what}", self.call.name()));
        if self.taped.result.get("ok").is_none() || self.call.writes() {
            return Ok(());
        }
        if new("members") {
            let told = self.play(at, &bend::new_members(document)).await?;
            let other = told.filter(|told| told.json != self.taped.result);
            let why = other.map(|told| match &told.fault {
                Some(fault) => format!("{} ({fault})", fault.case()),
                None => differ(&self.taped.result, &told.json),
            });
            self.note(
                MEMBERS,
                &shape,
                "with new members in every object",
                why,
                book,
            );
        }
        for place in bend::words(document) {
            let name = bend::shown(&place);
            if !new(&format!("word {name}")) {
                continue;
            }
            let word = |_: &Value| Some(Value::from(bend::NEW_WORD));
            let Some(bent) = bend::change(document, &place, &word) else {
                continue;
            };
            let why = (self.play(at, &bent).await?).and_then(|told| self.lost_rows(&told, 0));
            let how = format!("with the new word \"{}\" at {name}", bend::NEW_WORD);
            self.note(WORDS, &shape, &how, why, book);
        }
        for place in bend::members(document) {
            let name = bend::shown(&place);
            if !new(&format!("null {name}")) {
                continue;
            }
            let null = |value: &Value| (!value.is_null()).then_some(Value::Null);
            let Some(bent) = bend::change(document, &place, &null) else {
                continue;
            };
            let why = (self.play(at, &bent).await?).and_then(|told| self.lost_rows(&told, 1));
            self.note(NULLS, &shape, &format!("with null at {name}"), why, book);
        }
        if matches!(
            self.call,
            Call::OrdersChanged { .. } | Call::OrdersById { .. }
        ) {
            for place in bend::inner_lists(document) {
                let name = bend::shown(&place);
                if !new(&format!("many {name}")) {
                    continue;
                }
                let Some(bent) = bend::change(document, &place, &|list| bend::many(list, MANY))
                else {
                    continue;
                };
                let why = (self.play(at, &bent).await?).and_then(|told| match told.fault {
                    Some(Fault::Plugin { detail }) => Some(detail),
                    _ => None,
                });
                self.note(
                    LONG_ORDER,
                    &shape,
                    &format!("with {MANY} rows at {name}"),
                    why,
                    book,
                );
            }
        }
        Ok(())
    }

    /// Plays the call with another document in one answer. None: it led to requests that the tape cannot answer.
    async fn play(&self, at: usize, document: &Value) -> anyhow::Result<Option<Told>> {
        let mut answer = match &self.taped.exchanges[at].answer {
            Heard::Answer(answer) => answer.clone(),
            Heard::Nothing { .. } => Answer {
                status: 200,
                headers: Default::default(),
                body: Body::default(),
            },
        };
        answer.body = Body::Text(document.to_string());
        let player = Player::with_answer(self.taped, at, Heard::Answer(answer));
        let (told, tap) = self
            .suite
            .play(self.source, self.call, player, Limits::default())
            .await?;
        Ok((tap.player.wrong().is_empty() && tap.player.strayed().is_none()).then_some(told))
    }

    /// What is wrong when more than so many rows are gone, or the call fails.
    fn lost_rows(&self, told: &Told, may: usize) -> Option<String> {
        if told.fault.is_some() {
            return Some(format!("the whole call fails: {}", told.shown()));
        }
        let rows = |json: &Value| {
            let ok = &json["ok"];
            let list = ["orders", "listings"]
                .iter()
                .find_map(|l| ok[*l].as_array());
            list.or(ok.as_array()).map(Vec::len)
        };
        let (was, is) = (rows(&self.taped.result)?, rows(&told.json)?);
        (self.call.tells_rows() && is + may < was).then(|| format!("{is} of {was} rows are left"))
    }

    fn note(
        &self,
        case: &'static str,
        shape: &str,
        how: &str,
        why: Option<String>,
        book: &mut Book,
    ) {
        book.looked(TRAPS);
        let place = format!("{}, the answer of {shape} {how}", self.call.name());
        book.note(case, why.map(|why| format!("{place}: {why}")));
    }

    async fn long_parcel(
        &self,
        done: &mut BTreeSet<String>,
        book: &mut Book,
    ) -> anyhow::Result<()> {
        let mut call = self.call.clone();
        let (Call::Prepare { parcel } | Call::Ship { parcel }) = &mut call else {
            return Ok(());
        };
        let Some(first) = parcel.lines.first().cloned() else {
            return Ok(());
        };
        if !done.insert(format!("{} long parcel", self.call.name())) {
            return Ok(());
        }
        parcel.lines = (0..MANY)
            .map(|n| LineQuantity {
                line: bend::sibling(&first.line, n),
                quantity: first.quantity,
            })
            .collect();
        let mut taped = self.taped.clone();
        for exchange in &mut taped.exchanges {
            if let (Some(document), Heard::Answer(answer)) =
                (exchange.answer.json(), &mut exchange.answer)
            {
                let bent = bend::many_of(&document, &first.line, MANY);
                answer.body = Body::Text(bent.to_string());
            }
        }
        let player = Player::loose(&taped);
        let (told, _) = (self.suite)
            .play(self.source, &call, player, Limits::default())
            .await?;
        let why = match told.fault {
            Some(Fault::Plugin { detail }) => Some(format!("{}: {detail}", call.name())),
            _ => None,
        };
        book.note(LONG_PARCEL, why);
        Ok(())
    }
}
