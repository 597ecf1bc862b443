//! Every operation that the host sends, typed at compile time against `schema.graphql`.
//!
//! The names of the structs at the root are the names of the operations. Words that belong to Shopify (statuses, codes)
//! are kept as text: a new one must not break reading.

use serde::{Deserialize, Deserializer, Serialize};

#[cynic::schema("shopify")]
mod schema {}

/// Variants of one page.
pub const VARIANTS: i32 = 250;
/// Inventory levels asked for with each variant; those of items with more are read again by item.
pub const LEAST_LEVELS: i32 = 3;
/// See [`LEAST_LEVELS`].
pub const MOST_LEVELS: i32 = 10;
/// Inventory levels asked for with one item.
pub const ALL_LEVELS: i32 = 100;
/// Changed levels of one page.
pub const CHANGED_LEVELS: i32 = 250;
/// Orders of one page.
pub const ORDERS: i32 = 25;
/// Fulfillments asked for with each order of a list.
pub const FULFILLMENTS: usize = 10;
/// Ids of one `nodes` request.
pub const IDS: usize = 50;

/// Text of a scalar that Shopify owns.
macro_rules! scalar {
    ($($(#[$doc:meta])* $name:ident = $lock:ident;)*) => {
        $(
            text!($(#[$doc])* $name);
            cynic::impl_scalar!($name, schema::$lock);
        )*
    };
}

/// Text of an enum that Shopify owns: a value newer than this program is read like any other.
macro_rules! word {
    ($($(#[$doc:meta])* $name:ident = $lock:ident;)*) => {
        $(
            text!($(#[$doc])* $name);
            impl cynic::Enum for $name {
                type SchemaType = schema::$lock;
            }
            cynic::impl_coercions!($name, schema::$lock);
            impl schema::variable::Variable for $name {
                const TYPE: cynic::variables::VariableType = cynic::variables::VariableType::Named(stringify!($lock));
            }
        )*
    };
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

scalar! {
    /// RFC 3339.
    DateTime = DateTime;
    /// Decimal text.
    Decimal = Decimal;
    /// An address.
    Url = URL;
    /// A number beyond 2^53, as text.
    U64 = UnsignedInt64;
}

word! {
    /// ISO 4217.
    Currency = CurrencyCode;
    /// ISO 3166-1 alpha-2.
    Country = CountryCode;
    /// Of a product.
    ProductStatus = ProductStatus;
    /// Of a fulfillment.
    FulfillmentStatus = FulfillmentStatus;
    /// Why an order was cancelled.
    CancelReason = OrderCancelReason;
    /// Of a bulk operation.
    BulkStatus = BulkOperationStatus;
    /// Why a bulk operation failed.
    BulkError = BulkOperationErrorCode;
    /// Why an order was not created.
    CreateCode = OrderCreateUserErrorCode;
    /// Why a customer was not set.
    CustomerCode = CustomerSetUserErrorCode;
    /// Why a definition was not created.
    DefinitionCode = MetafieldDefinitionCreateUserErrorCode;
    /// Why an order was not cancelled.
    CancelCode = OrderCancelUserErrorCode;
    /// How an order was paid.
    FinancialStatus = OrderCreateFinancialStatus;
    /// Kind of a transaction.
    TransactionKind = OrderTransactionKind;
    /// Status of a transaction.
    TransactionStatus = OrderTransactionStatus;
    /// What an order does to stock.
    InventoryBehavior = OrderCreateInputsInventoryBehavior;
    /// What becomes of refunded units.
    RestockType = RefundLineItemRestockType;
    /// What a metafield belongs to.
    OwnerType = MetafieldOwnerType;
}

/// A step of a path to a wrong field: documented as text, seen as a number as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step(pub String);
cynic::impl_scalar!(Step, schema::String);

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    }
}

impl Serialize for Step {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

// ---- the shop itself

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot")]
pub struct ShopProbe {
    pub shop: Shop,
    pub current_app_installation: AppInstallation,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct Shop {
    pub id: cynic::Id,
    pub name: String,
    pub myshopify_domain: String,
    pub currency_code: Currency,
    pub iana_timezone: String,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct AppInstallation {
    pub access_scopes: Vec<AccessScope>,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct AccessScope {
    pub handle: String,
}

#[derive(cynic::QueryVariables, Debug)]
pub struct After {
    pub after: Option<String>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "After")]
pub struct Locations {
    #[arguments(first: 250, after: $after, includeInactive: true, sortKey: ID)]
    pub locations: LocationConnection,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct LocationConnection {
    pub page_info: PageInfo,
    pub nodes: Vec<Location>,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct PageInfo {
    pub has_next_page: bool,
    pub end_cursor: Option<String>,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct Location {
    pub id: cynic::Id,
    pub name: String,
    pub is_active: bool,
    pub fulfills_online_orders: bool,
    pub is_fulfillment_service: bool,
}

// ---- variants and stock

#[derive(cynic::QueryVariables, Debug)]
pub struct VariantsVariables {
    pub first: i32,
    pub after: Option<String>,
    pub query: Option<String>,
    pub levels: i32,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "VariantsVariables")]
pub struct VariantsPage {
    #[arguments(first: $first, after: $after, query: $query, sortKey: ID)]
    pub product_variants: VariantConnection,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "ProductVariantConnection", variables = "VariantsVariables")]
pub struct VariantConnection {
    pub page_info: PageInfo,
    pub nodes: Vec<Variant>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "ProductVariant", variables = "VariantsVariables")]
pub struct Variant {
    pub id: cynic::Id,
    pub sku: Option<String>,
    pub title: String,
    pub updated_at: DateTime,
    pub product: Product,
    pub inventory_item: InventoryItem,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct Product {
    pub id: cynic::Id,
    pub title: String,
    pub status: ProductStatus,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(variables = "VariantsVariables")]
pub struct InventoryItem {
    pub id: cynic::Id,
    pub tracked: bool,
    #[arguments(first: $levels)]
    pub inventory_levels: LevelConnection,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "InventoryLevelConnection")]
pub struct LevelConnection {
    pub page_info: PageInfo,
    pub nodes: Vec<Level>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "InventoryLevel")]
pub struct Level {
    pub location: LocationId,
    #[arguments(names: ["available"])]
    pub quantities: Vec<InventoryQuantity>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Location")]
pub struct LocationId {
    pub id: cynic::Id,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct InventoryQuantity {
    pub name: String,
    pub quantity: i32,
}

#[derive(cynic::QueryVariables, Debug)]
pub struct VariantIds {
    pub ids: Vec<cynic::Id>,
    pub levels: i32,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "VariantIds")]
pub struct VariantsById {
    #[arguments(ids: $ids)]
    pub nodes: Vec<Option<VariantNode>>,
}

#[derive(cynic::InlineFragments, Debug)]
#[cynic(graphql_type = "Node", variables = "VariantIds")]
pub enum VariantNode {
    ProductVariant(VariantOfId),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "ProductVariant", variables = "VariantIds")]
pub struct VariantOfId {
    pub id: cynic::Id,
    pub sku: Option<String>,
    pub title: String,
    pub updated_at: DateTime,
    pub product: Product,
    pub inventory_item: ItemOfId,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "InventoryItem", variables = "VariantIds")]
pub struct ItemOfId {
    pub id: cynic::Id,
    pub tracked: bool,
    #[arguments(first: $levels)]
    pub inventory_levels: LevelConnection,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot")]
pub struct VariantCount {
    #[arguments(limit: null)]
    pub product_variants_count: Option<Count>,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct Count {
    pub count: i32,
}

#[derive(cynic::QueryVariables, Debug)]
pub struct LevelsVariables {
    pub location: cynic::Id,
    pub first: i32,
    pub after: Option<String>,
    pub query: String,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "LevelsVariables")]
pub struct LevelsChangedSince {
    #[arguments(id: $location)]
    pub location: Option<LocationLevels>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Location", variables = "LevelsVariables")]
pub struct LocationLevels {
    #[arguments(first: $first, after: $after, query: $query)]
    pub inventory_levels: ChangedLevels,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "InventoryLevelConnection")]
pub struct ChangedLevels {
    pub page_info: PageInfo,
    pub nodes: Vec<ChangedLevel>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "InventoryLevel")]
pub struct ChangedLevel {
    pub updated_at: DateTime,
    pub item: ItemId,
    #[arguments(names: ["available"])]
    pub quantities: Vec<InventoryQuantity>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "InventoryItem")]
pub struct ItemId {
    pub id: cynic::Id,
}

// ---- bulk

#[derive(cynic::QueryVariables, Debug)]
pub struct BulkVariables {
    pub query: String,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "BulkVariables")]
pub struct BulkRunQuery {
    #[arguments(query: $query)]
    pub bulk_operation_run_query: Option<BulkRunPayload>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "BulkOperationRunQueryPayload")]
pub struct BulkRunPayload {
    pub bulk_operation: Option<BulkId>,
    pub user_errors: Vec<BulkUserError>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "BulkOperation")]
pub struct BulkId {
    pub id: cynic::Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "BulkOperationUserError")]
pub struct BulkUserError {
    pub message: String,
}

#[derive(cynic::QueryVariables, Debug)]
pub struct ById {
    pub id: cynic::Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "ById")]
pub struct BulkPoll {
    #[arguments(id: $id)]
    pub bulk_operation: Option<BulkOperation>,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct BulkOperation {
    pub status: BulkStatus,
    pub error_code: Option<BulkError>,
    pub root_object_count: U64,
    pub url: Option<Url>,
}

/// The document that a bulk operation runs: every variant with its stock. Bulk operations take `edges { node }` only.
pub const BULK_VARIANTS: &str = r#"query BulkVariants {
  productVariants {
    edges {
      node {
        id
        sku
        title
        updatedAt
        product { id title status }
        inventoryItem {
          id
          tracked
          inventoryLevels {
            edges {
              node {
                id
                location { id }
                quantities(names: ["available"]) { name quantity }
              }
            }
          }
        }
      }
    }
  }
}"#;

// ---- creating orders

#[derive(cynic::InputObject, Debug, Default)]
#[cynic(graphql_type = "OrderCreateOrderInput")]
pub struct OrderInput {
    pub name: Option<String>,
    pub source_name: Option<String>,
    pub source_identifier: Option<String>,
    pub note: Option<String>,
    pub tags: Option<Vec<String>>,
    pub custom_attributes: Option<Vec<CustomAttribute>>,
    pub metafields: Option<Vec<MetafieldInput>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerInput>,
    pub currency: Option<Currency>,
    pub processed_at: Option<DateTime>,
    pub financial_status: Option<FinancialStatus>,
    pub taxes_included: Option<bool>,
    pub test: Option<bool>,
    pub billing_address: Option<AddressInput>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<AddressInput>,
    pub line_items: Option<Vec<LineInput>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub shipping_lines: Option<Vec<ShippingLineInput>>,
    pub transactions: Option<Vec<TransactionInput>>,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "OrderCreateCustomAttributeInput")]
pub struct CustomAttribute {
    pub key: String,
    pub value: String,
}

#[derive(cynic::InputObject, Debug)]
pub struct MetafieldInput {
    pub namespace: Option<String>,
    pub key: Option<String>,
    #[cynic(rename = "type")]
    pub kind: Option<String>,
    pub value: Option<String>,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "OrderCreateCustomerInput")]
