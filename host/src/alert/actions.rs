//! What people do: the command line, the API and the pages all call these.

use secrecy::SecretString;
use serde::Serialize;

use super::deliver::{self, Failure};
use super::message::Message;
use super::target::{self, Target, Way};
use crate::db::{self, Alert, AlertFilter, TargetFacts, Tx};
use crate::host::Host;
use crate::model::{Actor, AlertState, Instant, Severity};

/// Longest note, in characters.
const LONGEST_NOTE: usize = 1_000;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such alert or target.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be done, or not so.
    #[error("{0}")]
    Wrong(String),
    /// A secret cannot be sealed or opened.
    #[error("{0}")]
    Secret(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// How many alerts there are that are not resolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Counts {
    /// Open ones.
    pub open: u32,
    /// Of them, urgent.
    pub urgent: u32,
    /// Acknowledged ones.
    pub acknowledged: u32,
}

/// A target as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TargetView {
    /// As it is set up.
    #[serde(flatten)]
    pub target: Target,
    /// A password or signing secret is kept for it.
    pub has_secret: bool,
    /// Messages that wait to be sent.
    pub waiting: u32,
    /// When a message got through last.
    pub sent_at: Option<jiff::Timestamp>,
    /// When the newest message that waits no more was given up; none: it got through.
    pub given_up_at: Option<jiff::Timestamp>,
    /// Why the newest attempt failed, where messages fail.
    pub error: Option<String>,
}

/// What becomes of a target's secret when it is set up.
pub enum Secret {
    /// It stays as it is.
    Keep,
    /// There is none.
    None,
    /// It is this one.
    Set(SecretString),
}

/// What became of a test message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TestOutcome {
    /// The other side took it.
    pub delivered: bool,
    /// What it said, or why there was no answer.
    pub detail: String,
}

/// Alerts for people, the most urgent first.
pub async fn list(host: &Host, filter: &AlertFilter) -> Result<Vec<Alert>, Error> {
    let filter = filter.clone();
    Ok(host.store.read(move |tx| tx.alerts(&filter)).await?)
}

/// One alert.
pub async fn get(host: &Host, id: i64) -> Result<Alert, Error> {
    host.store
        .read(move |tx| tx.alert(id))
        .await?
        .ok_or_else(|| unknown(id))
}

/// How many alerts there are that are not resolved.
pub async fn counts(host: &Host) -> Result<Counts, Error> {
    let all = AlertFilter {
        limit: Some(u32::MAX),
        ..AlertFilter::default()
    };
    let mut counts = Counts::default();
    for alert in list(host, &all).await? {
        match alert.state {
            AlertState::Acknowledged => counts.acknowledged += 1,
            _ => {
                counts.open += 1;
                counts.urgent += u32::from(alert.severity == Severity::Urgent);
            }
        }
    }
    Ok(counts)
}

/// Somebody knows of an alert: nobody is told of it again unless it gets worse. Safe to give twice.
pub async fn acknowledge(
    host: &Host,
    actor: &Actor,
    id: i64,
    note: Option<&str>,
) -> Result<Alert, Error> {
    let note = note.map(str::trim).filter(|n| !n.is_empty());
    if note.is_some_and(|n| n.chars().count() > LONGEST_NOTE) {
        return Err(Error::Wrong(format!(
            "a note has {LONGEST_NOTE} characters at most"
        )));
    }
    let (actor, note) = (actor.clone(), note.map(str::to_owned));
    change(host, id, move |tx, alert, now| {
        tx.acknowledge_alert(alert, &actor.name, note.as_deref(), now)?;
        let detail = match &note {
            Some(note) => format!("{}: {note}", alert.title),
            None => alert.title.clone(),
        };
        tx.audit(&actor, "alert.acknowledge", &subject(alert), &detail, now)
    })
    .await
}

