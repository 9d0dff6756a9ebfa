//! How the page writes times: the gateway's own zone, the day only where it isn't today. Never reads a clock.

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(super) use crate::domain::Moment;
use crate::domain::Words;

/// Writes times as seen from one moment.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    zone: TimeZone,
    as_of: Timestamp,
}

impl Clock {
    pub(super) fn new(zone: TimeZone, as_of: Timestamp) -> Clock {
        Clock { zone, as_of }
    }

    /// `14:32:07`, or with its day where that isn't the day of this clock's moment.
    pub(super) fn at(&self, at: Timestamp) -> Moment {
        let (at, today) = (at.to_zoned(self.zone.clone()), self.as_of.to_zoned(self.zone.clone()).date());
        let form = if at.date() == today { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
        Moment { at, form }
    }

    /// How long something has gone on that hasn't ended; nothing for what is to come.
    pub(super) fn lasts(&self, since: Timestamp) -> Words {
        Words::Lasts(u64::try_from(self.as_of.duration_since(since).as_secs()).unwrap_or(0))
    }

    /// The hour of this clock's moment, since 1970 UTC.
    pub(super) fn hour(&self) -> i64 {
        self.as_of.as_second().div_euclid(3_600)
    }

    /// Where such an hour begins: `14:00`.
    pub(super) fn hour_of(&self, hour: i64) -> Moment {
        let at = Timestamp::from_second(hour.saturating_mul(3_600)).unwrap_or(self.as_of);
        Moment { at: at.to_zoned(self.zone.clone()), form: "%H:%M" }
    }

    /// This clock's own moment, with its zone: `14:32:07 +01:00`.
    pub(super) fn now(&self) -> Moment {
        Moment { at: self.as_of.to_zoned(self.zone.clone()), form: "%H:%M:%S %:z" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_names_its_day_only_when_that_is_not_today() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let clock = Clock::new(zone, "2026-03-29T22:30:00Z".parse().unwrap());
        assert_eq!(Words::from(clock.now()).english(), "00:30:00 +02:00");
        let at = |text: &str| Words::from(clock.at(text.parse().unwrap())).english();
        assert_eq!(at("2026-03-29T22:29:59Z"), "00:29:59");
        assert_eq!(at("2026-03-29T21:59:59Z"), "2026-03-29 23:59:59");
    }
}