pub enum CustomerInput {
    ToAssociate(AssociateCustomer),
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "OrderCreateAssociateCustomerAttributesInput")]
pub struct AssociateCustomer {
    pub id: Option<cynic::Id>,
}

#[derive(cynic::InputObject, Debug, Default)]
#[cynic(graphql_type = "MailingAddressInput")]
pub struct AddressInput {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub address1: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub address2: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub province_code: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<Country>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub zip: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "OrderCreateLineItemInput")]
pub struct LineInput {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub variant_id: Option<cynic::Id>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    pub quantity: i32,
    pub price_set: Option<MoneyBagInput>,
    pub tax_lines: Option<Vec<TaxLineInput>>,
    pub taxable: Option<bool>,
    pub requires_shipping: Option<bool>,
    pub properties: Option<Vec<PropertyInput>>,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "OrderCreateLineItemPropertyInput")]
pub struct PropertyInput {
    pub name: String,
    pub value: String,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "OrderCreateTaxLineInput")]
pub struct TaxLineInput {
    pub title: String,
    pub rate: Decimal,
    pub price_set: Option<MoneyBagInput>,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "OrderCreateShippingLineInput")]
pub struct ShippingLineInput {
    pub title: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    pub source: Option<String>,
    pub price_set: MoneyBagInput,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "OrderCreateOrderTransactionInput")]
