//! The sentence on top of the page: the worst problem of one moment, what to do about it, and what comes after. Pure.

use super::calls;
use super::clock::Clock;
use super::snapshot::{Analyzer, Contact, Lims, Snapshot};
use crate::board::{DestinationState, DropView};
use crate::journal::Condition;
use crate::journal::restoration::Standstill;

/// How bad it is. Colour never says it alone: each has its icon and its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// Results are stopped or in danger.
    Danger,
    /// A person must act.
    Act,
    /// Unusual; worth a look.
    Odd,
    /// As it should be, and not over yet.
    Wait,
    Calm,
}

/// The sentence, and what stands below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lead {
    pub severity: Severity,
    pub headline: String,
    pub then: String,
}

/// One thing that isn't as it should be.
struct Concern {
    severity: Severity,
    headline: String,
    remedy: String,
}

impl Severity {
    /// The name of its style and icon.
    pub(super) fn class(self) -> &'static str {
        match self {
            Severity::Danger => "danger",
            Severity::Act => "act",
            Severity::Odd => "odd",
            Severity::Wait => "wait",
            Severity::Calm => "calm",
        }
    }

    /// Its name in words; what is calm needs none.
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Severity::Danger => Some("Danger"),
            Severity::Act => Some("Needs a person"),
            Severity::Odd => Some("Unusual"),
            Severity::Wait => Some("Not there yet"),
            Severity::Calm => None,
        }
    }
}

/// The lead of a moment. The order of the concerns is the order in which they matter.
pub(super) fn lead(snapshot: &Snapshot, clock: &Clock) -> Lead {
    let mut concerns = Vec::new();
    journal(snapshot, &mut concerns);
    standstill(snapshot, &mut concerns);
    sums(snapshot, &mut concerns);
    critical_calls(snapshot, clock, &mut concerns);
    resting(snapshot, clock, &mut concerns);
    dead_letters(snapshot, &mut concerns);
    links(snapshot, clock, &mut concerns);
    files(snapshot, &mut concerns);
    removed(snapshot, &mut concerns);
    messages(snapshot, &mut concerns);
    people(snapshot, &mut concerns);
    reports(snapshot, clock, &mut concerns);
    queries(snapshot, &mut concerns);
    hiccups(snapshot, &mut concerns);
    under_test(snapshot, &mut concerns);
    silent(snapshot, clock, &mut concerns);
    let mut concerns = concerns.into_iter();
    let Some(worst) = concerns.next() else { return calm(snapshot, clock) };
    let rest: Vec<String> = concerns.map(|concern| concern.headline).collect();
    Lead { severity: worst.severity, headline: worst.headline, then: then(worst.remedy, &rest) }
}

fn then(remedy: String, rest: &[String]) -> String {
    let (shown, more) = rest.split_at(rest.len().min(2));
    let mut parts = vec![remedy];
    if !shown.is_empty() {
        parts.push(format!("Then: {}", shown.join(" ")));
    }
    if !more.is_empty() {
        parts.push(format!("And {} below.", count(as_count(more.len()), "thing more", "things more")));
    }
    parts.join(" ")
}

fn journal(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    let (headline, remedy) = match &snapshot.condition {
        Condition::Good => return,
        Condition::Failed(why) => (
            format!("The journal has failed: nothing more is received ({why})."),
            "Check the disk, then restart labwire. Nothing that was acknowledged is lost: analyzers send the rest again.",
        ),
        Condition::Full => (
            "The disk is full: no new transmission is accepted.".to_owned(),
            "Make room on the journal's file system; labwire goes on by itself. Analyzers keep their results until then.",
        ),
    };
    concerns.push(Concern { severity: Severity::Danger, headline, remedy: remedy.to_owned() });
}

fn standstill(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    if let Some(Standstill { why, .. }) = &snapshot.standstill {
        concerns.push(Concern {
            severity: Severity::Danger,
            headline: format!("Nothing is delivered to any LIMS: {why}."),
            remedy: "Analyzers are received as ever. Have lab IT compare with the LIMS; then: labwire resume --reason …"
                .to_owned(),
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
            headline: format!("The sums do not balance: {}.", imbalances.join("; ")),
            remedy: "A result may be lost or doubled. Compare the analyzer's own list with the LIMS, and have labwire looked at."
                .to_owned(),
        });
    }
}

/// What is still owed to a destination that the configuration no longer names stays here until somebody acts.
fn removed(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    for lims in snapshot.destinations.iter().filter(|it| !it.is_configured && it.open() > 0) {
        concerns.push(Concern {
            severity: Severity::Act,
            headline: format!(
                "{} is no longer configured; {} for it.",
                lims.name,
                count(lims.open(), "result waits", "results wait")
            ),
            remedy: format!(
                "Name {} in labwire.toml again, or enter the results in the LIMS by hand.",
                lims.name
            ),
        });
    }
}

