//! Secrets that are easy to find again appear nowhere they should not.

use std::path::Path;

use lockstep_sandbox::Options;
use lockstep_sandbox::faults::{Fault, Match, Rule};

use crate::world::World;

const SHOP: &str = "canary-shop-5f1e7c0a9b";
const CHANNEL: &str = "canary-channel-8d2b4e6f01";

fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|w| w == needle.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_appear_in_no_log_page_error_or_explanation() {
    let mut options = Options {
        skus: 60,
        seed: 11,
        ..Options::default()
    };
    options.shopify.client_secret = SHOP.into();
    options.seller_center.client_secret = CHANNEL.into();
    let world = World::with(options).await;
    world.connect(&[]).await;
    let mut texts = Vec::new();
    texts.push(world.run(&["approve", crate::world::KEY]).await.all());
    texts.push(world.settle().await.all());
    let mut story = world.story(1);
    // Both sides repeat what they were sent, as broken gateways do.
    let echo = |secret: &str| Fault::Status {
        status: 422,
        headers: vec![
            ("x-debug".into(), secret.to_owned()),
            ("x-request-id".into(), secret.to_owned()),
        ],
        body: format!(
            "{{\"title\":\"no\",\"status\":422,\"detail\":\"you sent {secret}\",\"errors\":\"{secret}\"}}"
        ),
        content_type: "application/json".into(),
    };
    let (order, _) = story.buy_on_channel(1).unwrap();
    world
        .sandbox
        .shopify
        .faults()
        .add(Rule::once(Match::label("OrderCreate"), echo(SHOP)));
    world.sandbox.seller_center.faults().add(Rule::once(
        Match::route("PUT", "/v2/stock/product"),
        echo(CHANNEL),
    ));
    story.recount().unwrap();
    texts.push(world.run(&["sync", "--once"]).await.all());
    world
        .sandbox
        .seller_center
        .faults()
        .add(Rule::once(Match::path("/oauth"), echo(CHANNEL)));
    world
        .sandbox
        .shopify
        .faults()
        .add(Rule::once(Match::label("oauth"), echo(SHOP)));
    texts.push(world.run(&["sync", "--once"]).await.all());
    for args in [
        vec!["status"],
        vec!["status", "--json"],
        vec!["channel", "list", "--json"],
        vec!["shop", "list", "--json"],
        vec!["plan", "--json"],
        vec!["export"],
    ] {
        texts.push(world.run(&args).await.all());
    }
    texts.push(world.run(&["explain", &order.number]).await.all());
    texts.push(world.run(&["explain", &order.number, "--json"]).await.all());
    // The exchanges with those answers are on record all the same, blanked.
    let export = world.run(&["export"]).await.out;
    for call in ["OrderCreate", "stock.push", "token"] {
        let blanked = (export.lines())
            .filter(|line| line.contains("\"table\":\"exchange\""))
            .filter(|line| line.contains(call) && line.contains("\"status\":422"))
            .any(|line| line.contains("[secret]"));
        assert!(blanked, "no blanked exchange of {call} in\n{export}");
    }
    texts.push(export);
    for text in &texts {
        for secret in [SHOP, CHANNEL] {
            assert!(!text.contains(secret), "{secret} was printed:\n{text}");
        }
    }
    let everything = files(world.data.path());
    assert!(
        everything
            .iter()
            .any(|(name, _)| name.ends_with("lockstep.db"))
    );
    for (name, bytes) in everything {
        for secret in [SHOP, CHANNEL] {
            assert!(!contains(&bytes, secret), "{secret} lies in {name}");
        }
    }
}
