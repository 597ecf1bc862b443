//! What a plugin says of itself: `plugin.toml`, embedded in the component.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::model::StockSemantics;

/// A plugin's manifest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Who it is.
    pub plugin: Identity,
    /// Where it may send requests.
    pub endpoint: Endpoint,
    /// Credentials that it names in requests.
    #[serde(default)]
    pub credential: Vec<CredentialSlot>,
    /// What the operator may set.
    #[serde(default)]
    pub setting: Vec<Setting>,
    /// How its channel takes stock.
    pub stock: Option<Stock>,
    /// How its channel's orders are to be worked.
    #[serde(default)]
    pub orders: Orders,
    /// What its channel demands of parcels.
    #[serde(default)]
    pub fulfillment: Fulfillment,
    /// How fast its account may be asked.
    #[serde(default)]
    pub rate: Rate,
}

/// Who a plugin is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Identity {
    /// Stable short name, of lower-case letters, digits and dashes.
    pub id: String,
    /// Shown.
    pub name: String,
    /// Of the plugin itself.
    pub version: semver::Version,
    /// Of the contract that it was built for, as in "0.1".
    pub generation: String,
}

/// Where a plugin may send requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Endpoint {
    /// The API; the operator may set another one.
    pub base_url: String,
    /// Host names that it may ask beside that of the base URL.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// A credential that the host adds to requests which name its slot.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CredentialSlot {
    /// What requests call it.
    pub slot: String,
    /// How it is added.
    pub kind: CredentialKind,
    /// Shown to the operator.
    #[serde(default)]
    pub label: String,
    /// Where tokens are fetched: a path of the base URL, or an absolute URL.
    pub token_path: Option<String>,
    /// How the client signs in there.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// Asked for with the token.
    pub scope: Option<String>,
    /// Name of the header or query parameter.
    pub name: Option<String>,
    /// Put before the secret in a header.
    pub prefix: Option<String>,
}

/// How a credential is added to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// The secret in a header of its own.
    Header,
    /// The secret in a query parameter.
    Query,
    /// `Authorization: Basic` of id and secret.
    Basic,
    /// `Authorization: Bearer` of the secret.
    Bearer,
    /// `Authorization: Bearer` of a token fetched with id and secret.
    OauthClientCredentials,
}

/// How a client signs in at a token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// `Authorization: Basic`.
    #[default]
    Basic,
    /// `client_id` and `client_secret` in the form.
    Form,
}

/// Something that the operator may set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Setting {
    /// What the plugin asks for.
    pub key: String,
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: SettingType,
    /// Used when the operator sets nothing.
    pub default: Option<toml::Value>,
    /// The values of a choice.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Shown.
    #[serde(default)]
    pub label: String,
    /// Shown.
    #[serde(default)]
    pub help: String,
}

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingType {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// One of `choices`.
    Choice,
}

/// How a channel takes stock.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stock {
    /// What the number written means.
    pub semantics: StockSemantics,
    /// Most listings of one write.
    pub batch: u32,
}

/// How a channel's orders are to be worked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Orders {
    /// Hours from purchase to dispatch where an order does not tell.
    pub dispatch_hours: Option<u32>,
}

/// What a channel demands of parcels.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fulfillment {
    /// A parcel without code is refused.
    #[serde(default)]
    pub tracking_required: bool,
    /// A code can never be changed.
    #[serde(default)]
    pub tracking_write_once: bool,
}

/// How fast an account may be asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// Requests a second, on the long run.
    pub per_second: u32,
    /// Requests at once after a pause.
    pub burst: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_second: 5, burst: 5 }
    }
}

