//! The routes and what stands in front of each: key, rights, and what one second allows.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{StatusCode, header::HeaderName};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on};

use super::call::Call;
use super::reply::{Answer, Refusal, respond};
use super::state::State;
use super::{Practice, account, listings, orders, writes};
use crate::faults;
use crate::seller_center::{SWITCHES_PATH, merged};

type Handler = fn(&mut State, &Call) -> Answer;

const KEY: HeaderName = HeaderName::from_static("x-api-key");

fn serve(method: MethodFilter, name: &'static str, handler: Handler) -> MethodRouter<Practice> {
    on(
        method,
        move |Extract(market): Extract<Practice>, call: Call| async move {
            answer(&market, &call, name, handler)
        },
    )
}

fn answer(market: &Practice, call: &Call, name: &str, handler: Handler) -> Response {
    let mut state = market.lock();
    *state.stats.requests.entry(name.to_owned()).or_default() += 1;
    let outcome = admitted(&mut state, call, name).and_then(|()| handler(&mut state, call));
    match outcome {
        Ok((status, body)) => respond(status, &body),
        Err(refusal) => {
            let text = format!("{} {}: {}", call.method, call.path, refusal.reason());
            match refusal.of_state {
                true => state.conflict(text),
                false => state.mistake(text),
            }
            refusal.into_response()
        }
    }
}

/// What can stop a call before its handler sees it.
fn admitted(state: &mut State, call: &Call, name: &str) -> Result<(), Refusal> {
    if state.switches.maintenance {
        return Err(Refusal::maintenance());
    }
    let key = call.headers.get(KEY).and_then(|v| v.to_str().ok());
    if key != Some(state.config.api_key.as_str()) {
        return Err(Refusal::unauthorized());
    }
    if !state.admit() {
        return Err(Refusal::too_many(1));
    }
    match state.switches.forbidden.iter().any(|f| f == name) {
        true => Err(Refusal::forbidden(name)),
        false => Ok(()),
    }
}

pub(super) fn router(market: Practice) -> Router {
    const GET: MethodFilter = MethodFilter::GET;
    const PUT: MethodFilter = MethodFilter::PUT;
    const POST: MethodFilter = MethodFilter::POST;
    let routes: [(&str, MethodFilter, &'static str, Handler); 8] = [
        ("/v1/account", GET, "GET account", account::account),
        ("/v1/listings", GET, "GET listings", listings::list),
        ("/v1/stock", PUT, "PUT stock", listings::write),
        ("/v1/orders", GET, "GET orders", orders::list),
        ("/v1/carriers", GET, "GET carriers", account::carriers),
        (
            "/v1/orders/{order}/parcels",
            POST,
            "POST parcels",
            writes::parcel,
        ),
        (
            "/v1/cancel-reasons",
            GET,
            "GET cancel-reasons",
            account::reasons,
        ),
        (
            "/v1/orders/{order}/cancellations",
            POST,
            "POST cancellations",
            writes::cancellation,
        ),
    ];
    let api = routes
        .into_iter()
        .fold(Router::new(), |api, (path, method, name, handler)| {
            api.route(path, serve(method, name, handler))
        })
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .with_state(market.clone());
    let control = Router::new()
        .route(SWITCHES_PATH, get(read_switches).patch(change_switches))
        .with_state(market.clone());
    faults::wrap(api, market.faults().clone())
        .merge(control)
        .merge(faults::control(market.faults().clone()))
}

async fn unknown(Extract(market): Extract<Practice>, call: Call) -> Response {
    answer(&market, &call, "(unknown)", |_, call| {
        Err(Refusal::nowhere(format!(
            "there is no {} {}",
            call.method, call.path
        )))
    })
}

async fn read_switches(Extract(market): Extract<Practice>) -> Response {
    let switches = serde_json::to_value(&market.lock().switches);
    respond(200, &switches.unwrap_or_default())
}

async fn change_switches(Extract(market): Extract<Practice>, body: Bytes) -> Response {
    let mut state = market.lock();
    match merged(&state.switches, &body) {
        Ok(switches) => {
            state.switches = switches;
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}
