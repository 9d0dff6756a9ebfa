//! How scripts write what passes over MLLP; their language is the stage's.
//!
//! ```text
//! > VT "MSH|^~\&|\r" FS CR   bytes from the peer, in one read
//! > block MSH|^~\&|\r        the same, to the end of the line
//! send one                   expected of the link: a block of this text; `ACK` and `NAK` for commit blocks
//! ```

use labwire_stage::{Read, Tongue, play, show, unescape};

use crate::transfer::control::{ACK, CR, FS, LF, NAK, VT, block};
use crate::transfer::{MllpLink, Settings};

/// Plays the script with the usual settings.
pub(super) fn check(script: &str) {
    check_with(|_| (), script);
}

/// Plays the script with some settings changed.
pub(super) fn check_with(change: impl Fn(&mut Settings), script: &str) {
    let link = || {
        let mut settings = Settings::default();
        change(&mut settings);
        MllpLink::new(settings)
    };
    play::<Mllp>(link, &[Read::Whole, Read::ByteByByte], script);
}

struct Mllp;

impl Tongue for Mllp {
    type Link = MllpLink;

    fn bytes(line: &str) -> Vec<u8> {
        bytes(line)
    }

    fn sent(bytes: &[u8]) -> String {
        match bytes {
            [VT, ACK, FS, CR] => "ACK".to_owned(),
            [VT, NAK, FS, CR] => "NAK".to_owned(),
            [VT, text @ .., FS, CR] => show(text),
            bytes => format!("no block: {}", show(bytes)),
        }
    }
}

/// The bytes that a line of the script stands for.
pub(super) fn bytes(mut line: &str) -> Vec<u8> {
    if let Some(text) = line.strip_prefix("block ") {
        return block(&unescape(text));
    }
    let mut bytes = Vec::new();
    while !line.is_empty() {
        let rest = if let Some(quoted) = line.strip_prefix('"') {
            let (text, rest) = quoted.split_once('"').expect("a closing quote");
            bytes.extend(unescape(text));
            rest
        } else {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            bytes.push(control(word));
            rest
        };
        line = rest.trim_start();
    }
    bytes
}

fn control(word: &str) -> u8 {
    match word {
        "VT" => VT,
        "FS" => FS,
        "CR" => CR,
        "LF" => LF,
        "ACK" => ACK,
        "NAK" => NAK,
        _ => panic!("no such byte: {word}"),
    }
}
