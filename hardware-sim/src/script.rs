//! A dialogue written down, to replay a trace line by line.
//!
//! ```text
//! # comment
//! patience 20s                              how long each expectation may take from here on (15s)
//! > ENQ                                     send
//! < ACK                                     expect exactly this
//! > STX 1H|\^& CR ETX cs CR LF              cs: the checksum of what stands between STX and here
//! < any                                     expect one byte, whichever
//! < frame                                   expect one frame with a good checksum
//! wait 2s                                   hear nothing of what is said meanwhile
//! silent 2s                                 expect that nothing is said
//! cut                                       drop the connection
//! ```
//!
//! Words are separated by spaces: STX ETX EOT ENQ ACK NAK ETB CR LF VT FS SP (a space), `0x1B` (any byte), and
//! text, in which single spaces are kept. It checks bytes only and understands no protocol.

use std::fmt;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::duration;
use crate::frame::{self, Reader, Token};
use crate::line::{Heard, Line};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    steps: Vec<(usize, Step)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Say(Vec<u8>),
    Expect(Vec<u8>),
    ExpectAny,
    ExpectFrame,
    Patience(Duration),
    Wait(Duration),
    Silent(Duration),
    Cut,
}

/// What is wrong with a line of a script, or with what happened at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// From 1.
    pub line: usize,
    pub what: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Mismatch {}

impl Script {
    /// Reads a script; all its errors at once.
    pub fn parse(text: &str) -> Result<Script, Vec<Mismatch>> {
        let mut steps = Vec::new();
        let mut wrong = Vec::new();
        for (at, line) in text.lines().enumerate() {
            match parse_line(line) {
                Ok(step) => steps.extend(step.map(|step| (at + 1, step))),
                Err(what) => wrong.push(Mismatch { line: at + 1, what }),
            }
        }
        if wrong.is_empty() { Ok(Script { steps }) } else { Err(wrong) }
    }

    /// Plays it to its end or to the first thing that happens otherwise.
    pub async fn play<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Result<(), Mismatch> {
        let mut line = Line::new(stream);
        let mut patience = Duration::from_secs(15);
        for (number, step) in &self.steps {
            let outcome = match step {
                Step::Patience(time) => {
                    patience = *time;
                    Ok(())
                }
                step => play_step(step, &mut line, patience).await,
            };
            outcome.map_err(|what| Mismatch { line: *number, what })?;
        }
        Ok(())
    }
}

fn parse_line(line: &str) -> Result<Option<Step>, String> {
    let line = line.trim_end();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let step = match (verb, rest) {
        (">", rest) if !rest.is_empty() => Step::Say(bytes_of(rest)?),
        ("<", "any") => Step::ExpectAny,
        ("<", "frame") => Step::ExpectFrame,
        ("<", rest) if !rest.is_empty() => Step::Expect(bytes_of(rest)?),
        ("patience", time) => Step::Patience(duration::parse(time)?),
        ("wait", time) => Step::Wait(duration::parse(time)?),
        ("silent", time) => Step::Silent(duration::parse(time)?),
        ("cut", "") => Step::Cut,
        _ => return Err(format!("\"{line}\" is no step; write > … , < … , wait, silent, patience or cut")),
    };
    Ok(Some(step))
}

fn bytes_of(words: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut after_text = false;
    for word in words.split(' ') {
        if let Some(byte) = control(word) {
            bytes.push(byte);
            after_text = false;
        } else if word == "cs" {
            let begin = bytes.iter().rposition(|byte| *byte == frame::STX);
            let covered = begin.and_then(|at| bytes.get(at + 1..)).ok_or("cs needs an STX before it")?;
            let sum = frame::checksum(covered);
            bytes.extend(sum);
            after_text = false;
        } else {
            if after_text {
                bytes.push(b' ');
            }
            bytes.extend(word.bytes());
            after_text = true;
        }
    }
    Ok(bytes)
}

fn control(word: &str) -> Option<u8> {
    Some(match word {
        "STX" => frame::STX,
        "ETX" => frame::ETX,
        "EOT" => frame::EOT,
        "ENQ" => frame::ENQ,
        "ACK" => frame::ACK,
        "NAK" => frame::NAK,
        "ETB" => frame::ETB,
        "CR" => frame::CR,
        "LF" => frame::LF,
        "VT" => 0x0B,
        "FS" => 0x1C,
        "SP" => b' ',
        _ => {
            let digits = word.strip_prefix("0x").filter(|digits| digits.len() == 2)?;
            return u8::from_str_radix(digits, 16).ok();
        }
    })
}

