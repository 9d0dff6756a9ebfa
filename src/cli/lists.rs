//! Lists of what waits for a person, each line with the number that a decision names.

use std::io::Write;

use super::Outcome;
use super::local::here;
use crate::config::Bearings;
use crate::domain::{HoldReason, Observation, ProblemKind, SpecimenId};
use crate::exit::Exit;
use crate::journal::{JournalError, ObservationId, Reader};

/// The most lines of one list.
const LINES: usize = 1_000;

pub(super) fn dead_letters(bearings: &Bearings, out: &mut impl Write) -> Outcome {
    let letters = Reader::open(&bearings.journal.path)?.dead_letters(LINES)?;
    if letters.is_empty() {
        writeln!(out, "No dead letters.")?;
    }
    for letter in letters {
        writeln!(
            out,
            "{}  {} for {}: {} {} since {} after {} attempts: {}",
            letter.delivery,
            letter.specimen.reveal(),
            letter.destination,
            if letter.is_of_call {
                "the record of a critical call".to_owned()
            } else {
                format!("{} results", letter.results)
            },
            letter.state,
            here(letter.since),
            letter.attempts,
            letter.reason.reveal(),
        )?;
    }
    Ok(Exit::Done)
}

pub(super) fn held(bearings: &Bearings, out: &mut impl Write) -> Outcome {
    let reader = Reader::open(&bearings.journal.path)?;
    let held = reader.held(LINES)?;
    if held.is_empty() {
        writeln!(out, "Nothing is held.")?;
    }
    for hold in held {
        let told = |name: &String| match HoldReason::from_name(name) {
            Some(HoldReason::Suspended) => suspended(bearings, &hold.detail),
            Some(reason) => hold.detail.why_held(reason).english(),
            None => name.clone(),
        };
        let why: Vec<String> = hold.reasons.iter().map(told).collect();
        let at = match hold.held_at.as_slice() {
            [] => String::new(),
            names => format!(", not in {}", names.join(", ")),
        };
        let flags = hold.detail.flags_in_words().map(|it| format!(", flagged {it}")).unwrap_or_default();
        let behind = match hold.in_the_way_of {
            0 => String::new(),
            1 => "; a newer result waits behind it".to_owned(),
            several => format!("; {several} newer results wait behind it"),
        };
        writeln!(
            out,
            "{}  {} {} {} {}{flags} from {}, since {}{at}: {}{}{behind}",
            hold.observation,
            hold.detail.specimen.reveal(),
            hold.detail.test.code,
            hold.detail.value_as_sent,
            hold.detail.unit.as_deref().unwrap_or_default(),
            hold.detail.instrument,
            here(hold.opened_at),
            why.join("; "),
            by_rules(&reader, hold.observation)?,
        )?;
    }
    Ok(Exit::Done)
}

/// What rules in force found of a held result, by which limits and values.
fn by_rules(reader: &Reader, held: ObservationId) -> Result<String, JournalError> {
    let holding = reader.decided(held)?.into_iter().filter(|it| it.holds);
    Ok(holding.map(|it| format!(" [{}]", it.finding())).collect())
}

/// Why nothing of its kind leaves by itself, in the words of the configuration where that still says so.
fn suspended(bearings: &Bearings, detail: &Observation) -> String {
    let (instrument, code) = (detail.instrument.as_str(), detail.test.code.as_str());
    let all = bearings.whole.iter().flat_map(|settings| &settings.suspended);
    let reasons: Vec<&str> = all
        .filter(|it| it.takes(instrument, code, detail.lims_code.as_deref()))
        .map(|it| it.reason.as_str())
        .collect();
    match reasons.is_empty() {
        true => HoldReason::Suspended.text().to_owned(),
        false => format!("suspended: {}", reasons.join("; ")),
    }
}

pub(super) fn problems(bearings: &Bearings, out: &mut impl Write) -> Outcome {
    let reader = Reader::open(&bearings.journal.path)?;
    let problems = reader.open_problems(LINES)?;
    let open = usize::try_from(reader.waiting()?.open_problems).unwrap_or(usize::MAX);
    let more = open.saturating_sub(problems.len());
    if problems.is_empty() {
        writeln!(out, "No open problems.")?;
    }
    for problem in problems {
        let remedy = ProblemKind::from_name(&problem.kind).map_or("", ProblemKind::remedy);
        let file = problem.file.as_ref().map(|name| format!(", file {}", name.reveal())).unwrap_or_default();
        writeln!(
            out,
            "{}  {} {} from {}, message {}{file}, since {}: {} [{remedy}]",
            problem.id,
            problem.kind,
            problem.specimen.as_ref().map_or("", SpecimenId::reveal),
            problem.from(),
            problem.message.map_or_else(|| "-".to_owned(), |id| id.to_string()),
            here(problem.seen_at),
            problem.text.reveal(),
        )?;
    }
    if more > 0 {
        writeln!(
            out,
            "… and {more} more, older; `labwire dismiss --message MESSAGE` closes a message's at once"
        )?;
    }
    Ok(Exit::Done)
}
