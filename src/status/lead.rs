//! The sentence on top of the page: the worst problem of one moment, what to do about it, and what comes after. Pure.

mod lims;

use super::clock::Clock;
use super::snapshot::{Analyzer, Contact, Lims, Snapshot};
use super::words::kept;
use super::{calls, held};
use crate::board::{DestinationState, DropView};
use crate::domain::{Words, counted, words};
use crate::journal::Condition;
use crate::journal::restoration::Standstill;

pub(super) use super::severity::Severity;

/// The sentence, and what stands below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lead {
    pub severity: Severity,
    pub headline: Words,
    pub then: Words,
}

/// One thing that isn't as it should be.
struct Concern {
    severity: Severity,
    headline: Words,
    remedy: Words,
}

/// The lead of a moment. Worst first; of those that are as bad, the order here is the order in which they matter.
pub(super) fn lead(snapshot: &Snapshot, clock: &Clock) -> Lead {
    let mut concerns = Vec::new();
    journal(snapshot, &mut concerns);
    standstill(snapshot, &mut concerns);
    sums(snapshot, &mut concerns);
    critical_calls(snapshot, clock, &mut concerns);
    lims::resting(snapshot, clock, &mut concerns);
    dead_letters(snapshot, &mut concerns);
    links(snapshot, clock, &mut concerns);
    files(snapshot, &mut concerns);
    lims::removed(snapshot, &mut concerns);
    lims::orders(snapshot, clock, &mut concerns);
    messages(snapshot, &mut concerns);
    people(snapshot, &mut concerns);
    reports(snapshot, clock, &mut concerns);
    queries(snapshot, &mut concerns);
    lims::hiccups(snapshot, &mut concerns);
    lims::history(snapshot, clock, &mut concerns);
    lims::under_test(snapshot, &mut concerns);
    silent(snapshot, clock, &mut concerns);
    concerns.sort_by_key(|concern| concern.severity);
    let mut concerns = concerns.into_iter();
    let Some(worst) = concerns.next() else { return calm(snapshot, clock) };
    let rest: Vec<Words> = concerns.map(|concern| concern.headline).collect();
    Lead { severity: worst.severity, headline: worst.headline, then: then(worst.remedy, &rest) }
}

fn then(remedy: Words, rest: &[Words]) -> Words {
    let (shown, more) = rest.split_at(rest.len().min(2));
    let mut parts = vec![remedy];
    if !shown.is_empty() {
        parts.push(words!("Then: {more}", more = Words::row(shown.iter().cloned(), " ")));
    }
    if !more.is_empty() {
        parts.push(counted!(more.len(), "And {n} thing more below.", "And {n} things more below."));
    }
    Words::row(parts, " ")
}

fn journal(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    let (headline, remedy) = match &snapshot.condition {
        Condition::Good => return,
        Condition::Failed(why) => (
            words!("The journal has failed: nothing more is received ({why}).", why),
            words!(
                "Check the disk, then restart labwire. Nothing that was acknowledged is lost: analyzers send the rest again."
            ),
        ),
        Condition::Full => (
            words!("The disk is full: no new transmission is accepted."),
            words!(
                "Make room on the journal's file system; labwire goes on by itself. Analyzers keep their results until then."
            ),
        ),
    };
    concerns.push(Concern { severity: Severity::Danger, headline, remedy });
}

fn standstill(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    if let Some(Standstill { why, .. }) = &snapshot.standstill {
        concerns.push(Concern {
            severity: Severity::Danger,
            headline: words!("Nothing is delivered to any LIMS: {why}.", why),
            remedy: words!(
                "Analyzers are received as ever. Have lab IT compare with the LIMS; then: labwire resume --reason …"
            ),
        });
    }
}

fn critical_calls(snapshot: &Snapshot, clock: &Clock, concerns: &mut Vec<Concern>) {
    let concern = calls::concern(snapshot, clock);
    concerns.extend(concern.map(|(severity, headline, remedy)| Concern { severity, headline, remedy }));
}

fn sums(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    let imbalances = snapshot.sums.imbalances();
    if !imbalances.is_empty() {
        concerns.push(Concern {
            severity: Severity::Danger,
            headline: words!(
                "The sums do not balance: {differences}.",
                differences = Words::row(imbalances, "; ")
            ),
            remedy: words!(
                "A result may be lost or doubled. Compare the analyzer's own list with the LIMS, and have labwire looked at."
            ),
        });
    }
}

