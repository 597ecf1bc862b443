//! What is sent to create an order.

use cynic::queries::VariableMatch;
use rust_decimal::Decimal;

use super::address::{MailingAddressInput, mailing};
use super::find::{LINES, LinesVariablesFields};
use super::types::{Word, enum_values, schema};
use super::{NAMESPACE, ORDER_KEY};
use crate::model::{Fault, Instant, Money, NewLine, NewOrder};

#[derive(cynic::QueryVariables)]
pub(super) struct OrderCreateVariables {
    order: OrderInput,
    options: OptionsInput,
    lines: i32,
}

impl VariableMatch<LinesVariablesFields> for OrderCreateVariablesFields {}

#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "OrderCreateOrderInput")]
pub(super) struct OrderInput {
    name: String,
    note: String,
    tags: Vec<String>,
    source_name: String,
    source_identifier: String,
    custom_attributes: Vec<AttributeInput>,
    metafields: Vec<MetafieldInput>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerInput>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    billing_address: Option<MailingAddressInput>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<MailingAddressInput>,
    currency: Word<schema::CurrencyCode>,
    processed_at: Instant,
    financial_status: Word<schema::OrderCreateFinancialStatus>,
    taxes_included: bool,
    buyer_accepts_marketing: bool,
    line_items: Vec<LineInput>,
    #[cynic(skip_serializing_if = "Vec::is_empty")]
    shipping_lines: Vec<ShippingLineInput>,
    #[cynic(skip_serializing_if = "Vec::is_empty")]
    transactions: Vec<TransactionInput>,
    test: bool,
}

#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "OrderCreateCustomAttributeInput")]
struct AttributeInput {
    key: String,
    value: String,
}

#[derive(Clone, Debug, cynic::InputObject)]
struct MetafieldInput {
    namespace: String,
    key: String,
    #[cynic(rename = "type")]
    kind: String,
    value: String,
}

#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "OrderCreateCustomerInput")]
struct CustomerInput {
    to_associate: Associate,
}

#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "OrderCreateAssociateCustomerAttributesInput")]
struct Associate {
    id: cynic::Id,
}

#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "OrderCreateLineItemInput")]
struct LineInput {
    #[cynic(skip_serializing_if = "Option::is_none")]
    variant_id: Option<cynic::Id>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    quantity: i32,
    price_set: MoneyBagInput,
    #[cynic(skip_serializing_if = "Vec::is_empty")]
    tax_lines: Vec<TaxLineInput>,
    taxable: bool,
    requires_shipping: bool,
    #[cynic(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<PropertyInput>,
}

#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "OrderCreateLineItemPropertyInput")]
struct PropertyInput {
    name: String,
    value: String,
}

#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "OrderCreateTaxLineInput")]
struct TaxLineInput {
    title: String,
    rate: Decimal,
    price_set: MoneyBagInput,
}

#[derive(Clone, Debug, cynic::InputObject)]
struct MoneyBagInput {
    shop_money: MoneyInput,
}

#[derive(Clone, Debug, cynic::InputObject)]
struct MoneyInput {
    amount: Decimal,
    currency_code: Word<schema::CurrencyCode>,
}

#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "OrderCreateShippingLineInput")]
struct ShippingLineInput {
    title: String,
    #[cynic(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    source: String,
    price_set: MoneyBagInput,
}

#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "OrderCreateOrderTransactionInput")]
struct TransactionInput {
    kind: Word<schema::OrderTransactionKind>,
    status: Word<schema::OrderTransactionStatus>,
    gateway: String,
    amount_set: MoneyBagInput,
    processed_at: Instant,
}

#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "OrderCreateOptionsInput")]
pub(super) struct OptionsInput {
    inventory_behaviour: Word<schema::OrderCreateInputsInventoryBehavior>,
    send_receipt: bool,
    send_fulfillment_receipt: bool,
}

fn refused(order: &NewOrder, why: &str) -> Fault {
    Fault::Rejected {
        code: None,
        detail: format!("order {}: {why}", order.name),
    }
}

fn currency(of: &str, order: &NewOrder) -> Result<Word<schema::CurrencyCode>, Fault> {
    if enum_values("CurrencyCode").contains(of) {
        Ok(Word::new(of))
    } else {
        Err(refused(order, &format!("Shopify has no currency \"{of}\"")))
    }
}

fn bag(money: &Money, order: &NewOrder) -> Result<MoneyBagInput, Fault> {
    Ok(MoneyBagInput {
        shop_money: MoneyInput {
            amount: money.amount,
            currency_code: currency(&money.currency, order)?,
        },
    })
}

