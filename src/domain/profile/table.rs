//! A model whose results come as a table in a file: where the table lies in it, and which column keeps what. Knows no
//! file and reads none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use labwire_drop::{Contents, Ending, Head, LONGEST_ROWS, LONGEST_WORKBOOK, MOST_ROWS, Rows, Units};

use super::{Pattern, TestColumns};
use crate::domain::SampleClass;

/// The model's way with its files. The default is a file of comma-separated values whose first row is the header.
#[derive(Debug, Clone, PartialEq)]
pub struct TableDialect {
    pub format: TableFormat,
    /// A byte order mark and the instrument's own character set come before it.
    pub encoding: &'static Encoding,
    /// The rows up to the last one that isn't data.
    pub head: Head,
    pub header: Header,
    /// What a row begins with that is a comment: one ASCII character.
    pub comment: Option<char>,
    pub ending: Ending,
    pub short_rows: ShortRows,
    /// Characters of a row of fixed width that hold something and aren't read, from 1, both included.
    pub unread: Vec<(usize, usize)>,
    pub empty_values: EmptyValues,
    pub layout: Layout,
    pub places: BTreeMap<Told, Vec<TablePlace>>,
    /// Parts of which a file may have no column.
    pub optional: BTreeSet<Told>,
    /// What stands between several flags in one cell.
    pub flag_separator: Option<char>,
    /// How times are written, as `strptime` formats: the first that fits counts.
    pub times: Vec<String>,
    /// Parts of a row that are only understood with one content.
    pub pins: Vec<(TableRule, String)>,
    /// Whose a sample is. The first rule that matches decides; `None`: it can't be told.
    pub classes: Vec<(TableRule, Option<SampleClass>)>,
    /// What makes a row something else than a result, such as a sum.
    pub not_results: Vec<TableRule>,
}

impl Default for TableDialect {
    fn default() -> TableDialect {
        TableDialect {
            format: TableFormat::Delimited { delimiter: b',', quote: Some(b'"') },
            encoding: UTF_8,
            head: Head::First { more: 0 },
            header: Header::Last,
            comment: None,
            ending: Ending::Line,
            short_rows: ShortRows::Refused,
            unread: Vec::new(),
            empty_values: EmptyValues::Absent,
            layout: Layout::Results(BTreeMap::new()),
            places: BTreeMap::new(),
            optional: BTreeSet::new(),
            flag_separator: None,
            times: Vec::new(),
            pins: Vec::new(),
            classes: Vec::new(),
            not_results: Vec::new(),
        }
    }
}

/// How cells are written that a workbook itself says to be times.
const SHEET_TIMES: [&str; 3] = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"];

/// The most rows of a part where each is a specimen: some dozens of results come of each.
const MOST_SPECIMENS: u64 = 40;

impl TableDialect {
    /// With these formats of its times.
    pub fn with_times(self, mut times: Vec<String>) -> TableDialect {
        if let TableFormat::Workbook { .. } = self.format {
            times.extend(SHEET_TIMES.map(str::to_owned));
        }
        TableDialect { times, ..self }
    }

    /// The formats of times that the profile or the site names, without those of a sheet's own cells.
    pub fn named_times(&self) -> &[String] {
        let own = match self.format {
            TableFormat::Workbook { .. } => self.times.len().saturating_sub(SHEET_TIMES.len()),
            _ => self.times.len(),
        };
        self.times.get(..own).unwrap_or_default()
    }

    /// The character set of a file without a byte order mark. Whether a model writes two bytes a character is no matter
    /// of its region, so the site's word counts for the others only.
    pub fn unmarked(&self, site: Option<&'static Encoding>) -> &'static Encoding {
        match self.encoding {
            wide if wide == UTF_16LE || wide == UTF_16BE => wide,
            usual => site.unwrap_or(usual),
        }
    }

    /// What a file of this model holds, as far as it takes to cut it, in an encoding that the site may know better.
    pub fn contents(&self, encoding: Option<&'static Encoding>) -> Contents {
        let (delimiter, quote) = match &self.format {
            TableFormat::Delimited { delimiter, quote } => (Some(*delimiter), *quote),
            TableFormat::Fixed => (None, None),
            TableFormat::Workbook { .. } => return Contents::Workbook { longest: LONGEST_WORKBOOK },
        };
        Contents::Rows(Rows {
            delimiter,
            quote,
            comment: self.comment.map(String::from),
            head: self.head.clone(),
            units: match self.unmarked(encoding) {
                encoding if encoding == UTF_16LE => Units::Utf16Le,
                encoding if encoding == UTF_16BE => Units::Utf16Be,
                _ => Units::Marked,
            },
            ending: self.ending.clone(),
            longest: LONGEST_ROWS,
            most: match self.layout {
                Layout::Results(_) => MOST_ROWS,
                Layout::Tests(_) => MOST_SPECIMENS,
            },
        })
    }
}

/// How the cells of a table are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableFormat {
    /// By one ASCII character, with quotes as the `csv` crate reads them.
    Delimited { delimiter: u8, quote: Option<u8> },
    /// By their positions in the row.
    Fixed,
    /// An XLSX workbook. `None`: its first sheet.
    Workbook { sheet: Option<String> },
}

