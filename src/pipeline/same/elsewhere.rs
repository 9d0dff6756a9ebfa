//! What a result of a file is to equal ones of other files: a file that says a thing n times has n of them, of which those
//! that others told are the same only where an hour, or the site, says so. The others are doubted, each once.

use super::rows::Said;
use super::{Arrival, Before, Clock, Prior, Repetition, time_text};
use crate::domain::profile::EqualWithoutHour;
use crate::domain::{Observation, SampleClass};

/// An equal result that other files told.
pub(super) enum Told<'a> {
    /// It is that one.
    Same(&'a Prior),
    /// It may be that one, and nobody was asked yet.
    Perhaps(&'a Prior),
}

impl Before {
    /// What the next result of a file is to what others said of it; `None` where none of them is left. `times`: how often its
    /// own file has said what others told, or may have. `counts`: which of those of the others it may be.
    pub(super) fn elsewhere(
        &self,
        it: &Observation,
        (said, times): (&Said, usize),
        counts: impl Fn(&Prior) -> bool,
        told: (Clock, &Arrival<'_>),
    ) -> Option<Told<'_>> {
        let twins = self.twins(said).filter(|old| counts(old));
        let (doubted, results): (Vec<&Prior>, Vec<&Prior>) = twins.partition(|old| old.is_doubted);
        let (same, perhaps): (Vec<&Prior>, Vec<&Prior>) =
            results.into_iter().partition(|old| is_told_again(old, it, told));
        if let Some(old) = same.get(times) {
            return Some(Told::Same(old));
        }
        let beyond = times.saturating_sub(same.len());
        let old = perhaps.get(beyond)?;
        Some(doubted.get(beyond).map_or(Told::Perhaps(old), |doubted| Told::Same(doubted)))
    }
}

/// Whether another file told this very result.
fn is_told_again(old: &Prior, it: &Observation, (clock, arrival): (Clock, &Arrival<'_>)) -> bool {
    if arrival.repetition == Repetition::Verbatim {
        return true;
    }
    if it.specimen.is_blank() || clock == Clock::Tells {
        return !it.specimen.is_blank();
    }
    // A person waits for no control, and one that is told again mustn't count as another in its run.
    let is_same = arrival.equal_without_hour == EqualWithoutHour::Same || it.class != SampleClass::Patient;
    let is_of_a_day = !time_text(it).is_empty();
    is_same && !old.was_moved && (is_of_a_day || arrival.is_soon_after(old))
}