fn dead_letters(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    let of_tests = snapshot.destinations.iter().filter(|it| it.is_under_test());
    let waiting = snapshot.waiting.dead_letters - of_tests.map(|it| it.deliveries("dead")).sum::<i64>();
    if waiting > 0 {
        concerns.push(Concern {
            severity: Severity::Danger,
            headline: counted!(
                waiting,
                "{n} delivery waits for a person: refused by the LIMS, or of unknown fate.",
                "{n} deliveries wait for a person: refused by the LIMS, or of unknown fate."
            ),
            remedy: words!("Each says under dead letters why, and what to do."),
        });
    }
}

fn links(snapshot: &Snapshot, clock: &Clock, concerns: &mut Vec<Concern>) {
    for analyzer in &snapshot.analyzers {
        if let Contact::Down { why, since } = &analyzer.contact {
            let (name, since, why) = (&analyzer.name, clock.at(*since), kept(why));
            let (headline, remedy) = match analyzer.drop {
                None => (
                    words!("{name} has not been connected since {since}: {why}.", name, since, why),
                    words!(
                        "Check that the analyzer is on and its cable or network is in; labwire keeps trying."
                    ),
                ),
                Some(_) => (
                    words!("No file of {name} could be fetched since {since}: {why}.", name, since, why),
                    words!("Files wait where they are until then; labwire keeps trying."),
                ),
            };
            concerns.push(Concern { severity: Severity::Danger, headline, remedy });
        }
    }
}

/// Files that need somebody: those that can't be taken as they are or wait for too long, and those that can't be removed.
fn files(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    for analyzer in &snapshot.analyzers {
        let stuck = analyzer.drop.as_ref().map_or(0, DropView::stuck);
        if stuck > 0 {
            concerns.push(Concern {
                severity: Severity::Act,
                headline: counted!(
                    stuck,
                    "{n} file of {name} waits for a person.",
                    "{n} files of {name} wait for a person.",
                    name = &analyzer.name
                ),
                remedy: words!("Its line below names them and says why; they stay where they are."),
            });
        }
    }
    // Until the places were looked at after a start, only the journal knows of them.
    let is_known = |analyzer: &Analyzer| {
        analyzer.drop.as_ref().is_some_and(|drop| drop.looked_at.is_some())
            || matches!(analyzer.contact, Contact::Down { .. })
    };
    let files = || {
        snapshot.analyzers.iter().filter(|it| matches!(it.contact, Contact::Starting) || it.drop.is_some())
    };
    if snapshot.waiting.stuck > 0 && !files().all(is_known) {
        concerns.push(Concern {
            severity: Severity::Act,
            headline: counted!(
                snapshot.waiting.stuck,
                "{n} file waited for a person when labwire was stopped.",
                "{n} files waited for a person when labwire was stopped."
            ),
            remedy: words!("Each says under problems why; labwire is about to look again."),
        });
    }
}

fn messages(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    let waiting = snapshot.waiting;
    if waiting.unattributed > 0 {
        concerns.push(Concern {
            severity: Severity::Act,
            headline: counted!(
                waiting.unattributed,
                "{n} message came from an analyzer that labwire doesn't know: not in the LIMS.",
                "{n} messages came from an analyzer that labwire doesn't know: not in the LIMS."
            ),
            remedy: words!("Describe the analyzer in instruments.d; the messages are read again then."),
        });
    }
    if waiting.incomplete > 0 {
        concerns.push(Concern {
            severity: Severity::Act,
            headline: counted!(
                waiting.incomplete,
                "{n} transmission was cut short.",
                "{n} transmissions were cut short."
            ),
            remedy: words!("Have the analyzer send them again, then dismiss the problem."),
        });
    }
}

fn people(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    let waiting = snapshot.waiting;
    let others = waiting.other_problems;
    let problems = if others == waiting.open_problems {
        counted!(others, "{n} problem is open.", "{n} problems are open.")
    } else {
        counted!(others, "{n} other problem is open.", "{n} other problems are open.")
    };
    let rows = [
        (
            waiting.held,
            held::headline(snapshot),
            words!("Look at each on the analyzer, then release or reject it."),
        ),
        (others, problems, words!("Each says what to do about it.")),
    ];
    for (number, headline, remedy) in rows {
        if number > 0 {
            concerns.push(Concern { severity: Severity::Act, headline, remedy });
        }
    }
}

