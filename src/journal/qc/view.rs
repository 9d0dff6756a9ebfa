//! How each test stands by its controls, their latest results, and the patients' results that no
//! acceptable run vouches for. Plain rows, read in single queries.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use labwire_units::Exact;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::read::{Reader, observation};
use super::super::rows::instant;
use super::super::{JournalError, MessageId, ObservationId};
use super::judge::{self, undiluted};
use super::rows::read_violations;
use super::word::QcWord;
use crate::domain::qc::{By, Outcome, QcState, Violation, WhyNot};
use crate::domain::{InstrumentId, Observation, TestIdentity};

/// How many runs, of those that came last, are looked at for how a test stands.
pub(super) const LATEST: i64 = 400;
const EVERY: i64 = -1;
/// How many patients' results are read at once.
const PAGE: usize = 500;

/// A test of an instrument, and how it stands.
#[derive(Debug, Clone)]
pub struct SeriesView {
    pub instrument: InstrumentId,
    pub test: TestIdentity,
    pub state: QcState,
    /// The latest run that counts.
    pub last: Option<RunView>,
    /// The latest run on which patients' results may rest.
    pub acceptable: Option<RunView>,
    /// The runs after that which somebody may accept all the same, the latest first, at most 20.
    pub open: Vec<RunView>,
}

/// The most runs of a test that are offered to be accepted.
const OPEN: usize = 20;

/// A run as it was decided last.
#[derive(Debug, Clone)]
pub struct RunView {
    pub id: i64,
    pub began_at: Timestamp,
    pub(super) first_measured_at: Timestamp,
    /// When its latest result was measured.
    pub measured_at: Timestamp,
    pub(super) by: By,
    pub decided_at: Timestamp,
    /// Its latest result.
    last_point: i64,
    pub outcome: Outcome,
    pub violations: Vec<Violation>,
    /// Somebody accepted it all the same.
    pub accepted: Option<QcWord>,
}

/// A run, and the acceptable ones around it.
#[derive(Debug, Clone)]
pub struct AroundRun {
    pub run: RunView,
    /// The last acceptable one before it.
    pub before: Option<RunView>,
    /// The first acceptable one after it.
    pub after: Option<RunView>,
}

/// A control result.
#[derive(Debug, Clone)]
pub struct PointView {
    pub id: ObservationId,
    pub run: i64,
    pub measured_at: Timestamp,
    pub value: String,
    pub unit: String,
    /// Lot and level.
    pub material: Option<(String, String)>,
    /// Mean and standard deviation, as text.
    pub target: Option<(String, String)>,
    /// How many standard deviations above the mean.
    pub z: Option<Exact>,
    pub why_not: Option<WhyNot>,
    /// Somebody took it out.
    pub excluded: Option<QcWord>,
    /// A newer version has taken its place.
    pub is_superseded: bool,
}

/// A patient's result that no acceptable run vouches for.
#[derive(Debug, Clone)]
pub struct PatientResult {
    pub id: ObservationId,
    pub message: MessageId,
    pub received_at: Timestamp,
    pub detail: Observation,
    pub is_superseded: bool,
    /// What each destination has of it, as `lims accepted`.
    pub fates: Vec<String>,
}

impl RunView {
    /// What it counts as, with what people said of it.
    pub fn effective(&self) -> Outcome {
        if self.accepted.is_some() { Outcome::Accepted } else { self.outcome }
    }
}

impl Reader {
    /// Every test of which a control was ever measured, by instrument and test, as it stands at a moment.
    pub fn qc(&self, valid_for: SignedDuration, at: Timestamp) -> Result<Vec<SeriesView>, JournalError> {
        let _moment = self.moment()?;
        let mut statement = self.connection.prepare_cached(
            "SELECT id, instrument, code, aspect, component FROM qc_series ORDER BY instrument, code, aspect, component",
        )?;
        let rows = statement.query_map([], |row| {
            let [code, aspect, component] = [row.get(2)?, row.get(3)?, row.get(4)?];
            let test = TestIdentity { code, aspect, component, dilution: String::new() };
            Ok((row.get(0)?, InstrumentId::new(row.get::<_, String>(1)?), test))
        })?;
        let mut found = Vec::new();
        for row in rows.collect::<Result<Vec<(i64, _, _)>, _>>()? {
            let (series, instrument, test) = row;
            let Latest { open, acceptable } = latest_runs(&self.connection, series, at)?;
            let last = open.first().or(acceptable.as_ref()).cloned();
            let state = state(last.as_ref(), valid_for, at);
            found.push(SeriesView { instrument, test, state, last, acceptable, open });
        }
        Ok(found)
    }

