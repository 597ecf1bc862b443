//! The plugins of a host: what each is, may do and does, and what waits for an admin.

use std::collections::BTreeMap;
use std::fmt::Display;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::{ChannelRow, Error, PluginVersion, Tx};
use crate::host::Host;
use crate::model::{Instant, Refusal, Rights, StockSemantics};
use crate::plugin::{FaultLine, LogLevel, LogLine, Manifest, Plugin, Setting, Stats};
use crate::registry::Entry;

/// The plugins of a host.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Plugins {
    /// When this was read.
    pub at: Timestamp,
    /// Where files of plugins are put.
    pub folder: String,
    /// The plugins, by id.
    pub items: Vec<PluginRow>,
}

/// A plugin, or a file that cannot be one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PluginRow {
    /// The plugin's id; of a file that cannot be read as a plugin its name.
    pub id: String,
    /// Shown.
    pub name: String,
    /// What it is; none: that cannot be told.
    pub kind: Option<PluginKind>,
    /// Whether it is at work.
    pub state: PluginState,
    /// Why it is broken.
    pub error: Option<String>,
    /// The version at work; while none is, the one that waits.
    pub version: Option<String>,
    /// SHA-256 of that version, hexadecimal.
    pub digest: Option<String>,
    /// The file that that version, or what cannot be used, comes from; none: it is built in.
    pub file: Option<String>,
    /// What that version can do, by name.
    pub capabilities: Vec<String>,
    /// What that version may do, or asks for while it waits, in words.
    pub may: Vec<String>,
    /// A version that waits to be granted what it asks for.
    pub waits: Option<Waiting>,
    /// The channels that use it.
    pub channels: Vec<PluginUse>,
    /// What its calls have used since the host started; none when the host runs elsewhere, or does not run.
    pub figures: Option<Stats>,
}

/// What a plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PluginKind {
    /// Speaks to a marketplace.
    Connector,
    /// Edits orders, stock numbers or bundles, and reaches nothing outside.
    Extra,
}

/// Whether a plugin is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// It is.
    AtWork,
    /// It waits for somebody to grant what it asks for.
    WaitsForGrant,
    /// It cannot be used.
    Broken,
}

impl PluginState {
    /// As shown.
    pub fn text(self) -> &'static str {
        match self {
            Self::AtWork => "at work",
            Self::WaitsForGrant => "waits for grant",
            Self::Broken => "broken",
        }
    }
}

impl PluginKind {
    fn of(plugin: &Plugin) -> Self {
        if plugin.is_extra() {
            Self::Extra
        } else {
            Self::Connector
        }
    }

    /// As shown.
    pub fn text(self) -> &'static str {
        match self {
            Self::Connector => "connector",
            Self::Extra => "extra",
        }
    }
}

/// A channel that uses a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PluginUse {
    /// SHOP/CHANNEL.
    pub channel: String,
    /// The channel's title.
    pub title: String,
    /// What the channel calls it, where it is an extra.
    pub extra: Option<String>,
}

/// A version that waits.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Waiting {
    /// What its manifest says.
    pub version: String,
    /// SHA-256 of its file, hexadecimal: what is granted is granted to this file.
    pub digest: String,
    /// The name of its file; none: it is built in.
    pub file: Option<String>,
    /// What it asks for beyond what was granted, in words.
    pub asks: Vec<String>,
    /// What it does not ask for any more, in words.
    pub drops: Vec<String>,
    /// How its settings and what else the host goes by differ from the version at work; while none is, all of it.
    pub differences: Vec<Difference>,
}

/// Something that one version has otherwise than another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Difference {
    /// What: a setting, or a thing that manifests tell.
    pub what: String,
    /// As the version at work has it; none: it does not have it.
    pub before: Option<String>,
    /// As the version that waits has it; none: it does not have it.
    pub after: Option<String>,
}

/// One plugin, with all that is known of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PluginDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub plugin: PluginRow,
    /// What that version says about itself.
    #[schema(value_type = Object)]
    pub manifest: Option<Manifest>,
    /// What that version may do, or asks for while it waits.
    pub rights: Rights,
    /// What may be set of it.
    pub settings: Vec<PluginSetting>,
    /// The versions that were seen, the newest first.
    pub versions: Vec<SeenVersion>,
    /// The version that a roll-back puts to work; none: there is none.
    pub previous: Option<SeenVersion>,
    /// How its calls failed since the host started, the newest first.
    pub faults: Vec<FaultLine>,
}

