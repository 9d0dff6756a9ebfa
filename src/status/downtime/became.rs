//! What became of the lines of a kept list, once the LIMS is back.

use super::{Severity, Since, otherwise, patient, state_words, test_name, told, value};
use crate::domain::{Words, counted, words};
use crate::journal::downtime::{At, Missing};
use crate::status::shell::Mark;

/// A line of a kept list, ready to show.
pub(super) struct SinceRow {
    /// The class of the worst.
    pub class: &'static str,
    pub marks: Vec<Mark>,
    pub specimen: String,
    pub patient: Words,
    pub test: String,
    pub listed: Words,
    pub now: Words,
}

/// What became of a line of a kept list, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Became {
    /// Something else than the list says.
    Different,
    Held,
    Refused,
    /// It left, and nobody knows whether it arrived.
    PerhapsThere,
    NotThere,
    AsListed,
}

/// What became of a line, and where it differs from the list, how.
pub(super) fn became(it: &Since) -> (Became, Option<Words>) {
    let is_somewhere = |state: &str| it.now.iter().any(|at| at.state == state);
    let is_settled =
        |at: &At| matches!(at.state.as_str(), "accepted" | "staged" | "superseded" | "not-for-it");
    match it.changed() {
        Some(newer) if newer.specimen != it.then.detail.specimen => {
            (Became::Different, Some(words!("another specimen's: tell whoever worked by the list")))
        }
        Some(_) => (Became::Different, Some(words!("changed: tell whoever worked by the list"))),
        None if is_somewhere("rejected") => {
            (Became::Different, Some(words!("rejected: tell whoever worked by the list")))
        }
        None if is_somewhere("held") => (Became::Held, None),
        None if is_somewhere("refused") => (Became::Refused, None),
        None if it.now.iter().any(|at| at.may_be_there) => (Became::PerhapsThere, None),
        None if it.now.iter().all(is_settled) => (Became::AsListed, None),
        None => (Became::NotThere, None),
    }
}

pub(super) fn since_row(it: &Since) -> (Became, SinceRow) {
    let then = &it.then.detail;
    let (became, differs) = became(it);
    let verdict = match became {
        Became::AsListed => Some(Mark::new(Severity::Calm, words!("in the LIMS as listed"))),
        Became::NotThere => Some(Mark::new(Severity::Wait, words!("not in the LIMS yet"))),
        _ => differs.map(|how| Mark::new(Severity::Danger, how)),
    };
    // As the list to work by says it: who has only this sheet must not be told less.
    let warnings = told(&it.now).into_iter().filter(|(severity, _)| *severity < Severity::Wait);
    let warnings = warnings.map(|(severity, words)| Mark::new(severity, words));
    let marks: Vec<Mark> = verdict.into_iter().chain(warnings).collect();
    let states = it.now.iter().map(|at| Words::row([(&at.destination).into(), state_words(&at.state)], ": "));
    let newer = it.newer.iter().flat_map(|newer| {
        let is_another = newer.specimen != then.specimen;
        let other = is_another.then(|| words!("specimen {id}", id = newer.specimen.reveal()));
        [Some(value(newer)), other].into_iter().flatten()
    });
    let now = Words::row(newer.chain([Words::row(states, ", ")]), " · ");
    let row = SinceRow {
        class: marks.iter().map(|mark| mark.class).next().unwrap_or_default(),
        marks,
        specimen: then.specimen.reveal().to_owned(),
        patient: named(&it.then),
        test: test_name(&then.test),
        listed: value(then),
        now,
    };
    (became, row)
}

/// The patient's name, and where the analyzer named somebody else, that one too.
pub(super) fn named(it: &Missing) -> Words {
    let (told, sent) = (&patient(it).name, &it.detail.patient.reveal().name);
    match otherwise(it) {
        Some(other) => words!("{told} ({why}: {sent})", told, why = other.why, sent),
        None => told.into(),
    }
}

/// How many came to what, and each, the worst first.
pub(super) fn lines(since: &[Since]) -> (Words, Vec<SinceRow>) {
    let mut lines: Vec<(Became, SinceRow)> = since.iter().map(since_row).collect();
    lines.sort_by_key(|(became, _)| *became);
    let came_to: Vec<Became> = lines.iter().map(|(became, _)| *became).collect();
    (summary(&came_to), lines.into_iter().map(|(_, row)| row).collect())
}

/// Some of it is perhaps in the LIMS.
pub(super) fn is_doubtful(since: &[Since]) -> bool {
    since.iter().any(|it| it.now.iter().any(|at| at.may_be_there))
}

/// How many came to what, worst first.
pub(super) fn summary(came_to: &[Became]) -> Words {
    let of = |it: Became| came_to.iter().filter(|other| **other == it).count();
    let parts = [
        (
            of(Became::Different),
            counted!(of(Became::Different), "{n} differs from the list", "{n} differ from the list"),
        ),
        (of(Became::Held), words!("{n} held, not to be used yet", n = of(Became::Held))),
        (of(Became::Refused), words!("{n} refused", n = of(Became::Refused))),
        (of(Became::PerhapsThere), words!("{n} perhaps in the LIMS", n = of(Became::PerhapsThere))),
        (of(Became::NotThere), words!("{n} not in the LIMS yet", n = of(Became::NotThere))),
        (of(Became::AsListed), words!("{n} in the LIMS as listed", n = of(Became::AsListed))),
    ];
    Words::row(parts.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words), " · ")
}
