//! Host queries, of ASTM models here and of HL7 models in `hl7`: what is asked for, and the answer in the model's own conventions. It echoes what the query
//! named, byte for byte; it never makes up an order.

mod download;
mod fill;
mod hl7;
mod only;

use std::collections::BTreeMap;

use jiff::Timestamp;
use labwire_astm::record::{Draft, Field, Kind, Message, QueryRecord, Record};

use super::{Reading, Specimen};
use crate::domain::profile::{AstmDialect, Dialect, ReplyRecord, Template};
use crate::domain::{Patient, Priority, SpecimenId};
pub use download::download;
use fill::Moment;
pub use hl7::{Stamp, answers_hl7};

/// The longest specimen number that is looked for and echoed, in bytes as sent.
const LONGEST: usize = 80;
const SPAN_OF_TIME: &str = "it asks for the orders of a span of time";

/// One query of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The ordinal of its record, from 0.
    pub record: u32,
    pub wants: Wants,
    pub only: Only,
}

/// What a question is narrowed to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Only {
    /// The patient's number: one for each of [`Wants::Tubes`], else the first for all. Empty where none is named.
    pub patients: Vec<crate::domain::Private<String>>,
    /// The tests, in every way in which their codes may have been written. None: all.
    pub tests: Vec<String>,
}

impl Only {
    /// The patient whose tube is asked for, by its place among the tubes.
    pub fn patient(&self, place: usize) -> Option<&str> {
        let patient = self.patients.get(place).map(|patient| patient.reveal().as_str());
        patient.filter(|patient| !patient.is_empty())
    }

    /// Whether an instrument's code is asked for.
    pub fn takes(&self, code: &str) -> bool {
        self.tests.is_empty() || self.tests.iter().any(|it| it == code)
    }
}

/// What a query asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wants {
    /// Nothing that could be looked for, and why.
    Nothing(&'static str),
    /// Each of these, in their order, by the LIMS's numbers.
    Tubes(Vec<SpecimenId>),
    /// Every tube from the first to the last.
    Range(SpecimenId, SpecimenId),
    /// Whatever there is to do.
    All,
}

/// What there is to do for one tube, in the instrument's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// The label, as the LIMS writes it.
    pub specimen: SpecimenId,
    /// The instrument's codes, each once.
    pub tests: Vec<String>,
    pub priority: Priority,
    pub patient: crate::domain::Private<Patient>,
    /// Empty where the site doesn't say what the instrument calls it.
    pub specimen_kind: String,
    /// As the LIMS writes it.
    pub collected: String,
    /// Under which each test is told where the protocol numbers steps; empty where it doesn't.
    pub numbers: Vec<String>,
    /// What the instrument was told of and is to do no more, with its number.
    pub withdrawn: Vec<(String, String)>,
    /// Whether the instrument was told of the tube before.
    pub is_known: bool,
}

/// What was found for each query: for [`Wants::Tubes`] one element for each tube asked for, `None` where there is nothing to do.
pub type Found = BTreeMap<u32, Vec<Option<Work>>>;

/// The queries of a message, without those that are withdrawn.
pub fn questions(message: &[u8], reading: &Reading) -> Vec<Question> {
    let dialect = match &reading.profile.dialect {
        Dialect::Astm(dialect) => dialect,
        Dialect::Hl7(dialect) => return hl7::questions(message, dialect, reading),
        // A file asks nothing.
        Dialect::Table(_) => return Vec::new(),
    };
    let message = Message::parse(message);
    let queries = message.records().filter(|it| it.kind() == Kind::Query && !cancels(it));
    queries
        .map(|query| Question {
            record: u32::try_from(query.ordinal()).unwrap_or(u32::MAX),
            only: only(&query, dialect, reading),
            wants: wants(&query, dialect, reading),
        })
        .collect()
}

fn only(query: &Record<'_>, dialect: &AstmDialect, reading: &Reading) -> Only {
    let tubes: Vec<bool> = asked(query, dialect).into_iter().map(|it| named(it, reading).is_some()).collect();
    only::only(query, dialect, reading, &tubes)
}

