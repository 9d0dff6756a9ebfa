//! A day's reconciliation as a page: the sums as tables, what isn't over, and the way to the day before and after. It is
//! made once for each request and doesn't follow the journal: a day can hold a great many results.

mod seen;
mod signing;

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::Page;
use super::act::Desk;
use super::bench::state_words;
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::lead::{Lead, Severity};
use super::next::{Next, after_refusal, of_held, of_no_destination, of_problem, of_unknown_fate};
use super::shell::{Mark, Shell, kind_of_problem};
use super::who::Who;
use super::words::{filters, kept};
use crate::config::Settings;
use crate::domain::{SpecimenId, Words, counted, words};
use crate::journal::JournalError;
use crate::journal::days::Written;
use crate::journal::signature::Signature;
use crate::reconciliation::{
    Day, Exception, Intake, Kind, Outgo, Report, Rules, Verdict, Wanted, brief, digest, gather,
};

pub(super) use seen::{as_json, see};
pub(super) use signing::{as_json as signatures_as_json, sign, sign_as_json};

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

const NO_DAY: Failure = Failure::NotFound("There is no such day; write it as 2026-11-20.");

#[derive(Deserialize)]
pub(super) struct Asked {
    day: Option<String>,
}

#[derive(Template)]
#[template(path = "reconciliation.html")]
struct Reconciliation {
    shell: Shell,
    day: String,
    title: Moment,
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
    imbalances: Vec<Words>,
    open: usize,
    shown: usize,
    rows: Vec<ExceptionRow>,
    /// Some of the rows are problems.
    has_problems: bool,
    desk: Desk,
    report: Words,
    /// Who signed the day off, and with what.
    signatures: Vec<Words>,
    /// The latest of them signed what stands here.
    is_signed: bool,
    /// By which a form says what was looked at.
    fingerprint: String,
    /// It takes a reason to sign it.
    needs_reason: bool,
    /// With its day, for paper.
    as_of: String,
}

struct IntakeRow {
    name: Words,
    messages: i64,
    received: i64,
    new: i64,
    repeated: i64,
    problem: i64,
    difference: i64,
    is_off: bool,
    among: Words,
}

struct OutgoRow {
    name: String,
    is_under_test: bool,
    owed: i64,
    parts: Vec<(i64, Words)>,
    difference: i64,
    is_off: bool,
    lag: Option<(String, String, String)>,
}

struct ExceptionRow {
    mark: Mark,
    numbers: Words,
    specimen: Option<String>,
    test: String,
    instrument: Words,
    destination: Option<String>,
    delivery: Option<i64>,
    message: Option<i64>,
    /// The problem that it is, which can be ticked as seen to.
    problem: Option<i64>,
    reason: Words,
    next: Next,
    since: Moment,
}

/// A day as it is now.
struct Looked {
    report: Report,
    written: Option<Written>,
    signatures: Vec<Signature>,
    /// SHA-256 of what it comes to, in hexadecimal.
    fingerprint: String,
}

impl Page {
    /// What a day comes to, who signed it, and whether its report was written.
    async fn day(&self, asked: Asked) -> Result<Looked, Failure> {
        let asked = asked.day.filter(|day| !day.is_empty());
        let wanted: Wanted = asked.as_deref().unwrap_or("today").parse().map_err(|_| NO_DAY)?;
        let now = crate::clock::now();
        let day = Day::of(wanted, now, &self.zone).ok_or(NO_DAY)?;
        let turn = Arc::clone(&self.days.turn).acquire_owned().await.map_err(|_| JournalError::Closed)?;
        let rules = Arc::clone(&self.days.rules);
        let name = day.name();
        let read = self.readers.read(move |reader| {
            let _turn = turn;
            let signatures = reader.signatures(&name, day.span())?;
            Ok((gather(reader, day, &rules, None, now)?, reader.report(&name)?, signatures))
        });
        let (report, written, signatures) = read.await?;
        let fingerprint = digest(&report).map_err(|_| Failure::Render)?;
        let fingerprint = fingerprint.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Looked { report, written, signatures, fingerprint })
    }
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let asked = asked.map_err(|_| NO_DAY)?.0;
    let Looked { report, written, signatures, fingerprint } = page.day(asked).await?;
    let now = report.as_of;
    let snapshot = page.snapshot().await?;
    let clock = page.clock(&snapshot);
    let today = Day::of(Wanted::Today, now, &page.zone).map(|day| day.date());
    let (day, span) = (&report.day, report.day.span());
    let is_configured = |name: &String| page.known.destinations.contains_key(name);
    let row = |it: &Exception| row(it, it.destination.as_ref().is_none_or(is_configured), &clock);
    let rows: Vec<_> = report.exceptions.iter().take(LISTED).map(row).collect();
    html(
        &Reconciliation {
            desk: Desk::of(&who),
            shell: Shell::new(words!("Reconciliation"), "/reconciliation", &page.site, &snapshot, &clock)
                .seen_by(who, format!("/reconciliation?day={}", day.name())),
            day: day.name(),
            title: Moment { at: span.from.to_zoned(page.zone.clone()), form: "%A %-d %B %Y" },
            before: day.before().map(|day| day.name()),
            after: day
                .after()
                .filter(|day| today.is_some_and(|today| day.date() <= today))
                .map(|day| day.name()),
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
            has_problems: rows.iter().any(|row| row.problem.is_some()),
            rows,
            as_of: day.exact(report.as_of),
            signatures: signatures.iter().map(|it| signing::words_of(it, day)).collect(),
            is_signed: signatures.last().is_some_and(|it| it.report == fingerprint),
            fingerprint,
            needs_reason: report.verdict() != Verdict::Clear,
            report: of_report(&page.days, &report, written, &clock),
            imbalances: report.imbalances,
        },
        page.language,
    )
}

