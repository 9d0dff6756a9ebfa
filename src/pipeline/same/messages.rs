//! The messages of a file, of which none tells by its time whether it says something again: a result is known by how often
//! its file says it, as a table's row is. Where a time tells, or a message came by itself, `same.rs` knows enough.

use super::elsewhere::Told;
use super::rows::Said;
use super::{Arrival, Before, Clock, Sameness};
use crate::domain::{Observation, Status};

impl Before {
    /// What the next result of a file's message is to those before it, where its clock is silent. `alone` is what
    /// [`super::classify`] makes of it, as if no file had counted. Another of the same gets a number of its own.
    pub fn take_of_message(
        &mut self,
        it: &mut Observation,
        alone: Sameness,
        arrival: &Arrival<'_>,
    ) -> Sameness {
        let sameness = match alone {
            Sameness::Completion(_) => alone,
            _ => self.of_message(it, alone, arrival),
        };
        self.count(it, None, sameness.is_elsewhere());
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
        let (own, told) = match is_result {
            true => (self.own(&said).len(), self.told_elsewhere(&said)),
            false => (0, 0),
        };
        match self.elsewhere(it, (&said, told), |_| true, (Clock::IsSilent, arrival)) {
            Some(Told::Same(old)) => {
                it.replicate = old.replicate;
                Sameness::Duplicate(old.id)
            }
            Some(Told::Perhaps(old)) => {
                it.replicate = self.free(&said, it.replicate);
                Sameness::ToldBefore(old.id)
            }
            None if own == 0 => alone,
            None => {
                it.replicate = self.free(&said, it.replicate);
                Sameness::AnotherOf(earlier)
            }
        }
    }
}
