//! Which run each control result belongs to, and what that run comes to. Reads only, so that the runner can know it before
//! it writes; the order of the results within a message makes no difference.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use labwire_units::Exact;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::rows::instant;
use super::super::{JournalError, ObservationId, Reader};
use super::rows::read_violations;
use crate::domain::qc::{
    Multirule, Outcome, Plan, Point, Program, Target, Violation, WhyNot, conclude, violations,
};
use crate::domain::{InstrumentId, TestIdentity};

/// How many runs of one level can matter to a decision.
const RUNS: usize = 10;
/// The most control results of one test that are looked back upon.
const LOOK_BACK: usize = 400;

/// A control result that isn't stored yet.
#[derive(Debug, Clone, PartialEq)]
pub struct NewControl {
    /// Which of the message's entries it is.
    pub entry: usize,
    pub test: TestIdentity,
    /// The earlier version whose place it takes.
    pub supersedes: Option<ObservationId>,
    pub measured_at: Timestamp,
    /// As decimal text where it is a number, else as sent.
    pub value: String,
    pub unit: String,
    /// Lot and level.
    pub material: Option<(String, String)>,
    pub target: Result<Target, WhyNot>,
}

/// A run to which results of a message belong, and what it comes to with them.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedRun {
    pub test: TestIdentity,
    pub place: RunPlace,
    pub controls: Vec<NewControl>,
    pub by: Multirule,
    /// All results that the decision rests on.
    pub counted: Vec<Counted>,
    pub outcome: Outcome,
    pub violations: Vec<Violation>,
    /// What it broke before.
    pub before: Vec<Violation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPlace {
    Stored(i64),
    New { began_at: Timestamp },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    Stored(i64),
    /// The entry of the message.
    New(usize),
}

impl Reader {
    /// What the controls of one message come to, each run once, in the order of the tests and of their runs.
    pub fn judge_controls(
        &self,
        instrument: &InstrumentId,
        controls: &[NewControl],
        plan: &Plan,
    ) -> Result<Vec<JudgedRun>, JournalError> {
        let _moment = self.moment()?;
        let by = plan.multirule.clone().unwrap_or_default();
        let mut tests: BTreeMap<TestIdentity, Vec<NewControl>> = BTreeMap::new();
        for control in controls {
            tests.entry(undiluted(&control.test)).or_default().push(control.clone());
        }
        let mut judged = Vec::new();
        for (test, controls) in tests {
            judged.extend(judge(&self.connection, instrument, &test, controls, &by)?);
        }
        Ok(judged)
    }
}

/// One test, whatever it was diluted by.
pub(super) fn undiluted(test: &TestIdentity) -> TestIdentity {
    TestIdentity { dilution: String::new(), ..test.clone() }
}

/// A control result that is there, or is about to be.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) counted: Counted,
    pub(super) run: i64,
    pub(super) began_at: Timestamp,
    pub(super) material: Option<(String, String)>,
    /// `None` where it isn't judged.
    pub(super) z: Option<Exact>,
}

impl Known {
    /// By this, runs follow one another: when the first result of each was measured; of two at once, as they came.
    pub(super) fn place(&self) -> (Timestamp, i64) {
        (self.began_at, self.run)
    }
}

fn judge(
    connection: &Connection,
    instrument: &InstrumentId,
    test: &TestIdentity,
    mut controls: Vec<NewControl>,
    by: &Multirule,
) -> Result<Vec<JudgedRun>, JournalError> {
    let mut known = match series(connection, instrument, test)? {
        Some(series) => stored(connection, series)?,
        None => Vec::new(),
    };
    controls.sort_by(|a, b| {
        (a.measured_at, &a.material, &a.value, &a.unit).cmp(&(b.measured_at, &b.material, &b.value, &b.unit))
    });
    let stored_runs: BTreeSet<i64> = known.iter().map(|it| it.run).collect();
    let mut runs: BTreeMap<i64, Vec<NewControl>> = BTreeMap::new();
    for control in controls {
        let replaced = control.supersedes.map(|earlier| Counted::Stored(earlier.0));
        let place = replaced.and_then(|earlier| known.iter().find(|it| it.counted == earlier).cloned());
        known.retain(|it| Some(it.counted) != replaced);
        let (run, began_at) = match place {
            Some(earlier) => (earlier.run, earlier.began_at),
            None => run_of(&known, &control, by),
        };
        known.push(Known {
            counted: Counted::New(control.entry),
            run,
            began_at,
            material: control.material.clone(),
            z: deviation(&control),
        });
        runs.entry(run).or_default().push(control);
    }
    let mut judged = Vec::new();
    for (run, controls) in runs {
        let began_at = known.iter().find(|it| it.run == run).map(|it| it.began_at).unwrap_or_default();
        let (place, before) = match stored_runs.contains(&run) {
            true => (RunPlace::Stored(run), broken_before(connection, run)?),
            false => (RunPlace::New { began_at }, Vec::new()),
        };
        let (counted, outcome, violations) = decide(&known, run, by, Program::NOW);
        let (test, by) = (test.clone(), by.clone());
        judged.push(JudgedRun { test, place, controls, by, counted, outcome, violations, before });
    }
    Ok(judged)
}

/// What a run broke by its last decision.
fn broken_before(connection: &Connection, run: i64) -> Result<Vec<Violation>, JournalError> {
    let last: Option<String> = connection
        .prepare_cached("SELECT violations FROM qc_decision WHERE run = ? ORDER BY id DESC LIMIT 1")?
        .query_row([run], |row| row.get(0))
        .optional()?;
    last.map_or(Ok(Vec::new()), |text| read_violations(&text))
}

