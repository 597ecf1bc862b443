//! Lists of orders: by filter, a page at a time, each served by an index whatever the number of orders.

use rusqlite::types::Value;
use rusqlite::{Statement, params_from_iter};

use super::{Error, OrderRow, OrderState, Tx, ms};
use crate::model::{Instant, Key};

/// In which order orders are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderSort {
    /// The newest first.
    #[default]
    Newest,
    /// The least time left to dispatch first. Orders of which nothing is left to be dispatched are left out.
    LeastTimeLeft,
}

/// Where a list goes on: behind this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderMark {
    /// What orders are sorted by, in milliseconds: when it was placed, or its deadline.
    pub at: i64,
    /// Its channel.
    pub key: Key,
    /// The channel's id.
    pub id: String,
}

/// Orders of one channel, placed in a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSpan {
    /// The channel.
    pub key: Key,
    /// Placed then or later.
    pub from: Option<Instant>,
    /// Placed before.
    pub until: Option<Instant>,
}

/// Which orders are listed.
#[derive(Clone, Debug, Default)]
pub struct OrderFilter {
    /// Of which channels, placed when.
    pub spans: Vec<OrderSpan>,
    /// In one of these states; any when empty.
    pub states: Vec<OrderState>,
    /// The order or a parcel of it needs a person.
    pub attention: bool,
    /// Units of it should have been dispatched by now.
    pub late: bool,
    /// Its number or id at the channel, or its name in Shopify, begins so; or it contains this SKU.
    pub search: Option<String>,
    /// See [`OrderSort`].
    pub sort: OrderSort,
    /// Behind this one.
    pub after: Option<OrderMark>,
    /// At most so many.
    pub limit: u32,
}

/// With so many matches or more, walking through the orders finds a page of them sooner than collecting all.
const MANY: i64 = 2_000;
/// Stands for no deadline.
const LEFT: &str = "coalesce(o.ship_by, 9223372036854775807)";
const UNFINISHED: &str = "o.state not in ('closed', 'cancelled', 'ignored')";
const OPEN_UNIT: &str = "exists (select 1 from unit u where u.shop = o.shop and u.channel = o.channel and u.order_id = o.id
  and u.piece = 0 and u.channel_state in ('open', 'held'))";

/// A statement that is being written, with its values.
struct Query {
    values: Vec<Value>,
    conditions: Vec<String>,
}

impl Query {
    fn of(key: &Key) -> Self {
        Self {
            values: vec![key.shop.clone().into(), key.channel.clone().into()],
            conditions: vec!["o.shop = ?1 and o.channel = ?2".into()],
        }
    }

    /// Takes a value, and answers what stands for it.
    fn value(&mut self, value: impl Into<Value>) -> String {
        let value = value.into();
        let known = self.values.iter().position(|v| *v == value);
        let at = known.unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        format!("?{}", at + 1)
    }

    fn also(&mut self, condition: String) {
        self.conditions.push(condition);
    }
}

/// What is searched for: as typed, and in capitals, since numbers and SKUs mostly are.
fn spellings(text: &str) -> Vec<String> {
    let capitals = text.to_uppercase();
    let mut found = vec![text.to_owned()];
    if capitals != text {
        found.push(capitals);
    }
    found
}

