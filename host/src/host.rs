//! Puts the parts together: database, vault, plugins, clients of shops and channels.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::cycle::extras::Ready;
use crate::cycle::{Cycle, Mode, Progress, SharedShop};
use crate::db::{ChannelRow, ShopRow, Store};
use crate::model::{ExtraSetup, Instant, Key, Refusal};
use crate::net::{Client, ClientOptions};
use crate::plugin::{Connector, ConnectorConfig, Credential, Extra, ExtraConfig, Limits, Plugin};
use crate::registry::Registry;
use crate::shop::{Shop, ShopAuth, ShopConfig};
use crate::vault::{Scrubber, Vault};

/// One host on one data directory.
pub struct Host {
    /// The database.
    pub store: Store,
    /// Secrets at rest.
    pub vault: Vault,
    /// Everything secret that is in memory, to be blanked in logs and answers.
    pub scrubber: Scrubber,
    /// Its plugins.
    pub registry: Registry,
    shops: Mutex<HashMap<String, (Fingerprint, Arc<SharedShop>)>>,
    connectors: Mutex<HashMap<Key, (Fingerprint, Connector)>>,
    /// Beats while its schedule is alive.
    pub heartbeat: Heartbeat,
    name: String,
    works: bool,
    progress: Option<Progress>,
    doing: Arc<Mutex<HashMap<Key, String>>>,
}

/// The field of a shop's secret, and of the one before.
const SECRET: &str = "secret";
const FORMER: &str = "former-secret";
/// How long the one before counts: Shopify signs with it until it is revoked, and for an hour after.
const FORMER_COUNTS_MS: i64 = 24 * 3_600_000;
/// The owner of secrets that may never be stored. Those that are stored are known for good once they are used.
const TRIED: &str = "tried";
/// The field of the secret in a channel's address for messages.
const ADDRESS: &str = "address";

/// When something that runs for ever was last seen to run.
#[derive(Default)]
pub struct Heartbeat(Mutex<Option<std::time::Instant>>);

impl Heartbeat {
    /// It runs.
    pub fn beat(&self) {
        *self.0.lock().expect("never poisoned") = Some(std::time::Instant::now());
    }

    /// How long ago it was seen to run; none when it never was.
    pub fn age(&self) -> Option<std::time::Duration> {
        (*self.0.lock().expect("never poisoned")).map(|t| t.elapsed())
    }
}

/// Of everything a client is made from: it is made anew when an operator changes any of it beside the running host.
type Fingerprint = [u8; 32];

impl Host {
    /// Opens a data directory to work its channels. Fails when another process works them.
    pub fn open(directory: &Path, scrubber: Scrubber) -> anyhow::Result<Self> {
        let host = Self::on(directory, Store::open(directory)?, scrubber)?;
        Ok(Self {
            works: true,
            ..host
        })
    }

    /// Opens a data directory beside a host that may be working it.
    pub fn attach(directory: &Path, scrubber: Scrubber) -> anyhow::Result<Self> {
        Self::on(directory, Store::attach(directory)?, scrubber)
    }

    fn on(directory: &Path, store: Store, scrubber: Scrubber) -> anyhow::Result<Self> {
        let key = directory.join("key");
        let vault = if store.read_now(|tx| tx.any_secret())? {
            Vault::load(&key)?
        } else {
            Vault::load_or_create(&key)?
        };
        let registry = Registry::new(directory, store.clone());
        Ok(Self {
            store,
            vault,
            scrubber,
            registry,
            shops: Mutex::default(),
            connectors: Mutex::default(),
            heartbeat: Heartbeat::default(),
            name: format!("{}-{}", std::process::id(), uuid::Uuid::now_v7()),
            works: false,
            progress: None,
            doing: Arc::default(),
        })
    }

    /// Whether this process may work the channels; otherwise it stands beside one that may be doing so.
    pub fn works(&self) -> bool {
        self.works
    }

    /// Tells what its cycles are doing while that takes a while.
    pub fn tell(&mut self, progress: Progress) {
        self.progress = Some(progress);
    }

    /// What a running cycle of a channel is doing, where it said so.
    pub fn doing(&self, key: &Key) -> Option<String> {
        self.doing.lock().expect("never poisoned").get(key).cloned()
    }

    /// A cycle of a channel is over.
    pub fn rests(&self, key: &Key) {
        self.doing.lock().expect("never poisoned").remove(key);
    }

