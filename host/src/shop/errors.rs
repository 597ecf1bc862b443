//! What an answer of Shopify means for the caller: status, top-level errors and user errors become one [`Fault`].

use serde::Deserialize;
use serde_json::Value;

use super::throttle::Cost;
use super::types::{Step, Word, schema};
use crate::model::Fault;
use crate::net;

/// Longest text of Shopify's that is passed on, in characters.
const LONGEST: usize = 500;
/// How long the unwritten limit on order creation is left alone.
const TOO_MANY_ATTEMPTS_MS: u32 = 180_000;

/// Whether a lost answer matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// May be repeated at will.
    Query,
    /// Must be looked up when its answer is lost.
    Mutation,
}

impl Kind {
    /// The answer is lost or says that Shopify broke while working on it.
    fn lost(self, detail: String) -> Fault {
        match self {
            Kind::Query => Fault::Unavailable {
                retry_after_ms: None,
                detail,
            },
            Kind::Mutation => Fault::UnknownOutcome { detail },
        }
    }

    /// The answer is there and cannot be read.
    pub(super) fn unreadable(self, detail: String) -> Fault {
        match self {
            Kind::Query => Fault::Protocol { detail },
            Kind::Mutation => Fault::UnknownOutcome { detail },
        }
    }
}

/// No answer.
pub(super) fn of_transport(error: net::Error, kind: Kind) -> Fault {
    let detail = error.to_string();
    match error {
        net::Error::Forbidden(_) => Fault::Denied { detail },
        net::Error::NotSent(_) => Fault::Unavailable {
            retry_after_ms: None,
            detail,
        },
        net::Error::Lost(_) => kind.lost(detail),
        net::Error::TooLarge(_) => kind.unreadable(detail),
    }
}

/// The HTTP status of an answer; none when it is a GraphQL answer.
pub(super) fn of_status(response: &net::Response, shop: &str, kind: Kind) -> Option<Fault> {
    let status = response.status;
    let said = words_of(&response.body);
    let said = if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    };
    Some(match status {
        200 => return None,
        201..=299 => kind.unreadable(format!("{shop} answers with HTTP {status} instead of 200")),
        // Whoever answered, it was not Shopify's API: nothing was done.
        300..=399 => Fault::Unavailable {
            retry_after_ms: None,
            detail: format!(
                "{shop} redirects to another address (HTTP {status}); connect the shop by its present .myshopify.com domain"
            ),
        },
        401 => Fault::Auth {
            detail: format!(
                "{shop} does not accept the access token{said}; check the app's credentials and that it is installed on the store"
            ),
        },
        402 => Fault::Denied {
            detail: format!(
                "{shop} is frozen: the merchant must settle the store's bill with Shopify{said}"
            ),
        },
        423 => Fault::Denied {
            detail: format!(
                "{shop} is locked by Shopify; the merchant must contact Shopify's support{said}"
            ),
        },
        403 => Fault::Denied {
            detail: format!(
                "{shop} refuses the app{said}; check its access scopes and, if it has one, its list of allowed IP addresses"
            ),
        },
        404 => Fault::Missing {
            detail: format!("there is no store at {shop}; check the domain"),
        },
        408 => kind.lost(format!("{shop} answers with HTTP 408")),
        429 | 430 => Fault::Throttled {
            retry_after_ms: Some(retry_after_ms(response).unwrap_or(2_000)),
            detail: format!("{shop} answers with HTTP {status}{said}"),
        },
        503 if kind == Kind::Query => Fault::Unavailable {
            retry_after_ms: retry_after_ms(response),
            detail: format!("{shop} answers with HTTP 503"),
        },
        500.. => kind.lost(format!("{shop} answers with HTTP {status}")),
        _ => Fault::Rejected {
            code: Some(format!("HTTP {status}")),
            detail: format!("{shop} does not take the request{said}"),
        },
    })
}

/// Milliseconds of a `Retry-After` in seconds, which Shopify may give with a fraction.
fn retry_after_ms(response: &net::Response) -> Option<u32> {
    let seconds: f64 = response.header("retry-after")?.trim().parse().ok()?;
    (0.0..=86_400.0)
        .contains(&seconds)
        .then(|| (seconds * 1_000.0).ceil() as u32)
}

/// The text of an `errors` member of a body that is no GraphQL answer, if there is one.
fn words_of(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(map)) => match map
            .get("errors")
            .or_else(|| map.get("error_description"))
            .or_else(|| map.get("error"))
        {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        },
        _ => String::new(),
    };
    short(&text)
}

