//! What a cycle decides: pure planning over plain values, one file per flow. No I/O, no clock.

pub mod cancellations;
pub mod carriers;
pub mod fulfillments;
pub mod link;
pub mod orders;
pub mod stock;
