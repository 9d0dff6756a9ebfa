//! Before a journal on a full disk can be opened: everything is refused, and the opening is tried again until there is
//! room. It writes nothing itself.

use std::time::Duration;

use tokio::sync::watch;

use super::queue::{Next, Queue};
use super::{Condition, answer_all};
use crate::clock;
use crate::journal::JournalError;
use crate::journal::opening::{Opened, Opening};

/// How long to wait between two attempts.
const AGAIN: Duration = Duration::from_secs(1);

/// Comes back with the open journal, or with nothing once nobody waits for it any more.
pub(super) fn until_there_is_room(
    opening: &Opening,
    queue: &Queue,
    announce: &watch::Sender<Condition>,
) -> Option<Opened> {
    let mut tried_at = clock::monotonic();
    loop {
        match queue.next() {
            Next::Closed => return None,
            Next::Jobs(jobs) => answer_all(jobs, &refusal(announce)),
            Next::Idle => {}
        }
        let has_failed = matches!(*announce.borrow(), Condition::Failed(_));
        if has_failed || tried_at.elapsed() < AGAIN {
            continue;
        }
        tried_at = clock::monotonic();
        match opening.attempt(clock::now()) {
            Ok(opened) => return Some(opened),
            Err(error) if opening.wants_room(&error) => {}
            Err(error) => drop(announce.send_replace(Condition::Failed(error.to_string()))),
        }
    }
}

fn refusal(announce: &watch::Sender<Condition>) -> JournalError {
    match &*announce.borrow() {
        Condition::Failed(why) => JournalError::Failed(why.clone()),
        Condition::Good | Condition::Full => JournalError::Full,
    }
}
