//! What needs a person, from what is known: values in, values out.

use std::collections::{BTreeMap, HashSet};

use jiff::SignedDuration;

use crate::db::{
    ChannelFacts, ChannelState, Found, NumberFact, OrderFact, OrderState, ParcelFact, TargetFacts,
};
use crate::model::{AlertKind, Condition, Instant, Key, Mark, Money, Severity};

/// More things of one kind and channel than this become one alert.
pub const MANY: u32 = 50;
/// The subject of an alert that stands for many.
pub const ALL: &str = "*";
/// A channel, or a shop, that has failed for so long is told of, and after the second of them urgently.
const UNREACHABLE: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(15), SignedDuration::from_mins(60));
/// Fewer failed cycles in a row are a hiccup.
const FAILURES: u32 = 3;
/// A channel is late by at least this, and ten of its intervals.
const LATE: SignedDuration = SignedDuration::from_mins(15);
/// A cycle that runs for so long is told of. The first one reads whole catalogues.
const LONG_CYCLE: SignedDuration = SignedDuration::from_hours(2);
/// Messages that could not be sent for so long are told of.
const UNSENT: SignedDuration = SignedDuration::from_mins(30);
/// SKUs named in one alert.
const NAMED: usize = 5;

/// A plugin as the registry has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginFact {
    /// Its id, or its file where that cannot be read.
    pub id: String,
    /// Why its file cannot be used.
    pub error: Option<String>,
    /// The version that waits, and what it asks for.
    pub waits: Option<(String, Vec<String>)>,
}

/// Everything that is known.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The channels.
    pub channels: Vec<ChannelFacts>,
    /// The targets of messages.
    pub targets: Vec<TargetFacts>,
    /// Plugins with an error or a version that waits.
    pub plugins: Vec<PluginFact>,
    /// Of which kinds and channels one alert stands for many now.
    pub folded: HashSet<(AlertKind, Key)>,
    /// When the host began to work: what is late since before is not its doing.
    pub started: Instant,
}

/// What needs a person now. Each has its own identity.
pub fn conditions(facts: &Facts, now: Instant) -> Vec<Condition> {
    let mut found = Vec::new();
    let mut shops: BTreeMap<&str, Vec<(&ChannelFacts, Instant)>> = BTreeMap::new();
    for c in &facts.channels {
        let cx = Cx { c, facts, now };
        cx.orders(&mut found);
        cx.parcels(&mut found);
        cx.numbers(&mut found);
        match c.row.state {
            ChannelState::Parked => found.push(cx.parked()),
            ChannelState::Active => {
                cx.plan(&mut found);
                if let Some(since) = cx.failing_since() {
                    if shop_fails(c) {
                        shops.entry(&c.row.key.shop).or_default().push((c, since));
                    } else {
                        found.push(cx.unreachable(since));
                    }
                } else {
                    found.extend(cx.late());
                }
            }
            ChannelState::Paused => {}
        }
    }
    for (shop, failing) in shops {
        found.push(shop_unreachable(shop, &failing, now));
    }
    found.extend(facts.plugins.iter().flat_map(plugin));
    found.extend(facts.targets.iter().filter_map(|t| target(t, now)));
    found
}

struct Cx<'a> {
    c: &'a ChannelFacts,
    facts: &'a Facts,
    now: Instant,
}

