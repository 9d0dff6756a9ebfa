//! A day's reconciliation: the sums on both sides, how long results took, and what isn't over. Plain values: the page,
//! the command and the files show the same one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::day::Day;
use super::exception::{Exception, Kind};
use crate::config::Settings;
use crate::config::settings::Mode;
use crate::domain::{Words, counted, words};

/// What the configuration has to say to a day.
#[derive(Debug, Clone)]
pub struct Rules {
    pub site: String,
    /// The configured destinations.
    pub destinations: BTreeMap<String, Mode>,
    /// A result that hasn't left after this long is an exception.
    pub late_after: SignedDuration,
}

impl Rules {
    pub fn of(settings: &Settings) -> Rules {
        let late_after = settings.reconciliation.late_after;
        Rules {
            site: settings.site.clone(),
            destinations: settings.destinations.iter().map(|it| (it.id.to_string(), it.mode)).collect(),
            late_after: SignedDuration::try_from(late_after).unwrap_or(SignedDuration::MAX),
        }
    }

    pub(super) fn is_configured(&self, destination: &str) -> bool {
        self.destinations.contains_key(destination)
    }

    pub(super) fn is_under_test(&self, destination: &str) -> bool {
        self.destinations.get(destination) == Some(&Mode::Test)
    }
}

/// One day.
#[derive(Debug, Clone)]
pub struct Report {
    pub site: String,
    pub day: Day,
    pub as_of: Timestamp,
    /// By instrument; under the empty name those of unknown senders.
    pub intake: BTreeMap<String, Intake>,
    /// Transfers that broke off, whatever was whole of them.
    pub cut_transfers: usize,
    pub destinations: BTreeMap<String, Outgo>,
    /// Every sum that doesn't come to zero, in words without patient data.
    pub imbalances: Vec<Words>,
    /// How many there are of each kind, none left out.
    pub open: BTreeMap<Kind, usize>,
    /// Worst first, then the oldest.
    pub exceptions: Vec<Exception>,
    /// Exceptions that are counted and not listed.
    pub left_out: usize,
}

/// What came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Intake {
    pub messages: i64,
    /// Of the messages: not read yet.
    pub unread: i64,
    /// Of the messages: cut before their end.
    pub incomplete: i64,
    /// Results, as counted when their messages were read.
    pub received: i64,
    /// Results as found in the journal.
    pub new: i64,
    pub repeated: i64,
    pub problem: i64,
    /// Of the new: controls and calibrations.
    pub controls: i64,
    /// Of the new: the analyzer could not measure them.
    pub failed: i64,
    pub queries: i64,
}

impl Intake {
    /// What is missing or too many: zero.
    pub fn difference(&self) -> i64 {
        self.received - self.new - self.repeated - self.problem
    }

    pub(super) fn add(&mut self, other: &Intake) {
        self.messages += other.messages;
        self.unread += other.unread;
        self.incomplete += other.incomplete;
        self.received += other.received;
        self.new += other.new;
        self.repeated += other.repeated;
        self.problem += other.problem;
        self.controls += other.controls;
        self.failed += other.failed;
        self.queries += other.queries;
    }
}

/// What one destination was owed of the day's results, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outgo {
    /// As counted when their messages were read.
    pub owed: i64,
    /// As found in the ledger, by its states; zeroes left out.
    pub states: BTreeMap<String, i64>,
    pub lag: Option<Lag>,
    /// Nobody is treated by what it holds: what is open there is no exception.
    pub is_under_test: bool,
}

impl Outgo {
    pub fn difference(&self) -> i64 {
        self.owed - self.states.values().sum::<i64>()
    }
}

/// How long results took from their message's last byte to the LIMS's answer that took them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    pub count: usize,
    pub p50: SignedDuration,
    pub p95: SignedDuration,
    pub max: SignedDuration,
}

impl Lag {
    /// By nearest rank; nothing of nothing.
    pub(super) fn of(mut all: Vec<SignedDuration>) -> Option<Lag> {
        all.sort_unstable();
        let rank = |percent: usize| all.get((all.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Lag { count: all.len(), p50: rank(50)?, p95: rank(95)?, max: *all.last()? })
    }
}

/// What a day comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All balanced and nothing open.
    Clear,
    /// Balanced, with exceptions.
    Open,
    Unbalanced,
}

