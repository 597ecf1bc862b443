//! A whole world on loopback: a Shopify store and a seller's account at THE ICONIC, filled with one catalogue,
//! with people who buy and pack, faults on demand, and an auditor. Two more marketplaces join them when asked for: one
//! run with Mirakl by [`Options::mirakl`], and one to learn with by [`Options::practice`].
//!
//! All stand-ins speak the real protocols over real HTTP and are strict about them. They refuse what the real
//! services refuse, in their words and with their status codes, count it as a mistake of the client, and keep their
//! limits: points and page sizes at Shopify, requests a second and rows a call at Seller Center, calls an hour at Mirakl.
//! Where the real service's behavior is not public or differs from account to account, a switch decides
//! ([`shopify::Switches`], [`seller_center::Switches`], [`mirakl::Switches`]); its default is what a client has to be
//! prepared for. [`practice`] stands for no real service: what it does is what its description says.
//!
//! The demo, the product's own tests and authors of connectors use it:
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lockstep_sandbox::audit::{AuditOptions, audit};
//! use lockstep_sandbox::story::Story;
//! use lockstep_sandbox::{Options, Sandbox};
//!
//! let sandbox = Sandbox::start(Options { skus: 500, ..Options::default() }).await?;
//! println!("Shopify at {}, THE ICONIC at {}", sandbox.shopify.url(), sandbox.seller_center.url());
//! let mut story = Story::new(&sandbox, 7);
//! let (order, text) = story.buy_on_channel(2)?;
//! println!("{text}");
//! // ... let the host under test bring over order.number, then:
//! print!("{}", audit(&sandbox, &AuditOptions::default()));
//! # Ok(())
//! # }
//! ```
//!
//! - [`catalogue`]: what is sold, and where the two sides do not agree from the start
//! - [`story`]: shoppers and a merchant, scripted or at random from a seed
//! - [`audit`]: the invariants, checked from outside
//! - [`control`]: all of it over HTTP, for people and for tests in other languages
//! - [`faults`]: lost answers, resets, slow bodies and other misfortunes, by rule

pub mod audit;
pub mod catalogue;
pub mod control;
pub mod dice;
pub mod faults;
pub mod mirakl;
pub mod practice;
mod request;
pub mod seller_center;
pub mod shopify;
pub mod story;

use std::sync::Arc;

use anyhow::Context;

use catalogue::{Catalogue, LOCATIONS};
use mirakl::Mirakl;
use practice::Practice;
use seller_center::SellerCenter;
use shopify::Shopify;

/// How the marketplace is called in texts for people.
pub const CHANNEL: &str = "THE ICONIC";

/// What to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Variations in the catalogue.
    pub skus: usize,
    /// Which catalogue: the same seed makes the same.
    pub seed: u64,
    /// The store.
    pub shopify: shopify::Config,
    /// The account at the marketplace.
    pub seller_center: seller_center::Config,
    /// A shop at a marketplace run with Mirakl; none starts none.
    pub mirakl: Option<mirakl::Config>,
    /// The marketplace to learn with; none starts none.
    pub practice: Option<practice::Config>,
    /// Port of the control API on 127.0.0.1; 0 takes a free one, none starts none.
    pub control_port: Option<u16>,
}

impl Default for Options {
    /// 200 SKUs, seed 1, free ports, no further marketplace, no control API.
    fn default() -> Self {
        Self {
            skus: 200,
            seed: 1,
            shopify: shopify::Config::default(),
            seller_center: seller_center::Config::default(),
            mirakl: None,
            practice: None,
            control_port: None,
        }
    }
}

/// All sides, running. They stop when it is dropped.
pub struct Sandbox {
    /// The store.
    pub shopify: Shopify,
    /// The account at the marketplace.
    pub seller_center: SellerCenter,
    /// The shop at a Mirakl marketplace, when there is one.
    pub mirakl: Option<Mirakl>,
    /// The marketplace to learn with, when there is one.
    pub practice: Option<Practice>,
    /// What they were filled with.
    pub catalogue: Arc<Catalogue>,
    /// Ids of the Shopify locations, in the order of [`catalogue::LOCATIONS`].
    pub locations: Vec<String>,
    control: Option<control::Control>,
    /// Whether dropping it stops all sides.
    owner: bool,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.owner {
            self.stop();
        }
    }
}

