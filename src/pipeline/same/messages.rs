//! The messages of a file, of which none tells by its time whether it says something again: a result is known by how often
//! its file says it, as a table's row is. Where a time tells, or a message came by itself, `same.rs` knows enough.

use super::rows::Said;
use super::{Arrival, Before, Sameness, known_again, time_text};
use crate::domain::{Observation, Status};

/// Whether a result's time tells it from another of the same day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    Tells,
    /// There is no time, or a date alone.
    IsSilent,
}

impl Before {
    /// What the next result of a file's message is to those before it. `alone` is what [`super::classify`] makes of it, as
    /// if no file had counted. Another of the same gets a number of its own.
    pub fn take_of_message(
        &mut self,
        it: &mut Observation,
        clock: Clock,
        alone: Sameness,
        arrival: &Arrival<'_>,
    ) -> Sameness {
        let sameness = match (clock, alone) {
            (Clock::Tells, _) | (_, Sameness::Completion(_)) => alone,
            (Clock::IsSilent, _) => self.of_message(it, alone, arrival),
        };
        self.count(it, None);
        sameness
    }

    fn of_message(&self, it: &mut Observation, alone: Sameness, arrival: &Arrival<'_>) -> Sameness {
        let said = Said::by(it);
        let earlier = self.earlier(&said);
        let is_result = matches!(it.status, Status::Final | Status::Failed);
        // What is on its way to a result, or corrects one, is said of that one however often.
        if let Some(earlier) = earlier.filter(|_| !is_result && !it.specimen.is_blank()) {
            return Sameness::Duplicate(earlier);
        }
        let times = if is_result { self.own(&said).len() } else { 0 };
        if let Some(old) = self.twins(&said).nth(times) {
            return match known_again(old, it, arrival, time_text(it)) {
                Sameness::Duplicate(id) => {
                    it.replicate = old.replicate;
                    Sameness::Duplicate(id)
                }
                _ => Sameness::ToldBefore(old.id),
            };
        }
        if times == 0 {
            return alone;
        }
        it.replicate = self.free(&said, it.replicate);
        // Within one message an analyzer counts for itself.
        earlier.map_or(Sameness::New, Sameness::AnotherOf)
    }
}
