//! What a profile of an HL7 model says of its segments.

use std::collections::BTreeSet;
use std::ops::Range;

use labwire_hl7::transfer::{Acknowledging, ControlIdForm, Mode, MsaForm};
use serde_spanned::Spanned;

use super::{Faults, raw};
use crate::config::link;
use crate::domain::profile::{
    Hl7Dialect, Hl7Location, Hl7Places, Hl7Queries, Hl7Rule, OrderResults, Pattern,
};

pub(super) fn dialect(raw: &mut raw::Profile, text: &str, faults: &mut Faults) -> Hl7Dialect {
    let standard = Hl7Dialect::default();
    if let Some(records) = &raw.records {
        faults.add(records.span(), "an HL7 model sends segments; write segments = \"MSH PID OBR OBX\" or so");
    }
    for pin in raw.pins.drain(..) {
        faults.add(pin.at.span(), "pins are of ASTM models");
    }
    let queries = raw.query.take().map(|query| queries(query, faults)).unwrap_or_default();
    let rules = |rules: Vec<raw::Rule>, faults: &mut Faults| {
        rules.into_iter().map(|rule| faults.rule(&rule.at, rule.is)).collect()
    };
    let classes = |classes: Vec<raw::Class>, faults: &mut Faults| {
        let rule = |it: raw::Class| (faults.rule(&it.at, it.is), it.class.into());
        classes.into_iter().map(rule).collect()
    };
    Hl7Dialect {
        segments: raw.segments.as_ref().map_or(standard.segments, |names| segments(names, faults)),
        sender: raw.sender.take().map(|rule| faults.rule(&rule.at, rule.is)),
        places: places(std::mem::take(&mut raw.places), faults),
        supplements: raw.supplements.take().map_or(standard.supplements, |it| rules(it, faults)),
        order_results: raw.order_results.take().map(|it| {
            let raw::OrderResults { at, is, places } = it.into_inner();
            OrderResults { rule: faults.rule(&at, is), places: self::places(places, faults) }
        }),
        classes: raw.classes.take().map_or(standard.classes, |it| classes(it, faults)),
        link: super::link(text, faults, standard.link, link::changed_mllp),
        queries,
        acknowledging: raw.acknowledge.as_ref().map(|it| acknowledging(it.get_ref())).unwrap_or_default(),
    }
}

fn queries(raw: raw::Query, faults: &mut Faults) -> Hl7Queries {
    let records = raw.no_orders.iter().chain(&raw.orders).map(|record| record.record.span());
    let of_astm =
        records.chain(raw.test.iter().map(Spanned::span)).chain(raw.patience_secs.iter().map(Spanned::span));
    of_astm.for_each(|span| faults.add(span, "this is of ASTM models"));
    let Some(style) = raw.style else { return Hl7Queries::default() };
    match style.get_ref().as_str() {
        "mindray" => Hl7Queries::Mindray,
        "mindray-orm" => Hl7Queries::MindrayOrm,
        "law" => Hl7Queries::Law,
        _ => {
            faults.add(
                style.span(),
                "not a way to ask that is known; write \"mindray\", \"mindray-orm\" or \"law\"",
            );
            Hl7Queries::default()
        }
    }
}

impl Faults {
    fn rule(&mut self, at: &Spanned<String>, is: String) -> Hl7Rule {
        let at = self.place(at.get_ref(), at.span());
        Hl7Rule { at: at.unwrap_or(NOWHERE), is: Pattern::new(is) }
    }

    fn place(&mut self, text: &str, span: Range<usize>) -> Option<Hl7Location> {
        let place = Hl7Location::parse(text);
        if place.is_none() {
            self.add(span, format!("{text:?} is not a place; write OBX-3, OBX-3.1, PID-3[2].1 or OBX-3.1/2"));
        }
        place
    }
}

/// Stands for a place that couldn't be read; the profile is refused then.
const NOWHERE: Hl7Location = Hl7Location {
    path: labwire_hl7::message::Path {
        segment: *b"MSH",
        occurrence: None,
        field: 1,
        repeat: None,
        component: None,
        subcomponent: None,
    },
    part: None,
};

fn segments(names: &Spanned<String>, faults: &mut Faults) -> BTreeSet<[u8; 3]> {
    let mut segments = BTreeSet::new();
    for name in names.get_ref().split_ascii_whitespace() {
        match <[u8; 3]>::try_from(name.as_bytes()) {
            Ok(name) => drop(segments.insert(name)),
            Err(_) => {
                faults.add(names.span(), format!("{name:?} is no segment's name; it has three letters"))
            }
        }
    }
    if !segments.contains(b"MSH") {
        faults.add(names.span(), "write the names of the segments that the model sends, MSH among them");
    }
    segments
}

fn places(raw: raw::Places, faults: &mut Faults) -> Hl7Places {
    let standard = Hl7Places::default();
    let mut or = |named: Option<Spanned<raw::Named>>, usual: Vec<Hl7Location>| match named {
        None => usual,
        Some(named) => {
            let read = |text: &String| faults.place(text, named.span());
            named.get_ref().all().iter().filter_map(read).collect()
        }
    };
    Hl7Places {
        specimen: or(raw.specimen, standard.specimen),
        position: or(raw.position, standard.position),
        priority: or(raw.priority, standard.priority),
        specimen_type: or(raw.specimen_type, standard.specimen_type),
        patient_id: or(raw.patient_id, standard.patient_id),
        patient_name: or(raw.patient_name, standard.patient_name),
        birth_date: or(raw.birth_date, standard.birth_date),
        sex: or(raw.sex, standard.sex),
        patient_location: or(raw.patient_location, standard.patient_location),
        code: or(raw.code, standard.code),
        aspect: or(raw.aspect, standard.aspect),
        component: or(raw.component, standard.component),
        dilution: or(raw.dilution, standard.dilution),
        replicate: or(raw.replicate, standard.replicate),
        loinc: or(raw.loinc, standard.loinc),
        firmware: or(raw.firmware, standard.firmware),
        assay_version: or(raw.assay_version, standard.assay_version),
        value: or(raw.value, standard.value),
        unit: or(raw.unit, standard.unit),
        range: or(raw.range, standard.range),
        flags: or(raw.flags, standard.flags),
        status: or(raw.status, standard.status),
        operator: or(raw.operator, standard.operator),
        started: or(raw.started, standard.started),
        completed: or(raw.completed, standard.completed),
        analyzer_unit: or(raw.analyzer_unit, standard.analyzer_unit),
        query_specimen: or(raw.query_specimen, standard.query_specimen),
    }
}

fn acknowledging(raw: &raw::Acknowledge) -> Acknowledging {
    Acknowledging {
        mode: match raw.mode {
            raw::AcknowledgeMode::AsAsked => Mode::AsAsked,
            raw::AcknowledgeMode::Original => Mode::Original,
            raw::AcknowledgeMode::Commit => Mode::Commit,
            raw::AcknowledgeMode::Silent => Mode::Silent,
        },
        control_id: if raw.echo_control_id { ControlIdForm::Echoed } else { ControlIdForm::Own },
        msa: if raw.numbered { MsaForm::Numbered } else { MsaForm::Standard },
        echoes_msh_16: raw.echo_msh_16,
        trigger: raw.trigger.clone(),
        charset: None,
    }
}
