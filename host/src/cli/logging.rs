//! The log, on standard error, without secrets; and spans, where the environment names a collector of OpenTelemetry.

use std::io::Write;

use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::spans::{self, Export};
use crate::vault::Scrubber;

/// Starts logging. A filter that cannot be read counts as "warn". What sends spans must be finished before the end.
pub(super) fn start(filter: &str, scrubber: Scrubber) -> anyhow::Result<Option<Export>> {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt::layer()
        .with_writer(Scrubbing(scrubber))
        .with_target(false)
        // Each line says by itself what it is about.
        .with_filter(
            filter.and(filter_fn(|m| !m.is_span()).with_max_level_hint(LevelFilter::TRACE)),
        );
    let (layer, export) = spans::export()?.unzip();
    tracing_subscriber::registry().with(layer).with(log).init();
    Ok(export)
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
