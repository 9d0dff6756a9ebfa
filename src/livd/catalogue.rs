//! The rows of a LIVD table by the names of their columns, as the LIVD guide and the tables that follow it call them. A row
//! that can't be used is kept with its number and the reason.

use std::collections::{BTreeMap, BTreeSet};

use super::sheet::{Cell, Row, Sheet};
use crate::domain::is_loinc;

/// How many rows may stand above the one that names the columns.
const DEEPEST_HEADER: usize = 50;

/// Each column by what it holds, and the names that it goes by, in the order in which they count.
const COLUMNS: [(Column, &[&str]); 9] = [
    (Column::Code, &["vendor analyte code", "vendor transmission code"]),
    (Column::Loinc, &["loinc code", "test performed loinc code", "loinc"]),
    (Column::Manufacturer, &["manufacturer"]),
    (Column::Model, &["model"]),
    (Column::Name, &["vendor analyte name"]),
    (Column::Specimen, &["vendor specimen description"]),
    (Column::Result, &["vendor result description"]),
    (Column::Comment, &["vendor comment"]),
    (Column::LongName, &["loinc long name", "loinc long common name", "test performed loinc long name"]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Code,
    Loinc,
    Manufacturer,
    Model,
    Name,
    Specimen,
    Result,
    Comment,
    LongName,
}

/// Which analyzer a row is about, as the table calls it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Model {
    pub manufacturer: String,
    pub model: String,
}

/// What a table says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    pub entries: Vec<Entry>,
    /// In the order of the table.
    pub unused: Vec<Unused>,
}

/// A code of one model, with what the manufacturer says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub row: u64,
    pub model: Model,
    /// As the analyzer transmits it.
    pub code: String,
    /// It is a number in a workbook: zeros before it may be missing.
    pub may_lack_zeros: bool,
    /// With its check digit; or why there is none.
    pub loinc: Result<String, String>,
    pub name: String,
    pub specimen: String,
    pub result: String,
    pub comment: String,
    pub long_name: String,
}

/// A row of which nothing could be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    pub row: u64,
    pub why: String,
}

impl Catalogue {
    /// Reads the sheet that has the columns of a LIVD table; of several, the one called `wanted`.
    ///
    /// # Errors
    /// No sheet has them, or several have and none is wanted.
    pub fn read(sheets: &[Sheet], wanted: Option<&str>) -> Result<Catalogue, String> {
        let named = |sheet: &&Sheet| wanted.is_none_or(|name| name == sheet.name);
        let tables = sheets.iter().filter(named).filter_map(|sheet| Some((sheet, header(sheet)?)));
        let tables: Vec<(&Sheet, Header)> = tables.collect();
        match tables.as_slice() {
            [(sheet, header)] => Ok(of_table(sheet, header)),
            [] => Err(missing(sheets, wanted)),
            several => {
                let names: Vec<String> =
                    several.iter().map(|(sheet, _)| format!("{:?}", sheet.name)).collect();
                Err(format!("several sheets are LIVD tables; say which with --sheet: {}", names.join(", ")))
            }
        }
    }

    /// The models that it is about, in order.
    pub fn models(&self) -> BTreeSet<&Model> {
        self.entries.iter().map(|entry| &entry.model).collect()
    }
}

struct Header {
    /// Where in the sheet it stands.
    at: usize,
    columns: BTreeMap<Column, usize>,
}

/// The first row that names a code's column and a LOINC one. A name that stands twice makes it none.
fn header(sheet: &Sheet) -> Option<Header> {
    sheet.rows.iter().take(DEEPEST_HEADER).enumerate().find_map(|(at, row)| {
        let columns: BTreeMap<Column, usize> =
            COLUMNS.iter().filter_map(|(column, names)| Some((*column, find(row, names)?))).collect();
        let whole = columns.contains_key(&Column::Code) && columns.contains_key(&Column::Loinc);
        whole.then_some(Header { at, columns })
    })
}

fn find(row: &Row, names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| {
        let is = |cell: &Cell| cell.text().is_some_and(|text| spelt(text) == *name);
        let mut found = row.cells.iter().enumerate().filter(|(_, cell)| is(cell));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Some(at),
            _ => None,
        }
    })
}

/// A column's name without what typesetting adds.
fn spelt(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('*').to_lowercase()
}

fn missing(sheets: &[Sheet], wanted: Option<&str>) -> String {
    if let Some(name) = wanted.filter(|name| sheets.iter().all(|sheet| sheet.name != *name)) {
        let names: Vec<&str> = sheets.iter().map(|sheet| sheet.name.as_str()).collect();
        return format!("there is no sheet {name:?}, but {}", names.join(", "));
    }
    "no row names the columns of a LIVD table: \"Vendor Analyte Code\" and \"LOINC Code\", each once"
        .to_owned()
}

fn of_table(sheet: &Sheet, header: &Header) -> Catalogue {
    let mut catalogue = Catalogue { entries: Vec::new(), unused: Vec::new() };
    for row in sheet.rows.iter().skip(header.at + 1) {
        let blank = |cell: &Cell| matches!(cell, Cell::Text(text) if text.trim().is_empty());
        if row.cells.iter().all(blank) {
            continue;
        }
        match entry(row, &header.columns) {
            Ok(entry) => catalogue.entries.push(entry),
            Err(why) => catalogue.unused.push(Unused { row: row.number, why }),
        }
    }
    catalogue
}

fn entry(row: &Row, columns: &BTreeMap<Column, usize>) -> Result<Entry, String> {
    let cell = |column| columns.get(&column).and_then(|at| row.cells.get(*at));
    let text = |column| cell(column).and_then(Cell::text).unwrap_or_default().to_owned();
    let code = match cell(Column::Code) {
        Some(Cell::Spoilt(why)) => return Err(format!("its code can't be read: {why}")),
        Some(cell) => cell.text().ok_or("it has no code")?,
        None => return Err("it has no code".to_owned()),
    };
    if code.chars().any(char::is_control) {
        return Err(format!("its code {code:?} holds a line break or another control character"));
    }
    let loinc = match cell(Column::Loinc) {
        Some(Cell::Spoilt(why)) => Err(format!("its LOINC code can't be read: {why}")),
        cell => match cell.and_then(Cell::text) {
            None => Err("it has no LOINC code".to_owned()),
            Some(text) if is_loinc(text) => Ok(text.to_owned()),
            Some(text) => Err(format!("{text:?} is no LOINC code: form or check digit is wrong")),
        },
    };
    Ok(Entry {
        row: row.number,
        model: Model { manufacturer: text(Column::Manufacturer), model: text(Column::Model) },
        code: code.to_owned(),
        may_lack_zeros: matches!(cell(Column::Code), Some(Cell::Number(_))),
        loinc,
        name: text(Column::Name),
        specimen: text(Column::Specimen),
        result: text(Column::Result),
        comment: text(Column::Comment),
        long_name: text(Column::LongName),
    })
}
