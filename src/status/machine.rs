//! The same numbers for programs: `/api/status` as JSON. No patient data, no specimen.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Page;
use super::failure::Failure;
use super::lead::lead;
use super::snapshot::{Analyzer, Contact, Lims};
use crate::board::DestinationState;
use crate::config::settings::Mode;
use crate::journal::Condition;

#[derive(Serialize)]
struct Status<'a> {
    site: &'a str,
    as_of: String,
    severity: &'static str,
    headline: String,
    journal: &'static str,
    balanced: bool,
    waiting: Waiting,
    intake: Intake,
    analyzers: BTreeMap<&'a str, AnalyzerStatus>,
    destinations: BTreeMap<&'a str, LimsStatus<'a>>,
}

#[derive(Serialize)]
struct Waiting {
    unread: i64,
    unattributed: i64,
    incomplete: i64,
    open_problems: i64,
    other_problems: i64,
    held: i64,
    dead_letters: i64,
    unanswered_queries: i64,
}

#[derive(Serialize)]
struct Intake {
    received: i64,
    new: i64,
    duplicate: i64,
    problem: i64,
}

#[derive(Serialize)]
struct AnalyzerStatus {
    link: &'static str,
    last_message: Option<String>,
    received: i64,
    new: i64,
    duplicate: i64,
    problem: i64,
    open_problems: i64,
    held: i64,
    unanswered_queries: i64,
}

#[derive(Serialize)]
struct LimsStatus<'a> {
    state: &'static str,
    mode: &'static str,
    last_accepted: Option<String>,
    owed: i64,
    results: &'a BTreeMap<String, i64>,
    deliveries: &'a BTreeMap<String, i64>,
    oldest: Option<String>,
}

pub(super) async fn status(State(page): State<Page>) -> Result<Response, Failure> {
    let snapshot = page.snapshot().await?;
    let lead = lead(&snapshot, &page.clock(&snapshot));
    let (waiting, intake) = (snapshot.waiting, snapshot.sums.intake);
    Ok(Json(Status {
        site: &page.site,
        as_of: snapshot.as_of.to_string(),
        severity: lead.severity.class(),
        headline: lead.headline.english(),
        journal: condition(&snapshot.condition),
        balanced: snapshot.sums.imbalances().is_empty(),
        waiting: Waiting {
            unread: waiting.unread,
            unattributed: waiting.unattributed,
            incomplete: waiting.incomplete,
            open_problems: waiting.open_problems,
            other_problems: waiting.other_problems,
            held: waiting.held,
            dead_letters: waiting.dead_letters,
            unanswered_queries: waiting.unanswered_queries,
        },
        intake: Intake {
            received: intake.received,
            new: intake.new,
            duplicate: intake.duplicate,
            problem: intake.problem,
        },
        analyzers: snapshot.analyzers.iter().map(|it| (it.name.as_str(), analyzer(it))).collect(),
        destinations: snapshot.destinations.iter().map(|it| (it.name.as_str(), lims(it))).collect(),
    })
    .into_response())
}

fn analyzer(it: &Analyzer) -> AnalyzerStatus {
    let counts = &it.counts;
    AnalyzerStatus {
        link: link(&it.contact),
        last_message: counts.last_message.map(|at| at.to_string()),
        received: counts.received,
        new: counts.new,
        duplicate: counts.duplicate,
        problem: counts.problem,
        open_problems: counts.open_problems,
        held: counts.held,
        unanswered_queries: counts.unanswered_queries,
    }
}

fn lims(it: &Lims) -> LimsStatus<'_> {
    LimsStatus {
        state: if it.is_configured { destination(&it.state) } else { "not-configured" },
        mode: match it.mode {
            Mode::Live => "live",
            Mode::Test => "test",
            Mode::Drain => "drain",
        },
        last_accepted: it.last_accepted.map(|at| at.to_string()),
        owed: it.sums.owed,
        results: &it.sums.states,
        deliveries: &it.queue.deliveries,
        oldest: it.queue.oldest.map(|at| at.to_string()),
    }
}

fn condition(condition: &Condition) -> &'static str {
    match condition {
        Condition::Good => "good",
        Condition::Full => "full",
        Condition::Failed(_) => "failed",
    }
}

fn link(contact: &Contact) -> &'static str {
    match contact {
        Contact::Starting => "starting",
        Contact::Down { .. } => "down",
        Contact::Listening { .. } => "listening",
        Contact::Polling { .. } => "polling",
        Contact::Connected { .. } => "connected",
        Contact::Removed => "not-configured",
    }
}

fn destination(state: &DestinationState) -> &'static str {
    match state {
        DestinationState::Untried => "untried",
        DestinationState::Up => "up",
        DestinationState::Failing(_) => "failing",
        DestinationState::Resting { .. } => "resting",
    }
}
