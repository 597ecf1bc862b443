//! The contract in `wit/`, as Rust.

#![allow(unsafe_code, missing_docs, clippy::all)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "marketplace",
    additional_derives: [PartialEq],
    pub_export_macro: true,
});
