//! What is done once: who the shop is, its locations, and what must exist in it before the first order.

use super::errors::{
    self, CustomerSetUserError, MetafieldDefinitionCreateUserError, Refusal, refusals,
};
use super::find::UniqueMetafieldValueInput;
use super::types::{PageInfo, Word, schema};
use super::{CUSTOMER_KEY, NAMESPACE, ORDER_KEY, Shop};
use crate::model::{Fault, Location, ShopInfo};

/// Locations of one page: the most Shopify gives.
const LOCATIONS_PER_PAGE: i32 = 250;
/// Definitions of one name: there is one or none.
const DEFINITIONS: i32 = 2;
/// Scopes without which the host cannot work. A `write_` scope includes its `read_` scope.
pub const SCOPES: [&str; 7] = [
    "read_products",
    "read_inventory",
    "read_locations",
    "read_orders",
    "write_orders",
    "write_customers",
    "read_merchant_managed_fulfillment_orders",
];

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot")]
pub(super) struct ShopProbe {
    shop: ShopNode,
    current_app_installation: AppInstallation,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Shop")]
struct ShopNode {
    id: cynic::Id,
    name: String,
    myshopify_domain: String,
    currency_code: Word<schema::CurrencyCode>,
    iana_timezone: String,
}

#[derive(cynic::QueryFragment)]
struct AppInstallation {
    access_scopes: Vec<AccessScope>,
}

#[derive(cynic::QueryFragment)]
struct AccessScope {
    handle: String,
}

#[derive(cynic::QueryVariables)]
pub(super) struct LocationsVariables {
    first: i32,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "LocationsVariables")]
pub(super) struct Locations {
    #[arguments(first: $first, after: $after, includeInactive: true, sortKey: ID)]
    locations: LocationConnection,
}

#[derive(cynic::QueryFragment)]
struct LocationConnection {
    page_info: PageInfo,
    nodes: Vec<LocationNode>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Location")]
struct LocationNode {
    id: cynic::Id,
    name: String,
    is_active: bool,
    fulfills_online_orders: bool,
    is_fulfillment_service: bool,
}

#[derive(cynic::QueryVariables)]
pub(super) struct DefinitionsVariables {
    first: i32,
    owner: Word<schema::MetafieldOwnerType>,
    namespace: String,
    key: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "DefinitionsVariables")]
pub(super) struct Definitions {
    #[arguments(first: $first, ownerType: $owner, namespace: $namespace, key: $key)]
    metafield_definitions: MetafieldDefinitionConnection,
}

#[derive(cynic::QueryFragment)]
struct MetafieldDefinitionConnection {
    nodes: Vec<MetafieldDefinition>,
}

#[derive(cynic::QueryFragment)]
struct MetafieldDefinition {
    namespace: String,
    key: String,
    #[cynic(rename = "type")]
    kind: MetafieldDefinitionType,
    capabilities: MetafieldCapabilities,
}

#[derive(cynic::QueryFragment)]
struct MetafieldDefinitionType {
    name: String,
}

#[derive(cynic::QueryFragment)]
struct MetafieldCapabilities {
    unique_values: MetafieldCapabilityUniqueValues,
}

#[derive(cynic::QueryFragment)]
struct MetafieldCapabilityUniqueValues {
    enabled: bool,
}

#[derive(cynic::QueryVariables)]
pub(super) struct DefinitionCreateVariables {
    definition: MetafieldDefinitionInput,
}