pub struct TransactionInput {
    pub kind: Option<TransactionKind>,
    pub status: Option<TransactionStatus>,
    pub gateway: Option<String>,
    pub amount_set: MoneyBagInput,
}

#[derive(cynic::InputObject, Debug)]
pub struct MoneyBagInput {
    pub shop_money: MoneyInput,
}

#[derive(cynic::InputObject, Debug)]
pub struct MoneyInput {
    pub amount: Decimal,
    pub currency_code: Currency,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "OrderCreateOptionsInput")]
pub struct CreateOptions {
    pub inventory_behaviour: Option<InventoryBehavior>,
    pub send_receipt: Option<bool>,
    pub send_fulfillment_receipt: Option<bool>,
}

#[derive(cynic::QueryVariables, Debug)]
pub struct CreateVariables {
    pub order: OrderInput,
    pub options: CreateOptions,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "CreateVariables")]
pub struct OrderCreate {
    #[arguments(order: $order, options: $options)]
    pub order_create: Option<CreatePayload>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "OrderCreatePayload")]
pub struct CreatePayload {
    pub order: Option<CreatedOrder>,
    pub user_errors: Vec<CreateError>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "OrderCreateUserError")]
pub struct CreateError {
    pub code: Option<CreateCode>,
    pub field: Option<Vec<Step>>,
    pub message: String,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Order")]
pub struct CreatedOrder {
    pub id: cynic::Id,
    pub name: String,
    #[arguments(first: 250)]
    pub line_items: CreatedLines,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "LineItemConnection")]
