//! The bench: the worst problem in one sentence, the specimen box, every analyzer, the LIMS and its queue with the
//! sums, and the latest of what waits for a person.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::Page;
use super::calls::{self, CallRow};
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::lead::{Lead, Severity, count, grouped, lead};
use super::shell::{self, HeldRow, LetterRow, Mark, ProblemRow, Shell};
use super::snapshot::{Analyzer, Contact, Lims, Snapshot};
use super::spark::Spark;
use super::who::Who;
use crate::board::DestinationState;
use crate::config::settings::Mode;

/// How many rows of each list the bench shows.
const FEW: usize = 5;

#[derive(Template)]
#[template(path = "bench.html")]
struct Bench {
    shell: Shell,
    lead: Lead,
    summary: String,
    analyzers: Vec<AnalyzerRow>,
    intake: IntakeRow,
    destinations: Vec<LimsRow>,
    units: String,
    queries: Vec<QueryRow>,
    held: Vec<HeldRow>,
    problems: Vec<ProblemRow>,
    letters: Vec<LetterRow>,
    calls: Vec<CallRow>,
    query_count: String,
    held_count: i64,
    problem_count: i64,
    letter_count: i64,
}

struct AnalyzerRow {
    name: String,
    description: String,
    row: &'static str,
    mark: Mark,
    detail: String,
    note: Option<String>,
    last_message: Option<Moment>,
    spark: Spark,
    received: String,
    new: String,
    duplicate: String,
    problem: String,
    held: String,
    open_problems: String,
}

struct IntakeRow {
    received: String,
    new: String,
    duplicate: String,
    problem: String,
    held: String,
    open_problems: String,
    balance: Mark,
    unread: i64,
    /// Open problems of messages whose analyzer isn't known: in the sum, and in no row.
    of_unknown_senders: i64,
}

