//! `lockstep events`: what happened.

use clap::Args;

use super::output::{clock, print_rows};
use super::{Env, FINE};
use crate::model::Key;
use crate::view::{self, ACTIVITY_MOST, EventFilter};

#[derive(Args)]
pub(super) struct EventsArgs {
    /// SHOP/CHANNEL; all channels otherwise.
    key: Option<Key>,
    /// Only of this kind, as in "parcel".
    #[arg(long)]
    kind: Option<String>,
    /// Only those before the event of this number.
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    /// How many, the newest.
    #[arg(long, default_value_t = 50, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=i64::from(ACTIVITY_MOST)))]
    last: u32,
}

pub(super) async fn run(args: EventsArgs, env: &Env) -> anyhow::Result<u8> {
    let filter = EventFilter {
        channel: args.key,
        kind: args.kind,
        after: args.after,
        limit: args.last,
    };
    let page = view::events(&env.host()?.store, filter).await?;
    if env.json {
        println!("{}", serde_json::to_string_pretty(&page)?);
        return Ok(FINE);
    }
    if page.items.is_empty() {
        println!("Nothing like that has happened.");
    }
    let rows: Vec<Vec<String>> = (page.items.into_iter().rev())
        .map(|e| {
            vec![
                clock(e.at),
                e.channel,
                e.kind,
                e.subject,
                e.text,
                e.id.to_string(),
            ]
        })
        .collect();
    let head = ["when (UTC)", "channel", "kind", "of what", "what", "number"];
    print_rows(&head, &rows, usize::MAX);
    if let Some(next) = page.next {
        println!("Older ones: add --after {next}.");
    }
    Ok(FINE)
}
