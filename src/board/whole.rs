//! What is so of the gateway as a whole, beside its links and destinations.

use jiff::Timestamp;

use super::Board;
use crate::domain::{Words, counted, words};

/// What is done beside the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chore {
    /// The reconciliation's reports.
    Reports,
    Archiving,
}

/// The configuration on disk isn't the one that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// When that was noticed.
    pub since: Timestamp,
    /// The files that say something else, each with the keys that do.
    pub files: Vec<String>,
    /// Why it couldn't be put in force; zero: it could.
    pub mistakes: usize,
}

impl Differing {
    pub fn words(&self) -> Words {
        match self.mistakes {
            0 => words!(
                "The configuration on disk isn't in force ({files}): labwire check, then reload",
                files = self.files.join("; ")
            ),
            mistakes => counted!(
                mistakes,
                "The configuration on disk can't be put in force: labwire check names a mistake",
                "The configuration on disk can't be put in force: labwire check names {n} mistakes"
            ),
        }
    }
}

impl Board {
    /// How the configuration on disk differs from the one that runs; `None`: it doesn't.
    pub fn configuration(&self) -> Option<Differing> {
        self.lock().configuration.clone()
    }

    /// Also ends what is said of a refused reload where nothing differs any more.
    pub fn set_configuration(&self, differing: Option<Differing>) {
        self.change(|state| {
            state.refused = state.refused.take().filter(|_| differing.is_some());
            state.configuration = differing;
        });
    }

    /// Why the last reload was refused, in one line.
    pub fn refused(&self) -> Option<String> {
        self.lock().refused.clone()
    }

    pub fn refuse_reload(&self, why: String) {
        self.change(|state| state.refused = Some(why));
    }

    /// How many spans the traces' collector refused for good since the start; `None` where there is no collector.
    pub fn dropped_spans(&self) -> Option<u64> {
        self.lock().dropped_spans
    }

    /// So many more. None makes the count begin.
    pub fn drop_spans(&self, more: u64) {
        self.change(|state| *state.dropped_spans.get_or_insert_default() += more);
    }
}
