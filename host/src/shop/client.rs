//! Sends one operation: token, points, transport, and the order in which an answer is checked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tracing::Instrument;
use url::Url;

use super::auth::Tokens;
use super::errors::{self, Head, Kind};
use super::operations::Ask;
use super::place_of;
use super::throttle::{Cost, Limiter, Pass, Urgency};
use crate::model::{Fault, Side};
use crate::net::{Client, Method, Request, Response};
use crate::telemetry::{self, spans};
use crate::trace::{self, Noting};
use crate::vault::Scrubber;

/// How often a call that was turned away for want of points is sent in all.
const TRIES: u32 = 5;
/// Longest answer to a GraphQL call, in bytes.
const MAX_BODY: usize = 64 << 20;
/// A read.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);
/// A write: a lost answer costs a look-up, so it is given time.
const MUTATION_TIMEOUT: Duration = Duration::from_secs(60);

/// The GraphQL endpoint of one shop.
#[derive(Debug)]
pub(super) struct Endpoint {
    client: Client,
    url: Url,
    /// The operator's short name of the shop.
    shop: String,
    api_version: String,
    tokens: Tokens,
    limiter: Limiter,
    warned: AtomicBool,
}

/// The data of an answer, and the API version that answered when Shopify says so.
pub(super) struct Answer<A> {
    pub(super) data: A,
    pub(super) api_version: Option<String>,
}

/// What came of one exchange.
enum Heard<A> {
    Answer(Answer<A>),
    /// It cost more points than there were. Nothing was done.
    TurnedAway {
        /// Whether the answer tells how many there are.
        bucket_told: bool,
    },
}

#[derive(Serialize)]
struct Body<'a, V> {
    query: &'a str,
    variables: &'a V,
    #[serde(rename = "operationName")]
    operation_name: &'a str,
}

impl Endpoint {
    pub(super) fn new(
        client: Client,
        url: Url,
        shop: String,
        api_version: String,
        tokens: Tokens,
    ) -> Self {
        Self {
            client,
            url,
            shop,
            api_version,
            tokens,
            limiter: Limiter::new(),
            warned: AtomicBool::new(false),
        }
    }

