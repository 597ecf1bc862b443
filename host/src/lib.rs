//! Keeps a Shopify store and its sales channels in lockstep.
//!
//! `ARCHITECTURE.md` is the map; each module's first lines say what lives in it.

pub mod actions;
pub mod alert;
pub mod cli;
pub mod conformance;
pub mod crash;
pub mod cycle;
pub mod db;
pub mod host;
pub mod model;
pub mod net;
pub mod plugin;
pub mod registry;
pub mod schedule;
pub mod shop;
pub mod sync;
pub mod telemetry;
pub mod trace;
pub mod vault;
pub mod view;
pub mod web;
