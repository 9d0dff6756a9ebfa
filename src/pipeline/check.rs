//! Whether an observation may leave by itself. These checks read what the instrument said of its own result; they
//! never look at how high or low a value is.

use super::normalize::Facts;
use super::{Length, Reading};
use crate::domain::profile::{Trust, Unknown};
use crate::domain::{HoldReason, Observation, SampleClass, Standing};

/// Gives an observation its standing. `unconverted` says why it has no value in the reported unit that can be trusted.
pub(super) fn check(
    observation: Observation,
    facts: &Facts,
    unconverted: Option<HoldReason>,
    reading: &Reading,
) -> Observation {
    let profile = &reading.profile;
    let doubted = facts.status == Some(Trust::InDoubt) || facts.flags.contains(&Some(Trust::InDoubt));
    let unknown_status = facts.status.is_none() && profile.unknown_status == Unknown::Hold;
    let unknown_flag = facts.flags.contains(&None) && profile.unknown_flag == Unknown::Hold;
    let reasons: Vec<HoldReason> = [
        (observation.specimen.is_blank(), HoldReason::BlankSpecimen),
        (doubted, HoldReason::StatusInDoubt),
        (facts.status == Some(Trust::Withdrawn), HoldReason::Withdrawn),
        (unknown_status, HoldReason::UnknownStatus),
        (unknown_flag, HoldReason::UnknownFlag),
        (facts.odd, HoldReason::OddValue),
        (facts.length == Length::PossiblyTruncated, HoldReason::TruncatedSpecimen),
        (facts.cut, HoldReason::Incomplete),
        (facts.unclear, HoldReason::UnclearSample),
        (facts.garbled, HoldReason::UndecodableText),
    ]
    .into_iter()
    .filter_map(|(holds, reason)| holds.then_some(reason))
    // A control is on nobody's record: it is judged by its target, in the unit that was sent.
    .chain(unconverted.filter(|_| observation.class == SampleClass::Patient))
    .collect();
    let standing = if reasons.is_empty() { Standing::Clear } else { Standing::Held(reasons) };
    Observation { standing, ..observation }
}