#[derive(cynic::InputObject)]
struct MetafieldDefinitionInput {
    owner_type: Word<schema::MetafieldOwnerType>,
    namespace: String,
    key: String,
    name: String,
    description: String,
    #[cynic(rename = "type")]
    kind: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DefinitionCreateVariables")]
pub(super) struct DefinitionCreate {
    #[arguments(definition: $definition)]
    metafield_definition_create: Option<MetafieldDefinitionCreatePayload>,
}

#[derive(cynic::QueryFragment)]
struct MetafieldDefinitionCreatePayload {
    created_definition: Option<MetafieldDefinition>,
    user_errors: Vec<MetafieldDefinitionCreateUserError>,
}

#[derive(cynic::QueryVariables)]
pub(super) struct CustomerSetVariables {
    identifier: CustomerSetIdentifiers,
    input: CustomerSetInput,
}

#[derive(cynic::InputObject)]
struct CustomerSetIdentifiers {
    custom_id: UniqueMetafieldValueInput,
}

#[derive(cynic::InputObject)]
struct CustomerSetInput {
    first_name: String,
    last_name: String,
    note: String,
    tags: Vec<String>,
    tax_exempt: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CustomerSetVariables")]
pub(super) struct CustomerSet {
    #[arguments(identifier: $identifier, input: $input)]
    customer_set: Option<CustomerSetPayload>,
}

#[derive(cynic::QueryFragment)]
struct CustomerSetPayload {
    customer: Option<Customer>,
    user_errors: Vec<CustomerSetUserError>,
}

#[derive(cynic::QueryFragment)]
struct Customer {
    id: cynic::Id,
}

/// Whether a granted scope covers a needed one.
fn covers(granted: &str, needed: &str) -> bool {
    granted == needed
        || needed
            .strip_prefix("read_")
            .is_some_and(|of| granted.strip_prefix("write_") == Some(of))
}

/// Whether a definition makes its values unique; an error tells the merchant what to do.
fn check(definition: &MetafieldDefinition) -> Result<(), Fault> {
    if definition.kind.name == "id" && definition.capabilities.unique_values.enabled {
        return Ok(());
    }
    Err(Fault::Other {
        detail: format!(
            "the shop's metafield definition \"{}.{}\" is of type \"{}\" and not the unique \"id\" that keeps orders from being doubled; delete it under Settings > Custom data and try again",
            definition.namespace, definition.key, definition.kind.name
        ),
    })
}

impl Shop {
    /// Who the shop is and what the app may do there. One call, beside getting a token.
    pub async fn probe(&self) -> Result<ShopInfo, Fault> {
        let answer = self.endpoint.answer::<ShopProbe>(&(), 0).await?;
        let ShopProbe {
            shop,
            current_app_installation,
        } = answer.data;
        Ok(ShopInfo {
            id: shop.id.into_inner(),
            name: shop.name,
            domain: shop.myshopify_domain,
            currency: shop.currency_code.into_text(),
            timezone: shop.iana_timezone,
            scopes: current_app_installation
                .access_scopes
                .into_iter()
                .map(|s| s.handle)
                .collect(),
            api_version: answer
                .api_version
                .unwrap_or_else(|| self.endpoint.api_version().to_owned()),
            locations: Vec::new(),
        })
    }

    /// The access scopes that the host needs and the app does not have.
    pub fn missing_scopes(info: &ShopInfo) -> Vec<&'static str> {
        SCOPES
            .into_iter()
            .filter(|needed| !info.scopes.iter().any(|granted| covers(granted, needed)))
            .collect()
    }

