//! Examples worked out by hand, on paper with the bits drawn.

use std::time::Duration;

use super::*;
use crate::chance::Chance;
use Fault::{Break, Framing, Parity as WrongParity};

fn setting(text: &str) -> Setting {
    text.parse().unwrap()
}

fn sent(at: &str, bytes: &[u8]) -> Wire {
    let mut wire = Wire::default();
    wire.idle(Duration::from_millis(1));
    bytes.iter().for_each(|byte| wire.send(setting(at), *byte));
    wire.idle(Duration::from_millis(20));
    wire
}

fn heard(wire: &Wire, at: &str) -> Vec<(u8, Option<Fault>)> {
    read(wire, setting(at)).iter().map(|character| (character.byte, character.fault)).collect()
}

#[test]
fn a_receiver_with_the_senders_setting_reads_every_byte_of_every_setting() {
    for baud in USUAL_BAUDS {
        for form in ["8N1", "8E1", "8O1", "7E1", "7O1", "8N2", "7N2", "7N1", "5N1", "6E2"] {
            let at = format!("{baud},{form}");
            let most = (1_u32 << setting(&at).data_bits) - 1;
            let bytes: Vec<u8> = (0..=most).map(|byte| byte as u8).collect();
            let expected: Vec<_> = bytes.iter().map(|byte| (*byte, None)).collect();
            assert_eq!(heard(&sent(&at, &bytes), &at), expected, "{at}");
        }
    }
}

/// ENQ (05) is ‾|_|‾|_|‾|_____|‾ : start 0, then 1 0 1 0 0 0 0 0, stop 1.
#[test]
fn enq_at_9600_is_read_otherwise_at_other_speeds() {
    let enq = sent("9600,8N1", &[0x05]);
    // Each bit is two bits long: 0 | 0 1 1 0 0 1 1 0 | 0, which is 66 without a stop bit; the line rises before it falls again.
    assert_eq!(heard(&enq, "19200,8N1"), [(0x66, Some(Framing))]);
    // At four times the speed: 0 | 0 0 0 1 1 1 1 0 | 0 (78 without a stop bit). The next fall is that of the five zeros, 20 bits
    // long: a break.
    assert_eq!(heard(&enq, "38400,8N1"), [(0x78, Some(Framing)), (0x00, Some(Break))]);
}

/// At half the speed a bit of the receiver's is two of the sender's, and it looks just after the edge between them.
#[test]
fn enq_at_9600_is_read_at_4800_by_every_second_bit() {
    // s=0 1 0 1 0 0 0 0 0 stop=1 1 1 …: the bits number 1, 3, 5 … of which the first, the start bit, is 1: no start bit. The
    // next fall is bit 2; from there 3, 5, 7, 9 … are looked at: 1 again. Then bit 4: 5 is the start bit; 7, 9, 11 …: 0 1 1 1 …
    assert_eq!(heard(&sent("9600,8N1", &[0x05]), "4800,8N1"), [(0xFE, None)]);
}

#[test]
fn two_characters_in_a_row_run_together_at_half_the_speed() {
    // 55 is 0 1 0 1 0 1 0 1 0 1: nothing of it is long enough for a start bit. 00 is 0 eight times, and a stop bit.
    // From the fall of 00's start bit: bits 1, 3, 5, 7 are 0, and 9 is the stop bit: start 0, then 0 0 0 1 1 1 1 1.
    assert_eq!(heard(&sent("9600,8N1", &[0x55, 0x00]), "4800,8N1"), [(0xF8, None)]);
    // 00 00: 0×9, 1, 0×9, 1. Looked at from 1: 0 | 0 0 0 1(9) 0(11) 0 0 0 | 1(19).
    assert_eq!(heard(&sent("9600,8N1", &[0x00, 0x00]), "4800,8N1"), [(0x08, None)]);
}