/// Shopify's words, cut to a length that fits a table.
pub(super) fn short(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} ...", &text[..at]),
        None => text.to_owned(),
    }
}

/// Everything of a GraphQL answer but its data.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Head {
    #[serde(default)]
    errors: Option<Value>,
    #[serde(default)]
    extensions: Option<Extensions>,
}

#[derive(Debug, Default, Deserialize)]
struct Extensions {
    #[serde(default)]
    cost: Option<Cost>,
}

/// One top-level error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TopError {
    pub(super) code: Option<String>,
    pub(super) message: String,
}

impl Head {
    pub(super) fn cost(&self) -> Option<Cost> {
        self.extensions.as_ref().and_then(|e| e.cost)
    }

    /// The top-level errors. Shopify also sends a bare text here when a request does not get as far as GraphQL.
    pub(super) fn errors(&self) -> Vec<TopError> {
        let one = |value: &Value| match value {
            Value::Object(map) => TopError {
                code: map
                    .get("extensions")
                    .and_then(|e| e.get("code"))
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                message: map
                    .get("message")
                    .and_then(Value::as_str)
                    .unwrap_or("no message")
                    .to_owned(),
            },
            Value::String(text) => TopError {
                code: None,
                message: text.clone(),
            },
            other => TopError {
                code: None,
                message: other.to_string(),
            },
        };
        match &self.errors {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.iter().map(one).collect(),
            Some(other) => vec![one(other)],
        }
    }
}

/// Whether a call was turned away for want of points, and certainly did nothing.
pub(super) fn turned_away(errors: &[TopError], cost: Option<Cost>) -> bool {
    errors
        .iter()
        .any(|e| e.code.as_deref() == Some("THROTTLED"))
        && cost.is_none_or(|c| c.actual_query_cost.is_none())
}

/// What top-level errors mean; none when there are none.
pub(super) fn of_top(errors: &[TopError], operation: &str, kind: Kind) -> Option<Fault> {
    let rank = |e: &&TopError| match e.code.as_deref() {
        Some("INTERNAL_SERVER_ERROR" | "TIMEOUT") => 0,
        Some("THROTTLED") => 1,
        Some("ACCESS_DENIED" | "SHOP_INACTIVE") => 2,
        _ => 3,
    };
    let first = errors.iter().min_by_key(rank)?;
    let detail = format!("{operation}: {}", short(&first.message));
    Some(match first.code.as_deref() {
        Some("THROTTLED") => match kind {
            Kind::Query => Fault::Throttled {
                retry_after_ms: None,
                detail,
            },
            Kind::Mutation => Fault::UnknownOutcome { detail },
        },
        Some("ACCESS_DENIED") => Fault::Denied {
            detail: format!("{detail} (grant the app the access scope that {operation} needs)"),
        },
        Some("SHOP_INACTIVE") => Fault::Denied { detail },
        Some("INTERNAL_SERVER_ERROR" | "TIMEOUT") => kind.lost(detail),
        // Refused while the request was checked: nothing ran.
        Some(
            code @ ("MAX_COST_EXCEEDED"
            | "INVALID_VARIABLE"
            | "INVALID_FIELD_ARGUMENTS"
            | "BAD_REQUEST"
            | "MAX_INPUT_SIZE_EXCEEDED"
            | "GRAPHQL_VALIDATION_FAILED"
            | "undefinedField"
            | "argumentNotAccepted"
            | "argumentLiteralsIncompatible"
            | "missingRequiredArguments"
            | "missingRequiredInputObjectAttribute"
            | "variableMismatch"
            | "variableRequiresValidType"),
        ) => Fault::Rejected {
            code: Some(code.to_owned()),
            detail,
        },
        Some("NOT_FOUND") => match kind {
            Kind::Query => Fault::Missing { detail },
            Kind::Mutation => Fault::Rejected {
                code: Some("NOT_FOUND".into()),
                detail,
            },
        },
        code => {
            let code = code.map(|c| format!(" ({c})")).unwrap_or_default();
            kind.unreadable(format!("{detail}{code}"))
        }
    })
}

/// A user error: understood and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: Option<String>,
    /// Path of the input at fault.
    pub(super) field: Vec<String>,
    pub(super) message: String,
}

impl Refusal {
    /// Whether the input at fault is or lies in a field of this name.
    pub(super) fn concerns(&self, field: &str) -> bool {
        self.field.iter().any(|f| f.eq_ignore_ascii_case(field))
    }
}

