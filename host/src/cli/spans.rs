//! Sends spans to a collector of OpenTelemetry, where the environment names one.

use std::time::Duration;

use anyhow::{Context, bail};
use async_trait::async_trait;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use crate::net::{Client, ClientOptions, Method, Request};

/// Longest answer of a collector in bytes.
const MAX_BODY: usize = 1 << 20;
/// How long a collector may take, where `OTEL_EXPORTER_OTLP_TIMEOUT` does not say.
const TIMEOUT_MS: u64 = 10_000;

/// Sends spans until it is finished.
#[must_use = "spans that are not sent when the process ends are lost"]
pub struct Export(SdkTracerProvider);

impl Export {
    /// Sends what is left. Waits for the collector no longer than a few seconds.
    pub async fn finish(self) {
        // It blocks, and what it waits for runs here.
        let ended = tokio::task::spawn_blocking(move || {
            self.0.shutdown_with_timeout(Duration::from_secs(5))
        });
        if let Ok(Err(e)) = ended.await {
            tracing::warn!("OpenTelemetry: some spans were not sent: {e}");
        }
    }
}

/// A layer that sends the host's own spans to the collector that the environment names. None: it names none. Must be called
/// in a Tokio runtime, which sends them.
pub fn export<S>() -> anyhow::Result<Option<(impl Layer<S>, Export)>>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.trim().is_empty());
    let first = |names: [&str; 2]| names.into_iter().find_map(variable);
    let endpoint = first([
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]);
    let off = variable("OTEL_SDK_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"))
        || variable("OTEL_TRACES_EXPORTER").is_some_and(|v| v == "none");
    let Some(endpoint) = endpoint.filter(|_| !off) else {
        return Ok(None);
    };
    let protocol = first([
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    ]);
    if let Some(other) = protocol.filter(|p| p != "http/protobuf") {
        bail!(
            "OTEL_EXPORTER_OTLP_PROTOCOL is {other}, but spans are sent by http/protobuf only; name the collector's port for that, usually 4318"
        );
    }
    let timeout = first([
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
    ]);
    let timeout = timeout.and_then(|t| t.parse().ok()).unwrap_or(TIMEOUT_MS);
    let client = Sender {
        client: Client::new(ClientOptions { allow_local: true })?.without_spans(),
        runtime: tokio::runtime::Handle::current(),
        timeout: Duration::from_millis(timeout),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .build()
        .with_context(|| format!("cannot send spans to {endpoint}"))?;
    let mut resource = Resource::builder();
    if variable("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("lockstep");
    }
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.with_attribute(version).build())
        .build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("lockstep"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        // Log lines stay here: they may hold what a collector must not see.
        .with_filter(
            filter_fn(|m| m.is_span() && m.target().starts_with("lockstep"))
                .with_max_level_hint(LevelFilter::INFO),
        );
    Ok(Some((layer, Export(provider))))
}

/// Sends spans with the host's own client.
#[derive(Debug)]
struct Sender {
    client: Client,
    runtime: tokio::runtime::Handle,
    timeout: Duration,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(
        &self,
        request: opentelemetry_http::Request<Bytes>,
    ) -> Result<opentelemetry_http::Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let headers = head.headers.iter().filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        let request = Request {
            method: Method::Post,
            url: head.uri.to_string().parse()?,
            headers: headers.collect(),
            body: Some(body.into()),
            timeout: self.timeout,
            max_body: MAX_BODY,
        };
        let client = self.client.clone();
        // Whoever asks is no task of a runtime.
        let answer = self
            .runtime
            .spawn(async move { client.send(request).await });
        let answer = answer.await??;
        let mut response = opentelemetry_http::Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(name, value);
        }
        Ok(response.body(answer.body.into())?)
    }
}