fn lead(report: &Report) -> Lead {
    let (severity, headline, then) = match report.verdict() {
        Verdict::Unbalanced => (
            Severity::Danger,
            words!("The sums of this day do not balance."),
            words!(
                "A result may be lost or doubled. Compare the analyzer's own list with the LIMS, and have labwire looked at."
            ),
        ),
        Verdict::Open => (
            Severity::Act,
            report.sentence(),
            words!(
                "Each line below says what to do. What a person decides is signed off by it, with name and reason in the audit."
            ),
        ),
        Verdict::Clear if report.total().messages == 0 => (
            Severity::Calm,
            words!("Nothing was received."),
            words!("The sums balance, and nothing is open."),
        ),
        Verdict::Clear => (Severity::Calm, report.sentence(), words!("Nothing to sign off.")),
    };
    Lead { severity, headline, then }
}

fn intake(name: &str, it: &Intake) -> IntakeRow {
    let among = [
        (it.controls, counted!(it.controls, "{n} control or calibration", "{n} controls and calibrations")),
        (it.failed, counted!(it.failed, "{n} failed run", "{n} failed runs")),
        (it.queries, counted!(it.queries, "{n} host query", "{n} host queries")),
        (it.incomplete, counted!(it.incomplete, "{n} message cut short", "{n} messages cut short")),
        (it.unread, counted!(it.unread, "{n} message not read yet", "{n} messages not read yet")),
    ];
    let among = among.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words);
    IntakeRow {
        name: if name.is_empty() { words!("an unknown sender") } else { name.into() },
        messages: it.messages,
        received: it.received,
        new: it.new,
        repeated: it.repeated,
        problem: it.problem,
        difference: it.difference(),
        is_off: it.difference() != 0,
        among: Words::row(among, " · "),
    }
}

fn outgo(name: &str, it: &Outgo) -> OutgoRow {
    OutgoRow {
        name: name.to_owned(),
        is_under_test: it.is_under_test,
        owed: it.owed,
        parts: it.states.iter().map(|(state, count)| (*count, state_words(state))).collect(),
        difference: it.difference(),
        is_off: it.difference() != 0,
        lag: it.lag.map(|lag| (brief(lag.p50), brief(lag.p95), brief(lag.max))),
    }
}

fn row(it: &Exception, is_configured: bool, clock: &Clock) -> ExceptionRow {
    let severity = match it.kind {
        Kind::Refused | Kind::Quarantined => Severity::Danger,
        Kind::Unknown | Kind::Held | Kind::Incomplete | Kind::PossibleDuplicate | Kind::Problem => {
            Severity::Act
        }
        Kind::Late | Kind::Unread => Severity::Odd,
    };
    let words = match it.kind {
        Kind::Problem => kind_of_problem(&it.state),
        other => Words::fixed(other.words()),
    };
    let result = it.result.map(|id| words!("result {id}", id = id.to_string()));
    let problem = it.problem.map(|id| words!("problem {id}", id = id.to_string()));
    ExceptionRow {
        mark: Mark::new(severity, words),
        numbers: Words::row(result.into_iter().chain(problem), ", "),
        specimen: it.specimen.as_ref().map(SpecimenId::reveal).map(str::to_owned),
        test: it.test.clone(),
        instrument: if it.instrument.is_empty() {
            words!("an unknown sender")
        } else {
            (&it.instrument).into()
        },
        destination: it.destination.clone(),
        delivery: it.delivery.map(|id| id.0),
        message: it.message.map(|id| id.0),
        reason: known_again(it.reason.reveal()),
        problem: it.problem.map(|id| id.0),
        next: next(it, is_configured),
        since: clock.at(it.since),
    }
}

/// What somebody does about it, and where on the page.
fn next(it: &Exception, is_configured: bool) -> Next {
    match (it.kind, it.result, it.delivery.filter(|_| it.is_dead_letter), it.problem) {
        (Kind::Held, Some(result), ..) if it.specimen.is_some() => of_held(&[result]),
        (_, _, Some(delivery), _) if !is_configured => of_no_destination(delivery),
        (Kind::Refused, _, Some(delivery), _) => after_refusal(delivery),
        (Kind::Unknown, _, Some(delivery), _) => of_unknown_fate(delivery),
        (.., Some(problem)) => of_problem(problem, &it.state),
        _ => Next::only(it.remedy.clone()),
    }
}

/// What is known of the day's report.
fn of_report(days: &Days, report: &Report, written: Option<Written>, clock: &Clock) -> Words {
    match written {
        Some(Written { revision, at, .. }) => {
            words!(
                "Revision {number} of this day's report was written at {at}.",
                number = revision.to_string(),
                at = clock.at(at)
            )
        }
        None if !days.writes_reports => {
            words!("No reports are written: [reconciliation] names no folder for them.")
        }
        None if report.is_of_a_day_not_over() => words!("This day's report is written once it is over."),
        None => words!("No report of this day was written."),
    }
}

/// Why, in the page's language where it is labwire's own.
fn known_again(reason: &Words) -> Words {
    match reason {
        Words::Data(text) => kept(text),
        other => other.clone(),
    }
}