impl Sandbox {
    /// Starts all sides and fills them from the catalogue.
    ///
    /// # Errors
    /// A port is taken.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let shopify = Shopify::start(options.shopify)
            .await
            .context("cannot start the stand-in for Shopify")?;
        let seller_center = SellerCenter::start(options.seller_center)
            .await
            .context("cannot start the stand-in for Seller Center")?;
        let catalogue = catalogue::generate(options.skus, options.seed);
        let locations: Vec<String> = LOCATIONS
            .iter()
            .map(|name| shopify.add_location(name))
            .collect();
        fill_shop(&shopify, &catalogue, &locations);
        fill_channel(&seller_center, &catalogue);
        let mirakl = match options.mirakl {
            None => None,
            Some(config) => {
                let mirakl = Mirakl::start(config)
                    .await
                    .context("cannot start the stand-in for a Mirakl marketplace")?;
                fill_mirakl(&mirakl, &catalogue);
                Some(mirakl)
            }
        };
        let practice = match options.practice {
            None => None,
            Some(config) => {
                let practice = Practice::start(config)
                    .await
                    .context("cannot start Practice Market")?;
                fill_practice(&practice, &catalogue);
                Some(practice)
            }
        };
        let mut sandbox = Self {
            shopify,
            seller_center,
            mirakl,
            practice,
            catalogue: Arc::new(catalogue),
            locations,
            control: None,
            owner: true,
        };
        if let Some(port) = options.control_port {
            let control = control::Control::start(&sandbox, port).await?;
            sandbox.control = Some(control);
        }
        Ok(sandbox)
    }

    /// Base URL of the control API; none when it was not asked for.
    pub fn control_url(&self) -> Option<String> {
        self.control.as_ref().map(control::Control::url)
    }

    /// Stops listening on every port; what the sides hold can still be looked at.
    pub fn stop(&self) {
        self.shopify.stop();
        self.seller_center.stop();
        if let Some(mirakl) = &self.mirakl {
            mirakl.stop();
        }
        if let Some(practice) = &self.practice {
            practice.stop();
        }
        if let Some(control) = &self.control {
            control.stop();
        }
    }

    /// The same world for a task of its own, which does not stop it.
    pub fn share(&self) -> Self {
        Self {
            shopify: self.shopify.clone(),
            seller_center: self.seller_center.clone(),
            mirakl: self.mirakl.clone(),
            practice: self.practice.clone(),
            catalogue: self.catalogue.clone(),
            locations: self.locations.clone(),
            control: None,
            owner: false,
        }
    }
}

fn fill_shop(shopify: &Shopify, catalogue: &Catalogue, locations: &[String]) {
    for product in &catalogue.products {
        let variants: Vec<_> = product
            .variations
            .iter()
            .filter_map(|v| v.shop.as_ref().map(|shop| (v, shop)))
            .map(|(v, shop)| shopify::NewVariant {
                sku: Some(shop.sku.clone()),
                title: v.size.clone(),
                price: product.price,
                barcode: None,
                tracked: shop.tracked,
                available: locations.iter().cloned().zip(shop.available).collect(),
            })
            .collect();
        if !variants.is_empty() {
            shopify.add_product(shopify::NewProduct {
                title: format!("{}, {}", product.name, product.color),
                status: "ACTIVE".into(),
                days_unchanged: 30,
                variants,
            });
        }
    }
}

fn fill_channel(seller_center: &SellerCenter, catalogue: &Catalogue) {
    for product in &catalogue.products {
        let products: Vec<_> = product
            .variations
            .iter()
            .filter_map(|v| v.channel.as_ref().map(|channel| (v, channel)))
            .map(|(v, channel)| seller_center::NewProduct {
                seller_sku: channel.seller_sku.clone(),
                variation: v.size.clone(),
                price: product.price,
                quantity: channel.quantity,
                ..seller_center::NewProduct::default()
            })
            .collect();
        if !products.is_empty() {
            seller_center.add_product_set(seller_center::NewSet {
                name: product.name.clone(),
                parent_sku: product.base.clone(),
                products,
            });
        }
    }
}

/// The same goods as at Seller Center, each with an offer of its own.
fn fill_mirakl(mirakl: &Mirakl, catalogue: &Catalogue) {
    for (product, variation) in catalogue.variations() {
        let Some(channel) = &variation.channel else {
            continue;
        };
        mirakl.add_offer(mirakl::NewOffer {
            sku: channel.seller_sku.clone(),
            title: format!("{}, {}, {}", product.name, product.color, variation.size),
            price: product.price,
            quantity: channel.quantity,
            ..mirakl::NewOffer::default()
        });
    }
}

/// The same goods as at Seller Center.
fn fill_practice(practice: &Practice, catalogue: &Catalogue) {
    for (product, variation) in catalogue.variations() {
        let Some(channel) = &variation.channel else {
            continue;
        };
        practice.add_listing(practice::NewListing {
            sku: channel.seller_sku.clone(),
            title: format!("{}, {}, {}", product.name, product.color, variation.size),
            price: product.price,
            quantity: channel.quantity,
            ..practice::NewListing::default()
        });
    }
}
