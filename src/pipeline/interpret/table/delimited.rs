//! Rows of delimited text, by the `csv` crate. A row whose quotes are broken gives no result, and of the lines that it
//! ran over only those are read that are rows by themselves: never one with a quote in it.

use super::text::Lines;
use super::{Cell, CellKind, END_OF_TEXT, Row};

/// What stands between cells, around them, and before a comment.
#[derive(Clone, Copy)]
pub(super) struct Signs {
    pub(super) delimiter: u8,
    pub(super) quote: Option<u8>,
    pub(super) comment: Option<char>,
}

/// What a row of the table looks like.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// How many cells it has; `None` where no header tells.
    pub(super) width: Option<usize>,
}

const MISQUOTED: &str = "the quotes in it don't come in pairs around a cell";
const OPEN: &str = "a quote that opens in it isn't closed as it should be";
const BEHIND: &str = "it stands behind a quote that isn't closed as it should be, and is no row by itself";

struct Found {
    at: usize,
    record: csv::StringRecord,
    fault: Option<&'static str>,
}

/// Hands the rows to `read`. Without a shape none of them is at fault.
pub(super) fn rows<T>(
    text: &str,
    first_line: u64,
    signs: Signs,
    shape: Option<Shape>,
    read: impl FnOnce(&mut dyn Iterator<Item = Row<'_>>) -> T,
) -> T {
    let found = find(text, signs, shape);
    let mut lines = Lines::new(text, first_line);
    read(&mut found.iter().zip(0..).map(|(found, number)| {
        let cells = found.record.iter().map(|text| Cell { text, kind: CellKind::Text }).collect();
        Row { line: lines.at(found.at), number, cells, fault: found.fault }
    }))
}

fn find(text: &str, signs: Signs, shape: Option<Shape>) -> Vec<Found> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(signs.delimiter)
        .quoting(signs.quote.is_some())
        .quote(signs.quote.unwrap_or(b'"'))
        .from_reader(text.as_bytes());
    let mut found = Vec::new();
    let mut record = csv::StringRecord::new();
    let mut start = 0;
    while reader.read_record(&mut record).unwrap_or_default() {
        let end = usize::try_from(reader.position().byte()).unwrap_or(text.len());
        let raw = text.get(start..end).unwrap_or_default();
        let row = raw.trim_start_matches(is_line_end);
        let at = start + raw.len() - row.len();
        start = end;
        let row = row.trim_end_matches(is_line_end);
        match shape.and_then(|shape| Some((shape, signs.fault(row, &record, shape)?))) {
            Some((shape, OPEN)) => signs.by_line(row, at, shape, &mut found),
            fault => found.push(Found { at, record: record.clone(), fault: fault.map(|(_, fault)| fault) }),
        }
    }
    found
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\r' | '\n')
}

fn is_blank(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || c == END_OF_TEXT)
}

