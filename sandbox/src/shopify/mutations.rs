//! The mutations: which one runs, the idempotency directive, and those that change settings.

use serde_json::{Map, Value};

use super::engine::{Obj, Out, Refusal};
use super::idempotency::{REQUIRED, Seen};
use super::order_fields::strings;
use super::resolve::{Arguments, definition, one_of, one_of_refusal, require, text};
use super::state::{Definition, State, decimal, gid, number_of};
use super::{bulk, cancel, fulfill, inventory, order_create, webhooks};

/// A user error: code (if the type has one), path and message.
pub(super) struct UserError {
    pub(super) code: Option<&'static str>,
    pub(super) field: Vec<String>,
    pub(super) message: String,
}

impl UserError {
    pub(super) fn new(code: &'static str, field: &[&str], message: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            field: field.iter().map(|f| (*f).to_owned()).collect(),
            message: message.into(),
        }
    }

    /// An error of a type without codes.
    pub(super) fn plain(field: &[&str], message: impl Into<String>) -> Self {
        Self {
            code: None,
            ..Self::new("", field, message)
        }
    }
}

/// The payload of a mutation. User errors leave its objects null.
pub(super) fn payload(
    kind: &'static str,
    objects: Vec<(&'static str, Out)>,
    errors: &[UserError],
) -> Out {
    let (name, error_kind) = match kind {
        "OrderCancelPayload" => ("orderCancelUserErrors", "OrderCancelUserError"),
        _ => ("userErrors", "UserError"),
    };
    let list = errors.iter().map(|e| {
        let field = if e.field.is_empty() {
            Value::Null
        } else {
            e.field.clone().into()
        };
        Obj::made(
            error_kind,
            vec![
                ("code", Out::Json(e.code.into())),
                ("field", Out::Json(field)),
                ("message", e.message.as_str().into()),
            ],
        )
    });
    let mut fields: Vec<(&'static str, Out)> = if errors.is_empty() {
        objects
    } else {
        objects.into_iter().map(|(n, _)| (n, Out::NULL)).collect()
    };
    fields.push((name, Out::list(list)));
    Out::Obj(Obj::made(kind, fields))
}

/// Whether a payload carries user errors.
fn failed(result: &Out) -> bool {
    let Out::Obj(Obj::Made(made)) = result else {
        return false;
    };
    made.fields.iter().any(|(name, value)| {
        name.ends_with("serErrors") && matches!(value, Out::List(list) if !list.is_empty())
    })
}

/// Runs a mutation. `key` is that of `@idempotent`, when the field carries the directive.
pub(super) fn run(
    state: &mut State,
    name: &str,
    arguments: &Arguments,
    key: Option<String>,
) -> Result<Out, Refusal> {
    let scope = match name {
        "orderCreate" | "orderCancel" | "refundCreate" | "tagsAdd" => Some("write_orders"),
        "inventoryAdjustQuantities" | "inventorySetQuantities" | "inventoryActivate" => {
            Some("write_inventory")
        }
        "fulfillmentCreate" | "fulfillmentCancel" | "fulfillmentTrackingInfoUpdate" => {
            Some("write_merchant_managed_fulfillment_orders")
        }
        "customerSet" => Some("write_customers"),
        "productVariantsBulkUpdate" => Some("write_products"),
        "bulkOperationRunQuery" => Some("read_products"),
        _ => None,
    };
    if let Some(scope) = scope {
        require(state, name, scope)?;
    }
    let Some(key) = key else {
        if REQUIRED.contains(&name) {
            return Err(Refusal::new(
                "BAD_REQUEST",
                "The @idempotent directive is required for this mutation but was not provided.",
            ));
        }
        return dispatch(state, name, arguments);
    };
    if !REQUIRED.contains(&name) {
        return Err(Refusal::new(
            "BAD_REQUEST",
            "The @idempotent directive is not supported on this mutation.",
        ));
    }
    if key.trim().is_empty() {
        return Err(Refusal::new(
            "BAD_REQUEST",
            "The key of the @idempotent directive must not be blank.",
        ));
    }
    if state.config.switches.keys_forgotten {
        return dispatch(state, name, arguments);
    }
    let key = if state.config.switches.keys_per_mutation {
        format!("{name}:{key}")
    } else {
        key
    };
    let refused = |code: &'static str, message: &str| {
        let error = UserError {
            code: Some(code),
            field: Vec::new(),
            message: message.to_owned(),
        };
        Ok(empty(name, &[error]))
    };
    match state.keys.look(&key, name, arguments) {
        Seen::Answered(result) => Ok(result),
        Seen::Mismatch => refused(
            "IDEMPOTENCY_KEY_PARAMETER_MISMATCH",
            "The same idempotency key cannot be used with different parameters.",
        ),
        Seen::Failed => refused(
            "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED",
            "The previous attempt with this idempotency key failed. Use a new key to retry.",
        ),
        Seen::New => {
            let result = dispatch(state, name, arguments)?;
            let failed = failed(&result);
            state.keys.remember(key, name, arguments, &result, failed);
            Ok(result)
        }
    }
}

