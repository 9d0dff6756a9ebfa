//! An analyzer's own clock: local time to the second, without a zone. It never reads the machine's clock.

use std::fmt;

/// Seconds since 1970-01-01 00:00:00 of the analyzer's local time. Shown as `YYYYMMDDHHMMSS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

const DAY: u64 = 86_400;

impl Default for Moment {
    /// 2026-01-05 08:00:00.
    fn default() -> Self {
        Moment(20_458 * DAY + 8 * 3600)
    }
}

impl Moment {
    pub fn from_seconds(since_1970: u64) -> Self {
        Moment(since_1970)
    }

    pub fn later(self, seconds: u64) -> Self {
        Moment(self.0.saturating_add(seconds))
    }

    pub fn earlier(self, seconds: u64) -> Self {
        Moment(self.0.saturating_sub(seconds))
    }

    /// Year, month and day, by counting in eras of 400 years that begin on 1 March.
    fn date(self) -> (u64, u64, u64) {
        let days = self.0 / DAY + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        (era * 400 + year_of_era + u64::from(month <= 2), month, day)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let second = self.0 % DAY;
        write!(f, "{year:04}{month:02}{day:02}{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_shown_as_analyzers_write_them() {
        let cases = [
            (0, "19700101000000"),
            (951_782_400, "20000229000000"),
            (1_772_411_445, "20260302003045"),
            (4_107_542_399, "21000228235959"),
            (4_107_542_400, "21000301000000"),
        ];
        for (seconds, shown) in cases {
            assert_eq!(Moment::from_seconds(seconds).to_string(), shown);
        }
        assert_eq!(Moment::default().to_string(), "20260105080000");
        assert_eq!(Moment::default().later(90).to_string(), "20260105080130");
        assert_eq!(Moment::default().earlier(1).to_string(), "20260105075959");
    }
}
