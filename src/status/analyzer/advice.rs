//! What to do about an analyzer's link that is broken or silent. Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::board::Cause;
use crate::domain::{Words, counted, words};
use crate::status::by_hand::Whereabouts;
use crate::status::card::{Card, Trouble, paper};
use crate::status::next;
use crate::status::snapshot::{Analyzer, Contact, Snapshot, Wire};

/// The notes that a damaged line leaves.
const DAMAGE: [&str; 8] = [
    "bad-checksum",
    "bad-frame-number",
    "bad-frame-end",
    "forbidden-byte",
    "noise-before-frame",
    "noise",
    "broken-frame",
    "broken-off",
];
/// A line counts as damaged for so many minutes after the last such note.
const DAMAGED: i64 = 15;

/// The card of an analyzer; none for one that is as it should be.
pub(super) fn advice(it: &Analyzer, snapshot: &Snapshot, paper_after: Duration) -> Option<Card> {
    let (likely, steps) = trouble(it, snapshot)?;
    Some(Card { likely, steps, safe: safe(it, snapshot), paper: paper(paper_after) })
}

/// Whether bytes came damaged a short while ago.
pub(in crate::status) fn is_damaged(it: &Analyzer, as_of: Timestamp) -> bool {
    it.notes.iter().any(|note| {
        let since = as_of.duration_since(note.last_at).as_mins();
        DAMAGE.contains(&note.code.as_str()) && since < DAMAGED
    })
}

fn trouble(it: &Analyzer, snapshot: &Snapshot) -> Option<Trouble> {
    let damaged = is_damaged(it, snapshot.as_of);
    let (likely, steps) = match (&it.contact, it.wire.as_ref()?) {
        (Contact::Down { .. }, Wire::Port(device)) => port(device, it.cause),
        (Contact::Down { .. }, Wire::Called(address)) => called(address, it.cause),
        (Contact::Down { .. }, Wire::Calls(address)) => listening_fails(address, it.cause),
        (Contact::Down { .. }, Wire::Files) => files(it.cause),
        (Contact::Listening { .. }, Wire::Calls(address)) => awaited(address),
        _ if it.silent_since().is_some() => silent(),
        (Contact::Connected { .. }, wire) if damaged => damage(wire),
        _ => return None,
    };
    Some((likely, steps))
}

fn port(device: &str, cause: Cause) -> Trouble {
    match cause {
        Cause::NotThere => (
            words!(
                "The port {device} isn't there: its adapter was pulled out, or it has another name now.",
                device
            ),
            vec![
                words!(
                    "Look for the adapter at this computer, and plug it in again, into the socket that it was in."
                ),
                words!("Wait ten seconds: labwire opens the port by itself."),
                words!(
                    "Still not there: lab IT looks for its name under /dev/serial/by-id and puts that into the instrument's file."
                ),
            ],
        ),
        Cause::NotAllowed => (
            words!("labwire may not open the port {device}.", device),
            vec![words!(
                "Tell lab IT: the user that labwire runs as must be in the port's group (often dialout)."
            )],
        ),
        Cause::InUse => (
            words!("Another program has the port {device}.", device),
            vec![
                words!(
                    "Close what was started last on this computer: a terminal, or the analyzer's own tool."
                ),
                words!("Wait ten seconds: labwire opens the port by itself."),
                words!(
                    "Still in use: lab IT looks who holds it. ModemManager and brltty take adapters that aren't theirs."
                ),
            ],
        ),
        _ => (
            words!("The port {device} failed while it was in use: the adapter or its cable.", device),
            vec![
                words!(
                    "Press the plugs home on both ends of the cable, and see that no foot or drawer is on it."
                ),
                words!("Plug the adapter into another socket of this computer, and back after a minute."),
                words!("Exchange the adapter for the spare one."),
            ],
        ),
    }
}

fn called(address: &str, cause: Cause) -> Trouble {
    match cause {
        Cause::Refused => (
            words!(
                "The machine at {address} is on, but takes no connection: the analyzer's host link is off, or waits for a restart.",
                address
            ),
            vec![
                words!("On the analyzer: is the host connection switched on? Switch it off and on again."),
                words!("If a converter box sits between: switch that off, wait ten seconds, and on again."),
                words!(
                    "Was the port number changed at a service visit? Lab IT compares it with the instrument's file."
                ),
            ],
        ),
        Cause::NoAnswer => (
            words!(
                "Nothing answers at {address}: the analyzer is off, its network cable is out, or its address was changed.",
                address
            ),
            vec![
                words!("Is the analyzer on, and past its start?"),
                words!(
                    "Do the lights at its network socket blink? If not: press the plug home, then try another socket or cable."
                ),
                words!(
                    "Was its address changed at a service visit? Lab IT compares it with the instrument's file."
                ),
            ],
        ),
        Cause::HungUp => (
            words!(
                "The analyzer at {address} closes the connection again: another program may be connected to it, or it is being restarted.",
                address
            ),
            vec![
                words!("Wait until the analyzer has finished starting."),
                words!(
                    "Is something else connected to it, such as a service notebook or an older LIMS driver? Many analyzers take one connection only."
                ),
                words!("On the analyzer: switch the host connection off and on again."),
            ],
        ),
        Cause::Untrusted => (
            words!(
                "The connection to {address} isn't trusted: a certificate is wrong or has run out.",
                address
            ),
            vec![words!("Tell lab IT: nothing at the bench mends this.")],
        ),
        _ => (
            words!("The connection to {address} can't be made.", address),
            vec![
                words!("Is the analyzer on, and its network cable in?"),
                words!("On the analyzer: switch the host connection off and on again."),
                words!("Tell lab IT what stands under “Link”."),
            ],
        ),
    }
}

