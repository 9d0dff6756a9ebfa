//! What a profile of an ASTM model says of its records.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use labwire_astm::record::Kind;
use serde_spanned::Spanned;

use super::{Faults, raw};
use crate::config::link;
use crate::domain::profile::{
    AstmDialect, ClassRule, Location, Pattern, Pin, Places, QueryStyle, ReplyRecord, SenderRule, Template,
};

pub(super) fn dialect(raw: &mut raw::Profile, text: &str, faults: &mut Faults) -> AstmDialect {
    let standard = AstmDialect::default();
    if let Some(segments) = &raw.segments {
        faults.add(segments.span(), "an ASTM model sends records; write records = \"HPORCQL\" or so");
    }
    if let Some(order_results) = &raw.order_results {
        faults.add(order_results.span(), "this is of HL7 models; an ASTM result is a record of its own");
    }
    if let Some(acknowledge) = &raw.acknowledge {
        faults.add(acknowledge.span(), "this is of HL7 models; an ASTM frame is answered in one way");
    }
    let sender = raw.sender.take().map(|rule| SenderRule {
        at: faults.location(rule.at.get_ref(), rule.at.span(), Kind::Header),
        is: Pattern::new(rule.is),
    });
    AstmDialect {
        records: raw.records.as_ref().map_or(standard.records, |letters| records(letters, faults)),
        sender,
        places: places(std::mem::take(&mut raw.places), faults),
        pins: pins(std::mem::take(&mut raw.pins), faults),
        classes: classes(raw.classes.take(), faults),
        link: super::link(text, faults, standard.link, link::changed),
        query: raw.query.take().map_or_else(QueryStyle::default, |query| style(query, faults)),
    }
}

impl Faults {
    fn location(&mut self, text: &str, span: Range<usize>, kind: Kind) -> Location {
        let letter = char::from(kind.letter().unwrap_or(b'?'));
        match Location::parse(text) {
            Some(location) if location.path.kind == kind => location,
            Some(_) => {
                self.add(span, format!("this is looked for in {letter} records; write {letter}.3 or so"));
                Location::field(kind, 1)
            }
            None => {
                let message =
                    format!("{text:?} is not a place; write {letter}.3, {letter}.3.4 or {letter}.3.4+2");
                self.add(span, message);
                Location::field(kind, 1)
            }
        }
    }

    fn one(&mut self, named: &Spanned<raw::Named>, kind: Kind) -> Location {
        match named.get_ref().all() {
            [one] => self.location(one, named.span(), kind),
            _ => {
                self.add(named.span(), "an ASTM record keeps this in one place; write one");
                Location::field(kind, 1)
            }
        }
    }

    fn several(&mut self, named: &Spanned<raw::Named>, kind: Kind) -> Vec<Location> {
        named.get_ref().all().iter().map(|text| self.location(text, named.span(), kind)).collect()
    }
}

fn records(letters: &Spanned<String>, faults: &mut Faults) -> BTreeSet<Kind> {
    let kinds: BTreeSet<Kind> = letters.get_ref().bytes().map(Kind::of_letter).collect();
    if kinds.contains(&Kind::Unknown) || !kinds.contains(&Kind::Header) {
        faults.add(
            letters.span(),
            "write the letters of the records that the model sends, such as \"HPORCQL\"",
        );
    }
    kinds
}

fn places(raw: raw::Places, faults: &mut Faults) -> Places {
    use Kind::{Header, Order, Patient, Query, Result};
    let standard = Places::default();
    let mut or =
        |text: Option<Spanned<raw::Named>>, kind, usual| text.map_or(usual, |text| faults.one(&text, kind));
    Places {
        specimen: or(raw.specimen, Order, standard.specimen),
        priority: or(raw.priority, Order, standard.priority),
        specimen_type: or(raw.specimen_type, Order, standard.specimen_type),
        patient_id: or(raw.patient_id, Patient, standard.patient_id),
        patient_name: or(raw.patient_name, Patient, standard.patient_name),
        birth_date: or(raw.birth_date, Patient, standard.birth_date),
        sex: or(raw.sex, Patient, standard.sex),
        patient_location: or(raw.patient_location, Patient, standard.patient_location),
        code: or(raw.code, Result, standard.code),
        value: or(raw.value, Result, standard.value),
        unit: or(raw.unit, Result, standard.unit),
        range: or(raw.range, Result, standard.range),
        status: or(raw.status, Result, standard.status),
        operator: or(raw.operator, Result, standard.operator),
        started: or(raw.started, Result, standard.started),
        completed: or(raw.completed, Result, standard.completed),
        analyzer_unit: or(raw.analyzer_unit, Result, standard.analyzer_unit),
        query_specimen: or(raw.query_specimen, Query, standard.query_specimen),
        aspect: raw.aspect.map(|text| faults.one(&text, Result)),
        component: raw.component.map(|text| faults.one(&text, Result)),
        dilution: raw.dilution.map(|text| faults.one(&text, Result)),
        replicate: raw.replicate.map(|text| faults.one(&text, Result)),
        loinc: raw.loinc.map(|text| faults.one(&text, Result)),
        firmware: raw.firmware.map(|text| faults.one(&text, Header)),
        assay_version: raw.assay_version.map(|text| faults.one(&text, Result)),
        position: raw.position.map(|text| faults.several(&text, Order)).unwrap_or_default(),
        flags: match raw.flags {
            Some(flags) => faults.several(&flags, Result),
            None => standard.flags,
        },
    }
}

