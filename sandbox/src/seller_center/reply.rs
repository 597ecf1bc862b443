//! Answers: JSON, XML, nothing, and the error bodies.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_decimal::Decimal;
use serde_json::{Number, Value, json};

/// What a handler returns.
pub(super) type Answer = Result<Reply, Refusal>;

/// A success.
#[derive(Debug)]
pub(super) enum Reply {
    Json(u16, Value),
    Empty(u16),
    Xml(String),
}

impl Reply {
    pub(super) fn ok(body: Value) -> Answer {
        Ok(Self::Json(200, body))
    }

    pub(super) fn created(body: Value) -> Answer {
        Ok(Self::Json(201, body))
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Json(status, body) => json_response(status, &body),
            Self::Empty(status) => code(status).into_response(),
            Self::Xml(text) => (
                [(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("text/xml; charset=UTF-8"),
                )],
                text,
            )
                .into_response(),
        }
    }
}

/// One entry of a validation error.
#[derive(Debug)]
pub(super) struct Violation {
    pub(super) path: String,
    pub(super) title: String,
    pub(super) value: String,
}

/// A client error, in one of the platform's shapes.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Title, status and detail.
    Problem {
        status: u16,
        title: String,
        detail: String,
    },
    /// 400 with violations.
    Violations(Vec<Violation>),
    /// 422 with one detail for each item.
    PerItem(Vec<(u64, String)>),
    /// OAuth's error object.
    OAuth {
        status: u16,
        error: &'static str,
        description: &'static str,
    },
}

impl Refusal {
    /// 422 with a detail that begins with a classic error code.
    pub(super) fn coded(code: u16, text: impl AsRef<str>) -> Self {
        Self::Problem {
            status: 422,
            title: "Status Transition is not allowed".to_owned(),
            detail: format!("E{code:03}: {}", text.as_ref()),
        }
    }

    /// 422 without a code.
    pub(super) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::Problem {
            status: 422,
            title: "Unprocessable Entity".to_owned(),
            detail: detail.into(),
        }
    }

    /// 404.
    pub(super) fn missing(what: impl AsRef<str>) -> Self {
        Self::Problem {
            status: 404,
            title: "Not Found".to_owned(),
            detail: format!("{} was not found", what.as_ref()),
        }
    }

    /// 400 with one violation.
    pub(super) fn invalid(
        path: impl Into<String>,
        title: impl Into<String>,
        value: impl ToString,
    ) -> Self {
        Self::Violations(vec![Violation {
            path: path.into(),
            title: title.into(),
            value: value.to_string(),
        }])
    }

    /// The reason in one line, for the list of mistakes.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Problem { status, detail, .. } => format!("{status} {detail}"),
            Self::Violations(all) => {
                let all: Vec<String> = all
                    .iter()
                    .map(|v| format!("{}: {} ({})", v.path, v.title, v.value))
                    .collect();
                format!("400 {}", all.join("; "))
            }
            Self::PerItem(all) => {
                let all: Vec<String> = all
                    .iter()
                    .map(|(id, detail)| format!("item {id}: {detail}"))
                    .collect();
                format!("422 {}", all.join("; "))
            }
            Self::OAuth { status, error, .. } => format!("{status} {error}"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Problem {
                status,
                title,
                detail,
            } => json_response(
                status,
                &json!({
                    "type": "https://sellercenter.invalid/problem",
                    "title": title, "status": status, "detail": detail,
                }),
            ),
            Self::Violations(all) => {
                let detail: Vec<String> = all
                    .iter()
                    .map(|v| format!("{}: {}", v.path, v.title))
                    .collect();
                let rows: Vec<Value> = all
                    .iter()
                    .map(|v| {
                        json!({
                            "propertyPath": v.path, "title": v.title,
                            "parameters": {"value": v.value},
                            "type": "urn:uuid:ba785a8c-0000-4000-8000-000000000000",
                        })
                    })
                    .collect();
                json_response(
                    400,
                    &json!({
                        "type": "https://sellercenter.invalid/validation",
                        "title": "Validation Failed",
                        "detail": detail.join("\n"),
                        "violations": rows,
                    }),
                )
            }
            Self::PerItem(all) => {
                let rows: Vec<Value> = all
                    .iter()
                    .map(|(id, detail)| json!({"orderItemId": id, "detail": detail}))
                    .collect();
                json_response(422, &json!({"errors": rows}))
            }
            Self::OAuth {
                status,
                error,
                description,
            } => json_response(
                status,
                &json!({"error": error, "error_description": description}),
            ),
        }
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn json_response(status: u16, body: &Value) -> Response {
    (
        code(status),
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )],
        body.to_string(),
    )
        .into_response()
}

/// An amount as a JSON number with its shortest digits: `75`, `75.5`.
pub(crate) fn amount(value: Decimal) -> Value {
    let value = value.normalize();
    if let Ok(whole) = i64::try_from(value)
        && Decimal::from(whole) == value
    {
        return Value::from(whole);
    }
    // Shortest round-trip printing gives back the same digits for anything a price can be.
    value
        .to_string()
        .parse::<Number>()
        .map_or(Value::Null, Value::Number)
}

/// The members of several objects in one.
pub(super) fn join(parts: impl IntoIterator<Item = Value>) -> Value {
    let mut all = serde_json::Map::new();
    for part in parts {
        if let Value::Object(members) = part {
            all.extend(members);
        }
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_their_digits() {
        for text in ["0", "75", "75.5", "84.95", "0.01", "19999.99"] {
            let value: Decimal = text.parse().expect("a decimal");
            assert_eq!(amount(value).to_string(), text);
        }
        let padded: Decimal = "75.50".parse().expect("a decimal");
        assert_eq!(amount(padded).to_string(), "75.5");
    }
}