pub(super) struct LimsRow {
    name: String,
    row: &'static str,
    pub(super) mark: Mark,
    detail: String,
    last_accepted: Option<Moment>,
    owed: String,
    parts: Vec<(String, &'static str)>,
    balance: Mark,
    queue: String,
    oldest: Option<Moment>,
}

struct QueryRow {
    instrument: String,
    specimens: Vec<String>,
    asked: Moment,
    message: i64,
}

pub(super) async fn show(State(page): State<Page>, who: Who) -> Result<Response, Failure> {
    let snapshot = page.snapshot().await?;
    let clock = page.clock(&snapshot);
    let bench = Bench::new(&page.site, &snapshot, &clock);
    html(&Bench { shell: bench.shell.seen_by(who, "/"), ..bench })
}

impl Bench {
    fn new(site: &str, snapshot: &Snapshot, clock: &Clock) -> Bench {
        let waiting = snapshot.waiting;
        Bench {
            shell: Shell::new("Bench", "/", site, snapshot, clock),
            lead: lead(snapshot, clock),
            summary: summary(snapshot),
            analyzers: snapshot.analyzers.iter().map(|it| analyzer(it, clock)).collect(),
            intake: intake(snapshot),
            destinations: snapshot.destinations.iter().map(|it| lims(it, snapshot, clock)).collect(),
            queries: queries(snapshot, clock),
            units: units(snapshot, clock),
            held: snapshot.held.iter().take(FEW).map(|it| shell::held(it, clock)).collect(),
            problems: snapshot.problems.iter().take(FEW).map(|it| shell::problem(it, clock)).collect(),
            letters: snapshot.letters.iter().take(FEW).map(|it| shell::letter(it, snapshot, clock)).collect(),
            calls: calls::rows(snapshot, clock),
            query_count: grouped(waiting.unanswered_queries),
            held_count: waiting.held,
            problem_count: waiting.open_problems,
            letter_count: waiting.dead_letters,
        }
    }
}

/// By which rules units are converted and results judged.
fn units(snapshot: &Snapshot, clock: &Clock) -> String {
    let Some((signed, is_configured)) = &snapshot.rules else {
        return "No rules are signed: units pass unchanged, and no rule holds or calls anything.".to_owned();
    };
    let rest = if *is_configured { "." } else { "; the configured ones differ and aren't signed." };
    let at = clock.at(signed.at).text;
    format!("Converted and judged by the rules that {} signed {at}{rest}", signed.signing.by)
}

/// How many analyzers are in which state.
fn summary(snapshot: &Snapshot) -> String {
    let of = |is: fn(&Contact) -> bool| snapshot.analyzers.iter().filter(|it| is(&it.contact)).count();
    let silent = snapshot.analyzers.iter().filter(|it| it.silent_since().is_some()).count();
    let quiet = snapshot.analyzers.iter().filter(|it| it.quiet_since().is_some()).count();
    [
        (of(|contact| matches!(contact, Contact::Connected { .. })), "connected"),
        (of(|contact| matches!(contact, Contact::Listening { .. } | Contact::Starting)), "waited for"),
        (of(|contact| matches!(contact, Contact::Polling { .. })), "looked at for files"),
        (of(|contact| matches!(contact, Contact::Down { .. })), "not connected"),
        (silent, "silent"),
        (quiet, "quiet as usual"),
        (of(|contact| matches!(contact, Contact::Removed)), "no longer configured"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, state)| format!("{number} {state}"))
    .collect::<Vec<_>>()
    .join(" · ")
}

fn analyzer(it: &Analyzer, clock: &Clock) -> AnalyzerRow {
    let (mark, detail) = contact(it, clock);
    let counts = &it.counts;
    AnalyzerRow {
        name: it.name.clone(),
        description: it.description.clone(),
        row: if mark.class == "calm" { "" } else { mark.class },
        mark,
        detail,
        note: note(it, clock),
        last_message: counts.last_message.map(|at| clock.at(at)),
        spark: Spark::of(&it.hours, clock),
        received: grouped(counts.received),
        new: grouped(counts.new),
        duplicate: grouped(counts.duplicate),
        problem: grouped(counts.problem),
        held: grouped(counts.held),
        open_problems: grouped(counts.open_problems),
    }
}

/// The latest note in words, and what was noted since when, before the last start too.
fn note(it: &Analyzer, clock: &Clock) -> Option<String> {
    let latest = it.last_note.as_ref().map(|(at, text)| format!("{}: {text}", clock.at(*at).text));
    let since = it.notes.iter().map(|notes| notes.first_at).min();
    let kept = since.map(|since| {
        let kinds = it.notes.iter().map(|notes| {
            let count = grouped(i64::try_from(notes.count).unwrap_or(i64::MAX));
            format!("{count} {}, the last at {}", notes.code, clock.at(notes.last_at).text)
        });
        format!("since {}: {}", clock.at(since).text, kinds.collect::<Vec<_>>().join("; "))
    });
    let parts: Vec<String> = latest.into_iter().chain(kept).collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// The state of an analyzer's link, and what goes with it.
pub(super) fn contact(it: &Analyzer, clock: &Clock) -> (Mark, String) {
    let place = it.source.as_deref().unwrap_or_default();
    let shared = match it.shared_with.as_slice() {
        [] => String::new(),
        others => format!("; shared with {}", others.join(", ")),
    };
    if let Some(since) = it.silent_since() {
        let words = format!("Silent since {}", clock.at(since).text);
        return (
            Mark::new(Severity::Odd, words),
            "Check that the run is finished and its host link is on.".to_owned(),
        );
    }
    let quiet = it
        .quiet_since()
        .map(|since| format!("quiet since {}, as in other weeks at this hour; ", clock.at(since).text));
    let quiet = quiet.unwrap_or_default();
    match &it.contact {
        Contact::Starting => (Mark::new(Severity::Wait, "Starting"), place.to_owned()),
        Contact::Removed => {
            (Mark::new(Severity::Calm, "Not configured"), "Its results are still in the journal.".to_owned())
        }
        Contact::Down { why, since } => (
            Mark::new(Severity::Danger, if it.drop.is_none() { "Not connected" } else { "Not reached" }),
            format!("since {}: {why}; {place}", clock.at(*since).text),
        ),
        Contact::Listening { since } => (
            Mark::new(Severity::Wait, "Waiting for it to connect"),
            format!("{quiet}since {}; {place}{shared}", clock.at(*since).text),
        ),
        Contact::Polling { since } => {
            polling(it, &format!("since {}; {place}", clock.at(*since).text), clock)
        }
        Contact::Connected { peers, since } => {
            let doing: Vec<&str> = peers.values().copied().collect();
            (
                Mark::new(Severity::Calm, "Connected"),
                format!("{quiet}{}; since {}, {place}{shared}", doing.join(", "), clock.at(*since).text),
            )
        }
    }
}

/// A place that is looked at for files: what is there, and whether somebody has to see to it.
fn polling(it: &Analyzer, place: &str, clock: &Clock) -> (Mark, String) {
    let drop = it.drop.clone().unwrap_or_default();
    let told: Vec<String> =
        drop.words(|at| clock.at(at).text).into_iter().chain([place.to_owned()]).collect();
    let mark = match (drop.stuck(), &drop.taking) {
        (0, None) => Mark::new(Severity::Calm, "Looked at for files"),
        (0, Some(_)) => Mark::new(Severity::Calm, "Taking a file"),
        (1, _) => Mark::new(Severity::Odd, "A file waits for a person"),
        (stuck, _) => Mark::new(Severity::Odd, format!("{stuck} files wait for a person")),
    };
    (mark, told.join("; "))
}

fn intake(snapshot: &Snapshot) -> IntakeRow {
    let (sums, waiting) = (snapshot.sums.intake, snapshot.waiting);
    let of_analyzers: i64 = snapshot.analyzers.iter().map(|it| it.counts.open_problems).sum();
    IntakeRow {
        received: grouped(sums.received),
        new: grouped(sums.new),
        duplicate: grouped(sums.duplicate),
        problem: grouped(sums.problem),
        held: grouped(waiting.held),
        open_problems: grouped(waiting.open_problems),
        balance: balance(sums.difference()),
        unread: waiting.unread,
        of_unknown_senders: waiting.open_problems - of_analyzers,
    }
}

fn balance(difference: i64) -> Mark {
    match difference {
        0 => Mark::new(Severity::Calm, "balances"),
        other => Mark::new(Severity::Danger, format!("DOES NOT BALANCE: off by {}", grouped(other))),
    }
}

pub(super) fn lims(it: &Lims, snapshot: &Snapshot, clock: &Clock) -> LimsRow {
    let (mark, detail) = match &it.state {
        _ if !it.is_configured => removed(it),
        DestinationState::Up => (Mark::new(Severity::Calm, "Up"), String::new()),
        DestinationState::Untried => {
            (Mark::new(Severity::Wait, "Not tried yet"), "nothing was sent since the start".to_owned())
        }
        DestinationState::Failing(why) if it.fails_lastingly(snapshot.as_of) => {
            (Mark::new(Severity::Danger, "Failing"), why.clone())
        }
        DestinationState::Failing(why) => (Mark::new(Severity::Odd, "Failed just now"), why.clone()),
        DestinationState::Resting { until, why } => (
            Mark::new(Severity::Danger, "Does not answer"),
            format!("{why}; next try at {}", clock.at(*until).text),
        ),
    };
    let (mark, detail) = match it.mode {
        Mode::Test if it.is_configured => under_test(mark, detail),
        Mode::Drain if it.is_configured => {
            let parts = [draining(it), detail].into_iter().filter(|part| !part.is_empty());
            (mark, parts.collect::<Vec<_>>().join("; "))
        }
        Mode::Live | Mode::Test | Mode::Drain => (mark, detail),
    };
    let since = it.since.map(|since| format!("since {}", clock.at(since).text)).unwrap_or_default();
    let detail = [detail, since].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    LimsRow {
        name: it.name.clone(),
        row: if mark.class == "calm" { "" } else { mark.class },
        mark,
        detail,
        last_accepted: it.last_accepted.map(|at| clock.at(at)),
        owed: grouped(it.sums.owed),
        parts: it.sums.states.iter().map(|(state, number)| (grouped(*number), state_words(state))).collect(),
        balance: balance(it.difference()),
        queue: queue(it),
        oldest: it.queue.oldest.map(|at| clock.at(at)),
    }
}

/// What goes wrong there is no danger to a patient.
fn under_test(mark: Mark, detail: String) -> (Mark, String) {
    let words = format!("Under test: {}", mark.words);
    let severity = if mark.class == Severity::Danger.class() { Severity::Odd } else { Severity::Wait };
    (Mark::new(severity, words), detail)
}

fn draining(it: &Lims) -> String {
    match it.open() {
        0 => "drained: it may leave labwire.toml".to_owned(),
        open => format!("drains: {}", count(open, "result is left", "results are left")),
    }
}

/// A destination that nothing is sent to any more.
fn removed(it: &Lims) -> (Mark, String) {
    match it.open() {
        0 => (Mark::new(Severity::Calm, "No longer configured"), "Nothing waits for it.".to_owned()),
        open => {
            let waiting = count(open, "result waits for it", "results wait for it");
            (Mark::new(Severity::Act, "No longer configured"), format!("{waiting}; nothing leaves."))
        }
    }
}

/// A ledger state in a technician's words.
pub(super) fn state_words(state: &str) -> &'static str {
    match state {
        "not-for-it" => "not meant for it",
        "held" => "held",
        "pending" => "waiting",
        "in-flight" => "being sent",
        "accepted" => "accepted",
        "staged" => "staged in the LIMS",
        "refused" => "refused",
        "unknown" => "fate unknown",
        "quarantined" => "behind a refused one",
        "superseded" => "replaced by a later one",
        "rejected" => "rejected here",
        "moved" => "moved to another specimen",
        "moved-void-there" => "moved, void here",
        "moved-still-there" => "moved, still in the LIMS",
        _ => "in an unknown state",
    }
}

fn queue(it: &Lims) -> String {
    let parts: Vec<String> = [
        (it.sums.of("pending"), "result waits", "results wait"),
        (it.deliveries("sending"), "delivery being sent", "deliveries being sent"),
        (it.deliveries("due"), "delivery to retry", "deliveries to retry"),
        (it.deliveries("unknown"), "delivery of unknown fate", "deliveries of unknown fate"),
        (it.deliveries("dead"), "dead letter", "dead letters"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, one, many)| count(number, one, many))
    .collect();
    if parts.is_empty() { "empty".to_owned() } else { parts.join(" · ") }
}

fn queries(snapshot: &Snapshot, clock: &Clock) -> Vec<QueryRow> {
    let row = |query: &crate::journal::views::QueryView| QueryRow {
        instrument: query.instrument.clone(),
        specimens: query.specimens.iter().map(|id| id.reveal().to_owned()).collect(),
        asked: clock.at(query.asked_at),
        message: query.message.0,
    };
    snapshot.queries.iter().take(FEW).map(row).collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::journal::rules::{Signed, Signing};
    use crate::status::lead::tests::{calm_bench, removed_with};

    #[test]
    fn the_page_says_which_rules_are_in_force_and_that_none_are() {
        let mut snapshot = calm_bench();
        let clock = Clock::new(TimeZone::UTC, snapshot.as_of);
        assert_eq!(
            units(&snapshot, &clock),
            "No rules are signed: units pass unchanged, and no rule holds or calls anything."
        );
        let (by, account) = ("Dr. Example".to_owned(), "mgarcia".to_owned());
        let signing = Signing { by, account, statement: "fine".to_owned() };
        let signed = Signed { id: 1, sha256: "ab".repeat(32), signing, at: snapshot.as_of };
        snapshot.rules = Some((signed.clone(), true));
        let told = units(&snapshot, &clock);
        assert!(told.starts_with("Converted and judged by the rules that Dr. Example signed "), "{told}");
        snapshot.rules = Some((signed, false));
        assert!(units(&snapshot, &clock).ends_with("the configured ones differ and aren't signed."));
    }

    #[test]
    fn a_destination_that_is_gone_is_not_called_untried_and_says_what_waits() {
        let snapshot = calm_bench();
        let clock = Clock::new(TimeZone::UTC, snapshot.as_of);
        for (pending, class, detail) in
            [(2, "act", "2 results wait for it; nothing leaves."), (0, "calm", "Nothing waits for it.")]
        {
            let row = lims(&removed_with(pending), &snapshot, &clock);
            assert_eq!((row.mark.words.as_str(), row.mark.class), ("No longer configured", class));
            assert_eq!(row.detail, detail);
        }
    }

    #[test]
    fn a_destination_says_what_it_is_there_for() {
        let snapshot = calm_bench();
        let clock = Clock::new(TimeZone::UTC, snapshot.as_of);
        let row = |mode, pending| {
            let mut it = Lims { mode, ..snapshot.destinations[0].clone() };
            it.sums.states.insert("pending".to_owned(), pending);
            lims(&it, &snapshot, &clock)
        };
        assert_eq!(row(Mode::Test, 3).mark.words, "Under test: Up");
        assert!(row(Mode::Drain, 3).detail.starts_with("drains: 3 results are left; since "));
        assert!(row(Mode::Drain, 0).detail.starts_with("drained: it may leave labwire.toml; since "));
        assert!(row(Mode::Live, 3).detail.starts_with("since "));
    }
}
