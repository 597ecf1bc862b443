//! `/plugins`: the plugins, one of them, and what an admin decides about it.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::Redirect;
use serde::Deserialize;
use tower_sessions::Session;

use super::products::answer;
use super::{Frame, Html, page};
use crate::actions::plugin;
use crate::plugin::{LogLevel, LogLine, Stats};
use crate::view::{self, PluginDetail, PluginLog, PluginState, Plugins, SeenVersion};
use crate::web::auth::Me;
use crate::web::failure::Failure;
use crate::web::take::Take;
use crate::web::{App, show};

/// Where a plugin's page is.
fn path(id: &str) -> String {
    format!("/plugins/{}", show::segment(id))
}

/// Microseconds as people read them.
fn span(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} \u{b5}s"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Processor time, in all and of one call.
fn cpu(s: &Stats) -> String {
    match s.calls {
        0 => "none".to_owned(),
        calls => format!("{}, {} a call", span(s.cpu_us), span(s.cpu_us / calls)),
    }
}

/// Time from start to end, in all and of one call.
fn wall(s: &Stats) -> String {
    match s.calls {
        0 => "none".to_owned(),
        calls => format!(
            "{}, {} a call",
            span(s.wall_ms * 1_000),
            span(s.wall_ms * 1_000 / calls)
        ),
    }
}

#[derive(Template)]
#[template(path = "plugins.html")]
struct ListPage {
    frame: Frame,
    view: Plugins,
}

impl ListPage {
    fn path(&self, id: &str) -> String {
        path(id)
    }
}

pub(super) async fn list_page(State(app): State<App>, frame: Frame) -> Result<Html, Failure> {
    let view = view::plugins(&app.host).await?;
    page(&ListPage { frame, view })
}

#[derive(Template)]
#[template(path = "plugin.html")]
struct PluginPage {
    frame: Frame,
    view: PluginDetail,
    log: PluginLog,
}

impl PluginPage {
    fn path(&self) -> String {
        path(&self.view.plugin.id)
    }

    fn cpu(&self, figures: &Stats) -> String {
        cpu(figures)
    }

    fn wall(&self, figures: &Stats) -> String {
        wall(figures)
    }

    fn memory(&self, figures: &Stats) -> String {
        size(figures.memory_peak)
    }

    fn tone(&self, line: &LogLine) -> &'static str {
        match line.level {
            LogLevel::Debug | LogLevel::Info => "idle",
            LogLevel::Warn => "warn",
            LogLevel::Error | LogLevel::Refused => "bad",
        }
    }

    fn at_work(&self, version: &SeenVersion) -> bool {
        self.view.plugin.state == PluginState::AtWork
            && self.view.plugin.digest.as_ref() == Some(&version.digest)
    }
}

pub(super) async fn plugin_page(
    State(app): State<App>,
    Take(Path(id), _): Take<Path<String>, Failure>,
    frame: Frame,
) -> Result<Html, Failure> {
    let view = view::plugin(&app.host, &id).await?;
    let log = view::plugin_log(&app.host, &id, None)?;
    page(&PluginPage { frame, view, log })
}

/// Which version the button was shown for.
#[derive(Deserialize)]
pub(super) struct Version {
    digest: String,
}

type Named = Take<Path<String>, Failure>;
type Sent = Take<Form<Version>, Failure>;

pub(super) async fn grant(
    State(app): State<App>,
    me: Me,
    session: Session,
    Take(Path(id), _): Named,
    Take(Form(version), _): Sent,
) -> Result<Redirect, Failure> {
    let done = plugin::grant(&app.host, &id, Some(&version.digest), &me.actor).await;
    let said = done.map(|asked| match asked.as_slice() {
        [] => format!("{id} was granted already, and is at work."),
        asked => format!(
            "Granted to {id}: {}. It is at work from the next cycle on.",
            asked.join(", ")
        ),
    });
    answer(&session, said).await?;
    Ok(Redirect::to(&path(&id)))
}

pub(super) async fn roll_back(
    State(app): State<App>,
    me: Me,
    session: Session,
    Take(Path(id), _): Named,
    Take(Form(version), _): Sent,
) -> Result<Redirect, Failure> {
    let done = plugin::roll_back(&app.host, &id, Some(&version.digest), &me.actor).await;
    let said = done.map(|(from, to)| {
        format!(
            "{id} is back from {} to {}. The newer file stays away until another one takes its place, or until it is granted again.",
            &from[..12],
            &to[..12]
        )
    });
    answer(&session, said).await?;
    Ok(Redirect::to(&path(&id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_one_call_too() {
        let stats = Stats {
            calls: 4,
            cpu_us: 10_000,
            wall_ms: 6_000,
            ..Stats::default()
        };
        assert_eq!(cpu(&stats), "10 ms, 2 ms a call");
        assert_eq!(wall(&stats), "6.0 s, 1.5 s a call");
        assert_eq!(cpu(&Stats::default()), "none");
        assert_eq!(size(3 << 19), "1.5 MiB");
    }
}
