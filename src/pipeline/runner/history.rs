//! What the LIMS has of a patient, for a specimen's results to be compared with: what it is to be asked, and what of its
//! answers counts. It asks nobody.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::judging::Bench;
use crate::config::settings::{HistoryCodes, HistorySettings};
use crate::domain::clinic::{Checks, Past};
use crate::domain::{
    HistoryQuestion, HistoryState, HistoryValue, Observation, Patient, Private, Rules, SpecimenId,
};
use crate::journal::JournalError;
use crate::journal::history::History;
use crate::journal::orders::{CachedOrder, Owner, source_name};
use crate::pipeline::{Reading, analyte, as_told};

/// As rules know the LIMS where it doesn't say which instrument a value is of.
const LIMS: &str = "the LIMS";

/// A patient whom the LIMS can be asked about.
pub(super) struct Known<'a> {
    settings: &'a HistorySettings,
    patient: Private<String>,
    authority: String,
    told: Vec<History>,
    /// Whatever the specimen at hand is labelled with.
    labels: BTreeSet<SpecimenId>,
}

/// How a result stands to what the LIMS has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// It is told, or is still to be asked and may tell.
    pub(super) awaits: bool,
    /// Nothing was told up to now.
    pub(super) is_untold: bool,
    pub(super) asks: Option<HistoryQuestion>,
}

impl<'a> Known<'a> {
    /// The patient of a specimen, where the LIMS is asked about such.
    pub(super) fn of(
        bench: &Bench<'a>,
        specimen: &SpecimenId,
        orders: &[CachedOrder],
        owner: Option<&Owner>,
    ) -> Result<Option<Known<'a>>, JournalError> {
        let Some(settings) = bench.site.history.as_deref() else { return Ok(None) };
        let Some(Owner { patient, source }) = owner else { return Ok(None) };
        let Patient { id, authority, .. } = patient.reveal();
        let id = id.trim();
        if id.is_empty()
            || *source != settings.orders.as_deref().map(source_name)
            || !settings.knows(authority)
        {
            return Ok(None);
        }
        let told = bench.read(|reader| reader.history_for(specimen, id, authority))?;
        let labels = orders.iter().flat_map(|it| it.order.labels.iter().cloned());
        Ok(Some(Known {
            settings,
            patient: Private::new(id.to_owned()),
            authority: authority.clone(),
            told,
            labels: labels.chain([specimen.clone()]).collect(),
        }))
    }

    /// How an observation stands to it. `asks_anew`: what the LIMS once failed to answer is asked once more.
    pub(super) fn standing(
        &self,
        specimen: &SpecimenId,
        observation: &Observation,
        asks_anew: bool,
    ) -> Standing {
        let code = if self.settings.is_by_code() { self.settings.code(observation) } else { Some("") };
        let Some(code) = code else { return Standing::default() };
        let state = self.told.iter().find(|it| it.code == code).map(|it| it.state);
        let asks = match state {
            None => true,
            Some(HistoryState::Unanswered) => asks_anew,
            Some(HistoryState::Open | HistoryState::Answered) => false,
        };
        let question = || HistoryQuestion {
            specimen: specimen.clone(),
            patient: self.patient.clone(),
            authority: self.authority.clone(),
            code: code.to_owned(),
        };
        Standing {
            awaits: asks || state == Some(HistoryState::Open),
            is_untold: state != Some(HistoryState::Answered),
            asks: asks.then(question),
        }
    }

    /// The values that count for a specimen's observations, by a set of rules. A value of the specimen itself doesn't, nor
    /// one that may be: what the LIMS made known once a result was here, and what says neither when that was nor of which
    /// specimen it is.
    pub(super) fn past(
        &self,
        rules: &Rules,
        observations: &[(&Observation, &Reading)],
        received_at: Timestamp,
    ) -> Vec<Past> {
        let counts = |it: &&HistoryValue| {
            let is_ours = it.specimens.iter().any(|label| self.labels.contains(label));
            let is_before = it.told_at.map_or(!it.specimens.is_empty(), |at| at < received_at);
            !is_ours && is_before
        };
        let values = self.told.iter().flat_map(|it| &it.values).filter(counts);
        values.filter_map(|it| self.one(it, rules, observations)).collect()
    }

    fn one(
        &self,
        it: &HistoryValue,
        rules: &Rules,
        observations: &[(&Observation, &Reading)],
    ) -> Option<Past> {
        let analyte = match self.settings.codes {
            HistoryCodes::Loinc => rules.analytes.of_loinc(&it.code)?.as_ref(),
            HistoryCodes::Lims => {
                let is_of = |observation: &Observation| self.settings.code(observation) == Some(&it.code);
                let (observation, reading) =
                    observations.iter().find(|(observation, _)| is_of(observation))?;
                analyte(observation, reading)?
            }
        };
        let unit = self.settings.units.unit(&it.unit);
        Some(Past {
            analyte: analyte.id.clone(),
            amount: as_told(analyte, it.comparator, &it.number, unit),
            at: Some(it.at),
            instrument: if it.instrument.is_empty() { LIMS.to_owned() } else { it.instrument.clone() },
        })
    }
}

/// Whether a rule compares such an observation with an earlier value.
pub(super) fn is_compared(observation: &Observation, reading: &Reading, checks: &Checks) -> bool {
    analyte(observation, reading).is_some_and(|analyte| checks.compare(&analyte.id))
}
