//! A patient's latest earlier values of what a result measured, for whoever must judge it: whatever rules ask about them, and
//! those too that wait for a person.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::clinic::{Amount, Past};
use crate::domain::{Comparator, Observation, SpecimenId, measured_at};
use crate::journal::decisions::PatientKey;
use crate::journal::orders::{standing, whose};
use crate::journal::{JournalError, ObservationId, Reader};

/// The most values that are told, and of how many earlier results they are looked for.
const TOLD: usize = 3;
const LOOKED_AT: usize = 1_000;

/// An earlier value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previous {
    /// In the unit that is reported, where it was converted; else as sent, with the unit. What rules compared with has none.
    pub value: String,
    /// Nothing where the instrument didn't tell, or its clock was in doubt.
    pub at: Option<Timestamp>,
    pub instrument: String,
    /// It waits for a person.
    pub is_held: bool,
}

impl Previous {
    /// Of what rules compared with, a number.
    pub(super) fn of_past(past: &Past) -> Option<Previous> {
        let Amount::Number { comparator, reported, .. } = &past.amount else { return None };
        let value = format!("{}{reported}", comparator.map_or("", Comparator::as_str));
        Some(Previous { value, at: past.at, instrument: past.instrument.clone(), is_held: false })
    }

    fn of(it: &Observation, at: Option<Timestamp>, is_held: bool) -> Previous {
        let sent = || match &it.unit {
            Some(unit) => format!("{} {unit}", it.value_as_sent),
            None => it.value_as_sent.clone(),
        };
        let value = it.reported_in_words().unwrap_or_else(sent);
        Previous { value, at, instrument: it.instrument.as_str().to_owned(), is_held }
    }
}

impl Reader {
    /// The latest values before a result of the same patient's other specimens, newest first. Whose a specimen is is asked
    /// as rules ask it; `sources` are those whose orders count.
    pub(super) fn previous(
        &self,
        result: ObservationId,
        detail: &Observation,
        sources: &BTreeSet<String>,
    ) -> Result<Vec<Previous>, JournalError> {
        if detail.specimen.is_blank() {
            return Ok(Vec::new());
        }
        let orders = standing(self.orders_on(&detail.specimen)?, sources);
        let owner = whose(&orders, std::slice::from_ref(&detail.patient));
        let Some(owner) = owner.filter(|it| !it.patient.reveal().id.trim().is_empty()) else {
            return Ok(Vec::new());
        };
        let labels = orders.iter().flat_map(|it| &it.order.labels).map(SpecimenId::reveal);
        let labels: BTreeSet<&str> = labels.chain([detail.specimen.reveal()]).collect();
        let key = PatientKey { patient: owner.patient.reveal(), source: owner.source.as_deref(), sources };
        let until = detail.told_at();
        let mut previous = Vec::new();
        for it in self.history(key, &labels.into_iter().collect::<Vec<_>>(), LOOKED_AT)? {
            let at = measured_at(it.told_at(), it.received_at);
            let is_before = at.zip(until).map_or(it.id < result, |(then, until)| then < until);
            let Some(is_held) = it.waits(self)?.filter(|_| is_before) else { continue };
            let earlier = it.observation(self)?;
            if measures_the_same(&earlier, detail) && !earlier.is_without_value() {
                previous.push(Previous::of(&earlier, at, is_held));
            }
        }
        previous.sort_by_key(|it| std::cmp::Reverse(it.at));
        previous.truncate(TOLD);
        Ok(previous)
    }
}

/// By the analyte that each was found to be; where one wasn't asked, the same test of the same instrument.
fn measures_the_same(one: &Observation, other: &Observation) -> bool {
    match one.conversion.as_ref().zip(other.conversion.as_ref()) {
        Some((one, other)) => one.analyte == other.analyte,
        None => one.instrument == other.instrument && one.test == other.test,
    }
}