/// What follows everything that begins so.
fn behind(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

/// Selects the ids of all orders that match, one part for each index. Some come more than once.
fn matches(query: &mut Query, search: &str) -> String {
    let mut parts = Vec::new();
    for text in spellings(search) {
        for (column, prefix) in [
            ("number", text.clone()),
            ("id", text.clone()),
            ("shop_name", text.clone()),
            ("shop_name", format!("#{text}")),
        ] {
            let (from, to) = (query.value(prefix.clone()), query.value(behind(&prefix)));
            parts.push(format!(
                "select id from channel_order where shop = ?1 and channel = ?2 and {column} >= {from} and {column} < {to}"
            ));
        }
        let sku = query.value(text);
        for column in ["sku", "part"] {
            parts.push(format!(
                "select order_id from unit where shop = ?1 and channel = ?2 and {column} = {sku}"
            ));
        }
    }
    parts.join(" union all ")
}

/// Whether one order matches.
fn matching(query: &mut Query, search: &str) -> String {
    let mut ways = Vec::new();
    for text in spellings(search) {
        for (column, prefix) in [
            ("number", text.clone()),
            ("id", text.clone()),
            ("shop_name", text.clone()),
            ("shop_name", format!("#{text}")),
        ] {
            let (from, to) = (query.value(prefix.clone()), query.value(behind(&prefix)));
            ways.push(format!("(+o.{column} >= {from} and +o.{column} < {to})"));
        }
        let sku = query.value(text);
        ways.push(format!(
            "exists (select 1 from unit u where u.shop = o.shop and u.channel = o.channel and u.order_id = o.id
               and (u.sku = {sku} or u.part = {sku}))"
        ));
    }
    format!("({})", ways.join(" or "))
}

/// How the orders of one channel are come by: what decides which index is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All that need a person are collected: they are few.
    Attention,
    /// All that match are collected.
    Matches,
    /// Those with something left to dispatch are walked through by their deadline.
    Deadline,
    /// Those in one state, or all, are walked through by when they were placed.
    Placed,
}

impl Tx<'_> {
    /// The orders of a page, with the mark of each.
    pub fn find_orders(
        &self,
        filter: &OrderFilter,
        now: Instant,
    ) -> Result<Vec<(OrderMark, OrderRow)>, Error> {
        let mut marks: Vec<OrderMark> = Vec::new();
        for span in &filter.spans {
            let way = self.way(filter, &span.key)?;
            // Walked by state, each state is a walk of its own: the index is sorted within a state.
            let walks: Vec<&[OrderState]> = match way {
                Way::Placed if !filter.states.is_empty() => filter.states.chunks(1).collect(),
                _ => vec![filter.states.as_slice()],
            };
            for states in walks {
                let (sql, values) = written(filter, span, way, states, now);
                let mut statement = self.conn.prepare_cached(&sql)?;
                marks.extend(read_marks(&mut statement, &values, &span.key)?);
            }
        }
        marks.sort_by(|a, b| {
            let order = (a.at, &a.key, &a.id).cmp(&(b.at, &b.key, &b.id));
            match filter.sort {
                OrderSort::Newest => order.reverse(),
                OrderSort::LeastTimeLeft => order,
            }
        });
        marks.truncate(filter.limit as usize);
        let mut found = Vec::with_capacity(marks.len());
        for mark in marks {
            if let Some(order) = self.order(&mark.key, &mark.id)? {
                found.push((mark, order));
            }
        }
        Ok(found)
    }

    fn way(&self, filter: &OrderFilter, key: &Key) -> Result<Way, Error> {
        if filter.attention {
            return Ok(Way::Attention);
        }
        if let Some(search) = &filter.search {
            let mut query = Query::of(key);
            let sql = format!(
                "select count(*) from ({} limit {MANY})",
                matches(&mut query, search)
            );
            let found: i64 = self
                .conn
                .prepare_cached(&sql)?
                .query_row(params_from_iter(&query.values), |r| r.get(0))?;
            if found < MANY {
                return Ok(Way::Matches);
            }
        }
        Ok(if filter.late || filter.sort == OrderSort::LeastTimeLeft {
            Way::Deadline
        } else {
            Way::Placed
        })
    }
}

