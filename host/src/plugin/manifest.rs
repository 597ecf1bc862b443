//! What a plugin says about itself: the custom section `lockstep:manifest`, in TOML.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use anyhow::{Context, bail, ensure};
use semver::Version;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::model::StockSemantics;

/// The contract generation that this host speaks.
pub const GENERATION: &str = "0.1";

/// Request methods, as manifests write them.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// What a plugin is, where it connects to and what it needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// Who it is.
    pub plugin: Identity,
    /// Where a connector connects to. An extra has none.
    pub endpoint: Option<Endpoint>,
    /// Secrets that the host applies for it.
    #[serde(default)]
    pub credential: Vec<CredentialSlot>,
    /// What an operator may set.
    #[serde(default)]
    pub setting: Vec<Setting>,
    /// How stock is written.
    #[serde(default)]
    pub stock: Stock,
    /// How orders are to be treated.
    #[serde(default)]
    pub orders: Orders,
    /// How parcels are told.
    #[serde(default)]
    pub fulfillment: Fulfillment,
    /// How fast the marketplace may be asked; no limit when left out.
    pub rate: Option<Rate>,
    /// How often single calls may be made, where the marketplace counts them apart. They count for `rate` too.
    #[serde(default)]
    pub call_rate: Vec<CallRate>,
    /// How its author builds it. Of no meaning once it is built: a host never runs it.
    pub build: Option<Build>,
    /// For its author's checks. Of no meaning at work.
    pub test: Option<Test>,
}

/// What `lockstep plugin check` and `lockstep plugin try` play against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// A marketplace of the sandbox ("practice").
    pub against: Option<String>,
}

/// How an author's project becomes a component, for `lockstep plugin build`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// What a shell runs in the project's folder.
    pub command: String,
    /// Where the component is then, from that folder.
    pub component: String,
}

/// Who a plugin is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Lower-case letters, digits and dashes ("the-iconic").
    pub id: String,
    /// Shown ("THE ICONIC").
    pub name: String,
    /// Semantic version.
    pub version: Version,
    /// The contract generation it was built for ("0.1").
    pub generation: String,
}

/// Where a plugin connects to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Endpoint {
    /// `https` URL before every path; an operator may replace it.
    pub base_url: String,
    /// Other host names it may reach.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// A secret that the host applies to the requests that name its slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CredentialSlot {
    /// What requests name.
    pub slot: String,
    /// How it is applied.
    pub kind: CredentialKind,
    /// Shown to operators.
    pub label: Option<String>,
    /// `header`, `query`: its name.
    pub name: Option<String>,
    /// `header`: written before the secret ("Token ").
    pub prefix: Option<String>,
    /// `oauth-client-credentials`: where tokens are had, below the channel's base URL.
    pub token_path: Option<String>,
    /// `oauth-client-credentials`: the same as an absolute URL.
    pub token_url: Option<String>,
    /// `oauth-client-credentials`: how id and secret are told.
    pub client_auth: Option<ClientAuth>,
    /// `oauth-client-credentials`: the scope asked for.
    pub scope: Option<String>,
}

/// How a credential is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// In a header.
    Header,
    /// In the query.
    Query,
    /// HTTP Basic, id and secret.
    Basic,
    /// HTTP Bearer.
    Bearer,
    /// A bearer token that id and secret buy (RFC 6749, section 4.4).
    OauthClientCredentials,
}

impl CredentialKind {
    /// As written in a manifest.
    pub fn text(self) -> &'static str {
        match self {
            CredentialKind::Header => "header",
            CredentialKind::Query => "query",
            CredentialKind::Basic => "basic",
            CredentialKind::Bearer => "bearer",
            CredentialKind::OauthClientCredentials => "oauth-client-credentials",
        }
    }

    /// Whether the operator must give an id beside the secret.
    pub fn needs_id(self) -> bool {
        matches!(
            self,
            CredentialKind::Basic | CredentialKind::OauthClientCredentials
        )
    }
}

/// How id and secret are told to a token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// In an `Authorization: Basic` header.
    #[default]
    Basic,
    /// As form fields.
    Form,
}

