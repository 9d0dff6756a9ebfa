//! Tells open pages that something changed, and every two seconds that all is as they show it. A page that hears
//! nothing says so itself. Carries no data: pages fetch themselves anew.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;

use super::Page;
use super::clock::Clock;

/// How often changes are looked for, and so the least time between two announcements.
const LOOK: Duration = Duration::from_millis(500);
/// Looks between two heartbeats.
const HEARTBEAT: u32 = 4;
/// The most open pages.
const PAGES: usize = 64;

/// What the open pages are told.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse {
    at: Timestamp,
    /// Counts the changes seen.
    changes: u64,
    is_last: bool,
}

/// Looks for changes and sends the heartbeat until `stop`. While no page is open nothing is read.
pub(super) async fn watch(page: &Page, stop: CancellationToken) {
    let mut board = page.board.changes();
    let mut condition = page.condition.clone();
    let mut interval = tokio::time::interval(LOOK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut stored, mut looks) = (None, 0);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = interval.tick() => {}
        }
        if page.pulse.receiver_count() == 0 {
            continue;
        }
        looks += 1;
        let version = page.readers.version().await;
        if version.is_none() {
            // No heartbeat: open pages say that they are not live, which is true.
            continue;
        }
        let changed = version != stored
            || board.has_changed().unwrap_or_default()
            || condition.has_changed().unwrap_or_default();
        stored = version;
        board.mark_unchanged();
        condition.mark_unchanged();
        if changed || looks >= HEARTBEAT {
            looks = 0;
            let at = crate::clock::now();
            page.pulse.send_modify(|pulse| {
                *pulse = Pulse { at, changes: pulse.changes + u64::from(changed), is_last: false };
            });
        }
    }
    page.pulse.send_modify(|pulse| pulse.is_last = true);
}

/// The stream: `changed` when there is something new to fetch, else `as-of`, each with the time.
pub(super) async fn events(State(page): State<Page>) -> Response {
    let pulses = page.pulse.subscribe();
    if page.pulse.receiver_count() > PAGES || pulses.borrow().is_last {
        return (StatusCode::SERVICE_UNAVAILABLE, "No more pages can be kept live.\n").into_response();
    }
    let mut seen = pulses.borrow().changes;
    let events = WatchStream::from_changes(pulses).take_while(|pulse| !pulse.is_last).map(move |pulse| {
        let name = if pulse.changes == seen { "as-of" } else { "changed" };
        seen = pulse.changes;
        let at = Clock::new(page.zone.clone(), pulse.at).now();
        Ok::<_, Infallible>(Event::default().event(name).data(at.text))
    });
    Sse::new(events).into_response()
}
