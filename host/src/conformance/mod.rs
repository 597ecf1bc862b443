//! Checks a connector the way the host will use it, in any language that it was written: `lockstep plugin check`.
//!
//! A day is lived through against a marketplace of the sandbox and recorded (`day`). What was recorded, and the tapes
//! that the author recorded at a real account, are then played back: exactly, with every fault laid over every kind of
//! exchange, and with answers bent the way marketplaces bend them. Effects are counted from the marketplace's side.
//! Everything goes through the host's own gates, so what they refuse is refused here.

mod admission;
mod bending;
mod book;
mod call;
mod day;
mod effects;
mod faults;
mod paging;
mod replay;
mod stand_in;
mod suite;
mod taps;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use lockstep_kit::Tape;

pub use book::{Case, Report, Verdict};
pub(crate) use call::Call;
pub use stand_in::STAND_INS;
pub(crate) use stand_in::StandIn;
pub(crate) use taps::Recorder;

use book::Book;
use suite::Suite;

use crate::plugin::Runtime;

/// What to check a component with.
pub struct Options {
    /// Tapes with their names.
    pub tapes: Vec<(String, Tape)>,
    /// Settings of the plugin, by key, for the marketplace of the sandbox; a tape brings its own.
    pub settings: BTreeMap<String, String>,
    /// A marketplace of [`STAND_INS`]; none: the one that the manifest names, if any.
    pub against: Option<String>,
    /// This case only.
    pub only: Option<String>,
    /// Is told what is being done.
    pub tell: Box<dyn Fn(&str) + Send + Sync>,
}

/// Every case, in the order in which they are reported.
pub fn cases() -> Vec<&'static Case> {
    [
        admission::CASES,
        replay::CASES,
        paging::CASES,
        faults::CASES,
        bending::CASES,
        effects::CASES,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Checks a component.
///
/// # Errors
/// The check itself cannot be done; what is wrong with the component is in the report.
pub async fn check(component: &[u8], options: Options) -> anyhow::Result<Report> {
    let mut book = Book::new(cases(), options.only.clone());
    (options.tell)("compiling the component");
    let runtime = Runtime::new(None)?;
    let plugin = match runtime.load(component) {
        Ok(plugin) => plugin,
        Err(why) => {
            book.fail(admission::LOADS, format!("{why:#}"));
            return Ok(book.close("the host does not load the component"));
        }
    };
    book.looked(admission::LOADS);
    if plugin.is_extra() {
        return Ok(book.close("it is an extra, and these cases are for connectors"));
    }
    let mut suite = Suite::new(plugin, options)?;
    admission::run(&suite, &mut book);
    day::live(&mut suite, &mut book).await?;
    replay::run(&suite, &mut book).await?;
    paging::run(&suite, &mut book);
    if book.wants(faults::CASES) {
        faults::run(&suite, &mut book).await?;
    }
    if book.wants(bending::CASES) {
        bending::run(&suite, &mut book).await?;
    }
    if book.wants(effects::CASES) {
        effects::run(&mut suite, &mut book).await?;
    }
    Ok(book.close(suite.why_not()))
}

/// Reads the tapes of a folder (`*.json`), in the order of their names.
pub fn tapes(folder: &Path) -> anyhow::Result<Vec<(String, Tape)>> {
    let mut tapes = Vec::new();
    let entries = std::fs::read_dir(folder)
        .with_context(|| format!("the folder {} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "json") {
            let text = std::fs::read_to_string(&path)?;
            let tape = Tape::parse(&text).with_context(|| path.display().to_string())?;
            let name = path.file_name().unwrap_or_default();
            tapes.push((name.to_string_lossy().into_owned(), tape));
        }
    }
    tapes.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(tapes)
}
