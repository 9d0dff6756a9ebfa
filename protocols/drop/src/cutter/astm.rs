//! ASTM messages in a file: each ends with its L record. Looks at a record's first byte and at the byte after it; a
//! second H before an L cuts nothing, as what came before it is for the reader to judge.

use super::Parts;
use super::lines::Line;
use crate::verdict::{Missing, Refusal};

pub(super) struct Astm {
    longest: u64,
    /// As the last H record declares it.
    delimiter: u8,
    start: u64,
    first_line: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but blank lines since the file began.
    Blank,
    /// In a message.
    Open,
    /// After an L record; only blank lines came since.
    Ended,
}

impl Astm {
    pub(super) fn new(longest: u64) -> Astm {
        Astm { longest, delimiter: b'|', start: 0, first_line: 1, state: State::Blank }
    }

    pub(super) fn line(&mut self, line: &Line<'_>, parts: &mut Parts) {
        if line.is_blank {
            return;
        }
        if self.state == State::Ended {
            parts.cut(self.start..line.start, self.first_line);
            self.start = line.start;
            self.first_line = line.number;
        }
        if line.end - self.start > self.longest {
            parts.refuse(Refusal::MessageTooLong { line: self.first_line, longest: self.longest });
        }
        self.state = State::Open;
        match line.opening {
            [b'H', delimiter, ..] => self.delimiter = *delimiter,
            [b'L'] => self.state = State::Ended,
            [b'L', delimiter, ..] if *delimiter == self.delimiter => self.state = State::Ended,
            _ => {}
        }
    }

    /// `end` is the file's length.
    pub(super) fn finish(&mut self, end: u64, parts: &mut Parts) -> Option<Missing> {
        if parts.refusal.is_some() {
            return None;
        }
        parts.cut(self.start..end, self.first_line);
        match self.state {
            State::Blank => Some(Missing::Everything),
            State::Open => Some(Missing::Terminator { line: self.first_line }),
            State::Ended => None,
        }
    }
}
