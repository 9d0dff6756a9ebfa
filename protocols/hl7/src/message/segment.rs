//! One segment: its name and its fields by number. Splits when asked, copies nothing.

use std::fmt;

use super::separators::is_header;
use super::split::Parts;
use super::{Charset, Field, Path, Separators};

/// One segment of a message, known or unknown.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    raw: &'a [u8],
    separators: Separators,
    charset: Charset,
    ordinal: usize,
}

impl<'a> Segment<'a> {
    pub(super) fn new(
        raw: &'a [u8],
        separators: Separators,
        charset: Charset,
        ordinal: usize,
    ) -> Segment<'a> {
        Segment { raw, separators, charset, ordinal }
    }

    /// What stands before the first field separator: three characters in a segment by the standard.
    pub fn name(&self) -> &'a [u8] {
        self.split().next().unwrap_or_default()
    }

    pub fn is(&self, name: &[u8; 3]) -> bool {
        match self.raw.strip_prefix(name) {
            Some([]) => true,
            Some([next, ..]) => *next == self.separators.field,
            None => false,
        }
    }

    /// The segment without what ended it.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Its place among the segments, from 0.
    pub fn ordinal(&self) -> usize {
        self.ordinal
    }

    pub fn separators(&self) -> Separators {
        self.separators
    }

    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// The `n`-th field as the standard counts, from 1. Empty where there is none. Of a header the first field is the
    /// field separator itself, and the second, the declaration of the others, is never split further.
    pub fn field(&self, n: usize) -> Field<'a> {
        let raw = match self.part_of(n) {
            Some(part) => self.split().nth(part).unwrap_or_default(),
            None if n == 1 => self.raw.get(3..4).unwrap_or_default(),
            None => &[],
        };
        self.as_field(n, raw)
    }

    /// All fields, from the first.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let segment = *self;
        let first = self.is_header().then(|| segment.field(1));
        let skipped = usize::from(first.is_some());
        let others = self.split().skip(1).enumerate();
        first.into_iter().chain(others.map(move |(index, raw)| segment.as_field(index + 1 + skipped, raw)))
    }

    /// What stands at a path's field, repeat, component and subcomponent. Empty where there is nothing, or where the
    /// path is for a segment of another name.
    pub fn at(&self, path: &Path) -> Field<'a> {
        if !self.is(&path.segment) {
            return self.as_field(0, &[]);
        }
        let mut place = self.field(path.field);
        place = path.repeat.map_or(place, |repeat| place.repeat(repeat));
        place = path.component.map_or(place, |component| place.component(component));
        path.subcomponent.map_or(place, |subcomponent| place.subcomponent(subcomponent))
    }

    /// Whether the segment declares separators, which shifts its fields by one.
    pub(super) fn is_header(&self) -> bool {
        is_header(self.raw) && self.raw.get(3) == Some(&self.separators.field)
    }

    /// Which part between separators is field `n`; the name is part 0. `None` for a header's first field.
    pub(super) fn part_of(&self, n: usize) -> Option<usize> {
        let part = if self.is_header() { n.checked_sub(1)? } else { n };
        (part > 0).then_some(part)
    }

    pub(super) fn as_field(&self, n: usize, raw: &'a [u8]) -> Field<'a> {
        let mut separators = self.separators;
        if n <= 2 && self.is_header() {
            separators = Separators {
                component: None,
                repeat: None,
                escape: None,
                subcomponent: None,
                truncation: None,
                ..separators
            };
        }
        Field::new(raw, separators, self.charset)
    }

    fn split(&self) -> Parts<'a> {
        Parts::of(self.raw, Some(self.separators.field), self.charset.width())
    }
}

/// Content is patient data: only the size is shown.
impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({} bytes)", self.raw.len())
    }
}