    /// Changes whenever anything was decided or said of controls: whoever remembers how tests stand reads them again then.
    pub fn qc_mark(&self) -> Result<[i64; 3], JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT coalesce((SELECT max(id) FROM qc_run), 0), coalesce((SELECT max(id) FROM qc_decision), 0),
                    coalesce((SELECT max(id) FROM qc_word), 0)",
        )?;
        Ok(statement.query_row([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?)
    }

    /// The latest control results of a test, the newest first, at most `limit`, those that don't count among them.
    pub fn qc_points(
        &self,
        instrument: &InstrumentId,
        test: &TestIdentity,
        limit: usize,
    ) -> Result<Vec<PointView>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT p.observation, p.run, p.measured_at, p.value, p.unit, p.lot, p.level, p.mean, p.sd, p.why_not,
                    w.said_by, w.reason, w.said_at,
                    EXISTS (SELECT 1 FROM observation n WHERE n.supersedes = p.observation)
             FROM qc_series s JOIN qc_run r ON r.series = s.id JOIN qc_point p ON p.run = r.id
             LEFT JOIN qc_word w ON w.observation = p.observation
             WHERE s.instrument = ? AND s.code = ? AND s.aspect = ? AND s.component = ?
             ORDER BY r.began_at DESC, r.id DESC, p.observation DESC LIMIT ?",
        )?;
        let of = params![instrument.as_str(), test.code, test.aspect, test.component, limit];
        let rows = statement.query_map(of, point)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The time around a run in which none is acceptable; nothing where the test has no such run that counts.
    pub fn around_run(
        &self,
        instrument: &InstrumentId,
        test: &TestIdentity,
        run: i64,
        at: Timestamp,
    ) -> Result<Option<AroundRun>, JournalError> {
        let Some(series) = judge::series(&self.connection, instrument, &undiluted(test))? else {
            return Ok(None);
        };
        let Some(place) = place_of(&self.connection, series, run)? else { return Ok(None) };
        let (mut found, mut around) = (None, (None, None));
        each_run(&self.connection, series, at, EVERY, |it| {
            let is_acceptable = it.effective().is_acceptable();
            match it.place().cmp(&place) {
                Ordering::Equal => found = Some(it),
                Ordering::Greater if is_acceptable => around.1 = Some(it),
                Ordering::Less if is_acceptable => around.0 = Some(it),
                _ => {}
            }
            if around.0.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let (before, after) = around;
        Ok(found.map(|run| AroundRun { run, before, after }))
    }

    /// The rejected run that came right before this one, if that is what came before it.
    pub fn rejected_before(
        &self,
        instrument: &InstrumentId,
        test: &TestIdentity,
        run: i64,
        at: Timestamp,
    ) -> Result<Option<RunView>, JournalError> {
        let Some(series) = judge::series(&self.connection, instrument, &undiluted(test))? else {
            return Ok(None);
        };
        let Some(place) = place_of(&self.connection, series, run)? else { return Ok(None) };
        let mut before = None;
        each_run(&self.connection, series, at, EVERY, |it| match it.place() < place {
            true => {
                before = Some(it);
                ControlFlow::Break(())
            }
            false => ControlFlow::Continue(()),
        })?;
        Ok(before.filter(|it| it.effective() == Outcome::Rejected))
    }

    /// The patients' results of a test that were measured, or came, after a run; all there are without one. Without those that
    /// were measured and came after `until`, where there is such a run. `each` gets them in the order in which they came.
    pub fn patients_since(
        &self,
        instrument: &InstrumentId,
        test: &TestIdentity,
        (run, until): (Option<&RunView>, Option<&RunView>),
        mut each: impl FnMut(PatientResult),
    ) -> Result<(), JournalError> {
        // Nothing is received before it was measured, unless the analyzer's clock is wrong.
        let earliest = run.map_or(Timestamp::MIN, |run| run.measured_at.min(run.decided_at));
        let mut from = (earliest.as_microsecond(), 0);
        loop {
            let page = self.patients_page(instrument, test, from)?;
            let Some(last) = page.last() else { return Ok(()) };
            from = (last.received_at.as_microsecond(), last.id.0);
            page.into_iter()
                .filter(|it| run.is_none_or(|run| run.does_not_vouch_for(it)))
                .filter(|it| !until.is_some_and(|until| until.is_before(it)))
                .for_each(&mut each);
        }
    }

    fn patients_page(
        &self,
        instrument: &InstrumentId,
        test: &TestIdentity,
        from: (i64, i64),
    ) -> Result<Vec<PatientResult>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT o.id, o.message, m.received_at, o.detail,
                    EXISTS (SELECT 1 FROM observation n WHERE n.supersedes = o.id),
                    (SELECT group_concat(l.destination || ' ' || l.state, char(31)) FROM ledger l
                     WHERE l.observation = o.id AND l.state <> 'not-for-it')
             FROM message m INDEXED BY message_received CROSS JOIN observation o ON o.message = m.id
             WHERE m.received_at >= ?1 AND (m.received_at, o.id) > (?1, ?2) AND o.class = 'patient'
             AND o.instrument = ?3 AND o.code = ?4 AND o.aspect = ?5 AND o.component = ?6
             ORDER BY m.received_at, o.id LIMIT ?7",
        )?;
        let (at, id) = from;
        let of = params![at, id, instrument.as_str(), test.code, test.aspect, test.component, PAGE];
        statement
            .query_and_then(of, |row| {
                let fates: Option<String> = row.get(5)?;
                let fates = fates.map(|all| all.split('\u{1f}').map(str::to_owned).collect());
                Ok(PatientResult {
                    id: ObservationId(row.get(0)?),
                    message: MessageId(row.get(1)?),
                    received_at: instant(row.get(2)?),
                    detail: observation(row, 3)?,
                    is_superseded: row.get(4)?,
                    fates: fates.unwrap_or_default(),
                })
            })?
            .collect()
    }
}

