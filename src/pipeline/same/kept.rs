//! What is counted of a table's rows, kept from one part of its file to the next: a control may have tens of thousands of them
//! in one file, and asking the journal for all of them again with each part would take longer with each. It keeps no more
//! than it has room for; what it doesn't have is gathered from the journal again.

use std::collections::BTreeMap;

use super::Before;
use crate::domain::InstrumentId;

/// By specimen and test code.
pub type Counts = BTreeMap<(String, String), Before>;

/// Fewer results of a test are gathered as quickly as they are kept: most tubes have one in a file.
const WORTH_KEEPING: usize = 32;
/// The most that is kept, in results of one's own file. At about 120 bytes, some 8 MB.
const MOST: usize = 64 * 1024;

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRead {
    pub instrument: InstrumentId,
    pub transfer: i64,
    /// Later parts have higher numbers.
    pub message: i64,
    pub not_production: bool,
}

impl PartRead {
    fn follows(&self, earlier: &PartRead) -> bool {
        let later = PartRead { message: earlier.message, ..self.clone() };
        later == *earlier && self.message > earlier.message
    }
}

/// The counts after the part that was read last.
#[derive(Debug, Clone)]
pub struct Kept {
    last: Option<(PartRead, Counts)>,
    worth_keeping: usize,
    room: usize,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept { last: None, worth_keeping: WORTH_KEEPING, room: MOST }
    }
}

impl Kept {
    /// Keeps all that there is room for.
    #[cfg(test)]
    pub fn all() -> Kept {
        Kept { worth_keeping: 0, ..Kept::default() }
    }

    #[cfg(test)]
    pub fn with_room(room: usize) -> Kept {
        Kept { room, ..Kept::default() }
    }

    /// What is kept for a part; nothing where it doesn't follow the one that was read last. Until it is read and stored,
    /// nothing is kept.
    pub fn take(&mut self, part: &PartRead) -> Counts {
        let kept = self.last.take().filter(|(earlier, _)| part.follows(earlier));
        kept.map(|(_, counts)| counts).unwrap_or_default()
    }

    /// Keeps what is worth it, as far as there is room, once a part and what it gave are stored.
    pub fn keep(&mut self, part: PartRead, mut counts: Counts) {
        let mut room = self.room;
        counts.retain(|_, before| {
            let weight = before.weight();
            let is_kept = before.is_settled() && weight >= self.worth_keeping && weight <= room;
            room = room.saturating_sub(if is_kept { weight } else { 0 });
            is_kept
        });
        self.last = Some((part, counts));
    }

    /// Something else of an instrument was read, or of any where none is named.
    pub fn forget(&mut self, instrument: Option<&InstrumentId>) {
        self.last = self.last.take().filter(|(part, _)| instrument.is_some_and(|it| *it != part.instrument));
    }
}
