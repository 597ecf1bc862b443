//! The marketplaces of the sandbox as a connector's check needs them: somebody buys, and what came of each write can be
//! counted from the other side of the counter.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use anyhow::bail;
use lockstep_sandbox::seller_center::Buyer;
use lockstep_sandbox::{Options, Sandbox, mirakl, practice, seller_center};
use secrecy::SecretString;

use crate::plugin::{Credential, Manifest};

/// What `StandIn::start` knows.
pub const STAND_INS: [&str; 3] = ["practice", "the-iconic", "mirakl"];

/// Which marketplace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Practice,
    SellerCenter,
    Mirakl,
}

/// A marketplace of the sandbox, running in this process beside its shop.
pub struct StandIn {
    kind: Kind,
    /// The whole sandbox.
    pub sandbox: Sandbox,
}

/// What became of an order at the marketplace, in units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Units told as ready or shipped.
    pub told: u32,
    /// Parcels that the marketplace knows.
    pub parcels: usize,
    /// Units cancelled.
    pub cancelled: u32,
}

impl StandIn {
    /// Starts one by its name. `skus` is the size of the catalogue.
    pub async fn start(name: &str, skus: usize, seed: u64) -> anyhow::Result<Self> {
        let mut options = Options {
            skus,
            seed,
            ..Options::default()
        };
        // How a store's search lags behind is no business of a connector.
        options.shopify.switches.index_lag_ms = 0;
        let kind = match name {
            "practice" => {
                options.practice = Some(practice::Config::default());
                Kind::Practice
            }
            "the-iconic" => Kind::SellerCenter,
            "mirakl" => {
                options.mirakl = Some(mirakl::Config::default());
                Kind::Mirakl
            }
            other => bail!(
                "the sandbox has no marketplace \"{other}\"; it has {}",
                STAND_INS.join(", ")
            ),
        };
        let sandbox = Sandbox::start(options).await?;
        Ok(Self { kind, sandbox })
    }

