//! What to do about a LIMS that doesn't take what it is owed. Pure.

use std::time::Duration;

use crate::board::{Cause, DestinationState};
use crate::domain::{Words, counted, words};
use crate::status::by_hand::Whereabouts;
use crate::status::card::{Card, Trouble, paper};
use crate::status::next;
use crate::status::snapshot::Lims;
use crate::status::words::kept;

/// The card of a destination; none for one that is as it should be, or that nothing is sent to any more.
pub(super) fn advice(it: &Lims, paper_after: Duration) -> Option<Card> {
    let (DestinationState::Failing(why) | DestinationState::Resting { why, .. }) = &it.state else {
        return None;
    };
    if !it.is_configured {
        return None;
    }
    let (likely, steps) = trouble(&it.name, it.cause, &kept(why));
    Some(Card { likely, steps, safe: safe(it), paper: paper(paper_after) })
}

fn trouble(name: &str, cause: Cause, why: &Words) -> Trouble {
    match cause {
        Cause::Refused => (
            words!(
                "The computer of {name} is on, but nothing there takes labwire's connection: the LIMS's interface isn't running, or listens at another port.",
                name
            ),
            vec![
                words!("Ask whoever looks after the LIMS to start its interface again."),
                words!("Was the LIMS updated, or its port changed? Lab IT compares it with labwire.toml."),
            ],
        ),
        Cause::NoAnswer => (
            words!(
                "Nothing answers for {name}: the LIMS is down or very busy, or the network to it is.",
                name
            ),
            vec![
                words!(
                    "Can another computer in the room open the LIMS? If not, call whoever looks after it: it is the LIMS, or the network."
                ),
                words!(
                    "If others can: is this computer's network cable in, and do its lights blink? Press the plug home, then try another socket or cable."
                ),
                words!(
                    "Was an address or a firewall changed? Lab IT runs labwire check, which tries to reach it."
                ),
            ],
        ),
        Cause::HungUp => (
            words!(
                "{name} takes the connection and closes it again without an answer: its interface is being restarted, or can't read what it gets.",
                name
            ),
            vec![
                words!("Wait two minutes: a LIMS that restarts does this."),
                words!("Ask whoever looks after the LIMS what its interface wrote into its log."),
            ],
        ),
        Cause::NotThere | Cause::InUse => (
            words!(
                "What labwire.toml names for {name} isn't there: a folder that isn't mounted, or a name that the network doesn't know.",
                name
            ),
            vec![
                words!("Is this computer's network cable in, and is the server on?"),
                words!("Tell lab IT: labwire check says which name or folder it is."),
            ],
        ),
        Cause::NotAllowed => (
            words!("labwire may not write where {name} takes its results.", name),
            vec![words!(
                "Tell lab IT: rights on a folder, or an expired password of a share, look like this."
            )],
        ),
        Cause::Untrusted => (
            words!("The connection to {name} isn't trusted: a certificate is wrong or has run out.", name),
            vec![words!("Tell lab IT: nothing at the bench mends this.")],
        ),
        Cause::Declines => (
            words!(
                "{name} answers, and takes nothing for now ({why}): it is overloaded, or in maintenance.",
                name,
                why
            ),
            vec![
                words!("Ask whoever looks after the LIMS whether work is being done on it, and until when."),
                words!("If nobody knows of any: they look into its log, and whether its database has room."),
            ],
        ),
        Cause::Unknown => (
            words!("Results can't be brought to {name}: {why}.", name, why),
            vec![
                words!("Can another computer in the room open the LIMS?"),
                words!("Tell lab IT what stands under “State”."),
            ],
        ),
    }
}

fn safe(it: &Lims) -> Vec<Words> {
    let waits = match it.on_their_way() {
        0 => words!("Nothing waits for it now. What comes is kept on this computer's disk until it answers."),
        some => counted!(
            some,
            "{n} result waits for it on this computer's disk, and leaves by itself once it answers.",
            "{n} results wait for it on this computer's disk, and leave by themselves once it answers, the urgent ones first."
        ),
    };
    let safe = [
        Words::row([waits, next::perhaps_there(it.perhaps_there())], " "),
        words!("Analyzers go on: nothing has to be measured or sent again for this."),
    ];
    safe.into_iter().chain(Whereabouts::at(it).told()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::lead::tests::calm_bench;

    #[test]
    fn each_trouble_has_its_likely_cause_and_what_is_well_has_no_card() {
        let paper = Duration::from_secs(20 * 60);
        let mut it = calm_bench().destinations.remove(0);
        assert_eq!(advice(&it, paper), None);
        for (cause, likely) in [
            (Cause::Refused, "interface isn't running"),
            (Cause::NoAnswer, "Nothing answers for lims"),
            (Cause::HungUp, "closes it again"),
            (Cause::NotThere, "isn't there"),
            (Cause::NotAllowed, "may not write"),
            (Cause::Untrusted, "isn't trusted"),
            (Cause::Declines, "takes nothing for now (answered 503)"),
            (Cause::Unknown, "Results can't be brought to lims: answered 503."),
        ] {
            (it.state, it.cause) = (DestinationState::Failing("answered 503".to_owned()), cause);
            let card = advice(&it, paper).unwrap();
            assert!(card.likely.english().contains(likely), "{:?}", card.likely);
            assert!(
                !card.steps.is_empty() && card.paper.english().starts_with("After 20 minutes"),
                "{card:?}"
            );
            assert!(card.safe[0].english().starts_with("Nothing waits for it now."), "{card:?}");
        }
        it.sums.states.insert("pending".to_owned(), 3);
        assert!(advice(&it, paper).unwrap().safe[0].english().starts_with("3 results wait for it"));
        it.sums.states.insert("unknown".to_owned(), 2);
        assert!(advice(&it, paper).unwrap().safe[0].english().starts_with("5 results wait for it"));
        it.queue.perhaps_there = 2;
        let safe = advice(&it, paper).unwrap().safe[0].english();
        assert!(
            safe.starts_with("3 results wait for it"),
            "what waits for a person leaves not by itself: {safe}"
        );
        assert!(
            safe.ends_with("2 results may have arrived and wait for a person: see dead letters."),
            "{safe}"
        );
        let by_hand = |it: &Lims| {
            let safe = advice(it, paper).unwrap().safe;
            safe.iter().map(Words::english).filter(|line| line.contains("yped in")).collect::<Vec<_>>()
        };
        let unheld = by_hand(&it);
        assert!(!unheld.iter().any(|line| line.contains("held")), "{unheld:?}");
        it.sums.states.insert("held".to_owned(), 1);
        let told = by_hand(&it);
        assert!(told.iter().any(|line| line.contains("does not send a held result")), "{told:?}");
        it.is_configured = false;
        assert_eq!(advice(&it, paper), None, "nothing is sent there any more");
    }
}
