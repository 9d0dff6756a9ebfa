//! Each instrument's clock, by its latest messages: an alarm where it is off, and no instant for the times that it gave
//! meanwhile. It holds nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{Runner, problem};
use crate::config::settings::Instrument;
use crate::domain::{InstrumentId, Observation, Problem, ProblemKind};
use crate::journal::JournalError;
use crate::journal::read::Pending;
use crate::pipeline::{ClockState, Offsets, made_at};

/// What is known of all clocks since the start.
#[derive(Debug, Default)]
pub struct Clocks(Mutex<BTreeMap<InstrumentId, Offsets>>);

impl Runner {
    /// Notes when a message was made. Where the clock is off, times of its results name no instant any more, their text
    /// stays, and that is a problem unless one is open. While too little is known, as after a start, an open one counts.
    pub(super) fn look_at_clock(
        &self,
        message: &Pending,
        instrument: &Instrument,
        observations: &mut [Observation],
    ) -> Result<Option<Problem>, JournalError> {
        let Some(limit) = instrument.clock_limit else { return Ok(None) };
        let state = {
            let mut all = self.clocks.0.lock().unwrap_or_else(PoisonError::into_inner);
            let offsets = all.entry(instrument.id.clone()).or_default();
            let (zone, character_set) = (&instrument.time_zone, instrument.character_set);
            let made = made_at(&message.content, &instrument.profile, zone, character_set);
            made.into_iter().for_each(|made| offsets.note(made, message.received_at));
            offsets.state(limit)
        };
        if state == ClockState::Right {
            return Ok(None);
        }
        let is_told = self.read(|reader| reader.has_open_problem(&instrument.id, ProblemKind::ClockOff))?;
        if !state.is_off() && !is_told {
            return Ok(None);
        }
        for observation in observations {
            let times = [&mut observation.started, &mut observation.completed];
            times.into_iter().flatten().for_each(|time| time.instant = None);
        }
        Ok(state.words().filter(|_| !is_told).map(|words| problem(ProblemKind::ClockOff, words)))
    }
}