fn line_input(line: &NewLine, order: &NewOrder) -> Result<LineInput, Fault> {
    let mut tax_lines = Vec::with_capacity(line.taxes.len());
    for (title, rate, amount) in &line.taxes {
        tax_lines.push(TaxLineInput {
            title: if title.trim().is_empty() {
                "Tax".into()
            } else {
                title.clone()
            },
            rate: rate.trim().parse().map_err(|_| {
                refused(
                    order,
                    &format!("the tax rate \"{rate}\" of \"{}\" is no number", line.title),
                )
            })?,
            price_set: bag(amount, order)?,
        });
    }
    let custom = line.variant.is_none();
    Ok(LineInput {
        variant_id: line.variant.as_ref().map(cynic::Id::new),
        // A line of a variant takes both from the variant.
        title: custom.then(|| {
            if line.title.trim().is_empty() {
                "Item".into()
            } else {
                line.title.clone()
            }
        }),
        sku: line.sku.clone().filter(|_| custom),
        quantity: i32::try_from(line.quantity)
            .ok()
            .filter(|q| *q > 0)
            .ok_or_else(|| {
                refused(
                    order,
                    &format!("a line cannot have the quantity {}", line.quantity),
                )
            })?,
        price_set: bag(&line.unit_price, order)?,
        tax_lines,
        taxable: line.taxable,
        requires_shipping: line.requires_shipping,
        properties: line
            .properties
            .iter()
            .map(|p| PropertyInput {
                name: p.key.clone(),
                value: p.value.clone(),
            })
            .collect(),
    })
}

