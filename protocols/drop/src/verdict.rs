//! What the end of a file shows: whether all of it came. Its words name places and counts, never content.

use std::fmt;

/// What a cutter says at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Head and parts are the file, and nothing suggests that more was to come.
    Whole,
    /// The file is cut or still being written. What came since may make it whole.
    Incomplete(Missing),
    /// The file can't be cut, and more of it would not help.
    Refused(Refusal),
}

/// Why a file isn't whole. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// No byte, or nothing but white space.
    Everything,
    /// The message that begins at this line has no L record.
    Terminator { line: u64 },
    /// No MSH.
    Message,
    /// The segment that opens or closes a batch at this line has no counterpart.
    Counterpart { line: u64 },
    /// The count at this line doesn't agree with what is there. `None`: it is no number.
    Count { line: u64, said: Option<u64>, found: u64 },
    /// The last line, this one, doesn't end.
    LineEnd { line: u64 },
    /// A quote in the row that begins at this line is never closed.
    Quote { line: u64 },
    /// The row that is to close the table.
    Trailer,
    /// The segment that closes a batch or a file of HL7 isn't the last one.
    Envelope,
    /// The file ends before its header row.
    Head,
    /// The directory at the end of a workbook.
    Directory,
    /// Half a character of two bytes.
    HalfCharacter,
    /// Zero bytes stand where text belongs, from this byte on, from 0: as of a file that was given its length before its
    /// content.
    Hole { from: u64 },
}

/// Why a file can't be cut. Lines count from 1, lengths are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    MessageTooLong {
        line: u64,
        longest: u64,
    },
    RowTooLong {
        line: u64,
        longest: u64,
    },
    HeadTooLong {
        longest: u64,
    },
    WorkbookTooLong {
        longest: u64,
    },
    /// A workbook that isn't a ZIP archive.
    NotAWorkbook,
    /// Messages in UTF-16.
    Utf16,
    /// Rows in UTF-16, without the mark that says so.
    Unmarked {
        label: &'static str,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Whole => f.write_str("the file is whole"),
            Verdict::Incomplete(missing) => write!(f, "the file isn't whole: {missing}"),
            Verdict::Refused(refusal) => write!(f, "the file can't be read: {refusal}"),
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::Everything => f.write_str("it is empty"),
            Missing::Terminator { line } => {
                write!(f, "the message that begins at line {line} has no L record")
            }
            Missing::Message => f.write_str("no MSH segment is in it"),
            Missing::Counterpart { line } => {
                write!(f, "the batch segment at line {line} has no counterpart")
            }
            Missing::Count { line, said: Some(said), found } => {
                write!(f, "line {line} says {said}, and {found} were found")
            }
            Missing::Count { line, said: None, found } => {
                write!(f, "line {line} says no number where a count belongs, and {found} were found")
            }
            Missing::LineEnd { line } => write!(f, "its last line, {line}, doesn't end"),
            Missing::Quote { line } => {
                write!(f, "a quote in the row that begins at line {line} is never closed")
            }
            Missing::Trailer => f.write_str("its last row isn't the one that closes it"),
            Missing::Envelope => f.write_str("it doesn't end with BTS or FTS"),
            Missing::Head => f.write_str("it ends before its header row"),
            Missing::Directory => f.write_str("the workbook has no directory at its end"),
            Missing::Hole { from } => {
                write!(
                    f,
                    "from its byte {from} on it holds zeros and no text, as if it was never written there"
                )
            }
            Missing::HalfCharacter => f.write_str("it ends in the middle of a character"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::MessageTooLong { line, longest } => {
                write!(f, "the message that begins at line {line} is longer than {longest} bytes")
            }
            Refusal::RowTooLong { line, longest } => {
                write!(f, "the row that begins at line {line} is longer than {longest} bytes")
            }
            Refusal::HeadTooLong { longest } => {
                write!(f, "what stands before its rows is longer than {longest} bytes")
            }
            Refusal::WorkbookTooLong { longest } => {
                write!(f, "the workbook is longer than {longest} bytes")
            }
            Refusal::NotAWorkbook => f.write_str("it isn't an XLSX workbook"),
            Refusal::Unmarked { label } => write!(
                f,
                "it seems to be UTF-16 without a byte order mark; if so, write encoding = \"{label}\" in the profile's [table]"
            ),
            Refusal::Utf16 => f.write_str("its messages are in UTF-16; have them written in UTF-8"),
        }
    }
}
