//! Keeps the calls to one shop inside Shopify's bucket of points, so that none has to be turned away.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The smallest plan's bucket, in points, until the first answer tells.
const FIRST_CAPACITY: f64 = 2_000.0;
/// The smallest plan's refill, in points per second.
const FIRST_RESTORE: f64 = 100.0;
/// How full the bucket is taken to be before the first answer: another process may have drawn on it.
const FIRST_LEVEL: f64 = 1_000.0;
/// The share that only urgent calls may draw on.
const HEADROOM: f64 = 0.1;

/// What a call cost, as its answer says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cost {
    /// Points set aside before the call ran.
    pub(super) requested_query_cost: Option<f64>,
    /// Points kept; none when it did not run.
    pub(super) actual_query_cost: Option<f64>,
    /// The bucket afterwards.
    pub(super) throttle_status: Option<Status>,
}

/// The bucket as Shopify sees it, in points and points per second.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    pub(super) maximum_available: f64,
    pub(super) currently_available: f64,
    pub(super) restore_rate: f64,
}

/// Who may draw on the last tenth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Waits for the headroom to be full.
    Ordinary,
    /// Creating and looking up orders, and a call that was turned away once.
    Urgent,
}

/// An operation and the size of its pages: what its cost depends on.
pub(super) type Shape = (&'static str, u32);

/// A call that was let through.
#[derive(Clone, Copy, Debug)]
struct Ticket {
    cost: f64,
    /// The how many-th call it is.
    number: u64,
    /// No other call was under way when it was sent.
    alone: bool,
}

/// The bucket as seen from here. Time comes in as an argument, so that the arithmetic can be tested by itself.
#[derive(Debug)]
struct Bucket {
    capacity: f64,
    restore: f64,
    level: f64,
    at: Instant,
    /// Calls sent so far.
    sent: u64,
    /// Calls under way, and the points set aside for them.
    open: u32,
    open_points: f64,
    costs: HashMap<Shape, f64>,
}

impl Bucket {
    fn new(now: Instant) -> Self {
        Self {
            capacity: FIRST_CAPACITY,
            restore: FIRST_RESTORE,
            level: FIRST_LEVEL,
            at: now,
            sent: 0,
            open: 0,
            open_points: 0.0,
            costs: HashMap::new(),
        }
    }

    fn refill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + seconds * self.restore).min(self.capacity);
        self.at = now;
    }

    /// Takes the points of a call, or says how long to wait for them.
    fn take(
        &mut self,
        now: Instant,
        shape: Shape,
        estimate: f64,
        urgency: Urgency,
    ) -> Result<Ticket, Duration> {
        self.refill(now);
        let cost = self.costs.get(&shape).copied().unwrap_or(estimate);
        let floor = match urgency {
            Urgency::Ordinary => self.capacity * HEADROOM,
            Urgency::Urgent => 0.0,
        };
        // A call dearer than the bucket would otherwise wait for ever; Shopify refuses it with a clear word.
        let needed = (cost + floor).min(self.capacity);
        if self.level < needed {
            let millis = ((needed - self.level) / self.restore * 1_000.0)
                .ceil()
                .max(1.0);
            return Err(Duration::from_millis(millis as u64));
        }
        self.level -= cost;
        let alone = self.open == 0;
        self.sent += 1;
        self.open += 1;
        self.open_points += cost;
        Ok(Ticket {
            cost,
            number: self.sent,
            alone,
        })
    }

    /// Notes an answer (or, without a cost, that none came: then the points count as spent).
    fn settle(&mut self, now: Instant, ticket: Ticket, shape: Shape, cost: Option<Cost>) {
        self.refill(now);
        self.open = self.open.saturating_sub(1);
        self.open_points = if self.open == 0 {
            0.0
        } else {
            (self.open_points - ticket.cost).max(0.0)
        };
        let Some(cost) = cost else { return };
        if let Some(requested) = cost.requested_query_cost {
            self.costs.insert(shape, requested);
        }
        if let Some(actual) = cost.actual_query_cost {
            self.level += (ticket.cost - actual).max(0.0);
        }
        if let Some(status) = cost.throttle_status {
            self.capacity = status.maximum_available.max(1.0);
            self.restore = status.restore_rate.max(1.0);
            // With other calls under way the number may or may not contain them, and answers overtake each other:
            // then it can only lower what is known here.
            let undisturbed = ticket.alone && ticket.number == self.sent;
            self.level = if undisturbed {
                status.currently_available
            } else {
                self.level
                    .min(status.currently_available - self.open_points)
            };
        }
        self.level = self.level.min(self.capacity);
    }

    fn wait_for(&self, shape: Shape) -> Duration {
        let cost = self.costs.get(&shape).copied().unwrap_or(0.0);
        Duration::from_secs_f64(((cost - self.level) / self.restore).max(0.0))
    }
}