impl Cx<'_> {
    fn key(&self) -> &Key {
        &self.c.row.key
    }

    /// A condition of the channel, to be filled.
    fn condition(&self, kind: AlertKind, subject: &str, severity: Severity) -> Condition {
        let key = self.key();
        Condition {
            kind,
            shop: key.shop.clone(),
            channel: key.channel.clone(),
            subject: subject.to_owned(),
            mark: Mark {
                severity,
                late: false,
                cause: String::new(),
                weight: 1,
            },
            title: String::new(),
            text: String::new(),
            todo: String::new(),
            deadline: None,
            at_stake: None,
            link: path(&["channels", &key.shop, &key.channel]),
        }
    }

    /// How long before a deadline a person is told.
    fn before(&self) -> SignedDuration {
        SignedDuration::from_hours(self.c.row.policy.alert_before_h.into())
    }

    /// The same with a deadline, what it costs to miss it, and a severity that rises as it comes near.
    fn with_deadline(&self, c: Condition, deadline: Option<Instant>, orders: u32) -> Condition {
        let Some(deadline) = deadline else { return c };
        let near = (self.now.checked_add(self.before())).unwrap_or(Instant::MAX);
        let late = deadline <= self.now;
        let severity = match c.mark.severity {
            _ if deadline <= near => Severity::Urgent,
            as_it_is => as_it_is,
        };
        let fee = self.c.row.policy.fee(self.c.currency.as_deref());
        Condition {
            deadline: Some(deadline),
            at_stake: (fee.filter(|fee| !fee.amount.is_zero())).map(|fee| Money {
                amount: fee.amount * rust_decimal::Decimal::from(orders),
                ..fee
            }),
            mark: Mark {
                severity,
                late,
                ..c.mark
            },
            ..c
        }
    }

    /// One alert each, or one for all where there are many. It stays one until much less are left.
    fn each<T>(
        &self,
        found: &mut Vec<Condition>,
        kind: AlertKind,
        things: &Found<T>,
        one: impl Fn(&T) -> Condition,
        many: impl FnOnce(u32) -> (String, String),
    ) {
        let folded = self.facts.folded.contains(&(kind, self.key().clone()));
        let limit = if folded { MANY / 2 } else { MANY };
        if things.count <= limit {
            found.extend(things.first.iter().map(one));
            return;
        }
        let first: Vec<Condition> = things.first.iter().map(one).collect();
        let severity = (first.iter().map(|c| c.mark.severity).max()).unwrap_or(Severity::Warning);
        let deadline = first.iter().filter_map(|c| c.deadline).min();
        let (title, todo) = many(things.count);
        let all = self.condition(kind, ALL, severity);
        let all = self.with_deadline(all, deadline, things.count);
        let text = first.first().map(|c| c.text.clone()).unwrap_or_default();
        found.push(Condition {
            title,
            text: format!("The first of them: {text}"),
            todo,
            mark: Mark {
                weight: things.count,
                ..all.mark.clone()
            },
            ..all
        });
    }

    fn order(&self, kind: AlertKind, o: &OrderFact, severity: Severity) -> Condition {
        let key = self.key();
        Condition {
            link: path(&["orders", &key.shop, &key.channel, &o.id]),
            ..self.condition(kind, &o.id, severity)
        }
    }

    fn orders(&self, found: &mut Vec<Condition>) {
        let key = self.key();
        self.each(
            found,
            AlertKind::OrderAttention,
            &self.c.attention,
            |o| {
                let reason = o.reason.clone().unwrap_or_else(|| o.state.text().into());
                let c = self.order(AlertKind::OrderAttention, o, Severity::Warning);
                let c = self.with_deadline(c, o.ship_by.filter(|_| o.open_units > 0), 1);
                Condition {
                    title: match o.state {
                        OrderState::Created => format!("Order {} needs you", o.number),
                        _ => format!("Order {} is not in Shopify", o.number),
                    },
                    text: sentence(&reason),
                    todo: format!(
                        "Mend what it says. `lockstep retry {0}` tries again what was refused; `lockstep handled {0}` notes that you have seen to it.",
                        o.number
                    ),
                    mark: Mark {
                        cause: reason,
                        ..c.mark.clone()
                    },
                    ..c
                }
            },
            |n| {
                (
                    format!("{n} orders need you"),
                    format!("Most often they share one cause. `lockstep status {key}` lists them."),
                )
            },
        );
        self.each(
            found,
            AlertKind::OrderAwaitsAnswer,
            &self.c.asked,
            |o| {
                let c = self.order(AlertKind::OrderAwaitsAnswer, o, Severity::Warning);
                let c = self.with_deadline(c, o.answer_by, 1);
                Condition {
                    title: format!("Order {} wants your answer", o.number),
                    text: sentence(
                        o.reason
                            .as_deref()
                            .unwrap_or("the channel asks whether you take it"),
                    ),
                    todo: format!(
                        "`lockstep accept {0}` or `lockstep refuse {0}`, before the time is over.",
                        o.number
                    ),
                    // What an answer that comes too late costs is not the fee for late dispatch.
                    at_stake: None,
                    ..c
                }
            },
            |n| {
                (
                    format!("{n} orders want your answer"),
                    format!("`lockstep status {key}` lists them."),
                )
            },
        );
        if self.c.row.approved_at.is_none() {
            // Its orders are still worked without the host.
            return;
        }
        self.each(
            found,
            AlertKind::OrderHeld,
            &self.c.held,
            |o| {
                let whose = if o.manual_hold {
                    "you hold it".to_owned()
                } else {
                    o.reason.clone().unwrap_or_else(|| o.state.text().into())
                };
                let by_itself = o.state == OrderState::Held;
                let severity = if by_itself { Severity::Info } else { Severity::Warning };
                Condition {
                    title: format!("Order {} has not come to Shopify since {}", o.number, utc(o.seen_at)),
                    text: sentence(&whose),
                    todo: if o.manual_hold {
                        format!("`lockstep release {}`, or cancel it at the channel.", o.number)
                    } else {
                        format!("Look at it in the channel's back office; `lockstep explain {}` says what happened.", o.number)
                    },
                    ..self.order(AlertKind::OrderHeld, o, severity)
                }
            },
            |n| {
                (
                    format!("{n} orders have not come to Shopify for long"),
                    format!("`lockstep status {key}` lists them."),
                )
            },
        );
        self.each(
            found,
            AlertKind::DispatchDeadline,
            &self.c.due,
            |o| self.due(o),
            |n| {
                (
                    format!("{n} orders must be dispatched soon, or are late"),
                    format!(
                        "Pack them, the most urgent first: `lockstep status {key}` sorts them so."
                    ),
                )
            },
        );
    }

    fn due(&self, o: &OrderFact) -> Condition {
        let before = self.before();
        let left = o.ship_by.map(|by| by.duration_since(self.now));
        let c = self.order(AlertKind::DispatchDeadline, o, Severity::Warning);
        let c = self.with_deadline(c, o.ship_by, 1);
        // Nothing is wrong yet: it is urgent only when a quarter of the time is left.
        let severity = match left {
            Some(left) if left > before / 4 => Severity::Warning,
            _ => Severity::Urgent,
        };
        let units = match o.open_units {
            1 => "1 unit".to_owned(),
            n => format!("{n} units"),
        };
        let (text, todo) = match (&o.parcel, o.state) {
            (Some(parcel), _) => (
                format!("{units} of it are not dispatched at the channel; a parcel is {parcel}."),
                "If the parcel waits for something, give it in Shopify; it is told by itself then.",
            ),
            (None, OrderState::Created) => (
                format!("{units} of it are not dispatched; Shopify has no fulfillment for them."),
                "Pack it and fulfill it in Shopify, with carrier and tracking code.",
            ),
            (None, state) => (
                format!(
                    "{units} of it are not dispatched, and the order is not in Shopify: {}.",
                    o.reason.as_deref().unwrap_or(state.text())
                ),
                "Look why it is not in Shopify, and pack it.",
            ),
        };
        Condition {
            title: if c.mark.late {
                format!("Order {} is late", o.number)
            } else {
                format!("Order {} must be dispatched soon", o.number)
            },
            text,
            todo: todo.to_owned(),
            mark: Mark {
                severity,
                ..c.mark.clone()
            },
            ..c
        }
    }

    fn parcels(&self, found: &mut Vec<Condition>) {
        let key = self.key();
        let parcel = |kind: AlertKind, p: &ParcelFact, title: String, todo: String| {
            let reason = p.reason.clone().unwrap_or_default();
            let c = self.condition(kind, &format!("{} {}", p.order, p.id), Severity::Warning);
            let c = self.with_deadline(c, p.ship_by, 1);
            Condition {
                title,
                text: sentence(&reason),
                todo,
                mark: Mark {
                    cause: reason,
                    ..c.mark.clone()
                },
                link: path(&["orders", &key.shop, &key.channel, &p.order]),
                ..c
            }
        };
        self.each(
            found,
            AlertKind::FulfillmentRefused,
            &self.c.refused,
            |p| {
                parcel(
                    AlertKind::FulfillmentRefused,
                    p,
                    format!("The channel refuses {} of order {}", label(p), p.number),
                    format!(
                        "Correct carrier or tracking code of the fulfillment in Shopify; it is sent again. `lockstep retry {}` sends it as it is.",
                        p.number
                    ),
                )
            },
            |n| {
                (
                    format!("The channel refuses {n} parcels"),
                    format!("Most often they share one cause. `lockstep status {key}` lists them."),
                )
            },
        );
        self.each(
            found,
            AlertKind::FulfillmentAttention,
            &self.c.parcels,
            |p| {
                parcel(
                    AlertKind::FulfillmentAttention,
                    p,
                    format!("{} of order {} needs you", capital(&label(p)), p.number),
                    format!("Do what it says, then `lockstep handled {}`.", p.number),
                )
            },
            |n| {
                (
                    format!("{n} parcels need you"),
                    format!("`lockstep status {key}` lists them."),
                )
            },
        );
    }

    fn numbers(&self, found: &mut Vec<Condition>) {
        let key = self.key();
        let Found { first, count } = &self.c.numbers;
        if *count == 0 {
            return;
        }
        let named: Vec<String> = (first.iter().take(NAMED))
            .map(|NumberFact { sku, quantity, why }| format!("{sku} ({quantity}): {why}"))
            .collect();
        let rest = *count as usize - named.len();
        let more = match rest {
            0 => String::new(),
            n => format!("; and {n} more"),
        };
        let c = self.condition(AlertKind::NumbersRefused, "", Severity::Warning);
        found.push(Condition {
            title: match count {
                1 => "The channel does not take the stock number of a SKU".into(),
                n => format!("The channel does not take the stock numbers of {n} SKUs"),
            },
            text: format!("{}{more}.", named.join("; ").trim_end_matches('.')),
            todo: format!(
                "Look at the listings in the channel's back office. They are tried again with the next reading of the catalogue, or with `lockstep channel resume {key}`."
            ),
            mark: Mark {
                weight: *count,
                ..c.mark.clone()
            },
            ..c
        });
    }

    fn plan(&self, found: &mut Vec<Condition>) {
        let Some(why) = &self.c.plan else { return };
        let key = self.key();
        let first = self.c.row.approved_at.is_none();
        let severity = if first {
            Severity::Warning
        } else {
            Severity::Urgent
        };
        let c = self.condition(AlertKind::Approval, "", severity);
        found.push(Condition {
            title: if first {
                "The first sync waits for your approval".into()
            } else {
                "The guard stopped a change of stock".into()
            },
            text: format!(
                "{} No stock is written to the channel until you approve it or the cause is gone.",
                sentence(why)
            ),
            todo: format!("Look at `lockstep plan {key}`. If it is right, `lockstep approve {key}`; if not, mend the shop."),
            mark: Mark {
                cause: without_digits(why),
                ..c.mark.clone()
            },
            link: path(&["channels", &key.shop, &key.channel, "plan"]),
            ..c
        });
    }

    fn parked(&self) -> Condition {
        let key = self.key();
        let reason = self
            .c
            .row
            .reason
            .as_deref()
            .unwrap_or("the reason is not known");
        let c = self.condition(AlertKind::ChannelParked, "", Severity::Urgent);
        Condition {
            title: "The channel is parked: nothing of it is synchronized".into(),
            text: sentence(reason),
            todo: format!(
                "Mend what it says. A new secret: `lockstep channel secret {key}`; else `lockstep channel resume {key}`."
            ),
            mark: Mark {
                cause: reason.to_owned(),
                ..c.mark.clone()
            },
            ..c
        }
    }

    /// Since when no cycle has come through, where that is long enough to be told.
    fn failing_since(&self) -> Option<Instant> {
        let since = self.c.last_good.unwrap_or(self.c.added_at);
        (self.c.row.failures >= FAILURES && self.now.duration_since(since) >= UNREACHABLE.0)
            .then_some(since)
    }

    fn unreachable(&self, since: Instant) -> Condition {
        let reason = self
            .c
            .row
            .reason
            .as_deref()
            .unwrap_or("the reason is not known");
        Condition {
            title: format!("No cycle has come through since {}", utc(since)),
            text: format!(
                "{} Orders do not come in, and stock and shipments are not told.",
                sentence(reason)
            ),
            todo: "It is tried again by itself. If the marketplace works for you in a browser, look at the network of this machine, and at `lockstep status`.".into(),
            ..self.condition(AlertKind::ChannelUnreachable, "", severity_of(since, self.now))
        }
    }

    fn late(&self) -> Option<Condition> {
        let started = self.facts.started;
        let running = self.c.running_since.filter(|since| *since >= started);
        let (since, limit, title, todo) = match running {
            Some(since) => (
                since,
                LONG_CYCLE,
                format!("A cycle runs since {}", utc(since)),
                "A first reading of a large catalogue may take that long. If it is none, look at the log, and restart the host: nothing is lost.",
            ),
            None => (
                self.c.row.due_at.max(started),
                LATE.max(SignedDuration::from_secs(
                    i64::from(self.c.row.policy.interval_s) * 10,
                )),
                format!(
                    "The cycle that was due at {} has not begun",
                    utc(self.c.row.due_at)
                ),
                "Look at the log of the host, and at the load of this machine; restart the host: nothing is lost.",
            ),
        };
        let lag = self.now.duration_since(since);
        let severity = if lag >= limit * 4 {
            Severity::Urgent
        } else {
            Severity::Warning
        };
        (lag >= limit).then(|| Condition {
            title,
            text: "Orders do not come in, and stock and shipments are not told.".into(),
            todo: todo.into(),
            ..self.condition(AlertKind::ChannelLate, "", severity)
        })
    }
}

