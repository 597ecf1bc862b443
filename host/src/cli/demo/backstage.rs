//! The backstage of the demo's pages: whoever looks plays shopper, warehouse and misfortune.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use async_trait::async_trait;
use lockstep_sandbox::Sandbox;
use lockstep_sandbox::faults::{Fault, Match, Rule};
use lockstep_sandbox::story::{Packing, Story};
use tokio::sync::Mutex;

use crate::model::Key;
use crate::web::{Backstage, Bought, Scene};

/// Orders shown.
const ORDERS: usize = 12;
/// Happenings kept.
const HAPPENED: usize = 30;

/// The people outside, shared by the story that goes on by itself and by whoever looks.
pub(super) struct Outside {
    sandbox: Sandbox,
    key: Key,
    /// The people.
    pub(super) story: Mutex<Story>,
    alone: AtomicBool,
    happened: std::sync::Mutex<VecDeque<String>>,
}

impl Outside {
    pub(super) fn new(sandbox: &Sandbox, key: &Key, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            sandbox: sandbox.share(),
            key: key.clone(),
            story: Mutex::new(Story::new(sandbox, seed)),
            alone: AtomicBool::new(true),
            happened: std::sync::Mutex::default(),
        })
    }

    /// Whether the story goes on by itself.
    pub(super) fn alone(&self) -> bool {
        self.alone.load(Ordering::Relaxed)
    }

    /// Notes something that happened.
    pub(super) fn note(&self, text: &str) {
        let mut happened = self.happened.lock().expect("never poisoned");
        happened.push_front(format!(
            "{}  {text}",
            jiff::Timestamp::now().strftime("%H:%M:%S")
        ));
        happened.truncate(HAPPENED);
    }

    fn broken(&self) -> Vec<String> {
        let sides = [
            ("THE ICONIC", self.sandbox.seller_center.faults()),
            ("Shopify", self.sandbox.shopify.faults()),
        ];
        let mut told = Vec::new();
        for (side, faults) in sides {
            for (name, hits) in faults.hits() {
                told.push(format!("{side}: {name} (met {hits} times)"));
            }
        }
        told
    }
}

fn rule(name: &str, matching: Match, times: u32, fault: Fault) -> Rule {
    Rule {
        name: name.into(),
        matching,
        skip: 0,
        times,
        fault,
    }
}

#[async_trait]
impl Backstage for Outside {
    async fn show(&self) -> Scene {
        let shop = self.sandbox.shopify.orders();
        let orders = self.sandbox.seller_center.orders();
        let orders = orders
            .iter()
            .rev()
            .take(ORDERS)
            .map(|o| {
                let in_shop = shop.iter().find(|s| s.name == o.number);
                let open = in_shop.is_some_and(|s| {
                    s.cancelled_at.is_none() && s.lines.iter().any(|l| l.fulfilled < l.current)
                });
                Bought {
                    link: format!("/orders/{}/{}", self.key, o.id),
                    buyer: format!("{} {}", o.buyer.first_name, o.buyer.last_name),
                    pieces: (o.items.iter())
                        .map(|i| (i.seller_sku.clone(), i.status.replace('_', " ")))
                        .collect(),
                    in_shop: in_shop.map(|s| s.name.clone()),
                    packable: open,
                    number: o.number.clone(),
                }
            })
            .collect();
        Scene {
            orders,
            broken: self.broken(),
            alone: self.alone(),
            happened: (self.happened.lock().expect("never poisoned").iter())
                .cloned()
                .collect(),
        }
    }

    async fn act(&self, act: &str, order: Option<&str>) -> anyhow::Result<String> {
        let (shopify, channel) = (
            self.sandbox.shopify.faults(),
            self.sandbox.seller_center.faults(),
        );
        let mut story = self.story.lock().await;
        let named = || order.context("it is about an order, but none is named");
        let told = match act {
            "buy" => story.buy_on_channel(1)?.1,
            "buy-three" => story.buy_on_channel(3)?.1,
            "sell" => story.buy_in_shop()?,
            "recount" => story.recount()?,
            "edit-sku" => story.edit_sku()?,
            "tracking" => story.add_tracking()?,
            "pack" => story.pack(named()?, Packing::Whole)?.join("; "),
            "pack-two" => story.pack(named()?, Packing::TwoParcels)?.join("; "),
            "pack-late" => story.pack(named()?, Packing::TrackingLater)?.join("; "),
            "cancel-channel" => story.cancel_on_channel(named()?)?,
            "cancel-shop" => story.cancel_in_shop(named()?)?,
            "break-channel" => {
                let fault = Fault::Maintenance { retry_after: None };
                channel.add(rule("maintenance", Match::any(), u32::MAX, fault));
                "THE ICONIC is under maintenance until it is mended".into()
            }
            "lose-answers" => {
                let fault = Fault::ResetAfter;
                shopify.add(rule("lost answers", Match::any(), 3, fault));
                "the next three answers of Shopify are lost, though it does what was asked".into()
            }
            "refuse-credentials" => {
                channel.add(rule(
                    "credentials refused",
                    Match::any(),
                    u32::MAX,
                    Fault::Unauthorized,
                ));
                "THE ICONIC refuses the seller's credentials until it is mended".into()
            }
            "mend" => {
                shopify.clear();
                channel.clear();
                "everything is mended; a parked channel waits for you to resume it".into()
            }
            "pause" | "go-on" => {
                self.alone.store(act == "go-on", Ordering::Relaxed);
                match act {
                    "pause" => "from now on only you make things happen".into(),
                    _ => "shoppers and warehouse go on by themselves".into(),
                }
            }
            other => bail!("there is no act \"{other}\""),
        };
        self.note(&told);
        Ok(told)
    }
}
