//! The HTTP side: token grant, GraphQL endpoint, bulk files.

use std::sync::{Arc, Mutex};

use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::Operation;
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use super::engine::{Executor, SCHEMA};
use super::state::{State, now};
use super::{VERSIONS, bulk, cost, lock};

/// The largest request taken, in bytes.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) runtime: tokio::runtime::Handle,
}

pub(super) fn router(server: Server) -> Router {
    Router::new()
        .route("/admin/oauth/access_token", post(token))
        .route("/admin/api/{version}/graphql.json", post(graphql))
        .route("/bulk/{file}", get(bulk_file))
        .fallback(|| async {
            (
                StatusCode::NOT_FOUND,
                json_type(),
                r#"{"errors":"Not Found"}"#,
            )
        })
        .layer(axum::extract::DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(server)
}

fn json_type() -> [(header::HeaderName, &'static str); 1] {
    [(header::CONTENT_TYPE, "application/json; charset=utf-8")]
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, json_type(), body.to_string()).into_response()
}

/// The name of a request: its operation, `oauth` or `bulk-file`.
pub(super) fn label(path: &str, body: &[u8]) -> Option<String> {
    if path == "/admin/oauth/access_token" {
        return Some("oauth".to_owned());
    }
    if path.starts_with("/bulk/") {
        return Some("bulk-file".to_owned());
    }
    if !path.ends_with("/graphql.json") {
        return None;
    }
    let request: Value = serde_json::from_slice(body).ok()?;
    if let Some(name) = request["operationName"].as_str().filter(|n| !n.is_empty()) {
        return Some(name.to_owned());
    }
    let query = request["query"].as_str()?;
    // The name of the first operation, read without parsing the whole document.
    let mut words = query.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '{'));
    while let Some(word) = words.next() {
        match word {
            "query" | "mutation" => {
                let name = words.find(|w| !w.is_empty()).unwrap_or_default();
                let name = name.split('{').next().unwrap_or_default();
                return Some(if name.is_empty() { "anonymous" } else { name }.to_owned());
            }
            w if w.starts_with('{') => return Some("anonymous".to_owned()),
            _ => {}
        }
    }
    Some("anonymous".to_owned())
}

async fn token(Shared(server): Shared<Server>, headers: HeaderMap, body: Bytes) -> Response {
    let mut state = lock(&server.state);
    *state.stats.requests.entry("oauth".to_owned()).or_default() += 1;
    if let Some(closed) = closed(&state) {
        return closed;
    }
    let form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"));
    let refuse = |state: &mut State, error: &str, description: &str, mistake: bool| {
        if mistake {
            state.mistake("oauth", description);
        }
        let body = json!({"error": error, "error_description": description});
        answer(StatusCode::BAD_REQUEST, &body)
    };
    if !form {
        return refuse(
            &mut state,
            "invalid_request",
            "The body has to be form-encoded",
            true,
        );
    }
    let fields: std::collections::HashMap<String, String> =
        url::form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    if field("grant_type") != "client_credentials" {
        return refuse(
            &mut state,
            "unsupported_grant_type",
            "grant_type has to be client_credentials",
            true,
        );
    }
    if field("client_id") != state.config.client_id {
        return refuse(
            &mut state,
            "application_cannot_be_found",
            "No application has this client_id",
            false,
        );
    }
    if field("client_secret") != state.config.client_secret {
        return refuse(
            &mut state,
            "invalid_client",
            "The client_secret is wrong",
            false,
        );
    }
    let token = format!("shpat_{}", uuid::Uuid::new_v4().simple());
    let life = state.config.switches.token_life_s;
    let now = now();
    state.tokens.retain(|_, until| *until > now);
    state.tokens.insert(
        token.clone(),
        now.saturating_add(i64::try_from(life).unwrap_or(i64::MAX)),
    );
    let scope = state.config.switches.scopes.join(",");
    answer(
        StatusCode::OK,
        &json!({"access_token": token, "scope": scope, "expires_in": life}),
    )
}

fn closed(state: &State) -> Option<Response> {
    let status = StatusCode::from_u16(state.config.switches.closed?).ok()?;
    let text = match status.as_u16() {
        402 => "Unavailable Shop",
        423 => "Locked",
        _ => "Forbidden",
    };
    Some(answer(status, &json!({"errors": text})))
}