pub struct CreatedLines {
    pub nodes: Vec<CreatedLine>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "LineItem")]
pub struct CreatedLine {
    pub id: cynic::Id,
    pub sku: Option<String>,
    pub quantity: i32,
    pub variant: Option<VariantId>,
    pub custom_attributes: Vec<Attribute>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "ProductVariant")]
pub struct VariantId {
    pub id: cynic::Id,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct Attribute {
    pub key: String,
    pub value: Option<String>,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "UniqueMetafieldValueInput")]
pub struct CustomId {
    pub namespace: Option<String>,
    pub key: String,
    pub value: String,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "OrderIdentifierInput")]
pub enum OrderIdentifier {
    CustomId(CustomId),
}

#[derive(cynic::QueryVariables, Debug)]
pub struct OrderIdentifierVariables {
    pub identifier: OrderIdentifier,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "OrderIdentifierVariables")]
pub struct OrderByReference {
    #[arguments(identifier: $identifier)]
    pub order_by_identifier: Option<CreatedOrder>,
}

#[derive(cynic::QueryVariables, Debug)]
pub struct SearchVariables {
    pub query: Option<String>,
    pub first: i32,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "SearchVariables")]
pub struct OrdersSearch {
    #[arguments(first: $first, query: $query, sortKey: ID, reverse: true)]
    pub orders: FoundOrders,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "OrderConnection")]
pub struct FoundOrders {
    pub nodes: Vec<FoundOrder>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Order")]
pub struct FoundOrder {
    pub id: cynic::Id,
    pub source_identifier: Option<String>,
}

#[derive(cynic::QueryVariables, Debug)]
pub struct OrderIds {
    pub ids: Vec<cynic::Id>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "OrderIds")]
pub struct CreatedOrdersById {
    #[arguments(ids: $ids)]
    pub nodes: Vec<Option<CreatedOrderNode>>,
}

#[derive(cynic::InlineFragments, Debug)]
#[cynic(graphql_type = "Node")]
pub enum CreatedOrderNode {
    Order(CreatedOrder),
    #[cynic(fallback)]
    Other,
}

// ---- following orders

#[derive(cynic::QueryVariables, Debug)]
pub struct UpdatedVariables {
    pub query: String,
    pub after: Option<String>,
    pub first: i32,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "UpdatedVariables")]
pub struct OrdersUpdatedSince {
    #[arguments(first: $first, after: $after, query: $query, sortKey: UPDATED_AT)]
    pub orders: UpdatedOrders,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "OrderConnection")]
pub struct UpdatedOrders {
    pub page_info: PageInfo,
    pub nodes: Vec<UpdatedOrder>,
}