fn resting(snapshot: &Snapshot, clock: &Clock, concerns: &mut Vec<Concern>) {
    for lims in snapshot.destinations.iter().filter(|it| !it.is_under_test()) {
        let headline = match &lims.state {
            DestinationState::Resting { until, why } => {
                format!("{} does not answer: {why}; next try at {}.", lims.name, clock.at(*until).text)
            }
            DestinationState::Failing(why) if lims.fails_lastingly(snapshot.as_of) => {
                format!("{} is failing: {why}.", lims.name)
            }
            _ => continue,
        };
        let remedy = match lims.on_their_way() {
            0 => "Check the LIMS and the network. Nothing waits for it.".to_owned(),
            1 => "Check the LIMS and the network. 1 result is safe here until it answers.".to_owned(),
            many => format!(
                "Check the LIMS and the network. {} results are safe here until it answers.",
                grouped(many)
            ),
        };
        concerns.push(Concern { severity: Severity::Danger, headline, remedy });
    }
}

/// A delivery that failed just now: retried by itself.
fn hiccups(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    for lims in snapshot.destinations.iter().filter(|it| !it.is_under_test()) {
        if let (DestinationState::Failing(why), false) = (&lims.state, lims.fails_lastingly(snapshot.as_of)) {
            concerns.push(Concern {
                severity: Severity::Odd,
                headline: format!("{} failed just now: {why}.", lims.name),
                remedy: "labwire tries again by itself.".to_owned(),
            });
        }
    }
}

/// What goes wrong with a destination that nobody is treated by is no danger.
fn under_test(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    for lims in snapshot.destinations.iter().filter(|it| it.is_under_test()) {
        let name = &lims.name;
        let fails = match &lims.state {
            DestinationState::Resting { why, .. } | DestinationState::Failing(why) => {
                Some(format!("{name}, which is under test, fails: {why}."))
            }
            DestinationState::Untried | DestinationState::Up => None,
        };
        let refused = Some(lims.deliveries("dead")).filter(|letters| *letters > 0).map(|letters| {
            let letters = count(letters, "delivery that waits", "deliveries that wait");
            format!("{name}, which is under test, has {letters} for a person.")
        });
        for headline in fails.into_iter().chain(refused) {
            let remedy = "No patient is treated by what it holds; tell those who set it up.".to_owned();
            concerns.push(Concern { severity: Severity::Odd, headline, remedy });
        }
    }
}

fn dead_letters(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    let of_tests = snapshot.destinations.iter().filter(|it| it.is_under_test());
    let waiting = snapshot.waiting.dead_letters - of_tests.map(|it| it.deliveries("dead")).sum::<i64>();
    if waiting > 0 {
        concerns.push(Concern {
            severity: Severity::Danger,
            headline: count(
                waiting,
                "delivery waits for a person: refused by the LIMS, or of unknown fate.",
                "deliveries wait for a person: refused by the LIMS, or of unknown fate.",
            ),
            remedy: "Each says under dead letters why, and what to do.".to_owned(),
        });
    }
}

fn links(snapshot: &Snapshot, clock: &Clock, concerns: &mut Vec<Concern>) {
    for analyzer in &snapshot.analyzers {
        if let Contact::Down { why, since } = &analyzer.contact {
            concerns.push(Concern {
                severity: Severity::Danger,
                headline: format!(
                    "{} since {}: {why}.",
                    match analyzer.drop {
                        None => format!("{} has not been connected", analyzer.name),
                        Some(_) => format!("No file of {} could be fetched", analyzer.name),
                    },
                    clock.at(*since).text
                ),
                remedy: match analyzer.drop {
                    None => {
                        "Check that the analyzer is on and its cable or network is in; labwire keeps trying."
                    }
                    Some(_) => "Files wait where they are until then; labwire keeps trying.",
                }
                .to_owned(),
            });
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
                headline: format!(
                    "{} of {} {} for a person.",
                    count(as_count(stuck), "file", "files"),
                    analyzer.name,
                    if stuck == 1 { "waits" } else { "wait" }
                ),
                remedy: "Its line below names them and says why; they stay where they are.".to_owned(),
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
            headline: count(
                snapshot.waiting.stuck,
                "file waited for a person when labwire was stopped.",
                "files waited for a person when labwire was stopped.",
            ),
            remedy: "Each says under problems why; labwire is about to look again.".to_owned(),
        });
    }
}