async fn bulk_file(
    Shared(server): Shared<Server>,
    Path(name): Path<String>,
    Query(query): Query<std::collections::HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    {
        let mut state = lock(&server.state);
        *state
            .stats
            .requests
            .entry("bulk-file".to_owned())
            .or_default() += 1;
        if headers.contains_key("x-shopify-access-token") {
            state.mistake(
                "bulk-file",
                "the access token was sent to the file's address, which is not Shopify's API",
            );
        }
    }
    let id = name.strip_suffix(".jsonl").and_then(|n| n.parse().ok());
    let signature = query.get("signature").map_or("", String::as_str);
    match id.and_then(|id| bulk::file(&server.state, id, signature)) {
        Some(file) => {
            let body = Bytes::from_owner(Text(file));
            ([(header::CONTENT_TYPE, "application/jsonl")], body).into_response()
        }
        None => (
            StatusCode::FORBIDDEN,
            "<Error><Code>AccessDenied</Code></Error>",
        )
            .into_response(),
    }
}

/// A shared text as the bytes of an answer.
struct Text(Arc<String>);

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

async fn graphql(
    Shared(server): Shared<Server>,
    Path(version): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(answered) = answering_version(&version) else {
        return answer(StatusCode::NOT_FOUND, &json!({"errors": "Not Found"}));
    };
    let mut response = respond(&server, &headers, &body);
    bulk::launch(&server.state, &server.runtime);
    if let Ok(value) = HeaderValue::from_str(answered) {
        response
            .headers_mut()
            .insert("x-shopify-api-version", value);
    }
    if let Ok(value) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// The version that answers a call: a version that is gone falls forward to the oldest there is.
fn answering_version(asked: &str) -> Option<&str> {
    if let Some(known) = VERSIONS.iter().find(|v| **v == asked) {
        return Some(known);
    }
    let (year, month) = asked.split_once('-')?;
    let plausible = year.len() == 4
        && month.len() == 2
        && asked.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    (plausible && asked < VERSIONS[0]).then_some(VERSIONS[0])
}

fn respond(server: &Server, headers: &HeaderMap, body: &[u8]) -> Response {
    let label = label("/graphql.json", body).unwrap_or_else(|| "anonymous".to_owned());
    {
        let mut state = lock(&server.state);
        state.tick();
        *state.stats.requests.entry(label.clone()).or_default() += 1;
        if let Some(closed) = closed(&state) {
            return closed;
        }
        let token = headers
            .get("x-shopify-access-token")
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        let valid = (!state.config.token.is_empty() && token == state.config.token)
            || state.tokens.get(token).is_some_and(|until| *until > now());
        if !valid {
            let text =
                "[API] Invalid API key or access token (unrecognized login or wrong password)";
            return answer(StatusCode::UNAUTHORIZED, &json!({"errors": text}));
        }
    }
    let refuse = |status: StatusCode, body: Value, reason: &str| {
        lock(&server.state).mistake(&label, reason);
        answer(status, &body)
    };
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|t| t.starts_with("application/json"));
    let request: Option<Value> = serde_json::from_slice(body).ok().filter(|_| json);
    let Some(query) = request.as_ref().and_then(|r| r["query"].as_str()) else {
        let body = json!({"errors": {"query": "Required parameter missing or invalid"}});
        return refuse(
            StatusCode::BAD_REQUEST,
            body,
            "the body is not a JSON object with a query",
        );
    };
    let document = match ExecutableDocument::parse_and_validate(&SCHEMA, query, "query.graphql") {
        Ok(document) => document,
        Err(error) => {
            let errors: Vec<Value> = error
                .errors
                .iter()
                .map(|e| validation_error(&e.to_json()))
                .collect();
            let reason = errors
                .first()
                .and_then(|e| e["message"].as_str())
                .unwrap_or_default();
            let reason = format!("not a valid document: {reason}");
            return refuse(StatusCode::OK, json!({"errors": errors}), &reason);
        }
    };
    let name = request.as_ref().and_then(|r| r["operationName"].as_str());
    let operation = match document.operations.get(name.filter(|n| !n.is_empty())) {
        Ok(operation) => operation,
        Err(error) => {
            let message = error.message().to_string();
            let body = json!({"errors": [{"message": message}]});
            return refuse(StatusCode::OK, body, &message);
        }
    };
    let given: JsonMap = request
        .as_ref()
        .and_then(|r| serde_json::from_value(r["variables"].clone()).ok())
        .unwrap_or_default();
    let variables = match coerce_variable_values(&SCHEMA, operation, &given) {
        Ok(values) => to_map(&values),
        Err(error) => {
            let message = error.message().to_string();
            let body = json!({"errors": [{"message": message, "extensions": {"code": "INVALID_VARIABLE"}}]});
            return refuse(StatusCode::OK, body, &message);
        }
    };
    let debug = headers
        .get("shopify-graphql-cost-debug")
        .is_some_and(|v| v == "1");
    execute(server, &label, &document, operation, &variables, debug)
}