/// Something that may be set of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PluginSetting {
    /// What it is called where it is set.
    pub key: String,
    /// `text`, `integer`, `boolean` or `choice`.
    pub kind: String,
    /// Its value when none is set.
    pub default: Option<String>,
    /// Of a choice: the values.
    pub choices: Vec<String>,
    /// What it means.
    pub meaning: String,
}

/// A version of a plugin that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SeenVersion {
    /// What its manifest says.
    pub version: String,
    /// SHA-256 of its file, hexadecimal.
    pub digest: String,
    /// What it asks for.
    pub rights: Rights,
    /// When it was seen first.
    pub seen_at: Timestamp,
    /// When it was granted what it asks for; none: it may not run.
    pub granted_at: Option<Timestamp>,
}

/// What a plugin logged since the host started, and what it was refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PluginLog {
    /// The newest 200 lines, the newest first.
    pub items: Vec<LogLine>,
}

/// Reads all plugins.
pub async fn plugins(host: &Host) -> Result<Plugins, Error> {
    let entries = host.registry.entries();
    let read = (host.store).read(|tx| Ok((tx.channels()?, tx.files_at_work()?)));
    let (channels, files) = read.await?;
    let around = Around {
        channels,
        files,
        figures: host.works(),
    };
    Ok(Plugins {
        at: Instant::now(),
        folder: host.registry.folder().display().to_string(),
        items: (entries.iter())
            .map(|(id, entry)| row(id, entry, &around))
            .collect(),
    })
}

/// Reads one plugin. Fails with [`Refusal::Unknown`] when there is none of that id.
pub async fn plugin(host: &Host, id: &str) -> anyhow::Result<PluginDetail> {
    let entries = host.registry.entries();
    let entry = entries.get(id).ok_or_else(|| unknown(id))?;
    let owned = id.to_owned();
    let read = (host.store).read(move |tx| read(tx, &owned));
    let (channels, files, versions, previous) = read.await?;
    let around = Around {
        channels,
        files,
        figures: host.works(),
    };
    let shown = row(id, entry, &around);
    let plugin = entry
        .at_work
        .as_ref()
        .or(entry.waits.as_ref().map(|(p, _)| p));
    Ok(detail(shown, plugin, versions, previous))
}

/// What a plugin logged, of lines that matter at least so much. Fails with [`Refusal::Unknown`] when there is no such
/// plugin.
pub fn plugin_log(host: &Host, id: &str, least: Option<LogLevel>) -> Result<PluginLog, Refusal> {
    let entries = host.registry.entries();
    let entry = entries.get(id).ok_or_else(|| unknown(id))?;
    let plugin = entry
        .at_work
        .as_ref()
        .or(entry.waits.as_ref().map(|(p, _)| p));
    let mut items = plugin.map_or_else(Vec::new, Plugin::log);
    items.retain(|line| least.is_none_or(|least| line.level >= least));
    Ok(PluginLog { items })
}

/// A plugin as its file tells it, where there is no host.
pub fn of_file(plugin: &Plugin, file: &str) -> PluginDetail {
    let id = plugin.manifest().plugin.id.clone();
    let entry = Entry {
        at_work: None,
        waits: Some((plugin.clone(), plugin.rights().words())),
        file: Some(file.to_owned()),
        error: None,
    };
    let shown = row(&id, &entry, &Around::default());
    detail(shown, Some(plugin), Vec::new(), None)
}

fn unknown(id: &str) -> Refusal {
    Refusal::Unknown(format!(
        "there is no plugin \"{id}\"; `lockstep plugin list` shows which there are"
    ))
}

/// What is known beside the registry.
#[derive(Default)]
struct Around {
    channels: Vec<ChannelRow>,
    /// Where the versions at work came from.
    files: BTreeMap<String, Option<String>>,
    /// This process makes the calls.
    figures: bool,
}

type Read = (
    Vec<ChannelRow>,
    BTreeMap<String, Option<String>>,
    Vec<SeenVersion>,
    Option<String>,
);