    /// Takes what a cycle of a channel tells.
    fn listen(&self, key: &Key) -> Progress {
        let (doing, key, progress) = (self.doing.clone(), key.clone(), self.progress.clone());
        Arc::new(move |what: String| {
            let mut doing = doing.lock().expect("never poisoned");
            doing.insert(key.clone(), what.clone());
            drop(doing);
            if let Some(progress) = &progress {
                progress(what);
            }
        })
    }

    /// The version of a plugin that is at work, or an error that says what there is.
    pub fn plugin(&self, id: &str) -> anyhow::Result<Plugin> {
        self.registry.plugin(id)
    }

    fn client(&self, allow_local: bool) -> anyhow::Result<Client> {
        Ok(Client::new(ClientOptions { allow_local })?)
    }

    /// Whether the key can be read again, and opens what is stored.
    pub async fn check_key(&self) -> anyhow::Result<()> {
        let sealed = self.store.read(|tx| tx.any_sealed()).await?;
        let vault = Vault::load(&self.store.path().with_file_name("key"))?;
        if let Some((owner, field, sealed)) = sealed {
            vault.open(&aad(&owner.shop, &owner.channel, &field), &sealed)?;
        }
        Ok(())
    }

    /// Seals a secret of a shop (`owner` empty) or channel. The secret of a shop's app that it replaces is kept for
    /// [`Host::signing_secrets`].
    pub async fn keep_secret(
        &self,
        shop: &str,
        owner: &str,
        field: &str,
        secret: &SecretString,
    ) -> anyhow::Result<()> {
        if (owner, field) == ("", SECRET) {
            self.keep_former(shop, secret).await?;
        }
        self.put_secret(shop, owner, field, secret).await
    }

    async fn put_secret(
        &self,
        shop: &str,
        owner: &str,
        field: &str,
        secret: &SecretString,
    ) -> anyhow::Result<()> {
        let sealed = self.seal(shop, owner, field, secret)?;
        let (shop, owner, field) = (shop.to_owned(), owner.to_owned(), field.to_owned());
        self.store
            .write(move |tx| tx.put_secret(&shop, &owner, &field, &sealed))
            .await?;
        Ok(())
    }

    /// Seals a secret as [`Host::keep_secret`] does, to be stored in a transaction of the caller's.
    pub fn seal(
        &self,
        shop: &str,
        owner: &str,
        field: &str,
        secret: &SecretString,
    ) -> anyhow::Result<Vec<u8>> {
        Ok(self.vault.seal(&aad(shop, owner, field), secret)?)
    }

    /// Keeps a shop's secret that is about to be replaced, with the time until which it counts.
    async fn keep_former(&self, shop: &str, new: &SecretString) -> anyhow::Result<()> {
        let Some(sealed) = self.sealed(shop, "").await?.remove(SECRET) else {
            return Ok(());
        };
        let former = self.vault.open(&aad(shop, "", SECRET), &sealed)?;
        if former.expose_secret() == new.expose_secret() {
            return Ok(());
        }
        let until = Instant::now().as_millisecond() + FORMER_COUNTS_MS;
        let kept = SecretString::from(format!("{until} {}", former.expose_secret()));
        self.put_secret(shop, "", FORMER, &kept).await
    }

    /// The secrets with which Shopify may sign messages of a shop now: that of its app, and for a day the one before. None
    /// for a shop that is reached by a token: its app's secret is not known here.
    pub async fn signing_secrets(&self, row: &ShopRow) -> anyhow::Result<Vec<SecretString>> {
        if row.auth != "client-credentials" {
            return Ok(Vec::new());
        }
        let sealed = self.sealed(&row.shop, "").await?;
        let mut found = Vec::new();
        for field in [SECRET, FORMER] {
            let Some(sealed) = sealed.get(field) else {
                continue;
            };
            let open = self.vault.open(&aad(&row.shop, "", field), sealed)?;
            match open.expose_secret().split_once(' ') {
                Some((until, former)) if field == FORMER => {
                    let until: i64 = until.parse().unwrap_or(0);
                    if Instant::now().as_millisecond() < until {
                        found.push(SecretString::from(former));
                    }
                }
                _ => found.push(open),
            }
        }
        Ok(found)
    }

    /// The secret at the end of the address to which a marketplace sends a channel's messages; made when there is none.
    ///
    /// It is none of the channel's secrets: its connector has to write it to the marketplace.
    pub async fn address_secret(&self, key: &Key) -> anyhow::Result<SecretString> {
        if let Some(known) = self.known_address_secret(key).await? {
            return Ok(known);
        }
        let bytes: [u8; 32] = rand::random();
        let secret = SecretString::from(hex::encode(bytes));
        self.put_secret(&key.shop, &address_owner(key), ADDRESS, &secret)
            .await?;
        Ok(secret)
    }