impl RunView {
    /// By this, runs follow one another.
    fn place(&self) -> (Timestamp, i64) {
        (self.began_at, self.id)
    }

    /// Whether a result was measured after this run, or came after it.
    fn does_not_vouch_for(&self, result: &PatientResult) -> bool {
        result.measured_at() > self.measured_at || result.id.0 > self.last_point
    }

    /// Whether a result was measured after this run, and came after it.
    fn is_before(&self, result: &PatientResult) -> bool {
        result.measured_at() > self.measured_at && result.id.0 > self.last_point
    }
}

impl PatientResult {
    /// As the analyzer says, or else when it came.
    fn measured_at(&self) -> Timestamp {
        let time = self.detail.completed.as_ref().or(self.detail.started.as_ref());
        time.and_then(|time| time.instant).unwrap_or(self.received_at)
    }
}

fn state(last: Option<&RunView>, valid_for: SignedDuration, at: Timestamp) -> QcState {
    let Some(run) = last else { return QcState::NeverRun };
    let outcome = run.effective();
    // An analyzer's clock that is ahead makes no run younger.
    let age = at.duration_since(run.measured_at.min(run.decided_at));
    if outcome.is_acceptable() && age > valid_for { QcState::NoRunSince } else { outcome.into() }
}

/// The latest acceptable run as of a moment, and those after it, the latest first, at most so many.
struct Latest {
    open: Vec<RunView>,
    acceptable: Option<RunView>,
}

fn latest_runs(connection: &Connection, series: i64, at: Timestamp) -> Result<Latest, JournalError> {
    let (mut open, mut acceptable) = (Vec::new(), None);
    each_run(connection, series, at, LATEST, |run| {
        if run.effective().is_acceptable() {
            acceptable = Some(run);
            return ControlFlow::Break(());
        }
        if open.len() < OPEN {
            open.push(run);
        }
        ControlFlow::Continue(())
    })?;
    Ok(Latest { open, acceptable })
}

/// Every run that counts as of a moment, the one that was measured last at first, until `each` has seen enough. Of those
/// that came last, so many are looked at.
fn each_run(
    connection: &Connection,
    series: i64,
    at: Timestamp,
    limit: i64,
    mut each: impl FnMut(RunView) -> ControlFlow<()>,
) -> Result<(), JournalError> {
    for (_, run) in places(connection, series, limit)?.into_iter().rev() {
        let Some(run) = run_at(connection, run, at)? else { continue };
        if each(run).is_break() {
            break;
        }
    }
    Ok(())
}

