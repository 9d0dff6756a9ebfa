//! Durations as people write them on a command line or in a script: `500ms`, `2s`, `1m`. No other units.

use std::time::Duration;

/// Reads a whole number followed by `ms`, `s` or `m`.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is no duration; write it as 500ms, 2s or 1m");
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(unit_at).ok_or_else(wrong)?;
    let number: u32 = number.parse().map_err(|_| wrong())?;
    match unit {
        "ms" => Ok(Duration::from_millis(number.into())),
        "s" => Ok(Duration::from_secs(number.into())),
        "m" => Ok(Duration::from_secs(u64::from(number) * 60)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(parse("3m"), Ok(Duration::from_secs(180)));
    }

    #[test]
    fn a_duration_without_a_known_unit_is_refused() {
        for text in ["", "2", "s", "2h", "-1s", "1.5s", "2 s", "99999999999s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