impl Report {
    pub fn verdict(&self) -> Verdict {
        match (self.imbalances.is_empty(), self.open.is_empty()) {
            (false, _) => Verdict::Unbalanced,
            (true, false) => Verdict::Open,
            (true, true) => Verdict::Clear,
        }
    }

    /// The sum over all instruments.
    pub fn total(&self) -> Intake {
        let mut total = Intake::default();
        self.intake.values().for_each(|intake| total.add(intake));
        total
    }

    pub fn open_count(&self) -> usize {
        self.open.values().sum()
    }

    /// What the day comes to in a sentence without patient data.
    pub fn headline(&self) -> Words {
        let of_kind = |(kind, count): (&Kind, &usize)| match kind {
            Kind::Problem => counted!(*count, "{n} problem", "{n} problems"),
            Kind::PossibleDuplicate => {
                counted!(*count, "{n} possible duplicate", "{n} possible duplicates")
            }
            other => words!("{n} {what}", n = *count, what = Words::fixed(other.words())),
        };
        let open = match self.open.is_empty() {
            true => words!("nothing is open"),
            false => counted!(
                self.open_count(),
                "{n} line to sign off: {kinds}",
                "{n} lines to sign off: {kinds}",
                kinds = Words::row(self.open.iter().map(of_kind), ", ")
            ),
        };
        match self.verdict() {
            Verdict::Unbalanced => words!(
                "the sums do not balance: {differences}; {open}",
                differences = Words::row(self.imbalances.iter().cloned(), "; "),
                open
            ),
            Verdict::Open | Verdict::Clear => words!("the sums balance; {open}", open),
        }
    }

    /// The headline as a sentence.
    pub fn sentence(&self) -> Words {
        words!("{what}.", what = self.headline()).capital()
    }

    /// The first lines of the report in one, without patient data.
    pub(super) fn summary(&self) -> String {
        let total = self.total();
        let mut parts = vec![
            self.headline().english(),
            format!(
                "received {} = {} new + {} repeated + {} problems",
                total.received, total.new, total.repeated, total.problem
            ),
        ];
        for (name, outgo) in &self.destinations {
            let states: Vec<String> =
                outgo.states.iter().map(|(state, count)| format!("{count} {state}")).collect();
            parts.push(format!("{name}: owed {} = {}", outgo.owed, states.join(" + ")));
        }
        parts.join("; ")
    }

    /// The day is still going on, or its end has yet to come.
    pub fn is_of_a_day_not_over(&self) -> bool {
        self.as_of < self.day.span().to
    }
}

/// A duration to the unit that matters.
pub fn brief(lag: SignedDuration) -> String {
    match lag.as_secs() {
        0 => format!("{} ms", lag.as_millis()),
        1..=9 => format!("{}.{} s", lag.as_secs(), lag.subsec_millis() / 100),
        seconds @ 10..=119 => format!("{seconds} s"),
        seconds @ 120..=7_199 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_are_told_by_nearest_rank() {
        let lag = |seconds: &[i64]| Lag::of(seconds.iter().copied().map(SignedDuration::from_secs).collect());
        assert_eq!(lag(&[]), None);
        let told = |seconds: &[i64]| {
            let lag = lag(seconds).unwrap();
            (lag.count, lag.p50.as_secs(), lag.p95.as_secs(), lag.max.as_secs())
        };
        assert_eq!(told(&[7]), (1, 7, 7, 7));
        assert_eq!(told(&[9, 1]), (2, 1, 9, 9));
        let hundred: Vec<i64> = (1..=100).rev().collect();
        assert_eq!(told(&hundred), (100, 50, 95, 100));
        let twenty: Vec<i64> = (1..=20).collect();
        assert_eq!(told(&twenty), (20, 10, 19, 20));
    }

    #[test]
    fn a_duration_is_told_in_the_unit_that_matters() {
        for (ms, told) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (59_900, "59 s"),
            (125_000, "2 min"),
            (7_260_000, "2 h 1 min"),
        ] {
            assert_eq!(brief(SignedDuration::from_millis(ms)), told);
        }
    }
}
