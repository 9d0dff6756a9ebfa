//! Who listens to what passes on the analyzers' connections, now. A connection says each line once and goes on: what
//! somebody who listens is too slow for is left out and counted, and a line that nobody listens to costs nothing. Keeps
//! no more than [`ROOM`] bytes for each of [`EARS`] at most; looks at nothing that passes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::domain::{Passage, Passed};

/// How many bytes of lines may wait for one who listens.
pub const ROOM: usize = 1024 * 1024;
/// How many may listen at once.
pub const EARS: usize = 4;
/// Who speaks where it isn't a connection.
const NOBODY: &str = "-";

/// The tap. Clones share it.
#[derive(Clone, Default)]
pub struct Tap(Arc<Shared>);

#[derive(Default)]
struct Shared {
    connections: AtomicU64,
    /// How many of the ears below are there, so that nothing is locked while nobody listens.
    count: AtomicUsize,
    ears: Mutex<Vec<Weak<Ear>>>,
}

struct Ear {
    /// The instruments that are listened to; empty: all.
    instruments: Vec<String>,
    waiting: Mutex<Waiting>,
    rung: Notify,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Arc<str>>,
    bytes: usize,
    left_out: LeftOut,
}

/// What there was no room for since the last line that waits.
#[derive(Default, Clone, Copy)]
struct LeftOut {
    lines: u64,
    bytes: u64,
}

/// Somebody who listens, until it is dropped.
pub struct Listening {
    ear: Arc<Ear>,
    tap: Tap,
}

impl Tap {
    /// A number for a connection that begins.
    pub fn connection(&self) -> u64 {
        self.0.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub fn is_heard(&self) -> bool {
        self.0.count.load(Ordering::Acquire) > 0
    }

    /// Says a line of a connection that any of `instruments` may be on. Never waits.
    pub fn say(&self, instruments: &[String], line: &str) {
        if !self.is_heard() {
            return;
        }
        let line: Arc<str> = line.into();
        let ears = self.0.ears.lock().unwrap_or_else(PoisonError::into_inner);
        for ear in ears.iter().filter_map(Weak::upgrade) {
            let wanted = &ear.instruments;
            if wanted.is_empty() || instruments.iter().any(|it| wanted.contains(it)) {
                ear.hear(&line);
            }
        }
    }

    /// Listens to these instruments, or to all where none is named.
    ///
    /// # Errors
    /// Where [`EARS`] listen already.
    pub fn listen(&self, instruments: Vec<String>) -> Result<Listening, String> {
        let mut ears = self.0.ears.lock().unwrap_or_else(PoisonError::into_inner);
        ears.retain(|ear| ear.strong_count() > 0);
        if ears.len() >= EARS {
            return Err(format!("{EARS} listen already; end one of them first"));
        }
        let ear = Arc::new(Ear { instruments, waiting: Mutex::default(), rung: Notify::new() });
        ears.push(Arc::downgrade(&ear));
        self.0.count.store(ears.len(), Ordering::Release);
        Ok(Listening { ear, tap: self.clone() })
    }
}

impl Ear {
    fn hear(&self, line: &Arc<str>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.bytes + line.len() > ROOM {
            waiting.left_out.lines += 1;
            waiting.left_out.bytes += line.len() as u64;
            return;
        }
        // What was left out before this line is told before it.
        if let Some(told) = std::mem::take(&mut waiting.left_out).told(line) {
            waiting.bytes += told.len();
            waiting.lines.push_back(told);
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(Arc::clone(line));
        self.rung.notify_one();
    }
}

impl LeftOut {
    /// As a line of its own, with the time of the line that comes next.
    fn told(self, next: &str) -> Option<Arc<str>> {
        let at = next.split(' ').next().and_then(|at| at.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH);
        self.told_at(at)
    }

    fn told_at(self, at: Timestamp) -> Option<Arc<str>> {
        let LeftOut { lines, bytes } = self;
        let words = format!("left out: {lines} lines of {bytes} bytes, read too slowly");
        let passage = Passage { at, who: NOBODY.to_owned(), what: Passed::Event(words) };
        (lines > 0).then(|| passage.to_string().into())
    }
}

impl Listening {
    /// The next line. Loses nothing when dropped before it is done.
    pub async fn next(&mut self) -> Arc<str> {
        loop {
            let rung = self.ear.rung.notified();
            if let Some(line) = self.take() {
                return line;
            }
            rung.await;
        }
    }