impl Signs {
    /// What is wrong with the quotes of a row, which may go over several lines.
    fn fault(self, row: &str, record: &csv::StringRecord, shape: Shape) -> Option<&'static str> {
        let quote = self.quote?;
        let quotes = row.bytes().filter(|byte| *byte == quote).count();
        if quotes == 0 {
            return None;
        }
        let is_broken = quotes % 2 == 1 || self.is_misquoted(row, quote);
        if row.contains(is_line_end) {
            (is_broken || self.holds_a_row(record, shape)).then_some(OPEN)
        } else {
            is_broken.then_some(MISQUOTED)
        }
    }

    /// Whether something but blanks stands between a quote that closes a cell and the next cell, or none closes it.
    fn is_misquoted(self, row: &str, quote: u8) -> bool {
        #[derive(Clone, Copy, PartialEq)]
        enum Place {
            Start,
            Cell,
            Quoted,
            /// Behind a quote in quotes.
            Closed,
            /// Behind a blank after that.
            Blank,
        }
        let mut place = Place::Start;
        for byte in row.bytes() {
            let ends_cell = byte == self.delimiter || is_line_end(char::from(byte));
            place = match place {
                Place::Quoted if byte == quote => Place::Closed,
                Place::Quoted => Place::Quoted,
                Place::Closed if byte == quote => Place::Quoted,
                _ if ends_cell => Place::Start,
                Place::Start if byte == quote => Place::Quoted,
                Place::Start | Place::Cell => Place::Cell,
                Place::Closed | Place::Blank if matches!(byte, b' ' | b'\t' | 0x1A) => Place::Blank,
                Place::Closed | Place::Blank => return true,
            };
        }
        place == Place::Quoted
    }

    /// Whether a cell holds a line that has as many cells as a row.
    fn holds_a_row(self, record: &csv::StringRecord, shape: Shape) -> bool {
        let delimiters = shape.width.unwrap_or(record.len()).saturating_sub(1).max(1);
        let is_row = |line: &str| line.bytes().filter(|byte| *byte == self.delimiter).count() >= delimiters;
        record.iter().any(|cell| cell.split(is_line_end).skip(1).any(is_row))
    }

    /// The lines of a row whose quotes are broken, each by itself. In the first one they begin to be.
    fn by_line(self, row: &str, at: usize, shape: Shape, found: &mut Vec<Found>) {
        let mut next = at;
        for line in row.split(is_line_end) {
            let behind = next + line.len() + 1;
            let line_at = std::mem::replace(&mut next, behind);
            let cells: Vec<&str> = line.split(char::from(self.delimiter)).collect();
            let is_row = !self.is_more_than_cells(line) && shape.width == Some(cells.len());
            let fault = match line_at == at {
                true => Some(OPEN),
                false => (!is_row && !is_blank(line)).then_some(BEHIND),
            };
            found.push(Found { at: line_at, record: csv::StringRecord::from(cells), fault });
        }
    }

    /// Whether a line has quotes in it, or is a comment.
    fn is_more_than_cells(self, line: &str) -> bool {
        let is_comment = self.comment.is_some_and(|sign| line.starts_with(sign));
        is_comment || self.quote.is_some_and(|quote| line.contains(char::from(quote)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNS: Signs = Signs { delimiter: b',', quote: Some(b'"'), comment: Some('#') };

    fn seen(text: &str, signs: Signs) -> String {
        rows(text, 1, signs, Some(Shape { width: Some(3) }), |rows| {
            let show = |row: Row<'_>| {
                let cells: Vec<_> =
                    row.cells.iter().map(|cell| cell.text.escape_debug().to_string()).collect();
                let fault = match row.fault {
                    None => "",
                    Some(MISQUOTED) => " misquoted",
                    Some(OPEN) => " open",
                    Some(_) => " behind",
                };
                format!("{} {}{fault}", row.line, cells.join("|"))
            };
            rows.filter(|row| !row.is_blank()).map(show).collect::<Vec<_>>().join("; ")
        })
    }

    #[test]
    fn quotes_stand_around_a_cell_or_are_text_in_pairs() {
        for (row, expected) in [
            ("a,b,c", "1 a|b|c"),
            ("\"a,\"\"b\"\"\",c,d\n", "1 a,\\\"b\\\"|c|d"),
            ("\"a\" ,c,d", "1 a |c|d"),
            ("a,\"b\nc\",d\r\n", "1 a|b\\nc|d"),
            ("3\" or 5\",c,d", "1 3\\\" or 5\\\"|c|d"),
            ("5\" tube,c,d", "1 5\\\" tube|c|d misquoted"),
            ("\"a\"x,c,d", "1 ax|c|d misquoted"),
            ("\"a\" x,c,d", "1 a x|c|d misquoted"),
            ("a,b,\"c", "1 a|b|c misquoted"),
        ] {
            assert_eq!(seen(row, SIGNS), expected, "{row:?}");
            let unquoted = seen(row, Signs { quote: None, ..SIGNS });
            assert!(!unquoted.contains("misquoted"), "{unquoted}");
        }
    }

    #[test]
    fn of_lines_that_a_broken_quote_ran_over_only_whole_rows_without_a_quote_are_read() {
        for (text, expected) in [
            ("a,\"b,c\n1,2,3\n4,5,6\"\n7,8,9\n", "1 a|\\\"b|c open; 2 1|2|3; 3 4|5|6\\\" behind; 4 7|8|9"),
            ("a,\"b,c\r\n\r\n1,2,3\r\n", "1 a|\\\"b|c open; 3 1|2|3"),
            (
                "a,\"b,c\n1,2\n1,2,3,4\n#,2,3\n",
                "1 a|\\\"b|c open; 2 1|2 behind; 3 1|2|3|4 behind; 4 #|2|3 behind",
            ),
            ("a,\"b,c\n\"1\",2,3\n", "1 a|\\\"b|c open; 2 \\\"1\\\"|2|3 behind"),
            ("a,\"b\n1,2,3\nc\",d\n", "1 a|\\\"b open; 2 1|2|3; 3 c\\\"|d behind"),
            ("a,\"b\n1,2\nc\",d\n", "1 a|b\\n1,2\\nc|d"),
        ] {
            assert_eq!(seen(text, SIGNS), expected, "{text:?}");
        }
    }
}
