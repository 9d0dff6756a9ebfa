//! How much room the journal takes and has, and for how long. It looks, and frees nothing.

use std::fs;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::OptionalExtension;

use super::opening::{folder_of, free_bytes};
use super::rows::instant;
use super::{JournalError, Reader};

/// Whose messages say how fast it grows: whole weeks, as weekends are quiet.
const WEEKS: SignedDuration = SignedDuration::from_hours(4 * 7 * 24);
/// Less says too little. Where nothing came for longer, the clock may have been set forward meanwhile.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// At so many places the times of what came of late are compared.
const PLACES: i64 = 32;

/// Bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// What may still be written to its file system.
    pub free: u64,
    /// The journal with its log.
    pub used: u64,
    /// What of that holds nothing any more and is written to first. Known only of a journal that is read.
    pub unused: u64,
}

impl Space {
    /// Looks; it may wait for the disk.
    pub fn of(journal: &Path) -> Space {
        let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        let mut log = journal.as_os_str().to_owned();
        log.push("-wal");
        Space { free: free_bytes(folder_of(journal)), used: size(journal) + size(Path::new(&log)), unused: 0 }
    }
}

/// How the journal has grown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Growth {
    /// Received ever.
    messages: i64,
    /// Those of the last weeks.
    of_late: i64,
    /// How long these took to come.
    within: SignedDuration,
}

impl Reader {
    /// For how many days the journal's file system has room above `reserve_bytes`, if as much comes as in the last four weeks.
    /// `None` before a week of traffic is known, where nothing came for a week, and for a week after the clock was set.
    pub fn days_left(&self, reserve_bytes: u64, now: Timestamp) -> Result<Option<u64>, JournalError> {
        let Some(path) = self.connection.path() else { return Ok(None) };
        let growth = self.growth(now)?;
        let space = Space::of(Path::new(path));
        let unused = self.bytes_unused()?;
        let archived = Archived(self.archives()?.iter().map(|it| it.holds.bytes).sum());
        Ok(growth.and_then(|growth| days_left(Space { unused, ..space }, archived, reserve_bytes, growth)))
    }

    fn growth(&self, now: Timestamp) -> Result<Option<Growth>, JournalError> {
        let from = now.saturating_sub(WEEKS).unwrap_or(Timestamp::MIN);
        let first: Option<i64> = self
            .connection
            .prepare_cached("SELECT id FROM message WHERE received_at >= ? ORDER BY received_at LIMIT 1")?
            .query_row([from.as_microsecond()], |row| row.get(0))
            .optional()?;
        let Some(first) = first else { return Ok(None) };
        let end = |which| {
            let statement = self.connection.prepare_cached(which);
            statement?.query_row([], |row| row.get::<_, Option<i64>>(0)).map(Option::unwrap_or_default)
        };
        let oldest = end("SELECT min(id) FROM message")?;
        let newest = end("SELECT max(id) FROM message")?;
        let Some((first_of_late, begin)) = self.since_a_step(first, newest, now)? else { return Ok(None) };
        Ok(Some(Growth {
            messages: newest - oldest + 1,
            of_late: newest - first_of_late + 1,
            within: now.duration_since(begin),
        }))
    }

    /// The first message since which the clock went on as it should, as far as can be seen, and when it came: looking back
    /// from now, up to where a later message came earlier (the clock was set back) or more than a week later.
    fn since_a_step(
        &self,
        first: i64,
        newest: i64,
        now: Timestamp,
    ) -> Result<Option<(i64, Timestamp)>, JournalError> {
        let mut at_place = self
            .connection
            .prepare_cached("SELECT id, received_at FROM message WHERE id <= ? ORDER BY id DESC LIMIT 1")?;
        let (mut next, mut found) = (now, None);
        for place in (0..=PLACES).rev() {
            let id = first + (newest - first) * place / PLACES;
            let (id, at) = at_place.query_row([id], |row| Ok((row.get(0)?, instant(row.get(1)?))))?;
            if at > next || next.duration_since(at) > WEEK {
                break;
            }
            (next, found) = (at, Some((id, at)));
        }
        Ok(found)
    }
}

/// Bytes that left for archives: messages have taken them too.
#[derive(Debug, Clone, Copy)]
struct Archived(u64);

/// Each message has taken as much room as any other. What the journal has and doesn't use is room; what will leave isn't.
fn days_left(space: Space, archived: Archived, reserve_bytes: u64, growth: Growth) -> Option<u64> {
    if growth.within < WEEK {
        return None;
    }
    let [messages, of_late, seconds] =
        [growth.messages, growth.of_late, growth.within.as_secs()].map(|it| u128::try_from(it).unwrap_or(0));
    let product = |all: [u128; 3]| all.into_iter().fold(1, u128::saturating_mul);
    let taken = (space.used - space.unused.min(space.used)).saturating_add(archived.0);
    let room = space.free.saturating_add(space.unused).saturating_sub(reserve_bytes);
    let grown_in_a_day = product([taken.into(), of_late, 86_400]);
    let left = product([room.into(), messages, seconds]);
    left.checked_div(grown_in_a_day).map(|days| u64::try_from(days).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_late_says_for_how_long_there_is_room() {
        let day = |days: i64| SignedDuration::from_hours(24 * days);
        for (free, used, messages, of_late, within, expected) in [
            // 1,000 bytes a message, 10 messages a day.
            (110_000, 280_000, 280, 280, day(28), Some(10)),
            // The same, of a journal of many years.
            (110_000, 36_500_000, 36_500, 280, day(28), Some(10)),
            (110_000, 280_000, 280, 1, day(28), Some(2_800)),
            (110_000, 70_000, 70, 70, day(7), Some(10)),
            (110_000, 60_000, 60, 60, day(6), None),
            (10_000, 280_000, 280, 280, day(28), Some(0)),
            (9_999, 280_000, 280, 280, day(28), Some(0)),
            (110_000, 0, 1, 1, day(28), None),
            (u64::MAX, 1, i64::MAX, 1, day(28), Some(u64::MAX)),
        ] {
            let growth = Growth { messages, of_late, within };
            let space = Space { free, used, unused: 0 };
            let found = days_left(space, Archived(0), 10_000, growth);
            assert_eq!(found, expected, "{free} {used} {growth:?}");
        }
        // Half of what they took has left: the room that it left behind counts, and they go on taking as much as before.
        let growth = Growth { messages: 280, of_late: 280, within: day(28) };
        let space = Space { free: 110_000, used: 280_000, unused: 140_000 };
        assert_eq!(days_left(space, Archived(140_000), 10_000, growth), Some(24));
    }
}