/// One shop's bucket, shared by all callers.
#[derive(Debug)]
pub(super) struct Limiter {
    bucket: Mutex<Bucket>,
    /// Points came back.
    changed: Notify,
    /// Ordinary callers wait in line, so that a dear call is not overtaken for ever by cheap ones.
    line: tokio::sync::Mutex<()>,
}

impl Limiter {
    pub(super) fn new() -> Self {
        Self {
            bucket: Mutex::new(Bucket::new(Instant::now())),
            changed: Notify::new(),
            line: tokio::sync::Mutex::new(()),
        }
    }

    fn bucket(&self) -> std::sync::MutexGuard<'_, Bucket> {
        self.bucket.lock().expect("never poisoned")
    }

    /// Waits until the call fits. `estimate` (points) is used until an answer has told what the shape costs.
    pub(super) async fn enter(&self, shape: Shape, estimate: u32, urgency: Urgency) -> Pass<'_> {
        let _in_line = match urgency {
            Urgency::Ordinary => Some(self.line.lock().await),
            Urgency::Urgent => None,
        };
        loop {
            let changed = self.changed.notified();
            let taken = self
                .bucket()
                .take(Instant::now(), shape, f64::from(estimate), urgency);
            match taken {
                Ok(ticket) => {
                    return Pass {
                        limiter: self,
                        ticket,
                        shape,
                        settled: false,
                    };
                }
                Err(wait) => {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = changed => {}
                    }
                }
            }
        }
    }

    /// How long the bucket needs for a call of this shape, as it stands.
    pub(super) fn wait_for(&self, shape: Shape) -> Duration {
        self.bucket().wait_for(shape)
    }
}

/// The right to send one call. Dropped without an answer, its points count as spent.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    limiter: &'a Limiter,
    ticket: Ticket,
    shape: Shape,
    settled: bool,
}

