//! The bench: the worst problem in one sentence, the specimen box, every analyzer, the LIMS and its queue with the
//! sums, and the latest of what waits for a person.

mod table;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;

use super::Page;
use super::calls::{self, CallRow};
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::lead::{Lead, Severity, lead};
use super::shell::{self, HeldRow, LetterRow, Mark, ProblemRow, Shell};
use super::snapshot::{Analyzer, Contact, Lims, Snapshot};
use super::who::Who;
use super::words::{filters, kept};
use crate::board::{DestinationState, Doing};
use crate::config::settings::Mode;
use crate::domain::qc::Plan;
use crate::domain::{Words, counted, words};

use table::{AnalyzerRow, IntakeRow};

/// How many rows of each list the bench shows.
const FEW: usize = 5;

#[derive(Template)]
#[template(path = "bench.html")]
struct Bench {
    shell: Shell,
    lead: Lead,
    summary: Words,
    analyzers: Vec<AnalyzerRow>,
    intake: IntakeRow,
    destinations: Vec<LimsRow>,
    units: Words,
    archived: Option<Words>,
    queries: Vec<QueryRow>,
    held: Vec<HeldRow>,
    problems: Vec<ProblemRow>,
    letters: Vec<LetterRow>,
    calls: Vec<CallRow>,
    query_count: i64,
    held_count: i64,
    problem_count: i64,
    letter_count: i64,
}

pub(super) struct LimsRow {
    pub(super) name: String,
    row: &'static str,
    pub(super) mark: Mark,
    pub(super) detail: Words,
    pub(super) last_accepted: Option<Moment>,
    owed: i64,
    pub(super) parts: Vec<(i64, Words)>,
    pub(super) balance: Mark,
    pub(super) queue: Words,
    pub(super) oldest: Option<Moment>,
    /// Something of it was acknowledged, and it is still there.
    pub(super) may_be_sent_again: bool,
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
    let held = page.oldest_held(FEW, &snapshot, &clock).await?;
    let bench = Bench::new(&page.site, &snapshot, held, &page.qc, &clock);
    html(&Bench { shell: bench.shell.seen_by(who, "/"), ..bench }, page.language)
}

impl Bench {
    fn new(site: &str, snapshot: &Snapshot, held: Vec<HeldRow>, qc: &Plan, clock: &Clock) -> Bench {
        let waiting = snapshot.waiting;
        Bench {
            shell: Shell::new(words!("Bench"), "/", site, snapshot, clock),
            lead: lead(snapshot, clock),
            summary: summary(snapshot),
            analyzers: snapshot.analyzers.iter().map(|it| AnalyzerRow::of(it, snapshot, qc, clock)).collect(),
            intake: IntakeRow::of(snapshot),
            destinations: snapshot.destinations.iter().map(|it| lims(it, snapshot, clock)).collect(),
            queries: queries(snapshot, clock),
            units: units(snapshot, clock),
            archived: archived(snapshot, clock),
            held,
            problems: snapshot.problems.iter().take(FEW).map(|it| shell::problem(it, clock)).collect(),
            letters: snapshot.letters.iter().take(FEW).map(|it| shell::letter(it, snapshot, clock)).collect(),
            calls: calls::rows(snapshot, clock),
            query_count: waiting.unanswered_queries,
            held_count: waiting.held,
            problem_count: waiting.open_problems,
            letter_count: waiting.dead_letters,
        }
    }
}

/// How much has left the journal, where anything has.
fn archived(snapshot: &Snapshot, clock: &Clock) -> Option<Words> {
    let (bytes, last) = snapshot.archived?;
    let (n, at) = (bytes.div_ceil(1024 * 1024), clock.at(last));
    Some(words!("Archived: {n} MiB of old messages, last {at}.", n = n.to_string(), at))
}

/// By which rules units are converted and results judged.
fn units(snapshot: &Snapshot, clock: &Clock) -> Words {
    let Some((signed, is_configured)) = &snapshot.rules else {
        return words!("No rules are signed: units pass unchanged, and no rule holds or calls anything.");
    };
    let (by, at) = (&signed.signing.by, clock.at(signed.at));
    match is_configured {
        true => words!("Converted and judged by the rules that {by} signed {at}.", by, at),
        false => words!(
            "Converted and judged by the rules that {by} signed {at}; the configured ones differ and aren't signed.",
            by,
            at
        ),
    }
}

