//! What tests of files keep of the journal: the results of each message, and which of them came again.

use std::time::Duration;

use jiff::{Timestamp, ToSpan};

use super::super::{Again, Arrival, Before, Counts, Gathering, Prior, Repetition, Sameness, Stored};
use crate::domain::Observation;
use crate::domain::profile::{EqualWithoutHour, ScaleFlags};

#[derive(Clone)]
pub(super) struct Shelf {
    pub(super) equal_without_hour: EqualWithoutHour,
    pub(super) stored: Vec<Stored>,
    pub(super) again: Vec<Again>,
    pub(super) minute: i64,
    /// What became of each result, in order.
    pub(super) log: Vec<String>,
    /// How many stored results were gathered so far.
    pub(super) gathered: usize,
}

/// A message's number and its file's.
pub(super) type Place = (i64, i64);

impl Shelf {
    pub(super) fn new() -> Shelf {
        let equal_without_hour = EqualWithoutHour::Held;
        Shelf {
            equal_without_hour,
            stored: Vec::new(),
            again: Vec::new(),
            minute: 0,
            log: Vec::new(),
            gathered: 0,
        }
    }

    pub(super) fn arrival(&self, repetition: Repetition) -> Arrival<'static> {
        let received_at = Timestamp::from_second(1_800_000_000).unwrap() + self.minute.minutes();
        let resend_window = Duration::from_secs(600);
        let equal_without_hour = self.equal_without_hour;
        Arrival {
            site: "lab",
            received_at,
            resend_window,
            repetition,
            equal_without_hour,
            scale: ScaleFlags::STANDARD,
        }
    }

    /// What is stored of a result's specimen and test.
    pub(super) fn of(&self, it: &Observation) -> impl Iterator<Item = &Stored> {
        let key = |it: &Observation| (it.specimen.clone(), it.test.code.clone());
        let wanted = key(it);
        self.stored.iter().filter(move |stored| key(&stored.observation) == wanted)
    }

    pub(super) fn priors(&self, it: &Observation) -> Vec<Prior> {
        let prior = |old: &Stored| Prior {
            is_current: old.is_current,
            was_moved: old.was_moved,
            is_doubted: old.is_doubted,
            ..Prior::of(old.id, "lab", &old.observation, old.received_at)
        };
        self.of(it).map(prior).collect()
    }

    /// Reads a message's results: `take` says what each is to those before it. `counts`: what is known of those, if anything;
    /// comes back with the message's own.
    pub(super) fn reads(
        &mut self,
        place: Place,
        results: Vec<Observation>,
        mut counts: Counts,
        mut take: impl FnMut(&Shelf, &mut Before, &mut Observation) -> Sameness,
    ) -> Counts {
        let mut read = Vec::new();
        for mut it in results {
            let key = (it.specimen.reveal().to_owned(), it.test.code.clone());
            if !counts.contains_key(&key) {
                self.gathered += self.of(&it).count();
            }
            let before = counts.entry(key).or_insert_with(|| self.gather(&it, place));
            let sameness = take(self, before, &mut it);
            read.push((it, sameness));
        }
        for (it, sameness) in read {
            self.keep(place, it, sameness);
        }
        counts
    }

    fn gather(&self, it: &Observation, place: Place) -> Before {
        let ids: Vec<i64> = self.of(it).map(|it| it.id).collect();
        let again: Vec<Again> = self.again.iter().filter(|it| ids.contains(&it.id)).copied().collect();
        let mut gathering = Gathering::new("lab", place, &again);
        self.of(it).for_each(|it| gathering.add(it));
        gathering.finish()
    }

    fn keep(&mut self, (message, transfer): Place, observation: Observation, sameness: Sameness) {
        let (tube, value, number) =
            (observation.specimen.reveal(), &observation.value_as_sent, observation.replicate);
        self.log.push(format!("{tube} {value} /{number} {sameness:?}"));
        let received_at = self.arrival(Repetition::First).received_at;
        if let Sameness::Duplicate(id) = sameness {
            return self.again.push(Again { id, message, transfer, received_at });
        }
        if let Sameness::Correction(of) | Sameness::Completion(of) = sameness {
            self.stored.iter_mut().filter(|it| it.id == of).for_each(|it| it.is_current = false);
        }
        self.stored.push(Stored {
            id: i64::try_from(self.stored.len()).unwrap() + 1,
            message,
            transfer,
            received_at,
            observation,
            is_current: true,
            was_moved: false,
            is_doubted: matches!(sameness, Sameness::ToldBefore(_)),
        });
    }

    /// A person says that what waits is another measurement.
    pub(super) fn release(&mut self) {
        self.stored.iter_mut().for_each(|it| it.is_doubted = false);
    }

    /// What became of the results that were read since the last time.
    pub(super) fn told(&mut self) -> String {
        std::mem::take(&mut self.log).join("; ")
    }
}