/// Something that an operator may set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// What `session.setting` is asked for.
    pub key: String,
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: SettingType,
    /// Its value when the operator sets none: text, integer or boolean.
    pub default: Option<toml::Value>,
    /// `choice`: the values.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Shown.
    pub label: Option<String>,
    /// Shown.
    pub help: Option<String>,
}

/// What values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingType {
    /// Any text.
    Text,
    /// A whole number, 64 bits, signed.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// One of `choices`.
    Choice,
}

impl SettingType {
    /// As written in a manifest.
    pub fn text(self) -> &'static str {
        match self {
            SettingType::Text => "text",
            SettingType::Integer => "integer",
            SettingType::Boolean => "boolean",
            SettingType::Choice => "choice",
        }
    }
}

impl Setting {
    /// The default as text.
    pub fn default_text(&self) -> Option<String> {
        self.default.as_ref().map(|d| match d {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// Says what is wrong with a value.
    pub fn check(&self, value: &str) -> Result<(), String> {
        match self.kind {
            SettingType::Text => Ok(()),
            SettingType::Integer => value
                .parse::<i64>()
                .map(drop)
                .map_err(|_| format!("\"{value}\" is not a whole number")),
            SettingType::Boolean if matches!(value, "true" | "false") => Ok(()),
            SettingType::Boolean => Err(format!("\"{value}\" is neither true nor false")),
            SettingType::Choice if self.choices.iter().any(|c| c == value) => Ok(()),
            SettingType::Choice => Err(format!(
                "\"{value}\" is not one of {}",
                self.choices.join(", ")
            )),
        }
    }
}

/// How stock is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stock {
    /// What the number means.
    pub semantics: StockSemantics,
    /// Most levels in one call, at least 1.
    pub batch: u32,
}

impl Default for Stock {
    fn default() -> Self {
        Self {
            semantics: StockSemantics::Sellable,
            batch: 100,
        }
    }
}

/// How orders are to be treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Orders {
    /// Hours from order to dispatch where an order does not say.
    pub dispatch_hours: Option<u32>,
    /// Seconds between cycles of a new channel, unless its operator sets them.
    pub interval_s: Option<u32>,
}

/// How parcels are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Fulfillment {
    /// A parcel without tracking code is refused, whatever its carrier.
    pub tracking_required: bool,
    /// A tracking code cannot be changed once it is told.
    pub tracking_write_once: bool,
}

/// How fast the marketplace may be asked, per account.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// Requests per second, above 0; 0.5 is one in two seconds.
    pub per_second: f64,
    /// Most requests at once after a pause, at least 1.
    #[serde(default = "one")]
    pub burst: u32,
}

fn one() -> u32 {
    1
}

/// How often one call of the marketplace may be made, per account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRate {
    /// What an operator names it by to set another figure: lower-case letters, digits and dashes.
    pub name: String,
    /// `get`, `post`, `put`, `patch` or `delete`; any when left out.
    pub method: Option<String>,
    /// The path below the base URL, without a query; `*` stands for one segment, whatever it is.
    pub path: String,
    /// Most calls in any `seconds`, at least 1.
    pub calls: NonZeroU32,
    /// The span in which they are counted, at least 1.
    #[serde(default = "an_hour")]
    pub seconds: NonZeroU32,
}

fn an_hour() -> NonZeroU32 {
    const { NonZeroU32::new(3_600).unwrap() }
}

impl CallRate {
    /// Whether a request is such a call.
    pub(super) fn is_of(&self, method: &str, path: &str) -> bool {
        let (mut own, mut given) = (self.path.split('/'), path.split('/'));
        let same_path = loop {
            match (own.next(), given.next()) {
                (None, None) => break true,
                (Some("*"), Some(segment)) if !segment.is_empty() => {}
                (Some(a), Some(b)) if a == b => {}
                _ => break false,
            }
        };
        let same_method = |m: &String| m.eq_ignore_ascii_case(method);
        same_path && self.method.as_ref().is_none_or(same_method)
    }
}