/// The payload of an idempotent mutation that did nothing.
fn empty(name: &str, errors: &[UserError]) -> Out {
    match name {
        "inventoryAdjustQuantities" => payload(
            "InventoryAdjustQuantitiesPayload",
            vec![("inventoryAdjustmentGroup", Out::NULL)],
            errors,
        ),
        "inventorySetQuantities" => payload(
            "InventorySetQuantitiesPayload",
            vec![("inventoryAdjustmentGroup", Out::NULL)],
            errors,
        ),
        "inventoryActivate" => payload(
            "InventoryActivatePayload",
            vec![("inventoryLevel", Out::NULL)],
            errors,
        ),
        _ => payload(
            "RefundCreatePayload",
            vec![("refund", Out::NULL), ("order", Out::NULL)],
            errors,
        ),
    }
}

fn dispatch(state: &mut State, name: &str, arguments: &Arguments) -> Result<Out, Refusal> {
    match name {
        "orderCreate" => order_create::run(state, arguments),
        "orderCancel" => Ok(cancel::order(state, arguments)),
        "refundCreate" => Ok(cancel::refund(state, arguments)),
        "fulfillmentCreate" => Ok(fulfill::create(state, arguments)),
        "fulfillmentCancel" => Ok(fulfill::cancel(state, arguments)),
        "fulfillmentTrackingInfoUpdate" => Ok(fulfill::tracking(state, arguments)),
        "inventoryAdjustQuantities" => inventory::adjust(state, arguments),
        "inventorySetQuantities" => inventory::set(state, arguments),
        "inventoryActivate" => Ok(inventory::activate(state, arguments)),
        "customerSet" => customer_set(state, arguments),
        "metafieldDefinitionCreate" => Ok(define(state, arguments)),
        "productVariantsBulkUpdate" => Ok(update_variants(state, arguments)),
        "tagsAdd" => Ok(add_tags(state, arguments)),
        "bulkOperationRunQuery" => bulk::start(state, arguments),
        "bulkOperationCancel" => Ok(bulk::cancel(state, arguments)),
        "webhookSubscriptionCreate" => Ok(webhooks::create(state, arguments)),
        "webhookSubscriptionDelete" => Ok(webhooks::delete(state, arguments)),
        _ => Err(Refusal::new(
            "INTERNAL_SERVER_ERROR",
            format!("the sandbox does not carry out {name}"),
        )),
    }
}

fn member<'a>(input: Option<&'a Map<String, Value>>, name: &str) -> Option<&'a str> {
    input?.get(name).and_then(Value::as_str)
}

