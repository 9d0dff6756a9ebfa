//! Which run each control result belongs to, and what that run comes to. Reads only, so that the runner can know it before
//! it writes; the order of the results within a message makes no difference.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use labwire_units::Exact;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::rows::instant;
use super::super::{JournalError, ObservationId, Reader};
use super::again::{Anew, REACH, anew, last};
use crate::domain::qc::{
    By, Multirule, Outcome, Plan, Point, Program, Target, Violation, WhyNot, conclude, violations,
};
use crate::domain::{InstrumentId, TestIdentity};

/// How many runs of one level can matter to a decision.
const RUNS: usize = 10;

/// A control result that isn't stored yet.
#[derive(Debug, Clone, PartialEq)]
pub struct NewControl {
    /// Which of the message's entries it is.
    pub entry: usize,
    pub test: TestIdentity,
    /// The earlier version whose place it takes.
    pub supersedes: Option<ObservationId>,
    /// Where it told no time that counts, when it came.
    pub measured_at: Timestamp,
    pub by: By,
    /// As decimal text where it is a number, else as sent.
    pub value: String,
    pub unit: String,
    /// Lot and level.
    pub material: Option<(String, String)>,
    pub target: Result<Target, WhyNot>,
}

/// A run to which results of a message belong, and what it comes to with them; or a later one that comes to something else
/// by them, which has none of them.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedRun {
    pub test: TestIdentity,
    pub place: RunPlace,
    pub began_at: Timestamp,
    pub controls: Vec<NewControl>,
    pub by: Multirule,
    /// All results that the decision rests on.
    pub counted: Vec<Counted>,
    pub outcome: Outcome,
    pub violations: Vec<Violation>,
    /// What it broke before.
    pub before: Vec<Violation>,
    pub course: Course,
}

/// What a run came to with each of its results.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// By when they were measured, the first at first.
    pub steps: Vec<(Timestamp, Outcome)>,
    /// By receipt where any of them told no time that counts.
    pub by: By,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPlace {
    Stored(i64),
    New,
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
pub fn undiluted(test: &TestIdentity) -> TestIdentity {
    TestIdentity { dilution: String::new(), ..test.clone() }
}

/// A control result that is there, or is about to be.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) counted: Counted,
    pub(super) run: i64,
    pub(super) began_at: Timestamp,
    pub(super) measured_at: Timestamp,
    pub(super) by: By,
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
        Some(series) => stored(connection, series, earliest(connection, &controls)?)?,
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
        let (began_at, run) = match place {
            Some(earlier) => earlier.place(),
            None => run_of(&known, &control, by),
        };
        known.push(Known {
            counted: Counted::New(control.entry),
            run,
            began_at,
            measured_at: control.measured_at,
            by: control.by,
            material: control.material.clone(),
            z: deviation(&control),
        });
        runs.entry(run).or_default().push(control);
    }
    let mut touched = BTreeSet::new();
    let mut decided = Vec::new();
    for run in runs.keys().copied() {
        let began_at = known.iter().find(|it| it.run == run).map(|it| it.began_at).unwrap_or_default();
        let before = last(connection, run)?.filter(|_| stored_runs.contains(&run));
        let before = before.map_or(Vec::new(), |it| it.violations);
        let (counted, outcome, violations) = decide(&known, run, by, Program::NOW);
        touched.insert((began_at, run));
        decided.push(Anew { run, began_at, by: by.clone(), counted, outcome, violations, before });
    }
    decided.extend(anew(connection, &known, &touched)?);
    let judged = |it: Anew| JudgedRun {
        test: test.clone(),
        place: if stored_runs.contains(&it.run) { RunPlace::Stored(it.run) } else { RunPlace::New },
        began_at: it.began_at,
        controls: runs.remove(&it.run).unwrap_or_default(),
        course: course(&known, it.run, &it.by),
        by: it.by,
        counted: it.counted,
        outcome: it.outcome,
        violations: it.violations,
        before: it.before,
    };
    Ok(decided.into_iter().map(judged).collect())
}

/// When the first of these was measured, or the run began whose result one of them replaces.
fn earliest(connection: &Connection, controls: &[NewControl]) -> Result<Timestamp, JournalError> {
    let mut earliest = Timestamp::MAX;
    for control in controls {
        let replaced =
            control.supersedes.map(|earlier| began_with(connection, earlier)).transpose()?.flatten();
        earliest = earliest.min(control.measured_at).min(replaced.unwrap_or(Timestamp::MAX));
    }
    Ok(earliest)
}