    fn take(&self) -> Option<Arc<str>> {
        let mut waiting = self.ear.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let line = waiting.lines.pop_front()?;
        waiting.bytes = waiting.bytes.saturating_sub(line.len());
        Some(line)
    }

    /// What was left out at the end, after the last line, as a line of its own.
    pub fn left_out(&self, now: Timestamp) -> Option<Arc<str>> {
        let mut waiting = self.ear.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.lines.is_empty() {
            return None;
        }
        std::mem::take(&mut waiting.left_out).told_at(now)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut ears = self.tap.0.ears.lock().unwrap_or_else(PoisonError::into_inner);
        let own = Arc::as_ptr(&self.ear);
        ears.retain(|ear| ear.strong_count() > 0 && ear.as_ptr() != own);
        self.tap.0.count.store(ears.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize, length: usize) -> String {
        format!("2026-11-22T07:14:03Z h500/1 > {number:06}{}", "x".repeat(length))
    }

    fn h500() -> Vec<String> {
        vec!["h500".to_owned()]
    }

    #[tokio::test]
    async fn each_hears_in_order_what_is_said_of_the_instruments_it_listens_to() {
        let tap = Tap::default();
        tap.say(&h500(), "nobody listens yet");
        let (mut all, mut one) = (tap.listen(Vec::new()).unwrap(), tap.listen(h500()).unwrap());
        tap.say(&["c311".to_owned()], "c311");
        tap.say(&h500(), "first");
        tap.say(&h500(), "second");
        for expected in ["c311", "first", "second"] {
            assert_eq!(&*all.next().await, expected);
        }
        assert_eq!([&*one.next().await, &*one.next().await], ["first", "second"]);
        assert!(one.left_out(Timestamp::UNIX_EPOCH).is_none());
    }

    #[tokio::test]
    async fn who_reads_too_slowly_for_ever_costs_no_more_room_with_time() {
        let tap = Tap::default();
        let mut slow = tap.listen(Vec::new()).unwrap();
        let full = |tap: &Tap| (0..2_000).for_each(|number| tap.say(&h500(), &line(number, 970)));
        full(&tap);
        for _ in 0..20_000 {
            slow.next().await;
            tap.say(&h500(), &line(0, 0));
            tap.say(&h500(), &line(0, 970));
        }
        let waiting = slow.ear.waiting.lock().unwrap();
        let kept: usize = waiting.lines.iter().map(|line| line.len()).sum();
        assert_eq!(kept, waiting.bytes);
        assert!(kept <= ROOM + 200, "{kept}");
    }

    #[tokio::test]
    async fn who_reads_nothing_costs_a_bounded_room_and_is_told_what_was_left_out_where_it_was() {
        let tap = Tap::default();
        let mut slow = tap.listen(Vec::new()).unwrap();
        for number in 0..5_000 {
            tap.say(&h500(), &line(number, 970));
        }
        let kept: usize = slow.ear.waiting.lock().unwrap().lines.iter().map(|line| line.len()).sum();
        assert!(kept <= ROOM, "{kept}");
        let mut heard = 0;
        while let Some(kept) = slow.take() {
            assert_eq!(*kept, line(heard, 970));
            heard += 1;
        }
        assert!((900..5_000).contains(&heard), "{heard}");
        tap.say(&h500(), &line(5_000, 0));
        let told = slow.next().await.to_string();
        let expected = format!("left out: {} lines of ", 5_000 - heard);
        assert!(told.starts_with("2026-11-22T07:14:03.000000Z - = ") && told.contains(&expected), "{told}");
        assert_eq!(*slow.next().await, line(5_000, 0));
    }

    #[test]
    fn only_so_many_listen_and_who_leaves_makes_room() {
        let tap = Tap::default();
        let mut ears: Vec<_> = (0..EARS).map(|_| tap.listen(Vec::new()).unwrap()).collect();
        assert!(tap.listen(Vec::new()).is_err());
        ears.pop();
        assert!(tap.listen(Vec::new()).is_ok());
        ears.clear();
        assert!(!tap.is_heard());
    }
}