fn queries(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    let number = snapshot.waiting.unanswered_queries;
    if number > 0 {
        concerns.push(Concern {
            severity: Severity::Odd,
            headline: counted!(number, "{n} host query got no orders.", "{n} host queries got no orders."),
            remedy: words!("Order the tests on the analyzer by hand where it waits for them."),
        });
    }
}

fn reports(snapshot: &Snapshot, clock: &Clock, concerns: &mut Vec<Concern>) {
    if let Some((since, why)) = &snapshot.reports_fail {
        concerns.push(Concern {
            severity: Severity::Act,
            headline: words!(
                "The reconciliation's report has not been written since {since}: {why}.",
                since = clock.at(*since),
                why
            ),
            remedy: words!(
                "Mend the folder; labwire tries again by itself. The reconciliation stands on its page meanwhile."
            ),
        });
    }
    if let Some((since, why)) = &snapshot.archiving_fails {
        concerns.push(Concern {
            severity: Severity::Act,
            headline: words!(
                "Bytes of old messages could not be archived since {since}: {why}.",
                since = clock.at(*since),
                why
            ),
            remedy: words!(
                "Mend the folder; labwire tries again by itself. They stay in the journal meanwhile."
            ),
        });
    }
}

fn silent(snapshot: &Snapshot, clock: &Clock, concerns: &mut Vec<Concern>) {
    for analyzer in &snapshot.analyzers {
        if let Some(since) = analyzer.silent_since() {
            concerns.push(Concern {
                severity: Severity::Odd,
                headline: words!(
                    "{name} has been silent since {since}.",
                    name = &analyzer.name,
                    since = clock.at(since)
                ),
                remedy: words!("Check that the run is finished and its host link is on."),
            });
        }
    }
}

fn calm(snapshot: &Snapshot, clock: &Clock) -> Lead {
    let total = snapshot.analyzers.iter().filter(|it| it.contact != Contact::Removed).count();
    let reached = |contact: &Contact| matches!(contact, Contact::Connected { .. } | Contact::Polling { .. });
    let talking = snapshot.analyzers.iter().filter(|it| reached(&it.contact)).count();
    let analyzers = match (talking, total) {
        (_, 0) => words!("No analyzer is configured"),
        (1, 1) => words!("The analyzer is connected"),
        (2, 2) => words!("Both analyzers are connected"),
        (talking, total) if talking == total => words!("All {total} analyzers are connected", total),
        (0, 1) => words!("The analyzer is waited for"),
        (0, 2) => words!("Both analyzers are waited for"),
        (0, total) => words!("All {total} analyzers are waited for", total),
        (talking, total) => {
            words!("{talking} of {total} analyzers are connected, the others waited for", talking, total)
        }
    };
    let configured: Vec<&Lims> = snapshot.destinations.iter().filter(|it| it.is_configured).collect();
    let untried = configured.iter().any(|it| it.state == DestinationState::Untried);
    let lims = match (configured.len(), untried) {
        (0, _) => words!("no LIMS is configured"),
        (_, true) => words!("nothing sent to the LIMS yet"),
        (1, false) => words!("the LIMS is up"),
        (_, false) => words!("every LIMS is up"),
    };
    let last = match snapshot.analyzers.iter().filter_map(|it| it.counts.last_message).max() {
        Some(at) => words!("The last message came at {at}.", at = clock.at(at)),
        None => words!("No message has come yet."),
    };
    let on_their_way: i64 = snapshot.destinations.iter().map(Lims::on_their_way).sum();
    let way = match on_their_way {
        0 => words!("Nothing is on its way, and the sums balance."),
        some => counted!(
            some,
            "{n} result is on the way to the LIMS, and the sums balance.",
            "{n} results are on the way to the LIMS, and the sums balance."
        ),
    };
    Lead {
        severity: Severity::Calm,
        headline: words!("{analyzers}, {lims}, nothing held.", analyzers, lims),
        then: Words::row([last, way], " "),
    }
}

#[cfg(test)]
pub(super) mod tests;
