//! The log, on standard error, without secrets.

use std::io::Write;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::vault::Scrubber;

/// Starts logging. A filter that cannot be read counts as "warn".
pub(super) fn start(filter: &str, scrubber: Scrubber) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Scrubbing(scrubber))
        .with_target(false)
        .init();
}

/// Blanks secrets in each line. Whatever writes to the log, even a library, passes here.
struct Scrubbing(Scrubber);

impl<'a> MakeWriter<'a> for Scrubbing {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(&self.0)
    }
}

struct Line<'a>(&'a Scrubber);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        std::io::stderr().write_all(&self.0.scrub_bytes(line.to_vec()))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}
