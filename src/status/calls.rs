//! The open critical calls on the page: the one that is due first on top. It only shows them.

use super::clock::{Clock, Moment};
use super::lead::{Lead, Severity};
use super::shell::Mark;
use super::snapshot::Snapshot;
use crate::domain::call::{Opening, Reopening, Step, Wants, whom};
use crate::domain::{Words, counted, words};
use crate::journal::calls::{CallView, Reason};

/// A call, ready to show.
pub(super) struct CallRow {
    pub id: i64,
    pub row: &'static str,
    pub mark: Mark,
    pub specimen: String,
    pub test: String,
    /// What the test measures, where that is known.
    pub name: Option<String>,
    pub tell: Words,
    pub why: Words,
    /// What is to be done and why, in one sentence.
    pub sentence: Words,
    pub due: Moment,
    /// Whom to call, where the site names somebody.
    pub whom: Option<String>,
    pub attempts: Words,
    /// Whose it is, where a page says so.
    pub patient: Words,
}

pub(super) fn rows(snapshot: &Snapshot, clock: &Clock) -> Vec<CallRow> {
    snapshot.calls.iter().filter_map(|call| row(call, snapshot, clock)).collect()
}

pub(super) fn row(call: &CallView, snapshot: &Snapshot, clock: &Clock) -> Option<CallRow> {
    let due = call.due()?;
    let (severity, words) = match (call.is_overdue(snapshot.as_of), due.wants) {
        (true, Wants::Call) => (Severity::Danger, words!("overdue: call now")),
        (true, Wants::Verification) => (Severity::Danger, words!("overdue: verify now")),
        (false, Wants::Call) => (Severity::Act, words!("call")),
        (false, Wants::Verification) => (Severity::Act, words!("verify")),
    };
    let result = call.result.reveal();
    let name = snapshot.measured.name(result);
    let test = result.test.code.clone();
    Some(CallRow {
        sentence: sentence(call, name.as_ref().unwrap_or(&test), words.clone()),
        id: call.id.0,
        row: severity.class(),
        mark: Mark::new(severity, words),
        specimen: call.specimen.reveal().to_owned(),
        test,
        name,
        tell: call.tell.reveal().words(),
        why: Words::fixed(call.reason.words()),
        due: clock.at(due.at),
        whom: whom(&snapshot.call_steps, due.start, snapshot.as_of).map(|step: &Step| step.whom.clone()),
        attempts: attempts(call.course.attempts, due.again_at.map(|at| clock.at(at))),
        patient: Words::none(),
    })
}

fn attempts(made: u32, again_at: Option<Moment>) -> Words {
    let made = match made {
        0 => return words!("no attempt yet"),
        some => counted!(some, "{n} attempt", "{n} attempts"),
    };
    match again_at {
        Some(at) => words!("{made}; again at {at}", made, at),
        None => made,
    }
}

fn sentence(call: &CallView, test: &str, what: Words) -> Words {
    let value = call.tell.reveal().words();
    match call.reason {
        Reason::Opened(Opening::Critical) => {
            words!("{test} {value} is a critical value: {what}.", test, value, what)
        }
        Reason::Opened(Opening::Undecided) => {
            words!("{test} {value} may be a critical value: {what}.", test, value, what)
        }
        Reason::Reopened(Reopening::Corrected) => {
            words!("{test} is {value}, and something else was told: {what}.", test, value, what)
        }
        Reason::Reopened(Reopening::Withdrawn) => {
            words!("{test} was told and is rejected or taken back: {what}.", test, what)
        }
        Reason::Cleared => {
            words!(
                "{test} {value} is no longer critical, and nobody had been called: {what}.",
                test,
                value,
                what
            )
        }
        Reason::TakenBack => {
            words!("{test} was critical and is taken back, or without a value: {what}.", test, what)
        }
    }
}

/// The sentence over a specimen of which a critical value is still to be told: that comes before where its results are, and
/// never makes what is wrong with those look better.
pub(super) fn over_results(calls: &[CallRow], results: Lead) -> Lead {
    let is_overdue = |call: &&CallRow| call.row == Severity::Danger.class();
    let Some(call) = calls.iter().find(is_overdue).or(calls.first()) else { return results };
    Lead {
        severity: results.severity.min(if is_overdue(&call) { Severity::Danger } else { Severity::Act }),
        headline: call.sentence.clone(),
        then: Words::row(
            [words!("Its call below says by when and whom."), results.headline, results.then],
            " ",
        ),
    }
}

/// What the sentence on top says of calls, and what to do.
pub(super) fn concern(snapshot: &Snapshot, clock: &Clock) -> Option<(Severity, Words, Words)> {
    let overdue = snapshot.calls.iter().filter(|call| call.is_overdue(snapshot.as_of)).count();
    let remedy = match snapshot.calls.len() {
        1 => words!("Its line says whom to call, and leads to where the call is written down."),
        _ => words!("Each one's line says whom to call, and leads to where the call is written down."),
    };
    if overdue > 0 {
        let headline = counted!(overdue, "{n} critical call is overdue.", "{n} critical calls are overdue.");
        return Some((Severity::Danger, headline, remedy));
    }
    let first = snapshot.calls.iter().filter_map(CallView::due).map(|due| due.at).min()?;
    let headline = counted!(
        snapshot.calls.len(),
        "{n} critical call is open, due by {at}.",
        "{n} critical calls are open, due by {at}.",
        at = clock.at(first)
    );
    Some((Severity::Act, headline, remedy))
}
