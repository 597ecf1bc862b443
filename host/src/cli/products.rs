//! `lockstep products` and `lockstep resync`: the SKUs of a shop, and reading one again.

use clap::Args;

use super::explain::print_timeline;
use super::output::{clock, print_rows};
use super::{Env, FINE, Usage};
use crate::actions::product;
use crate::model::{Actor, Key, MismatchKind, ProductState};
use crate::sync::stock::StockChange;
use crate::view::{self, Product, ProductChannel, ProductsAsked};

#[derive(Args)]
pub(super) struct ProductsArgs {
    /// SHOP, or SHOP/CHANNEL for what one channel sells; the first shop otherwise.
    channel: Option<String>,
    /// How they stand: in, out, quarantine, unsure or refused.
    #[arg(long)]
    state: Option<ProductState>,
    /// Why they are not in step, as in near-miss or duplicate-shop.
    #[arg(long)]
    kind: Option<MismatchKind>,
    /// The beginning of the SKU, or words of the title.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Begin behind this SKU.
    #[arg(long, value_name = "SKU")]
    after: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = view::PAGE, value_parser = clap::value_parser!(u32).range(1..=i64::from(view::LONGEST_PAGE)))]
    limit: u32,
}

pub(super) async fn list(args: ProductsArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let asked = ProductsAsked {
        channel: args.channel,
        state: args.state,
        kind: args.kind,
        search: args.search,
        after: args.after,
        limit: Some(args.limit),
    };
    let found = view::products(&host, &asked).await?;
    if env.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(FINE);
    }
    let mut header = vec!["SKU", "title", "in the shop"];
    header.extend(found.channels.iter().map(|c| c.title.as_str()));
    let rows: Vec<Vec<String>> = (found.items.iter())
        .map(|item| {
            let mut row = vec![
                item.sku.clone(),
                item.title.clone(),
                item.available.map_or(String::new(), |n| n.to_string()),
            ];
            row.extend(item.channels.iter().map(|s| {
                let number = s.number.map_or(String::new(), |n| format!("{n}, "));
                let why = match s.why.as_str() {
                    "" => String::new(),
                    why => format!("\n{why}"),
                };
                format!("{number}{}{why}", s.state.text())
            }));
            row
        })
        .collect();
    print_rows(&header, &rows, usize::MAX);
    match &found.next {
        Some(next) => println!("More: add --after \"{next}\"."),
        None if rows.is_empty() => println!("No SKU is like that."),
        None => {}
    }
    Ok(FINE)
}

#[derive(Args)]
pub(super) struct ResyncArgs {
    /// The SKU, to the letter.
    sku: String,
    /// SHOP/CHANNEL; each channel of each shop that has it otherwise.
    #[arg(long)]
    channel: Option<Key>,
}

pub(super) async fn resync(args: ResyncArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let actor = Actor::command();
    let shops: Vec<String> = match &args.channel {
        Some(key) => vec![key.shop.clone()],
        None => {
            let sku = args.sku.clone();
            host.store
                .read(move |tx| {
                    let mut known = Vec::new();
                    for shop in tx.shops()? {
                        if tx.knows_sku(&shop.shop, &sku)? {
                            known.push(shop.shop);
                        }
                    }
                    Ok(known)
                })
                .await?
        }
    };
    if shops.is_empty() {
        return Err(Usage(format!(
            "neither a shop nor a channel has the SKU \"{}\"",
            args.sku
        ))
        .into());
    }
    let mut said = Vec::new();
    for shop in shops {
        let only = args.channel.as_ref();
        let asked = product::resync(&host, &shop, &args.sku, only, &actor).await?;
        said.push(asked.said);
    }
    env.done(&format!("{}: {}.", args.sku, said.join("; ")));
    Ok(FINE)
}

/// Prints a SKU with its sum, its numbers and what happened, channel by channel.
pub(super) fn print_product(product: &Product) {
    for on in &product.channels {
        if product.variants.is_empty() && on.listings.is_empty() {
            continue;
        }
        println!("\nSKU {} on {} ({})", product.sku, on.title, on.channel);
        println!("{}", on.why);
        for m in &on.mismatches {
            println!("Not in step ({}): {}", m.kind, m.detail);
            for difference in m.near.iter().flat_map(|n| &n.differences) {
                println!("  {difference}");
            }
            for step in &m.cure {
                println!("  {step}");
            }
        }
        for problem in &on.problems {
            println!("{problem}");
        }
        if let Some(number) = on.number.as_ref().filter(|_| !on.lost) {
            println!("{}", sum(number));
        }
        print_sides(product, on);
        print_pushes(on);
        print_timeline(&on.timeline);
    }
}

fn sum(c: &StockChange) -> String {
    let (open, close) = match &c.part {
        Some(part) => (
            "(",
            format!(") / the {part} that one contains, rounded down"),
        ),
        None => ("", String::new()),
    };
    format!(
        "{} = {open}{} available in Shopify - {} sold but not in that number yet - {} buffer (not below 0){close} - {} held back by extras + {} held back by the channel itself",
        c.to, c.available, c.unseen, c.buffer, c.withheld, c.reserved
    )
}

fn print_sides(product: &Product, on: &ProductChannel) {
    let variants = product.variants.iter().map(|v| &v.variant);
    let rows: Vec<Vec<String>> = variants
        .map(|v| vec!["Shopify variant".into(), v.title.clone(), v.id.clone()])
        .chain((on.listings.iter()).map(|l| vec!["listing".into(), l.title.clone(), l.id.clone()]))
        .collect();
    print_rows(&["side", "title", "id"], &rows, usize::MAX);
    let rows: Vec<Vec<String>> = (on.levels.iter())
        .map(|l| {
            vec![
                l.name.clone(),
                l.available.to_string(),
                if l.counts { "yes" } else { "no" }.into(),
                clock(l.read_at),
            ]
        })
        .collect();
    print_rows(
        &["location", "available", "counts", "read (UTC)"],
        &rows,
        usize::MAX,
    );
    let orders = [
        ("not in the shop's number yet", &on.unseen_orders),
        ("held back by the channel", &on.reserved_orders),
    ];
    let rows: Vec<Vec<String>> = (orders.into_iter())
        .flat_map(|(why, orders)| {
            orders.iter().map(move |o| {
                vec![
                    o.number.clone(),
                    o.channel.clone(),
                    o.pieces.to_string(),
                    o.state.clone(),
                    why.to_owned(),
                ]
            })
        })
        .collect();
    print_rows(
        &["order", "channel", "pieces", "state", "so they are"],
        &rows,
        usize::MAX,
    );
}

/// Newest numbers printed.
const PUSHES: usize = 30;

fn print_pushes(on: &ProductChannel) {
    let rows: Vec<Vec<String>> = (on.pushes.iter())
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
        PUSHES,
    );
}
