//! Keeps close to Shopify's cost bucket without ever emptying it.
//!
//! Each answer states the bucket, so what is kept here is only what happened since. The requested cost is taken off before
//! a request is sent; the answer then tells what is really left.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

/// What an operation is taken to cost until an answer tells.
const FIRST_QUERY: f64 = 160.0;
const FIRST_MUTATION: f64 = 40.0;
/// The share of the bucket that is left for orders to be created.
const HEADROOM: f64 = 0.1;

/// `extensions.cost` of an answer. Points.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cost {
    #[serde(default)]
    pub(super) requested_query_cost: Option<f64>,
    #[serde(default)]
    pub(super) actual_query_cost: Option<f64>,
    #[serde(default)]
    pub(super) throttle_status: Option<Status>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    maximum_available: f64,
    currently_available: f64,
    restore_rate: f64,
}

/// The bucket of one app on one shop, shared by all who send to it.
pub(super) struct Throttle(Mutex<Bucket>);

struct Bucket {
    maximum: f64,
    restore: f64,
    available: f64,
    at: Instant,
    /// Requested by requests whose answers are still to come.
    in_flight: f64,
    costs: HashMap<&'static str, f64>,
}

impl Bucket {
    fn refill(&mut self) {
        let now = Instant::now();
        self.available = (self.available + self.restore * (now - self.at).as_secs_f64()).min(self.maximum);
        self.at = now;
    }
}

impl Throttle {
    pub(super) fn new() -> Self {
        // The smallest plan's bucket, until the first answer tells the real one.
        Self(Mutex::new(Bucket { maximum: 2_000.0, restore: 100.0, available: 2_000.0, at: Instant::now(), in_flight: 0.0, costs: HashMap::new() }))
    }

    fn bucket(&self) -> std::sync::MutexGuard<'_, Bucket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the operation fits, and takes its cost off. Urgent ones may use the headroom.
    pub(super) async fn take(&self, operation: &'static str, mutation: bool, urgent: bool) -> f64 {
        loop {
            let wait = {
                let mut bucket = self.bucket();
                bucket.refill();
                let cost = bucket.costs.get(operation).copied().unwrap_or(if mutation { FIRST_MUTATION } else { FIRST_QUERY });
                let floor = if urgent { 0.0 } else { bucket.maximum * HEADROOM };
                // An operation that is larger than the bucket less headroom would wait for ever.
                let needed = (cost + floor).min(bucket.maximum);
                if bucket.available >= needed {
                    bucket.available -= cost;
                    bucket.in_flight += cost;
                    return cost;
                }
                (needed - bucket.available) / bucket.restore
            };
            tokio::time::sleep(Duration::from_secs_f64(wait.clamp(0.01, 60.0))).await;
        }
    }

    /// Notes the answer to a request that had taken `taken`; none when there was none.
    pub(super) fn answered(&self, operation: &'static str, taken: f64, cost: Option<&Cost>) {
        let mut bucket = self.bucket();
        bucket.refill();
        bucket.in_flight = (bucket.in_flight - taken).max(0.0);
        let Some(cost) = cost else { return };
        if let Some(requested) = cost.requested_query_cost {
            bucket.costs.insert(operation, requested);
        }
        if let Some(status) = &cost.throttle_status {
            bucket.maximum = status.maximum_available;
            bucket.restore = status.restore_rate.max(1.0);
            // Others' requests may not have been counted when this was answered.
            bucket.available = status.currently_available - bucket.in_flight;
        }
    }

    /// How long to wait after "throttled": until what was asked for is there.
    pub(super) fn penalty(cost: Option<&Cost>) -> Duration {
        let status = cost.and_then(|c| c.throttle_status.as_ref());
        let requested = cost.and_then(|c| c.requested_query_cost).unwrap_or(0.0);
        let seconds = status.map_or(2.0, |s| (requested - s.currently_available) / s.restore_rate.max(1.0));
        Duration::from_secs_f64(seconds.clamp(0.2, 60.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(requested: f64, available: f64) -> Cost {
        Cost {
            requested_query_cost: Some(requested),
            actual_query_cost: Some(requested),
            throttle_status: Some(Status { maximum_available: 1_000.0, currently_available: available, restore_rate: 50.0 }),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_just_long_enough() {
        let throttle = Throttle::new();
        let taken = throttle.take("Page", false, false).await;
        throttle.answered("Page", taken, Some(&cost(200.0, 150.0)));
        let started = Instant::now();
        throttle.take("Page", false, false).await;
        // 200 points and a tenth of 1,000 are needed, 150 are there, 50 come each second.
        assert_eq!(started.elapsed().as_secs_f64().round(), 3.0);
    }

    #[tokio::test(start_paused = true)]
    async fn orders_may_use_the_headroom() {
        let throttle = Throttle::new();
        let taken = throttle.take("OrderCreate", true, true).await;
        throttle.answered("OrderCreate", taken, Some(&cost(50.0, 60.0)));
        let started = Instant::now();
        throttle.take("OrderCreate", true, true).await;
        assert_eq!(started.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn many_callers_share_one_bucket() {
        let throttle = std::sync::Arc::new(Throttle::new());
        let taken = throttle.take("Page", false, false).await;
        throttle.answered("Page", taken, Some(&cost(300.0, 1_000.0)));
        let started = Instant::now();
        let callers: Vec<_> = (0..6)
            .map(|_| {
                let throttle = throttle.clone();
                tokio::spawn(async move { throttle.take("Page", false, false).await })
            })
            .collect();
        for caller in callers {
            caller.await.expect("no panic");
        }
        // 900 are free at once, that is 3 callers; 3 more take 900 points at 50 a second.
        assert_eq!(started.elapsed().as_secs_f64().round(), 18.0);
    }

    #[test]
    fn the_penalty_is_what_is_missing() {
        assert_eq!(Throttle::penalty(Some(&cost(70.0, 66.0))), Duration::from_secs_f64(0.2));
        assert_eq!(Throttle::penalty(Some(&cost(166.0, 66.0))), Duration::from_secs(2));
        assert_eq!(Throttle::penalty(None), Duration::from_secs(2));
    }
}
