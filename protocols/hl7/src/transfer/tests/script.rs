//! The language of the scripts: what the peer and the driver do, and every single action that must follow.
//!
//! ```text
//! > VT "MSH|^~\&|\r" FS CR   bytes from the peer, in one read
//! > block MSH|^~\&|\r        the same, to the end of the line
//! ~ stored 0                 from the driver: stored, failed, connected, disconnected, busy, open, written
//! ~ stored 0 say one / two   likewise, with texts to answer with; `silent` for none at all
//! queue 7 MSH|^~\&|          from the driver: please send this
//! wait 30s                   time passes, with a tick at each deadline on the way
//! send one                   expected of the link: a block of this text
//! store 0 ends 6             expected: parcel 0, in which a message ends at 6
//! began, ended, cut silence, sent 7 refused, note noise, close unusable      expected likewise
//! sent 7 answered MSH|…      expected, with the answer
//! timer 30s, timer none      the next deadline
//! idle yes, idle no          whether the connection could be closed
//! doing storing a message    what the link says it is doing
//! ```
//! After each read, tick and so on everything that the link does must be expected, in order. What was transmitted is
//! reported as written at once, unless the script opens with `slow line`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use labwire_link::{Action, Admission, Input, Link, ParcelId, Receipt, Reply, SendId, Sent};

use crate::transfer::control::{ACK, CR, FS, LF, NAK, VT, block};
use crate::transfer::{MllpLink, Settings};

/// Plays the script with the usual settings.
pub(super) fn check(script: &str) {
    check_with(|_| (), script);
}

/// Plays the script with some settings changed.
pub(super) fn check_with(change: impl Fn(&mut Settings), script: &str) {
    for read in [Read::Whole, Read::ByteByByte] {
        let mut settings = Settings::default();
        change(&mut settings);
        let mut stage = Stage::new(settings, read);
        let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
        for (number, line) in lines.enumerate() {
            if let Err(complaint) = stage.play(line) {
                panic!("step {number}, `{line:.200}`, {read:?}: {complaint:.200}");
            }
        }
        assert!(stage.actions.is_empty(), "{read:?}: not in the script: {:?}", stage.actions);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    Whole,
    ByteByByte,
}

struct Stage {
    link: MllpLink,
    now: Instant,
    read: Read,
    slow_line: bool,
    /// What the link did, in the words of the script, and wasn't expected yet.
    actions: VecDeque<String>,
}

const EXPECTED: [&str; 11] =
    ["send", "store", "began", "ended", "cut", "sent", "note", "close", "timer", "idle", "doing"];

impl Stage {
    fn new(settings: Settings, read: Read) -> Stage {
        #[expect(
            clippy::disallowed_methods,
            reason = "the only way to make an Instant; its value is never used"
        )]
        let now = Instant::now();
        let link = MllpLink::new(settings);
        let mut stage = Stage { link, now, read, slow_line: false, actions: VecDeque::new() };
        stage.handle(Input::Connected);
        stage
    }

    fn play(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let is_expected = EXPECTED.contains(&word);
        if !is_expected && let Some(action) = self.actions.front() {
            return Err(format!("before it, the link did this: {action}"));
        }
        match word {
            ">" => self.receive(&bytes(rest)),
            "~" => self.drive(rest),
            "queue" => {
                let (id, text) = rest.split_once(' ').unwrap_or((rest, ""));
                self.handle(Input::Send(SendId(id.parse().unwrap()), &unescape(text)));
            }
            "wait" => self.wait(duration(rest)),
            "slow" => self.slow_line = true,
            "timer" => return same(rest, &self.timer()),
            "idle" => return same(rest, if self.link.is_idle() { "yes" } else { "no" }),
            "doing" => return same(rest, self.link.doing()),
            _ if is_expected => return self.expect(line),
            _ => return Err("no such word".to_owned()),
        }
        Ok(())
    }

    fn expect(&mut self, line: &str) -> Result<(), String> {
        let action = self.actions.pop_front().ok_or("the link did nothing")?;
        same(line, &action)
    }

    fn receive(&mut self, bytes: &[u8]) {
        let size = if self.read == Read::Whole { bytes.len() } else { 1 };
        for read in bytes.chunks(size) {
            self.handle(Input::Bytes(read));
        }
    }

    fn drive(&mut self, what: &str) {
        let (word, rest) = what.split_once(' ').unwrap_or((what, "0"));
        let (id, reply) = rest.split_once(' ').unwrap_or((rest, ""));
        let parcel = ParcelId(id.parse().unwrap());
        let reply = match reply.strip_prefix("say ") {
            Some(texts) => Reply::Texts(texts.split(" / ").map(unescape).collect()),
            None if reply == "silent" => Reply::Silent,
            None => Reply::Protocol,
        };
        #[expect(clippy::disallowed_methods, reason = "the script is the journal")]
        let input = match word {
            "stored" => Input::Stored(Receipt::sign(parcel), reply),
            "failed" => Input::StoreFailed(parcel, reply),
            "connected" => Input::Connected,
            "disconnected" => Input::Disconnected,
            "busy" => Input::Admission(Admission::Busy),
            "open" => Input::Admission(Admission::Open),
            "written" => Input::Written,
            _ => panic!("the driver has no `{word}`"),
        };
        self.handle(input);
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..1000 {
            match self.link.deadline().filter(|at| *at <= until) {
                Some(at) => self.now = self.now.max(at),
                None => {
                    self.now = until;
                    return;
                }
            }
            self.handle(Input::Tick);
        }
        panic!("the deadline stays in the past");
    }

    fn timer(&self) -> String {
        self.link.deadline().map_or("none".to_owned(), |at| format!("{:?}", at.duration_since(self.now)))
    }

    fn handle(&mut self, input: Input<'_>) {
        self.link.handle(self.now, input);
        let mut transmitted = false;
        while let Some(action) = self.link.poll() {
            transmitted |= matches!(action, Action::Transmit(_));
            self.actions.push_back(describe(&action));
        }
        if transmitted && !self.slow_line {
            self.handle(Input::Written);
        }
    }
}

