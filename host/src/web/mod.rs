//! What is served over HTTP.

pub mod health;
pub mod hooks;
pub mod metrics;