impl Manifest {
    /// Reads and checks a manifest. Errors name the field.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let manifest: Manifest = toml::from_str(text).map_err(|e| {
            anyhow::anyhow!("its manifest cannot be read: {}", e.to_string().trim())
        })?;
        manifest.check().with_context(|| {
            format!(
                "its manifest (plugin.id = \"{}\") is wrong",
                manifest.plugin.id
            )
        })?;
        Ok(manifest)
    }

    /// Checks what depends on the kind of plugin, which its exports tell.
    pub(super) fn check_kind(&self, extra: bool) -> anyhow::Result<()> {
        if !extra {
            ensure!(
                self.endpoint.is_some(),
                "its manifest has no [endpoint]; a connector must say where it connects to"
            );
            return Ok(());
        }
        let needless = [
            ("[endpoint]", self.endpoint.is_some()),
            ("[[credential]]", !self.credential.is_empty()),
            ("[rate]", self.rate.is_some()),
            ("[[call-rate]]", !self.call_rate.is_empty()),
        ];
        for (table, given) in needless {
            ensure!(
                !given,
                "its manifest has {table}, but an extra reaches nothing outside"
            );
        }
        Ok(())
    }

    /// Most levels in one `stock.push`.
    pub fn stock_batch(&self) -> usize {
        self.stock.batch as usize
    }

    /// What the number of a stock write means.
    pub fn stock_semantics(&self) -> StockSemantics {
        self.stock.semantics
    }

    fn check(&self) -> anyhow::Result<()> {
        let Identity {
            id,
            name,
            generation,
            ..
        } = &self.plugin;
        ensure!(
            is_name(id),
            "plugin.id must be 1 to 64 lower-case letters, digits and dashes"
        );
        ensure!(!name.trim().is_empty(), "plugin.name is empty");
        ensure!(
            generation == GENERATION,
            "plugin.generation is \"{generation}\", but this host speaks generation {GENERATION}; build the plugin with the SDK of that generation"
        );
        if let Some(endpoint) = &self.endpoint {
            let base = parse_base(&endpoint.base_url).context("endpoint.base-url")?;
            ensure!(
                base.scheme() == "https",
                "endpoint.base-url must be an https URL"
            );
            for host in &endpoint.hosts {
                ensure!(
                    matches!(Host::parse(host), Ok(Host::Domain(d)) if d == *host && d.contains('.')),
                    "endpoint.hosts: \"{host}\" must be a full host name in lower case, without scheme, port or path, and no address"
                );
            }
        }
        let mut seen = BTreeSet::new();
        for slot in &self.credential {
            ensure!(
                is_name(&slot.slot),
                "credential.slot \"{}\" must be lower-case letters, digits and dashes",
                slot.slot
            );
            ensure!(
                seen.insert(&slot.slot),
                "credential slot \"{}\" is given twice",
                slot.slot
            );
            slot.check()
                .with_context(|| format!("credential \"{}\"", slot.slot))?;
        }
        let mut seen = BTreeSet::new();
        for setting in &self.setting {
            ensure!(
                is_name(&setting.key),
                "setting.key \"{}\" must be lower-case letters, digits and dashes",
                setting.key
            );
            ensure!(
                seen.insert(&setting.key),
                "setting \"{}\" is given twice",
                setting.key
            );
            ensure!(
                (setting.kind == SettingType::Choice) != setting.choices.is_empty(),
                "setting \"{}\": choices are for the type choice, which needs some",
                setting.key
            );
            if let Some(default) = setting.default_text() {
                setting
                    .check(&default)
                    .map_err(|why| anyhow::anyhow!("setting \"{}\": default {why}", setting.key))?;
            }
        }
        ensure!(self.stock.batch >= 1, "stock.batch must be at least 1");
        if let Some(build) = &self.build {
            ensure!(!build.command.trim().is_empty(), "build.command is empty");
            ensure!(
                !build.component.trim().is_empty(),
                "build.component is empty"
            );
        }
        if let Some(rate) = &self.rate {
            ensure!(
                rate.per_second >= 0.001 && rate.per_second <= 10_000.0,
                "rate.per-second must be from 0.001 to 10000"
            );
            ensure!(rate.burst >= 1, "rate.burst must be at least 1");
        }
        let mut seen = BTreeSet::new();
        for rate in &self.call_rate {
            let CallRate {
                name, method, path, ..
            } = rate;
            ensure!(
                is_name(name),
                "call-rate.name \"{name}\" must be lower-case letters, digits and dashes"
            );
            ensure!(seen.insert(name), "call-rate \"{name}\" is given twice");
            ensure!(
                path.starts_with('/') && !path.contains(['?', '#']),
                "call-rate \"{name}\": path must begin with a slash and hold no query"
            );
            ensure!(
                (method.as_deref()).is_none_or(|m| METHODS.contains(&m)),
                "call-rate \"{name}\": method must be one of {}",
                METHODS.join(", ")
            );
        }
        Ok(())
    }
}