fn read(tx: &Tx<'_>, id: &str) -> Result<Read, Error> {
    let versions = tx.plugin_versions(id)?.into_iter().map(seen).collect();
    let at_work = tx.plugin_at_work(id)?;
    Ok((
        tx.channels()?,
        tx.files_at_work()?,
        versions,
        at_work.and_then(|at| at.previous),
    ))
}

fn seen(v: PluginVersion) -> SeenVersion {
    SeenVersion {
        version: v.version,
        digest: v.digest,
        rights: v.rights,
        seen_at: v.seen_at,
        granted_at: v.granted_at,
    }
}

fn row(id: &str, entry: &Entry, around: &Around) -> PluginRow {
    let waits = entry.waits.as_ref();
    let shown = entry.at_work.as_ref().or(waits.map(|(p, _)| p));
    let state = match (&entry.error, &entry.at_work) {
        (Some(_), _) => PluginState::Broken,
        (None, Some(_)) => PluginState::AtWork,
        (None, None) => PluginState::WaitsForGrant,
    };
    PluginRow {
        id: id.to_owned(),
        name: shown.map_or_else(|| id.to_owned(), |p| p.manifest().plugin.name.clone()),
        kind: shown.map(PluginKind::of),
        state,
        error: entry.error.clone(),
        version: shown.map(|p| p.manifest().plugin.version.to_string()),
        digest: shown.map(|p| p.digest().to_owned()),
        file: match (&entry.at_work, around.files.get(id)) {
            (Some(_), Some(file)) => file.clone(),
            _ => entry.file.clone(),
        },
        capabilities: shown.map_or_else(Vec::new, |p| {
            p.capabilities().iter().map(|c| (*c).to_owned()).collect()
        }),
        may: shown.map_or_else(Vec::new, |p| p.rights().words()),
        waits: waits.map(|(plugin, asks)| waiting(plugin, asks, entry)),
        channels: uses(id, &around.channels),
        figures: shown.filter(|_| around.figures).map(Plugin::stats),
    }
}

fn uses(id: &str, channels: &[ChannelRow]) -> Vec<PluginUse> {
    let mut found = Vec::new();
    for row in channels {
        let mut add = |extra| {
            found.push(PluginUse {
                channel: row.key.to_string(),
                title: row.title.clone(),
                extra,
            });
        };
        if row.plugin == id {
            add(None);
        }
        for extra in row.extras.iter().filter(|e| e.plugin == id) {
            add(Some(extra.name.clone()));
        }
    }
    found
}

fn waiting(plugin: &Plugin, asks: &[String], entry: &Entry) -> Waiting {
    let (rights, at_work) = (plugin.rights(), entry.at_work.as_ref());
    Waiting {
        version: plugin.manifest().plugin.version.to_string(),
        digest: plugin.digest().to_owned(),
        file: entry.file.clone(),
        asks: asks.to_vec(),
        drops: at_work.map_or_else(Vec::new, |before| before.rights().beyond(&rights)),
        differences: differences(at_work.map(Plugin::manifest), plugin.manifest()),
    }
}

/// How the settings of two versions, and what else the host goes by, differ.
fn differences(before: Option<&Manifest>, after: &Manifest) -> Vec<Difference> {
    let (before, mut after) = (before.map_or_else(BTreeMap::new, traits), traits(after));
    let mut found = Vec::new();
    for (what, before) in before {
        let after = after.remove(&what);
        if after.as_ref() != Some(&before) {
            found.push(Difference {
                what,
                before: Some(before),
                after,
            });
        }
    }
    found.extend(after.into_iter().map(|(what, after)| Difference {
        what,
        before: None,
        after: Some(after),
    }));
    found.sort_by(|a, b| a.what.cmp(&b.what));
    found
}

