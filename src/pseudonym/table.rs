//! Rows of a table whose columns have names, each a result: the cells of the columns that the profile reads as a code, a
//! value and the like stay. Other forms of tables aren't taken apart.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Keep, Pseudonyms, fits, pieces};
use crate::domain::SampleClass;
use crate::domain::profile::{Layout, Profile, TableDialect, TableFormat, TableLocation, TablePiece, Told};

/// As short as a kind of row is written, and no name. Something else in its place might by chance be what the profile expects.
const KIND: usize = 3;

/// What says who it is.
const PRIVATE: [Told; 6] = [
    Told::Specimen,
    Told::PatientId,
    Told::PatientName,
    Told::BirthDate,
    Told::PatientLocation,
    Told::Operator,
];

pub(super) fn disguise(
    rows: &mut [u8],
    dialect: &TableDialect,
    profile: &Profile,
    pseudonyms: &mut Pseudonyms,
) -> Result<(), &'static str> {
    let (TableFormat::Delimited { delimiter, quote }, Layout::Results(aspects)) =
        (&dialect.format, &dialect.layout)
    else {
        return Err("its table has no columns with names, a result a row");
    };
    let names = |wanted: &dyn Fn(&Told) -> bool| -> BTreeSet<&str> {
        let places = dialect.places.iter().filter(|(told, _)| wanted(told)).flat_map(|(_, places)| places);
        places.flat_map(|place| &place.0).filter_map(named).collect()
    };
    let private = names(&|told| PRIVATE.contains(told));
    let mut values = names(&|told| *told == Told::Value);
    values.extend(aspects.values().flatten().flat_map(|place| &place.0).filter_map(named));
    let times = names(&|told| matches!(told, Told::Started | Told::Completed));
    let states = names(&|told| matches!(told, Told::Status | Told::Flags));
    let ranges = names(&|told| *told == Told::Range);
    let codes = names(&|told| !PRIVATE.contains(told));
    let lines = cells(rows, *delimiter, *quote);
    let text =
        |range: &Range<usize>| rows.get(range.clone()).map(|cell| unquoted(cell, *quote)).unwrap_or_default();
    let is_header = |row: &&Vec<Range<usize>>| {
        let cells: BTreeSet<String> = row.iter().map(&text).collect();
        values.iter().all(|name| cells.contains(*name)) && private.iter().any(|name| cells.contains(*name))
    };
    let header = lines.iter().position(|row| is_header(&row)).ok_or("no row of it names its columns")?;
    let columns: Vec<String> = lines.get(header).into_iter().flatten().map(&text).collect();
    // What the profile expects in so many words is no name.
    let controls = dialect
        .classes
        .iter()
        .filter(|(_, class)| matches!(class, Some(SampleClass::Control | SampleClass::Calibration)));
    let expected: Vec<_> = controls.map(|it| &it.0).chain(dialect.pins.iter().map(|it| &it.0)).collect();
    let kinds: BTreeSet<&str> = dialect.pins.iter().flat_map(|it| &it.0.at.0).filter_map(named).collect();
    let is_expected = |name: &str, cell: &[u8]| {
        expected
            .iter()
            .any(|rule| rule.at.0.iter().filter_map(named).any(|it| it == name) && fits(&rule.is, cell))
    };
    let keep = |row: usize, column: usize, cell: &[u8]| match columns.get(column).map(String::as_str) {
        _ if row == header => Keep::Yes,
        Some(name) if row > header && is_expected(name, cell) => Keep::Yes,
        Some(_) if row < header => Keep::No,
        Some(name) if private.contains(name) => Keep::Names,
        Some(name) if kinds.contains(name) && cell.len() <= KIND => Keep::Yes,
        Some(name) if values.contains(name) => Keep::AsValue,
        Some(name) if times.contains(name) => Keep::AsTime,
        Some(name) if states.contains(name) => Keep::AsStatus,
        Some(name) if ranges.contains(name) => Keep::AsRange,
        Some(name) if codes.contains(name) => Keep::AsCode,
        _ => Keep::No,
    };
    for (row, cells) in lines.iter().enumerate() {
        for (column, range) in cells.iter().enumerate() {
            if let Some(cell) = rows.get_mut(inner(range, rows_quote(rows, range, *quote))) {
                let keep = keep(row, column, cell);
                pseudonyms.judge(cell, keep, profile);
            }
        }
    }
    Ok(())
}

fn named(piece: &TablePiece) -> Option<&str> {
    match piece {
        TablePiece::At(TableLocation::Named(name)) => Some(name),
        _ => None,
    }
}

/// Whether a cell stands in quotes.
fn rows_quote(rows: &[u8], range: &Range<usize>, quote: Option<u8>) -> bool {
    let cell = rows.get(range.clone()).unwrap_or_default();
    cell.len() >= 2 && quote.is_some() && cell.first().copied() == quote && cell.last().copied() == quote
}

fn inner(range: &Range<usize>, quoted: bool) -> Range<usize> {
    if quoted { range.start + 1..range.end - 1 } else { range.clone() }
}

fn unquoted(cell: &[u8], quote: Option<u8>) -> String {
    let is_quoted = rows_quote(cell, &(0..cell.len()), quote);
    String::from_utf8_lossy(cell.get(inner(&(0..cell.len()), is_quoted)).unwrap_or_default())
        .trim_start_matches('\u{feff}')
        .to_owned()
}

/// The cells of each row; a line's end within quotes ends no row.
fn cells(rows: &[u8], delimiter: u8, quote: Option<u8>) -> Vec<Vec<Range<usize>>> {
    let mut lines = vec![Vec::new()];
    let (mut start, mut is_open) = (0, false);
    for (at, byte) in rows.iter().enumerate() {
        is_open ^= Some(*byte) == quote;
        if is_open || ![delimiter, b'\r', b'\n'].contains(byte) {
            continue;
        }
        if let Some(line) = lines.last_mut() {
            line.push(start..at);
        }
        start = at + 1;
        if *byte != delimiter {
            lines.push(Vec::new());
        }
    }
    if let Some(line) = lines.last_mut() {
        line.extend(pieces(rows.get(start..).unwrap_or_default(), start, None));
    }
    lines
}
