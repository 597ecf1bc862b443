//! A Vendure that really runs, as its buyers and its merchant use it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use lockstep::net::{Client, ClientOptions, Method, Request};
use lockstep_sandbox::shopify::VariantView;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A Vendure needs some seconds to create its tables and to import products.
const PATIENCE: Duration = Duration::from_secs(180);

/// A running server.
pub struct Vendure {
    pub base: String,
    pub api_key: String,
    http: Client,
    /// The server ends when this does.
    _server: Child,
    _folder: TempDir,
}

/// A buyer's session with the Shop API.
struct Buyer<'a> {
    vendure: &'a Vendure,
    token: Option<String>,
}

/// What a buyer gets told of a placed order.
pub struct Placed {
    pub id: String,
    pub code: String,
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Vendure {
    /// Starts one that sells these variants, with other numbers than the shop's.
    pub async fn start(variants: &[VariantView]) -> Self {
        let scratch = TempDir::new().expect("a temporary directory");
        let (catalogue, ready) = (
            scratch.path().join("catalogue.json"),
            scratch.path().join("ready.json"),
        );
        let products: Vec<Value> = variants
            .iter()
            .map(|v| json!({"sku": v.sku, "title": v.title, "price": v.price.to_string(), "stock": 1}))
            .collect();
        std::fs::write(&catalogue, Value::from(products).to_string()).expect("the catalogue");
        let mut server = Command::new("node")
            .arg(root().join("plugins/vendure/server/start.js"))
            .args([&catalogue, &ready])
            .current_dir(scratch.path())
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts; run `just test-vendure`");
        let told = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Ok(told) = std::fs::read(&ready) {
                    return told;
                }
                if let Some(status) = server.try_wait().expect("the server can be asked") {
                    panic!("Vendure ended while it started: {status}; its words are above");
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await
        .unwrap_or_else(|_| panic!("Vendure did not start within {PATIENCE:?}"));
        let told: Value = serde_json::from_slice(&told).expect("what the server says");
        let text = |name: &str| told[name].as_str().expect("a text").to_owned();
        Self {
            base: text("base"),
            api_key: text("apiKey"),
            http: Client::new(ClientOptions { allow_local: true }).expect("a client"),
            _server: server,
            _folder: scratch,
        }
    }

    /// Asks one of the APIs; answers `data`, and the session's token where one is given.
    async fn ask(
        &self,
        api: &str,
        header: Option<(&str, String)>,
        query: &str,
        variables: Value,
    ) -> (Value, Option<String>) {
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(header.map(|(name, value)| (name.to_owned(), value)));
        let answer = self
            .http
            .send(Request {
                method: Method::Post,
                url: format!("{}/{api}", self.base).parse().expect("a URL"),
                headers,
                body: Some(
                    json!({"query": query, "variables": variables})
                        .to_string()
                        .into_bytes(),
                ),
                timeout: Duration::from_secs(30),
                max_body: 8 << 20,
            })
            .await
            .expect("Vendure answers");
        let token = answer.header("vendure-auth-token").map(str::to_owned);
        let mut told: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert!(
            told.get("errors").is_none(),
            "{query}\n{variables}\n{told:#}"
        );
        (told["data"].take(), token)
    }

    /// As the merchant in the dashboard.
    pub async fn admin(&self, query: &str, variables: Value) -> Value {
        let key = Some(("vendure-api-key", self.api_key.clone()));
        self.ask("admin-api", key, query, variables).await.0
    }

    /// Stock on hand, and how much of it is allocated.
    pub async fn stock(&self, sku: &str) -> (i64, i64) {
        let found = self
            .admin(
                "query ($sku: String!) { productVariants(options: { filter: { sku: { eq: $sku } } }) {
                   items { stockLevels { stockOnHand stockAllocated } } } }",
                json!({"sku": sku}),
            )
            .await;
        let level = &found["productVariants"]["items"][0]["stockLevels"][0];
        let number = |name: &str| level[name].as_i64().expect("a number");
        (number("stockOnHand"), number("stockAllocated"))
    }

