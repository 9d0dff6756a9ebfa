//! A message as received: its records, each with the delimiters in force for it. Borrows the bytes; parsing is
//! total, and what it can't read it keeps.

use std::borrow::Cow;
use std::fmt;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till};
use nom::combinator::eof;
use nom::{IResult, Parser};

use super::{Delimiters, Field, HeaderFault, Kind, Path};

/// A run of records: one message, or several of them one after the other.
#[derive(Clone)]
pub struct Message<'a> {
    lines: Vec<Line<'a>>,
    faults: Vec<(usize, HeaderFault)>,
}

#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a [u8],
    /// CR, LF, CR LF, or nothing at the end of the bytes.
    end: &'a [u8],
    delimiters: Delimiters,
}

impl<'a> Message<'a> {
    /// Splits bytes into records. Every byte string has exactly one reading.
    pub fn parse(bytes: &'a [u8]) -> Message<'a> {
        let mut message = Message { lines: Vec::new(), faults: Vec::new() };
        let mut delimiters = Delimiters::default();
        let mut seen_header = false;
        let mut ordinal = 0;
        let mut input = bytes;
        while !input.is_empty() {
            let (after, (text, end)) = line(input).unwrap_or((&[], (input, &[])));
            input = after;
            if !text.is_empty() {
                if Kind::of_record(text, delimiters.field) == Kind::Header {
                    let (declared, fault) = Delimiters::declared(text);
                    delimiters = declared;
                    message.faults.extend(fault.map(|fault| (ordinal, fault)));
                    seen_header = true;
                } else if !seen_header && ordinal == 0 {
                    message.faults.push((ordinal, HeaderFault::NoHeader));
                }
                ordinal += 1;
            }
            message.lines.push(Line { text, end, delimiters });
        }
        message
    }

    /// The records in order; blank lines are none.
    pub fn records(&self) -> impl Iterator<Item = Record<'a>> + '_ {
        let written = self.lines.iter().filter(|line| !line.text.is_empty());
        written.enumerate().map(|(ordinal, line)| Record {
            raw: line.text,
            delimiters: line.delimiters,
            ordinal,
        })
    }

    /// Headers that don't say how their records are structured, each with its ordinal from 0.
    pub fn faults(&self) -> &[(usize, HeaderFault)] {
        &self.faults
    }

    /// The bytes this was parsed from.
    pub fn emit(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| [line.text, line.end]).collect::<Vec<_>>().concat()
    }

    /// Each line's text and what ended it, blank lines included.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8], Delimiters)> + '_ {
        self.lines.iter().map(|line| (line.text, line.end, line.delimiters))
    }
}

fn line(input: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
    let end = alt((tag(&b"\r\n"[..]), tag(&b"\r"[..]), tag(&b"\n"[..]), eof));
    (take_till(|byte| byte == b'\r' || byte == b'\n'), end).parse(input)
}

/// Content is patient data: only the shape is shown.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.records().map(|record| record.kind())).finish()
    }
}

/// One record.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    raw: &'a [u8],
    delimiters: Delimiters,
    ordinal: usize,
}

impl<'a> Record<'a> {
    pub fn kind(&self) -> Kind {
        Kind::of_record(self.raw, self.delimiters.field)
    }

    /// The record without what ended it.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Its place among the records, from 0.
    pub fn ordinal(&self) -> usize {
        self.ordinal
    }

    pub fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// The `n`-th field, counted from 1, the record's letter being the first. Empty where there is none. A
    /// header's second field, the declaration of the delimiters, is never split further.
    pub fn field(&self, n: usize) -> Field<'a> {
        let raw = n.checked_sub(1).and_then(|index| self.split().nth(index)).unwrap_or_default();
        self.part(n, raw)
    }

    /// All fields, the record's letter first.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> {
        let record = *self;
        self.split().enumerate().map(move |(index, raw)| record.part(index + 1, raw))
    }

    /// What stands at a path. Empty where there is nothing, or where the path is for another kind of record.
    pub fn at(&self, path: &Path) -> Field<'a> {
        if path.kind != self.kind() {
            return Field::new(&[], self.delimiters);
        }
        let field = self.field(path.field);
        let repeat = match path.repeat {
            Some(repeat) => field.repeat(repeat),
            None => field,
        };
        match path.component {
            Some(component) => repeat.component(component),
            None => repeat,
        }
    }

    /// The text of a whole path, with escapes resolved.
    pub fn text(&self, path: &Path) -> Cow<'a, [u8]> {
        self.at(path).unescape()
    }

    fn split(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let field = self.delimiters.field;
        self.raw.split(move |byte| Some(*byte) == field)
    }

    fn part(&self, n: usize, raw: &'a [u8]) -> Field<'a> {
        let declaration = n == 2 && self.kind() == Kind::Header;
        Field::new(raw, if declaration { Delimiters::default() } else { self.delimiters })
    }
}

impl fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({:?}, {} bytes)", self.kind(), self.raw.len())
    }
}
