//! All analytes of a laboratory, found by name or by LOINC code. Knows no file.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::analyte::Analyte;

/// Analytes by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Analytes {
    by_id: BTreeMap<String, Arc<Analyte>>,
    by_loinc: BTreeMap<String, Arc<Analyte>>,
}

impl Analytes {
    /// Adds analytes in place of those of the same name. A LOINC code means the analyte that was added last with it.
    pub fn add(&mut self, analytes: Vec<Analyte>) {
        for analyte in analytes {
            self.by_loinc.retain(|_, other| other.id != analyte.id);
            let analyte = Arc::new(analyte);
            let codes = analyte.loinc.iter().map(|code| (code.clone(), Arc::clone(&analyte)));
            self.by_loinc.extend(codes);
            self.by_id.insert(analyte.id.clone(), analyte);
        }
    }

    pub fn named(&self, id: &str) -> Option<&Arc<Analyte>> {
        self.by_id.get(id)
    }

    /// The analyte that a LOINC code means.
    pub fn of_loinc(&self, code: &str) -> Option<&Arc<Analyte>> {
        self.by_loinc.get(code)
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Analyte>> {
        self.by_id.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bounds, Unit};

    fn analyte(id: &str, name: &str, loinc: &[&str]) -> Analyte {
        Analyte {
            id: id.to_owned(),
            name: name.to_owned(),
            loinc: loinc.iter().map(|code| (*code).to_owned()).collect(),
            reported_loinc: None,
            unit: Unit::unity(),
            decimals: None,
            ways: Vec::new(),
            undecided: Vec::new(),
            bounds: Bounds::default(),
        }
    }

    #[test]
    fn what_is_added_later_stands_in_place_of_what_was_there() {
        let mut analytes = Analytes::default();
        analytes.add(vec![
            analyte("glucose", "shipped", &["2345-7", "14749-6"]),
            analyte("urea", "shipped", &["3091-6"]),
        ]);
        analytes.add(vec![analyte("glucose", "own", &["2345-7"]), analyte("carbamide", "own", &["3091-6"])]);
        let name = |found: Option<&Arc<Analyte>>| found.map(|it| format!("{} {}", it.id, it.name));
        assert_eq!(name(analytes.named("glucose")).as_deref(), Some("glucose own"));
        assert_eq!(name(analytes.of_loinc("2345-7")).as_deref(), Some("glucose own"));
        assert_eq!(name(analytes.of_loinc("14749-6")), None, "the analyte that had it is gone");
        assert_eq!(name(analytes.of_loinc("3091-6")).as_deref(), Some("carbamide own"));
        assert_eq!(analytes.iter().count(), 3);
    }
}