/// What user errors mean; none when there are none.
pub(super) fn of_user(errors: &[Refusal], operation: &str) -> Option<Fault> {
    let first = errors.first()?;
    let texts: Vec<String> = errors
        .iter()
        .map(|e| match e.field.as_slice() {
            [] => e.message.clone(),
            path => format!("{}: {}", path.join("."), e.message),
        })
        .collect();
    let detail = format!("{operation}: {}", short(&texts.join("; ")));
    if errors
        .iter()
        .any(|e| e.message.to_ascii_lowercase().contains("too many attempts"))
    {
        return Some(Fault::Throttled {
            retry_after_ms: Some(TOO_MANY_ATTEMPTS_MS),
            detail: format!(
                "{detail} (tried again in {} minutes)",
                TOO_MANY_ATTEMPTS_MS / 60_000
            ),
        });
    }
    Some(match first.code.as_deref() {
        Some("SHOP_DORMANT") => Fault::Denied { detail },
        Some("SERVICE_UNAVAILABLE") => Fault::Unavailable {
            retry_after_ms: None,
            detail,
        },
        // The first try with this key is still running, or ran with another input: only a look tells what it did.
        Some("IDEMPOTENCY_CONCURRENT_REQUEST" | "IDEMPOTENCY_KEY_PARAMETER_MISMATCH") => {
            Fault::UnknownOutcome { detail }
        }
        code => Fault::Rejected {
            code: code.map(str::to_owned),
            detail,
        },
    })
}

/// One fragment for each type of user error, since each has an enum of codes of its own.
macro_rules! user_errors {
    ($($name:ident of $code:ident),+ $(,)?) => {
        $(
            #[derive(Clone, Debug, cynic::QueryFragment)]
            pub(super) struct $name {
                code: Option<Word<schema::$code>>,
                field: Option<Vec<Step>>,
                message: String,
            }

            impl From<$name> for Refusal {
                fn from(e: $name) -> Self {
                    Refusal {
                        code: e.code.map(Word::into_text),
                        field: e.field.into_iter().flatten().map(|s| s.0).collect(),
                        message: e.message,
                    }
                }
            }
        )+
    };
}

user_errors! {
    BulkOperationUserError of BulkOperationUserErrorCode,
    CustomerSetUserError of CustomerSetUserErrorCode,
    MetafieldDefinitionCreateUserError of MetafieldDefinitionCreateUserErrorCode,
    OrderCancelUserError of OrderCancelUserErrorCode,
    OrderCreateUserError of OrderCreateUserErrorCode,
}

/// The user error without a code.
#[derive(Clone, Debug, cynic::QueryFragment)]
pub(super) struct UserError {
    field: Option<Vec<Step>>,
    message: String,
}

impl From<UserError> for Refusal {
    fn from(e: UserError) -> Self {
        Refusal {
            code: code_in(&e.message),
            field: e.field.into_iter().flatten().map(|s| s.0).collect(),
            message: e.message,
        }
    }
}

/// `refundCreate` has no codes; of its refusals only those about the idempotency key mean something else.
fn code_in(message: &str) -> Option<String> {
    let lower = message.to_ascii_lowercase();
    if !lower.contains("idempoten") {
        return None;
    }
    let code = if lower.contains("concurrent") || lower.contains("in progress") {
        "IDEMPOTENCY_CONCURRENT_REQUEST"
    } else if lower.contains("parameter") || lower.contains("mismatch") {
        "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
    } else {
        "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
    };
    Some(code.to_owned())
}