async fn play_step<S>(step: &Step, line: &mut Line<S>, patience: Duration) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    match step {
        Step::Say(bytes) if line.say(bytes, patience).await => Ok(()),
        Step::Say(_) => Err("the line took no bytes".into()),
        Step::Expect(bytes) => {
            let deadline = Instant::now() + patience;
            for byte in bytes {
                let heard = line.hear_until(deadline).await;
                if heard != Heard::Byte(*byte) {
                    return Err(format!("expected {}, {}", shown(*byte), happened(heard)));
                }
            }
            Ok(())
        }
        Step::ExpectAny => match line.hear(patience).await {
            Heard::Byte(_) => Ok(()),
            heard => Err(format!("expected a byte, {}", happened(heard))),
        },
        Step::ExpectFrame => expect_frame(line, patience).await,
        Step::Wait(time) => {
            let deadline = Instant::now() + *time;
            while let Heard::Byte(_) = line.hear_until(deadline).await {}
            tokio::time::sleep_until(deadline).await;
            Ok(())
        }
        Step::Silent(time) => match line.hear(*time).await {
            Heard::Nothing => Ok(()),
            heard => Err(format!("expected silence, {}", happened(heard))),
        },
        Step::Cut => {
            line.hang_up();
            Ok(())
        }
        Step::Patience(_) => Ok(()),
    }
}

async fn expect_frame<S>(line: &mut Line<S>, patience: Duration) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let deadline = Instant::now() + patience;
    let mut reader = Reader::default();
    loop {
        match line.hear_until(deadline).await {
            Heard::Byte(byte) => match reader.push(byte) {
                Token::Frame(_) => return Ok(()),
                Token::Pending => {}
                Token::Broken => return Err("expected a frame, heard a broken one".into()),
                Token::Enq | Token::Eot => return Err(format!("expected a frame, heard {}", shown(byte))),
            },
            heard => return Err(format!("expected a frame, {}", happened(heard))),
        }
    }
}

fn happened(heard: Heard) -> String {
    match heard {
        Heard::Byte(byte) => format!("heard {}", shown(byte)),
        Heard::Nothing => "heard nothing".into(),
        Heard::Gone => "the connection was lost".into(),
    }
}

fn shown(byte: u8) -> String {
    const NAMES: [&str; 11] = ["STX", "ETX", "EOT", "ENQ", "ACK", "NAK", "ETB", "CR", "LF", "VT", "FS"];
    let name = NAMES.into_iter().find(|name| control(name) == Some(byte));
    match name {
        Some(name) => name.into(),
        None if byte.is_ascii_graphic() => format!("\"{}\"", char::from(byte)),
        None => format!("0x{byte:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn words_become_bytes_and_checksums_are_worked_out() {
        assert_eq!(bytes_of("ENQ").unwrap(), b"\x05");
        assert_eq!(bytes_of("STX 3L|1|N CR ETX cs CR LF").unwrap(), b"\x023L|1|N\r\x0306\r\n");
        assert_eq!(bytes_of("Whole blood SP x 0xFF").unwrap(), b"Whole blood x\xFF");
        assert!(bytes_of("1H cs").is_err());
    }

    #[test]
    fn all_errors_of_a_script_are_told_at_once_with_their_lines() {
        let wrong = Script::parse("# fine\n> ENQ\nsend ENQ\nwait 2\n>\n").unwrap_err();
        assert_eq!(wrong.iter().map(|mismatch| mismatch.line).collect::<Vec<_>>(), [3, 4, 5]);
    }

    async fn played(script: &str, host_says: &[u8]) -> (Result<(), Mismatch>, Vec<u8>) {
        let (near, mut far) = tokio::io::duplex(4096);
        far.write_all(host_says).await.unwrap();
        let outcome = Script::parse(script).unwrap().play(near).await;
        let mut heard = Vec::new();
        far.read_to_end(&mut heard).await.unwrap();
        (outcome, heard)
    }

    #[tokio::test(start_paused = true)]
    async fn a_script_is_played_to_its_end() {
        let script = "> ENQ\n< ACK\n> STX 1A ETX cs CR LF\n< any\nwait 2s\n> EOT\nsilent 1s\ncut\n";
        let (outcome, heard) = played(script, b"\x06\x06").await;
        assert_eq!(outcome, Ok(()));
        assert_eq!(heard, b"\x05\x021A\x0375\r\n\x04");
    }

    #[tokio::test(start_paused = true)]
    async fn a_different_answer_is_told_with_its_line() {
        let (outcome, _) = played("> ENQ\n< ACK\n", b"\x15").await;
        assert_eq!(outcome.unwrap_err().to_string(), "line 2: expected ACK, heard NAK");
        let (outcome, _) = played("patience 2s\n< ACK\n", b"").await;
        assert_eq!(outcome.unwrap_err().to_string(), "line 2: expected ACK, heard nothing");
        let (outcome, _) = played("silent 2s\n", b"\x05").await;
        assert_eq!(outcome.unwrap_err().to_string(), "line 1: expected silence, heard ENQ");
    }

    #[tokio::test(start_paused = true)]
    async fn an_expected_frame_must_have_a_good_checksum() {
        assert_eq!(played("< ENQ\n< frame\n", b"\x05\x021A\x0375\r\n").await.0, Ok(()));
        assert!(played("< frame\n", b"\x021A\x0376\r\n").await.0.is_err());
    }
}
