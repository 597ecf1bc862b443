//! How fast single calls of a marketplace may be made, beside the rate of the account.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};

use super::manifest::CallRate;

/// The limits of one connector's calls.
#[derive(Default)]
pub(super) struct CallRates {
    rules: Vec<Rule>,
}

struct Rule {
    rate: CallRate,
    limiter: DefaultDirectRateLimiter,
}

impl CallRates {
    pub(super) fn new(rates: &[CallRate]) -> Self {
        let rules = rates.iter().map(|rate| Rule {
            limiter: limiter(rate),
            rate: rate.clone(),
        });
        Self {
            rules: rules.collect(),
        }
    }

    /// Waits until a request may be made. The error: it may only after so long, which is past `latest`.
    pub(super) async fn admit(
        &self,
        method: &str,
        path: &str,
        latest: Instant,
    ) -> Result<(), Duration> {
        for rule in self.rules.iter().filter(|r| r.rate.is_of(method, path)) {
            while let Err(not_yet) = rule.limiter.check() {
                let wait = not_yet.wait_time_from(DefaultClock::default().now());
                if Instant::now() + wait > latest {
                    return Err(wait);
                }
                tokio::time::sleep(wait).await;
            }
        }
        Ok(())
    }
}

/// What is allowed at once and what is added while the span passes make up the calls of any span: a quarter at once,
/// the rest evenly.
fn limiter(rate: &CallRate) -> DefaultDirectRateLimiter {
    let calls = rate.calls.get();
    let burst = (calls / 4).max(1);
    let evenly = (calls - burst).max(1);
    let period = Duration::from_secs(rate.seconds.get().into()) / evenly;
    let quota =
        Quota::with_period(period).expect("a span of some seconds has parts that are not zero");
    DefaultDirectRateLimiter::direct(
        quota.allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(path: &str, calls: u32) -> CallRate {
        CallRate {
            name: "some".into(),
            method: Some("get".into()),
            path: path.into(),
            calls: NonZeroU32::new(calls).unwrap(),
            seconds: NonZeroU32::new(3_600).unwrap(),
        }
    }

    #[tokio::test]
    async fn a_call_is_counted_by_itself_and_refused_when_it_would_wait_too_long() {
        let rates = CallRates::new(&[rate("/api/orders", 8), rate("/api/files/*/status", 4)]);
        let soon = Instant::now();
        for _ in 0..2 {
            assert!(rates.admit("GET", "/api/orders", soon).await.is_ok());
        }
        let wait = rates.admit("GET", "/api/orders", soon).await.unwrap_err();
        // Two of eight at once, so six in an hour.
        assert!(
            wait > Duration::from_secs(590) && wait <= Duration::from_secs(600),
            "{wait:?}"
        );
        for (method, path) in [
            ("PUT", "/api/orders"),
            ("GET", "/api/orders/7"),
            ("GET", "/api/files/9/status"),
        ] {
            assert!(rates.admit(method, path, soon).await.is_ok(), "{path}");
        }
        assert!(
            rates
                .admit("GET", "/api/files/8/status", soon)
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn a_short_wait_is_waited_for() {
        let fast = CallRate {
            seconds: NonZeroU32::new(1).unwrap(),
            ..rate("/api/orders", 20)
        };
        let rates = CallRates::new(&[fast]);
        let start = Instant::now();
        for _ in 0..8 {
            let latest = Instant::now() + Duration::from_secs(5);
            assert!(rates.admit("GET", "/api/orders", latest).await.is_ok());
        }
        // Five at once, then fifteen a second.
        assert!(start.elapsed() >= Duration::from_millis(190));
    }
}