#[test]
fn parity_shows_as_the_eighth_bit_or_as_an_error() {
    // 05 has two ones: even parity adds 0, odd parity adds 1. 04 has one.
    let (even, odd) = (sent("9600,7E1", &[0x05, 0x04]), sent("9600,7O1", &[0x05, 0x04]));
    assert_eq!(heard(&even, "9600,8N1"), [(0x05, None), (0x84, None)]);
    assert_eq!(heard(&odd, "9600,8N1"), [(0x85, None), (0x04, None)]);
    assert_eq!(heard(&even, "9600,7O1"), [(0x05, Some(WrongParity)), (0x04, Some(WrongParity))]);
    // With eight data bits and parity, a parity bit of 0 stands where 8N1 expects the stop bit.
    assert_eq!(heard(&sent("9600,8E1", &[0x05]), "9600,8N1"), [(0x05, Some(Framing))]);
    assert_eq!(heard(&sent("9600,8O1", &[0x05]), "9600,8N1"), [(0x05, None)]);
    // 8N1 has its stop bit where 8E1 looks for parity, and idles where that looks for a stop bit: 05 wants 0 and finds 1.
    assert_eq!(heard(&sent("9600,8N1", &[0x05]), "9600,8E1"), [(0x05, Some(WrongParity))]);
}

#[test]
fn stop_bits_and_spaces_between_characters_are_told_by_no_receiver() {
    let bytes = b"H|\\^&|||H500";
    assert_eq!(heard(&sent("9600,8N2", bytes), "9600,8N1"), heard(&sent("9600,8N1", bytes), "9600,8N1"));
    // A first stop bit is an eighth data bit to whoever expects one, and a second one its stop bit.
    let marked: Vec<_> = bytes.iter().map(|byte| (byte | 0x80, None)).collect();
    assert_eq!(heard(&sent("9600,7N2", bytes), "9600,8N1"), marked);
    // 7N1 in a row lacks that one: where a stop bit is expected, the next character begins.
    assert!(heard(&sent("9600,7N1", b"AA"), "9600,8N1").contains(&(0xC1, Some(Framing))));
    let slow = Sender { longest_gap: Duration::from_millis(9), ..Sender::plain(setting("9600,8N1")) };
    let mut wire = Wire::default();
    let other = OtherEnd { is_ready: true, has_spoken: false };
    slow.say(bytes, other, &mut wire, &mut Chance::seeded(3));
    assert_eq!(heard(&wire, "9600,8N1"), bytes.map(|byte| (byte, None)));
}

#[test]
fn a_break_is_one_character_however_long_it_lasts() {
    let mut wire = sent("9600,8N1", b"A");
    wire.send_break(Duration::from_millis(500));
    wire.idle(Duration::from_millis(1));
    wire.send(setting("9600,8N1"), b'B');
    assert_eq!(heard(&wire, "9600,8N1"), [(b'A', None), (0, Some(Break)), (b'B', None)]);
}

#[test]
fn a_clock_may_be_off_by_two_in_a_hundred_and_not_by_six() {
    let other = OtherEnd { is_ready: true, has_spoken: false };
    let read_of = |fast| {
        let mut wire = Wire::default();
        let sender = Sender { fast, ..Sender::plain(setting("9600,8N1")) };
        sender.say(b"U\xAA\x05\x80", other, &mut wire, &mut Chance::seeded(1));
        heard(&wire, "9600,8N1")
    };
    let right: Vec<_> = b"U\xAA\x05\x80".iter().map(|byte| (*byte, None)).collect();
    assert_eq!(read_of(20_000), right);
    assert_eq!(read_of(-20_000), right);
    assert_ne!(read_of(60_000), right);
    assert_ne!(read_of(-60_000), right);
}

