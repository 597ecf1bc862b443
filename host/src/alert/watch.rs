//! Looks at what is known every few seconds, keeps the alerts, and sends messages.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan;
use jiff::tz::TimeZone;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::actions::{self, stored};
use super::deliver::{self, Failure};
use super::group::{self, Due};
use super::life::{self, Change};
use super::message::{self, Message};
use super::rules::{self, Facts, PluginFact};
use super::target::Target;
use crate::crash;
use crate::db::{self, Alert, Outgoing, Store, Told, Tx};
use crate::host::Host;
use crate::model::{Instant, Key, PUBLIC_URL};

/// How often it looks when nobody rings.
const TICK: Duration = Duration::from_secs(15);
/// How seldom it looks at least, however often somebody rings.
const REST: Duration = Duration::from_secs(2);
/// How long messages that are being sent are waited for when the host stops.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// Resolved alerts are known for so long: to be told, after quiet hours too.
const KNOWN_HOURS: i64 = 24;
/// How long a message is tried.
const GIVE_UP_HOURS: i64 = 24;
/// The first wait after a failed attempt, which doubles up to the second, in seconds.
const AGAIN_S: (i64, i64) = (30, 3_600);

/// Rung when something may have changed: a cycle ended, somebody acted.
#[derive(Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Asks for a look soon.
    pub fn ring(&self) {
        self.0.notify_one();
    }
}

/// What is read once for all decisions about messages.
struct Known {
    targets: Vec<(Target, Vec<Told>)>,
    zones: HashMap<String, String>,
    public_url: Option<String>,
}

/// Keeps the alerts of a running host until told to stop. Its own failures are logged and end nothing.
pub async fn watch(host: Arc<Host>, bell: Bell, stop: CancellationToken) {
    let started = Instant::now();
    let mut sending: JoinSet<()> = JoinSet::new();
    // One task for a target at a time: its messages keep their order.
    let mut busy: HashMap<tokio::task::Id, String> = HashMap::new();
    loop {
        let next = match look(&host, started).await {
            Ok(next) => next,
            Err(e) => {
                tracing::error!("alerts: {e:#}");
                None
            }
        };
        match waiting(&host.store).await {
            Ok(targets) => {
                for name in targets {
                    if busy.values().any(|b| *b == name) {
                        continue;
                    }
                    let (host, target) = (host.clone(), name.clone());
                    let task = sending.spawn(async move {
                        if let Err(e) = send_due(&host, &target).await {
                            tracing::error!(to = target, "messages: {e:#}");
                        }
                    });
                    busy.insert(task.id(), name);
                }
            }
            Err(e) => tracing::error!("messages: {e}"),
        }
        let pause = next.map_or(TICK, |at| {
            Duration::try_from(at.duration_since(Instant::now())).unwrap_or_default()
        });
        let rest = tokio::time::sleep(REST);
        let wake = async {
            tokio::select! {
                () = bell.0.notified() => {}
                () = tokio::time::sleep(pause.min(TICK)) => {}
            }
            rest.await;
        };
        tokio::pin!(wake);
        loop {
            tokio::select! {
                () = stop.cancelled() => {
                    // What the last cycles found is noted.
                    if let Err(e) = look(&host, started).await {
                        tracing::error!("alerts: {e:#}");
                    }
                    let all = async { while sending.join_next().await.is_some() {} };
                    // What is not sent by then is sent by the next run.
                    let _ = tokio::time::timeout(LAST_WORDS, all).await;
                    return;
                }
                Some(done) = sending.join_next_with_id() => match done {
                    Ok((id, ())) => drop(busy.remove(&id)),
                    Err(e) => {
                        tracing::error!("messages: {e}");
                        busy.remove(&e.id());
                    }
                },
                () = &mut wake => break,
            }
        }
    }
}

/// Targets with a message that is due.
async fn waiting(store: &Store) -> Result<Vec<String>, db::Error> {
    let now = Instant::now();
    let all = store.read(|tx| tx.waiting_targets()).await?;
    Ok(all
        .into_iter()
        .filter(|w| w.next_at <= now)
        .map(|w| w.target)
        .collect())
}

