//! Making and reading faults.

use crate::types::{Backoff, Fault, Rejection};

impl Fault {
    /// The marketplace, or the connector itself before anything is sent, refuses this input for good.
    pub fn reject(detail: impl Into<String>) -> Self {
        Fault::Rejected(Rejection {
            code: None,
            detail: detail.into(),
        })
    }

    /// The same with the marketplace's code.
    pub fn reject_as(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Fault::Rejected(Rejection {
            code: Some(code.into()),
            detail: detail.into(),
        })
    }

    /// The marketplace is down, and nothing was applied.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Fault::Unavailable(Backoff {
            retry_after_ms: None,
            detail: detail.into(),
        })
    }

    /// Its words.
    pub fn detail(&self) -> &str {
        match self {
            Fault::Auth(text)
            | Fault::UnknownOutcome(text)
            | Fault::Missing(text)
            | Fault::Conflict(text)
            | Fault::Protocol(text)
            | Fault::Denied(text)
            | Fault::Other(text) => text,
            Fault::Throttled(backoff) | Fault::Unavailable(backoff) => &backoff.detail,
            Fault::Rejected(rejection) => &rejection.detail,
        }
    }
}
