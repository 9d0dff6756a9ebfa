//! An analyzer's last day as a row of bars, one an hour: how much came when. Pure; what the bars show is said in words too.

use super::clock::Clock;
use crate::domain::{Words, counted, words};
use crate::journal::traffic::Hour;

/// How many hours are shown, with the one under way.
const HOURS: i64 = 24;
/// A bar with the gap after it, and the tallest, in the drawing's own units.
const STEP: i64 = 5;
const TALLEST: i64 = 28;

pub(super) struct Spark {
    pub(super) width: i64,
    pub(super) height: i64,
    /// The bars, as one path.
    pub(super) bars: String,
    /// The same in words.
    pub(super) says: Words,
}

impl Spark {
    pub(super) fn of(hours: &[Hour], clock: &Clock) -> Spark {
        let now = clock.hour();
        let shown: Vec<&Hour> =
            hours.iter().filter(|it| it.hour > now - HOURS && it.hour <= now && it.results > 0).collect();
        let most = shown.iter().map(|it| it.results).max().unwrap_or_default().max(1);
        let bars = shown.iter().map(|it| {
            let x = (it.hour - now + HOURS - 1) * STEP;
            // A little is never nothing.
            let tall = (it.results * TALLEST / most).max(2);
            format!("M{x} {TALLEST}v-{tall}h{}v{tall}z", STEP - 1)
        });
        Spark { width: HOURS * STEP, height: TALLEST, bars: bars.collect(), says: says(&shown, clock) }
    }
}

fn says(shown: &[&Hour], clock: &Clock) -> Words {
    let total: i64 = shown.iter().map(|it| it.results).sum();
    let Some(most) = shown.iter().max_by_key(|it| it.results) else {
        return words!("nothing in the last 24 hours");
    };
    counted!(
        total,
        "{n} result in the last 24 hours, most in the hour from {hour}: {most}",
        "{n} results in the last 24 hours, most in the hour from {hour}: {most}",
        hour = clock.hour_of(most.hour),
        most = most.results
    )
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn each_hour_stands_in_its_place_and_the_busiest_fills_the_height() {
        let now: Timestamp = "2026-03-02T12:20:00Z".parse().unwrap();
        let clock = Clock::new(TimeZone::UTC, now);
        let hour = |ago: i64, results: i64| Hour { hour: clock.hour() - ago, results };
        let spark = Spark::of(&[hour(30, 900), hour(23, 50), hour(1, 100), hour(0, 1)], &clock);
        assert_eq!(spark.bars, "M0 28v-14h4v14zM110 28v-28h4v28zM115 28v-2h4v2z");
        assert_eq!(
            spark.says.english(),
            "151 results in the last 24 hours, most in the hour from 11:00: 100"
        );
        let none = Spark::of(&[], &clock);
        assert_eq!((none.bars.as_str(), none.says.english().as_str()), ("", "nothing in the last 24 hours"));
    }
}
