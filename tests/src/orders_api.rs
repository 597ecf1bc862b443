//! Orders over HTTP: the list, one order through its life, and what people do with it.

use std::time::Duration;

use lockstep_sandbox::faults::{Fault, Match, Rule, Shape};
use lockstep_sandbox::mirakl;
use lockstep_sandbox::seller_center::{Buyer, NewProduct, NewSet, PlacedOrder, Purchase};
use lockstep_sandbox::story::Packing;
use serde_json::{Value, json};

use reqwest::{Method, RequestBuilder, Response, StatusCode, header};

use crate::served::{Client, Served};
use crate::world::{KEY, MARKET, World};

/// Longest time in which something is to come about.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody, or something, that asks a host.
struct Visitor {
    client: Client,
    url: String,
}

/// The working host of a world.
struct Site(Served);

impl Site {
    async fn of(world: &World) -> Self {
        Self(Served::start(world).await)
    }

    /// Somebody of this role, signed in.
    async fn person(&self, world: &World, role: &str) -> Visitor {
        Visitor {
            client: self.0.sign_in(world, role).await,
            url: self.0.url.clone(),
        }
    }

    /// A program with a token of this role.
    async fn program(&self, world: &World, role: &str) -> Visitor {
        Visitor {
            client: self.0.token(world, role).await,
            url: self.0.url.clone(),
        }
    }
}