fn to_map(values: &Valid<JsonMap>) -> Map<String, Value> {
    let values: &JsonMap = values;
    match serde_json::to_value(values) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn validation_error(error: &apollo_compiler::response::GraphQLError) -> Value {
    let mut json = serde_json::to_value(error).unwrap_or_default();
    let message = error.message.to_lowercase();
    let code = if message.contains("does not have a field") {
        Some("undefinedField")
    } else if message.contains("required argument") {
        Some("missingRequiredArguments")
    } else {
        None
    };
    if let Some(code) = code {
        json["extensions"] = json!({"code": code});
    }
    json
}

fn execute(
    server: &Server,
    label: &str,
    document: &Valid<ExecutableDocument>,
    operation: &apollo_compiler::Node<Operation>,
    variables: &Map<String, Value>,
    debug: bool,
) -> Response {
    let requested = cost::requested(document, operation, variables);
    let mut state = lock(&server.state);
    let cost = |state: &mut State, actual: Option<u32>| {
        json!({
            "requestedQueryCost": requested, "actualQueryCost": actual,
            "throttleStatus": state.bucket.status(),
        })
    };
    if requested > cost::MAX {
        let message = format!(
            "Query cost is {requested}, which exceeds the single query max cost limit ({}).",
            cost::MAX
        );
        state.mistake(label, &message);
        let cost = json!({"cost": cost(&mut state, None)});
        let extensions =
            json!({"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": cost::MAX});
        let error = json!({"message": message, "extensions": extensions});
        return answer(
            StatusCode::OK,
            &json!({"errors": [error], "extensions": cost}),
        );
    }
    if !state.bucket.take(requested) {
        state.stats.throttled += 1;
        let cost = json!({"cost": cost(&mut state, None)});
        let error = json!({"message": "Throttled", "extensions": {
            "code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"}});
        return answer(
            StatusCode::OK,
            &json!({"errors": [error], "extensions": cost}),
        );
    }
    let mut done = Executor::new(document, variables).run(&mut state, operation);
    let actual = done.cost.min(requested);
    state.bucket.give_back(requested - actual);
    state.stats.points += f64::from(actual);
    for error in &done.errors {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        if code != "ACCESS_DENIED" {
            let message = error["message"].as_str().unwrap_or_default();
            state.mistake(label, message);
        }
    }
    let mut extensions = json!({"cost": cost(&mut state, Some(actual))});
    drop(state);
    if debug {
        let fields: Vec<Value> = operation
            .root_fields(document)
            .map(|f| json!({"path": [f.response_key().as_str()], "definedCost": 1}))
            .collect();
        extensions["cost"]["fields"] = fields.into();
    }
    let mut text = String::with_capacity(done.data.len() + 256);
    text.push_str("{\"data\":");
    text.push_str(&std::mem::take(&mut done.data));
    if !done.errors.is_empty() {
        text.push_str(",\"errors\":");
        text.push_str(&Value::Array(done.errors).to_string());
    }
    text.push_str(",\"extensions\":");
    text.push_str(&extensions.to_string());
    text.push('}');
    (StatusCode::OK, json_type(), text).into_response()
}
