//! The control rules by name, and what a laboratory settles about them: which it uses, whether they warn or reject, and how
//! what the texts leave open is read.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::Lot;

/// A control rule, in the usual short hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// One result beyond two standard deviations.
    OneTwoS,
    /// One beyond three.
    OneThreeS,
    /// Two in a row beyond two, on the same side.
    TwoTwoS,
    /// Two of one run four apart.
    RangeFourS,
    /// Four in a row beyond one, on the same side.
    FourOneS,
    /// Eight in a row on the same side of the mean.
    EightX,
    /// Ten in a row on the same side of the mean.
    TenX,
    /// Seven in a row, each higher than the one before, or each lower.
    SevenT,
}

impl Rule {
    pub const ALL: [Rule; 8] = [
        Rule::OneTwoS,
        Rule::OneThreeS,
        Rule::TwoTwoS,
        Rule::RangeFourS,
        Rule::FourOneS,
        Rule::EightX,
        Rule::TenX,
        Rule::SevenT,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Rule::OneTwoS => "1-2s",
            Rule::OneThreeS => "1-3s",
            Rule::TwoTwoS => "2-2s",
            Rule::RangeFourS => "R-4s",
            Rule::FourOneS => "4-1s",
            Rule::EightX => "8x",
            Rule::TenX => "10x",
            Rule::SevenT => "7T",
        }
    }

    pub fn from_name(name: &str) -> Option<Rule> {
        Rule::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// What a broken rule means for its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Warn,
    Reject,
}

/// Whether a result exactly at a limit is beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtLimit {
    Within,
    Beyond,
}

/// When two results of one run are four standard deviations apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeOf {
    /// When the difference between the highest and the lowest is beyond four.
    Difference,
    /// When one is beyond two above the mean and another beyond two below.
    EachSide,
}

/// Whether results of different levels count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Across {
    Levels,
    Nothing,
}

/// How runs are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multirule {
    pub rules: BTreeMap<Rule, Severity>,
    pub at_limit: AtLimit,
    pub range: RangeOf,
    pub across: Across,
    /// Results that were measured within this time of a run's first belong to it.
    pub run_within: SignedDuration,
    /// How often a level may be measured in one run; once more begins another.
    pub replicates: usize,
    /// How many levels a run must have before it can be accepted.
    pub levels: usize,
}

impl Default for Multirule {
    fn default() -> Multirule {
        use Severity::{Reject, Warn};
        let rules = [
            (Rule::OneTwoS, Warn),
            (Rule::OneThreeS, Reject),
            (Rule::TwoTwoS, Reject),
            (Rule::RangeFourS, Reject),
            (Rule::FourOneS, Reject),
            (Rule::TenX, Reject),
        ];
        Multirule {
            rules: rules.into(),
            at_limit: AtLimit::Within,
            range: RangeOf::EachSide,
            across: Across::Levels,
            run_within: SignedDuration::from_mins(60),
            replicates: 1,
            levels: 1,
        }
    }
}

/// Everything that a site says about its quality control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub lots: Vec<Lot>,
    /// `None`: control results are kept and forwarded, and others judge them.
    pub multirule: Option<Multirule>,
    /// For how long an acceptable run vouches for what is measured after it.
    pub valid_for: SignedDuration,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { lots: Vec::new(), multirule: None, valid_for: SignedDuration::from_hours(24) }
    }
}
