//! A workbook: one part, whole if it is a ZIP archive that ends with its directory. Never looks inside.

use super::Parts;
use crate::verdict::{Missing, Refusal};

/// What ends the directory: its signature, 18 bytes, and a comment of at most 65,535 bytes.
const SIGNATURE: &[u8] = b"PK\x05\x06";
const END: usize = 22;
const COMMENT: usize = 65_535;

pub(super) struct Workbook {
    longest: u64,
    at: u64,
    first: Vec<u8>,
    /// The last bytes, among which the end of the directory is.
    tail: Vec<u8>,
}

impl Workbook {
    pub(super) fn new(longest: u64) -> Workbook {
        Workbook { longest, at: 0, first: Vec::new(), tail: Vec::new() }
    }

    pub(super) fn push(&mut self, bytes: &[u8], parts: &mut Parts) {
        self.at = self.at.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let wanted = 2_usize.saturating_sub(self.first.len());
        self.first.extend(bytes.iter().take(wanted));
        if self.first.len() == 2 && self.first != b"PK" {
            return parts.refuse(Refusal::NotAWorkbook);
        }
        if self.at > self.longest {
            return parts.refuse(Refusal::WorkbookTooLong { longest: self.longest });
        }
        let kept = END + COMMENT;
        let from = bytes.len().saturating_sub(kept);
        self.tail.extend_from_slice(bytes.get(from..).unwrap_or_default());
        if self.tail.len() > 2 * kept {
            self.tail.drain(..self.tail.len() - kept);
        }
    }

    pub(super) fn finish(&mut self, parts: &mut Parts) -> Option<Missing> {
        parts.cut(0..self.at, 1);
        if self.at == 0 {
            return Some(Missing::Everything);
        }
        let is_end = |window: &[u8]| window.starts_with(SIGNATURE);
        let from = self.tail.len().saturating_sub(END + COMMENT);
        let tail = self.tail.get(from..).unwrap_or_default();
        let ends = (0..tail.len()).rev().filter_map(|at| tail.get(at..)).any(|rest| {
            let comment = match rest.get(20..END) {
                Some([low, high]) => usize::from(u16::from_le_bytes([*low, *high])),
                _ => return false,
            };
            is_end(rest) && rest.len() == END + comment
        });
        (!ends).then_some(Missing::Directory)
    }
}
