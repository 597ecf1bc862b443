//! `lockstep explain`: why a SKU has its number, or what happened to an order.

use std::collections::BTreeSet;

use clap::Args;

use super::orders::print_order;
use super::output::{clock, print_rows};
use super::products::print_product;
use super::{Env, FINE, Usage, channels};
use crate::db::{Happening, OrderRow};
use crate::host::Host;
use crate::model::Key;
use crate::view;

#[derive(Args)]
pub(super) struct ExplainArgs {
    /// A SKU, or the number or id of a channel's order.
    what: String,
    /// SHOP/CHANNEL; all channels otherwise.
    #[arg(long)]
    channel: Option<Key>,
}

pub(super) async fn run(args: ExplainArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let mut json = Vec::new();
    let mut found = false;
    let rows = channels(&host, args.channel.as_ref()).await?;
    for row in &rows {
        if let Some(known) = find_order(&host, &row.key, &args.what).await?
            && let Some(order) = view::order(&host.store, &row.key, &known.id, true).await?
        {
            found = true;
            if env.json {
                json.push(serde_json::to_value(&order)?);
            } else {
                print_order(&order);
            }
        }
    }
    let shops: BTreeSet<&str> = rows.iter().map(|r| r.key.shop.as_str()).collect();
    for shop in shops {
        let only = args.channel.as_ref();
        if let Some(product) = view::product(&host, shop, &args.what, only).await? {
            found = true;
            if env.json {
                json.push(serde_json::to_value(&product)?);
            } else {
                print_product(&product);
            }
        }
    }
    if !found {
        return Err(Usage(format!("nothing is known of \"{}\": neither an order number or id, nor a SKU of the shop or a channel", args.what)).into());
    }
    if env.json {
        println!("{}", serde_json::to_string_pretty(&json)?);
    }
    Ok(FINE)
}

/// An order by the channel's number or id.
pub(super) async fn find_order(
    host: &Host,
    key: &Key,
    what: &str,
) -> anyhow::Result<Option<OrderRow>> {
    let (key, what) = (key.clone(), what.to_owned());
    Ok(host
        .store
        .read(move |tx| match tx.order_by_number(&key, &what)? {
            Some(order) => Ok(Some(order)),
            None => tx.order(&key, &what),
        })
        .await?)
}

/// What happened, oldest first.
pub(super) fn print_timeline(happenings: &[Happening]) {
    let rows: Vec<Vec<String>> = (happenings.iter())
        .map(|h| {
            vec![
                clock(h.at),
                if h.well == Some(false) { "!" } else { "" }.to_owned(),
                h.what.clone(),
                h.cause.clone().unwrap_or_default(),
                h.text.clone(),
            ]
        })
        .collect();
    print_rows(&["when (UTC)", "", "what", "why", "how"], &rows, usize::MAX);
}
