//! Plays one call of a tape in the place of the marketplace.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::exchange::{Heard, Loss, Request};
use crate::fault::Fault;
use crate::tape::{Call, Exchange};

/// Answers the requests of one call from a tape.
///
/// Up to the exchange that carries a fault it is strict: a request that is not the next one of the tape, in every
/// part, is an error. Behind it a connector may go another way than it went on the tape, so every request is answered
/// that the tape knows in any place, and the one that met the fault meets it again.
pub struct Player {
    exchanges: Vec<Exchange>,
    given: crate::tape::Given,
    /// Strict up to here.
    strict: usize,
    fault: Option<(usize, Fault)>,
    /// Requests count as the same when method and path are.
    loose: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    at: usize,
    now: usize,
    random: usize,
    log: Vec<Exchange>,
    wrong: Vec<String>,
    strayed: Option<String>,
}

impl Player {
    /// Plays the call exactly.
    pub fn strict(call: &Call) -> Self {
        Self {
            exchanges: call.exchanges.clone(),
            given: call.given.clone(),
            strict: usize::MAX,
            fault: None,
            loose: false,
            state: Mutex::default(),
        }
    }

    /// Plays it with a fault laid over one exchange (counted from 0). None: the fault does not fit its answer.
    pub fn with_fault(call: &Call, at: usize, fault: Fault) -> Option<Self> {
        fault.after(&call.exchanges.get(at)?.answer)?;
        Some(Self {
            strict: at + 1,
            fault: Some((at, fault)),
            ..Self::strict(call)
        })
    }

    /// Plays it with another answer in one exchange. Behind it, requests of the same method and path are answered
    /// whatever else they carry: another answer leads to others.
    pub fn with_answer(call: &Call, at: usize, answer: Heard) -> Self {
        let mut player = Self::strict(call);
        if let Some(exchange) = player.exchanges.get_mut(at) {
            exchange.answer = answer;
        }
        Self {
            strict: at + 1,
            loose: true,
            ..player
        }
    }

    /// Answers whatever request of the call's methods and paths comes.
    pub fn loose(call: &Call) -> Self {
        Self {
            strict: 0,
            loose: true,
            ..Self::strict(call)
        }
    }

    /// What the plugin hears.
    pub fn answer(&self, request: &Request) -> Heard {
        let mut state = self.state();
        let n = state.at;
        state.at += 1;
        let heard = if n < self.strict {
            self.next(n, request, &mut state)
        } else {
            self.find(n, request, &mut state)
        };
        state.log.push(Exchange {
            request: request.clone(),
            answer: heard.clone(),
        });
        heard
    }

    fn next(&self, n: usize, request: &Request, state: &mut State) -> Heard {
        let why = match self.exchanges.get(n) {
            None => format!("request {} is one more than the tape has: {request}", n + 1),
            Some(expected) => match expected.request.differs(request) {
                None => return self.told(n),
                Some(ways) => format!("request {} is not the tape's: {ways}", n + 1),
            },
        };
        state.wrong.push(why.clone());
        Heard::nothing(Loss::NotSent(why))
    }

    fn find(&self, n: usize, request: &Request, state: &mut State) -> Heard {
        let same = |e: &Exchange| {
            e.request.method == request.method
                && if self.loose {
                    e.request.path() == request.path()
                } else {
                    e.request.differs(request).is_none()
                }
        };
        if let Some((at, _)) = self.fault
            && same(&self.exchanges[at])
        {
            return self.told(at);
        }
        // Where nothing was done, things stand as before the fault.
        let before = (self.fault.filter(|(_, fault)| fault.instead().is_some()))
            .and_then(|(at, _)| self.exchanges[..at].iter().rposition(same));
        // Else as on the tape where it can be: what is read twice can have changed between.
        let found = before
            .or(self.exchanges.get(n).filter(|e| same(e)).map(|_| n))
            .or_else(|| {
                self.exchanges
                    .iter()
                    .skip(n)
                    .position(same)
                    .map(|at| n + at)
            })
            .or_else(|| self.exchanges.iter().rposition(same));
        match (found, self.fault) {
            (Some(at), _) => self.told(at),
            // A marketplace that refuses one request refuses its neighbors too.
            (None, Some((_, fault))) if fault.instead().is_some() => fault
                .instead()
                .unwrap_or_else(|| self.off_tape(request, state)),
            (None, _) => self.off_tape(request, state),
        }
    }

