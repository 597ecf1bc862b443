//! What the families of cases share: the component, its tapes, and the marketplace to live against.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use anyhow::Context;
use lockstep_kit::{Player, Tape};
use url::Url;

use super::Options;
use super::call::{Call, Told};
use super::stand_in::StandIn;
use super::taps::{Played, Recorder};
use crate::model::Key;
use crate::net::{Client, ClientOptions};
use crate::plugin::{Connector, ConnectorConfig, Credential, Limits, Plugin};
use crate::vault::Scrubber;

/// Stands for every secret while a tape is played: nothing is sent, so nothing knows it.
const NO_SECRET: &str = "the-secret-of-a-tape";

/// A tape to play, with where its channel was.
pub(super) struct Source {
    pub name: String,
    pub tape: Tape,
    /// Its calls, read.
    pub calls: Vec<Call>,
}

impl Source {
    pub(super) fn new(name: String, tape: Tape) -> anyhow::Result<Self> {
        let calls = (tape.calls.iter().enumerate())
            .map(|(n, call)| {
                Call::read(call).with_context(|| format!("tape {name}, call {}", n + 1))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { name, tape, calls })
    }
}

/// A connector that talks to the stand-in, with what it says recorded.
pub(super) struct Live {
    pub connector: Connector,
    pub recorder: Arc<Recorder>,
    pub stand_in: StandIn,
}

pub(super) struct Suite {
    pub plugin: Plugin,
    pub sources: Vec<Source>,
    pub settings: BTreeMap<String, String>,
    pub against: Option<String>,
    pub live: Option<Live>,
    pub tell: Box<dyn Fn(&str) + Send + Sync>,
    client: Client,
}

impl Suite {
    pub(super) fn new(plugin: Plugin, options: Options) -> anyhow::Result<Self> {
        let named = |m: &crate::plugin::Manifest| m.test.as_ref().and_then(|t| t.against.clone());
        let against = options.against.or_else(|| named(plugin.manifest()));
        let id = &plugin.manifest().plugin.id;
        if let Some((name, tape)) = options.tapes.iter().find(|(_, t)| t.plugin != *id) {
            anyhow::bail!(
                "tape {name} is of plugin {}, not of {id}; name the folder of its own tapes with --tapes",
                tape.plugin
            );
        }
        let sources = (options.tapes.into_iter())
            .map(|(name, tape)| Source::new(name, tape))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            plugin,
            sources,
            settings: options.settings,
            against,
            live: None,
            tell: options.tell,
            // Whatever a tape holds is played: nothing of it gets out.
            client: Client::new(ClientOptions { allow_local: true })?,
        })
    }

    /// Why cases are skipped that need more than there is.
    pub(super) fn why_not(&self) -> &'static str {
        match (&self.live, self.sources.is_empty()) {
            (None, true) => {
                "there are no tapes and no marketplace to play against; name one with --against or in plugin.toml ([test] against)"
            }
            (None, false) => {
                "the tapes hold no call for it; name a marketplace of the sandbox with --against or in plugin.toml ([test] against)"
            }
            (Some(_), _) => "no call that was recorded has what it needs",
        }
    }

    pub(super) fn exports(&self, capability: &str) -> bool {
        self.plugin.capabilities().contains(&capability)
    }

    fn config(&self, base_url: Url) -> ConnectorConfig {
        let key = Key::new("check", &*self.plugin.manifest().plugin.id);
        ConnectorConfig::new(key, base_url, self.client.clone())
    }

    /// Starts the marketplace and connects the component with it.
    pub(super) async fn connect(&self, name: &str) -> anyhow::Result<Live> {
        let stand_in = StandIn::start(name, 120, 11).await?;
        let scrubber = Scrubber::default();
        let recorder = Recorder::new(scrubber.clone());
        let manifest = self.plugin.manifest();
        let config = ConnectorConfig {
            settings: self.settings.clone(),
            credentials: stand_in.credentials(manifest),
            requests_per_second: stand_in.requests_per_second(),
            // The marketplace's own limits are enough.
            call_rates: (manifest.call_rate.iter())
                .map(|rate| (rate.name.clone(), NonZeroU32::MAX))
                .collect(),
            scrubber,
            ..self.config(stand_in.base_url().parse()?)
        };
        let connector = self.plugin.tapped(config, recorder.clone())?;
        Ok(Live {
            connector,
            recorder,
            stand_in,
        })
    }

    /// Makes a call with a player in the place of the marketplace.
    pub(super) async fn play(
        &self,
        source: &Source,
        call: &Call,
        player: Player,
        limits: Limits,
    ) -> anyhow::Result<(Told, Arc<Played>)> {
        let tap = Played::new(player);
        let manifest = self.plugin.manifest();
        let own = manifest.endpoint.as_ref().map(|e| e.base_url.as_str());
        let base_url: Url = (source.tape.base_url.as_deref().or(own))
            .unwrap_or_default()
            .parse()
            .with_context(|| format!("the base URL of tape {}", source.name))?;
        let credential = |slot: &crate::plugin::CredentialSlot| {
            let credential = Credential {
                id: slot.kind.needs_id().then(|| "id".into()),
                secret: NO_SECRET.to_owned().into(),
            };
            (slot.slot.clone(), credential)
        };
        let config = ConnectorConfig {
            settings: source.tape.settings.clone(),
            credentials: manifest.credential.iter().map(credential).collect(),
            limits,
            ..self.config(base_url)
        };
        let connector = self.plugin.tapped(config, tap.clone())?;
        let told = call.run(&connector).await;
        Ok((told, tap))
    }
}