fn wants(query: &Record<'_>, dialect: &AstmDialect, reading: &Reading) -> Wants {
    if let Some(why) = only::unanswerable(query) {
        return Wants::Nothing(why);
    }
    let asked: Vec<Field<'_>> = asked(query, dialect);
    if asked.iter().any(|specimen| specimen.raw().trim_ascii() == b"ALL") {
        return if only::names_a_time(query) { Wants::Nothing(SPAN_OF_TIME) } else { Wants::All };
    }
    let named: Vec<SpecimenId> = asked.iter().filter_map(|specimen| named(*specimen, reading)).collect();
    if named.is_empty() {
        let long = asked.iter().any(|specimen| specimen.raw().len() > LONGEST);
        return Wants::Nothing(if long {
            "the specimen's number is too long"
        } else {
            "no specimen is named"
        });
    }
    match (named.as_slice(), last_of_range(query, dialect).and_then(|last| self::named(last, reading))) {
        ([first], Some(last)) if *first != last && only::names_a_time(query) => Wants::Nothing(SPAN_OF_TIME),
        ([first], Some(last)) if *first != last => Wants::Range(first.clone(), last),
        _ => Wants::Tubes(named),
    }
}

/// The specimens that a query names, by the LIMS's numbers: of a range both ends, of everything none.
pub(super) fn named_in(query: &Record<'_>, dialect: &AstmDialect, reading: &Reading) -> Vec<SpecimenId> {
    match wants(query, dialect, reading) {
        Wants::Nothing(_) | Wants::All => Vec::new(),
        Wants::Tubes(tubes) => tubes,
        Wants::Range(first, last) => vec![first, last],
    }
}

fn named(specimen: Field<'_>, reading: &Reading) -> Option<SpecimenId> {
    if specimen.raw().len() > LONGEST {
        return None;
    }
    let text = fill::decode(&specimen.unescape(), reading);
    Some(Specimen::read(&text, &reading.specimen).id).filter(|id| !id.is_blank())
}

/// The end of a range stands in the next field, in the place of the start.
fn last_of_range<'a>(query: &Record<'a>, dialect: &AstmDialect) -> Option<Field<'a>> {
    let place = dialect.places.query_specimen.path;
    if place.field != 3 {
        return None;
    }
    let field = query.field(4);
    let parts = field.components().count();
    let number = place.component.filter(|number| *number <= parts).unwrap_or(1);
    Some(field.component(number)).filter(|last| !last.raw().trim_ascii().is_empty() && last.raw() != b"ALL")
}

/// One tube of an answer.
struct Target<'a> {
    query: Record<'a>,
    /// As it stands in the query, or escaped where the query names none.
    specimen: Vec<u8>,
    /// The components after the specimen, as sent.
    after: Vec<&'a [u8]>,
    work: Option<&'a Work>,
}

/// The answer to a message that asks for orders. `None` where it asks nothing, withdraws an earlier query, or has
/// a header under which no answer could be written.
pub fn answer(query: &[u8], reading: &Reading, found: &Found, at: Timestamp) -> Option<Vec<u8>> {
    let Dialect::Astm(dialect) = &reading.profile.dialect else { return None };
    let message = Message::parse(query);
    if !message.faults().is_empty() {
        return None;
    }
    let header = message.records().find(|record| record.kind() == Kind::Header)?;
    let queries: Vec<Record<'_>> =
        message.records().filter(|it| it.kind() == Kind::Query && !cancels(it)).collect();
    let first = queries.first()?;
    let mut draft = Draft::new(header.delimiters());
    let targets: Vec<Target<'_>> =
        queries.iter().flat_map(|query| targets(query, dialect, reading, found, &draft)).collect();
    let nobody = Target { query: *first, specimen: Vec::new(), after: Vec::new(), work: None };
    let now = at.to_zoned(reading.time_zone.clone()).strftime("%Y%m%d%H%M%S").to_string();
    let moment = Moment { reading, header, style: &dialect.query, now: &now };
    if targets.iter().any(|target| target.work.is_some()) {
        with_orders(&mut draft, &moment, &targets);
    } else {
        without(&mut draft, &moment, &targets, &nobody);
    }
    Some(draft.finish())
}

