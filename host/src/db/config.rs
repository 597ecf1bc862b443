//! Shops, channels, their secrets and cursors.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Row, params};

use super::{Error, Tx, at, json, ms, unjson};
use crate::model::{ExtraSetup, Instant, Key, Policy, ShopInfo};
use crate::sync::stock::{Extent, StockChange};

/// The extent of what was approved, kept among the cursors.
const APPROVED: &str = "approved";

/// A shop as configured.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
pub struct ShopRow {
    /// The operator's short name.
    pub shop: String,
    /// `https://....myshopify.com`, or the sandbox.
    pub base_url: String,
    /// Plain `http` and private addresses allowed.
    pub allow_local: bool,
    /// `client-credentials` or `token`.
    pub auth: String,
    /// Client id of client credentials.
    pub client_id: Option<String>,
    /// As it presented itself last.
    pub info: Option<ShopInfo>,
}

/// Whether a channel is worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelState {
    /// Worked on its interval.
    Active,
    /// Waits for a person: see its reason.
    Parked,
    /// Switched off by the operator.
    Paused,
}

impl ChannelState {
    /// As stored and shown.
    pub fn text(self) -> &'static str {
        match self {
            ChannelState::Active => "active",
            ChannelState::Parked => "parked",
            ChannelState::Paused => "paused",
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        match text {
            "parked" => ChannelState::Parked,
            "paused" => ChannelState::Paused,
            _ => ChannelState::Active,
        }
    }
}

impl std::fmt::Display for ChannelState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.text())
    }
}

/// A channel as configured, with its schedule.
#[derive(Clone, Debug)]
pub struct ChannelRow {
    /// Which.
    pub key: Key,
    /// The plugin's id.
    pub plugin: String,
    /// Shown in orders and pages ("THE ICONIC").
    pub title: String,
    /// Overrides the plugin's endpoint.
    pub base_url: Option<String>,
    /// Plain `http` and private addresses allowed.
    pub allow_local: bool,
    /// Pinned account id.
    pub account_id: Option<String>,
    /// Shown.
    pub account_name: Option<String>,
    /// Plugin settings.
    pub settings: BTreeMap<String, String>,
    /// Sync policy.
    pub policy: Policy,
    /// Extras in the order in which they run.
    pub extras: Vec<ExtraSetup>,
    /// Shopify locations whose stock counts.
    pub locations: Vec<String>,
    /// Orders placed before are known, never created.
    pub orders_from: Instant,
    /// Whether it is worked.
    pub state: ChannelState,
    /// Why it is parked.
    pub reason: Option<String>,
    /// When its first sync was approved.
    pub approved_at: Option<Instant>,
    /// One cycle may pass the mass-change guard.
    pub guard_pass: bool,
    /// When it is due.
    pub due_at: Instant,
    /// Failed cycles in a row.
    pub failures: u32,
    /// When the whole catalogue was read last.
    pub read_back_at: Option<Instant>,
}

