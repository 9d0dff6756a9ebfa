//! From a profile's TOML to a checked [`Profile`]. All faults are found at once, each with the place it stands at.
//! Reads no file but the profiles that are part of the program.

mod raw;
mod shipped;
mod tests_section;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use labwire_astm::record::Kind;
use labwire_astm::transfer;
use serde_spanned::Spanned;

use super::complaint::{Complaint, Remarks};
use super::{link, reader};
use crate::domain::profile::{
    Aspect, ClassRule, FlagMeaning, Location, Pattern, Pin, Places, Profile, QueryStyle, ReplyRecord,
    SenderRule, StatusMeaning, Template, Trust,
};

pub use shipped::shipped;

/// Reads a profile.
///
/// # Errors
/// Every fault in it, in the order of the text.
pub fn parse(text: &str) -> Result<Profile, Vec<Complaint>> {
    let raw: raw::Profile = toml::from_str(text)
        .map_err(|error| vec![Complaint::new(error.span().unwrap_or_default(), error.message())])?;
    let mut faults = Faults::default();
    let link = link(text, &mut faults);
    let profile = profile(raw, link, &mut faults);
    faults.0.sort_by_key(|fault| fault.span.start);
    if faults.0.is_empty() { Ok(profile) } else { Err(faults.0) }
}

#[derive(Default)]
struct Faults(Vec<Complaint>);

impl Faults {
    fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.0.push(Complaint::new(span, message));
    }

    fn location(&mut self, text: &Spanned<String>, kind: Kind) -> Location {
        let letter = char::from(kind.letter().unwrap_or(b'?'));
        match Location::parse(text.get_ref()) {
            Some(location) if location.path.kind == kind => location,
            Some(_) => {
                self.add(
                    text.span(),
                    format!("this is looked for in {letter} records; write {letter}.3 or so"),
                );
                Location::field(kind, 1)
            }
            None => {
                let message = format!("not a place; write {letter}.3, {letter}.3.4 or {letter}.3.4+2");
                self.add(text.span(), message);
                Location::field(kind, 1)
            }
        }
    }
}

/// The line's behaviour, written as in an instrument file.
fn link(text: &str, faults: &mut Faults) -> transfer::Settings {
    let remarks = Remarks::default();
    let standard = transfer::Settings::default;
    let read = reader::document(text, &remarks, |file| {
        file.free_entries();
        file.table("link", |table| link::changed(standard(), table))
    });
    faults.0.extend(remarks.into_parts().0);
    read.flatten().unwrap_or_else(standard)
}

fn profile(raw: raw::Profile, link: transfer::Settings, faults: &mut Faults) -> Profile {
    name(&raw.name, faults);
    if *raw.revision.get_ref() == 0 {
        faults.add(raw.revision.span(), "revision is 0; revisions count from 1");
    }
    let tests = tests_section::tests(raw.tests, &raw.sources, faults);
    let aspects = raw.aspects.into_iter().map(|(name, aspect)| {
        let result = aspect.result.map(|kind| tests_section::result_type(kind, aspect.values, faults));
        (name, Aspect { meaning: aspect.meaning, result })
    });
    let aspects = aspects.collect();
    Profile {
        name: raw.name.into_inner(),
        revision: raw.revision.into_inner(),
        vendor: raw.vendor,
        model: raw.model,
        note: raw.note,
        records: records(&raw.records, faults),
        sender: raw.sender.map(|rule| SenderRule {
            at: faults.location(&rule.at, Kind::Header),
            is: Pattern::new(rule.is),
        }),
        places: places(raw.places, faults),
        pins: pins(raw.pins, faults),
        tests,
        aspects,
        failed_values: raw.failed_values,
        statuses: raw
            .statuses
            .into_iter()
            .map(|(letter, status)| (letter, status_meaning(&status)))
            .collect(),
        flags: raw.flags.into_iter().map(|(flag, meaning)| (flag, flag_meaning(meaning))).collect(),
        unknown_status: raw.unknown_status.into(),
        unknown_flag: raw.unknown_flag.into(),
        classes: classes(raw.classes, faults),
        link,
        query: raw.query.map_or_else(QueryStyle::default, |query| style(query, faults)),
    }
}

fn name(name: &Spanned<String>, faults: &mut Faults) {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.get_ref().is_empty() || !name.get_ref().chars().all(allowed) {
        faults.add(name.span(), "a profile's name is made of lower-case letters, digits and hyphens");
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
    use Kind::{Order, Patient, Query, Result};
    let standard = Places::default();
    let mut or =
        |text: Option<Spanned<String>>, kind, usual| text.map_or(usual, |text| faults.location(&text, kind));
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
        aspect: raw.aspect.map(|text| faults.location(&text, Result)),
        component: raw.component.map(|text| faults.location(&text, Result)),
        dilution: raw.dilution.map(|text| faults.location(&text, Result)),
        replicate: raw.replicate.map(|text| faults.location(&text, Result)),
        loinc: raw.loinc.map(|text| faults.location(&text, Result)),
        position: raw.position.iter().map(|text| faults.location(text, Order)).collect(),
        flags: match raw.flags {
            Some(flags) => flags.iter().map(|text| faults.location(text, Result)).collect(),
            None => standard.flags,
        },
    }
}

fn pins(raw: Vec<raw::Pin>, faults: &mut Faults) -> Vec<Pin> {
    let pin =
        |pin: raw::Pin| Pin { at: faults.location(&pin.at, Kind::Result), is: pin.is, meaning: pin.meaning };
    raw.into_iter().map(pin).collect()
}

fn status_meaning(raw: &raw::Status) -> StatusMeaning {
    StatusMeaning { status: raw.means.into(), trust: trust(raw.in_doubt) }
}

fn flag_meaning(raw: raw::Flag) -> FlagMeaning {
    FlagMeaning { meaning: raw.meaning, trust: trust(raw.in_doubt) }
}

fn trust(in_doubt: bool) -> Trust {
    if in_doubt { Trust::InDoubt } else { Trust::Plain }
}

fn classes(raw: Option<Vec<raw::Class>>, faults: &mut Faults) -> Vec<ClassRule> {
    let Some(raw) = raw else { return vec![ClassRule::action_q()] };
    let rule = |rule: raw::Class| ClassRule {
        at: faults.location(&rule.at, Kind::Order),
        is: Pattern::new(rule.is),
        class: rule.class.into(),
    };
    raw.into_iter().map(rule).collect()
}

fn style(raw: raw::Query, faults: &mut Faults) -> QueryStyle {
    let kinds: Vec<Kind> = raw.no_orders.iter().map(|record| kind(&record.record, faults)).collect();
    if kinds.first() != Some(&Kind::Header) || kinds.last() != Some(&Kind::Terminator) {
        let span = raw.no_orders.first().map(|record| record.record.span()).unwrap_or_default();
        faults.add(span, "an answer begins with an H record and ends with an L record");
    }
    let records = raw.no_orders.into_iter().zip(kinds);
    QueryStyle { no_orders: records.map(|(record, kind)| reply_record(record, kind, faults)).collect() }
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
                        "not a template; write text with {specimen}, {after_specimen}, {sequence}, {now}, or a place in \
                         the query such as {H.5}",
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

#[cfg(test)]
mod tests;
