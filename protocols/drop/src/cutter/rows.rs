//! Rows of text: cut at row ends outside quotes, as the `csv` crate reads quotes. A row ends with CR, LF or CR LF.

use std::ops::Range;

use super::Parts;
use super::opening::Opening;
use crate::contents::{Ending, Head, LONGEST_HEAD, Rows, Trailer, Units};
use crate::verdict::{Missing, Refusal};

const CR: u16 = 0x0D;
const LF: u16 = 0x0A;

/// Where in a row the next character stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    CellStart,
    InCell,
    InQuotes,
    /// After a quote in quotes: it ends them unless another follows.
    AfterQuote,
    InComment,
}

pub(super) struct RowCutter {
    rows: Rows,
    units: Units,
    /// The first byte of a character of two.
    half: Option<u8>,
    at: u64,
    /// The line that `at` is in, from 1.
    line: u64,
    after_cr: bool,
    /// A row was ended by a CR, behind which an LF would belong to it.
    ended_by_cr: bool,
    place: Place,
    opening: Opening,
    row: Mark,
    part: Mark,
    /// The whole rows of the part.
    in_part: u64,
    /// The end of the last whole row.
    whole: Mark,
    head: HeadState,
    counted: Counted,
}

/// A place between two rows.
#[derive(Clone, Copy)]
struct Mark {
    at: u64,
    line: u64,
}

enum HeadState {
    /// So many rows are still to come.
    Rows(u32),
    /// The row that is the header is still to come.
    Until,
    /// It ends here.
    Done(u64),
}

#[derive(Default)]
struct Counted {
    /// Rows that say something, the last one left out.
    before_last: u64,
    any: bool,
    /// The last row, where it is the one that closes the table: its line, and what it says of the rows.
    trailer: Option<(u64, Said)>,
}

#[derive(Clone, Copy)]
enum Said {
    Nothing,
    Count(u64),
    NoNumber,
}

impl RowCutter {
    /// `mark` is the length of the byte order mark, in bytes.
    pub(super) fn new(rows: Rows, units: Units, mark: u64) -> RowCutter {
        let start = Mark { at: mark, line: 1 };
        let head = match rows.head {
            Head::Rows(0) => HeadState::Done(mark),
            Head::Rows(number) => HeadState::Rows(number),
            Head::First { .. } | Head::Through { .. } => HeadState::Until,
        };
        RowCutter {
            rows,
            units,
            half: None,
            at: 0,
            line: 1,
            after_cr: false,
            ended_by_cr: false,
            place: Place::CellStart,
            opening: Opening::new(),
            row: Mark { at: 0, line: 1 },
            part: start,
            in_part: 0,
            whole: start,
            head,
            counted: Counted::default(),
        }
    }

