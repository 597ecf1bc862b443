//! `lockstep orders`: the list. And one order, as `lockstep explain` prints it.

use clap::Args;
use jiff::civil::Date;

use super::explain::print_timeline;
use super::extra::print_edited;
use super::output::{clock, print_rows, relative};
use super::{Env, FINE};
use crate::model::{Instant, Money};
use crate::sync::counted;
use crate::sync::next::{Next, Who};
use crate::view::{
    self, OrderItem, OrderView, OrdersAsked, SortAsked, StateAsked, address_lines, span,
};

#[derive(Args)]
pub(super) struct OrdersArgs {
    /// The beginning of a number or id at the channel or of a name in Shopify, or a whole SKU.
    search: Option<String>,
    /// Of one SHOP, or one SHOP/CHANNEL.
    #[arg(long)]
    channel: Option<String>,
    /// open (everything that is not finished), seen, held, blocked, ready, creating, created, closed, cancelled or ignored.
    #[arg(long)]
    state: Option<StateAsked>,
    /// Only orders that need a person.
    #[arg(long)]
    needs_you: bool,
    /// Only orders with units that should have been dispatched by now.
    #[arg(long)]
    late: bool,
    /// Placed on this day or later, in the shop's time zone.
    #[arg(long, value_name = "YYYY-MM-DD")]
    placed_from: Option<Date>,
    /// Placed on this day or before.
    #[arg(long, value_name = "YYYY-MM-DD")]
    placed_to: Option<Date>,
    /// newest, or least-time-left: to be dispatched soonest.
    #[arg(long, default_value = "newest")]
    sort: SortAsked,
    /// Go on behind a page: what it gave as next.
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=i64::from(view::PAGE_MOST)))]
    limit: u32,
}

pub(super) async fn run(args: OrdersArgs, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let asked = OrdersAsked {
        channel: args.channel,
        state: args.state,
        needs_you: args.needs_you,
        late: args.late,
        placed_from: args.placed_from,
        placed_to: args.placed_to,
        search: args.search,
        sort: Some(args.sort),
        after: args.after,
        limit: Some(args.limit),
    };
    let list = view::orders(&host.store, &asked).await?;
    if env.json {
        println!("{}", serde_json::to_string_pretty(&list)?);
        return Ok(FINE);
    }
    if list.items.is_empty() {
        println!("No such order.");
    }
    let rows: Vec<Vec<String>> = list.items.iter().map(|o| row(o, list.at)).collect();
    print_rows(
        &[
            "order",
            "channel",
            "placed (UTC)",
            "dispatch",
            "state",
            "who must act",
            "sold",
            "in Shopify",
        ],
        &rows,
        usize::MAX,
    );
    if let Some(next) = &list.next {
        println!("There are more: --after {next}");
    }
    Ok(FINE)
}

fn row(o: &OrderItem, now: Instant) -> Vec<String> {
    let sold: Vec<String> = (o.sold.iter())
        .map(|s| format!("{} x {}", s.quantity, s.sku.as_deref().unwrap_or(&s.title)))
        .collect();
    let due = match o.ship_by.filter(|_| o.open_units > 0) {
        Some(by) if o.late => format!("late: {}", relative(by, now)),
        Some(by) => relative(by, now),
        None => String::new(),
    };
    vec![
        o.number.clone(),
        o.channel.clone(),
        clock(o.placed_at),
        due,
        o.state.text().to_owned(),
        sentence(&o.next, now),
        sold.join(", "),
        o.shop_name.clone().unwrap_or_default(),
    ]
}

/// "The warehouse: pack 2 units, 3 h 12 min left".
fn sentence(next: &Next, now: Instant) -> String {
    let left = match next.by {
        Some(by) if by < now => format!(
            ", {} late",
            span(now.duration_since(by).as_secs().unsigned_abs())
        ),
        Some(by) => format!(
            ", {} left",
            span(by.duration_since(now).as_secs().unsigned_abs())
        ),
        None => String::new(),
    };
    match next.who {
        Who::Nobody => format!("Nobody: {}", next.what),
        who => format!("{}: {}{left}", who.text(), next.what),
    }
}

