//! What holds for any bytes at all: the same actions however they are split, bounded memory, linear time, and
//! no damaged frame taken for a sound one.

use std::time::Instant;

use labwire_link::{Action, Input, Link, ParcelId, Receipt, Reply};
use proptest::prelude::*;

use super::script::bytes;
use crate::transfer::control::{CR, ENQ, ETX, is_forbidden};
use crate::transfer::note::Note;
use crate::transfer::{AstmLink, FRAMING, Frame, FrameEnd, FrameNumber, Settings, Tolerances};

/// An instant to start at; only differences of it are ever used.
#[expect(clippy::disallowed_methods, reason = "the only way to make an Instant")]
pub(super) fn start() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "the test is the journal")]
fn sign(parcel: ParcelId) -> Receipt {
    Receipt::sign(parcel)
}

fn drain(link: &mut AstmLink) -> Vec<Action> {
    std::iter::from_fn(|| link.poll()).collect()
}

/// Everything the link does with these reads; each parcel is stored before the next of `bursts` arrives.
fn actions<'a>(settings: &Settings, bursts: impl IntoIterator<Item = Vec<&'a [u8]>>) -> Vec<Action> {
    let now = start();
    let mut link = AstmLink::new(settings.clone());
    link.handle(now, Input::Connected);
    let mut all = Vec::new();
    for reads in bursts {
        for read in reads {
            link.handle(now, Input::Bytes(read));
            all.extend(drain(&mut link));
        }
        let mut settled = 0;
        while settled < all.len() {
            if let Action::Store(parcel) = &all[settled] {
                link.handle(now, Input::Stored(sign(parcel.id), Reply::Protocol));
                all.extend(drain(&mut link));
            }
            settled += 1;
        }
    }
    all
}

/// Cuts a burst into reads of the given sizes, over and over.
fn split<'a>(burst: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = burst;
    let mut reads = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (read, after) = rest.split_at((*size).min(rest.len()));
        reads.push(read);
        rest = after;
    }
    reads
}

fn stored(actions: &[Action]) -> Vec<Vec<u8>> {
    let raw = |action: &Action| match action {
        Action::Store(parcel) => Some(parcel.raw.clone()),
        _ => None,
    };
    actions.iter().filter_map(raw).collect()
}

fn all_but_answers(actions: &[Action]) -> Vec<&Action> {
    let no_answer = [Note::AnsweredTooLate, Note::AnsweredBefore].map(Action::from);
    let is_answer = |action: &Action| matches!(action, Action::Transmit(_)) || no_answer.contains(action);
    actions.iter().filter(|action| !is_answer(action)).collect()
}

fn frame_text() -> impl Strategy<Value = Vec<u8>> {
    let byte = any::<u8>().prop_filter("text carries no control bytes", |&byte| !is_forbidden(byte));
    proptest::collection::vec(byte, 0..60)
}

fn frame_end() -> impl Strategy<Value = FrameEnd> {
    prop_oneof![Just(FrameEnd::Complete), Just(FrameEnd::Continued)]
}

