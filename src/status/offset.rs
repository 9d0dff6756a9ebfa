//! How an analyzer's clock stands to ours, by the latest of its messages that the journal has. It only shows: what is held or
//! told for a clock that is off is decided where messages are read.

use std::collections::BTreeMap;

use super::preview::Readings;
use super::severity::Severity;
use crate::domain::{InstrumentId, Words, counted, words};
use crate::journal::{JournalError, MessageId, Reader};
use crate::pipeline::made_at;

/// How many messages tell it. One that waited in the analyzer has an old time, and says nothing of the clock.
const LATEST: usize = 5;
/// Less than this is no difference, in seconds.
const NONE: i64 = 60;
/// A day in seconds: from here on minutes tell nothing more.
const DAY: i64 = 24 * 3_600;

/// What each of the latest messages took, by its number: a message is read once.
pub(super) type Took = BTreeMap<MessageId, Option<i64>>;

/// The least time in seconds that one of its latest messages took from being made to being on disk: negative where the clock is
/// ahead. Nothing where none of them tells when it was made. What was read of them goes into `fresh`, from `known` where it was
/// read before.
pub(super) fn least(
    reader: &Reader,
    instrument: &InstrumentId,
    readings: &Readings,
    (known, fresh): (&Took, &mut Took),
) -> Result<Option<i64>, JournalError> {
    let Some(reading) = readings.get(instrument.as_str()) else { return Ok(None) };
    let mut least: Option<i64> = None;
    for (message, received_at) in reader.latest_of(instrument, LATEST)? {
        let took = match known.get(&message) {
            Some(took) => *took,
            None => match reader.content(message) {
                // Of an analyzer that has sent nothing for years.
                Err(JournalError::Elsewhere(_)) => None,
                content => made_at(&content?, &reading.profile, &reading.time_zone, reading.character_set)
                    .map(|made| received_at.duration_since(made).as_secs()),
            },
        };
        fresh.insert(message, took);
        least = [least, took].into_iter().flatten().min();
    }
    Ok(least)
}

/// The same in few words, and how much it matters: a clock that is behind can't be told from messages that waited, and one that
/// is ahead can.
pub(super) fn in_short(least: Option<i64>) -> Option<(Severity, Words)> {
    let took = least?;
    Some(match took {
        it if it <= -DAY => (Severity::Odd, words!("more than a day ahead")),
        it if it <= -NONE => (Severity::Odd, words!("{n} min ahead or more", n = -took / NONE)),
        it if it >= DAY => (Severity::Wait, words!("up to {n} d behind", n = took.div_euclid(DAY) + 1)),
        it if it >= NONE => (Severity::Wait, words!("up to {n} min behind", n = took.div_euclid(NONE) + 1)),
        _ => (Severity::Calm, words!("right")),
    })
}

pub(super) fn says(least: Option<i64>) -> Words {
    match least {
        None => words!("its messages don't tell"),
        Some(took) if took <= -DAY => words!("ahead of ours by more than a day"),
        Some(took) if took >= DAY => {
            words!("behind ours by more than a day, or its latest messages waited in it")
        }
        Some(took) if took <= -NONE => {
            counted!(-took / NONE, "ahead of ours by {n} minute", "ahead of ours by {n} minutes")
        }
        Some(took) if took >= NONE => counted!(
            took / NONE,
            "behind ours by {n} minute, or its latest messages waited in it",
            "behind ours by {n} minutes, or its latest messages waited in it"
        ),
        Some(_) => words!("as ours, within a minute"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_said_to_be_ahead_only_where_a_message_came_before_it_was_made() {
        for (least, expected) in [
            (None, "its messages don't tell"),
            (Some(3), "as ours, within a minute"),
            (Some(-59), "as ours, within a minute"),
            (Some(-60), "ahead of ours by 1 minute"),
            (Some(-7_290), "ahead of ours by 121 minutes"),
            (Some(-86_400), "ahead of ours by more than a day"),
            (Some(90_000), "behind ours by more than a day, or its latest messages waited in it"),
            (Some(185), "behind ours by 3 minutes, or its latest messages waited in it"),
        ] {
            assert_eq!(says(least).english(), expected);
        }
    }

    #[test]
    fn in_short_a_clock_is_odd_only_where_it_is_surely_ahead() {
        for (least, expected) in [
            (Some(3), (Severity::Calm, "right")),
            (Some(-60), (Severity::Odd, "1 min ahead or more")),
            (Some(-90_000), (Severity::Odd, "more than a day ahead")),
            (Some(185), (Severity::Wait, "up to 4 min behind")),
            (Some(90_000), (Severity::Wait, "up to 2 d behind")),
        ] {
            let (severity, told) = in_short(least).unwrap();
            assert_eq!((severity, told.english().as_str()), expected);
        }
        assert_eq!(in_short(None), None);
    }
}
