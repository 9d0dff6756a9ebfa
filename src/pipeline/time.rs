//! From an instrument's time text to an instant in its declared zone. An hour that doesn't exist, or that comes
//! twice, on the night the clocks change names no instant; the text is kept in any case.

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::InstrumentTime;

/// How far an instrument's clock may run ahead of ours before it is said to be wrong.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// What is wrong with a time, in words for a technician.
pub(super) type Doubt = &'static str;

/// Reads a time by the first of the `strptime` formats that fits; without any, `YYYYMMDD`, `YYYYMMDDHHMM` or
/// `YYYYMMDDHHMMSS`. A `*` at a format's end leaves the rest of the text out. A date alone names no instant and is no
/// fault. `None` for empty text.
pub(super) fn read(
    text: &str,
    formats: &[String],
    zone: &TimeZone,
    received_at: Timestamp,
) -> (Option<InstrumentTime>, Option<Doubt>) {
    let text = text.trim();
    if text.is_empty() {
        return (None, None);
    }
    let civil = if formats.is_empty() {
        civil(text)
    } else {
        formats.iter().find_map(|format| formatted(text, format))
    };
    let (instant, doubt) = match civil {
        Some(Civil::Date) => (None, None),
        Some(Civil::DateTime(time)) => instant(time, zone, received_at),
        None => (None, Some("it is no date and time")),
    };
    (Some(InstrumentTime { text: text.to_owned(), instant }), doubt)
}

enum Civil {
    Date,
    DateTime(DateTime),
}

fn civil(text: &str) -> Option<Civil> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let short = |from: usize, to: usize| i8::try_from(digits(from, to)?).ok();
    let seconds = match text.len() {
        8 | 12 => 0,
        14 => short(12, 14)?,
        _ => return None,
    };
    let (hour, minute) = match text.len() {
        8 => (0, 0),
        _ => (short(8, 10)?, short(10, 12)?),
    };
    let time = DateTime::new(digits(0, 4)?, short(4, 6)?, short(6, 8)?, hour, minute, seconds, 0).ok()?;
    Some(if text.len() == 8 { Civil::Date } else { Civil::DateTime(time) })
}

fn formatted(text: &str, format: &str) -> Option<Civil> {
    let time = match format.strip_suffix('*') {
        Some(format) => BrokenDownTime::parse_prefix(format, text).ok()?.0,
        None => BrokenDownTime::parse(format, text).ok()?,
    };
    match time.hour() {
        None => time.to_date().ok().map(|_| Civil::Date),
        Some(_) => time.to_datetime().ok().map(Civil::DateTime),
    }
}

fn instant(time: DateTime, zone: &TimeZone, received_at: Timestamp) -> (Option<Timestamp>, Option<Doubt>) {
    let candidates = zone.to_ambiguous_zoned(time);
    if candidates.is_ambiguous() {
        return (None, Some("on that night the clocks change: the hour is missing or comes twice"));
    }
    match candidates.unambiguous() {
        Ok(zoned) => {
            let instant = zoned.timestamp();
            let ahead = instant.duration_since(received_at) > AHEAD;
            (Some(instant), ahead.then_some("it lies in the future"))
        }
        Err(_) => (None, Some("it is beyond the calendar")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_names_an_instant_only_where_it_names_exactly_one() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let received_at: Timestamp = "2026-10-26T12:00:00Z".parse().unwrap();
        for (text, expected, doubtful) in [
            ("20260114083000", Some("2026-01-14T07:30:00Z"), false),
            ("20260714083000", Some("2026-07-14T06:30:00Z"), false),
            ("202607140830", Some("2026-07-14T06:30:00Z"), false),
            (" 20260714083000 ", Some("2026-07-14T06:30:00Z"), false),
            ("20260714", None, false),
            ("20260329023000", None, true),
            ("20261025023000", None, true),
            ("20261025033000", Some("2026-10-25T02:30:00Z"), false),
            ("20261026123000", Some("2026-10-26T11:30:00Z"), false),
            ("20261026163000", Some("2026-10-26T15:30:00Z"), true),
            ("99991231235959", None, true),
            ("20260230120000", None, true),
            ("20260714250000", None, true),
            ("00000000000000", None, true),
            ("2026-07-14", None, true),
            ("2026071408300", None, true),
            ("x", None, true),
        ] {
            let (time, doubt) = read(text, &[], &zone, received_at);
            let time = time.unwrap();
            assert_eq!(time.text, text.trim());
            assert_eq!(time.instant.map(|instant| instant.to_string()).as_deref(), expected, "{text:?}");
            assert_eq!(doubt.is_some(), doubtful, "{text:?}");
        }
        assert_eq!(read("  ", &[], &zone, received_at), (None, None));
    }

    #[test]
    fn a_model_writes_times_in_its_own_way() {
        let received_at: Timestamp = "2026-10-26T12:00:00Z".parse().unwrap();
        let formats = ["%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S *", "%m/%d/%y %I:%M %p", "%d.%m.%Y"];
        let formats = formats.map(str::to_owned);
        for (text, expected, doubtful) in [
            ("21/02/2026 11:55:43", Some("2026-02-21T11:55:43Z"), false),
            ("2026-02-21 15:02:50 PM EST", Some("2026-02-21T15:02:50Z"), false),
            ("02/21/26 03:05 PM", Some("2026-02-21T15:05:00Z"), false),
            ("21.02.2026", None, false),
            ("21/02/2026", None, true),
            ("20260221", None, true),
            ("31/02/2026 11:55:43", None, true),
            ("21/02/2026 11:55:43 x", None, true),
        ] {
            let (time, doubt) = read(text, &formats, &TimeZone::UTC, received_at);
            let instant = time.unwrap().instant.map(|instant| instant.to_string());
            assert_eq!((instant.as_deref(), doubt.is_some()), (expected, doubtful), "{text:?}");
        }
    }
}
