//! What passed on an analyzer's connection, as one line that a person and diff can read, and from which the bytes can be
//! read back:
//!
//! ```text
//! 2026-11-22T07:14:03.120000Z vitros/3 = connected: 10.0.0.5:51544
//! 2026-11-22T07:14:03.204117Z vitros/3 > <ENQ>
//! 2026-11-22T07:14:03.209500Z vitros/3 < <ACK>
//! ```
//!
//! The time in UTC, to the microsecond; who may be at the other end and the connection's number since the gateway's start;
//! `>` bytes from the analyzer, `<` bytes to it, `=` what happened; and the bytes as [`visible`] writes them. A line holds
//! what one read or write carried, which may be a part of a frame. Traces, captures and the tap all say it so.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::visible::{from_visible, visible};

/// Which way bytes went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the other end.
    In,
    /// To the other end.
    Out,
}

/// One line. Its bytes are patient data: they are shown to nobody who debugs.
#[derive(Clone, PartialEq, Eq)]
pub struct Passage {
    pub at: Timestamp,
    /// The instruments that may be at the other end, and the connection's number: `h500,c311/7`.
    pub who: String,
    pub what: Passed,
}

/// What passed.
#[derive(Clone, PartialEq, Eq)]
pub enum Passed {
    Bytes(Direction, Vec<u8>),
    /// Something about the connection, in words of one line without patient data.
    Event(String),
}

impl fmt::Display for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Passage { at, who, what } = self;
        match what {
            Passed::Bytes(Direction::In, bytes) => write!(f, "{at:.6} {who} > {}", visible(bytes)),
            Passed::Bytes(Direction::Out, bytes) => write!(f, "{at:.6} {who} < {}", visible(bytes)),
            Passed::Event(words) => write!(f, "{at:.6} {who} = {words}"),
        }
    }
}

impl FromStr for Passage {
    type Err = ();

    /// Reads a line back.
    fn from_str(line: &str) -> Result<Passage, ()> {
        let mut parts = line.splitn(4, ' ');
        let (Some(at), Some(who), Some(mark), Some(rest)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(());
        };
        let bytes = || from_visible(rest).ok_or(());
        let what = match mark {
            ">" => Passed::Bytes(Direction::In, bytes()?),
            "<" => Passed::Bytes(Direction::Out, bytes()?),
            "=" => Passed::Event(rest.to_owned()),
            _ => return Err(()),
        };
        Ok(Passage { at: at.parse().map_err(|_| ())?, who: who.to_owned(), what })
    }
}

impl fmt::Debug for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, length) = match &self.what {
            Passed::Bytes(Direction::In, bytes) => ("in", bytes.len()),
            Passed::Bytes(Direction::Out, bytes) => ("out", bytes.len()),
            Passed::Event(words) => ("event", words.len()),
        };
        write!(f, "Passage({} {} {what}, {length} bytes)", self.at, self.who)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_passage_can_be_read_back_from_its_line(
            micros in 0_i64..4_000_000_000_000_000,
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            direction in prop_oneof![Just(Direction::In), Just(Direction::Out)],
        ) {
            let at = Timestamp::from_microsecond(micros).unwrap();
            let passage = Passage { at, who: "h500/3".to_owned(), what: Passed::Bytes(direction, bytes) };
            let line = passage.to_string();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(line.parse::<Passage>(), Ok(passage));
        }
    }

    #[test]
    fn what_is_no_passage_is_refused() {
        for line in ["", "# labwire capture", "2026-11-22T07:14:03Z h500/3 > <XYZ>", "now h500/3 > <ENQ>"] {
            assert!(line.parse::<Passage>().is_err(), "{line}");
        }
        let passage: Passage = "2026-11-22T07:14:03Z h500/3 = connected: serial port".parse().unwrap();
        assert!(passage.what == Passed::Event("connected: serial port".to_owned()));
    }
}
