//! What receives messages in tests: an SMTP server that wants a password, and a webhook.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Whoever signs in.
pub const USER: &str = "kestrel";
/// With this.
pub const PASSWORD: &str = "correct-horse-battery";
/// What the server says to another password.
pub const WRONG: &str = "535: 5.7.8 the password is wrong";

/// Waits until something is there, or fails the test.
pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let waited = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come"))
}

/// An SMTP server on this machine.
pub struct Mailbox {
    pub port: u16,
    mails: Arc<Mutex<Vec<String>>>,
}

impl Mailbox {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = mails.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = kept.clone();
                tokio::spawn(async move {
                    // A client that hangs up is no concern of the server's.
                    let _ = converse(stream, &kept).await;
                });
            }
        });
        Self { port, mails }
    }

    /// The mails so far, headers and decoded text.
    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }
}

async fn converse(stream: TcpStream, kept: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut signed_in = false;
    write.write_all(b"220 mailbox ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let word = line.split(' ').next().unwrap_or("").to_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-mailbox\r\n250 AUTH PLAIN".to_owned(),
            "AUTH" => {
                let told = line.rsplit(' ').next().unwrap_or("");
                let told = BASE64_STANDARD.decode(told).unwrap_or_default();
                signed_in = told == format!("\0{USER}\0{PASSWORD}").as_bytes();
                if signed_in {
                    "235 2.7.0 welcome".to_owned()
                } else {
                    WRONG.replacen(": ", " ", 1)
                }
            }
            "MAIL" if !signed_in => "530 5.7.0 sign in first".to_owned(),
            "MAIL" | "RCPT" | "NOOP" | "RSET" => "250 2.0.0 fine".to_owned(),
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await? {
                    if line == "." {
                        break;
                    }
                    mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                    mail.push('\n');
                }
                let mut kept = kept.lock().unwrap();
                kept.push(decoded(&mail));
                format!("250 2.0.0 queued as {}", kept.len())
            }
            "QUIT" => {
                write.write_all(b"221 2.0.0 bye\r\n").await?;
                return Ok(());
            }
            _ => "502 5.5.2 unknown".to_owned(),
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

/// Takes the encoding quoted-printable off, where a mail has it.
fn decoded(mail: &str) -> String {
    if !mail.contains("quoted-printable") {
        return mail.to_owned();
    }
    let joined = mail.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|c| std::str::from_utf8(c).ok());
        match code.and_then(|c| u8::from_str_radix(c, 16).ok()) {
            Some(byte) if first == b'=' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).expect("mails are UTF-8")
}

/// A message that came to a webhook.
#[derive(Clone)]
pub struct Posted {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Posted {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Verifies the signature as a receiver does.
    #[track_caller]
    pub fn assert_signed_with(&self, secret: &str) {
        let key = secret.strip_prefix("whsec_").unwrap();
        let key = BASE64_STANDARD.decode(key).unwrap();
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        mac.update(
            [format!("{id}.{at}.").as_bytes(), &self.body]
                .concat()
                .as_slice(),
        );
        let right = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(self.header("webhook-signature"), format!("v1,{right}"));
        let age = jiff::Timestamp::now().as_second() - at.parse::<i64>().unwrap();
        assert!((0..120).contains(&age), "sent {age} s ago");
    }
}

/// A webhook on this machine.
#[derive(Clone)]
pub struct Hook {
    pub url: String,
    inner: Arc<HookState>,
}

struct HookState {
    posted: Mutex<Vec<Posted>>,
    status: Mutex<StatusCode>,
}

impl Hook {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let inner = Arc::new(HookState {
            posted: Mutex::default(),
            status: Mutex::new(StatusCode::NO_CONTENT),
        });
        let router = Router::new()
            .route("/hook", post(take))
            .with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// What it answers from now on.
    pub fn answer(&self, status: StatusCode) {
        *self.inner.status.lock().unwrap() = status;
    }

    pub fn posted(&self) -> Vec<Posted> {
        self.inner.posted.lock().unwrap().clone()
    }
}

async fn take(
    State(state): State<Arc<HookState>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    state.posted.lock().unwrap().push(Posted { headers, body });
    (*state.status.lock().unwrap(), "so it is")
}
