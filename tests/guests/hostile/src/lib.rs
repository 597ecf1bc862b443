//! A connector that breaks every rule it is told to break. The setting `do` says which: a word, and behind a blank
//! what the word needs.

wit_bindgen::generate!({
    path: "../../../wit",
    inline: r#"
        package lockstep:hostile;
        world hostile {
            include lockstep:plugin/with-about@0.1.0;
            include lockstep:plugin/with-listings@0.1.0;
            include lockstep:plugin/with-stock@0.1.0;
            include lockstep:plugin/with-orders@0.1.0;
            include lockstep:plugin/with-acceptance@0.1.0;
            include lockstep:plugin/with-fulfillments@0.1.0;
            include lockstep:plugin/with-cancellations@0.1.0;
            include lockstep:plugin/with-webhooks@0.1.0;
        }
    "#,
    world: "lockstep:hostile/hostile",
    generate_all,
});

mod samples;

use exports::lockstep::plugin::{
    about, acceptance, cancellations, fulfillments, listings, orders, stock, webhooks,
};
use lockstep::plugin::types::{Account, Backoff, Fault, Listing, Order};
use lockstep::plugin::{http, session};

struct Hostile;

export!(Hostile);

fn told() -> (String, String) {
    let told = session::setting("do").unwrap_or_default();
    match told.split_once(' ') {
        Some((word, rest)) => (word.to_owned(), rest.to_owned()),
        None => (told, String::new()),
    }
}

/// Stops here when it was told to trap in every function.
fn entered() {
    if told().0 == "trap-everywhere" {
        panic!("on purpose")
    }
}

fn request(url: &str) -> http::Request {
    http::Request {
        method: http::Method::Get,
        url: url.to_owned(),
        headers: Vec::new(),
        body: None,
        credential: None,
        writes: false,
    }
}

fn explain(error: http::Error) -> Fault {
    Fault::Other(match error {
        http::Error::Forbidden(why) => format!("forbidden: {why}"),
        http::Error::Auth(why) => format!("auth: {why}"),
        http::Error::Unavailable(why) => format!("unavailable: {why}"),
        http::Error::OutcomeUnknown(why) => format!("outcome-unknown: {why}"),
        http::Error::TooLarge(limit) => format!("too-large: {limit}"),
        http::Error::Throttled(wait) => format!("throttled: {wait}"),
    })
}

/// An answer as an account: status, headers and body can be seen from outside.
fn show(answer: &http::Response) -> Account {
    let headers: Vec<String> = answer
        .headers
        .iter()
        .map(|h| format!("{}: {}", h.name, h.value))
        .collect();
    account(
        &answer.status.to_string(),
        &format!(
            "{}\n{}",
            headers.join("\n"),
            String::from_utf8_lossy(&answer.body)
        ),
    )
}

fn account(id: &str, name: &str) -> Account {
    Account {
        id: id.into(),
        name: name.into(),
        native_state: None,
        selling: None,
        currency: None,
        facts: Vec::new(),
    }
}

/// Without locals in memory, so that the host's stack is what ends.
#[inline(never)]
fn recurse(depth: u64) -> u64 {
    if depth == u64::MAX {
        0
    } else {
        recurse(depth + 1).wrapping_mul(3) ^ depth
    }
}

