//! Every operation that is sent to Shopify: its document, whether it writes, and what it costs at first.

use std::collections::HashSet;
use std::sync::OnceLock;

use cynic::queries::{OperationType, build_executable_document};
use cynic::{QueryFragment, QueryVariables};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::errors::Kind;
use super::throttle::Urgency;
use super::{bulk, cancel, create, find, levels, order_input, orders, setup, variants, webhooks};

/// An operation with its variables.
pub(super) trait Ask:
    QueryFragment<VariablesFields = <Self::Variables as QueryVariables>::Fields> + DeserializeOwned
{
    /// What it is sent with.
    type Variables: QueryVariables + Serialize;
    /// Its name, which Shopify sees as well.
    const NAME: &'static str;
    /// Whether it writes.
    const KIND: Kind;
    /// Points taken to be needed until an answer has told.
    const COST: u32;
    /// Whether it may draw on the headroom.
    const URGENCY: Urgency;

    /// Its document.
    fn document() -> &'static str;
}

macro_rules! operations {
    ($($kind:ident $urgency:ident $module:ident::$name:ident($variables:ty) costs $cost:literal;)+) => {
        $(
            impl Ask for $module::$name {
                type Variables = $variables;
                const NAME: &'static str = stringify!($name);
                const KIND: Kind = Kind::$kind;
                const COST: u32 = $cost;
                const URGENCY: Urgency = Urgency::$urgency;

                fn document() -> &'static str {
                    static TEXT: OnceLock<String> = OnceLock::new();
                    TEXT.get_or_init(|| {
                        let name = Some(stringify!($name));
                        build_executable_document::<$module::$name, $variables>(
                            OperationType::$kind,
                            name,
                            HashSet::new(),
                            None,
                        )
                    })
                }
            }
        )+

        /// Name and document of every operation that the client can send, the query inside the bulk operation
        /// included.
        pub fn operations() -> Vec<(&'static str, String)> {
            vec![
                $((stringify!($name), <$module::$name as Ask>::document().to_owned()),)+
                ("BulkVariants", bulk::document().to_owned()),
            ]
        }
    };
}

operations! {
    Query Ordinary setup::ShopProbe(()) costs 10;
    Query Ordinary setup::Locations(setup::LocationsVariables) costs 15;
    Query Ordinary setup::Definitions(setup::DefinitionsVariables) costs 20;
    Mutation Ordinary setup::DefinitionCreate(setup::DefinitionCreateVariables) costs 15;
    Mutation Ordinary setup::CustomerSet(setup::CustomerSetVariables) costs 15;
    Query Ordinary variants::VariantCount(()) costs 10;
    Query Ordinary variants::VariantsPage(variants::VariantsPageVariables) costs 240;
    Query Ordinary variants::VariantsById(variants::VariantsByIdVariables) costs 60;
    Query Ordinary variants::LevelsOfItems(variants::LevelsOfItemsVariables) costs 60;
    Query Ordinary variants::LevelsOfItem(variants::LevelsOfItemVariables) costs 40;
    Mutation Ordinary bulk::BulkStart(bulk::BulkStartVariables) costs 10;
    Query Ordinary bulk::BulkPoll(bulk::BulkPollVariables) costs 1;
    Mutation Ordinary bulk::BulkCancel(bulk::BulkPollVariables) costs 10;
    Query Ordinary levels::LevelsChanged(levels::LevelsChangedVariables) costs 60;
    Query Ordinary orders::OrdersChanged(orders::OrdersChangedVariables) costs 400;
    Query Ordinary orders::OrdersById(orders::OrdersByIdVariables) costs 100;
    Query Ordinary orders::OrderWhole(orders::OrderWholeVariables) costs 120;
    Query Ordinary orders::OrderLinesMore(orders::OrderLinesMoreVariables) costs 20;
    Query Ordinary orders::FulfillmentLinesMore(orders::FulfillmentLinesMoreVariables) costs 30;
    Mutation Urgent create::OrderCreate(order_input::OrderCreateVariables) costs 30;
    Query Urgent find::OrderByReference(find::OrderByReferenceVariables) costs 30;
    Query Urgent find::OrderLines(find::OrderLinesVariables) costs 40;
    Query Ordinary find::OrdersBySourceIdentifier(find::OrdersBySourceIdentifierVariables) costs 20;
    Query Ordinary find::RecentOrders(find::RecentOrdersVariables) costs 40;
    Mutation Ordinary cancel::OrderCancel(cancel::OrderCancelVariables) costs 12;
    Query Ordinary cancel::CancelPoll(cancel::CancelPollVariables) costs 5;
    Query Ordinary cancel::OrderPlaces(cancel::OrderPlacesVariables) costs 100;
    Mutation Ordinary cancel::RefundCreate(cancel::RefundCreateVariables) costs 15;
    Query Ordinary webhooks::Webhooks(webhooks::WebhooksVariables) costs 20;
    Mutation Ordinary webhooks::WebhookCreate(webhooks::WebhookCreateVariables) costs 12;
    Mutation Ordinary webhooks::WebhookDelete(webhooks::WebhookDeleteVariables) costs 11;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_carry_their_names_and_directives() {
        let all = operations();
        for (name, text) in &all {
            assert!(
                *name == "BulkVariants"
                    || text.starts_with(&format!("query {name}"))
                    || text.starts_with(&format!("mutation {name}")),
                "{text}"
            );
        }
        let text = |wanted: &str| &all.iter().find(|(n, _)| *n == wanted).unwrap().1;
        assert!(
            text("RefundCreate").contains("@idempotent(key: $key)"),
            "{}",
            text("RefundCreate")
        );
        assert!(text("BulkVariants").contains("edges"));
        assert!(!text("BulkVariants").contains("nodes"));
    }
}