impl Tx<'_> {
    /// Adds or replaces a shop's connection.
    pub fn put_shop(&self, shop: &ShopRow, now: Instant) -> Result<(), Error> {
        let info = shop.info.as_ref();
        self.conn.execute(
            "insert into shop (shop, base_url, allow_local, auth, client_id, gid, name, currency, timezone, info, added_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             on conflict (shop) do update set base_url = ?2, allow_local = ?3, auth = ?4, client_id = ?5, gid = ?6, name = ?7,
               currency = ?8, timezone = ?9, info = ?10",
            params![
                shop.shop,
                shop.base_url,
                shop.allow_local,
                shop.auth,
                shop.client_id,
                info.map(|i| &i.id),
                info.map(|i| &i.name),
                info.map(|i| &i.currency),
                info.map(|i| &i.timezone),
                info.map(json),
                ms(now)
            ],
        )?;
        Ok(())
    }

    /// All shops by name.
    pub fn shops(&self) -> Result<Vec<ShopRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select shop, base_url, allow_local, auth, client_id, info from shop order by shop",
        )?;
        let rows = statement.query_map([], |r| {
            Ok((
                ShopRow {
                    shop: r.get(0)?,
                    base_url: r.get(1)?,
                    allow_local: r.get(2)?,
                    auth: r.get(3)?,
                    client_id: r.get(4)?,
                    info: None,
                },
                r.get::<_, Option<String>>(5)?,
            ))
        })?;
        rows.map(|row| {
            let (mut shop, info) = row?;
            shop.info = info.map(|text| unjson(&text, "shop.info")).transpose()?;
            Ok(shop)
        })
        .collect()
    }

    /// One shop.
    pub fn shop(&self, name: &str) -> Result<Option<ShopRow>, Error> {
        Ok(self.shops()?.into_iter().find(|s| s.shop == name))
    }

    /// Adds a channel. Fails when it exists.
    pub fn add_channel(&self, c: &ChannelRow, now: Instant) -> Result<(), Error> {
        self.conn.execute(
            "insert into channel (shop, channel, plugin, title, base_url, allow_local, account_id, account_name, settings, policy,
               locations, orders_from, state, due_at, added_at, extras)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15)",
            params![
                c.key.shop,
                c.key.channel,
                c.plugin,
                c.title,
                c.base_url,
                c.allow_local,
                c.account_id,
                c.account_name,
                json(&c.settings),
                json(&c.policy),
                json(&c.locations),
                ms(c.orders_from),
                c.state.text(),
                ms(now),
                json(&c.extras)
            ],
        )?;
        Ok(())
    }

    /// Changes what an operator may change of a channel: settings, policy, extras, locations, endpoint, title.
    pub fn change_channel(&self, c: &ChannelRow) -> Result<(), Error> {
        self.conn.execute(
            "update channel set title = ?3, base_url = ?4, allow_local = ?5, settings = ?6, policy = ?7, locations = ?8,
               extras = ?9
             where shop = ?1 and channel = ?2",
            params![
                c.key.shop,
                c.key.channel,
                c.title,
                c.base_url,
                c.allow_local,
                json(&c.settings),
                json(&c.policy),
                json(&c.locations),
                json(&c.extras)
            ],
        )?;
        Ok(())
    }

    /// All channels, by shop and name.
    pub fn channels(&self) -> Result<Vec<ChannelRow>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select shop, channel, plugin, title, base_url, allow_local, account_id, account_name, settings, policy, locations,
               orders_from, state, reason, approved_at, guard_pass, due_at, failures, read_back_at, extras
             from channel order by shop, channel",
        )?;
        let mut rows = statement.query([])?;
        let mut channels = Vec::new();
        while let Some(row) = rows.next()? {
            channels.push(channel(row)?);
        }
        Ok(channels)
    }

    /// One channel.
    pub fn channel(&self, key: &Key) -> Result<Option<ChannelRow>, Error> {
        Ok(self.channels()?.into_iter().find(|c| c.key == *key))
    }

    /// Pins the account that the credentials belong to.
    pub fn pin_account(&self, key: &Key, id: &str, name: &str) -> Result<(), Error> {
        self.conn.execute(
            "update channel set account_id = ?3, account_name = ?4 where shop = ?1 and channel = ?2",
            params![key.shop, key.channel, id, name],
        )?;
        Ok(())
    }

    /// Parks, pauses or wakes a channel.
    pub fn set_channel_state(
        &self,
        key: &Key,
        state: ChannelState,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        self.conn.execute(
            "update channel set state = ?3, reason = ?4 where shop = ?1 and channel = ?2",
            params![key.shop, key.channel, state.text(), reason],
        )?;
        Ok(())
    }

    /// Sets when the channel is due and how many cycles failed in a row.
    pub fn set_due(&self, key: &Key, due: Instant, failures: u32) -> Result<(), Error> {
        self.conn.execute(
            "update channel set due_at = ?3, failures = ?4 where shop = ?1 and channel = ?2",
            params![key.shop, key.channel, ms(due), failures],
        )?;
        Ok(())
    }

    /// Notes that the whole catalogue was read.
    pub fn set_read_back(&self, key: &Key, when: Option<Instant>) -> Result<(), Error> {
        self.conn.execute(
            "update channel set read_back_at = ?3 where shop = ?1 and channel = ?2",
            params![key.shop, key.channel, when.map(ms)],
        )?;
        Ok(())
    }

    /// Approves what the channel waits for: its first sync, or what the guard stopped. Either way the next cycle
    /// may pass the guard once, since a person has seen its changes.
    pub fn approve(&self, key: &Key, now: Instant) -> Result<(), Error> {
        self.conn.execute(
            "update channel set approved_at = coalesce(approved_at, ?3), guard_pass = 1, due_at = ?3
             where shop = ?1 and channel = ?2",
            params![key.shop, key.channel, ms(now)],
        )?;
        // The approval is of what the plan shows; without a stored plan it is of whatever comes first.
        let shown = self.plan(key)?.map(|(_, _, body)| body);
        let extent = shown.and_then(|body| {
            let plan: serde_json::Value = serde_json::from_str(&body).ok()?;
            let changes: Vec<StockChange> =
                serde_json::from_value(plan.get("to_push")?.clone()).ok()?;
            Some(json(&Extent::of(&changes)))
        });
        match extent {
            Some(extent) => self.set_cursor(key, APPROVED, &extent)?,
            None => self.clear_cursor(key, APPROVED)?,
        }
        self.drop_plan(key)
    }

    /// The extent of the changes that were approved; none: no plan was stored when it was.
    pub fn approved_extent(&self, key: &Key) -> Result<Option<Extent>, Error> {
        self.cursor(key, APPROVED)?
            .map(|text| unjson(&text, "cursor.value"))
            .transpose()
    }

    /// Forgets the plan that waits for approval.
    pub fn drop_plan(&self, key: &Key) -> Result<(), Error> {
        self.conn.execute(
            "delete from plan where shop = ?1 and channel = ?2",
            params![key.shop, key.channel],
        )?;
        Ok(())
    }

    /// Uses up a pass through the guard.
    pub fn use_guard_pass(&self, key: &Key) -> Result<(), Error> {
        self.conn.execute(
            "update channel set guard_pass = 0 where shop = ?1 and channel = ?2",
            params![key.shop, key.channel],
        )?;
        Ok(())
    }

    /// Stores a plan that waits for approval; JSON text.
    pub fn put_plan(&self, key: &Key, why: &str, body: &str, now: Instant) -> Result<(), Error> {
        self.conn.execute(
            "insert into plan (shop, channel, made_at, why, body) values (?1, ?2, ?3, ?4, ?5)
             on conflict (shop, channel) do update set made_at = ?3, why = ?4, body = ?5",
            params![key.shop, key.channel, ms(now), why, body],
        )?;
        Ok(())
    }

    /// The plan that waits for approval: why, when it was made, and its JSON text.
    pub fn plan(&self, key: &Key) -> Result<Option<(String, Instant, String)>, Error> {
        Ok(self
            .conn
            .prepare_cached("select why, made_at, body from plan where shop = ?1 and channel = ?2")?
            .query_row(params![key.shop, key.channel], |r| {
                Ok((r.get(0)?, at(r.get(1)?), r.get(2)?))
            })
            .optional()?)
    }

    /// Why a plan waits for approval, if one does.
    pub fn plan_why(&self, key: &Key) -> Result<Option<String>, Error> {
        Ok(self
            .conn
            .prepare_cached("select why from plan where shop = ?1 and channel = ?2")?
            .query_row(params![key.shop, key.channel], |r| r.get(0))
            .optional()?)
    }

    /// Whether anything waits for approval: a plan, or the first sync.
    pub fn awaits_approval(&self, key: &Key) -> Result<bool, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select approved_at is null or exists (select 1 from plan p where p.shop = c.shop and p.channel = c.channel)
                 from channel c where shop = ?1 and channel = ?2",
            )?
            .query_row(params![key.shop, key.channel], |r| r.get(0))
            .optional()?
            .unwrap_or(false))
    }

    /// Stores a sealed secret. `owner` is a channel name, or empty for the shop itself.
    pub fn put_secret(
        &self,
        shop: &str,
        owner: &str,
        field: &str,
        sealed: &[u8],
    ) -> Result<(), Error> {
        self.conn.execute(
            "insert into secret (shop, owner, field, sealed) values (?1, ?2, ?3, ?4)
             on conflict (shop, owner, field) do update set sealed = ?4",
            params![shop, owner, field, sealed],
        )?;
        Ok(())
    }

    /// Forgets a secret.
    pub fn drop_secret(&self, shop: &str, owner: &str, field: &str) -> Result<(), Error> {
        self.conn.execute(
            "delete from secret where shop = ?1 and owner = ?2 and field = ?3",
            params![shop, owner, field],
        )?;
        Ok(())
    }

    /// The sealed secrets of one owner, by field.
    pub fn secrets(&self, shop: &str, owner: &str) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        let mut statement = self
            .conn
            .prepare_cached("select field, sealed from secret where shop = ?1 and owner = ?2")?;
        let rows = statement.query_map(params![shop, owner], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Whether any secret is stored: then only the key that sealed it will do.
    pub fn any_secret(&self) -> Result<bool, Error> {
        Ok(self
            .conn
            .query_row("select exists (select 1 from secret)", [], |r| r.get(0))?)
    }

    /// Any one sealed secret: its shop and owner, its field, and what is sealed.
    pub fn any_sealed(&self) -> Result<Option<(Key, String, Vec<u8>)>, Error> {
        Ok(self
            .conn
            .query_row(
                "select shop, owner, field, sealed from secret order by shop, owner, field limit 1",
                [],
                |r| {
                    let owner = Key::new(r.get::<_, String>(0)?, r.get::<_, String>(1)?);
                    Ok((owner, r.get(2)?, r.get(3)?))
                },
            )
            .optional()?)
    }

    /// Where a flow goes on.
    pub fn cursor(&self, key: &Key, flow: &str) -> Result<Option<String>, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select value from cursor where shop = ?1 and channel = ?2 and flow = ?3",
            )?
            .query_row(params![key.shop, key.channel, flow], |r| r.get(0))
            .optional()?)
    }

    /// The moment up to which a flow has read; none also when what is stored is no moment.
    pub fn mark(&self, key: &Key, flow: &str) -> Result<Option<Instant>, Error> {
        Ok(self.cursor(key, flow)?.and_then(|t| t.parse().ok()))
    }

    /// Moves the moment up to which a flow has read.
    pub fn set_mark(&self, key: &Key, flow: &str, mark: Instant) -> Result<(), Error> {
        self.set_cursor(key, flow, &mark.to_string())
    }

    /// Lets a flow begin anew.
    pub fn clear_cursor(&self, key: &Key, flow: &str) -> Result<(), Error> {
        self.conn
            .prepare_cached("delete from cursor where shop = ?1 and channel = ?2 and flow = ?3")?
            .execute(params![key.shop, key.channel, flow])?;
        Ok(())
    }

    /// Moves a flow on.
    pub fn set_cursor(&self, key: &Key, flow: &str, value: &str) -> Result<(), Error> {
        self.conn
            .prepare_cached(
                "insert into cursor (shop, channel, flow, value) values (?1, ?2, ?3, ?4)
                 on conflict (shop, channel, flow) do update set value = ?4",
            )?
            .execute(params![key.shop, key.channel, flow, value])?;
        Ok(())
    }
}

fn channel(r: &Row<'_>) -> Result<ChannelRow, Error> {
    let instant = |i: usize| -> Result<Option<Instant>, rusqlite::Error> {
        Ok(r.get::<_, Option<i64>>(i)?.map(at))
    };
    Ok(ChannelRow {
        key: Key::new(r.get::<_, String>(0)?, r.get::<_, String>(1)?),
        plugin: r.get(2)?,
        title: r.get(3)?,
        base_url: r.get(4)?,
        allow_local: r.get(5)?,
        account_id: r.get(6)?,
        account_name: r.get(7)?,
        settings: unjson(&r.get::<_, String>(8)?, "channel.settings")?,
        policy: unjson(&r.get::<_, String>(9)?, "channel.policy")?,
        locations: unjson(&r.get::<_, String>(10)?, "channel.locations")?,
        orders_from: at(r.get(11)?),
        state: ChannelState::parse(&r.get::<_, String>(12)?),
        reason: r.get(13)?,
        approved_at: instant(14)?,
        guard_pass: r.get(15)?,
        due_at: at(r.get(16)?),
        failures: r.get(17)?,
        read_back_at: instant(18)?,
        extras: unjson(&r.get::<_, String>(19)?, "channel.extras")?,
    })
}
