//! WASI for plugins whose language does not work without it: all of its functions are there, and nothing is behind them.
//!
//! No files, no arguments, no environment, no standard input, no network. Clocks and random numbers are real. What is
//! printed goes to the plugin's log. `wasi:http` is not among it: requests go through the contract's own `http`.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::state::State;

/// Packages that a component may import. Their versions begin with [`VERSIONS`].
const PACKAGES: [&str; 6] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];
const VERSIONS: &str = "0.2.";
/// Bytes of random numbers that one request may ask for.
const MOST_RANDOM: u64 = 64 << 10;
/// Things (streams, timers ...) that one call may hold at a time.
const MOST_HELD: usize = 1_000;
/// Bytes that a stream asks for at once.
const WRITE: usize = 64 << 10;

/// Whether an import is one that is linked.
pub(super) fn known(import: &str) -> bool {
    let Some((interface, version)) = import.split_once('@') else {
        return false;
    };
    version.starts_with(VERSIONS) && PACKAGES.iter().any(|p| interface.starts_with(p))
}

/// Adds all of it to a linker.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

/// What one call has of it.
pub(super) struct Wasi {
    ctx: WasiCtx,
    table: ResourceTable,
    /// Standard output.
    pub output: Printed,
    /// Standard error.
    pub errors: Printed,
}

impl Wasi {
    /// With streams that keep this many bytes each.
    pub(super) fn new(kept: usize) -> Self {
        let (output, errors) = (Printed::new(kept), Printed::new(kept));
        let ctx = WasiCtx::builder()
            .stdout(output.clone())
            .stderr(errors.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(MOST_RANDOM)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MOST_HELD);
        Self {
            ctx,
            table,
            output,
            errors,
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let wasi = self.wasi();
        WasiCtxView {
            ctx: &mut wasi.ctx,
            table: &mut wasi.table,
        }
    }
}

/// What a plugin printed, as far as it is kept; the rest is taken and dropped, so that no plugin fails of its own words.
#[derive(Clone)]
pub(super) struct Printed {
    text: Arc<Mutex<Vec<u8>>>,
    most: usize,
}

impl Printed {
    fn new(most: usize) -> Self {
        Self {
            text: Arc::default(),
            most,
        }
    }

    /// Its text so far.
    pub(super) fn text(&self) -> String {
        let kept = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }

    fn keep(&self, bytes: &[u8]) {
        let mut kept = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.most.saturating_sub(kept.len());
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    /// For WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Printed {
    async fn ready(&mut self) {}
}

impl OutputStream for Printed {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.keep(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_interfaces_that_are_linked_are_known() {
        for import in [
            "wasi:cli/environment@0.2.0",
            "wasi:sockets/tcp@0.2.6",
            "wasi:io/poll@0.2.12",
        ] {
            assert!(known(import), "{import}");
        }
        for import in [
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:cli/environment@0.3.0",
            "wasi:cli/environment",
            "wasi:keyvalue/store@0.2.0",
            "other:cli/environment@0.2.0",
        ] {
            assert!(!known(import), "{import}");
        }
    }

    #[test]
    fn what_is_printed_over_the_limit_is_taken_and_dropped() {
        let printed = Printed::new(5);
        let mut stream = printed.clone();
        stream.write(Bytes::from_static(b"abc")).unwrap();
        stream.write(Bytes::from_static(b"defg")).unwrap();
        assert!(stream.check_write().is_ok_and(|n| n > 0));
        assert_eq!(printed.text(), "abcde");
    }
}
