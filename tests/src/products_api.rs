//! Products and plugins on the pages and in the API of the running binary.

use std::collections::BTreeSet;
use std::time::Duration;

use lockstep::net::{Client, ClientOptions, Method, Request, Response};
use lockstep_sandbox::catalogue::Kind;
use lockstep_sandbox::seller_center::Purchase;
use serde_json::{Value, json};

use crate::served;
use crate::world::{KEY, World};

/// Longest time for something that a cycle brings about.
const SOON: Duration = Duration::from_secs(60);

/// The binary at work, with a token for each role.
struct Served<'a> {
    world: &'a World,
    host: served::Served,
    client: Client,
    viewer: String,
    operator: String,
    admin: String,
}

impl<'a> Served<'a> {
    async fn on(world: &'a World) -> Self {
        let host = served::Served::start(world).await;
        Self {
            client: Client::new(ClientOptions { allow_local: true }).unwrap(),
            viewer: token(world, "viewer").await,
            operator: token(world, "operator").await,
            admin: token(world, "admin").await,
            host,
            world,
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Response {
        let headers = headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        self.client
            .send(Request {
                method,
                url: format!("{}{path}", self.host.url).parse().unwrap(),
                headers: headers.collect(),
                body: body.map(String::into_bytes),
                timeout: Duration::from_secs(30),
                max_body: 8 << 20,
            })
            .await
            .unwrap()
    }

    /// Status and JSON of an API call; a body makes it a POST.
    async fn api(&self, token: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let method = if body.is_some() {
            Method::Post
        } else {
            Method::Get
        };
        let path = format!("/api/v1{path}");
        let answer = (self.send(method, &path, &headers, body.map(|b| b.to_string()))).await;
        let json = serde_json::from_slice(&answer.body).unwrap_or_else(|e| {
            panic!("{path}: {e}: {}", String::from_utf8_lossy(&answer.body));
        });
        (answer.status, json)
    }

    async fn get(&self, path: &str) -> Value {
        let (status, json) = self.api(&self.viewer, path, None).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    async fn post(&self, path: &str) -> Value {
        let (status, json) = self.api(&self.operator, path, Some(json!({}))).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }

    /// Asks again and again until the answer is as wanted.
    async fn until(&self, what: &str, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = std::time::Instant::now() + SOON;
        loop {
            let (_, json) = self.api(&self.viewer, path, None).await;
            if wanted(&json) {
                return json;
            }
            assert!(std::time::Instant::now() < end, "{what}: {json:#}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// SKUs of a list, over all its pages of this many.
    async fn skus(&self, query: &str, limit: u32) -> Vec<String> {
        let mut found = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!("/products?limit={limit}&{query}{after}");
            let page = self.get(&path).await;
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= limit as usize);
            found.extend(items.iter().map(|i| i["sku"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={}", encoded(next)),
                None => return found,
            }
        }
    }

    /// Signs somebody in with that role. Answers the cookie.
    async fn sign_in(&self, name: &str, role: &str) -> String {
        const PASSWORD: &str = "correct horse battery";
        let mut command = self.world.command();
        command
            .args(["user", "add", name, "--role", role])
            .env("LOCKSTEP_USER_PASSWORD", PASSWORD);
        let added = command.output().await.unwrap();
        assert!(added.status.success(), "{added:?}");
        let form = format!("name={name}&password={}", encoded(PASSWORD));
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let answer = self.send(Method::Post, "/sign-in", &kind, Some(form)).await;
        assert_eq!(answer.status, 303);
        let cookie = answer.header("set-cookie").expect("a session");
        cookie.split(';').next().unwrap().to_owned()
    }

    async fn page(&self, cookie: &str, path: &str) -> String {
        let answer = self
            .send(Method::Get, path, &[("cookie", cookie)], None)
            .await;
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(answer.status, 200, "{path}: {text}");
        text
    }

    async fn press(&self, cookie: &str, path: &str, form: &str) -> Response {
        let headers = [
            ("cookie", cookie),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send(Method::Post, path, &headers, Some(form.to_owned()))
            .await
    }

    async fn stop(self) {
        self.host.end().await;
    }
}

async fn token(world: &World, role: &str) -> String {
    let args = ["token", "add", role, "--role", role, "--json"];
    let ran = world.run(&args).await.code(0);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    json["token"].as_str().unwrap().to_owned()
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        out.push_str(&format!("%{byte:02X}"));
    }
    out
}

fn one(sku: &str) -> String {
    format!("/products/kestrel/{}", encoded(sku))
}

/// What the channel of every world has of a SKU.
fn on(product: &Value) -> &Value {
    &product["channels"][0]
}

fn state(product: &Value) -> &str {
    on(product)["state"].as_str().unwrap_or_default()
}

fn offered(world: &World, sku: &str) -> i64 {
    world.sandbox.seller_center.product(sku)[0].quantity
}

fn set(found: Vec<String>) -> BTreeSet<String> {
    let sorted = found.is_sorted();
    let count = found.len();
    let set: BTreeSet<String> = found.into_iter().collect();
    assert!(sorted && set.len() == count, "in order, none twice");
    set
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_every_sku_once_and_filters_say_what_they_promise() {
    let world = World::in_step(120).await;
    let served = Served::on(&world).await;
    let story = world.story(1);
    let catalogue = story.catalogue();
    let in_shop = || catalogue.variations().filter_map(|(_, v)| v.shop.as_ref());
    let there = || {
        catalogue
            .variations()
            .filter_map(|(_, v)| v.channel.as_ref())
    };
    let shop: BTreeSet<String> = in_shop().map(|s| s.sku.clone()).collect();
    let channel: BTreeSet<String> = there().map(|c| c.seller_sku.clone()).collect();
    let all: BTreeSet<String> = shop.union(&channel).cloned().collect();
    for limit in [7, 50, 200] {
        assert_eq!(set(served.skus("", limit).await), all, "pages of {limit}");
    }
    let sold = format!("channel={}", encoded(KEY));
    assert_eq!(set(served.skus(&sold, 9).await), channel);
    let linked: BTreeSet<String> = catalogue.linked().into_iter().map(str::to_owned).collect();
    assert_eq!(set(served.skus("state=in", 9).await), linked);
    // Every mismatch that the overview counts is there, and nothing else.
    let overview = served.get("/overview").await;
    let out = served.skus(&format!("{sold}&state=out"), 9).await;
    assert!(set(out.clone()).is_disjoint(&linked));
    let mut by_kind = BTreeSet::new();
    let mut count = 0;
    for kind in [
        "bundle-part",
        "duplicate-channel",
        "duplicate-shop",
        "near-miss",
        "no-listing",
        "no-variant",
        "untracked",
    ] {
        let found = served.skus(&format!("{sold}&kind={kind}"), 3).await;
        count += found.len() as u64;
        by_kind.extend(set(found));
    }
    assert_eq!(by_kind, out.into_iter().collect());
    assert_eq!(overview["channels"][0]["not_in_step"], count);
    let near: BTreeSet<String> = (catalogue.of_kind(Kind::NearMiss))
        .map(|(_, v)| v.channel.as_ref().unwrap().seller_sku.clone())
        .collect();
    assert!(!near.is_empty());
    assert_eq!(set(served.skus("kind=near-miss", 2).await), near);
    let held = set(served.skus("state=quarantine", 2).await);
    assert!(held.is_superset(&near) && held.is_disjoint(&linked));
    assert!(served.skus("state=in&kind=near-miss", 2).await.is_empty());
    assert!(served.skus("state=refused", 2).await.is_empty());
    // A search by the beginning of the SKU, in any spelling, or by words of the title.
    let begin = &linked.first().unwrap()[..7];
    let begun: BTreeSet<String> = (all.iter())
        .filter(|s| s.starts_with(begin))
        .cloned()
        .collect();
    let found = set(served
        .skus(&format!("search={}", begin.to_lowercase()), 5)
        .await);
    assert!(found.is_superset(&begun), "{found:?}");
    let (product, variation) = catalogue.of_kind(Kind::Both).next().unwrap();
    let (style, size) = (&product.name, &variation.size);
    let words = format!(
        "search={}",
        encoded(&format!("{size} {}", style.to_lowercase()))
    );
    let sku = &variation.shop.as_ref().unwrap().sku;
    assert!(served.skus(&words, 5).await.contains(sku), "{words}");
    let narrowed = served.skus(&format!("{words}&state=out"), 5).await;
    assert!(!narrowed.contains(sku));
    for (query, status) in [
        ("limit=0", 422),
        ("limit=many", 422),
        ("state=odd", 422),
        ("channel=kestrel/Odd", 422),
        ("channel=kestrel/other", 404),
        ("channel=other", 404),
        (&*format!("search={}", "x".repeat(201)), 422),
        ("search=%00%25_%5C'\"", 200),
    ] {
        let (got, json) = served
            .api(&served.viewer, &format!("/products?{query}"), None)
            .await;
        assert_eq!(got, status, "{query}: {json}");
    }
    let (status, _) = served.api(&served.viewer, &one("no such SKU"), None).await;
    assert_eq!(status, 404);
    // The command says the same.
    let args = ["products", KEY, "--kind", "near-miss", "--json"];
    let told: Value = serde_json::from_str(&world.run(&args).await.code(0).out).unwrap();
    assert_eq!(told["items"].as_array().unwrap().len(), near.len());
    world
        .run(&["products", "--state", "in"])
        .await
        .code(0)
        .says("in step");
    let cookie = served.sign_in("vera", "viewer").await;
    let page = served
        .page(&cookie, "/products?channel=&state=out&kind=&search=")
        .await;
    assert!(page.contains("Next page") || page.contains("only in the shop"));
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sum_of_a_sku_is_what_the_marketplace_got() {
    let world = World::in_step(60).await;
    let served = Served::on(&world).await;
    let mut story = world.story(2);
    let sku = story.catalogue().linked()[0].to_owned();
    let locations = world.sandbox.locations.clone();
    for (location, n) in locations.iter().zip([9, 4]) {
        world.sandbox.shopify.set_available(&sku, location, n);
    }
    let path = one(&sku);
    served
        .until("13 arrive", &path, |p| {
            on(p)["number"]["to"] == 13 && state(p) == "in-step"
        })
        .await;
    assert_eq!(offered(&world, &sku), 13);
    // Sold, but not to be made an order yet: known, and taken off.
    let basket = [(sku.clone(), 2)];
    let purchase = Purchase {
        payment_pending: true,
        ..Purchase::default()
    };
    let (order, _) = story.buy(&basket, purchase).unwrap();
    let product = served
        .until("the sale is known", &path, |p| {
            on(p)["number"]["unseen"] == 2 && state(p) == "in-step"
        })
        .await;
    let (there, number) = (on(&product), &on(&product)["number"]);
    let n = |name: &str| number[name].as_i64().unwrap();
    let levels = there["levels"].as_array().unwrap();
    let counted = levels.iter().filter(|l| l["counts"] == true);
    let sum: i64 = counted.map(|l| l["available"].as_i64().unwrap()).sum();
    assert_eq!((sum, n("available")), (13, 13));
    let left = (n("available") - n("unseen") - n("buffer")).max(0);
    assert_eq!(n("to"), left - n("withheld") + n("reserved"));
    assert_eq!(n("to"), offered(&world, &sku));
    assert_eq!(there["pushes"][0]["quantity"], number["to"]);
    assert_eq!(there["listings"][0]["quantity"], number["to"]);
    let orders = there["unseen_orders"].as_array().unwrap();
    assert_eq!(orders.len(), 1);
    assert_eq!(
        (&orders[0]["number"], &orders[0]["pieces"]),
        (&json!(order.number), &json!(2))
    );
    let why = there["why"].as_str().unwrap();
    assert!(
        why.starts_with("THE ICONIC has ")
            && why.contains("13 available")
            && why.contains("less 2 sold"),
        "{why}"
    );
    let explained = world.run(&["explain", &sku, "--json"]).await.code(0).out;
    let explained: Value = serde_json::from_str(&explained).unwrap();
    assert_eq!(explained[0]["channels"][0]["number"], *number);
    world
        .run(&["explain", &sku])
        .await
        .code(0)
        .says(&order.number)
        .says("less 2 sold");
    let cookie = served.sign_in("vera", "viewer").await;
    let page = served.page(&cookie, &path).await;
    for part in [
        "role=\"img\"",
        "numbers sent to THE ICONIC",
        &order.number,
        "less 2 sold",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("style=\"") && !page.contains("/resync"));
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_near_miss_is_shown_letter_by_letter_and_leaves_when_it_is_mended() {
    let world = World::in_step(120).await;
    let served = Served::on(&world).await;
    let story = world.story(3);
    let (_, missed) = story.catalogue().of_kind(Kind::NearMiss).next().unwrap();
    let (ours, theirs) = (
        missed.shop.as_ref().unwrap().sku.clone(),
        missed.channel.as_ref().unwrap().seller_sku.clone(),
    );
    for sku in [&ours, &theirs] {
        let product = served.get(&one(sku)).await;
        assert_eq!(state(&product), "quarantine", "{product:#}");
        let mismatch = &on(&product)["mismatches"][0];
        assert_eq!(
            (&mismatch["kind"], &mismatch["sku"]),
            (&json!("near-miss"), &json!(theirs))
        );
        let near = &mismatch["near"][0];
        let whole = |side: &str| -> String {
            let pieces = near[side].as_array().unwrap();
            pieces.iter().map(|p| p["text"].as_str().unwrap()).collect()
        };
        assert_eq!(
            (whole("shop"), whole("channel")),
            (ours.clone(), theirs.clone())
        );
        assert!(!near["differences"].as_array().unwrap().is_empty());
        assert!(
            mismatch["cure"][0]
                .as_str()
                .unwrap()
                .contains("equal to the letter")
        );
        assert_eq!(mismatch["variants"][0]["sku"], ours);
        assert_eq!(mismatch["listings"][0]["sku"], theirs);
    }
    let cookie = served.sign_in("vera", "viewer").await;
    let page = served.page(&cookie, &one(&theirs)).await;
    assert!(page.contains("<mark") && page.contains("side by side"));
    // The merchant corrects it in Shopify.
    let variants = world.sandbox.shopify.variants();
    let variant = variants
        .iter()
        .find(|v| v.sku.as_ref() == Some(&ours))
        .unwrap();
    world.sandbox.shopify.set_sku(&variant.gid, Some(&theirs));
    let mended = served
        .until("it is linked", &one(&theirs), |p| state(p) == "in-step")
        .await;
    assert!(on(&mended)["mismatches"].as_array().unwrap().is_empty());
    let held = served.skus("state=quarantine", 50).await;
    assert!(!held.contains(&theirs) && !held.contains(&ours));
    let (status, _) = served.api(&served.viewer, &one(&ours), None).await;
    assert_eq!(status, 404, "nobody has the old SKU any more");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sku_is_read_again_and_written_again_when_somebody_asks() {
    let world = World::in_step(60).await;
    world
        .run(&["channel", "set", KEY, "read-back-s=86400"])
        .await
        .code(0);
    world.settle().await;
    let served = Served::on(&world).await;
    let sku = world.story(4).catalogue().linked()[0].to_owned();
    let path = one(&sku);
    let center = &world.sandbox.seller_center;
    let right = offered(&world, &sku);
    let before = served.get(&path).await;
    let pushes = |p: &Value| on(p)["pushes"].as_array().unwrap().len();
    // Somebody else writes there, and nobody looks.
    center.set_quantity(center.product(&sku)[0].id, 777);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(offered(&world, &sku), 777);
    for wanted in [&served.viewer, ""] {
        let (status, problem) = served
            .api(wanted, &format!("{path}/resync"), Some(json!({})))
            .await;
        assert!(matches!(status, 401 | 403), "{problem}");
    }
    let twice = [
        served.post(&format!("{path}/resync")).await,
        served.post(&format!("{path}/resync")).await,
    ];
    for done in twice {
        assert_eq!(done["changed"], true);
        assert!(
            done["said"].as_str().unwrap().contains("THE ICONIC"),
            "{done}"
        );
    }
    let after = served
        .until("it is mended", &path, |p| {
            on(p)["reread_asked_at"].is_null()
                && state(p) == "in-step"
                && pushes(p) > pushes(&before)
        })
        .await;
    assert_eq!(offered(&world, &sku), right);
    let events = on(&after)["timeline"].as_array().unwrap();
    let told = |kind: &str, text: &str| {
        let mut of_kind = events.iter().filter(|e| e["what"] == kind);
        of_kind.any(|e| e["text"].as_str().unwrap().contains(text))
    };
    assert!(
        told("read-again", "operator asked: the channel has 777"),
        "{events:#?}"
    );
    assert!(told("drift", "777"), "{events:#?}");
    // A listing that got another SKU at the channel is noticed though its catalogue is not read.
    let other = "KS-RENAMED 1/Ü";
    center.set_seller_sku(center.product(&sku)[0].id, other);
    served
        .post(&format!("{path}/resync?channel={}", encoded(KEY)))
        .await;
    let lost = served
        .until("the link is gone", &path, |p| state(p) == "only-in-shop")
        .await;
    let why = on(&lost)["why"].as_str().unwrap();
    let wanted = format!("has the SKU \"{other}\" at THE ICONIC now");
    assert!(why.contains(&wanted), "{why}");
    let renamed = served.get(&one(other)).await;
    assert_eq!(state(&renamed), "only-at-channel");
    let unknown = format!("{}/resync", one("no such SKU"));
    let (status, _) = served
        .api(&served.operator, &unknown, Some(json!({})))
        .await;
    assert_eq!(status, 404);
    let elsewhere = format!("{path}/resync?channel=other/m");
    let (status, _) = served
        .api(&served.operator, &elsewhere, Some(json!({})))
        .await;
    assert_eq!(status, 422);
    // The page and the command do the same.
    let cookie = served.sign_in("olga", "operator").await;
    let page = served.page(&cookie, &one(other)).await;
    assert!(page.contains("Read it again"));
    let pressed = served
        .press(&cookie, &format!("{}/resync", one(other)), "")
        .await;
    assert_eq!(pressed.status, 303);
    let back = pressed.header("location").unwrap().to_owned();
    let page = served.page(&cookie, &back).await;
    assert!(page.contains("read again and its number written in the next cycle of THE ICONIC"));
    world
        .run(&["resync", &sku])
        .await
        .code(0)
        .says("read again");
    world.run(&["resync", "no such SKU"]).await.code(2);
    let audit = world.run(&["audit", "--json"]).await.code(0).out;
    assert_eq!(audit.matches("sku.resync").count(), 5, "{audit}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_number_is_tried_again_when_somebody_asks() {
    let world = World::in_step(60).await;
    world
        .run(&["channel", "set", KEY, "read-back-s=86400"])
        .await
        .code(0);
    world.settle().await;
    let served = Served::on(&world).await;
    let sku = world.story(5).catalogue().linked()[0].to_owned();
    let center = &world.sandbox.seller_center;
    let id = center.product(&sku)[0].id;
    let (shopify, location) = (&world.sandbox.shopify, &world.sandbox.locations[0]);
    let path = one(&sku);
    shopify.set_available(&sku, location, 40);
    served
        .until("one is taken", &path, |p| {
            on(p)["pushes"][0]["available"].as_i64() >= Some(40) && state(p) == "in-step"
        })
        .await;
    center.set_product_status(id, "deleted");
    shopify.set_available(&sku, location, 41);
    let refused = served
        .until("it is refused", &path, |p| state(p) == "refused")
        .await;
    assert!(
        on(&refused)["why"]
            .as_str()
            .unwrap()
            .contains("does not take"),
        "{refused:#}"
    );
    assert_eq!(served.skus("state=refused", 5).await, [sku.as_str()]);
    let cookie = served.sign_in("olga", "operator").await;
    let page = served.page(&cookie, &path).await;
    assert!(page.contains("Try the refused number again") && page.contains("point bad"));
    center.set_product_status(id, "active");
    let pressed = served.press(&cookie, &format!("{path}/retry"), "").await;
    assert_eq!(pressed.status, 303);
    let mended = served
        .until("it is there", &path, |p| state(p) == "in-step")
        .await;
    assert_eq!(
        on(&mended)["number"]["to"].as_i64().unwrap(),
        offered(&world, &sku)
    );
    let again = served.post(&format!("{path}/retry")).await;
    assert_eq!(again["changed"], false);
    let (status, _) = served
        .api(&served.viewer, &format!("{path}/retry"), Some(json!({})))
        .await;
    assert_eq!(status, 403);
    served.stop().await;
}

const MANIFEST: &str = include_str!("../../plugins/the-iconic/plugin.toml");

/// The connector for THE ICONIC as its next version would be.
fn next(version: &str, changes: &[(&str, &str)]) -> Vec<u8> {
    let version = format!("version = \"{version}\"");
    let mut manifest = MANIFEST.replacen("version = \"0.1.0\"", &version, 1);
    for (from, to) in changes {
        assert!(manifest.contains(from), "{from}");
        manifest = manifest.replacen(from, to, 1);
    }
    lockstep_pack::embed(lockstep_bundle::THE_ICONIC.to_vec(), manifest.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_asks_for_more_is_shown_granted_and_taken_back() {
    let world = World::in_step(60).await;
    let served = Served::on(&world).await;
    let path = "/plugins/the-iconic";
    let first = served.get(path).await;
    assert_eq!(
        (&first["state"], &first["kind"]),
        (&json!("at-work"), &json!("connector"))
    );
    assert!(first["file"].is_null() && first["previous"].is_null());
    assert_eq!(first["channels"][0]["channel"], KEY);
    let may = first["may"].as_array().unwrap();
    assert!(
        may.iter()
            .any(|m| m.as_str().unwrap().starts_with("do stock (")),
        "{may:?}"
    );
    served
        .until("it works", path, |p| {
            p["figures"]["calls"].as_u64() > Some(0)
                && p["figures"]["memory_peak"].as_u64() > Some(0)
        })
        .await;
    let changes = [
        ("hosts = []", "hosts = [\"files.example.com\"]"),
        (
            "semantics = \"gross-of-reservations\"",
            "semantics = \"sellable\"",
        ),
    ];
    let folder = world.place.join("plugins");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("iconic.wasm"), next("0.2.0", &changes)).unwrap();
    let waiting = served
        .until("it waits", path, |p| p["waits"]["version"] == "0.2.0")
        .await;
    assert_eq!(
        (&waiting["state"], &waiting["version"]),
        (&json!("at-work"), &json!("0.1.0"))
    );
    assert_eq!(waiting["waits"]["asks"], json!(["reach files.example.com"]));
    assert!(waiting["file"].is_null(), "what is at work is built in");
    assert_eq!(waiting["waits"]["file"], "iconic.wasm");
    let differences = waiting["waits"]["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert_eq!(differences[0]["what"], "meaning of a stock number");
    let cookie = served.sign_in("vera", "viewer").await;
    let page = served.page(&cookie, path).await;
    assert!(page.contains("+ reach files.example.com") && page.contains("An admin can grant it"));
    assert!(!page.contains("/grant"));
    let admin = served.sign_in("ada", "admin").await;
    assert!(
        served
            .page(&admin, path)
            .await
            .contains("/plugins/the-iconic/grant")
    );
    assert!(
        served
            .page(&admin, "/plugins")
            .await
            .contains("waits to be granted")
    );
    let digest = waiting["waits"]["digest"].as_str().unwrap();
    let grant = |token: String, digest: String| {
        let served = &served;
        async move {
            let body = json!({"digest": digest});
            served
                .api(&token, "/plugins/the-iconic/grant", Some(body))
                .await
        }
    };
    let (status, _) = grant(served.operator.clone(), digest.to_owned()).await;
    assert_eq!(status, 403);
    let (status, problem) = grant(served.admin.clone(), "0".repeat(64)).await;
    assert_eq!(status, 409, "{problem}");
    let (status, _) = grant(served.admin.clone(), "odd".to_owned()).await;
    assert_eq!(status, 422);
    let (status, done) = grant(served.admin.clone(), digest.to_owned()).await;
    assert_eq!((status, &done["changed"]), (200, &json!(true)), "{done}");
    let (status, done) = grant(served.admin.clone(), digest.to_owned()).await;
    assert_eq!((status, &done["changed"]), (200, &json!(false)), "{done}");
    let granted = served.get(path).await;
    assert_eq!(
        (&granted["version"], &granted["file"]),
        (&json!("0.2.0"), &json!("iconic.wasm"))
    );
    assert!(granted["waits"].is_null());
    assert_eq!(granted["previous"]["version"], "0.1.0");
    assert_eq!(granted["versions"].as_array().unwrap().len(), 2);
    // Back by the page, once: a second press finds another version at work.
    let form = format!("digest={digest}");
    let back = "/plugins/the-iconic/rollback";
    assert_eq!(served.press(&cookie, back, &form).await.status, 403);
    for said in ["is back from", "Not done: another version"] {
        let pressed = served.press(&admin, back, &form).await;
        assert_eq!(pressed.status, 303);
        assert!(served.page(&admin, path).await.contains(said), "{said}");
    }
    let rolled = served.get(path).await;
    assert_eq!(rolled["version"], "0.1.0");
    assert_eq!(rolled["waits"]["version"], "0.2.0");
    // A broken file is a row with the reason.
    std::fs::write(folder.join("torn.wasm"), b"\0asm nonsense").unwrap();
    let list = served
        .until("the broken one is there", "/plugins", |l| {
            let mut items = l["items"].as_array().unwrap().iter();
            items.any(|p| p["id"] == "torn.wasm")
        })
        .await;
    let torn = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["id"] == "torn.wasm");
    assert_eq!(torn.unwrap()["state"], "broken");
    assert!(
        served
            .page(&admin, "/plugins/torn.wasm")
            .await
            .contains("It cannot be used")
    );
    assert_eq!(
        served.api(&served.viewer, "/plugins/none", None).await.0,
        404
    );
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_extra_does_wrong_is_on_its_page() {
    const EXTRA: &str = r#"
        [plugin]
        id = "failing"
        name = "Failing"
        version = "0.1.0"
        generation = "0.1"
        [[setting]]
        key = "do"
        type = "text"
    "#;
    let world = World::in_step(60).await;
    let component = std::fs::read(env!("FAILING_EXTRA")).unwrap();
    let folder = world.place.join("plugins");
    std::fs::create_dir_all(&folder).unwrap();
    let bytes = lockstep_pack::embed(component, EXTRA.as_bytes());
    std::fs::write(folder.join("failing.wasm"), bytes).unwrap();
    let add = ["extra", "add", KEY, "failing", "--set", "do=words"];
    world.run(&add).await.code(0);
    let served = Served::on(&world).await;
    world.story(6).buy_on_channel(1).unwrap();
    let path = "/plugins/failing";
    let plugin = served
        .until("it has failed", path, |p| !p["faults"][0].is_null())
        .await;
    let fault = &plugin["faults"][0];
    assert_eq!(fault["channel"], KEY);
    assert!(
        fault["text"]
            .as_str()
            .unwrap()
            .contains("does not feel like it"),
        "{fault}"
    );
    assert!(plugin["figures"]["faults"].as_u64() >= Some(1));
    assert_eq!(plugin["channels"][0]["extra"], "failing");
    let cookie = served.sign_in("vera", "viewer").await;
    assert!(
        served
            .page(&cookie, path)
            .await
            .contains("does not feel like it")
    );
    let log = served.get("/plugins/failing/log?least=warn").await;
    assert!(log["items"].is_array());
    assert_eq!(
        served
            .api(&served.viewer, "/plugins/failing/log?least=odd", None)
            .await
            .0,
        422
    );
    // Beside the host nothing is known of what it does.
    let told = world
        .run(&["plugin", "inspect", "failing", "--json"])
        .await
        .code(0)
        .out;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert!(told["figures"].is_null());
    assert_eq!(told["settings"][0]["key"], "do");
    served.stop().await;
}