impl CredentialSlot {
    fn check(&self) -> anyhow::Result<()> {
        let Self {
            name,
            prefix,
            token_path,
            token_url,
            client_auth,
            scope,
            ..
        } = self;
        let named = matches!(self.kind, CredentialKind::Header | CredentialKind::Query);
        let oauth = self.kind == CredentialKind::OauthClientCredentials;
        ensure!(
            named == name.is_some(),
            "name is needed for the kinds header and query, and for no other"
        );
        ensure!(
            prefix.is_none() || self.kind == CredentialKind::Header,
            "prefix is for the kind header"
        );
        if let Some(name) = name
            .as_deref()
            .filter(|_| self.kind == CredentialKind::Header)
        {
            ensure!(
                is_token(name) && name == name.to_ascii_lowercase(),
                "name \"{name}\" must be a header name in lower case"
            );
        }
        if let Some(prefix) = prefix {
            ensure!(
                prefix.bytes().all(|b| (0x20..0x7f).contains(&b)),
                "prefix must be plain ASCII"
            );
        }
        if !oauth {
            let extra = [
                token_path.is_some(),
                token_url.is_some(),
                client_auth.is_some(),
                scope.is_some(),
            ];
            ensure!(
                !extra.contains(&true),
                "token-path, token-url, client-auth and scope are for the kind oauth-client-credentials"
            );
            return Ok(());
        }
        match (token_path, token_url) {
            (Some(path), None) => {
                ensure!(path.starts_with('/'), "token-path must begin with a slash")
            }
            (None, Some(url)) => {
                let parsed: Url = url
                    .parse()
                    .with_context(|| format!("token-url \"{url}\""))?;
                ensure!(
                    parsed.scheme() == "https" && parsed.has_host(),
                    "token-url must be an https URL"
                );
            }
            _ => bail!("either token-path or token-url is needed"),
        }
        Ok(())
    }
}

/// Reads a base URL: a host, perhaps a path, nothing behind it.
pub(super) fn parse_base(text: &str) -> anyhow::Result<Url> {
    let url: Url = text
        .parse()
        .with_context(|| format!("\"{text}\" is not a URL"))?;
    check_base(&url)?;
    Ok(url)
}

pub(super) fn check_base(url: &Url) -> anyhow::Result<()> {
    ensure!(
        matches!(url.scheme(), "https" | "http") && url.has_host(),
        "\"{url}\" is not an https URL"
    );
    ensure!(
        url.username().is_empty() && url.password().is_none(),
        "a base URL must not hold a user or password; credentials have their own place"
    );
    ensure!(
        url.query().is_none() && url.fragment().is_none(),
        "\"{url}\" must end with its path, without query or fragment"
    );
    Ok(())
}

