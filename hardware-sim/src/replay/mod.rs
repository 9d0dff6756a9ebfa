//! Plays the analyzer's side of a capture that the gateway made: the same bytes, with the same pauses, each after what
//! the other end had said by then. It tells where the other end speaks otherwise, and goes on only where an analyzer
//! would: not after a NAK for an ACK, nor after silence.

mod answers;
mod recording;

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::line::{Heard, Line};
use crate::net::Place;

use answers::{Likeness, compare, unit};
use recording::{Conversation, Step};

pub use recording::{Recording, WrongLine};

/// How long is listened for what the capture hasn't, once it has been played.
const AFTERWARDS: Duration = Duration::from_millis(300);
/// The most bytes of one answer.
const LONGEST: usize = 4 * 1024 * 1024;

/// How a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Manner {
    /// How many times faster than it was; none waits for answers alone.
    pub speed: Option<f64>,
    /// How long the other end may take for an answer, beyond what it took in the capture.
    pub patience: Duration,
}

/// What came of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// As the capture names it.
    pub who: String,
    pub said: usize,
    /// How many answers came as in the capture.
    pub alike: usize,
    pub differences: Vec<Difference>,
    /// Whether everything was said.
    pub is_whole: bool,
}

/// Where the other end spoke otherwise. Holds what was said: it may name a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The line of the capture, from 1.
    pub line: usize,
    pub then: Option<Vec<u8>>,
    pub now: Option<Vec<u8>>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told =
            |bytes: &Option<Vec<u8>>| bytes.as_deref().map_or("nothing".to_owned(), recording::written);
        write!(f, "line {}: then {}, now {}", self.line, told(&self.then), told(&self.now))
    }
}

/// Plays every connection of a recording, one after another.
///
/// # Errors
/// Where the place can't be opened within the manner's patience.
pub async fn play(recording: &Recording, place: &Place, manner: Manner) -> std::io::Result<Vec<Played>> {
    let mut all = Vec::new();
    for conversation in &recording.conversations {
        sleep(manner.pause(conversation.before)).await;
        let opened = timeout(manner.patience, place.open()).await;
        let late = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "nobody is at the other end");
        let line = Line::new(opened.map_err(late)??);
        let player = Player { line, manner, heard: Vec::new(), played: conversation.unplayed() };
        all.push(player.play(conversation).await);
    }
    Ok(all)
}

impl Manner {
    fn pause(self, original: Duration) -> Duration {
        self.speed.map_or(Duration::ZERO, |speed| original.div_f64(speed))
    }
}

struct Player<S> {
    line: Line<S>,
    manner: Manner,
    /// What was heard and isn't matched yet.
    heard: Vec<u8>,
    played: Played,
}

impl<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Player<S> {
    async fn play(mut self, conversation: &Conversation) -> Played {
        for Step { line, after, said, answers } in &conversation.steps {
            self.listen(self.manner.pause(*after)).await;
            if let Some(now) = self.whole_or_gone() {
                self.differs(*line, None, Some(now));
                return self.played;
            }
            if !self.line.say(said, self.manner.patience).await {
                self.differs(*line, None, None);
                return self.played;
            }
            self.played.said += 1;
            for (line, took, then) in answers {
                if !self.answered(*line, *took, then).await {
                    return self.played;
                }
            }
        }
        self.played.is_whole = true;
        self.listen(AFTERWARDS).await;
        if let Some(now) = self.whole_or_gone() {
            let line = conversation.steps.last().map_or(0, |step| step.line);
            self.differs(line, None, Some(now));
        }
        self.played
    }

    /// Waits for what is said in place of `then`. Tells whether the dialogue can go on.
    async fn answered(&mut self, line: usize, took: Duration, then: &[u8]) -> bool {
        let deadline = Instant::now() + self.manner.patience + took;
        let mut then = then;
        while let Some((expected, rest)) = unit(then).and_then(|length| then.split_at_checked(length)) {
            then = rest;
            let Some(now) = self.hear_unit(deadline).await else {
                let broken = std::mem::take(&mut self.heard);
                self.differs(line, Some(expected.to_vec()), Some(broken).filter(|it| !it.is_empty()));
                return false;
            };
            match compare(expected, &now) {
                Likeness::Same => self.played.alike += 1,
                Likeness::SameKind => self.differs(line, Some(expected.to_vec()), Some(now)),
                Likeness::Other => {
                    self.differs(line, Some(expected.to_vec()), Some(now));
                    return false;
                }
            }
        }
        true
    }

    async fn hear_unit(&mut self, deadline: Instant) -> Option<Vec<u8>> {
        loop {
            if let Some(length) = unit(&self.heard) {
                let rest = self.heard.split_off(length);
                return Some(std::mem::replace(&mut self.heard, rest));
            }
            match self.line.hear_until(deadline).await {
                Heard::Byte(byte) if self.heard.len() < LONGEST => self.heard.push(byte),
                Heard::Byte(_) | Heard::Nothing | Heard::Gone => return None,
            }
        }
    }

