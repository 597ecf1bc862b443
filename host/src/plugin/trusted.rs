//! The one call that runs machine code from a file.
#![allow(unsafe_code)]

use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads code that this host compiled earlier.
///
/// The caller vouches that the file was written by this host and cannot have been changed by anybody else; [`super::cache`]
/// is the only caller and checks owner and permissions of file and folder right before.
pub(super) fn load(engine: &Engine, file: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are an unmodified result of `Component::serialize`: the file is written whole under a temporary
    // name and then renamed, in a folder that only the host's own user can enter. wasmtime itself refuses code
    // of another version, configuration or processor.
    unsafe { Component::deserialize_file(engine, file) }
}
