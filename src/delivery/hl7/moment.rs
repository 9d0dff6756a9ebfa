//! Times as HL7 writes them: local digits with their distance from UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::domain::InstrumentTime;

/// The furthest that a local time is from UTC, in minutes.
const FURTHEST: i64 = 15 * 60;

pub(super) fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%d%H%M%S+0000").to_string()
}

/// An instrument's time in its own digits, with the distance from UTC where that is known. `None` where the text is
/// nothing that HL7 could take for a time.
pub(super) fn of(time: &InstrumentTime) -> Option<String> {
    match time.instant {
        Some(instant) => Some(local(&time.text, instant).unwrap_or_else(|| utc(instant))),
        None => {
            let is_time = matches!(time.text.len(), 4 | 6 | 8 | 10 | 12 | 14) && is_digits(&time.text);
            is_time.then(|| time.text.clone())
        }
    }
}

/// The digits as sent, where they and the instant are whole minutes apart. What the text says of its distance stays.
fn local(text: &str, instant: Timestamp) -> Option<String> {
    let (clock, said) = text.find(['+', '-']).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let fits = whole.len() == 14 || whole.len() == 12 && !said.is_empty();
    if !fits || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let shown = DateTime::strptime("%Y%m%d%H%M%S", format!("{whole:0<14}")).ok()?;
    let apart = shown.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second() - instant.as_second();
    let minutes = apart / 60;
    if apart % 60 != 0 || minutes.abs() > FURTHEST {
        return None;
    }
    let sign = if minutes < 0 { '-' } else { '+' };
    let distance = format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60);
    match said {
        "" => Some(format!("{text}{distance}")),
        _ => (said == distance).then(|| text.to_owned()),
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruments_digits_are_kept_and_get_their_distance_from_utc() {
        for (text, instant, expected) in [
            ("20260102040405", Some("2026-01-02T03:04:05Z"), Some("20260102040405+0100")),
            ("20260701233405", Some("2026-07-02T03:04:05Z"), Some("20260701233405-0330")),
            ("20260102030405", None, Some("20260102030405")),
            ("02.01.2026 03:04", Some("2026-01-02T03:04:00Z"), Some("20260102030400+0000")),
            ("20260102030405", Some("2026-01-05T03:04:05Z"), Some("20260105030405+0000")),
            ("20220812153714+0900", Some("2022-08-12T06:37:14Z"), Some("20220812153714+0900")),
            ("202208121537-0330", Some("2022-08-12T19:07:00Z"), Some("202208121537-0330")),
            ("20220812153714.12+0900", Some("2022-08-12T06:37:14.12Z"), Some("20220812153714.12+0900")),
            ("20220812153714.1234", Some("2022-08-12T13:37:14.1234Z"), Some("20220812153714.1234+0200")),
            ("20220812153714+0900", Some("2022-08-12T07:37:14Z"), Some("20220812073714+0000")),
            ("2026-01-02 03:04", Some("2026-01-02T03:04:00Z"), Some("20260102030400+0000")),
            ("yesterday", None, None),
        ] {
            let instant = instant.map(|text| text.parse().unwrap());
            let time = InstrumentTime { text: text.to_owned(), instant };
            assert_eq!(of(&time).as_deref(), expected, "{text}");
        }
    }
}