/// The statement that finds the marks of one channel's orders, with its values. A plus before a column keeps its index
/// from being used.
fn written(
    filter: &OrderFilter,
    span: &OrderSpan,
    way: Way,
    states: &[OrderState],
    now: Instant,
) -> (String, Vec<Value>) {
    let mut query = Query::of(&span.key);
    let by = match filter.sort {
        OrderSort::Newest if way == Way::Placed => "o.placed_at".to_owned(),
        OrderSort::Newest => "+o.placed_at".to_owned(),
        OrderSort::LeastTimeLeft if way == Way::Deadline => LEFT.to_owned(),
        OrderSort::LeastTimeLeft => format!("+{LEFT}"),
    };
    let mut from = "channel_order o".to_owned();
    // What is collected comes first: a cross join is done in the order in which it is written.
    let mut collected = |query: &mut Query, ids: &str| {
        from = format!("(select distinct id from ({ids})) c cross join channel_order o");
        query.also("o.id = c.id".into());
    };
    match (way, &filter.search) {
        (Way::Attention, search) => {
            let ids = "select id from channel_order indexed by order_attention where shop = ?1 and channel = ?2 and attention = 1
               union all select order_id from parcel where shop = ?1 and channel = ?2 and attention = 1";
            collected(&mut query, ids);
            if let Some(search) = search {
                let condition = matching(&mut query, search);
                query.also(condition);
            }
        }
        (Way::Matches, Some(search)) => {
            let ids = matches(&mut query, search);
            collected(&mut query, &ids);
        }
        (_, Some(search)) => {
            let condition = matching(&mut query, search);
            query.also(condition);
        }
        (_, None) => {}
    }
    let names: Vec<String> = (states.iter())
        .map(|s| query.value(s.text().to_owned()))
        .collect();
    match names.as_slice() {
        [] => {}
        [one] if way == Way::Placed => query.also(format!("o.state = {one}")),
        several => query.also(format!("+o.state in ({})", several.join(", "))),
    }
    let placed = if way == Way::Placed { "" } else { "+" };
    if let Some(first) = span.from {
        let value = query.value(ms(first));
        query.also(format!("{placed}o.placed_at >= {value}"));
    }
    if let Some(until) = span.until {
        let value = query.value(ms(until));
        query.also(format!("{placed}o.placed_at < {value}"));
    }
    if filter.late || filter.sort == OrderSort::LeastTimeLeft {
        query.also(UNFINISHED.into());
    }
    if filter.late {
        let plus = if way == Way::Deadline { "" } else { "+" };
        let value = query.value(ms(now));
        query.also(format!("{plus}{LEFT} < {value}"));
        query.also(OPEN_UNIT.into());
    }
    if let Some(mark) = &filter.after {
        let (value, id) = (query.value(mark.at), query.value(mark.id.clone()));
        let (beyond, or_at) = match filter.sort {
            OrderSort::Newest => ("<", "<="),
            OrderSort::LeastTimeLeft => (">", ">="),
        };
        // Of one moment, orders are listed by channel and id.
        let ahead = match filter.sort {
            OrderSort::Newest => span.key < mark.key,
            OrderSort::LeastTimeLeft => span.key > mark.key,
        };
        query.also(if span.key == mark.key {
            format!("{by} {or_at} {value} and ({by} {beyond} {value} or o.id {beyond} {id})")
        } else if ahead {
            format!("{by} {or_at} {value}")
        } else {
            format!("{by} {beyond} {value}")
        });
    }
    let direction = match filter.sort {
        OrderSort::Newest => "desc",
        OrderSort::LeastTimeLeft => "asc",
    };
    let limit = query.value(i64::from(filter.limit));
    let sql = format!(
        "select {by}, o.id from {from} where {} order by {by} {direction}, o.id {direction} limit {limit}",
        query.conditions.join(" and ")
    );
    (sql, query.values)
}

