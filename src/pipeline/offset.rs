//! How far an analyzer's clock is off, by the time that it writes into a message's head and when that message was on disk.
//! The night the clocks change is no exception: a local time is an instant of the instrument's time zone, and one that comes
//! twice, or never, tells nothing. Pure: whoever asks says when the message came.

use std::collections::VecDeque;

use encoding_rs::Encoding;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use labwire_astm::record::{Kind, Message};

use super::interpret::{astm, hl7 as segments};
use super::time;
use crate::domain::profile::{Dialect, Location, Profile};
use crate::domain::{counted, words};

/// How many messages a judgement rests on. One that waited in the analyzer has an old time: only where all of them do is
/// it the clock.
const LATEST: usize = 5;

/// What the latest messages of one instrument tell of its clock.
#[derive(Debug, Clone, Default)]
pub struct Offsets(VecDeque<SignedDuration>);

/// How an instrument's clock stands to ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// Its messages tell too little.
    Unknown,
    Right,
    Ahead(SignedDuration),
    Behind(SignedDuration),
}

impl Offsets {
    /// Notes when a message was made, and when it came.
    pub fn note(&mut self, made_at: Timestamp, received_at: Timestamp) {
        self.0.push_back(received_at.duration_since(made_at));
        if self.0.len() > LATEST {
            self.0.pop_front();
        }
    }

    /// How the clock stands, if more than `limit` either way is off. Nothing comes before it was made, so one message
    /// shows a clock that is ahead; a message can wait, so only several show one that is behind.
    pub fn state(&self, limit: SignedDuration) -> ClockState {
        let Some(last) = self.0.back() else { return ClockState::Unknown };
        if *last < -limit {
            return ClockState::Ahead(-*last);
        }
        match self.0.iter().min() {
            Some(least) if *least <= limit => ClockState::Right,
            Some(least) if self.0.len() == LATEST => ClockState::Behind(*least),
            _ => ClockState::Unknown,
        }
    }
}

impl ClockState {
    /// Whether times of its results can't be relied on.
    pub fn is_off(self) -> bool {
        matches!(self, ClockState::Ahead(_) | ClockState::Behind(_))
    }

    /// In words for a technician; nothing where it isn't off.
    pub fn words(self) -> Option<String> {
        let (minutes, what) = match self {
            ClockState::Unknown | ClockState::Right => return None,
            ClockState::Ahead(by) => {
                let minutes = by.as_mins();
                let ahead = counted!(
                    minutes,
                    "the analyzer's clock is {n} minute ahead",
                    "the analyzer's clock is {n} minutes ahead"
                );
                (minutes, ahead)
            }
            ClockState::Behind(by) => {
                let minutes = by.as_mins();
                let behind = counted!(
                    minutes,
                    "the analyzer's clock is {n} minute behind",
                    "the analyzer's clock is {n} minutes behind"
                );
                (minutes, behind)
            }
        };
        let is_an_hour = (55..=65).contains(&minutes);
        let told =
            if is_an_hour { words!("{what}; wasn't it set when the clocks changed?", what) } else { what };
        Some(told.english())
    }
}

/// When a message was made, by its head: H.14 or MSH-7. Nothing where it tells no instant.
pub fn made_at(
    message: &[u8],
    profile: &Profile,
    zone: &TimeZone,
    character_set: Option<&'static Encoding>,
) -> Option<Timestamp> {
    let text = match &profile.dialect {
        Dialect::Astm(_) => {
            let message = Message::parse(message);
            let header = message.records().find(|record| record.kind() == Kind::Header)?;
            let mut decoder = astm::Decoder::new(character_set);
            decoder.trimmed(&header, &Location::component(Kind::Header, 14, 1))
        }
        Dialect::Hl7(_) => {
            let message = segments::parse(message, character_set).ok()?;
            message.header()?.sent().component(1).text().text.into_owned()
        }
        Dialect::Table(_) => return None,
    };
    // Whether it lies ahead of ours is what is asked here.
    let (time, _) = time::read(&text, profile.dialect.times(), zone, Timestamp::MAX);
    time?.instant
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: i64) -> SignedDuration {
        SignedDuration::from_mins(minutes)
    }

    #[test]
    fn one_message_shows_a_clock_that_is_ahead_and_only_five_one_that_is_behind() {
        let received_at: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let told = |behind: &[i64]| {
            let mut offsets = Offsets::default();
            behind.iter().for_each(|behind| offsets.note(received_at - minutes(*behind), received_at));
            offsets.state(minutes(15))
        };
        for (behind, expected) in [
            (&[][..], ClockState::Unknown),
            (&[0], ClockState::Right),
            (&[15], ClockState::Right),
            (&[-15], ClockState::Right),
            (&[-16], ClockState::Ahead(minutes(16))),
            (&[-60, 0], ClockState::Right),
            (&[0, 0, -60], ClockState::Ahead(minutes(60))),
            (&[16, 16, 16, 16], ClockState::Unknown),
            (&[60, 61, 70, 62, 300], ClockState::Behind(minutes(60))),
            (&[600, 500, 400, 300, 1], ClockState::Right),
            (&[1, 60, 60, 60, 60], ClockState::Right),
            (&[1, 60, 60, 60, 60, 60], ClockState::Behind(minutes(60))),
        ] {
            assert_eq!(told(behind), expected, "{behind:?}");
        }
        let words = ClockState::Behind(minutes(60)).words().unwrap();
        assert_eq!(
            words,
            "the analyzer's clock is 60 minutes behind; wasn't it set when the clocks changed?"
        );
        assert_eq!(
            ClockState::Ahead(minutes(16)).words().unwrap(),
            "the analyzer's clock is 16 minutes ahead"
        );
    }

    #[test]
    fn a_messages_head_says_when_it_was_made_on_the_night_the_clocks_change_too() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let astm = Profile::standard("a", 1, Dialect::Astm(Box::default()));
        let hl7 = Profile::standard("h", 1, Dialect::Hl7(Box::default()));
        for (message, profile, expected) in [
            ("H|\\^&||||||||||P|1|20261025013000\r", &astm, Some("2026-10-24T23:30:00Z")),
            ("H|\\^&||||||||||P|1|20261025023000\r", &astm, None),
            ("H|\\^&||||||||||P|1|20261025033000\r", &astm, Some("2026-10-25T02:30:00Z")),
            ("H|\\^&||||||||||P|1|20260329023000\r", &astm, None),
            ("H|\\^&||||||||||P|1\r", &astm, None),
            (
                "MSH|^~\\&|A||||20261025023000.123+0100||ORU^R01|1|P|2.5\r",
                &hl7,
                Some("2026-10-25T01:30:00.123Z"),
            ),
            ("MSH|^~\\&|A||||20261025023000-0330||ORU^R01|1|P|2.5\r", &hl7, Some("2026-10-25T06:00:00Z")),
            ("MSH|^~\\&|A||||20261025||ORU^R01|1|P|2.5\r", &hl7, None),
        ] {
            let found = made_at(message.as_bytes(), profile, &zone, None).map(|it| it.to_string());
            assert_eq!(found.as_deref(), expected, "{message}");
        }
    }
}
