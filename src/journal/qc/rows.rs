//! The journal's own twins of control rules and of what they found.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::qc::{Across, AtLimit, Multirule, RangeOf, Rule, Scope, Severity, Violation};
use crate::journal::JournalError;

#[derive(Serialize, Deserialize)]
struct StoredRules {
    /// Each rule's name, and whether it rejects.
    rules: BTreeMap<String, bool>,
    limit_is_beyond: bool,
    range_by_difference: bool,
    across_levels: bool,
    run_within_secs: i64,
    replicates: usize,
    levels: usize,
}

#[derive(Serialize, Deserialize)]
struct StoredViolation {
    rule: String,
    rejects: bool,
    /// Lot and level; across levels there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<(String, String)>,
}

/// Rules as one text, and its SHA-256 in hexadecimal.
pub(super) fn written_rules(by: &Multirule) -> Result<(String, String), JournalError> {
    let stored = StoredRules {
        rules: by.rules.iter().map(|(rule, it)| (rule.name().to_owned(), *it == Severity::Reject)).collect(),
        limit_is_beyond: by.at_limit == AtLimit::Beyond,
        range_by_difference: by.range == RangeOf::Difference,
        across_levels: by.across == Across::Levels,
        run_within_secs: by.run_within.as_secs(),
        replicates: by.replicates,
        levels: by.levels,
    };
    let text = serde_json::to_string(&stored).map_err(|error| unwritten(&error))?;
    let sha256 = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((text, sha256))
}

pub(super) fn read_rules(text: &str) -> Result<Multirule, JournalError> {
    let it: StoredRules = serde_json::from_str(text).map_err(|error| unread(&error))?;
    let mut rules = BTreeMap::new();
    for (name, rejects) in it.rules {
        let severity = if rejects { Severity::Reject } else { Severity::Warn };
        rules.insert(rule(&name)?, severity);
    }
    Ok(Multirule {
        rules,
        at_limit: if it.limit_is_beyond { AtLimit::Beyond } else { AtLimit::Within },
        range: if it.range_by_difference { RangeOf::Difference } else { RangeOf::EachSide },
        across: if it.across_levels { Across::Levels } else { Across::Nothing },
        run_within: SignedDuration::from_secs(it.run_within_secs),
        replicates: it.replicates,
        levels: it.levels,
    })
}

pub(super) fn written_violations(violations: &[Violation]) -> Result<String, JournalError> {
    let stored: Vec<StoredViolation> = violations
        .iter()
        .map(|it| StoredViolation {
            rule: it.rule.name().to_owned(),
            rejects: it.severity == Severity::Reject,
            of: match &it.scope {
                Scope::Level { lot, level } => Some((lot.clone(), level.clone())),
                Scope::AcrossLevels => None,
            },
        })
        .collect();
    serde_json::to_string(&stored).map_err(|error| unwritten(&error))
}

pub(super) fn read_violations(text: &str) -> Result<Vec<Violation>, JournalError> {
    let stored: Vec<StoredViolation> = serde_json::from_str(text).map_err(|error| unread(&error))?;
    let violation = |it: StoredViolation| {
        Ok(Violation {
            rule: rule(&it.rule)?,
            severity: if it.rejects { Severity::Reject } else { Severity::Warn },
            scope: match it.of {
                Some((lot, level)) => Scope::Level { lot, level },
                None => Scope::AcrossLevels,
            },
        })
    };
    stored.into_iter().map(violation).collect()
}

pub(super) fn written_ids(ids: &[i64]) -> Result<String, JournalError> {
    serde_json::to_string(ids).map_err(|error| unwritten(&error))
}

pub(super) fn read_ids(text: &str) -> Result<Vec<i64>, JournalError> {
    serde_json::from_str(text).map_err(|error| unread(&error))
}

fn rule(name: &str) -> Result<Rule, JournalError> {
    Rule::from_name(name)
        .ok_or_else(|| JournalError::Refused(format!("no control rule is known as {name:?}")))
}

fn unwritten(error: &serde_json::Error) -> JournalError {
    JournalError::Refused(format!("failed to write a decision on controls as JSON: {error}"))
}

fn unread(error: &serde_json::Error) -> JournalError {
    JournalError::Refused(format!("failed to read a stored decision on controls: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_violations_read_back_as_they_were() {
        let odd = Multirule {
            rules: Rule::ALL.map(|rule| (rule, Severity::Warn)).into(),
            at_limit: AtLimit::Beyond,
            range: RangeOf::Difference,
            across: Across::Nothing,
            run_within: SignedDuration::from_mins(7),
            replicates: 2,
            levels: 3,
        };
        for rules in [Multirule::default(), odd] {
            let (text, sha256) = written_rules(&rules).unwrap();
            assert_eq!((read_rules(&text).unwrap(), sha256.len()), (rules, 64));
        }
        let level = Scope::Level { lot: "A".into(), level: "1".into() };
        let found = [(Severity::Warn, level), (Severity::Reject, Scope::AcrossLevels)]
            .map(|(severity, scope)| Violation { rule: Rule::TenX, severity, scope });
        assert_eq!(read_violations(&written_violations(&found).unwrap()).unwrap(), found);
        assert!(read_rules("{}").is_err() && read_violations("[{\"rule\":\"x\",\"rejects\":true}]").is_err());
    }
}