/// Brings the alerts in line with what is known, and writes what is to be told. Answers when there may be more to tell.
async fn look(host: &Host, started: Instant) -> anyhow::Result<Option<Instant>> {
    let now = Instant::now();
    let plugins = plugins(host);
    let (conditions, quiet) = host
        .store
        .read(move |tx| {
            let alerts = known(tx, now)?;
            let folded = (alerts.iter())
                .filter(|a| a.resolved_at.is_none() && a.subject == rules::ALL)
                .map(|a| (a.kind, Key::new(&a.shop, &a.channel)))
                .collect();
            let targets = stored(tx)?;
            let facts = Facts {
                channels: tx.alert_facts(rules::MANY + 1, now)?,
                targets: (targets.iter())
                    .map(|t| tx.target_facts(&t.name))
                    .collect::<Result<_, _>>()?,
                plugins,
                folded,
                started,
            };
            let conditions = rules::conditions(&facts, now);
            let quiet = if life::changes(&alerts, conditions.clone(), now).is_empty() {
                let read = read_known(tx, &alerts)?;
                let (due, next) = all_due(&read, &alerts, now);
                due.is_empty().then_some(next)
            } else {
                None
            };
            Ok((conditions, quiet))
        })
        .await?;
    // Nothing is written, and nobody waited for, while nothing is new.
    if let Some(next) = quiet {
        return Ok(next);
    }
    crash::point("alert-before-write");
    let next = host
        .store
        .write(move |tx| {
            for change in life::changes(&known(tx, now)?, conditions, now) {
                apply(tx, change, now)?;
            }
            let alerts = known(tx, now)?;
            let read = read_known(tx, &alerts)?;
            let (due, next) = all_due(&read, &alerts, now);
            for (target, due) in due {
                queue(tx, &read, target, &due, &alerts, now)?;
            }
            tx.prune_alerts(now)?;
            tx.prune_messages(now)?;
            Ok(next)
        })
        .await?;
    crash::point("alert-after-write");
    Ok(next)
}

fn known(tx: &Tx<'_>, now: Instant) -> Result<Vec<Alert>, db::Error> {
    tx.known_alerts(now.checked_sub(KNOWN_HOURS.hours()).unwrap_or(now))
}

/// Plugins that need a person. They are read by whoever works the channels; what was not read yet is not told of.
fn plugins(host: &Host) -> Vec<PluginFact> {
    let entries = host.registry.known().unwrap_or_default();
    (entries.iter())
        .filter(|(_, e)| e.error.is_some() || e.waits.is_some())
        .map(|(id, e)| PluginFact {
            id: id.clone(),
            error: e.error.clone(),
            waits: (e.waits.as_ref())
                .map(|(p, asks)| (p.manifest().plugin.version.to_string(), asks.clone())),
        })
        .collect()
}

fn read_known(tx: &Tx<'_>, alerts: &[Alert]) -> Result<Known, db::Error> {
    let zones = (tx.shops()?.into_iter())
        .filter_map(|s| Some((s.shop, s.info?.timezone)))
        .collect();
    let mut targets = Vec::new();
    for target in stored(tx)? {
        let told = tx.told(&target.name, alerts)?;
        targets.push((target, told));
    }
    Ok(Known {
        targets,
        zones,
        public_url: tx.setting(PUBLIC_URL)?,
    })
}

impl Known {
    /// The name of a shop's time zone; of the host itself the one of its only shop.
    fn zone_name(&self, shop: &str) -> Option<String> {
        match self.zones.len() {
            1 if shop.is_empty() => self.zones.values().next().cloned(),
            _ => self.zones.get(shop).cloned(),
        }
    }

    fn zone(&self, shop: &str) -> TimeZone {
        message::zone(self.zone_name(shop).as_deref())
    }
}

