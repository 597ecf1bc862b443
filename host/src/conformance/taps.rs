//! What stands between a checked connector and the net: a recorder, or the player of a tape.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lockstep_kit::{Answer, Body, Exchange, Fault, Given, Heard, Loss, Player, Request};

use crate::net;
use crate::plugin::{Outcome, Tap, Tapped};
use crate::vault::Scrubber;

fn request(seen: &Tapped) -> Request {
    Request {
        method: seen.method.to_owned(),
        target: seen.target.clone(),
        headers: seen.headers.clone(),
        body: seen.body.clone().map(Body::new),
        credential: seen.slot.clone(),
        writes: seen.writes,
    }
}

fn heard(outcome: &Outcome, scrubber: &Scrubber) -> Heard {
    match outcome {
        Ok(answer) => {
            let mut headers = std::collections::BTreeMap::new();
            for (name, value) in &answer.headers {
                if name != "set-cookie" {
                    let value = scrubber.scrub(value);
                    headers
                        .entry(name.clone())
                        .and_modify(|v: &mut String| *v = format!("{v}, {value}"))
                        .or_insert(value);
                }
            }
            Heard::Answer(Answer {
                status: answer.status,
                headers,
                body: Body::new(scrubber.scrub_bytes(answer.body.clone())),
            })
        }
        Err(net::Error::Forbidden(why) | net::Error::NotSent(why)) => {
            Heard::nothing(Loss::NotSent(scrubber.scrub(why)))
        }
        Err(net::Error::Lost(why)) => Heard::nothing(Loss::Lost(scrubber.scrub(why))),
        Err(net::Error::TooLarge(limit)) => Heard::nothing(Loss::TooLarge(*limit as u64)),
    }
}

fn outcome(heard: Heard) -> Outcome {
    match heard {
        Heard::Answer(answer) => Ok(net::Response {
            status: answer.status,
            headers: answer.headers.into_iter().collect(),
            body: answer.body.bytes(),
        }),
        Heard::Nothing { error } => Err(match error {
            Loss::NotSent(why) => net::Error::NotSent(why),
            Loss::Lost(why) => net::Error::Lost(why),
            Loss::TooLarge(limit) => net::Error::TooLarge(limit.try_into().unwrap_or(usize::MAX)),
        }),
    }
}

/// What one call asked for and got.
#[derive(Debug, Default)]
pub struct Reel {
    /// Requests with what came of them.
    pub exchanges: Vec<Exchange>,
    /// What the session gave.
    pub given: Given,
    /// What rules refused, in their words.
    pub refused: Vec<String>,
}

/// Lets requests out and records them. It can lose the answers of writes on their way back.
#[derive(Debug)]
pub struct Recorder {
    scrubber: Scrubber,
    /// Nothing that can change anything gets out.
    reads_only: bool,
    state: Mutex<Recording>,
}

#[derive(Debug, Default)]
struct Recording {
    reel: Reel,
    /// Lay this over the write that comes after so many others.
    fault: Option<(usize, Fault)>,
    struck: bool,
}

impl Recorder {
    /// One that blanks what the scrubber knows.
    pub fn new(scrubber: Scrubber) -> Arc<Self> {
        Self::made(scrubber, false)
    }

    /// The same, and it refuses every request that is marked as a write or surely is one.
    pub fn reading(scrubber: Scrubber) -> Arc<Self> {
        Self::made(scrubber, true)
    }

    fn made(scrubber: Scrubber, reads_only: bool) -> Arc<Self> {
        Arc::new(Self {
            scrubber,
            reads_only,
            state: Mutex::default(),
        })
    }

    /// What came since it was asked last.
    pub fn take(&self) -> Reel {
        std::mem::take(&mut self.state().reel)
    }

    /// Lays a fault over the answer of the write that comes after `after` others; they are carried out.
    pub(super) fn strike(&self, after: usize, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((after, fault));
        state.struck = false;
    }

    /// Takes the fault away. Whether it struck.
    pub(super) fn calm(&self) -> bool {
        let mut state = self.state();
        state.fault = None;
        state.struck
    }

    fn state(&self) -> MutexGuard<'_, Recording> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap for Recorder {
    fn instead(&self, seen: &Tapped) -> Option<Outcome> {
        let changes = seen.writes || matches!(seen.method, "PUT" | "PATCH" | "DELETE");
        (self.reads_only && changes).then(|| {
            Err(net::Error::Forbidden(format!(
                "{} {} can change something, and only reading was allowed; allow it with --write",
                seen.method, seen.target
            )))
        })
    }

    fn heard(&self, seen: &Tapped, came: Outcome) -> Outcome {
        let mut answer = heard(&came, &self.scrubber);
        let mut came = came;
        let mut state = self.state();
        if let Some((left, fault)) = state.fault.filter(|_| seen.writes && !state.struck) {
            if left > 0 {
                state.fault = Some((left - 1, fault));
            } else if let Some(other) = fault.after(&answer) {
                state.struck = true;
                answer = other.clone();
                came = outcome(other);
            }
        }
        state.reel.exchanges.push(Exchange {
            request: request(seen),
            answer,
        });
        came
    }

    fn refused(&self, why: &str) {
        let why = self.scrubber.scrub(why);
        self.state().reel.refused.push(why);
    }

    fn now(&self, real: String) -> String {
        self.state().reel.given.now.push(real.clone());
        real
    }

    fn random(&self, real: Vec<u8>) -> Vec<u8> {
        self.state().reel.given.random.push(real.clone());
        real
    }
}

/// Puts a player in the place of the net: nothing gets out.
#[derive(Debug)]
pub(super) struct Played {
    pub player: Player,
    refused: Mutex<Vec<String>>,
}

impl Played {
    pub(super) fn new(player: Player) -> Arc<Self> {
        Arc::new(Self {
            player,
            refused: Mutex::default(),
        })
    }

    /// What rules refused, in their words.
    pub(super) fn refused(&self) -> Vec<String> {
        let refused = self.refused.lock();
        refused.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Tap for Played {
    fn instead(&self, seen: &Tapped) -> Option<Outcome> {
        Some(outcome(self.player.answer(&request(seen))))
    }

    fn heard(&self, _: &Tapped, outcome: Outcome) -> Outcome {
        outcome
    }

    fn refused(&self, why: &str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.push(why.to_owned());
    }

    fn now(&self, real: String) -> String {
        self.player.now().unwrap_or(real)
    }

    fn random(&self, real: Vec<u8>) -> Vec<u8> {
        self.player.random().unwrap_or(real)
    }
}