/// There is nothing to do: order records once for each tube, what else there is once.
fn without(draft: &mut Draft, moment: &Moment<'_>, targets: &[Target<'_>], nobody: &Target<'_>) {
    for record in &moment.style.no_orders {
        let about = match record.kind {
            Kind::Order => targets.iter().collect(),
            Kind::Header | Kind::Terminator => vec![targets.first().unwrap_or(nobody)],
            _ => targets.first().into_iter().collect::<Vec<_>>(),
        };
        for (index, target) in about.into_iter().enumerate() {
            moment.write(draft, record, target, index + 1);
        }
    }
}

/// The header and what ends the message once; between them everything about one tube together. A tube without work is
/// told as such where the model has a record for that.
fn with_orders(draft: &mut Draft, moment: &Moment<'_>, targets: &[Target<'_>]) {
    let Some(first) = targets.first() else { return };
    let outer = |record: &&ReplyRecord| matches!(record.kind, Kind::Header | Kind::Terminator);
    let of = |kind: Kind| moment.style.orders.iter().filter(move |record| record.kind == kind);
    of(Kind::Header).for_each(|record| moment.write(draft, record, first, 1));
    let says_none = moment.style.no_orders.iter().any(|record| record.kind == Kind::Order);
    let mut number = 0;
    for target in targets {
        let records = match target.work {
            Some(_) => &moment.style.orders,
            None if says_none => &moment.style.no_orders,
            None => continue,
        };
        number += 1;
        let is_known = target.work.is_some_and(|work| work.is_known);
        for record in records.iter().filter(|record| !outer(record)) {
            match is_known.then(|| added(record)).flatten() {
                Some(added) => moment.write(draft, &added, target, number),
                None => moment.write(draft, record, target, number),
            }
        }
    }
    of(Kind::Terminator).for_each(|record| moment.write(draft, record, first, 1));
}

/// Of a tube that the analyzer knows an order is no new one (N in O.12) but is added to it (A).
fn added(record: &ReplyRecord) -> Option<ReplyRecord> {
    let is_new = record.kind == Kind::Order && record.fields.get(&12) == Some(&Template::text("N"));
    is_new.then(|| {
        let mut record = record.clone();
        record.fields.insert(12, Template::text("A"));
        record
    })
}

fn targets<'a>(
    query: &Record<'a>,
    dialect: &AstmDialect,
    reading: &Reading,
    found: &'a Found,
    draft: &Draft,
) -> Vec<Target<'a>> {
    let record = u32::try_from(query.ordinal()).unwrap_or(u32::MAX);
    let works = found.get(&record).map(Vec::as_slice).unwrap_or_default();
    if let Wants::Tubes(_) = wants(query, dialect, reading) {
        let tubes = specimens(query, dialect);
        let named = tubes.into_iter().filter(|(specimen, _)| named(*specimen, reading).is_some());
        return named
            .enumerate()
            .map(|(index, (specimen, after))| Target {
                query: *query,
                specimen: specimen.raw().to_vec(),
                after,
                work: works.get(index).and_then(Option::as_ref),
            })
            .collect();
    }
    let of_work = |work: &'a Work| Target {
        query: *query,
        specimen: fill::encode(work.specimen.reveal(), reading, draft),
        after: Vec::new(),
        work: Some(work),
    };
    works.iter().flatten().map(of_work).collect()
}

/// The specimens that a query names, as sent.
pub(super) fn asked<'a>(query: &Record<'a>, dialect: &AstmDialect) -> Vec<Field<'a>> {
    specimens(query, dialect).into_iter().map(|(specimen, _)| specimen).collect()
}

/// Each occurrence's specimen and what follows it. Some models send the empty patient component with the first
/// occurrence only: where an occurrence has one component, that is the specimen.
fn specimens<'a>(query: &Record<'a>, dialect: &AstmDialect) -> Vec<(Field<'a>, Vec<&'a [u8]>)> {
    let place = dialect.places.query_specimen.path;
    let field = query.field(place.field);
    let occurrences = field.repeats().map(|occurrence| {
        let parts: Vec<Field<'a>> = occurrence.components().collect();
        let number = place.component.filter(|number| *number <= parts.len()).unwrap_or(1);
        let specimen = occurrence.component(number);
        (specimen, parts.iter().skip(number).map(|part| part.raw()).collect())
    });
    occurrences.collect()
}

fn cancels(record: &Record<'_>) -> bool {
    QueryRecord::of(*record).is_some_and(|query| query.status().raw().trim_ascii() == b"A")
}
