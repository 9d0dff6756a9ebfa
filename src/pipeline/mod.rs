//! One message becomes observations, problems and queries. Pure and total: no clock, no disk, no log, and no
//! input that can stop it. It reads; it never decides what a value means for a patient.

pub mod runner;

mod batch;
mod case;
mod check;
mod coded;
mod convert;
mod diluted;
mod habits;
mod interpret;
mod linking;
mod normalize;
mod offset;
mod preview;
mod ranged;
mod reply;
pub mod rules;
mod same;
mod sender;
mod specimen;
#[cfg(test)]
mod tests;
mod time;
mod value;
mod who;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use labwire_units::Aliases;

use crate::domain::profile::Profile;
use crate::domain::{
    CodeMapping, InstrumentId, Outcome, Panels, Private, Problem, ProblemKind, Rules, SpecimenRules,
};

pub use case::{Around, as_stored, case, case_of, measured, past};
pub use convert::{analyte, analyte_of, as_told};
pub use linking::{AskedAs, Fit, asked, fit, ordered_kind};
pub use offset::{ClockState, Offsets, made_at};
pub use preview::{Preview, Reported, Tube, preview};
pub use ranged::ranged;
pub use reply::{Found, Only, Question, Stamp, Wants, Work, answer, answers_hl7, download, questions};
pub use same::{
    Again, Arrival, Before, Clock, Counts, Gathering, Kept, Numbered, Pair, PartRead, Prior, Repetition,
    Sameness, Stored, canonical, classify, pairs, time_text,
};
pub use sender::{Sender, sender};
pub use specimen::{Length, Specimen, forms};
pub use value::number;

/// How one instrument's messages are read: its model's profile with this site's settings.
#[derive(Debug, Clone)]
pub struct Reading {
    pub instrument: InstrumentId,
    pub profile: Arc<Profile>,
    pub time_zone: TimeZone,
    /// `None`: what an HL7 message declares; for ASTM, windows-1252.
    pub character_set: Option<&'static encoding_rs::Encoding>,
    /// `.` or `,`.
    pub decimal_separator: char,
    pub specimen: SpecimenRules,
    /// This site's view of the instrument's test codes. A code named here is known even where the profile
    /// doesn't list it.
    pub codes: Arc<BTreeMap<String, CodeMapping>>,
    /// What the LIMS orders under one code and the instrument reports as several tests.
    pub panels: Panels,
    /// What the instrument calls a kind of specimen, by the LIMS's name for it.
    pub specimen_kinds: BTreeMap<String, String>,
    /// What it writes for which UCUM unit.
    pub units: Aliases,
    /// The signed rules by which values are converted. `None`: none are signed, and nothing is converted or held by them.
    pub rules: Option<Arc<Rules>>,
}

/// What is true of the moment at which a message is read.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    pub received_at: Timestamp,
}

/// What is read at once: a message, or rows of a file beside the head that names their columns.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    /// Empty where there is none, or where the rows come behind it in one run of bytes.
    pub head: &'a [u8],
    pub rows: &'a [u8],
    /// The line of the file, from 1, at which the rows begin that aren't the head.
    pub first_line: u64,
}

impl<'a> Part<'a> {
    /// A message, or a file that is its own only part.
    pub fn of(message: &'a [u8]) -> Part<'a> {
        Part { head: &[], rows: message, first_line: 1 }
    }
}

/// The most problems of one kind that a message has, but for those that each stand for a lost result.
const PROBLEMS_OF_A_KIND: usize = 50;

/// The first problems of each kind, and one that counts the rest of it. A lost result always keeps its own: the sums count it.
fn bounded(problems: Vec<Problem>) -> Vec<Problem> {
    let mut seen: BTreeMap<ProblemKind, usize> = BTreeMap::new();
    let mut kept = Vec::new();
    for problem in problems {
        let seen = seen.entry(problem.kind).or_default();
        *seen += usize::from(!problem.replaces_result);
        if problem.replaces_result || *seen <= PROBLEMS_OF_A_KIND {
            kept.push(problem);
        }
    }
    let more = seen.into_iter().filter_map(|(kind, seen)| {
        let more = seen.checked_sub(PROBLEMS_OF_A_KIND).filter(|more| *more > 0)?;
        let text = Private::new(format!("{more} more of this kind in this message; they aren't listed"));
        Some(Problem { kind, record: None, specimen: None, text, replaces_result: false })
    });
    kept.extend(more.collect::<Vec<_>>());
    kept
}

/// Reads a message, or several in one run of bytes. Reading the same bytes again gives the same outcome.
pub fn process(message: &[u8], reading: &Reading, context: &Context) -> Outcome {
    process_part(&Part::of(message), reading, context)
}

/// As [`process`], a part of a file.
pub fn process_part(part: &Part<'_>, reading: &Reading, context: &Context) -> Outcome {
    let interpreted = interpret::interpret(part, reading);
    let not_production = interpreted.not_production;
    let habits = habits::habits(&interpreted, reading);
    let normalize::Normalized { read, queries, mut problems, numbered } =
        normalize::normalize(interpreted, reading, context);
    problems.sort_by_key(|problem| problem.record);
    let problems = bounded(problems);
    let observations = read
        .into_iter()
        .map(|(observation, facts)| {
            let (observation, hold) = convert::convert(observation, reading);
            check::check(observation, &facts, hold, reading)
        })
        .collect();
    Outcome { observations, problems, queries, habits, not_production, numbered }
}