/// Whether it is Shopify that fails.
fn shop_fails(c: &ChannelFacts) -> bool {
    (c.row.reason.as_deref()).is_some_and(|r| r.starts_with("Shopify: "))
}

fn severity_of(since: Instant, now: Instant) -> Severity {
    if now.duration_since(since) >= UNREACHABLE.1 {
        Severity::Urgent
    } else {
        Severity::Warning
    }
}

fn shop_unreachable(shop: &str, failing: &[(&ChannelFacts, Instant)], now: Instant) -> Condition {
    let since = failing.iter().map(|(_, since)| *since).min().unwrap_or(now);
    let names: Vec<&str> = failing
        .iter()
        .map(|(c, _)| c.row.key.channel.as_str())
        .collect();
    let reason = (failing.iter())
        .find_map(|(c, _)| c.row.reason.as_deref())
        .unwrap_or_default();
    Condition {
        kind: AlertKind::ShopUnreachable,
        shop: shop.to_owned(),
        channel: String::new(),
        subject: String::new(),
        mark: Mark {
            severity: severity_of(since, now),
            late: false,
            cause: String::new(),
            weight: 1,
        },
        title: format!("Shopify has not answered for {shop} since {}", utc(since)),
        text: format!(
            "{} Of its channels these stand still: {}.",
            sentence(reason),
            names.join(", ")
        ),
        todo: "It is tried again by itself. If the store works for you in a browser, look at the network of this machine, and at the app's access in Shopify.".into(),
        deadline: None,
        at_stake: None,
        link: path(&["channels"]),
    }
}

