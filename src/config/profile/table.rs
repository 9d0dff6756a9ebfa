//! What a profile of a model that writes files says of its tables.

use std::collections::{BTreeMap, BTreeSet};

use encoding_rs::{Encoding, UTF_8};
use jiff::fmt::strtime::BrokenDownTime;
use labwire_drop::{Ending, Head, Trailer};
use serde_spanned::Spanned;

use super::{Faults, raw};
use crate::domain::profile::{
    Header, HeaderForm, Layout, Pattern, ShortRows, TableDialect, TableFormat, TableLocation, TablePlace,
    TableRule, TestColumns, Told,
};

pub(super) fn dialect(raw: &mut raw::Profile, faults: &mut Faults) -> TableDialect {
    refuse_other_dialects(raw, faults);
    let standard = TableDialect::default();
    let Some(table) = raw.table.take() else {
        faults.add(raw.name.span(), "protocol = \"table\" needs a [table] that says how the file is written");
        return standard;
    };
    let whole = table.span();
    let mut table = table.into_inner();
    let aspects = std::mem::take(&mut table.aspects);
    let aspects = aspects.iter().map(|(name, at)| (name.clone(), faults.cells(at))).collect();
    let places = places(std::mem::take(&mut raw.places), faults);
    let optional = optional(&table.optional, faults);
    let (head, header) = head(&table, faults);
    let tests = table.tests.take().map(|tests| test_columns(tests.into_inner(), faults));
    let times = time_formats(&table, faults);
    let dialect = TableDialect {
        format: format(&table, faults),
        encoding: table.encoding.as_ref().map_or(UTF_8, |label| encoding(label, faults)),
        head,
        header,
        comment: table.comment.as_ref().and_then(|sign| one_sign(sign, faults)),
        ending: ending(&table, faults),
        short_rows: short_rows(&table, faults),
        unread: unread(&table, faults),
        empty_values: table.empty_values.into(),
        layout: tests.map_or(Layout::Results(aspects), Layout::Tests),
        places,
        optional,
        flag_separator: table.flag_separator.as_ref().and_then(|sign| one_sign(sign, faults)),
        times: Vec::new(),
        pins: raw.pins.drain(..).map(|pin| (faults.table_rule(&pin.at, pin.is), pin.meaning)).collect(),
        classes: raw.classes.take().unwrap_or_default().into_iter().map(|it| class(it, faults)).collect(),
        not_results: table.not_results.into_iter().map(|it| faults.table_rule(&it.at, it.is)).collect(),
    }
    .with_times(times);
    needed(&dialect, &whole, faults);
    dialect
}

fn refuse_other_dialects(raw: &raw::Profile, faults: &mut Faults) {
    if let Some(records) = &raw.records {
        faults.add(records.span(), "a table has rows and no records; remove the line");
    }
    if let Some(segments) = &raw.segments {
        faults.add(segments.span(), "a table has rows and no segments; remove the line");
    }
    if let Some(order_results) = &raw.order_results {
        faults.add(order_results.span(), "this is of HL7 models");
    }
    if let Some(acknowledge) = &raw.acknowledge {
        faults.add(acknowledge.span(), "this is of HL7 models; nobody answers a file");
    }
    if let Some(rule) = &raw.sender {
        faults.add(rule.at.span(), "a file's sender is known by where it lies; remove [sender]");
    }
    for rule in raw.supplements.iter().flatten() {
        faults.add(rule.at.span(), "supplements are of HL7 models");
    }
    if let Some(record) = raw.query.as_ref().and_then(|query| query.no_orders.first()) {
        faults.add(record.record.span(), "this is of ASTM models; a file asks nothing");
    }
}

impl Faults {
    fn cell(&mut self, text: &Spanned<String>) -> TablePlace {
        TablePlace::parse(text.get_ref()).unwrap_or_else(|| {
            self.not_a_cell(text.get_ref(), text.span());
            TablePlace(Vec::new())
        })
    }

    fn cells(&mut self, named: &Spanned<raw::Named>) -> Vec<TablePlace> {
        let mut places = Vec::new();
        for text in named.get_ref().all() {
            match TablePlace::parse(text) {
                Some(place) => places.push(place),
                None => self.not_a_cell(text, named.span()),
            }
        }
        places
    }

    fn not_a_cell(&mut self, text: &str, span: std::ops::Range<usize>) {
        let message = format!(
            "{text:?} is not a place; write a column's name, \"#3\" for the third column, \"@1-10\" for \
             characters, \"head:LABEL\", or several of them as \"{{Date}} {{Time}}\""
        );
        self.add(span, message);
    }