/// So many runs of those that came last, in the order in which runs follow one another: when each began, and its number.
pub(super) fn places(
    connection: &Connection,
    series: i64,
    limit: i64,
) -> Result<Vec<(Timestamp, i64)>, JournalError> {
    let mut statement = connection
        .prepare_cached("SELECT began_at, id FROM qc_run WHERE series = ? ORDER BY id DESC LIMIT ?")?;
    let rows = statement.query_map([series, limit], |row| Ok((instant(row.get(0)?), row.get(1)?)))?;
    let mut places: Vec<(Timestamp, i64)> = rows.collect::<Result<_, _>>()?;
    places.sort_unstable();
    Ok(places)
}

fn place_of(
    connection: &Connection,
    series: i64,
    run: i64,
) -> Result<Option<(Timestamp, i64)>, JournalError> {
    let began_at: Option<i64> = connection
        .prepare_cached("SELECT began_at FROM qc_run WHERE id = ? AND series = ?")?
        .query_row([run, series], |row| row.get(0))
        .optional()?;
    Ok(began_at.map(|at| (instant(at), run)))
}

/// A run as it was decided as of a moment; nothing where it wasn't yet, or doesn't count.
pub(super) fn run_at(
    connection: &Connection,
    run: i64,
    at: Timestamp,
) -> Result<Option<RunView>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT r.id, r.began_at,
            (SELECT max(p.measured_at) FROM qc_point p WHERE p.run = r.id),
            (SELECT max(p.observation) FROM qc_point p WHERE p.run = r.id),
            d.decided_at, d.outcome, d.violations, w.said_by, w.reason, w.said_at,
            (SELECT min(p.measured_at) FROM qc_point p WHERE p.run = r.id),
            EXISTS (SELECT 1 FROM qc_point p JOIN observation o ON o.id = p.observation
                JOIN message m ON m.id = o.message WHERE p.run = r.id AND m.received_at = p.measured_at)
         FROM qc_run r
         JOIN qc_decision d ON d.id =
            (SELECT max(l.id) FROM qc_decision l WHERE l.run = r.id AND l.decided_at <= ?2)
         LEFT JOIN qc_word w ON w.decision = d.id AND w.observation IS NULL AND w.said_at <= ?2
         WHERE r.id = ?1 AND d.outcome <> 'void'",
    )?;
    let mut rows = statement.query(params![run, at.as_microsecond()])?;
    rows.next()?.map(run_view).transpose()
}

fn run_view(row: &Row<'_>) -> Result<RunView, JournalError> {
    let outcome: String = row.get(5)?;
    let violations: String = row.get(6)?;
    Ok(RunView {
        id: row.get(0)?,
        began_at: instant(row.get(1)?),
        first_measured_at: instant(row.get(10)?),
        measured_at: instant(row.get(2)?),
        by: judge::by(row.get(11)?),
        last_point: row.get(3)?,
        decided_at: instant(row.get(4)?),
        outcome: Outcome::from_name(&outcome).unwrap_or(Outcome::NotEvaluated),
        violations: read_violations(&violations)?,
        accepted: word(row, 7)?,
    })
}

/// What somebody said, in three columns from this one.
fn word(row: &Row<'_>, from: usize) -> rusqlite::Result<Option<QcWord>> {
    let Some(by) = row.get(from)? else { return Ok(None) };
    Ok(Some(QcWord { by, reason: row.get(from + 1)?, at: instant(row.get(from + 2)?) }))
}

fn point(row: &Row<'_>) -> rusqlite::Result<PointView> {
    let (lot, level): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
    let (mean, sd): (Option<String>, Option<String>) = (row.get(7)?, row.get(8)?);
    let value: String = row.get(3)?;
    let target = mean.zip(sd);
    let why_not: Option<String> = row.get(9)?;
    Ok(PointView {
        id: ObservationId(row.get(0)?),
        run: row.get(1)?,
        measured_at: instant(row.get(2)?),
        z: target.as_ref().and_then(|(mean, sd)| judge::z(&value, mean, sd)),
        value,
        unit: row.get(4)?,
        material: lot.zip(level),
        target,
        why_not: why_not.as_deref().and_then(WhyNot::from_name),
        excluded: word(row, 10)?,
        is_superseded: row.get(13)?,
    })
}