/// A condition of the host itself.
fn of_host(kind: AlertKind, subject: &str, cause: &str, link: String) -> Condition {
    Condition {
        kind,
        shop: String::new(),
        channel: String::new(),
        subject: subject.to_owned(),
        mark: Mark {
            severity: Severity::Warning,
            late: false,
            cause: cause.to_owned(),
            weight: 1,
        },
        title: String::new(),
        text: String::new(),
        todo: String::new(),
        deadline: None,
        at_stake: None,
        link,
    }
}

fn plugin(p: &PluginFact) -> Vec<Condition> {
    let link = || path(&["plugins", &p.id]);
    let mut found = Vec::new();
    if let Some(why) = &p.error {
        found.push(Condition {
            title: format!("The plugin file {} cannot be used", p.id),
            text: format!("{} What was at work before goes on.", sentence(why)),
            todo: "Put a file that works in its place, or remove it.".into(),
            ..of_host(AlertKind::PluginBroken, &p.id, why, link())
        });
    }
    if let Some((version, asks)) = &p.waits {
        let asks = asks.join(", ");
        found.push(Condition {
            title: format!("Version {version} of plugin {} waits for its rights", p.id),
            text: format!("It asks for: {asks}. What was at work before goes on."),
            todo: format!(
                "Look at `lockstep plugin inspect {0}`, then `lockstep plugin grant {0}`.",
                p.id
            ),
            ..of_host(
                AlertKind::PluginWaits,
                &p.id,
                &format!("{version}: {asks}"),
                link(),
            )
        });
    }
    found
}