/// Takes an acknowledgement back: the alert is told again. Safe to give twice.
pub async fn unacknowledge(host: &Host, actor: &Actor, id: i64) -> Result<Alert, Error> {
    let actor = actor.clone();
    change(host, id, move |tx, alert, now| {
        tx.unacknowledge_alert(alert.id)?;
        tx.audit(
            &actor,
            "alert.unacknowledge",
            &subject(alert),
            &alert.title,
            now,
        )
    })
    .await
}

async fn change<F>(host: &Host, id: i64, work: F) -> Result<Alert, Error>
where
    F: FnOnce(&Tx<'_>, &Alert, Instant) -> Result<(), db::Error> + Send + 'static,
{
    let changed = host
        .store
        .write(move |tx| {
            let Some(alert) = tx.alert(id)? else {
                return Ok(None);
            };
            if alert.state == AlertState::Resolved {
                return Ok(Some(alert));
            }
            work(tx, &alert, Instant::now())?;
            tx.alert(id)
        })
        .await?;
    match changed {
        None => Err(unknown(id)),
        Some(alert) if alert.state == AlertState::Resolved => Err(Error::Wrong(format!(
            "alert {id} is resolved: {}",
            alert.title
        ))),
        Some(alert) => Ok(alert),
    }
}

fn unknown(id: i64) -> Error {
    Error::Unknown(format!(
        "there is no alert {id}; `lockstep alert list` shows those there are"
    ))
}

fn subject(alert: &Alert) -> String {
    format!("{} alert {}", alert.place(), alert.id)
        .trim_start()
        .to_owned()
}

/// The targets of messages, and how messages to them fare.
pub async fn targets(host: &Host) -> Result<Vec<TargetView>, Error> {
    Ok(host
        .store
        .read(|tx| {
            let sealed = tx.secrets("", target::SETTING)?;
            let mut views = Vec::new();
            for target in stored(tx)? {
                let TargetFacts {
                    waiting,
                    sent_at,
                    given_up_at,
                    error,
                    ..
                } = tx.target_facts(&target.name)?;
                views.push(TargetView {
                    has_secret: sealed.contains_key(&target.name),
                    waiting,
                    sent_at,
                    given_up_at,
                    error,
                    target,
                });
            }
            Ok(views)
        })
        .await?)
}

pub(super) fn stored(tx: &Tx<'_>) -> Result<Vec<Target>, db::Error> {
    Ok(tx.setting(target::SETTING)?.unwrap_or_default())
}

/// Adds a target, or changes the one of its name. Messages that wait for it are sent at once.
pub async fn put_target(
    host: &Host,
    actor: &Actor,
    target: Target,
    secret: Secret,
) -> Result<TargetView, Error> {
    target.check().map_err(Error::Wrong)?;
    let sealed = match &secret {
        Secret::Set(secret) => {
            if matches!(target.to, Way::Webhook(_)) {
                deliver::signing_key(secret).map_err(Error::Wrong)?;
            }
            let sealed = host.seal("", target::SETTING, &target.name, secret);
            Some(sealed.map_err(|e| Error::Secret(format!("{e:#}")))?)
        }
        _ => None,
    };
    let (forget, keep) = (
        matches!(secret, Secret::None),
        matches!(secret, Secret::Keep),
    );
    let (actor, name) = (actor.clone(), target.name.clone());
    let missing = host
        .store
        .write(move |tx| {
            let now = Instant::now();
            let channels = tx.channels()?;
            let missing = target.channels.iter().find(|wanted| {
                !(channels.iter()).any(|c| c.key.to_string() == **wanted || c.key.shop == **wanted)
            });
            if let Some(missing) = missing {
                return Ok(Some(missing.clone()));
            }
            let mut all = stored(tx)?;
            // A password is no signing secret.
            let other_way = (all.iter()).any(|t| {
                let same = matches!(
                    (&t.to, &target.to),
                    (Way::Email(_), Way::Email(_)) | (Way::Webhook(_), Way::Webhook(_))
                );
                t.name == target.name && !same
            });
            let place = target.place();
            let action = match all.iter_mut().find(|t| t.name == target.name) {
                Some(known) => {
                    *known = target.clone();
                    "notify.change"
                }
                None => {
                    all.push(target.clone());
                    "notify.add"
                }
            };
            if let Some(sealed) = &sealed {
                tx.put_secret("", target::SETTING, &target.name, sealed)?;
            } else if forget || (keep && other_way) {
                tx.drop_secret("", target::SETTING, &target.name)?;
            }
            tx.put_setting(target::SETTING, &all)?;
            tx.hurry_messages(&target.name, now)?;
            tx.audit(
                &actor,
                action,
                &format!("target {}", target.name),
                &place,
                now,
            )?;
            Ok(None)
        })
        .await?;
    if let Some(missing) = missing {
        return Err(Error::Wrong(format!(
            "there is no channel or shop \"{missing}\""
        )));
    }
    let mut all = targets(host).await?;
    all.retain(|t| t.target.name == name);
    all.pop()
        .ok_or_else(|| Error::Unknown(format!("target {name} was removed meanwhile")))
}

/// Removes a target with its secret and the messages that wait for it.
pub async fn remove_target(host: &Host, actor: &Actor, name: &str) -> Result<(), Error> {
    let (actor, wanted) = (actor.clone(), name.to_owned());
    let removed = host
        .store
        .write(move |tx| {
            let mut all = stored(tx)?;
            let Some(at) = all.iter().position(|t| t.name == wanted) else {
                return Ok(false);
            };
            let target = all.remove(at);
            tx.put_setting(target::SETTING, &all)?;
            tx.drop_secret("", target::SETTING, &wanted)?;
            tx.forget_target(&wanted)?;
            let subject = format!("target {wanted}");
            tx.audit(
                &actor,
                "notify.remove",
                &subject,
                &target.place(),
                Instant::now(),
            )?;
            Ok(true)
        })
        .await?;
    if removed {
        Ok(())
    } else {
        Err(no_target(host, name).await)
    }
}

async fn no_target(host: &Host, name: &str) -> Error {
    let known: Vec<String> = match targets(host).await {
        Ok(all) => all.into_iter().map(|t| t.target.name).collect(),
        Err(e) => return e,
    };
    Error::Unknown(match known.as_slice() {
        [] => format!(
            "there is no target \"{name}\", and none at all; add one with `lockstep notify add-email` or `add-webhook`"
        ),
        _ => format!(
            "there is no target \"{name}\"; there are: {}",
            known.join(", ")
        ),
    })
}

/// Sends a test message now, and reports exactly what became of it.
pub async fn test_target(host: &Host, actor: &Actor, name: &str) -> Result<TestOutcome, Error> {
    let all = host.store.read(stored).await?;
    let Some(target) = all.into_iter().find(|t| t.name == name) else {
        return Err(no_target(host, name).await);
    };
    let secret = secret(host, name).await?;
    let (id, now) = (uuid::Uuid::now_v7().to_string(), Instant::now());
    let message = Message::test(name);
    let outcome = match deliver::send(&target, secret.as_ref(), &id, now, &message, now).await {
        Ok(detail) => TestOutcome {
            delivered: true,
            detail: host.scrubber.scrub(&detail),
        },
        Err(Failure::Refused(why) | Failure::Unreachable(why)) => TestOutcome {
            delivered: false,
            detail: host.scrubber.scrub(&why),
        },
    };
    let (actor, subject, told) = (actor.clone(), format!("target {name}"), outcome.clone());
    host.store
        .write(move |tx| {
            let word = if told.delivered {
                "delivered"
            } else {
                "failed"
            };
            let detail = format!("{word}: {}", told.detail);
            tx.audit(&actor, "notify.test", &subject, &detail, Instant::now())
        })
        .await?;
    Ok(outcome)
}

/// The password or signing secret of a target.
pub(super) async fn secret(host: &Host, name: &str) -> Result<Option<SecretString>, Error> {
    let mut all =
        (host.secrets("", target::SETTING).await).map_err(|e| Error::Secret(format!("{e:#}")))?;
    Ok(all.remove(name))
}