/// An order as fulfillment and cancellation need it. One with more lines or fulfillments than are asked for here is
/// read again by itself, as [`WholeOrder`].
#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Order")]
pub struct UpdatedOrder {
    pub id: cynic::Id,
    pub name: String,
    pub updated_at: DateTime,
    pub cancelled_at: Option<DateTime>,
    pub cancel_reason: Option<CancelReason>,
    #[arguments(first: 25)]
    pub line_items: OrderLines,
    #[arguments(first: 10)]
    pub fulfillments: Vec<UpdatedFulfillment>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "LineItemConnection")]
pub struct OrderLines {
    pub page_info: PageInfo,
    pub nodes: Vec<OrderLine>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Fulfillment")]
pub struct UpdatedFulfillment {
    pub id: cynic::Id,
    pub status: FulfillmentStatus,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    #[arguments(first: 5)]
    pub tracking_info: Vec<TrackingInfo>,
    #[arguments(first: 25)]
    pub fulfillment_line_items: FulfillmentLines,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "FulfillmentLineItemConnection")]
pub struct FulfillmentLines {
    pub page_info: PageInfo,
    pub nodes: Vec<FulfillmentLine>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "ById")]
pub struct WholeOrder {
    #[arguments(id: $id)]
    pub order: Option<OrderInFull>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Order")]
pub struct OrderInFull {
    pub id: cynic::Id,
    pub name: String,
    pub updated_at: DateTime,
    pub cancelled_at: Option<DateTime>,
    pub cancel_reason: Option<CancelReason>,
    #[arguments(first: 250)]
    pub line_items: OrderLines,
    #[arguments(first: 250)]
    pub fulfillments: Vec<FulfillmentInFull>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Fulfillment")]
pub struct FulfillmentInFull {
    pub id: cynic::Id,
    pub status: FulfillmentStatus,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    #[arguments(first: 10)]
    pub tracking_info: Vec<TrackingInfo>,
    #[arguments(first: 250)]
    pub fulfillment_line_items: FulfillmentLines,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "LineItem")]
pub struct OrderLine {
    pub id: cynic::Id,
    pub quantity: i32,
    pub current_quantity: i32,
    pub unfulfilled_quantity: i32,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "FulfillmentTrackingInfo")]
pub struct TrackingInfo {
    pub company: Option<String>,
    pub number: Option<String>,
    pub url: Option<Url>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "FulfillmentLineItem")]
pub struct FulfillmentLine {
    pub quantity: Option<i32>,
    pub line_item: LineId,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "LineItem")]
pub struct LineId {
    pub id: cynic::Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "OrderIds")]
pub struct OrdersById {
    #[arguments(ids: $ids)]
    pub nodes: Vec<Option<OrderNode>>,
}

#[derive(cynic::InlineFragments, Debug)]
#[cynic(graphql_type = "Node")]
pub enum OrderNode {
    Order(UpdatedOrder),
    #[cynic(fallback)]
    Other,
}

// ---- cancelling

#[derive(cynic::QueryVariables, Debug)]
pub struct CancelVariables {
    pub order: cynic::Id,
    pub reason: CancelReason,
    pub restock: bool,
    pub note: String,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "CancelVariables")]
pub struct CancelOrder {
    #[arguments(orderId: $order, reason: $reason, restock: $restock, notifyCustomer: false, staffNote: $note)]
    pub order_cancel: Option<CancelPayload>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "OrderCancelPayload")]
pub struct CancelPayload {
    pub job: Option<Job>,
    pub order_cancel_user_errors: Vec<CancelError>,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct Job {
    pub id: cynic::Id,
    pub done: bool,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "OrderCancelUserError")]
pub struct CancelError {
    pub code: Option<CancelCode>,
    pub field: Option<Vec<Step>>,
    pub message: String,
}

#[derive(cynic::QueryVariables, Debug)]
pub struct JobVariables {
    pub job: cynic::Id,
    pub order: cynic::Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "JobVariables")]
pub struct CancelPoll {
    #[arguments(id: $job)]
    pub job: Option<Job>,
    #[arguments(id: $order)]
    pub order: Option<Cancelled>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Order")]
pub struct Cancelled {
    pub cancelled_at: Option<DateTime>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "QueryRoot", variables = "ById")]
pub struct OrderLocations {
    #[arguments(id: $id)]
    pub order: Option<OrderPlaces>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Order")]
pub struct OrderPlaces {
    #[arguments(first: 20)]
    pub fulfillment_orders: PlacesConnection,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "FulfillmentOrderConnection")]
