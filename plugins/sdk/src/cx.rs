//! The host, as a call sees it.

use jiff::Timestamp;

use crate::http::{Dialect, Error, Http, Request, Response};

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::lockstep::plugin::session;
pub use crate::bindings::base::lockstep::plugin::session::Level;

/// What every plugin may ask of the host, behind a trait so that whole flows run in native tests.
pub trait Session {
    /// The operator's name of the channel.
    fn channel(&self) -> String;
    /// The time, RFC 3339.
    fn now(&self) -> String;
    /// A setting of the manifest.
    fn setting(&self, key: &str) -> Option<String>;
    /// Cryptographically strong random bytes.
    fn random_bytes(&self, count: u32) -> Vec<u8>;
    /// Writes to the plugin's log.
    fn log(&self, level: Level, message: &str);
}

/// What a connector may ask beside: the way to its marketplace.
pub trait Outside: Session {
    /// Sends one request.
    fn send(&self, request: Request) -> Result<Response, Error>;
    /// Sends several; answers come in the order of the requests.
    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>>;
}

/// The running call of an extra: settings and log, and no way out.
#[derive(Clone, Copy)]
pub struct ExtraCx<'a> {
    session: &'a dyn Session,
}

impl<'a> ExtraCx<'a> {
    /// Over this host: a fake one in tests.
    pub fn new(session: &'a dyn Session) -> Self {
        Self { session }
    }

    /// Over the real host.
    #[cfg(target_arch = "wasm32")]
    pub fn host() -> ExtraCx<'static> {
        ExtraCx { session: &Host }
    }

    /// A setting of the manifest: what the operator set, else its default; none without either.
    pub fn setting(self, key: &str) -> Option<String> {
        self.session.setting(key)
    }

    /// A boolean setting; false without a value.
    pub fn flag(self, key: &str) -> bool {
        self.setting(key).as_deref() == Some("true")
    }

    /// Writes a warning to the plugin's log.
    pub fn warn(self, message: &str) {
        self.session.log(Level::Warn, message);
    }
}

/// The running call: settings, time, log, and the way to the marketplace. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Cx<'a> {
    outside: &'a dyn Outside,
}

impl<'a> Cx<'a> {
    /// Over this host: a fake one in tests.
    pub fn new(outside: &'a dyn Outside) -> Self {
        Self { outside }
    }

    /// Over the real host.
    #[cfg(target_arch = "wasm32")]
    pub fn host() -> Cx<'static> {
        Cx { outside: &Host }
    }

    /// HTTP in the marketplace's dialect.
    pub fn http(self, dialect: &'a dyn Dialect) -> Http<'a> {
        Http::new(self, dialect)
    }

    pub(crate) fn outside(self) -> &'a dyn Outside {
        self.outside
    }

    /// The operator's name of the channel ("kestrel/acme"), for messages.
    pub fn channel(self) -> String {
        self.outside.channel()
    }

    /// A setting of the manifest: what the operator set, else its default; none without either.
    pub fn setting(self, key: &str) -> Option<String> {
        self.outside.setting(key)
    }

    /// A boolean setting; false without a value.
    pub fn flag(self, key: &str) -> bool {
        self.setting(key).as_deref() == Some("true")
    }

    /// The time as the host tells it, RFC 3339 in UTC.
    pub fn now(self) -> String {
        self.outside.now()
    }

    /// The time, to reckon with.
    pub fn timestamp(self) -> Timestamp {
        self.now().parse().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Cryptographically strong random bytes, at most 65,536 at a time.
    pub fn random_bytes(self, count: u32) -> Vec<u8> {
        self.outside.random_bytes(count)
    }

    /// Writes a line to the plugin's log.
    pub fn log(self, level: Level, message: &str) {
        self.outside.log(level, message);
    }

    /// Writes a warning to the plugin's log.
    pub fn warn(self, message: &str) {
        self.log(Level::Warn, message);
    }

    /// Writes an error to the plugin's log.
    pub fn error(self, message: &str) {
        self.log(Level::Error, message);
    }
}

/// The real host.
#[cfg(target_arch = "wasm32")]
struct Host;

#[cfg(target_arch = "wasm32")]
impl Session for Host {
    fn channel(&self) -> String {
        session::channel()
    }

    fn now(&self) -> String {
        session::now()
    }

    fn setting(&self, key: &str) -> Option<String> {
        session::setting(key)
    }

    fn random_bytes(&self, count: u32) -> Vec<u8> {
        session::random_bytes(count)
    }

    fn log(&self, level: Level, message: &str) {
        session::log(level, message);
    }
}

// Only connectors use it, so an extra does not import `http`.
#[cfg(target_arch = "wasm32")]
impl Outside for Host {
    fn send(&self, request: Request) -> Result<Response, Error> {
        crate::bindings::base::lockstep::plugin::http::send(&request)
    }

    fn send_all(&self, requests: Vec<Request>) -> Vec<Result<Response, Error>> {
        crate::bindings::base::lockstep::plugin::http::send_all(&requests)
    }
}
