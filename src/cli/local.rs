//! Times as people at this machine read them. Programs are told UTC, elsewhere.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// To the second, in this machine's zone, which stands beside it.
pub(super) fn written(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// The same in this machine's zone.
pub(super) fn here(at: Timestamp) -> String {
    written(at, &TimeZone::system())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_to_the_second_in_this_machine_s_zone() {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let at = "2026-11-22T19:35:24.56977Z".parse().unwrap();
        assert_eq!(written(at, &zone), "2026-11-22 20:35:24 +01:00");
    }
}