fn define(state: &mut State, arguments: &Arguments) -> Out {
    let input = arguments.get("definition").and_then(Value::as_object);
    let owner = member(input, "ownerType").unwrap_or_default().to_owned();
    let namespace = state.namespace(member(input, "namespace"));
    let key = member(input, "key").unwrap_or_default().to_owned();
    let kind = member(input, "type").unwrap_or_default().to_owned();
    let answer = |object: Out, errors: &[UserError]| {
        payload(
            "MetafieldDefinitionCreatePayload",
            vec![("createdDefinition", object)],
            errors,
        )
    };
    let bad = |text: &str| {
        text.is_empty()
            || !text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    let error = if !(3..=255).contains(&namespace.len()) {
        Some((
            "TOO_SHORT",
            "namespace",
            "Namespace is too short (minimum is 3 characters)".to_owned(),
        ))
    } else if bad(&namespace) || bad(&key) {
        Some((
            "INVALID_CHARACTER",
            "key",
            "Namespace and key may only contain letters, numbers, dashes and underscores"
                .to_owned(),
        ))
    } else if state
        .definitions
        .iter()
        .any(|d| d.owner == owner && d.namespace == namespace && d.key == key)
    {
        let title = owner[..1].to_owned() + &owner[1..].to_lowercase();
        Some((
            "TAKEN",
            "key",
            format!("Key is in use for {title} metafields on the '{namespace}' namespace."),
        ))
    } else if kind == "id"
        && owner == "ORDER"
        && state.orders.values().any(|o| {
            o.metafields
                .iter()
                .any(|m| m.namespace == namespace && m.key == key)
        })
    {
        Some((
            "UNSTRUCTURED_ALREADY_EXISTS",
            "key",
            "Unique values cannot be demanded: metafields with this namespace and key exist already.".to_owned(),
        ))
    } else {
        None
    };
    if let Some((code, field, message)) = error {
        return answer(
            Out::NULL,
            &[UserError::new(code, &["definition", field], message)],
        );
    }
    let made = Definition {
        id: state.id(),
        owner,
        namespace,
        key,
        kind,
    };
    let object = Out::Obj(definition(&made));
    state.definitions.push(made);
    answer(object, &[])
}

fn customer_set(state: &mut State, arguments: &Arguments) -> Result<Out, Refusal> {
    let input = arguments.get("input").and_then(Value::as_object);
    let answer = |object: Out, errors: &[UserError]| {
        Ok(payload(
            "CustomerSetPayload",
            vec![("customer", object)],
            errors,
        ))
    };
    let mut custom = None;
    let mut found = None;
    if let Some(identifier) = arguments.get("identifier").and_then(Value::as_object) {
        let (which, value) = one_of(identifier).ok_or_else(|| one_of_refusal("identifier"))?;
        match which {
            "customId" => {
                let given = |name: &str| value.get(name).and_then(Value::as_str);
                let namespace = state.namespace(given("namespace"));
                let key = given("key").unwrap_or_default().to_owned();
                if !state.is_defined("CUSTOMER", &namespace, &key) {
                    return Err(Refusal::new(
                        "NOT_FOUND",
                        "Metafield definition of type 'id' is required when using custom ids.",
                    ));
                }
                let value = given("value").unwrap_or_default().to_owned();
                let full = ("CUSTOMER", namespace, key, value);
                found = state
                    .custom_ids
                    .get(&full)
                    .and_then(|ids| ids.first().copied());
                custom = Some(full);
            }
            "id" => {
                found = value
                    .as_str()
                    .and_then(|t| number_of(t, "Customer"))
                    .filter(|n| state.customers.contains_key(n));
                if found.is_none() {
                    let error = UserError::new(
                        "NOT_FOUND",
                        &["input"],
                        "Resource matching the identifier was not found.",
                    );
                    return answer(Out::NULL, &[error]);
                }
            }
            _ => {
                if member(input, "email") != value.as_str() {
                    let error = UserError::new(
                        "INPUT_MISMATCH",
                        &["input"],
                        "The identifier value does not match the value of the corresponding field in the input.",
                    );
                    return answer(Out::NULL, &[error]);
                }
                found = state
                    .customers
                    .iter()
                    .find(|(_, c)| c.email.as_deref() == value.as_str())
                    .map(|(id, _)| *id);
            }
        }
    }
    let names = ["firstName", "lastName", "phone", "email"];
    let has_one = names
        .iter()
        .any(|n| member(input, n).is_some_and(|t| !t.trim().is_empty()));
    if found.is_none() && !has_one {
        let error = UserError::new(
            "INVALID",
            &["input"],
            "Customer must have a name, phone number or email address",
        );
        return answer(Out::NULL, &[error]);
    }
    if let Some(email) = member(input, "email")
        && state
            .customers
            .iter()
            .any(|(id, c)| Some(*id) != found && c.email.as_deref() == Some(email))
    {
        let error = UserError::new("TAKEN", &["input", "email"], "Email has already been taken");
        return answer(Out::NULL, &[error]);
    }
    let id = found.unwrap_or_else(|| state.id());
    let customer = state.customers.entry(id).or_default();
    let set = |name: &str, target: &mut Option<String>| {
        if let Some(value) = input.and_then(|i| i.get(name)) {
            *target = value.as_str().filter(|t| !t.is_empty()).map(str::to_owned);
        }
    };
    set("firstName", &mut customer.first_name);
    set("lastName", &mut customer.last_name);
    set("email", &mut customer.email);
    set("phone", &mut customer.phone);
    set("note", &mut customer.note);
    if let Some(tags) = input.and_then(|i| i.get("tags")) {
        customer.tags = strings(Some(tags));
    }
    if let (None, Some(full)) = (found, custom) {
        state.custom_ids.entry(full).or_default().push(id);
    }
    answer(Out::Obj(Obj::Customer(id)), &[])
}

fn update_variants(state: &mut State, arguments: &Arguments) -> Out {
    let product = text(arguments, "productId").and_then(|t| number_of(t, "Product"));
    let inputs: Vec<Map<String, Value>> = arguments
        .get("variants")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|v| v.as_object().cloned())
        .collect();
    let answer = |object: Out, errors: &[UserError]| {
        payload(
            "ProductVariantsBulkUpdatePayload",
            vec![("productVariants", object)],
            errors,
        )
    };
    let Some(product) = product.filter(|p| state.products.contains_key(p)) else {
        let error = UserError::new(
            "PRODUCT_DOES_NOT_EXIST",
            &["productId"],
            "Product does not exist",
        );
        return answer(Out::NULL, &[error]);
    };
    let mut ids = Vec::new();
    let mut errors = Vec::new();
    for (i, input) in inputs.iter().enumerate() {
        let at = i.to_string();
        let Some(given) = input.get("id").and_then(Value::as_str) else {
            errors.push(UserError::new(
                "PRODUCT_VARIANT_ID_MISSING",
                &["variants", &at, "id"],
                "Product variant is missing ID attribute",
            ));
            continue;
        };
        let id = number_of(given, "ProductVariant")
            .filter(|id| state.variants.get(id).is_some_and(|v| v.product == product));
        match id {
            Some(id) => ids.push(id),
            None => errors.push(UserError::new(
                "PRODUCT_VARIANT_DOES_NOT_EXIST",
                &["variants", &at, "id"],
                "Product variant does not exist",
            )),
        }
        if input
            .get("price")
            .and_then(decimal)
            .is_some_and(|p| p.is_sign_negative())
        {
            errors.push(UserError::new(
                "GREATER_THAN_OR_EQUAL_TO",
                &["variants", &at, "price"],
                "Price must be greater than or equal to 0",
            ));
        }
    }
    if !errors.is_empty() {
        return answer(Out::NULL, &errors);
    }
    for (id, input) in ids.iter().zip(&inputs) {
        if let Some(variant) = state.variants.get_mut(id) {
            if let Some(price) = input.get("price").and_then(decimal) {
                variant.price = price;
            }
            if let Some(barcode) = input.get("barcode") {
                variant.barcode = barcode.as_str().map(str::to_owned);
            }
        }
        let item = input.get("inventoryItem").and_then(Value::as_object);
        if let Some(sku) = item.and_then(|i| i.get("sku")) {
            state.set_sku(*id, sku.as_str());
        }
        if let Some(tracked) = item.and_then(|i| i.get("tracked")).and_then(Value::as_bool)
            && let Some(variant) = state.variants.get_mut(id)
        {
            variant.tracked = tracked;
        }
        state.touch_variant(*id);
    }
    answer(Out::list(ids.into_iter().map(Obj::Variant)), &[])
}

