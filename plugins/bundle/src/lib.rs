//! The plugins that ship inside the host binary: WebAssembly components, each with its manifest embedded; and the sources
//! that a new connector begins with.

include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
