use super::*;
use crate::Options;
use crate::audit::{AuditOptions, audit, names};

async fn sandbox() -> Sandbox {
    Sandbox::start(Options::default())
        .await
        .expect("the sandbox starts")
}

async fn told(sandbox: &Sandbox, seed: u64, steps: usize) -> Vec<Happening> {
    let mut story = Story::new(sandbox, seed);
    let mut all = Vec::new();
    for _ in 0..steps {
        all.extend(story.step().await);
    }
    all
}

#[tokio::test]
async fn the_same_seed_tells_the_same_story() {
    let one = told(&sandbox().await, 5, 60).await;
    assert_eq!(one, told(&sandbox().await, 5, 60).await);
    assert_ne!(one, told(&sandbox().await, 6, 60).await);
}

#[tokio::test]
async fn shoppers_take_only_what_is_there() {
    let sandbox = sandbox().await;
    let happened = told(&sandbox, 1, 400).await;
    for kind in [
        Kind::ChannelSale,
        Kind::ShopSale,
        Kind::PaymentReleased,
        Kind::Cancelled,
        Kind::Recounted,
        Kind::SkuEdited,
    ] {
        assert!(happened.iter().any(|h| h.kind == kind), "no {kind:?}");
    }
    let waiting = Story::new(&sandbox, 1).waiting();
    for v in sandbox.shopify.variants() {
        let there: i64 = v.levels.iter().map(|l| l.available).sum();
        let sku = v.sku.unwrap_or_default();
        let sold = waiting.get(&sku).copied().unwrap_or(0);
        assert!(there >= sold, "{sku}: {there} there, {sold} sold");
    }
}

#[tokio::test]
async fn a_purchase_says_who_what_and_where() {
    let sandbox = sandbox().await;
    let mut story = Story::new(&sandbox, 3);
    let (order, text) = story.buy_on_channel(3).unwrap();
    assert_eq!(order.item_ids.len(), 3);
    assert!(
        text.contains(" buys ")
            && text.ends_with(&format!(" on THE ICONIC, order {}", order.number)),
        "{text}"
    );
    assert!(
        story
            .pack(&order.number, Packing::Whole)
            .unwrap_err()
            .to_string()
            .contains("Shopify has no order")
    );
    let verdict = audit(&sandbox, &AuditOptions::default());
    let orders = verdict.check(names::ORDERS).unwrap();
    assert!(orders.examples[0].contains(&order.number), "{verdict}");
}

#[tokio::test]
async fn an_edited_sku_agrees_on_both_sides() {
    let sandbox = sandbox().await;
    let mut story = Story::new(&sandbox, 3);
    for _ in 0..10 {
        let text = story.edit_sku().unwrap();
        let new = text.split('"').nth(3).unwrap();
        assert_eq!(sandbox.seller_center.product(new).len(), 1, "{text}");
        assert!(story.variant(new).is_some(), "{text}");
    }
}
