//! A plugin that breaks every rule, and what the host makes of it: a fault that names plugin, call and limit, while the
//! next call works as if nothing had been.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use lockstep::model::{Account, Exchange, Fault, Key, ParcelOut, State, StockWrite};
use lockstep::net::{Client, ClientOptions};
use lockstep::plugin::{Connector, ConnectorConfig, Credential, Limits, LogLevel, Plugin, Runtime};
use lockstep::trace::Scope;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const MANIFEST: &str = r#"
[plugin]
id = "hostile"
name = "Hostile"
version = "0.1.0"
generation = "0.1"

[endpoint]
base-url = "https://hostile.example"
hosts = ["files.hostile.example"]

[[credential]]
slot = "api"
kind = "oauth-client-credentials"
token-path = "/token"

[[setting]]
key = "do"
type = "text"

[stock]
semantics = "sellable"
batch = 100

[rate]
per-second = 5000
burst = 5000
"#;

const SECRET: &str = "S3cr3t/Ke+strel=";

/// The component, built from `tests/guests/hostile`.
fn component() -> Vec<u8> {
    std::fs::read(env!("HOSTILE_GUEST")).unwrap()
}

fn with_manifest(component: Vec<u8>, manifest: &str) -> Vec<u8> {
    lockstep_pack::embed(component, manifest.as_bytes())
}

fn plugin() -> Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    PLUGIN
        .get_or_init(|| {
            Runtime::new(None)
                .unwrap()
                .load(&with_manifest(component(), MANIFEST))
                .unwrap()
        })
        .clone()
}

/// A marketplace that plays along with whatever a request's path asks for.
struct Market {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    tokens: Arc<AtomicUsize>,
    most_at_once: Arc<AtomicUsize>,
}

