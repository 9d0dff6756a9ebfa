//! Rows of a file, each read by itself: one that can't be read is a problem with its line, and the rest goes on. What
//! the header doesn't name is never taken by its position.

mod columns;
mod delimited;
mod excel;
mod fixed;
mod row;
mod shown;
mod text;
mod workbook;

use labwire_drop::Cutter;

use super::{Interpreted, RawOrder, RawPatient, RawResult, Written, problem, some};
use crate::domain::ProblemKind;
use crate::domain::profile::{TableDialect, TableFormat};
use crate::pipeline::{Part, Reading};
use columns::Columns;
use delimited::Shape;
use row::RowReader;

/// A row of a table, wherever it came from.
struct Row<'r> {
    /// In the file, from 1.
    line: u64,
    /// In the part, from 0, blank rows left out.
    number: u32,
    cells: Vec<Cell<'r>>,
    /// Why it can't be read, where its form alone says so.
    fault: Option<&'static str>,
}

#[derive(Clone, Copy)]
struct Cell<'r> {
    text: &'r str,
    kind: CellKind,
}

/// SUB, which DOS programs end a file with. Zero bytes are no blanks: where they stand, something is missing.
const END_OF_TEXT: char = '\u{1A}';

/// What a cell is by its own word. Text files know text only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CellKind {
    Text,
    Number,
    Date,
    Error,
    /// It can't be read, and why.
    Spoilt(&'static str),
}

impl Row<'_> {
    fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.text.chars().all(|c| c.is_whitespace() || c == END_OF_TEXT))
    }
}

/// Reads the rows of one part.
pub(super) fn interpret(part: &Part<'_>, dialect: &TableDialect, reading: &Reading) -> Interpreted {
    let part = &apart(*part, dialect);
    let known = |name: &str| reading.profile.tests.contains_key(name) || reading.codes.contains_key(name);
    match &dialect.format {
        TableFormat::Workbook { sheet } => match workbook::read(part.rows, sheet.as_deref(), &dialect.head) {
            Ok(sheet) => {
                let head: Vec<Vec<&str>> =
                    sheet.head.iter().map(|row| row.cells().map(|cell| cell.text).collect()).collect();
                let rows = sheet.rows.iter().zip(0..).map(|(row, number)| Row {
                    line: row.line,
                    number,
                    cells: row.cells().collect(),
                    fault: None,
                });
                match Columns::find(dialect, &head, &known) {
                    Ok(columns) => rows_of(&columns, rows, dialect, reading),
                    Err(fault) => unreadable(fault),
                }
            }
            Err(fault) => unreadable(fault),
        },
        TableFormat::Delimited { .. } | TableFormat::Fixed => {
            let (text, undecodable) = text::Text::decode(part, dialect, reading.character_set);
            let head = text.head(dialect);
            let head: Vec<Vec<&str>> =
                head.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
            let mut out = match Columns::find(dialect, &head, &known) {
                Ok(columns) => {
                    let shape = Shape { width: columns.width };
                    text.rows(dialect, shape, |rows| rows_of(&columns, rows, dialect, reading))
                }
                Err(fault) => unreadable(fault),
            };
            out.problems.extend(undecodable);
            out
        }
    }
}

/// The head apart from the rows, where both come in one run of bytes. Rows behind a head can't begin at line 1: then it
/// is the beginning of the file.
fn apart<'a>(part: Part<'a>, dialect: &TableDialect) -> Part<'a> {
    if !part.head.is_empty() {
        return part;
    }
    let mut cutter = Cutter::new(dialect.contents(None));
    cutter.push(part.rows);
    cutter.finish();
    let length = cutter.head().and_then(|head| usize::try_from(head.end).ok()).unwrap_or_default();
    let (head, rows) = part.rows.split_at_checked(length).unwrap_or((&[], part.rows));
    let first_line = match (part.first_line, cutter.poll()) {
        (1, Some(first)) => first.first_line,
        (said, _) => said,
    };
    Part { head, rows, first_line }
}

fn rows_of<'r>(
    columns: &Columns<'_>,
    rows: impl Iterator<Item = Row<'r>>,
    dialect: &TableDialect,
    reading: &Reading,
) -> Interpreted {
    let mut reader = RowReader::new(dialect, columns, reading.decimal_separator);
    let mut rows = rows.filter(|row| !row.is_blank() || row.fault.is_some()).peekable();
    while let Some(row) = rows.next() {
        reader.row(&row, rows.peek().is_none());
    }
    reader.finish()
}

/// All of the part in one problem.
fn unreadable(fault: String) -> Interpreted {
    Interpreted {
        problems: vec![problem(ProblemKind::Unreadable, None, fault, false)],
        ..Interpreted::default()
    }
}
