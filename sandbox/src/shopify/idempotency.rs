//! Memory of idempotency keys.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::engine::Out;
use super::state::now;

/// How long a key is remembered, in seconds.
const LIFE_S: i64 = 24 * 3600;

/// The mutations that demand `@idempotent`.
pub(super) const REQUIRED: [&str; 4] = [
    "inventoryAdjustQuantities",
    "inventorySetQuantities",
    "inventoryActivate",
    "refundCreate",
];

/// Keys of the last 24 hours.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, Used>);

struct Used {
    at: i64,
    mutation: String,
    arguments: Map<String, Value>,
    result: Out,
    failed: bool,
}

/// What a key says about a call.
pub(super) enum Seen {
    New,
    /// The same call was answered like this.
    Answered(Out),
    /// The same key came with another call.
    Mismatch,
    /// The call with this key failed.
    Failed,
}

impl Keys {
    pub(super) fn look(
        &mut self,
        key: &str,
        mutation: &str,
        arguments: &Map<String, Value>,
    ) -> Seen {
        let oldest = now() - LIFE_S;
        self.0.retain(|_, used| used.at >= oldest);
        match self.0.get(key) {
            None => Seen::New,
            Some(used) if used.mutation != mutation || used.arguments != *arguments => {
                Seen::Mismatch
            }
            Some(used) if used.failed => Seen::Failed,
            Some(used) => Seen::Answered(used.result.clone()),
        }
    }

    pub(super) fn remember(
        &mut self,
        key: String,
        mutation: &str,
        arguments: &Map<String, Value>,
        result: &Out,
        failed: bool,
    ) {
        self.0.insert(
            key,
            Used {
                at: now(),
                mutation: mutation.to_owned(),
                arguments: arguments.clone(),
                result: result.clone(),
                failed,
            },
        );
    }
}