/// Whether the text is an HTTP token (RFC 9110, section 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"
        [plugin]
        id = "the-iconic"
        name = "THE ICONIC"
        version = "1.2.3"
        generation = "0.1"
        [endpoint]
        base-url = "https://api.example.com/v2"
        hosts = ["files.example.com"]
        [[credential]]
        slot = "api"
        kind = "oauth-client-credentials"
        label = "Application"
        token-path = "/oauth/token"
        client-auth = "basic"
        [[setting]]
        key = "page-size"
        type = "integer"
        default = 50
        [[setting]]
        key = "mode"
        type = "choice"
        choices = ["fast", "safe"]
        default = "safe"
        [stock]
        semantics = "gross-of-reservations"
        batch = 40
        [orders]
        dispatch-hours = 24
        [fulfillment]
        tracking-required = true
        tracking-write-once = true
        [rate]
        per-second = 0.5
        burst = 3
        [[call-rate]]
        name = "reports"
        method = "get"
        path = "/imports/*/report"
        calls = 60
        [build]
        command = "npm run build"
        component = "dist/plugin.wasm"
    "#;

    #[test]
    fn a_full_manifest_is_read() {
        let m = Manifest::parse(FULL).unwrap();
        assert_eq!(m.plugin.version, Version::new(1, 2, 3));
        assert_eq!(
            (m.stock_batch(), m.stock_semantics()),
            (40, StockSemantics::GrossOfReservations)
        );
        assert_eq!(m.orders.dispatch_hours, Some(24));
        assert!(m.fulfillment.tracking_required && m.fulfillment.tracking_write_once);
        assert_eq!(m.setting[0].default_text().as_deref(), Some("50"));
        assert!(
            m.setting[0].check("x").is_err()
                && m.setting[1].check("slow").is_err()
                && m.setting[1].check("fast").is_ok()
        );
        assert!(m.credential[0].kind.needs_id());
        assert_eq!(m.call_rate[0].seconds.get(), 3_600);
    }

    #[test]
    fn a_call_is_told_by_method_and_path() {
        let m = Manifest::parse(FULL).unwrap();
        let is = |method, path| m.call_rate[0].is_of(method, path);
        assert!(is("GET", "/imports/9b1c/report"));
        for (method, path) in [
            ("POST", "/imports/9b1c/report"),
            ("GET", "/imports//report"),
            ("GET", "/imports/9b1c"),
            ("GET", "/imports/9b1c/report/1"),
            ("GET", "/v2/imports/9b1c/report"),
        ] {
            assert!(!is(method, path), "{method} {path}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (
                "generation = \"0.1\"",
                "generation = \"0.2\"",
                "generation 0.1",
            ),
            ("id = \"the-iconic\"", "id = \"The Iconic\"", "plugin.id"),
            (
                "id = \"the-iconic\"",
                "id = \"the-iconic\"\nspelled = 1",
                "spelled",
            ),
            ("version = \"1.2.3\"", "version = \"1.2\"", "version"),
            (
                "https://api.example.com/v2",
                "http://api.example.com/v2",
                "endpoint.base-url",
            ),
            (
                "https://api.example.com/v2",
                "https://u:p@api.example.com",
                "user or password",
            ),
            ("files.example.com", "10.0.0.1", "10.0.0.1"),
            (
                "files.example.com",
                "https://files.example.com/",
                "full host name",
            ),
            (
                "token-path = \"/oauth/token\"",
                "",
                "token-path or token-url",
            ),
            (
                "client-auth = \"basic\"",
                "name = \"x\"",
                "name is needed for",
            ),
            (
                "client-auth = \"basic\"",
                "client-auth = \"magic\"",
                "magic",
            ),
            ("default = 50", "default = \"many\"", "page-size"),
            ("choices = [\"fast\", \"safe\"]", "", "choices"),
            ("batch = 40", "batch = 0", "stock.batch"),
            (
                "command = \"npm run build\"",
                "command = \" \"",
                "build.command",
            ),
            ("component = \"dist/plugin.wasm\"", "", "component"),
            ("per-second = 0.5", "per-second = 0.0", "rate.per-second"),
            ("calls = 60", "calls = 0", "calls"),
            ("name = \"reports\"", "name = \"\"", "call-rate.name"),
            ("path = \"/imp", "path = \"imp", "begin with a slash"),
            (
                "method = \"get\"",
                "method = \"GET\"",
                "method must be one of",
            ),
            (
                "semantics = \"gross-of-reservations\"",
                "semantics = \"net\"",
                "net",
            ),
        ];
        for (from, to, expected) in cases {
            let text = FULL.replacen(from, to, 1);
            assert_ne!(text, FULL, "{from}");
            let error = format!("{:#}", Manifest::parse(&text).unwrap_err());
            assert!(error.contains(expected), "{to}: {error}");
        }
    }
}
