//! Changing one place of a message. Every other byte stays as it was; delimiters are added where the record was
//! too short.

use std::fmt;
use std::ops::Range;

use super::{Delimiters, Kind, Message, Path, escape};

/// Why a message can't be edited as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditError {
    /// There is no such record, or it is of another kind than the path says.
    NoSuchRecord,
    /// A record's letter and the declaration of the delimiters can't be edited.
    Fixed,
    /// The record's header declared no delimiter that this place needs.
    NoDelimiter,
    /// The value holds a character that can't be escaped under this header.
    Unescapable,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EditError::NoSuchRecord => "no record of that kind stands there",
            EditError::Fixed => "a record's letter and the delimiters can't be changed",
            EditError::NoDelimiter => "the header declares no delimiter for this place",
            EditError::Unescapable => "the value holds a character that this header can't escape",
        })
    }
}

impl std::error::Error for EditError {}

impl Message<'_> {
    /// The message's bytes with the text at one place replaced by `value`, escaped as its header says. `record`
    /// counts from 0, as [`Record::ordinal`](super::Record::ordinal) does.
    ///
    /// # Errors
    /// Nothing is returned half-edited: a place that doesn't exist or can't hold the value is an error.
    pub fn edit(&self, record: usize, path: &Path, value: &[u8]) -> Result<Vec<u8>, EditError> {
        let target = self.records().nth(record).filter(|target| target.kind() == path.kind);
        let target = target.ok_or(EditError::NoSuchRecord)?;
        if path.field == 1 || (path.field == 2 && path.kind == Kind::Header) {
            return Err(EditError::Fixed);
        }
        let (place, padding) = locate(target.raw(), target.delimiters(), path)?;
        let value = escape::escape(value, target.delimiters()).ok_or(EditError::Unescapable)?;

        let mut bytes = Vec::new();
        let mut ordinal = 0;
        for (text, end, _) in self.lines() {
            let edited = !text.is_empty() && ordinal == record;
            if edited {
                bytes.extend_from_slice(text.get(..place.start).unwrap_or_default());
                bytes.extend_from_slice(&padding);
                bytes.extend_from_slice(&value);
                bytes.extend_from_slice(text.get(place.end..).unwrap_or_default());
            } else {
                bytes.extend_from_slice(text);
            }
            bytes.extend_from_slice(end);
            ordinal += usize::from(!text.is_empty());
        }
        Ok(bytes)
    }
}

/// The place within the record, and the delimiters to add before it where the record ends too early.
fn locate(raw: &[u8], delimiters: Delimiters, path: &Path) -> Result<(Range<usize>, Vec<u8>), EditError> {
    let levels = [
        (delimiters.field, Some(path.field)),
        (delimiters.repeat, path.repeat.or(path.component.map(|_| 1))),
        (delimiters.component, path.component),
    ];
    let mut place = 0..raw.len();
    let mut padding = Vec::new();
    for (delimiter, number) in levels {
        let Some(number) = number else { continue };
        let within = raw.get(place.clone()).unwrap_or_default();
        let (part, missing) = nth_part(within, delimiter, number);
        if missing > 0 {
            let delimiter = delimiter.ok_or(EditError::NoDelimiter)?;
            padding.extend(std::iter::repeat_n(delimiter, missing));
        }
        place = place.start + part.start..place.start + part.end;
    }
    Ok((place, padding))
}

/// The `n`-th part of `bytes`, or its end and the number of delimiters missing before there is such a part.
fn nth_part(bytes: &[u8], delimiter: Option<u8>, n: usize) -> (Range<usize>, usize) {
    let mut start = 0;
    let mut count = 0;
    for part in bytes.split(|byte| Some(*byte) == delimiter) {
        count += 1;
        if count == n {
            return (start..start + part.len(), 0);
        }
        start += part.len() + 1;
    }
    (bytes.len()..bytes.len(), n - count)
}