fn read_marks(
    statement: &mut Statement<'_>,
    values: &[Value],
    key: &Key,
) -> Result<Vec<OrderMark>, Error> {
    let rows = statement.query_map(params_from_iter(values), |r| {
        Ok(OrderMark {
            at: r.get(0)?,
            key: key.clone(),
            id: r.get(1)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use rusqlite::params;

    use super::*;
    use crate::db::store::in_memory;
    use crate::db::{at, json};
    use crate::sync::orders::samples;

    const STATES: [OrderState; 9] = [
        OrderState::Seen,
        OrderState::Held,
        OrderState::Blocked,
        OrderState::Ready,
        OrderState::Creating,
        OrderState::Created,
        OrderState::Closed,
        OrderState::Cancelled,
        OrderState::Ignored,
    ];

    struct Made {
        key: Key,
        id: String,
        number: String,
        name: Option<String>,
        state: OrderState,
        placed: i64,
        ship_by: Option<i64>,
        attention: bool,
        parcel_attention: bool,
        open: bool,
        skus: [String; 2],
    }

    fn keys() -> Vec<Key> {
        vec![
            Key::new("kestrel", "the-iconic"),
            Key::new("kestrel", "tidepool"),
            Key::new("osprey", "the-iconic"),
        ]
    }

    /// Numbers that look random and are the same each time.
    fn dice(seed: &mut u64, sides: u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*seed >> 33) % sides
    }

    fn filled(conn: &Connection, count: u64) -> Vec<Made> {
        let mut seed = 7;
        let mut all = Vec::new();
        for n in 0..count {
            let state = STATES[dice(&mut seed, 9) as usize];
            let made = Made {
                key: keys().remove(dice(&mut seed, 3) as usize),
                id: format!("{}", 600_000 + n),
                number: format!("{}-{n}", ["914", "92", "TP"][dice(&mut seed, 3) as usize]),
                name: (dice(&mut seed, 2) == 0).then(|| format!("#{}", 1_000 + n)),
                state,
                // Many of one moment, so that their order must be settled by more than time.
                placed: 1_000 * dice(&mut seed, 20) as i64,
                ship_by: (dice(&mut seed, 4) > 0).then(|| 500 * dice(&mut seed, 40) as i64),
                attention: dice(&mut seed, 7) == 0,
                parcel_attention: dice(&mut seed, 9) == 0,
                open: dice(&mut seed, 2) == 0,
                skus: [0, 1].map(|_| format!("SKU-{}", dice(&mut seed, 12))),
            };
            put(conn, &made);
            all.push(made);
        }
        all
    }

    fn put(conn: &Connection, m: &Made) {
        let snapshot = json(&samples::order(vec![]));
        conn.execute(
            "insert into channel_order (shop, channel, id, number, state, attention, snapshot, digest, placed_at, ship_by, shop_name, seen_at, changed_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, '', ?8, ?9, ?10, 0, 0)",
            params![m.key.shop, m.key.channel, m.id, m.number, m.state.text(), m.attention, snapshot, m.placed, m.ship_by, m.name],
        )
        .unwrap();
        for (line, sku) in m.skus.iter().enumerate() {
            // One is sold by its own SKU, one is a part of a bundle.
            let (own, part) = if line == 0 {
                (Some(sku), None)
            } else {
                (None, Some(sku))
            };
            conn.execute(
                "insert into unit (shop, channel, order_id, line, ordinal, sku, part, channel_state, shop_state)
                 values (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, 'absent')",
                params![m.key.shop, m.key.channel, m.id, line.to_string(), own, part, if m.open { "open" } else { "shipped" }],
            )
            .unwrap();
        }
        if m.parcel_attention {
            conn.execute(
                "insert into parcel (shop, channel, id, order_id, number, state, attention, shipped_at, changed_at)
                 values (?1, ?2, ?3, ?3, 1, 'refused', 1, 0, 0)",
                params![m.key.shop, m.key.channel, m.id],
            )
            .unwrap();
        }
    }

    const NOW: i64 = 9_000;

    /// What the list must be, worked out the slow way.
    fn expected(all: &[Made], filter: &OrderFilter) -> Vec<(Key, String)> {
        let hit = |m: &&Made| {
            let span = filter.spans.iter().find(|s| s.key == m.key);
            let placed = at(m.placed);
            let within = span.is_some_and(|s| {
                s.from.is_none_or(|t| placed >= t) && s.until.is_none_or(|t| placed < t)
            });
            let search = filter.search.as_ref().is_none_or(|text| {
                spellings(text).iter().any(|q| {
                    m.number.starts_with(q)
                        || m.id.starts_with(q)
                        || m.name
                            .as_ref()
                            .is_some_and(|n| n.starts_with(q) || n.starts_with(&format!("#{q}")))
                        || m.skus.contains(q)
                })
            });
            let unfinished = !m.state.finished();
            within
                && search
                && (filter.states.is_empty() || filter.states.contains(&m.state))
                && (!filter.attention || m.attention || m.parcel_attention)
                && (!filter.late || (unfinished && m.open && m.ship_by.is_some_and(|t| t < NOW)))
                && (filter.sort == OrderSort::Newest || unfinished)
        };
        let mut hits: Vec<&Made> = all.iter().filter(hit).collect();
        hits.sort_by_key(|m| {
            let time = match filter.sort {
                OrderSort::Newest => m.placed,
                OrderSort::LeastTimeLeft => m.ship_by.unwrap_or(i64::MAX),
            };
            (time, m.key.clone(), m.id.clone())
        });
        if filter.sort == OrderSort::Newest {
            hits.reverse();
        }
        (hits.into_iter())
            .map(|m| (m.key.clone(), m.id.clone()))
            .collect()
    }

    fn spans(from: Option<i64>, until: Option<i64>) -> Vec<OrderSpan> {
        let span = |key| OrderSpan {
            key,
            from: from.map(at),
            until: until.map(at),
        };
        keys().into_iter().map(span).collect()
    }

    /// Every filter alone, and several together.
    fn filters() -> Vec<OrderFilter> {
        let plain = OrderFilter {
            spans: spans(None, None),
            limit: 7,
            ..OrderFilter::default()
        };
        let mut all = vec![plain.clone()];
        let searched = |text: &str| OrderFilter {
            search: Some(text.into()),
            ..plain.clone()
        };
        all.extend(
            [
                "914", "tp-1", "6000", "#10", "10", "sku-3", "SKU-3", "no", "é",
            ]
            .map(searched),
        );
        all.push(OrderFilter {
            states: vec![OrderState::Created],
            ..plain.clone()
        });
        all.push(OrderFilter {
            states: vec![OrderState::Held, OrderState::Created, OrderState::Seen],
            ..plain.clone()
        });
        all.push(OrderFilter {
            attention: true,
            ..plain.clone()
        });
        all.push(OrderFilter {
            late: true,
            ..plain.clone()
        });
        all.push(OrderFilter {
            spans: spans(Some(4_000), Some(15_000)),
            ..plain.clone()
        });
        all.push(OrderFilter {
            spans: spans(None, None).split_off(2),
            ..plain.clone()
        });
        all.push(OrderFilter {
            attention: true,
            late: true,
            search: Some("914".into()),
            states: vec![OrderState::Created, OrderState::Held],
            spans: spans(Some(2_000), None),
            ..plain.clone()
        });
        all.push(OrderFilter {
            search: Some("SKU-3".into()),
            states: vec![OrderState::Created, OrderState::Closed],
            spans: spans(None, Some(15_000)),
            ..plain.clone()
        });
        let by_deadline = |f: &OrderFilter| OrderFilter {
            sort: OrderSort::LeastTimeLeft,
            ..f.clone()
        };
        let sorted: Vec<OrderFilter> = all.iter().map(by_deadline).collect();
        all.into_iter().chain(sorted).collect()
    }

    #[test]
    fn pages_hold_each_order_once_and_in_order() {
        let conn = in_memory();
        let all = filled(&conn, 400);
        let tx = Tx { conn: &conn };
        let mut found_any = 0;
        for mut filter in filters() {
            let wanted = expected(&all, &filter);
            let mut found = Vec::new();
            loop {
                let page = tx.find_orders(&filter, at(NOW)).unwrap();
                found.extend((page.iter()).map(|(m, _)| (m.key.clone(), m.id.clone())));
                match page.last() {
                    Some((mark, _)) if page.len() == filter.limit as usize => {
                        filter.after = Some(mark.clone());
                    }
                    _ => break,
                }
            }
            assert_eq!(found, wanted, "{filter:?}");
            found_any += usize::from(!wanted.is_empty());
        }
        assert!(found_any > 25, "{found_any} filters found anything");
    }

    #[test]
    fn walking_finds_what_collecting_finds() {
        let conn = in_memory();
        let all = filled(&conn, 300);
        for filter in filters()
            .into_iter()
            .filter(|f| f.search.is_some() && !f.attention)
        {
            let mut found = Vec::new();
            let way = match filter.late || filter.sort == OrderSort::LeastTimeLeft {
                true => Way::Deadline,
                false => Way::Placed,
            };
            for span in &filter.spans {
                let walks: Vec<&[OrderState]> = match way {
                    Way::Placed if !filter.states.is_empty() => filter.states.chunks(1).collect(),
                    _ => vec![filter.states.as_slice()],
                };
                for states in walks {
                    let filter = OrderFilter {
                        limit: 1_000,
                        ..filter.clone()
                    };
                    let (sql, values) = written(&filter, span, way, states, at(NOW));
                    let mut statement = conn.prepare(&sql).unwrap();
                    found.extend(read_marks(&mut statement, &values, &span.key).unwrap());
                }
            }
            let mut found: Vec<(Key, String)> = found.into_iter().map(|m| (m.key, m.id)).collect();
            let mut wanted = expected(&all, &filter);
            found.sort();
            wanted.sort();
            assert_eq!(found, wanted, "{filter:?}");
        }
    }

    #[test]
    fn each_list_is_served_by_an_index() {
        let conn = in_memory();
        let plan = |filter: &OrderFilter, way: Way| -> String {
            let states = &filter.states;
            let (sql, values) = written(filter, &filter.spans[0], way, states, at(NOW));
            let mut statement = conn.prepare(&format!("explain query plan {sql}")).unwrap();
            let rows = statement.query_map(params_from_iter(&values), |r| r.get::<_, String>(3));
            rows.unwrap()
                .collect::<Result<Vec<_>, _>>()
                .unwrap()
                .join("\n")
        };
        let mark = OrderMark {
            at: 5_000,
            key: keys().remove(0),
            id: "600100".into(),
        };
        for filter in filters() {
            for after in [None, Some(mark.clone())] {
                let filter = OrderFilter {
                    after,
                    states: filter.states.iter().copied().take(1).collect(),
                    ..filter.clone()
                };
                let walked = match filter.late || filter.sort == OrderSort::LeastTimeLeft {
                    true => Way::Deadline,
                    false => Way::Placed,
                };
                let ways = match (filter.attention, &filter.search) {
                    (true, _) => vec![Way::Attention],
                    (false, Some(_)) => vec![Way::Matches, walked],
                    (false, None) => vec![walked],
                };
                for way in ways {
                    let plan = plan(&filter, way);
                    for table in ["o", "channel_order", "unit", "u", "parcel"] {
                        let whole = format!("SCAN {table}");
                        assert!(
                            !plan.lines().any(|l| l.starts_with(&whole)),
                            "{filter:?}\n{plan}"
                        );
                    }
                    let index = match way {
                        Way::Attention | Way::Matches => {
                            "o USING INDEX sqlite_autoindex_channel_order_1"
                        }
                        Way::Deadline => "o USING INDEX order_left",
                        Way::Placed if filter.states.is_empty() => "INDEX order_placed",
                        Way::Placed => "INDEX order_state",
                    };
                    assert!(plan.contains(index), "{index}\n{filter:?}\n{plan}");
                    // A walk comes in order; what was collected is few, and sorted.
                    let walks = matches!(way, Way::Placed)
                        || (way == Way::Deadline && filter.sort == OrderSort::LeastTimeLeft);
                    assert_eq!(plan.contains("TEMP B-TREE FOR ORDER BY"), !walks, "{plan}");
                }
            }
        }
    }
}