    fn off_tape(&self, request: &Request, state: &mut State) -> Heard {
        state.strayed.get_or_insert_with(|| request.to_string());
        Heard::nothing(Loss::NotSent(format!("the tape does not have {request}")))
    }

    fn told(&self, at: usize) -> Heard {
        let answer = &self.exchanges[at].answer;
        match self.fault {
            Some((place, fault)) if place == at => {
                fault.after(answer).unwrap_or_else(|| answer.clone())
            }
            _ => answer.clone(),
        }
    }

    /// The time that the tape gave next; none when it gave no more.
    pub fn now(&self) -> Option<String> {
        let mut state = self.state();
        state.now += 1;
        let given = &self.given.now;
        given.get(state.now - 1).or(given.last()).cloned()
    }

    /// The random bytes that the tape gave next; none when it gave no more.
    pub fn random(&self) -> Option<Vec<u8>> {
        let mut state = self.state();
        state.random += 1;
        self.given.random.get(state.random - 1).cloned()
    }

    /// What was asked and answered so far.
    pub fn log(&self) -> Vec<Exchange> {
        self.state().log.clone()
    }

    /// The first request that the tape could not answer at all.
    pub fn strayed(&self) -> Option<String> {
        self.state().strayed.clone()
    }

    /// What was other than on the tape, up to its end or to the fault.
    pub fn wrong(&self) -> Vec<String> {
        let state = self.state();
        let mut wrong = state.wrong.clone();
        let due = self.strict.min(self.exchanges.len());
        if let Some(missing) = self.exchanges.get(state.at).filter(|_| state.at < due) {
            wrong.push(format!(
                "{} of the tape's {due} requests did not come; the first is {}",
                due - state.at,
                missing.request
            ));
        }
        wrong
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player")
            .field("exchanges", &self.exchanges.len())
            .field("fault", &self.fault)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::exchange::{Answer, Body};

    fn request(method: &str, target: &str) -> Request {
        Request {
            method: method.into(),
            target: target.into(),
            headers: BTreeMap::from([("accept".into(), "application/json".into())]),
            body: None,
            credential: Some("api".into()),
            writes: method != "GET",
        }
    }

    fn call(exchanges: &[(&str, &str, &str)]) -> Call {
        Call {
            call: "orders.changed".into(),
            input: serde_json::Value::Null,
            given: Default::default(),
            exchanges: exchanges
                .iter()
                .map(|(method, target, body)| Exchange {
                    request: request(method, target),
                    answer: Heard::Answer(Answer {
                        status: 200,
                        headers: BTreeMap::new(),
                        body: Body::Text((*body).into()),
                    }),
                })
                .collect(),
            result: serde_json::Value::Null,
        }
    }

    fn two() -> Call {
        call(&[("GET", "/a?x=1", "[1]"), ("PUT", "/b", "[2]")])
    }

    #[test]
    fn the_tape_answers_in_its_order() {
        let player = Player::strict(&two());
        assert_eq!(
            player.answer(&request("GET", "/a?x=1")),
            two().exchanges[0].answer
        );
        assert_eq!(
            player.answer(&request("PUT", "/b")),
            two().exchanges[1].answer
        );
        assert!(player.wrong().is_empty());
    }

    #[test]
    fn every_difference_is_told_with_expected_and_got() {
        type Change = fn(&mut Request);
        let differing: [(&str, Change, &str); 7] = [
            (
                "method",
                |r| r.method = "POST".into(),
                "method: expected GET, got POST",
            ),
            (
                "path",
                |r| r.target = "/c?x=1".into(),
                "path: expected /a, got /c",
            ),
            (
                "query",
                |r| r.target = "/a".into(),
                "query: expected x=1, got none",
            ),
            (
                "header",
                |r| {
                    r.headers.insert("x-new".into(), "1".into());
                },
                "header x-new: expected none, got \"1\"",
            ),
            (
                "body",
                |r| r.body = Some(Body::Text("{}".into())),
                "body: expected none, got {}",
            ),
            (
                "slot",
                |r| r.credential = None,
                "credential: expected api, got none",
            ),
            (
                "mark",
                |r| r.writes = true,
                "marked as a write: expected false, got true",
            ),
        ];
        for (what, change, told) in differing {
            let player = Player::strict(&two());
            let mut asked = request("GET", "/a?x=1");
            change(&mut asked);
            let heard = player.answer(&asked);
            assert!(heard.to_string().contains(told), "{what}: {heard}");
            assert!(player.wrong()[0].contains(told), "{what}");
        }
    }

    #[test]
    fn missing_extra_and_swapped_requests_are_told() {
        let player = Player::strict(&two());
        player.answer(&request("GET", "/a?x=1"));
        assert!(player.wrong()[0].contains("the first is PUT /b"));
        player.answer(&request("PUT", "/b"));
        player.answer(&request("PUT", "/b"));
        assert!(player.wrong()[0].contains("one more than the tape has"));
        let player = Player::strict(&two());
        player.answer(&request("PUT", "/b"));
        assert!(player.wrong()[0].contains("expected GET, got PUT"));
    }

    #[test]
    fn behind_a_fault_the_tape_is_read_in_any_order_and_the_fault_stays() {
        let player = Player::with_fault(&two(), 1, Fault::Lost).unwrap();
        player.answer(&request("GET", "/a?x=1"));
        let lost = player.answer(&request("PUT", "/b"));
        assert!(matches!(
            lost,
            Heard::Nothing {
                error: Loss::Lost(_)
            }
        ));
        assert_eq!(
            player.answer(&request("GET", "/a?x=1")),
            two().exchanges[0].answer
        );
        assert_eq!(player.answer(&request("PUT", "/b")), lost);
        assert!(player.wrong().is_empty() && player.strayed().is_none());
        player.answer(&request("GET", "/elsewhere"));
        assert!(player.strayed().is_some());
    }

    #[test]
    fn where_nothing_was_done_things_stand_as_before() {
        let tape = call(&[
            ("GET", "/o", "old"),
            ("PUT", "/o", ""),
            ("GET", "/o", "new"),
        ]);
        let heard_behind = |fault| {
            let player = Player::with_fault(&tape, 1, fault).unwrap();
            player.answer(&request("GET", "/o"));
            player.answer(&request("PUT", "/o"));
            player.answer(&request("GET", "/o"))
        };
        assert_eq!(heard_behind(Fault::Status(422)), tape.exchanges[0].answer);
        assert_eq!(heard_behind(Fault::Lost), tape.exchanges[2].answer);
    }

    #[test]
    fn a_marketplace_that_refuses_refuses_what_the_tape_does_not_have_too() {
        let player = Player::with_fault(&two(), 1, Fault::Status(422)).unwrap();
        player.answer(&request("GET", "/a?x=1"));
        player.answer(&request("PUT", "/b"));
        let heard = player.answer(&request("PUT", "/b?half=1"));
        assert!(matches!(heard, Heard::Answer(a) if a.status == 422));
        assert!(player.strayed().is_none());
    }

    #[test]
    fn a_fault_that_does_not_fit_is_not_laid() {
        let call = call(&[("GET", "/a", "a;b")]);
        assert!(Player::with_fault(&call, 0, Fault::Truncated).is_none());
        assert!(Player::with_fault(&call, 1, Fault::Lost).is_none());
        assert!(Player::with_fault(&call, 0, Fault::Lost).is_some());
    }
}