impl Manifest {
    /// Reads and checks a manifest.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let manifest: Self = toml::from_str(text).context("its plugin.toml")?;
        let id = &manifest.plugin.id;
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
            bail!("its plugin.toml: plugin.id \"{id}\" may have lower-case letters, digits and dashes only");
        }
        url::Url::parse(&manifest.endpoint.base_url).with_context(|| format!("its plugin.toml: endpoint.base-url \"{}\"", manifest.endpoint.base_url))?;
        if manifest.rate.per_second == 0 || manifest.rate.burst == 0 {
            bail!("its plugin.toml: [rate] per-second and burst must be at least 1");
        }
        if manifest.stock.as_ref().is_some_and(|s| s.batch == 0) {
            bail!("its plugin.toml: stock.batch must be at least 1");
        }
        for slot in &manifest.credential {
            let missing = match slot.kind {
                CredentialKind::OauthClientCredentials if slot.token_path.is_none() => Some("token-path"),
                CredentialKind::Header | CredentialKind::Query if slot.name.is_none() => Some("name"),
                _ => None,
            };
            if let Some(missing) = missing {
                bail!("its plugin.toml: credential \"{}\" needs {missing}", slot.slot);
            }
        }
        manifest.settings(&BTreeMap::new()).context("its plugin.toml")?;
        Ok(manifest)
    }

    /// Most listings of one stock write.
    pub fn stock_batch(&self) -> usize {
        self.stock.as_ref().map_or(1, |s| s.batch as usize)
    }

    /// What the number written means; `Sellable` for plugins that do not say.
    pub fn stock_semantics(&self) -> StockSemantics {
        self.stock.as_ref().map_or(StockSemantics::Sellable, |s| s.semantics)
    }

    /// The values of all settings: the operator's, else the defaults. Fails on unknown keys and wrong types.
    pub(super) fn settings(&self, given: &BTreeMap<String, String>) -> anyhow::Result<BTreeMap<String, String>> {
        if let Some(unknown) = given.keys().find(|k| !self.setting.iter().any(|s| s.key == **k)) {
            bail!("plugin {} has no setting \"{unknown}\"", self.plugin.id);
        }
        let mut values = BTreeMap::new();
        for setting in &self.setting {
            let default = setting.default.as_ref().map(|d| match d {
                toml::Value::String(s) => s.clone(),
                other => other.to_string(),
            });
            let Some(value) = given.get(&setting.key).cloned().or(default) else { continue };
            let fits = match setting.kind {
                SettingType::Text => true,
                SettingType::Integer => value.parse::<i64>().is_ok(),
                SettingType::Boolean => matches!(value.as_str(), "true" | "false"),
                SettingType::Choice => setting.choices.contains(&value),
            };
            if !fits {
                let expected = match setting.kind {
                    SettingType::Integer => "a whole number".to_owned(),
                    SettingType::Boolean => "true or false".to_owned(),
                    _ => format!("one of {}", setting.choices.join(", ")),
                };
                bail!("setting \"{}\" of plugin {}: \"{value}\" is not {expected}", setting.key, self.plugin.id);
            }
            values.insert(setting.key.clone(), value);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        [plugin]
        id = "acme"
        name = "Acme"
        version = "1.2.3"
        generation = "0.1"
        [endpoint]
        base-url = "https://api.acme.example"
    "#;

    #[test]
    fn a_small_manifest_is_enough() {
        let manifest = Manifest::parse(SMALL).unwrap();
        assert_eq!((manifest.stock_batch(), manifest.stock_semantics()), (1, StockSemantics::Sellable));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            (format!("{SMALL}\n[stok]\nbatch = 1"), "stok"),
            (SMALL.replace("acme\"", "Acme Shop\""), "plugin.id"),
            (format!("{SMALL}\n[[credential]]\nslot = \"a\"\nkind = \"header\""), "needs name"),
            (format!("{SMALL}\n[rate]\nper-second = 0\nburst = 1"), "at least 1"),
            (format!("{SMALL}\n[[setting]]\nkey = \"k\"\ntype = \"integer\"\ndefault = \"many\""), "not a whole number"),
        ] {
            let error = format!("{:#}", Manifest::parse(&text).unwrap_err());
            assert!(error.contains(part), "{part} not in {error}");
        }
    }

    #[test]
    fn settings_are_checked() {
        let text = format!("{SMALL}\n[[setting]]\nkey = \"mode\"\ntype = \"choice\"\nchoices = [\"a\", \"b\"]\ndefault = \"a\"");
        let manifest = Manifest::parse(&text).unwrap();
        let set = |k: &str, v: &str| manifest.settings(&BTreeMap::from([(k.to_owned(), v.to_owned())]));
        assert_eq!(manifest.settings(&BTreeMap::new()).unwrap()["mode"], "a");
        assert_eq!(set("mode", "b").unwrap()["mode"], "b");
        assert!(set("mode", "c").unwrap_err().to_string().contains("one of a, b"));
        assert!(set("mood", "a").unwrap_err().to_string().contains("no setting"));
    }
}
