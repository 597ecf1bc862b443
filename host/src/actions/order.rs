//! What a person does with one order of a channel.

use super::Refusal;
use crate::db::{OrderRow, OrderState, ParcelRow, ParcelState, Tx};
use crate::host::Host;
use crate::model::{Actor, Instant, Key, Reason};
use crate::sync::acceptance::Answer;
use crate::sync::offers::{held_back, resent, retried};

/// What was done, for people.
pub type Said = String;

/// What a person wants done with an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// See [`answer`].
    Accept,
    /// See [`answer`]; with the channel's reason, where it wants one.
    Refuse(Option<String>),
    /// See [`retry`].
    Retry,
    /// See [`hold`].
    Hold,
    /// See [`hold`].
    Release,
    /// See [`handled`].
    Handled,
    /// See [`resend`]: the parcel.
    Resend(String),
}

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Something was changed by it; else it was so already.
    pub changed: bool,
    /// What was done, or why nothing was.
    pub said: Said,
}

/// Does what is wanted.
pub async fn act(
    host: &Host,
    key: &Key,
    id: &str,
    wish: Wish,
    actor: &Actor,
) -> anyhow::Result<Done> {
    let said_before = "that was said already, and is told in the next cycle";
    let (done, else_said) = match wish {
        Wish::Accept => (
            answer(host, key, id, Answer::Accept, actor).await?,
            said_before,
        ),
        Wish::Refuse(reason) => (
            answer(host, key, id, Answer::Refuse(reason), actor).await?,
            said_before,
        ),
        Wish::Retry => (
            retry(host, key, id, actor).await?,
            "nothing of it was refused, so there is nothing to try again",
        ),
        Wish::Hold => (
            hold(host, key, id, true, actor).await?,
            "it was held already",
        ),
        Wish::Release => (hold(host, key, id, false, actor).await?, "it was not held"),
        Wish::Handled => (
            handled(host, key, id, actor).await?,
            "nothing of it waited for a person",
        ),
        Wish::Resend(parcel) => (
            resend(host, key, id, &parcel, actor).await?,
            "that parcel is on its way already",
        ),
    };
    Ok(Done {
        changed: done.is_some(),
        said: done.unwrap_or_else(|| else_said.to_owned()),
    })
}

/// Runs `act` on the order in one transaction, with what it says written to the order's history and to the audit, and
/// the channel due at once.
async fn on_order(
    host: &Host,
    key: &Key,
    id: &str,
    actor: &Actor,
    kind: &'static str,
    act: impl FnOnce(
        &Tx<'_>,
        &OrderRow,
        Instant,
    ) -> Result<Result<Option<Said>, Refusal>, crate::db::Error>
    + Send
    + 'static,
) -> anyhow::Result<Option<Said>> {
    let (key, id, actor) = (key.clone(), id.to_owned(), actor.clone());
    let done = host
        .store
        .write(move |tx| {
            let now = Instant::now();
            let Some(order) = tx.order(&key, &id)? else {
                return Ok(Err(Refusal::Unknown(format!(
                    "{key} has no order with the id \"{id}\""
                ))));
            };
            let said = act(tx, &order, now)?;
            if let Ok(Some(said)) = &said {
                let text = format!("{}: {said}", actor.name);
                tx.record(&key, &format!("order:{id}"), kind, &text, now)?;
                let subject = format!("{key} order {}", order.number);
                tx.audit(&actor, &format!("order.{kind}"), &subject, said, now)?;
                tx.set_due(&key, now, 0)?;
            }
            Ok(said)
        })
        .await?;
    Ok(done?)
}

/// Tries again what was refused or is in doubt: its creation, its parcels. A code that the channel has is never replaced:
/// it is asked first. None: there was nothing to try again.
pub async fn retry(
    host: &Host,
    key: &Key,
    id: &str,
    actor: &Actor,
) -> anyhow::Result<Option<Said>> {
    let k = key.clone();
    on_order(host, key, id, actor, "retry", move |tx, order, now| {
        let mut again = Vec::new();
        if order.state == OrderState::Blocked {
            tx.set_order_state(&k, &order.id, OrderState::Ready, None, false)?;
            again.push("its creation".to_owned());
        }
        for mut parcel in tx.parcels_of(&k, &order.id)? {
            if retried(&parcel) {
                parcel.state = ParcelState::Ready;
                parcel.attention = false;
                parcel.reason = Some("tried again by the operator".into());
                tx.put_parcel(&k, &parcel, now)?;
                again.push(parcel.label());
            }
        }
        let said = format!("tried again in the next cycle: {}", again.join(", "));
        Ok(Ok((!again.is_empty()).then_some(said)))
    })
    .await
}

/// Holds an order back before it is created, or releases it. None: it was so already.
pub async fn hold(
    host: &Host,
    key: &Key,
    id: &str,
    hold: bool,
    actor: &Actor,
) -> anyhow::Result<Option<Said>> {
    let k = key.clone();
    on_order(host, key, id, actor, "hold", move |tx, order, _| {
        if order.manual_hold == hold {
            return Ok(Ok(None));
        }
        if hold && let Err(why) = held_back(order) {
            return Ok(Err(Refusal::Conflict(why)));
        }
        tx.set_manual_hold(&k, &order.id, hold)?;
        Ok(Ok(Some(if hold { "held" } else { "released" }.into())))
    })
    .await
}

