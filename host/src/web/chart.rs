//! Charts as SVG, written here: they need no script, and say in words what they draw.

use std::fmt::Write as _;

use super::show;
use crate::db::PushRow;
use crate::model::Instant;
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

/// Whether a number that was written did not arrive, as far as is known.
pub(super) fn failed(push: &PushRow) -> bool {
    push.outcome != "applied" && !push.outcome.starts_with("queued as ")
}

/// The numbers that a channel was given, over time: a line that steps, a dot for each number, and a cross for each that
/// did not arrive. `pushes` are the newest first, as the ledger gives them. Nothing for fewer than two numbers: they have
/// no course.
pub(super) fn numbers(channel: &str, pushes: &[PushRow]) -> String {
    const WIDTH: f64 = 400.0;
    const HEIGHT: f64 = 130.0;
    /// Around the drawing, for the labels.
    const LEFT: f64 = 34.0;
    const RIGHT: f64 = 8.0;
    const TOP: f64 = 10.0;
    const BOTTOM: f64 = 24.0;
    let ([newest, .., oldest], Some(most)) = (pushes, pushes.iter().map(|p| p.quantity).max())
    else {
        return String::new();
    };
    let most = round_up(most);
    let ms = |at: Instant| at.as_millisecond() as f64;
    let span = (ms(newest.at) - ms(oldest.at)).max(1.0);
    let x = |at: Instant| LEFT + (ms(at) - ms(oldest.at)) / span * (WIDTH - LEFT - RIGHT - 12.0);
    let y = |n: u32| TOP + (1.0 - f64::from(n) / f64::from(most)) * (HEIGHT - TOP - BOTTOM);
    let (mut line, mut points) = (String::new(), String::new());
    for p in pushes.iter().rev() {
        let (px, py) = (x(p.at), y(p.quantity));
        let told = format!(
            "<title>{} UTC: {}, {}</title>",
            show::clock(&p.at),
            p.quantity,
            escape(&p.outcome)
        );
        if failed(p) {
            let _ = write!(
                points,
                "<path class=\"point bad\" d=\"M{:.1} {:.1}l8 8m0 -8l-8 8\">{told}</path>",
                px - 4.0,
                py - 4.0
            );
            continue;
        }
        let _ = match line.is_empty() {
            true => write!(line, "M{px:.1} {py:.1}"),
            false => write!(line, "H{px:.1}V{py:.1}"),
        };
        let _ = write!(
            points,
            "<circle class=\"point\" cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"3\">{told}</circle>"
        );
    }
    let mut out = format!(
        "<svg class=\"chart steps\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escape(&course(channel, pushes))
    );
    for n in [0, most / 2, most] {
        let py = y(n);
        let _ = write!(
            out,
            "<path class=\"grid\" d=\"M{LEFT} {py:.1}H{WIDTH}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{n}</text>",
            LEFT - 6.0,
            py + 4.0
        );
    }
    for (at, place, anchor) in [(oldest.at, LEFT, "start"), (newest.at, WIDTH, "end")] {
        let _ = write!(
            out,
            "<text x=\"{place}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            HEIGHT - 5.0,
            at.strftime("%e %b %H:%M")
        );
    }
    if !line.is_empty() {
        // The last number holds until there is another one.
        let _ = write!(out, "<path class=\"line\" d=\"{line}H{WIDTH}\"/>");
    }
    out.push_str(&points);
    out.push_str("</svg>");
    out
}

/// What the chart shows, in words.
fn course(channel: &str, pushes: &[PushRow]) -> String {
    let there = || pushes.iter().filter(|p| !failed(p)).map(|p| p.quantity);
    let bad = pushes.iter().filter(|p| failed(p)).count();
    let mut text = format!(
        "{} sent to {channel}",
        show::count(pushes.len(), "number", "numbers")
    );
    if let (Some(least), Some(most), Some(last)) = (there().min(), there().max(), there().next()) {
        let _ = write!(text, ", from {least} to {most}, the last one {last}");
    }
    if bad > 0 {
        let _ = write!(text, "; {} not arrive", show::count(bad, "did", "did"));
    }
    text
}

/// An even number that a scale can end at, at least 2.
fn round_up(n: u32) -> u32 {
    let mut step = 2;
    while n > step * 10 {
        step *= 10;
    }
    n.div_ceil(step).max(1) * step
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

#[cfg(test)]
mod tests {
    use super::*;

    fn push(minute: i64, quantity: u32, outcome: &str) -> PushRow {
        PushRow {
            listing: "1".into(),
            sku: "A".into(),
            at: Instant::from_second(minute * 60).unwrap(),
            quantity,
            previous: None,
            available: 0,
            unseen: 0,
            buffer: 0,
            withheld: 0,
            reserved: 0,
            part: None,
            cause: "difference".into(),
            outcome: outcome.into(),
        }
    }

    #[test]
    fn numbers_step_and_those_that_did_not_arrive_are_crosses_beside_the_line() {
        let pushes = [
            push(30, 7, "applied"),
            push(20, 10, "refused (E1): <no>"),
            push(10, 4, "queued as t1"),
            push(0, 0, "applied"),
        ];
        let svg = numbers("M & Co", &pushes);
        assert!(svg.contains(
            "aria-label=\"4 numbers sent to M &amp; Co, from 0 to 7, the last one 7; 1 did not arrive\""
        ));
        assert_eq!(svg.matches("<circle").count(), 3);
        assert_eq!(svg.matches("point bad").count(), 1);
        assert!(svg.contains("10, refused (E1): &lt;no&gt;"), "{svg}");
        // Three numbers on the line make two steps, and the last one holds on.
        let line = svg.split("class=\"line\" d=\"").nth(1).unwrap();
        let line = line.split('"').next().unwrap();
        assert_eq!(
            (line.matches('H').count(), line.matches('V').count()),
            (3, 2)
        );
        assert!(
            !svg.contains("style="),
            "the policy of the pages forbids it"
        );
    }

    #[test]
    fn one_number_has_no_course_and_a_scale_is_even() {
        assert_eq!(numbers("M", &[]), "");
        assert_eq!(numbers("M", &[push(1, 3, "applied")]), "");
        assert!(!numbers("M", &[push(1, 3, "no"), push(1, 3, "no")]).contains("NaN"));
        for (n, up) in [
            (0, 2),
            (1, 2),
            (7, 8),
            (20, 20),
            (21, 40),
            (999, 1_000),
            (1_234, 1_400),
        ] {
            assert_eq!(round_up(n), up, "{n}");
        }
    }
}
