//! Splitting bytes at a separator without mistaking half a character for one: in GBK, Shift-JIS and Big5 the second
//! byte of a character may be `|`, `^`, `~` or `\`. Copies nothing.

use encoding_rs::{BIG5, Encoding, GB18030, GBK, SHIFT_JIS};

/// How a character set's characters lie in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// No byte of a longer character looks like a separator: ASCII, UTF-8 and every single-byte set.
    One,
    Gb18030,
    ShiftJis,
    Big5,
}

impl Width {
    pub(super) fn of(encoding: &'static Encoding) -> Width {
        match encoding {
            _ if encoding == GB18030 || encoding == GBK => Width::Gb18030,
            _ if encoding == SHIFT_JIS => Width::ShiftJis,
            _ if encoding == BIG5 => Width::Big5,
            _ => Width::One,
        }
    }

    /// The length of the character at the start of `bytes`; 1 where there is no whole character.
    pub(super) fn character(self, bytes: &[u8]) -> usize {
        match (self, bytes) {
            (Width::One, _) => 1,
            (Width::Gb18030, [0x81..=0xFE, 0x40..=0x7E | 0x80..=0xFE, ..]) => 2,
            (Width::Gb18030, [0x81..=0xFE, b'0'..=b'9', 0x81..=0xFE, b'0'..=b'9', ..]) => 4,
            (Width::ShiftJis, [0x81..=0x9F | 0xE0..=0xFC, 0x40..=0x7E | 0x80..=0xFC, ..]) => 2,
            (Width::Big5, [0x81..=0xFE, 0x40..=0x7E | 0xA1..=0xFE, ..]) => 2,
            _ => 1,
        }
    }

    /// Whether `byte` asks for another one behind it.
    pub(super) fn is_lead(self, byte: u8) -> bool {
        match self {
            Width::One => false,
            Width::Gb18030 | Width::Big5 => matches!(byte, 0x81..=0xFE),
            Width::ShiftJis => matches!(byte, 0x81..=0x9F | 0xE0..=0xFC),
        }
    }

    /// Whether `bytes` end in half a character, so that whatever is put behind them could belong to it.
    pub(super) fn is_open(self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while let Some((character, after)) =
            rest.split_at_checked(self.character(rest)).filter(|(character, _)| !character.is_empty())
        {
            if after.is_empty() {
                return matches!(character, [byte] if self.is_lead(*byte));
            }
            rest = after;
        }
        false
    }

    /// Where `separator` first stands as a character of its own.
    pub(super) fn find(self, separator: u8, bytes: &[u8]) -> Option<usize> {
        if self == Width::One && bytes.len() <= SHORT {
            return bytes.iter().position(|byte| *byte == separator);
        }
        if self == Width::One {
            return memchr::memchr(separator, bytes);
        }
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.first() == Some(&separator) {
                return Some(at);
            }
            at += self.character(rest);
        }
        None
    }

    /// Calls `found` with each place where `separator` stands as a character of its own, until it returns false.
    pub(super) fn each(self, separator: u8, bytes: &[u8], mut found: impl FnMut(usize) -> bool) {
        if self == Width::One {
            for (at, byte) in bytes.iter().enumerate() {
                if *byte == separator && !found(at) {
                    return;
                }
            }
            return;
        }
        let mut start = 0;
        while let Some(at) = bytes.get(start..).and_then(|rest| self.find(separator, rest)) {
            if !found(start + at) {
                return;
            }
            start += at + 1;
        }
    }
}

/// Up to this length it is faster to look at each byte than to set up a search.
const SHORT: usize = 48;

/// The parts between separators; at least one, which may be empty. Without a separator all is one part.
#[derive(Clone)]
pub(super) struct Parts<'a> {
    rest: Option<&'a [u8]>,
    separator: Option<u8>,
    width: Width,
}

impl<'a> Parts<'a> {
    pub(super) fn of(bytes: &'a [u8], separator: Option<u8>, width: Width) -> Parts<'a> {
        Parts { rest: Some(bytes), separator, width }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let found = self.separator.and_then(|separator| self.width.find(separator, rest));
        match found.and_then(|at| rest.split_at_checked(at)) {
            Some((part, after)) => {
                self.rest = after.get(1..);
                Some(part)
            }
            None => Some(rest),
        }
    }
}
