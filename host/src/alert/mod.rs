//! Alerts: what needs a person, kept while it does, and told to people once.
//!
//! [`watch`] looks at the database every few seconds. What needs a person is decided by [`rules`], how alerts open and
//! resolve by [`life`], who is told when by [`group`]: values in, values out, so each can be read and tested by itself.
//! A message is written in the transaction that notes it as told, and sent after: at least once, with an id that lets
//! its receiver tell one that comes twice.

mod actions;
pub mod deliver;
pub mod group;
pub mod life;
pub mod message;
pub mod rules;
mod target;
mod watch;

#[cfg(test)]
mod group_tests;
#[cfg(test)]
mod life_tests;
#[cfg(test)]
mod message_tests;
#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod samples;

pub use crate::db::{Alert, AlertFilter};
pub use actions::{
    Counts, Error, Secret, TargetView, TestOutcome, acknowledge, counts, get, list, put_target,
    remove_target, targets, test_target, unacknowledge,
};
pub use deliver::new_signing_secret;
pub use target::{Email, Quiet, Target, Way, Webhook};
pub use watch::{Bell, watch};
