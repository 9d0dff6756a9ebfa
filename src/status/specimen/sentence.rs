//! One sentence over a specimen: where all of its results are, the worst first. It never says that a specimen is in
//! the LIMS while any result of it isn't. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::standing::{MOVED, STILL_THERE, Standing, VOID_THERE};
use crate::domain::{Words, counted, words};
use crate::journal::ObservationId;
use crate::journal::views::{ProblemStanding, Step, Way};
use crate::status::clock::Clock;
use crate::status::lead::{Lead, Severity};
use crate::status::snapshot::Snapshot;

/// Some of the results, and what is said of one and of several.
struct Clause {
    severity: Severity,
    results: usize,
    one: Words,
    many: Words,
}

/// Messages that may be about any specimen: something of each could not be read, and names none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Doubts {
    pub messages: usize,
    /// Those in which this specimen's number stands, and of which its way tells nothing.
    pub naming: usize,
}

pub(super) fn lead(
    id: &str,
    steps: &[Step],
    standings: &[(Standing, ObservationId)],
    doubts: Doubts,
    (snapshot, clock): (&Snapshot, &Clock),
) -> Lead {
    if id.is_empty() {
        let then = words!("Scan the tube or type its number as the LIMS knows it.");
        return Lead { severity: Severity::Calm, headline: words!("Which specimen?"), then };
    }
    let unread = unread(snapshot, doubts);
    let Some(latest) = steps.iter().rev().find(|step| step.what.is_of_results()) else {
        let (severity, headline) = match steps.is_empty() {
            _ if doubts.naming > 0 => (
                Severity::Act,
                counted!(
                    doubts.naming,
                    "No result of it could be read, and its number stands in {n} message that could not be read as a whole.",
                    "No result of it could be read, and its number stands in {n} messages that could not be read as a whole."
                ),
            ),
            true if !unread.is_none() => {
                (Severity::Act, words!("Nothing that could be read has been received for this specimen."))
            }
            true => (Severity::Odd, words!("Nothing has been received for this specimen.")),
            false => (Severity::Odd, words!("Its orders are known, and no result of it has been received.")),
        };
        return Lead {
            severity,
            headline,
            then: Words::row(
                [
                    words!(
                        "Check the number, then on the analyzer whether it was measured and sent. A number that the analyzer sends in another form is found by that form."
                    ),
                    unread,
                ],
                " ",
            ),
        };
    };
    let (severity, headline) = sentence(steps, standings);
    let latest = words!("The latest step was at {at}.", at = clock.at(latest.at));
    Lead { severity, headline, then: Words::row([latest, unread], " ") }
}

/// What labwire couldn't read may be about any specimen.
fn unread(snapshot: &Snapshot, doubts: Doubts) -> Words {
    let in_doubt = match doubts.messages {
        0 => Words::none(),
        some => counted!(
            some,
            "There may be more of it in {n} message that could not be read as a whole: see under problems.",
            "There may be more of it in {n} messages that could not be read as a whole: see under problems."
        ),
    };
    let to_be_read = match snapshot.waiting.unread {
        0 => Words::none(),
        some => counted!(
            some,
            "labwire is yet to read {n} message, which may be about it.",
            "labwire is yet to read {n} messages, which may be about it."
        ),
    };
    Words::row([in_doubt, to_be_read], " ")
}

fn sentence(steps: &[Step], standings: &[(Standing, ObservationId)]) -> (Severity, Words) {
    let successors = successors(steps);
    let read: BTreeSet<ObservationId> = steps
        .iter()
        .filter_map(|step| match &step.what {
            Way::Read { observation, .. } => Some(*observation),
            _ => None,
        })
        .collect();
    // What a later version replaced counts only while something is still to be done about it.
    let counts = |state: &str, id: &ObservationId| is_open(state) || !successors.contains_key(id);
    let counted: Vec<&(Standing, ObservationId)> =
        standings.iter().filter(|(standing, id)| counts(&standing.state, id)).collect();
    let owed: BTreeSet<ObservationId> = standings.iter().map(|(_, id)| *id).collect();
    let mut results: BTreeSet<ObservationId> = counted.iter().map(|(_, id)| *id).collect();
    let nowhere: Vec<ObservationId> = read.difference(&owed).copied().collect();
    results.extend(&nowhere);

    let (mut clauses, unusable) = of_problems(steps);
    clauses.extend(of_standings(&counted));
    clauses.extend(outdated(standings, &successors));
    if !nowhere.is_empty() {
        let said = words!("came while no LIMS was configured");
        clauses.push(Clause::new(Severity::Odd, nowhere.len(), said.clone(), said));
    }
    clauses.sort_by_key(|clause| (clause.severity, clause.results == 0));
    let total = results.len() + unusable;
    let severity = clauses.first().map_or(Severity::Odd, |clause| clause.severity);
    (severity, together(&clauses, total))
}

