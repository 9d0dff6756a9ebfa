//! Keeps a peer that does the same thing all the time from filling the log with it: each kind of note is logged when it
//! is made first, and then now and again with how often it was made meanwhile. It counts nothing for anybody else.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// From one line about a kind of note to the next.
const APART: Duration = Duration::from_secs(30);

/// The notes of one connection.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    /// When a kind was logged last, and how often it was made since.
    kinds: BTreeMap<&'static str, (Instant, u64)>,
}

impl Repeats {
    /// How often the note was made without being logged, when it is to be logged now.
    pub(super) fn due(&mut self, code: &'static str, now: Instant) -> Option<u64> {
        match self.kinds.get_mut(code) {
            Some((logged, unsaid)) if now < *logged + APART => {
                *unsaid += 1;
                None
            }
            found => {
                let unsaid = found.map_or(0, |(_, unsaid)| *unsaid);
                self.kinds.insert(code, (now, 0));
                Some(unsaid)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_logged_first_and_then_with_how_often_it_was_made() {
        let start = crate::clock::monotonic();
        let mut repeats = Repeats::default();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(repeats.due("noise", at(0)), Some(0));
        assert_eq!(repeats.due("bad-checksum", at(1)), Some(0));
        assert_eq!((repeats.due("noise", at(1)), repeats.due("noise", at(29))), (None, None));
        assert_eq!(repeats.due("noise", at(30)), Some(2));
        assert_eq!(repeats.due("noise", at(60)), Some(0));
    }
}
