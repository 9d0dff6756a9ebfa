//! What the LIMS does: what leaves for it, and what it is to tell.

use super::Concern;
use crate::board::DestinationState;
use crate::domain::{Words, counted, words};
use crate::status::clock::Clock;
use crate::status::next;
use crate::status::severity::Severity;
use crate::status::snapshot::Snapshot;
use crate::status::words::kept;

/// What is still owed to a destination that the configuration no longer names stays here until somebody acts.
pub(super) fn removed(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    for lims in snapshot.destinations.iter().filter(|it| !it.is_configured && it.open() > 0) {
        concerns.push(Concern {
            severity: Severity::Act,
            headline: counted!(
                lims.open(),
                "{name} is no longer configured; {n} result waits for it.",
                "{name} is no longer configured; {n} results wait for it.",
                name = &lims.name
            ),
            remedy: words!(
                "Name {name} in labwire.toml again, or enter the results in the LIMS by hand.",
                name = &lims.name
            ),
        });
    }
}

pub(super) fn resting(snapshot: &Snapshot, clock: &Clock, concerns: &mut Vec<Concern>) {
    for lims in snapshot.destinations.iter().filter(|it| !it.is_under_test()) {
        let headline = match &lims.state {
            DestinationState::Resting { until, why } => {
                let at = clock.at(*until);
                words!(
                    "{name} does not answer: {why}; next try at {at}.",
                    name = &lims.name,
                    why = kept(why),
                    at
                )
            }
            DestinationState::Failing(why) if lims.fails_lastingly(snapshot.as_of) => {
                words!("{name} is failing: {why}.", name = &lims.name, why = kept(why))
            }
            _ => continue,
        };
        let remedy = match lims.on_their_way() {
            0 if lims.owes() => {
                words!("Check the LIMS and the network. A word about a result is safe here until it answers.")
            }
            0 => words!("Check the LIMS and the network. Nothing waits for it."),
            some => counted!(
                some,
                "Check the LIMS and the network. {n} result is safe here until it answers.",
                "Check the LIMS and the network. {n} results are safe here until it answers."
            ),
        };
        let remedy = Words::row([remedy, next::perhaps_there(lims.perhaps_there())], " ");
        concerns.push(Concern { severity: Severity::Danger, headline, remedy });
    }
}

/// A delivery that failed just now: retried by itself.
pub(super) fn hiccups(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    for lims in snapshot.destinations.iter().filter(|it| !it.is_under_test()) {
        if let (DestinationState::Failing(why), false) = (&lims.state, lims.fails_lastingly(snapshot.as_of)) {
            concerns.push(Concern {
                severity: Severity::Odd,
                headline: words!("{name} failed just now: {why}.", name = &lims.name, why = kept(why)),
                remedy: words!("labwire tries again by itself."),
            });
        }
    }
}

/// What goes wrong with a destination that nobody is treated by is no danger.
pub(super) fn under_test(snapshot: &Snapshot, concerns: &mut Vec<Concern>) {
    for lims in snapshot.destinations.iter().filter(|it| it.is_under_test()) {
        let name = &lims.name;
        let fails = match &lims.state {
            DestinationState::Resting { why, .. } | DestinationState::Failing(why) => {
                Some(words!("{name}, which is under test, fails: {why}.", name, why = kept(why)))
            }
            DestinationState::Untried | DestinationState::Up => None,
        };
        let refused = Some(lims.deliveries("dead")).filter(|letters| *letters > 0).map(|letters| {
            counted!(
                letters,
                "{name}, which is under test, has {n} delivery that waits for a person.",
                "{name}, which is under test, has {n} deliveries that wait for a person.",
                name
            )
        });
        for headline in fails.into_iter().chain(refused) {
            let remedy = words!("No patient is treated by what it holds; tell those who set it up.");
            concerns.push(Concern { severity: Severity::Odd, headline, remedy });
        }
    }
}

/// Who tells orders can't be reached, and not just for a moment.
pub(super) fn orders(snapshot: &Snapshot, clock: &Clock, concerns: &mut Vec<Concern>) {
    for (name, why, since) in snapshot.orders_down() {
        let (since, why) = (clock.at(since), kept(why));
        concerns.push(Concern {
            severity: Severity::Act,
            headline: words!("No orders come from {name} since {since}: {why}.", name, since, why),
            remedy: words!(
                "What was ordered before is known here; program newer orders on the analyzers by hand. labwire keeps trying."
            ),
        });
    }
}

/// The LIMS, asked for patients' earlier values, doesn't tell them. It is asked again with the next result alone, so that this may
/// be over without being known: nobody has to act by it.
pub(super) fn history(snapshot: &Snapshot, clock: &Clock, concerns: &mut Vec<Concern>) {
    if let Some((why, since)) = snapshot.history_down() {
        let (since, why) = (clock.at(since), kept(why));
        concerns.push(Concern {
            severity: Severity::Odd,
            headline: words!(
                "The LIMS tells no earlier values of patients since {since}: {why}.",
                since,
                why
            ),
            remedy: words!(
                "Results go on without them: deltas are not evaluated where nothing earlier is known here."
            ),
        });
    }
}