    fn table_rule(&mut self, at: &Spanned<String>, is: String) -> TableRule {
        TableRule { at: self.cell(at), is: Pattern::new(is) }
    }
}

fn class(raw: raw::Class, faults: &mut Faults) -> (TableRule, Option<crate::domain::SampleClass>) {
    (faults.table_rule(&raw.at, raw.is), raw.class.into())
}

fn format(table: &raw::Table, faults: &mut Faults) -> TableFormat {
    let is = *table.format.get_ref();
    if let Some(delimiter) = table.delimiter.as_ref().filter(|_| is != raw::TableFormat::Csv) {
        faults.add(delimiter.span(), "only format = \"csv\" has a delimiter; remove the line");
    }
    if let Some(quote) = table.quote.as_ref().filter(|_| is != raw::TableFormat::Csv) {
        faults.add(quote.span(), "only format = \"csv\" has quotes; remove the line");
    }
    if let Some(sheet) = table.sheet.as_ref().filter(|_| is != raw::TableFormat::Xlsx) {
        faults.add(sheet.span(), "only format = \"xlsx\" has sheets; remove the line");
    }
    match is {
        raw::TableFormat::Fixed => TableFormat::Fixed,
        raw::TableFormat::Xlsx => {
            let sheet = table.sheet.as_ref().map(|sheet| sheet.get_ref().clone());
            TableFormat::Workbook { sheet }
        }
        raw::TableFormat::Csv => {
            let delimiter = table.delimiter.as_ref().map_or(Some(b','), |sign| byte(sign, faults));
            let quote = match &table.quote {
                None => Some(b'"'),
                Some(none) if none.get_ref().is_empty() => None,
                Some(sign) => byte(sign, faults),
            };
            if let (Some(sign), true) = (&table.delimiter, delimiter == quote) {
                faults.add(sign.span(), "delimiter and quote are the same; write two different characters");
            }
            TableFormat::Delimited { delimiter: delimiter.unwrap_or(b','), quote }
        }
    }
}

/// One ASCII character that ends no line.
fn byte(sign: &Spanned<String>, faults: &mut Faults) -> Option<u8> {
    match sign.get_ref().as_bytes() {
        [only] if only.is_ascii() && !matches!(only, b'\r' | b'\n') => Some(*only),
        _ => {
            faults.add(sign.span(), "write one ASCII character, such as \",\", \";\", \"|\" or \"\\t\"");
            None
        }
    }
}

fn one_sign(sign: &Spanned<String>, faults: &mut Faults) -> Option<char> {
    byte(sign, faults).map(char::from)
}

fn encoding(label: &Spanned<String>, faults: &mut Faults) -> &'static Encoding {
    Encoding::for_label_no_replacement(label.get_ref().as_bytes()).unwrap_or_else(|| {
        let message = "not a character set; write \"utf-8\", \"windows-1252\", \"utf-16le\" or another label of \
                       the WHATWG Encoding Standard";
        faults.add(label.span(), message);
        UTF_8
    })
}

/// What comes before the data, and where in it the header stands.
fn head(table: &raw::Table, faults: &mut Faults) -> (Head, Header) {
    let given = [
        table.header.as_ref().map(Spanned::span),
        table.header_begins.as_ref().map(Spanned::span),
        table.skip.as_ref().map(Spanned::span),
    ];
    let given: Vec<_> = given.into_iter().flatten().collect();
    if let [_, second, ..] = given.as_slice() {
        faults.add(
            second.clone(),
            "write one of header (its row), header_begins (its text) and skip (rows without a header)",
        );
    }
    let more = u32::from(table.units_below);
    let header = if table.units_below { Header::AboveUnits } else { Header::Last };
    match (&table.header, &table.header_begins, &table.skip) {
        (Some(row), ..) => {
            if !(1..=1000).contains(row.get_ref()) {
                faults.add(row.span(), "rows count from 1; write the number of the header row, at most 1000");
            }
            (Head::Rows(row.get_ref().saturating_add(more)), header)
        }
        (_, Some(begins), _) => {
            if begins.get_ref().is_empty() || !begins.get_ref().is_ascii() {
                faults.add(begins.span(), "write the ASCII text with which the header row begins");
            }
            (Head::Through { begins: begins.get_ref().clone(), more }, header)
        }
        (_, _, Some(rows)) => (Head::Rows(*rows.get_ref()), Header::None),
        (None, None, None) => {
            if *table.format.get_ref() == raw::TableFormat::Fixed {
                faults.add(
                    table.format.span(),
                    "a file of fixed width has no header that could be known by its names, and a row too many taken for \
                     one is a result lost; write skip = 0, or how many rows come before the results",
                );
            }
            (Head::First { more }, header)
        }
    }
}

