//! The pages and the API as a whole: who may what, which way in, and what an attacker finds.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::json;

use crate::served::Served;
use crate::world::{KEY, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_link_works_once_and_names_nobody_twice() {
    let world = World::bare(20).await;
    world.run(&["init"]).await.code(0);
    let served = Served::start(&world).await;
    let link = served.first_link.clone().expect("nobody can sign in yet");
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let send = |password: &'static str| {
        http.post(&link)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("name=ada&password={password}&again={password}"))
            .send()
    };
    assert_eq!(send("short").await.unwrap().status(), 422);
    assert_eq!(send("long-enough-for-this").await.unwrap().status(), 303);
    // Used up: whoever finds it in a log gets nowhere.
    assert_eq!(send("long-enough-for-that").await.unwrap().status(), 404);
    assert_eq!(http.get(&link).send().await.unwrap().status(), 404);
    // In the database there are digests only.
    let db = rusqlite::Connection::open(world.place.join("lockstep.db")).unwrap();
    let hash: String = db
        .query_row("select password from person", [], |r| r.get(0))
        .unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    let token = link.rsplit('/').next().unwrap();
    let ran = world.run(&["export"]).await.code(0);
    assert!(!ran.out.contains(token) && !ran.out.contains("argon2id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_act_takes_its_role_and_is_on_record() {
    let world = World::in_step(20).await;
    let served = Served::start(&world).await;
    let (viewer, operator, admin) = (
        served.token(&world, "viewer").await,
        served.token(&world, "operator").await,
        served.token(&world, "admin").await,
    );
    let channel = format!("/api/v1/channels/{KEY}");
    let acts = [
        ("operator", "POST", format!("{channel}/pause"), None),
        ("operator", "POST", format!("{channel}/resume"), None),
        ("operator", "POST", format!("{channel}/sync"), None),
        (
            "admin",
            "POST",
            format!("{channel}/settings"),
            Some(json!({"settings": {"buffer": "1"}})),
        ),
        ("admin", "GET", "/api/v1/audit".to_owned(), None),
        (
            "admin",
            "POST",
            "/api/v1/people".to_owned(),
            Some(json!({"name": "grace", "role": "viewer"})),
        ),
    ];
    for (role, method, path, body) in acts {
        let (status, problem) = viewer.call(method, &path, body.clone()).await;
        assert_eq!(status, 403, "{path} as viewer");
        assert_eq!(problem["detail"], format!("This takes the role {role}."));
        let (status, _) = operator.call(method, &path, body.clone()).await;
        assert_eq!(status == 200, role == "operator", "{path} as operator");
        if role == "admin" {
            let (status, answer) = admin.call(method, &path, body).await;
            assert_eq!(status, 200, "{path} as admin: {answer}");
        }
    }
    // Nobody, and somebody with a made-up token.
    let nobody = reqwest::Client::new();
    for header in [None, Some("Bearer lockstep_x"), Some("Basic YTpi")] {
        let mut request = nobody.get(format!("{}/api/v1/overview", served.url));
        if let Some(header) = header {
            request = request.header("authorization", header);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401, "{header:?}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    let (_, audit) = admin.call("GET", "/api/v1/audit", None).await;
    let told: Vec<(&str, &str, &str)> = (audit["items"].as_array().unwrap().iter())
        .map(|a| {
            let text = |name: &str| a[name].as_str().unwrap();
            (text("actor"), text("via"), text("action"))
        })
        .collect();
    assert!(told.contains(&("test-operator", "api", "channel.state")));
    assert!(told.contains(&("test-admin", "api", "channel.set")));
    assert!(told.contains(&("test-admin", "api", "person.invite")));
    world.run(&["audit"]).await.code(0).says("channel.approve");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_and_a_name_that_points_here_are_turned_away() {
    let world = World::in_step(20).await;
    let served = Served::start(&world).await;
    let admin = served.sign_in(&world, "admin").await;
    let (name, cookie) = admin.header();
    let act = |header: (&'static str, &'static str)| {
        admin
            .http
            .post(format!("{}/channels/{KEY}/act", served.url))
            .header(name, cookie)
            .header(header.0, header.1)
            .header("content-type", "application/x-www-form-urlencoded")
            .body("act=pause")
            .send()
    };
    for header in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_eq!(act(header).await.unwrap().status(), 403, "{header:?}");
    }
    assert_eq!(act(("host", "evil.example")).await.unwrap().status(), 421);
    assert_eq!(
        act(("sec-fetch-site", "same-origin"))
            .await
            .unwrap()
            .status(),
        303
    );
    world.run(&["status"]).await.says("paused");
    // A public address is known from the next start on.
    let set = ["setting", "set", "public-url", "https://lockstep.example"];
    world.run(&set).await.code(0);
    served.end().await;
    let served = Served::start(&world).await;
    assert_eq!(served.url, "https://lockstep.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_learns_whether_all_is_well() {
    let world = World::in_step(20).await;
    let served = Served::start(&world).await;
    let viewer = served.token(&world, "viewer").await;
    let http = reqwest::Client::new();
    let open = |path: &str| http.get(format!("{}{path}", served.url)).send();
    assert_eq!(open("/healthz").await.unwrap().status(), 200);
    let mut ready = open("/readyz").await.unwrap().status();
    for _ in 0..50 {
        if ready == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        ready = open("/readyz").await.unwrap().status();
    }
    assert_eq!(ready, 200);
    // Figures are the merchant's: they take a token.
    assert_eq!(open("/metrics").await.unwrap().status(), 401);
    let (status, text) = viewer.get("/metrics").await;
    assert_eq!(status, 200);
    assert!(text.contains("lockstep_channel_up{"), "{text}");
}

/// Throws what its description allows, and what it does not, at every call of the API.
#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_server_error_and_nothing_undocumented() {
    let tool =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/schemathesis/bin/schemathesis");
    if !tool.exists() {
        let why = anyhow::anyhow!("`cargo xtask test` installs it");
        crate::skipped("schemathesis", &why);
        return;
    }
    let world = World::in_step(30).await;
    let mut story = world.story(3);
    for pieces in 1..=3 {
        story.buy_on_channel(pieces).unwrap();
    }
    world.settle().await;
    let served = Served::start(&world).await;
    let admin = served.token(&world, "admin").await;
    // That the other side does not answer is a documented answer. Only what is refused before anybody is asked is sent
    // to the call that asks an address of the caller's: an invented one may be somebody's.
    const CONFIG: &str = r#"
        [checks.not_a_server_error]
        expected-statuses = ["2xx", "3xx", "4xx", 502]
        [[operations]]
        include-name = "POST /api/v1/shops"
        [operations.generation]
        mode = "negative"
    "#;
    std::fs::write(world.data.path().join("schemathesis.toml"), CONFIG).unwrap();
    let ran = tokio::process::Command::new(tool)
        .current_dir(world.data.path())
        .args(["run", &format!("{}/api/openapi.json", served.url)])
        .args(["--header", &format!("Authorization: {}", admin.header().1)])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "25", "--seed", "1", "--continue-on-failure"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .stdin(Stdio::null())
        .output()
        .await
        .expect("schemathesis starts");
    let out = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success(),
        "{out}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    // It did reach the calls.
    assert!(out.contains("passed"), "{out}");
}
