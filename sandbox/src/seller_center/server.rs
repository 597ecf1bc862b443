//! The routes and the gate in front of them: counting, maintenance, bearer check, limiter.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{MatchedPath, Request, State as Extract};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, get, on};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::account::Bearer;
use super::call::Call;
use super::reply::{Answer, Refusal, Reply};
use super::state::State;
use super::switches::UnauthorizedBody;
use super::{
    SellerCenter, account, catalog, imports, order_reads, shipping, statuses, stock, webhooks,
};
use crate::faults;

/// Where the switches can be read and, member by member, changed.
pub const SWITCHES_PATH: &str = "/_sandbox/switches";

const TOKEN_PATH: &str = "/oauth/client-credentials";

type Handler = fn(&mut State, &Call) -> Answer;

fn serve(method: MethodFilter, handler: Handler) -> MethodRouter<SellerCenter> {
    on(
        method,
        move |Extract(center): Extract<SellerCenter>, call: Call| async move {
            answer(&center, &call, handler, true)
        },
    )
}

fn answer(center: &SellerCenter, call: &Call, handler: Handler, path_exists: bool) -> Response {
    let mut state = center.lock();
    match handler(&mut state, call) {
        Ok(reply) => reply.into_response(),
        Err(refusal) => {
            let text = format!("{} {}: {}", call.method, call.path, refusal.reason());
            match depends_on_state(&refusal, path_exists) {
                true => state.conflict(text),
                false => state.mistake(text),
            }
            refusal.into_response()
        }
    }
}

/// Whether a refusal may be due to something that happened meanwhile, or is the answer to an honest question,
/// rather than the client's mistake.
fn depends_on_state(refusal: &Refusal, path_exists: bool) -> bool {
    match refusal {
        Refusal::PerItem(_) => true,
        Refusal::Problem { status: 404, .. } => path_exists,
        Refusal::Problem { detail, .. } => {
            ["E028", "E073"].iter().any(|code| detail.starts_with(code))
        }
        _ => false,
    }
}

