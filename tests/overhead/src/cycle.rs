//! What a connector does in a whole cycle, by the same code: compiled into this binary, and as a component in the host.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockstep::model::{Key, StockWrite};
use lockstep::net::{self, Client, ClientOptions};
use lockstep::plugin::{Connector, ConnectorConfig, Credential, Limits, Runtime};
use lockstep_sandbox::faults::{Fault, Match, Rule};
use lockstep_sandbox::{Options, Sandbox};
use lockstep_sdk::cx::{Cx, Level, Outside, Session};
use lockstep_sdk::http::{Error, Header, Method, Request, Response};
use lockstep_sdk::prelude::{About, Listings, Orders, Stock};
use lockstep_sdk::stock::Level as StockLevel;
use secrecy::SecretString;
use the_iconic::TheIconic;
use url::Url;

use crate::{fastest, show};

const SKUS: usize = 2_000;
const BATCH: usize = 50;

pub fn run(tokio: &tokio::runtime::Runtime) -> anyhow::Result<()> {
    let mut options = Options {
        skus: SKUS,
        seed: 3,
        ..Options::default()
    };
    // What is measured is the border, not the marketplace's patience.
    options.seller_center.switches.requests_per_second = 0;
    let (id, secret) = (
        options.seller_center.client_id.clone(),
        options.seller_center.client_secret.clone(),
    );
    let sandbox = tokio.block_on(Sandbox::start(options))?;
    let base: Url = sandbox.seller_center.url().parse()?;
    let client = || Client::new(ClientOptions { allow_local: true });
    let connector = connector(&base, &id, &secret, client()?)?;
    let native = Native {
        tokio: tokio.handle().clone(),
        client: client()?,
        base,
        id,
        secret,
        token: Mutex::new(None),
    };
    // On one machine the network costs nothing, which no marketplace is near enough for.
    for (latency_ms, rounds) in [(0, 5), (10, 2)] {
        if latency_ms > 0 {
            let slow = Fault::Delay { ms: latency_ms };
            (sandbox.seller_center.faults()).add(Rule::always(Match::default(), slow));
        }
        let before = connector.stats();
        let mut natively = || native_cycle(&native);
        let mut in_host = || tokio.block_on(component_cycle(&connector));
        let mut contenders: [(&str, &mut dyn FnMut() -> anyhow::Result<()>); 2] = [
            ("native", &mut natively),
            ("component in Lockstep", &mut in_host),
        ];
        let times = fastest(rounds, &mut contenders)?;
        let names: Vec<&str> = contenders.iter().map(|(name, _)| *name).collect();
        let what = format!(
            "whole cycle of the connector for THE ICONIC: account, {SKUS} listings with stock, orders, every number written; answers take {latency_ms} ms"
        );
        show(&what, &names, &times);
        let stats = connector.stats();
        println!(
            "  of the component's time, {:.1} % was the plugin computing\n",
            100.0 * (stats.cpu_us - before.cpu_us) as f64
                / 1e3
                / (stats.wall_ms - before.wall_ms) as f64
        );
    }
    Ok(())
}

fn connector(base: &Url, id: &str, secret: &str, http: Client) -> anyhow::Result<Connector> {
    let plugin = Runtime::new(None)?.load(lockstep_bundle::THE_ICONIC)?;
    let key = Key::new("kestrel", "the-iconic");
    plugin.connector(ConnectorConfig {
        credentials: BTreeMap::from([(
            "api".to_owned(),
            Credential {
                id: Some(SecretString::from(id)),
                secret: SecretString::from(secret),
            },
        )]),
        requests_per_second: std::num::NonZeroU32::new(1_000_000),
        limits: Limits {
            requests: 1_000_000,
            ..Limits::default()
        },
        ..ConnectorConfig::new(key, base.clone(), http)
    })
}

async fn component_cycle(connector: &Connector) -> anyhow::Result<()> {
    let said = |fault: lockstep::model::Fault| anyhow!("{fault}");
    connector.identify().await.map_err(said)?;
    let mut writes = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = connector.listings_page(cursor.as_deref(), true);
        let page = page.await.map_err(said)?;
        writes.extend(page.listings.into_iter().map(|l| StockWrite {
            listing: l.id,
            parent: l.parent,
            sku: l.sku,
            quantity: l.quantity.unwrap_or(0),
            facts: l.facts,
        }));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    let since = long_ago();
    let orders = connector.orders_changed(since.parse()?, None).await;
    orders.map_err(said)?;
    for batch in writes.chunks(BATCH) {
        connector.stock_push(batch).await.map_err(said)?;
    }
    Ok(())
}

