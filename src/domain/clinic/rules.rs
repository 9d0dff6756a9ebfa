//! A set of rules, with the cases that stand beside them.

use super::case::Case;
use super::criteria::Criteria;
use super::decision::{Check, Path, Ruling};
use super::delta::{Delta, Together};
use super::integrity::{
    Consistency, Demographics, Flags, IdentityRule, Index, NumberPattern, Pattern, QcRule,
};
use super::limit::Limits;

/// Everything that `rules.d` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// In the order of their files and places. Of rules that judge one thing by bands, the first that fits counts.
    pub rules: Vec<Rule>,
    pub examples: Vec<Example>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub name: String,
    /// The analytes that it judges, by name; none: whatever is measured.
    pub analytes: Vec<String>,
    pub criteria: Criteria,
    /// Whether a result waits for a person when the rule finds something.
    pub holds: bool,
    /// What it holds may be told as preliminary meanwhile: what it finds doesn't put the value itself in doubt.
    pub preliminary: bool,
    /// Where it is from.
    pub source: String,
    pub kind: RuleKind,
    /// `file:line:column`.
    pub place: String,
}

impl Rule {
    /// Whether it is about such an analyte.
    pub fn concerns(&self, analyte: Option<&str>) -> bool {
        self.analytes.is_empty()
            || analyte.is_some_and(|analyte| self.analytes.iter().any(|it| it == analyte))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleKind {
    Critical(Limits),
    /// What the instrument can measure.
    Range(Limits),
    Delta(Delta),
    Together(Together),
    Flags(Flags),
    Index(Index),
    Consistency(Consistency),
    Pattern(Pattern),
    Number(NumberPattern),
    Demographics(Demographics),
    Identity(IdentityRule),
    Qc(QcRule),
}

/// How rules are chosen for a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    /// The first of its kind and analyte that fits.
    First,
    /// Each by itself.
    Each,
}

/// A case with what must be decided of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The rule that it stands beside.
    pub rule: String,
    pub case: Case,
    pub expected: Expected,
    /// `file:line:column`.
    pub place: String,
}

/// What must be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Path(Path),
    Undecided,
    NotEvaluated,
    /// The rule isn't for such a case.
    NotAsked,
}

impl Checks {
    /// Whether any rule asks for what was known of the patient before.
    pub fn look_back(&self) -> bool {
        self.rules
            .iter()
            .any(|it| matches!(it.kind, RuleKind::Delta(_) | RuleKind::Together(_) | RuleKind::Identity(_)))
    }

    /// Whether a rule compares this analyte with an earlier value of it.
    pub fn compare(&self, analyte: &str) -> bool {
        let compares =
            |it: &Rule| matches!(it.kind, RuleKind::Delta(_)) && it.analytes.iter().any(|of| of == analyte);
        self.rules.iter().any(compares)
    }

    /// Whether any rule asks how tests stand by their controls.
    pub fn look_at_controls(&self) -> bool {
        self.rules.iter().any(|it| matches!(it.kind, RuleKind::Qc(_)))
    }

    /// Whether any rule asks for what else was measured of the specimen.
    pub fn look_beside(&self) -> bool {
        self.rules.iter().any(|it| {
            matches!(
                it.kind,
                RuleKind::Index(_) | RuleKind::Consistency(_) | RuleKind::Pattern(_) | RuleKind::Together(_)
            )
        })
    }
}

impl RuleKind {
    pub fn check(&self) -> Check {
        match self {
            RuleKind::Critical(_) => Check::Critical,
            RuleKind::Range(_) => Check::Range,
            RuleKind::Delta(_) => Check::Delta,
            RuleKind::Together(_) => Check::Together,
            RuleKind::Flags(_) => Check::Flags,
            RuleKind::Index(_) => Check::Index,
            RuleKind::Consistency(_) => Check::Consistency,
            RuleKind::Pattern(_) => Check::Pattern,
            RuleKind::Number(_) => Check::Number,
            RuleKind::Demographics(_) => Check::Demographics,
            RuleKind::Identity(_) => Check::Identity,
            RuleKind::Qc(_) => Check::Qc,
        }
    }

    pub fn band(&self) -> Band {
        self.check().band()
    }

    /// The ways through it, each of which wants a case.
    pub fn paths(&self) -> Vec<Path> {
        use super::delta::Method;
        let sided = |limits: &Limits, low: Path, high: Path| {
            let sides = [limits.low.as_ref().map(|_| low), limits.high.as_ref().map(|_| high)];
            sides.into_iter().flatten().chain([Path::Clear]).collect()
        };
        match self {
            RuleKind::Critical(limits) | RuleKind::Range(limits) => sided(limits, Path::Low, Path::High),
            RuleKind::Delta(delta) => match &delta.method {
                Method::Absolute(limits) | Method::Percent { limits, .. } | Method::Rate(limits) => {
                    sided(limits, Path::Fall, Path::Rise)
                }
                Method::Rcv { .. } | Method::RcvLog { .. } => vec![Path::Fall, Path::Rise, Path::Clear],
            },
            _ => vec![Path::Found, Path::Clear],
        }
    }
}

impl Expected {
    pub const ALL: [(&str, Expected); 9] = [
        ("low", Expected::Path(Path::Low)),
        ("high", Expected::Path(Path::High)),
        ("fall", Expected::Path(Path::Fall)),
        ("rise", Expected::Path(Path::Rise)),
        ("found", Expected::Path(Path::Found)),
        ("clear", Expected::Path(Path::Clear)),
        ("undecided", Expected::Undecided),
        ("not-evaluated", Expected::NotEvaluated),
        ("not-asked", Expected::NotAsked),
    ];

    pub fn name(self) -> &'static str {
        Expected::ALL.into_iter().find(|(_, it)| *it == self).map_or("", |(name, _)| name)
    }
}

impl From<&Ruling> for Expected {
    fn from(ruling: &Ruling) -> Expected {
        match ruling {
            Ruling::Decided(path) => Expected::Path(*path),
            Ruling::Undecided(_) => Expected::Undecided,
            Ruling::NotEvaluated(_) => Expected::NotEvaluated,
        }
    }
}
