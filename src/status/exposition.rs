//! `/metrics`: the numbers of one moment as Prometheus text. No patient data, no specimen: labels are names of the
//! configuration and words of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Page;
use super::failure::Failure;
use super::snapshot::{Contact, Snapshot};
use crate::board::{DestinationState, Lag};
use crate::journal::retention::Archive;
use crate::journal::views::Dead;
use crate::journal::{Condition, Delays, Reader, Space};

/// What isn't on the page.
pub(super) struct Vitals {
    pub delays: Delays,
    pub space: Space,
    pub reserve_bytes: u64,
    pub archives: Vec<Archive>,
    pub dropped_spans: Option<u64>,
    pub dead: Vec<Dead>,
    pub lags: BTreeMap<String, Lag>,
}

pub(super) async fn show(State(page): State<Page>) -> Result<Response, Failure> {
    let journal = page.journal.path.clone();
    let read =
        move |reader: &Reader| Ok((Space::of(&journal), reader.archives()?, reader.dead_by_analyzer()?));
    let (snapshot, (space, archives, dead)) = page.read(read).await?;
    let (delays, reserve_bytes) = (page.delays.delays(), page.journal.reserve_bytes);
    let (dropped_spans, lags) = (page.board.dropped_spans(), page.board.lags());
    let vitals = Vitals { delays, space, reserve_bytes, archives, dropped_spans, dead, lags };
    let text = exposition(&snapshot, &vitals);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Prometheus text, one family after the other.
struct Exposition(String);

impl Exposition {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP labwire_{name} {help}\n# TYPE labwire_{name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "labwire_{name}{labels} {value}");
    }

    /// A family of one sample.
    fn gauge(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

pub(super) fn exposition(snapshot: &Snapshot, vitals: &Vitals) -> String {
    let mut text = Exposition(String::new());
    text.family("build_info", "gauge", "Always 1; the version is a label.");
    text.sample("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    journal(snapshot, vitals, &mut text);
    waiting(snapshot, &mut text);
    analyzers(snapshot, &mut text);
    notes(snapshot, &mut text);
    destinations(snapshot, &mut text);
    queues(snapshot, &mut text);
    dead(&vitals.dead, &mut text);
    lags(&vitals.lags, &mut text);
    if let Some(dropped) = vitals.dropped_spans {
        let help = "Spans that the traces' collector refused for good since the start.";
        text.family("dropped_spans_total", "counter", help);
        text.sample("dropped_spans_total", &[], dropped);
    }
    text.0
}

fn journal(snapshot: &Snapshot, vitals: &Vitals, text: &mut Exposition) {
    let is_good = u8::from(snapshot.condition == Condition::Good);
    text.gauge("journal_good", "Whether the journal takes more.", is_good);
    text.gauge("journal_bytes", "The size of the journal with its log.", vitals.space.used);
    let free = "What may still be written to the journal's file system, in bytes.";
    text.gauge("journal_free_bytes", free, vitals.space.free);
    let reserve = "Below so much free space no new transmission is accepted.";
    text.gauge("journal_reserve_bytes", reserve, vitals.reserve_bytes);
    if let Some(days) = snapshot.days_left {
        let left =
            "For how many days its file system has room above that at the pace of the last four weeks.";
        text.gauge("journal_days_left", left, days);
    }
    let archived: u64 = vitals.archives.iter().map(|it| it.holds.bytes).sum();
    text.gauge("archived_bytes", "Bytes of old messages that have left for archives.", archived);
    if let Some(last) = vitals.archives.iter().map(|it| it.last_at).max() {
        text.gauge(
            "last_archived_seconds",
            "When bytes left for an archive last, since 1970.",
            last.as_second(),
        );
    }
    let stopped = u8::from(snapshot.standstill.is_some());
    text.gauge("delivery_stopped", "Whether nothing is delivered until a person has resumed.", stopped);
    let differs = u8::from(snapshot.differing.is_some());
    text.gauge(
        "configuration_differs",
        "Whether the configuration on disk isn't the one that runs.",
        differs,
    );
    let balanced = u8::from(snapshot.sums.imbalances().is_empty());
    text.gauge("sums_balanced", "Whether every sum comes to zero.", balanced);
    let name = "frame_stored_seconds";
    let help =
        "From a frame's arrival at the journal to its receipt after the sync, which lets it be acknowledged.";
    text.family(name, "histogram", help);
    let bucket = format!("{name}_bucket");
    for (bound, count) in &vitals.delays.within {
        text.sample(&bucket, &[("le", &bound.as_secs_f64().to_string())], count);
    }
    text.sample(&bucket, &[("le", "+Inf")], vitals.delays.count);
    text.sample(&format!("{name}_sum"), &[], vitals.delays.sum.as_secs_f64());
    text.sample(&format!("{name}_count"), &[], vitals.delays.count);
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
    let overdue = snapshot.calls.iter().filter(|call| call.is_overdue(snapshot.as_of)).count();
    text.gauge("critical_calls_open", "Critical calls that aren't ended.", snapshot.calls.len());
    text.gauge("critical_calls_overdue", "Those of them that nobody made in time.", overdue);
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
        text.sample("link_up", &[("analyzer", &it.name)], u8::from(up));
    }
    text.family("link_down", "gauge", "Whether the analyzer's link can't be opened, or nobody answers.");
    for it in &snapshot.analyzers {
        let down = matches!(it.contact, Contact::Down { .. });
        text.sample("link_down", &[("analyzer", &it.name)], u8::from(down));
    }
    text.family(
        "lims_link_down",
        "gauge",
        "Whether the LIMS can't be reached where it tells orders or history.",
    );
    for it in &snapshot.told_by {
        text.sample("lims_link_down", &[("link", &it.link)], u8::from(it.down.is_some()));
    }
    text.family("files_stuck", "gauge", "Files that lie where the analyzer leaves them and can't be taken.");
    for it in &snapshot.analyzers {
        if let Some(drop) = &it.drop {
            text.sample("files_stuck", &[("analyzer", &it.name)], drop.stuck());
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

/// Analyzers behind one listener have their notes in common.
fn notes(snapshot: &Snapshot, text: &mut Exposition) {
    text.family("link_notes_total", "counter", "What went wrong on a link, by link and kind.");
    let mut told = BTreeSet::new();
    for it in &snapshot.analyzers {
        for note in &it.notes {
            if told.insert((note.source.as_str(), note.code.as_str())) {
                text.sample(
                    "link_notes_total",
                    &[("link", &note.source), ("kind", note.code.as_str())],
                    note.count,
                );
            }
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
            text.sample("ledger", &[("destination", &it.name), ("state", state)], value);
        }
    }
    text.family("destination_up", "gauge", "Whether the last attempt at a destination succeeded.");
    for it in snapshot.destinations.iter().filter(|it| it.is_configured) {
        let up = u8::from(it.state == DestinationState::Up);
        text.sample("destination_up", &[("destination", &it.name)], up);
    }
    text.family("destination_failing", "gauge", "Whether the last attempt at a destination failed.");
    for it in snapshot.destinations.iter().filter(|it| it.is_configured) {
        let failing = matches!(it.state, DestinationState::Failing(_) | DestinationState::Resting { .. });
        text.sample("destination_failing", &[("destination", &it.name)], u8::from(failing));
    }
    text.family(
        "attempts_total",
        "counter",
        "Attempts at a destination since the start, by what the answer came to.",
    );
    for it in &snapshot.destinations {
        for (verdict, count) in &it.attempts {
            text.sample("attempts_total", &[("destination", &it.name), ("verdict", verdict)], count);
        }
    }
    text.family(
        "last_accepted_seconds",
        "gauge",
        "When a destination last took a delivery, in seconds since 1970.",
    );
    for it in &snapshot.destinations {
        if let Some(at) = it.last_accepted {
            text.sample("last_accepted_seconds", &[("destination", &it.name)], at.as_second());
        }
    }
}

fn queues(snapshot: &Snapshot, text: &mut Exposition) {
    text.family("deliveries", "gauge", "Deliveries that aren't settled, by destination and state.");
    for it in &snapshot.destinations {
        for state in ["due", "sending", "unknown", "dead"] {
            let labels = [("destination", it.name.as_str()), ("state", state)];
            text.sample("deliveries", &labels, it.deliveries(state));
        }
    }
    text.family(
        "oldest_owed_age_seconds",
        "gauge",
        "For how long the oldest result waits that a destination hasn't settled and nobody holds; 0: none does.",
    );
    for it in &snapshot.destinations {
        let age = it.queue.oldest.map_or(0, |at| snapshot.as_of.duration_since(at).as_secs().max(0));
        text.sample("oldest_owed_age_seconds", &[("destination", &it.name)], age);
    }
}

fn dead(dead: &[Dead], text: &mut Exposition) {
    let help = "Results in dead letters, by the analyzer that they came from and the destination.";
    text.family("dead_letter_results", "gauge", help);
    for it in dead {
        let labels = [("analyzer", it.instrument.as_str()), ("destination", it.destination.as_str())];
        text.sample("dead_letter_results", &labels, it.results);
    }
}

fn lags(lags: &BTreeMap<String, Lag>, text: &mut Exposition) {
    let name = "delivery_lag_seconds";
    let help =
        "From a result's message on disk to the LIMS's word that it has it, by analyzer, since the start.";
    text.family(name, "histogram", help);
    let bucket = format!("{name}_bucket");
    for (analyzer, lag) in lags {
        for (bound, count) in lag.within() {
            text.sample(&bucket, &[("analyzer", analyzer), ("le", &bound.to_string())], count);
        }
        text.sample(&bucket, &[("analyzer", analyzer), ("le", "+Inf")], lag.count);
        text.sample(&format!("{name}_sum"), &[("analyzer", analyzer)], lag.sum.as_secs_f64());
        text.sample(&format!("{name}_count"), &[("analyzer", analyzer)], lag.count);
    }
}

#[cfg(test)]
mod tests;
