//! What a profile of a model that writes files says of its tables.

mod form;
mod places;

use encoding_rs::UTF_8;

use super::{Faults, raw};
use crate::domain::profile::{Layout, TableDialect, TableRule};
pub(in crate::config) use form::time_format;
use form::{encoding, ending, format, head, one_sign, short_rows, time_formats, unread};
use places::{needed, optional, places, test_columns};

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

fn class(raw: raw::Class, faults: &mut Faults) -> (TableRule, Option<crate::domain::SampleClass>) {
    (faults.table_rule(&raw.at, raw.is), raw.class.into())
}
