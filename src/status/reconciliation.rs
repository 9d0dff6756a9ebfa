//! A day's reconciliation as a page: the sums as tables, what isn't over, and the way to the day before and after. It is
//! made once for each request and doesn't follow the journal: a day can hold a great many results.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::Page;
use super::bench::state_words;
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::lead::{Lead, Severity, grouped};
use super::shell::{Mark, Shell};
use super::who::Who;
use crate::config::Settings;
use crate::domain::SpecimenId;
use crate::journal::JournalError;
use crate::journal::days::Written;
use crate::reconciliation::{
    Day, Exception, Intake, Kind, Outgo, Report, Rules, Verdict, Wanted, brief, gather,
};

/// The most exceptions on the page.
const LISTED: usize = 500;

/// What a day is added up by. Clones share it.
#[derive(Clone)]
pub(super) struct Days {
    rules: Arc<Rules>,
    writes_reports: bool,
    /// One day at a time: the other pages keep their turns.
    turn: Arc<Semaphore>,
}

impl Days {
    pub(super) fn new(settings: &Settings) -> Days {
        Days {
            rules: Arc::new(Rules::of(settings)),
            writes_reports: settings.reconciliation.reports.is_some(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    day: Option<String>,
}

#[derive(Template)]
#[template(path = "reconciliation.html")]
struct Reconciliation {
    shell: Shell,
    day: String,
    title: String,
    before: Option<String>,
    after: Option<String>,
    is_today: bool,
    /// The day isn't over.
    is_open: bool,
    from: Moment,
    to: Moment,
    lead: Lead,
    intake: Vec<IntakeRow>,
    total: IntakeRow,
    cut_transfers: usize,
    destinations: Vec<OutgoRow>,
    imbalances: Vec<String>,
    open: usize,
    shown: usize,
    rows: Vec<ExceptionRow>,
    report: String,
    /// With its day, for paper.
    as_of: String,
}

struct IntakeRow {
    name: String,
    messages: String,
    received: String,
    new: String,
    repeated: String,
    problem: String,
    difference: String,
    is_off: bool,
    among: String,
}

struct OutgoRow {
    name: String,
    is_under_test: bool,
    owed: String,
    parts: Vec<(String, &'static str)>,
    difference: String,
    is_off: bool,
    lag: Option<(String, String, String)>,
}

struct ExceptionRow {
    mark: Mark,
    numbers: String,
    specimen: Option<String>,
    test: String,
    instrument: String,
    destination: Option<String>,
    delivery: Option<i64>,
    message: Option<i64>,
    reason: String,
    remedy: String,
    since: Moment,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    const NONE: Failure = Failure::NotFound("There is no such day; write it as 2026-11-20.");
    let asked = asked.map_err(|_| NONE)?.0.day.filter(|day| !day.is_empty());
    let wanted: Wanted = asked.as_deref().unwrap_or("today").parse().map_err(|_| NONE)?;
    let now = crate::clock::now();
    let day = Day::of(wanted, now, &page.zone).ok_or(NONE)?;
    let turn = Arc::clone(&page.days.turn).acquire_owned().await.map_err(|_| JournalError::Closed)?;
    let rules = Arc::clone(&page.days.rules);
    let name = day.name();
    let (report, written) = page
        .readers
        .read(move |reader| {
            let _turn = turn;
            Ok((gather(reader, day, &rules, None, now)?, reader.report(&name)?))
        })
        .await?;
    let snapshot = page.snapshot().await?;
    let clock = page.clock(&snapshot);
    let today = Day::of(Wanted::Today, now, &page.zone).map(|day| day.date());
    let (day, span) = (&report.day, report.day.span());
    let rows: Vec<_> = report.exceptions.iter().take(LISTED).map(|it| row(it, &clock)).collect();
    html(&Reconciliation {
        shell: Shell::new("Reconciliation", "/reconciliation", &page.site, &snapshot, &clock)
            .seen_by(who, "/reconciliation"),
        day: day.name(),
        title: day.date().strftime("%A %-d %B %Y").to_string(),
        before: day.before().map(|day| day.name()),
        after: day.after().filter(|day| today.is_some_and(|today| day.date() <= today)).map(|day| day.name()),
        is_today: today == Some(day.date()),
        is_open: report.is_of_a_day_not_over(),
        from: clock.at(span.from),
        to: clock.at(span.to),
        lead: lead(&report),
        intake: report.intake.iter().map(|(name, it)| intake(name, it)).collect(),
        total: intake("all", &report.total()),
        cut_transfers: report.cut_transfers,
        destinations: report.destinations.iter().map(|(name, it)| outgo(name, it)).collect(),
        open: report.open_count(),
        shown: rows.len(),
        rows,
        as_of: day.exact(report.as_of),
        report: of_report(&page.days, &report, written, &clock),
        imbalances: report.imbalances,
    })
}

fn lead(report: &Report) -> Lead {
    let (severity, headline, then) = match report.verdict() {
        Verdict::Unbalanced => (
            Severity::Danger,
            "The sums of this day do not balance.".to_owned(),
            "A result may be lost or doubled. Compare the analyzer's own list with the LIMS, and have labwire looked at.",
        ),
        Verdict::Open => (
            Severity::Act,
            report.sentence(),
            "Each line below says what to do. What a person decides is signed off by it, with name and reason in the audit.",
        ),
        Verdict::Clear if report.total().messages == 0 => {
            (Severity::Calm, "Nothing was received.".to_owned(), "The sums balance, and nothing is open.")
        }
        Verdict::Clear => (Severity::Calm, report.sentence(), "Nothing to sign off."),
    };
    Lead { severity, headline, then: then.to_owned() }
}

fn intake(name: &str, it: &Intake) -> IntakeRow {
    let among: Vec<String> = [
        (it.controls, "controls and calibrations"),
        (it.failed, "failed runs"),
        (it.queries, "host queries"),
        (it.incomplete, "messages cut short"),
        (it.unread, "messages not read yet"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{} {what}", grouped(count)))
    .collect();
    IntakeRow {
        name: if name.is_empty() { "an unknown sender".to_owned() } else { name.to_owned() },
        messages: grouped(it.messages),
        received: grouped(it.received),
        new: grouped(it.new),
        repeated: grouped(it.repeated),
        problem: grouped(it.problem),
        difference: grouped(it.difference()),
        is_off: it.difference() != 0,
        among: among.join(" · "),
    }
}

fn outgo(name: &str, it: &Outgo) -> OutgoRow {
    OutgoRow {
        name: name.to_owned(),
        is_under_test: it.is_under_test,
        owed: grouped(it.owed),
        parts: it.states.iter().map(|(state, count)| (grouped(*count), state_words(state))).collect(),
        difference: grouped(it.difference()),
        is_off: it.difference() != 0,
        lag: it.lag.map(|lag| (brief(lag.p50), brief(lag.p95), brief(lag.max))),
    }
}

fn row(it: &Exception, clock: &Clock) -> ExceptionRow {
    let severity = match it.kind {
        Kind::Refused | Kind::Quarantined => Severity::Danger,
        Kind::Unknown | Kind::Held | Kind::Incomplete | Kind::PossibleDuplicate | Kind::Problem => {
            Severity::Act
        }
        Kind::Late | Kind::Unread => Severity::Odd,
    };
    let words =
        if it.kind == Kind::Problem { it.state.replace('-', " ") } else { it.kind.words().to_owned() };
    let numbers = [("result", it.result.map(|id| id.0)), ("problem", it.problem.map(|id| id.0))];
    let numbers: Vec<String> =
        numbers.iter().filter_map(|(what, id)| id.map(|id| format!("{what} {id}"))).collect();
    ExceptionRow {
        mark: Mark::new(severity, words),
        numbers: numbers.join(", "),
        specimen: it.specimen.as_ref().map(SpecimenId::reveal).map(str::to_owned),
        test: it.test.clone(),
        instrument: if it.instrument.is_empty() {
            "an unknown sender".to_owned()
        } else {
            it.instrument.clone()
        },
        destination: it.destination.clone(),
        delivery: it.delivery.map(|id| id.0),
        message: it.message.map(|id| id.0),
        reason: it.reason.reveal().clone(),
        remedy: it.remedy.clone(),
        since: clock.at(it.since),
    }
}

/// What is known of the day's report.
fn of_report(days: &Days, report: &Report, written: Option<Written>, clock: &Clock) -> String {
    match written {
        Some(Written { revision, at, .. }) => {
            format!("Revision {revision} of this day's report was written at {}.", clock.at(at).text)
        }
        None if !days.writes_reports => {
            "No reports are written: [reconciliation] names no folder for them.".to_owned()
        }
        None if report.is_of_a_day_not_over() => "This day's report is written once it is over.".to_owned(),
        None => "No report of this day was written.".to_owned(),
    }
}