pub(super) fn router(center: SellerCenter) -> Router {
    const GET: MethodFilter = MethodFilter::GET;
    const POST: MethodFilter = MethodFilter::POST;
    const PUT: MethodFilter = MethodFilter::PUT;
    const DELETE: MethodFilter = MethodFilter::DELETE;
    let status = |name: &str| format!("/v2/orders/statuses/set-to-{name}");
    let api = Router::new()
        .route(TOKEN_PATH, serve(POST, account::token))
        .route("/v2/seller", serve(GET, account::seller))
        .route("/v2/seller-settings", serve(GET, account::settings))
        .route("/v2/health", serve(GET, account::health))
        .route("/v2/product-sets", serve(GET, catalog::list_sets))
        .route("/v2/product-set/{set}", serve(GET, catalog::one_set))
        .route(
            "/v2/product-set/parent-sku/{sku}",
            serve(GET, catalog::set_by_parent_sku),
        )
        .route(
            "/v2/product-set/config-sku/{sku}",
            serve(GET, catalog::set_by_config_sku),
        )
        .route(
            "/v2/product-set/{set}/products",
            serve(GET, catalog::set_products),
        )
        .route(
            "/v2/product-set/{set}/products/{product}",
            serve(GET, catalog::set_product),
        )
        .route(
            "/v2/product-set/{set}/products/{product}/status",
            serve(PUT, catalog::put_status),
        )
        .route(
            "/v2/product/seller-sku/{sku}",
            serve(GET, catalog::by_seller_sku),
        )
        .route(
            "/v2/product/shop-sku/{sku}",
            serve(GET, catalog::by_shop_sku),
        )
        .route(
            "/v2/product/seller-skus",
            serve(GET, catalog::by_seller_skus),
        )
        .route(
            "/v2/product/{product}/prices/{country}",
            serve(PUT, catalog::put_price),
        )
        .route("/v2/products", serve(GET, catalog::products))
        .route("/v2/prices", serve(GET, catalog::prices))
        .route("/v2/stock/product", serve(PUT, stock::put))
        .route("/v2/stock/product/{product}", serve(GET, stock::of_product))
        .route("/v2/stock/product-set/{set}", serve(GET, stock::of_set))
        .route("/v2/warehouses", serve(GET, stock::warehouses))
        .route(
            "/v2/import/product-stock-update-xml",
            serve(POST, imports::stock_xml),
        )
        .route("/v2/feeds", serve(GET, imports::feeds))
        .route("/v2/feeds/count", serve(GET, imports::feed_count))
        .route("/v2/feed/raw-input", serve(GET, imports::feed_raw))
        .route("/v2/feed/{feed}", serve(DELETE, imports::feed_cancel))
        .route("/v2/feed/{feed}/status", serve(GET, imports::feed_status))
        .route("/v2/orders", serve(GET, order_reads::orders))
        .route("/v2/orders/{order}", serve(GET, order_reads::order))
        .route("/v2/orders-counters", serve(GET, order_reads::counters))
        .route("/v2/order-items", serve(GET, order_reads::order_items))
        .route(
            "/v2/order-items/packages",
            serve(GET, order_reads::packages),
        )
        .route(
            "/v2/order/{order}/history",
            serve(GET, order_reads::history),
        )
        .route(
            &status("packed-by-marketplace"),
            serve(POST, statuses::packed),
        )
        .route(
            &status("ready-to-ship"),
            serve(POST, statuses::ready_to_ship),
        )
        .route(&status("shipped"), serve(POST, statuses::shipped))
        .route(&status("cancelled"), serve(POST, statuses::cancelled))
        .route(&status("delivered"), serve(POST, statuses::delivered))
        .route(
            &status("delivery-failed"),
            serve(POST, statuses::delivery_failed),
        )
        .route(&status("returned"), serve(POST, statuses::returned))
        .route(
            &status("return-received"),
            serve(POST, statuses::return_received),
        )
        .route(
            &status("return-approved"),
            serve(POST, statuses::return_approved),
        )
        .route(
            &status("return-rejected"),
            serve(POST, statuses::return_rejected),
        )
        .route(
            "/v2/orders/set-invoice-number",
            serve(POST, shipping::set_invoice),
        )
        .route(
            "/v2/orders-shipment-providers",
            serve(GET, shipping::list_providers),
        )
        .route(
            "/v2/orders-failure-reasons",
            serve(GET, shipping::list_reasons),
        )
        .route(
            "/v2/order-item/{item}/tracking-code",
            serve(POST, shipping::set_tracking),
        )
        .route(
            "/v2/order-item/{item}/shipping-provider",
            serve(POST, shipping::set_provider),
        )
        .route("/v2/order-pickup-requests", serve(POST, shipping::pickup))
        .route("/v2/webhook-entities", serve(GET, webhooks::entities))
        .route("/v2/webhook", serve(POST, webhooks::create))
        .route("/v2/webhook/{webhook}", serve(PUT, webhooks::update))
        .route("/v2/webhook/{webhook}", serve(DELETE, webhooks::delete))
        .route(
            "/v2/webhook/{webhook}/status",
            serve(POST, webhooks::set_enabled),
        )
        .route("/v2/webhooks", serve(GET, webhooks::list))
        .route(
            "/v2/webhook/callbacks/{url}",
            serve(GET, webhooks::callbacks),
        )
        .route(
            "/v2/webhook/callback/{callback}",
            serve(GET, webhooks::callback),
        )
        .route(
            "/v2/webhook/callback/{callback}/retry/",
            serve(POST, webhooks::retry),
        )
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(center.clone(), gate))
        .with_state(center.clone());
    let control = Router::new()
        .route(SWITCHES_PATH, get(read_switches).patch(change_switches))
        .with_state(center.clone());
    faults::wrap(api, center.faults().clone())
        .merge(control)
        .merge(faults::control(center.faults().clone()))
}

