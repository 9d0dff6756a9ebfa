//! How a test stood by its controls when a result was measured. Both times are of the analyzer's own clock, so that it
//! makes no difference how far that is off; what has no time that counts is taken by when it came.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::super::{JournalError, Reader};
use super::again::last;
use super::judge::{Course, JudgedRun, RunPlace, course, series, stored, undiluted};
use super::view::{LATEST, RunView, places, run_at};
use crate::domain::qc::{By, Outcome, QcState, Stood};
use crate::domain::{InstrumentId, TestIdentity};

/// A result of which it is asked how its test stood.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// When it was measured; `None` where it told no time that counts.
    pub measured_at: Option<Timestamp>,
    /// What was decided later isn't known.
    pub at: Timestamp,
    /// What comes with it and isn't stored yet.
    pub runs: &'a [JudgedRun],
    /// For how long an acceptable run vouches.
    pub valid_for: SignedDuration,
}

impl Reader {
    /// By the latest run that had begun when the result was measured, as far as it had come. What was measured later lets
    /// nothing go; a run of which nobody knows when it was measured, and that came later, counts only where it isn't
    /// acceptable. A result without a time stands by the latest run there is. Whatever the test was diluted by.
    pub fn qc_state(
        &self,
        instrument: &InstrumentId,
        test: &TestIdentity,
        asked: Asked<'_>,
    ) -> Result<Stood, JournalError> {
        let test = undiluted(test);
        let fresh: Vec<&JudgedRun> = asked.runs.iter().filter(|it| it.test == test).collect();
        let series = series(&self.connection, instrument, &test)?;
        let mut all: Vec<Place<'_>> =
            (0..).zip(&fresh).map(|(number, run)| Place::Fresh(number, run)).collect();
        if let Some(series) = series {
            let is_fresh = |run: i64| fresh.iter().any(|it| it.place == RunPlace::Stored(run));
            let stored = places(&self.connection, series, LATEST)?.into_iter();
            all.extend(stored.filter(|(_, run)| !is_fresh(*run)).map(|(at, run)| Place::Stored(at, run)));
        }
        all.sort_by_key(Place::order);
        for place in all.iter().rev() {
            let stood = match (place, series) {
                (Place::Fresh(_, judged), _) => asked.by(&judged.course),
                (Place::Stored(_, run), Some(series)) => match run_at(&self.connection, *run, asked.at)? {
                    Some(run) => asked.by(&of_stored(&self.connection, series, &run, asked.measured_at)?),
                    None => None,
                },
                (Place::Stored(..), None) => None,
            };
            if let Some(stood) = stood {
                return Ok(stood);
            }
        }
        Ok(Stood { state: QcState::NeverRun, by: asked.own() })
    }
}

/// A run in the order in which runs follow one another.
enum Place<'a> {
    Stored(Timestamp, i64),
    /// And which of the message's runs it is.
    Fresh(i64, &'a JudgedRun),
}

impl Place<'_> {
    fn order(&self) -> (Timestamp, i64, i64) {
        match self {
            Place::Stored(began_at, run) => (*began_at, *run, 0),
            Place::Fresh(number, judged) => match judged.place {
                RunPlace::Stored(run) => (judged.began_at, run, 0),
                RunPlace::New => (judged.began_at, i64::MAX, *number),
            },
        }
    }
}

impl Asked<'_> {
    fn own(&self) -> By {
        if self.measured_at.is_some() { By::Measurement } else { By::Receipt }
    }

    /// How the result stands by a run; nothing where that says nothing of it.
    fn by(&self, course: &Course) -> Option<Stood> {
        let (last, outcome) = *course.steps.last()?;
        let Some(measured_at) = self.measured_at else {
            return Some(Stood { state: self.state(outcome, last, self.at), by: By::Receipt });
        };
        if course.by == By::Receipt && last > measured_at {
            return (!outcome.is_acceptable()).then(|| Stood { state: outcome.into(), by: By::Receipt });
        }
        let (then, outcome) = *course.steps.iter().rev().find(|(at, _)| *at <= measured_at)?;
        Some(Stood { state: self.state(outcome, then, measured_at), by: course.by })
    }

    fn state(&self, outcome: Outcome, controls: Timestamp, result: Timestamp) -> QcState {
        let is_too_old = result.duration_since(controls) > self.valid_for;
        if outcome.is_acceptable() && is_too_old { QcState::NoRunSince } else { outcome.into() }
    }
}

/// What a stored run came to, step by step where the result was measured between two of its own.
fn of_stored(
    connection: &Connection,
    series: i64,
    run: &RunView,
    measured_at: Option<Timestamp>,
) -> Result<Course, JournalError> {
    let outcome = run.effective();
    let is_between = |at: Timestamp| run.first_measured_at <= at && at < run.measured_at;
    let steps = match measured_at {
        // An analyzer's clock that is ahead makes no run younger.
        None => vec![(run.measured_at.min(run.decided_at), outcome)],
        Some(at) if run.by == By::Measurement && is_between(at) => match &run.accepted {
            Some(_) => vec![(run.first_measured_at, outcome)],
            None => {
                let known = stored(connection, series, run.began_at)?;
                let by = last(connection, run.id)?.map(|it| it.by).unwrap_or_default();
                course(&known, run.id, &by).steps
            }
        },
        Some(_) => vec![(run.measured_at, outcome)],
    };
    Ok(Course { steps, by: run.by })
}
