//! Who is told of what needs a person: the real binary, a real SMTP server, a real webhook.

use std::time::Duration;

use axum::http::StatusCode;
use lockstep_sandbox::story::Packing;
use serde_json::Value;
use tokio::process::Child;

use crate::mailbox::{Hook, Mailbox, PASSWORD, USER, WRONG, until};
use crate::world::{KEY, Ran, World};

/// So long nothing may come where nothing is to come: two looks, and what is gathered.
const SILENCE: Duration = Duration::from_secs(9);

impl World {
    async fn json(&self, args: &[&str]) -> Value {
        let ran = self.run(&[args, &["--json"]].concat()).await;
        serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}:\n{}", ran.all()))
    }

    async fn add_mail(&self, mailbox: &Mailbox, password: &str) -> Ran {
        let port = mailbox.port.to_string();
        let args = [
            "notify",
            "add-email",
            "ops",
            "--server",
            "127.0.0.1",
            "--port",
            &port,
            "--tls",
            "none",
            "--username",
            USER,
            "--from",
            "Lockstep <lockstep@kestrel.example>",
            "--to",
            "ann@kestrel.example",
            "--group-s",
            "4",
            "--tell-resolved",
        ];
        self.run_with(&args, ("LOCKSTEP_NOTIFY_SECRET", password))
            .await
    }

    /// Adds a webhook that is signed, and answers its secret.
    async fn add_hook(&self, name: &str, hook: &Hook) -> String {
        let args = [
            "notify",
            "add-webhook",
            name,
            "--url",
            &hook.url,
            "--allow-local",
            "--sign",
            "--group-s",
            "1",
        ];
        let added = self.json(&args).await;
        added["secret"]
            .as_str()
            .expect("it is made and shown")
            .to_owned()
    }

    /// The open alerts of a kind.
    async fn open(&self, kind: &str) -> Vec<Value> {
        let all = self
            .json(&["alert", "list", "--state", "open", "--kind", kind])
            .await;
        all.as_array().unwrap().clone()
    }
}

