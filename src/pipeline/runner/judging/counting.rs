//! How stored results count for rules that are asked about another one, and which of a patient's earlier ones do.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::Observation;
use crate::domain::clinic::{Force, Measured, Past};
use crate::journal::decisions::Earlier;
use crate::journal::{JournalError, Reader};
use crate::pipeline::rules::{Told, latest};
use crate::pipeline::{Reading, as_stored, measured, past};

/// How a result counts for rules. Those that nobody has signed are tried with what they would convert.
pub(super) type Counted = fn(&Observation, &Reading) -> Measured;

pub(super) fn counted_by(force: Force) -> Counted {
    match force {
        Force::InForce => as_stored,
        Force::Shadow => measured,
    }
}

/// Of what was before, what some rule may look at that is asked about a value of one of these moments: of a patient who
/// comes often the rest needn't be read. What turns out not to count leaves its place to what was before it.
pub(super) fn what_counts(
    mut history: Vec<(Told<'_>, (&Earlier, &Reading))>,
    (moments, counted): (BTreeSet<Option<Timestamp>>, Counted),
    reader: &Reader,
) -> Result<Vec<Past>, JournalError> {
    loop {
        let at = |moment| latest(history.iter().enumerate().map(|(index, (told, _))| (*told, index)), moment);
        let wanted: BTreeSet<usize> = moments.iter().flat_map(|moment| at(*moment)).collect();
        let all = || history.iter().enumerate().filter(|(index, _)| wanted.contains(index));
        let mut fallen = BTreeSet::new();
        for (index, (_, (it, _))) in all() {
            if !it.counts(reader)? {
                fallen.insert(index);
            }
        }
        if fallen.is_empty() {
            let past = |(_, (_, (it, reading))): (usize, &(Told<'_>, (&Earlier, &Reading)))| {
                let earlier = it.observation(reader)?;
                Ok(past(counted(&earlier, reading), &earlier, it.received_at))
            };
            return all().map(past).filter_map(Result::transpose).collect();
        }
        let stays = |(index, it)| (!fallen.contains(&index)).then_some(it);
        history = history.into_iter().enumerate().filter_map(stays).collect();
    }
}