fn listening_fails(address: &str, cause: Cause) -> Trouble {
    let likely = match cause {
        Cause::InUse => words!("Another program on this computer uses {address}.", address),
        Cause::NotThere => {
            words!("This computer has no such address as {address}: its network changed.", address)
        }
        Cause::Untrusted => words!("What TLS needs at {address} can't be used.", address),
        _ => words!("labwire can't listen at {address}.", address),
    };
    (likely, vec![words!("Tell lab IT: nothing at the analyzer mends this. labwire tries again by itself.")])
}

fn awaited(address: &str) -> Trouble {
    (
        words!(
            "Nobody is connected at {address}: the analyzer is off, has its host link switched off, or can't reach this computer.",
            address
        ),
        vec![
            words!(
                "Is the analyzer on? Some connect only when they have something to send: send one result again to try."
            ),
            words!(
                "On the analyzer: switch the host connection off and on again, and read what it says about the host."
            ),
            words!(
                "Are its network cable's lights blinking? Press the plug home, then try another socket or cable."
            ),
            words!(
                "Was this computer's address changed? The analyzer must be told the new one; lab IT knows it."
            ),
        ],
    )
}

fn silent() -> Trouble {
    (
        words!("It is connected, and sends nothing at an hour at which it usually does."),
        vec![
            words!("Is a run finished, with results that wait for somebody's review on the analyzer?"),
            words!("On the analyzer: is sending to the host switched to automatic? Send one result by hand."),
            words!("If that doesn't come either: switch its host connection off and on again."),
        ],
    )
}

fn damage(wire: &Wire) -> Trouble {
    match wire {
        Wire::Port(_) => (
            words!(
                "Bytes arrive damaged: a loose or long cable, disturbance, or other line settings on one side."
            ),
            vec![
                words!("Press the plugs home on both ends, and keep the cable away from motors and mains."),
                words!(
                    "Were the analyzer's communication settings changed? Speed, parity and bits must be those of the instrument's file."
                ),
                words!("Exchange the cable, then the adapter."),
            ],
        ),
        _ => (
            words!(
                "What arrives isn't what this analyzer should say: another device, or another protocol setting."
            ),
            vec![
                words!(
                    "Were the analyzer's host settings changed? The protocol must be that of the instrument's file."
                ),
                words!("Is something else connected to its converter box?"),
                words!("Tell lab IT what stands under “Odd things on the line”."),
            ],
        ),
    }
}

fn files(cause: Cause) -> Trouble {
    let likely = match cause {
        Cause::NotAllowed => words!("labwire may not read the place where its files are."),
        _ => words!("The place where its files are can't be reached."),
    };
    (
        likely,
        vec![
            words!("Is the computer that writes the files on, and on the network?"),
            words!("Can another computer open that folder or server?"),
            words!(
                "Tell lab IT what stands under “Link”: an expired password and a renamed share look like this."
            ),
        ],
    )
}

fn safe(it: &Analyzer, snapshot: &Snapshot) -> Vec<Words> {
    let on_the_way: i64 = snapshot.destinations.iter().map(|lims| lims.on_their_way()).sum();
    let perhaps_there: i64 = snapshot.destinations.iter().map(|lims| lims.perhaps_there()).sum();
    let received = match it.counts.received {
        0 => words!("Nothing was received from it yet."),
        some => counted!(
            some,
            "{n} result received from it is on this computer's disk.",
            "{n} results received from it are on this computer's disk."
        ),
    };
    let way = match on_the_way {
        0 => Words::none(),
        some => counted!(
            some,
            "{n} of all analyzers' results is still on its way to the LIMS.",
            "{n} of all analyzers' results are still on their way to the LIMS."
        ),
    };
    let live = snapshot.destinations.iter().filter(|lims| lims.is_configured && !lims.is_under_test());
    let yet_to_come = Whereabouts { leave: true, ..Whereabouts::default() };
    let by_hand = live.map(Whereabouts::at).fold(yet_to_come, Whereabouts::and);
    let safe = [
        Words::row([received, way, next::perhaps_there(perhaps_there)], " "),
        words!(
            "What it hasn't sent is on the analyzer alone: don't clear its list or switch it off, and don't run the tests again for this."
        ),
        words!(
            "A result that is sent again with its time is recognised. One without a time may leave a second time, and is then a problem of the kind possible duplicate."
        ),
    ];
    safe.into_iter().chain(by_hand.told()).collect()
}

#[cfg(test)]
mod tests;
