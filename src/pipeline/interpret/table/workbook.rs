//! XLSX workbooks, by `calamine`: the cells of one sheet as the text that they hold. Bounded: the file's size by who
//! stores it, the archive's contents and the number of cells here.

use std::collections::BTreeSet;
use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};
use labwire_drop::Head;

use super::shown::{Shown, shown};
use super::{Cell, CellKind};

/// The most cells of a sheet.
const MOST_CELLS: usize = 500_000;
/// The most columns: a result's record number leaves room for so many.
const MOST_COLUMNS: u32 = 1024;
/// How much longer an archive's contents may be than the archive.
const MOST_UNPACKED: u64 = 128 * 1024 * 1024;

/// A sheet, its head apart from its data.
pub(super) struct Sheet {
    pub(super) head: Vec<SheetRow>,
    pub(super) rows: Vec<SheetRow>,
}

pub(super) struct SheetRow {
    /// The row's number in the sheet, from 1.
    pub(super) line: u64,
    cells: Vec<(String, CellKind)>,
}

impl SheetRow {
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.cells.iter().map(|(text, kind)| Cell { text, kind: *kind })
    }
}

/// Reads a sheet by its name, or the first one.
///
/// # Errors
/// A sentence for a technician.
pub(super) fn read(bytes: &[u8], sheet: Option<&str>, head: &Head) -> Result<Sheet, String> {
    if unpacked(bytes).is_none_or(|length| length > MOST_UNPACKED) {
        let most = MOST_UNPACKED / (1024 * 1024);
        return Err(format!("the workbook can't be read, or holds more than {most} MiB when unpacked"));
    }
    let mut workbook: Xlsx<_> =
        Xlsx::new(Cursor::new(bytes)).map_err(|error| format!("the workbook can't be read: {error}"))?;
    let names = workbook.sheet_names();
    let name = match sheet {
        Some(name) if names.iter().any(|it| it == name) => name.to_owned(),
        Some(name) => return Err(format!("the workbook has no sheet {name:?}, but {}", names.join(", "))),
        None => names.into_iter().next().ok_or("the workbook has no sheet")?,
    };
    let rows = rows(&mut workbook, &name)?;
    split(rows, head)
}