fn spin() -> ! {
    let mut n = 0u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

impl about::Guest for Hostile {
    fn identify() -> Result<Account, Fault> {
        entered();
        let (word, rest) = told();
        let mut ask = request(&rest);
        match word.as_str() {
            "spin" => spin(),
            "hog" => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(std::hint::black_box(vec![1u8; 1 << 20]));
                }
            }
            "recurse" => return Ok(account(&recurse(0).to_string(), "")),
            "trap" => panic!("on purpose"),
            "log-flood" => {
                for n in 0..5_000 {
                    session::log(session::Level::Debug, &format!("line {n}"));
                }
            }
            "log-forge" => {
                session::log(session::Level::Info, &format!("fine\nERROR forged {rest}"))
            }
            "session-flood" => loop {
                session::now();
            },
            "http-flood" => loop {
                let _ = http::send(&request("/ok"));
            },
            "http-flood-at-once" => {
                let many: Vec<http::Request> = (0..100).map(|_| request("/ok")).collect();
                http::send_all(&many);
            }
            "big-argument" => session::log(
                session::Level::Debug,
                &"x".repeat(rest.parse().unwrap_or(0)),
            ),
            "big-result" => return Ok(account("1", &"x".repeat(rest.parse().unwrap_or(0)))),
            "no-id" => return Ok(account("", "nobody")),
            "random" => {
                return Ok(account(
                    &session::random_bytes(u32::MAX).len().to_string(),
                    &session::now(),
                ));
            }
            "setting" => {
                return Ok(account(
                    "1",
                    &format!("{:?} {:?}", session::setting(&rest), session::channel()),
                ));
            }
            "fault" => return Err(Fault::Other(rest)),
            "get" => {}
            "get-with-credential" => ask.credential = Some("api".into()),
            "get-with-unknown-credential" => ask.credential = Some("other".into()),
            "post" => {
                ask = request("/echo");
                ask.method = http::Method::Post;
                ask.body = Some(rest.clone().into_bytes());
            }
            "header" => {
                ask = request("/echo");
                let (name, value) = rest.split_once(' ').unwrap_or((&rest, ""));
                let value = value
                    .replace("\\r", "\r")
                    .replace("\\n", "\n")
                    .replace("\\0", "\0");
                ask.headers = vec![http::Header {
                    name: name.replace("\\n", "\n"),
                    value,
                }];
            }
            "get-all" => {
                let many: Vec<http::Request> = (0..20)
                    .map(|n| request(&format!("/number/{n}")))
                    .chain([request("https://elsewhere.example/")])
                    .collect();
                let told: Vec<String> = http::send_all(&many)
                    .into_iter()
                    .map(|a| {
                        a.map_or_else(
                            |_| "refused".into(),
                            |a| String::from_utf8_lossy(&a.body).into_owned(),
                        )
                    })
                    .collect();
                return Ok(account("1", &told.join(" ")));
            }
            _ => return Ok(account("1", "well-behaved")),
        }
        if ask.url.is_empty() {
            return Ok(account("1", "done"));
        }
        http::send(&ask).map(|a| show(&a)).map_err(explain)
    }
}

impl listings::Guest for Hostile {
    fn page(_: Option<String>, _: bool) -> Result<listings::ListingPage, Fault> {
        entered();
        let (word, rest) = told();
        let count = if word == "listings" {
            rest.parse().unwrap_or(1)
        } else {
            1
        };
        let mut listings: Vec<Listing> = (0..count).map(samples::listing).collect();
        if word == "listing-with-bad-price" {
            listings[0].price = Some(samples::money("12,50", "AUD"));
        }
        if word == "listing-without-id" {
            listings[0].id.clear();
        }
        Ok(listings::ListingPage {
            listings,
            next: None,
            wait_ms: None,
        })
    }

    fn by_id(_: Vec<String>) -> Result<Vec<Listing>, Fault> {
        entered();
        match told().0.as_str() {
            "answer-others" => Ok((0..3).map(samples::listing).collect()),
            _ => spin(),
        }
    }

    fn by_sku(_: Vec<String>) -> Result<Vec<Listing>, Fault> {
        panic!("on purpose")
    }
}

