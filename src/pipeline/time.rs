//! From an instrument's time text to an instant: in its declared zone, unless the text says itself how far it is from UTC.
//! An hour that doesn't exist, or that comes twice, on the night the clocks change names no instant; the text is kept in
//! any case.

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::domain::InstrumentTime;

/// How far an instrument's clock may run ahead of ours before it is said to be wrong.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// No analyzer has measured anything before: such a year lost its first digits.
const FIRST_YEAR: i16 = 1900;

/// No local time is further from UTC.
const FURTHEST_HOURS: i32 = 14;

/// What is wrong with a time, in words for a technician.
pub(super) type Doubt = &'static str;

/// Reads a time by the first of the `strptime` formats that fits; without any, `YYYYMMDD`, `YYYYMMDDHHMM` or
/// `YYYYMMDDHHMMSS`, as HL7 has it perhaps with a fraction of a second and with its distance from UTC. Every digit must be there that a format asks for: half a time is another time. A `*` at a format's
/// end leaves the rest of the text out. A date alone names no instant and is no fault. `None` for empty text.
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
    let (instant, doubt) = match written(text, formats) {
        Some(Civil::Date) => (None, None),
        Some(Civil::DateTime(time, None)) => instant(time, zone, received_at),
        Some(Civil::DateTime(time, Some(offset))) => instant(time, &TimeZone::fixed(offset), received_at),
        None if formats.is_empty() => (None, Some("it is no date and time")),
        None => (None, Some("it isn't written as times says; mend times in the instrument's file")),
    };
    (Some(InstrumentTime { text: text.to_owned(), instant }), doubt)
}

/// Whether it is read as a day without an hour.
pub(super) fn is_date(text: &str, formats: &[String]) -> bool {
    matches!(written(text.trim(), formats), Some(Civil::Date))
}

/// What is wrong with the day that a workbook's cell holds, unless the formats that somebody named want no more: a
/// spreadsheet keeps midnight like the day alone, so that it is neither.
pub(super) fn of_cell(text: &str, named: &[String]) -> Option<Doubt> {
    const DAY: &str = "%Y-%m-%d";
    let is_day = matches!(formatted(text.trim(), DAY), Some(Civil::Date));
    let wants_more = named.is_empty() || named.iter().any(|format| asks_for_an_hour(format));
    (is_day && wants_more)
        .then_some("its cell holds a day without an hour, or midnight, which a spreadsheet keeps alike")
}

fn asks_for_an_hour(format: &str) -> bool {
    const HOURS: &str = "HIklTRXcrs";
    format.split('%').skip(1).any(|piece| {
        let letter = piece.trim_start_matches(['-', '_', '^', '#', '0']).chars().next();
        letter.is_some_and(|letter| HOURS.contains(letter))
    })
}

fn written(text: &str, formats: &[String]) -> Option<Civil> {
    match formats.is_empty() {
        true => civil(text),
        false => formats.iter().find_map(|format| formatted(text, format)),
    }
}

enum Civil {
    Date,
    /// Its distance from UTC, where the text says it.
    DateTime(DateTime, Option<Offset>),
}

