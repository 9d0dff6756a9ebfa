//! The table of the analyzers: what is as it should be stands there quietly, and only what isn't has a colour, an icon and words.
//! Each number is the one that the view has which it leads to. Pure.

use super::{balance, contact};
use crate::domain::qc::Plan;
use crate::domain::{Words, words};
use crate::status::analyzer::is_damaged;
use crate::status::clock::{Clock, Moment};
use crate::status::offset;
use crate::status::qc::standing_of;
use crate::status::severity::Severity;
use crate::status::shell::Mark;
use crate::status::snapshot::{Analyzer, Snapshot};
use crate::status::spark::Spark;

pub(super) struct AnalyzerRow {
    pub name: String,
    pub description: String,
    pub row: &'static str,
    pub mark: Mark,
    pub detail: Words,
    pub note: Option<Mark>,
    pub last_result: Option<Moment>,
    /// Something came of it, if only messages without results.
    pub has_sent: bool,
    pub spark: Spark,
    pub waiting: Mark,
    pub held: Mark,
    pub problems: Mark,
    pub queries: Mark,
    /// The worst first.
    pub controls: Vec<Mark>,
    pub clock: Mark,
}

/// All that was received, and what of it waits.
pub(super) struct IntakeRow {
    pub says: Words,
    pub balance: Mark,
    pub unread: i64,
    /// Open problems of messages whose analyzer isn't known: in the sum, and in no row.
    pub of_unknown_senders: i64,
    pub waiting: Mark,
    pub held: Mark,
    pub problems: Mark,
    pub queries: Mark,
}

impl AnalyzerRow {
    pub(super) fn of(it: &Analyzer, snapshot: &Snapshot, plan: &Plan, clock: &Clock) -> AnalyzerRow {
        let (mark, detail) = contact(it, clock);
        let counts = &it.counts;
        let none = || Mark::new(Severity::Calm, "–".into());
        AnalyzerRow {
            name: it.name.clone(),
            description: it.description.clone(),
            row: if mark.class == "calm" { "" } else { mark.class },
            mark,
            detail,
            note: is_damaged(it, snapshot.as_of)
                .then(|| Mark::new(Severity::Odd, words!("Bytes come damaged: its page says what to try."))),
            last_result: counts.last_result.map(|at| clock.at(at)),
            has_sent: counts.last_message.is_some(),
            spark: Spark::of(&it.hours, clock),
            waiting: waiting(it.around.waiting, snapshot),
            held: for_a_person(counts.held),
            problems: for_a_person(counts.open_problems),
            queries: for_a_person(counts.unanswered_queries),
            controls: match wrong(standing_of(&it.around.controls, plan)) {
                told if told.is_empty() => vec![none()],
                told => told,
            },
            clock: offset::in_short(it.around.clock)
                .map_or_else(none, |(severity, words)| Mark::new(severity, words)),
        }
    }
}

impl IntakeRow {
    pub(super) fn of(snapshot: &Snapshot) -> IntakeRow {
        let (sums, counted) = (snapshot.sums.intake, snapshot.waiting);
        let of_analyzers: i64 = snapshot.analyzers.iter().map(|it| it.counts.open_problems).sum();
        let to_leave = snapshot.analyzers.iter().map(|it| it.around.waiting);
        let to_leave =
            to_leave.fold((0, false), |(all, more), (some, is_more)| (all + some, more || is_more));
        IntakeRow {
            says: words!(
                "{received} received = {new} new + {repeated} repeated + {unusable} unusable",
                received = sums.received,
                new = sums.new,
                repeated = sums.duplicate,
                unusable = sums.problem
            ),
            balance: balance(sums.difference()),
            unread: counted.unread,
            of_unknown_senders: counted.open_problems - of_analyzers,
            waiting: waiting(to_leave, snapshot),
            held: for_a_person(counted.held),
            problems: for_a_person(counted.open_problems),
            queries: for_a_person(counted.unanswered_queries),
        }
    }
}

/// Each of them waits for somebody.
fn for_a_person(count: i64) -> Mark {
    let severity = if count == 0 { Severity::Calm } else { Severity::Act };
    Mark::new(severity, count.into())
}

/// What leaves by itself is unusual only while a destination takes nothing.
fn waiting((count, is_more): (i64, bool), snapshot: &Snapshot) -> Mark {
    let severity = match snapshot.destinations.iter().any(|it| snapshot.is_down(&it.name)) {
        _ if count == 0 => Severity::Calm,
        true => Severity::Odd,
        false => Severity::Wait,
    };
    match is_more {
        true => Mark::new(severity, words!("{n} or more", n = count)),
        false => Mark::new(severity, count.into()),
    }
}

