//! `lockstep retry`, `hold`, `release`, `resend`, `handled`: what a person does with one order. Each is safe to give twice.

use clap::Args;

use super::explain::find_order;
use super::{Env, FINE, Usage, channels};
use crate::actions::order::{self, Wish};
use crate::db::{OrderRow, ParcelRow, ParcelState};
use crate::host::Host;
use crate::model::{Actor, Key};

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
    act(args.order, Wish::Refuse(args.reason), env).await
}

/// Does it, and says what was done.
pub(super) async fn act(args: OrderArgs, wish: Wish, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let (key, order) = find(&host, &args).await?;
    let done = order::act(&host, &key, &order.id, wish, &Actor::command()).await?;
    env.done(&format!("Order {}: {}.", order.number, done.said));
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
        let wish = Wish::Resend(parcel.id);
        let done = order::act(&host, &key, &order.id, wish, &Actor::command()).await?;
        env.done(&format!("Order {}: {}.", order.number, done.said));
    }
    Ok(FINE)
}