    /// Every location, those switched off included.
    pub async fn locations(&self) -> Result<Vec<Location>, Fault> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let variables = LocationsVariables {
                first: LOCATIONS_PER_PAGE,
                after,
            };
            let answer: Locations = self.endpoint.ask(&variables).await?;
            let LocationConnection { page_info, nodes } = answer.locations;
            found.extend(nodes.into_iter().map(|l| Location {
                id: l.id.into_inner(),
                name: l.name,
                active: l.is_active,
                ships_online: l.fulfills_online_orders,
                fulfillment_service: l.is_fulfillment_service,
            }));
            after = page_info.next("the locations")?;
            if after.is_none() {
                break;
            }
        }
        let active = found.iter().filter(|l| l.active).count();
        self.level_hint
            .raise(u32::try_from(active).unwrap_or(u32::MAX));
        Ok(found)
    }

    /// Creates the definitions that make references of orders and customers unique, where they are missing. `Other`
    /// when the shop has one of another type under the same name.
    pub async fn ensure_definitions(&self) -> Result<(), Fault> {
        self.ensure_definition(
            "ORDER",
            ORDER_KEY,
            "Channel order",
            "Marks the order of a sales channel; never change it",
        )
        .await?;
        self.ensure_definition(
            "CUSTOMER",
            CUSTOMER_KEY,
            "Sales channel",
            "Marks the customer that stands for a sales channel",
        )
        .await
    }

    async fn ensure_definition(
        &self,
        owner: &str,
        key: &str,
        name: &str,
        description: &str,
    ) -> Result<(), Fault> {
        if let Some(definition) = self.definition(owner, key).await? {
            return check(&definition);
        }
        let variables = DefinitionCreateVariables {
            definition: MetafieldDefinitionInput {
                owner_type: Word::new(owner),
                namespace: NAMESPACE.into(),
                key: key.into(),
                name: name.into(),
                description: description.into(),
                kind: "id".into(),
            },
        };
        let lost = |what: &str| Fault::UnknownOutcome {
            detail: format!("DefinitionCreate: Shopify answers without {what}"),
        };
        let answer: DefinitionCreate = self.endpoint.ask(&variables).await?;
        let payload = answer
            .metafield_definition_create
            .ok_or_else(|| lost("a payload"))?;
        let refused: Vec<Refusal> = refusals(payload.user_errors);
        if refused.iter().any(|r| r.code.as_deref() == Some("TAKEN")) {
            // Created by another channel of the shop meanwhile.
            return match self.definition(owner, key).await? {
                Some(definition) => check(&definition),
                None => Ok(()),
            };
        }
        if let Some(fault) = errors::of_user(&refused, "DefinitionCreate") {
            return Err(fault);
        }
        check(
            &payload
                .created_definition
                .ok_or_else(|| lost("a definition"))?,
        )
    }

    async fn definition(
        &self,
        owner: &str,
        key: &str,
    ) -> Result<Option<MetafieldDefinition>, Fault> {
        let variables = DefinitionsVariables {
            first: DEFINITIONS,
            owner: Word::new(owner),
            namespace: NAMESPACE.into(),
            key: key.into(),
        };
        let answer: Definitions = self.endpoint.ask(&variables).await?;
        let mut nodes = answer.metafield_definitions.nodes.into_iter();
        Ok(nodes.find(|d| d.namespace == NAMESPACE && d.key == key))
    }

    /// The id of the customer that stands for a channel; created if need be, and given its name back if an order has
    /// changed it. Needs [`Shop::ensure_definitions`] first.
    pub async fn ensure_customer(
        &self,
        channel: &str,
        first_name: &str,
        last_name: &str,
    ) -> Result<String, Fault> {
        let variables = CustomerSetVariables {
            identifier: CustomerSetIdentifiers {
                custom_id: UniqueMetafieldValueInput {
                    namespace: NAMESPACE.into(),
                    key: CUSTOMER_KEY.into(),
                    value: channel.into(),
                },
            },
            input: CustomerSetInput {
                first_name: first_name.into(),
                last_name: last_name.into(),
                note: "Stands for a sales channel".into(),
                tags: vec!["marketplace".into(), channel.into()],
                tax_exempt: false,
            },
        };
        let answer: CustomerSet = self.endpoint.ask(&variables).await?;
        let lost = |what: &str| Fault::UnknownOutcome {
            detail: format!("CustomerSet: Shopify answers without {what}"),
        };
        let payload = answer.customer_set.ok_or_else(|| lost("a payload"))?;
        if let Some(fault) = errors::of_user(&refusals(payload.user_errors), "CustomerSet") {
            return Err(fault);
        }
        Ok(payload
            .customer
            .ok_or_else(|| lost("a customer"))?
            .id
            .into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::super::types::enum_values;
    use super::*;

    #[test]
    fn writing_includes_reading() {
        assert!(covers("write_orders", "read_orders"));
        assert!(covers("read_orders", "read_orders"));
        assert!(!covers("read_orders", "write_orders"));
        assert!(!covers("write_products", "read_orders"));
        let info = ShopInfo {
            id: String::new(),
            name: String::new(),
            domain: String::new(),
            currency: String::new(),
            timezone: String::new(),
            scopes: [
                "write_products",
                "write_inventory",
                "read_locations",
                "write_orders",
                "write_customers",
            ]
            .map(str::to_owned)
            .to_vec(),
            api_version: String::new(),
            locations: Vec::new(),
        };
        assert_eq!(
            Shop::missing_scopes(&info),
            ["read_merchant_managed_fulfillment_orders"]
        );
    }

    #[test]
    fn owners_exist() {
        for owner in ["ORDER", "CUSTOMER"] {
            assert!(enum_values("MetafieldOwnerType").contains(owner));
        }
    }

    #[test]
    fn a_definition_of_another_type_is_refused() {
        let with = |kind: &str, enabled: bool| -> MetafieldDefinition {
            serde_json::from_value(serde_json::json!({
                "namespace": "lockstep", "key": "order_ref", "type": {"name": kind},
                "capabilities": {"uniqueValues": {"enabled": enabled}},
            }))
            .unwrap()
        };
        assert!(check(&with("id", true)).is_ok());
        assert!(check(&with("id", false)).is_err());
        assert!(
            check(&with("single_line_text_field", true))
                .unwrap_err()
                .to_string()
                .contains("single_line_text_field")
        );
    }
}
