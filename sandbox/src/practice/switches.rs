//! Where the description leaves room, and what a test may want: each point with its default.

use serde::{Deserialize, Serialize};

/// The switches of one stand-in. Everything else that can go wrong is a rule of [`crate::faults`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Switches {
    /// No page has more rows than this, whatever was asked for: a client has to follow `next`, not count.
    pub page_cap: usize,
    /// Requests taken in one second; 0 takes any number.
    pub requests_per_second: u32,
    /// Calls that the key may not make, as method and last word of the path: "PUT stock", "POST parcels" ...
    pub forbidden: Vec<String>,
    /// 503 on every path.
    pub maintenance: bool,
    /// Hours from purchase to the latest time of dispatch.
    pub ship_by_hours: i64,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            page_cap: 200,
            requests_per_second: 0,
            forbidden: Vec::new(),
            maintenance: false,
            ship_by_hours: 48,
        }
    }
}