    /// The same, if there is one.
    pub async fn known_address_secret(&self, key: &Key) -> anyhow::Result<Option<SecretString>> {
        let owner = address_owner(key);
        let sealed = self.sealed(&key.shop, &owner).await?.remove(ADDRESS);
        let open = |sealed: Vec<u8>| self.vault.open(&aad(&key.shop, &owner, ADDRESS), &sealed);
        Ok(sealed.map(open).transpose()?)
    }

    /// The stored secrets of one owner, by field.
    pub async fn secrets(
        &self,
        shop: &str,
        owner: &str,
    ) -> anyhow::Result<BTreeMap<String, SecretString>> {
        let sealed = self.sealed(shop, owner).await?;
        let mut open = BTreeMap::new();
        for (field, sealed) in sealed {
            let secret = self.vault.open(&aad(shop, owner, &field), &sealed)?;
            self.scrubber.learn(&secret);
            open.insert(field, secret);
        }
        Ok(open)
    }

    /// A client for a shop as given, with its stored secret.
    async fn connect_shop(&self, row: &ShopRow) -> anyhow::Result<Shop> {
        let mut secrets = self.secrets(&row.shop, "").await?;
        let secret = secrets.remove("secret").with_context(|| {
            format!(
                "shop {} has no secret stored; add it with `lockstep shop add {}`",
                row.shop, row.shop
            )
        })?;
        self.try_shop(row, &secret)
    }

    /// A client for a shop as given, with a secret that is not stored yet.
    pub fn try_shop(&self, row: &ShopRow, secret: &SecretString) -> anyhow::Result<Shop> {
        self.scrubber.learn_passing(TRIED, secret);
        let auth = match &row.client_id {
            Some(id) if row.auth == "client-credentials" => ShopAuth::ClientCredentials {
                id: id.clone(),
                secret: secret.clone(),
            },
            _ => ShopAuth::Token(secret.clone()),
        };
        let base_url: Url = row
            .base_url
            .parse()
            .with_context(|| format!("shop {}: \"{}\" is not a URL", row.shop, row.base_url))?;
        let config = ShopConfig {
            name: row.shop.clone(),
            base_url,
            api_version: crate::shop::API_VERSION.into(),
            auth,
            scrubber: self.scrubber.clone(),
        };
        Ok(Shop::new(config, self.client(row.allow_local)?))
    }

