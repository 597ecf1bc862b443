//! Tokens, the seller's own data and settings, health.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use uuid::Uuid;

use super::call::Call;
use super::clock;
use super::reply::{Answer, Refusal, Reply};
use super::state::{State, Token, uuid_of};

/// How a bearer token fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bearer {
    Valid,
    /// It was good once.
    Expired,
    /// None was sent, or nobody knows it.
    Wrong,
}

impl State {
    /// Judges the value of an `Authorization` header.
    pub(super) fn bearer(&self, header: Option<&str>) -> Bearer {
        let token = header.and_then(|h| h.strip_prefix("Bearer "));
        match token.and_then(|t| self.tokens.get(t)) {
            None => Bearer::Wrong,
            Some(token) if token.expires <= Instant::now() => Bearer::Expired,
            Some(_) => Bearer::Valid,
        }
    }

    /// Ends the life of every token handed out so far.
    pub(super) fn expire_tokens(&mut self) {
        let now = Instant::now();
        for token in self.tokens.values_mut() {
            token.expires = now;
        }
    }
}

/// The two parts of a Basic header.
fn basic(call: &Call) -> Option<(String, String)> {
    let header = call.headers.get("authorization")?.to_str().ok()?;
    let raw = STANDARD
        .decode(header.strip_prefix("Basic ")?.trim())
        .ok()?;
    let text = String::from_utf8(raw).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// `POST /oauth/client-credentials`.
pub(super) fn token(state: &mut State, call: &Call) -> Answer {
    let kind = call.content_type();
    let fields = match kind.as_str() {
        "multipart/form-data" => multipart(call),
        "application/x-www-form-urlencoded" => url::form_urlencoded::parse(&call.body)
            .into_owned()
            .collect(),
        _ => Vec::new(),
    };
    let field = |name: &str| {
        fields
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.clone())
    };
    if field("grant_type").as_deref() != Some("client_credentials") {
        return Err(Refusal::OAuth {
            status: 400,
            error: "unsupported_grant_type",
            description: "The authorization grant type is not supported by the authorization server",
        });
    }
    let given = basic(call).or_else(|| Some((field("client_id")?, field("client_secret")?)));
    if given
        != Some((
            state.config.client_id.clone(),
            state.config.client_secret.clone(),
        ))
    {
        return Err(Refusal::OAuth {
            status: state.switches.token_error_status,
            error: "invalid_client",
            description: "Client authentication failed",
        });
    }
    if state.switches.new_token_revokes_old {
        state.expire_tokens();
    }
    let seconds = state.switches.token_seconds;
    let token = format!("sc.{}.{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let expires = Instant::now() + Duration::from_secs(seconds);
    state.tokens.insert(token.clone(), Token { expires });
    state.stats.tokens += 1;
    Reply::ok(json!({"token_type": "Bearer", "expires_in": seconds, "access_token": token}))
}

/// The text fields of a multipart form, as the platform's own example sends them.
fn multipart(call: &Call) -> Vec<(String, String)> {
    let header = call
        .headers
        .get("content-type")
        .and_then(|v| v.to_str().ok());
    let Some((_, boundary)) = header.and_then(|h| h.split_once("boundary=")) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&call.body);
    let mark = format!("--{}", boundary.trim_matches('"'));
    let parts = text.split(mark.as_str()).filter_map(|part| {
        let (head, value) = part.split_once("\r\n\r\n")?;
        let (_, name) = head.split_once("name=\"")?;
        let (name, _) = name.split_once('"')?;
        Some((name.to_owned(), value.trim_end_matches("\r\n").to_owned()))
    });
    parts.collect()
}

/// `GET /v2/seller`.
pub(super) fn seller(state: &mut State, _: &Call) -> Answer {
    let config = &state.config;
    let slug: String = config
        .seller_name
        .to_lowercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let since = clock::with_offset(
        jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 19_800),
    );
    Reply::ok(json!({
        "id": config.seller_id, "uuid": uuid_of("seller", config.seller_id), "srcId": "AU10571",
        "shortCode": "AU10571", "status": "active", "name": config.seller_name,
        "companyName": format!("{} Pty Ltd", config.seller_name), "email": format!("ops@{slug}.example"),
        "taxClass": "gst", "createdAt": since, "updatedAt": since, "verified": true, "listed": true,
        "delistReasons": [], "profileFields": [],
    }))
}

/// `GET /v2/seller-settings`.
pub(super) fn settings(state: &mut State, _: &Call) -> Answer {
    let shown = !state.switches.mask_contact;
    Reply::ok(json!({
        "fk_shipping_type": 2, "product_default_shipment_type": 2,
        "order_allow_cancellation_in_ready_to_ship": state.switches.cancel_in_ready_to_ship,
        "enable_multi_warehouse": false, "enable_display_customer_email": shown,
        "enable_display_customer_phone": shown,
    }))
}

/// `GET /v2/health`.
pub(super) fn health(_: &mut State, _: &Call) -> Answer {
    Reply::ok(json!({"status": "ok", "checks": {"database": "ok", "queue": "ok"}}))
}
