//! What stands beside a result that a person must judge: what the rules decided of it, the patient's earlier values that
//! were known then, and what else was measured of the specimen.

use std::collections::BTreeSet;

use crate::domain::clinic::{Force, Past};
use crate::domain::{Observation, OrderState, Patient, Private, SpecimenId};
use crate::journal::decisions::StoredDecision;
use crate::journal::{JournalError, ObservationId, Reader};

use super::{Previous, Way};

/// The evidence about one result.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Whom the LIMS's orders for the specimen name that aren't cancelled, each once; several where they contradict each other.
    pub ordered: Vec<Private<Patient>>,
    /// How it stands at each destination that takes it.
    pub at: Vec<(String, String)>,
    /// By rules in force, as it stands now.
    pub decisions: Vec<StoredDecision>,
    /// Of the same analyte: the patient's latest ones of all, and those that rules compared with.
    pub previous: Vec<Previous>,
    /// Of the same specimen: reruns of the test and its earlier versions first.
    pub beside: Vec<Beside>,
}

/// Another result of the same specimen.
#[derive(Debug, Clone)]
pub struct Beside {
    pub id: ObservationId,
    pub is: Kin,
    pub detail: Observation,
}

/// What another result of a specimen is to the one that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kin {
    EarlierVersion,
    Rerun,
    /// Another test.
    Other,
}

impl Kin {
    pub fn words(self) -> &'static str {
        match self {
            Kin::EarlierVersion => "earlier version",
            Kin::Rerun => "rerun",
            Kin::Other => "same specimen",
        }
    }
}

impl Reader {
    /// What stands beside a result. `versions` are further versions of it, which aren't reruns; `sources` are those whose orders
    /// count.
    pub fn evidence(
        &self,
        result: ObservationId,
        detail: &Observation,
        versions: &[ObservationId],
        sources: &BTreeSet<String>,
    ) -> Result<Evidence, JournalError> {
        let beside = self.beside(result, detail, versions)?;
        let mut at = self.connection.prepare_cached(
            "SELECT destination, state FROM ledger WHERE observation = ? AND state <> 'not-for-it'",
        )?;
        let at = at.query_map([result.0], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
        Ok(Evidence { beside, at, ..self.evidence_in_short(result, detail, sources)? })
    }

    /// The same without what else was measured of the specimen and how the result stands at destinations, for a list of results.
    pub fn evidence_in_short(
        &self,
        result: ObservationId,
        detail: &Observation,
        sources: &BTreeSet<String>,
    ) -> Result<Evidence, JournalError> {
        let ordered = self.ordered_for(&detail.specimen)?;
        let previous = self.previous(result, detail, sources)?;
        let decisions = self.decided(result)?;
        let mut evidence = Evidence { ordered, previous, decisions, ..Evidence::default() };
        for kept in self.evaluations_of(result)?.into_iter().filter(|it| it.force == Force::InForce) {
            let analyte = kept.case.measured.analyte;
            let same = |past: &Past| Some(&past.analyte) == analyte.as_ref();
            for past in kept.case.history.iter().filter(|past| same(past)).filter_map(Previous::of_past) {
                let is_it = |it: &Previous| {
                    (&it.instrument, it.at) == (&past.instrument, past.at)
                        && it.value.split(' ').next() == past.value.split(' ').next()
                };
                if !evidence.previous.iter().any(is_it) {
                    evidence.previous.push(past);
                }
            }
        }
        evidence.previous.sort_by_key(|it| std::cmp::Reverse(it.at));
        Ok(evidence)
    }

    fn ordered_for(&self, specimen: &SpecimenId) -> Result<Vec<Private<Patient>>, JournalError> {
        let mut patients: Vec<Private<Patient>> = Vec::new();
        if specimen.is_blank() {
            return Ok(patients);
        }
        for order in self.orders_on(specimen)?.into_iter().filter(|it| it.state != OrderState::Cancelled) {
            if !patients.contains(&order.order.patient) {
                patients.push(order.order.patient);
            }
        }
        Ok(patients)
    }

    fn beside(
        &self,
        result: ObservationId,
        detail: &Observation,
        versions: &[ObservationId],
    ) -> Result<Vec<Beside>, JournalError> {
        if detail.specimen == SpecimenId::new("") {
            return Ok(Vec::new());
        }
        let way = self.way(&detail.specimen)?;
        let mut superseded = versions.to_vec();
        let mut read = Vec::new();
        for step in way {
            let Way::Read { observation, supersedes, detail, .. } = step.what else { continue };
            superseded.extend(supersedes);
            read.push((observation, *detail));
        }
        let kin = |id: ObservationId, other: &Observation| match other.test.code == detail.test.code {
            true if superseded.contains(&id) => Some(Kin::EarlierVersion),
            true => Some(Kin::Rerun),
            false if superseded.contains(&id) => None,
            false => Some(Kin::Other),
        };
        let mut beside: Vec<Beside> = read
            .into_iter()
            .filter(|(id, _)| *id != result)
            .filter_map(|(id, detail)| Some(Beside { id, is: kin(id, &detail)?, detail }))
            .collect();
        beside.sort_by_key(|it| it.is == Kin::Other);
        Ok(beside)
    }
}
