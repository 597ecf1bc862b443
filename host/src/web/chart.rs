//! Charts as SVG, written here: they need no script, and say in words what they draw.

use std::fmt::Write as _;

use super::show;
use crate::view::CycleMark;

/// A strip of cycles, one bar each: as tall as it took long, coloured by how it ended.
pub(super) fn cycles(cycles: &[CycleMark]) -> String {
    if cycles.is_empty() {
        return String::new();
    }
    const HEIGHT: f64 = 28.0;
    const SLOTS: usize = 40;
    let longest = cycles.iter().filter_map(|c| c.ms).max().unwrap_or(1).max(1) as f64;
    let well = cycles
        .iter()
        .filter(|c| c.outcome.as_deref() == Some("done"))
        .count();
    // The newest is always at the right edge, however many there are.
    let width = SLOTS.max(cycles.len()) * 7;
    let first = SLOTS.saturating_sub(cycles.len());
    let mut out = format!(
        "<svg class=\"strip\" viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"The last {}: {} well\">",
        show::count(cycles.len(), "cycle", "cycles"),
        match well {
            n if n == cycles.len() => "all ended".to_owned(),
            n => format!("{n} ended"),
        }
    );
    for (i, c) in cycles.iter().enumerate() {
        // A square root keeps short cycles visible beside one long one.
        let share = (c.ms.unwrap_or(0) as f64 / longest).sqrt();
        let height = 4.0 + share * (HEIGHT - 4.0);
        let outcome = c.outcome.as_deref().unwrap_or("running or killed");
        let class = match c.outcome.as_deref() {
            Some("done") if c.acted => "acted",
            Some("done") => "quiet",
            Some("waits") | None => "warn",
            Some(_) => "bad",
        };
        let took = c.ms.map_or(String::new(), |ms| format!(", {ms} ms"));
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{}\" y=\"{:.1}\" width=\"6\" height=\"{height:.1}\"><title>{} UTC: {}{took}. {}</title></rect>",
            (first + i) * 7,
            HEIGHT - height,
            show::clock(&c.started_at),
            escape(outcome),
            escape(&c.summary),
        );
    }
    out.push_str("</svg>");
    out
}

/// Text inside markup.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
