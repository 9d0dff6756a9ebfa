//! How each test stands by its controls, and a chart of each of its levels. Made once for each request; shows controls
//! only, and never a patient.

mod chart;
mod json;
mod saying;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::Page;
use super::act::Desk;
use super::clock::{Clock, Moment};
use super::entrance::encoded;
use super::failure::{Failure, html};
use super::lead::Severity;
use super::shell::{Mark, Shell, test_name};
use super::who::Who;
use super::words::filters;
use crate::domain::qc::{self, Plan, QcState, Scope, Violation};
use crate::domain::{InstrumentId, TestIdentity, Words, words};
use crate::journal::qc::{PointView, RunView, SeriesView};

use chart::Chart;
pub(super) use json::{say as say_as_json, series as series_as_json};
use saying::Choice;
pub(super) use saying::say;

/// The most results of one test that are read, and of one level that are drawn.
const READ: usize = 400;
const DRAWN: usize = 60;
/// The most results below the charts.
const LISTED: usize = 60;

/// Which test's charts are wanted.
#[derive(Deserialize)]
pub(super) struct Asked {
    instrument: Option<String>,
    #[serde(default)]
    code: String,
    #[serde(default)]
    aspect: String,
    #[serde(default)]
    component: String,
}

#[derive(Template)]
#[template(path = "qc.html")]
struct Controls {
    shell: Shell,
    /// Where others judge them.
    is_switched_off: bool,
    rows: Vec<SeriesRow>,
    shown: Option<Shown>,
    /// What may be said, of which run or result.
    choices: Vec<Choice>,
    desk: Desk,
}

struct SeriesRow {
    instrument: String,
    test: String,
    code: String,
    aspect: String,
    component: String,
    mark: Mark,
    run: Words,
    why: Words,
    measured: Option<Moment>,
    acceptable: Words,
    /// What to do, where something is.
    remedy: Words,
}

/// One test, with its charts.
struct Shown {
    title: Words,
    charts: Vec<Chart>,
    points: Vec<PointRow>,
}

struct PointRow {
    id: i64,
    run: i64,
    measured: Moment,
    value: String,
    material: Words,
    judged: Words,
    out: Words,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    const NONE: Failure = Failure::NotFound("There is no such test.");
    let asked = asked.map_err(|_| NONE)?.0;
    let test = TestIdentity {
        code: asked.code,
        aspect: asked.aspect,
        component: asked.component,
        dilution: String::new(),
    };
    let wanted = asked.instrument.map(|instrument| (InstrumentId::new(instrument), test));
    let place =
        wanted.as_ref().map_or_else(|| "/qc".to_owned(), |(instrument, test)| place(instrument, test));
    let (valid_for, now, of) = (page.qc.valid_for, crate::clock::now(), wanted.clone());
    let (snapshot, (series, points)) = page
        .read(move |reader| {
            let points =
                of.map(|(instrument, test)| reader.qc_points(&instrument, &test, READ)).transpose()?;
            Ok((reader.qc(valid_for, now)?, points.unwrap_or_default()))
        })
        .await?;
    let clock = page.clock(&snapshot);
    let of: Vec<&SeriesView> = series
        .iter()
        .filter(|it| wanted.as_ref().is_none_or(|(name, test)| *name == it.instrument && *test == it.test))
        .collect();
    let choices = saying::choices(&of, &points, &clock);
    let shown = wanted.map(|(instrument, test)| charted(&instrument, &test, &points, &clock));
    html(
        &Controls {
            choices,
            desk: Desk::of(&who),
            shell: Shell::new(words!("Quality control"), "/qc", &page.site, &snapshot, &clock)
                .seen_by(who, place),
            is_switched_off: page.qc.multirule.is_none(),
            rows: series.iter().map(|it| row(it, &page.qc, &clock)).collect(),
            shown,
        },
        page.language,
    )
}

/// Where one test is shown.
fn place(instrument: &InstrumentId, test: &TestIdentity) -> String {
    let [code, aspect, component] = [&test.code, &test.aspect, &test.component].map(|part| encoded(part));
    let instrument = encoded(&instrument.to_string());
    format!("/qc?instrument={instrument}&code={code}&aspect={aspect}&component={component}")
}

