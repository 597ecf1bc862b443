//! Notes each HTTP exchange under what it is made for.
//!
//! Whoever begins work for a subject opens a [`Scope`]; whoever sends a request notes it into the scope of its task, if
//! there is one. What was noted goes to the scope's sink when the work ends, however it ends.
//!
//! Work is boxed here: it is a large future, and one that holds another by value is moved over the stack as a whole.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant as Clock;

use crate::model::{Exchange, Fault, Instant, Side};
use crate::net;
use crate::vault::Scrubber;

/// What a request for an access token is called.
pub const TOKEN: &str = "token";
/// Longest text of an error, in characters.
const LONGEST: usize = 500;
/// Longest request id, in characters: what is longer is none.
const LONGEST_ID: usize = 100;
/// How many exchanges of a scope that sums stay apart, until it is sure that they went well.
const PENDING: usize = 64;
/// How many failures of a scope that sums get a row of their own.
const MOST_FAILURES: usize = 50;

tokio::task_local! {
    static SCOPE: Scope;
}

/// Takes what was noted, the exchange sent first in front. Must not block: it is called while work goes on.
pub type Sink = Box<dyn Fn(Vec<Exchange>) + Send + Sync>;

/// What work is about, and why it is done. Clones note into the same book.
#[derive(Clone)]
pub struct Scope {
    cause: Cow<'static, str>,
    book: Arc<Book>,
}

impl Scope {
    /// Work for one subject: each exchange is a row.
    pub fn new(cause: impl Into<Cow<'static, str>>, sink: Sink) -> Self {
        Self::with(cause.into(), sink, false)
    }

    /// Work for many subjects at once: one row for each cause and call with their counts, and a row for each of the
    /// first failures.
    pub fn sums(cause: impl Into<Cow<'static, str>>, sink: Sink) -> Self {
        Self::with(cause.into(), sink, true)
    }

    fn with(cause: Cow<'static, str>, sink: Sink, sums: bool) -> Self {
        let book = Arc::new(Book {
            sink,
            sums,
            pages: Mutex::default(),
        });
        Self { cause, book }
    }

    /// Does the work. What it notes goes to the sink in one piece when the work ends, fails or is dropped.
    pub fn run<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        struct End(Arc<Book>);
        impl Drop for End {
            fn drop(&mut self) {
                self.0.close();
            }
        }
        let work = Box::pin(work);
        async move {
            let _end = End(self.book.clone());
            SCOPE.scope(self, work).await
        }
    }
}

fn current() -> Option<Scope> {
    SCOPE.try_with(Scope::clone).ok()
}

/// Does a part of the work of the present scope for a cause of its own.
pub fn because<F: Future>(
    cause: impl Into<Cow<'static, str>>,
    work: F,
) -> impl Future<Output = F::Output> {
    let (cause, work) = (cause.into(), Box::pin(work));
    async move {
        match current() {
            Some(Scope { book, .. }) => SCOPE.scope(Scope { cause, book }, work).await,
            None => work.await,
        }
    }
}

/// The same work, noting into the present scope wherever it is spawned.
pub fn carry<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let scope = current();
    async move {
        match scope {
            Some(scope) => SCOPE.scope(scope, work).await,
            None => work.await,
        }
    }
}

/// Begins to note a request that is sent now, as the how many-th try of its call. Whatever is noted passes the scrubber.
pub fn begin(
    side: Side,
    call: &str,
    attempt: u32,
    request: &net::Request,
    scrubber: &Scrubber,
) -> Noting {
    Noting(current().map(|scope| {
        let cause = scope.cause.clone().into_owned();
        let mut row = Exchange::begun(Instant::now(), cause, side, call.to_owned(), attempt);
        row.method = Some(request.method.as_str().to_owned());
        row.path = Some(request.url.path().to_owned());
        Box::new(Open {
            scope,
            scrubber: scrubber.clone(),
            begun: Clock::now(),
            row,
            heard: false,
            concluded: false,
        })
    }))
}

/// One exchange that is being noted; it is in the book once this is dropped.
#[must_use]
pub struct Noting(Option<Box<Open>>);

struct Open {
    scope: Scope,
    scrubber: Scrubber,
    begun: Clock,
    row: Exchange,
    heard: bool,
    concluded: bool,
}

impl Noting {
    /// The path is a secret, as that of a signed link.
    pub fn without_path(mut self) -> Self {
        if let Some(open) = &mut self.0 {
            open.row.path = None;
        }
        self
    }

    /// The answer is there, or will not come.
    pub fn heard(&mut self, outcome: &Result<net::Response, net::Error>) {
        let Some(open) = &mut self.0 else { return };
        open.heard = true;
        open.row.ms = milliseconds(open.begun);
        match outcome {
            Ok(answer) => {
                open.row.status = Some(answer.status);
                open.row.bytes = answer.body.len() as u64;
                let id = answer.header("x-request-id");
                open.row.request_id = id
                    .filter(|id| !id.is_empty() && id.chars().count() <= LONGEST_ID)
                    .map(str::to_owned);
            }
            Err(e) => open.row.error = Some(e.to_string()),
        }
    }

    /// Points that the answer says the call cost.
    pub fn cost(&mut self, points: f64) {
        if let Some(open) = &mut self.0 {
            open.row.cost = Some(points.round() as u32);
        }
    }

    /// What the caller makes of the outcome: its fault, or why it asks again.
    pub fn why(&mut self, words: impl Display) {
        if let Some(open) = &mut self.0 {
            open.row.error = Some(words.to_string());
            open.concluded = true;
        }
    }
}