    /// Its name, as in [`STAND_INS`].
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Practice => "practice",
            Kind::SellerCenter => "the-iconic",
            Kind::Mirakl => "mirakl",
        }
    }

    /// Where it listens.
    pub fn base_url(&self) -> String {
        match self.kind {
            Kind::Practice => self.practice().url(),
            Kind::SellerCenter => self.sandbox.seller_center.url(),
            Kind::Mirakl => self.mirakl().url(),
        }
    }

    /// Id and secret of its account.
    pub fn account(&self) -> (Option<String>, SecretString) {
        match self.kind {
            Kind::Practice => (None, self.practice().api_key().to_owned().into()),
            Kind::SellerCenter => {
                let config = seller_center::Config::default();
                (Some(config.client_id), config.client_secret.into())
            }
            Kind::Mirakl => (None, mirakl::Config::default().api_key.into()),
        }
    }

    /// The same for every slot of a manifest.
    pub fn credentials(&self, manifest: &Manifest) -> BTreeMap<String, Credential> {
        let (id, secret) = self.account();
        (manifest.credential.iter())
            .map(|slot| {
                let credential = Credential {
                    id: id.clone().map(Into::into),
                    secret: secret.clone(),
                };
                (slot.slot.clone(), credential)
            })
            .collect()
    }

    /// How fast it may be asked; its own limits would stretch a check.
    pub fn requests_per_second(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(match self.kind {
            Kind::SellerCenter => 24,
            Kind::Practice | Kind::Mirakl => 1_000,
        })
    }

    /// Whether a cancellation that is repeated can be told from another one: by a key, or since a line is one piece.
    pub fn knows_cancellations(&self) -> bool {
        self.kind != Kind::Mirakl
    }

    /// Makes pages short, so that every list has several.
    pub fn shorten_pages(&self, rows: usize) {
        if self.kind == Kind::Practice {
            self.practice().switches(|s| s.page_cap = rows);
        }
    }

    /// SKUs that shop and marketplace share and that can be bought, in the catalogue's order.
    pub fn skus(&self) -> Vec<String> {
        let linked = self.sandbox.catalogue.linked();
        let sold = |sku: &&str| match self.kind {
            Kind::Practice => (self.practice().listing(sku).iter()).any(|l| l.active),
            Kind::SellerCenter => {
                (self.sandbox.seller_center.product(sku).iter()).any(|p| p.status == "active")
            }
            Kind::Mirakl => self.mirakl().offer(sku).is_some_and(|o| !o.deleted),
        };
        linked.into_iter().filter(sold).map(str::to_owned).collect()
    }

    /// The number written to a SKU, as the marketplace holds it.
    pub fn quantity(&self, sku: &str) -> Option<i64> {
        match self.kind {
            Kind::Practice => (self.practice().listing(sku).first()).map(|l| l.quantity.into()),
            Kind::SellerCenter => {
                (self.sandbox.seller_center.product(sku).first()).map(|p| p.quantity)
            }
            Kind::Mirakl => self.mirakl().offer(sku).map(|o| o.quantity),
        }
    }

    /// Puts stock on the shelf, as the seller does in the web interface.
    pub fn set_quantity(&self, sku: &str, quantity: u32) {
        match self.kind {
            Kind::Practice => {
                self.practice().set_quantity(sku, quantity);
            }
            Kind::SellerCenter => {
                for product in self.sandbox.seller_center.product(sku) {
                    self.sandbox
                        .seller_center
                        .set_quantity(product.id, quantity);
                }
            }
            Kind::Mirakl => self.mirakl().set_quantity(sku, quantity),
        }
    }

    /// Gives a SKU another name.
    pub fn rename(&self, from: &str, to: &str) {
        match self.kind {
            Kind::Practice => {
                self.practice().set_sku(from, to);
            }
            Kind::SellerCenter => {
                for product in self.sandbox.seller_center.product(from) {
                    self.sandbox.seller_center.set_seller_sku(product.id, to);
                }
            }
            Kind::Mirakl => {
                self.mirakl().set_sku(from, to);
            }
        }
    }

    /// Somebody buys; the order's id.
    pub fn buy(&self, basket: &[(&str, u32)], seed: u64) -> anyhow::Result<String> {
        let buyer = Buyer::random(seed);
        match self.kind {
            Kind::Practice => self
                .practice()
                .buy(basket, buyer, &practice::Purchase::default())
                .map(|o| o.id),
            Kind::SellerCenter => self
                .sandbox
                .seller_center
                .buy(basket, buyer, seller_center::Purchase::default())
                .map(|o| o.id.to_string()),
            Kind::Mirakl => self
                .mirakl()
                .buy(basket, buyer, &mirakl::Purchase::default())
                .map(|o| o.id),
        }
        .map_err(anyhow::Error::msg)
    }

    /// An order's number, which becomes the Shopify order's name.
    pub fn number(&self, order: &str) -> Option<String> {
        match self.kind {
            Kind::Practice => self.practice().order(order).map(|o| o.number),
            Kind::SellerCenter => {
                let order = self.sandbox.seller_center.order(order.parse().ok()?);
                order.map(|o| o.number)
            }
            Kind::Mirakl => self.mirakl().order(order).map(|o| o.id),
        }
    }

    /// Lets pass what a marketplace does by itself: money arrives for what was accepted, queued writes are worked off.
    pub fn settle(&self) {
        if let Some(market) = self.sandbox.mirakl.as_ref() {
            market.settle_imports();
            for order in market.orders() {
                market.debit(&order.id);
            }
        }
    }

    /// What became of an order. None when there is no such order.
    pub fn effects(&self, order: &str) -> Option<Effects> {
        match self.kind {
            Kind::Practice => {
                let order = self.practice().order(order)?;
                Some(Effects {
                    told: order.lines.iter().map(|l| l.shipped).sum(),
                    parcels: order.parcels.len(),
                    cancelled: order.lines.iter().map(|l| l.cancelled).sum(),
                })
            }
            Kind::SellerCenter => {
                let order = self.sandbox.seller_center.order(order.parse().ok()?)?;
                let count = |wanted: &[&str]| {
                    (order
                        .items
                        .iter()
                        .filter(|i| wanted.contains(&i.status.as_str())))
                    .count() as u32
                };
                let packages: std::collections::BTreeSet<u64> =
                    order.items.iter().filter_map(|i| i.package).collect();
                Some(Effects {
                    told: count(&["ready_to_ship", "shipped", "delivered"]),
                    parcels: packages.len(),
                    cancelled: count(&["canceled"]),
                })
            }
            Kind::Mirakl => {
                let order = self.mirakl().order(order)?;
                let whole = usize::from(order.tracking.number.is_some());
                Some(Effects {
                    told: order.lines.iter().map(|l| l.shipped).sum(),
                    parcels: order.shipments.len().max(whole),
                    cancelled: order.lines.iter().map(|l| l.canceled).sum(),
                })
            }
        }
    }

    fn practice(&self) -> &practice::Practice {
        let market = self.sandbox.practice.as_ref();
        market.expect("it was started with it")
    }

    fn mirakl(&self) -> &mirakl::Mirakl {
        let market = self.sandbox.mirakl.as_ref();
        market.expect("it was started with it")
    }
}