/// What an operator may set of a plugin, and what the host goes by, each in words.
fn traits(m: &Manifest) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for setting in &m.setting {
        all.insert(format!("setting {}", setting.key), about(setting));
    }
    let mut tell = |what: &str, value: Option<&dyn Display>| {
        if let Some(value) = value {
            all.insert(what.to_owned(), value.to_string());
        }
    };
    let base = m.endpoint.as_ref().map(|e| &e.base_url);
    tell("address", base.map(|b| b as &dyn Display));
    if m.endpoint.is_some() {
        let semantics = match m.stock.semantics {
            StockSemantics::Sellable => "what buyers can buy",
            StockSemantics::GrossOfReservations => {
                "what buyers can buy, and what open orders hold back"
            }
        };
        tell("meaning of a stock number", Some(&semantics));
        tell("stock numbers of one call", Some(&m.stock.batch));
        let rate = m
            .rate
            .map(|r| format!("{} a second, {} at once", r.per_second, r.burst));
        tell("requests", rate.as_ref().map(|r| r as &dyn Display));
        let hours = m.orders.dispatch_hours.map(|h| format!("{h} h"));
        tell(
            "time to dispatch",
            hours.as_ref().map(|h| h as &dyn Display),
        );
        let code = match (
            m.fulfillment.tracking_required,
            m.fulfillment.tracking_write_once,
        ) {
            (true, true) => "required, cannot be changed",
            (true, false) => "required",
            (false, true) => "cannot be changed",
            (false, false) => "free",
        };
        tell("tracking code", Some(&code));
    }
    for rate in &m.call_rate {
        let figure = format!("{} in {} s", rate.calls, rate.seconds);
        tell(&format!("call rate {}", rate.name), Some(&figure));
    }
    all
}

fn about(setting: &Setting) -> String {
    let mut text = setting.kind.text().to_owned();
    if !setting.choices.is_empty() {
        text.push_str(&format!(" of {}", setting.choices.join(", ")));
    }
    match setting.default_text().as_deref() {
        None => text.push_str(", must be set or left out"),
        Some("") => text.push_str(", empty unless set"),
        Some(default) => text.push_str(&format!(", {default} unless set")),
    }
    text
}

fn detail(
    shown: PluginRow,
    plugin: Option<&Plugin>,
    versions: Vec<SeenVersion>,
    previous: Option<String>,
) -> PluginDetail {
    let manifest = plugin.map(|p| p.manifest().clone());
    let settings = manifest.iter().flat_map(|m| &m.setting);
    PluginDetail {
        rights: plugin.map_or_else(Rights::default, Plugin::rights),
        settings: settings.map(setting).collect(),
        previous: versions
            .iter()
            .find(|v| previous.as_ref() == Some(&v.digest))
            .cloned(),
        faults: plugin.map_or_else(Vec::new, Plugin::faults),
        plugin: shown,
        manifest,
        versions,
    }
}

fn setting(s: &Setting) -> PluginSetting {
    let words = [s.label.as_deref(), s.help.as_deref()];
    PluginSetting {
        key: s.key.clone(),
        kind: s.kind.text().to_owned(),
        default: s.default_text(),
        choices: s.choices.clone(),
        meaning: words.into_iter().flatten().collect::<Vec<_>>().join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        [plugin]
        id = "acme"
        name = "Acme"
        version = "0.1.0"
        generation = "0.1"
        [endpoint]
        base-url = "https://acme.example"
        [stock]
        semantics = "sellable"
        batch = 100
        [[setting]]
        key = "region"
        type = "choice"
        choices = ["au", "nz"]
        default = "au"
        [[setting]]
        key = "old"
        type = "text"
    "#;

    fn told(found: &[Difference]) -> Vec<(&str, Option<&str>, Option<&str>)> {
        (found.iter())
            .map(|d| (d.what.as_str(), d.before.as_deref(), d.after.as_deref()))
            .collect()
    }

    #[test]
    fn only_what_differs_is_told() {
        let before = Manifest::parse(MANIFEST).unwrap();
        let changed = MANIFEST
            .replace("\"nz\"]", "\"nz\", \"sg\"]")
            .replace("key = \"old\"", "key = \"new\"")
            .replace("\"sellable\"", "\"gross-of-reservations\"")
            .replace("version = \"0.1.0\"", "version = \"0.2.0\"");
        let after = Manifest::parse(&changed).unwrap();
        assert_eq!(
            told(&differences(Some(&before), &after)),
            [
                (
                    "meaning of a stock number",
                    Some("what buyers can buy"),
                    Some("what buyers can buy, and what open orders hold back")
                ),
                ("setting new", None, Some("text, must be set or left out")),
                ("setting old", Some("text, must be set or left out"), None),
                (
                    "setting region",
                    Some("choice of au, nz, au unless set"),
                    Some("choice of au, nz, sg, au unless set")
                ),
            ]
        );
        assert!(differences(Some(&after), &after).is_empty());
        assert!(differences(None, &after).iter().all(|d| d.before.is_none()));
    }
}
