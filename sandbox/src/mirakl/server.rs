//! The routes and what stands in front of each: key, role, shop, and the budget of the call.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on};

use super::call::Call;
use super::reply::{Answer, Refusal, json_response, too_many, unauthorized, unavailable};
use super::state::State;
use super::{Mirakl, account, exports, imports, offers, order_reads, returns, shipments, shipping};
use crate::faults;
use crate::seller_center::{SWITCHES_PATH, merged};

type Handler = fn(&mut State, &Call) -> Answer;

/// One call of the protocol.
#[derive(Clone, Copy)]
struct Endpoint {
    /// Its name in the documentation.
    code: &'static str,
    /// What the key has to be allowed, without the prefix; empty needs no role.
    role: &'static str,
    /// It answers with a file, not with JSON.
    file: bool,
    handler: Handler,
}

fn serve(
    method: MethodFilter,
    code: &'static str,
    role: &'static str,
    handler: Handler,
) -> MethodRouter<Mirakl> {
    let endpoint = Endpoint {
        code,
        role,
        file: matches!(code, "STO03" | "OF03" | "OF54"),
        handler,
    };
    on(
        method,
        move |Extract(mirakl): Extract<Mirakl>, call: Call| async move {
            answer(&mirakl, &call, &endpoint)
        },
    )
}

fn answer(mirakl: &Mirakl, call: &Call, endpoint: &Endpoint) -> Response {
    let mut state = mirakl.lock();
    let requests = state.stats.requests.entry(endpoint.code.to_owned());
    *requests.or_default() += 1;
    if state.switches.maintenance {
        return unavailable();
    }
    if call.header(header::AUTHORIZATION) != Some(state.config.api_key.as_str()) {
        state.mistake(format!(
            "{} {}: 401 no key, or not the bare key of this shop",
            call.method, call.path
        ));
        return unauthorized(state.switches.unauthorized_body);
    }
    if let Err(seconds) = state.admit(endpoint.code) {
        let retry_after = state.switches.retry_after.then_some(seconds);
        return too_many(retry_after);
    }
    let outcome = admitted(&mut state, call, endpoint).and_then(|()| {
        let handler = endpoint.handler;
        handler(&mut state, call)
    });
    match outcome {
        Ok(reply) => reply.into_response(),
        Err(refusal) => {
            let text = format!("{} {}: {}", call.method, call.path, refusal.reason());
            match refusal.of_state {
                true => state.conflict(text),
                false => state.mistake(text),
            }
            refusal.response(&state.switches)
        }
    }
}

/// The rest of what can stop a call before its handler sees it.
fn admitted(state: &mut State, call: &Call, endpoint: &Endpoint) -> Result<(), Refusal> {
    if state
        .switches
        .missing_roles
        .iter()
        .any(|r| r == endpoint.role)
    {
        return Err(Refusal::forbidden(format!(
            "The key does not have the role {}",
            endpoint.role
        )));
    }
    match call.one("shop_id") {
        None => state.stats.without_shop += 1,
        Some(id) if id == state.config.shop_id.to_string() => {}
        Some(id) => {
            return Err(Refusal::wrong(
                403,
                format!("shop_id: no access to the shop {id}"),
            ));
        }
    }
    let accepted = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        matches!(kind, "*/*" | "application/*" | "application/json")
    };
    match call.header(header::ACCEPT) {
        Some(kinds) if !endpoint.file && !kinds.split(',').any(accepted) => {
            Err(Refusal::wrong(406, format!("`{kinds}` cannot be answered")))
        }
        _ => Ok(()),
    }
}

