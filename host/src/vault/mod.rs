//! Secrets: sealed at rest, blanked wherever text leaves the host.

mod key;
mod scrub;
mod seal;

pub use scrub::Scrubber;
pub use seal::{Error, Vault};
