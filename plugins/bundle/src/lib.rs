//! The plugins that ship inside the host binary: WebAssembly components, each with its manifest embedded.

include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