/// Which row of the head names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    None,
    /// The last one.
    Last,
    /// The last but one; the last one holds the units.
    AboveUnits,
}

/// What a row means that has fewer cells than the header, or fewer characters than its layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShortRows {
    /// Nobody can say what is missing.
    Refused,
    /// The model leaves empty cells at a row's end out.
    Filled,
    /// The model leaves blanks at the end of a row of fixed width out, so that its last columns may be shorter than
    /// their places. Nothing tells such a row from one that was cut there.
    Trimmed,
}

/// What an empty cell says where a value belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyValues {
    /// The test gave no value.
    Absent,
    /// The test wasn't done.
    Silent,
}

/// What one row is.
#[derive(Debug, Clone, PartialEq)]
pub enum Layout {
    /// A result; further sides of the same measurement stand in columns of their own, by the name of the aspect.
    Results(BTreeMap<String, Vec<TablePlace>>),
    /// A specimen, with a column for each test.
    Tests(TestColumns),
}

/// What a place of a row tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Told {
    Specimen,
    Position,
    Priority,
    SpecimenType,
    PatientId,
    PatientName,
    BirthDate,
    Sex,
    PatientLocation,
    Code,
    Component,
    Dilution,
    Replicate,
    Loinc,
    Firmware,
    AssayVersion,
    Value,
    Unit,
    Range,
    Flags,
    Status,
    Operator,
    Started,
    Completed,
    AnalyzerUnit,
}

/// One place, or a text made of several: `{Date} {Time}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TablePlace(pub Vec<TablePiece>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TablePiece {
    Literal(String),
    At(TableLocation),
}

/// Where a text stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableLocation {
    /// In the column with this name, exactly as the header writes it.
    Named(String),
    /// In this column, from 1.
    Number(usize),
    /// In these characters of the row, from 1, both included.
    Characters(usize, usize),
    /// In the head, behind this label.
    Labelled(String),
}

impl TablePlace {
    /// Reads `Result`, `#3`, `@1-10`, `head:Run End Time`, or a text with several of them in braces.
    pub fn parse(text: &str) -> Option<TablePlace> {
        if !text.contains(['{', '}']) {
            return Some(TablePlace(vec![TablePiece::At(TableLocation::parse(text)?)]));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once('{') {
            let (location, after) = after.split_once('}')?;
            if literal.contains('}') {
                return None;
            }
            if !literal.is_empty() {
                pieces.push(TablePiece::Literal(literal.to_owned()));
            }
            pieces.push(TablePiece::At(TableLocation::parse(location)?));
            rest = after;
        }
        if rest.contains('}') {
            return None;
        }
        if !rest.is_empty() {
            pieces.push(TablePiece::Literal(rest.to_owned()));
        }
        Some(TablePlace(pieces))
    }

    pub fn locations(&self) -> impl Iterator<Item = &TableLocation> {
        self.0.iter().filter_map(|piece| match piece {
            TablePiece::At(location) => Some(location),
            TablePiece::Literal(_) => None,
        })
    }
}

impl TableLocation {
    /// Reads one place: `Result`, `#3`, `@1-10` or `head:Run End Time`.
    pub fn parse(text: &str) -> Option<TableLocation> {
        let from_one = |text: &str| text.parse::<usize>().ok().filter(|number| (1..=10_000).contains(number));
        if let Some(label) = text.strip_prefix("head:") {
            return (!label.trim().is_empty()).then(|| TableLocation::Labelled(label.trim().to_owned()));
        }
        if let Some(number) = text.strip_prefix('#') {
            return Some(TableLocation::Number(from_one(number)?));
        }
        if let Some(span) = text.strip_prefix('@') {
            let (first, last) = span.split_once('-')?;
            let (first, last) = (from_one(first)?, from_one(last)?);
            return (first <= last).then_some(TableLocation::Characters(first, last));
        }
        let name = text.trim();
        (!name.is_empty()).then(|| TableLocation::Named(name.to_owned()))
    }
}

/// A place, and what must stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRule {
    pub at: TablePlace,
    pub is: Pattern,
}

impl fmt::Display for TablePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let only = self.0.len() == 1;
        for piece in &self.0 {
            match piece {
                TablePiece::Literal(text) => f.write_str(text)?,
                TablePiece::At(location) if only => write!(f, "{location}")?,
                TablePiece::At(location) => write!(f, "{{{location}}}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for TableLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableLocation::Named(name) => f.write_str(name),
            TableLocation::Number(number) => write!(f, "#{number}"),
            TableLocation::Characters(first, last) => write!(f, "@{first}-{last}"),
            TableLocation::Labelled(label) => write!(f, "head:{label}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_it_is_read() {
        for text in
            ["Result", "#3", "@1-10", "head:Run End Time", "{Date} {Time}", "{Rack}-{#4}", "WBC(10/uL)"]
        {
            assert_eq!(TablePlace::parse(text).unwrap().to_string(), text);
        }
        for text in ["", " ", "#0", "#x", "@3-1", "@3", "head:", "{Date", "Date}", "{}", "{a}}", "a}{b}"] {
            assert_eq!(TablePlace::parse(text), None, "{text:?}");
        }
    }
}