/// How many analyzers are in which state.
fn summary(snapshot: &Snapshot) -> Words {
    let of = |is: fn(&Contact) -> bool| snapshot.analyzers.iter().filter(|it| is(&it.contact)).count();
    let silent = snapshot.analyzers.iter().filter(|it| it.silent_since().is_some()).count();
    let quiet = snapshot.analyzers.iter().filter(|it| it.quiet_since().is_some()).count();
    let states = [
        (of(|contact| matches!(contact, Contact::Connected { .. })), words!("connected")),
        (
            of(|contact| matches!(contact, Contact::Listening { .. } | Contact::Starting)),
            words!("waited for"),
        ),
        (of(|contact| matches!(contact, Contact::Polling { .. })), words!("looked at for files")),
        (of(|contact| matches!(contact, Contact::Down { .. })), words!("not connected")),
        (silent, words!("silent")),
        (quiet, words!("quiet as usual")),
        (of(|contact| matches!(contact, Contact::Removed)), words!("no longer configured")),
    ];
    let there = states.into_iter().filter(|(number, _)| *number > 0);
    Words::row(there.map(|(number, state)| words!("{n} {what}", n = number, what = state)), " · ")
}

/// The state of an analyzer's link, and what goes with it.
pub(super) fn contact(it: &Analyzer, clock: &Clock) -> (Mark, Words) {
    let place = it.source.as_deref().unwrap_or_default();
    let since = |since: Timestamp| words!("since {since}", since = clock.at(since));
    let shared = match it.shared_with.as_slice() {
        [] => Words::none(),
        others => words!("shared with {others}", others = others.join(", ")),
    };
    if let Some(since) = it.silent_since() {
        let mark = Mark::new(Severity::Odd, words!("Silent since {since}", since = clock.at(since)));
        return (mark, words!("Check that the run is finished and its host link is on."));
    }
    let quiet = it.quiet_since().map_or_else(Words::none, |since| {
        words!("quiet since {since}, as in other weeks at this hour", since = clock.at(since))
    });
    match &it.contact {
        Contact::Starting => (Mark::new(Severity::Wait, words!("Starting")), place.into()),
        Contact::Removed => (
            Mark::new(Severity::Calm, words!("Not configured")),
            words!("Its results are still in the journal."),
        ),
        Contact::Down { why, since: at } => {
            let mark = if it.drop.is_none() { words!("Not connected") } else { words!("Not reached") };
            let why = words!("since {since}: {what}", since = clock.at(*at), what = kept(why));
            (Mark::new(Severity::Danger, mark), Words::row([why, place.into()], "; "))
        }
        Contact::Listening { since: at } => (
            Mark::new(Severity::Wait, words!("Waiting for it to connect")),
            Words::row([quiet, since(*at), place.into(), shared], "; "),
        ),
        Contact::Polling { since: at } => polling(it, [since(*at), place.into()], clock),
        Contact::Connected { peers, since: at } => {
            let doing = |it: &Doing| {
                words!("{doing}, {lasts}", doing = Words::fixed(it.what), lasts = clock.lasts(it.since))
            };
            let doing = Words::row(peers.values().map(doing), "; ");
            let since = words!("connected since {since}", since = clock.at(*at));
            let detail = [quiet, doing, since, place.into(), shared];
            (Mark::new(Severity::Calm, words!("Connected")), Words::row(detail, "; "))
        }
    }
}

/// A place that is looked at for files: what is there, and whether somebody has to see to it.
fn polling(it: &Analyzer, place: [Words; 2], clock: &Clock) -> (Mark, Words) {
    let drop = it.drop.clone().unwrap_or_default();
    let told = drop.words(|at| clock.at(at).into()).into_iter().chain(place);
    let mark = match (drop.stuck(), &drop.taking) {
        (0, None) => Mark::new(Severity::Calm, words!("Looked at for files")),
        (0, Some(_)) => Mark::new(Severity::Calm, words!("Taking a file")),
        (stuck, _) => {
            let waits = counted!(stuck, "A file waits for a person", "{n} files wait for a person");
            Mark::new(Severity::Odd, waits)
        }
    };
    (mark, Words::row(told, "; "))
}

