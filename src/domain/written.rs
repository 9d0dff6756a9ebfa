//! A moment as a person writes it, on the command line or in a form. It reads no clock.

use jiff::civil::{DateTime, Time};
use jiff::{Timestamp, Zoned};

use super::{Words, words};

/// A time of today, or of a day, in the zone of `now`; or an instant with its zone.
///
/// # Errors
/// What is wrong with it.
pub fn moment(text: &str, now: &Zoned) -> Result<Timestamp, Words> {
    let odd = || {
        words!("{text} is no time; write one such as 14:05, 2026-11-20 14:05 or 2026-11-20T14:05:00Z", text)
    };
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let local = match Time::strptime("%H:%M", text) {
        Ok(time) => now.date().to_datetime(time),
        // Forms have a T between.
        Err(_) => ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]
            .into_iter()
            .find_map(|form| DateTime::strptime(form, text).ok())
            .ok_or_else(odd)?,
    };
    // On the night the clocks change an hour comes twice or never: then the zone must be named.
    let instant = now.time_zone().to_ambiguous_timestamp(local);
    if instant.is_ambiguous() {
        return Err(words!(
            "the clocks change at {text}; write the time with its zone, as 2026-10-25T02:30:00+01:00",
            text
        ));
    }
    instant.unambiguous().map_err(|_| odd())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_of_today_unless_it_names_its_day() {
        let now: Zoned = "2026-10-25T12:00:00+01:00[Europe/Berlin]".parse().unwrap();
        for (text, expected) in [
            ("11:05", Some("2026-10-25T10:05:00Z")),
            ("2026-10-24 23:30", Some("2026-10-24T21:30:00Z")),
            ("2026-10-24T23:30", Some("2026-10-24T21:30:00Z")),
            ("2026-10-25T02:30:00+01:00", Some("2026-10-25T01:30:00Z")),
            ("02:30", None),
            ("25:00", None),
            ("yesterday", None),
        ] {
            let found = moment(text, &now).ok().map(|instant| instant.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
