//! What waits for the writer thread, and how much of it goes into one commit. It runs nothing.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Job;

/// The most jobs in one commit: bounds how long the first of them waits.
const GROUP: usize = 256;
/// How long a group waits to become as large as the one before: those who were answered together mostly come back
/// together, and one sync for all of them is faster than one for the first and another for the rest.
const GATHER: Duration = Duration::from_micros(150);
/// How often free space is looked at, and how long an idle moment is.
const IDLE: Duration = Duration::from_millis(500);

/// Frames go before other work: an analyzer waits for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum Urgency {
    Frame,
    Other,
    /// As other work, and as large as so many steps of it: the log must not gather much, since every read searches it.
    Bulk(usize),
}

impl Urgency {
    /// How many jobs it counts as until the next checkpoint.
    pub(super) fn weight(self) -> usize {
        match self {
            Urgency::Frame | Urgency::Other => 1,
            Urgency::Bulk(steps) => steps,
        }
    }
}

#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    frames: VecDeque<Box<dyn Job>>,
    others: VecDeque<Box<dyn Job>>,
    closed: bool,
    /// How many the last group had.
    last: usize,
}

pub(super) enum Next {
    Jobs(Vec<Box<dyn Job>>),
    Idle,
    Closed,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, urgency: Urgency, job: Box<dyn Job>) {
        let mut waiting = self.lock();
        match urgency {
            Urgency::Frame => waiting.frames.push_back(job),
            Urgency::Other | Urgency::Bulk(_) => waiting.others.push_back(job),
        }
        let enough = waiting.len() == 1 || waiting.len() >= waiting.last;
        drop(waiting);
        if enough {
            self.arrived.notify_one();
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// Everything that waits, frames first, up to a group; or word that nothing came for a while.
    pub(super) fn next(&self) -> Next {
        let mut waiting = self.lock();
        if waiting.is_empty() && !waiting.closed {
            let (guard, _) = self.arrived.wait_timeout(waiting, IDLE).unwrap_or_else(PoisonError::into_inner);
            waiting = guard;
        }
        if waiting.is_empty() {
            waiting.last = 0;
            return if waiting.closed { Next::Closed } else { Next::Idle };
        }
        if waiting.last > 1 {
            let few = |waiting: &mut Waiting| waiting.len() < waiting.last && !waiting.closed;
            let gathered = self.arrived.wait_timeout_while(waiting, GATHER, few);
            (waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        }
        let frames = waiting.frames.len().min(GROUP);
        let mut group: Vec<_> = waiting.frames.drain(..frames).collect();
        let others = waiting.others.len().min(GROUP.saturating_sub(frames));
        group.extend(waiting.others.drain(..others));
        waiting.last = group.len();
        Next::Jobs(group)
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.frames.len() + self.others.len()
    }
}
