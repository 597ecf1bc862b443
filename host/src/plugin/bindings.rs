//! The contract as Rust: one small world per capability, sharing the contract's types.

use anyhow::anyhow;
use wasmtime::component::{Component, HasSelf, Linker};

use super::session::State;

/// Defines the bindings of one world in terms of those of `about`.
macro_rules! world {
    ($module:ident, $world:literal) => {
        pub(super) mod $module {
            wasmtime::component::bindgen!({
                path: "../wit",
                world: $world,
                with: {
                    "lockstep:plugin/types": super::about::lockstep::plugin::types,
                    "lockstep:plugin/session": super::about::lockstep::plugin::session,
                    "lockstep:plugin/http": super::about::lockstep::plugin::http,
                },
                exports: { default: async },
                require_store_data_send: true,
            });
        }
    };
}

pub(super) mod about {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "with-about",
        imports: {
            "lockstep:plugin/http.send": async | trappable,
            "lockstep:plugin/http.send-all": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        require_store_data_send: true,
    });
}

world!(listings, "with-listings");
world!(stock, "with-stock");
world!(orders, "with-orders");
world!(acceptance, "with-acceptance");
world!(fulfillments, "with-fulfillments");
world!(cancellations, "with-cancellations");
world!(webhooks, "with-webhooks");

pub(super) use about::lockstep::plugin::{http, session, types};

/// Offers the contract's imports to plugins.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    about::WithAbout::add_to_linker::<_, HasSelf<_>>(linker, |state| state)
}

/// What a plugin exports, each checked against the contract.
pub(super) struct Worlds {
    pub(super) about: about::WithAboutPre<State>,
    pub(super) listings: Option<listings::WithListingsPre<State>>,
    pub(super) stock: Option<stock::WithStockPre<State>>,
    pub(super) orders: Option<orders::WithOrdersPre<State>>,
    pub(super) acceptance: Option<acceptance::WithAcceptancePre<State>>,
    pub(super) fulfillments: Option<fulfillments::WithFulfillmentsPre<State>>,
    pub(super) cancellations: Option<cancellations::WithCancellationsPre<State>>,
    pub(super) webhooks: Option<webhooks::WithWebhooksPre<State>>,
}

impl Worlds {
    /// Checks the imports and every export of the contract's package.
    pub(super) fn of(linker: &Linker<State>, component: &Component) -> anyhow::Result<Self> {
        let pre = linker
            .instantiate_pre(component)
            .map_err(|e| anyhow!("it does not fit the contract: {e:#}; build it against this host's wit/"))?;
        let has = |interface: &str| component.get_export_index(None, &format!("lockstep:plugin/{interface}@0.1.0")).is_some();
        let wrong = |interface: &'static str| {
            move |e: wasmtime::Error| anyhow!("its export {interface} does not fit the contract: {e:#}; build it against this host's wit/")
        };
        macro_rules! capability {
            ($interface:literal, $pre:ty) => {
                if has($interface) { Some(<$pre>::new(pre.clone()).map_err(wrong($interface))?) } else { None }
            };
        }
        if !has("about") {
            return Err(anyhow!("it does not export the interface about, which every connector must"));
        }
        Ok(Self {
            about: about::WithAboutPre::new(pre.clone()).map_err(wrong("about"))?,
            listings: capability!("listings", listings::WithListingsPre<State>),
            stock: capability!("stock", stock::WithStockPre<State>),
            orders: capability!("orders", orders::WithOrdersPre<State>),
            acceptance: capability!("acceptance", acceptance::WithAcceptancePre<State>),
            fulfillments: capability!("fulfillments", fulfillments::WithFulfillmentsPre<State>),
            cancellations: capability!("cancellations", cancellations::WithCancellationsPre<State>),
            webhooks: capability!("webhooks", webhooks::WithWebhooksPre<State>),
        })
    }

    /// The interfaces that it exports.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let all = [
            ("about", true),
            ("listings", self.listings.is_some()),
            ("stock", self.stock.is_some()),
            ("orders", self.orders.is_some()),
            ("acceptance", self.acceptance.is_some()),
            ("fulfillments", self.fulfillments.is_some()),
            ("cancellations", self.cancellations.is_some()),
            ("webhooks", self.webhooks.is_some()),
        ];
        all.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
    }
}
