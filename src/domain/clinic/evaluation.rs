//! A case, the rules that were asked about it, and what they decided: kept whole, so that asking again must give the same.

use std::sync::Arc;

use super::case::Case;
use super::decision::Decision;
use crate::domain::{HoldReason, Rules};

/// Whether rules count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Force {
    /// Somebody has signed them.
    InForce,
    /// Nobody has: what they decide is kept, and does nothing.
    Shadow,
}

/// What one set of rules decided.
#[derive(Debug, Clone)]
pub struct Evaluation {
    pub rules: Arc<Rules>,
    pub force: Force,
    pub case: Case,
    pub decisions: Vec<Decision>,
}

impl Force {
    pub fn name(self) -> &'static str {
        match self {
            Force::InForce => "in-force",
            Force::Shadow => "shadow",
        }
    }

    pub fn from_name(name: &str) -> Option<Force> {
        [Force::InForce, Force::Shadow].into_iter().find(|force| force.name() == name)
    }
}

impl Evaluation {
    /// Why the result waits for a person by these rules. In shadow they hold nothing.
    pub fn holds(&self) -> Vec<HoldReason> {
        if self.force == Force::Shadow {
            return Vec::new();
        }
        let holding = self.decisions.iter().filter(|it| it.holds);
        let mut reasons: Vec<HoldReason> = holding.map(|it| it.check.reason()).collect();
        reasons.sort();
        reasons.dedup();
        reasons
    }

    /// Whether all rules by which it waits say that it may be told as preliminary meanwhile.
    pub fn allows_preliminary(&self) -> bool {
        let may =
            |name: &String| self.rules.checks.rules.iter().any(|rule| rule.name == *name && rule.preliminary);
        let mut holding = self.decisions.iter().filter(|it| it.holds);
        self.force == Force::Shadow || holding.all(|it| !it.rules.is_empty() && it.rules.iter().all(may))
    }

    /// Whether the value is critical, or may be, by rules in force.
    pub fn is_critical(&self) -> bool {
        self.force == Force::InForce && self.decisions.iter().any(Decision::may_be_critical)
    }
}
