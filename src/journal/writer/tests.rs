//! The writer thread with jobs of its own: what goes first, what fails alone, and what a caller who left doesn't stop.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rusqlite::Connection;

use super::queue::{Next, Queue, Urgency};
use super::{Condition, Job};
use crate::journal::{Journal, JournalError};

/// Notes its name when it is run.
struct Named(u32, Arc<Mutex<Vec<u32>>>);

impl Job for Named {
    fn run(&mut self, _: &Connection) -> Result<(), JournalError> {
        self.1.lock().unwrap().push(self.0);
        Ok(())
    }

    fn answer(self: Box<Self>, _: Result<(), JournalError>) {}
}

/// The names of the jobs of the next group, in order.
fn group(queue: &Queue, ran: &Arc<Mutex<Vec<u32>>>) -> Vec<u32> {
    let Next::Jobs(jobs) = queue.next() else { panic!("nothing waits") };
    let connection = Connection::open_in_memory().unwrap();
    for mut job in jobs {
        job.run(&connection).unwrap();
    }
    std::mem::take(&mut ran.lock().unwrap())
}

#[test]
fn frames_go_before_other_work_in_the_order_in_which_they_came() {
    let (queue, ran) = (Queue::default(), Arc::default());
    let push = |urgency, name| queue.push(urgency, Box::new(Named(name, Arc::clone(&ran))));
    push(Urgency::Other, 1);
    push(Urgency::Frame, 2);
    push(Urgency::Other, 3);
    push(Urgency::Frame, 4);
    assert_eq!(group(&queue, &ran), [2, 4, 1, 3]);
}

#[test]
fn a_group_is_bounded_and_other_work_waits_rather_than_frames() {
    let (queue, ran) = (Queue::default(), Arc::default());
    let push = |urgency, name| queue.push(urgency, Box::new(Named(name, Arc::clone(&ran))));
    push(Urgency::Other, 0);
    (1..=300).for_each(|name| push(Urgency::Frame, name));
    assert_eq!(group(&queue, &ran), (1..=256).collect::<Vec<_>>());
    assert_eq!(group(&queue, &ran), (257..=300).chain([0]).collect::<Vec<_>>());
}

#[test]
fn what_waits_when_the_queue_closes_is_still_done() {
    let (queue, ran) = (Queue::default(), Arc::default());
    queue.push(Urgency::Other, Box::new(Named(1, Arc::clone(&ran))));
    queue.close();
    assert_eq!(group(&queue, &ran), [1]);
    assert!(matches!(queue.next(), Next::Closed));
}

struct Bench {
    journal: Journal,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("labwire.db"), 0, Timestamp::UNIX_EPOCH).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Bench { journal, runtime, _folder: folder }
    }

    fn counted(&self, name: &str) -> i64 {
        self.journal.reader().unwrap().counter(name, None).unwrap()
    }
}

/// A job that adds one to a counter and then ends as told.
async fn add(
    journal: &Journal,
    name: &'static str,
    end: fn() -> Result<(), JournalError>,
) -> Result<(), JournalError> {
    let work = move |connection: &Connection| {
        crate::journal::counters::add(connection, name, "", 1)?;
        end()
    };
    journal.submit(Urgency::Other, work).await
}

#[test]
fn a_step_that_panics_or_is_refused_leaves_nothing_and_fails_alone() {
    let bench = Bench::new();
    let journal = &bench.journal;
    let fates = bench.runtime.block_on(async {
        tokio::join!(
            add(journal, "before", || Ok(())),
            add(journal, "panicked", || panic!("on purpose")),
            add(journal, "refused", || Err(JournalError::Refused("no".to_owned()))),
            add(journal, "after", || Ok(())),
        )
    });
    assert!(matches!(fates, (Ok(()), Err(JournalError::Refused(_)), Err(JournalError::Refused(_)), Ok(()))));
    let counted = ["before", "panicked", "refused", "after"].map(|name| bench.counted(name));
    assert_eq!(counted, [1, 0, 0, 1]);
    assert_eq!(*journal.condition().borrow(), Condition::Good);
}

#[test]
fn a_failure_ends_all_writing_whatever_came_with_it() {
    let bench = Bench::new();
    let journal = &bench.journal;
    let failed = || Err(JournalError::Failed("disk I/O error".to_owned()));
    let fates = bench
        .runtime
        .block_on(async { tokio::join!(add(journal, "one", || Ok(())), add(journal, "one", failed)) });
    let later = bench.runtime.block_on(add(journal, "one", || Ok(())));
    assert!(matches!(fates.1, Err(JournalError::Failed(_))));
    assert!(matches!(later, Err(JournalError::Failed(_))));
    assert!(matches!(*journal.condition().borrow(), Condition::Failed(_)));
    assert_eq!(bench.counted("one"), i64::from(fates.0.is_ok()), "only what was said to be stored is");
}

#[test]
fn a_step_whose_caller_left_is_done_all_the_same() {
    let bench = Bench::new();
    let journal = &bench.journal;
    bench.runtime.block_on(async {
        let mut left = Box::pin(add(journal, "left", || Ok(())));
        assert!(futures::poll!(left.as_mut()).is_pending() || bench.counted("left") == 1);
        drop(left);
        add(journal, "stayed", || Ok(())).await.unwrap();
    });
    assert_eq!((bench.counted("left"), bench.counted("stayed")), (1, 1));
}
