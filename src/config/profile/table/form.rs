//! How a file is written, by its profile: its signs, its head, its end and its times. Which column says what stands
//! elsewhere.

use encoding_rs::{Encoding, UTF_8};
use jiff::fmt::strtime::BrokenDownTime;
use labwire_drop::{Ending, Head, Trailer};
use serde_spanned::Spanned;

use crate::config::profile::{Faults, raw};
use crate::domain::profile::{Header, ShortRows, TableFormat, TableLocation};

pub(super) fn format(table: &raw::Table, faults: &mut Faults) -> TableFormat {
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

pub(super) fn one_sign(sign: &Spanned<String>, faults: &mut Faults) -> Option<char> {
    byte(sign, faults).map(char::from)
}

pub(super) fn encoding(label: &Spanned<String>, faults: &mut Faults) -> &'static Encoding {
    Encoding::for_label_no_replacement(label.get_ref().as_bytes()).unwrap_or_else(|| {
        let message = "not a character set; write \"utf-8\", \"windows-1252\", \"utf-16le\" or another label of \
                       the WHATWG Encoding Standard";
        faults.add(label.span(), message);
        UTF_8
    })
}

/// What comes before the data, and where in it the header stands.
pub(super) fn head(table: &raw::Table, faults: &mut Faults) -> (Head, Header) {
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

pub(super) fn short_rows(table: &raw::Table, faults: &mut Faults) -> ShortRows {
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
pub(super) fn unread(table: &raw::Table, faults: &mut Faults) -> Vec<(usize, usize)> {
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

pub(super) fn ending(table: &raw::Table, faults: &mut Faults) -> Ending {
    match (&table.trailer, table.open_end) {
        (Some(trailer), is_open) => {
            let raw::Trailer { begins, count_at } = trailer.get_ref();
            if begins.is_empty() || !begins.is_ascii() || *count_at == Some(0) {
                faults
                    .add(trailer.span(), "write the ASCII text that begins the last row; cells count from 1");
            }
            Ending::Trailer(Trailer { begins: begins.clone(), count_at: *count_at, is_open })
        }
        (None, true) => Ending::Open,
        (None, false) => Ending::Line,
    }
}

pub(super) fn time_formats(table: &raw::Table, faults: &mut Faults) -> Vec<String> {
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
