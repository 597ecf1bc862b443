//! `lockstep status`: how every channel stands and what needs a person.

use clap::Args;

use super::output::{clock, print_rows, relative};
use super::{ATTENTION, Env, FINE, channels};
use crate::db::{ChannelState, Fate};
use crate::model::{Instant, Key};

#[derive(Args)]
pub(super) struct StatusArgs {
    /// SHOP/CHANNEL; all channels otherwise.
    key: Option<Key>,
}

/// Open units shown per channel.
const UNITS: u32 = 12;

pub(super) async fn run(args: StatusArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let now = Instant::now();
    let mut code = FINE;
    let (mut overview, mut urgent, mut needs, mut json) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in channels(&host, args.key.as_ref()).await? {
        let key = row.key.clone();
        let (status, units, orders, parcels, refused, plan) = host
            .store
            .read({
                let key = key.clone();
                move |tx| {
                    Ok((
                        tx.status(&key, now)?,
                        tx.open_units(&key, UNITS)?,
                        tx.orders_for_attention(&key)?,
                        tx.parcels_for_attention(&key)?,
                        tx.refused_numbers(&key)?,
                        tx.plan_why(&key)?,
                    ))
                }
            })
            .await?;
        if row.state == ChannelState::Parked
            || status.attention > 0
            || plan.is_some()
            || !refused.is_empty()
        {
            code = ATTENTION;
        }
        let last = status.last_cycle.as_ref();
        overview.push(vec![
            key.to_string(),
            row.state.to_string(),
            last.map_or("never".into(), |c| {
                format!(
                    "{} ({})",
                    relative(c.started_at, now),
                    c.outcome.as_deref().unwrap_or("running or killed")
                )
            }),
            if row.state == ChannelState::Active {
                relative(row.due_at, now)
            } else {
                String::new()
            },
            status.linked.to_string(),
            status
                .mismatches
                .iter()
                .map(|(_, n)| n)
                .sum::<u32>()
                .to_string(),
            status.open_units.to_string(),
            status.late_units.to_string(),
            status.attention.to_string(),
        ]);
        for u in &units {
            urgent.push(vec![
                key.to_string(),
                u.number.clone(),
                u.sku.clone().unwrap_or_default(),
                u.ship_by.map_or("none told".into(), |t| relative(t, now)),
                u.state.clone(),
                u.reason.clone().unwrap_or_default(),
            ]);
        }
        if let Some(reason) = &row.reason {
            needs.push(vec![key.to_string(), "channel".into(), reason.clone()]);
        }
        if let Some(why) = &plan {
            needs.push(vec![
                key.to_string(),
                "approval".into(),
                format!("{why}; see `lockstep plan {key}`"),
            ]);
        }
        for o in &orders {
            needs.push(vec![
                key.to_string(),
                format!("order {}", o.number),
                o.reason.clone().unwrap_or_default(),
            ]);
        }
        for p in &parcels {
            let code = p.tracking.as_deref().unwrap_or("without code");
            needs.push(vec![
                key.to_string(),
                format!("parcel {code}"),
                p.reason.clone().unwrap_or_default(),
            ]);
        }
        for sent in &refused {
            let Fate::Refused(why) = &sent.fate else {
                continue;
            };
            needs.push(vec![
                key.to_string(),
                format!("SKU {}", sent.sku),
                format!(
                    "the channel does not take its number {}: {why}",
                    sent.quantity
                ),
            ]);
        }
        json.push(serde_json::json!({
            "channel": key.to_string(), "state": row.state, "reason": row.reason, "due_at": row.due_at, "status": status,
            "open_units": units, "attention": {"orders": orders, "parcels": parcels, "numbers": refused, "plan": plan},
        }));
    }
    if env.json {
        println!("{}", serde_json::to_string_pretty(&json)?);
        return Ok(code);
    }
    println!("{} UTC", clock(now));
    print_rows(
        &[
            "channel",
            "state",
            "last cycle",
            "next",
            "linked SKUs",
            "not in step",
            "open units",
            "late",
            "needs you",
        ],
        &overview,
        usize::MAX,
    );
    if !urgent.is_empty() {
        println!("\nUnits to be dispatched, the least time left first");
        print_rows(
            &["channel", "order", "SKU", "dispatch", "state", "reason"],
            &urgent,
            usize::MAX,
        );
    }
    if needs.is_empty() {
        println!("\nNothing needs you.");
    } else {
        println!("\nNeeds you");
        print_rows(&["channel", "what", "why"], &needs, usize::MAX);
    }
    Ok(code)
}