fn row(it: &SeriesView, plan: &Plan, clock: &Clock) -> SeriesRow {
    let (instrument, test) = (it.instrument.to_string(), test_name(&it.test));
    // By the run, so that it is still right once the controls were measured again.
    let before = it.last.as_ref().map(|run| format!(" --before {}", run.id)).unwrap_or_default();
    let since = format!("labwire qc since {instrument} \"{test}\"{before}");
    let remedy = match it.state {
        QcState::Rejected => words!(
            "find the cause and measure the controls again, or accept the run below; {command} lists the patients' results that no acceptable run vouches for",
            command = since
        ),
        QcState::NoRunSince => words!("measure the controls"),
        QcState::Incomplete => words!("measure the other levels"),
        QcState::NotEvaluated if plan.multirule.is_some() => {
            words!("the results below say why; add what is missing to qc.d, then labwire reload")
        }
        QcState::NotEvaluated | QcState::NeverRun | QcState::Accepted | QcState::Warning => Words::none(),
    };
    let acceptable = match (&it.acceptable, &it.last) {
        (Some(run), Some(last)) if run.id == last.id => Words::none(),
        (Some(run), _) => {
            words!("run {number}, {at}", number = run.id.to_string(), at = clock.at(run.measured_at))
        }
        (None, _) => words!("never"),
    };
    SeriesRow {
        mark: mark(it.state, plan),
        run: it
            .last
            .as_ref()
            .map_or_else(Words::none, |run| words!("run {number}", number = run.id.to_string())),
        why: it.last.as_ref().map_or_else(Words::none, why),
        measured: it.last.as_ref().map(|run| clock.at(run.measured_at)),
        acceptable,
        remedy,
        code: it.test.code.clone(),
        aspect: it.test.aspect.clone(),
        component: it.test.component.clone(),
        instrument,
        test,
    }
}

/// How these tests stand, the worst first: each state, and of how many.
pub(super) fn standing_of(states: &[QcState], plan: &Plan) -> Vec<Mark> {
    let mut states = states.to_vec();
    states.sort_by_key(|state| (severity(*state, plan), state.name()));
    let of = |alike: &[QcState]| {
        let state = *alike.first()?;
        let words = words!("{state}: {n}", state = Words::fixed(state.name()), n = alike.len());
        Some(Mark::new(severity(state, plan), words))
    };
    states.chunk_by(|one, other| one == other).filter_map(of).collect()
}

fn mark(state: QcState, plan: &Plan) -> Mark {
    Mark::new(severity(state, plan), Words::fixed(state.name()))
}

fn severity(state: QcState, plan: &Plan) -> Severity {
    match state {
        QcState::Rejected => Severity::Danger,
        QcState::NoRunSince => Severity::Act,
        QcState::Warning => Severity::Odd,
        QcState::NotEvaluated if plan.multirule.is_some() => Severity::Odd,
        QcState::NotEvaluated | QcState::NeverRun | QcState::Incomplete => Severity::Wait,
        QcState::Accepted => Severity::Calm,
    }
}

/// What the run breaks, and what somebody said of it.
fn why(run: &RunView) -> Words {
    let accepted = run.accepted.as_ref().map(|word| {
        words!(
            "{outcome}, and accepted by {by}: {reason}",
            outcome = Words::fixed(run.outcome.name()),
            by = &word.by,
            reason = &word.reason
        )
    });
    let of = |severity| run.violations.iter().filter(move |it| it.severity == severity).map(broken);
    let warned = Words::row(of(qc::Severity::Warn), ", ");
    let warned = (!warned.is_none()).then(|| words!("warned by {broken}", broken = warned));
    Words::row(of(qc::Severity::Reject).chain(warned).chain(accepted), "; ")
}

fn broken(violation: &Violation) -> Words {
    let rule = violation.rule.name();
    match &violation.scope {
        Scope::Level { level, .. } => words!("{rule} at level {level}", rule, level),
        Scope::AcrossLevels => words!("{rule} across levels", rule),
    }
}

fn charted(instrument: &InstrumentId, test: &TestIdentity, points: &[PointView], clock: &Clock) -> Shown {
    let mut levels: BTreeMap<(&str, &str), Vec<&PointView>> = BTreeMap::new();
    for point in points.iter().filter(|it| it.z.is_some() && !it.is_superseded) {
        if let Some((lot, level)) = &point.material {
            levels.entry((level, lot)).or_default().push(point);
        }
    }
    let chart = |((level, lot), mut points): ((&str, &str), Vec<&PointView>)| {
        points.truncate(DRAWN);
        points.reverse();
        Chart::of(level, lot, &points, clock)
    };
    Shown {
        title: words!("{test} on {instrument}", test = test_name(test), instrument = instrument.to_string()),
        charts: levels.into_iter().map(chart).collect(),
        points: points.iter().take(LISTED).map(|it| point_row(it, clock)).collect(),
    }
}

fn point_row(it: &PointView, clock: &Clock) -> PointRow {
    let judged = match (&it.z, it.why_not) {
        (Some(z), _) => chart::signed(z).into(),
        (None, Some(why)) => words!("not evaluated: {why}", why = Words::fixed(why.words())),
        (None, None) => words!("not evaluated"),
    };
    let out = match &it.excluded {
        Some(word) => words!("taken out by {by}: {reason}", by = &word.by, reason = &word.reason),
        None if it.is_superseded => words!("a newer version took its place"),
        None => Words::none(),
    };
    PointRow {
        id: it.id.0,
        run: it.run,
        measured: clock.at(it.measured_at),
        value: format!("{} {}", it.value, it.unit),
        material: match &it.material {
            Some((lot, level)) => words!("level {level} of lot {lot}", level, lot),
            None => words!("unknown"),
        },
        judged,
        out,
    }
}
