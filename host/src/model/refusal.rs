//! Why something that a person asks for is not done.

/// Why something is not done. The text says what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// What was given cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// It does not fit how things are now.
    #[error("{0}")]
    Conflict(String),
}
