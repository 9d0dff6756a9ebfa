//! The kinds of record, by their letter.

/// What a record is. A letter that the standard doesn't know is kept as `Unknown`, never dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Header,
    Patient,
    Order,
    Result,
    Comment,
    Query,
    Manufacturer,
    Scientific,
    Terminator,
    Unknown,
}

const LETTERS: [(u8, Kind); 9] = [
    (b'H', Kind::Header),
    (b'P', Kind::Patient),
    (b'O', Kind::Order),
    (b'R', Kind::Result),
    (b'C', Kind::Comment),
    (b'Q', Kind::Query),
    (b'M', Kind::Manufacturer),
    (b'S', Kind::Scientific),
    (b'L', Kind::Terminator),
];

impl Kind {
    pub fn of_letter(letter: u8) -> Kind {
        LETTERS.iter().find(|(known, _)| *known == letter).map_or(Kind::Unknown, |(_, kind)| *kind)
    }

    /// `None` for an unknown kind.
    pub fn letter(self) -> Option<u8> {
        LETTERS.iter().find(|(_, kind)| *kind == self).map(|(letter, _)| *letter)
    }

    /// A header is an `H` with a delimiter or nothing behind it; any other record is known by its first field.
    pub(super) fn of_record(raw: &[u8], field: Option<u8>) -> Kind {
        match raw {
            [letter] => Kind::of_letter(*letter),
            [b'H', next, ..] if !next.is_ascii_alphanumeric() => Kind::Header,
            [letter, next, ..] => match field {
                Some(field) if *next == field => Kind::of_letter(*letter),
                None if next.is_ascii_punctuation() => Kind::of_letter(*letter),
                _ => Kind::Unknown,
            },
            [] => Kind::Unknown,
        }
    }
}