fn short_rows(table: &raw::Table, faults: &mut Faults) -> ShortRows {
    let Some(said) = &table.short_rows else { return ShortRows::Refused };
    let is_fixed = *table.format.get_ref() == raw::TableFormat::Fixed;
    if matches!(said.get_ref(), raw::ShortRows::Trimmed) && !is_fixed {
        faults.add(
            said.span(),
            "only rows of format = \"fixed\" lose blanks at their end; write \"refuse\" or \"fill\"",
        );
    }
    (*said.get_ref()).into()
}

/// Characters of a row that hold something else.
fn unread(table: &raw::Table, faults: &mut Faults) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    for text in &table.unread {
        if *table.format.get_ref() != raw::TableFormat::Fixed {
            faults.add(text.span(), "only format = \"fixed\" has positions; remove the line");
        }
        match TableLocation::parse(text.get_ref()) {
            Some(TableLocation::Characters(first, last)) => spans.push((first, last)),
            _ => faults.add(text.span(), "write the positions that aren't read, such as \"@47-60\""),
        }
    }
    spans
}

fn ending(table: &raw::Table, faults: &mut Faults) -> Ending {
    match (&table.trailer, table.open_end) {
        (Some(trailer), _) => {
            let raw::Trailer { begins, count_at } = trailer.get_ref();
            if begins.is_empty() || !begins.is_ascii() || *count_at == Some(0) {
                faults
                    .add(trailer.span(), "write the ASCII text that begins the last row; cells count from 1");
            }
            Ending::Trailer(Trailer { begins: begins.clone(), count_at: *count_at })
        }
        (None, true) => Ending::Open,
        (None, false) => Ending::Line,
    }
}

fn time_formats(table: &raw::Table, faults: &mut Faults) -> Vec<String> {
    let mut formats = Vec::new();
    for format in &table.times {
        match time_format(format.get_ref()) {
            Ok(format) => formats.push(format),
            Err(message) => faults.add(format.span(), message),
        }
    }
    formats
}

/// Checks a `strptime` format, which may end with `*`.
pub(in crate::config) fn time_format(format: &str) -> Result<String, String> {
    let text = format.strip_suffix('*').unwrap_or(format);
    let sample = jiff::civil::date(2026, 1, 31).at(13, 5, 9, 0);
    let written = BrokenDownTime::from(sample).to_string(text);
    let reads = written.ok().and_then(|written| BrokenDownTime::parse(text, &written).ok());
    match reads.and_then(|time| time.to_date().ok()) {
        Some(date) if date == sample.date() => Ok(format.to_owned()),
        _ => Err(format!(
            "{format:?} is not a format of a date; write such as \"%d.%m.%Y %H:%M:%S\"; * at its end leaves the rest \
             of the text out"
        )),
    }
}

fn test_columns(raw: raw::TestColumns, faults: &mut Faults) -> TestColumns {
    let mut form = |text: &Spanned<String>| {
        let form = HeaderForm::parse(text.get_ref());
        if form.is_none() {
            faults.add(text.span(), "write {code}, or {code} and {unit} with something between them");
        }
        form
    };
    let header = form(&raw.header);
    let flags = raw.flags.as_ref().and_then(&mut form);
    TestColumns {
        form: header.unwrap_or_else(HeaderForm::bare),
        flags,
        listed: raw.columns,
        others: raw.others.into_iter().map(Pattern::new).collect(),
    }
}

/// The parts of a result by the keys that name them.
const TOLD: [(&str, Told); 25] = [
    ("specimen", Told::Specimen),
    ("position", Told::Position),
    ("priority", Told::Priority),
    ("specimen_type", Told::SpecimenType),
    ("patient_id", Told::PatientId),
    ("patient_name", Told::PatientName),
    ("birth_date", Told::BirthDate),
    ("sex", Told::Sex),
    ("patient_location", Told::PatientLocation),
    ("code", Told::Code),
    ("component", Told::Component),
    ("dilution", Told::Dilution),
    ("replicate", Told::Replicate),
    ("loinc", Told::Loinc),
    ("firmware", Told::Firmware),
    ("assay_version", Told::AssayVersion),
    ("value", Told::Value),
    ("unit", Told::Unit),
    ("range", Told::Range),
    ("flags", Told::Flags),
    ("status", Told::Status),
    ("operator", Told::Operator),
    ("started", Told::Started),
    ("completed", Told::Completed),
    ("analyzer_unit", Told::AnalyzerUnit),
];

