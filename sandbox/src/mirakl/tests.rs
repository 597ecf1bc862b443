//! The server over real HTTP, as a client meets it.

mod cancel;
mod offers;
mod orders;
mod server;
mod shipping;
mod stock;

use serde_json::{Value, json};

use super::*;

/// A server with a few offers and a client that knows the key.
struct World {
    mirakl: Mirakl,
    http: reqwest::Client,
    key: String,
}

async fn world() -> World {
    world_with(Config::default()).await
}

async fn world_with(config: Config) -> World {
    // Another part of the process may have chosen a provider before; either will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = config.api_key.clone();
    let mirakl = Mirakl::start(config).await.expect("the server starts");
    for (sku, quantity) in [("TIDE-30", 1), ("TIDE-32", 10), ("TIDE-34", 5)] {
        mirakl.add_offer(NewOffer {
            sku: sku.into(),
            title: format!("Tidepool Board Shorts {sku}"),
            price: "89.95".parse().expect("a price"),
            quantity,
            ..NewOffer::default()
        });
    }
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    World { mirakl, http, key }
}

fn body_of(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

impl World {
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.mirakl.url()))
            .header("Authorization", &self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, body_of(answer.text().await.expect("a body")))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("PUT", path, Some(body)).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("POST", path, Some(body)).await
    }

    /// A call without a body that has to be carried out.
    async fn done(&self, path: &str) {
        assert_eq!(
            self.call("PUT", path, None).await,
            (204, json!("")),
            "{path}"
        );
    }

    /// Sends a file as a form with more parts.
    async fn upload(&self, path: &str, file: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let mut body = format!(
            "--b7e2\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\
             Content-Type: text/csv\r\n\r\n{file}\r\n"
        );
        for (name, value) in more {
            body.push_str(&format!(
                "--b7e2\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str("--b7e2--\r\n");
        let answer = self
            .http
            .post(format!("{}{path}", self.mirakl.url()))
            .header("Authorization", &self.key)
            .header("Content-Type", "multipart/form-data; boundary=b7e2")
            .body(body)
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        (status, body_of(answer.text().await.expect("a body")))
    }

    /// Sends a stock file with rows of SKU, quantity and warehouse; the import's id.
    async fn send_stock(&self, rows: &[(&str, &str, &str)]) -> String {
        let mut file =
            "\"offer-sku\";\"quantity\";\"warehouse-code\";\"update-delete\"\n".to_owned();
        for (sku, quantity, house) in rows {
            file.push_str(&format!("\"{sku}\";\"{quantity}\";\"{house}\";\"\"\n"));
        }
        let (status, answer) = self.upload("/api/offers/stock/imports", &file, &[]).await;
        assert_eq!(status, 201, "{answer}");
        answer["import_id"].as_str().expect("an id").to_owned()
    }

    async fn stock_status(&self, id: &str) -> Value {
        self.get(&format!("/api/offers/stock/imports/{id}/status"))
            .await
    }

    fn quantity(&self, sku: &str) -> i64 {
        self.mirakl.offer(sku).expect("an offer").quantity
    }

    fn buy(&self, lines: &[(&str, u32)]) -> PlacedOrder {
        self.mirakl
            .buy(lines, Buyer::random(7), &Purchase::default())
            .expect("a sale")
    }

    /// An order that can be shipped.
    async fn paid(&self, lines: &[(&str, u32)]) -> PlacedOrder {
        let order = self.buy(lines);
        let decisions: Vec<Value> = order
            .line_ids
            .iter()
            .map(|id| json!({"id": id, "accepted": true}))
            .collect();
        let path = format!("/api/orders/{}/accept", order.id);
        let answer = self.put(&path, json!({"order_lines": decisions})).await;
        assert_eq!(answer.0, 204, "{}", answer.1);
        assert!(self.mirakl.debit(&order.id));
        order
    }

    /// One order as the list gives it.
    async fn read(&self, id: &str) -> Value {
        let body = self.get(&format!("/api/orders?order_ids={id}")).await;
        assert_eq!(body["total_count"], 1, "{body}");
        body["orders"][0].clone()
    }

    fn state(&self, order: &str) -> String {
        self.mirakl.order(order).expect("an order").state
    }

    fn line_states(&self, order: &str) -> Vec<String> {
        let order = self.mirakl.order(order).expect("an order");
        order.lines.into_iter().map(|l| l.state).collect()
    }

    #[track_caller]
    fn no_mistakes(&self) {
        assert_eq!(self.mirakl.stats().mistakes, Vec::<String>::new());
    }

    /// The mistakes since the last look.
    fn mistakes(&self) -> Vec<String> {
        let mistakes = self.mirakl.stats().mistakes;
        self.mirakl.reset_stats();
        mistakes
    }
}

fn hours(n: i64) -> SignedDuration {
    SignedDuration::from_hours(n)
}

fn seconds(n: i64) -> SignedDuration {
    SignedDuration::from_secs(n)
}
