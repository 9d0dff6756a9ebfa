//! A CSV file or a workbook as rows of texts, each with its number as a person sees it. Knows nothing of LIVD. What a
//! spreadsheet made of a text is told, never guessed back.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};

/// The largest file that is read, in bytes.
const LONGEST: usize = 64 * 1024 * 1024;
/// What a CSV may have between its fields.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// One sheet of a workbook, or a whole CSV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Empty for a CSV file.
    pub name: String,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The row's number in its workbook, or the line of the file on which it begins; from 1.
    pub number: u64,
    pub cells: Vec<Cell>,
}

/// A cell's text, or what a spreadsheet made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    /// A number: zeros before it may have been lost.
    Number(String),
    /// A date or an error stands where a text did.
    Spoilt(&'static str),
}

impl Cell {
    /// Without what is around it; `None` where nothing is left.
    pub fn text(&self) -> Option<&str> {
        match self {
            Cell::Text(text) | Cell::Number(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            Cell::Spoilt(_) => None,
        }
    }
}

/// Reads a file: a workbook if it begins as one, else CSV in each of the ways that spreadsheets write it. The caller takes
/// the sheet that has what it looks for.
///
/// # Errors
/// A sentence for a person: it is too large, no text, or a workbook that can't be read.
pub fn sheets(bytes: &[u8]) -> Result<Vec<Sheet>, String> {
    if bytes.len() > LONGEST {
        return Err(format!("the file has more than {} MiB", LONGEST / (1024 * 1024)));
    }
    match bytes.starts_with(b"PK\x03\x04") {
        true => workbook(bytes),
        false => text(bytes),
    }
}

fn workbook(bytes: &[u8]) -> Result<Vec<Sheet>, String> {
    let failed = |error: calamine::XlsxError| format!("the workbook can't be read: {error}");
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(failed)?;
    let mut sheets = Vec::new();
    for name in workbook.sheet_names() {
        let range = workbook.worksheet_range(&name).map_err(failed)?;
        let first = range.start().map_or(0, |(row, _)| row);
        let rows = (u64::from(first) + 1..).zip(range.rows());
        let row = |(number, cells): (u64, &[Data])| Row { number, cells: cells.iter().map(cell).collect() };
        sheets.push(Sheet { name, rows: rows.map(row).collect() });
    }
    Ok(sheets)
}

fn cell(data: &Data) -> Cell {
    match data {
        Data::Empty => Cell::Text(String::new()),
        Data::String(text) => Cell::Text(text.clone()),
        Data::Bool(truth) => Cell::Text(if *truth { "TRUE" } else { "FALSE" }.to_owned()),
        Data::Int(number) => Cell::Number(number.to_string()),
        Data::Float(number) => Cell::Number(number.to_string()),
        Data::DateTime(_) | Data::DateTimeIso(_) | Data::DurationIso(_) => {
            Cell::Spoilt("a spreadsheet made a date of it")
        }
        Data::Error(_) => Cell::Spoilt("a spreadsheet shows an error in it"),
    }
}

fn text(bytes: &[u8]) -> Result<Vec<Sheet>, String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} isn't UTF-8; save the file as CSV in UTF-8, or as XLSX")
    })?;
    DELIMITERS.iter().map(|delimiter| delimited(text, *delimiter)).collect()
}

fn delimited(text: &str, delimiter: u8) -> Result<Sheet, String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    let (mut number, mut counted) = (1, 0);
    for record in reader.records() {
        let record = record.map_err(|error| format!("the CSV can't be read: {error}"))?;
        let at =
            record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(counted);
        // The line breaks before a record count as its own; the reader's line is that of the first of them.
        let breaks = text.as_bytes().iter().skip(at).take_while(|byte| matches!(byte, b'\r' | b'\n'));
        let begins = at + breaks.count();
        let passed = text.as_bytes().iter().take(begins).skip(counted).filter(|byte| **byte == b'\n').count();
        number += u64::try_from(passed).unwrap_or(u64::MAX);
        counted = begins;
        rows.push(Row { number, cells: record.iter().map(|cell| Cell::Text(cell.to_owned())).collect() });
    }
    Ok(Sheet { name: String::new(), rows })
}
