//! Sends one request and tells exactly what is known when there is no answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tracing::Instrument;
use url::{Host, Url};

use crate::telemetry::spans;

/// Request methods the host uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    /// The method's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// A request that has passed all rules.
#[derive(Clone, Debug)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where. `https` unless the client allows local addresses.
    pub url: Url,
    /// Lower-case names. May hold secrets: never logged.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// From the first byte sent to the last byte read.
    pub timeout: Duration,
    /// Longest body accepted, in bytes after decompression.
    pub max_body: usize,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names; values that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// Decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// Why there is no answer. The text never holds a URL's query or a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A rule forbids it; nothing was sent.
    #[error("{0}")]
    Forbidden(String),
    /// Nothing reached the other side: no address, refused, TLS failed.
    #[error("{0}")]
    NotSent(String),
    /// It was sent, or may have been; the answer never came whole.
    #[error("{0}")]
    Lost(String),
    /// The body is longer than the limit in bytes.
    #[error("the answer is longer than the limit of {0} bytes")]
    TooLarge(usize),
}

/// How a [`Client`] may behave.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientOptions {
    /// Allow plain `http` and addresses inside private networks: for the sandbox only, set by the operator.
    pub allow_local: bool,
}

/// A shared HTTP client.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    options: ClientOptions,
    spans: bool,
}

impl Client {
    /// A client with its own connection pool.
    pub fn new(options: ClientOptions) -> Result<Self, Error> {
        // Ignored: another part of the process has installed the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("lockstep/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .pool_idle_timeout(Duration::from_secs(30))
            // A lost answer must surface as lost: a hidden second try could repeat an effect.
            .retry(reqwest::retry::never());
        if !options.allow_local {
            builder = builder.https_only(true).dns_resolver(Arc::new(PublicOnly));
        }
        let inner = builder
            .build()
            .map_err(|e| Error::NotSent(format!("cannot set up the HTTP client: {e}")))?;
        Ok(Self {
            inner,
            options,
            spans: true,
        })
    }

    /// The same client, whose requests are no spans: what sends spans must not make any.
    pub fn without_spans(mut self) -> Self {
        self.spans = false;
        self
    }

    /// Whether plain `http` and private addresses are allowed.
    pub fn allows_local(&self) -> bool {
        self.options.allow_local
    }

    /// Sends one request. Redirects come back as answers.
    pub async fn send(&self, request: Request) -> Result<Response, Error> {
        self.check(&request.url)?;
        let place = format!("{} {}", request.method.as_str(), place(&request.url));
        let timeout = request.timeout;
        let span = if self.spans {
            spans::request(request.method.as_str(), &request.url)
        } else {
            tracing::Span::none()
        };
        let exchange = self.exchange(request, &place).instrument(span.clone());
        let result = match tokio::time::timeout(timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(Error::Lost(format!(
                "{place}: no whole answer within {} ms",
                timeout.as_millis()
            ))),
        };
        spans::answered(&span, result.as_ref().ok().map(|a| a.status));
        result
    }

    async fn exchange(&self, request: Request, place: &str) -> Result<Response, Error> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self.inner.request(method, request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let built = builder.build().map_err(|e| {
            Error::Forbidden(format!("{place}: not a valid request: {}", e.without_url()))
        })?;
        let mut answer = self.inner.execute(built).await.map_err(|e| {
            let sent = !e.is_connect() && !e.is_builder();
            let text = format!("{place}: {}", causes(e.without_url()));
            if sent {
                Error::Lost(text)
            } else {
                Error::NotSent(text)
            }
        })?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned())))
            .collect();
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => {
                    if body.len() + chunk.len() > request.max_body {
                        return Err(Error::TooLarge(request.max_body));
                    }
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                Err(e) => {
                    return Err(Error::Lost(format!(
                        "{place}: the answer broke off: {}",
                        causes(e.without_url())
                    )));
                }
            }
        }
        Ok(Response {
            status,
            headers,
            body,
        })
    }

    /// A literal address never reaches the resolver, so it is checked here.
    fn check(&self, url: &Url) -> Result<(), Error> {
        if self.options.allow_local {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(Error::Forbidden(format!(
                "{}: only https is allowed",
                place(url)
            )));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(a)) => Some(IpAddr::V4(a)),
            Some(Host::Ipv6(a)) => Some(IpAddr::V6(a)),
            _ => None,
        };
        match literal {
            Some(a) if !is_global(a) => Err(Error::Forbidden(format!(
                "{}: private address refused",
                place(url)
            ))),
            _ => Ok(()),
        }
    }
}

/// Host and path, without query, for messages.
pub(crate) fn place(url: &Url) -> String {
    format!("{}{}", url.host_str().unwrap_or("?"), url.path())
}

fn causes(error: reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Resolves through the system and drops every address that is not public, so that a name cannot be
/// pointed into the operator's network between check and use.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|a| is_global(a.ip())).collect();
            if public.is_empty() {
                return Err(format!("{} has no public address", name.as_str()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the public internet.
pub(crate) fn is_global(address: IpAddr) -> bool {
    let blocked: &[&str] = match address {
        IpAddr::V4(_) => &[
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ],
        IpAddr::V6(a) => {
            if let Some(v4) = a.to_ipv4_mapped() {
                return is_global(IpAddr::V4(v4));
            }
            &[
                "::/8",
                "64:ff9b::/96",
                "64:ff9b:1::/48",
                "100::/64",
                "2001::/23",
                "2001:db8::/32",
                "2002::/16",
                "3fff::/20",
                "fc00::/7",
                "fe80::/10",
                "fec0::/10",
                "ff00::/8",
            ]
        }
    };
    !blocked.iter().any(|net| {
        net.parse::<ipnet::IpNet>()
            .is_ok_and(|n| n.contains(&address))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_not_global() {
        for a in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
        ] {
            assert!(!is_global(a.parse().unwrap()), "{a}");
        }
        for a in ["1.1.1.1", "203.0.112.1", "2606:4700::1111"] {
            assert!(is_global(a.parse().unwrap()), "{a}");
        }
    }

    #[tokio::test]
    async fn literal_private_address_is_refused() {
        let client = Client::new(ClientOptions::default()).unwrap();
        let request = Request {
            method: Method::Get,
            url: "https://169.254.169.254/latest?token=x".parse().unwrap(),
            headers: vec![],
            body: None,
            timeout: Duration::from_secs(1),
            max_body: 10,
        };
        let error = client.send(request).await.unwrap_err();
        assert_eq!(
            error,
            Error::Forbidden("169.254.169.254/latest: private address refused".into())
        );
    }
}