    pub(super) fn api_version(&self) -> &str {
        &self.api_version
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Knows the secrets that the shop may repeat.
    pub(super) fn scrubber(&self) -> &Scrubber {
        self.tokens.scrubber()
    }

    /// Sends an operation whose cost does not depend on its variables.
    pub(super) async fn ask<A: Ask>(&self, variables: &A::Variables) -> Result<A, Fault> {
        self.ask_sized(variables, 0).await
    }

    /// Sends an operation whose cost depends on `size`, as the number of levels or ids asked for.
    pub(super) async fn ask_sized<A: Ask>(
        &self,
        variables: &A::Variables,
        size: u32,
    ) -> Result<A, Fault> {
        let span = spans::operation(&self.shop, A::NAME);
        let answer = self.answer::<A>(variables, size);
        let result = answer.instrument(span.clone()).await;
        spans::failed(&span, result.as_ref().err().map(Fault::case));
        Ok(result?.data)
    }

    /// As [`Self::ask_sized`], with what the answer's headers say.
    pub(super) async fn answer<A: Ask>(
        &self,
        variables: &A::Variables,
        size: u32,
    ) -> Result<Answer<A>, Fault> {
        let body = Body {
            query: A::document(),
            variables,
            operation_name: A::NAME,
        };
        let body = serde_json::to_vec(&body).map_err(|e| Fault::Other {
            detail: format!("{}: its variables cannot be written as JSON: {e}", A::NAME),
        })?;
        let shape = (A::NAME, size);
        let mut urgency = A::URGENCY;
        let mut sent = 0;
        for _ in 0..TRIES {
            let asked = tokio::time::Instant::now();
            let pass = self.limiter.enter(shape, A::COST, urgency).await;
            telemetry::waited(Side::Shop, &self.shop, asked.elapsed());
            let (response, mut noting) = self.post(&body, A::NAME, A::KIND, &mut sent).await?;
            match self.read::<A>(&response, pass, &mut noting) {
                Ok(Heard::Answer(answer)) => return Ok(answer),
                Ok(Heard::TurnedAway { bucket_told }) => {
                    let why = "turned away for want of points";
                    tracing::debug!(operation = A::NAME, "{why}");
                    noting.why(why);
                    drop(noting);
                    if !bucket_told {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    urgency = Urgency::Urgent;
                }
                Err(fault) => {
                    noting.why(&fault);
                    return Err(fault);
                }
            }
        }
        let wait = self.limiter.wait_for(shape).max(Duration::from_secs(1));
        Err(Fault::Throttled {
            retry_after_ms: u32::try_from(wait.as_millis()).ok(),
            detail: format!(
                "{}: Shopify turned the call away {TRIES} times; does another program use the same app?",
                A::NAME
            ),
        })
    }

    /// What an answer says.
    fn read<A: Ask>(
        &self,
        response: &Response,
        pass: Pass<'_>,
        noting: &mut Noting,
    ) -> Result<Heard<A>, Fault> {
        if let Some(fault) = errors::of_status(response, &place_of(&self.url), A::KIND) {
            return Err(fault);
        }
        let head: Head =
            serde_json::from_slice(&response.body).map_err(|e| unreadable::<A>(response, &e))?;
        let cost = head.cost();
        pass.settle(cost);
        if let Some(points) = cost.and_then(|c| c.actual_query_cost) {
            noting.cost(points);
        }
        let errors = head.errors();
        let turned_away = errors::turned_away(&errors, cost);
        telemetry::points(&self.shop, points(cost, turned_away));
        if turned_away {
            let bucket_told = cost.is_some_and(|c| c.throttle_status.is_some());
            return Ok(Heard::TurnedAway { bucket_told });
        }
        if let Some(fault) = errors::of_top(&errors, A::NAME, A::KIND) {
            return Err(fault);
        }
        let api_version = self.note_version(response);
        let data = read_data::<A>(response)?;
        Ok(Heard::Answer(Answer { data, api_version }))
    }

    /// One exchange. A token that is refused is renewed once: such a call has done nothing. `sent` counts what was sent
    /// for the call.
    async fn post(
        &self,
        body: &[u8],
        operation: &str,
        kind: Kind,
        sent: &mut u32,
    ) -> Result<(Response, Noting), Fault> {
        let mut refused = None;
        loop {
            let token = self.tokens.get(&self.client, refused).await?;
            let request = Request {
                method: Method::Post,
                url: self.url.clone(),
                headers: vec![
                    ("content-type".into(), "application/json".into()),
                    ("accept".into(), "application/json".into()),
                    (
                        "x-shopify-access-token".into(),
                        token.value.expose_secret().to_owned(),
                    ),
                ],
                body: Some(body.to_vec()),
                timeout: match kind {
                    Kind::Query => QUERY_TIMEOUT,
                    Kind::Mutation => MUTATION_TIMEOUT,
                },
                max_body: MAX_BODY,
            };
            *sent += 1;
            let started = tokio::time::Instant::now();
            let scrubber = self.tokens.scrubber();
            let mut noting = trace::begin(Side::Shop, operation, *sent, &request, scrubber);
            let outcome = self.client.send(request).await;
            noting.heard(&outcome);
            let status = outcome.as_ref().ok().map(|a| a.status);
            let took = started.elapsed();
            telemetry::requested(Side::Shop, &self.shop, operation, status, took);
            let mut response = outcome.map_err(|e| {
                let fault = errors::of_transport(e, kind);
                noting.why(&fault);
                fault
            })?;
            tracing::debug!(
                operation,
                status = response.status,
                bytes = response.body.len(),
                ms = started.elapsed().as_millis() as u64,
                "Shopify"
            );
            if response.status == 401 && refused.is_none() && self.tokens.renewable() {
                noting.why("the access token was refused: sent again with a new one");
                refused = Some(token.generation);
                continue;
            }
            response.body = scrubber.scrub_bytes(response.body);
            return Ok((response, noting));
        }
    }

    /// A version that is gone "falls forward" to another: everything may still work, but someone should know.
    fn note_version(&self, response: &Response) -> Option<String> {
        let version = response.header("x-shopify-api-version")?;
        if version != self.api_version && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                asked = self.api_version,
                answered = version,
                "{} answers with another API version than was asked for; update this program",
                place_of(&self.url)
            );
        }
        Some(version.to_owned())
    }
}

fn points(cost: Option<Cost>, turned_away: bool) -> telemetry::Points {
    let bucket = cost.and_then(|c| c.throttle_status);
    telemetry::Points {
        spent: cost.and_then(|c| c.actual_query_cost),
        bucket: bucket.map(|b| (b.currently_available, b.maximum_available, b.restore_rate)),
        turned_away,
    }
}

/// Shopify sends a body that is not what the schema promises.
fn unreadable<A: Ask>(response: &Response, error: &serde_json::Error) -> Fault {
    let kind = response.header("content-type").unwrap_or("no content type");
    A::KIND.unreadable(format!(
        "{}: {error} ({} bytes of {kind})",
        A::NAME,
        response.body.len()
    ))
}

fn read_data<A: Ask>(response: &Response) -> Result<A, Fault> {
    /// Read apart from the errors, so that a shape that does not fit never hides them.
    #[derive(Deserialize)]
    #[serde(bound = "A: serde::de::DeserializeOwned")]
    struct Whole<A> {
        data: Option<A>,
    }
    let whole: Whole<A> =
        serde_json::from_slice(&response.body).map_err(|e| unreadable::<A>(response, &e))?;
    whole.data.ok_or_else(|| {
        A::KIND.unreadable(format!(
            "{}: the answer has neither data nor errors",
            A::NAME
        ))
    })
}
