//! The characters that structure a message, as its header declares them. What a header doesn't declare plainly is not
//! replaced by a guess: without its separator, nothing is split.

use std::fmt;

use super::split::{Parts, Width};

/// The separators in force for a segment. One that is `None` was never declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Separators {
    pub field: u8,
    pub component: Option<u8>,
    pub repeat: Option<u8>,
    pub escape: Option<u8>,
    pub subcomponent: Option<u8>,
    /// Marks text that was cut short; since 2.7.
    pub truncation: Option<u8>,
}

impl Separators {
    /// The usual set: `|^~\&`.
    pub const USUAL: Separators = Separators {
        field: b'|',
        component: Some(b'^'),
        repeat: Some(b'~'),
        escape: Some(b'\\'),
        subcomponent: Some(b'&'),
        truncation: None,
    };

    /// Reads the declaration of an MSH, FHS or BHS segment. Characters are taken by their place; one that can't be a
    /// separator, or is one already, leaves its place undeclared and is a fault.
    pub(super) fn declared(header: &[u8]) -> Option<(Separators, Option<HeaderFault>)> {
        let [_, _, _, field, set @ ..] = header else { return None };
        if !is_header(header) {
            return None;
        }
        let field = *field;
        let set = Parts::of(set, Some(field), Width::One).next().unwrap_or_default();
        let mut places = [None; 5];
        let mut fault = match set.len() {
            0..=1 => Some(HeaderFault::TooFew),
            2..=5 => None,
            _ => Some(HeaderFault::TooMany),
        };
        let mut taken = vec![field];
        for (place, character) in places.iter_mut().zip(set) {
            if !character.is_ascii_punctuation() {
                fault = fault.or(Some(HeaderFault::Unusable));
            } else if taken.contains(character) {
                fault = fault.or(Some(HeaderFault::NotDistinct));
            } else {
                taken.push(*character);
                *place = Some(*character);
            }
        }
        let [component, repeat, escape, subcomponent, truncation] = places;
        Some((Separators { field, component, repeat, escape, subcomponent, truncation }, fault))
    }

    /// As [`declared`](Self::declared) for a line in mid-message, which is taken for a header only where it declares its
    /// separators plainly: text that merely begins like one must not change how the rest is read.
    pub(super) fn declared_again(line: &[u8]) -> Option<(Separators, Option<HeaderFault>)> {
        let plain = |fault: &Option<HeaderFault>| {
            !matches!(fault, Some(HeaderFault::TooFew | HeaderFault::TooMany | HeaderFault::Unusable))
        };
        Separators::declared(line).filter(|(_, fault)| plain(fault))
    }

    /// What a header says of them in its second field.
    pub(super) fn declaration(&self) -> Vec<u8> {
        let all = [self.component, self.repeat, self.escape, self.subcomponent, self.truncation];
        all.into_iter().map_while(|separator| separator).collect()
    }

    /// Whether `byte` structures text under these separators.
    pub(super) fn contains(&self, byte: u8) -> bool {
        let all =
            [Some(self.field), self.component, self.repeat, self.escape, self.subcomponent, self.truncation];
        all.contains(&Some(byte))
    }
}

/// Whether a segment declares separators: MSH, FHS or BHS with a character behind it that can be one.
pub(super) fn is_header(raw: &[u8]) -> bool {
    match raw {
        [b'M', b'S', b'H', field, ..] | [b'F' | b'B', b'H', b'S', field, ..] => field.is_ascii_punctuation(),
        _ => false,
    }
}

/// What is odd about a header. The message is read nevertheless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    TooFew,
    TooMany,
    NotDistinct,
    /// A letter, a digit, a space or a control character can't be a separator.
    Unusable,
    /// MSH-18 names a character set that nobody knows, or one that can't travel in a message.
    UnknownCharset,
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeaderFault::TooFew => "a header that declares fewer than two encoding characters",
            HeaderFault::TooMany => "a header that declares more than five encoding characters",
            HeaderFault::NotDistinct => "a header that declares one separator twice",
            HeaderFault::Unusable => "a header that declares a separator that can't be one",
            HeaderFault::UnknownCharset => "a header that declares an unknown character set",
        })
    }
}