fn messages(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    let waiting = snapshot.waiting;
    if waiting.unattributed > 0 {
        concerns.push(Concern {
            severity: Severity::Act,
            headline: format!(
                "{} from an analyzer that labwire doesn't know: not in the LIMS.",
                count(waiting.unattributed, "message came", "messages came")
            ),
            remedy: "Describe the analyzer in instruments.d; the messages are read again then.".to_owned(),
        });
    }
    if waiting.incomplete > 0 {
        concerns.push(Concern {
            severity: Severity::Act,
            headline: format!(
                "{} cut short.",
                count(waiting.incomplete, "transmission was", "transmissions were")
            ),
            remedy: "Have the analyzer send them again, then dismiss the problem.".to_owned(),
        });
    }
}

fn people(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    let waiting = snapshot.waiting;
    let others = waiting.other_problems;
    let problems = if others == waiting.open_problems {
        ("problem is open.", "problems are open.")
    } else {
        ("other problem is open.", "other problems are open.")
    };
    let rows = [
        (
            waiting.held,
            Severity::Act,
            ("result is held and not in the LIMS.", "results are held and not in the LIMS."),
            "Look at each on the analyzer, then release or reject it.",
        ),
        (others, Severity::Act, problems, "Each says what to do about it."),
    ];
    for (number, severity, (one, many), remedy) in rows {
        if number > 0 {
            let headline = count(number, one, many);
            concerns.push(Concern { severity, headline, remedy: remedy.to_owned() });
        }
    }
}

fn queries(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    let number = snapshot.waiting.unanswered_queries;
    if number > 0 {
        concerns.push(Concern {
            severity: Severity::Odd,
            headline: count(number, "host query got no orders.", "host queries got no orders."),
            remedy: "Order the tests on the analyzer by hand where it waits for them.".to_owned(),
        });
    }
}

fn reports(snapshot: &Snapshot, clock: &Clock, concerns: &mut Vec<Concern>) {
    if let Some((since, why)) = &snapshot.reports_fail {
        concerns.push(Concern {
            severity: Severity::Act,
            headline: format!(
                "The reconciliation's report has not been written since {}: {why}.",
                clock.at(*since).text
            ),
            remedy: "Mend the folder; labwire tries again by itself. The reconciliation stands on its page meanwhile."
                .to_owned(),
        });
    }
}

fn silent(snapshot: &Snapshot, clock: &Clock, concerns: &mut Vec<Concern>) {
    for analyzer in &snapshot.analyzers {
        if let Some(since) = analyzer.silent_since() {
            concerns.push(Concern {
                severity: Severity::Odd,
                headline: format!("{} has been silent since {}.", analyzer.name, clock.at(since).text),
                remedy: "Check that the run is finished and its host link is on.".to_owned(),
            });
        }
    }
}

fn calm(snapshot: &Snapshot, clock: &Clock) -> Lead {
    let total = snapshot.analyzers.iter().filter(|it| it.contact != Contact::Removed).count();
    let reached = |contact: &Contact| matches!(contact, Contact::Connected { .. } | Contact::Polling { .. });
    let talking = snapshot.analyzers.iter().filter(|it| reached(&it.contact)).count();
    let analyzers = match (talking, total) {
        (_, 0) => "No analyzer is configured".to_owned(),
        (1, 1) => "The analyzer is connected".to_owned(),
        (2, 2) => "Both analyzers are connected".to_owned(),
        (talking, total) if talking == total => format!("All {total} analyzers are connected"),
        (0, 1) => "The analyzer is waited for".to_owned(),
        (0, 2) => "Both analyzers are waited for".to_owned(),
        (0, total) => format!("All {total} analyzers are waited for"),
        (talking, total) => format!("{talking} of {total} analyzers are connected, the others waited for"),
    };
    let configured: Vec<&Lims> = snapshot.destinations.iter().filter(|it| it.is_configured).collect();
    let untried = configured.iter().any(|it| it.state == DestinationState::Untried);
    let lims = match (configured.len(), untried) {
        (0, _) => "no LIMS is configured",
        (_, true) => "nothing sent to the LIMS yet",
        (1, false) => "the LIMS is up",
        (_, false) => "every LIMS is up",
    };
    let last = snapshot.analyzers.iter().filter_map(|it| it.counts.last_message).max();
    let last = match last {
        Some(at) => format!("The last message came at {}. ", clock.at(at).text),
        None => "No message has come yet. ".to_owned(),
    };
    let on_their_way: i64 = snapshot.destinations.iter().map(Lims::on_their_way).sum();
    let way = match on_their_way {
        0 => "Nothing is on its way, and the sums balance.".to_owned(),
        some => format!(
            "{} on the way to the LIMS, and the sums balance.",
            count(some, "result is", "results are")
        ),
    };
    Lead {
        severity: Severity::Calm,
        headline: format!("{analyzers}, {lims}, nothing held."),
        then: format!("{last}{way}"),
    }
}

/// A number with its noun.
pub(super) fn count(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// A number with its thousands apart.
pub(super) fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn as_count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(super) mod tests;
