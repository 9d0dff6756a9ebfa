//! `labwire qc`: how each test stands by its controls, the control results themselves, the patients' results since the last
//! acceptable run, and what people say of controls, through the running gateway.

use std::io::Write;

use jiff::SignedDuration;

use super::Outcome;
use super::arguments::{QcCommand, QcSeries, QcSince};
use crate::clock;
use crate::config::{Bearings, Settings};
use crate::domain::qc::{Outcome as Decided, Severity, names};
use crate::domain::{InstrumentId, TestIdentity};
use crate::exit::Exit;
use crate::host::control::{self, QcAsked, Request, Response};
use crate::journal::Reader;
use crate::journal::qc::{PatientResult, PointView, RunView, SeriesView};

/// The most control results that are listed.
const LINES: usize = 200;

/// What is about one test, or said of one run or result.
pub(super) fn run(bearings: &Bearings, command: &QcCommand, out: &mut impl Write) -> Outcome {
    match command {
        QcCommand::Since(of) => since(bearings, of, out),
        QcCommand::Results(of) => results(bearings, of, out),
        QcCommand::Replay { .. } => replay(bearings, out),
        QcCommand::Accept(say) => {
            let asked = QcAsked::Accept;
            told(bearings, asked, say.id, (&say.by, &say.reason), out)
        }
        QcCommand::Exclude(say) => {
            let asked = QcAsked::Exclude;
            told(bearings, asked, say.id, (&say.by, &say.reason), out)
        }
    }
}

/// Each test of each instrument.
pub(super) fn overview(settings: &Settings, out: &mut impl Write) -> Outcome {
    let series = Reader::open(&settings.journal.path)?.qc(settings.qc.valid_for, clock::now())?;
    if series.is_empty() {
        writeln!(out, "No control was ever measured.")?;
    }
    if settings.qc.multirule.is_none() {
        writeln!(out, "Controls aren't judged here: labwire.toml has no [qc], or says westgard = false.")?;
    }
    for it in &series {
        writeln!(out, "{} {}: {}", it.instrument, name(&it.test), it.state.name())?;
        match &it.last {
            Some(run) => writeln!(out, "    {}", told_of(run))?,
            None => writeln!(out, "    every run of it was taken out")?,
        }
        let older =
            it.acceptable.as_ref().filter(|run| it.last.as_ref().is_some_and(|last| last.id != run.id));
        match older {
            Some(run) => writeln!(out, "    last acceptable: {}", told_of(run))?,
            None if it.acceptable.is_none() => writeln!(out, "    no run of it was ever acceptable")?,
            None => {}
        }
    }
    Ok(Exit::Done)
}

fn told_of(run: &RunView) -> String {
    let broken = broken(run);
    let word = run.accepted.as_ref().map(|word| format!("; accepted by {} ({})", word.by, word.reason));
    format!(
        "run {}, measured {}: {}{broken}{}",
        run.id,
        run.measured_at,
        run.outcome.name(),
        word.unwrap_or_default()
    )
}

/// By what a run was decided so; what warns stands apart from what rejects.
fn broken(run: &RunView) -> String {
    let named = |severity| Some(names(&run.violations, severity).join(", ")).filter(|it| !it.is_empty());
    let (rejects, warns) = (named(Severity::Reject), named(Severity::Warn));
    match (run.outcome, rejects, warns) {
        (_, None, None) => String::new(),
        (_, Some(rejects), None) => format!(" by {rejects}"),
        (_, Some(rejects), Some(warns)) => format!(" by {rejects}, warned by {warns}"),
        (Decided::Warning, None, Some(warns)) => format!(" by {warns}"),
        (_, None, Some(warns)) => format!(", warned by {warns}"),
    }
}