fn target(t: &TargetFacts, now: Instant) -> Option<Condition> {
    let failing = (t.failing_since).is_some_and(|since| now.duration_since(since) >= UNSENT);
    (failing || t.given_up_at.is_some()).then(|| Condition {
        title: format!("Messages do not reach {}", t.target),
        text: sentence(t.error.as_deref().unwrap_or("the reason is not known")),
        todo: format!(
            "Mend it, and look with `lockstep notify test {}`.",
            t.target
        ),
        ..of_host(
            AlertKind::TargetFailing,
            &t.target,
            "",
            path(&["settings", "notify"]),
        )
    })
}

fn label(p: &ParcelFact) -> String {
    match (&p.tracking, &p.company) {
        (Some(code), Some(company)) => format!("parcel {code} ({company})"),
        (Some(code), None) => format!("parcel {code}"),
        (None, _) => "a parcel without code".into(),
    }
}

/// A reason as a sentence of its own.
fn sentence(reason: &str) -> String {
    let text = capital(reason.trim());
    match text.chars().last() {
        None => String::new(),
        Some('.' | '!' | '?') => text,
        Some(_) => format!("{text}."),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// A reason in which only numbers change is the same reason.
fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn utc(at: Instant) -> String {
    at.strftime("%d %b %H:%M UTC").to_string()
}

/// The path of a page; what a marketplace calls its orders may hold any character.
pub fn path(segments: &[&str]) -> String {
    let mut url = url::Url::parse("http://host/").expect("it is one");
    url.path_segments_mut()
        .expect("it has a path")
        .clear()
        .extend(segments);
    url.path().to_owned()
}
