//! When each channel is worked: its interval with jitter, a backoff that follows the fault, one run at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan;
use tokio::sync::{Notify, mpsc};
use tracing::Instrument;

use crate::cycle::{Mode, Report, Stop, state_after};
use crate::db::{ChannelRow, ChannelState};
use crate::host::Host;
use crate::model::{Fault, Instant, Key};
use crate::telemetry::{self, Numbers, spans};

/// How long a channel is left alone whose run could not store how it ended.
const REST_SECONDS: i64 = 15;

/// How often the plugins folder is looked at, and a channel that another process made due is noticed.
const LOOK: Duration = Duration::from_secs(2);
/// How long a channel is left alone after a cycle, whatever messages come: a storm of them makes few cycles.
const BETWEEN_HINTS: Duration = Duration::from_secs(5);
/// How the reason begins for which a channel without plugin is parked: it goes on when the plugin is there.
const NO_PLUGIN: &str = "its plugin is not there: ";

/// How one run ended.
pub struct End {
    /// What was done.
    pub report: Report,
    /// Why it stopped early, if it did.
    pub stop: Option<Stop>,
    /// When the channel is due again.
    pub due: Instant,
}

/// Runs one cycle of a channel now and schedules the next.
pub async fn run_once(host: &Host, row: ChannelRow, mode: Mode) -> anyhow::Result<End> {
    let key = row.key.clone();
    let end = cycle(host, row, mode).await;
    host.rests(&key);
    end
}