/// A test by its code, with what tells it from others of that code.
fn name(test: &TestIdentity) -> String {
    let parts = [&test.code, &test.aspect, &test.component];
    parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// The series that are meant; of none it says so.
fn meant(
    reader: &Reader,
    of: &QcSeries,
    out: &mut impl Write,
) -> Result<Vec<SeriesView>, Box<dyn std::error::Error>> {
    let instrument = InstrumentId::new(of.instrument.as_str());
    let is_meant = |it: &SeriesView| {
        it.instrument == instrument && (it.test.code == of.test || name(&it.test) == of.test)
    };
    // For how long a run vouches makes no difference here.
    let all = reader.qc(SignedDuration::MAX, clock::now())?;
    let meant: Vec<SeriesView> = all.into_iter().filter(is_meant).collect();
    if meant.is_empty() {
        writeln!(out, "No control of {} was ever measured on {}.", of.test, of.instrument)?;
    }
    Ok(meant)
}

fn since(bearings: &Bearings, since: &QcSince, out: &mut impl Write) -> Outcome {
    let reader = Reader::open(&bearings.journal.path)?;
    let series = meant(&reader, &since.of, out)?;
    let mut listed = false;
    for it in &series {
        let (from, until) = match since.before {
            None => (it.acceptable.clone(), None),
            Some(run) => match reader.around_run(&it.instrument, &it.test, run, clock::now())? {
                Some(around) => (around.before, around.after),
                None => continue,
            },
        };
        listed = true;
        let (test, instrument) = (name(&it.test), &it.instrument);
        match &from {
            Some(run) => {
                writeln!(out, "Patients' results of {test} on {instrument} since {}:", told_of(run))?
            }
            None => writeln!(
                out,
                "No run of {test} on {instrument} was acceptable before. All patients' results of it:"
            )?,
        }
        let (mut count, mut failed) = (0_usize, Ok(()));
        reader.patients_since(&it.instrument, &it.test, (from.as_ref(), until.as_ref()), |result| {
            count += 1;
            if failed.is_ok() {
                failed = writeln!(out, "{}", line(&result));
            }
        })?;
        failed?;
        match &until {
            Some(run) => writeln!(out, "{count} in all, until {}", told_of(run))?,
            None => writeln!(out, "{count} in all")?,
        }
        if since.before.is_none() {
            earlier_failure(&reader, it, out)?;
        }
    }
    if let Some(run) = since.before.filter(|_| !listed && !series.is_empty()) {
        writeln!(
            out,
            "Refused: run {run} is none of these, or counts no more; labwire qc results names the runs."
        )?;
    }
    Ok(if listed { Exit::Done } else { Exit::Failed })
}

/// Where the newest run is acceptable, and the one before it that was rejected asks for another list.
fn earlier_failure(
    reader: &Reader,
    it: &SeriesView,
    out: &mut impl Write,
) -> Result<(), Box<dyn std::error::Error>> {
    let Some(acceptable) = &it.acceptable else { return Ok(()) };
    if let Some(failed) = reader.rejected_before(&it.instrument, &it.test, acceptable.id, clock::now())? {
        writeln!(out, "Before it, {}; --before {} lists what came until then.", told_of(&failed), failed.id)?;
    }
    Ok(())
}

fn line(result: &PatientResult) -> String {
    let detail = &result.detail;
    let measured = detail.completed.as_ref().or(detail.started.as_ref());
    let fates = match result.fates.as_slice() {
        [] => "sent nowhere".to_owned(),
        fates => fates.join(", "),
    };
    format!(
        "{}  {} {} {}, measured {}, received {}: {}{}",
        result.id,
        detail.specimen.reveal(),
        detail.value_as_sent.trim(),
        detail.unit.as_deref().unwrap_or_default(),
        measured.map_or("at an unknown time", |time| time.text.as_str()),
        result.received_at,
        fates,
        if result.is_superseded { "; a newer version took its place" } else { "" },
    )
}

fn results(bearings: &Bearings, of: &QcSeries, out: &mut impl Write) -> Outcome {
    let reader = Reader::open(&bearings.journal.path)?;
    let series = meant(&reader, of, out)?;
    for it in &series {
        writeln!(out, "{} {}, the newest first:", it.instrument, name(&it.test))?;
        for point in reader.qc_points(&it.instrument, &it.test, LINES)? {
            writeln!(out, "{}", point_line(&point))?;
        }
    }
    Ok(if series.is_empty() { Exit::Failed } else { Exit::Done })
}

fn point_line(point: &PointView) -> String {
    let material = match &point.material {
        Some((lot, level)) => format!("level {level} of lot {lot}"),
        None => "an unknown material".to_owned(),
    };
    let judged = match (&point.z, &point.target, point.why_not) {
        (Some(z), Some((mean, sd)), _) => format!("{}s from {mean} (s {sd})", signed(&z.rounded(2))),
        (_, _, Some(why)) => format!("not evaluated: {why}"),
        _ => "not evaluated".to_owned(),
    };
    let out = match &point.excluded {
        Some(word) => format!("; taken out by {} ({})", word.by, word.reason),
        None if point.is_superseded => "; a newer version took its place".to_owned(),
        None => String::new(),
    };
    format!(
        "{}  run {}, {}: {} {}, {material}, {judged}{out}",
        point.id, point.run, point.measured_at, point.value, point.unit
    )
}

fn signed(number: &str) -> String {
    if number.starts_with('-') { number.to_owned() } else { format!("+{number}") }
}

fn replay(bearings: &Bearings, out: &mut impl Write) -> Outcome {
    let (count, otherwise) = Reader::open(&bearings.journal.path)?.qc_replay()?;
    for line in &otherwise {
        writeln!(out, "{line}")?;
    }
    let decisions = if count == 1 { "decision was" } else { "decisions were" };
    writeln!(out, "{count} {decisions} made again, {} came out otherwise.", otherwise.len())?;
    Ok(if otherwise.is_empty() { Exit::Done } else { Exit::Failed })
}

fn told(
    bearings: &Bearings,
    asked: QcAsked,
    id: i64,
    (by, reason): (&str, &str),
    out: &mut impl Write,
) -> Outcome {
    let request = Request::Qc { asked, id, by: by.to_owned(), reason: reason.to_owned() };
    match control::ask(&bearings.control_socket, &request)? {
        Response::Done => {
            writeln!(out, "{id}: done")?;
            Ok(Exit::Done)
        }
        Response::Refused { why } => {
            writeln!(out, "{id}: refused: {why}")?;
            Ok(Exit::Failed)
        }
        _ => Err("the gateway answered another question".into()),
    }
}