fn balance(difference: i64) -> Mark {
    match difference {
        0 => Mark::new(Severity::Calm, words!("balances")),
        n => Mark::new(Severity::Danger, words!("DOES NOT BALANCE: off by {n}", n)),
    }
}

pub(super) fn lims(it: &Lims, snapshot: &Snapshot, clock: &Clock) -> LimsRow {
    let (mark, detail) = match &it.state {
        _ if !it.is_configured => removed(it),
        DestinationState::Up => (Mark::new(Severity::Calm, words!("Up")), Words::none()),
        DestinationState::Untried => {
            (Mark::new(Severity::Wait, words!("Not tried yet")), words!("nothing was sent since the start"))
        }
        DestinationState::Failing(why) if it.fails_lastingly(snapshot.as_of) => {
            (Mark::new(Severity::Danger, words!("Failing")), kept(why))
        }
        DestinationState::Failing(why) => (Mark::new(Severity::Odd, words!("Failed just now")), kept(why)),
        DestinationState::Resting { until, why } => {
            let next = words!("next try at {at}", at = clock.at(*until));
            (Mark::new(Severity::Danger, words!("Does not answer")), Words::row([kept(why), next], "; "))
        }
    };
    let (mark, detail) = match it.mode {
        Mode::Test if it.is_configured => under_test(mark, detail),
        Mode::Drain if it.is_configured => (mark, Words::row([draining(it), detail], "; ")),
        Mode::Live | Mode::Test | Mode::Drain => (mark, detail),
    };
    let since = it.since.map(|since| words!("since {since}", since = clock.at(since)));
    let detail = Words::row([detail, since.unwrap_or_else(Words::none)], "; ");
    LimsRow {
        name: it.name.clone(),
        row: if mark.class == "calm" { "" } else { mark.class },
        mark,
        detail,
        last_accepted: it.last_accepted.map(|at| clock.at(at)),
        owed: it.sums.owed,
        parts: it.sums.states.iter().map(|(state, number)| (*number, state_words(state))).collect(),
        balance: balance(it.difference()),
        queue: queue(it),
        oldest: it.queue.oldest.map(|at| clock.at(at)),
        may_be_sent_again: it.is_configured && it.sums.of("accepted") + it.sums.of("staged") > 0,
    }
}

/// What goes wrong there is no danger to a patient.
fn under_test(mark: Mark, detail: Words) -> (Mark, Words) {
    let words = words!("Under test: {state}", state = mark.words);
    let severity = if mark.class == Severity::Danger.class() { Severity::Odd } else { Severity::Wait };
    (Mark::new(severity, words), detail)
}

fn draining(it: &Lims) -> Words {
    match it.open() {
        0 => words!("drained: it may leave labwire.toml"),
        open => counted!(open, "drains: {n} result is left", "drains: {n} results are left"),
    }
}

/// A destination that nothing is sent to any more.
fn removed(it: &Lims) -> (Mark, Words) {
    let gone = words!("No longer configured");
    match it.open() {
        0 => (Mark::new(Severity::Calm, gone), words!("Nothing waits for it.")),
        open => (
            Mark::new(Severity::Act, gone),
            counted!(
                open,
                "{n} result waits for it; nothing leaves.",
                "{n} results wait for it; nothing leaves."
            ),
        ),
    }
}

/// A ledger state in a technician's words.
pub(super) fn state_words(state: &str) -> Words {
    match state {
        "not-for-it" => words!("not meant for it"),
        "held" => words!("held"),
        "pending" => words!("waiting"),
        "in-flight" => words!("being sent"),
        "accepted" => words!("accepted"),
        "staged" => words!("staged in the LIMS"),
        "refused" => words!("refused"),
        "unknown" => words!("fate unknown"),
        "quarantined" => words!("behind a refused one"),
        "superseded" => words!("replaced by a later one"),
        "rejected" => words!("rejected here"),
        "moved" => words!("moved to another specimen"),
        "moved-void-there" => words!("moved, void here"),
        "moved-still-there" => words!("moved, still in the LIMS"),
        _ => words!("in an unknown state"),
    }
}