fn add_tags(state: &mut State, arguments: &Arguments) -> Out {
    let tags = strings(arguments.get("tags"));
    let given = text(arguments, "id").unwrap_or_default();
    let add = |have: &mut Vec<String>| {
        for tag in &tags {
            if !have.iter().any(|t| t.eq_ignore_ascii_case(tag)) {
                have.push(tag.clone());
            }
        }
    };
    let answer = |object: Out, errors: &[UserError]| {
        payload("TagsAddPayload", vec![("node", object)], errors)
    };
    if let Some(id) = number_of(given, "Order")
        && let Some(order) = state.orders.get_mut(&id)
    {
        add(&mut order.tags);
        state.touch_order(id);
        state.announce_order(id, "ORDERS_UPDATED");
        return answer(Out::Obj(Obj::Order(id)), &[]);
    }
    if let Some(id) = number_of(given, "Customer")
        && let Some(customer) = state.customers.get_mut(&id)
    {
        add(&mut customer.tags);
        return answer(Out::Obj(Obj::Customer(id)), &[]);
    }
    let message = format!("{given} does not exist, or cannot carry tags");
    answer(Out::NULL, &[UserError::plain(&["id"], message)])
}

/// `gid://shopify/Job/...` with a random name.
pub(super) fn job_id() -> String {
    gid("Job", 0).replace("/0", &format!("/{}", uuid::Uuid::new_v4()))
}
