//! Tables and times as people read them.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cycle::Progress;
use crate::host::Host;
pub(crate) use crate::view::{clock, relative};

/// A table with a header.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.to_vec());
    table
}

/// Prints rows, at most `limit`, and says how many more there are.
pub(crate) fn print_rows(header: &[&str], rows: &[Vec<String>], limit: usize) {
    if rows.is_empty() {
        return;
    }
    let mut table = table(header);
    for row in rows.iter().take(limit) {
        table.add_row(row);
    }
    println!("{table}");
    if rows.len() > limit {
        println!("... and {} more", rows.len() - limit);
    }
}

/// A line on the terminal that says what the host is doing. Nothing where nobody looks.
pub(crate) struct Spinner(Option<ProgressBar>);

impl Spinner {
    /// Shows what the host's cycles tell until it is dropped.
    pub(crate) fn of(host: &mut Host) -> Self {
        let spinner = Self::new();
        if let Some(bar) = &spinner.0 {
            let shown = bar.clone();
            let tell: Progress = Arc::new(move |what| shown.set_message(what));
            host.tell(tell);
        }
        spinner
    }

    /// Shows what [`Spinner::say`] is told until it is dropped.
    pub(crate) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        bar.set_style(
            ProgressStyle::with_template("{spinner} {elapsed} {msg}")
                .expect("the template is valid"),
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }

    /// What is being done now.
    pub(crate) fn say(&self, what: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(what.to_owned());
        }
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
