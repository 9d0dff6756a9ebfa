//! Text files: bytes become characters, characters become rows with the lines that they begin at.

use encoding_rs::Encoding;

use super::delimited::{self, Shape, Signs};
use super::{Cell, CellKind, Interpreted, Row, problem};
use crate::domain::profile::{TableDialect, TableFormat};
use crate::domain::{Problem, ProblemKind};
use crate::pipeline::Part;

/// A part's characters.
pub(super) struct Text {
    head: String,
    rows: String,
    first_line: u64,
}

impl Text {
    /// Decodes by the byte order mark, else by the site's character set, else by the profile's; and says where that
    /// failed first, or that it may be the wrong one.
    pub(super) fn decode(
        part: &Part<'_>,
        dialect: &TableDialect,
        character_set: Option<&'static Encoding>,
    ) -> (Text, Option<Problem>) {
        let marked = if part.head.is_empty() { part.rows } else { part.head };
        let (head, rows) = if part.head.is_empty() {
            (part.head, unmarked(part.rows))
        } else {
            (unmarked(part.head), part.rows)
        };
        let unmarked_as = || dialect.unmarked(character_set);
        let encoding = Encoding::for_bom(marked).map_or_else(unmarked_as, |(encoding, _)| encoding);
        let is_utf_8 = |bytes: &[u8]| !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok();
        let has_a_byte_each = encoding.is_single_byte();
        let seems_other = has_a_byte_each && (is_utf_8(head) || is_utf_8(rows));
        let (head, head_failed) = encoding.decode_without_bom_handling(head);
        let (rows, rows_failed) = encoding.decode_without_bom_handling(rows);
        let text = Text { head: head.into_owned(), rows: rows.into_owned(), first_line: part.first_line };
        let undecodable = (head_failed || rows_failed).then(|| text.undecodable(encoding));
        (text, undecodable.or(seems_other.then(|| of_utf_8(encoding))))
    }

    fn undecodable(&self, encoding: &'static Encoding) -> Problem {
        let broken = |text: &str| text.find(char::REPLACEMENT_CHARACTER);
        let line = match broken(&self.head) {
            Some(at) => Lines::new(&self.head, 1).at(at),
            None => Lines::new(&self.rows, self.first_line).at(broken(&self.rows).unwrap_or_default()),
        };
        let name = encoding.name();
        let text = format!(
            "line {line}: bytes that are not {name}, here and perhaps further on; a replacement character stands for them"
        );
        problem(ProblemKind::UndecodableText, None, text, false)
    }

    /// The rows of the head, blank ones and comments left out.
    pub(super) fn head(&self, dialect: &TableDialect) -> Vec<Vec<String>> {
        let cells = |row: Row<'_>| row.cells.iter().map(|cell| cell.text.to_owned()).collect();
        each_row(&self.head, 1, dialect, None, |rows| rows.map(cells).collect())
    }

    /// Hands the data rows to `read`.
    pub(super) fn rows(
        &self,
        dialect: &TableDialect,
        shape: Shape,
        read: impl FnOnce(&mut dyn Iterator<Item = Row<'_>>) -> Interpreted,
    ) -> Interpreted {
        each_row(&self.rows, self.first_line, dialect, Some(shape), read)
    }
}

/// In a character set of one byte each, letters beyond ASCII hardly ever stand so that they are UTF-8 too.
fn of_utf_8(encoding: &'static Encoding) -> Problem {
    let name = encoding.name();
    let text = format!(
        "it is read as {name}, and what isn't ASCII in it looks like UTF-8: if its letters are wrong, write encoding = \
         \"utf-8\" in the profile's [table], or character_set = \"utf-8\" in the instrument's file"
    );
    problem(ProblemKind::UndecodableText, None, text, false)
}

fn unmarked(bytes: &[u8]) -> &[u8] {
    let length = Encoding::for_bom(bytes).map_or(0, |(_, length)| length);
    bytes.get(length..).unwrap_or_default()
}

fn each_row<T>(
    text: &str,
    first_line: u64,
    dialect: &TableDialect,
    shape: Option<Shape>,
    read: impl FnOnce(&mut dyn Iterator<Item = Row<'_>>) -> T,
) -> T {
    let without = dialect.comment.map(|sign| without_comments(text, sign, dialect));
    let text = without.as_deref().unwrap_or(text);
    match dialect.format {
        TableFormat::Delimited { delimiter, quote } => {
            let signs = Signs { delimiter, quote, comment: dialect.comment };
            delimited::rows(text, first_line, signs, shape, read)
        }
        _ => read(&mut fixed(text, first_line)),
    }
}

/// Each line is one cell, whose characters are told apart by their positions.
fn fixed(text: &str, first_line: u64) -> impl Iterator<Item = Row<'_>> {
    let mut line = first_line;
    let mut number = 0;
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let length = rest.find(['\r', '\n']).unwrap_or(rest.len());
            let (row, after) = rest.split_at_checked(length)?;
            let after = after.strip_prefix("\r\n").or(after.strip_prefix(['\r', '\n'])).unwrap_or(after);
            rest = after;
            line += 1;
            if !row.is_empty() {
                number += 1;
                let cells = vec![Cell { text: row, kind: CellKind::Text }];
                return Some(Row { line: line - 1, number: number - 1, cells, fault: None });
            }
        }
        None
    })
}

