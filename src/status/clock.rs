//! How the page writes times: the gateway's own zone, the day only where it isn't today. Never reads a clock.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Writes times as seen from one moment.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    zone: TimeZone,
    as_of: Timestamp,
}

/// A time for people and for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    pub text: String,
    /// RFC 3339, UTC.
    pub exact: String,
}

impl Clock {
    pub(super) fn new(zone: TimeZone, as_of: Timestamp) -> Clock {
        Clock { zone, as_of }
    }

    /// `14:32:07`, or with its day where that isn't the day of this clock's moment.
    pub(super) fn at(&self, at: Timestamp) -> Moment {
        let (local, today) = (at.to_zoned(self.zone.clone()), self.as_of.to_zoned(self.zone.clone()).date());
        let pattern = if local.date() == today { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
        Moment { text: local.strftime(pattern).to_string(), exact: at.to_string() }
    }

    /// The hour of this clock's moment, since 1970 UTC.
    pub(super) fn hour(&self) -> i64 {
        self.as_of.as_second().div_euclid(3_600)
    }

    /// Where such an hour begins: `14:00`.
    pub(super) fn hour_of(&self, hour: i64) -> String {
        let at = Timestamp::from_second(hour.saturating_mul(3_600)).unwrap_or(self.as_of);
        at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// This clock's own moment, with its zone: `14:32:07 +01:00`.
    pub(super) fn now(&self) -> Moment {
        let local = self.as_of.to_zoned(self.zone.clone());
        Moment { text: local.strftime("%H:%M:%S %:z").to_string(), exact: self.as_of.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_names_its_day_only_when_that_is_not_today() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let clock = Clock::new(zone, "2026-03-29T22:30:00Z".parse().unwrap());
        assert_eq!(clock.now().text, "00:30:00 +02:00");
        assert_eq!(clock.at("2026-03-29T22:29:59Z".parse().unwrap()).text, "00:29:59");
        assert_eq!(clock.at("2026-03-29T21:59:59Z".parse().unwrap()).text, "2026-03-29 23:59:59");
    }
}
