//! What a person does with one order of a channel.

use super::Refusal;
use crate::db::{OrderRow, OrderState, ParcelState, Tx};
use crate::host::Host;
use crate::model::{Actor, Instant, Key};
use crate::sync::acceptance::Answer;

/// What was done, for people.
pub type Said = String;

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
        let mut retried = Vec::new();
        if order.state == OrderState::Blocked {
            tx.set_order_state(&k, &order.id, OrderState::Ready, None, false)?;
            retried.push("its creation".to_owned());
        }
        for mut parcel in tx.parcels_of(&k, &order.id)? {
            if matches!(parcel.state, ParcelState::Refused | ParcelState::Doubt)
                && parcel.carrier.is_some()
            {
                parcel.state = ParcelState::Ready;
                parcel.attention = false;
                parcel.reason = Some("tried again by the operator".into());
                tx.put_parcel(&k, &parcel, now)?;
                retried.push(parcel.label());
            }
        }
        let said = format!("tried again in the next cycle: {}", retried.join(", "));
        Ok(Ok((!retried.is_empty()).then_some(said)))
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
        if hold && order.shop_order.is_some() {
            return Ok(Err(Refusal::Conflict(format!(
                "order {} exists in Shopify already; hold its fulfillment there",
                order.number
            ))));
        }
        if order.manual_hold == hold {
            return Ok(Ok(None));
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

/// Notes what to answer a channel that asks; the next cycle gives it.
pub async fn answer(
    host: &Host,
    key: &Key,
    id: &str,
    answer: Answer,
    actor: &Actor,
) -> anyhow::Result<Said> {
    let k = key.clone();
    let said = on_order(host, key, id, actor, "answer", move |tx, order, _| {
        if order.snapshot.awaits_acceptance.is_none() {
            return Ok(Err(Refusal::Conflict(format!(
                "order {} does not wait for an answer; at the channel it is {}",
                order.number, order.snapshot.native_state
            ))));
        }
        let word = if answer == Answer::Accept {
            "accepted in the next cycle"
        } else {
            "refused in the next cycle"
        };
        tx.set_answer(&k, &order.id, &answer)?;
        Ok(Ok(Some(word.into())))
    })
    .await?;
    Ok(said.unwrap_or_default())
}

/// Tells the channel a parcel again: one that was refused, is in doubt or was told already. What the channel knows of it
/// is read first, so a parcel that arrived is only confirmed. None: it is on its way anyhow.
pub async fn resend(
    host: &Host,
    key: &Key,
    id: &str,
    parcel: &str,
    actor: &Actor,
) -> anyhow::Result<Option<Said>> {
    let (k, wanted) = (key.clone(), parcel.to_owned());
    on_order(host, key, id, actor, "resend", move |tx, order, now| {
        let mut parcels = tx.parcels_of(&k, &order.id)?.into_iter();
        let Some(mut parcel) = parcels.find(|p| p.id == wanted) else {
            return Ok(Err(Refusal::Unknown(format!(
                "order {} has no parcel \"{wanted}\"",
                order.number
            ))));
        };
        if parcel.carrier.is_none() || parcel.state == ParcelState::Waiting {
            return Ok(Err(Refusal::Conflict(format!(
                "{} cannot be told yet: {}",
                parcel.label(),
                parcel.reason.as_deref().unwrap_or("it waits")
            ))));
        }
        match parcel.state {
            ParcelState::Withdrawn => Ok(Err(Refusal::Conflict(format!(
                "{} was taken back in Shopify",
                parcel.label()
            )))),
            ParcelState::Refused | ParcelState::Doubt | ParcelState::Done => {
                parcel.state = ParcelState::Ready;
                parcel.attention = false;
                parcel.reason = Some("told again, as a person asked".into());
                tx.put_parcel(&k, &parcel, now)?;
                Ok(Ok(Some(format!(
                    "{} is told again in the next cycle",
                    parcel.label()
                ))))
            }
            _ => Ok(Ok(None)),
        }
    })
    .await
}
