//! One row after the other: a result, or a specimen with several. A row that says too little, too much or two things
//! is a problem with its line.

mod form;

use std::collections::HashMap;

use labwire_drop::Ending;

use super::columns::{Columns, Found, FoundPiece, TestColumn};
use super::{
    Cell, CellKind, Interpreted, RawOrder, RawPatient, RawResult, Row, Written, excel, problem, some,
};
use crate::domain::profile::{EmptyValues, Layout, TableDialect, TableFormat, Told};
use crate::domain::{Patient, ProblemKind, SampleClass, TestIdentity};

/// How many columns a row's number leaves room for in a record's.
const COLUMNS: u32 = 1024;

/// Where in a part a result was read: its row and its value's column in one number.
fn record(row: u32, column: usize) -> u32 {
    let column = u32::try_from(column).unwrap_or(u32::MAX).min(COLUMNS - 1);
    row.saturating_mul(COLUMNS).saturating_add(column)
}

/// Why a row can't be read, in words for a technician.
type Fault = String;

const EITHER: &str = "it begins as the row that closes the table and names a test all the same; it was not read as a result: \
     name such rows in the profile's not_results, or close the table with a row that names no test";

pub(super) struct RowReader<'a> {
    dialect: &'a TableDialect,
    columns: &'a Columns<'a>,
    /// The site's decimal separator.
    decimal: char,
    /// The orders by what tells them apart: results of one tube count their replicates together.
    orders: HashMap<[String; 3], usize>,
    trailer: Option<&'a str>,
    out: Interpreted,
}