fn same(expected: &str, actual: &str) -> Result<(), String> {
    if expected == actual { Ok(()) } else { Err(format!("instead, the link has this: {actual}")) }
}

/// An action in the words of the script.
fn describe(action: &Action) -> String {
    match action {
        Action::Transmit(bytes) => match &bytes[..] {
            [VT, ACK, FS, CR] => "send ACK".to_owned(),
            [VT, NAK, FS, CR] => "send NAK".to_owned(),
            [VT, text @ .., FS, CR] => format!("send {}", show(text)),
            bytes => format!("send no block: {}", show(bytes)),
        },
        Action::Store(parcel) => {
            let ends: Vec<String> = parcel.message_ends.iter().map(usize::to_string).collect();
            format!("store {} ends {}", parcel.id.0, ends.join(","))
        }
        Action::Transfer(labwire_link::Transfer::Cut(cut)) => format!("cut {cut:?}").to_lowercase(),
        Action::Transfer(transfer) => format!("{transfer:?}").to_lowercase(),
        Action::Sent(id, Sent::Answered(text)) => format!("sent {} answered {}", id.0, show(text)),
        Action::Sent(id, Sent::Staged(text)) => format!("sent {} staged {}", id.0, show(text)),
        Action::Sent(id, sent) => format!("sent {} {sent:?}", id.0).to_lowercase(),
        Action::Close(end) => format!("close {end:?}").to_lowercase(),
        Action::Note(note) => format!("note {}", note.code),
    }
}

/// A text as it is written in a script.
fn show(text: &[u8]) -> String {
    let shown = |byte: &u8| match *byte {
        CR => "\\r".to_owned(),
        LF => "\\n".to_owned(),
        byte if byte.is_ascii_graphic() || byte == b' ' => char::from(byte).to_string(),
        byte => format!("\\x{byte:02X}"),
    };
    text.iter().map(shown).collect()
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

/// `\r`, `\n` and `\x1A` stand for bytes; any other backslash is one, as in `MSH|^~\&`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match rest {
            [b'\\', b'r', after @ ..] => (CR, after),
            [b'\\', b'n', after @ ..] => (LF, after),
            [b'\\', b'x', high, low, after @ ..] => {
                let digits = [*high, *low].map(char::from).iter().collect::<String>();
                (u8::from_str_radix(&digits, 16).expect("two hex digits"), after)
            }
            _ => (byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

/// `30s`, `14.9s`.
fn duration(text: &str) -> Duration {
    Duration::from_secs_f64(text.trim_end_matches('s').parse().expect("seconds"))
}
