//! MLLP on one connection: no answer before its message is stored, no message settled by another's answer, and the same
//! however the bytes are split. The first byte chooses the settings; the rest is a script (src/driver.rs).
#![no_main]

use std::time::Instant;

use labwire_fuzz::driver::{Reads, Rules, SoFar, play, sends};
use labwire_fuzz::tape::Tape;
use labwire_hl7::transfer::{MllpLink, Release, Settings, SettledBy, Unasked};
use labwire_link::{ParcelId, Sent};
use libfuzzer_sys::fuzz_target;

/// Where the final answer settles.
struct Final;
/// Where any does.
struct First;

fn control_id(number: u64) -> String {
    format!("K{:03}", number % 1000)
}

fn message(number: u64) -> Vec<u8> {
    format!("MSH|^~\\&|labwire||||1||ORU^R01|{}|P|2.5.1\rOBX|1|NM|K||4.1\r", control_id(number)).into_bytes()
}

/// An answer was given to us as `R` and the parcel's number where it was stored, as `F` where it wasn't.
fn may_transmit(bytes: &[u8], so_far: &SoFar) {
    let [0x0B, kind @ (b'R' | b'F'), rest @ ..] = bytes else { return };
    let digits = rest.split(|byte| *byte == b'.').next().unwrap_or_default();
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    let id = ParcelId(number.expect("an answer is sent as it was given"));
    let earned = if *kind == b'R' { &so_far.stored } else { &so_far.failed };
    assert!(earned.contains(&id), "{id:?} is answered and isn't stored");
}

fn may_become(number: u64, sent: &Sent) {
    let (Sent::Answered(content) | Sent::Staged(content)) = sent else { return };
    let named = format!("|{}", control_id(number));
    let names = content.windows(named.len()).any(|place| place == named.as_bytes());
    let is_commit_block = matches!((sent, content.as_slice()), (Sent::Staged(_), [0x06]));
    assert!(names || is_commit_block, "{number} is settled by another's answer");
}

macro_rules! rules {
    ($name:ident, $is_final:expr) => {
        impl Rules for $name {
            fn message(number: u64) -> Vec<u8> {
                message(number)
            }
            fn may_transmit(bytes: &[u8], so_far: &SoFar) {
                may_transmit(bytes, so_far);
            }
            fn may_become(number: u64, sent: &Sent) {
                may_become(number, sent);
            }
            fn is_final(sent: &Sent) -> bool {
                let is_final: fn(&Sent) -> bool = $is_final;
                is_final(sent)
            }
        }
    };
}

rules!(Final, |sent| !matches!(sent, Sent::Staged(_)));
rules!(First, |_| true);

fuzz_target!(|input: &[u8]| {
    let mut tape = Tape(input);
    let (release, unasked, settled_by, bound) =
        (tape.choice(2), tape.choice(2), tape.choice(2), tape.choice(3));
    let script = tape.rest();
    let settings = Settings {
        max_block: [1_000_000, 100, 3][bound],
        max_waiting: 300,
        release: [Release::One, Release::Two][release],
        unasked: [Unasked::Store, Unasked::Discard][unasked],
        settled_by: [SettledBy::FinalAnswer, SettledBy::FirstAnswer][settled_by],
        ..Settings::default()
    };
    #[expect(clippy::disallowed_methods, reason = "the only way to make an Instant; its value is never used")]
    let now = Instant::now();
    let [whole, one_by_one] = [Reads::Whole, Reads::OneByOne].map(|reads| {
        let mut link = MllpLink::new(settings.clone());
        match settings.settled_by {
            SettledBy::FinalAnswer => play::<Final, _>(&mut link, script, reads, now),
            SettledBy::FirstAnswer => play::<First, _>(&mut link, script, reads, now),
        }
    });
    // Between two reads a message of ours may begin, for which the second then brings the answer.
    assert!(sends(script) || whole == one_by_one, "split otherwise, the same bytes do otherwise");
});
