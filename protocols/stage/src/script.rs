//! The language of the scripts: what the peer and the driver do, and every single action that must follow.
//!
//! ```text
//! > …                        bytes from the peer, in one read, as the protocol's tests write them
//! ~ stored 0                 from the driver: stored, failed, connected, disconnected, busy, open, written
//! ~ stored 0 say one / two   likewise, with texts to answer with; `silent` for none at all
//! queue 7 H|\^&\rL|1\r       from the driver: please send this
//! wait 30s                   time passes, with a tick at each deadline on the way
//! send …                     expected of the link: bytes, as the protocol's tests write them
//! store 0 ends 6             expected: parcel 0, in which a message ends at 6 (without `ends`: none does)
//! began, ended, cut silence, sent 7 delivered, note bad-checksum, close unusable      expected likewise
//! sent 7 answered MSH|…      expected, with the answer
//! timer 30s, timer none      the next deadline
//! idle yes, idle no          whether the connection could be closed
//! fresh yes, fresh no        whether another machine could go on with it
//! doing storing a frame      what the link says it is doing
//! ```
//! After each read, tick and so on everything that the link does must be expected, in order. What was transmitted is
//! reported as written at once, unless the script opens with `slow line`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use labwire_link::{Action, Admission, Input, Link, ParcelId, Receipt, Reply, SendId, Sent};

/// How a protocol's bytes are written in its scripts.
pub trait Tongue {
    type Link: Link;

    /// The bytes that a line stands for.
    fn bytes(line: &str) -> Vec<u8>;

    /// What the link transmitted, in the words that `send` is followed by.
    fn sent(bytes: &[u8]) -> String;

    /// What a script has behind `send`, in the same words.
    fn expected(text: &str) -> String {
        text.to_owned()
    }
}

/// Plays the script to a link of its own for each way to read.
///
/// # Panics
/// Where the link does anything but what the script says.
pub fn play<T: Tongue>(link: impl Fn() -> T::Link, reads: &[Read], script: &str) {
    for read in reads {
        let mut stage = Stage::<T>::new(link(), *read);
        let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
        for (number, line) in lines.enumerate() {
            if let Err(complaint) = stage.play(line) {
                panic!("step {number}, `{line:.200}`, {read:?}: {complaint:.200}");
            }
        }
        assert!(stage.actions.is_empty(), "{read:?}: not in the script: {:?}", stage.actions);
    }
}

/// How what the peer sends at once is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    Whole,
    ByteByByte,
}

struct Stage<T: Tongue> {
    link: T::Link,
    now: Instant,
    read: Read,
    slow_line: bool,
    /// What the link did, in the words of the script, and wasn't expected yet.
    actions: VecDeque<String>,
}

const EXPECTED: [&str; 11] =
    ["send", "store", "began", "ended", "cut", "sent", "note", "close", "timer", "idle", "doing"];

impl<T: Tongue> Stage<T> {
    fn new(link: T::Link, read: Read) -> Stage<T> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the only way to make an Instant; its value is never used"
        )]
        let now = Instant::now();
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
            ">" => self.receive(&T::bytes(rest)),
            "~" => self.drive(rest),
            "queue" => {
                let (id, text) = rest.split_once(' ').unwrap_or((rest, ""));
                self.handle(Input::Send(SendId(id.parse().unwrap()), &unescape(text)));
            }
            "wait" => self.wait(duration(rest)),
            "slow" => self.slow_line = true,
            "timer" => return same(rest, &self.timer()),
            "idle" => return same(rest, if self.link.is_idle() { "yes" } else { "no" }),
            "fresh" => return same(rest, if self.link.is_fresh() { "yes" } else { "no" }),
            "doing" => return same(rest, self.link.doing()),
            "send" => return self.expect(&format!("send {}", T::expected(rest))),
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
            self.actions.push_back(describe::<T>(&action));
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
fn describe<T: Tongue>(action: &Action) -> String {
    match action {
        Action::Transmit(bytes) => format!("send {}", T::sent(bytes)),
        Action::Store(parcel) => {
            let ends: Vec<String> = parcel.message_ends.iter().map(usize::to_string).collect();
            let ends = if ends.is_empty() { String::new() } else { format!(" ends {}", ends.join(",")) };
            format!("store {}{ends}", parcel.id.0)
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
pub fn show(text: &[u8]) -> String {
    let shown = |byte: &u8| match *byte {
        b'\r' => "\\r".to_owned(),
        b'\n' => "\\n".to_owned(),
        byte if byte.is_ascii_graphic() || byte == b' ' => char::from(byte).to_string(),
        byte => format!("\\x{byte:02X}"),
    };
    text.iter().map(shown).collect()
}

/// `\r`, `\n` and `\x1A` stand for bytes; any other backslash is one, as in `H|\^&`.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match rest {
            [b'\\', b'r', after @ ..] => (b'\r', after),
            [b'\\', b'n', after @ ..] => (b'\n', after),
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