/// Which result took the place of which.
fn successors(steps: &[Step]) -> BTreeMap<ObservationId, ObservationId> {
    let replaced = |step: &Step| match &step.what {
        Way::Read { observation, supersedes: Some(earlier), .. } => Some((*earlier, *observation)),
        _ => None,
    };
    steps.iter().filter_map(replaced).collect()
}

fn is_open(state: &str) -> bool {
    matches!(state, "held" | "pending" | "in-flight" | "unknown" | "refused" | "quarantined")
}

fn is_there(state: &str) -> bool {
    matches!(state, "accepted" | "staged")
}

/// What is said of problems, and how many results were lost to them.
fn of_problems(steps: &[Step]) -> (Vec<Clause>, usize) {
    let (mut unusable, mut seen_to, mut doubts) = (0, 0, 0_i64);
    for step in steps {
        let Way::Problem { replaces_result, standing, .. } = &step.what else { continue };
        match (standing, replaces_result) {
            (ProblemStanding::Open, true) => unusable += 1,
            (ProblemStanding::Open, false) => doubts += 1,
            (ProblemStanding::SeenTo(_), true) => seen_to += 1,
            (ProblemStanding::SeenTo(_), false) | (ProblemStanding::Withdrawn, _) => {}
        }
    }
    let mut clauses = Vec::new();
    if unusable > 0 {
        clauses.push(Clause::new(
            Severity::Act,
            unusable,
            words!("could not be used and is not in the LIMS"),
            words!("could not be used and are not in the LIMS"),
        ));
    }
    if seen_to > 0 {
        let said = words!("could not be used, which a person has seen to");
        clauses.push(Clause::new(Severity::Calm, seen_to, said.clone(), said));
    }
    if doubts > 0 {
        let open = counted!(doubts, "{n} problem is open", "{n} problems are open");
        clauses.push(Clause::of_itself(Severity::Act, open));
    }
    (clauses, unusable + seen_to)
}

fn of_standings(counted: &[&(Standing, ObservationId)]) -> Vec<Clause> {
    // What was refused comes before what waits behind it.
    let mut alike: BTreeMap<(Severity, bool, String), Clause> = BTreeMap::new();
    for (standing, _) in counted {
        let (one, many) = said(standing);
        let place = (standing.severity, standing.state != "refused", one.english());
        let clause = alike.entry(place).or_insert(Clause::new(standing.severity, 0, one, many));
        clause.results += 1;
    }
    alike.into_values().collect()
}

