//! Where a part of a message sits: `R.3.4` is the fourth component of the third field of a result record.

use std::fmt;

use nom::character::complete::{char as character, one_of, u16};
use nom::combinator::{all_consuming, map_opt, opt};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::Kind;

/// A place in a record of one kind: a field, perhaps one of its occurrences, perhaps a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    pub kind: Kind,
    /// From 1, the record's letter being the first field.
    pub field: usize,
    /// From 1. Without one, a component is looked for in the first occurrence.
    pub repeat: Option<usize>,
    /// From 1.
    pub component: Option<usize>,
}

impl Path {
    /// Reads `R.3`, `R.3.4` or `R.7[2].3`: a record's letter, a field, an occurrence in brackets, a component.
    pub fn parse(text: &str) -> Option<Path> {
        all_consuming(path).parse(text).ok().map(|(_, path)| path)
    }
}

fn path(input: &str) -> IResult<&str, Path> {
    let letter = map_opt(one_of("HPORCQMSL"), |letter| {
        u8::try_from(letter).ok().map(Kind::of_letter).filter(|kind| *kind != Kind::Unknown)
    });
    let parts = (
        letter,
        preceded(character('.'), count),
        opt(delimited(character('['), count, character(']'))),
        opt(preceded(character('.'), count)),
    );
    parts.map(|(kind, field, repeat, component)| Path { kind, field, repeat, component }).parse(input)
}

fn count(input: &str) -> IResult<&str, usize> {
    map_opt(u16, |number| (number > 0).then_some(usize::from(number))).parse(input)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", char::from(self.kind.letter().unwrap_or(b'?')), self.field)?;
        if let Some(repeat) = self.repeat {
            write!(f, "[{repeat}]")?;
        }
        if let Some(component) = self.component {
            write!(f, ".{component}")?;
        }
        Ok(())
    }
}
