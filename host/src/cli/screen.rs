//! What the demo shows: a scroll of happenings, and a board at the foot where the terminal can show one.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The demo's screen. Cheap to clone.
#[derive(Clone)]
pub(super) struct Screen {
    /// None where output goes to a file, a pipe or JSON.
    foot: Option<(MultiProgress, Vec<ProgressBar>)>,
    quiet: bool,
    color: bool,
}

impl Screen {
    /// A screen; a quiet one shows nothing but problems.
    pub(super) fn new(quiet: bool) -> Self {
        let terminal = std::io::stdout().is_terminal() && !quiet;
        let foot = terminal.then(|| {
            let all = MultiProgress::new();
            let bars = (0..2)
                .map(|_| {
                    let bar = all.add(ProgressBar::new_spinner());
                    bar.set_style(
                        ProgressStyle::with_template("{spinner} {msg}")
                            .expect("the template is valid"),
                    );
                    bar.enable_steady_tick(Duration::from_millis(200));
                    bar
                })
                .collect();
            (all, bars)
        });
        Self {
            foot,
            quiet,
            color: std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0")
                || (terminal && std::env::var_os("NO_COLOR").is_none()),
        }
    }

    pub(super) fn quiet(&self) -> bool {
        self.quiet
    }

    fn print(&self, text: &str) {
        if self.quiet {
            return;
        }
        match &self.foot {
            Some((all, _)) => {
                let _ = all.println(text);
            }
            None => println!("{text}"),
        }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// Begins a part.
    pub(super) fn title(&self, text: &str) {
        self.print("");
        self.print(&self.paint("1", text));
    }

    /// Plain text.
    pub(super) fn line(&self, text: &str) {
        self.print(&format!("  {text}"));
    }

    /// Something that a person outside did.
    pub(super) fn world(&self, text: &str) {
        self.print(&format!("  {} {text}", self.paint("36", "world")));
    }

    /// Something that the host did about it.
    pub(super) fn host(&self, text: &str) {
        self.print(&format!("  {}  {text}", self.paint("32", "host")));
    }

    /// Something that a person should know.
    pub(super) fn problem(&self, text: &str) {
        if self.quiet {
            eprintln!("{text}");
        }
        self.print(&format!("  {}  {text}", self.paint("33", "note")));
    }

    /// A verdict.
    pub(super) fn check(&self, ok: bool, name: &str, detail: &str) {
        let mark = if ok {
            self.paint("32", "  ok  ")
        } else {
            self.paint("31", "BROKEN")
        };
        self.print(&format!("  {mark} {name}: {detail}"));
    }

    /// Says what takes a moment, at the foot.
    pub(super) fn working(&self, text: &str) {
        self.board(&[text.to_owned(), String::new()]);
    }

    /// Replaces the lines at the foot.
    pub(super) fn board(&self, lines: &[String]) {
        if let Some((_, bars)) = &self.foot {
            for (bar, line) in bars.iter().zip(lines) {
                bar.set_message(line.clone());
            }
        }
    }

    /// Takes the foot away.
    pub(super) fn finish(&self) {
        if let Some((_, bars)) = &self.foot {
            for bar in bars {
                bar.finish_and_clear();
            }
        }
    }
}
