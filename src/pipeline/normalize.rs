//! Raw results become observations: values typed, statuses and flags looked up, specimens and times read by the
//! site's rules. What the profile doesn't know becomes a fact for the checks, never a guess.

use std::collections::{BTreeMap, BTreeSet};

use super::interpret::{Interpreted, RawOrder, RawResult, Written};
use super::time::Doubt;
use super::value::Numerals;
use super::{Context, Length, Reading, Specimen, coded, diluted, time, value};
use crate::domain::profile::{Dialect, StatusMeaning, TableFormat, Trust, Unknown};
use crate::domain::{
    HostQuery, InstrumentTime, Observation, Patient, Private, Problem, ProblemKind, SampleClass, SpecimenId,
    Standing, Status, TestIdentity, UnitSource, Value,
};

/// Observations with what the checks must know of them, and what couldn't become one.
pub(super) struct Normalized {
    pub(super) read: Vec<(Observation, Facts)>,
    pub(super) queries: Vec<HostQuery>,
    pub(super) problems: Vec<Problem>,
    /// The records of a table that say themselves which replicate they are.
    pub(super) numbered: BTreeSet<u32>,
}

/// What was noticed while a result was read.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) odd: bool,
    /// `None` for a status that nobody knows.
    pub(super) status: Option<Trust>,
    /// One an element; `None` for a flag that nobody knows.
    pub(super) flags: Vec<Option<Trust>>,
    pub(super) length: Length,
    pub(super) cut: bool,
    /// Nothing says whose sample it is.
    pub(super) unclear: bool,
    /// Something of it can't be decoded.
    pub(super) garbled: bool,
}

pub(super) fn normalize(raw: Interpreted, reading: &Reading, context: &Context) -> Normalized {
    let mut normalizer = Normalizer {
        reading,
        context,
        replicates: BTreeMap::new(),
        doubted_times: BTreeSet::new(),
        seen_orders: BTreeSet::new(),
        out: Normalized {
            read: Vec::new(),
            queries: raw.queries,
            problems: raw.problems,
            numbered: BTreeSet::new(),
        },
    };
    for result in raw.results {
        let order = result.order.and_then(|at| raw.orders.get(at));
        let patient = result.patient.and_then(|at| raw.patients.get(at));
        let mut comments = patient.map(|patient| patient.comments.clone()).unwrap_or_default();
        comments.extend(order.into_iter().flat_map(|order| order.comments.iter().cloned()));
        let patient = patient.map(|patient| patient.patient.clone()).unwrap_or_default();
        normalizer.result(
            RawResult { comments: [comments, result.comments].concat(), ..result },
            order,
            patient,
        );
    }
    normalizer.out
}

/// Stands for bytes that couldn't be decoded.
const REPLACEMENT: char = '\u{FFFD}';

/// The text, unless some of it couldn't be decoded.
fn legible(text: &str) -> &str {
    if text.contains(REPLACEMENT) { "" } else { text }
}

/// Without what couldn't be decoded: the LIMS knows its patient by the specimen, and must not get an altered name.
fn legible_parts(patient: Patient) -> Patient {
    let part = |text: String| legible(&text).to_owned();
    Patient {
        id: part(patient.id),
        authority: part(patient.authority),
        name: part(patient.name),
        birth_date: part(patient.birth_date),
        sex: part(patient.sex),
        location: part(patient.location),
    }
}

/// Whether anything couldn't be decoded of which result it is, and of what it says.
fn is_garbled(raw: &RawResult, specimen: &str) -> bool {
    let test = &raw.test;
    let parts = [specimen, &test.code, &test.aspect, &test.component, &test.dilution, &raw.value_as_sent];
    let others = raw.unit.iter().chain(&raw.range).chain(&raw.flags).chain(&raw.status).map(String::as_str);
    parts.into_iter().chain(others).any(|text| text.contains(REPLACEMENT))
}

/// Flags of LIS02 (R.7) and HL7 (table 0078) for a value below or above the scale, or below or above panic limits.
const BEYOND: [&str; 4] = ["<", ">", "LL", "HH"];

struct Normalizer<'a> {
    reading: &'a Reading,
    context: &'a Context,
    /// How often each test was seen in each order.
    replicates: BTreeMap<(Option<usize>, TestIdentity), BTreeSet<u32>>,
    /// Times that were already reported: one wrong clock is one problem of a message, and of each row of a table.
    doubted_times: BTreeSet<(Option<u64>, String)>,
    seen_orders: BTreeSet<usize>,
    out: Normalized,
}

