//! LIS01 on one connection: no acknowledgement while a frame is being stored, each message settled once, and the same
//! however the bytes are split. The first bytes choose the settings; the rest is a script (src/driver.rs).
#![no_main]

use std::time::Instant;

use labwire_astm::transfer::{AstmLink, Emit, EndMark, RecordEnd, Settings, Tolerances};
use labwire_fuzz::driver::{Reads, Rules, SoFar, play, sends};
use labwire_fuzz::tape::Tape;
use labwire_link::{Action, Sent};
use libfuzzer_sys::fuzz_target;

const STX: u8 = 0x02;
const ENQ: u8 = 0x05;
const ACK: u8 = 0x06;
/// In a script.
const TIME_PASSES: u8 = 0xF5;

struct Lis01;

impl Rules for Lis01 {
    fn message(number: u64) -> Vec<u8> {
        format!("H|\\^&|||labwire\rO|1|EX{number}||^^^K|R\rL|1|N\r").into_bytes()
    }

    fn may_transmit(bytes: &[u8], so_far: &SoFar) {
        // Records without frames are never acknowledged, so they don't keep a frame waiting.
        let waits = so_far.storing.iter().any(|parcel| parcel.raw.first() == Some(&STX));
        assert!(bytes != [ACK] || !waits, "acknowledged before it is stored");
    }

    fn may_become(_: u64, sent: &Sent) {
        assert!(!matches!(sent, Sent::Answered(_) | Sent::Staged(_)), "LIS01 knows no such answer");
    }

    fn is_final(_: &Sent) -> bool {
        true
    }
}

fuzz_target!(|input: &[u8]| {
    let mut tape = Tape(input);
    let mut on = || tape.choice(2) == 1;
    let tolerances = Tolerances {
        lower_case_checksum: on(),
        noise_before_frame: on(),
        restart_by_enq: on(),
        keep_alive: on(),
        missing_cr_lf: on(),
        missing_checksum: on(),
        missing_eot: on(),
        raw_records: on(),
    };
    let (end_mark, record_end, small) = (on(), on(), on());
    let script = tape.rest();
    let settings = Settings {
        max_frame_text: if small { 20 } else { 64_000 },
        max_transfer: if small { 100 } else { 1_000_000 },
        emit: Emit {
            max_text: if small { 5 } else { 240 },
            record_end: if record_end { RecordEnd::Etb } else { RecordEnd::Etx },
        },
        end_mark: if end_mark { EndMark::EndOfTransfer } else { EndMark::LastRecord },
        tolerances,
        ..Settings::default()
    };
    #[expect(clippy::disallowed_methods, reason = "the only way to make an Instant; its value is never used")]
    let now = Instant::now();
    for reads in [Reads::Whole, Reads::OneByOne] {
        play::<Lis01, _>(&mut AstmLink::new(settings.clone()), script, reads, now);
    }
    // Whether an answer is owed a moment later hangs on what was read together, and then that moment is the next deadline: what
    // is compared ends where time passes.
    let script = match script.contains(&ENQ) {
        true => script.split(|byte| *byte == TIME_PASSES).next().unwrap_or_default(),
        false => script,
    };
    let [whole, one_by_one] = [Reads::Whole, Reads::OneByOne]
        .map(|reads| play::<Lis01, _>(&mut AstmLink::new(settings.clone()), script, reads, now));
    // Between two reads a message of ours may begin, for which the second then brings the answer. What the peer has given up
    // is answered where it isn't known yet that it asks for the line again.
    let alike =
        whole == one_by_one || script.contains(&ENQ) && but_answers(&whole) == but_answers(&one_by_one);
    assert!(sends(script) || alike, "split otherwise, the same bytes do otherwise");
});

fn but_answers(actions: &[Action]) -> Vec<&Action> {
    let is_answer = |action: &Action| match action {
        Action::Transmit(_) => true,
        Action::Note(note) => ["answered-too-late", "answered-before"].contains(&note.code),
        _ => false,
    };
    actions.iter().filter(|action| !is_answer(action)).collect()
}