/// What is said of one result of this standing, and of several.
fn said(standing: &Standing) -> (Words, Words) {
    let lims = &standing.destination;
    let both = |said: Words| (said.clone(), said);
    match standing.state.as_str() {
        "refused" | "quarantined" | "unknown" | "rejected" | "pending" | "in-flight" if standing.had_it => (
            words!("was in {lims} before it was sent once more, and may be there still", lims),
            words!("were in {lims} before they were sent once more, and may be there still", lims),
        ),
        "pending" | "in-flight" | "unknown" if !standing.is_configured => (
            words!("waits for {lims}, which is no longer configured", lims),
            words!("wait for {lims}, which is no longer configured", lims),
        ),
        "pending" | "in-flight" if standing.is_down && !standing.is_behind => (
            words!("waits, as {lims} doesn't answer now, and is not in it", lims),
            words!("wait, as {lims} doesn't answer now, and are not in it", lims),
        ),
        "refused" => (
            words!("was refused by {lims} and is not in it", lims),
            words!("were refused by {lims} and are not in it", lims),
        ),
        "quarantined" => (
            words!("waits behind a refused one and is not in {lims}", lims),
            words!("wait behind a refused one and are not in {lims}", lims),
        ),
        "held" => (words!("is held and not in {lims}", lims), words!("are held and not in {lims}", lims)),
        "unknown" if standing.to_decide.is_some() => {
            both(words!("may or may not be in {lims}: a person must look", lims))
        }
        "unknown" => both(words!("may or may not be in {lims}: labwire is finding out", lims)),
        "rejected" => {
            (words!("stays here and is not in {lims}", lims), words!("stay here and are not in {lims}", lims))
        }
        "pending" if standing.is_behind => (
            words!("waits behind an earlier one and is not yet in {lims}", lims),
            words!("wait behind an earlier one and are not yet in {lims}", lims),
        ),
        "pending" => {
            (words!("waits and is not yet in {lims}", lims), words!("wait and are not yet in {lims}", lims))
        }
        "in-flight" => (
            words!("is being sent and not yet in {lims}", lims),
            words!("are being sent and not yet in {lims}", lims),
        ),
        "staged" => (
            words!("is in {lims} and not yet applied there", lims),
            words!("are in {lims} and not yet applied there", lims),
        ),
        "accepted" => (words!("is in {lims}", lims), words!("are in {lims}", lims)),
        STILL_THERE => both(words!("may still count in {lims} under this number, which was misread", lims)),
        VOID_THERE => both(words!("moved to another specimen and void in {lims} under this number", lims)),
        MOVED => both(words!("moved to another specimen before leaving")),
        "superseded" => both(words!("made way for a later one")),
        _ => (words!("is not meant for {lims}", lims), words!("are not meant for {lims}", lims)),
    }
}

/// The LIMS has an earlier version of what it doesn't have in its latest one.
fn outdated(
    standings: &[(Standing, ObservationId)],
    successors: &BTreeMap<ObservationId, ObservationId>,
) -> Vec<Clause> {
    let latest = |mut id: ObservationId| {
        while let Some(next) = successors.get(&id).filter(|next| **next > id) {
            id = *next;
        }
        id
    };
    let lacks = |lims: &str, id: ObservationId| {
        let of = |it: &&(Standing, ObservationId)| it.1 == id && it.0.destination == lims;
        let state = standings.iter().find(of).map(|(standing, _)| standing.state.as_str());
        state.is_some_and(|state| !is_there(state) && state != "not-for-it")
    };
    let mut outdated: BTreeMap<&str, i64> = BTreeMap::new();
    for (standing, id) in standings {
        let newest = latest(*id);
        if newest != *id && is_there(&standing.state) && lacks(&standing.destination, newest) {
            *outdated.entry(&standing.destination).or_default() += 1;
        }
    }
    outdated
        .into_iter()
        .map(|(lims, number)| {
            let said = counted!(
                number,
                "{lims} still has {n} earlier version",
                "{lims} still has {n} earlier versions",
                lims
            );
            Clause::of_itself(Severity::Odd, said)
        })
        .collect()
}

impl Clause {
    fn new(severity: Severity, results: usize, one: Words, many: Words) -> Clause {
        Clause { severity, results, one, many }
    }

    /// One that isn't said of a number of results.
    fn of_itself(severity: Severity, said: Words) -> Clause {
        Clause { severity, results: 0, one: said, many: Words::none() }
    }
}

/// The clauses as one sentence. The first that counts results says of how many.
fn together(clauses: &[Clause], total: usize) -> Words {
    let mut said: Vec<Words> = Vec::new();
    let mut has_total = false;
    for Clause { results, one, many, .. } in clauses {
        let what = if *results == 1 { one } else { many };
        said.push(match *results {
            0 => one.clone(),
            1 if total == 1 => words!("its result {what}", what),
            all if all == total => words!("all {n} results {what}", n = all, what),
            some if has_total => words!("{n} {what}", n = some, what),
            some => words!("{n} of its {total} results {what}", n = some, total, what),
        });
        has_total |= *results > 0;
    }
    if total == 0 {
        said.push(words!("no result of this specimen could be read"));
    }
    words!("{what}.", what = Words::row(said, "; ")).capital()
}