impl Normalizer<'_> {
    fn result(&mut self, raw: RawResult, order: Option<&RawOrder>, patient: Patient) {
        let reading = self.reading;
        let sent = order.map(|order| order.specimen.as_str()).unwrap_or_default();
        // A number that was altered is none, and of several none is the one.
        let number = if order.is_some_and(|order| order.several) { "" } else { legible(sent) };
        let specimen = Specimen::read(number, &reading.specimen);
        let replicate = self.replicate(&raw);
        let test = reading.profile.tests.get(&raw.test.code);
        let site = reading.codes.get(&raw.test.code);
        if test.is_none() && site.is_none() {
            let text =
                format!("test code {:?} is not known to {}", raw.test.code, reading.profile.identity());
            self.problem(ProblemKind::UnknownCode, &raw, &specimen.id, text, true);
            return;
        }
        let started = self.time(&raw, &raw.started, &specimen.id);
        let completed = self.time(&raw, &raw.completed, &specimen.id);
        let (value, status, mut facts) = self.value(&raw, &specimen.id);
        facts.length = specimen.length;
        facts.garbled = is_garbled(&raw, sent);
        facts.unclear = order.is_some_and(|order| order.class.is_none());
        let (value, dilution) = match diluted::diluted(&value, &raw.test.dilution, reading.profile.dilutions)
        {
            Ok(Some((value, dilution))) => (value, Some(dilution)),
            Ok(None) => (value, None),
            Err(why) => {
                facts.odd = true;
                self.problem(ProblemKind::OddValue, &raw, &specimen.id, why, false);
                (value, None)
            }
        };

        let mut attachments = raw.attachments;
        if let Some((at, order)) = raw.order.zip(order)
            && self.seen_orders.insert(at)
        {
            attachments.splice(0..0, order.attachments.iter().cloned());
        }
        let declared = site.and_then(|site| site.unit.as_ref());
        let observation = Observation {
            instrument: reading.instrument.clone(),
            profile: reading.profile.identity(),
            specimen: specimen.id,
            specimen_as_sent: Private::new(sent.to_owned()),
            patient: Private::new(legible_parts(patient)),
            class: order.and_then(|order| order.class).unwrap_or(SampleClass::Patient),
            test: raw.test,
            replicate,
            value,
            value_as_sent: raw.value_as_sent,
            unit_source: match (&raw.unit, declared) {
                (None, Some(_)) => UnitSource::Declared,
                _ => UnitSource::Sent,
            },
            unit: raw.unit.or_else(|| declared.cloned()),
            dilution,
            conversion: None,
            reference_range: raw.range,
            site_range: None,
            flags: raw.flags,
            status,
            status_as_sent: raw.status.unwrap_or_default(),
            standing: Standing::Clear,
            started,
            completed,
            operator: raw.operator.map(Private::new),
            analyzer_unit: raw.analyzer_unit,
            position: order.and_then(|order| order.position.clone()),
            priority: order.and_then(|order| order.priority.clone()),
            specimen_type: order.and_then(|order| order.specimen_type.clone()),
            lims_code: site.and_then(|site| site.lims_code.clone()),
            loinc: site
                .and_then(|site| site.loinc.clone())
                .or(raw.loinc)
                .or_else(|| test.and_then(|test| test.loinc.clone())),
            comments: raw.comments,
            attachments,
            record: raw.record,
        };
        self.out.read.push((observation, facts));
    }

    /// The instrument's own count where it keeps one, else the next free number of this test in this order.
    fn replicate(&mut self, raw: &RawResult) -> u32 {
        let is_row = matches!(self.reading.profile.dialect, Dialect::Table(_));
        if let Some(number) = raw.replicate.filter(|number| is_row && *number > 0) {
            // The rows that came before it may be another part's: it can't matter what they took.
            self.out.numbered.insert(raw.record);
            return number;
        }
        let taken = self.replicates.entry((raw.order, raw.test.clone())).or_default();
        let declared = raw.replicate.filter(|number| *number > 0 && !taken.contains(number));
        let number =
            declared.unwrap_or_else(|| (1..).find(|number| !taken.contains(number)).unwrap_or(u32::MAX));
        taken.insert(number);
        number
    }

    fn value(&mut self, raw: &RawResult, specimen: &SpecimenId) -> (Value, Status, Facts) {
        let profile = &self.reading.profile;
        let sent = raw.status.as_deref().unwrap_or_default();
        let unsaid = StatusMeaning { status: Status::Final, trust: Trust::Plain };
        let meaning = raw.status.as_ref().map_or(Some(unsaid), |sent| profile.status(sent));
        let facts = Facts {
            odd: false,
            status: meaning.map(|meaning| meaning.trust),
            flags: raw.flags.iter().map(|flag| profile.flag(flag)).collect(),
            length: Length::Whole,
            cut: raw.cut,
            unclear: false,
            garbled: false,
        };
        let status = match (meaning, profile.unknown_status) {
            (Some(meaning), _) => meaning.status,
            (None, Unknown::Show | Unknown::Tell) if !profile.dialect.is_never_final(sent) => Status::Final,
            (None, _) => Status::Preliminary,
        };
        if meaning.is_none() {
            let text = format!("status {sent:?} is not known to {}", profile.identity());
            self.problem(ProblemKind::UnknownStatus, raw, specimen, text, false);
        }
        let unknown_flag = raw.flags.iter().find(|flag| profile.flag(flag).is_none());
        if let Some(flag) = unknown_flag.filter(|_| profile.unknown_flag == Unknown::Tell) {
            let text = format!("flag {flag:?} is not known to {}", profile.identity());
            self.problem(ProblemKind::UnknownFlag, raw, specimen, text, false);
        }
        if let Some(text) = raw.unread.clone() {
            self.problem(ProblemKind::OddValue, raw, specimen, text, false);
            let value = Value::Text(raw.value_as_sent.trim().to_owned());
            return (value, status, Facts { odd: true, ..facts });
        }
        if let Some(flag) = self.beyond_without_number(raw, status) {
            let text = format!("no value came, and the flag {flag:?} says that there is one that matters");
            self.problem(ProblemKind::OddValue, raw, specimen, text, false);
            return (Value::Text(flag), status, Facts { odd: true, ..facts });
        }
        if let Some(reason) = self.failure(raw, status) {
            // A correction to "no value" stays a correction: it must replace what was sent before.
            let status = if status == Status::Correction { status } else { Status::Failed };
            return (Value::Absent { reason }, status, facts);
        }
        let site = self.reading.codes.get(&raw.test.code);
        let expected = profile.result_type(&raw.test.code, &raw.test.aspect);
        let known_aspect = raw.test.aspect.is_empty() || profile.aspects.contains_key(&raw.test.aspect);
        let (value, fit) = match known_aspect {
            true => coded::read(raw, expected, self.numerals(raw), site),
            false => (Value::Text(raw.value.clone()), value::Fit::Odd),
        };
        let odd = fit == value::Fit::Odd;
        if odd {
            let text = match known_aspect {
                true if site.is_some_and(|site| !site.values.is_empty()) => {
                    format!(
                        "the value {:?} isn't among the values of {:?} in [codes]",
                        raw.value, raw.test.code
                    )
                }
                true => format!("the value {:?} is neither a number nor known", raw.value),
                false => format!("the aspect {:?} is not known to {}", raw.test.aspect, profile.identity()),
            };
            self.problem(ProblemKind::OddValue, raw, specimen, text, false);
        }
        (value, status, Facts { odd, ..facts })
    }

    fn numerals(&self, raw: &RawResult) -> Option<Numerals> {
        let thousands = self.reading.profile.thousands_separator;
        (raw.written == Written::Open)
            .then_some(Numerals { decimal: self.reading.decimal_separator, thousands })
    }

    /// The flag that stands in the place of a number: it says that the value is off the scale, or beyond the analyzer's panic
    /// limits, and no number came with it. That may be critical, so that it is no run without a value.
    fn beyond_without_number(&self, raw: &RawResult, status: Status) -> Option<String> {
        let profile = &self.reading.profile;
        if !raw.value.is_empty() || status == Status::Failed || profile.failed_values.contains_key(&raw.value)
        {
            return None;
        }
        let flags = raw.flags.iter().map(|flag| flag.trim());
        let mut standard = flags.filter(|flag| !profile.flags.contains_key(*flag));
        standard.find(|flag| BEYOND.contains(flag)).map(str::to_owned)
    }

    /// Why there is no value, if there is none.
    fn failure(&self, raw: &RawResult, status: Status) -> Option<String> {
        if let Some(reason) = self.reading.profile.failed_values.get(&raw.value) {
            return Some(reason.clone());
        }
        if status == Status::Failed {
            let sent = raw.status.as_deref().unwrap_or_default();
            return Some(format!("the analyzer could not do the test (status {sent})"));
        }
        raw.value.is_empty().then(|| "the analyzer sent no value".to_owned())
    }

    fn time(&mut self, raw: &RawResult, text: &str, specimen: &SpecimenId) -> Option<InstrumentTime> {
        let reading = self.reading;
        let (time, doubt): (_, Option<Doubt>) =
            time::read(text, reading.profile.dialect.times(), &reading.time_zone, self.context.received_at);
        let doubt = match &reading.profile.dialect {
            Dialect::Table(table) if matches!(table.format, TableFormat::Workbook { .. }) => {
                time::of_cell(text, table.named_times()).or(doubt)
            }
            _ => doubt,
        };
        if let Some(doubt) = doubt
            && self.doubted_times.insert((raw.line, text.to_owned()))
        {
            self.problem(ProblemKind::OddTime, raw, specimen, format!("the time {text:?}: {doubt}"), false);
        }
        time
    }

    fn problem(
        &mut self,
        kind: ProblemKind,
        raw: &RawResult,
        specimen: &SpecimenId,
        text: String,
        lost: bool,
    ) {
        let text = match raw.line {
            Some(line) => format!("line {line}: {text}"),
            None => text,
        };
        self.out.problems.push(Problem {
            kind,
            record: Some(raw.record),
            specimen: (!specimen.is_blank()).then(|| specimen.clone()),
            text: Private::new(text),
            replaces_result: lost,
        });
    }
}
