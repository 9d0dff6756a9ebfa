//! Whether a row of fixed width is as its layout says. Half a number is a number, and so is one that another column
//! pushed aside: a row that was cut, shifted or filled beyond its columns is refused, never read as far as it goes.

use std::ops::Range;

use super::columns::{Found, FoundPiece};
use crate::domain::profile::ShortRows;

/// The places of a row, in characters from 0.
pub(super) struct Positions {
    short_rows: ShortRows,
    /// What is read, in order.
    read: Vec<Range<usize>>,
    /// Of these, what makes a row a result.
    needed: Vec<Range<usize>>,
    /// What holds something that isn't read.
    unread: Vec<Range<usize>>,
    /// Where the last place ends that is read.
    end: usize,
}

impl Positions {
    /// `read` are all the places of the profile, `needed` those without which a row says nothing.
    pub(super) fn new<'f>(
        short_rows: ShortRows,
        read: impl Iterator<Item = &'f Found>,
        needed: impl Iterator<Item = &'f Found>,
        unread: &[(usize, usize)],
    ) -> Positions {
        let mut read: Vec<Range<usize>> = read.flat_map(spans).collect();
        read.sort_by_key(|span| (span.start, span.end));
        Positions {
            short_rows,
            needed: needed.flat_map(spans).collect(),
            unread: unread.iter().map(|(first, last)| first.saturating_sub(1)..*last).collect(),
            end: read.iter().map(|span| span.end).max().unwrap_or_default(),
            read,
        }
    }

    /// Whether a row may be read by its positions.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub(super) fn fit(&self, line: &str) -> Result<(), String> {
        if let Some(at) = line.chars().position(char::is_control) {
            return Err(format!(
                "a tab or another control character stands at position {}, so that no position behind it is sure",
                at + 1
            ));
        }
        let is_outside = |at: usize| !self.read.iter().chain(&self.unread).any(|span| span.contains(&at));
        let outside = line.chars().enumerate().find(|(at, it)| !it.is_whitespace() && is_outside(*at));
        if let Some((at, _)) = outside {
            return Err(format!(
                "text stands at position {}, where the profile has no column: the row may be shifted. If every row has \
                 something there, name the positions in unread",
                at + 1
            ));
        }
        let length = line.chars().count();
        if length >= self.end || self.may_end(length) {
            return Ok(());
        }
        let end = self.end;
        Err(match (self.short_rows, self.cut(length)) {
            (ShortRows::Refused, _) => format!(
                "it has {length} characters, and the columns reach to {end}: it may have been cut. Where the model leaves \
                 blanks at a row's end out, write short_rows = \"trimmed\" in the profile"
            ),
            (_, Some(span)) => format!(
                "it has {length} characters and ends within the column @{}-{}: it was cut",
                span.start + 1,
                span.end
            ),
            (_, None) => format!("it has {length} characters, and not every column that makes it a result"),
        })
    }

    /// Whether a row that is shorter than its layout may be.
    fn may_end(&self, length: usize) -> bool {
        let has_needed = self
            .needed
            .iter()
            .all(|span| length >= span.end || (span.end == self.end && length > span.start));
        match self.short_rows {
            ShortRows::Refused => false,
            ShortRows::Filled => self.cut(length).is_none() && has_needed,
            ShortRows::Trimmed => has_needed,
        }
    }

    /// The place that a row of this length has a part of.
    fn cut(&self, length: usize) -> Option<&Range<usize>> {
        self.read.iter().find(|span| span.start < length && length < span.end)
    }
}

fn spans(found: &Found) -> impl Iterator<Item = Range<usize>> + '_ {
    found.0.iter().filter_map(|piece| match piece {
        FoundPiece::Characters(first, last) => Some(*first..*last),
        FoundPiece::Cells(_) | FoundPiece::Literal(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Specimen 1-4, code 5-6, value 7-11, a gap, unit 13-16, time 17-20; 21-24 isn't read.
    fn positions(short_rows: ShortRows) -> Positions {
        let at = |first: usize, last| Found(vec![FoundPiece::Characters(first - 1, last)]);
        let (needed, others) = ([at(1, 4), at(5, 6), at(7, 11)], [at(13, 16), at(17, 20)]);
        Positions::new(short_rows, needed.iter().chain(&others), needed.iter(), &[(21, 24)])
    }

    #[test]
    fn a_row_that_was_cut_or_shifted_is_never_read_as_far_as_it_goes() {
        use ShortRows::{Filled, Refused, Trimmed};
        for (line, whole) in [
            ("S001K 12.34 g/L 1130", [true, true, true]),
            ("S001K 12.34 g/L 1130    ", [true, true, true]),
            ("S001K 12.34 g/L 1130note", [true, true, true]),
            ("S001K 12.34 µg/l1130", [true, true, true]),
            // Cut in the time, the unit, behind the value, in it, before it.
            ("S001K 12.34 g/L 11", [false, false, true]),
            ("S001K 12.34 g/L ", [false, true, true]),
            ("S001K 12.34 g/", [false, false, true]),
            ("S001K 12.34", [false, true, true]),
            ("S001K 12.3", [false, false, false]),
            ("S001K 12", [false, false, false]),
            ("S001K ", [false, false, false]),
            ("S001", [false, false, false]),
            // Pushed aside by a value that was too long, and text behind the last column.
            ("S001K 123.456g/L 1130", [false, false, false]),
            ("S001K 12.34 g/L 1130note!", [false, false, false]),
            ("S001K 12.34xg/L 1130", [false, false, false]),
            ("S001K\t12.34 g/L 1130", [false, false, false]),
            ("S001K 12.34\0g/L 1130", [false, false, false]),
        ] {
            let found = [Refused, Filled, Trimmed].map(|short_rows| positions(short_rows).fit(line).is_ok());
            assert_eq!(found, whole, "{line:?}");
        }
    }

    #[test]
    fn a_value_that_stands_last_may_only_be_shorter_where_the_profile_says_so() {
        let at = |first: usize, last| Found(vec![FoundPiece::Characters(first - 1, last)]);
        let all = [at(1, 4), at(5, 6), at(7, 11)];
        let fits =
            |short_rows, line| Positions::new(short_rows, all.iter(), all.iter(), &[]).fit(line).is_ok();
        for (line, refused, filled, trimmed) in [
            ("S001K 12.34", true, true, true),
            ("S001K 12", false, false, true),
            ("S001K ", false, false, false),
        ] {
            let found = [ShortRows::Refused, ShortRows::Filled, ShortRows::Trimmed].map(|it| fits(it, line));
            assert_eq!(found, [refused, filled, trimmed], "{line:?}");
        }
    }
}