    /// Keeps what is said during a pause.
    async fn listen(&mut self, pause: Duration) {
        let deadline = Instant::now() + pause;
        while self.heard.len() < LONGEST {
            match self.line.hear_until(deadline).await {
                Heard::Byte(byte) => self.heard.push(byte),
                Heard::Nothing => return,
                Heard::Gone => {
                    tokio::time::sleep_until(deadline).await;
                    return;
                }
            }
        }
    }

    /// What was said although the capture has nothing there.
    fn whole_or_gone(&mut self) -> Option<Vec<u8>> {
        Some(std::mem::take(&mut self.heard)).filter(|heard| !heard.is_empty())
    }

    fn differs(&mut self, line: usize, then: Option<Vec<u8>>, now: Option<Vec<u8>>) {
        self.played.differences.push(Difference { line, then, now });
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const CAPTURE: &str = "# invented\n\
        2026-11-22T07:14:00.000000Z h500/1 = connected: 127.0.0.1:1\n\
        2026-11-22T07:14:01.000000Z h500/1 > <ENQ>\n\
        2026-11-22T07:14:01.100000Z h500/1 < <ACK>\n\
        2026-11-22T07:14:03.100000Z h500/1 > <STX>1L|1<CR>\n\
        2026-11-22T07:14:03.300000Z h500/1 > <ETX>3C<CR><LF>\n\
        2026-11-22T07:14:03.350000Z h500/1 < <ACK>\n\
        2026-11-22T07:14:03.400000Z h500/1 > <EOT>\n\
        2026-11-22T07:14:04.400000Z h500/1 = ended: the analyzer closed the connection\n";

    /// Plays it to an end that answers each write with the next of `answers`; tells what it heard and when.
    async fn against(
        capture: &str,
        answers: &'static [&'static [u8]],
        speed: Option<f64>,
    ) -> (Played, Vec<(Duration, Vec<u8>)>) {
        let recording = Recording::read(capture).unwrap();
        let conversation = recording.conversations[0].clone();
        let (near, mut far) = tokio::io::duplex(1024);
        let host = tokio::spawn(async move {
            let (began, mut answers, mut heard) = (Instant::now(), answers.iter(), Vec::new());
            let mut space = [0; 256];
            while let Ok(count @ 1..) = far.read(&mut space).await {
                heard.push((began.elapsed(), space[..count].to_vec()));
                if let Some(answer) = answers.next() {
                    far.write_all(answer).await.unwrap();
                }
            }
            heard
        });
        let manner = Manner { speed, patience: Duration::from_secs(20) };
        let player =
            Player { line: Line::new(near), manner, heard: Vec::new(), played: conversation.unplayed() };
        (player.play(&conversation).await, host.await.unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn every_byte_is_said_with_its_pause_after_what_was_answered_then() {
        // Without a pause the two halves of the frame are heard as one.
        const PACED: &[&[u8]] = &[b"\x06", b"", b"\x06"];
        const AT_ONCE: &[&[u8]] = &[b"\x06", b"\x06"];
        let at = [(Some(1.0), [1000, 3000, 3200, 3250]), (Some(10.0), [100, 300, 320, 325]), (None, [0; 4])];
        for (speed, expected) in at {
            let answers = if speed.is_some() { PACED } else { AT_ONCE };
            let (played, heard) = against(CAPTURE, answers, speed).await;
            assert!(played.differences.is_empty() && played.is_whole, "{played:?}");
            assert_eq!((played.said, played.alike), (4, 2));
            let bytes: Vec<&[u8]> = heard.iter().map(|(_, bytes)| bytes.as_slice()).collect();
            if speed.is_some() {
                assert_eq!(bytes, [b"\x05".as_slice(), b"\x021L|1\r", b"\x033C\r\n", b"\x04"]);
                let times: Vec<u128> = heard.iter().map(|(at, _)| at.as_millis()).collect();
                assert!(times.iter().zip(expected).all(|(is, was)| is.abs_diff(was) <= 5), "{times:?}");
            } else {
                assert_eq!(bytes.concat(), b"\x05\x021L|1\r\x033C\r\n\x04");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_another_answer_or_none_nothing_more_is_said() {
        const REFUSED: &[&[u8]] = &[b"\x06", b"", b"\x15"];
        const SILENT: &[&[u8]] = &[b"\x06", b"", b""];
        for (answers, now) in [(REFUSED, Some(b"\x15".to_vec())), (SILENT, None)] {
            let (played, heard) = against(CAPTURE, answers, Some(1.0)).await;
            assert_eq!(played.differences, [Difference { line: 7, then: Some(b"\x06".to_vec()), now }]);
            assert!(!played.is_whole && heard.iter().all(|(_, bytes)| bytes != b"\x04"), "{played:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_said_unasked_is_told() {
        let (played, _) = against(CAPTURE, &[b"\x06\x05", b"", b"\x06"], Some(1.0)).await;
        assert_eq!(played.differences, [Difference { line: 5, then: None, now: Some(b"\x05".to_vec()) }]);
        let (played, _) = against(CAPTURE, &[b"\x06", b"", b"\x06", b"\x05"], Some(1.0)).await;
        assert_eq!(played.differences, [Difference { line: 8, then: None, now: Some(b"\x05".to_vec()) }]);
    }
}
