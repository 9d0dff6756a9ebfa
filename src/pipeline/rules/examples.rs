//! The cases that stand beside the rules: whether each comes out as it says, and which ways through a rule have none.

use super::evaluate;
use crate::domain::clinic::{Checks, Decision, Expected, Path};

/// What trying all cases came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// How many cases came out as they should.
    pub passed: usize,
    pub failures: Vec<Failure>,
    /// The places and rules of cases that come out as they should and wait for a person all the same: by the rounded value that
    /// is reported they would come out otherwise.
    pub rounded: Vec<(String, String)>,
    /// Rules with the ways through them that no case takes, each with its place.
    pub untried: Vec<(String, String, Path)>,
}

/// A case that came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub place: String,
    pub rule: String,
    pub expected: Expected,
    /// In words.
    pub found: String,
}

/// Tries every case. A path is taken only by a case that passes.
pub fn try_examples(checks: &Checks) -> Trial {
    let mut trial = Trial::default();
    let mut taken = Vec::new();
    for example in &checks.examples {
        let decisions = evaluate(&example.case, checks);
        let decided = decisions.iter().find(|it| it.rules.contains(&example.rule));
        if is_as_expected(decided, example.expected) {
            trial.passed += 1;
            if decided.is_some_and(|it| it.rounding_decides) {
                trial.rounded.push((example.place.clone(), example.rule.clone()));
            }
            taken.push((example.rule.as_str(), example.expected));
        } else {
            trial.failures.push(Failure {
                place: example.place.clone(),
                rule: example.rule.clone(),
                expected: example.expected,
                found: decided.map_or_else(|| "the rule isn't asked".to_owned(), |it| it.ruling.to_string()),
            });
        }
    }
    for rule in &checks.rules {
        let untried = rule
            .kind
            .paths()
            .into_iter()
            .filter(|path| !taken.contains(&(&rule.name, Expected::Path(*path))));
        trial.untried.extend(untried.map(|path| (rule.place.clone(), rule.name.clone(), path)));
    }
    trial
}

fn is_as_expected(decided: Option<&Decision>, expected: Expected) -> bool {
    decided.map_or(Expected::NotAsked, |decision| Expected::from(&decision.ruling)) == expected
}
