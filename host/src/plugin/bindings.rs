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
    ($module:ident, $world:literal $(, $interface:literal: $path:path)?) => {
        pub mod $module {
            wasmtime::component::bindgen!({
                path: "../wit",
                world: $world,
                with: {
                    "lockstep:plugin/types": crate::plugin::bindings::types,
                    "lockstep:plugin/session": crate::plugin::bindings::session,
                    $($interface: $path,)?
                },
                imports: { default: async | trappable },
                exports: { default: async },
            });
        }
    };
}

macro_rules! connector {
    ($module:ident, $world:literal) => {
        capability!($module, $world, "lockstep:plugin/http": crate::plugin::bindings::http);
    };
}

connector!(about, "with-about");
connector!(listings, "with-listings");
connector!(stock, "with-stock");
connector!(orders, "with-orders");
connector!(acceptance, "with-acceptance");
connector!(fulfillments, "with-fulfillments");
connector!(cancellations, "with-cancellations");
connector!(webhooks, "with-webhooks");
capability!(order_edits, "with-order-edits");
capability!(stock_edits, "with-stock-edits");
capability!(bundles, "with-bundles");
