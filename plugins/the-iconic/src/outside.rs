//! What the connector asks of the host, behind a trait so that whole flows run in native tests.

use crate::bindings::lockstep::plugin::http::{Error, Request, Response};
use crate::bindings::lockstep::plugin::session::Level;

/// The host as the connector sees it.
pub trait Outside {
    /// Sends one request.
    fn send(&self, request: Request) -> Result<Response, Error>;
    /// Sends several; answers come in the order of the requests.
    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>>;
    /// The time, RFC 3339.
    fn now(&self) -> String;
    /// A setting of the manifest.
    fn setting(&self, key: &str) -> Option<String>;
    /// Writes to the plugin's log.
    fn log(&self, level: Level, message: &str);
}

/// The real host.
#[cfg(target_arch = "wasm32")]
pub struct Host;

#[cfg(target_arch = "wasm32")]
impl Outside for Host {
    fn send(&self, request: Request) -> Result<Response, Error> {
        crate::bindings::lockstep::plugin::http::send(&request)
    }

    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
        crate::bindings::lockstep::plugin::http::send_all(&requests)
    }

    fn now(&self) -> String {
        crate::bindings::lockstep::plugin::session::now()
    }

    fn setting(&self, key: &str) -> Option<String> {
        crate::bindings::lockstep::plugin::session::setting(key)
    }

    fn log(&self, level: Level, message: &str) {
        crate::bindings::lockstep::plugin::session::log(level, message);
    }
}
