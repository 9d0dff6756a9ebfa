//! A field, or a part of one: raw bytes with what structures them. Splits when asked, copies nothing.

use std::borrow::Cow;
use std::fmt;

use super::split::Parts;
use super::{Charset, Separators, Text, escape};

/// The bytes between two separators.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    raw: &'a [u8],
    separators: Separators,
    charset: Charset,
}

impl<'a> Field<'a> {
    pub(super) fn new(raw: &'a [u8], separators: Separators, charset: Charset) -> Field<'a> {
        Field { raw, separators, charset }
    }

    /// Exactly as received.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether nothing was sent. HL7's null isn't nothing.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Whether HL7's null, `""`, was sent: the value is to be removed where it is known.
    pub fn is_null(&self) -> bool {
        self.raw == b"\"\""
    }

    pub fn separators(&self) -> Separators {
        self.separators
    }

    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// The occurrences of a repeated field; at least one, which may be empty.
    pub fn repeats(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        self.split(self.separators.repeat)
    }

    /// The `n`-th occurrence, from 1; empty where there is none.
    pub fn repeat(&self, n: usize) -> Field<'a> {
        self.nth(self.repeats(), n)
    }

    /// The components of the first occurrence; at least one, which may be empty.
    pub fn components(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        self.first(self.separators.repeat).split(self.separators.component)
    }

    /// The `n`-th component of the first occurrence, from 1; empty where there is none.
    pub fn component(&self, n: usize) -> Field<'a> {
        self.nth(self.components(), n)
    }

    /// The subcomponents of the first component; at least one, which may be empty.
    pub fn subcomponents(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let first = self.first(self.separators.repeat).first(self.separators.component);
        first.split(self.separators.subcomponent)
    }

    /// The `n`-th subcomponent of the first component, from 1; empty where there is none.
    pub fn subcomponent(&self, n: usize) -> Field<'a> {
        self.nth(self.subcomponents(), n)
    }

    /// The bytes with their escapes resolved. Escapes that stand for no text stay as they are. Resolve only what has
    /// no parts left, or an escaped separator can't be told from a real one.
    pub fn unescape(&self) -> Cow<'a, [u8]> {
        escape::unescape(self.raw, self.separators, self.charset.width())
    }

    /// The characters, with escapes resolved as [`unescape`](Self::unescape) does.
    pub fn text(&self) -> Text<'a> {
        match self.unescape() {
            Cow::Borrowed(bytes) => self.charset.decode(bytes),
            Cow::Owned(bytes) => {
                let Text { text, undecodable } = self.charset.decode(&bytes);
                Text { text: Cow::Owned(text.into_owned()), undecodable }
            }
        }
    }

    /// The characters exactly as sent, escapes and separators included.
    pub fn as_sent(&self) -> Text<'a> {
        self.charset.decode(self.raw)
    }

    fn nth(&self, mut parts: impl Iterator<Item = Field<'a>>, n: usize) -> Field<'a> {
        let part = n.checked_sub(1).and_then(|index| parts.nth(index));
        part.unwrap_or(Field { raw: &[], ..*self })
    }

    fn first(&self, separator: Option<u8>) -> Field<'a> {
        self.nth(self.split(separator), 1)
    }

    fn split(&self, separator: Option<u8>) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let whole = *self;
        Parts::of(self.raw, separator, self.charset.width()).map(move |raw| Field { raw, ..whole })
    }
}

/// Content is patient data: only the length is shown.
impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({} bytes)", self.raw.len())
    }
}
