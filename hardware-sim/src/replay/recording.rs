//! A capture as the gateway writes it, read by a reader of the simulator's own: one line a read or write, with its time,
//! the connection, the direction, and the bytes with control characters by name.

use std::fmt::Write;
use std::time::Duration;

use super::Played;

/// What a capture has, connection by connection in the order in which they began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    pub(super) conversations: Vec<Conversation>,
    /// Connections stood at once; they are played one after another.
    pub overlaps: bool,
    /// Something of it can't be played, in words.
    pub warnings: Vec<String>,
}

/// A line that can't be read. What it holds isn't told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongLine(pub usize, pub &'static str);

impl std::fmt::Display for WrongLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.0, self.1)
    }
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conversation {
    pub(super) who: String,
    /// From the end of the one before to its beginning.
    pub(super) before: Duration,
    pub(super) steps: Vec<Step>,
    began: i64,
    ended: i64,
}

/// What the analyzer said, and what was answered before it spoke again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) line: usize,
    /// Since whatever was said or happened last.
    pub(super) after: Duration,
    pub(super) said: Vec<u8>,
    /// Each with its line and how long it took.
    pub(super) answers: Vec<(usize, Duration, Vec<u8>)>,
}

impl Conversation {
    pub(super) fn unplayed(&self) -> Played {
        Played { who: self.who.clone(), said: 0, alike: 0, differences: Vec::new(), is_whole: false }
    }
}

impl Recording {
    /// Reads a capture, or the trace of a source.
    ///
    /// # Errors
    /// At the first line that is none, and where lines were left out of the capture.
    pub fn read(text: &str) -> Result<Recording, WrongLine> {
        let mut found: Vec<Conversation> = Vec::new();
        let mut unasked = 0;
        for (number, line) in (1..).zip(text.lines()) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.splitn(4, ' ');
            let (Some(at), Some(who), Some(mark), Some(rest)) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                return Err(WrongLine(number, "not a time, a connection, a direction and what was said"));
            };
            let at = micros(at).ok_or(WrongLine(number, "no time such as 2026-11-22T07:14:03.120000Z"))?;
            if who == "-" {
                return Err(WrongLine(
                    number,
                    "lines were left out of this capture: it can't be played as it was",
                ));
            }
            let begins = mark == "=" && rest.starts_with("connected");
            let position = found.iter().rposition(|it| it.who == who).filter(|_| !begins);
            let position = position.unwrap_or_else(|| {
                let who = who.to_owned();
                found.push(Conversation {
                    who,
                    before: Duration::ZERO,
                    steps: Vec::new(),
                    began: at,
                    ended: at,
                });
                found.len() - 1
            });
            let Some(conversation) = found.get_mut(position) else { continue };
            let after = Duration::from_micros(u64::try_from(at - conversation.ended).unwrap_or_default());
            conversation.ended = conversation.ended.max(at);
            let bytes = || bytes(rest).ok_or(WrongLine(number, "bytes that can't be read"));
            match mark {
                "=" => {}
                ">" => {
                    let said = bytes()?;
                    conversation.steps.push(Step { line: number, after, said, answers: Vec::new() });
                }
                "<" => match conversation.steps.last_mut() {
                    Some(step) => step.answers.push((number, after, bytes()?)),
                    None => unasked += 1,
                },
                _ => return Err(WrongLine(number, "a direction that is none of >, < and =")),
            }
        }
        found.retain(|it| !it.steps.is_empty());
        let mut overlaps = false;
        let mut ended = None;
        for it in &mut found {
            let gap = ended.map_or(0, |ended: i64| it.began - ended);
            overlaps |= gap < 0;
            it.before = Duration::from_micros(u64::try_from(gap).unwrap_or_default());
            ended = ended.max(Some(it.ended));
        }
        let mut warnings = Vec::new();
        if unasked > 0 {
            warnings.push(format!(
                "{unasked} times the other end spoke before the analyzer did; a replay doesn't wait for that"
            ));
        }
        Ok(Recording { conversations: found, overlaps, warnings })
    }

    /// How many connections it has.
    pub fn connections(&self) -> usize {
        self.conversations.len()
    }

    /// How many bytes the analyzer says in it.
    pub fn bytes(&self) -> usize {
        self.conversations.iter().flat_map(|it| &it.steps).map(|step| step.said.len()).sum()
    }
}

