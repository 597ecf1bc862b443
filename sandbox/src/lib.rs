//! Sandbox.

pub mod faults;