/// What isn't as it should be; where all is, how most of them stand.
fn wrong(standing: Vec<Mark>) -> Vec<Mark> {
    let quiet = [Severity::Calm.class(), Severity::Wait.class()];
    let (calm, wrong): (Vec<Mark>, Vec<Mark>) =
        standing.into_iter().partition(|it| quiet.contains(&it.class));
    if wrong.is_empty() { calm } else { wrong }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::board::DestinationState;
    use crate::domain::qc::QcState;
    use crate::journal::notes::LinkNotes;
    use crate::status::lead::tests::calm_bench;

    fn told(mark: &Mark) -> (&str, String) {
        (mark.class, mark.words.english())
    }

    #[test]
    fn a_line_that_damages_bytes_is_said_in_words_and_what_passes_on_a_good_one_is_not() {
        let snapshot = calm_bench();
        let clock = Clock::new(TimeZone::UTC, snapshot.as_of);
        let said = |code: &str, minutes_ago| {
            let mut it = snapshot.analyzers[0].clone();
            let at = snapshot.as_of - jiff::SignedDuration::from_mins(minutes_ago);
            let (source, code) = ("port 1".to_owned(), code.to_owned());
            it.notes = vec![LinkNotes { source, code, count: 568, first_at: at, last_at: at }];
            it.last_note = Some((at, "a frame with a wrong checksum was refused".to_owned()));
            AnalyzerRow::of(&it, &snapshot, &Plan::default(), &clock).note.map(|note| note.words.english())
        };
        let words = "Bytes come damaged: its page says what to try.";
        assert_eq!(said("bad-checksum", 1).as_deref(), Some(words));
        assert_eq!([said("bad-checksum", 60), said("repeated-frame", 1)], [None, None]);
    }

    #[test]
    fn what_is_as_it_should_be_is_quiet_and_what_waits_for_a_person_is_not() {
        let mut snapshot = calm_bench();
        let clock = Clock::new(TimeZone::UTC, snapshot.as_of);
        let row =
            |snapshot: &Snapshot| AnalyzerRow::of(&snapshot.analyzers[0], snapshot, &Plan::default(), &clock);
        let calm = row(&snapshot);
        for it in [&calm.waiting, &calm.held, &calm.problems, &calm.queries] {
            assert_eq!(told(it), ("calm", "0".to_owned()));
        }
        assert_eq!(told(&calm.controls[0]), ("calm", "–".to_owned()));
        assert_eq!(told(&calm.clock), ("calm", "–".to_owned()));

        let it = &mut snapshot.analyzers[0];
        (it.counts.held, it.counts.open_problems, it.counts.unanswered_queries) = (2, 1, 3);
        it.around.waiting = (7, false);
        it.around.controls = vec![QcState::Accepted, QcState::Rejected, QcState::Accepted];
        it.around.clock = Some(-125);
        let abnormal = row(&snapshot);
        assert_eq!(told(&abnormal.held), ("act", "2".to_owned()));
        assert_eq!(told(&abnormal.problems), ("act", "1".to_owned()));
        assert_eq!(told(&abnormal.queries), ("act", "3".to_owned()));
        assert_eq!(told(&abnormal.waiting), ("wait", "7".to_owned()), "it leaves by itself");
        let controls: Vec<_> = abnormal.controls.iter().map(told).collect();
        assert_eq!(controls, [("danger", "rejected: 1".to_owned())]);
        assert_eq!(told(&abnormal.clock), ("odd", "2 min ahead or more".to_owned()));

        let (until, why) = (snapshot.as_of, "connection refused".to_owned());
        snapshot.destinations[0].state = DestinationState::Resting { until, why };
        snapshot.analyzers[0].around.waiting = (2_000, true);
        assert_eq!(told(&row(&snapshot).waiting), ("odd", "2,000 or more".to_owned()));
    }

    #[test]
    fn the_foot_of_the_table_has_the_sums_of_its_columns() {
        let mut snapshot = calm_bench();
        snapshot.analyzers[0].around.waiting = (2, false);
        snapshot.analyzers[1].around.waiting = (3, false);
        snapshot.waiting.unanswered_queries = 4;
        let foot = IntakeRow::of(&snapshot);
        assert_eq!((told(&foot.waiting).1, told(&foot.queries).1), ("5".to_owned(), "4".to_owned()));
        assert_eq!(foot.says.english(), "0 received = 0 new + 0 repeated + 0 unusable");
    }
}