/// What a destination made of a delivery, in a technician's words.
pub(super) fn verdict_words(verdict: &str) -> Words {
    match verdict {
        "duplicate" => words!("there already"),
        "retry" => words!("to be sent again"),
        "unknown" => words!("fate unknown"),
        other => state_words(other),
    }
}

fn queue(it: &Lims) -> Words {
    let of = |state: &str| it.deliveries(state);
    let parts = [
        (it.sums.of("pending"), counted!(it.sums.of("pending"), "{n} result waits", "{n} results wait")),
        (of("sending"), counted!(of("sending"), "{n} delivery being sent", "{n} deliveries being sent")),
        (of("due"), counted!(of("due"), "{n} delivery to retry", "{n} deliveries to retry")),
        (
            of("unknown"),
            counted!(of("unknown"), "{n} delivery of unknown fate", "{n} deliveries of unknown fate"),
        ),
        (of("dead"), counted!(of("dead"), "{n} dead letter", "{n} dead letters")),
    ];
    let there = parts.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words);
    let queue = Words::row(there, " · ");
    if queue.is_none() { words!("empty") } else { queue }
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
        let signing = Signing { by, account, statement: "fine".to_owned(), untried: None };
        let signed = Signed { id: 1, sha256: "ab".repeat(32), signing, at: snapshot.as_of };
        snapshot.rules = Some((signed.clone(), true));
        let told = units(&snapshot, &clock).english();
        assert!(told.starts_with("Converted and judged by the rules that Dr. Example signed "), "{told}");
        snapshot.rules = Some((signed, false));
        assert!(
            units(&snapshot, &clock).english().ends_with("the configured ones differ and aren't signed.")
        );
    }

    #[test]
    fn a_connected_analyzer_says_what_it_does_and_how_long() {
        let snapshot = calm_bench();
        let clock = Clock::new(TimeZone::UTC, snapshot.as_of);
        let mut it = snapshot.analyzers[0].clone();
        let (what, since) =
            ("receiving a transmission", snapshot.as_of - jiff::SignedDuration::from_secs(72));
        let peers = [("port 1".to_owned(), Doing { what, since })].into();
        it.contact =
            Contact::Connected { peers, since: snapshot.as_of - jiff::SignedDuration::from_hours(4) };
        let (mark, detail) = contact(&it, &clock);
        assert_eq!(mark.words, "Connected");
        assert_eq!(detail, "receiving a transmission, 1 min 12 s; connected since 08:00:00");
        let shown = crate::status::words::html(&detail, crate::config::settings::Language::German);
        assert!(shown.contains("<span data-lasts=\"72\">1 min 12 s</span>"), "{shown}");
    }

    #[test]
    fn a_destination_that_is_gone_is_not_called_untried_and_says_what_waits() {
        let snapshot = calm_bench();
        let clock = Clock::new(TimeZone::UTC, snapshot.as_of);
        for (pending, class, detail) in
            [(2, "act", "2 results wait for it; nothing leaves."), (0, "calm", "Nothing waits for it.")]
        {
            let row = lims(&removed_with(pending), &snapshot, &clock);
            assert_eq!((row.mark.words.english().as_str(), row.mark.class), ("No longer configured", class));
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
        assert!(row(Mode::Drain, 3).detail.english().starts_with("drains: 3 results are left; since "));
        assert!(
            row(Mode::Drain, 0).detail.english().starts_with("drained: it may leave labwire.toml; since ")
        );
        assert!(row(Mode::Live, 3).detail.english().starts_with("since "));
    }

    #[test]
    fn what_has_left_for_archives_is_told_where_anything_has() {
        let mut snapshot = calm_bench();
        let clock = Clock::new(TimeZone::UTC, snapshot.as_of);
        assert_eq!(archived(&snapshot, &clock), None);
        snapshot.archived = Some((5 * 1024 * 1024 + 1, snapshot.as_of));
        let told = archived(&snapshot, &clock).unwrap().english();
        assert!(told.starts_with("Archived: 6 MiB of old messages, last "), "{told}");
    }
}
