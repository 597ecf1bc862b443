//! `lockstep explain`: why a SKU has its number, or what happened to an order.

use clap::Args;

use super::orders::print_order;
use super::output::{clock, print_rows};
use super::{Env, FINE, Usage, channels};
use crate::cycle::extras::withhold;
use crate::db::{ChannelRow, EventRow, OrderRow};
use crate::host::Host;
use crate::model::{Key, LostLink};
use crate::sync::stock::target;
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
    for row in channels(&host, args.channel.as_ref()).await? {
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
        found |= explain_sku(&host, &row, &args.what, env, &mut json).await?;
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
fn print_events(events: &[EventRow]) {
    let rows: Vec<Vec<String>> = events
        .iter()
        .map(|e| vec![clock(e.at), e.kind.clone(), e.text.clone()])
        .collect();
    print_rows(&["when (UTC)", "what", "how"], &rows, usize::MAX);
}

async fn explain_sku(
    host: &Host,
    row: &ChannelRow,
    sku: &str,
    env: &Env,
    json: &mut Vec<serde_json::Value>,
) -> anyhow::Result<bool> {
    let (key, wanted, locations) = (row.key.clone(), sku.to_owned(), row.locations.clone());
    let semantics = host.plugin(&row.plugin)?.manifest().stock_semantics();
    let (places, variants, listings, mismatches, mut stock, lost, levels, pushes, events, timeline) =
        host.store
            .read(move |tx| {
                let variants = tx.variants_with_sku(&key.shop, &wanted)?;
                let mut levels = Vec::new();
                for v in &variants {
                    levels.extend(tx.levels(&key.shop, &v.item)?);
                }
                let places = tx
                    .shop(&key.shop)?
                    .and_then(|s| s.info)
                    .map_or_else(Vec::new, |i| i.locations);
                Ok((
                    places,
                    variants,
                    tx.listings_with_sku(&key, &wanted)?,
                    tx.mismatches(&key)?
                        .into_iter()
                        .filter(|m| m.sku == wanted)
                        .collect::<Vec<_>>(),
                    tx.stock_rows(&key, &locations, Some(std::slice::from_ref(&wanted)))?,
                    tx.lost_rows(&key, Some(std::slice::from_ref(&wanted)))?,
                    levels,
                    tx.pushes(&key, &wanted, HISTORY)?,
                    tx.events(&key, &format!("sku:{wanted}"), HISTORY)?,
                    tx.timeline(&key, &format!("sku:{wanted}"), HISTORY)?,
                ))
            })
            .await?;
    if variants.is_empty() && listings.is_empty() {
        return Ok(false);
    }
    withhold(&host.extras(row), &row.policy, &mut stock).await;
    let change = stock.first().map(|r| target(r, &row.policy, semantics));
    if env.json {
        let levels: Vec<_> = levels.iter().map(|(l, n, t)| serde_json::json!({"location": l, "available": n, "read_at": t, "counts": row.locations.contains(l)})).collect();
        json.push(serde_json::json!({
            "channel": row.key.to_string(), "sku": sku, "listings": listings, "mismatches": mismatches, "levels": levels,
            "number": change, "pushes": pushes, "events": events, "timeline": timeline,
        }));
        return Ok(true);
    }
    println!("\nSKU {sku} on {} ({})", row.title, row.key);
    for m in &mismatches {
        println!("Not in step ({}): {}", m.kind, m.detail);
    }
    if let Some(c) = &change {
        let (open, close) = match &c.part {
            Some(part) => (
                "(".to_owned(),
                format!(") / the {part} that one contains, rounded down"),
            ),
            None => (String::new(), String::new()),
        };
        println!(
            "{} = {open}{} available in Shopify - {} sold but not in that number yet - {} buffer (not below 0){close} - {} held back by extras + {} held back by the channel itself",
            c.to, c.available, c.unseen, c.buffer, c.withheld, c.reserved
        );
        match c.from {
            Some(from) if from == c.to => println!("The channel has {from}: in step."),
            Some(from) => println!("The channel has {from}: written in the next cycle."),
            None => {
                println!("What the channel has is not known for sure: written in the next cycle.")
            }
        }
    }
    if !lost.is_empty() {
        println!(
            "It was linked, and is not in the shop any more. {}",
            match row.policy.lost_link {
                LostLink::Zero =>
                    "So its number at the channel goes to 0 until the SKUs are equal again (setting lost-link).",
                LostLink::Keep =>
                    "Its number at the channel stays as it was written last (setting lost-link).",
            }
        );
    }
    let rows: Vec<Vec<String>> = variants
        .iter()
        .map(|v| vec!["Shopify variant".into(), v.title.clone(), v.variant.clone()])
        .chain(
            listings
                .iter()
                .map(|l| vec!["listing".into(), l.title.clone(), l.id.clone()]),
        )
        .collect();
    print_rows(&["side", "title", "id"], &rows, usize::MAX);
    let name = |id: &str| {
        let known = places.iter().find(|l| l.id == id);
        known.map_or_else(|| id.to_owned(), |l| l.name.clone())
    };
    let rows: Vec<Vec<String>> = levels
        .iter()
        .map(|(location, n, read)| {
            vec![
                name(location),
                n.to_string(),
                if row.locations.contains(location) {
                    "yes"
                } else {
                    "no"
                }
                .into(),
                clock(*read),
            ]
        })
        .collect();
    print_rows(
        &["location", "available", "counts", "read (UTC)"],
        &rows,
        usize::MAX,
    );
    let rows: Vec<Vec<String>> = pushes
        .iter()
        .map(|p| {
            vec![
                clock(p.at),
                p.previous.map_or("?".into(), |q| q.to_string()),
                p.quantity.to_string(),
                format!(
                    "{} - {} - {} - {} + {}{}",
                    p.available,
                    p.unseen,
                    p.buffer,
                    p.withheld,
                    p.reserved,
                    (p.part.as_ref()).map_or(String::new(), |part| format!(" ({part})"))
                ),
                p.cause.clone(),
                p.outcome.clone(),
            ]
        })
        .collect();
    print_rows(
        &[
            "written (UTC)",
            "from",
            "to",
            "available - unseen - buffer - extras + reserved",
            "cause",
            "outcome",
        ],
        &rows,
        usize::MAX,
    );
    print_events(&events);
    Ok(true)
}