fn native_cycle(native: &Native) -> anyhow::Result<()> {
    let said = |fault: lockstep_sdk::types::Fault| anyhow!("{fault:?}");
    let cx = Cx::new(native);
    TheIconic::identify(cx).map_err(said)?;
    let mut levels = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = TheIconic::page(cx, cursor, true).map_err(said)?;
        levels.extend(page.listings.into_iter().map(|l| StockLevel {
            listing: l.id,
            parent: l.parent,
            sku: l.sku,
            quantity: l.quantity.unwrap_or(0),
            places: Vec::new(),
            facts: l.facts,
        }));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    TheIconic::changed(cx, long_ago(), None).map_err(said)?;
    for batch in levels.chunks(BATCH) {
        TheIconic::push(cx, batch.to_vec()).map_err(said)?;
    }
    Ok(())
}

/// Long enough ago for every order.
fn long_ago() -> String {
    "2026-01-01T00:00:00.000Z".into()
}

/// The SDK's view of the host, without a border: requests go straight to the host's HTTP client.
struct Native {
    tokio: tokio::runtime::Handle,
    client: Client,
    base: Url,
    id: String,
    secret: String,
    token: Mutex<Option<String>>,
}

impl Native {
    fn bearer(&self) -> anyhow::Result<String> {
        let mut token = self.token.lock().expect("no thread panics with it");
        if let Some(token) = token.as_ref() {
            return Ok(token.clone());
        }
        let pair = STANDARD.encode(format!("{}:{}", self.id, self.secret));
        let request = net::Request {
            method: net::Method::Post,
            url: self.base.join("/oauth/client-credentials")?,
            headers: vec![
                (
                    "content-type".into(),
                    "application/x-www-form-urlencoded".into(),
                ),
                ("authorization".into(), format!("Basic {pair}")),
            ],
            body: Some(b"grant_type=client_credentials".to_vec()),
            timeout: Duration::from_secs(30),
            max_body: 1 << 20,
        };
        let answer = self.tokio.block_on(self.client.send(request))?;
        let body: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let new = body["access_token"].as_str().context("a token")?.to_owned();
        *token = Some(new.clone());
        Ok(new)
    }

    fn prepared(&self, request: Request) -> anyhow::Result<net::Request> {
        let mut headers: Vec<(String, String)> = (request.headers.into_iter())
            .map(|h| (h.name.to_ascii_lowercase(), h.value))
            .collect();
        if request.credential.is_some() {
            headers.push(("authorization".into(), format!("Bearer {}", self.bearer()?)));
        }
        Ok(net::Request {
            method: match request.method {
                Method::Get => net::Method::Get,
                Method::Post => net::Method::Post,
                Method::Put => net::Method::Put,
                Method::Patch => net::Method::Patch,
                Method::Delete => net::Method::Delete,
            },
            url: self.base.join(&request.url)?,
            headers,
            body: request.body,
            timeout: Duration::from_secs(30),
            max_body: 16 << 20,
        })
    }
}

fn answer(sent: Result<net::Response, net::Error>) -> Result<Response, Error> {
    let answer = sent.map_err(|e| Error::Unavailable(e.to_string()))?;
    Ok(Response {
        status: answer.status,
        headers: (answer.headers.into_iter())
            .map(|(name, value)| Header { name, value })
            .collect(),
        body: answer.body,
    })
}

impl Session for Native {
    fn channel(&self) -> String {
        "kestrel/the-iconic".into()
    }

    fn now(&self) -> String {
        jiff::Timestamp::now().to_string()
    }

    fn setting(&self, _: &str) -> Option<String> {
        None
    }

    fn random_bytes(&self, count: u32) -> Vec<u8> {
        vec![7; count as usize]
    }

    fn log(&self, _: Level, _: &str) {}
}

impl Outside for Native {
    fn send(&self, request: Request) -> Result<Response, Error> {
        let request = (self.prepared(request)).map_err(|e| Error::Forbidden(e.to_string()))?;
        answer(self.tokio.block_on(self.client.send(request)))
    }

    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
        let prepared: Result<Vec<_>, _> = requests.into_iter().map(|r| self.prepared(r)).collect();
        let Ok(prepared) = prepared else {
            return Vec::new();
        };
        // At most as many at once as the host sends.
        self.tokio.block_on(async {
            let mut answers = Vec::new();
            for some in prepared.chunks(AT_ONCE) {
                let sent: Vec<_> = (some.iter())
                    .map(|request| {
                        let (client, request) = (self.client.clone(), request.clone());
                        tokio::spawn(async move { client.send(request).await })
                    })
                    .collect();
                for one in sent {
                    answers.push(answer(one.await.expect("it does not panic")));
                }
            }
            answers
        })
    }
}

/// Requests of one `send-all` that the host has under way together.
const AT_ONCE: usize = 8;