async fn unknown(Extract(center): Extract<SellerCenter>, call: Call) -> Response {
    let handler =
        |_: &mut State, call: &Call| Err(Refusal::missing(format!("The path {}", call.path)));
    answer(&center, &call, handler, false)
}

async fn wrong_method(Extract(center): Extract<SellerCenter>, call: Call) -> Response {
    let handler = |_: &mut State, call: &Call| {
        Err(Refusal::Problem {
            status: 405,
            title: "Method Not Allowed".to_owned(),
            detail: format!("{} is not allowed here", call.method),
        })
    };
    answer(&center, &call, handler, false)
}

async fn gate(Extract(center): Extract<SellerCenter>, request: Request, next: Next) -> Response {
    let refused = admit(&mut center.lock(), &request);
    match refused {
        Some(response) => response,
        None => next.run(request).await,
    }
}

/// Everything that can stop a request before its handler sees it.
fn admit(state: &mut State, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    let template = request
        .extensions()
        .get::<MatchedPath>()
        .map(MatchedPath::as_str);
    let method: &Method = request.method();
    let name = format!("{method} {}", template.unwrap_or("(unknown)"));
    *state.stats.requests.entry(name).or_default() += 1;
    if state.switches.maintenance {
        return Some(faults::maintenance(
            state.switches.maintenance_retry_after.clone(),
        ));
    }
    if path == "/" {
        state.mistake(format!("{method} /: the classic API is gone"));
        let status = StatusCode::from_u16(state.switches.classic_api_status);
        return Some(status.unwrap_or(StatusCode::NOT_FOUND).into_response());
    }
    if path == TOKEN_PATH {
        return None;
    }
    let header = request.headers().get(header::AUTHORIZATION);
    let bearer = state.bearer(header.and_then(|h| h.to_str().ok()));
    if bearer == Bearer::Wrong {
        state.mistake(format!(
            "{method} {path}: 401 no token, or one that was never handed out"
        ));
    }
    if bearer != Bearer::Valid {
        return Some(unauthorized(state.switches.unauthorized_body));
    }
    if !state.admit() {
        let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
        let value = state.switches.retry_after.as_deref();
        if let Some(Ok(value)) = value.map(header::HeaderValue::from_str) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        return Some(response);
    }
    None
}

fn unauthorized(body: UnauthorizedBody) -> Response {
    let status = StatusCode::UNAUTHORIZED;
    match body {
        UnauthorizedBody::Json => {
            Reply::Json(401, json!({"code": 401, "message": "Unauthorized"})).into_response()
        }
        UnauthorizedBody::Empty => status.into_response(),
        UnauthorizedBody::Html => (
            status,
            Html("<html><body><h1>401 Authorization Required</h1></body></html>"),
        )
            .into_response(),
    }
}

async fn read_switches(Extract(center): Extract<SellerCenter>) -> Response {
    let switches = serde_json::to_value(&center.lock().switches);
    Reply::Json(200, switches.unwrap_or_default()).into_response()
}

async fn change_switches(Extract(center): Extract<SellerCenter>, body: Bytes) -> Response {
    let mut state = center.lock();
    match merged(&state.switches, &body) {
        Ok(switches) => {
            state.switches = switches;
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    }
}

/// The switches with some members replaced; a name that is none of them is an error.
pub(crate) fn merged<T: Serialize + DeserializeOwned>(
    now: &T,
    changes: &[u8],
) -> Result<T, String> {
    let mut all = serde_json::to_value(now).map_err(|e| e.to_string())?;
    let changes: serde_json::Map<String, Value> =
        serde_json::from_slice(changes).map_err(|e| format!("not an object of switches: {e}"))?;
    for (name, value) in changes {
        match all.get_mut(&name) {
            Some(switch) => *switch = value,
            None => return Err(format!("there is no switch `{name}`")),
        }
    }
    serde_json::from_value(all).map_err(|e| format!("not a value for this switch: {e}"))
}
