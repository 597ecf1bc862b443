//! Code for the contract in `wit/`, made by `wasmtime`: one module for each capability's world, all with the types
//! of the first.
#![allow(missing_docs)]

/// What every plugin may import, and the types of the contract.
pub mod base {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "imports",
        imports: { "lockstep:plugin/http.send": async | trappable, "lockstep:plugin/http.send-all": async | trappable, default: trappable },
    });
}

pub use base::lockstep::plugin::{http, session, types};

macro_rules! capability {
    ($module:ident, $world:literal) => {
        pub mod $module {
            wasmtime::component::bindgen!({
                path: "../wit",
                world: $world,
                with: {
                    "lockstep:plugin/types": crate::plugin::bindings::types,
                    "lockstep:plugin/session": crate::plugin::bindings::session,
                    "lockstep:plugin/http": crate::plugin::bindings::http,
                },
                imports: { default: async | trappable },
                exports: { default: async },
            });
        }
    };
}

capability!(about, "with-about");
capability!(listings, "with-listings");
capability!(stock, "with-stock");
capability!(orders, "with-orders");
capability!(acceptance, "with-acceptance");
capability!(fulfillments, "with-fulfillments");
capability!(cancellations, "with-cancellations");
capability!(webhooks, "with-webhooks");
