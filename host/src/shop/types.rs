//! Shopify's schema as marker types, and the few types of our own that its scalars and enums are read into.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::Instant;

#[cynic::schema("shopify")]
pub(super) mod schema {}

cynic::impl_scalar!(Instant, schema::DateTime);
cynic::impl_scalar!(Decimal, schema::Decimal);
cynic::impl_scalar!(Count, schema::UnsignedInt64);

/// An address on the web, as text.
#[derive(Clone, Debug, cynic::Scalar)]
#[cynic(graphql_type = "URL")]
pub(super) struct Link(pub(super) String);

/// A value of the enum `E` of the schema, kept as text: Shopify adds values in every version, and a list of
/// currencies or countries in code would only age.
pub(super) struct Word<E> {
    text: String,
    of: PhantomData<fn() -> E>,
}

impl<E> Word<E> {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            of: PhantomData,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

impl<E> Clone for Word<E> {
    fn clone(&self) -> Self {
        Self::new(self.text.clone())
    }
}

impl<E> std::fmt::Debug for Word<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl<E> Serialize for Word<E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, E> Deserialize<'de> for Word<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl<E> cynic::Enum for Word<E> {
    type SchemaType = E;
}

cynic::impl_coercions!(Word<E> [<E>] [], E);

/// The enums that are sent as a variable of their own need their name in the document.
macro_rules! enum_variables {
    ($($name:ident),+) => {
        $(impl schema::variable::Variable for Word<schema::$name> {
            const TYPE: cynic::variables::VariableType = cynic::variables::VariableType::Named(stringify!($name));
        })+
    };
}

enum_variables!(
    MetafieldOwnerType,
    OrderCancelReason,
    WebhookSubscriptionTopic
);

/// A 64-bit count, which Shopify writes as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(n) => Ok(Self(n)),
            Either::Text(text) => text.parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

/// A step of the path in a user error: the schema says text, an index sometimes comes as a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step(pub(super) String);

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        }))
    }
}

impl cynic::schema::IsScalar<String> for Step {
    type SchemaType = String;
}

/// Whether there is more, and where it begins.
#[derive(Clone, Debug, cynic::QueryFragment)]
pub(super) struct PageInfo {
    pub(super) has_next_page: bool,
    pub(super) end_cursor: Option<String>,
}

impl PageInfo {
    /// The cursor of the next page. Shopify saying "more" without telling where is treated as the end by no one:
    /// the caller gets an error.
    pub(super) fn next(self, of: &str) -> Result<Option<String>, crate::model::Fault> {
        match (self.has_next_page, self.end_cursor) {
            (false, _) => Ok(None),
            (true, Some(cursor)) => Ok(Some(cursor)),
            (true, None) => Err(crate::model::Fault::Protocol {
                detail: format!("Shopify has more of {of} but gives no cursor"),
            }),
        }
    }
}

/// The number at the end of a global id (`gid://shopify/Order/17` is 17). Ids exceed 2^53.
pub(super) fn number_of(gid: &str) -> Option<u64> {
    let last = gid.rsplit('/').next()?;
    last.split('?').next()?.parse().ok()
}

/// A GraphQL `Int` that counts things.
pub(super) fn count(int: i32) -> u32 {
    u32::try_from(int).unwrap_or(0)
}

/// The values of an enum in the schema file.
pub(super) fn enum_values(name: &str) -> BTreeSet<&'static str> {
    let head = format!("\nenum {name} {{\n");
    let text = include_str!("schema.graphql");
    let body = text.split_once(&head).map_or("", |(_, rest)| rest);
    body.lines()
        .map(str::trim)
        .take_while(|line| *line != "}")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_enum_values_are_kept() {
        let word: Word<schema::FulfillmentStatus> = serde_json::from_str("\"TELEPORTED\"").unwrap();
        assert_eq!(word.text(), "TELEPORTED");
    }

    #[test]
    fn counts_come_as_text_or_number() {
        assert_eq!(
            serde_json::from_str::<Count>("\"9007199254740993\"").unwrap(),
            Count(9_007_199_254_740_993)
        );
        assert_eq!(serde_json::from_str::<Count>("7").unwrap(), Count(7));
        assert!(serde_json::from_str::<Count>("\"x\"").is_err());
    }

    #[test]
    fn numbers_of_ids() {
        assert_eq!(
            number_of("gid://shopify/Order/9007199254740993"),
            Some(9_007_199_254_740_993)
        );
        assert_eq!(
            number_of("gid://shopify/InventoryLevel/21?inventory_item_id=11"),
            Some(21)
        );
        assert_eq!(number_of("gid://shopify/Order/x"), None);
    }

    #[test]
    fn enums_are_read_from_the_schema() {
        assert!(enum_values("CountryCode").contains("AU"));
        assert!(enum_values("CurrencyCode").contains("NZD"));
        assert!(enum_values("NoSuchEnum").is_empty());
    }
}