pub(super) fn router(mirakl: Mirakl) -> Router {
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    const PUT: MethodFilter = MethodFilter::PUT;
    let api = Router::new()
        .route("/api/version", serve(GET, "V01", "", account::version))
        .route(
            "/api/account",
            serve(GET, "A01", "SHOP_READ", account::account),
        )
        .route(
            "/api/platform/configuration",
            serve(GET, "PC01", "ADMIN", account::configuration),
        )
        .route(
            "/api/shipping/carriers",
            serve(GET, "SH21", "SHIPPING_SETTINGS_READ", account::carriers),
        )
        .route(
            "/api/shipping/types",
            serve(GET, "SH12", "SHIPPING_SETTINGS_READ", account::methods),
        )
        .route(
            "/api/reasons",
            serve(GET, "RE01", "ORDER_SETTINGS_READ", account::reasons),
        )
        .route(
            "/api/offers",
            serve(GET, "OF21", "OFFER_READ", offers::list).merge(serve(
                POST,
                "OF24",
                "OFFER_WRITE",
                imports::objects,
            )),
        )
        .route(
            "/api/offers/{offer}",
            serve(GET, "OF22", "OFFER_READ", offers::one),
        )
        .route(
            "/api/offers/imports",
            serve(POST, "OF01", "OFFER_WRITE", imports::offers),
        )
        .route(
            "/api/offers/imports/{import}",
            serve(GET, "OF02", "OFFER_TRACKING_READ", imports::offers_status),
        )
        .route(
            "/api/offers/imports/{import}/error_report",
            serve(GET, "OF03", "OFFER_TRACKING_READ", imports::offers_report),
        )
        .route(
            "/api/offers/stock/imports",
            serve(POST, "STO01", "OFFER_STOCK_WRITE", imports::stock),
        )
        .route(
            "/api/offers/stock/imports/{import}/status",
            serve(GET, "STO02", "OFFER_STOCK_WRITE", imports::stock_status),
        )
        .route(
            "/api/offers/stock/imports/{import}/error_report",
            serve(GET, "STO03", "OFFER_STOCK_WRITE", imports::stock_report),
        )
        .route(
            "/api/offers/export/async",
            serve(POST, "OF52", "OFFER_READ", exports::start),
        )
        .route(
            "/api/offers/export/async/status/{export}",
            serve(GET, "OF53", "OFFER_READ", exports::status),
        )
        .route(
            "/api/offers/export/async/file/{export}/{number}",
            serve(GET, "OF54", "OFFER_READ", exports::file),
        )
        .route(
            "/api/orders",
            serve(GET, "OR11", "ORDER_READ", order_reads::list).merge(serve(
                PUT,
                "OR04",
                "ORDER_EDIT",
                order_reads::update,
            )),
        )
        .route(
            "/api/orders/cancel",
            serve(PUT, "OR30", "ORDER_CANCEL", returns::cancel),
        )
        .route(
            "/api/orders/refund",
            serve(PUT, "OR28", "ORDER_REFUND", returns::refund),
        )
        .route(
            "/api/orders/{order}/accept",
            serve(PUT, "OR21", "ORDER_ACCEPT", order_reads::accept),
        )
        .route(
            "/api/orders/{order}/tracking",
            serve(PUT, "OR23", "ORDER_TRACKING_WRITE", shipping::tracking),
        )
        .route(
            "/api/orders/{order}/ship",
            serve(PUT, "OR24", "ORDER_SHIP", shipping::ship),
        )
        .route(
            "/api/orders/{order}/cancel",
            serve(PUT, "OR29", "ORDER_CANCEL", returns::cancel_order),
        )
        .route(
            "/api/shipments",
            serve(GET, "ST11", "ORDER_READ", shipments::list).merge(serve(
                POST,
                "ST01",
                "ORDER_SHIP",
                shipments::create,
            )),
        )
        .route(
            "/api/shipments/items_to_ship",
            serve(GET, "ST12", "ORDER_READ", shipments::to_ship),
        )
        .route(
            "/api/shipments/tracking",
            serve(POST, "ST23", "ORDER_TRACKING_WRITE", shipments::tracking),
        )
        .route(
            "/api/shipments/ship",
            serve(PUT, "ST24", "ORDER_SHIP", shipments::ship),
        )
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(mirakl.clone());
    let control = Router::new()
        .route(SWITCHES_PATH, get(read_switches).patch(change_switches))
        .with_state(mirakl.clone());
    faults::wrap(api, mirakl.faults().clone())
        .merge(control)
        .merge(faults::control(mirakl.faults().clone()))
}

const NOWHERE: Endpoint = Endpoint {
    code: "(unknown)",
    role: "",
    file: true,
    handler: |_, call| {
        // Old guides name many paths that are gone: a client that asks for one is wrong.
        Err(Refusal::wrong(404, format!("{} not found", call.path)))
    },
};

async fn unknown(Extract(mirakl): Extract<Mirakl>, call: Call) -> Response {
    answer(&mirakl, &call, &NOWHERE)
}

async fn wrong_method(Extract(mirakl): Extract<Mirakl>, call: Call) -> Response {
    let endpoint = Endpoint {
        handler: |_, call| {
            let text = format!("{} is not allowed here", call.method);
            Err(Refusal::wrong(405, text))
        },
        ..NOWHERE
    };
    answer(&mirakl, &call, &endpoint)
}

async fn read_switches(Extract(mirakl): Extract<Mirakl>) -> Response {
    let switches = serde_json::to_value(&mirakl.lock().switches);
    json_response(StatusCode::OK, &switches.unwrap_or_default())
}

async fn change_switches(Extract(mirakl): Extract<Mirakl>, body: Bytes) -> Response {
    let mut state = mirakl.lock();
    match merged(&state.switches, &body) {
        Ok(switches) => {
            state.switches = switches;
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}