/// The latest run, where the result is near enough and its level has room in it; else one more.
fn run_of(known: &[Known], control: &NewControl, by: &Multirule) -> (i64, Timestamp) {
    let latest = known.iter().max_by_key(|it| it.run);
    let Some(latest) = latest else { return (1, control.measured_at) };
    let of_level = |it: &&Known| it.run == latest.run && it.material == control.material;
    let has_room = known.iter().filter(of_level).count() < by.replicates;
    let apart = control.measured_at.duration_since(latest.began_at).abs();
    if has_room && apart <= by.run_within {
        (latest.run, latest.began_at)
    } else {
        (latest.run.saturating_add(1), control.measured_at)
    }
}

fn deviation(control: &NewControl) -> Option<Exact> {
    let target = control.target.as_ref().ok()?;
    target.deviation(&Exact::parse(&control.value)?)
}

/// What a run comes to by what is known: by which results, and what they break.
pub(super) fn decide(
    known: &[Known],
    run: i64,
    by: &Multirule,
    program: Program,
) -> (Vec<Counted>, Outcome, Vec<Violation>) {
    let numbered = numbered(known, program);
    let Some(at_hand) = numbered.iter().find(|(_, it)| it.run == run).map(|(number, _)| *number) else {
        return (Vec::new(), Outcome::Void, Vec::new());
    };
    let counting = counting(&numbered, at_hand);
    let points: Vec<Point> = counting.iter().filter_map(|(number, it)| point(*number, it)).collect();
    let violations = violations(&points, at_hand, by, program);
    let of_run = || counting.iter().map(|(_, it)| it).filter(|it| it.run == run);
    let judged = of_run().filter(|it| it.z.is_some()).count();
    let levels: BTreeSet<_> = of_run().filter(|it| it.z.is_some()).map(|it| &it.material).collect();
    let outcome = conclude(&violations, judged, of_run().count() - judged, levels.len(), by);
    let mut counted: Vec<Counted> = counting.iter().map(|(_, it)| it.counted).collect();
    counted.sort();
    (counted, outcome, violations)
}

/// Each result with its run's number in the order in which runs follow one another.
fn numbered(known: &[Known], program: Program) -> Vec<(i64, &Known)> {
    let order = |it: &Known| match program {
        Program::First => (Timestamp::MIN, it.run),
        Program::Second => it.place(),
    };
    let runs: BTreeSet<_> = known.iter().map(order).collect();
    let numbers: BTreeMap<_, i64> = runs.into_iter().zip(1..).collect();
    known.iter().filter_map(|it| Some((*numbers.get(&order(it))?, it))).collect()
}

/// The run's own results, and of each level those of the latest runs that can matter.
fn counting<'a>(numbered: &[(i64, &'a Known)], run: i64) -> Vec<(i64, &'a Known)> {
    let mut runs: BTreeMap<&Option<(String, String)>, BTreeSet<i64>> = BTreeMap::new();
    for (number, it) in numbered.iter().filter(|(number, it)| *number <= run && it.z.is_some()) {
        runs.entry(&it.material).or_default().insert(*number);
    }
    let matters = |(number, it): &&(i64, &Known)| {
        let oldest = runs.get(&it.material).and_then(|runs| runs.iter().rev().take(RUNS).next_back());
        *number == run || (*number < run && it.z.is_some() && oldest.is_some_and(|oldest| number >= oldest))
    };
    numbered.iter().filter(matters).copied().collect()
}

fn point(run: i64, it: &Known) -> Option<Point> {
    let (lot, level) = it.material.clone()?;
    Some(Point { run, lot, level, z: it.z.clone()? })
}

pub(super) fn series(
    connection: &Connection,
    instrument: &InstrumentId,
    test: &TestIdentity,
) -> Result<Option<i64>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT id FROM qc_series WHERE instrument = ? AND code = ? AND aspect = ? AND component = ?",
        )?
        .query_row(params![instrument.as_str(), test.code, test.aspect, test.component], |row| row.get(0))
        .optional()?)
}

/// The latest results of a series that nobody took out and nothing took the place of.
pub(super) fn stored(connection: &Connection, series: i64) -> Result<Vec<Known>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT p.observation, p.run, r.began_at, p.lot, p.level, p.value, p.mean, p.sd
         FROM qc_run r JOIN qc_point p ON p.run = r.id WHERE r.series = ?
         AND NOT EXISTS (SELECT 1 FROM observation n WHERE n.supersedes = p.observation)
         AND NOT EXISTS (SELECT 1 FROM qc_word w WHERE w.observation = p.observation)
         ORDER BY r.id DESC LIMIT ?",
    )?;
    let rows = statement.query_map(params![series, LOOK_BACK], known)?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?)
}

/// One row of a result with its run.
pub(super) fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    let (lot, level): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
    let (mean, sd): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
    Ok(Known {
        counted: Counted::Stored(row.get(0)?),
        run: row.get(1)?,
        began_at: instant(row.get(2)?),
        material: lot.zip(level),
        z: mean.zip(sd).and_then(|(mean, sd)| z(&row.get::<_, String>(5).ok()?, &mean, &sd)),
    })
}

/// How many standard deviations a value is above the mean.
pub(super) fn z(value: &str, mean: &str, sd: &str) -> Option<Exact> {
    (&Exact::parse(value)? - &Exact::parse(mean)?).checked_div(&Exact::parse(sd)?)
}