pub(super) fn refusals<E: Into<Refusal>>(errors: Vec<E>) -> Vec<Refusal> {
    errors.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        serde_json::from_str(text).unwrap()
    }

    fn top(text: &str, kind: Kind) -> Fault {
        of_top(&head(text).errors(), "Op", kind).unwrap()
    }

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> net::Response {
        net::Response {
            status,
            headers: headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn throttled_without_an_actual_cost_did_nothing() {
        let text = r#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED","documentation":"https://shopify.dev/api/usage/rate-limits"}}],
            "extensions":{"cost":{"requestedQueryCost":70,"actualQueryCost":null,
            "throttleStatus":{"maximumAvailable":1000,"currentlyAvailable":66,"restoreRate":50}}}}"#;
        let head = head(text);
        assert!(turned_away(&head.errors(), head.cost()));
        let ran = text.replace("\"actualQueryCost\":null", "\"actualQueryCost\":10");
        let ran: Head = serde_json::from_str(&ran).unwrap();
        assert!(!turned_away(&ran.errors(), ran.cost()));
        assert_eq!(
            of_top(&ran.errors(), "Op", Kind::Mutation).unwrap().case(),
            "unknown-outcome"
        );
    }

    #[test]
    fn top_level_errors() {
        let with = |code: &str| {
            format!(
                r#"{{"errors":[{{"message":"m","extensions":{{"code":"{code}"}}}}],"data":null}}"#
            )
        };
        assert_eq!(top(&with("ACCESS_DENIED"), Kind::Mutation).case(), "denied");
        assert_eq!(
            top(&with("MAX_COST_EXCEEDED"), Kind::Query).case(),
            "rejected"
        );
        assert_eq!(top(&with("BAD_REQUEST"), Kind::Mutation).case(), "rejected");
        assert_eq!(
            top(&with("INTERNAL_SERVER_ERROR"), Kind::Query).case(),
            "unavailable"
        );
        assert_eq!(
            top(&with("INTERNAL_SERVER_ERROR"), Kind::Mutation).case(),
            "unknown-outcome"
        );
        assert_eq!(top(&with("BRAND_NEW"), Kind::Query).case(), "protocol");
        assert_eq!(
            top(&with("BRAND_NEW"), Kind::Mutation).case(),
            "unknown-outcome"
        );
        assert_eq!(
            top(r#"{"errors":"Something"}"#, Kind::Mutation).case(),
            "unknown-outcome"
        );
        assert!(of_top(&head(r#"{"data":{}}"#).errors(), "Op", Kind::Query).is_none());
    }

    #[test]
    fn an_error_that_leaves_the_outcome_open_outranks_a_refusal() {
        let text = r#"{"errors":[{"message":"a","extensions":{"code":"BAD_REQUEST"}},{"message":"b","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}"#;
        assert_eq!(top(text, Kind::Mutation).case(), "unknown-outcome");
    }

    #[test]
    fn statuses() {
        let case = |status, kind| {
            of_status(&response(status, &[], ""), "x.myshopify.com", kind).map(|f| f.case())
        };
        assert_eq!(case(200, Kind::Query), None);
        assert_eq!(case(401, Kind::Mutation), Some("auth"));
        assert_eq!(case(402, Kind::Query), Some("denied"));
        assert_eq!(case(403, Kind::Query), Some("denied"));
        assert_eq!(case(423, Kind::Query), Some("denied"));
        assert_eq!(case(404, Kind::Query), Some("missing"));
        assert_eq!(case(502, Kind::Query), Some("unavailable"));
        assert_eq!(case(502, Kind::Mutation), Some("unknown-outcome"));
        assert_eq!(case(503, Kind::Mutation), Some("unknown-outcome"));
        assert_eq!(case(301, Kind::Mutation), Some("unavailable"));
        assert_eq!(case(418, Kind::Mutation), Some("rejected"));
        let fault = of_status(
            &response(429, &[("retry-after", "2.5")], ""),
            "x",
            Kind::Mutation,
        )
        .unwrap();
        assert_eq!(fault.retry_after_ms(), Some(2_500));
    }

    #[test]
    fn shopifys_words_are_passed_on() {
        let body = r#"{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}"#;
        let fault = of_status(&response(401, &[], body), "x", Kind::Query).unwrap();
        assert!(fault.to_string().contains("unrecognized login"), "{fault}");
    }

    #[test]
    fn user_errors() {
        let one = |code: Option<&str>, message: &str| {
            let field = vec!["order".to_owned(), "lineItems".to_owned(), "0".to_owned()];
            of_user(
                &[Refusal {
                    code: code.map(str::to_owned),
                    field,
                    message: message.to_owned(),
                }],
                "OrderCreate",
            )
            .unwrap()
        };
        assert_eq!(
            one(Some("INVALID"), "is bad").to_string(),
            "refused (INVALID): OrderCreate: order.lineItems.0: is bad"
        );
        let fault = one(None, "Too many attempts. Please try again later.");
        assert_eq!(
            (fault.case(), fault.retry_after_ms()),
            ("throttled", Some(180_000))
        );
        assert_eq!(one(Some("SHOP_DORMANT"), "x").case(), "denied");
        assert_eq!(
            one(Some("IDEMPOTENCY_CONCURRENT_REQUEST"), "x").case(),
            "unknown-outcome"
        );
        assert!(of_user(&[], "OrderCreate").is_none());
    }

    #[test]
    fn a_number_in_the_path_of_a_user_error_is_read() {
        let text =
            r#"{"code":"INVALID","field":["order","lineItems",0,"variantId"],"message":"m"}"#;
        let refusal: Refusal = serde_json::from_str::<OrderCreateUserError>(text)
            .unwrap()
            .into();
        assert_eq!(refusal.field, ["order", "lineItems", "0", "variantId"]);
        assert!(refusal.concerns("variantId"));
    }
}
