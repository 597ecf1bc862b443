//! What the faults do to a request and its answer.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;

use super::{BUFFER_LIMIT, Fault, Shape};

/// How long half an answer gets to reach the client.
const FLUSH: Duration = Duration::from_millis(30);

/// Answers a request the way the fault says.
pub(super) async fn apply(fault: Fault, request: Request, next: Next) -> Response {
    match fault {
        Fault::Status {
            status,
            headers,
            body,
            content_type,
        } => {
            let mut all = headers;
            if !content_type.is_empty() {
                all.push((header::CONTENT_TYPE.to_string(), content_type));
            }
            answer(status, &all, body)
        }
        Fault::Html { status } => html(status),
        Fault::Empty { status } => answer(status, &[], String::new()),
        Fault::Truncated => {
            let (head, body) = real(request, next).await;
            let half = body.slice(..body.len() / 2);
            let declared = body.len();
            streamed(head, Some(declared), move |mut pipe| async move {
                let _ = pipe.write_all(&half).await;
                // Closing at once would take back what has not reached the socket.
                tokio::time::sleep(FLUSH).await;
            })
        }
        Fault::SlowDrip { byte_delay_ms } => {
            let (head, body) = real(request, next).await;
            let declared = body.len();
            streamed(head, Some(declared), move |mut pipe| async move {
                for byte in body {
                    tokio::time::sleep(Duration::from_millis(byte_delay_ms)).await;
                    if pipe.write_all(&[byte]).await.is_err() {
                        return;
                    }
                }
            })
        }
        Fault::ResetBefore => hang_up(),
        Fault::ResetAfter => {
            real(request, next).await;
            hang_up()
        }
        Fault::Delay { ms } => {
            let work = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                next.run(request).await
            });
            work.await.unwrap_or_else(|_| hang_up())
        }
        Fault::DelayAfter { ms } => {
            let response = next.run(request).await;
            tokio::time::sleep(Duration::from_millis(ms)).await;
            response
        }
        Fault::TooManyRequests { retry_after } => {
            answer(429, &retry_header(retry_after), String::new())
        }
        Fault::Maintenance { retry_after } => maintenance(retry_after),
        Fault::Unauthorized => shaped(Shape::Auth),
        Fault::Replace { values } => {
            let (mut head, body) = real(request, next).await;
            let Ok(mut json) = serde_json::from_slice::<Value>(&body) else {
                *head.body_mut() = Body::from(body);
                return head;
            };
            for (pointer, value) in &values {
                edit(&mut json, pointer, value);
            }
            head.headers_mut().remove(header::CONTENT_LENGTH);
            *head.body_mut() = Body::from(json.to_string());
            head
        }
        Fault::AnswerLost { status } => {
            real(request, next).await;
            answer(status, &[], String::new())
        }
        Fault::HugeBody { bytes } => {
            let mut head = Response::new(Body::empty());
            head.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            streamed(head, None, move |mut pipe| async move {
                let block = [b' '; 16 * 1024];
                let mut left = bytes.saturating_sub(2);
                while left > 0 {
                    let now = left.min(block.len() as u64);
                    if pipe.write_all(&block[..now as usize]).await.is_err() {
                        return;
                    }
                    left -= now;
                }
                let _ = pipe.write_all(b"[]").await;
            })
        }
        Fault::Redirect { location } => answer(
            302,
            &[(header::LOCATION.to_string(), location)],
            String::new(),
        ),
        Fault::ErrorShape { shape } => shaped(shape),
    }
}

/// Lets the server work and takes its answer apart.
async fn real(request: Request, next: Next) -> (Response, Bytes) {
    let (head, body) = next.run(request).await.into_parts();
    let body = axum::body::to_bytes(body, BUFFER_LIMIT)
        .await
        .unwrap_or_default();
    (Response::from_parts(head, Body::empty()), body)
}

/// Ends the connection's task, and with it the connection, without a word to the client or to the log.
fn hang_up() -> ! {
    std::panic::resume_unwind(Box::new(()))
}

