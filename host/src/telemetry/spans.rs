//! Spans: what was done when, and for how long. `cli::spans` sends them to a collector.
//!
//! A span tells what was done, for which channel, how long it took and how it failed. It holds no secret and nothing of a
//! person: no path or query of a request, no order, no text of an error.

use std::pin::Pin;

use tracing::instrument::Instrumented;
use tracing::{Instrument, Span, info_span};
use url::Url;

use crate::model::Key;

/// One run of one channel.
pub fn cycle(key: &Key, plugin: &str) -> Span {
    info_span!(
        "cycle",
        lockstep.shop = key.shop,
        lockstep.channel = key.channel,
        lockstep.plugin = plugin,
        "error.type" = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
    )
}

/// A part of a cycle. Boxed: it is a large future, and one that holds another by value is moved over the stack as a whole.
pub fn flow<F: Future>(name: &'static str, work: F) -> Instrumented<Pin<Box<F>>> {
    Box::pin(work).instrument(info_span!("flow", otel.name = name))
}

/// One call of a plugin. `channel` is `shop/channel`.
pub fn plugin_call(plugin: &str, channel: &str, call: &str) -> Span {
    let (shop, channel) = channel.split_once('/').unwrap_or(("", channel));
    info_span!(
        "plugin call",
        otel.name = call,
        lockstep.shop = shop,
        lockstep.channel = channel,
        lockstep.plugin = plugin,
        "error.type" = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
    )
}

/// One operation of Shopify's API.
pub fn operation(shop: &str, name: &str) -> Span {
    info_span!(
        "Shopify operation",
        otel.name = name,
        graphql.operation.name = name,
        lockstep.shop = shop,
        "error.type" = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
    )
}

/// One HTTP request.
pub fn request(method: &str, url: &Url) -> Span {
    info_span!(
        "HTTP request",
        otel.name = method,
        otel.kind = "client",
        http.request.method = method,
        server.address = url.host_str().unwrap_or_default(),
        server.port = url.port_or_known_default(),
        http.response.status_code = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
    )
}

/// Notes the answer of a request; none: it did not come.
pub fn answered(span: &Span, status: Option<u16>) {
    if let Some(status) = status {
        span.record("http.response.status_code", status);
    }
    if status.is_none_or(|s| s >= 400) {
        span.record("otel.status_code", "ERROR");
    }
}

/// Notes how the work of a span failed, if it did, by the kind of fault.
pub fn failed(span: &Span, kind: Option<&str>) {
    if let Some(kind) = kind {
        span.record("error.type", kind);
        span.record("otel.status_code", "ERROR");
    }
}
