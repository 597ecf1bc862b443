//! The only place that uses `wasmtime`: plugins are admitted, compiled, limited and called here.
//!
//! A plugin is a WebAssembly component that speaks the contract in `wit/`. Each call runs in a fresh instance that can
//! reach nothing but the channel's own marketplace, through the module `egress`, and never sees a secret.

mod admit;
mod bindings;
mod cache;
mod call;
mod connector;
mod convert;
mod convert_extra;
mod convert_order;
mod credential;
mod egress;
mod extra;
mod limits;
mod manifest;
mod rates;
mod record;
mod runtime;
mod state;
mod stats;
mod tap;
mod trusted;
mod wasi;

pub use admit::MANIFEST_SECTION;
pub use connector::{Connector, ConnectorConfig};
pub use credential::Credential;
pub use extra::{Extra, ExtraConfig};
pub use limits::Limits;
pub use manifest::{
    Build, CallRate, ClientAuth, CredentialKind, CredentialSlot, Endpoint, Fulfillment, GENERATION,
    Identity, Manifest, Orders, Rate, Setting, SettingType, Stock, Test,
};
pub use record::{FAULTS, FaultLine, LOG_LINES, LogLevel, LogLine};
pub use runtime::{Plugin, Runtime};
pub use stats::Stats;
pub use tap::{Outcome, Tap, Tapped};