/// What is sent. `with_phone`: whether the recipient's phone number goes into the shipping address. No e-mail or phone
/// is ever given for the order itself: Shopify would write to the buyer and count orders against the number.
pub(super) fn order_input(
    order: &NewOrder,
    with_phone: bool,
) -> Result<OrderCreateVariables, Fault> {
    let mut custom_attributes: Vec<AttributeInput> = order
        .attributes
        .iter()
        .map(|f| AttributeInput {
            key: f.key.clone(),
            value: f.value.clone(),
        })
        .collect();
    let instructions = order
        .shipping
        .as_ref()
        .and_then(|a| a.instructions.as_deref());
    if let Some(text) = instructions.map(str::trim).filter(|t| !t.is_empty()) {
        custom_attributes.push(AttributeInput {
            key: "Delivery instructions".into(),
            value: text.to_owned(),
        });
    }
    let mut line_items = Vec::with_capacity(order.lines.len());
    for line in &order.lines {
        line_items.push(line_input(line, order)?);
    }
    let mut shipping_lines = Vec::new();
    if let Some((title, code, price)) = &order.shipping_line {
        shipping_lines.push(ShippingLineInput {
            title: title.clone(),
            code: code.clone(),
            source: order.source.clone(),
            price_set: bag(price, order)?,
        });
    }
    let mut transactions = Vec::new();
    if order.paid.amount > Decimal::ZERO {
        transactions.push(TransactionInput {
            kind: Word::new("SALE"),
            status: Word::new("SUCCESS"),
            gateway: order.gateway.clone(),
            amount_set: bag(&order.paid, order)?,
            processed_at: order.processed_at,
        });
    }
    let order_input = OrderInput {
        name: order.name.clone(),
        note: order.note.clone(),
        tags: order.tags.clone(),
        source_name: order.source.clone(),
        source_identifier: order.reference.clone(),
        custom_attributes,
        metafields: vec![MetafieldInput {
            namespace: NAMESPACE.into(),
            key: ORDER_KEY.into(),
            kind: "id".into(),
            value: order.reference.clone(),
        }],
        customer: order.customer.as_ref().map(|id| CustomerInput {
            to_associate: Associate { id: id.into() },
        }),
        billing_address: Some(mailing(&order.billing, false)),
        shipping_address: order.shipping.as_ref().map(|a| mailing(a, with_phone)),
        currency: currency(&order.currency, order)?,
        processed_at: order.processed_at,
        financial_status: Word::new("PAID"),
        taxes_included: order.taxes_included,
        buyer_accepts_marketing: false,
        line_items,
        shipping_lines,
        transactions,
        test: order.test,
    };
    let behaviour = if order.decrement {
        "DECREMENT_IGNORING_POLICY"
    } else {
        "BYPASS"
    };
    Ok(OrderCreateVariables {
        order: order_input,
        options: OptionsInput {
            inventory_behaviour: Word::new(behaviour),
            send_receipt: false,
            send_fulfillment_receipt: false,
        },
        lines: LINES,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{Address, Fact};

    fn aud(text: &str) -> Money {
        Money {
            amount: text.parse().unwrap(),
            currency: "AUD".into(),
        }
    }

    fn order() -> NewOrder {
        let line = NewLine {
            variant: Some("gid://shopify/ProductVariant/1".into()),
            title: "Tee".into(),
            sku: Some("ABC-1".into()),
            quantity: 2,
            unit_price: aud("49.95"),
            taxes: vec![("GST".into(), "0.1".into(), aud("9.08"))],
            taxable: true,
            requires_shipping: true,
            properties: vec![Fact {
                key: "_lockstep_line".into(),
                value: "5,6".into(),
            }],
        };
        NewOrder {
            reference: "the-iconic:601774".into(),
            name: "ICN-1".into(),
            note: "THE ICONIC order ICN-1".into(),
            tags: vec!["marketplace".into()],
            source: "the-iconic".into(),
            attributes: vec![],
            currency: "AUD".into(),
            processed_at: "2026-11-23T01:02:03Z".parse().unwrap(),
            taxes_included: true,
            customer: Some("gid://shopify/Customer/9".into()),
            billing: Address {
                last_name: Some("ICONIC".into()),
                ..Address::default()
            },
            shipping: Some(Address {
                country: Some("AU".into()),
                phones: vec!["0400".into()],
                instructions: Some(" Ring twice ".into()),
                ..Address::default()
            }),
            lines: vec![
                line.clone(),
                NewLine {
                    variant: None,
                    ..line
                },
            ],
            shipping_line: Some(("Standard".into(), None, aud("0.00"))),
            paid: aud("99.90"),
            gateway: "THE ICONIC".into(),
            decrement: true,
            test: false,
        }
    }

    fn variables(order: &NewOrder) -> Value {
        serde_json::to_value(order_input(order, true).unwrap()).unwrap()
    }

    #[test]
    fn an_order_is_written_as_shopify_wants_it() {
        let v = variables(&order());
        assert_eq!(
            v["options"],
            json!({"inventoryBehaviour": "DECREMENT_IGNORING_POLICY", "sendReceipt": false, "sendFulfillmentReceipt": false})
        );
        let o = &v["order"];
        assert_eq!(
            o["metafields"],
            json!([{"namespace": "lockstep", "key": "order_ref", "type": "id", "value": "the-iconic:601774"}])
        );
        assert_eq!(
            o["customer"],
            json!({"toAssociate": {"id": "gid://shopify/Customer/9"}})
        );
        assert_eq!(o["sourceIdentifier"], "the-iconic:601774");
        assert_eq!(o["financialStatus"], "PAID");
        assert_eq!(o["taxesIncluded"], true);
        assert_eq!(o["processedAt"], "2026-11-23T01:02:03Z");
        assert_eq!(
            o["customAttributes"],
            json!([{"key": "Delivery instructions", "value": "Ring twice"}])
        );
        assert_eq!(
            o["shippingAddress"],
            json!({"countryCode": "AU", "phone": "0400"})
        );
        assert_eq!(o["billingAddress"], json!({"lastName": "ICONIC"}));
        assert!(o.get("email").is_none() && o.get("phone").is_none());
        let line = &o["lineItems"][0];
        assert_eq!(line["variantId"], "gid://shopify/ProductVariant/1");
        assert_eq!(line["requiresShipping"], true);
        assert_eq!(
            line["priceSet"],
            json!({"shopMoney": {"amount": "49.95", "currencyCode": "AUD"}})
        );
        assert_eq!(line["taxLines"][0]["rate"], "0.1");
        assert!(line.get("title").is_none() && line.get("sku").is_none());
        let custom = &o["lineItems"][1];
        assert!(custom.get("variantId").is_none());
        assert_eq!(
            (&custom["title"], &custom["sku"]),
            (&json!("Tee"), &json!("ABC-1"))
        );
        assert_eq!(
            o["transactions"][0]["amountSet"]["shopMoney"]["amount"],
            "99.90"
        );
        assert_eq!(o["transactions"][0]["kind"], "SALE");
    }

    #[test]
    fn every_enum_value_that_is_sent_exists() {
        for (name, values) in [
            ("OrderCreateFinancialStatus", &["PAID"][..]),
            ("OrderTransactionKind", &["SALE"]),
            ("OrderTransactionStatus", &["SUCCESS"]),
            (
                "OrderCreateInputsInventoryBehavior",
                &["BYPASS", "DECREMENT_IGNORING_POLICY"],
            ),
        ] {
            for value in values {
                assert!(enum_values(name).contains(value), "{name}.{value}");
            }
        }
    }

    #[test]
    fn what_shopify_would_not_understand_is_refused_by_name() {
        let mut bad = order();
        bad.currency = "ZZZ".into();
        let fault = order_input(&bad, true).err().unwrap();
        assert!(
            fault.to_string().contains("ICN-1") && fault.to_string().contains("ZZZ"),
            "{fault}"
        );
        let mut bad = order();
        bad.lines[0].taxes[0].1 = "ten".into();
        assert!(
            order_input(&bad, true)
                .err()
                .unwrap()
                .to_string()
                .contains("ten")
        );
        let mut bad = order();
        bad.lines[0].quantity = 0;
        assert_eq!(order_input(&bad, true).err().unwrap().case(), "rejected");
    }

    #[test]
    fn nothing_paid_is_no_transaction() {
        let mut free = order();
        free.paid = aud("0.00");
        free.decrement = false;
        let v = variables(&free);
        assert!(v["order"].get("transactions").is_none());
        assert_eq!(v["options"]["inventoryBehaviour"], "BYPASS");
    }
}
