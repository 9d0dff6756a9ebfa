//! How the LIMS behaves towards deliveries, and how that is written on a command line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::chance::Chance;
use crate::duration;

/// Probes, control and the ledger always answer; a mode concerns deliveries only.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Mode {
    #[default]
    Accept,
    /// Takes the delivery and doesn't answer.
    TimeoutAfterAccepting,
    /// Doesn't take it and doesn't answer.
    TimeoutBeforeAccepting,
    /// Doesn't take it and answers with this status, such as 503, 400 or 422.
    Status(u16),
    /// Takes it and answers with this status all the same.
    StatusAfterAccepting(u16),
    /// 429 with `Retry-After` in whole seconds.
    TooManyRequests(Duration),
    /// Takes it and answers this much later.
    Slow(Duration),
    /// Takes it and answers 200 with bytes that mean nothing.
    Garbage,
    /// Doesn't take it and answers 200 with an error in the body.
    ErrorBody,
    /// Takes it and drops the connection in the middle of the answer.
    CutMidAnswer,
    /// Takes it but for the results with one of these test codes.
    Refuse(Vec<String>),
    /// This share of deliveries meets a failure that mends itself when the delivery is repeated.
    Mix(f64),
}

impl Mode {
    /// How modes are written, for help texts and errors.
    pub const GRAMMAR: &str = "accept, timeout-after, timeout-before, status:503, status-after:500, busy:3s, \
                               slow:2s, garbage, error-body, cut, refuse:CODE,CODE, mix:0.3";

    /// What one delivery meets: a mixture becomes one of its parts.
    pub(super) fn drawn(&self, chance: &mut Chance) -> Mode {
        match self {
            Mode::Mix(share) if chance.hits(*share) => match chance.below(9) {
                0 => Mode::TimeoutAfterAccepting,
                1 => Mode::TimeoutBeforeAccepting,
                2 => Mode::Status(503),
                3 => Mode::Status(500),
                4 => Mode::StatusAfterAccepting(500),
                5 => Mode::TooManyRequests(Duration::from_secs(1)),
                6 => Mode::Slow(Duration::from_millis(200)),
                7 => Mode::Garbage,
                _ => Mode::CutMidAnswer,
            },
            Mode::Mix(_) => Mode::Accept,
            mode => mode.clone(),
        }
    }

    /// The test codes whose results aren't taken.
    pub(super) fn refused_codes(&self) -> &[String] {
        match self {
            Mode::Refuse(codes) => codes,
            _ => &[],
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("no mode \"{text}\"; write one of {}", Mode::GRAMMAR);
        let status = |text: &str| {
            let status = text.parse().ok().filter(|status| (400..600).contains(status));
            status.ok_or_else(|| format!("\"{text}\" is no status from 400 to 599"))
        };
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        Ok(match (name, value) {
            ("accept", "") => Mode::Accept,
            ("timeout-after", "") => Mode::TimeoutAfterAccepting,
            ("timeout-before", "") => Mode::TimeoutBeforeAccepting,
            ("garbage", "") => Mode::Garbage,
            ("error-body", "") => Mode::ErrorBody,
            ("cut", "") => Mode::CutMidAnswer,
            ("status", value) => Mode::Status(status(value)?),
            ("status-after", value) => Mode::StatusAfterAccepting(status(value)?),
            ("busy", value) => Mode::TooManyRequests(duration::parse(value)?),
            ("slow", value) => Mode::Slow(duration::parse(value)?),
            ("refuse", codes) if !codes.is_empty() => {
                Mode::Refuse(codes.split(',').map(str::to_owned).collect())
            }
            ("mix", share) => {
                let share = share.parse().ok().filter(|share| (0.0..=1.0).contains(share));
                Mode::Mix(share.ok_or_else(|| "mix needs a share from 0.0 to 1.0".to_owned())?)
            }
            _ => return Err(unknown()),
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Accept => f.write_str("accept"),
            Mode::TimeoutAfterAccepting => f.write_str("timeout-after"),
            Mode::TimeoutBeforeAccepting => f.write_str("timeout-before"),
            Mode::Status(status) => write!(f, "status:{status}"),
            Mode::StatusAfterAccepting(status) => write!(f, "status-after:{status}"),
            Mode::TooManyRequests(after) => write!(f, "busy:{}ms", after.as_millis()),
            Mode::Slow(by) => write!(f, "slow:{}ms", by.as_millis()),
            Mode::Garbage => f.write_str("garbage"),
            Mode::ErrorBody => f.write_str("error-body"),
            Mode::CutMidAnswer => f.write_str("cut"),
            Mode::Refuse(codes) => write!(f, "refuse:{}", codes.join(",")),
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
    }

    #[test]
    fn a_wrong_mode_is_refused() {
        for text in
            ["", "accept:1", "status", "status:200", "status:abc", "busy", "slow:2", "refuse", "mix:2", "x"]
        {
            assert!(text.parse::<Mode>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_mixture_fails_about_as_often_as_it_says() {
        let mut chance = Chance::seeded(9);
        let failures = (0..1000).filter(|_| Mode::Mix(0.3).drawn(&mut chance) != Mode::Accept).count();
        assert!((250..350).contains(&failures), "{failures}");
    }
}
