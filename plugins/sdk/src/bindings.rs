//! The contract in `wit/`, as Rust: one module for each capability's world, all with the types of the first.
//!
//! A world's exports are described to the linker by its export macro alone. So a component exports just the
//! capabilities that [`connector!`](crate::connector) or [`extra!`](crate::extra) was given.

#![allow(unsafe_code, missing_docs, clippy::all)]

pub mod base {
    // What an author leaves out of a long record gets the value that means "nothing special".
    wit_bindgen::generate!({
        path: "wit",
        world: "imports",
        additional_derives: [PartialEq],
        generate_unused_types: true,
        pub_export_macro: true,
        additional_type_attributes: {
            "lockstep:plugin/types@0.1.0/account": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/address": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/buyer": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/carrier": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/cover": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/delivery": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/delivery-mode": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/email-kind": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/fulfiller": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/line": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/line-kind": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/listing": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/listing-state": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/order": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/parcel-seen": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/payment": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/payment-state": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/side": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/stage": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/state": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/totals": [#[derive(Default)]],
            "lockstep:plugin/types@0.1.0/window": [#[derive(Default)]],
        },
        additional_member_attributes: {
            "lockstep:plugin/types@0.1.0/cover.ordered": [#[default]],
            "lockstep:plugin/types@0.1.0/delivery-mode.home": [#[default]],
            "lockstep:plugin/types@0.1.0/email-kind.unknown": [#[default]],
            "lockstep:plugin/types@0.1.0/fulfiller.seller": [#[default]],
            "lockstep:plugin/types@0.1.0/line-kind.goods": [#[default]],
            "lockstep:plugin/types@0.1.0/listing-state.buyable": [#[default]],
            "lockstep:plugin/types@0.1.0/payment-state.paid": [#[default]],
            "lockstep:plugin/types@0.1.0/side.unknown": [#[default]],
            "lockstep:plugin/types@0.1.0/stage.created": [#[default]],
            "lockstep:plugin/types@0.1.0/state.open": [#[default]],
        },
    });
}

macro_rules! capability {
    ($module:ident, $world:literal, $export:literal $(, $interface:literal: $path:path)?) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "wit",
                world: $world,
                additional_derives: [PartialEq],
                pub_export_macro: true,
                export_macro_name: $export,
                with: {
                    "lockstep:plugin/types@0.1.0": crate::bindings::base::lockstep::plugin::types,
                    "lockstep:plugin/session@0.1.0": crate::bindings::base::lockstep::plugin::session,
                    $($interface: $path,)?
                },
            });
        }
    };
}

macro_rules! connector {
    ($module:ident, $world:literal, $export:literal) => {
        capability!($module, $world, $export, "lockstep:plugin/http@0.1.0": crate::bindings::base::lockstep::plugin::http);
    };
}

connector!(about, "with-about", "export_about");
connector!(listings, "with-listings", "export_listings");
connector!(stock, "with-stock", "export_stock");
connector!(orders, "with-orders", "export_orders");
connector!(acceptance, "with-acceptance", "export_acceptance");
connector!(fulfillments, "with-fulfillments", "export_fulfillments");
connector!(cancellations, "with-cancellations", "export_cancellations");
connector!(webhooks, "with-webhooks", "export_webhooks");
capability!(order_edits, "with-order-edits", "export_order_edits");
capability!(stock_edits, "with-stock-edits", "export_stock_edits");
capability!(bundles, "with-bundles", "export_bundles");
