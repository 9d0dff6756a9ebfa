//! How scripts write what passes between ASTM neighbours; their language is the stage's.
//!
//! ```text
//! > ENQ                      bytes from the peer, in one read: control bytes, whole frames, "escaped\rbytes"
//! > 1:H|\^&\r ETX            a whole frame, its checksum included; `bad 1:… ETX` has a wrong one
//! > STX "1H|\^&\r" ETX SUM   the same, without its CR LF
//! send ACK                   expected of the link, written in the same way
//! ```

use labwire_stage::{Read, Tongue, play, unescape};

use crate::transfer::control::{ACK, CR, ENQ, EOT, ETB, ETX, LF, NAK, STX};
use crate::transfer::{AstmLink, Frame, FrameEnd, FrameNumber, Settings};

/// Plays the script with the standard's settings.
pub(super) fn check(script: &str) {
    check_with(|_| (), script);
}

/// Plays the script with some settings changed.
pub(super) fn check_with(change: impl Fn(&mut Settings), script: &str) {
    check_read(&[Read::Whole, Read::ByteByByte], &change, script);
}

/// Plays a script in which it matters what was read together.
pub(super) fn check_whole(script: &str) {
    check_read(&[Read::Whole], |_| (), script);
}

fn check_read(reads: &[Read], change: impl Fn(&mut Settings), script: &str) {
    let link = || {
        let mut settings = Settings::default();
        change(&mut settings);
        AstmLink::new(settings)
    };
    play::<Astm>(link, reads, script);
}

struct Astm;

impl Tongue for Astm {
    type Link = AstmLink;

    fn bytes(line: &str) -> Vec<u8> {
        bytes(line)
    }

    fn sent(bytes: &[u8]) -> String {
        bytes.escape_ascii().to_string()
    }

    fn expected(text: &str) -> String {
        bytes(text).escape_ascii().to_string()
    }
}

/// The bytes that a line of the script stands for.
pub(super) fn bytes(mut line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !line.is_empty() {
        let (more, rest) = match line.strip_prefix("SUM") {
            Some(rest) => (checksum(&bytes), rest),
            None => item(line),
        };
        bytes.extend(more);
        line = rest.trim_start();
    }
    bytes
}

/// The checksum of the frame that the last STX began, as it stands on the line.
fn checksum(bytes: &[u8]) -> Vec<u8> {
    let frame = bytes.rsplit(|&byte| byte == STX).next().unwrap_or_default();
    let sum = frame.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte));
    format!("{sum:02X}").into_bytes()
}

fn item(line: &str) -> (Vec<u8>, &str) {
    if let Some(quoted) = line.strip_prefix('"') {
        let (text, rest) = quoted.split_once('"').expect("a closing quote");
        return (unescape(text), rest);
    }
    if let Some(frame) = line.strip_prefix("bad ") {
        let (mut raw, rest) = item(frame);
        let digit = raw.len() - 3;
        raw[digit] = if raw[digit] == b'0' { b'1' } else { b'0' };
        return (raw, rest);
    }
    if line.as_bytes().get(1) == Some(&b':') {
        return frame(line);
    }
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    (vec![control(word)], rest)
}

fn frame(line: &str) -> (Vec<u8>, &str) {
    let ends = [(" ETX", FrameEnd::Complete), (" ETB", FrameEnd::Continued)];
    let found =
        ends.iter().filter_map(|(word, end)| Some((line.find(word)?, *end))).min_by_key(|(at, _)| *at);
    let (at, end) = found.expect("ETX or ETB at the end of the frame");
    let (text, rest) = line.split_at(at);
    let number = FrameNumber::from_digit(line.as_bytes()[0]).expect("a frame number");
    let text = unescape(text.split_at(2).1);
    (Frame { number, text: &text, end }.emit(), rest.split_at(4).1)
}

fn control(word: &str) -> u8 {
    match word {
        "STX" => STX,
        "ETX" => ETX,
        "EOT" => EOT,
        "ENQ" => ENQ,
        "ACK" => ACK,
        "LF" => LF,
        "CR" => CR,
        "NAK" => NAK,
        "ETB" => ETB,
        _ => panic!("no such byte: {word}"),
    }
}
