//! What the binary sends to a collector of OpenTelemetry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::world::{KEY, World};

#[derive(Clone, Default)]
struct Collector {
    bodies: Arc<Mutex<Vec<Bytes>>>,
}

impl Collector {
    /// A collector on a free port, and its address.
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let app = axum::Router::new()
            .route("/v1/traces", post(Self::take))
            .with_state(collector.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (collector, url)
    }

    async fn take(State(collector): State<Self>, body: Bytes) {
        collector.bodies.lock().unwrap().push(body);
    }

    fn received(&self) -> Vec<ExportTraceServiceRequest> {
        let bodies = self.bodies.lock().unwrap();
        let read = |b: &Bytes| ExportTraceServiceRequest::decode(b.clone()).unwrap();
        bodies.iter().map(read).collect()
    }
}

fn attributes(span: &Span) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(n) => n.to_string(),
        other => format!("{other:?}"),
    };
    span.attributes
        .iter()
        .filter_map(|a| Some((a.key.clone(), text(a.value.as_ref()?.value.as_ref()?))))
        .collect()
}

/// The names of a span and of all that it is a part of.
fn chain<'a>(mut span: &'a Span, spans: &[&'a Span]) -> Vec<String> {
    let mut names = vec![span.name.clone()];
    while let Some(parent) = spans.iter().find(|s| s.span_id == span.parent_span_id) {
        assert_eq!(parent.trace_id, span.trace_id);
        names.push(parent.name.clone());
        span = parent;
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_is_a_trace() {
    let world = World::in_step(60).await;
    let (order, _) = world.story(1).buy_on_channel(2).unwrap();
    let (collector, url) = Collector::start().await;
    let mut command = world.command();
    command
        .args(["sync", "--once"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &url)
        .env("LOCKSTEP_LOG", "warn");
    let ran = command.output().await.unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(world.sandbox.shopify.order_by_name(&order.number).len(), 1);

    let received = collector.received();
    let resources = received.iter().flat_map(|r| &r.resource_spans);
    let names: BTreeSet<String> = resources
        .clone()
        .flat_map(|r| &r.resource.as_ref().unwrap().attributes)
        .filter(|a| a.key == "service.name")
        .map(|a| format!("{:?}", a.value))
        .collect();
    assert_eq!(names.len(), 1);
    assert!(names.first().unwrap().contains("lockstep"), "{names:?}");
    let spans: Vec<&Span> = resources
        .flat_map(|r| &r.scope_spans)
        .flat_map(|s| &s.spans)
        .collect();
    let cycle = spans.iter().find(|s| s.name == "cycle").expect("a cycle");
    let told = attributes(cycle);
    assert_eq!(told["lockstep.shop"], "kestrel");
    assert_eq!(told["lockstep.channel"], "the-iconic");
    assert!(cycle.parent_span_id.is_empty());

    // A request belongs to a call, the call to a flow, the flow to the cycle.
    let requests: Vec<&&Span> = spans
        .iter()
        .filter(|s| attributes(s).contains_key("http.request.method"))
        .filter(|s| s.trace_id == cycle.trace_id)
        .collect();
    let chains: BTreeSet<Vec<String>> = requests.iter().map(|s| chain(s, &spans)).collect();
    for wanted in [
        ["GET", "orders.changed", "orders in", "cycle"],
        ["POST", "OrderCreate", "orders created", "cycle"],
        ["POST", "LevelsChanged", "catalogues", "cycle"],
    ] {
        let wanted: Vec<String> = wanted.map(str::to_owned).to_vec();
        assert!(
            chains.contains(&wanted),
            "{wanted:?} is not among {chains:#?}"
        );
    }
    for request in &requests {
        let told = attributes(request);
        assert_eq!(told["server.address"], "127.0.0.1");
        assert_eq!(told["http.response.status_code"], "200", "{told:?}");
    }

    // Nothing of the order, its buyer or a secret, and no span about sending spans.
    let bought = world.sandbox.seller_center.order(order.id).unwrap();
    let all: Vec<u8> = collector.bodies.lock().unwrap().concat();
    let all = String::from_utf8_lossy(&all);
    for private in [
        order.number.as_str(),
        &bought.buyer.last_name,
        "/v2/",
        "/admin/",
        "shpss_",
        "SKU",
    ] {
        assert!(!all.contains(private), "{private} was sent");
    }
    let port = url.rsplit(':').next().unwrap();
    assert!(
        spans
            .iter()
            .all(|s| attributes(s).get("server.port").map(String::as_str) != Some(port))
    );

    // Its own log is as it was: no span in a line, nothing of OpenTelemetry.
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_keeps_nothing_from_being_done() {
    let world = World::in_step(60).await;
    let (order, _) = world.story(1).buy_on_channel(1).unwrap();
    let begun = std::time::Instant::now();
    let mut command = world.command();
    command
        .args(["sync", "--once"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let ran = command.output().await.unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(world.sandbox.shopify.order_by_name(&order.number).len(), 1);
    assert!(begun.elapsed().as_secs() < 40);
    let mut command = world.command();
    command
        .args(["status"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let ran = command.output().await.unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&ran.stderr).contains("http/protobuf"),
        "{KEY}: {ran:?}"
    );
}
