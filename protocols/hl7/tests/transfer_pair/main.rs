//! A sender against a receiver in virtual time, over connections that are late, odd, doubled and cut, with a disk that is
//! slow and fails. What must hold of every message, whatever the seed:
//!
//! - it is credited only by an answer that names it, and only once it is on disk;
//! - it was stored exactly as often as it was acknowledged, but for those times when nobody could be told any more;
//! - nothing was stored that wasn't sent, whole and byte for byte.
//!
//! `LABWIRE_TRANSFERS` sets how many messages are tried, `LABWIRE_SEED` the first seed.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a simulation may fail loudly"
)]

mod broken;
mod line;
mod world;

use std::time::Instant;

use broken::{Broken, Mistake};
use labwire_hl7::transfer::MllpLink;
use labwire_link::Link;
use world::{MESSAGES, Side, Tally, Trouble, World};

#[test]
fn every_message_is_stored_as_often_as_it_is_acknowledged_and_credited_only_to_itself() {
    let messages = number("LABWIRE_TRANSFERS", 10_000);
    let first = number("LABWIRE_SEED", 0);
    let mut all = Tally::default();
    for seed in first..first + messages.div_ceil(MESSAGES as u64) {
        match sound_world(seed, Trouble::Seeded).run() {
            Ok(tally) => all.add(tally),
            Err(broken_promise) => panic!("seed {seed}: {broken_promise}"),
        }
    }
    println!("{all:?}");
    for outcome in ["delivered", "refused", "refused by an answer", "unknown", "message stored again"] {
        assert!(all.outcomes.contains_key(outcome), "no message was ever {outcome}");
    }
    assert!(!all.outcomes.contains_key("never"));
    let notes = [
        "broken-off",
        "empty-block",
        "garbled-answer",
        "mismatched-answer",
        "missing-cr",
        "missing-vt",
        "no-answer",
        "noise",
        "not-connected",
        "not-stored",
        "restarted",
        "stray-answer",
        "stray-commit",
        "stray-line-end",
    ];
    for note in notes {
        assert!(all.notes.contains_key(note), "`{note}` never happened: the faults don't bite");
    }
}

#[test]
fn where_nothing_goes_wrong_every_message_is_delivered_once() {
    for seed in 0..200 {
        let tally = sound_world(seed, Trouble::None).run().unwrap();
        assert_eq!(tally.outcomes.get("delivered"), Some(&MESSAGES), "seed {seed}: {tally:?}");
        assert_eq!(tally.outcomes.get("message stored again"), None, "seed {seed}: {tally:?}");
        assert!(tally.notes.is_empty(), "seed {seed}: {tally:?}");
    }
}

#[test]
fn a_receiver_that_acknowledges_before_storing_is_caught() {
    assert_caught(Mistake::AcknowledgesBeforeStoring, Side::Receiver);
}

#[test]
fn a_sender_that_takes_any_answer_for_its_own_is_caught() {
    assert_caught(Mistake::CreditsAnyAnswer, Side::Sender);
}

#[test]
fn a_receiver_that_takes_half_a_block_for_a_message_is_caught() {
    assert_caught(Mistake::TakesHalves, Side::Receiver);
}

#[test]
fn a_receiver_that_answers_twice_is_caught() {
    assert_caught(Mistake::AnswersTwice, Side::Receiver);
}

#[test]
fn a_receiver_that_alters_a_byte_is_caught() {
    assert_caught(Mistake::AltersContent, Side::Receiver);
}

fn sound_world(seed: u64, trouble: Trouble) -> World {
    World::new(seed, trouble, start(), |_, settings| Box::new(MllpLink::new(settings)))
}

fn assert_caught(mistake: Mistake, side: Side) {
    let make = |which, settings| -> Box<dyn Link> {
        let link = MllpLink::new(settings);
        if which == side { Box::new(Broken::new(link, mistake)) } else { Box::new(link) }
    };
    let caught = (0..2_000).find_map(|seed| World::new(seed, Trouble::Seeded, start(), make).run().err());
    println!("{mistake:?}: {}", caught.unwrap_or_else(|| panic!("{mistake:?} was never noticed")));
}

#[expect(clippy::disallowed_methods, reason = "the only way to make an Instant; only differences are used")]
fn start() -> Instant {
    Instant::now()
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
