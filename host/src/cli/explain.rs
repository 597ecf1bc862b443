//! `lockstep explain`: why a SKU has its number, or what happened to an order.

use std::collections::BTreeSet;

use clap::Args;

use super::extra::print_edited;
use super::output::{clock, print_rows, relative};
use super::products::print_product;
use super::{Env, FINE, Usage, channels};
use crate::db::{ChannelRow, EventRow, OrderRow};
use crate::host::Host;
use crate::model::{Instant, Key};
use crate::view;

#[derive(Args)]
pub(super) struct ExplainArgs {
    /// A SKU, or the number or id of a channel's order.
    what: String,
    /// SHOP/CHANNEL; all channels otherwise.
    #[arg(long)]
    channel: Option<Key>,
}

/// Newest rows shown of each history.
const HISTORY: u32 = 30;

pub(super) async fn run(args: ExplainArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let mut json = Vec::new();
    let mut found = false;
    let rows = channels(&host, args.channel.as_ref()).await?;
    for row in &rows {
        if let Some(order) = find_order(&host, &row.key, &args.what).await? {
            found = true;
            explain_order(&host, row, order, env, &mut json).await?;
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

async fn explain_order(
    host: &Host,
    row: &ChannelRow,
    order: OrderRow,
    env: &Env,
    json: &mut Vec<serde_json::Value>,
) -> anyhow::Result<()> {
    let (key, id) = (row.key.clone(), order.id.clone());
    let (units, parcels, events, extras) = host
        .store
        .read(move |tx| {
            Ok((
                tx.units(&key, &id)?,
                tx.parcels_of(&key, &id)?,
                tx.events(&key, &format!("order:{id}"), HISTORY)?,
                tx.extra_steps(&key, &id)?,
            ))
        })
        .await?;
    if env.json {
        let extras = extras.map(
            |(before, steps, after)| serde_json::json!({"before": before, "steps": steps, "after": after}),
        );
        json.push(serde_json::json!({
            "channel": row.key.to_string(), "order": order, "units": units, "parcels": parcels, "events": events, "extras": extras,
        }));
        return Ok(());
    }
    let now = Instant::now();
    println!(
        "\nOrder {} of {} (id {} there)",
        order.number, row.title, order.id
    );
    let buyer = order.snapshot.buyer_name.clone().unwrap_or_default();
    let mut facts = vec![
        vec!["state".into(), order.state.text().to_owned()],
        vec!["at the channel".into(), order.snapshot.native_state.clone()],
        vec![
            "bought".into(),
            format!("{} UTC by {buyer}", clock(order.snapshot.placed_at)),
        ],
        vec![
            "in Shopify".into(),
            order.shop_name.as_ref().map_or("no".into(), |n| {
                format!("{n} ({})", order.shop_order.as_deref().unwrap_or(""))
            }),
        ],
        vec![
            "dispatch by".into(),
            order.ship_by.map_or("none told".into(), |t| {
                format!("{} UTC ({})", clock(t), relative(t, now))
            }),
        ],
    ];
    if let Some(reason) = &order.reason {
        facts.push(vec!["why".into(), reason.clone()]);
    }
    if order.attention {
        facts.push(vec!["needs you".into(), "yes".into()]);
    }
    print_rows(&["order", ""], &facts, usize::MAX);
    let rows: Vec<Vec<String>> = units
        .iter()
        .map(|u| {
            let sku = u.sku.as_deref().unwrap_or_default();
            vec![
                u.line.clone(),
                match &u.part {
                    Some(part) => format!("{part} (of {sku})"),
                    None => sku.to_owned(),
                },
                u.channel_state.clone(),
                u.shop_state.clone(),
                u.parcel
                    .as_deref()
                    .and_then(|p| p.rsplit('/').next())
                    .unwrap_or("")
                    .to_owned(),
            ]
        })
        .collect();
    print_rows(
        &["line", "SKU", "at the channel", "in Shopify", "parcel"],
        &rows,
        usize::MAX,
    );
    let rows: Vec<Vec<String>> = parcels
        .iter()
        .map(|p| {
            vec![
                p.id.rsplit('/').next().unwrap_or("").to_owned(),
                p.company.clone().unwrap_or_default(),
                p.carrier
                    .as_ref()
                    .and_then(|c| c.name.clone())
                    .unwrap_or_default(),
                p.tracking.clone().unwrap_or_default(),
                p.state.text().to_owned(),
                p.reason.clone().unwrap_or_default(),
            ]
        })
        .collect();
    print_rows(
        &[
            "parcel",
            "carrier in Shopify",
            "carrier at the channel",
            "code",
            "state",
            "why",
        ],
        &rows,
        usize::MAX,
    );
    if let Some((before, steps, after)) = &extras {
        print_edited(before, steps, after);
    }
    print_events(&events);
    Ok(())
}

/// What happened, oldest first.
pub(super) fn print_events(events: &[EventRow]) {
    let rows: Vec<Vec<String>> = events
        .iter()
        .map(|e| vec![clock(e.at), e.kind.clone(), e.text.clone()])
        .collect();
    print_rows(&["when (UTC)", "what", "how"], &rows, usize::MAX);
}
