//! Whether an analyzer that sends nothing is quiet as it always is at that hour, or silent when it never is: told by the
//! same hours of the weeks before. Pure; the counts themselves are the journal's.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// Traffic is counted in quarters of an hour.
pub const QUARTER: SignedDuration = SignedDuration::from_mins(15);
/// How many weeks are looked back.
pub const WEEKS: i64 = 8;
/// So many weeks must be known before they tell anything.
const ENOUGH: usize = 3;
/// A silence shorter than this is none, whatever was usual.
pub const SHORTEST: SignedDuration = SignedDuration::from_mins(30);
/// Where nothing is known, or something came only in most of the weeks, a silence counts from here.
pub const LONG: SignedDuration = SignedDuration::from_mins(60);

/// From its first quarter of an hour since 1970 UTC up to and without its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quarters {
    pub from: i64,
    pub to: i64,
}

/// What an analyzer's silence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quiet {
    /// It sent just now, or never did.
    #[default]
    No,
    /// Its other weeks were as quiet at these hours.
    AsUsual,
    /// It is long, and either that isn't usual or nothing is known.
    Silent,
}

/// The quarter of an hour that holds a moment, since 1970 UTC.
pub fn quarter(at: Timestamp) -> i64 {
    at.as_second().div_euclid(QUARTER.as_secs())
}

/// The same hours by the laboratory's clock in each of the weeks before, the latest first. Empty where a silence from
/// `last` to `now` is too short to mean anything.
pub fn weeks_before(last: Timestamp, now: Timestamp, zone: &TimeZone) -> Vec<Quarters> {
    if now.duration_since(last) < SHORTEST {
        return Vec::new();
    }
    let before = |at: Timestamp, weeks: i64| {
        let weeks = Span::new().try_weeks(weeks).ok()?;
        at.to_zoned(zone.clone()).checked_sub(weeks).ok().map(|at| quarter(at.timestamp()))
    };
    // Without the quarter of the last message: it came in that one.
    let spans = (1..=WEEKS)
        .filter_map(|week| Some(Quarters { from: before(last, week)? + 1, to: before(now, week)? + 1 }));
    spans.collect()
}

/// What a silence from `last` to `now` is, by whether anything came at the same hours of each week that is known.
pub fn judge(last: Timestamp, now: Timestamp, weeks: &[bool]) -> Quiet {
    let silence = now.duration_since(last);
    if silence < SHORTEST {
        return Quiet::No;
    }
    let busy = weeks.iter().filter(|came| **came).count();
    let is_long = silence >= LONG;
    match weeks.len() {
        known if known < ENOUGH && is_long => Quiet::Silent,
        known if known < ENOUGH => Quiet::No,
        known if busy == known => Quiet::Silent,
        known if busy * 2 > known && is_long => Quiet::Silent,
        known if busy * 2 > known => Quiet::No,
        _ if is_long => Quiet::AsUsual,
        _ => Quiet::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_silence_is_judged_by_how_often_the_same_hours_were_busy() {
        let last = at("2026-03-02T10:00:00Z");
        for (minutes, weeks, expected) in [
            (29, &[true, true, true][..], Quiet::No),
            (30, &[true, true, true], Quiet::Silent),
            (30, &[true, true, false], Quiet::No),
            (60, &[true, true, false], Quiet::Silent),
            (60, &[true, false, true, false], Quiet::AsUsual),
            (600, &[false, false, false], Quiet::AsUsual),
            (30, &[false, false, false], Quiet::No),
            // Too few weeks say nothing.
            (59, &[true, true], Quiet::No),
            (60, &[true, true], Quiet::Silent),
            (60, &[false, false], Quiet::Silent),
            (60, &[], Quiet::Silent),
        ] {
            let now = last + SignedDuration::from_mins(minutes);
            assert_eq!(judge(last, now, weeks), expected, "{minutes} minutes, {weeks:?}");
        }
    }

    #[test]
    fn the_same_hours_are_those_of_the_laboratorys_clock() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        // 10:00 to 11:00 on the Monday after the clocks went forward: 08:00 UTC, and 09:00 UTC the week before.
        let weeks = weeks_before(at("2026-03-30T08:00:00Z"), at("2026-03-30T09:00:00Z"), &zone);
        assert_eq!(weeks.len(), 8);
        let first = quarter(at("2026-03-23T09:00:00Z"));
        assert_eq!(weeks[0], Quarters { from: first + 1, to: first + 5 });
        assert_eq!(weeks_before(at("2026-03-30T08:00:00Z"), at("2026-03-30T08:29:59Z"), &zone), []);
    }
}
