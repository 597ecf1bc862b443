//! Lists end, and nothing gets lost on the way.

use std::collections::BTreeSet;

use super::book::{Book, Case};
use super::call::Call;
use super::suite::Suite;

pub(super) const ENDS: &str = "paging-ends";
pub(super) const COMPLETE: &str = "nothing-left-out";

pub(super) const CASES: &[Case] = &[
    Case {
        name: ENDS,
        meaning: "Reading the catalogue and the orders comes to an end: no cursor comes twice in a walk.",
        remedy: "Answer no `next` on the last page, and make each cursor from where its own page ended.",
    },
    Case {
        name: COMPLETE,
        meaning: "Every listing and every new order is told: none is oversold or forgotten.",
        remedy: "Follow the marketplace's paging to its end, and leave no row out because it is unusual.",
    },
];

/// The cursors of one walk.
#[derive(Default)]
pub(super) struct Walk {
    seen: BTreeSet<String>,
}

impl Walk {
    /// Goes to the next cursor. False at the end; the error says how the walk went wrong.
    pub(super) fn step(
        &mut self,
        call: &str,
        next: Option<&str>,
        most: usize,
    ) -> Result<bool, String> {
        let Some(next) = next else { return Ok(false) };
        if !self.seen.insert(next.to_owned()) {
            return Err(format!(
                "{call}: page {} answers the cursor \"{next}\", which came before",
                self.seen.len() + 1
            ));
        }
        if self.seen.len() >= most {
            return Err(format!("{call}: there is no end after {most} pages"));
        }
        Ok(true)
    }
}

/// What tapes tell: no page leads back to itself.
pub(super) fn run(suite: &Suite, book: &mut Book) {
    for source in &suite.sources {
        for (n, (call, taped)) in source.calls.iter().zip(&source.tape.calls).enumerate() {
            let (Call::ListingsPage { cursor, .. } | Call::OrdersChanged { cursor, .. }) = call
            else {
                continue;
            };
            let next = taped.result["ok"]["next"].as_str();
            let back = next.is_some() && next == cursor.as_deref();
            book.note(
                ENDS,
                back.then(|| {
                    format!(
                        "{}, call {} ({}): the page at cursor \"{}\" leads to itself",
                        source.name,
                        n + 1,
                        call.name(),
                        next.unwrap_or_default()
                    )
                }),
            );
        }
    }
}