impl<'a> RowReader<'a> {
    pub(super) fn new(dialect: &'a TableDialect, columns: &'a Columns<'a>, decimal: char) -> RowReader<'a> {
        let trailer = match &dialect.ending {
            Ending::Trailer(trailer) => Some(trailer.begins.as_str()),
            Ending::Line | Ending::Open | Ending::Envelope => None,
        };
        let out = Interpreted { columns: columns.habit(), ..Interpreted::default() };
        RowReader { dialect, columns, decimal, orders: HashMap::new(), trailer, out }
    }

    pub(super) fn finish(self) -> Interpreted {
        self.out
    }

    /// `is_last` says that no row of the part comes behind it.
    pub(super) fn row(&mut self, row: &Row<'_>, is_last: bool) {
        let is_broken = row.fault.is_some();
        if !is_broken && (self.is_no_result(row) || (is_last && self.is_trailer(row))) {
            return;
        }
        let read = match row.fault {
            Some(fault) => Err(fault.to_owned()),
            None if is_last && self.is_either(row) => Err(EITHER.to_owned()),
            None => self.read(row),
        };
        if let Err(fault) = read {
            let text = format!("line {}: {fault}", row.line);
            let record = Some(record(row.number, 0));
            self.out.problems.push(problem(ProblemKind::Unreadable, record, text, true));
        }
    }

    /// The rows that the profile names as something else.
    fn is_no_result(&self, row: &Row<'_>) -> bool {
        let mut named = self.columns.not_results.iter().zip(&self.dialect.not_results);
        named.any(|(at, rule)| text(row, at).is_ok_and(|text| rule.is.matches(text.trim())))
    }

    fn read(&mut self, row: &Row<'_>) -> Result<(), Fault> {
        self.whole(row)?;
        self.named(row)?;
        let order = self.order(row)?;
        let patient = self.patient(row)?;
        let unpinned = self.unpinned(row)?;
        let firmware = self.trimmed(row, Told::Firmware)?;
        let common = RawResult {
            record: 0,
            line: Some(row.line),
            patient,
            order: None,
            test: TestIdentity {
                code: self.trimmed(row, Told::Code)?,
                aspect: String::new(),
                component: self.trimmed(row, Told::Component)?,
                dilution: self.trimmed(row, Told::Dilution)?,
            },
            replicate: self.trimmed(row, Told::Replicate)?.parse().ok(),
            loinc: some(self.trimmed(row, Told::Loinc)?),
            value: String::new(),
            written: Written::Open,
            value_as_sent: String::new(),
            unread: unpinned,
            assay_version: some(self.trimmed(row, Told::AssayVersion)?),
            unit: some(self.trimmed(row, Told::Unit)?),
            range: some(self.trimmed(row, Told::Range)?),
            flags: self.flags(row)?,
            status: match self.columns.of(Told::Status) {
                [] => None,
                _ => Some(self.trimmed(row, Told::Status)?),
            },
            operator: some(self.trimmed(row, Told::Operator)?),
            started: self.trimmed(row, Told::Started)?,
            completed: self.trimmed(row, Told::Completed)?,
            analyzer_unit: some(self.trimmed(row, Told::AnalyzerUnit)?),
            comments: Vec::new(),
            attachments: Vec::new(),
            cut: false,
        };
        let results = match &self.dialect.layout {
            Layout::Results(_) => self.results(row, common)?,
            Layout::Tests(_) => {
                self.agreed(row)?;
                self.columns.tests.iter().filter_map(|test| self.test(row, test, &common)).collect()
            }
        };
        // From here on nothing fails: what was read is kept.
        let order = self.keep(order);
        self.out.firmware.extend(some(firmware));
        self.out.results.extend(results.into_iter().map(|result| RawResult { order: Some(order), ..result }));
        Ok(())
    }

    fn is_workbook(&self) -> bool {
        matches!(self.dialect.format, TableFormat::Workbook { .. })
    }

    /// A result, and the further sides of it that stand in columns of their own.
    fn results(&self, row: &Row<'_>, common: RawResult) -> Result<Vec<RawResult>, Fault> {
        let mut results = Vec::new();
        let main = self.columns.of(Told::Value);
        let absent = self.dialect.empty_values == EmptyValues::Absent;
        for (aspect, places) in &self.columns.aspects {
            let (value, at) = self.first(row, places, Told::Value)?;
            // A result says for itself that it is absent; a side of it needn't.
            if value.trim().is_empty() && !(absent && main.is_empty()) {
                continue;
            }
            let test = TestIdentity { aspect: aspect.clone(), ..common.test.clone() };
            let record = record(row.number, at);
            let aspect = RawResult { test, record, unit: None, range: None, ..common.clone() };
            results.push(self.with_value(aspect, row, at, value));
        }
        if main.is_empty() {
            return Ok(results);
        }
        let (value, at) = self.first(row, main, Told::Value)?;
        if !value.trim().is_empty() || absent {
            let unit = common.unit.clone().or_else(|| self.columns.unit(at).map(str::to_owned));
            let main = RawResult { record: record(row.number, at), unit, ..common };
            results.insert(0, self.with_value(main, row, at, value));
        }
        Ok(results)
    }

    /// What one column says of a specimen.
    /// Whether columns of one test say one thing: it would be two results otherwise.
    fn agreed(&self, row: &Row<'_>) -> Result<(), Fault> {
        for place in &self.columns.repeated {
            text(row, place).map_err(|(one, other)| {
                format!("{} and column {} are one test and differ", self.columns.name(other), one + 1)
            })?;
        }
        Ok(())
    }

    fn test(&self, row: &Row<'_>, test: &TestColumn<'_>, common: &RawResult) -> Option<RawResult> {
        let empty = Cell { text: "", kind: CellKind::Text };
        let cell = row.cells.get(test.at).copied().unwrap_or(empty);
        if cell.text.trim().is_empty() && self.dialect.empty_values == EmptyValues::Silent {
            return None;
        }
        let flags = test.flags.and_then(|at| row.cells.get(at)).map(|cell| cell.text).unwrap_or_default();
        let result = RawResult {
            record: record(row.number, test.at),
            test: TestIdentity { code: test.code.to_owned(), ..common.test.clone() },
            unit: test.unit.map(str::to_owned),
            flags: self.split(flags).into_iter().chain(common.flags.iter().cloned()).collect(),
            ..common.clone()
        };
        Some(self.with_value(result, row, test.at, cell.text.to_owned()))
    }

    fn with_value(&self, result: RawResult, row: &Row<'_>, at: usize, value: String) -> RawResult {
        let cell = row.cells.get(at).copied();
        let spoilt = cell.and_then(|cell| excel::spoilt(Told::Value, cell));
        let unread = spoilt.map(|why| format!("{}: {why}", self.columns.name(at)));
        // A workbook's numbers are no text, in which the site's sign would stand.
        let number = match cell.filter(|cell| cell.kind == CellKind::Number) {
            Some(_) => value.replace('.', self.decimal.encode_utf8(&mut [0; 4])),
            None => value.trim().to_owned(),
        };
        RawResult { value: number, value_as_sent: value, unread: unread.or(result.unread.clone()), ..result }
    }

    fn order(&self, row: &Row<'_>) -> Result<RawOrder, Fault> {
        Ok(RawOrder {
            specimen: self.first(row, self.columns.of(Told::Specimen), Told::Specimen)?.0,
            several: false,
            class: self.class(row)?,
            position: some(self.every(row, Told::Position)?.join("/")),
            priority: some(self.trimmed(row, Told::Priority)?),
            specimen_type: some(self.trimmed(row, Told::SpecimenType)?),
            comments: Vec::new(),
            attachments: Vec::new(),
        })
    }

    /// The order's place among those of the part.
    fn keep(&mut self, order: RawOrder) -> usize {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let class = match order.class {
            Some(SampleClass::Patient) => "",
            Some(SampleClass::Control) => "control",
            Some(SampleClass::Calibration) => "calibration",
            None => "unclear",
        };
        let kind = format!("{class}/{}/{}", text(&order.priority), text(&order.specimen_type));
        let key = [order.specimen.clone(), text(&order.position), kind];
        let next = self.out.orders.len();
        // Two numbers that can't be read look alike and may be two patients'.
        let at = match order.specimen.contains(char::REPLACEMENT_CHARACTER) {
            true => next,
            false => *self.orders.entry(key).or_insert(next),
        };
        if at == next {
            self.out.orders.push(order);
        }
        at
    }

    fn class(&self, row: &Row<'_>) -> Result<Option<SampleClass>, Fault> {
        for (at, (rule, class)) in self.columns.classes.iter().zip(&self.dialect.classes) {
            if rule.is.matches(self.said(row, at)?.trim()) {
                return Ok(*class);
            }
        }
        // Where the profile tells samples apart, one that it doesn't name is nobody's in particular.
        Ok(self.dialect.classes.is_empty().then_some(SampleClass::Patient))
    }

    /// Why a result isn't understood whose row says something else where the profile knows one content only.
    fn unpinned(&self, row: &Row<'_>) -> Result<Option<String>, Fault> {
        for (at, (rule, meaning)) in self.columns.pins.iter().zip(&self.dialect.pins) {
            let said = self.said(row, at)?;
            if !rule.is.matches(said.trim()) {
                let (said, known) = (said.trim(), rule.is.as_str());
                return Ok(Some(format!("{meaning} is {said:?}, and only {known:?} is understood")));
            }
        }
        Ok(None)
    }

    fn patient(&mut self, row: &Row<'_>) -> Result<Option<usize>, Fault> {
        let patient = Patient {
            id: self.trimmed(row, Told::PatientId)?,
            authority: String::new(),
            name: self.trimmed(row, Told::PatientName)?,
            birth_date: self.trimmed(row, Told::BirthDate)?,
            sex: self.trimmed(row, Told::Sex)?,
            location: self.trimmed(row, Told::PatientLocation)?,
        };
        let same = |known: &RawPatient| known.patient == patient;
        if patient == Patient::default() {
            return Ok(None);
        }
        if !self.out.patients.last().is_some_and(same) {
            self.out.patients.push(RawPatient { patient, comments: Vec::new() });
        }
        Ok(Some(self.out.patients.len() - 1))
    }

    fn flags(&self, row: &Row<'_>) -> Result<Vec<String>, Fault> {
        let cells = self.every(row, Told::Flags)?;
        Ok(cells.iter().flat_map(|cell| self.split(cell)).collect())
    }

    fn split(&self, flags: &str) -> Vec<String> {
        let parts: Vec<&str> = match self.dialect.flag_separator {
            Some(separator) => flags.split(separator).collect(),
            None => vec![flags],
        };
        let parts = parts.into_iter().map(str::trim).filter(|flag| !flag.is_empty());
        parts.map(str::to_owned).collect()
    }

    fn trimmed(&self, row: &Row<'_>, told: Told) -> Result<String, Fault> {
        let places = self.columns.of(told);
        if places.is_empty() {
            return Ok(String::new());
        }
        Ok(self.first(row, places, told)?.0.trim().to_owned())
    }

    /// The first of several places that holds something, and its column.
    fn first(&self, row: &Row<'_>, places: &[Found], told: Told) -> Result<(String, usize), Fault> {
        let mut found = (String::new(), places.first().and_then(column).unwrap_or_default());
        for place in places {
            let text = self.checked(row, place, told)?;
            if !text.trim().is_empty() {
                found = (text, column(place).unwrap_or_default());
                break;
            }
        }
        Ok(found)
    }

    /// What stands at each of several places, without the empty ones.
    fn every(&self, row: &Row<'_>, told: Told) -> Result<Vec<String>, Fault> {
        let mut texts = Vec::new();
        for place in self.columns.of(told) {
            texts.push(self.checked(row, place, told)?.trim().to_owned());
        }
        texts.retain(|text| !text.is_empty());
        Ok(texts)
    }

    fn checked(&self, row: &Row<'_>, place: &Found, told: Told) -> Result<String, Fault> {
        for piece in &place.0 {
            let FoundPiece::Cells(cells) = piece else { continue };
            for at in cells {
                let spoilt = row.cells.get(*at).and_then(|cell| excel::spoilt(told, *cell));
                // A value that is spoilt is a result that waits for a person.
                if let Some(why) = spoilt.filter(|_| told != Told::Value) {
                    return Err(format!("{}: {why}", self.columns.name(*at)));
                }
            }
        }
        self.said(row, place)
    }

    fn said(&self, row: &Row<'_>, place: &Found) -> Result<String, Fault> {
        text(row, place).map_err(|(one, other)| {
            let name = self.columns.name(other);
            let (one, other) = (one + 1, other + 1);
            format!(
                "{name} and column {one} have the same name and differ; name the one that counts by its number, as \
                 \"#{one}\" or \"#{other}\""
            )
        })
    }
}

fn first_text<'r>(row: &Row<'r>) -> &'r str {
    row.cells.first().map(|cell| cell.text).unwrap_or_default()
}