/// `head` with a body that `write` produces. A body shorter than `declared` makes the server close the connection.
fn streamed<F>(
    mut head: Response,
    declared: Option<usize>,
    write: impl FnOnce(tokio::io::DuplexStream) -> F,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    let (writer, reader) = tokio::io::duplex(16 * 1024);
    tokio::spawn(write(writer));
    head.headers_mut().remove(header::CONTENT_LENGTH);
    if let Some(length) = declared {
        head.headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    *head.body_mut() = Body::from_stream(ReaderStream::new(reader));
    head
}

fn answer(status: u16, headers: &[(String, String)], body: String) -> Response {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        // A rule with an impossible header is a mistake of the test, and shows as a missing header.
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::try_from(value.as_str()),
        ) {
            map.append(name, value);
        }
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = map;
    response
}

fn retry_header(retry_after: Option<String>) -> Vec<(String, String)> {
    retry_after
        .map(|value| (header::RETRY_AFTER.to_string(), value))
        .into_iter()
        .collect()
}

fn html(status: u16) -> Response {
    let page = format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n\
         <hr><center>gateway</center>\r\n</body>\r\n</html>\r\n"
    );
    answer(
        status,
        &[(header::CONTENT_TYPE.to_string(), "text/html".to_owned())],
        page,
    )
}

fn as_json(status: u16, mut headers: Vec<(String, String)>, body: &Value) -> Response {
    headers.push((
        header::CONTENT_TYPE.to_string(),
        "application/json".to_owned(),
    ));
    answer(status, &headers, body.to_string())
}

/// Seller Center's maintenance answer.
pub(crate) fn maintenance(retry_after: Option<String>) -> Response {
    let body = json!({
        "message": "Service is unavailable due to maintenance mode",
        "caused_by": "maintenance_mode",
    });
    as_json(503, retry_header(retry_after), &body)
}

fn shaped(shape: Shape) -> Response {
    match shape {
        Shape::General => as_json(
            422,
            Vec::new(),
            &json!({
                "type": "https://sellercenter.invalid/problem",
                "title": "Status Transition is not allowed",
                "status": 422,
                "detail": "E021: The order management refused the change, try again later",
            }),
        ),
        Shape::Violation => as_json(
            400,
            Vec::new(),
            &json!({
                "type": "https://sellercenter.invalid/validation",
                "title": "Validation Failed",
                "detail": "limit: This value should be positive.",
                "violations": [{
                    "propertyPath": "limit",
                    "title": "This value should be positive.",
                    "parameters": {"value": "0"},
                    "type": "urn:uuid:778b7ae0-84d3-481a-9dec-35fdb64b1d78",
                }],
            }),
        ),
        Shape::PerItem => as_json(
            422,
            Vec::new(),
            &json!({"errors": [{
                "orderItemId": 1,
                "detail": "Order item contains not allowed shipment type",
            }]}),
        ),
        Shape::Auth => as_json(
            401,
            Vec::new(),
            &json!({"code": 401, "message": "Unauthorized"}),
        ),
        Shape::Empty => answer(400, &[], String::new()),
        Shape::Html => html(500),
    }
}

/// Sets `value` at a JSON pointer whose steps may be `*` for every element or member.
/// A missing last member is added; a pointer that leads nowhere changes nothing.
pub(crate) fn edit(target: &mut Value, pointer: &str, value: &Value) {
    let steps: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect();
    walk(target, &steps, value);
}

fn walk(target: &mut Value, steps: &[String], value: &Value) {
    let Some((step, rest)) = steps.split_first() else {
        *target = value.clone();
        return;
    };
    match target {
        Value::Array(elements) if step == "*" => {
            for element in elements {
                walk(element, rest, value);
            }
        }
        Value::Array(elements) => {
            if let Some(element) = step.parse::<usize>().ok().and_then(|i| elements.get_mut(i)) {
                walk(element, rest, value);
            }
        }
        Value::Object(members) if step == "*" => {
            for member in members.values_mut() {
                walk(member, rest, value);
            }
        }
        Value::Object(members) => {
            if rest.is_empty() {
                members.insert(step.clone(), value.clone());
            } else if let Some(member) = members.get_mut(step) {
                walk(member, rest, value);
            }
        }
        _ => {}
    }
}
