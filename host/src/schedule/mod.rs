//! When each channel is worked: its interval with jitter, a backoff that follows the fault, one run at a time.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan;
use tokio::sync::{Notify, mpsc};

use crate::cycle::{Mode, Report, Stop, state_after};
use crate::db::{ChannelRow, ChannelState};
use crate::host::Host;
use crate::model::{Fault, Instant, Key};

/// How long a channel is left alone whose run could not store how it ended.
const REST_SECONDS: i64 = 15;

/// How often the plugins folder is looked at, and a channel that another process made due is noticed.
const LOOK: Duration = Duration::from_secs(2);
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
    let (report, result) = cycle.run().await;
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
    let detail = crate::db::json(&report);
    let now = Instant::now();
    if !matches!(&result, Err(Stop::Db(_))) {
        host.store
            .write(move |tx| {
                let before = tx.channel(&key)?;
                tx.end_cycle(id, &outcome, &detail, now)?;
                if before
                    .as_ref()
                    .is_some_and(|c| c.state == ChannelState::Paused)
                {
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
    asked: std::sync::Mutex<HashSet<Key>>,
    notify: Notify,
}

impl Wakes {
    /// Asks for a cycle soon. Several asks before it starts make one cycle.
    pub fn wake(&self, key: Key) {
        self.0.asked.lock().expect("never poisoned").insert(key);
        self.0.notify.notify_one();
    }

    fn take(&self) -> HashSet<Key> {
        std::mem::take(&mut self.0.asked.lock().expect("never poisoned"))
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
    let mut asked: HashSet<Key> = HashSet::new();
    // Runs whose end could not be stored leave no due time behind: they wait here instead.
    let mut resting: HashMap<Key, Instant> = HashMap::new();
    loop {
        let mut channels = host.store.read(|tx| tx.channels()).await?;
        match look_for_plugins(&host, &channels).await {
            Ok(true) => channels = host.store.read(|tx| tx.channels()).await?,
            Ok(false) => {}
            Err(e) => tracing::error!("the plugins folder: {e:#}"),
        }
        let now = Instant::now();
        asked.extend(wakes.take());
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
                if row.due_at > now && !asked.remove(&row.key) {
                    next = next.min(
                        Duration::try_from(row.due_at.duration_since(now)).unwrap_or_default(),
                    );
                    continue;
                }
                let key = row.key.clone();
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
