//! Tells open pages that something has changed, so that they fetch themselves anew.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::db::Store;

/// How often the database is asked whether anybody wrote to it.
const LOOK: Duration = Duration::from_millis(500);
/// A page is told of changes this often at most.
const AT_MOST: Duration = Duration::from_secs(1);

/// Counts the changes of the database, whichever process made them.
pub(super) type Changes = watch::Receiver<u64>;

/// Starts to look.
pub(super) fn watch(store: &Store, stop: CancellationToken) -> Result<Changes, crate::db::Error> {
    let mut version = store.version()?;
    let (tell, changes) = watch::channel(0);
    tokio::spawn(async move {
        let mut last = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let now = version();
            if now != last {
                last = now;
                tell.send_modify(|n| *n += 1);
            }
        }
    });
    Ok(changes)
}

/// `GET /live`: an event whenever something has changed.
pub(super) async fn events(
    State(app): State<App>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut changes = app.changes.clone();
    changes.mark_unchanged();
    let stop = app.stop.clone();
    let stream = futures_util::stream::unfold((changes, stop), |(mut changes, stop)| async move {
        tokio::select! {
            () = stop.cancelled() => return None,
            changed = changes.changed() => changed.ok()?,
        }
        let n = *changes.borrow_and_update();
        let event = Event::default().event("changed").data(n.to_string());
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(AT_MOST) => {}
        }
        Some((Ok(event), (changes, stop)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}
