//! How an analyzer's clock stands to ours, by the latest of its messages that the journal has. It only shows: what is held or
//! told for a clock that is off is decided where messages are read.

use super::preview::Readings;
use crate::domain::{InstrumentId, Words, counted, words};
use crate::journal::{JournalError, Reader};
use crate::pipeline::made_at;

/// How many messages tell it. One that waited in the analyzer has an old time, and says nothing of the clock.
const LATEST: usize = 5;
/// Less than this is no difference, in seconds.
const NONE: i64 = 60;
/// A day in seconds: from here on minutes tell nothing more.
const DAY: i64 = 24 * 3_600;

/// The least time in seconds that one of its latest messages took from being made to being on disk: negative where the clock is
/// ahead. Nothing where none of them tells when it was made.
pub(super) fn least(
    reader: &Reader,
    instrument: &InstrumentId,
    readings: &Readings,
) -> Result<Option<i64>, JournalError> {
    let Some(reading) = readings.get(instrument.as_str()) else { return Ok(None) };
    let mut least: Option<i64> = None;
    for (message, received_at) in reader.latest_of(instrument, LATEST)? {
        let content = match reader.content(message) {
            // Of an analyzer that has sent nothing for years.
            Err(JournalError::Elsewhere(_)) => continue,
            content => content?,
        };
        let made = made_at(&content, &reading.profile, &reading.time_zone, reading.character_set);
        if let Some(made) = made {
            let took = received_at.duration_since(made).as_secs();
            least = Some(least.map_or(took, |least| least.min(took)));
        }
    }
    Ok(least)
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
}
