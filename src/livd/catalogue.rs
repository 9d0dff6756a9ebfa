//! The rows of a LIVD table by the names of their columns, as the LIVD guide and the tables that follow it call them. A row
//! that can't be used is kept with its number and the reason.

use std::collections::{BTreeMap, BTreeSet};

use super::sheet::{Cell, Row, Sheet};
use crate::domain::is_loinc;

/// What people write for "as above".
const DITTO: [&str; 5] = ["\"", "''", "″", "〃", "ditto"];

/// How many rows may stand above the one that names the columns.
const DEEPEST_HEADER: usize = 50;

/// Each column by what it holds, and the names that it goes by, in the order in which they count.
const COLUMNS: [(Column, &[&str]); 10] = [
    (Column::Code, &["vendor analyte code", "vendor transmission code"]),
    (Column::Loinc, &["loinc code", "loinc"]),
    (Column::Performed, &["test performed loinc code"]),
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
    /// The LOINC code as tables of tests for one disease call it.
    Performed,
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
    /// The row below it has a LOINC code and no code of its own, as where cells are merged: it may belong to this one.
    pub may_go_on: bool,
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
        let has = |column| columns.contains_key(&column);
        let whole = has(Column::Code) && (has(Column::Loinc) || has(Column::Performed));
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
    // Where the entry of the row above stands, or that which it may belong to.
    let mut above: Option<usize> = None;
    for row in sheet.rows.iter().skip(header.at + 1) {
        let blank = |cell: &Cell| matches!(cell, Cell::Text(text) if text.trim().is_empty());
        match row.cells.iter().filter(|cell| !blank(cell)).count() {
            0 => {
                above = None;
                continue;
            }
            1 if header.columns.len() > 2 => {
                let why = "only one of its cells says something, as in a note".to_owned();
                catalogue.unused.push(Unused { row: row.number, why });
                continue;
            }
            _ => {}
        }
        match entry(row, &header.columns) {
            Ok(entry) => {
                above = Some(catalogue.entries.len());
                catalogue.entries.push(entry);
            }
            Err(Useless::NoCode { has_loinc }) => {
                let why = "it has no code".to_owned();
                catalogue.unused.push(Unused { row: row.number, why });
                if let Some(entry) = above.and_then(|at| catalogue.entries.get_mut(at)) {
                    entry.may_go_on |= has_loinc;
                }
            }
            Err(Useless::Because(why)) => {
                above = None;
                catalogue.unused.push(Unused { row: row.number, why });
            }
        }
    }
    catalogue
}

/// Why nothing of a row can be used.
enum Useless {
    NoCode { has_loinc: bool },
    Because(String),
}

fn entry(row: &Row, columns: &BTreeMap<Column, usize>) -> Result<Entry, Useless> {
    let cell = |column| columns.get(&column).and_then(|at| row.cells.get(*at));
    let text = |column| cell(column).and_then(Cell::text).unwrap_or_default().to_owned();
    let loinc = loinc(cell(Column::Loinc), cell(Column::Performed));
    if let Some(Cell::Spoilt(why)) = cell(Column::Code) {
        return Err(Useless::Because(format!("its code can't be read: {why}")));
    }
    let code = cell(Column::Code).and_then(Cell::text).filter(|text| !DITTO.contains(&&*text.to_lowercase()));
    let code = code.ok_or(Useless::NoCode { has_loinc: loinc.is_ok() })?;
    if code.chars().any(char::is_control) {
        let why = format!("its code {code:?} holds a line break or another control character");
        return Err(Useless::Because(why));
    }
    Ok(Entry {
        row: row.number,
        model: Model { manufacturer: text(Column::Manufacturer), model: text(Column::Model) },
        code: code.to_owned(),
        may_lack_zeros: matches!(cell(Column::Code), Some(Cell::Number(_))),
        loinc,
        may_go_on: false,
        name: text(Column::Name),
        specimen: text(Column::Specimen),
        result: text(Column::Result),
        comment: text(Column::Comment),
        long_name: text(Column::LongName),
    })
}

/// What the one or two columns of LOINC codes say of a row.
fn loinc(one: Option<&Cell>, other: Option<&Cell>) -> Result<String, String> {
    let read = |cell: Option<&Cell>| match cell {
        Some(Cell::Spoilt(why)) => Some(Err(format!("its LOINC code can't be read: {why}"))),
        cell => cell.and_then(Cell::text).map(|text| match is_loinc(text) {
            true => Ok(text.to_owned()),
            false => Err(format!("{text:?} is no LOINC code: form or check digit is wrong")),
        }),
    };
    match (read(one), read(other)) {
        (None, None) => Err("it has no LOINC code".to_owned()),
        (Some(Ok(one)), Some(Ok(other))) if one != other => {
            Err(format!("its columns give two LOINC codes, {one} and {other}"))
        }
        (Some(Err(why)), _) | (_, Some(Err(why))) => Err(why),
        (Some(Ok(code)), _) | (None, Some(Ok(code))) => Ok(code),
    }
}
