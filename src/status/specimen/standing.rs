//! Where each result of a specimen is now, at each destination, and the next step that names exactly what it is
//! about. Pure; it reads nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Words, words};
use crate::journal::views::{ProblemStanding, Step, Way};
use crate::journal::{DeliveryId, ObservationId};
use crate::status::bench::state_words;
use crate::status::lead::Severity;
use crate::status::next::{Next, after_refusal, of_held, of_no_destination, of_problem, of_unknown_fate};
use crate::status::shell::Mark;
use crate::status::snapshot::Snapshot;
use crate::status::words::kept;

/// Where some of the results are at one destination.
pub(in crate::status) struct Row {
    pub mark: Mark,
    pub destination: String,
    /// Of each: the test, the value as sent, the unit; of a problem its number alone.
    pub results: Vec<(Words, String, Words)>,
    pub next: Next,
}

/// What results at one destination have in common. Deliveries are told apart only where a person decides over them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing {
    pub severity: Severity,
    pub destination: String,
    pub state: String,
    /// What is there to decide over, and nobody but a person does.
    pub to_decide: Option<DeliveryId>,
    /// Something older of its test must be over first.
    pub is_behind: bool,
    /// The configuration still names the destination.
    pub is_configured: bool,
    /// The destination fails, and not just for a moment.
    pub is_down: bool,
    /// It acknowledged this, which was then sent once more; what came of that says nothing of what it has.
    pub had_it: bool,
    reason: String,
}

/// What a destination's ledger says of each result. Empty where nothing was owed.
pub(super) fn standings(steps: &[Step], snapshot: &Snapshot) -> Vec<(Standing, ObservationId)> {
    let moved = moved_away(steps);
    let of_step = |step: &Step| {
        let Way::Line { observation, destination, state, reason, behind, delivery, waits_for_person } =
            &step.what
        else {
            return None;
        };
        let is_configured = snapshot.is_configured(destination);
        let had_it =
            had_it(steps, *observation, destination) && !matches!(state.as_str(), "accepted" | "staged");
        let state = match moved.contains(observation) {
            true => of_moved(steps, *observation, destination, state),
            // What goes by another code now has made way for that, once the destination knows.
            false if heard(steps, *observation, destination, "recoded") => "superseded",
            false => state.as_str(),
        };
        let is_open = matches!(state, "refused" | "unknown") && *waits_for_person;
        let is_down = is_configured && snapshot.is_down(destination);
        let standing = Standing {
            severity: match severity(state, *waits_for_person, is_configured) {
                Severity::Wait if is_down && state != "staged" => Severity::Odd,
                other => other,
            },
            destination: destination.clone(),
            state: state.to_owned(),
            to_decide: delivery.filter(|_| is_open),
            // A line keeps what it waited behind when that is over.
            is_behind: behind.is_some() && state == "pending",
            is_configured,
            is_down,
            had_it,
            reason: reason.as_ref().map(|reason| reason.reveal().clone()).unwrap_or_default(),
        };
        Some((standing, *observation))
    };
    steps.iter().filter_map(of_step).collect()
}

fn had_it(steps: &[Step], id: ObservationId, at: &str) -> bool {
    let sent_again = |step: &Step| matches!(&step.what, Way::SentAgain { results, destination, .. } if results.contains(&id) && destination == at);
    steps.iter().any(sent_again)
}

/// Whether a destination has heard why a result is void.
fn heard(steps: &[Step], id: ObservationId, at: &str, why: &str) -> bool {
    steps.iter().any(|step| match &step.what {
        Way::Notice { observation, destination, says, state } => {
            *observation == id
                && destination == at
                && says == why
                && matches!(state.as_str(), "accepted" | "staged")
        }
        _ => false,
    })
}

/// What a person has moved away from this number.
fn moved_away(steps: &[Step]) -> BTreeSet<ObservationId> {
    let moved = |step: &Step| match &step.what {
        Way::Moved { observation, .. } => Some(*observation),
        _ => None,
    };
    steps.iter().filter_map(moved).collect()
}

/// A destination still has, or may have, what was moved away, and hasn't heard yet that it is void.
pub(super) const STILL_THERE: &str = "moved-still-there";
/// It has heard that.
pub(super) const VOID_THERE: &str = "moved-void-there";
/// It never had it.
pub(super) const MOVED: &str = "moved";

/// Where a result is that was moved away from this number.
fn of_moved<'a>(steps: &[Step], id: ObservationId, at: &str, state: &'a str) -> &'a str {
    let heard = heard(steps, id, at, "misread");
    match state {
        "accepted" | "staged" if heard => VOID_THERE,
        "accepted" | "staged" => STILL_THERE,
        "superseded" | "refused" | "rejected" if had_it(steps, id, at) && heard => VOID_THERE,
        "superseded" | "refused" | "rejected" if had_it(steps, id, at) => STILL_THERE,
        "superseded" => MOVED,
        other => other,
    }
}