/// When the run of a result began.
fn began_with(connection: &Connection, id: ObservationId) -> Result<Option<Timestamp>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT r.began_at FROM qc_point p JOIN qc_run r ON r.id = p.run WHERE p.observation = ?",
        )?
        .query_row([id.0], |row| row.get(0))
        .optional()?
        .map(instant))
}

/// The run that had begun when the result was measured, or else the one that began next, where it is near enough and the
/// result's level has room in it; else one more.
fn run_of(known: &[Known], control: &NewControl, by: &Multirule) -> (Timestamp, i64) {
    let places: BTreeSet<(Timestamp, i64)> = known.iter().map(Known::place).collect();
    let is_before = |(began_at, _): &&(Timestamp, i64)| *began_at <= control.measured_at;
    let (before, next) = (places.iter().rfind(is_before), places.iter().find(|it| !is_before(it)));
    let fits = |(began_at, run): &&(Timestamp, i64)| {
        let of_level = known.iter().filter(|it| it.run == *run && it.material == control.material);
        let apart = control.measured_at.duration_since(*began_at).abs();
        of_level.count() < by.replicates && apart <= by.run_within
    };
    let one_more = known.iter().map(|it| it.run).max().unwrap_or(0).saturating_add(1);
    before.into_iter().chain(next).find(fits).copied().unwrap_or((control.measured_at, one_more))
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
    let materials = of_run().filter(|it| it.z.is_some()).filter_map(|it| it.material.as_ref());
    let levels = match program {
        Program::First => materials.collect::<BTreeSet<_>>().len(),
        // Of two lots of one level none is another level.
        Program::Second => materials.map(|(_, level)| level).collect::<BTreeSet<_>>().len(),
    };
    let outcome = conclude(&violations, judged, of_run().count() - judged, levels, by);
    let mut counted: Vec<Counted> = counting.iter().map(|(_, it)| it.counted).collect();
    counted.sort();
    (counted, outcome, violations)
}

/// What a run came to by what was measured until each of its results.
pub(super) fn course(known: &[Known], run: i64, by: &Multirule) -> Course {
    let own = || known.iter().filter(|it| it.run == run);
    let moments: BTreeSet<Timestamp> = own().map(|it| it.measured_at).collect();
    let until = |moment: Timestamp| {
        let until: Vec<Known> = known.iter().filter(|it| it.measured_at <= moment).cloned().collect();
        decide(&until, run, by, Program::NOW).1
    };
    let has_no_time = own().any(|it| it.by == By::Receipt);
    let steps = moments.into_iter().map(|moment| (moment, until(moment))).collect();
    Course { steps, by: if has_no_time { By::Receipt } else { By::Measurement } }
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

/// The results, which nobody took out and nothing took the place of, of the runs before a moment that can matter to one that
/// began then, and of all after it.
pub(super) fn stored(
    connection: &Connection,
    series: i64,
    around: Timestamp,
) -> Result<Vec<Known>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT p.observation, p.run, r.began_at, p.lot, p.level, p.value, p.mean, p.sd, p.measured_at,
            EXISTS (SELECT 1 FROM observation o JOIN message m ON m.id = o.message
                WHERE o.id = p.observation AND m.received_at = p.measured_at)
         FROM qc_run r JOIN qc_point p ON p.run = r.id
         WHERE r.series = ?1 AND r.began_at >= coalesce((SELECT began_at FROM qc_run
            WHERE series = ?1 AND began_at <= ?2 ORDER BY began_at DESC LIMIT 1 OFFSET ?3), r.began_at)
         AND NOT EXISTS (SELECT 1 FROM observation n WHERE n.supersedes = p.observation)
         AND NOT EXISTS (SELECT 1 FROM qc_word w WHERE w.observation = p.observation)",
    )?;
    let of = params![series, around.as_microsecond(), i64::try_from(REACH).unwrap_or(i64::MAX)];
    let rows = statement.query_map(of, known)?;
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
        measured_at: instant(row.get(8)?),
        by: by(row.get(9)?),
        material: lot.zip(level),
        z: mean.zip(sd).and_then(|(mean, sd)| z(&row.get::<_, String>(5).ok()?, &mean, &sd)),
    })
}

/// A control whose time is that of its receipt told none that counts.
pub(super) fn by(is_by_receipt: bool) -> By {
    if is_by_receipt { By::Receipt } else { By::Measurement }
}

/// How many standard deviations a value is above the mean.
pub(super) fn z(value: &str, mean: &str, sd: &str) -> Option<Exact> {
    (&Exact::parse(value)? - &Exact::parse(mean)?).checked_div(&Exact::parse(sd)?)
}
