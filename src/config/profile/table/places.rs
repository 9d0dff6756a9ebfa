//! Which column of a table says what, by its profile, and which must be named. How the file is written stands
//! elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use serde_spanned::Spanned;

use crate::config::profile::{Faults, raw};
use crate::domain::profile::{
    Header, HeaderForm, Layout, Pattern, TableDialect, TableFormat, TableLocation, TablePlace, TableRule,
    TestColumns, Told,
};

impl Faults {
    fn cell(&mut self, text: &Spanned<String>) -> TablePlace {
        TablePlace::parse(text.get_ref()).unwrap_or_else(|| {
            self.not_a_cell(text.get_ref(), text.span());
            TablePlace(Vec::new())
        })
    }

    pub(super) fn cells(&mut self, named: &Spanned<raw::Named>) -> Vec<TablePlace> {
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

    pub(super) fn table_rule(&mut self, at: &Spanned<String>, is: String) -> TableRule {
        TableRule { at: self.cell(at), is: Pattern::new(is) }
    }
}

pub(super) fn test_columns(raw: raw::TestColumns, faults: &mut Faults) -> TestColumns {
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

pub(super) fn optional(names: &[Spanned<String>], faults: &mut Faults) -> BTreeSet<Told> {
    let mut optional = BTreeSet::new();
    for name in names {
        match TOLD.iter().find(|(key, _)| key == name.get_ref()) {
            Some((_, told)) => drop(optional.insert(*told)),
            None => faults.add(name.span(), "not a key of [places]; write such as \"operator\""),
        }
    }
    optional
}

pub(super) fn places(raw: raw::Places, faults: &mut Faults) -> BTreeMap<Told, Vec<TablePlace>> {
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
pub(super) fn needed(dialect: &TableDialect, whole: &std::ops::Range<usize>, faults: &mut Faults) {
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