fn civil(text: &str) -> Option<Civil> {
    let (text, offset) = match text.find(['+', '-']).and_then(|at| text.split_at_checked(at)) {
        Some((text, distance)) => (text, Some(offset(distance)?)),
        None => (text, None),
    };
    let (text, nanoseconds) = match text.split_once('.') {
        Some((text, fraction)) if text.len() == 14 => (text, nanoseconds(fraction)?),
        Some(_) => return None,
        None => (text, 0),
    };
    if !is_digits(text) {
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
    let year = digits(0, 4).filter(|year| *year >= FIRST_YEAR)?;
    let time = DateTime::new(year, short(4, 6)?, short(6, 8)?, hour, minute, seconds, nanoseconds).ok()?;
    Some(if text.len() == 8 { Civil::Date } else { Civil::DateTime(time, offset) })
}

/// `+0100`.
fn offset(text: &str) -> Option<Offset> {
    let digits = text.get(1..).filter(|digits| digits.len() == 4 && is_digits(digits))?;
    let (hours, minutes) = (digits.get(..2)?.parse::<i32>().ok()?, digits.get(2..)?.parse::<i32>().ok()?);
    if hours > FURTHEST_HOURS || minutes > 59 {
        return None;
    }
    let seconds = 60 * (60 * hours + minutes);
    Offset::from_seconds(if text.starts_with('-') { -seconds } else { seconds }).ok()
}

/// Of a fraction of a second of one to nine digits.
fn nanoseconds(fraction: &str) -> Option<i32> {
    let fits = matches!(fraction.len(), 1..=9) && is_digits(fraction);
    format!("{fraction:0<9}").parse().ok().filter(|_| fits)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn formatted(text: &str, format: &str) -> Option<Civil> {
    let (format, time, read) = match format.strip_suffix('*') {
        Some(format) => {
            let (time, length) = BrokenDownTime::parse_prefix(format, text).ok()?;
            let (read, rest) = text.split_at_checked(length)?;
            let is_digit = |end: Option<char>| end.is_some_and(|end| end.is_ascii_digit());
            // A number that goes on was read by half.
            if is_digit(read.chars().next_back()) && is_digit(rest.chars().next()) {
                return None;
            }
            (format, time, read)
        }
        None => (format, BrokenDownTime::parse(format, text).ok()?, text),
    };
    let date = time.to_date().ok().filter(|date| date.year() >= FIRST_YEAR)?;
    if !is_written(&time, format, read) {
        return None;
    }
    match time.hour() {
        None => Some(Civil::Date),
        Some(_) => time.to_time().ok().map(|time| Civil::DateTime(date.to_datetime(time), None)),
    }
}

/// Whether the format writes the time as it was read, but for blanks and upper case: `strptime` takes `10:4` for 10:04.
fn is_written(time: &BrokenDownTime, format: &str, read: &str) -> bool {
    const FRACTIONS: [&str; 2] = ["%.f", "%f"];
    let is_fine = FRACTIONS.iter().any(|fraction| format.contains(fraction));
    // A fraction has as many digits as it likes.
    let finer = (1..=9)
        .filter(|_| is_fine)
        .map(|digits| format.replace("%.f", &format!("%.{digits}f")).replace("%f", &format!("%{digits}f")));
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
    let read = words(read);
    std::iter::once(format.to_owned())
        .chain(finer)
        .any(|format| time.to_string(&format).is_ok_and(|written| words(&written) == read))
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
            ("00260714083000", None, true),
            ("00260714", None, true),
            ("x", None, true),
            // What it says of itself counts before the zone, on the night the clocks change too.
            ("20220812153714+0900", Some("2022-08-12T06:37:14Z"), false),
            ("20261025023000+0100", Some("2026-10-25T01:30:00Z"), false),
            ("20261025023000.5+0200", Some("2026-10-25T00:30:00.5Z"), false),
            ("202607140830-0330", Some("2026-07-14T12:00:00Z"), false),
            ("20260714083000.1234", Some("2026-07-14T06:30:00.1234Z"), false),
            ("20260714083000.1234+0000", Some("2026-07-14T08:30:00.1234Z"), false),
            ("20260714+0200", None, false),
            ("20261026163000+0100", Some("2026-10-26T15:30:00Z"), true),
            ("20260714083000+", None, true),
            ("20260714083000+09", None, true),
            ("20260714083000+0960", None, true),
            ("20260714083000+1500", None, true),
            ("20260714083000+09000", None, true),
            ("20260714083000+0900+0900", None, true),
            ("20260714083000.", None, true),
            ("20260714083000.x", None, true),
            ("202607140830.5", None, true),
            ("+0900", None, true),
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
            ("21/02/2026  11:55:43", Some("2026-02-21T11:55:43Z"), false),
            ("02/21/26 03:05 pm", Some("2026-02-21T15:05:00Z"), false),
        ] {
            let (time, doubt) = read(text, &formats, &TimeZone::UTC, received_at);
            let instant = time.unwrap().instant.map(|instant| instant.to_string());
            assert_eq!((instant.as_deref(), doubt.is_some()), (expected, doubtful), "{text:?}");
        }
    }

    #[test]
    fn half_a_time_is_no_other_time() {
        let received_at: Timestamp = "2026-10-26T12:00:00Z".parse().unwrap();
        for (format, text, expected) in [
            ("%d.%m.%Y %H:%M", "20.11.2025 10:45", Some("2025-11-20T10:45:00Z")),
            ("%d.%m.%Y %H:%M", "20.11.2025 10:4", None),
            ("%d.%m.%Y %H:%M", "20.11.2025 1:45", None),
            ("%d.%m.%Y %H:%M", "2.11.2025 10:45", None),
            ("%d.%m.%Y %H:%M", "20.11.25 10:45", None),
            ("%d.%m.%Y %H:%M", "20.11.0025 10:45", None),
            ("%d.%m.%Y", "20.11.20", None),
            ("%d.%m.%Y", "20.11.0020", None),
            ("%Y-%m-%d %H:%M:%S *", "2025-11-20 10:45:3", None),
            ("%Y-%m-%d %H:%M:%S*", "2025-11-20 10:45:301", None),
            ("%Y-%m-%d %H:%M:%S *", "2025-11-20 10:45:30", Some("2025-11-20T10:45:30Z")),
            ("%Y-%m-%d %H:%M:%S%.f", "2025-11-20 10:45:30.120", Some("2025-11-20T10:45:30.12Z")),
            ("%Y-%m-%d %H:%M:%S%.f", "2025-11-20 10:45:30", Some("2025-11-20T10:45:30Z")),
            // The profile says that digits are left out.
            ("%-m/%-d/%Y %-I:%M %p", "1/2/2025 8:05 AM", Some("2025-01-02T08:05:00Z")),
            ("%-m/%-d/%Y %-I:%M %p", "11/12/2025 10:05 PM", Some("2025-11-12T22:05:00Z")),
            ("%-m/%-d/%Y %-I:%M %p", "1/2/2025 8:5 AM", None),
            ("%e %b %Y %k:%M", "2 Nov 2025 8:05", Some("2025-11-02T08:05:00Z")),
        ] {
            let (time, doubt) = read(text, &[format.to_owned()], &TimeZone::UTC, received_at);
            let instant = time.unwrap().instant.map(|instant| instant.to_string());
            assert_eq!(instant.as_deref(), expected, "{format} {text:?}");
            assert_eq!(doubt.is_some_and(|doubt| doubt.contains("times")), expected.is_none(), "{text:?}");
        }
    }
}