fn rows(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Vec<SheetRow>, String> {
    let failed = |error| format!("the sheet can't be read: {error}");
    let uncomputed = uncomputed(workbook, sheet).map_err(failed)?;
    let mut reader = workbook.worksheet_cells_reader(sheet).map_err(failed)?;
    let mut rows: Vec<SheetRow> = Vec::new();
    let mut cells = 0;
    while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(failed)? {
        let (row, column) = cell.get_position();
        let line = u64::from(row) + 1;
        let content = match uncomputed.contains(&(row, column)) {
            true => ("=".to_owned(), CellKind::Spoilt("its cell holds a formula without the result")),
            false => {
                let format = reader.styles().get(style).and_then(|it| it.number_format.as_ref());
                let shown = format.map_or(Shown::AsItIs, |it| shown(&it.format_code));
                as_shown(content(cell.get_value()), shown)
            }
        };
        if content.0.is_empty() {
            continue;
        }
        cells += 1;
        if cells > MOST_CELLS || column >= MOST_COLUMNS {
            return Err(format!(
                "the sheet has more than {MOST_CELLS} cells or {MOST_COLUMNS} columns; export fewer at a time"
            ));
        }
        if rows.last().is_none_or(|last| last.line != line) {
            rows.push(SheetRow { line, cells: Vec::new() });
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if let Some(last) = rows.last_mut() {
            last.cells.resize(column.max(last.cells.len()), (String::new(), CellKind::Text));
            last.cells.push(content);
        }
    }
    Ok(rows)
}

/// Where formulas stand without what came of them: who wrote the workbook didn't reckon.
fn uncomputed(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<BTreeSet<(u32, u32)>, XlsxError> {
    let mut reader = workbook.worksheet_cells_reader(sheet)?;
    let mut found = BTreeSet::new();
    while let Some(cell) = reader.next_cell_with_formula_metadata()? {
        if cell.formula.is_some() && content(&cell.value).0.is_empty() {
            found.insert(cell.pos);
        }
    }
    Ok(found)
}

fn as_shown((text, kind): (String, CellKind), shown: Shown) -> (String, CellKind) {
    match (kind, shown) {
        (CellKind::Number, Shown::Otherwise) => (
            text,
            CellKind::Spoilt(
                "its cell shows the number otherwise than it is, as a percentage, scaled or with a text",
            ),
        ),
        (CellKind::Number, Shown::Padded(digits)) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            (format!("{text:0>digits$}"), kind)
        }
        _ => (text, kind),
    }
}

/// Rows that are blank are not in the sheet; those of the head count all the same.
fn split(rows: Vec<SheetRow>, head: &Head) -> Result<Sheet, String> {
    let last = match head {
        Head::Rows(number) => u64::from(*number),
        Head::First { more } => rows.first().map_or(0, |row| row.line) + u64::from(*more),
        Head::Through { begins, more } => {
            let first = |row: &&SheetRow| row.cells.first().is_some_and(|(text, _)| text.starts_with(begins));
            let header = rows.iter().find(first);
            let header = header.ok_or(format!("the sheet has no header row that begins with {begins:?}"))?;
            header.line + u64::from(*more)
        }
    };
    let (head, rows) = rows.into_iter().partition(|row| row.line <= last);
    Ok(Sheet { head, rows })
}

/// A number is the shortest text that reads as the same number: what was typed, without the noise of its binary form.
fn content(value: &DataRef<'_>) -> (String, CellKind) {
    match value {
        DataRef::Empty => (String::new(), CellKind::Text),
        DataRef::String(text) => (text.clone(), CellKind::Text),
        DataRef::SharedString(text) => ((*text).to_owned(), CellKind::Text),
        DataRef::Bool(truth) => (if *truth { "TRUE" } else { "FALSE" }.to_owned(), CellKind::Text),
        DataRef::Int(number) => (number.to_string(), CellKind::Number),
        DataRef::Float(number) => (number.to_string(), CellKind::Number),
        DataRef::DateTime(time) if (0.0..1.0).contains(&time.as_f64()) => (time_of_day(time), CellKind::Date),
        DataRef::DateTime(time) if time.is_datetime() => (date_time(time), CellKind::Date),
        DataRef::DateTime(time) => (time.as_f64().to_string(), CellKind::Date),
        DataRef::DateTimeIso(text) => (text.replacen('T', " ", 1), CellKind::Date),
        DataRef::DurationIso(text) => (text.clone(), CellKind::Date),
        DataRef::Error(error) => (error.to_string(), CellKind::Error),
    }
}

/// A date and time as `2026-05-01 08:30:00`, a date alone without a time.
fn date_time(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second) {
        (0, 0, 0) => date,
        (hour, minute, second) => format!("{date} {hour:02}:{minute:02}:{second:02}"),
    }
}

/// A time without a date as `08:30:00`, so that both can stand in columns of their own.
fn time_of_day(time: &ExcelDateTime) -> String {
    let (.., hour, minute, second, _) = time.to_ymd_hms_milli();
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// What the archive says that its contents take, in bytes: the sum over its directory. `None` where there is none.
fn unpacked(bytes: &[u8]) -> Option<u64> {
    let word = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let end = bytes.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let mut at = usize::try_from(long(end + 16)?).ok()?;
    let mut sum = 0;
    for _ in 0..word(end + 10)? {
        if bytes.get(at..at + 4)? != b"PK\x01\x02" {
            return None;
        }
        sum += u64::from(long(at + 24)?);
        let names = usize::from(word(at + 28)?) + usize::from(word(at + 30)?) + usize::from(word(at + 32)?);
        at += 46 + names;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn a_number_is_the_shortest_text_that_reads_the_same() {
        for (stored, expected) in [
            ("4.0999999999999996", "4.1"),
            ("0.10000000000000001", "0.1"),
            ("25.711", "25.711"),
            ("16.483999252319336", "16.483999252319336"),
            ("1E5", "100000"),
            ("118248.2", "118248.2"),
            ("0.00000012", "0.00000012"),
            ("-3", "-3"),
        ] {
            let number: f64 = stored.parse().unwrap();
            assert_eq!(content(&DataRef::Float(number)), (expected.to_owned(), CellKind::Number), "{stored}");
        }
    }

    #[test]
    fn a_date_a_time_and_both_are_texts_of_their_own() {
        let cell = |serial, kind| content(&DataRef::DateTime(ExcelDateTime::new(serial, kind, false))).0;
        for (serial, expected) in [
            (46143.0, "2026-05-01"),
            (46143.354166666664, "2026-05-01 08:30:00"),
            (0.354166666666667, "08:30:00"),
            (0.0, "00:00:00"),
            (0.999988425925926, "23:59:59"),
        ] {
            assert_eq!(cell(serial, ExcelDateTimeType::DateTime), expected, "{serial}");
        }
        assert_eq!(cell(0.5, ExcelDateTimeType::TimeDelta), "12:00:00");
    }

    #[test]
    fn what_is_no_workbook_is_a_sentence() {
        for bytes in [
            &b""[..],
            b"PK\x05\x06",
            b"Well,CT\n",
            &[0x50, 0x4B, 5, 6, 0, 0, 0, 0, 1, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
        ] {
            assert!(read(bytes, None, &Head::Rows(1)).is_err());
        }
    }
}