/// What a line may carry: control bytes, sound frames, pieces of frames, noise.
fn line_noise() -> impl Strategy<Value = Vec<u8>> {
    let frame = (b'0'..=b'7', frame_text(), frame_end()).prop_map(|(digit, text, end)| {
        Frame { number: FrameNumber::from_digit(digit).unwrap(), text: &text, end }.emit()
    });
    let words = ["ENQ", "EOT", "ACK", "NAK", "STX", "ETX", "ETB", "CR", "LF", "ENQ 1:L|1\\r ETX"];
    let item = prop_oneof![
        3 => proptest::sample::select(words.to_vec()).prop_map(bytes),
        3 => frame,
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(item, 0..12).prop_map(|items| items.concat())
}

fn tolerances() -> impl Strategy<Value = Tolerances> {
    any::<[bool; 8]>().prop_map(|on| Tolerances {
        lower_case_checksum: on[0],
        noise_before_frame: on[1],
        restart_by_enq: on[2],
        keep_alive: on[3],
        missing_cr_lf: on[4],
        missing_checksum: on[5],
        missing_eot: on[6],
        raw_records: on[7],
    })
}

proptest! {
    #[test]
    fn a_frame_is_parsed_as_it_was_emitted(digit in b'0'..=b'7', text in frame_text(), end in frame_end()) {
        let frame = Frame { number: FrameNumber::from_digit(digit).unwrap(), text: &text, end };
        let raw = frame.emit();
        prop_assert_eq!(Frame::parse(&raw, &Tolerances::default()), Ok((frame, None)));
    }

    #[test]
    fn any_split_of_the_same_bytes_gives_the_same_actions(
        bursts in proptest::collection::vec(line_noise(), 1..4),
        sizes in proptest::collection::vec(1_usize..9, 1..6),
        tolerances in tolerances(),
    ) {
        let settings = Settings { tolerances, max_frame_text: 50, ..Settings::default() };
        let whole = actions(&settings, bursts.iter().map(|burst| vec![burst.as_slice()]));
        let by_byte = actions(&settings, bursts.iter().map(|burst| burst.chunks(1).collect()));
        let split = actions(&settings, bursts.iter().map(|burst| split(burst, &sizes)));
        prop_assert_eq!(all_but_answers(&whole), all_but_answers(&by_byte));
        prop_assert_eq!(all_but_answers(&whole), all_but_answers(&split));
        // Whether the peer asks for the line again is known when that has arrived.
        if !bursts.iter().any(|burst| burst.iter().skip(1).any(|byte| *byte == ENQ)) {
            prop_assert_eq!(&whole, &by_byte);
            prop_assert_eq!(&whole, &split);
        }
    }

    #[test]
    fn arbitrary_bytes_never_fill_the_memory(
        noise in proptest::collection::vec(line_noise(), 0..20), tolerances in tolerances(),
    ) {
        let settings = Settings { tolerances, max_frame_text: 50, ..Settings::default() };
        let mut link = AstmLink::new(settings);
        let now = start();
        let opening = [bytes("ENQ STX")];
        for read in opening.iter().chain(&noise) {
            link.handle(now, Input::Bytes(read));
            drain(&mut link);
            prop_assert!(link.buffered() <= 2 * (50 + FRAMING));
        }
    }

    #[test]
    fn a_frame_with_one_flipped_bit_is_stored_as_it_was_or_not_at_all(
        text in "[A-Za-z0-9|^& ]{0,30}\r", end in frame_end(), at in any::<proptest::sample::Index>(), bit in 0_u8..8,
    ) {
        let raw = Frame { number: FrameNumber::FIRST, text: text.as_bytes(), end }.emit();
        let mut damaged = raw.clone();
        damaged[at.index(raw.len())] ^= 1 << bit;
        let line = [bytes("ENQ"), damaged, bytes("EOT")];
        let actions = actions(&Settings::default(), line.iter().map(|read| vec![read.as_slice()]));
        for stored in stored(&actions) {
            let (frame, _) = Frame::parse(&stored, &Tolerances::default()).unwrap();
            prop_assert_eq!(frame, Frame { number: FrameNumber::FIRST, text: text.as_bytes(), end });
        }
    }

    #[test]
    fn a_frame_with_one_lost_byte_is_never_stored(
        text in "[A-Za-z0-9|^& ]{0,30}\r", at in any::<proptest::sample::Index>(),
    ) {
        let mut raw = Frame { number: FrameNumber::FIRST, text: text.as_bytes(), end: FrameEnd::Complete }.emit();
        raw.remove(at.index(raw.len()));
        let line = [bytes("ENQ"), raw, bytes("EOT")];
        let actions = actions(&Settings::default(), line.iter().map(|read| vec![read.as_slice()]));
        prop_assert_eq!(stored(&actions), Vec::<Vec<u8>>::new());
    }
}

#[test]
fn every_single_bit_of_a_frame_matters() {
    let raw = bytes(r"1:H|\^&|||ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789bcde@|P|1\r ETX");
    let mut settings = Settings::default();
    settings.tolerances.lower_case_checksum = false;
    for at in 0..raw.len() {
        for bit in 0..8 {
            let mut damaged = raw.clone();
            damaged[at] ^= 1 << bit;
            let line = [bytes("ENQ"), damaged];
            let actions = actions(&settings, line.iter().map(|read| vec![read.as_slice()]));
            assert_eq!(stored(&actions), Vec::<Vec<u8>>::new(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn endless_text_is_read_in_linear_time_and_bounded_memory() {
    let mut link = AstmLink::new(Settings::default());
    let now = start();
    link.handle(now, Input::Bytes(&bytes("ENQ STX")));
    for _ in 0..2_000_000 {
        link.handle(now, Input::Bytes(b"x"));
    }
    assert!(link.buffered() <= Settings::default().max_frame_text + FRAMING);
    link.handle(now, Input::Bytes(&[ETX, b'0', b'0', CR, b'\n']));
    let refused: Vec<Action> = drain(&mut link).into_iter().skip(2).collect();
    assert!(
        matches!(&refused[..], [Action::Note(note), Action::Transmit(_)] if note.code == "oversize-frame")
    );
}
