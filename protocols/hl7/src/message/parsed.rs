//! A message as received: its segments, each with the separators and the character set in force for it. Borrows the
//! bytes; whatever it can't read it keeps.

use std::fmt;

use super::line::{self, LineEnd};
use super::separators::is_header;
use super::{Charset, Field, HeaderFault, Msh, Path, Segment, Separators};

/// A run of segments: one message, or a batch of several.
#[derive(Clone)]
pub struct Message<'a> {
    /// A byte order mark before the first segment, or nothing.
    mark: &'a [u8],
    lines: Vec<Line<'a>>,
    /// What each header declared; a line says which of them it is under.
    headers: Vec<(Separators, Charset)>,
    faults: Vec<(usize, HeaderFault)>,
}

#[derive(Clone, Copy)]
struct Line<'a> {
    text: &'a [u8],
    end: LineEnd,
    header: usize,
}

/// Why bytes are no HL7 message at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseError {
    Empty,
    /// The first segment is neither MSH nor the FHS or BHS of a batch.
    NoHeader,
    /// The first segment declares no field separator.
    NoSeparator,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseError::Empty => "no segment is there",
            ParseError::NoHeader => "the first segment is neither MSH, FHS nor BHS",
            ParseError::NoSeparator => "the first segment declares no field separator",
        })
    }
}

impl std::error::Error for ParseError {}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl<'a> Message<'a> {
    /// Splits bytes into segments, with the character set that each MSH declares.
    ///
    /// # Errors
    /// Bytes that don't begin with a header. Everything else is kept, whatever it is.
    pub fn parse(bytes: &'a [u8]) -> Result<Message<'a>, ParseError> {
        Message::read(bytes, None)
    }

    /// As [`parse`](Self::parse), with a character set that counts instead of the declared ones.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_as(bytes: &'a [u8], charset: Charset) -> Result<Message<'a>, ParseError> {
        Message::read(bytes, Some(charset))
    }

    fn read(bytes: &'a [u8], charset: Option<Charset>) -> Result<Message<'a>, ParseError> {
        let unmarked = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let (mark, mut input) = bytes.split_at_checked(bytes.len() - unmarked.len()).unwrap_or((&[], bytes));
        let lines = Vec::with_capacity(bytes.len() / 96);
        let mut message = Message { mark, lines, headers: Vec::new(), faults: Vec::new() };
        let mut ordinal = 0;
        while let Some((text, end)) = line::next(&mut input) {
            if !text.is_empty() {
                let declared = match ordinal {
                    0 => Separators::declared(text),
                    _ => Separators::declared_again(text),
                };
                if let Some((separators, fault)) = declared {
                    message.faults.extend(fault.map(|fault| (ordinal, fault)));
                    message.enter(text, separators, charset, ordinal);
                } else if ordinal == 0 {
                    return Err(no_header(text));
                }
                ordinal += 1;
            }
            // Before the first header there are only blank lines, which belong to it.
            message.lines.push(Line { text, end, header: message.headers.len().saturating_sub(1) });
        }
        if ordinal == 0 { Err(ParseError::Empty) } else { Ok(message) }
    }

    fn enter(&mut self, text: &'a [u8], separators: Separators, forced: Option<Charset>, ordinal: usize) {
        let batch = self.headers.last().map_or(Charset::ASCII, |(_, charset)| *charset);
        let charset = forced.unwrap_or_else(|| {
            if !text.starts_with(b"MSH") {
                return batch;
            }
            let header = Segment::new(text, separators, Charset::ASCII, ordinal);
            Charset::declared(header.field(18).repeat(1).raw()).unwrap_or_else(|| {
                self.faults.push((ordinal, HeaderFault::UnknownCharset));
                Charset::ASCII
            })
        });
        self.headers.push((separators, charset));
    }

    /// The segments in order; blank lines are none.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> + '_ {
        let written = self.lines.iter().filter(|line| !line.text.is_empty());
        written.enumerate().map(|(ordinal, line)| {
            let usual = (Separators::USUAL, Charset::ASCII);
            let (separators, charset) = self.headers.get(line.header).copied().unwrap_or(usual);
            Segment::new(line.text, separators, charset, ordinal)
        })
    }

    /// The segments of one name, in order.
    pub fn named(&self, name: &[u8; 3]) -> impl Iterator<Item = Segment<'a>> + '_ {
        let name = *name;
        self.segments().filter(move |segment| segment.is(&name))
    }

    /// The first MSH; `None` in a batch without a message.
    pub fn header(&self) -> Option<Msh<'a>> {
        self.named(b"MSH").find_map(Msh::of)
    }

    /// What stands at a path; empty where there is nothing.
    pub fn at(&self, path: &Path) -> Field<'a> {
        let nth = path.occurrence.unwrap_or(1).checked_sub(1);
        let segment = nth.and_then(|nth| self.named(&path.segment).nth(nth));
        segment.map_or(Field::new(&[], Separators::USUAL, Charset::ASCII), |segment| segment.at(path))
    }

    /// Headers that don't say plainly how their segments are structured, each with its ordinal from 0.
    pub fn faults(&self) -> &[(usize, HeaderFault)] {
        &self.faults
    }

    /// The bytes this was parsed from, put together again from its segments.
    pub fn emit(&self) -> Vec<u8> {
        let size = self.lines.iter().map(|line| line.text.len() + 2).sum::<usize>() + self.mark.len();
        let mut bytes = Vec::with_capacity(size);
        bytes.extend_from_slice(self.mark);
        for line in &self.lines {
            bytes.extend_from_slice(line.text);
            bytes.extend_from_slice(line.end.bytes());
        }
        bytes
    }

    /// Where the segment with this ordinal begins in the bytes.
    pub(super) fn offset(&self, ordinal: usize) -> Option<usize> {
        let mut at = self.mark.len();
        let mut written = 0;
        for line in &self.lines {
            if !line.text.is_empty() {
                if written == ordinal {
                    return Some(at);
                }
                written += 1;
            }
            at += line.text.len() + line.end.bytes().len();
        }
        None
    }
}

fn no_header(text: &[u8]) -> ParseError {
    let headed = [b"MSH", b"FHS", b"BHS"].iter().any(|name| text.starts_with(*name)) && !is_header(text);
    if headed { ParseError::NoSeparator } else { ParseError::NoHeader }
}

/// Content is patient data: only the number of segments is shown.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} segments)", self.lines.iter().filter(|line| !line.text.is_empty()).count())
    }
}
