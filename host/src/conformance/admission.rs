//! What can be told from the component alone.

use super::book::{Book, Case};
use super::suite::Suite;

pub(super) const LOADS: &str = "loads";
const COMPLETE: &str = "complete";

pub(super) const CASES: &[Case] = &[
    Case {
        name: LOADS,
        meaning: "The host takes the component in: its manifest can be read, and what it imports and exports fits the contract.",
        remedy: "Build it with the SDK or the WIT files of this generation, and embed its manifest.",
    },
    Case {
        name: COMPLETE,
        meaning: "What it can do is enough to be used: whoever writes can also look up what became of it.",
        remedy: "Export the interface that is named, or leave out the one that needs it.",
    },
];

/// An interface, and one that it is of no use without.
const NEEDS: [(&str, &str, &str); 4] = [
    ("stock", "listings", "stock is written to listings"),
    (
        "fulfillments",
        "orders",
        "a parcel whose answer was lost is looked up in its order",
    ),
    (
        "cancellations",
        "orders",
        "a cancellation whose answer was lost is looked up in its order",
    ),
    (
        "acceptance",
        "orders",
        "a decision whose answer was lost is looked up in its order",
    ),
];

pub(super) fn run(suite: &Suite, book: &mut Book) {
    book.looked(COMPLETE);
    for (has, needs, why) in NEEDS {
        if suite.exports(has) && !suite.exports(needs) {
            book.fail(COMPLETE, format!("it exports {has} without {needs}: {why}"));
        }
    }
}
