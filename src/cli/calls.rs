//! `labwire calls`: the critical calls that are open, by when and whom to call; and everything about one, with what else
//! is known of its specimen beside it. It only reads.

use std::collections::BTreeSet;
use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Outcome;
use super::call::find;
use super::local::written;
use crate::clock;
use crate::config::Bearings;
use crate::domain::call::{Step, Wants, whom};
use crate::domain::clinic::Check;
use crate::domain::{Observation, Patient, Private};
use crate::exit::Exit;
use crate::journal::calls::CallView;
use crate::journal::orders::source_names;
use crate::journal::{ObservationId, Reader};
use crate::pipeline::forms;

/// The most calls that are listed of all that ever were.
const LINES: usize = 1_000;

/// The open calls; with `all`, the latest ones whatever became of them. Something overdue is left for a person.
pub(super) fn run(bearings: &Bearings, all: bool, out: &mut impl Write) -> Outcome {
    let reader = Reader::open(&bearings.journal.path)?;
    let now = clock::now();
    let open = reader.open_calls()?;
    let overdue = open.iter().any(|call| call.is_overdue(now));
    let calls = if all { reader.latest_calls(LINES)? } else { open };
    if calls.is_empty() {
        writeln!(out, "{}", if all { "No critical calls." } else { "No open critical calls." })?;
    }
    for call in &calls {
        writeln!(out, "{}", line(call, bearings.call_steps.as_deref(), now, &TimeZone::system()))?;
    }
    Ok(if overdue { Exit::Open } else { Exit::Done })
}

/// One call, or all of a specimen.
pub(super) fn show(bearings: &Bearings, named: &str, out: &mut impl Write) -> Outcome {
    let reader = Reader::open(&bearings.journal.path)?;
    let mut calls = Vec::new();
    if let Ok(call) = find(bearings, &reader, named)? {
        calls.push(call);
    } else {
        for id in forms(named, bearings.instruments().iter().map(|instrument| &instrument.specimen)) {
            calls.extend(reader.calls_of(&id)?);
        }
    }
    if calls.is_empty() {
        writeln!(out, "There is no call {named}, and none of such a specimen.")?;
        return Ok(Exit::Failed);
    }
    let sources = order_sources(bearings);
    for call in &calls {
        let zone = TimeZone::system();
        writeln!(out, "{}", line(call, bearings.call_steps.as_deref(), clock::now(), &zone))?;
        for it in &call.happened {
            let words = it.words(&|at| written(at, &zone).into()).english();
            writeln!(out, "    {}  {words}", written(it.at, &zone))?;
        }
        evidence(&reader, call, (&zone, &sources), out)?;
    }
    Ok(Exit::Done)
}

/// Whose orders count. That isn't known where the configuration has a mistake.
fn order_sources(bearings: &Bearings) -> Option<BTreeSet<String>> {
    let settings = bearings.whole.as_ref().ok()?;
    Some(source_names(settings.orders.iter().map(|source| source.name.as_str())))
}

/// What to do, in one line.
fn line(call: &CallView, steps: Option<&[Step]>, now: Timestamp, zone: &TimeZone) -> String {
    let result = call.result.reveal();
    let head = format!(
        "{}  {} {} {}: {}",
        call.id,
        call.specimen.reveal(),
        result.test.code,
        call.tell.reveal().words().english(),
        call.reason.words()
    );
    let Some(due) = call.due() else { return format!("{head}; closed") };
    let wants = match due.wants {
        Wants::Verification => "verify",
        Wants::Call => "call",
    };
    let by = if call.is_overdue(now) { "OVERDUE since" } else { "by" };
    let whom = match steps {
        Some(steps) => whom(steps, due.start, now).map(|step| format!(": {}", step.whom)).unwrap_or_default(),
        None => ": whom can't be told, see labwire check".to_owned(),
    };
    let again = due.again_at.map(|at| format!("; again at {}", written(at, zone))).unwrap_or_default();
    let attempts = match call.course.attempts {
        0 => String::new(),
        1 => ", 1 attempt".to_owned(),
        more => format!(", {more} attempts"),
    };
    format!("{head}; {wants} {by} {}{whom}{attempts}{again}", written(due.at, zone))
}

/// Whom the LIMS's orders name and what the analyzer said of the patient, for the identifiers.
fn patients(result: &Observation, ordered: &[Private<Patient>], out: &mut impl Write) -> io::Result<()> {
    for patient in ordered {
        writeln!(out, "    the patient by the LIMS's order: {}", told(patient.reveal()))?;
    }
    let said = result.patient.reveal();
    writeln!(out, "    the analyzer said of the patient: {}", told(said))?;
    if ordered.iter().any(|it| said.is_other(it.reveal())) {
        writeln!(
            out,
            "    THAT IS NOT WHOM THE LIMS NAMES: find out whose the tube is before anybody is called"
        )?;
    }
    Ok(())
}

fn told(patient: &Patient) -> String {
    let told = [
        ("name", &patient.name),
        ("birth date", &patient.birth_date),
        ("number", &patient.id),
        ("sex", &patient.sex),
        ("ward", &patient.location),
    ];
    let told: Vec<String> = told
        .into_iter()
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(what, text)| format!("{what} {text}"))
        .collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
}

/// By what it is critical, the patient's latest earlier values of the same analyte, and what else is known of the specimen.
fn evidence(
    reader: &Reader,
    call: &CallView,
    (zone, sources): (&TimeZone, &Option<BTreeSet<String>>),
    out: &mut impl Write,
) -> io::Result<()> {
    let versions: Vec<ObservationId> = call.happened.iter().map(|it| it.observation).collect();
    let evidence = reader
        .evidence(
            call.observation,
            call.result.reveal(),
            &versions,
            sources.as_ref().unwrap_or(&BTreeSet::new()),
        )
        .map_err(io::Error::other)?;
    patients(call.result.reveal(), &evidence.ordered, out)?;
    for decision in evidence.decisions.iter().filter(|decision| decision.check == Check::Critical.name()) {
        writeln!(out, "    {decision}")?;
    }
    // Whose the specimen is may be the LIMS's word.
    if sources.is_none() {
        writeln!(out, "    previous: not told while the configuration has a mistake")?;
    }
    for past in evidence.previous.iter().filter(|_| sources.is_some()) {
        let at = past.at.map_or_else(|| "a time that isn't known".to_owned(), |at| written(at, zone));
        let held = if past.is_held { ", and waits for a person" } else { "" };
        writeln!(out, "    previous: {} at {at} from {}{held}", past.value, past.instrument)?;
    }
    for it in &evidence.beside {
        writeln!(out, "    {}: {}", it.is.words(), shown(it.id, &it.detail))?;
    }
    Ok(())
}

fn shown(id: ObservationId, it: &Observation) -> String {
    let unit = it.unit.as_deref().unwrap_or_default();
    let reported = it.reported_in_words().map(|value| format!(", reported as {value}")).unwrap_or_default();
    let flags = if it.flags.iter().all(String::is_empty) {
        String::new()
    } else {
        format!(", flags {}", it.flags.join(" "))
    };
    format!(
        "{} {} {unit}{reported}{flags} (observation {id} from {})",
        it.test.code, it.value_as_sent, it.instrument
    )
}
