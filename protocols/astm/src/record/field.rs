//! A field, or a part of one: raw bytes with the delimiters that structure them. Splits when asked, copies nothing.

use std::borrow::Cow;
use std::fmt;

use super::{Delimiters, escape};

/// The bytes between two delimiters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    raw: &'a [u8],
    delimiters: Delimiters,
}

impl<'a> Field<'a> {
    pub(super) fn new(raw: &'a [u8], delimiters: Delimiters) -> Field<'a> {
        Field { raw, delimiters }
    }

    /// Exactly as received.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The occurrences of a repeated field; at least one, which may be empty.
    pub fn repeats(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        self.split(self.delimiters.repeat)
    }

    /// The `n`-th occurrence, from 1; empty where there is none.
    pub fn repeat(&self, n: usize) -> Field<'a> {
        self.nth(self.repeats(), n)
    }

    /// The components of the first occurrence; at least one, which may be empty.
    pub fn components(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let first = self.repeats().next().unwrap_or(*self);
        first.split(self.delimiters.component)
    }

    /// The `n`-th component of the first occurrence, from 1; empty where there is none.
    pub fn component(&self, n: usize) -> Field<'a> {
        self.nth(self.components(), n)
    }

    /// The text with its escapes resolved. Escapes that the standard doesn't define stay as they are. Resolve
    /// only what has no parts left, or an escaped delimiter can't be told from a real one.
    pub fn unescape(&self) -> Cow<'a, [u8]> {
        escape::unescape(self.raw, self.delimiters)
    }

    fn nth(&self, mut parts: impl Iterator<Item = Field<'a>>, n: usize) -> Field<'a> {
        let part = n.checked_sub(1).and_then(|index| parts.nth(index));
        part.unwrap_or(Field::new(&[], self.delimiters))
    }

    fn split(&self, delimiter: Option<u8>) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let delimiters = self.delimiters;
        self.raw.split(move |byte| Some(*byte) == delimiter).map(move |raw| Field::new(raw, delimiters))
    }
}

/// Content is patient data: only the length is shown.
impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({} bytes)", self.raw.len())
    }
}