fn severity(state: &str, waits_for_person: bool, is_configured: bool) -> Severity {
    match state {
        "refused" | "quarantined" => Severity::Danger,
        "held" | STILL_THERE => Severity::Act,
        "unknown" if waits_for_person || !is_configured => Severity::Act,
        "pending" | "in-flight" if !is_configured => Severity::Act,
        "unknown" | "rejected" => Severity::Odd,
        "pending" | "in-flight" | "staged" => Severity::Wait,
        _ => Severity::Calm,
    }
}

/// The rows, worst first: open problems among them. `read` has each result's test, value and unit.
pub(super) fn rows(
    steps: &[Step],
    standings: &[(Standing, ObservationId)],
    read: &BTreeMap<ObservationId, (String, String, Words)>,
) -> Vec<Row> {
    let mut together: BTreeMap<&Standing, Vec<ObservationId>> = BTreeMap::new();
    for (standing, observation) in standings {
        together.entry(standing).or_default().push(*observation);
    }
    let result = |id: &ObservationId| match read.get(id) {
        Some((test, value, unit)) => (test.into(), value.clone(), unit.clone()),
        None => (words!("no. {id}", id = id.to_string()), String::new(), Words::none()),
    };
    let of_results = together.into_iter().map(|(standing, observations)| {
        let row = Row {
            mark: Mark::new(standing.severity, words(standing)),
            destination: standing.destination.clone(),
            results: observations.iter().map(result).collect(),
            next: next(standing, &observations),
        };
        (standing.severity, row)
    });
    let of_problems = steps.iter().filter_map(open_problem).map(|row| (Severity::Act, row));
    let mut rows: Vec<(Severity, Row)> = of_problems.chain(of_results).collect();
    rows.sort_by_key(|(severity, _)| *severity);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn open_problem(step: &Step) -> Option<Row> {
    let Way::Problem { id, kind, text, replaces_result, standing: ProblemStanding::Open } = &step.what else {
        return None;
    };
    let words = if *replaces_result { words!("unusable") } else { words!("doubtful") };
    Some(Row {
        mark: Mark::new(Severity::Act, words),
        destination: "labwire".to_owned(),
        results: vec![(words!("problem {id}", id = id.to_string()), String::new(), Words::none())],
        next: of_problem(*id, kind).after(words!("Because: {why}.", why = kept(text.reveal()))),
    })
}

fn words(standing: &Standing) -> Words {
    if standing.is_behind { words!("behind an earlier one") } else { state_words(&standing.state) }
}

/// What to do about results of one standing.
fn next(standing: &Standing, observations: &[ObservationId]) -> Next {
    let Standing { state, reason, to_decide, is_configured, .. } = standing;
    let because = match reason.is_empty() {
        true => Words::none(),
        false => words!("Because: {why}.", why = kept(reason)),
    };
    let decided = match (state.as_str(), to_decide) {
        (_, Some(delivery)) if !is_configured => Some(of_no_destination(*delivery)),
        ("held", _) => Some(of_held(observations)),
        ("refused", Some(delivery)) => Some(after_refusal(*delivery)),
        ("unknown", Some(delivery)) => Some(of_unknown_fate(*delivery)),
        _ => None,
    };
    decided.unwrap_or_else(|| Next::only(by_itself(standing))).after(because)
}

/// What is said where nobody has to decide.
fn by_itself(standing: &Standing) -> Words {
    let Standing { destination, state, is_behind, is_configured, is_down, .. } = standing;
    match state.as_str() {
        "pending" | "in-flight" | "unknown" if !is_configured => words!(
            "Next: nothing leaves for {destination}, as labwire.toml no longer names it. Name it again, or enter the result in the LIMS by hand.",
            destination
        ),
        "accepted" => words!("Nothing to do: the LIMS has confirmed it."),
        "staged" => words!("The LIMS has it and hasn't applied it yet: look in its worklist."),
        "pending" if *is_behind => {
            words!("It waits until the earlier result of this test is over, so that none overtakes it.")
        }
        "pending" | "in-flight" if *is_down => words!(
            "{destination} doesn't answer now. The result is safe here and leaves by itself once it does; until then it is on the list for a downtime.",
            destination
        ),
        "unknown" if *is_down => {
            words!("{destination} doesn't answer now; labwire finds out by itself once it does.", destination)
        }
        "pending" => words!("Nothing to do: it leaves by itself when its turn comes."),
        "in-flight" => words!(
            "Nothing to do: labwire sends it, again by itself where that fails, until the LIMS answers."
        ),
        "refused" => words!("Nothing to do: its delivery isn't over yet."),
        "quarantined" => {
            words!("It waits until the earlier result of this test is settled, so that none overtakes it.")
        }
        "unknown" => words!("Nothing to do: labwire finds out by itself."),
        STILL_THERE => words!(
            "It was moved to another specimen: {destination} has it under this number until it has heard that it is void. If that is refused or takes long, take it back there by hand.",
            destination
        ),
        VOID_THERE => {
            words!("It was moved to another specimen, and the LIMS knows that it is void here.")
        }
        MOVED => words!("It was moved to another specimen before it left under this number."),
        "superseded" => words!("A later result took its place before it left."),
        "rejected" => words!("It stays here: enter it in the LIMS by hand where it is needed there."),
        _ => words!("This destination doesn't get results of this kind."),
    }
}