/// What each target is to be told now, and when there may be more.
fn all_due<'a>(
    known: &'a Known,
    alerts: &[Alert],
    now: Instant,
) -> (Vec<(&'a Target, Due)>, Option<Instant>) {
    let all: Vec<(&Target, Due)> = (known.targets.iter())
        .map(|(target, told)| {
            let zone = |shop: &str| known.zone(shop);
            (target, group::due(target, alerts, told, &zone, now))
        })
        .collect();
    let next = all.iter().filter_map(|(_, due)| due.next).min();
    let due = all.into_iter().filter(|(_, d)| !d.tell.is_empty());
    (due.collect(), next)
}

fn apply(tx: &Tx<'_>, change: Change, now: Instant) -> Result<(), db::Error> {
    match change {
        Change::Open(condition) => tx.open_alert(&condition, now).map(drop),
        Change::Update {
            id,
            condition,
            worse,
            heard_no_more,
        } => {
            if heard_no_more {
                tx.unacknowledge_alert(id)?;
            }
            tx.update_alert(id, &condition, (worse || heard_no_more).then_some(now))
        }
        Change::Gone(id) => tx.alert_gone(id, now),
        Change::Resolve { id, folded } => tx.resolve_alert(id, folded, now),
    }
}

/// Writes a message, and that the target is told: both or neither.
fn queue(
    tx: &Tx<'_>,
    known: &Known,
    target: &Target,
    due: &Due,
    alerts: &[Alert],
    now: Instant,
) -> Result<(), db::Error> {
    let tell: Vec<(&Alert, group::Why)> = due
        .tell
        .iter()
        .map(|(i, why)| (&alerts[*i], *why))
        .collect();
    let message = Message::of(&tell, known.public_url.as_deref(), &|shop| {
        known.zone_name(shop)
    });
    for (alert, why) in tell {
        let told = Told {
            alert: alert.id,
            at: now,
            mark: alert.mark.clone(),
            resolved: why == group::Why::Resolved,
        };
        tx.put_told(&target.name, &told)?;
    }
    tx.queue_message(&Outgoing {
        id: uuid::Uuid::now_v7().to_string(),
        target: target.name.clone(),
        made_at: now,
        body: db::json(&message),
        attempts: 0,
    })
}

/// Sends the messages of a target that are due, in their order.
async fn send_due(host: &Host, name: &str) -> anyhow::Result<()> {
    let (target, messages) = host
        .store
        .read({
            let name = name.to_owned();
            move |tx| {
                let target = stored(tx)?.into_iter().find(|t| t.name == name);
                Ok((target, tx.due_messages(&name, Instant::now())?))
            }
        })
        .await?;
    let Some(target) = target else {
        // It was removed while a message was being written.
        let name = name.to_owned();
        host.store.write(move |tx| tx.forget_target(&name)).await?;
        return Ok(());
    };
    for outgoing in messages {
        if !send_one(host, &target, outgoing).await? {
            break;
        }
    }
    Ok(())
}

/// Sends one message and notes what became of it. Answers whether others to the same target are worth a try.
async fn send_one(host: &Host, target: &Target, outgoing: Outgoing) -> anyhow::Result<bool> {
    let Outgoing { id, made_at, .. } = &outgoing;
    let sent = match (
        db::unjson::<Message>(&outgoing.body, "notification.body"),
        actions::secret(host, &target.name).await,
    ) {
        (Ok(message), Ok(secret)) => {
            let now = Instant::now();
            deliver::send(target, secret.as_ref(), id, *made_at, &message, now).await
        }
        (Err(e), _) => Err(Failure::Refused(e.to_string())),
        (_, Err(e)) => Err(Failure::Refused(e.to_string())),
    };
    crash::point("notify-after-answer");
    let (now, id) = (Instant::now(), id.clone());
    match sent {
        Ok(answer) => {
            tracing::info!(to = target.name, id, "message sent: {answer}");
            host.store
                .write(move |tx| tx.message_sent(&id, now))
                .await?;
            Ok(true)
        }
        Err(failure) => {
            let others = matches!(failure, Failure::Refused(_));
            let why = host.scrubber.scrub(&failure.to_string());
            let again = next_try(&outgoing, now);
            tracing::warn!(to = target.name, id, "message not sent: {why}");
            host.store
                .write(move |tx| tx.message_failed(&id, &why, again, now))
                .await?;
            Ok(others)
        }
    }
}

/// When a message that failed is tried again; none: it is given up.
fn next_try(message: &Outgoing, now: Instant) -> Option<Instant> {
    let (first, longest) = AGAIN_S;
    let wait = (first << message.attempts.min(16)).min(longest);
    let last = message.made_at + GIVE_UP_HOURS.hours();
    (now < last).then(|| (now + wait.seconds()).min(last))
}
