//! Changing one place of a message. Every other byte stays as it was; separators are added where the segment was too
//! short.

use std::fmt;
use std::ops::Range;

use super::split::Parts;
use super::{Message, Path, Segment, escape};

/// Why a message can't be edited as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditError {
    /// The message has no such segment.
    NoSuchSegment,
    /// The declaration of the separators can't be edited, nor made where a line is no more than a header's name.
    Fixed,
    /// The segment's header declared no separator that this place needs.
    NoSeparator,
    /// The value holds a character that can't be escaped under this header, or would stand behind half a character.
    Unescapable,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EditError::NoSuchSegment => "the message has no such segment",
            EditError::Fixed => "the declaration of the separators can't be changed",
            EditError::NoSeparator => "the header declares no separator for this place",
            EditError::Unescapable => "the value holds a character that this header can't escape",
        })
    }
}

impl std::error::Error for EditError {}

impl Message<'_> {
    /// The message's bytes with the text at one place replaced by `value`, which is in the message's character set and
    /// is escaped as its header says.
    ///
    /// # Errors
    /// Nothing is returned half-edited: a place that doesn't exist or can't hold the value is an error.
    pub fn edit(&self, path: &Path, value: &[u8]) -> Result<Vec<u8>, EditError> {
        let nth = path.occurrence.unwrap_or(1).saturating_sub(1);
        let target = self.named(&path.segment).nth(nth).ok_or(EditError::NoSuchSegment)?;
        let bare_name = [b"MSH", b"FHS", b"BHS"].iter().any(|name| target.raw() == name.as_slice());
        if bare_name || path.field <= if target.is_header() { 2 } else { 0 } {
            return Err(EditError::Fixed);
        }
        let (place, padding) = locate(&target, path)?;
        let (separators, width) = (target.separators(), target.charset().width());
        let value = escape::escape(value, separators, width).ok_or(EditError::Unescapable)?;

        let start = self.offset(target.ordinal()).ok_or(EditError::NoSuchSegment)?;
        let mut bytes = self.emit();
        bytes.splice(start + place.start..start + place.end, padding.into_iter().chain(value));
        Ok(bytes)
    }
}

/// The place within the segment, and the separators to add before it where the segment ends too early.
fn locate(segment: &Segment<'_>, path: &Path) -> Result<(Range<usize>, Vec<u8>), EditError> {
    let separators = segment.separators();
    let component = path.component.or(path.subcomponent.map(|_| 1));
    let levels = [
        (Some(separators.field), segment.part_of(path.field).map(|part| part + 1)),
        (separators.repeat, path.repeat.or(component.map(|_| 1))),
        (separators.component, component),
        (separators.subcomponent, path.subcomponent),
    ];
    let raw = segment.raw();
    let mut place = 0..raw.len();
    let mut padding = Vec::new();
    for (separator, number) in levels {
        let Some(number) = number else { continue };
        let within = raw.get(place.clone()).unwrap_or_default();
        let (part, missing) = nth_part(Parts::of(within, separator, segment.charset().width()), number);
        if missing > 0 {
            let separator = separator.ok_or(EditError::NoSeparator)?;
            let before = raw.get(..place.start + part.end).unwrap_or_default();
            if segment.charset().width().is_open(before) {
                return Err(EditError::Unescapable);
            }
            padding.extend(std::iter::repeat_n(separator, missing));
        }
        place = place.start + part.start..place.start + part.end;
    }
    Ok((place, padding))
}

/// The `n`-th part, or the end of the last one and the number of separators missing before there is such a part.
fn nth_part(parts: Parts<'_>, n: usize) -> (Range<usize>, usize) {
    let mut start = 0;
    let mut count = 0;
    for part in parts {
        count += 1;
        if count == n {
            return (start..start + part.len(), 0);
        }
        start += part.len() + 1;
    }
    // Behind the last part, whose separator isn't there.
    let end = start.saturating_sub(1);
    (end..end, n - count)
}
