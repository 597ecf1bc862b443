//! Sends one mail through an SMTP server and tells exactly what the server said.

use std::time::Duration;

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

use crate::model::Instant;

/// For one command of the protocol.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// For a whole mail.
const TIMEOUT: Duration = Duration::from_secs(90);

/// How a connection to an SMTP server is protected.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MailTls {
    /// It begins in plain and must be upgraded before anything is said; usual at port 587.
    Starttls,
    /// From the first byte; usual at port 465.
    Tls,
    /// Not at all: for a relay on this machine or network.
    None,
}

/// An SMTP server.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Its name, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// Name and password, where it wants them.
    pub login: Option<(String, SecretString)>,
}

/// A mail in plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Unique, the same whenever it is sent again.
    pub id: String,
    /// `Name <address>` or an address.
    pub from: String,
    /// The same, of each receiver.
    pub to: Vec<String>,
    /// In one line.
    pub subject: String,
    /// UTF-8.
    pub text: String,
    /// When it was made.
    pub at: Instant,
}

/// Why a mail was not taken. The texts never hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It can be sent nowhere as it is.
    #[error("{0}")]
    Wrong(String),
    /// The server answered, and does not take it.
    #[error("{0}")]
    Refused(String),
    /// There is no server, or no answer, or no protected connection.
    #[error("{0}")]
    Unreachable(String),
}

/// Checks the form of a mail address.
pub fn check_address(text: &str) -> Result<(), MailError> {
    mailbox(text).map(drop)
}

fn mailbox(text: &str) -> Result<Mailbox, MailError> {
    text.parse().map_err(|e| {
        MailError::Wrong(format!(
            "\"{text}\" is no mail address ({e}); write it as name@example.com"
        ))
    })
}

/// Tells machines that answer mail by themselves not to (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}

fn message(mail: &Mail) -> Result<Message, MailError> {
    let from = mailbox(&mail.from)?;
    let domain = from.email.domain().to_owned();
    let at = std::time::UNIX_EPOCH
        + Duration::from_secs(u64::try_from(mail.at.as_second()).unwrap_or_default());
    let mut builder: MessageBuilder = Message::builder()
        .from(from)
        .subject(mail.subject.replace(['\r', '\n'], " "))
        .date(at)
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN);
    for to in &mail.to {
        builder = builder.to(mailbox(to)?);
    }
    builder
        .body(mail.text.clone())
        .map_err(|e| MailError::Wrong(format!("the mail cannot be written: {e}")))
}

/// Sends a mail. Answers what the server said to it.
pub async fn send(server: &MailServer, mail: &Mail) -> Result<String, MailError> {
    let place = format!("{}:{}", server.host, server.port);
    let message = message(mail)?;
    let tls = || {
        TlsParameters::new(server.host.clone())
            .map_err(|e| MailError::Wrong(format!("{place}: TLS cannot be set up: {e}")))
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host.clone())
        .port(server.port)
        .timeout(Some(COMMAND_TIMEOUT))
        .tls(match server.tls {
            MailTls::Starttls => Tls::Required(tls()?),
            MailTls::Tls => Tls::Wrapper(tls()?),
            MailTls::None => Tls::None,
        });
    if let Some((name, password)) = &server.login {
        builder = builder.credentials(Credentials::new(
            name.clone(),
            password.expose_secret().to_owned(),
        ));
    }
    let transport = builder.build();
    match tokio::time::timeout(TIMEOUT, transport.send(message)).await {
        Ok(Ok(answer)) => Ok(format!(
            "{place}: {} {}",
            answer.code(),
            answer.message().collect::<Vec<_>>().join(" ")
        )
        .trim_end()
        .to_owned()),
        Ok(Err(e)) => Err(told(&place, &e)),
        Err(_) => Err(MailError::Unreachable(format!(
            "{place}: the mail was not taken within {} s",
            TIMEOUT.as_secs()
        ))),
    }
}

/// The server's own words where it said any.
fn told(place: &str, error: &lettre::transport::smtp::Error) -> MailError {
    let why = std::error::Error::source(error).map(ToString::to_string);
    match error.status() {
        Some(code) => MailError::Refused(format!(
            "{place} answers {code}: {}",
            why.unwrap_or_default()
        )),
        None => {
            let text = format!("{place}: {}", why.unwrap_or_else(|| error.to_string()));
            if error.is_client() {
                MailError::Refused(text)
            } else {
                MailError::Unreachable(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            id: "0199".into(),
            from: "Lockstep <lockstep@kestrel.example>".into(),
            to: vec![
                "ann@kestrel.example".into(),
                "Bo <bo@kestrel.example>".into(),
            ],
            subject: "Lockstep: one thing\r\nBcc: all@else.example".into(),
            text: "The parcel goes to a Straße in Sydney, with its code.\n".into(),
            at: "2025-11-27T03:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_mail_has_what_receivers_go_by() {
        let text = String::from_utf8(message(&mail()).unwrap().formatted()).unwrap();
        assert!(
            text.contains("Message-ID: <0199@kestrel.example>"),
            "{text}"
        );
        assert!(text.contains("Auto-Submitted: auto-generated"), "{text}");
        assert!(text.contains("Date: Thu, 27 Nov 2025 03:00:00"), "{text}");
        assert!(text.contains("Stra=C3=9Fe"), "{text}");
        assert!(
            text.contains("To: ann@kestrel.example, Bo <bo@kestrel.example>"),
            "{text}"
        );
        assert!(
            !text.to_lowercase().contains("\nbcc:"),
            "a subject adds no header: {text}"
        );
    }

    #[test]
    fn an_address_that_is_none_is_named() {
        let wrong = Mail {
            from: "nobody".into(),
            ..mail()
        };
        let error = message(&wrong).unwrap_err().to_string();
        assert!(error.contains("\"nobody\" is no mail address"), "{error}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named_with_its_port() {
        let server = MailServer {
            host: "127.0.0.1".into(),
            port: 9,
            tls: MailTls::Starttls,
            login: None,
        };
        let error = send(&server, &mail()).await.unwrap_err();
        assert!(
            matches!(&error, MailError::Unreachable(why) if why.starts_with("127.0.0.1:9: ")),
            "{error}"
        );
    }
}
