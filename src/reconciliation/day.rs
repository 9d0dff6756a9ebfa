//! A day of the laboratory's calendar: 23 to 25 hours, as its time zone has them. Never reads a clock.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::journal::days::Span;

/// One day.
#[derive(Debug, Clone)]
pub struct Day {
    date: Date,
    zone: TimeZone,
    span: Span,
}

/// A day as somebody asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Today,
    Yesterday,
    On(Date),
}

impl Day {
    /// `None` for a day at the end of all calendars.
    pub fn new(date: Date, zone: &TimeZone) -> Option<Day> {
        let begin = |date: Date| date.to_zoned(zone.clone()).ok().map(|begin| begin.timestamp());
        let span = Span { from: begin(date)?, to: begin(date.tomorrow().ok()?)? };
        Some(Day { date, zone: zone.clone(), span })
    }

    pub fn of(wanted: Wanted, now: Timestamp, zone: &TimeZone) -> Option<Day> {
        let today = now.to_zoned(zone.clone()).date();
        let date = match wanted {
            Wanted::Today => today,
            Wanted::Yesterday => today.yesterday().ok()?,
            Wanted::On(date) => date,
        };
        Day::new(date, zone)
    }

    pub fn date(&self) -> Date {
        self.date
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub fn span(&self) -> Span {
        self.span
    }

    pub fn before(&self) -> Option<Day> {
        Day::new(self.date.yesterday().ok()?, &self.zone)
    }

    pub fn after(&self) -> Option<Day> {
        Day::new(self.date.tomorrow().ok()?, &self.zone)
    }

    /// `2026-11-20`.
    pub fn name(&self) -> String {
        self.date.to_string()
    }

    /// A time in the day's zone, as `2026-11-20 14:32:07`.
    pub fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// A time in the day's zone as RFC 3339, to the second.
    pub fn exact(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Wanted, String> {
        match text {
            "today" => Ok(Wanted::Today),
            "yesterday" => Ok(Wanted::Yesterday),
            date => {
                // Longer texts, such as times, would be read as the date that they begin with.
                let is_date = date.len() == "2026-11-20".len();
                let date = is_date.then(|| date.parse().ok()).flatten().map(Wanted::On);
                date.ok_or_else(|| "write today, yesterday or a date such as 2026-11-20".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(date: &str, zone: &str) -> Day {
        Day::new(date.parse().unwrap(), &TimeZone::get(zone).unwrap()).unwrap()
    }

    #[test]
    fn a_day_has_the_hours_that_its_zone_gives_it() {
        for (date, zone, from, hours) in [
            ("2026-11-20", "UTC", "2026-11-20T00:00:00Z", 24),
            ("2026-11-20", "Europe/Vienna", "2026-11-19T23:00:00Z", 24),
            ("2026-03-29", "Europe/Vienna", "2026-03-28T23:00:00Z", 23),
            ("2026-10-25", "Europe/Vienna", "2026-10-24T22:00:00Z", 25),
            // Midnight itself is skipped here: the day begins at one.
            ("2019-09-08", "America/Santiago", "2019-09-08T04:00:00Z", 23),
            // And here it comes twice: the hour before it is repeated.
            ("2022-04-02", "America/Santiago", "2022-04-02T03:00:00Z", 25),
        ] {
            let span = day(date, zone).span();
            assert_eq!(span.from, from.parse().unwrap(), "{date} {zone}");
            assert_eq!(span.to.duration_since(span.from).as_hours(), hours, "{date} {zone}");
        }
    }

    #[test]
    fn days_follow_each_other_without_a_gap() {
        for zone in ["Europe/Vienna", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia"] {
            let mut today = day("2011-01-01", zone);
            for _ in 0..800 {
                let tomorrow = today.after().unwrap();
                assert_eq!(today.span().to, tomorrow.span().from, "{zone} {}", today.name());
                assert_eq!(tomorrow.before().unwrap().span(), today.span());
                today = tomorrow;
            }
        }
    }

    #[test]
    fn a_day_is_asked_for_by_word_or_by_date() {
        let (zone, now) = (TimeZone::get("Asia/Kolkata").unwrap(), "2026-11-20T20:00:00Z".parse().unwrap());
        for (asked, expected) in
            [("today", "2026-11-21"), ("yesterday", "2026-11-20"), ("2026-02-28", "2026-02-28")]
        {
            assert_eq!(Day::of(asked.parse().unwrap(), now, &zone).unwrap().name(), expected);
        }
        for wrong in ["", "tomorrow", "2026-02-29", "20.11.2026", "2026-11-20T10:00:00Z", "20261120"] {
            assert!(wrong.parse::<Wanted>().is_err(), "{wrong}");
        }
    }
}
