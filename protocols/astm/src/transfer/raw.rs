//! Records without framing, as some analyzers send them over TCP: each record is a parcel, nothing is
//! acknowledged, and the only refusal the peer can notice is a closed connection.

use std::collections::BTreeSet;
use std::sync::Arc;

use labwire_link::{Parcel, ParcelId};

use super::completes::MessageEnds;
use super::frame::FrameEnd;
use super::settings::Settings;

/// The records of one unframed transfer and those that are still on their way to disk.
pub(super) struct RawRecords {
    settings: Arc<Settings>,
    ends: MessageEnds,
    carried: usize,
    in_flight: BTreeSet<ParcelId>,
}

impl RawRecords {
    pub(super) fn new(settings: Arc<Settings>) -> RawRecords {
        RawRecords { settings, ends: MessageEnds::new(), carried: 0, in_flight: BTreeSet::new() }
    }

    /// A new transfer begins.
    pub(super) fn restart(&mut self) {
        self.ends = MessageEnds::new();
        self.carried = 0;
    }

    /// The connection is gone; receipts that come later are nobody's.
    pub(super) fn forget(&mut self) {
        self.in_flight.clear();
    }

    /// Makes a parcel of the next record, unless the transfer would grow beyond its limit.
    pub(super) fn parcel(&mut self, id: ParcelId, raw: Vec<u8>) -> Option<Parcel> {
        self.carried = self.carried.saturating_add(raw.len());
        if self.carried > self.settings.max_transfer {
            return None;
        }
        self.in_flight.insert(id);
        let message_ends = self.ends.follow(self.settings.end_mark, &raw, FrameEnd::Complete);
        Some(Parcel { id, content: 0..raw.len(), raw, message_ends })
    }

    /// Whether this parcel was one of ours, stored or not. From here on it isn't.
    pub(super) fn settle(&mut self, parcel: ParcelId) -> bool {
        self.in_flight.remove(&parcel)
    }
}
