//! Named places at which a test lets the process die as if it were killed.
//!
//! `LOCKSTEP_CRASH_AT=name` or `name:3` (the third time it is passed). Unset, a place costs one atomic load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

struct Wanted {
    name: String,
    left: AtomicU32,
}

static WANTED: OnceLock<Option<Wanted>> = OnceLock::new();

/// Dies here when the environment asks for it: no destructor runs, nothing is flushed.
pub fn point(name: &str) {
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("LOCKSTEP_CRASH_AT").ok()?;
        let (name, times) = match text.rsplit_once(':') {
            Some((name, times)) => (name.to_owned(), times.parse().ok()?),
            None => (text, 1),
        };
        Some(Wanted {
            name,
            left: AtomicU32::new(times),
        })
    });
    if let Some(wanted) = wanted
        && wanted.name == name
        && wanted.left.fetch_sub(1, Ordering::SeqCst) == 1
    {
        eprintln!("lockstep: killed at {name}");
        std::process::abort();
    }
}
