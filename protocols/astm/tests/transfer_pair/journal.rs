//! What one side has on disk: complete messages, each with how often it is there.

use std::collections::BTreeMap;

use labwire_link::{Parcel, ParcelId};

#[derive(Default)]
pub(crate) struct Journal {
    /// Content of each transfer since its last complete message.
    open: BTreeMap<u64, Vec<u8>>,
    transfer: u64,
    in_flight: BTreeMap<ParcelId, (u64, Parcel)>,
    pub(crate) messages: BTreeMap<Vec<u8>, usize>,
}

impl Journal {
    pub(crate) fn begin_transfer(&mut self) {
        self.transfer += 1;
    }

    pub(crate) fn take(&mut self, parcel: Parcel) {
        self.in_flight.insert(parcel.id, (self.transfer, parcel));
    }

    pub(crate) fn lose(&mut self, id: ParcelId) {
        self.in_flight.remove(&id);
    }

    pub(crate) fn store(&mut self, id: ParcelId) {
        let Some((transfer, parcel)) = self.in_flight.remove(&id) else { return };
        let open = self.open.entry(transfer).or_default();
        let content = parcel.content();
        let mut start = 0;
        for end in parcel.message_ends.iter().copied() {
            open.extend_from_slice(&content[start..end]);
            *self.messages.entry(std::mem::take(open)).or_default() += 1;
            start = end;
        }
        open.extend_from_slice(&content[start..]);
    }
}
