//! What this connector asks of its marketplace, and what comes of it: every method, and every way to fail.

use lockstep_sdk::bindings::base::lockstep::plugin::http::{
    Error, Header, Method, Request, Response, send, send_all,
};

fn request(method: Method, url: &str, credential: Option<&str>, body: Option<&str>) -> Request {
    Request {
        method,
        url: url.to_owned(),
        headers: vec![Header {
            name: "x-mirror".into(),
            value: "amber".into(),
        }],
        body: body.map(|text| text.as_bytes().to_vec()),
        credential: credential.map(str::to_owned),
        writes: body.is_some(),
    }
}

fn told(result: Result<Response, Error>) -> String {
    let response = match result {
        Ok(response) => response,
        Err(Error::Forbidden(_)) => return "forbidden".into(),
        Err(Error::Auth(_)) => return "auth".into(),
        Err(Error::Unavailable(_)) => return "unavailable".into(),
        Err(Error::OutcomeUnknown(_)) => return "outcome-unknown".into(),
        Err(Error::TooLarge(bytes)) => return format!("too-large {bytes}"),
        Err(Error::Throttled(ms)) => return format!("throttled {}", ms > 0),
    };
    let header = response.headers.iter().find(|h| h.name == "x-echo");
    let header = header.map_or("-", |h| h.value.as_str());
    format!(
        "{} {header} {}",
        response.status,
        String::from_utf8_lossy(&response.body)
    )
}

/// One after the other.
pub fn each() -> Vec<String> {
    let requests = [
        request(Method::Post, "/post?q=1", Some("api"), Some("Zoë €")),
        request(Method::Get, "/rare/1", None, None),
        request(Method::Get, "https://elsewhere.example/", None, None),
    ];
    requests.iter().map(|r| told(send(r))).collect()
}

/// All at once.
pub fn together() -> Vec<String> {
    let requests = [
        request(Method::Get, "/get", None, None),
        request(Method::Put, "/put", Some("api"), Some("put")),
        request(Method::Patch, "/patch", Some("api"), Some("patch")),
        request(Method::Delete, "/delete", Some("api"), Some("")),
        request(Method::Get, "https://elsewhere.example/", None, None),
        request(Method::Get, "/get", Some("oauth"), None),
        request(Method::Get, "/cut", None, None),
        request(Method::Post, "/cut", None, Some("cut")),
        request(Method::Get, "/big", None, None),
        request(Method::Get, "/rare/2", None, None),
    ];
    send_all(&requests).into_iter().map(told).collect()
}
