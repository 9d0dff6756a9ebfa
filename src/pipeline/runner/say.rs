//! Says in the log which specimens a message was about, by their tokens.

use std::collections::BTreeMap;

use tracing::field::display;

use super::Runner;
use crate::domain::{InstrumentId, SpecimenId, SpecimenToken};
use crate::journal::MessageId;
use crate::journal::results::Processed;

/// What a message was about.
pub(super) struct Told {
    instrument: Option<InstrumentId>,
    specimens: BTreeMap<SpecimenId, Count>,
}

#[derive(Default)]
struct Count {
    results: usize,
    problems: usize,
    queries: usize,
}

impl Told {
    pub(super) fn of(processed: &Processed) -> Told {
        let mut specimens: BTreeMap<SpecimenId, Count> = BTreeMap::new();
        for entry in &processed.entries {
            specimens.entry(entry.observation.specimen.clone()).or_default().results += 1;
        }
        for specimen in processed.problems.iter().filter_map(|problem| problem.specimen.as_ref()) {
            specimens.entry(specimen.clone()).or_default().problems += 1;
        }
        for specimen in processed.queries.iter().flat_map(|query| &query.specimens) {
            specimens.entry(specimen.clone()).or_default().queries += 1;
        }
        Told { instrument: processed.instrument.clone(), specimens }
    }
}

impl Runner {
    pub(super) fn say(&self, message: MessageId, told: Told) {
        let instrument = told.instrument.as_ref().map(display);
        let correlation = self.read(|reader| reader.correlation(message)).ok().flatten();
        let correlation_id = correlation.as_ref().map(display);
        for (specimen, Count { results, problems, queries }) in &told.specimens {
            tracing::info!(
                instrument, specimen_token = self.token(specimen).map(display), message_id = %message, correlation_id,
                results, problems, queries, "a message was read"
            );
        }
    }

    /// What stands for a specimen in the log, where the journal can tell.
    pub(super) fn token(&self, specimen: &SpecimenId) -> Option<SpecimenToken> {
        self.read(|reader| reader.token(specimen)).ok().flatten()
    }
}
