//! The characters that structure a message, as its header declares them. What a header doesn't declare plainly is
//! not replaced by a guess: without its delimiter, nothing is split.

use std::fmt;

use nom::bytes::complete::{tag, take, take_till};
use nom::{IResult, Parser};

/// The delimiters in force for a record. One that is `None` was never declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delimiters {
    pub field: Option<u8>,
    pub repeat: Option<u8>,
    pub component: Option<u8>,
    pub escape: Option<u8>,
}

impl Delimiters {
    /// The usual set: `|\^&`.
    pub const USUAL: Delimiters =
        Delimiters { field: Some(b'|'), repeat: Some(b'\\'), component: Some(b'^'), escape: Some(b'&') };

    /// Reads the declaration of a header record. With a fault only the field delimiter is trusted, and that only
    /// if one stands there: a set with one character missing doesn't tell which one it is.
    pub(super) fn declared(header: &[u8]) -> (Delimiters, Option<HeaderFault>) {
        let Ok((_, (field, set))) = declaration(header) else {
            return (Delimiters::default(), Some(HeaderFault::NoDelimiters));
        };
        let plain = Some(field).filter(u8::is_ascii_punctuation);
        let only_field = Delimiters { field: plain, ..Delimiters::default() };
        let fault = match *set {
            [] => HeaderFault::NoDelimiters,
            [repeat, component, escape] => {
                let all = [field, repeat, component, escape];
                match usable(all) {
                    Ok(()) => {
                        let [field, repeat, component, escape] = all.map(Some);
                        return (Delimiters { field, repeat, component, escape }, None);
                    }
                    Err(fault) => fault,
                }
            }
            [_] | [_, _] => HeaderFault::TooFew,
            _ => HeaderFault::TooMany,
        };
        (only_field, Some(fault))
    }

    /// Whether `byte` structures text under these delimiters.
    pub(super) fn contains(&self, byte: u8) -> bool {
        [self.field, self.repeat, self.component, self.escape].contains(&Some(byte))
    }
}

/// `H`, the field delimiter, and what stands before the next one.
fn declaration(header: &[u8]) -> IResult<&[u8], (u8, &[u8])> {
    let (input, (_, field)) = (tag(&b"H"[..]), take(1usize)).parse(header)?;
    let field = field.first().copied().unwrap_or_default();
    let (input, set) = take_till(|byte| byte == field).parse(input)?;
    Ok((input, (field, set)))
}

fn usable(all: [u8; 4]) -> Result<(), HeaderFault> {
    if !all.iter().all(u8::is_ascii_punctuation) {
        return Err(HeaderFault::Unusable);
    }
    let mut sorted = all;
    sorted.sort_unstable();
    if sorted.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(HeaderFault::NotDistinct);
    }
    Ok(())
}

/// Why the structure of the records under a header can't be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// Records came before any header.
    NoHeader,
    NoDelimiters,
    TooFew,
    TooMany,
    NotDistinct,
    /// A letter, a digit, a space or a control character can't be a delimiter.
    Unusable,
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HeaderFault::NoHeader => "records without a header before them",
            HeaderFault::NoDelimiters => "a header that declares no delimiters",
            HeaderFault::TooFew => "a header that declares fewer than four delimiters",
            HeaderFault::TooMany => "a header that declares more than four delimiters",
            HeaderFault::NotDistinct => "a header that declares one delimiter twice",
            HeaderFault::Unusable => "a header that declares a delimiter that can't be one",
        })
    }
}