/// The text at a place, or two columns of one name that contradict each other.
fn text(row: &Row<'_>, place: &Found) -> Result<String, (usize, usize)> {
    let cell = |at: usize| row.cells.get(at).map(|cell| cell.text).unwrap_or_default();
    let mut text = String::new();
    for piece in &place.0 {
        match piece {
            FoundPiece::Literal(literal) => text.push_str(literal),
            FoundPiece::Cells(cells) => {
                let (first, others) = cells.split_first().unwrap_or((&usize::MAX, &[]));
                if let Some(other) = others.iter().find(|other| cell(**other).trim() != cell(*first).trim()) {
                    return Err((*first, *other));
                }
                text.push_str(cell(*first));
            }
            FoundPiece::Characters(first, last) => {
                text.extend(first_text(row).chars().skip(*first).take(last - first));
            }
        }
    }
    let bare = place.0.iter().all(|piece| match piece {
        FoundPiece::Cells(cells) => cells.iter().all(|at| cell(*at).trim().is_empty()),
        FoundPiece::Characters(..) => text.trim().is_empty(),
        FoundPiece::Literal(_) => true,
    });
    let is_all_literal = place.0.iter().all(|piece| matches!(piece, FoundPiece::Literal(_)));
    Ok(if bare && !is_all_literal { String::new() } else { text })
}

/// The first column that a place looks at.
fn column(place: &Found) -> Option<usize> {
    place.0.iter().find_map(|piece| match piece {
        FoundPiece::Cells(cells) => cells.first().copied(),
        FoundPiece::Characters(first, _) => Some(*first),
        FoundPiece::Literal(_) => None,
    })
}