#[test]
fn a_spark_alters_a_bit_and_a_shorter_one_nothing() {
    let bit = Duration::from_nanos(104_167);
    let mut wire = sent("9600,8N1", b"A");
    // A is 41: the middle of its bit 1, which is 0, lies two bits and a half after its start at 1 ms.
    wire.strike(Duration::from_millis(1) + bit * 2, bit);
    assert_eq!(heard(&wire, "9600,8N1"), [(0x43, None)]);
    let mut wire = sent("9600,8N1", b"A");
    wire.strike(Duration::from_micros(500), Duration::from_micros(20));
    assert_eq!(heard(&wire, "9600,8N1"), [(0x41, None)]);
}

#[test]
fn a_wrong_cable_brings_nothing_or_noise_or_ones_own_words() {
    let (theirs, ours) = (sent("9600,8N1", b"H|\\^&|||theirs"), sent("9600,8N1", b"ours"));
    let through = |cable: Cable| {
        let found = cable.carries(&theirs, &ours, &mut Chance::seeded(5));
        (heard(&found, "9600,8N1"), found)
    };
    assert_eq!(through(Cable::Right).1, theirs);
    assert_eq!(through(Cable::Swapped).0, []);
    assert_eq!(through(Cable::LoopedBack).0, b"ours".map(|byte| (byte, None)));
    let (noise, _) = through(Cable::NoGround);
    assert!(noise.len() > 1 && noise != heard(&theirs, "9600,8N1"), "{noise:?}");
    // At rest an inverted wire is a break; what follows is no text.
    let (inverted, wire) = through(Cable::Inverted);
    assert_eq!(inverted.first(), Some(&(0, Some(Break))));
    assert_ne!(inverted.get(1..), Some(heard(&theirs, "9600,8N1").as_slice()));
    assert_eq!(wire.inverted(), theirs);
}

#[test]
fn a_device_that_waits_says_nothing() {
    let said = |sender: Sender, other| {
        let mut wire = Wire::default();
        sender.say(b"\x05", other, &mut wire, &mut Chance::seeded(1));
        heard(&wire, "9600,8N1")
    };
    let plain = Sender::plain(setting("9600,8N1"));
    let waits = Sender { waits_for_ready: true, ..plain };
    let answers = Sender { speaks: Speaks::WhenSpokenTo, ..plain };
    let (nobody, ready, asking) = (
        OtherEnd { is_ready: false, has_spoken: false },
        OtherEnd { is_ready: true, has_spoken: false },
        OtherEnd { is_ready: false, has_spoken: true },
    );
    assert_eq!(
        [said(plain, nobody).len(), said(waits, nobody).len(), said(answers, nobody).len()],
        [1, 0, 0]
    );
    assert_eq!(
        [said(waits, ready).len(), said(answers, ready).len(), said(answers, asking).len()],
        [1, 0, 1]
    );
}

#[test]
fn linux_marks_drops_zeroes_or_hides_errors() {
    let character = |byte, fault| Character { at: Duration::ZERO, byte, fault };
    let characters = [
        character(b'A', None),
        character(0xFF, None),
        character(b'B', Some(WrongParity)),
        character(b'C', Some(Framing)),
        character(0, Some(Break)),
    ];
    for (marking, expected) in [
        (Marking::Marked, &b"A\xFF\xFF\xFF\0B\xFF\0C\xFF\0\0"[..]),
        (Marking::Dropped, b"A\xFF\0"),
        (Marking::Zeroed, b"A\xFF\0\0\0"),
        (Marking::Unseen, b"A\xFFBC\0"),
    ] {
        assert_eq!(handed_over(&characters, marking), expected, "{marking:?}");
    }
}

#[test]
fn a_setting_is_read_as_it_is_written() {
    for text in ["9600,8N1", "1200,7E2", "115200,5O1"] {
        assert_eq!(setting(text).to_string(), text);
    }
    for wrong in ["9600", "9600,9N1", "0,8N1", "9600,8X1", "9600,8N3", "9600,8N1x", ",8N1"] {
        assert!(wrong.parse::<Setting>().unwrap_err().contains("9600,8N1"), "{wrong}");
    }
}