fn optional(names: &[Spanned<String>], faults: &mut Faults) -> BTreeSet<Told> {
    let mut optional = BTreeSet::new();
    for name in names {
        match TOLD.iter().find(|(key, _)| key == name.get_ref()) {
            Some((_, told)) => drop(optional.insert(*told)),
            None => faults.add(name.span(), "not a key of [places]; write such as \"operator\""),
        }
    }
    optional
}

fn places(raw: raw::Places, faults: &mut Faults) -> BTreeMap<Told, Vec<TablePlace>> {
    if let Some(aspect) = &raw.aspect {
        faults.add(aspect.span(), "a table names the columns of its aspects in [table.aspects]");
    }
    if let Some(query) = &raw.query_specimen {
        faults.add(query.span(), "a file asks nothing");
    }
    let given = [
        raw.specimen,
        raw.position,
        raw.priority,
        raw.specimen_type,
        raw.patient_id,
        raw.patient_name,
        raw.birth_date,
        raw.sex,
        raw.patient_location,
        raw.code,
        raw.component,
        raw.dilution,
        raw.replicate,
        raw.loinc,
        raw.firmware,
        raw.assay_version,
        raw.value,
        raw.unit,
        raw.range,
        raw.flags,
        raw.status,
        raw.operator,
        raw.started,
        raw.completed,
        raw.analyzer_unit,
    ];
    let named = TOLD.iter().zip(given).filter_map(|((_, told), named)| Some((*told, named?)));
    named.map(|(told, named)| (told, faults.cells(&named))).collect()
}

/// What no table can be read without, and places that this one can't have.
fn needed(dialect: &TableDialect, whole: &std::ops::Range<usize>, faults: &mut Faults) {
    let (wanted, refused): (&[Told], &[Told]) = match dialect.layout {
        Layout::Results(ref aspects) if aspects.is_empty() => {
            (&[Told::Specimen, Told::Code, Told::Value], &[])
        }
        Layout::Results(_) => (&[Told::Specimen, Told::Code], &[]),
        Layout::Tests(_) => (&[Told::Specimen], &[Told::Code, Told::Value, Told::Unit]),
    };
    let name = |told: &Told| TOLD.iter().find(|(_, it)| it == told).map_or("", |(name, _)| *name);
    for told in wanted.iter().filter(|told| dialect.places.get(told).is_none_or(Vec::is_empty)) {
        faults.add(whole.clone(), format!("[places] must name the column of the {}", name(told)));
    }
    for told in refused.iter().filter(|told| dialect.places.contains_key(told)) {
        let message = format!("[table.tests] says where each {} stands; remove it from [places]", name(told));
        faults.add(whole.clone(), message);
    }
    for place in every_place(dialect) {
        for location in place.locations() {
            if let Some(remedy) = misplaced(location, dialect) {
                faults.add(whole.clone(), format!("{location}: {remedy}"));
            }
        }
    }
}

fn every_place(dialect: &TableDialect) -> impl Iterator<Item = &TablePlace> {
    let aspects = match &dialect.layout {
        Layout::Results(aspects) => aspects.values().flatten().collect(),
        Layout::Tests(_) => Vec::new(),
    };
    let rules = dialect.pins.iter().map(|(rule, _)| rule);
    let rules = rules.chain(dialect.classes.iter().map(|(rule, _)| rule)).chain(&dialect.not_results);
    dialect.places.values().flatten().chain(aspects).chain(rules.map(|rule| &rule.at))
}

/// What to write instead of a place that such a table doesn't have.
fn misplaced(location: &TableLocation, dialect: &TableDialect) -> Option<&'static str> {
    let fixed = dialect.format == TableFormat::Fixed;
    match location {
        TableLocation::Characters(..) if !fixed => Some("only format = \"fixed\" has positions"),
        TableLocation::Named(_) | TableLocation::Number(_) if fixed => {
            Some("with format = \"fixed\" write the positions, such as \"@1-10\"")
        }
        TableLocation::Named(_) if dialect.header == Header::None => {
            Some("without a header a column has a number, such as \"#3\"")
        }
        _ => None,
    }
}