impl Market {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let market = Self {
            address,
            seen: Arc::default(),
            tokens: Arc::default(),
            most_at_once: Arc::default(),
        };
        let (seen, tokens, most, now) = (
            market.seen.clone(),
            market.tokens.clone(),
            market.most_at_once.clone(),
            Arc::new(AtomicUsize::new(0)),
        );
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, tokens, most, now) =
                    (seen.clone(), tokens.clone(), most.clone(), now.clone());
                tokio::spawn(async move {
                    let _ = serve(stream, &seen, &tokens, &most, &now).await;
                });
            }
        });
        market
    }

    fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests that came, without those for tokens.
    fn requests(&self) -> Vec<String> {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .filter(|r| !r.contains(" /token "))
            .cloned()
            .collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<String>>,
    tokens: &AtomicUsize,
    most: &AtomicUsize,
    now: &AtomicUsize,
) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let head_end = loop {
            if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            let mut chunk = [0; 4096];
            match stream.read(&mut chunk).await? {
                0 => return Ok(()),
                n => buffer.extend_from_slice(&chunk[..n]),
            }
        };
        let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
        let length = head
            .lines()
            .find_map(|l| {
                l.to_ascii_lowercase()
                    .strip_prefix("content-length:")?
                    .trim()
                    .parse::<usize>()
                    .ok()
            })
            .unwrap_or(0);
        while buffer.len() < head_end + length {
            let mut chunk = [0; 4096];
            let n = stream.read(&mut chunk).await?;
            buffer.extend_from_slice(&chunk[..n]);
        }
        let body = String::from_utf8_lossy(&buffer[head_end..head_end + length]).into_owned();
        buffer.drain(..head_end + length);
        seen.lock().unwrap().push(format!("{head}{body}"));
        let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
        let (status, headers, text) = match path.as_str() {
            "/token" => {
                let n = tokens.fetch_add(1, Ordering::SeqCst);
                (
                    "200 OK",
                    String::new(),
                    format!("{{\"access_token\":\"token-number-{n}\",\"expires_in\":3600}}"),
                )
            }
            "/echo" => (
                "200 OK",
                "x-echo: token-number-0\r\n".into(),
                format!("{head}{body}"),
            ),
            "/echo-the-secret" => (
                "200 OK",
                format!("x-secret: {SECRET}\r\n"),
                format!("plain {SECRET} end"),
            ),
            "/old-token" if head.contains("token-number-0") => {
                ("401 Unauthorized", String::new(), String::new())
            }
            "/never" => ("401 Unauthorized", String::new(), String::new()),
            "/redirect" => (
                "302 Found",
                "location: http://169.254.169.254/latest\r\n".into(),
                String::new(),
            ),
            "/big" => ("200 OK", String::new(), "x".repeat(300_000)),
            "/cut" => return Ok(()),
            "/drip" => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
                    .await?;
                loop {
                    stream.write_all(b"x").await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            "/wait" => {
                tokio::time::sleep(Duration::from_millis(700)).await;
                ("200 OK", String::new(), "late".into())
            }
            number if number.starts_with("/number/") => {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                // The later, the faster: the order of answers is not the order of requests.
                let n: u64 = number[8..].parse().unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(60 - 2 * n)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                ("200 OK", String::new(), format!("n{n}"))
            }
            _ => ("200 OK", String::new(), "fine".into()),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{text}",
            text.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}

fn tight() -> Limits {
    Limits {
        cpu: Duration::from_millis(300),
        wall: Duration::from_secs(3),
        memory: 16 << 20,
        crossing: 1 << 20,
        requests: 50,
        body: 400_000,
        request: Duration::from_secs(10),
        log_lines: 20,
        ..Limits::default()
    }
}

fn config(base: &str, what: &str, limits: Limits, allow_local: bool) -> ConnectorConfig {
    let key = Key::new("kestrel", "hostile");
    let http = Client::new(ClientOptions { allow_local }).unwrap();
    ConnectorConfig {
        settings: BTreeMap::from([("do".to_owned(), what.to_owned())]),
        credentials: BTreeMap::from([(
            "api".to_owned(),
            Credential {
                id: Some(SecretString::from("client")),
                secret: SecretString::from(SECRET),
            },
        )]),
        limits,
        ..ConnectorConfig::new(key, base.parse().unwrap(), http)
    }
}

fn connector_with(market: &Market, what: &str, limits: Limits, allow_local: bool) -> Connector {
    let base = if allow_local {
        market.base()
    } else {
        "https://hostile.example".into()
    };
    plugin()
        .connector(config(&base, what, limits, allow_local))
        .unwrap()
}

fn connector(market: &Market, what: &str) -> Connector {
    connector_with(market, what, tight(), true)
}

async fn identify(what: &str) -> Result<Account, Fault> {
    connector(&Market::start().await, what).identify().await
}

/// The text of a fault that is the plugin's, after checking that it names plugin and call.
fn blamed<T: std::fmt::Debug>(result: Result<T, Fault>, call: &str) -> String {
    match result {
        Err(fault @ Fault::Plugin { .. }) => {
            assert!(fault.may_have_happened());
            let text = fault.to_string();
            assert!(
                text.contains(&format!("plugin hostile, call {call}: ")),
                "{text}"
            );
            text
        }
        other => panic!("not the plugin's fault: {other:?}"),
    }
}

/// What the plugin was told when the host refused its request.
async fn refused(what: &str) -> String {
    let market = Market::start().await;
    match connector(&market, what).identify().await {
        Err(Fault::Other { detail }) => {
            assert!(detail.starts_with("forbidden: "), "{detail}");
            assert_eq!(
                market.requests(),
                Vec::<String>::new(),
                "{what}: something was sent"
            );
            detail
        }
        other => panic!("{what}: not refused: {other:?}"),
    }
}

#[tokio::test]
async fn an_endless_loop_is_ended_and_others_go_on() {
    let market = Market::start().await;
    let (spinning, polite) = (connector(&market, "spin"), connector(&market, ""));
    let start = Instant::now();
    // One thread: the polite one gets its turn only if the other gives way.
    let (spun, polite) = tokio::join!(spinning.identify(), async {
        let account = polite.identify().await;
        (account, start.elapsed())
    });
    let text = blamed(spun, "about.identify");
    assert!(text.contains("processor time"), "{text}");
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(polite.0.unwrap().name, "well-behaved");
    assert!(
        polite.1 < Duration::from_millis(250),
        "it had to wait {:?}",
        polite.1
    );
    assert_eq!(spinning.stats().calls, 1);
    assert_eq!(spinning.stats().faults, 1);
}

#[tokio::test]
async fn memory_is_limited() {
    let text = blamed(identify("hog").await, "about.identify");
    assert!(text.contains("used more than 16 MiB of memory"), "{text}");
}

#[tokio::test]
async fn recursion_ends() {
    let text = blamed(identify("recurse").await, "about.identify");
    assert!(text.contains("stack"), "{text}");
}

#[tokio::test]
async fn a_panic_ends_only_its_call() {
    let text = blamed(identify("trap").await, "about.identify");
    assert!(text.contains("unreachable"), "{text}");
    let market = Market::start().await;
    let c = connector(&market, "trap");
    blamed(c.identify().await, "about.identify");
    blamed(c.listings_by_sku(&["A".into()]).await, "listings.by-sku");
    assert_eq!(
        c.listings_page(None, true).await.unwrap().listings.len(),
        1,
        "the next call works"
    );
}

#[tokio::test]
async fn log_lines_over_the_limit_are_dropped() {
    assert_eq!(identify("log-flood").await.unwrap().name, "done");
    assert_eq!(identify("log-forge").await.unwrap().name, "done");
}

#[tokio::test]
async fn a_flood_of_host_calls_ends() {
    let market = Market::start().await;
    plugin();
    let start = Instant::now();
    blamed(
        connector(&market, "session-flood").identify().await,
        "about.identify",
    );
    assert!(start.elapsed() < Duration::from_secs(3));
    let text = blamed(
        connector(&market, "http-flood").identify().await,
        "about.identify",
    );
    assert!(text.contains("more than 50 "), "{text}");
    assert_eq!(market.requests().len(), 50);
    let text = blamed(
        connector(&market, "http-flood-at-once").identify().await,
        "about.identify",
    );
    assert!(text.contains("more than 50 "), "{text}");
    assert_eq!(market.requests().len(), 50, "none of too many is sent");
}

#[tokio::test]
async fn what_crosses_the_border_is_limited() {
    let text = blamed(identify("big-argument 2000000").await, "about.identify");
    assert!(text.contains("passed more than 1 MiB"), "{text}");
    let text = blamed(identify("big-result 2000000").await, "about.identify");
    assert!(text.contains("passed more than 1 MiB"), "{text}");
    assert_eq!(
        identify("big-result 200000").await.unwrap().name.len(),
        200_000
    );
    let text = blamed(
        connector(&Market::start().await, "listings 20000")
            .listings_page(None, true)
            .await,
        "listings.page",
    );
    assert!(text.contains("passed more than 1 MiB"), "{text}");
}

#[tokio::test]
async fn a_drip_and_a_wait_end_by_the_clock_on_the_wall() {
    let market = Market::start().await;
    let limits = || Limits {
        wall: Duration::from_millis(400),
        ..tight()
    };
    for what in ["get /drip", "get /wait"] {
        let c = connector_with(&market, what, limits(), true);
        let start = Instant::now();
        let text = blamed(c.identify().await, "about.identify");
        assert!(text.contains("took longer than"), "{text}");
        assert!(
            start.elapsed() < Duration::from_millis(1_500),
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn waiting_is_not_billed_as_processor_time() {
    let market = Market::start().await;
    let limits = Limits {
        cpu: Duration::from_millis(200),
        ..tight()
    };
    let account = connector_with(&market, "get /wait", limits, true)
        .identify()
        .await
        .unwrap();
    assert!(account.name.ends_with("late"));
}

#[tokio::test]
async fn answers_are_limited() {
    let market = Market::start().await;
    let limits = Limits {
        body: 100_000,
        ..tight()
    };
    let fault = connector_with(&market, "get /big", limits, true)
        .identify()
        .await
        .unwrap_err();
    assert_eq!(fault.to_string(), "too-large: 100000");
}

#[tokio::test]
async fn hosts_that_are_not_granted() {
    for (url, part) in [
        ("https://evil.example/", "evil.example"),
        ("https://files.hostile.example.evil.example/", "not granted"),
        ("http://files.hostile.example/", "files.hostile.example"),
        ("https://10.0.0.1/", "10.0.0.1"),
        ("https://[::1]/", "::1"),
        ("https://2130706433/", "127.0.0.1"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
        ("file:///etc/passwd", ""),
        ("https://user:password@files.hostile.example/", "user"),
        ("\\\\evil.example/", ""),
    ] {
        let text = refused(&format!("get {url}")).await;
        assert!(text.contains(part), "{url}: {text}");
    }
}

#[tokio::test]
async fn refused_requests_and_faults_are_kept_across_versions() {
    // A runtime of its own: the record of a plugin is shared by all that run it.
    let runtime = Runtime::new(None).unwrap();
    let load = |manifest: &str| runtime.load(&with_manifest(component(), manifest)).unwrap();
    let first = load(MANIFEST);
    let newer = load(&MANIFEST.replace("0.1.0", "0.2.0"));
    for (plugin, what) in [
        (&first, "get https://evil.example/"),
        (&newer, "get https://worse.example/"),
    ] {
        let config = config("https://hostile.example", what, tight(), false);
        let connector = plugin.connector(config).unwrap();
        connector.identify().await.unwrap_err();
    }
    assert_ne!(first.digest(), newer.digest());
    let refused: Vec<String> = (first.log().into_iter())
        .filter(|l| l.level == LogLevel::Refused)
        .map(|l| l.text)
        .collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(
        refused[0].starts_with("the host \"worse.example\" is not granted"),
        "{refused:?}"
    );
    assert!(
        refused[1].starts_with("the host \"evil.example\" is not granted"),
        "{refused:?}"
    );
    assert_eq!(newer.faults().len(), 2);
    assert_eq!((newer.stats().calls, newer.stats().faults), (2, 2));
}

#[tokio::test]
async fn a_path_never_leaves_the_base_url() {
    let market = Market::start().await;
    for path in [
        "//evil.example/x",
        "/@evil.example/x",
        "/../../x",
        "/:80@evil.example",
    ] {
        // Refused, or sent to the market itself.
        let before = market.requests().len();
        match connector(&market, &format!("get {path}")).identify().await {
            Ok(_) => assert_eq!(market.requests().len(), before + 1, "{path} went elsewhere"),
            Err(fault) => assert!(
                fault.to_string().starts_with("forbidden"),
                "{path}: {fault}"
            ),
        }
    }
}

#[tokio::test]
async fn without_the_operators_word_nothing_private_is_reached() {
    let market = Market::start().await;
    for base in [
        format!("http://{}", market.address),
        format!("https://{}", market.address),
        // A name that leads inside: what rebinding comes to.
        format!("https://localhost:{}", market.address.port()),
        "https://10.0.0.1".to_owned(),
        "https://[::ffff:192.168.0.1]".to_owned(),
        "https://[fd00::1]".to_owned(),
        "https://169.254.169.254".to_owned(),
        "https://0.0.0.0".to_owned(),
    ] {
        // Refused when the connector is made, or when it sends.
        match plugin().connector(config(&base, "get /", tight(), false)) {
            Err(e) => assert!(format!("{e:#}").contains("https"), "{e:#}"),
            Ok(c) => {
                let fault = c.identify().await.unwrap_err().to_string();
                assert!(
                    fault.starts_with("forbidden: ") || fault.contains("has no public address"),
                    "{base}: {fault}"
                );
            }
        }
    }
    assert_eq!(market.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn redirects_are_answers() {
    let account = identify("get /redirect").await.unwrap();
    assert_eq!(account.id, "302");
    assert!(
        account
            .name
            .contains("location: http://169.254.169.254/latest"),
        "{}",
        account.name
    );
}

#[tokio::test]
async fn headers_that_are_the_hosts() {
    for name in [
        "Authorization",
        "HOST",
        "cookie",
        "Proxy-Authorization",
        "transfer-encoding",
        "Content-Length",
        "connection",
    ] {
        let text = refused(&format!("header {name} x")).await;
        assert!(text.contains(&name.to_ascii_lowercase()), "{text}");
    }
    for smuggled in [
        "x-a 1\\r\\nauthorization: Bearer x",
        "x-a 1\\n",
        "x-a 1\\0",
        "x-a\\nx-b 1",
        "x:a 1",
    ] {
        refused(&format!("header {smuggled}")).await;
    }
    assert!(
        identify("header x-fine 1; 2")
            .await
            .unwrap()
            .name
            .contains("x-fine: 1; 2")
    );
}

#[tokio::test]
async fn a_secret_never_comes_in() {
    let market = Market::start().await;
    let account = connector(&market, "get-with-credential /echo")
        .identify()
        .await
        .unwrap();
    assert!(
        market.requests()[0].contains("authorization: Bearer token-number-0"),
        "{:?}",
        market.requests()
    );
    assert!(!account.name.contains("token-number-0"), "{}", account.name);
    assert!(
        account.name.contains("authorization: Bearer [secret]")
            && account.name.contains("x-echo: [secret]"),
        "{}",
        account.name
    );

    let account = connector(&market, "get /echo-the-secret")
        .identify()
        .await
        .unwrap();
    assert!(
        account.name.contains("plain [secret] end") && account.name.contains("x-secret: [secret]"),
        "{}",
        account.name
    );
}

#[tokio::test]
async fn a_secret_never_goes_out() {
    let coded = "UzNjcjN0L0tlK3N0cmVsPQ==";
    for what in [
        format!("post {SECRET}"),
        format!("post {coded}"),
        "post S3cr3t%2FKe%2Bstrel%3D".into(),
        format!("header x-a {SECRET}"),
        format!("get /?q={SECRET}"),
    ] {
        let text = refused(&what).await;
        assert!(text.contains("secret") && !text.contains(SECRET), "{text}");
    }
    let fault = identify(&format!("fault {SECRET}"))
        .await
        .unwrap_err()
        .to_string();
    assert!(!fault.contains(SECRET), "{fault}");
}

#[tokio::test]
async fn slots_must_be_in_the_manifest() {
    let text = refused("get-with-unknown-credential /").await;
    assert!(text.contains("\"other\"") && text.contains("api"), "{text}");
}

#[tokio::test]
async fn a_token_is_fetched_once_and_renewed_once() {
    let market = Market::start().await;
    let c = connector(&market, "get-with-credential /echo");
    let together: Vec<_> = (0..3)
        .map(|_| {
            let c = c.clone();
            tokio::spawn(async move { c.identify().await })
        })
        .collect();
    for one in together {
        one.await.unwrap().unwrap();
    }
    assert_eq!(market.tokens.load(Ordering::SeqCst), 1);
    assert!(
        market.seen.lock().unwrap()[0]
            .contains("authorization: Basic Y2xpZW50OlMzY3IzdC9LZStzdHJlbD0=")
    );

    let market = Market::start().await;
    let account = connector(&market, "get-with-credential /old-token")
        .identify()
        .await
        .unwrap();
    assert_eq!(
        (account.id.as_str(), market.tokens.load(Ordering::SeqCst)),
        ("200", 2),
        "a new token, once"
    );

    let market = Market::start().await;
    let account = connector(&market, "get-with-credential /never")
        .identify()
        .await
        .unwrap();
    assert_eq!(
        (
            account.id.as_str(),
            market.tokens.load(Ordering::SeqCst),
            market.requests().len()
        ),
        ("401", 2, 2),
        "and no more than once"
    );
}

/// What is noted while a connector identifies itself.
async fn noted(connector: Connector) -> Vec<Exchange> {
    let kept: Arc<Mutex<Vec<Exchange>>> = Arc::default();
    let book = kept.clone();
    let sink = Box::new(move |rows| book.lock().unwrap().extend(rows));
    let work = async { connector.identify().await };
    let _ = Scope::new("a check", sink).run(work).await;
    std::mem::take(&mut *kept.lock().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_a_call_is_noted_under_what_it_is_made_for() {
    let market = Market::start().await;
    // Several at once run in tasks of their own.
    let rows = noted(connector(&market, "get-all")).await;
    let mut paths: Vec<&str> = rows.iter().filter_map(|e| e.path.as_deref()).collect();
    paths.sort_unstable();
    let mut sent: Vec<String> = (0..20).map(|n| format!("/number/{n}")).collect();
    sent.sort_unstable();
    assert_eq!(paths, sent);
    let well = |e: &Exchange| e.well() && e.call == "about.identify" && e.cause == "a check";
    assert!(rows.iter().all(well), "{rows:?}");
    // One that was given up is noted with why, and so is one that was never sent.
    let limits = Limits {
        wall: Duration::from_millis(400),
        ..tight()
    };
    let slow = connector_with(&market, "get /wait", limits, true);
    for (connector, method, why) in [
        (slow, Some("GET"), "took longer than"),
        (
            connector(&market, "get https://elsewhere.example/"),
            None,
            "is not granted",
        ),
    ] {
        let rows = noted(connector).await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        let (row, error) = (&rows[0], rows[0].error.as_deref().unwrap_or(""));
        assert_eq!(
            (row.method.as_deref(), row.status),
            (method, None),
            "{row:?}"
        );
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn several_at_once_answer_in_order() {
    let market = Market::start().await;
    let account = connector(&market, "get-all").identify().await.unwrap();
    let expected: Vec<String> = (0..20)
        .map(|n| format!("n{n}"))
        .chain(["refused".to_owned()])
        .collect();
    assert_eq!(account.name, expected.join(" "));
    let most = market.most_at_once.load(Ordering::SeqCst);
    assert!((2..=8).contains(&most), "{most} at once");
}

#[tokio::test]
async fn a_broken_write_may_have_happened() {
    let market = Market::start().await;
    let write = [StockWrite {
        listing: "1".into(),
        parent: None,
        sku: None,
        quantity: 1,
        facts: vec![],
    }];
    let trapped = blamed(
        connector(&market, "write-then-trap")
            .stock_push(&write)
            .await,
        "stock.push",
    );
    assert!(trapped.contains("unreachable"), "{trapped}");
    let spun = blamed(
        connector(&market, "write-then-spin")
            .stock_push(&write)
            .await,
        "stock.push",
    );
    assert!(spun.contains("processor time"), "{spun}");
    assert_eq!(market.requests().len(), 2, "both were sent");
    let few = blamed(
        connector(&market, "too-few-outcomes")
            .stock_push(&write)
            .await,
        "stock.push",
    );
    assert!(few.contains('0') && few.contains('1'), "{few}");
}

#[tokio::test]
async fn a_lost_write_is_not_called_unavailable() {
    let market = Market::start().await;
    let write = [StockWrite {
        listing: "1".into(),
        parent: None,
        sku: None,
        quantity: 1,
        facts: vec![],
    }];
    let lost = connector(&market, "lose-a-write")
        .stock_push(&write)
        .await
        .unwrap_err();
    assert!(lost.may_have_happened(), "{lost:?}");
    let read = connector(&market, "lose-a-read")
        .stock_push(&write)
        .await
        .unwrap_err();
    assert!(read.to_string().starts_with("unavailable: "), "{read}");
}

#[tokio::test]
async fn one_bad_order_does_not_lose_its_page() {
    let market = Market::start().await;
    for (what, part) in [
        ("bad-placed-at yesterday", "placed-at"),
        ("bad-placed-at 2026-03-08 23:41:07", "placed-at"),
        ("bad-placed-at 2026-03-08T23:41:07+10:00", "placed-at"),
        ("bad-money 12,50", "paid-unit"),
        ("bad-money 1e3", "paid-unit"),
        ("bad-money .5", "paid-unit"),
        ("bad-currency dollars", "goods"),
        ("bad-ship-by soon", "ship-by"),
        ("line-twice", "lines[1]"),
    ] {
        let page = connector(&market, what)
            .orders_changed("2026-03-08T23:41:07Z".parse().unwrap(), None)
            .await
            .unwrap();
        assert_eq!(page.orders.len(), 3, "{what}");
        let bad = &page.orders[1];
        assert_eq!(
            (bad.id.as_str(), bad.number.as_str(), bad.lines.len()),
            ("2", "N2", 0),
            "{what}"
        );
        let State::Other(why) = &bad.state else {
            panic!("{what}: {:?}", bad.state)
        };
        assert!(why.contains(part), "{what}: {why}");
        for good in [&page.orders[0], &page.orders[2]] {
            assert_eq!((good.state.clone(), good.lines.len()), (State::Open, 1));
            assert_eq!(good.placed_at.to_string(), "2026-03-08T23:41:07Z");
        }
    }
    let text = blamed(
        connector(&market, "order-without-id")
            .orders_changed("2026-03-08T23:41:07Z".parse().unwrap(), None)
            .await,
        "orders.changed",
    );
    assert!(text.contains("id"), "{text}");
}

#[tokio::test]
async fn listings_that_cannot_be_named_or_priced() {
    let market = Market::start().await;
    let page = connector(&market, "listing-with-bad-price")
        .listings_page(None, true)
        .await
        .unwrap();
    assert_eq!(
        (page.listings[0].price.clone(), page.listings[0].quantity),
        (None, Some(1)),
        "a price is only shown"
    );
    blamed(
        connector(&market, "listing-without-id")
            .listings_page(None, true)
            .await,
        "listings.page",
    );
    blamed(
        connector(&market, "no-id").identify().await,
        "about.identify",
    );
}

#[tokio::test]
async fn the_session_tells_facts() {
    let account = identify("random").await.unwrap();
    assert_eq!(account.id, "65536");
    assert!(
        account.name.len() == 24 && account.name.ends_with('Z'),
        "{}",
        account.name
    );
    assert_eq!(
        identify("setting do").await.unwrap().name,
        "Some(\"setting do\") \"kestrel/hostile\""
    );
    assert!(
        identify("setting other")
            .await
            .unwrap()
            .name
            .starts_with("None")
    );
}

#[tokio::test]
async fn what_it_cannot_do_is_said() {
    // The connector for THE ICONIC has no order to accept.
    let plugin = Runtime::new(None)
        .unwrap()
        .load(lockstep_bundle::THE_ICONIC);
    let c = plugin
        .unwrap()
        .connector(ConnectorConfig {
            settings: BTreeMap::new(),
            ..config(&Market::start().await.base(), "", tight(), true)
        })
        .unwrap();
    let fault = c.decide("1", &[]).await.unwrap_err().to_string();
    assert!(
        fault.contains("the-iconic") && fault.contains("acceptance"),
        "{fault}"
    );
    assert!(!c.capabilities().contains(&"acceptance"));
}

#[tokio::test]
async fn a_trap_in_any_function_ends_only_that_call() {
    let c = connector(&Market::start().await, "trap-everywhere");
    let at = jiff::Timestamp::UNIX_EPOCH;
    let parcel = ParcelOut {
        id: "1".into(),
        number: 1,
        last: true,
        order: "1".into(),
        lines: vec![],
        carrier: lockstep::model::Carrier {
            code: None,
            name: None,
            tracking_required: None,
            tracking_pattern: None,
            books_itself: None,
            usable: true,
        },
        tracking: None,
        tracking_url: None,
        shipped_at: at,
    };
    blamed(c.identify().await, "about.identify");
    blamed(c.listings_page(None, true).await, "listings.page");
    blamed(c.listings_by_id(&["A".into()]).await, "listings.by-id");
    blamed(c.listings_by_sku(&["A".into()]).await, "listings.by-sku");
    blamed(c.stock_push(&[]).await, "stock.push");
    blamed(c.stock_settle("1").await, "stock.settle");
    blamed(c.orders_changed(at, None).await, "orders.changed");
    blamed(c.orders_by_id(&["1".into()]).await, "orders.by-id");
    blamed(c.decide("1", &[]).await, "acceptance.decide");
    blamed(c.carriers().await, "fulfillments.carriers");
    blamed(c.prepare(&parcel).await, "fulfillments.prepare");
    blamed(c.ship(&parcel).await, "fulfillments.ship");
    blamed(c.reasons().await, "cancellations.reasons");
    blamed(c.cancel(&[]).await, "cancellations.cancel");
    blamed(c.webhooks().await, "webhooks.list");
    blamed(
        c.webhook_ensure("https://a.example").await,
        "webhooks.ensure",
    );
    blamed(c.webhook_remove("1").await, "webhooks.remove");
    blamed(c.webhook_parse(&[], b"").await, "webhooks.parse");
    assert_eq!((c.stats().calls, c.stats().broken), (18, 18));
}

#[tokio::test]
async fn what_was_not_asked_for_is_left_out() {
    let c = connector(&Market::start().await, "answer-others");
    let orders = c.orders_by_id(&["1".into()]).await.unwrap();
    let ids: Vec<&str> = orders.iter().map(|o| o.id.as_str()).collect();
    assert_eq!(ids, ["1"]);
    let listings = c.listings_by_id(&["unknown".into()]).await.unwrap();
    assert!(listings.is_empty(), "{listings:?}");
}

#[test]
fn files_that_are_no_plugins() {
    let runtime = Runtime::new(None).unwrap();
    let refuse = |bytes: &[u8], part: &str| {
        let error = format!("{:#}", runtime.load(bytes).err().unwrap());
        assert!(error.contains(part), "{part} not in: {error}");
    };
    refuse(b"", "");
    refuse(b"MZ not wasm", "");
    refuse(&[0, b'a', b's', b'm', 1, 0, 0, 0], "core module");
    refuse(
        &with_manifest(vec![0, b'a', b's', b'm', 0x0d, 0, 1, 0], MANIFEST),
        "about",
    );
    refuse(&component(), "lockstep:manifest");
    refuse(
        &with_manifest(component(), &MANIFEST.replace("\"0.1\"", "\"0.9\"")),
        "0.9",
    );
    refuse(
        &with_manifest(
            component(),
            &MANIFEST.replace("batch = 100", "batch = 100\nbach = 1"),
        ),
        "bach",
    );
    let mut damaged = with_manifest(component(), MANIFEST);
    damaged.truncate(damaged.len() / 2);
    refuse(&damaged, "");
}

#[test]
fn compiled_code_is_kept_for_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let bytes = with_manifest(component(), MANIFEST);
    let first = Runtime::new(Some(cache.clone()))
        .unwrap()
        .load(&bytes)
        .unwrap();
    let kept: Vec<_> = std::fs::read_dir(&cache)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert_eq!(kept.len(), 1);
    assert!(
        kept[0]
            .file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with(first.digest())
    );
    // Damaged, it is made anew.
    std::fs::write(&kept[0], b"damaged").unwrap();
    Runtime::new(Some(cache)).unwrap().load(&bytes).unwrap();
    assert!(std::fs::metadata(&kept[0]).unwrap().len() > 10_000);
}

#[tokio::test]
async fn settings_and_credentials_are_checked_when_a_connector_is_made() {
    let make = |settings: &[(&str, &str)], credentials: BTreeMap<String, Credential>| {
        let made = plugin().connector(ConnectorConfig {
            settings: settings
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            credentials,
            ..config("https://hostile.example", "", tight(), false)
        });
        format!("{:#}", made.err().unwrap())
    };
    let slot = |id: Option<&str>| {
        BTreeMap::from([(
            "api".to_owned(),
            Credential {
                id: id.map(SecretString::from),
                secret: SecretString::from(SECRET),
            },
        )])
    };
    for (error, parts) in [
        (
            make(&[("dance", "x")], slot(Some("client"))),
            ["kestrel/hostile", "dance"],
        ),
        (make(&[], BTreeMap::new()), ["kestrel/hostile", "\"api\""]),
        (make(&[], slot(None)), ["\"api\"", "id"]),
    ] {
        assert!(parts.iter().all(|p| error.contains(p)), "{error}");
    }
}