async fn cycle(host: &Host, row: ChannelRow, mode: Mode) -> anyhow::Result<End> {
    let key = row.key.clone();
    let plugin = row.plugin.clone();
    let was_active = row.state == ChannelState::Active;
    let (interval, failures) = (row.policy.interval_s, row.failures);
    if mode == Mode::Act
        && let Err(e) = host.plugin(&row.plugin)
    {
        let why = format!("{NO_PLUGIN}{e:#}");
        let (k, text) = (key.clone(), why.clone());
        host.store
            .write(move |tx| {
                tx.set_channel_state(&k, ChannelState::Parked, Some(&text))?;
                tx.record(&k, "channel", "parked", &text, Instant::now())
            })
            .await?;
        anyhow::bail!(why);
    }
    let cycle = match host.cycle(row, mode).await {
        Ok(cycle) => cycle,
        Err(e) => {
            // Configuration that cannot work: the channel waits, the others go on.
            let due = delay(&key, interval, failures + 1, None);
            let (why, k) = (format!("{e:#}"), key.clone());
            host.store
                .write(move |tx| {
                    tx.set_channel_state(&k, ChannelState::Active, Some(&why))?;
                    tx.set_due(&k, due, failures + 1)
                })
                .await?;
            return Err(e);
        }
    };
    if mode == Mode::Plan {
        // A look changes neither the channel's state nor its schedule.
        let due = cycle.due();
        let (report, result) = cycle.run().await;
        return Ok(End {
            report,
            stop: result.err(),
            due,
        });
    }
    let started = Instant::now();
    let id = {
        let key = key.clone();
        host.store
            .write(move |tx| tx.begin_cycle(&key, started))
            .await?
    };
    let clock = std::time::Instant::now();
    let span = spans::cycle(&key, &plugin);
    let (report, result) = cycle.run().instrument(span.clone()).await;
    let took = clock.elapsed();
    let (state, reason) = state_after(&result);
    let failures = if result.is_ok() { 0 } else { failures + 1 };
    let fault = match &result {
        Err(Stop::Fault { fault, .. }) => Some(fault),
        _ => None,
    };
    let due = delay(&key, interval, failures, fault);
    let outcome = match &result {
        Ok(()) if report.awaits_approval.is_some() => "waits".to_owned(),
        Ok(()) => "done".to_owned(),
        Err(Stop::Park(_)) => "parked".to_owned(),
        Err(Stop::Db(_)) => "database".to_owned(),
        Err(Stop::Fault { fault, .. }) => fault.case().to_owned(),
    };
    let numbers = Numbers {
        applied: report.pushed,
        queued: report.queued,
        refused: report.push_failed,
        drifted: report.drift,
    };
    spans::failed(&span, result.as_ref().err().map(|_| outcome.as_str()));
    telemetry::cycle_ended(&key, &outcome, took, numbers);
    let detail = crate::db::json(&report);
    let now = Instant::now();
    if !matches!(&result, Err(Stop::Db(_))) {
        host.store
            .write(move |tx| {
                let before = tx.channel(&key)?;
                tx.end_cycle(id, &outcome, &detail, now)?;
                // What somebody said meanwhile holds.
                let held = |s| s == ChannelState::Paused || s == ChannelState::Parked && was_active;
                if before.as_ref().is_some_and(|c| held(c.state)) {
                    return Ok(());
                }
                tx.set_channel_state(&key, state, reason.as_deref())?;
                tx.set_due(&key, due, failures)?;
                let was = before.map(|c| (c.state, c.reason));
                if was != Some((state, reason.clone())) {
                    let text = match reason {
                        Some(why) if state == ChannelState::Active => {
                            format!("{why}; tried again at {due:.0}, then at growing intervals")
                        }
                        Some(why) => why,
                        None => "works again".into(),
                    };
                    tx.record(
                        &key,
                        "channel",
                        if state == ChannelState::Parked {
                            "parked"
                        } else {
                            "state"
                        },
                        &text,
                        now,
                    )?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(End {
        report,
        stop: result.err(),
        due,
    })
}

/// When to run next: the interval, or a backoff that doubles from 15 s to 15 min and never undercuts what the
/// other side asked for. A tenth of jitter keeps channels apart.
fn delay(key: &Key, interval_s: u32, failures: u32, fault: Option<&Fault>) -> Instant {
    let base_ms = if failures == 0 {
        u64::from(interval_s) * 1_000
    } else {
        let doubled = 15_000u64 << (failures - 1).min(6);
        doubled.min(900_000)
    };
    let asked = fault.and_then(Fault::retry_after_ms).map_or(0, u64::from);
    let jitter = rand::random_range(0..=base_ms / 10);
    let ms = base_ms.max(asked) + jitter;
    tracing::debug!(channel = %key, ms, "due again");
    let now = Instant::now();
    now.checked_add((ms as i64).milliseconds()).unwrap_or(now)
}

/// Wakes channels before they are due: a message came, an operator asked.
#[derive(Clone, Default)]
pub struct Wakes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    asked: std::sync::Mutex<HashMap<Key, Asked>>,
    notify: Notify,
}

/// Who asks for a cycle before its time; the later may more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// A message says that something changed.
    Message,
    /// A person, or the host itself.
    Person,
}

impl Wakes {
    /// Asks for a cycle soon. Several asks before it starts make one cycle.
    pub fn wake(&self, key: Key) {
        self.ask(key, Asked::Person);
    }

    /// Notes that a message says something changed at the channel: it is worked soon, but not more often than every few
    /// seconds, and not while it is left alone after a failure.
    pub fn hint(&self, key: Key) {
        self.ask(key, Asked::Message);
    }

    fn ask(&self, key: Key, by: Asked) {
        note(
            &mut self.0.asked.lock().expect("never poisoned"),
            [(key, by)],
        );
        self.0.notify.notify_one();
    }

    fn take(&self) -> HashMap<Key, Asked> {
        std::mem::take(&mut self.0.asked.lock().expect("never poisoned"))
    }
}

fn note(asked: &mut HashMap<Key, Asked>, more: impl IntoIterator<Item = (Key, Asked)>) {
    for (key, by) in more {
        let known = asked.entry(key).or_insert(by);
        *known = (*known).max(by);
    }
}

/// How long a channel that is not due waits all the same, after what was asked for. None: until it is due.
fn early(asked: Option<Asked>, failures: u32, since_last: Option<Duration>) -> Option<Duration> {
    match asked? {
        Asked::Person => Some(Duration::ZERO),
        Asked::Message if failures > 0 => None,
        Asked::Message => {
            Some(since_last.map_or(Duration::ZERO, |since| BETWEEN_HINTS.saturating_sub(since)))
        }
    }
}

/// Takes in what changed of the plugins. Channels of a plugin that came, or came back, are due at once; answers whether
/// there are such.
async fn look_for_plugins(host: &Arc<Host>, channels: &[ChannelRow]) -> anyhow::Result<bool> {
    let reader = host.clone();
    let told = tokio::task::spawn_blocking(move || {
        if reader.registry.changed() {
            reader.registry.refresh()
        } else {
            Vec::new()
        }
    })
    .await?;
    let mut woken = false;
    for row in channels {
        let back = row.state == ChannelState::Parked
            && row
                .reason
                .as_deref()
                .is_some_and(|r| r.starts_with(NO_PLUGIN))
            && host.plugin(&row.plugin).is_ok();
        let news: Vec<String> = (told.iter())
            .filter(|(id, _)| *id == row.plugin || row.extras.iter().any(|e| e.plugin == *id))
            .map(|(id, news)| format!("plugin {id}: {news}"))
            .collect();
        if !back && news.is_empty() {
            continue;
        }
        woken |= back;
        let (key, now) = (row.key.clone(), Instant::now());
        host.store
            .write(move |tx| {
                for text in &news {
                    tx.record(&key, "channel", "plugin", text, now)?;
                }
                if back {
                    tx.set_channel_state(&key, ChannelState::Active, None)?;
                    tx.set_due(&key, now, 0)?;
                }
                Ok(())
            })
            .await?;
    }
    Ok(woken)
}

/// Works every channel when it is due, until told to stop; then waits for the running cycles.
pub async fn run(
    host: Arc<Host>,
    wakes: Wakes,
    stop: tokio_util::sync::CancellationToken,
    mut on_end: impl FnMut(&Key, &anyhow::Result<End>),
) -> anyhow::Result<()> {
    let (done, mut ended) = mpsc::unbounded_channel();
    let mut running: HashSet<Key> = HashSet::new();
    let mut asked: HashMap<Key, Asked> = HashMap::new();
    let mut last_end: HashMap<Key, std::time::Instant> = HashMap::new();
    // Runs whose end could not be stored leave no due time behind: they wait here instead.
    let mut resting: HashMap<Key, Instant> = HashMap::new();
    loop {
        host.heartbeat.beat();
        telemetry::upkeep();
        let mut channels = host.store.read(|tx| tx.channels()).await?;
        match look_for_plugins(&host, &channels).await {
            Ok(true) => channels = host.store.read(|tx| tx.channels()).await?,
            Ok(false) => {}
            Err(e) => tracing::error!("the plugins folder: {e:#}"),
        }
        let now = Instant::now();
        note(&mut asked, wakes.take());
        let mut next = LOOK;
        if !stop.is_cancelled() {
            for row in channels
                .into_iter()
                .filter(|c| c.state == ChannelState::Active)
            {
                if running.contains(&row.key) || resting.get(&row.key).is_some_and(|t| *t > now) {
                    continue;
                }
                resting.remove(&row.key);
                let key = row.key.clone();
                let due_in = Duration::try_from(row.due_at.duration_since(now)).unwrap_or_default();
                let since_last = last_end.get(&key).map(std::time::Instant::elapsed);
                let wait = early(asked.get(&key).copied(), row.failures, since_last)
                    .map_or(due_in, |early| early.min(due_in));
                if !wait.is_zero() {
                    next = next.min(wait);
                    continue;
                }
                asked.remove(&key);
                running.insert(key.clone());
                let (host, done) = (host.clone(), done.clone());
                tokio::spawn(async move {
                    let run = tokio::spawn(async move { run_once(&host, row, Mode::Act).await });
                    // A panic is this channel's alone.
                    let end = run
                        .await
                        .unwrap_or_else(|e| Err(anyhow::anyhow!("the cycle broke: {e}")));
                    let _ = done.send((key, end));
                });
            }
        } else if running.is_empty() {
            return Ok(());
        }
        tokio::select! {
            Some((key, end)) = ended.recv() => {
                running.remove(&key);
                last_end.insert(key.clone(), std::time::Instant::now());
                let unstored = match &end {
                    Ok(End { stop: Some(Stop::Db(e)), .. }) => Some(e.to_string()),
                    Ok(_) => None,
                    Err(e) => Some(format!("{e:#}")),
                };
                if let Some(why) = unstored {
                    tracing::error!(channel = %key, "{why}");
                    let now = Instant::now();
                    resting.insert(key.clone(), now.checked_add(REST_SECONDS.seconds()).unwrap_or(now));
                }
                on_end(&key, &end);
            }
            () = wakes.0.notify.notified() => {}
            () = tokio::time::sleep(next) => {}
            () = stop.cancelled(), if !stop.is_cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_storm_of_messages_makes_one_cycle_every_few_seconds() {
        let message = Some(Asked::Message);
        assert_eq!(early(message, 0, None), Some(Duration::ZERO));
        assert_eq!(early(message, 0, Some(SECOND)), Some(4 * SECOND));
        assert_eq!(early(message, 0, Some(60 * SECOND)), Some(Duration::ZERO));
        assert_eq!(early(None, 0, Some(60 * SECOND)), None);
    }

    #[test]
    fn a_message_does_not_end_a_backoff_and_a_person_does() {
        assert_eq!(early(Some(Asked::Message), 1, None), None);
        let person = early(Some(Asked::Person), 1, Some(SECOND));
        assert_eq!(person, Some(Duration::ZERO));
    }

    #[test]
    fn asks_of_one_channel_are_one() {
        let wakes = Wakes::default();
        let key = Key::new("kestrel", "the-iconic");
        wakes.hint(key.clone());
        wakes.wake(key.clone());
        for _ in 0..1_000 {
            wakes.hint(key.clone());
        }
        let taken = wakes.take();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken.get(&key), Some(&Asked::Person));
        assert!(wakes.take().is_empty());
    }
}
