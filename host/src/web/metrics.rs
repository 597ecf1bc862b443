//! `/metrics`: figures in Prometheus' text format. `docs/metrics.md` lists them.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use ::metrics::gauge;

use crate::db::{ChannelFigures, ChannelState, FileSizes};
use crate::host::Host;
use crate::model::Instant;
use crate::telemetry::{self, names, of, seconds};

/// Serves `GET /metrics`, and begins to count what happens in this process.
pub fn router(host: Arc<Host>) -> Router {
    telemetry::start();
    Router::new().route("/metrics", get(show)).with_state(host)
}

async fn show(State(host): State<Arc<Host>>) -> Response {
    let now = Instant::now();
    let sizes = host.store.file_sizes();
    match host.store.read(move |tx| tx.figures(now)).await {
        Ok(channels) => (
            [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )],
            telemetry::render(|| stand(&channels, sizes, now)),
        )
            .into_response(),
        Err(e) => {
            tracing::error!("/metrics: {e}");
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{e}\n")).into_response()
        }
    }
}

/// Sets what stands in the database.
fn stand(channels: &[ChannelFigures], sizes: FileSizes, now: Instant) {
    gauge!(names::DATABASE, "file" => "main").set(sizes.main as f64);
    gauge!(names::DATABASE, "file" => "wal").set(sizes.wal as f64);
    for channel in channels {
        stands(channel, now);
    }
}

/// The figures of one channel that stand in the database.
fn stands(c: &ChannelFigures, now: Instant) {
    let labels = of(&c.key);
    let with = |label: &'static str, value: &str| {
        let [shop, channel] = of(&c.key);
        [shop, channel, (label, value.to_owned())]
    };
    for state in [
        ChannelState::Active,
        ChannelState::Parked,
        ChannelState::Paused,
    ] {
        let is = f64::from(c.state == state);
        gauge!(names::STATE, &with("state", &state.to_string())).set(is);
    }
    let active = c.state == ChannelState::Active;
    gauge!(names::UP, &labels).set(f64::from(active && c.failures == 0));
    gauge!(names::FAILURES, &labels).set(f64::from(c.failures));
    gauge!(names::LAG, &labels).set(seconds(c.whole_at, now).max(0.0));
    let overdue = seconds(c.due_at, now).max(0.0);
    gauge!(names::OVERDUE, &labels).set(if active { overdue } else { 0.0 });
    gauge!(names::LINKED, &labels).set(f64::from(c.status.linked));
    for (kind, count) in &c.status.mismatches {
        gauge!(names::UNLINKED, &with("kind", kind.text())).set(f64::from(*count));
    }
    gauge!(names::UNSURE, &labels).set(f64::from(c.status.unsure));
    for (state, count) in &c.orders {
        gauge!(names::ORDERS, &with("state", state)).set(f64::from(*count));
    }
    gauge!(names::OPEN_UNITS, &labels).set(f64::from(c.status.open_units));
    gauge!(names::LATE_UNITS, &labels).set(f64::from(c.status.late_units));
    if let Some(deadline) = c.status.next_deadline {
        gauge!(names::DEADLINE, &labels).set(seconds(now, deadline));
    }
    gauge!(names::ATTENTION, &with("kind", "order")).set(f64::from(c.orders_for_attention));
    gauge!(names::ATTENTION, &with("kind", "parcel")).set(f64::from(c.parcels_for_attention));
    gauge!(names::WAITING, &labels).set(f64::from(c.changes_waiting));
    let oldest = c.oldest_change.map_or(0.0, |t| seconds(t, now).max(0.0));
    gauge!(names::OLDEST, &labels).set(oldest);
}

#[cfg(test)]
mod tests;
