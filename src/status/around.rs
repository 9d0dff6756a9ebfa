//! What is around each analyzer: what of its results waits to leave, how its tests stand by their controls, and how its clock
//! goes. It is read with everything else of one moment, so that no two views differ; what takes long to read is remembered until
//! the journal has something newer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::offset::{self, Took};
use super::preview::Readings;
use crate::domain::InstrumentId;
use crate::domain::qc::QcState;
use crate::journal::views::InstrumentView;
use crate::journal::{JournalError, Reader};

/// The most lines that wait and are looked at, of all analyzers: while a LIMS is down there may be any number.
const LOOKED_AT: usize = 2_000;

#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    /// How many of its results wait to leave, and whether there may be more.
    pub waiting: (i64, bool),
    /// How each of its tests stands; empty where no control was measured.
    pub controls: Vec<QcState>,
    /// What one of its latest messages took at least from being made to being on disk, in seconds.
    pub clock: Option<i64>,
}

/// Looks around, and remembers.
pub(super) struct Lookout {
    readings: Arc<Readings>,
    destinations: Vec<String>,
    valid_for: SignedDuration,
    remembered: Mutex<Remembered>,
}

#[derive(Clone, Default)]
struct Remembered {
    took: Took,
    /// By when it was read: the journal's mark, and the minute.
    controls: Option<([i64; 3], i64, Arc<Controls>)>,
}

type Controls = BTreeMap<String, Vec<QcState>>;

impl Lookout {
    pub(super) fn new(
        readings: Arc<Readings>,
        destinations: Vec<String>,
        valid_for: SignedDuration,
    ) -> Lookout {
        Lookout { readings, destinations, valid_for, remembered: Mutex::default() }
    }

    pub(super) fn look(
        &self,
        reader: &Reader,
        instruments: &[InstrumentView],
        now: Timestamp,
    ) -> Result<BTreeMap<String, Around>, JournalError> {
        // Others may read meanwhile.
        let known = self.remembered().clone();
        let (waiting, is_more) = reader.waiting_by_instrument(&self.destinations, LOOKED_AT)?;
        let (mark, minute) = (reader.qc_mark()?, now.as_second().div_euclid(60));
        let controls = match known.controls {
            Some((read, then, controls)) if (read, then) == (mark, minute) => controls,
            _ => Arc::new(self.controls(reader, now)?),
        };
        let mut took = Took::new();
        let around = instruments.iter().map(|it| {
            let name = &it.instrument;
            let waiting = (waiting.get(name).copied().unwrap_or_default(), is_more);
            let id = InstrumentId::new(name);
            let clock = offset::least(reader, &id, &self.readings, (&known.took, &mut took))?;
            let controls = controls.get(name).cloned().unwrap_or_default();
            Ok((name.clone(), Around { waiting, controls, clock }))
        });
        let around = around.collect::<Result<_, JournalError>>()?;
        *self.remembered() = Remembered { took, controls: Some((mark, minute, controls)) };
        Ok(around)
    }

    fn controls(&self, reader: &Reader, now: Timestamp) -> Result<Controls, JournalError> {
        let mut controls = Controls::new();
        for series in reader.qc(self.valid_for, now)? {
            controls.entry(series.instrument.to_string()).or_default().push(series.state);
        }
        Ok(controls)
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
