//! Two links against each other in virtual time, over a line that damages, delays and loses, with disks that
//! are slow and fail. What must hold of every message, whatever the seed:
//!
//! - delivered: it was stored exactly once, byte for byte;
//! - refused or interrupted: it wasn't stored; unknown: at most once;
//! - nothing was stored that wasn't sent.
//!
//! `LABWIRE_TRANSFERS` sets how many transfers are tried, `LABWIRE_SEED` the first seed.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a simulation may fail loudly"
)]

mod broken;
mod journal;
mod line;
mod world;

use std::time::{Duration, Instant};

use broken::{Broken, Mistake};
use labwire_astm::transfer::{AstmLink, Settings};
use labwire_link::Link;
use world::{MESSAGES, Tally, Trouble, World};

#[test]
fn every_delivered_message_is_stored_exactly_once() {
    let transfers = number("LABWIRE_TRANSFERS", 10_000);
    let first = number("LABWIRE_SEED", 0);
    let mut all = Tally::default();
    for seed in first..first + transfers.div_ceil(MESSAGES as u64) {
        match sound_world(seed, Trouble::Seeded).run() {
            Ok(tally) => all.add(tally),
            Err(broken_promise) => panic!("seed {seed}: {broken_promise}"),
        }
    }
    println!("{all:?}");
    for outcome in ["delivered", "refused", "unknown", "interrupted"] {
        assert!(all.outcomes.contains_key(outcome), "no message was ever {outcome}");
    }
    let notes = [
        "answered-too-late",
        "bad-checksum",
        "bad-frame-end",
        "broken-frame",
        "busy",
        "contention",
        "frame-refused",
        "garbled-answer",
        "interrupted",
        "no-answer",
        "noise",
        "not-stored",
        "peer-busy",
        "repeated-frame",
        "restarted",
    ];
    for note in notes {
        assert!(all.notes.contains_key(note), "`{note}` never happened: the faults don't bite");
    }
}

#[test]
fn where_nothing_goes_wrong_every_message_is_delivered() {
    for seed in 0..200 {
        let tally = sound_world(seed, Trouble::None).run().unwrap();
        assert_eq!(tally.outcomes.get("delivered"), Some(&MESSAGES), "seed {seed}: {tally:?}");
    }
}

#[test]
fn what_crosses_an_answer_is_stored_exactly_once_all_the_same() {
    let mut all = Tally::default();
    for seed in 0..1_000 {
        match sound_world(seed, Trouble::Crossing).run() {
            Ok(tally) => all.add(tally),
            Err(broken_promise) => panic!("seed {seed}: {broken_promise}"),
        }
    }
    println!("{all:?}");
    assert!(all.notes.contains_key("answered-before"), "no answer ever crossed a question");
}

#[test]
fn a_receiver_that_answers_at_once_what_crossed_its_answer_is_caught() {
    let hasty = |mut settings: Settings| -> Box<dyn Link> {
        settings.timing.quiet = Duration::ZERO;
        Box::new(AstmLink::new(settings))
    };
    let caught = (0..1_000).find_map(|seed| World::new(seed, Trouble::Crossing, start(), hasty).run().err());
    println!("{}", caught.unwrap());
}

#[test]
fn a_receiver_that_acknowledges_before_storing_is_caught() {
    assert_caught(Mistake::AcknowledgesBeforeStoring);
}

#[test]
fn a_receiver_that_stores_repetitions_is_caught() {
    assert_caught(Mistake::StoresRepetitions);
}

#[test]
fn a_sender_that_takes_nak_for_ack_is_caught() {
    assert_caught(Mistake::TakesNakForAck);
}

#[test]
fn a_receiver_that_alters_a_byte_is_caught() {
    assert_caught(Mistake::AltersContent);
}

#[test]
fn a_receiver_that_checks_no_sums_is_caught() {
    let unchecked = |mut settings: Settings| -> Box<dyn Link> {
        settings.tolerances.missing_checksum = true;
        settings.tolerances.missing_cr_lf = true;
        Box::new(AstmLink::new(settings))
    };
    assert!((0..2_000).any(|seed| World::new(seed, Trouble::Seeded, start(), unchecked).run().is_err()));
}

fn sound_world(seed: u64, trouble: Trouble) -> World {
    World::new(seed, trouble, start(), |settings| Box::new(AstmLink::new(settings)))
}

fn assert_caught(mistake: Mistake) {
    let broken = |settings| -> Box<dyn Link> { Box::new(Broken::new(AstmLink::new(settings), mistake)) };
    let caught = (0..2_000).find_map(|seed| World::new(seed, Trouble::Seeded, start(), broken).run().err());
    println!("{mistake:?}: {}", caught.unwrap_or_else(|| panic!("{mistake:?} was never noticed")));
}

impl Tally {
    fn add(&mut self, other: Tally) {
        for (outcome, times) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += times;
        }
        for (note, times) in other.notes {
            *self.notes.entry(note).or_default() += times;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the only way to make an Instant; only differences are used")]
fn start() -> Instant {
    Instant::now()
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