impl Drop for Noting {
    fn drop(&mut self) {
        let Some(open) = self.0.take() else { return };
        let Open {
            scope,
            scrubber,
            begun,
            mut row,
            heard,
            concluded,
        } = *open;
        if !heard {
            row.ms = milliseconds(begun);
            row.error = Some("given up before an answer came".into());
        }
        for text in [&mut row.path, &mut row.error, &mut row.request_id] {
            *text = text.take().map(|t| scrubber.scrub(&t));
        }
        row.judge();
        scope.book.put(row, concluded);
    }
}

fn milliseconds(since: Clock) -> u64 {
    since.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
}

/// The place in the book at which a call begins, so that the fault it ends with finds the exchange that it comes from.
pub struct Mark(Option<(Scope, u64)>);

/// A call begins.
pub fn mark() -> Mark {
    Mark(current().map(|scope| {
        let next = scope.book.pages().next;
        (scope, next)
    }))
}

impl Mark {
    /// The call failed. The words go to the exchange that they are about: of those since the mark the last one that was
    /// not answered well, else the last. Without any the call gets a row of its own.
    pub fn failed(&self, side: Side, call: &str, words: impl Display) {
        if let Some((scope, since)) = &self.0 {
            let words = short(words.to_string());
            scope.book.conclude(*since, side, words, || {
                let cause = scope.cause.clone().into_owned();
                Exchange::begun(Instant::now(), cause, side, call.to_owned(), 1)
            });
        }
    }
}

/// Does the work of a call, and adds the fault it ends with to the exchange that the fault comes from.
pub fn concluding<T>(
    side: Side,
    call: &str,
    work: impl Future<Output = Result<T, Fault>>,
) -> impl Future<Output = Result<T, Fault>> {
    let work = Box::pin(work);
    async move {
        let mark = mark();
        let result = work.await;
        if let Err(fault) = &result {
            mark.failed(side, call, fault);
        }
        result
    }
}

fn short(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} ...", &text[..at]),
        None => text,
    }
}

struct Book {
    sink: Sink,
    sums: bool,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    /// The number of the next row.
    next: u64,
    rows: VecDeque<Row>,
    sums: BTreeMap<(String, Side, String), Exchange>,
    failures: Vec<Exchange>,
}

struct Row {
    number: u64,
    exchange: Exchange,
    /// Its error is the caller's last word.
    concluded: bool,
}

impl Book {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        // Notes may be taken while a panic goes up: what is in the book is whole at any moment.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, mut exchange: Exchange, concluded: bool) {
        exchange.error = exchange.error.map(short);
        let mut pages = self.pages();
        let number = pages.next;
        pages.next += 1;
        pages.rows.push_back(Row {
            number,
            exchange,
            concluded,
        });
        if self.sums && pages.rows.len() > PENDING {
            pages.fold_first();
        }
    }

    fn conclude(&self, since: u64, side: Side, words: String, call: impl FnOnce() -> Exchange) {
        let mut pages = self.pages();
        let mut own: Vec<&mut Row> = (pages.rows.iter_mut())
            .filter(|r| r.number >= since && r.exchange.side == side && r.exchange.call != TOKEN)
            .collect();
        if (own.iter()).any(|r| r.exchange.error.as_deref() == Some(&words)) {
            return;
        }
        own.retain(|r| !r.concluded);
        let bad = own.iter().rposition(|r| !r.exchange.well());
        if let Some(at) = bad.or(own.len().checked_sub(1)) {
            let row = own.swap_remove(at);
            row.exchange.error = Some(words);
            row.exchange.judge();
            row.concluded = true;
            return;
        }
        drop(pages);
        let mut exchange = call();
        exchange.error = Some(words);
        exchange.judge();
        self.put(exchange, true);
    }

    /// Hands everything over.
    fn close(&self) {
        let mut all: Vec<Exchange> = {
            let mut pages = self.pages();
            if self.sums {
                while !pages.rows.is_empty() {
                    pages.fold_first();
                }
            }
            let rows = mem::take(&mut pages.rows);
            let sums = mem::take(&mut pages.sums);
            let failures = mem::take(&mut pages.failures);
            (rows.into_iter().map(|r| r.exchange))
                .chain(failures)
                .chain(sums.into_values())
                .collect()
        };
        if !all.is_empty() {
            // Requests that run at the same time are noted in the order of their answers.
            all.sort_by_key(|e| e.at);
            (self.sink)(all);
        }
    }
}

impl Drop for Book {
    /// A request that was spawned can end after the scope.
    fn drop(&mut self) {
        self.close();
    }
}

impl Pages {
    /// Takes the oldest row into the sums, unless it failed and is one of the first that did.
    fn fold_first(&mut self) {
        let Some(Row { exchange, .. }) = self.rows.pop_front() else {
            return;
        };
        if !exchange.well() && self.failures.len() < MOST_FAILURES {
            self.failures.push(exchange);
            return;
        }
        let key = (exchange.cause.clone(), exchange.side, exchange.call.clone());
        match self.sums.get_mut(&key) {
            Some(sum) => sum.absorb(&exchange),
            None => {
                let sum = Exchange {
                    method: None,
                    path: None,
                    status: None,
                    attempt: None,
                    request_id: None,
                    ..exchange
                };
                self.sums.insert(key, sum);
            }
        }
    }
}

#[cfg(test)]
mod tests;
