//! Cutting a file as it comes. A cutter keeps the places that it has seen and the first bytes of one line, never the
//! content, so that a file of any length takes the same memory.

mod astm;
mod hl7;
mod hole;
mod lines;
mod opening;
mod rows;
mod workbook;

use std::collections::VecDeque;
use std::ops::Range;

use crate::contents::{Contents, Rows, Units};
use crate::verdict::{Missing, Refusal, Verdict};
use astm::Astm;
use hl7::Hl7;
use hole::Holes;
use lines::Lines;
use rows::RowCutter;
use workbook::Workbook;

/// What is read by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From 0.
    pub number: u32,
    /// In bytes of the file. Each part begins where the one before ended, and the first where the head did, but for the
    /// bytes of MLLP frames between them.
    pub bytes: Range<u64>,
    /// The line of the file, from 1, at which it begins.
    pub first_line: u64,
}

/// Finds the parts of one file. Push its bytes in order and in pieces of any size, then finish; poll to `None` after
/// each.
pub struct Cutter {
    /// The first bytes, until they show whether a byte order mark is among them.
    held: Option<Vec<u8>>,
    contents: Contents,
    inner: Inner,
    parts: Parts,
    holes: Holes,
}

enum Inner {
    Undecided,
    Astm(Lines, Astm),
    Hl7(Lines, Hl7),
    Rows(Box<RowCutter>),
    Workbook(Workbook),
}

/// The parts found and not yet taken, and what ended the cutting.
#[derive(Default)]
struct Parts {
    ready: VecDeque<Part>,
    next: u32,
    refusal: Option<Refusal>,
}

impl Parts {
    fn cut(&mut self, bytes: Range<u64>, first_line: u64) {
        if !bytes.is_empty() {
            self.ready.push_back(Part { number: self.next, bytes, first_line });
            self.next = self.next.saturating_add(1);
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }
}

/// The longest byte order mark, in bytes.
const MARK: usize = 3;

impl Cutter {
    pub fn new(contents: Contents) -> Cutter {
        Cutter {
            held: Some(Vec::with_capacity(MARK)),
            contents,
            inner: Inner::Undecided,
            parts: Parts::default(),
            holes: Holes::default(),
        }
    }

    /// Takes in the next bytes of the file. After a refusal it looks at nothing more.
    pub fn push(&mut self, bytes: &[u8]) {
        let Some(held) = &mut self.held else { return self.look(bytes) };
        let wanted = MARK - held.len().min(MARK);
        let (first, rest) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
        held.extend_from_slice(first);
        if held.len() >= MARK {
            self.decide();
            self.look(rest);
        }
    }

    /// The next part that is there in full.
    pub fn poll(&mut self) -> Option<Part> {
        self.parts.ready.pop_front()
    }

    /// The bytes of the file that each part of rows needs before its own, once they are known. They hold the byte
    /// order mark where there is one, and are empty where there is no head. `None` for messages and workbooks.
    pub fn head(&self) -> Option<Range<u64>> {
        match &self.inner {
            Inner::Rows(rows) => rows.head(),
            _ => None,
        }
    }

    /// Why the file can't be cut, as soon as that is known.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.parts.refusal.as_ref()
    }

    /// Says that the file ends here. The last parts are there to be polled afterwards.
    pub fn finish(&mut self) -> Verdict {
        if self.held.is_some() {
            self.decide();
        }
        let parts = &mut self.parts;
        let missing = match &mut self.inner {
            Inner::Undecided => Some(Missing::Everything),
            _ if parts.refusal.is_some() => None,
            Inner::Astm(lines, astm) => {
                lines.finish(parts, &mut |line, parts| astm.line(line, parts));
                astm.finish(lines.at(), parts)
            }
            Inner::Hl7(lines, hl7) => {
                lines.finish(parts, &mut |line, parts| hl7.line(line, parts));
                hl7.finish(lines.at(), parts)
            }
            Inner::Rows(rows) => rows.finish(parts),
            Inner::Workbook(workbook) => workbook.finish(parts),
        };
        let hole = self.holes.first().map(|from| Missing::Hole { from });
        match (self.parts.refusal.clone(), hole.or(missing)) {
            (Some(refusal), _) => Verdict::Refused(refusal),
            (None, Some(missing)) => Verdict::Incomplete(missing),
            (None, None) => Verdict::Whole,
        }
    }

    fn decide(&mut self) {
        let held = self.held.take().unwrap_or_default();
        let (marked, mark) = match held.as_slice() {
            [0xFF, 0xFE, ..] => (Units::Utf16Le, 2),
            [0xFE, 0xFF, ..] => (Units::Utf16Be, 2),
            [0xEF, 0xBB, 0xBF] => (Units::Bytes, 3),
            _ => (Units::Bytes, 0),
        };
        let unmarked = match held.as_slice() {
            [first, 0, third] if *first != 0 && *third != 0 => Some("utf-16le"),
            [0, second, 0] if *second != 0 => Some("utf-16be"),
            _ => None,
        };
        let is_messages = matches!(self.contents, Contents::Astm { .. } | Contents::Hl7 { .. });
        if is_messages && (marked != Units::Bytes || unmarked.is_some()) {
            self.parts.refuse(Refusal::Utf16);
        }
        if let (Contents::Rows(Rows { units: Units::Marked | Units::Bytes, .. }), Some(label)) =
            (&self.contents, unmarked)
        {
            self.parts.refuse(Refusal::Unmarked { label });
        }
        self.inner = match &self.contents {
            Contents::Astm { longest } => Inner::Astm(Lines::new(*longest), Astm::new(*longest)),
            Contents::Hl7 { longest, ending } => {
                Inner::Hl7(Lines::new(*longest), Hl7::new(*longest, ending.clone()))
            }
            Contents::Rows(rows) => {
                let units = if rows.units == Units::Marked { marked } else { rows.units };
                let mark = if units == marked { mark } else { 0 };
                Inner::Rows(Box::new(RowCutter::new(rows.clone(), units, mark)))
            }
            Contents::Workbook { longest } => Inner::Workbook(Workbook::new(*longest)),
        };
        self.look(&held);
    }

    fn look(&mut self, bytes: &[u8]) {
        let parts = &mut self.parts;
        if parts.refusal.is_some() {
            return;
        }
        if !matches!(self.inner, Inner::Undecided | Inner::Workbook(_)) {
            self.holes.push(bytes);
        }
        match &mut self.inner {
            Inner::Undecided => {}
            Inner::Astm(lines, astm) => lines.push(bytes, parts, &mut |line, parts| astm.line(line, parts)),
            Inner::Hl7(lines, hl7) => lines.push(bytes, parts, &mut |line, parts| hl7.line(line, parts)),
            Inner::Rows(rows) => rows.push(bytes, parts),
            Inner::Workbook(workbook) => workbook.push(bytes, parts),
        }
    }
}
