//! The order of system calls: whatever was written to the log is synced before the acknowledgement is written.

use std::collections::HashMap;

use super::roles::{FRAMES, Role};
use super::run::Run;

/// One system call that matters, where it takes effect: a write when it begins, a sync when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    LogWritten,
    LogSynced,
    Acknowledged,
}

#[test]
#[ignore = "needs strace"]
fn each_frame_is_synced_before_it_is_acknowledged() {
    let events = events(Role::Journal);
    assert_eq!(too_early(&events), 0);
    let acknowledged = events.iter().filter(|event| **event == Event::Acknowledged).count();
    assert_eq!(acknowledged, usize::try_from(FRAMES).unwrap());
}

#[test]
#[ignore = "needs strace"]
fn wrong_ways_to_store_are_caught_by_the_order_of_their_calls() {
    for role in [Role::Unsynced, Role::Early] {
        assert!(too_early(&events(role)) > 0, "{role:?}");
    }
}

#[test]
fn an_acknowledgement_needs_a_write_and_a_sync_of_its_own() {
    use Event::{Acknowledged, LogSynced, LogWritten};
    assert_eq!(too_early(&[LogWritten, LogSynced, Acknowledged]), 0);
    assert_eq!(too_early(&[LogWritten, Acknowledged, LogSynced]), 1);
    assert_eq!(too_early(&[LogWritten, LogSynced, LogWritten, Acknowledged]), 1);
    assert_eq!(too_early(&[LogWritten, LogSynced, Acknowledged, Acknowledged]), 1);
}

#[test]
fn a_call_that_is_interrupted_in_the_log_counts_when_it_is_over() {
    use Event::{Acknowledged, LogSynced, LogWritten};
    let log = "7 pwrite64(4</x/labwire.db-wal>, \"\"..., 24, 32) = 24\n\
               7 fsync(4</x/labwire.db-wal> <unfinished ...>\n\
               8 write(1<pipe:[1]>, \"ACK 1\\n\", 6) = 6\n\
               7 <... fsync resumed>) = 0\n\
               7 fsync(4</x/labwire.db-wal>) = -1 EIO (Input/output error) (INJECTED)\n";
    assert_eq!(read(log), [LogWritten, Acknowledged, LogSynced]);
}

fn events(role: Role) -> Vec<Event> {
    read(&Run::new(role, &["trace=pwrite64,fsync,fdatasync,write"]).trace)
}

/// Acknowledgements before which the log wasn't written, or not synced since.
fn too_early(events: &[Event]) -> usize {
    let (mut written, mut synced, mut early) = (false, false, 0);
    for event in events {
        match event {
            Event::LogWritten => (written, synced) = (true, false),
            Event::LogSynced => synced = true,
            Event::Acknowledged => {
                early += usize::from(!(written && synced));
                written = false;
            }
        }
    }
    early
}

fn read(log: &str) -> Vec<Event> {
    let mut under_way: HashMap<&str, bool> = HashMap::new();
    log.lines()
        .filter_map(|line| {
            let (process, call) = line.split_once(' ')?;
            let call = call.trim_start();
            let of_the_log = call.contains("labwire.db-wal>");
            let is_sync = call.starts_with("fsync(") || call.starts_with("fdatasync(");
            if call.starts_with("pwrite64(") && of_the_log {
                Some(Event::LogWritten)
            } else if call.starts_with("write(1<") && call.contains("\"ACK ") {
                Some(Event::Acknowledged)
            } else if is_sync && call.ends_with("<unfinished ...>") {
                under_way.insert(process, of_the_log);
                None
            } else if is_sync {
                (of_the_log && call.ends_with("= 0")).then_some(Event::LogSynced)
            } else if call.starts_with("<... fsync resumed>") || call.starts_with("<... fdatasync resumed>") {
                (under_way.remove(process) == Some(true) && call.ends_with("= 0")).then_some(Event::LogSynced)
            } else {
                None
            }
        })
        .collect()
}
