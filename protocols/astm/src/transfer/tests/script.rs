//! The language of the scripts: what the peer and the driver do, and every single action that must follow.
//!
//! ```text
//! > ENQ                      bytes from the peer, in one read: control bytes, whole frames, "escaped\rbytes"
//! > 1:H|\^&\r ETX            a whole frame, its checksum included; `bad 1:… ETX` has a wrong one
//! > STX "1H|\^&\r" ETX SUM   the same, without its CR LF
//! ~ stored 0                 from the driver: stored, failed, connected, disconnected, busy, open, written
//! queue 7 H|\^&\rL|1\r       from the driver: please send this
//! wait 30s                   time passes, with a tick at each deadline on the way
//! send ACK                   expected of the link
//! store 0 ends 6             expected: parcel 0, in which a message ends at 6 (without `ends`: none does)
//! began, ended, cut silence, sent 7 delivered, note bad-checksum, close unusable      expected likewise
//! timer 30s, timer none      the next deadline
//! idle yes, idle no         whether the connection could be closed
//! doing storing a frame      what the link says it is doing
//! ```
//! After each read, tick and so on everything that the link does must be expected, in order. What was
//! transmitted is reported as written at once, unless the script opens with `slow line`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use labwire_link::{Action, Admission, Input, Link, ParcelId, Receipt, Reply, SendId};

use crate::transfer::control::{ACK, CR, ENQ, EOT, ETB, ETX, LF, NAK, STX};
use crate::transfer::{AstmLink, Frame, FrameEnd, FrameNumber, Settings};

/// Plays the script with the standard's settings.
pub(super) fn check(script: &str) {
    check_with(|_| (), script);
}

/// Plays the script with some settings changed.
pub(super) fn check_with(change: impl Fn(&mut Settings), script: &str) {
    for read in [Read::Whole, Read::ByteByByte] {
        check_read(read, &change, script);
    }
}

/// Plays a script in which it matters what was read together.
pub(super) fn check_whole(script: &str) {
    check_read(Read::Whole, |_| (), script);
}

fn check_read(read: Read, change: impl Fn(&mut Settings), script: &str) {
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    Whole,
    ByteByByte,
}

struct Stage {
    link: AstmLink,
    now: Instant,
    read: Read,
    slow_line: bool,
    /// What the link did, in the words of the script, and wasn't expected yet.
    actions: VecDeque<String>,
}

impl Stage {
    fn new(settings: Settings, read: Read) -> Stage {
        #[expect(
            clippy::disallowed_methods,
            reason = "the only way to make an Instant; its value is never used"
        )]
        let now = Instant::now();
        let mut stage =
            Stage { link: AstmLink::new(settings), now, read, slow_line: false, actions: VecDeque::new() };
        stage.handle(Input::Connected);
        stage
    }

    fn play(&mut self, line: &str) -> Result<(), String> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let is_expected = matches!(
            word,
            "send"
                | "store"
                | "began"
                | "ended"
                | "cut"
                | "sent"
                | "note"
                | "close"
                | "timer"
                | "idle"
                | "doing"
        );
        if !is_expected && let Some(action) = self.actions.front() {
            return Err(format!("before it, the link did this: {action}"));
        }
        match word {
            ">" => self.receive(&bytes(rest)),
            "~" => self.drive(rest),
            "queue" => {
                let (id, content) = rest.split_once(' ').unwrap_or((rest, ""));
                self.handle(Input::Send(SendId(id.parse().unwrap()), &unescape(content)));
            }
            "wait" => self.wait(duration(rest)),
            "slow" => self.slow_line = true,
            "timer" => return same(rest, &self.timer()),
            "idle" => return same(rest, if self.link.is_idle() { "yes" } else { "no" }),
            "doing" => return same(rest, self.link.doing()),
            "send" => return self.expect(&format!("send {}", bytes(rest).escape_ascii())),
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
        let (word, id) = what.split_once(' ').unwrap_or((what, "0"));
        let parcel = ParcelId(id.parse().unwrap());
        #[expect(clippy::disallowed_methods, reason = "the script is the journal")]
        let input = match word {
            "stored" => Input::Stored(Receipt::sign(parcel), Reply::Protocol),
            "failed" => Input::StoreFailed(parcel, Reply::Protocol),
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
        Action::Transmit(bytes) => format!("send {}", bytes.escape_ascii()),
        Action::Store(parcel) => {
            let ends: Vec<String> = parcel.message_ends.iter().map(usize::to_string).collect();
            let ends = if ends.is_empty() { String::new() } else { format!(" ends {}", ends.join(",")) };
            format!("store {}{ends}", parcel.id.0)
        }
        Action::Transfer(labwire_link::Transfer::Cut(cut)) => format!("cut {cut:?}").to_lowercase(),
        Action::Transfer(transfer) => format!("{transfer:?}").to_lowercase(),
        Action::Sent(id, sent) => format!("sent {} {sent:?}", id.0).to_lowercase(),
        Action::Close(end) => format!("close {end:?}").to_lowercase(),
        Action::Note(note) => format!("note {}", note.code),
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

/// `\r`, `\n` and `\x1A` stand for bytes; any other backslash is one, as in `H|\^&`.
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