impl stock::Guest for Hostile {
    fn push(levels: Vec<stock::Level>) -> Result<Vec<stock::Outcome>, Fault> {
        entered();
        let (word, _) = told();
        let mut write = request("/write");
        write.method = http::Method::Post;
        write.writes = true;
        match word.as_str() {
            "write-then-trap" => {
                let _ = http::send(&write);
                panic!("on purpose")
            }
            "write-then-spin" => {
                let _ = http::send(&write);
                spin()
            }
            // A lie: the write was sent, and nobody knows what became of it.
            "lose-a-write" => {
                write.url = "/cut".into();
                match http::send(&write) {
                    Err(http::Error::OutcomeUnknown(detail)) => Err(Fault::Unavailable(Backoff {
                        retry_after_ms: None,
                        detail,
                    })),
                    other => Err(Fault::Rejected(lockstep::plugin::types::Rejection {
                        code: None,
                        detail: format!("{other:?}"),
                    })),
                }
            }
            "lose-a-read" => {
                write.url = "/cut".into();
                write.writes = false;
                http::send(&write).map(|_| Vec::new()).map_err(explain)
            }
            "too-few-outcomes" => Ok(Vec::new()),
            _ => Ok(levels.iter().map(|_| stock::Outcome::Applied).collect()),
        }
    }

    fn settle(_: String) -> Result<stock::Settlement, Fault> {
        entered();
        Ok(stock::Settlement {
            done: None,
            poll_after_ms: Some(1),
        })
    }
}

impl orders::Guest for Hostile {
    fn changed(since: String, _: Option<String>) -> Result<orders::OrderPage, Fault> {
        entered();
        let (word, rest) = told();
        let mut orders = vec![
            samples::order("1", &since),
            samples::order("2", &since),
            samples::order("3", &since),
        ];
        let bad = &mut orders[1];
        match word.as_str() {
            "bad-placed-at" => bad.placed_at = rest,
            "bad-money" => bad.lines[0].paid_unit = Some(samples::money(&rest, "AUD")),
            "bad-currency" => bad.lines[0].goods = Some(samples::money("1", &rest)),
            "bad-ship-by" => {
                bad.ship_by = Some(lockstep::plugin::types::Window {
                    earliest: None,
                    latest: Some(rest),
                })
            }
            "line-twice" => {
                let again = bad.lines[0].clone();
                bad.lines.push(again);
            }
            "order-without-id" => bad.id.clear(),
            _ => {}
        }
        Ok(orders::OrderPage {
            orders,
            next: None,
            wait_ms: None,
        })
    }

    fn by_id(_: Vec<String>) -> Result<Vec<Order>, Fault> {
        entered();
        let others = || samples::order("of another seller", "2026-01-01T00:00:00Z");
        Ok(match told().0.as_str() {
            "answer-others" => vec![samples::order("1", "2026-01-01T00:00:00Z"), others()],
            _ => Vec::new(),
        })
    }
}

impl acceptance::Guest for Hostile {
    fn decide(_: String, _: Vec<acceptance::Decision>) -> Result<(), Fault> {
        entered();
        Ok(())
    }
}

impl fulfillments::Guest for Hostile {
    fn carriers() -> Result<Vec<fulfillments::CarrierEntry>, Fault> {
        entered();
        Ok(Vec::new())
    }

    fn prepare(_: fulfillments::Parcel) -> Result<fulfillments::Sent, Fault> {
        entered();
        spin()
    }

    fn ship(_: fulfillments::Parcel) -> Result<fulfillments::Sent, Fault> {
        entered();
        spin()
    }
}

impl cancellations::Guest for Hostile {
    fn reasons() -> Result<Vec<cancellations::ReasonEntry>, Fault> {
        entered();
        Ok(Vec::new())
    }

    fn cancel(_: Vec<cancellations::Drop>) -> Result<cancellations::Dropped, Fault> {
        entered();
        spin()
    }
}

impl webhooks::Guest for Hostile {
    fn list() -> Result<Vec<webhooks::Subscription>, Fault> {
        entered();
        Ok(Vec::new())
    }

    fn ensure(_: String) -> Result<webhooks::Subscription, Fault> {
        entered();
        spin()
    }

    fn remove(_: String) -> Result<(), Fault> {
        entered();
        spin()
    }

    fn parse(_: Vec<http::Header>, _: Vec<u8>) -> Result<Vec<webhooks::Hint>, Fault> {
        entered();
        spin()
    }
}
