//! What a test measures, by a name for people, and what beside a critical value verifies it. By the configured rules; it only
//! shows, and decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use labwire_units::Analyte;

use super::clock::Clock;
use super::hold::{beside, previous};
use super::preview::Readings;
use crate::domain::clinic::RuleKind;
use crate::domain::{Observation, Rules, Words, words};
use crate::journal::views::{Beside, Evidence, Kin};
use crate::pipeline::{Reading, analyte};

/// A potassium that is high beside a calcium that is low is that of a tube with EDTA.
const WITH_ANOTHER: [(&str, &str); 1] = [("potassium", "calcium")];
/// Red cells that break let out what they hold.
const BY_HAEMOLYSIS: [&str; 1] = ["potassium"];

/// How each configured instrument's tests are named.
#[derive(Default)]
pub(super) struct Measured {
    readings: BTreeMap<String, Reading>,
    rules: Option<Arc<Rules>>,
}

/// What was looked for beside a value; nothing where it wasn't measured.
pub(super) struct Verifier {
    pub what: Words,
    pub says: Vec<Words>,
    /// What it means that nothing was.
    pub without: Words,
}

impl Measured {
    pub(super) fn new(readings: &Readings, rules: &Arc<Rules>) -> Measured {
        let with_rules = |it: &Reading| Reading { rules: Some(Arc::clone(rules)), ..it.clone() };
        Measured {
            readings: readings.iter().map(|(name, it)| (name.clone(), with_rules(it))).collect(),
            rules: Some(Arc::clone(rules)),
        }
    }

    /// What a result is a value of: as its analyte is called, else as the instrument's profile calls its test.
    pub(super) fn name(&self, detail: &Observation) -> Option<String> {
        let own = || {
            let reading = self.readings.get(detail.instrument.as_str())?;
            Some(reading.profile.tests.get(&detail.test.code)?.name.clone())
        };
        let name = self.analyte(detail).map(|it| it.name.clone()).or_else(own)?;
        Some(name).filter(|it| !it.is_empty() && *it != detail.test.code)
    }

    /// What verifies a value, each named whether it was measured or not. It is taken out of the evidence, of which the rest stays.
    pub(super) fn verifiers(
        &self,
        detail: &Observation,
        evidence: &mut Evidence,
        clock: &Clock,
    ) -> Vec<Verifier> {
        let not_measured = || words!("not measured");
        let mut found = Vec::new();
        for (name, codes) in self.indices(detail) {
            let says = taken(evidence, |it| codes.iter().any(|is_coded| is_coded(&it.detail.test.code)));
            found.push(Verifier { what: words!("Index of {name}", name), says, without: not_measured() });
        }
        let is_potassium = self.analyte(detail).is_some_and(|it| BY_HAEMOLYSIS.contains(&it.id.as_str()));
        if found.is_empty() && is_potassium {
            let without = words!("not known: no rule names its code");
            found.push(Verifier { what: words!("Index of haemolysis"), says: Vec::new(), without });
        }
        for (id, name) in self.partners(detail) {
            let is_it = |it: &Beside| self.analyte(&it.detail).is_some_and(|analyte| analyte.id == id);
            found.push(Verifier { what: name.into(), says: taken(evidence, is_it), without: not_measured() });
        }
        found.push(Verifier {
            what: words!("Previous"),
            says: evidence.previous.drain(..).map(|it| previous(&it, clock)).collect(),
            without: words!("none known"),
        });
        found.push(Verifier {
            what: words!("Rerun"),
            says: taken(evidence, |it| it.is == Kin::Rerun),
            without: words!("not measured again"),
        });
        found
    }

    fn analyte(&self, detail: &Observation) -> Option<&Analyte> {
        analyte(detail, self.readings.get(detail.instrument.as_str())?)
    }

    /// The indices by which rules judge what was measured: each with its name, and which codes are it.
    fn indices(&self, detail: &Observation) -> BTreeMap<&str, Vec<impl Fn(&str) -> bool>> {
        let mut indices: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        let Some(analyte) = self.analyte(detail) else { return indices };
        for rule in self.rules.iter().flat_map(|it| &it.checks.rules) {
            let RuleKind::Index(index) = &rule.kind else { continue };
            if rule.analytes.is_empty() || rule.analytes.contains(&analyte.id) {
                indices.entry(rule.name.as_str()).or_default().push(|code: &str| index.is_coded(code));
            }
        }
        indices
    }

    /// The analytes that tell with this one whether it can be right: the id of each, and its name.
    fn partners(&self, detail: &Observation) -> BTreeMap<String, String> {
        let (Some(analyte), Some(rules)) = (self.analyte(detail), &self.rules) else {
            return BTreeMap::new();
        };
        let known = WITH_ANOTHER.iter().filter(|(one, _)| *one == analyte.id).map(|(_, other)| *other);
        let patterns = rules.checks.rules.iter().filter_map(|it| match &it.kind {
            RuleKind::Pattern(pattern) => Some(&pattern.0),
            _ => None,
        });
        let patterns = patterns.filter(|signs| signs.iter().any(|sign| sign.analyte == analyte.id));
        let ids: BTreeSet<&str> = patterns
            .flatten()
            .map(|sign| sign.analyte.as_str())
            .chain(known)
            .filter(|id| *id != analyte.id)
            .collect();
        let name = |id: &str| rules.analytes.named(id).map_or_else(|| id.to_owned(), |it| it.name.clone());
        ids.into_iter().map(|id| (id.to_owned(), name(id))).collect()
    }
}

fn taken(evidence: &mut Evidence, is_it: impl Fn(&Beside) -> bool) -> Vec<Words> {
    let (found, rest) = std::mem::take(&mut evidence.beside).into_iter().partition(|it| is_it(it));
    evidence.beside = rest;
    let found: Vec<Beside> = found;
    found.iter().map(beside).collect()
}
