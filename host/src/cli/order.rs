//! `lockstep retry`, `hold`, `release`, `resend`, `handled`: what a person does with one order. Each is safe to give twice.

use clap::Args;

use super::explain::find_order;
use super::{Env, FINE, Usage, channels};
use crate::actions::order;
use crate::db::{OrderRow, ParcelRow, ParcelState};
use crate::host::Host;
use crate::model::{Actor, Key};
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
    let said = order::answer(&host, &key, &order.id, answer, &Actor::command()).await?;
    env.done(&format!("Order {}: {said}.", order.number));
    Ok(FINE)
}

pub(super) async fn retry(args: OrderArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let (key, order) = find(&host, &args).await?;
    let said = order::retry(&host, &key, &order.id, &Actor::command()).await?;
    let said = said
        .unwrap_or_else(|| "nothing of it was refused, so there is nothing to try again".into());
    env.done(&format!("Order {}: {said}.", order.number));
    Ok(FINE)
}

pub(super) async fn hold(args: OrderArgs, env: &Env, hold: bool) -> anyhow::Result<u8> {
    let host = env.host()?;
    let (key, order) = find(&host, &args).await?;
    order::hold(&host, &key, &order.id, hold, &Actor::command()).await?;
    let word = if hold { "held" } else { "released" };
    env.done(&format!("Order {} is {word}.", order.number));
    Ok(FINE)
}

pub(super) async fn handled(args: OrderArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let (key, order) = find(&host, &args).await?;
    order::handled(&host, &key, &order.id, &Actor::command()).await?;
    env.done(&format!("Order {} is noted as handled.", order.number));
    Ok(FINE)
}

#[derive(Args)]
pub(super) struct ResendArgs {
    #[command(flatten)]
    order: OrderArgs,
    /// The parcel's tracking code, or the id of its fulfillment; all parcels of the order otherwise.
    #[arg(long)]
    parcel: Option<String>,
}

pub(super) async fn resend(args: ResendArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let (key, order) = find(&host, &args.order).await?;
    let (k, id) = (key.clone(), order.id.clone());
    let parcels = host.store.read(move |tx| tx.parcels_of(&k, &id)).await?;
    let meant = |p: &ParcelRow| match args.parcel.as_deref() {
        Some(what) => {
            p.tracking.as_deref() == Some(what)
                || p.id == what
                || p.id.ends_with(&format!("/{what}"))
        }
        None => p.state != ParcelState::Withdrawn,
    };
    let parcels: Vec<ParcelRow> = parcels.into_iter().filter(meant).collect();
    if parcels.is_empty() {
        return Err(Usage(match &args.parcel {
            Some(what) => format!("order {} has no parcel \"{what}\"", order.number),
            None => format!("order {} has no parcel", order.number),
        })
        .into());
    }
    for parcel in parcels {
        let said = order::resend(&host, &key, &order.id, &parcel.id, &Actor::command()).await?;
        let said = said.unwrap_or_else(|| format!("{} is on its way already", parcel.label()));
        env.done(&format!("Order {}: {said}.", order.number));
    }
    Ok(FINE)
}