async fn end(mut host: Child) {
    let pid = host.id().expect("it runs").to_string();
    let kill = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(kill.unwrap().success());
    let over = tokio::time::timeout(Duration::from_secs(30), host.wait()).await;
    assert!(over.expect("it ends").unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn five_refused_parcels_are_one_mail_and_who_knows_is_left_alone() {
    let world = World::in_step(60).await;
    let (mailbox, hook) = (Mailbox::open().await, Hook::open().await);
    world.add_mail(&mailbox, PASSWORD).await.code(0);
    world
        .run(&["channel", "set", KEY, "late-fee=20.00"])
        .await
        .code(0);
    world
        .sandbox
        .seller_center
        .switches(|s| s.tracking_max_length = 3);
    let mut story = world.story(7);
    let mut numbers = Vec::new();
    for _ in 0..5 {
        numbers.push(story.buy_on_channel(1).unwrap().0.number);
    }
    world.settle().await;
    for number in &numbers {
        story.pack(number, Packing::Whole).unwrap();
    }
    let host = world.start(&["run"]);
    let mail = until("the mail", || mailbox.mails().pop()).await;
    tokio::time::sleep(SILENCE).await;
    assert_eq!(
        mailbox.mails().len(),
        1,
        "one mail:\n{}",
        mailbox.mails().join("\n")
    );
    assert!(
        mail.contains("Subject: Lockstep: 5 things need you (kestrel/the-iconic)"),
        "{mail}"
    );
    for number in &numbers {
        assert!(
            mail.contains(&format!("of order {number}\n")),
            "{number}:\n{mail}"
        );
    }
    for part in [
        "Why:   The channel refuses it",
        "Do:    Correct",
        "Costs: 20.00 AUD",
        "By:    ",
    ] {
        assert!(mail.contains(part), "\"{part}\":\n{mail}");
    }

    // Whoever says that they know is left alone, and so is everybody who comes after.
    let open = world.open("fulfillment-refused").await;
    assert_eq!(open.len(), 5);
    let ids: Vec<String> = open.iter().map(|a| a["id"].to_string()).collect();
    let ack = [
        &["alert", "ack", "--note", "on it"][..],
        &ids.iter().map(String::as_str).collect::<Vec<_>>(),
    ]
    .concat();
    world.run(&ack).await.code(0).says("is acknowledged");
    world.run(&["alert", "list"]).await.code(0).says("on it");
    world.add_hook("chat", &hook).await;
    tokio::time::sleep(SILENCE).await;
    assert!(hook.posted().is_empty());
    world.run(&["alert", "unack", &ids[0]]).await.code(0);
    let told = until("the webhook", || hook.posted().pop()).await.json();
    assert_eq!(
        told["data"]["alerts"].as_array().unwrap().len(),
        1,
        "{told}"
    );
    assert_eq!(told["data"]["alerts"][0]["id"].to_string(), ids[0]);

    // What is mended resolves by itself, and who was told and did not know is told.
    world
        .sandbox
        .seller_center
        .switches(|s| s.tracking_max_length = 64);
    for number in &numbers {
        world.run(&["retry", number]).await.code(0);
    }
    let settled = until("the mail that it is settled", || {
        mailbox.mails().into_iter().find(|m| m.contains("Settled:"))
    })
    .await;
    assert!(
        settled.contains("Subject: Lockstep: settled: "),
        "{settled}"
    );
    assert_eq!(
        settled.matches("\n- ").count(),
        1,
        "the others knew:\n{settled}"
    );
    assert!(world.open("fulfillment-refused").await.is_empty());
    let resolved = world.json(&["alert", "list", "--state", "resolved"]).await;
    assert_eq!(resolved.as_array().unwrap().len(), 5);
    end(host).await;
    let done = world.run(&["export"]).await.code(0).out;
    for action in ["alert.acknowledge", "alert.unacknowledge", "notify.add"] {
        assert!(
            done.contains(&format!("\"action\":\"{action}\"")),
            "{action}"
        );
    }
    assert!(!done.contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_as_the_server_says_and_the_message_waits() {
    let world = World::bare(60).await;
    world.connect(&[]).await;
    let mailbox = Mailbox::open().await;
    world.add_mail(&mailbox, "wrong-horse").await.code(0);
    let place = format!("127.0.0.1:{} answers {WRONG}", mailbox.port);
    world
        .run(&["notify", "test", "ops"])
        .await
        .code(4)
        .says(&place);
    // The first sync waits for a person.
    let host = world.start(&["run"]);
    let ops = async {
        loop {
            let ops = world.json(&["notify", "list"]).await[0].clone();
            if !ops["error"].is_null() {
                return ops;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let ops = tokio::time::timeout(Duration::from_secs(60), ops)
        .await
        .expect("it fails");
    assert_eq!(ops["error"], place);
    assert_eq!(ops["waiting"], 1);
    assert!(mailbox.mails().is_empty());
    world.run(&["notify", "list"]).await.code(1);

    // Once the password is right the message is sent, though its next try was far.
    world.add_mail(&mailbox, PASSWORD).await.code(0);
    let mail = until("the mail", || mailbox.mails().pop()).await;
    assert!(
        mail.contains("The first sync waits for your approval"),
        "{mail}"
    );
    world
        .run(&["notify", "test", "ops"])
        .await
        .code(0)
        .says("250 2.0.0 queued as 2");
    // A change without a password keeps it.
    let port = mailbox.port.to_string();
    let again = [
        "notify",
        "add-email",
        "ops",
        "--server",
        "127.0.0.1",
        "--port",
        &port,
        "--tls",
        "none",
        "--username",
        USER,
        "--from",
        "lockstep@kestrel.example",
        "--to",
        "bo@kestrel.example",
    ];
    world.run(&again).await.code(0);
    world.run(&["notify", "test", "ops"]).await.code(0);
    end(host).await;
    let data = std::fs::read(world.place.join("lockstep.db")).unwrap();
    assert!(
        !data
            .windows(PASSWORD.len())
            .any(|w| w == PASSWORD.as_bytes()),
        "it is sealed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_tells_everybody_at_least_once() {
    let world = World::bare(60).await;
    world.connect(&[]).await;
    for (point, before) in [
        ("alert-before-write", 0),
        ("alert-after-write", 0),
        ("notify-after-answer", 1),
    ] {
        // The alert is that the first sync waits; each target is new, so each is to be told of it.
        let hook = Hook::open().await;
        let secret = world.add_hook(&format!("at-{point}"), &hook).await;
        let died = world.run_to_crash(&["run"], point).await;
        assert!(
            died.err.contains(&format!("killed at {point}")),
            "{}",
            died.all()
        );
        assert_eq!(hook.posted().len(), before, "{point}");
        let host = world.start(&["run"]);
        let posted = until("the message", || {
            Some(hook.posted()).filter(|p| p.len() > before)
        })
        .await;
        tokio::time::sleep(SILENCE).await;
        assert_eq!(
            hook.posted().len(),
            before + 1,
            "{point}: once more, and then no more"
        );
        for p in &posted {
            p.assert_signed_with(&secret);
            assert_eq!(
                p.header("webhook-id"),
                posted[0].header("webhook-id"),
                "{point}"
            );
            assert_eq!(p.body, posted[0].body, "{point}: a repeat is the same");
            let told = p.json();
            assert_eq!(told["type"], "lockstep.alerts");
            assert_eq!(told["data"]["alerts"][0]["kind"], "approval");
        }
        end(host).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_are_checked_and_their_failures_told() {
    let world = World::bare(60).await;
    world.connect(&[]).await;
    let hook = Hook::open().await;
    let far = ["--url", "http://hooks.example/x"];
    world
        .run(&[&["notify", "add-webhook", "chat"], &far[..]].concat())
        .await
        .code(2)
        .says("is not https");
    let url = [
        "notify",
        "add-webhook",
        "chat",
        "--url",
        &hook.url,
        "--allow-local",
    ];
    world
        .run(&[&url[..], &["--channel", "kestrel/nowhere"]].concat())
        .await
        .code(2)
        .says("no channel or shop \"kestrel/nowhere\"");
    world
        .run(&[&url[..], &["--quiet", "at night"]].concat())
        .await
        .code(2)
        .says("write it as 22:00-07:00");
    world
        .run(&["notify", "test", "chat"])
        .await
        .code(2)
        .says("there is no target \"chat\", and none at all");
    world.run(&url).await.code(0);
    world
        .run(&["notify", "test", "chat"])
        .await
        .code(0)
        .says("answers 204");
    let test = hook.posted().pop().unwrap();
    assert_eq!(test.json()["type"], "lockstep.test");
    assert!(
        !test.headers.contains_key("webhook-signature"),
        "there is no secret"
    );
    hook.answer(StatusCode::GONE);
    world
        .run(&["notify", "test", "chat"])
        .await
        .code(4)
        .says("answers 410: so it is");
    // A name that leads into the machine is refused unless the operator allows it.
    let local = [
        "notify",
        "add-webhook",
        "chat",
        "--url",
        "https://localhost:9/hook",
    ];
    world.run(&local).await.code(0);
    world
        .run(&["notify", "test", "chat"])
        .await
        .code(4)
        .says("no public address");
    world.run(&["notify", "remove", "chat"]).await.code(0);
    world.run(&["notify", "remove", "chat"]).await.code(2);
    world
        .run(&["notify", "list"])
        .await
        .code(0)
        .says("Nobody is told");
    world
        .run(&["alert", "ack", "77"])
        .await
        .code(2)
        .says("there is no alert 77");
    world
        .run(&["alert", "list", "--kind", "flood"])
        .await
        .code(2)
        .says("no kind of alert");
}