    async fn sealed(&self, shop: &str, owner: &str) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
        let (shop, owner) = (shop.to_owned(), owner.to_owned());
        Ok(self.store.read(move |tx| tx.secrets(&shop, &owner)).await?)
    }

    /// The shared client of a configured shop, kept while its configuration stays.
    pub async fn shop(&self, name: &str) -> anyhow::Result<Arc<SharedShop>> {
        let owned = name.to_owned();
        let row = self
            .store
            .read(move |tx| tx.shop(&owned))
            .await?
            .ok_or_else(|| Refusal::Unknown(format!("there is no shop \"{name}\"; add it with `lockstep shop add {name} --domain {name}.myshopify.com`")))?;
        let print = fingerprint(&(
            &row.base_url,
            row.allow_local,
            &row.auth,
            &row.client_id,
            self.sealed(name, "").await?,
        ));
        if let Some((_, shop)) = self
            .shops
            .lock()
            .expect("never poisoned")
            .get(name)
            .filter(|(p, _)| *p == print)
        {
            return Ok(shop.clone());
        }
        let shared = Arc::new(SharedShop {
            shop: self.connect_shop(&row).await?,
            row,
            mirror: tokio::sync::Mutex::new(()),
        });
        self.shops
            .lock()
            .expect("never poisoned")
            .insert(name.to_owned(), (print, shared.clone()));
        Ok(shared)
    }

    /// The stored secrets of a channel by `slot.id` and `slot.secret`.
    pub async fn channel_secrets(
        &self,
        key: &Key,
    ) -> anyhow::Result<BTreeMap<String, SecretString>> {
        self.secrets(&key.shop, &key.channel).await
    }

    /// The connector of a channel as given, with secrets that need not be stored yet.
    pub fn try_channel(
        &self,
        row: &ChannelRow,
        secrets: &BTreeMap<String, SecretString>,
    ) -> anyhow::Result<Connector> {
        let plugin = self.plugin(&row.plugin)?;
        let mut credentials: BTreeMap<String, Credential> = BTreeMap::new();
        for slot in &plugin.manifest().credential {
            let field = |name: &str| secrets.get(&format!("{}.{name}", slot.slot)).cloned();
            let secret = field("secret").with_context(|| {
                format!("channel {} has no secret for the credential \"{}\" of plugin {}; add it with `lockstep channel secret {}`", row.key, slot.slot, row.plugin, row.key)
            })?;
            self.scrubber.learn_passing(TRIED, &secret);
            credentials.insert(
                slot.slot.clone(),
                Credential {
                    id: field("id"),
                    secret,
                },
            );
        }
        let Some(endpoint) = &plugin.manifest().endpoint else {
            bail!(
                "channel {}: {} is an extra, not a connector; add it to a channel with `lockstep extra add`",
                row.key,
                row.plugin
            );
        };
        let base_url = row
            .base_url
            .clone()
            .unwrap_or_else(|| endpoint.base_url.clone());
        let base_url: Url = base_url
            .parse()
            .with_context(|| format!("channel {}: \"{base_url}\" is not a URL", row.key))?;
        plugin.connector(ConnectorConfig {
            key: row.key.clone(),
            base_url,
            settings: row.settings.clone(),
            credentials,
            requests_per_second: row.policy.requests_per_second,
            call_rates: row.policy.call_rates.clone(),
            limits: Limits::default(),
            http: self.client(row.allow_local)?,
            scrubber: self.scrubber.clone(),
        })
    }

    /// The connector of a channel, kept between cycles with its token and rate while its configuration stays.
    pub async fn connector(&self, row: &ChannelRow) -> anyhow::Result<Connector> {
        let sealed = self.sealed(&row.key.shop, &row.key.channel).await?;
        let digest = self.plugin(&row.plugin)?.digest().to_owned();
        let print = fingerprint(&(
            digest,
            &row.base_url,
            row.allow_local,
            &row.settings,
            row.policy.requests_per_second,
            &row.policy.call_rates,
            sealed,
        ));
        if let Some((_, connector)) = self
            .connectors
            .lock()
            .expect("never poisoned")
            .get(&row.key)
            .filter(|(p, _)| *p == print)
        {
            return Ok(connector.clone());
        }
        let connector = self.try_channel(row, &self.channel_secrets(&row.key).await?)?;
        self.connectors
            .lock()
            .expect("never poisoned")
            .insert(row.key.clone(), (print, connector.clone()));
        Ok(connector)
    }

    /// The extras of a channel in their order, each ready to run or with why it cannot.
    pub fn extras(&self, row: &ChannelRow) -> Vec<Ready> {
        let ready = |setup: &ExtraSetup| -> anyhow::Result<Extra> {
            self.plugin(&setup.plugin)?.extra(ExtraConfig {
                key: row.key.clone(),
                settings: setup.settings.clone(),
                limits: ExtraConfig::limits(),
                scrubber: self.scrubber.clone(),
            })
        };
        (row.extras.iter())
            .map(|setup| (setup.clone(), ready(setup).map_err(|e| format!("{e:#}"))))
            .collect()
    }

    /// One channel, or an error that says what there is.
    pub async fn channel(&self, key: &Key) -> anyhow::Result<ChannelRow> {
        let channels = self.store.read(|tx| tx.channels()).await?;
        let known: Vec<String> = channels.iter().map(|c| c.key.to_string()).collect();
        let found = channels.into_iter().find(|c| c.key == *key);
        Ok(found.ok_or_else(|| Refusal::Unknown(match known.as_slice() {
            [] => format!("there is no channel \"{key}\", and none at all; add one with `lockstep channel add {key} --plugin the-iconic`"),
            _ => format!("there is no channel \"{key}\"; there are: {}", known.join(", ")),
        }))?)
    }

    /// A cycle that holds a fresh lease: every earlier run of the channel can write nothing any more.
    pub async fn cycle(&self, row: ChannelRow, mode: Mode) -> anyhow::Result<Cycle> {
        let tell = self.listen(&row.key);
        let shop = self.shop(&row.key.shop).await?;
        let connector = self.connector(&row).await?;
        let extras = self.extras(&row);
        let lease = self
            .store
            .lease(&row.key, &self.name, Instant::now())
            .await?;
        Ok(
            Cycle::new(self.store.clone(), shop, row, connector, lease, mode)
                .with_extras(extras)
                .telling(Some(tell)),
        )
    }
}

fn fingerprint<T: serde::Serialize>(of: &T) -> Fingerprint {
    use sha2::Digest;
    sha2::Sha256::digest(crate::db::json(of).as_bytes()).into()
}

/// No channel can have this name.
fn address_owner(key: &Key) -> String {
    format!("webhook:{}", key.channel)
}

fn aad(shop: &str, owner: &str, field: &str) -> String {
    format!("{shop}/{owner}/{field}")
}