    pub async fn order(&self, id: &str) -> Value {
        self.admin(
            "query ($id: ID!) { order(id: $id) {
               id code state totalWithTax shippingWithTax
               lines { id quantity orderPlacedQuantity lineTax proratedLinePriceWithTax productVariant { sku } }
               fulfillments { id state method trackingCode updatedAt lines { orderLineId quantity } }
               history(options: { sort: { createdAt: ASC } }) { items { type data } } } }",
            json!({"id": id}),
        )
        .await["order"]
            .take()
    }

    /// Somebody buys: a basket, an address, a way to ship, a payment.
    pub async fn buy(&self, items: &[(&str, u32)], payment: &str) -> Placed {
        let mut buyer = Buyer {
            vendure: self,
            token: None,
        };
        for (sku, quantity) in items {
            let found = self
                .admin(
                    "query ($sku: String!) { productVariants(options: { filter: { sku: { eq: $sku } } }) { items { id } } }",
                    json!({"sku": sku}),
                )
                .await;
            let id = &found["productVariants"]["items"][0]["id"];
            let added = buyer
                .does(
                    "mutation ($id: ID!, $quantity: Int!) { addItemToOrder(productVariantId: $id, quantity: $quantity) {
                       __typename ... on ErrorResult { message } } }",
                    json!({"id": id, "quantity": quantity}),
                )
                .await;
            assert_eq!(added["__typename"], "Order", "{sku}: {added}");
        }
        buyer
            .does(
                "mutation { setCustomerForOrder(input: { firstName: \"Mia\", lastName: \"Nguyen\",
                   emailAddress: \"mia@example.com\" }) { __typename } }",
                json!({}),
            )
            .await;
        buyer
            .does(
                "mutation ($input: CreateAddressInput!) { setOrderShippingAddress(input: $input) { __typename } }",
                json!({"input": {
                    "fullName": "Mia Nguyen", "company": "Nguyen Boards", "streetLine1": "12 Wave St",
                    "streetLine2": "Unit 3", "city": "Torquay", "province": "VIC", "postalCode": "3228",
                    "countryCode": "AU", "phoneNumber": "0491 570 006",
                }}),
            )
            .await;
        let methods = buyer
            .does("{ eligibleShippingMethods { id } }", json!({}))
            .await;
        buyer
            .does(
                "mutation ($id: [ID!]!) { setOrderShippingMethod(shippingMethodId: $id) { __typename } }",
                json!({"id": [methods[0]["id"]]}),
            )
            .await;
        buyer
            .does(
                "mutation { transitionOrderToState(state: \"ArrangingPayment\") { __typename } }",
                json!({}),
            )
            .await;
        let paid = buyer
            .does(
                "mutation ($method: String!) { addPaymentToOrder(input: { method: $method, metadata: {} }) {
                   __typename ... on Order { id code } ... on ErrorResult { message } } }",
                json!({"method": payment}),
            )
            .await;
        assert_eq!(paid["__typename"], "Order", "{paid}");
        let text = |name: &str| paid[name].as_str().expect("a text").to_owned();
        Placed {
            id: text("id"),
            code: text("code"),
        }
    }

    pub async fn cancel(&self, order: &str, line: &Value, quantity: u32) {
        let done = self
            .admin(
                "mutation ($input: CancelOrderInput!) { cancelOrder(input: $input) {
                   __typename ... on ErrorResult { message } } }",
                json!({"input": {
                    "orderId": order, "reason": "Changed my mind",
                    "lines": [{"orderLineId": line["id"], "quantity": quantity}],
                }}),
            )
            .await;
        assert_eq!(done["cancelOrder"]["__typename"], "Order", "{done}");
    }
}

impl Buyer<'_> {
    /// Answers the first field.
    async fn does(&mut self, query: &str, variables: Value) -> Value {
        let header = self
            .token
            .as_ref()
            .map(|t| ("authorization", format!("Bearer {t}")));
        let (mut data, token) = self.vendure.ask("shop-api", header, query, variables).await;
        self.token = token.or(self.token.take());
        let fields = data.as_object_mut().expect("an object");
        fields.values_mut().next().expect("a field").take()
    }
}
