//! A message as one part of what it came in: what earlier parts told, what another file brought, and whether as many came as
//! its batch counts. It reads the journal and writes nothing.

use super::{Runner, problem};
use crate::config::settings::Instrument;
use crate::domain::profile::Dialect;
use crate::domain::{Problem, ProblemKind};
use crate::journal::JournalError;
use crate::journal::read::Pending;
use crate::journal::results::{Entry, Place};
use crate::pipeline::batch::miscounts;
use crate::pipeline::{Repetition, made_at};

impl Runner {
    /// Whether another file brought a file's message. Its own repetitions are counted result by result.
    pub(super) fn repeats_another_file(
        &self,
        message: &Pending,
        instrument: &Instrument,
        fingerprint: &[u8],
    ) -> Result<Repetition, JournalError> {
        let place = (message.transfer, message.message);
        let others = self.read(|reader| reader.same_elsewhere(&instrument.id, fingerprint, place))?;
        if others.is_empty() {
            return Ok(Repetition::First);
        }
        let (zone, character_set) = (&instrument.time_zone, instrument.character_set);
        if made_at(&message.content, &instrument.profile, zone, character_set).is_some() {
            for other in others {
                match self.read(|reader| reader.content(other)) {
                    Ok(content) if content == message.content => return Ok(Repetition::Verbatim),
                    // What can't be compared isn't taken for the same.
                    Ok(_) | Err(JournalError::Elsewhere(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Repetition::Repeated)
    }

    /// The problems of a part of a table that weren't told before: by an earlier part of its file, of the text as a whole; with the
    /// result of which another file told it, of a time. One that stands in a result's place is told in any case.
    pub(super) fn new_to_file(
        &self,
        message: &Pending,
        problems: Vec<Problem>,
        entries: &[Entry],
    ) -> Result<Vec<Problem>, JournalError> {
        let came_again = |problem: &Problem| {
            let its = |entry: &&Entry| Some(entry.observation.record) == problem.record;
            entries.iter().find(its).is_some_and(|entry| matches!(entry.place, Place::Repeats(_)))
        };
        let mut new = Vec::new();
        for problem in problems {
            let place = (message.transfer, message.message);
            let is_told = match problem.kind {
                _ if problem.replaces_result => false,
                ProblemKind::UndecodableText => {
                    self.read(|reader| reader.was_told(place, problem.kind, problem.text.reveal()))?
                }
                ProblemKind::OddTime => came_again(&problem),
                _ => false,
            };
            if !is_told {
                new.push(problem);
            }
        }
        Ok(new)
    }

    /// The problem that a batch which ends here counts other messages than came.
    pub(super) fn miscounted(
        &self,
        message: &Pending,
        instrument: &Instrument,
    ) -> Result<Vec<Problem>, JournalError> {
        if !matches!(instrument.profile.dialect, Dialect::Hl7(_)) || message.part.is_some() {
            return Ok(Vec::new());
        }
        let (mut at, mut failed) = (message.message, None);
        let said = miscounts(&message.content, || {
            let earlier = self.read(|reader| reader.before(at));
            let (id, content) = earlier.unwrap_or_else(|error| {
                failed = Some(error);
                None
            })?;
            at = id;
            Some(content)
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(said.into_iter().map(|text| problem(ProblemKind::Miscounted, text)).collect()),
        }
    }
}
