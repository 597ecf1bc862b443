//! `lockstep retry`, `hold`, `release`, `handled`: what a person does with one order. Each is safe to give twice.

use clap::Args;

use super::explain::find_order;
use super::{Env, FINE, Usage, channels};
use crate::db::{OrderRow, OrderState, ParcelState};
use crate::host::Host;
use crate::model::{Instant, Key};
use crate::sync::acceptance::Answer;

#[derive(Args)]
pub(super) struct OrderArgs {
    /// The channel's order number or id.
    order: String,
    /// SHOP/CHANNEL, where several have that number.
    #[arg(long)]
    channel: Option<Key>,
}

async fn find(host: &Host, args: &OrderArgs) -> anyhow::Result<(Key, OrderRow)> {
    let mut found = Vec::new();
    for row in channels(host, args.channel.as_ref()).await? {
        if let Some(order) = find_order(host, &row.key, &args.order).await? {
            found.push((row.key, order));
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Usage(format!(
            "no order \"{}\" is known; orders are named by the channel's number or id",
            args.order
        ))
        .into()),
        _ => {
            let keys: Vec<String> = found.iter().map(|(k, _)| k.to_string()).collect();
            Err(Usage(format!(
                "order \"{}\" exists in {}; name one with --channel",
                args.order,
                keys.join(" and ")
            ))
            .into())
        }
    }
}

#[derive(Args)]
pub(super) struct RefuseArgs {
    #[command(flatten)]
    order: OrderArgs,
    /// Why, as the channel calls it, where it wants a reason.
    #[arg(long)]
    reason: Option<String>,
}

pub(super) async fn refuse(args: RefuseArgs, env: &Env) -> anyhow::Result<u8> {
    answer(args.order, Answer::Refuse(args.reason), env).await
}

/// Notes the answer; the next cycle gives it to the channel.
pub(super) async fn answer(args: OrderArgs, answer: Answer, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let (key, order) = find(&host, &args).await?;
    let number = order.number.clone();
    if order.snapshot.awaits_acceptance.is_none() {
        return Err(Usage(format!(
            "order {number} does not wait for an answer; at the channel it is {}",
            order.snapshot.native_state
        ))
        .into());
    }
    let word = if answer == Answer::Accept {
        "accepted"
    } else {
        "refused"
    };
    host.store
        .write(move |tx| {
            let now = Instant::now();
            tx.set_answer(&key, &order.id, &answer)?;
            let text = format!("the operator says: {word}");
            tx.record(&key, &format!("order:{}", order.id), "answer", &text, now)?;
            tx.set_due(&key, now, 0)
        })
        .await?;
    println!("Order {number}: {word} in the next cycle.");
    Ok(FINE)
}

pub(super) async fn retry(args: OrderArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let (key, order) = find(&host, &args).await?;
    let number = order.number.clone();
    let retried = host
        .store
        .write(move |tx| {
            let now = Instant::now();
            let mut retried = Vec::new();
            if order.state == OrderState::Blocked {
                tx.set_order_state(&key, &order.id, OrderState::Ready, None, false)?;
                retried.push("its creation".to_owned());
            }
            for mut parcel in tx.parcels_of(&key, &order.id)? {
                // Safe for one in doubt as well: the channel is asked first, and a code that it has is never replaced.
                if matches!(parcel.state, ParcelState::Refused | ParcelState::Doubt)
                    && parcel.carrier.is_some()
                {
                    parcel.state = ParcelState::Ready;
                    parcel.attention = false;
                    parcel.reason = Some("tried again by the operator".into());
                    tx.put_parcel(&key, &parcel, now)?;
                    retried.push(format!(
                        "parcel {}",
                        parcel.tracking.as_deref().unwrap_or("without code")
                    ));
                }
            }
            if !retried.is_empty() {
                tx.record(
                    &key,
                    &format!("order:{}", order.id),
                    "retry",
                    &format!("the operator tries again: {}", retried.join(", ")),
                    now,
                )?;
                tx.set_due(&key, now, 0)?;
            }
            Ok(retried)
        })
        .await?;
    if retried.is_empty() {
        println!("Order {number}: nothing of it was refused, so there is nothing to try again.");
    } else {
        println!(
            "Order {number}: tried again in the next cycle: {}.",
            retried.join(", ")
        );
    }
    Ok(FINE)
}

pub(super) async fn hold(args: OrderArgs, env: &Env, hold: bool) -> anyhow::Result<u8> {
    let host = env.host()?;
    let (key, order) = find(&host, &args).await?;
    if hold && order.shop_order.is_some() {
        return Err(Usage(format!(
            "order {} exists in Shopify already; hold its fulfillment there",
            order.number
        ))
        .into());
    }
    let number = order.number.clone();
    host.store
        .write(move |tx| {
            let now = Instant::now();
            tx.set_manual_hold(&key, &order.id, hold)?;
            let text = if hold {
                "held by the operator"
            } else {
                "released by the operator"
            };
            tx.record(&key, &format!("order:{}", order.id), "hold", text, now)
        })
        .await?;
    println!(
        "Order {number} is {}.",
        if hold { "held" } else { "released" }
    );
    Ok(FINE)
}

pub(super) async fn handled(args: OrderArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let (key, order) = find(&host, &args).await?;
    let number = order.number.clone();
    host.store
        .write(move |tx| {
            let now = Instant::now();
            tx.set_order_attention(&key, &order.id, false)?;
            for mut parcel in tx
                .parcels_of(&key, &order.id)?
                .into_iter()
                .filter(|p| p.attention)
            {
                parcel.attention = false;
                tx.put_parcel(&key, &parcel, now)?;
            }
            tx.record(
                &key,
                &format!("order:{}", order.id),
                "handled",
                "a person has seen to it",
                now,
            )
        })
        .await?;
    println!("Order {number} is noted as handled.");
    Ok(FINE)
}