/// The text with blank lines in the place of comments. A comment is a row, so that a line in quotes is none.
fn without_comments(text: &str, sign: char, dialect: &TableDialect) -> String {
    let (delimiter, quote) = match dialect.format {
        TableFormat::Delimited { delimiter, quote } => (Some(char::from(delimiter)), quote.map(char::from)),
        _ => (None, None),
    };
    let mut kept = String::with_capacity(text.len());
    let (mut row_start, mut cell_start, mut in_quotes, mut in_comment) = (true, true, false, false);
    for c in text.chars() {
        let ends_row = matches!(c, '\r' | '\n') && !in_quotes;
        in_comment = !ends_row && (in_comment || (row_start && c == sign));
        if !in_comment {
            kept.push(c);
            // A quote within quotes is written twice: it closes them, and opens them again.
            let quotes = Some(c) == quote && (in_quotes || cell_start);
            cell_start = ends_row || (!in_quotes && Some(c) == delimiter) || (quotes && in_quotes);
            in_quotes ^= quotes;
        }
        row_start = ends_row;
    }
    kept
}

/// The line at each of several places, which are asked for in order.
pub(super) struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str, first: u64) -> Lines<'t> {
        Lines { text: text.as_bytes(), at: 0, line: first }
    }

    /// The line of the first character at or behind `offset` that ends no line.
    pub(super) fn at(&mut self, offset: usize) -> u64 {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let blank =
            self.text.get(offset..).unwrap_or_default().iter().take_while(|byte| is_end(byte)).count();
        let passed = self.text.get(self.at..offset + blank).unwrap_or_default();
        let mut after_cr = false;
        for byte in passed.iter() {
            self.line += u64::from(*byte == b'\r' || (*byte == b'\n' && !after_cr));
            after_cr = *byte == b'\r';
        }
        self.at = self.at.max(offset + blank);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::UTF_8;

    fn rows(text: &str, dialect: &TableDialect) -> Vec<String> {
        each_row(text, 1, dialect, None, |rows| {
            let show = |row: Row<'_>| {
                let cells: Vec<_> =
                    row.cells.iter().map(|cell| cell.text.escape_debug().to_string()).collect();
                format!("{}: {}", row.line, cells.join("|"))
            };
            rows.map(show).collect()
        })
    }

    #[test]
    fn each_row_knows_its_line() {
        let csv = TableDialect::default();
        for (text, expected) in [
            ("a,b\n1,2\n", vec!["1: a|b", "2: 1|2"]),
            ("\r\n\r\na,\"x\r\ny\"\r\n1,2\r\n", vec!["3: a|x\\r\\ny", "5: 1|2"]),
            ("a\r\rb\rc", vec!["1: a", "3: b", "4: c"]),
            ("a\n\n\"b\n\nb\"\n\nc\n", vec!["1: a", "3: b\\n\\nb", "7: c"]),
        ] {
            assert_eq!(rows(text, &csv), expected, "{text:?}");
        }
        let fixed = TableDialect { format: TableFormat::Fixed, ..TableDialect::default() };
        assert_eq!(rows("ab \r\n\r\n\"c\nd", &fixed), ["1: ab ", "3: \\\"c", "4: d"]);
    }

    #[test]
    fn a_comment_is_left_out_and_still_counts_as_a_line() {
        let csv = TableDialect { comment: Some('#'), ..TableDialect::default() };
        for (text, expected) in [
            ("#,\"open\na,b\n# x\n1,2\n", vec!["2: a|b", "4: 1|2"]),
            ("a,\"x\n# not a comment\"\n#c\r\n1,#2\n", vec!["1: a|x\\n# not a comment", "4: 1|#2"]),
            ("a,\"q\"\"\n#\"\n#\"\nb\n", vec!["1: a|q\\\"\\n#", "4: b"]),
        ] {
            assert_eq!(rows(text, &csv), expected, "{text:?}");
        }
    }

    #[test]
    fn bytes_are_read_by_their_mark_then_by_the_site_then_by_the_profile() {
        let dialect = TableDialect { encoding: encoding_rs::WINDOWS_1252, ..TableDialect::default() };
        for (head, bytes, site, expected, failed) in [
            (&b""[..], &b"\xEF\xBB\xBF\xC2\xB5"[..], None, "µ", false),
            (b"\xEF\xBB\xBFa\n", b"\xC2\xB5", None, "µ", false),
            (b"\xFF\xFEa\0\n\0", b"\xB5\0", None, "µ", false),
            (b"\xFE\xFF\0a\0\n", b"\0\xB5", None, "µ", false),
            (b"", b"\xB5", None, "µ", false),
            (b"", b"\xC2\xB5", Some(UTF_8), "µ", false),
            (b"a\n", b"x\n\xB5", Some(UTF_8), "x\n\u{FFFD}", true),
        ] {
            let part = Part { head, rows: bytes, first_line: 7 };
            let (text, problem) = Text::decode(&part, &dialect, site);
            assert_eq!((text.rows.as_str(), problem.is_some()), (expected, failed), "{bytes:?}");
            assert!(problem.is_none_or(|problem| problem.text.reveal().starts_with("line 8: ")));
        }
    }
}