    pub(super) fn head(&self) -> Option<Range<u64>> {
        match self.head {
            HeadState::Done(end) => Some(0..end),
            _ => None,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], parts: &mut Parts) {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            let unit = match (self.units, self.half.take()) {
                (Units::Bytes | Units::Marked, _) => u16::from(*byte),
                (Units::Utf16Le | Units::Utf16Be, None) => {
                    self.half = Some(*byte);
                    continue;
                }
                (Units::Utf16Le, Some(first)) => u16::from_le_bytes([first, *byte]),
                (Units::Utf16Be, Some(first)) => u16::from_be_bytes([first, *byte]),
            };
            self.unit(unit, parts);
            if parts.refusal.is_some() {
                return;
            }
            rest = self.skip(rest);
        }
    }

    /// Passes over the bytes that can't change anything but where the cutter is, and answers with what follows.
    fn skip<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let by_bytes = matches!(self.units, Units::Bytes | Units::Marked);
        let may_be_comment = self
            .rows
            .comment
            .as_ref()
            .is_some_and(|comment| self.opening.bytes().len() <= comment.len() + MARK.len());
        if !by_bytes || self.opening.is_blank() || self.ended_by_cr || may_be_comment {
            return bytes;
        }
        let is_line_end = |byte: u8| matches!(byte, b'\r' | b'\n');
        let (quote, delimiter) = (self.rows.quote, self.rows.delimiter);
        let length = match self.place {
            Place::InCell => bytes.iter().position(|byte| is_line_end(*byte) || Some(*byte) == delimiter),
            Place::InQuotes => bytes.iter().position(|byte| is_line_end(*byte) || Some(*byte) == quote),
            Place::InComment => bytes.iter().position(|byte| is_line_end(*byte)),
            Place::CellStart | Place::AfterQuote => Some(0),
        };
        // One byte before the row is too long, the next one is looked at for that.
        let room = (self.limit() + self.row.at).saturating_sub(self.at);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let length = length.unwrap_or(bytes.len()).min(room);
        let (passed, rest) = bytes.split_at_checked(length).unwrap_or((&[], bytes));
        if !passed.is_empty() {
            self.at += u64::try_from(passed.len()).unwrap_or(u64::MAX);
            self.after_cr = false;
            self.opening.extend(passed);
        }
        rest
    }

    pub(super) fn finish(&mut self, parts: &mut Parts) -> Option<Missing> {
        if self.ended_by_cr {
            self.end_row(parts);
        }
        let open = self.at > self.row.at;
        let (place, last_line) = (self.place, self.row.line);
        let says_something = !self.opening.is_blank();
        if open && parts.refusal.is_none() {
            self.end_row(parts);
        }
        if parts.refusal.is_some() {
            return None;
        }
        let HeadState::Done(_) = self.head else {
            return Some(if self.at == 0 { Missing::Everything } else { Missing::Head });
        };
        parts.cut(self.part.at..self.at, self.part.line);
        if self.half.is_some() {
            return Some(Missing::HalfCharacter);
        }
        if place == Place::InQuotes {
            return Some(Missing::Quote { line: last_line });
        }
        let lacks_its_end = open && says_something;
        match (&self.rows.ending, &self.counted.trailer) {
            (Ending::Line, _) if lacks_its_end => Some(Missing::LineEnd { line: last_line }),
            (Ending::Trailer(_), None) => Some(Missing::Trailer),
            // Half a row may begin as the whole one does, and half a count is a count.
            (Ending::Trailer(it), Some((line, _))) if lacks_its_end && !it.is_open => {
                Some(Missing::LineEnd { line: *line })
            }
            (Ending::Trailer(_), Some((line, said))) => disagreement(*line, *said, self.counted.before_last),
            _ if self.rows.head == Head::Rows(0) && !self.counted.any => Some(Missing::Everything),
            _ => None,
        }
    }

    fn unit(&mut self, unit: u16, parts: &mut Parts) {
        let width = if matches!(self.units, Units::Bytes | Units::Marked) { 1 } else { 2 };
        if self.ended_by_cr && unit == LF {
            self.at += width;
            self.after_cr = false;
            return self.end_row(parts);
        }
        if self.ended_by_cr {
            self.end_row(parts);
            if parts.refusal.is_some() {
                return;
            }
        }
        self.at += width;
        if unit == CR || (unit == LF && !self.after_cr) {
            self.line += 1;
        }
        self.after_cr = unit == CR;
        let is_line_end = unit == CR || unit == LF;
        if is_line_end && self.place != Place::InQuotes {
            self.ended_by_cr = unit == CR;
            if unit == LF {
                self.end_row(parts);
            }
            return;
        }
        self.step(unit);
        if self.at - self.row.at > self.limit() {
            self.too_long(parts);
        }
    }

    /// A character within a row.
    fn step(&mut self, unit: u16) {
        let is = |sign: Option<u8>| sign.is_some_and(|sign| unit == u16::from(sign));
        let quote = is(self.rows.quote);
        let delimiter = is(self.rows.delimiter);
        self.keep(unit, delimiter && self.place != Place::InQuotes);
        self.place = match self.place {
            Place::InComment => Place::InComment,
            Place::CellStart if quote => Place::InQuotes,
            Place::InQuotes if quote => Place::AfterQuote,
            Place::AfterQuote if quote => Place::InQuotes,
            Place::InQuotes => Place::InQuotes,
            _ if delimiter => Place::CellStart,
            // A byte order mark stands before the first cell, not in it.
            Place::CellStart if self.is_mark() => Place::CellStart,
            _ => Place::InCell,
        };
        if let Some(comment) = &self.rows.comment
            && self.text() == comment.as_bytes()
        {
            self.place = Place::InComment;
        }
    }

    fn keep(&mut self, unit: u16, is_delimiter: bool) {
        match (self.units, u8::try_from(unit)) {
            (_, Ok(byte)) if is_delimiter => self.opening.push_empty(byte),
            (Units::Bytes | Units::Marked, Ok(byte)) => self.opening.push(byte),
            _ => {
                let character = char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
                let mut buffer = [0; 4];
                character.encode_utf8(&mut buffer).bytes().for_each(|byte| self.opening.push(byte));
            }
        }
    }

    /// Whether only a byte order mark, or a part of one, came so far.
    fn is_mark(&self) -> bool {
        self.row.at == 0 && MARK.starts_with(self.opening.bytes())
    }

    /// The first bytes of the row, without a byte order mark.
    fn text(&self) -> &[u8] {
        let opening = self.opening.bytes();
        let marked = if self.row.at == 0 { opening.strip_prefix(MARK) } else { None };
        marked.unwrap_or(opening)
    }

    /// Whether the row is blank or a comment.
    fn says_nothing(&self) -> bool {
        self.opening.is_blank() || self.text().is_empty() || self.place == Place::InComment
    }

    fn limit(&self) -> u64 {
        if matches!(self.head, HeadState::Done(_)) { self.rows.longest } else { LONGEST_HEAD }
    }

    fn too_long(&mut self, parts: &mut Parts) {
        let HeadState::Done(_) = self.head else {
            return parts.refuse(Refusal::HeadTooLong { longest: LONGEST_HEAD });
        };
        parts.cut(self.part.at..self.row.at, self.part.line);
        parts.refuse(Refusal::RowTooLong { line: self.row.line, longest: self.rows.longest });
    }

    /// `at` is behind the row's end.
    fn end_row(&mut self, parts: &mut Parts) {
        let end = Mark { at: self.at, line: self.line };
        match self.head {
            HeadState::Done(_) => self.end_of_data(end, parts),
            _ => self.end_of_head(end, parts),
        }
        self.row = end;
        self.place = Place::CellStart;
        self.ended_by_cr = false;
        self.opening.clear();
    }

    fn end_of_head(&mut self, end: Mark, parts: &mut Parts) {
        let left = match (&self.head, &self.rows.head) {
            (HeadState::Rows(left), _) => Some(left - 1),
            (_, Head::First { more }) => (!self.says_nothing()).then_some(*more),
            (_, Head::Through { begins, more }) => {
                self.text().starts_with(begins.as_bytes()).then_some(*more)
            }
            _ => Some(0),
        };
        match left {
            Some(0) => {
                self.head = HeadState::Done(end.at);
                self.part = end;
                self.whole = end;
            }
            Some(left) => self.head = HeadState::Rows(left),
            None => {}
        }
        if end.at > LONGEST_HEAD {
            parts.refuse(Refusal::HeadTooLong { longest: LONGEST_HEAD });
        }
    }

    fn end_of_data(&mut self, end: Mark, parts: &mut Parts) {
        if end.at - self.row.at > self.rows.longest {
            return self.too_long(parts);
        }
        if end.at - self.part.at > self.rows.longest || self.in_part >= self.rows.most {
            parts.cut(self.part.at..self.whole.at, self.part.line);
            self.part = self.whole;
            self.in_part = 0;
        }
        self.in_part += 1;
        self.whole = end;
        if self.says_nothing() {
            return;
        }
        self.counted.before_last += u64::from(self.counted.any);
        self.counted.any = true;
        let Ending::Trailer(trailer) = &self.rows.ending else { return };
        let is_trailer = self.text().starts_with(trailer.begins.as_bytes());
        self.counted.trailer = is_trailer.then(|| (self.row.line, self.said(trailer)));
    }

    fn said(&self, trailer: &Trailer) -> Said {
        let Some(number) = trailer.count_at else { return Said::Nothing };
        let delimiter = self.rows.delimiter;
        let mut cells = self.text().split(|byte| Some(*byte) == delimiter);
        let cell = cells.nth(number.saturating_sub(1)).unwrap_or_default().trim_ascii();
        let quote = self.rows.quote;
        let digits: Vec<u8> = cell.iter().copied().filter(|byte| Some(*byte) != quote).collect();
        let count = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
        count.map_or(Said::NoNumber, Said::Count)
    }
}

const MARK: &[u8] = b"\xEF\xBB\xBF";

fn disagreement(line: u64, said: Said, found: u64) -> Option<Missing> {
    match said {
        Said::Nothing => None,
        Said::Count(said) if said == found => None,
        Said::Count(said) => Some(Missing::Count { line, said: Some(said), found }),
        Said::NoNumber => Some(Missing::Count { line, said: None, found }),
    }
}
