//! The server over real HTTP, as a client meets it.

mod reads;
mod server;
mod statuses;
mod stock;

use serde_json::{Value, json};

use super::orders::Status;
use super::*;

/// A server with one style in three sizes and a client that knows the token.
struct World {
    center: SellerCenter,
    http: reqwest::Client,
    token: String,
    products: Vec<u64>,
}

async fn world() -> World {
    world_with(Switches::default()).await
}

async fn world_with(switches: Switches) -> World {
    let config = Config {
        switches: Switches {
            requests_per_second: 0,
            ..switches
        },
        ..Config::default()
    };
    let (id, secret) = (config.client_id.clone(), config.client_secret.clone());
    let center = SellerCenter::start(config)
        .await
        .expect("the server starts");
    let product = |sku: &str, quantity| NewProduct {
        seller_sku: sku.into(),
        price: "89.95".parse().expect("a price"),
        quantity,
        ..NewProduct::default()
    };
    let products = center.add_product_set(NewSet {
        name: "Tidepool Board Shorts".into(),
        parent_sku: "TIDE".into(),
        products: vec![
            product("TIDE-30", 1),
            product("TIDE-32", 10),
            product("TIDE/34 +", 5),
        ],
    });
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let answer = http
        .post(format!("{}/oauth/client-credentials", center.url()))
        .basic_auth(id, Some(secret))
        .form(&[("grant_type", "client_credentials")])
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(answer["expires_in"], 3600);
    World {
        token: answer["access_token"].as_str().expect("a token").to_owned(),
        center,
        http,
        products,
    }
}

impl World {
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let method = method.parse().expect("a method");
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.center.url()))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call("POST", path, Some(body)).await
    }

    /// A status call that has to be refused with a code.
    async fn refused(&self, name: &str, body: Value, code: &str) {
        let path = format!("/v2/orders/statuses/set-to-{name}");
        let (status, answer) = self.post(&path, body).await;
        assert_eq!(status, 422, "{answer}");
        let detail = answer["detail"].as_str().unwrap_or_default();
        assert!(detail.starts_with(code), "{detail} instead of {code}");
    }

    async fn done(&self, name: &str, body: Value) -> Value {
        let path = format!("/v2/orders/statuses/set-to-{name}");
        let (status, answer) = self.post(&path, body).await;
        assert_eq!(status, 200, "{answer}");
        answer["orderItemIds"].clone()
    }

    async fn put_stock(&self, rows: Value) -> (u16, Value) {
        self.call("PUT", "/v2/stock/product", Some(rows)).await
    }

    /// Quantity, reserved and available of a product, as the API tells them.
    async fn stock(&self, index: usize) -> (i64, i64, i64) {
        let row = self
            .get(&format!("/v2/stock/product/{}", self.products[index]))
            .await;
        let number = |name: &str| row[name].as_i64().expect("a number");
        (
            number("quantity"),
            number("reservedStock"),
            number("available"),
        )
    }

    fn buy(&self, sku: &str, pieces: u32) -> PlacedOrder {
        self.center
            .buy(&[(sku, pieces)], Buyer::random(7), Purchase::default())
            .expect("a sale")
    }

    fn statuses(&self, order: u64) -> Vec<String> {
        let order = self.center.order(order).expect("an order");
        order.items.into_iter().map(|i| i.status).collect()
    }
}

fn ready(ids: &[u64], provider: &str, tracking: &str) -> Value {
    let items: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    json!({
        "orderItems": items, "deliveryType": "dropship", "shippingProvider": provider, "trackingNumber": tracking,
    })
}

fn pack(ids: &[u64], provider: &str, tracking: &str) -> Value {
    let items: Vec<Value> = ids.iter().map(|id| json!({"orderItemId": id})).collect();
    json!({
        "orderItems": items, "deliveryType": "dropship", "shippingProvider": provider, "trackingNumber": tracking,
    })
}

/// The running counters are what counting anew gives.
fn counters_agree(center: &SellerCenter) {
    let state = center.lock();
    for product in state.products.values() {
        let open = |i: &&orders::Item| {
            i.product == Some(product.id)
                && i.shipment_type != ShipmentType::Warehouse
                && matches!(i.status, Status::Pending | Status::ReadyToShip)
        };
        let counted = state.items.values().filter(open).count();
        assert_eq!(
            product.reserved,
            i64::try_from(counted).expect("a count"),
            "{}",
            product.seller_sku
        );
    }
}