pub struct PlacesConnection {
    pub nodes: Vec<Places>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "FulfillmentOrder")]
pub struct Places {
    pub assigned_location: AssignedLocation,
    #[arguments(first: 50)]
    pub line_items: PlaceLines,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "FulfillmentOrderAssignedLocation")]
pub struct AssignedLocation {
    pub location: Option<LocationId>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "FulfillmentOrderLineItemConnection")]
pub struct PlaceLines {
    pub nodes: Vec<PlaceLine>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "FulfillmentOrderLineItem")]
pub struct PlaceLine {
    pub remaining_quantity: i32,
    pub line_item: LineId,
}

#[derive(cynic::InputObject, Debug)]
pub struct RefundInput {
    pub order_id: cynic::Id,
    pub note: Option<String>,
    pub notify: Option<bool>,
    pub refund_line_items: Option<Vec<RefundLine>>,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "RefundLineItemInput")]
pub struct RefundLine {
    pub line_item_id: cynic::Id,
    pub quantity: i32,
    pub restock_type: Option<RestockType>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<cynic::Id>,
}

#[derive(cynic::QueryVariables, Debug)]
pub struct RefundVariables {
    pub input: RefundInput,
    pub key: String,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "RefundVariables")]
pub struct RemoveUnits {
    #[arguments(input: $input)]
    #[directives(idempotent(key: $key))]
    pub refund_create: Option<RefundPayload>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "RefundCreatePayload")]
pub struct RefundPayload {
    pub refund: Option<RefundId>,
    pub user_errors: Vec<UserError>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Refund")]
pub struct RefundId {
    #[allow(dead_code)] // Asked for since a selection cannot be empty.
    pub id: cynic::Id,
}

#[derive(cynic::QueryFragment, Debug)]
pub struct UserError {
    pub field: Option<Vec<Step>>,
    pub message: String,
}

// ---- definitions and the channel's customer

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "MetafieldDefinitionInput")]
pub struct DefinitionInput {
    pub owner_type: OwnerType,
    pub namespace: Option<String>,
    pub key: String,
    pub name: String,
    #[cynic(rename = "type")]
    pub kind: String,
}

#[derive(cynic::QueryVariables, Debug)]
pub struct DefinitionVariables {
    pub definition: DefinitionInput,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "DefinitionVariables")]
pub struct DefinitionCreate {
    #[arguments(definition: $definition)]
    pub metafield_definition_create: Option<DefinitionPayload>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "MetafieldDefinitionCreatePayload")]
pub struct DefinitionPayload {
    pub created_definition: Option<DefinitionId>,
    pub user_errors: Vec<DefinitionError>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "MetafieldDefinition")]
pub struct DefinitionId {
    #[allow(dead_code)] // Asked for since a selection cannot be empty.
    pub id: cynic::Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "MetafieldDefinitionCreateUserError")]
pub struct DefinitionError {
    pub field: Option<Vec<Step>>,
    pub message: String,
    pub code: Option<DefinitionCode>,
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "CustomerSetIdentifiers")]
pub enum CustomerIdentifier {
    CustomId(CustomId),
}

#[derive(cynic::InputObject, Debug)]
#[cynic(graphql_type = "CustomerSetInput")]
pub struct CustomerFields {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub note: Option<String>,
    pub tags: Option<Vec<String>>,
}

#[derive(cynic::QueryVariables, Debug)]
pub struct CustomerVariables {
    pub identifier: CustomerIdentifier,
    pub input: CustomerFields,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Mutation", variables = "CustomerVariables")]
pub struct ChannelCustomer {
    #[arguments(identifier: $identifier, input: $input)]
    pub customer_set: Option<CustomerPayload>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "CustomerSetPayload")]
pub struct CustomerPayload {
    pub customer: Option<CustomerId>,
    pub user_errors: Vec<CustomerError>,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "Customer")]
pub struct CustomerId {
    pub id: cynic::Id,
}

#[derive(cynic::QueryFragment, Debug)]
#[cynic(graphql_type = "CustomerSetUserError")]
pub struct CustomerError {
    pub field: Option<Vec<Step>>,
    pub message: String,
    pub code: Option<CustomerCode>,
}
