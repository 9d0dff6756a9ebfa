//! Tells open pages that something changed, and every two seconds that all is as they show it. A page that hears
//! nothing says so itself. Carries no data: pages fetch themselves anew.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::WatchStream;
use tokio_util::sync::CancellationToken;

use super::Page;
use super::clock::Clock;
use super::words::plain;

/// How often changes are looked for, and so the least time between two announcements.
const LOOK: Duration = Duration::from_millis(500);
/// Looks between two heartbeats.
const HEARTBEAT: u32 = 4;
/// How often is looked for alarms that begin or end.
const ALARMS: Duration = Duration::from_secs(2);
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
pub(super) async fn announce(page: &Page, stop: CancellationToken) {
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
        let moved = [has_moved(&mut board), has_moved(&mut condition)];
        let changed = version != stored || moved.contains(&true);
        stored = version;
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

/// Looks for alarms that begin and end, also while nobody has a page open, until `stop`.
pub(super) async fn annunciate(page: &Page, stop: CancellationToken) {
    let mut interval = tokio::time::interval(ALARMS);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = interval.tick() => {}
        }
        let Some(alarms) = page.look_for_alarms().await else { continue };
        if page.annunciator.look(&alarms, crate::clock::now()) {
            page.pulse.send_modify(|pulse| pulse.changes += 1);
        }
    }
}

/// Whether there was a change since the last look. Looking and noting it are one step: a change between them would be
/// told of only with the next one.
fn has_moved<T>(changes: &mut watch::Receiver<T>) -> bool {
    changes.borrow_and_update().has_changed()
}

/// The stream: `changed` when there is something new to fetch, else `as-of`, each with the time.
pub(super) async fn events(State(page): State<Page>) -> Response {
    // Read before listening: a change between the two is told of as one.
    let mut seen = page.pulse.borrow().changes;
    let pulses = page.pulse.subscribe();
    if page.pulse.receiver_count() > PAGES || pulses.borrow().is_last {
        return (StatusCode::SERVICE_UNAVAILABLE, "No more pages can be kept live.\n").into_response();
    }
    let events = WatchStream::from_changes(pulses).take_while(|pulse| !pulse.is_last).map(move |pulse| {
        let name = if pulse.changes == seen { "as-of" } else { "changed" };
        seen = pulse.changes;
        let at = Clock::new(page.zone.clone(), pulse.at).now().into();
        Ok::<_, Infallible>(Event::default().event(name).data(plain(&at, page.language)))
    });
    Sse::new(events).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn each_change_is_told_of_once() {
        let changes = watch::Sender::new(0);
        let mut receiver = changes.subscribe();
        assert!(!has_moved(&mut receiver));
        changes.send_modify(|count| *count += 1);
        assert_eq!([has_moved(&mut receiver), has_moved(&mut receiver)], [true, false]);
    }

    #[test]
    fn a_change_made_during_a_look_is_told_of_by_it_or_by_the_next() {
        let changes = watch::Sender::new(0);
        let mut receiver = changes.subscribe();
        for _ in 0..1_000 {
            let is_made = AtomicBool::new(false);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    changes.send_modify(|count| *count += 1);
                    is_made.store(true, Ordering::SeqCst);
                });
                loop {
                    let was_made = is_made.load(Ordering::SeqCst);
                    if has_moved(&mut receiver) {
                        break;
                    }
                    assert!(!was_made, "a change was lost");
                }
            });
        }
    }
}
