//! The same numbers for programs: `/api/status` as JSON, `/metrics` as Prometheus text. No patient data, no specimen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Page;
use super::failure::Failure;
use super::lead::lead;
use super::snapshot::{Analyzer, Contact, Lims, Snapshot};
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
        headline: lead.headline,
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

pub(super) async fn metrics(State(page): State<Page>) -> Result<Response, Failure> {
    let text = exposition(&page.snapshot().await?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Prometheus text, one family after the other.
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP labwire_{name} {help}\n# TYPE labwire_{name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: i64) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "labwire_{name}{labels} {value}");
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn exposition(snapshot: &Snapshot) -> String {
    let mut text = Exposition(String::new());
    text.family("journal_good", "gauge", "Whether the journal takes more.");
    text.sample("journal_good", &[], i64::from(snapshot.condition == Condition::Good));
    text.family("sums_balanced", "gauge", "Whether every sum comes to zero.");
    text.sample("sums_balanced", &[], i64::from(snapshot.sums.imbalances().is_empty()));
    waiting(snapshot, &mut text);
    analyzers(snapshot, &mut text);
    destinations(snapshot, &mut text);
    text.0
}

fn waiting(snapshot: &Snapshot, text: &mut Exposition) {
    let waiting = snapshot.waiting;
    text.family("waiting", "gauge", "What waits for the gateway or a person, by kind.");
    for (kind, value) in [
        ("unread", waiting.unread),
        ("unattributed", waiting.unattributed),
        ("incomplete", waiting.incomplete),
        ("open_problems", waiting.open_problems),
        ("other_problems", waiting.other_problems),
        ("held", waiting.held),
        ("dead_letters", waiting.dead_letters),
        ("unanswered_queries", waiting.unanswered_queries),
    ] {
        text.sample("waiting", &[("kind", kind)], value);
    }
}

fn analyzers(snapshot: &Snapshot, text: &mut Exposition) {
    text.family("results_total", "counter", "Results received, by analyzer and what they became.");
    for it in &snapshot.analyzers {
        let counts = &it.counts;
        for (became, value) in
            [("new", counts.new), ("duplicate", counts.duplicate), ("problem", counts.problem)]
        {
            text.sample("results_total", &[("analyzer", &it.name), ("became", became)], value);
        }
    }
    text.family("link_up", "gauge", "Whether something is connected at the analyzer's link.");
    for it in &snapshot.analyzers {
        let up = matches!(it.contact, Contact::Connected { .. } | Contact::Polling { .. });
        text.sample("link_up", &[("analyzer", &it.name)], i64::from(up));
    }
    text.family("files_stuck", "gauge", "Files that lie where the analyzer leaves them and can't be taken.");
    for it in &snapshot.analyzers {
        if let Some(drop) = &it.drop {
            let stuck = i64::try_from(drop.stuck()).unwrap_or(i64::MAX);
            text.sample("files_stuck", &[("analyzer", &it.name)], stuck);
        }
    }
    text.family(
        "last_message_seconds",
        "gauge",
        "When the analyzer's last message came, in seconds since 1970.",
    );
    for it in &snapshot.analyzers {
        if let Some(at) = it.counts.last_message {
            text.sample("last_message_seconds", &[("analyzer", &it.name)], at.as_second());
        }
    }
}

fn destinations(snapshot: &Snapshot, text: &mut Exposition) {
    text.family("owed_total", "counter", "Results owed to a destination.");
    for it in &snapshot.destinations {
        text.sample("owed_total", &[("destination", &it.name)], it.sums.owed);
    }
    text.family("ledger", "gauge", "Results by what became of them at a destination.");
    for it in &snapshot.destinations {
        for (state, value) in &it.sums.states {
            text.sample("ledger", &[("destination", &it.name), ("state", state)], *value);
        }
    }
    text.family("destination_up", "gauge", "Whether the last attempt at a destination succeeded.");
    for it in snapshot.destinations.iter().filter(|it| it.is_configured) {
        let up = i64::from(it.state == DestinationState::Up);
        text.sample("destination_up", &[("destination", &it.name)], up);
    }
}
