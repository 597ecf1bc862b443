//! Keeps a Shopify store and its sales channels in lockstep.
//!
//! `ARCHITECTURE.md` is the map; each module's first lines say what lives in it.

pub mod db;
pub mod model;
pub mod net;
pub mod plugin;
pub mod sync;
pub mod vault;