/// Microseconds since 1970 of `2026-11-22T07:14:03.120000Z`; the fraction may be shorter or missing.
fn micros(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, sign: char| {
        let mut parts = text.split(sign).map(|part| part.parse::<i64>().ok());
        let all = (parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(all)
    };
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let ((year, month, day), (hour, minute, second)) = (numbers(date, '-')?, numbers(whole, ':')?);
    if fraction.len() > 6 || !(1..=12).contains(&month) || year < 1970 {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    // Days since 1970, with years that begin on 1 March.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year / 400, year % 400);
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + day_of_era - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + fraction)
}

const NAMES: &[(&str, u8)] = &[
    ("STX", 0x02),
    ("ETX", 0x03),
    ("EOT", 0x04),
    ("ENQ", 0x05),
    ("ACK", 0x06),
    ("LF", 0x0A),
    ("VT", 0x0B),
    ("CR", 0x0D),
    ("NAK", 0x15),
    ("ETB", 0x17),
    ("FS", 0x1C),
];

/// Bytes from names in angle brackets, two hexadecimal digits in them, and printable ASCII.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'<' {
            bytes.push(Some(*first).filter(|byte| (b' '..=b'~').contains(byte))?);
            continue;
        }
        let end = after.iter().position(|byte| *byte == b'>')?;
        let name = std::str::from_utf8(after.get(..end)?).ok()?;
        rest = after.get(end + 1..)?;
        let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, byte)| *byte);
        let is_hex = name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        bytes.push(named.or_else(|| u8::from_str_radix(name, 16).ok().filter(|_| is_hex))?);
    }
    Some(bytes)
}

/// Bytes as a capture writes them.
pub(super) fn written(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match (NAMES.iter().find(|(_, named)| named == byte), *byte) {
            (Some((name, _)), _) => text.extend(["<", name, ">"]),
            (None, b'<' | ..b' ' | 0x7F..) => {
                // Writing to a string can't fail.
                let _ = write!(text, "<{byte:02X}>");
            }
            (None, printable) => text.push(char::from(printable)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_microsecond() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T00:00:00.5Z", Some(951_782_400_500_000)),
            ("2026-03-02T00:30:45.000001Z", Some(1_772_411_445_000_001)),
            ("2026-03-02T00:30:45", None),
            ("2026-03-02", None),
            ("07:14", None),
        ] {
            assert_eq!(micros(text), expected, "{text}");
        }
    }

    #[test]
    fn every_byte_is_read_back_as_it_is_written() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(bytes(&written(&all)), Some(all));
        assert_eq!([bytes("<"), bytes("<WHAT>"), bytes("\u{b5}"), bytes("<+5>")], [None, None, None, None]);
    }

    #[test]
    fn each_connection_is_a_conversation_also_where_its_number_comes_again() {
        let text = "2026-11-22T07:00:00Z a/1 = connected: x\n2026-11-22T07:00:01Z a/1 > <ENQ>\n\
                    2026-11-22T07:00:02Z a/1 = ended: y\n2026-11-22T07:00:09Z a/1 = connected: x\n\
                    2026-11-22T07:00:10Z a/1 < <ENQ>\n2026-11-22T07:00:10Z a/1 > <ACK>\n2026-11-22T07:00:12Z a/2 > <EOT>\n";
        let recording = Recording::read(text).unwrap();
        let said: Vec<(u64, &[u8])> = recording
            .conversations
            .iter()
            .map(|it| (it.before.as_secs(), it.steps[0].said.as_slice()))
            .collect();
        assert_eq!(said, [(0, b"\x05".as_slice()), (7, b"\x06"), (2, b"\x04")]);
        assert_eq!((recording.overlaps, recording.warnings.len(), recording.bytes()), (false, 1, 3));
    }

    #[test]
    fn what_isnt_whole_or_no_capture_is_refused_by_its_line() {
        for (text, line) in [
            ("2026-11-22T07:00:00Z - = left out: 7 lines of 4711 bytes\n", 1),
            ("# a\n\nhello\n", 3),
            ("2026-11-22T07:00:00Z a/1 ? <ENQ>\n", 1),
            ("2026-11-22T07:00:00Z a/1 > <ENQ\n", 1),
        ] {
            assert_eq!(Recording::read(text).unwrap_err().0, line, "{text}");
        }
    }
}
