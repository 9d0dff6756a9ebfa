//! The lines of a file of messages, ended by CR, LF or CR LF. Of each line it keeps its place and its first bytes.

use super::Parts;
use super::opening::Opening;
use crate::verdict::Refusal;

/// One line.
pub(super) struct Line<'a> {
    pub(super) start: u64,
    /// Behind its line end.
    pub(super) end: u64,
    /// From 1.
    pub(super) number: u64,
    /// Where its text begins: behind a byte order mark.
    pub(super) text_at: u64,
    /// Its first bytes, without a byte order mark.
    pub(super) opening: &'a [u8],
    /// It says nothing.
    pub(super) is_blank: bool,
    /// It has a line end.
    pub(super) is_ended: bool,
}

pub(super) struct Lines {
    longest: u64,
    at: u64,
    start: u64,
    number: u64,
    opening: Opening,
    /// A CR came, behind which an LF would belong to it.
    after_cr: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Lines {
    pub(super) fn new(longest: u64) -> Lines {
        Lines { longest, at: 0, start: 0, number: 1, opening: Opening::new(), after_cr: false }
    }

    /// How many bytes came.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        parts: &mut Parts,
        each: &mut impl FnMut(&Line<'_>, &mut Parts),
    ) {
        for byte in bytes {
            if self.after_cr && *byte == b'\n' {
                self.at += 1;
                self.end_line(true, parts, each);
                continue;
            }
            if self.after_cr {
                self.end_line(true, parts, each);
            }
            self.at += 1;
            match byte {
                b'\r' => self.after_cr = true,
                b'\n' => self.end_line(true, parts, each),
                byte => self.opening.push(*byte),
            }
            if self.at - self.start > self.longest {
                parts.refuse(Refusal::MessageTooLong { line: self.number, longest: self.longest });
            }
            if parts.refusal.is_some() {
                return;
            }
        }
    }

    pub(super) fn finish(&mut self, parts: &mut Parts, each: &mut impl FnMut(&Line<'_>, &mut Parts)) {
        if self.at > self.start {
            self.end_line(self.after_cr, parts, each);
        }
    }

    fn end_line(&mut self, is_ended: bool, parts: &mut Parts, each: &mut impl FnMut(&Line<'_>, &mut Parts)) {
        let opening = self.opening.bytes();
        let marked = if self.start == 0 { opening.strip_prefix(BYTE_ORDER_MARK) } else { None };
        let line = Line {
            start: self.start,
            end: self.at,
            number: self.number,
            text_at: self.start + marked.map_or(0, |_| BYTE_ORDER_MARK.len() as u64),
            opening: marked.unwrap_or(opening),
            is_blank: self.opening.is_blank() || marked.is_some_and(<[u8]>::is_empty),
            is_ended,
        };
        each(&line, parts);
        self.start = self.at;
        self.number += 1;
        self.after_cr = false;
        self.opening.clear();
    }
}
