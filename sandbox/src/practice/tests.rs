//! The server over real HTTP, as a client meets it.

mod orders;
mod server;
mod stock;
mod writes;

use serde_json::{Value, json};

use super::*;

/// A server with a few listings and a client that knows the key.
struct World {
    market: Practice,
    http: reqwest::Client,
}

async fn world() -> World {
    // Another part of the process may have chosen a provider before; either will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let market = Practice::start(Config::default()).await.expect("it starts");
    for (sku, quantity) in [("TIDE-30", 1), ("TIDE-32", 10), ("TIDE-34", 5)] {
        market.add_listing(NewListing {
            sku: sku.into(),
            title: format!("Tidepool Board Shorts {sku}"),
            price: "49.95".parse().expect("a price"),
            quantity,
            ..NewListing::default()
        });
    }
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    World { market, http }
}

impl World {
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.market.url()))
            .header("x-api-key", self.market.api_key());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("POST", path, Some(body)).await
    }

    /// Refused with this status and code.
    async fn refused(&self, method: &str, path: &str, body: Option<Value>, code: (u16, &str)) {
        let (status, answer) = self.call(method, path, body).await;
        let told = answer["error"]["code"].as_str().unwrap_or_default();
        assert_eq!((status, told), code, "{method} {path}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{method} {path}: {answer}");
    }

    fn buy(&self, lines: &[(&str, u32)]) -> PlacedOrder {
        self.market
            .buy(lines, Buyer::random(7), &Purchase::default())
            .expect("a sale")
    }

    fn quantity(&self, sku: &str) -> u32 {
        self.market.listing(sku)[0].quantity
    }

    /// One order as the list gives it.
    async fn read(&self, id: &str) -> Value {
        let body = self.get(&format!("/v1/orders?id={id}")).await;
        assert_eq!(body["orders"].as_array().map(Vec::len), Some(1), "{body}");
        body["orders"][0].clone()
    }

    /// The mistakes since the last look.
    fn mistakes(&self) -> Vec<String> {
        let mistakes = self.market.stats().mistakes;
        self.market.reset_stats();
        mistakes
    }

    #[track_caller]
    fn no_mistakes(&self) {
        assert_eq!(self.mistakes(), Vec::<String>::new());
    }
}

fn texts(rows: &Value, member: &str) -> Vec<String> {
    let rows = rows.as_array().expect("a list").iter();
    rows.map(|row| row[member].as_str().expect("a text").to_owned())
        .collect()
}