impl Pass<'_> {
    /// Notes what the answer says.
    pub(super) fn settle(mut self, cost: Option<Cost>) {
        self.close(cost);
    }

    fn close(&mut self, cost: Option<Cost>) {
        self.settled = true;
        self.limiter
            .bucket()
            .settle(Instant::now(), self.ticket, self.shape, cost);
        self.limiter.changed.notify_waiters();
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.close(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Shape = ("Page", 250);
    const CREATE: Shape = ("Create", 0);

    fn cost(requested: f64, actual: Option<f64>, max: f64, now: f64, rate: f64) -> Option<Cost> {
        Some(Cost {
            requested_query_cost: Some(requested),
            actual_query_cost: actual,
            throttle_status: Some(Status {
                maximum_available: max,
                currently_available: now,
                restore_rate: rate,
            }),
        })
    }

    fn known(now: Instant, level: f64) -> Bucket {
        let mut bucket = Bucket::new(now);
        let ticket = bucket.take(now, PAGE, 1.0, Urgency::Urgent).unwrap();
        bucket.settle(
            now,
            ticket,
            PAGE,
            cost(150.0, Some(150.0), 2_000.0, level, 100.0),
        );
        bucket
    }

    #[test]
    fn an_answer_teaches_cost_and_plan() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        let ticket = bucket.take(now, PAGE, 100.0, Urgency::Ordinary).unwrap();
        bucket.settle(
            now,
            ticket,
            PAGE,
            cost(156.0, Some(150.0), 20_000.0, 19_850.0, 1_000.0),
        );
        assert_eq!(bucket.level, 19_850.0);
        let ticket = bucket.take(now, PAGE, 100.0, Urgency::Ordinary).unwrap();
        assert_eq!(ticket.cost, 156.0);
        assert_eq!(bucket.level, 19_694.0);
    }

    #[test]
    fn waits_just_long_enough_and_keeps_headroom() {
        let now = Instant::now();
        let mut bucket = known(now, 300.0);
        // 150 points and the headroom of 200 are needed, 300 are there, 100 come each second.
        let wait = bucket.take(now, PAGE, 0.0, Urgency::Ordinary).unwrap_err();
        assert_eq!(wait, Duration::from_millis(500));
        assert!(
            bucket
                .take(
                    now + Duration::from_millis(499),
                    PAGE,
                    0.0,
                    Urgency::Ordinary
                )
                .is_err()
        );
        assert!(
            bucket
                .take(now + wait, PAGE, 0.0, Urgency::Ordinary)
                .is_ok()
        );
        let mut bucket = known(now, 30.0);
        assert!(bucket.take(now, CREATE, 26.0, Urgency::Urgent).is_ok());
    }

    #[test]
    fn the_bucket_does_not_overflow() {
        let now = Instant::now();
        let mut bucket = known(now, 1_990.0);
        bucket.refill(now + Duration::from_secs(3_600));
        assert_eq!(bucket.level, 2_000.0);
    }

    #[test]
    fn answers_that_overtake_each_other_only_lower_the_level() {
        let now = Instant::now();
        let mut bucket = known(now, 1_000.0);
        let first = bucket.take(now, PAGE, 0.0, Urgency::Ordinary).unwrap();
        let second = bucket.take(now, PAGE, 0.0, Urgency::Ordinary).unwrap();
        assert_eq!(bucket.level, 700.0);
        // Shopify ran the first, then the second; the answers come the other way round.
        bucket.settle(
            now,
            second,
            PAGE,
            cost(150.0, Some(150.0), 2_000.0, 700.0, 100.0),
        );
        assert_eq!(bucket.level, 550.0, "the first may not be in it");
        bucket.settle(
            now,
            first,
            PAGE,
            cost(150.0, Some(150.0), 2_000.0, 850.0, 100.0),
        );
        assert_eq!(bucket.level, 550.0, "an old number does not raise it");
        let third = bucket.take(now, PAGE, 0.0, Urgency::Ordinary).unwrap();
        bucket.settle(
            now,
            third,
            PAGE,
            cost(150.0, Some(100.0), 2_000.0, 600.0, 100.0),
        );
        assert_eq!(bucket.level, 600.0, "alone: Shopify's number is right");
    }

    #[test]
    fn a_turned_away_call_waits_as_shopify_says() {
        let now = Instant::now();
        let mut bucket = known(now, 500.0);
        let ticket = bucket.take(now, CREATE, 30.0, Urgency::Urgent).unwrap();
        bucket.settle(now, ticket, CREATE, cost(70.0, None, 1_000.0, 66.0, 50.0));
        let wait = bucket.take(now, CREATE, 30.0, Urgency::Urgent).unwrap_err();
        assert_eq!(wait, Duration::from_millis(80), "(70 - 66) / 50 s");
        assert_eq!(bucket.wait_for(CREATE), Duration::from_millis(80));
    }

    #[test]
    fn a_lost_answer_counts_as_spent() {
        let now = Instant::now();
        let mut bucket = known(now, 1_000.0);
        let ticket = bucket.take(now, PAGE, 0.0, Urgency::Ordinary).unwrap();
        bucket.settle(now, ticket, PAGE, None);
        assert_eq!(
            (bucket.level, bucket.open, bucket.open_points),
            (850.0, 0, 0.0)
        );
    }

    #[test]
    fn a_call_dearer_than_the_bucket_is_sent_when_it_is_full() {
        let now = Instant::now();
        let mut bucket = known(now, 2_000.0);
        assert!(
            bucket
                .take(now, ("Huge", 0), 5_000.0, Urgency::Ordinary)
                .is_ok()
        );
    }

    #[tokio::test]
    async fn concurrent_callers_share_one_bucket_without_being_turned_away() {
        // A server with 100 points that refills 2,000 a second, and 20 callers at once with 50 points each.
        let limiter = Limiter::new();
        let server = Mutex::new(Bucket {
            capacity: 100.0,
            restore: 2_000.0,
            level: 100.0,
            ..Bucket::new(Instant::now())
        });
        let status = |level: f64| cost(50.0, Some(50.0), 100.0, level, 2_000.0);
        limiter
            .enter(PAGE, 50, Urgency::Ordinary)
            .await
            .settle(status(50.0));
        server.lock().unwrap().level = 50.0;
        let call = || async {
            let pass = limiter.enter(PAGE, 50, Urgency::Ordinary).await;
            let (taken, level) = {
                let mut server = server.lock().unwrap();
                server.refill(Instant::now());
                let enough = server.level >= 50.0;
                server.level -= 50.0;
                (enough, server.level)
            };
            tokio::time::sleep(Duration::from_millis(3)).await;
            pass.settle(status(level));
            taken
        };
        let calls: Vec<_> = (0..20).map(|_| call()).collect();
        let taken = join_all(calls).await;
        assert!(taken.iter().all(|t| *t), "{taken:?}");
    }

    async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
        let mut futures: Vec<_> = futures.into_iter().map(|f| (Box::pin(f), None)).collect();
        std::future::poll_fn(|cx| {
            let mut ready = true;
            for (future, output) in &mut futures {
                if output.is_none() {
                    match future.as_mut().poll(cx) {
                        std::task::Poll::Ready(o) => *output = Some(o),
                        std::task::Poll::Pending => ready = false,
                    }
                }
            }
            if ready {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
        futures.into_iter().filter_map(|(_, o)| o).collect()
    }
}
