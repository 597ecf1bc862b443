//! What a connector and its marketplace said to each other, as values: kept on a [tape](Tape), [played](Player)
//! back, with [faults](Fault) laid over it, and [bent](bend) the way that marketplaces bend their answers.
//!
//! Nothing here sends anything or runs a plugin: the host does, and puts these values in the place of the net.

pub mod bend;
mod exchange;
mod fault;
mod player;
mod tape;

pub use exchange::{Answer, Body, Heard, Loss, Request};
pub use fault::{Fault, RETRY_AFTER_S, WORDS};
pub use player::Player;
pub use tape::{Call, Exchange, FORMAT, Given, Tape, TapeError};
