//! How the LIMS meets one message, and how that is written on a command line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::chance::Chance;
use crate::duration;

#[derive(Debug, Clone, PartialEq, Default)]
pub enum Mode {
    /// Takes it and answers AA.
    #[default]
    Accept,
    /// Takes it and answers CA, and nothing more.
    Commit,
    /// Takes it and answers CA, then AA.
    CommitThenAccept,
    /// Takes it and doesn't answer.
    LoseAnswer,
    /// Doesn't take it and doesn't answer.
    Ignore,
    /// Doesn't take it and answers this code, with this error where there is one.
    Refuse(String, Option<u32>),
    /// Takes it and answers with a block that means nothing.
    Garbage,
    /// Doesn't take it and answers AAX, which is no code.
    OddCode,
    /// Takes it and answers AA to a message that nobody sent.
    WrongId,
    /// Takes it and answers AA twice.
    Doubled,
    /// Takes it and answers AA at once and again in front of the answer to the next message, on whatever connection.
    Again,
    /// Takes it and answers AA only in front of the answer to the next message, on whatever connection.
    Late,
    /// Takes it and answers this much later.
    Slow(Duration),
    /// Doesn't take it and closes the connection.
    HangUp,
    /// Takes it and closes the connection.
    Close,
    /// Takes it, sends half an answer and closes the connection.
    Cut,
    /// This share of messages meets a failure that mends itself when the message is sent again.
    Mix(f64),
}

/// Later than a sender waits that gives its LIMS a second.
const TOO_SLOW: Duration = Duration::from_millis(1500);

/// Codes that refuse.
const REFUSALS: [&str; 4] = ["AE", "AR", "CE", "CR"];

impl Mode {
    /// How modes are written, for help texts and errors.
    pub const GRAMMAR: &str = "accept, commit, commit-accept, lose-answer, ignore, refuse:AE, refuse:AE:207, garbage, \
                               odd-code, wrong-id, doubled, again, late, slow:2s, hang-up, close, cut, mix:0.3";

    /// Whether a message that meets this is kept.
    pub(super) fn takes(&self) -> bool {
        !matches!(self, Mode::Ignore | Mode::Refuse(..) | Mode::OddCode | Mode::HangUp)
    }

    /// What one message meets: a mixture becomes one of its parts.
    pub(super) fn drawn(&self, chance: &mut Chance) -> Mode {
        match self {
            Mode::Mix(share) if chance.hits(*share) => match chance.below(16) {
                0 => Mode::LoseAnswer,
                1 => Mode::Ignore,
                2 => Mode::Refuse("AR".to_owned(), None),
                3 => Mode::Refuse("AE".to_owned(), Some(207)),
                4 => Mode::Refuse("CE".to_owned(), None),
                5 => Mode::Garbage,
                6 => Mode::OddCode,
                7 => Mode::WrongId,
                8 => Mode::Doubled,
                9 => Mode::Again,
                10 => Mode::Late,
                11 => Mode::Slow(TOO_SLOW),
                12 => Mode::HangUp,
                13 => Mode::Close,
                14 => Mode::Cut,
                _ => Mode::CommitThenAccept,
            },
            Mode::Mix(_) => Mode::Accept,
            mode => mode.clone(),
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("no mode \"{text}\"; write one of {}", Mode::GRAMMAR);
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        Ok(match (name, value) {
            ("accept", "") => Mode::Accept,
            ("commit", "") => Mode::Commit,
            ("commit-accept", "") => Mode::CommitThenAccept,
            ("lose-answer", "") => Mode::LoseAnswer,
            ("ignore", "") => Mode::Ignore,
            ("garbage", "") => Mode::Garbage,
            ("odd-code", "") => Mode::OddCode,
            ("wrong-id", "") => Mode::WrongId,
            ("doubled", "") => Mode::Doubled,
            ("again", "") => Mode::Again,
            ("late", "") => Mode::Late,
            ("hang-up", "") => Mode::HangUp,
            ("close", "") => Mode::Close,
            ("cut", "") => Mode::Cut,
            ("slow", value) => Mode::Slow(duration::parse(value)?),
            ("mix", share) => {
                let share = share.parse().ok().filter(|share| (0.0..=1.0).contains(share));
                Mode::Mix(share.ok_or_else(|| "mix needs a share from 0.0 to 1.0".to_owned())?)
            }
            ("refuse", value) => {
                let (code, error) = value.split_once(':').unwrap_or((value, ""));
                let error = match error {
                    "" => None,
                    error => Some(error.parse().map_err(|_| unknown())?),
                };
                if !REFUSALS.contains(&code) {
                    return Err(unknown());
                }
                Mode::Refuse(code.to_owned(), error)
            }
            _ => return Err(unknown()),
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Accept => f.write_str("accept"),
            Mode::Commit => f.write_str("commit"),
            Mode::CommitThenAccept => f.write_str("commit-accept"),
            Mode::LoseAnswer => f.write_str("lose-answer"),
            Mode::Ignore => f.write_str("ignore"),
            Mode::Refuse(code, None) => write!(f, "refuse:{code}"),
            Mode::Refuse(code, Some(error)) => write!(f, "refuse:{code}:{error}"),
            Mode::Garbage => f.write_str("garbage"),
            Mode::OddCode => f.write_str("odd-code"),
            Mode::WrongId => f.write_str("wrong-id"),
            Mode::Doubled => f.write_str("doubled"),
            Mode::Again => f.write_str("again"),
            Mode::Late => f.write_str("late"),
            Mode::Slow(by) => write!(f, "slow:{}ms", by.as_millis()),
            Mode::HangUp => f.write_str("hang-up"),
            Mode::Close => f.write_str("close"),
            Mode::Cut => f.write_str("cut"),
            Mode::Mix(share) => write!(f, "mix:{share}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_read_as_it_is_written() {
        for text in Mode::GRAMMAR.split(", ") {
            let mode: Mode = text.parse().unwrap();
            assert_eq!(mode.to_string().parse::<Mode>(), Ok(mode), "{text}");
        }
        for text in ["", "accept:1", "refuse", "refuse:AA", "refuse:AE:x", "slow:2", "mix:2", "x"] {
            assert!(text.parse::<Mode>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_mixture_meets_each_of_its_failures_and_fails_about_as_often_as_it_says() {
        let mut chance = Chance::seeded(9);
        let met: Vec<Mode> = (0..2000).map(|_| Mode::Mix(0.3).drawn(&mut chance)).collect();
        let failures = met.iter().filter(|mode| **mode != Mode::Accept).count();
        assert!((500..700).contains(&failures), "{failures}");
        let kinds: std::collections::BTreeSet<String> = met.iter().map(Mode::to_string).collect();
        assert_eq!(kinds.len(), 17, "{kinds:?}");
    }
}
