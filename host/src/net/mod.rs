//! The only place that uses `reqwest` and `lettre`: one client, capped bodies, no redirects, pinned public addresses;
//! and mail.

mod client;
pub mod mail;

pub(crate) use client::place;
pub use client::{Client, ClientOptions, Error, Method, Request, Response};
