//! Which rules no patient ever comes to, because those before them take everybody. Found by asking for patients on both
//! sides of every border that the rules draw.

use std::collections::BTreeSet;

use crate::domain::clinic::{
    Age, Amount, Answer, Band, Case, Check, Criteria, DAY, Identity, Measured, Person, Rule, SpecimenFacts,
    completions,
};
use crate::domain::{Glob, Private};

pub(super) fn is_younger(from: Age, below: Age) -> bool {
    from.before(DAY).zip(below.before(DAY)).is_none_or(|(from, below)| from > below)
}

/// The places of the rules that are never the first to fit.
pub(super) fn never_reached(rules: &[&Rule]) -> Vec<usize> {
    let mut groups: BTreeSet<(Check, &str)> = BTreeSet::new();
    for rule in rules.iter().filter(|rule| rule.kind.band() == Band::First) {
        groups.extend(rule.analytes.iter().map(|analyte| (rule.kind.check(), analyte.as_str())));
    }
    let mut never = Vec::new();
    for (check, analyte) in groups {
        let group: Vec<(usize, &Rule)> = rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.kind.check() == check && rule.analytes.iter().any(|it| it == analyte))
            .map(|(index, rule)| (index, *rule))
            .collect();
        let reached: BTreeSet<usize> = cases(&group)
            .iter()
            .filter_map(|case| group.iter().find(|(_, rule)| rule.criteria.fit(case) == Answer::Yes))
            .map(|(index, _)| *index)
            .collect();
        let missed = group.iter().filter(|(index, _)| !reached.contains(index));
        never.extend(missed.map(|(index, _)| *index));
    }
    never.sort_unstable();
    never
}

/// A patient on each side of every border, at each instrument.
fn cases(group: &[(usize, &Rule)]) -> Vec<Case> {
    let criteria: Vec<&Criteria> = group.iter().map(|(_, rule)| &rule.criteria).collect();
    let named = criteria.iter().flat_map(|it| &it.instruments).map(Glob::example);
    let instruments: BTreeSet<String> = named.chain([String::new()]).collect();
    instruments.into_iter().flat_map(|instrument| completions(&criteria, &nobody(instrument))).collect()
}

/// A case of which nothing is known but the instrument.
fn nobody(instrument: String) -> Case {
    Case {
        measured: Measured {
            code: String::new(),
            analyte: None,
            amount: Amount::NoNumber,
            flags: Vec::new(),
        },
        specimen: SpecimenFacts { number: Private::new(String::new()), kind: None, instrument },
        person: Person::default(),
        on: None,
        at: None,
        together: Vec::new(),
        history: Vec::new(),
        history_untold: false,
        identity: Identity::Unknown,
        qc: None,
    }
}