impl Visitor {
    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let (name, value) = self.client.header();
        let url = format!("{}{path}", self.url);
        self.client.http.request(method, url).header(name, value)
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).send().await.unwrap()
    }

    /// A page that is there.
    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// An answer of the API, with its status.
    async fn json(&self, path: &str) -> (u16, Value) {
        read(self.get(path).await).await
    }

    /// Presses a button without fields.
    async fn press(&self, path: &str) -> Response {
        let form = "application/x-www-form-urlencoded";
        let request = self.ask(Method::POST, path);
        let request = request.header(header::CONTENT_TYPE, form).body("");
        request.send().await.unwrap()
    }

    /// Asks the API to do something.
    async fn post(&self, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.ask(Method::POST, path);
        let request = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.to_string()),
            None => request,
        };
        read(request.send().await.unwrap()).await
    }

    /// Asks again until the answer is as wanted.
    async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = tokio::time::Instant::now();
        loop {
            let (status, answer) = self.json(path).await;
            if status == 200 && wanted(&answer) {
                return answer;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{path} does not become what it should; it is {status} {answer:#}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Status and body; a failure is told as RFC 9457 has it.
async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status();
    let kind = answer.headers()[header::CONTENT_TYPE].to_str().unwrap();
    let kind = kind.to_owned();
    let text = answer.text().await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    if status.is_success() {
        assert_eq!(kind, "application/json");
    } else {
        assert_eq!(kind, "application/problem+json", "{text}");
        assert_eq!(body["status"], status.as_u16());
        assert!(!body["detail"].as_str().unwrap().is_empty());
    }
    (status.as_u16(), body)
}

/// The numbers of a list's orders.
fn numbers(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("a list");
    items
        .iter()
        .map(|o| o["number"].as_str().unwrap())
        .collect()
}

fn api(order: &PlacedOrder) -> String {
    format!("/api/v1/orders/{KEY}/{}", order.id)
}

fn page(order: &PlacedOrder) -> String {
    format!("/orders/{KEY}/{}", order.id)
}

/// Something that the shop does not have.
fn stranger() -> NewSet {
    NewSet {
        name: "Lone Hat".into(),
        parent_sku: "LONE".into(),
        products: vec![NewProduct {
            seller_sku: "LONE-HAT-1".into(),
            variation: "one".into(),
            price: 30.into(),
            quantity: 5,
            ..Default::default()
        }],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_listed_by_each_filter() {
    let world = World::in_step(60).await;
    world.sandbox.seller_center.add_product_set(stranger());
    let mut story = world.story(31);
    let (whole, _) = story.buy_on_channel(2).unwrap();
    let (open, _) = story.buy_on_channel(1).unwrap();
    let pending = Purchase {
        payment_pending: true,
        ..Purchase::default()
    };
    let (held, _) = story.buy_anything(1, pending).unwrap();
    let hat = [("LONE-HAT-1".to_owned(), 1)];
    let (blocked, _) = story.buy(&hat, Purchase::default()).unwrap();
    world.settle().await;
    story.pack(&whole.number, Packing::Whole).unwrap();
    world.settle().await;
    let database = rusqlite::Connection::open(world.place.join("lockstep.db")).unwrap();
    database
        .execute(
            "update channel_order set ship_by = 1 where number in (?1, ?2)",
            [&open.number, &whole.number],
        )
        .unwrap();
    let site = Site::of(&world).await;
    let viewer = site.program(&world, "viewer").await;
    let list = |query: &str| {
        let path = format!("/api/v1/orders?{query}");
        let viewer = &viewer;
        async move {
            let (status, list) = viewer.json(&path).await;
            assert_eq!(status, 200, "{path}: {list}");
            list
        }
    };
    let all = [&blocked, &held, &open, &whole].map(|o| o.number.as_str());
    assert_eq!(numbers(&list("").await), all);
    for (query, wanted) in [
        ("state=blocked", vec![all[0]]),
        ("state=held", vec![all[1]]),
        ("state=created", vec![all[2]]),
        ("state=closed", vec![all[3]]),
        ("state=open", all[..3].to_vec()),
        ("needs_you=true", vec![all[0]]),
        // What is shipped is not late any more.
        ("late=true", vec![all[2]]),
        ("sort=least-time-left&state=open&limit=1", vec![all[2]]),
        ("search=LONE-HAT-1", vec![all[0]]),
        ("search=lone-hat-1", vec![all[0]]),
        (&format!("search={}", open.number), vec![all[2]]),
        (&format!("search={}", open.id), vec![all[2]]),
        ("search=nothing-like-it", vec![]),
        (&format!("channel={KEY}"), all.to_vec()),
        ("channel=kestrel&state=ignored", vec![]),
        ("placed_from=2020-01-01&placed_to=2020-12-31", vec![]),
        ("placed_from=2020-01-01", all.to_vec()),
    ] {
        let found = list(query).await;
        assert_eq!(numbers(&found), wanted, "{query}");
    }
    // One by one, each once.
    let mut seen = Vec::new();
    let mut query = "limit=1".to_owned();
    loop {
        let found = list(&query).await;
        seen.extend(numbers(&found).into_iter().map(str::to_owned));
        match found["next"].as_str() {
            Some(next) => query = format!("limit=1&after={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all);
    let long = format!("search={}", "x".repeat(101));
    for wrong in [
        "state=lost",
        "limit=many",
        "needs_you=perhaps",
        "placed_from=yesterday",
        "state=held&state=open",
        "limit=0",
        "limit=201",
        "after=nowhere",
        "search=",
        "channel=nowhere",
        long.as_str(),
    ] {
        let (status, problem) = viewer.json(&format!("/api/v1/orders?{wrong}")).await;
        assert_eq!(status, 422, "{wrong}: {problem}");
    }
    let item = &list("state=blocked").await["items"][0];
    assert_eq!(item["next"]["who"], "you");
    assert!(
        item["next"]["what"]
            .as_str()
            .unwrap()
            .contains("LONE-HAT-1")
    );
    assert_eq!(
        item["sold"],
        json!([{"sku": "LONE-HAT-1", "title": "Lone Hat", "quantity": 1}])
    );
    assert_eq!(item["shop_url"], Value::Null);
    // The page has the same, and takes what its form sends for fields that were left empty.
    let person = site.person(&world, "viewer").await;
    let html = person
        .page("/orders?search=&channel=&state=blocked&placed_from=&placed_to=&sort=newest")
        .await;
    assert!(html.contains(&blocked.number) && !html.contains(&open.number));
    assert!(html.contains("give the right variant exactly this SKU"));
    let html = person.page("/orders").await;
    assert!(all.iter().all(|number| html.contains(number)));
    assert!(
        person
            .page("/orders?late=true")
            .await
            .contains("class=\"late\"")
    );
    assert_eq!(person.get("/orders?state=lost").await.status(), 422);
    // The command has the same too.
    let ran = world.run(&["orders", "--state", "blocked", "--json"]).await;
    let told: Value = serde_json::from_str(&ran.code(0).out).unwrap();
    assert_eq!(numbers(&told), [blocked.number.as_str()]);
    world
        .run(&["orders", "--needs-you"])
        .await
        .code(0)
        .says("You: no variant in Shopify has the SKU \"LONE-HAT-1\"");
    world
        .run(&["orders", "--state", "lost"])
        .await
        .code(2)
        .says("held");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_followed_through_its_life() {
    let world = World::in_step(60).await;
    let site = Site::of(&world).await;
    let operator = site.program(&world, "operator").await;
    let mut story = world.story(32);
    let (order, _) = story.buy_on_channel(3).unwrap();
    let is = |who: &'static str| move |o: &Value| o["next"]["who"] == who;
    let made = operator.until(&api(&order), is("warehouse")).await;
    assert_eq!(made["state"], "created");
    assert_eq!(made["next"]["what"], "pack 3 units");
    assert_eq!(made["next"]["by"], made["ship_by"]);
    assert_eq!(
        (&made["open_units"], &made["late"]),
        (&json!(3), &json!(false))
    );
    let shop = &world.sandbox.shopify.order_by_name(&order.number)[0];
    let number = shop.gid.rsplit('/').next().unwrap();
    assert_eq!(made["shop_order"], shop.gid);
    assert_eq!(
        made["shop_url"],
        format!("https://admin.shopify.com/store/kestrel-surf/orders/{number}")
    );
    let money = &made["money"];
    assert_eq!(money["total"]["currency"], "AUD");
    let amount = |m: &Value| m["amount"].as_str().unwrap().parse::<f64>().unwrap();
    assert_eq!(amount(&money["total"]), amount(&money["created"]["paid"]));
    assert!(amount(&money["created"]["goods"]) > 0.0);
    story.pack(&order.number, Packing::TwoParcels).unwrap();
    let closed = operator
        .until(&api(&order), |o| o["state"] == "closed")
        .await;
    assert_eq!(closed["next"]["who"], "nobody");
    let parcels = closed["parcels"].as_array().unwrap();
    assert!(parcels.len() >= 2, "{parcels:#?}");
    let there = world.sandbox.seller_center.order(order.id).unwrap();
    for parcel in parcels {
        assert_eq!(parcel["state"], "done");
        let code = parcel["tracking"].as_str().unwrap();
        assert!(there.items.iter().any(|i| i.tracking == code), "{code}");
        assert!(
            parcel["id"]
                .as_str()
                .unwrap()
                .ends_with(parcel["short_id"].as_str().unwrap())
        );
    }
    let carried: u64 = parcels.iter().map(|p| p["units"].as_u64().unwrap()).sum();
    assert_eq!(carried, 3);
    let happened = closed["timeline"].as_array().unwrap();
    let at = |what: &str| happened.iter().position(|h| h["what"] == what);
    assert!(
        at("seen") < at("created") && at("created") < at("done"),
        "{happened:#?}"
    );
    assert!(at("order-create").is_some() && at("parcel-ship").is_some());
    // The page says it in words.
    let person = site.person(&world, "operator").await;
    let html = person.page(&page(&order)).await;
    assert!(html.contains("Nobody: every unit is shipped or cancelled, on both sides"));
    assert!(html.contains(&format!(
        "https://admin.shopify.com/store/kestrel-surf/orders/{number}"
    )));
    for parcel in parcels {
        assert!(html.contains(parcel["tracking"].as_str().unwrap()));
    }
    // And `explain` prints the same view.
    let ran = world
        .run(&["explain", &order.number, "--json"])
        .await
        .code(0);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told[0]["parcels"], closed["parcels"]);
    assert_eq!(told[0]["shop_url"], closed["shop_url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sees_no_buyer_and_changes_nothing() {
    let world = World::in_step(60).await;
    let mut story = world.story(33);
    let (order, _) = story.buy_on_channel(1).unwrap();
    world.settle().await;
    let site = Site::of(&world).await;
    let buyer = world.sandbox.seller_center.order(order.id).unwrap().buyer;
    let shop = &world.sandbox.shopify.order_by_name(&order.number)[0];
    let street = shop
        .shipping_address
        .as_ref()
        .unwrap()
        .address1
        .clone()
        .unwrap();
    let secrets = [buyer.last_name.clone(), street];
    let operator = site.program(&world, "operator").await;
    let viewer = site.program(&world, "viewer").await;
    let (_, whole) = operator.json(&api(&order)).await;
    let (_, masked) = viewer.json(&api(&order)).await;
    assert_eq!(
        (&whole["masked"], &masked["masked"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(masked["ship_to"]["masked"], true);
    assert_eq!(masked["ship_to"]["country"], whole["ship_to"]["country"]);
    let (seeing, looking) = (
        site.person(&world, "operator").await,
        site.person(&world, "viewer").await,
    );
    for secret in &secrets {
        assert!(whole.to_string().contains(secret), "{secret}");
        assert!(!masked.to_string().contains(secret), "{secret}");
        assert!(
            seeing.page(&page(&order)).await.contains(secret),
            "{secret}"
        );
        assert!(
            !looking.page(&page(&order)).await.contains(secret),
            "{secret}"
        );
        assert!(!looking.page("/orders").await.contains(secret), "{secret}");
    }
    for act in [
        "retry",
        "hold",
        "release",
        "accept",
        "handled",
        "parcels/1/resend",
    ] {
        let (status, _) = viewer.post(&format!("{}/{act}", api(&order)), None).await;
        assert_eq!(status, 403, "{act}");
        let answer = looking.press(&format!("{}/{act}", page(&order))).await;
        assert_eq!(answer.status(), 403, "{act}");
    }
    let (status, _) = viewer
        .post(&format!("{}/refuse", api(&order)), Some(json!({})))
        .await;
    assert_eq!(status, 403);
    assert!(
        !looking
            .page(&page(&order))
            .await
            .contains("<form method=\"post\" action=\"/orders/")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_not_there_is_said_to_be_missing() {
    let world = World::in_step(60).await;
    let site = Site::of(&world).await;
    let operator = site.program(&world, "operator").await;
    let person = site.person(&world, "operator").await;
    for path in [
        format!("{KEY}/1"),
        "nobody/nowhere/1".to_owned(),
        format!("{KEY}/a%2Fb%20%C3%BC"),
    ] {
        let (status, problem) = operator.json(&format!("/api/v1/orders/{path}")).await;
        assert_eq!(status, 404, "{path}");
        assert!(problem["detail"].as_str().unwrap().contains("has no order"));
        for act in [
            "retry",
            "hold",
            "release",
            "accept",
            "handled",
            "parcels/1/resend",
        ] {
            let (status, _) = operator
                .post(&format!("/api/v1/orders/{path}/{act}"), None)
                .await;
            assert_eq!(status, 404, "{path} {act}");
        }
        let answer = person.get(&format!("/orders/{path}")).await;
        assert_eq!(answer.status(), 404);
        assert!(answer.text().await.unwrap().contains("has no order"));
        let answer = person.press(&format!("/orders/{path}/hold")).await;
        assert_eq!(answer.status(), 404);
    }
    let (status, _) = operator.json(&format!("/api/v1/orders/{KEY}/%FF")).await;
    assert_eq!(status, 422);
    let refuse = format!("/api/v1/orders/{KEY}/1/refuse");
    for body in [
        json!([]),
        json!({"reason": 7}),
        json!({"reason": "x".repeat(501)}),
    ] {
        let (status, _) = operator.post(&refuse, Some(body)).await;
        assert_eq!(status, 422);
    }
    assert_eq!(operator.post(&refuse, Some(json!({}))).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_twice_is_done_once() {
    let world = World::in_step(60).await;
    let mut story = world.story(34);
    let pending = Purchase {
        payment_pending: true,
        ..Purchase::default()
    };
    let (order, _) = story.buy_anything(1, pending).unwrap();
    world.settle().await;
    let site = Site::of(&world).await;
    let operator = site.program(&world, "operator").await;
    let person = site.person(&world, "operator").await;
    let act = |name: &str| {
        let (operator, path) = (&operator, format!("{}/{name}", api(&order)));
        async move {
            let (status, done) = operator.post(&path, None).await;
            assert_eq!(status, 200, "{path}: {done}");
            done["changed"].as_bool().unwrap()
        }
    };
    assert!(act("hold").await);
    assert!(!act("hold").await, "it is held");
    let (_, held) = operator.json(&api(&order)).await;
    assert_eq!(held["manual_hold"], true);
    assert_eq!(held["next"]["who"], "you");
    let offered = |order: &Value| -> Vec<String> {
        let offers = order["offers"].as_array().unwrap().iter();
        offers
            .map(|o| o["act"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(offered(&held), ["release"]);
    // The payment settles, and it stays out of Shopify all the same.
    story.release_payment().unwrap();
    operator
        .until(&api(&order), |o| {
            o["holds"] == json!([]) && o["state"] == "held"
        })
        .await;
    assert!(
        world
            .sandbox
            .shopify
            .order_by_name(&order.number)
            .is_empty()
    );
    // By its button, twice: each press leads back to the order, and says what became of it.
    assert!(
        person
            .page(&page(&order))
            .await
            .contains(">Release</button>")
    );
    for said in ["Released.", "It was not held."] {
        let answer = person.press(&format!("{}/release", page(&order))).await;
        assert_eq!(answer.status(), 303);
        assert_eq!(answer.headers()["location"], page(&order).as_str());
        assert!(person.page(&page(&order)).await.contains(said), "{said}");
        assert!(
            !person.page(&page(&order)).await.contains(said),
            "said once"
        );
    }
    operator
        .until(&api(&order), |o| o["state"] == "created")
        .await;
    assert_eq!(world.sandbox.shopify.order_by_name(&order.number).len(), 1);
    // What makes no sense any more changes nothing, and says why.
    for name in ["retry", "handled", "release"] {
        assert!(!act(name).await, "{name}");
    }
    for name in ["hold", "accept"] {
        let (status, problem) = operator
            .post(&format!("{}/{name}", api(&order)), None)
            .await;
        assert_eq!(status, 409, "{name}: {problem}");
    }
    let answer = person.press(&format!("{}/hold", page(&order))).await;
    assert_eq!(answer.status(), 303);
    let html = person.page(&page(&order)).await;
    assert!(html.contains("Not done: order") && html.contains("exists in Shopify already"));
    assert_eq!(
        person
            .press(&format!("{}/burn", page(&order)))
            .await
            .status(),
        404
    );
    // Each thing that was done is on record once, with who did it.
    let ran = world.run(&["audit", "--json"]).await.code(0);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let acts: Vec<(&str, &str, &str)> = (told.as_array().unwrap().iter())
        .map(|a| {
            let text = |field: &str| a[field].as_str().unwrap();
            (text("action"), text("actor"), text("detail"))
        })
        .filter(|(action, ..)| action.starts_with("order."))
        .collect();
    assert_eq!(
        acts,
        [
            ("order.hold", "operator", "released"),
            ("order.hold", "test-operator", "held")
        ]
    );
    world.assert_sound("after it was held and released");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_the_channel_is_answered_by_button() {
    let world = World::with_market(60, &["acceptance=manual"]).await;
    let market = world.market();
    let skus: Vec<String> = (world.story(35).catalogue().linked().iter())
        .map(|s| (*s).to_owned())
        .collect();
    let sku = (skus.iter())
        .find(|s| market.offer(s).is_some_and(|o| o.quantity > 3))
        .expect("something is offered");
    let buy = || {
        let buyer = Buyer::random(market.orders().len() as u64);
        let bought = market.buy(&[(sku, 1)], buyer, &mirakl::Purchase::default());
        bought.expect("the marketplace sells it").id
    };
    let (yes, no) = (buy(), buy());
    let site = Site::of(&world).await;
    let operator = site.program(&world, "operator").await;
    let person = site.person(&world, "operator").await;
    let at = |id: &str| format!("/api/v1/orders/{MARKET}/{id}");
    let waits =
        |o: &Value| o["next"]["what"] == "accept or refuse the order" && o["needs_you"] == true;
    for id in [&yes, &no] {
        let order = operator.until(&at(id), waits).await;
        assert_eq!(order["next"]["by"], order["question"]["until"]);
        assert_eq!(order["question"]["answer"], Value::Null);
    }
    let html = person.page(&format!("/orders/{MARKET}/{yes}")).await;
    assert!(html.contains("Accept the order") && html.contains("Refuse the order"));
    let (why, _) = html.split_once("id=\"timeline\"").unwrap();
    assert!(!why.contains("lockstep accept"), "here are buttons");
    for _ in 0..2 {
        let path = format!("/orders/{MARKET}/{yes}/accept");
        assert_eq!(person.press(&path).await.status(), 303);
    }
    let (status, done) = operator
        .post(&format!("{}/refuse", at(&no)), Some(json!({})))
        .await;
    assert_eq!((status, &done["changed"]), (200, &json!(true)), "{done}");
    operator
        .until(&at(&yes), |o| o["native_state"] == "SHIPPING")
        .await;
    operator
        .until(&at(&no), |o| o["native_state"] == "REFUSED")
        .await;
    operator.until(&at(&yes), |o| o["state"] == "created").await;
    assert_eq!(world.sandbox.shopify.order_by_name(&yes).len(), 1);
    assert!(world.sandbox.shopify.order_by_name(&no).is_empty());
}

/// How often the channel was told of a parcel or that it left.
fn told(world: &World) -> u64 {
    let requests = world.sandbox.seller_center.stats().requests;
    (requests.iter())
        .filter(|(route, _)| route.contains("set-to-"))
        .map(|(_, n)| n)
        .sum()
}

async fn parcel(world: &World, number: &str) -> Value {
    let ran = world.run(&["explain", number, "--json"]).await.code(0);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let parcels = told[0]["parcels"].as_array().unwrap();
    assert_eq!(parcels.len(), 1, "{parcels:#?}");
    parcels[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_is_told_again_stays_one_parcel() {
    let world = World::in_step(60).await;
    let mut story = world.story(36);
    let (order, _) = story.buy_on_channel(2).unwrap();
    world.settle().await;
    let shop = &world.sandbox.shopify;
    let gid = shop.order_by_name(&order.number)[0].gid.clone();
    shop.fulfill(&gid, None, Some(("Sendle", "SNDL0001")))
        .unwrap();
    world.settle().await;
    let first = parcel(&world, &order.number).await;
    assert_eq!(first["state"], "done");
    let (calls, there) = (
        told(&world),
        world.sandbox.seller_center.order(order.id).unwrap(),
    );
    // By the number at the end of its id, as a page and a program name it.
    let site = Site::of(&world).await;
    let operator = site.program(&world, "operator").await;
    let path = format!(
        "{}/parcels/{}/resend",
        api(&order),
        first["short_id"].as_str().unwrap()
    );
    let (status, done) = operator.post(&path, None).await;
    assert_eq!((status, &done["changed"]), (200, &json!(true)), "{done}");
    let again = |o: &Value| {
        let told = o["timeline"].as_array().unwrap().iter();
        told.filter(|h| h["what"] == "done").count() == 2
    };
    let now = operator.until(&api(&order), again).await;
    assert_eq!(now["parcels"][0]["state"], "done");
    assert_eq!(now["state"], "closed");
    // The channel was asked, and told nothing that it knew.
    assert_eq!(told(&world), calls);
    let items = |o: &lockstep_sandbox::seller_center::OrderView| -> Vec<(String, String)> {
        let items = o.items.iter();
        items
            .map(|i| (i.status.clone(), i.tracking.clone()))
            .collect()
    };
    let after = world.sandbox.seller_center.order(order.id).unwrap();
    assert_eq!(items(&after), items(&there));
    let (status, _) = operator
        .post(&format!("{}/parcels/12345/resend", api(&order)), None)
        .await;
    assert_eq!(status, 404);
    drop(site);
    world.assert_sound("after a parcel was told again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_that_was_refused_or_is_in_doubt_goes_again() {
    let world = World::in_step(60).await;
    let mut story = world.story(37);
    for state in ["refused", "doubt"] {
        let (order, _) = story.buy_on_channel(1).unwrap();
        world.settle().await;
        let telling = Match::route("POST", "/v2/orders/statuses/set-to-ready-to-ship");
        let refusal = Fault::ErrorShape {
            shape: Shape::Violation,
        };
        let faults = world.sandbox.seller_center.faults();
        faults.add(Rule::once(telling, refusal));
        story.pack(&order.number, Packing::Whole).unwrap();
        world.settle().await;
        let database = rusqlite::Connection::open(world.place.join("lockstep.db")).unwrap();
        database
            .execute(
                "update parcel set state = ?1 where state = 'refused'",
                [state],
            )
            .unwrap();
        drop(database);
        let refused = parcel(&world, &order.number).await;
        assert_eq!(
            (&refused["state"], &refused["attention"]),
            (&json!(state), &json!(true))
        );
        world
            .run(&["explain", &order.number])
            .await
            .says("You: parcel")
            .says("the channel refuses it");
        let code = refused["tracking"].as_str().unwrap();
        world
            .run(&["resend", &order.number, "--parcel", code])
            .await
            .code(0)
            .says("is told again in the next cycle");
        world
            .run(&["resend", &order.number, "--parcel", code])
            .await
            .code(0)
            .says("on its way already");
        world.settle().await;
        assert_eq!(parcel(&world, &order.number).await["state"], "done");
        let items = world.sandbox.seller_center.order(order.id).unwrap().items;
        assert!(
            items
                .iter()
                .all(|i| i.status == "shipped" && i.tracking == code)
        );
    }
    world.assert_sound("after what was refused went again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_told_parcel_whose_channel_is_down_is_not_taken_for_new() {
    let world = World::in_step(60).await;
    let mut story = world.story(38);
    let (order, _) = story.buy_on_channel(1).unwrap();
    world.settle().await;
    story.pack(&order.number, Packing::Whole).unwrap();
    world.settle().await;
    world.run(&["resend", &order.number]).await.code(0);
    let faults = world.sandbox.seller_center.faults();
    let reading = Match::route("GET", &format!("/v2/orders/{}", order.id));
    faults.add(Rule::always(
        reading,
        Fault::Maintenance { retry_after: None },
    ));
    world.run(&["sync", "--once"]).await;
    // Were it taken for new, a merchant who takes the fulfillment back would set its units free.
    assert_eq!(parcel(&world, &order.number).await["state"], "preparing");
    faults.clear();
    world.run(&["channel", "resume", KEY]).await.code(0);
    world.settle().await;
    assert_eq!(parcel(&world, &order.number).await["state"], "done");
    world.assert_sound("after the channel was back");
}