fn pins(raw: Vec<raw::Pin>, faults: &mut Faults) -> Vec<Pin> {
    let pin = |pin: raw::Pin| Pin {
        at: faults.location(pin.at.get_ref(), pin.at.span(), Kind::Result),
        is: pin.is,
        meaning: pin.meaning,
    };
    raw.into_iter().map(pin).collect()
}

fn classes(raw: Option<Vec<raw::Class>>, faults: &mut Faults) -> Vec<ClassRule> {
    let Some(raw) = raw else { return vec![ClassRule::action_q()] };
    let rule = |rule: raw::Class| ClassRule {
        at: faults.location(rule.at.get_ref(), rule.at.span(), Kind::Order),
        is: Pattern::new(rule.is),
        class: rule.class.into(),
    };
    raw.into_iter().map(rule).collect()
}

fn style(raw: raw::Query, faults: &mut Faults) -> QueryStyle {
    let usual = QueryStyle::default();
    if let Some(style) = &raw.style {
        faults.add(style.span(), "this is of HL7 models");
    }
    let test = raw.test.map(|test| match test.get_ref().split_once("{code}") {
        Some((before, after)) => (before.to_owned(), after.to_owned()),
        None => {
            faults.add(test.span(), "a test's place says where its code stands; write \"^^^{code}\" or so");
            (String::new(), String::new())
        }
    });
    let patience = raw.patience_secs.map(|seconds| {
        if !(1..=600).contains(seconds.get_ref()) {
            faults.add(seconds.span(), "write a number from 1 to 600");
        }
        Duration::from_secs(*seconds.get_ref())
    });
    QueryStyle {
        no_orders: reply(raw.no_orders, faults).unwrap_or(usual.no_orders),
        orders: reply(raw.orders, faults).unwrap_or(usual.orders),
        test: test.unwrap_or(usual.test),
        patience: patience.unwrap_or(usual.patience),
    }
}

/// The records of an answer; `None` where none are given.
fn reply(raw: Vec<raw::ReplyRecord>, faults: &mut Faults) -> Option<Vec<ReplyRecord>> {
    let first = raw.first()?.record.span();
    let kinds: Vec<Kind> = raw.iter().map(|record| kind(&record.record, faults)).collect();
    if kinds.first() != Some(&Kind::Header) || kinds.last() != Some(&Kind::Terminator) {
        faults.add(first, "an answer begins with an H record and ends with an L record");
    }
    let records = raw.into_iter().zip(kinds);
    Some(records.map(|(record, kind)| reply_record(record, kind, faults)).collect())
}

fn kind(letter: &Spanned<String>, faults: &mut Faults) -> Kind {
    let kind = match letter.get_ref().as_bytes() {
        [letter] => Kind::of_letter(*letter),
        _ => Kind::Unknown,
    };
    if kind == Kind::Unknown {
        faults.add(letter.span(), "not a record's letter; write H, P, O, C, M, S or L");
    }
    kind
}

fn reply_record(raw: raw::ReplyRecord, kind: Kind, faults: &mut Faults) -> ReplyRecord {
    let first = if kind == Kind::Header { 3 } else { 2 };
    let mut fields = BTreeMap::new();
    for (number, text) in raw.fields {
        match number.get_ref().parse::<usize>() {
            Ok(field) if (first..=1000).contains(&field) => {
                let template = Template::parse(text.get_ref());
                if template.is_none() {
                    faults.add(
                        text.span(),
                        "not a template; write text with {specimen}, {tests} or another name of profiles.d/README.md, or \
                         a place in the query such as {H.5}",
                    );
                }
                fields.insert(field, template.unwrap_or(Template(Vec::new())));
            }
            _ => faults
                .add(number.span(), format!("not a field that can be set here; they count from {first}")),
        }
    }
    ReplyRecord { kind, fields }
}