/// Everything about one order.
pub(super) fn print_order(o: &OrderView) {
    let now = o.at;
    println!(
        "\nOrder {} of {} (id {} there)",
        o.number, o.channel_title, o.id
    );
    println!("{}", sentence(&o.next, now));
    let fact = |name: &str, value: String| vec![name.to_owned(), value];
    let mut facts = vec![
        fact("state", o.state.text().to_owned()),
        fact("at the channel", o.native_state.clone()),
        fact(
            "bought",
            format!(
                "{} UTC by {}",
                clock(o.placed_at),
                o.buyer_name.as_deref().unwrap_or("somebody")
            ),
        ),
        fact(
            "in Shopify",
            o.shop_name.as_ref().map_or("no".into(), |n| {
                format!("{n} ({})", o.shop_order.as_deref().unwrap_or(""))
            }),
        ),
        fact(
            "dispatch by",
            o.ship_by.map_or("none told".into(), |t| {
                format!("{} UTC ({})", clock(t), relative(t, now))
            }),
        ),
    ];
    facts.extend((o.fee.as_ref()).map(|fee| fact("at stake", fee.to_string())));
    facts.extend(o.shop_url.clone().map(|url| fact("admin", url)));
    facts.extend(
        o.ship_to
            .as_ref()
            .map(|a| fact("ship to", address_lines(a).join("\n"))),
    );
    facts.extend(o.service.clone().map(|s| fact("service", s)));
    facts.extend(o.reason.clone().map(|r| fact("why", r)));
    if let Some(question) = &o.question {
        let until = question
            .until
            .map_or(String::new(), |t| format!(" by {} UTC", clock(t)));
        facts.push(fact("asks", format!("whether you take it{until}")));
    }
    if o.needs_you {
        facts.push(fact("needs you", "yes".into()));
    }
    print_rows(&["order", ""], &facts, usize::MAX);
    print_units(o);
    print_parcels(o);
    print_money(o);
    let facts: Vec<Vec<String>> = (o.facts.iter())
        .map(|f| vec![f.key.clone(), f.value.clone()])
        .collect();
    print_rows(&["the channel tells", ""], &facts, usize::MAX);
    if let Some(edited) = &o.extras {
        print_edited(edited);
    }
    print_timeline(&o.timeline);
}

fn print_units(o: &OrderView) {
    let rows: Vec<Vec<String>> = (o.units.iter())
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
                (u.parcel.as_deref().and_then(|p| p.rsplit('/').next()))
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
}

fn print_parcels(o: &OrderView) {
    let rows: Vec<Vec<String>> = (o.parcels.iter())
        .map(|p| {
            vec![
                p.short_id.clone(),
                counted(p.units, "unit"),
                p.company.clone().unwrap_or_default(),
                (p.carrier.as_ref())
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
            "holds",
            "carrier in Shopify",
            "carrier at the channel",
            "code",
            "state",
            "why",
        ],
        &rows,
        usize::MAX,
    );
}

fn print_money(o: &OrderView) {
    let told = |m: Option<&Money>| m.map_or("not told".to_owned(), Money::to_string);
    let created = o.money.created.as_ref();
    let sent = |m: Option<&Money>| m.map_or(String::new(), Money::to_string);
    let rows = vec![
        vec![
            "goods".to_owned(),
            told(o.money.goods.as_ref()),
            sent(created.map(|c| &c.goods)),
        ],
        vec![
            "shipping".to_owned(),
            told(o.money.shipping.as_ref()),
            sent(created.map(|c| &c.shipping)),
        ],
        vec![
            "total".to_owned(),
            told(o.money.total.as_ref()),
            sent(created.map(|c| &c.paid)),
        ],
    ];
    print_rows(
        &["money", "as the channel says", "as created in Shopify"],
        &rows,
        usize::MAX,
    );
}
