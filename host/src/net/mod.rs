//! The only place that uses `reqwest`: one client, capped bodies, no redirects, pinned public addresses.

mod client;

pub use client::{Client, ClientOptions, Error, Method, Request, Response};