/// Notes that a person has seen to an order and its parcels. None: nothing of it waited for a person.
pub async fn handled(
    host: &Host,
    key: &Key,
    id: &str,
    actor: &Actor,
) -> anyhow::Result<Option<Said>> {
    let k = key.clone();
    on_order(host, key, id, actor, "handled", move |tx, order, now| {
        let mut waited = order.attention;
        tx.set_order_attention(&k, &order.id, false)?;
        for mut parcel in tx.parcels_of(&k, &order.id)? {
            if parcel.attention {
                waited = true;
                parcel.attention = false;
                tx.put_parcel(&k, &parcel, now)?;
            }
        }
        Ok(Ok(waited.then(|| "noted as handled".into())))
    })
    .await
}

/// Notes what to answer a channel that asks; the next cycle gives it. None: that was said already.
pub async fn answer(
    host: &Host,
    key: &Key,
    id: &str,
    answer: Answer,
    actor: &Actor,
) -> anyhow::Result<Option<Said>> {
    let k = key.clone();
    on_order(host, key, id, actor, "answer", move |tx, order, _| {
        if order.snapshot.awaits_acceptance.is_none() {
            return Ok(Err(Refusal::Conflict(format!(
                "order {} does not wait for an answer; at the channel it is {}",
                order.number, order.snapshot.native_state
            ))));
        }
        let answer = match reasoned(answer, &tx.reasons(&k)?) {
            Ok(answer) => answer,
            Err(why) => return Ok(Err(Refusal::Invalid(why))),
        };
        if tx.answer(&k, &order.id)?.as_ref() == Some(&answer) {
            return Ok(Ok(None));
        }
        tx.set_answer(&k, &order.id, &answer)?;
        Ok(Ok(Some(match &answer {
            Answer::Accept => "accepted in the next cycle".to_owned(),
            Answer::Refuse(None) => "refused in the next cycle".to_owned(),
            Answer::Refuse(Some(reason)) => format!("refused in the next cycle: {reason}"),
        })))
    })
    .await
}

/// The answer with its reason by the channel's code, where the channel has reasons to refuse.
fn reasoned(answer: Answer, reasons: &[Reason]) -> Result<Answer, String> {
    let Answer::Refuse(given) = answer else {
        return Ok(answer);
    };
    let taken: Vec<&Reason> = (reasons.iter())
        .filter(|r| r.usable && r.kind == "refuse")
        .collect();
    if taken.is_empty() {
        return Ok(Answer::Refuse(given));
    }
    let known = given
        .as_ref()
        .and_then(|g| taken.iter().find(|r| r.code == *g || r.label == *g));
    match known {
        Some(reason) => Ok(Answer::Refuse(Some(reason.code.clone()))),
        None => {
            let labels: Vec<String> = taken.iter().map(|r| format!("\"{}\"", r.label)).collect();
            Err(format!(
                "the channel takes these reasons to refuse an order: {}; name one of them",
                labels.join(", ")
            ))
        }
    }
}

/// Tells the channel a parcel again: one that was refused, is in doubt or was told already, named by the id of its
/// fulfillment or the number at its end. What the channel knows of it is read first, so a parcel that arrived is only
/// confirmed. None: it is on its way anyhow.
pub async fn resend(
    host: &Host,
    key: &Key,
    id: &str,
    parcel: &str,
    actor: &Actor,
) -> anyhow::Result<Option<Said>> {
    let (k, wanted) = (key.clone(), parcel.to_owned());
    on_order(host, key, id, actor, "resend", move |tx, order, now| {
        let parcels = tx.parcels_of(&k, &order.id)?;
        let known = |p: &&ParcelRow| p.id == wanted || p.short_id() == wanted;
        let Some(mut parcel) = parcels.iter().find(known).cloned() else {
            return Ok(Err(Refusal::Unknown(format!(
                "order {} has no parcel \"{wanted}\"",
                order.number
            ))));
        };
        if let Err(why) = resent(&parcel, &tx.units(&k, &order.id)?, &parcels) {
            return Ok(Err(Refusal::Conflict(why)));
        }
        parcel.state = match parcel.state {
            ParcelState::Refused | ParcelState::Doubt => ParcelState::Ready,
            // The channel has heard of it, and it must not be taken for new meanwhile.
            ParcelState::Done => ParcelState::Preparing,
            _ => return Ok(Ok(None)),
        };
        parcel.attention = false;
        parcel.reason = Some("told again, as a person asked".into());
        tx.put_parcel(&k, &parcel, now)?;
        Ok(Ok(Some(format!(
            "{} is told again in the next cycle",
            parcel.label()
        ))))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(code: &str, kind: &str) -> Reason {
        Reason {
            code: code.into(),
            label: format!("label of {code}"),
            kind: kind.into(),
            out_of_stock: None,
            usable: true,
        }
    }

    #[test]
    fn a_refusal_names_a_reason_that_the_channel_takes() {
        let reasons = [reason("OOS", "refuse"), reason("C1", "cancel")];
        let refuse = |given: Option<&str>| Answer::Refuse(given.map(str::to_owned));
        for given in ["OOS", "label of OOS"] {
            assert_eq!(
                reasoned(refuse(Some(given)), &reasons),
                Ok(refuse(Some("OOS")))
            );
        }
        for given in [None, Some("C1"), Some("anything")] {
            let why = reasoned(refuse(given), &reasons).unwrap_err();
            assert!(why.contains("label of OOS") && !why.contains("C1"), "{why}");
        }
        // Where the channel has none, the marketplace's own word or none at all will do.
        assert_eq!(reasoned(refuse(None), &reasons[1..]), Ok(refuse(None)));
        assert_eq!(reasoned(Answer::Accept, &reasons), Ok(Answer::Accept));
    }
}
