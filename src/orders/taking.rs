//! What a LIMS says by other ways than a connection of HL7 messages: it is on disk, with all that it changes, before
//! anything else happens. Never reads it.

use std::sync::Arc;

use jiff::Timestamp;
use labwire_link::{Parcel, ParcelId};
use tokio::sync::Notify;

use crate::journal::orders::{Again, Applied, Block, Manner, Told};
use crate::journal::parcels::{Ending, Within};
use crate::journal::{Journal, JournalError};

/// Where it goes.
#[derive(Clone)]
pub(super) struct Taking {
    pub(super) journal: Journal,
    /// Rung when orders are on disk.
    pub(super) arrived: Arc<Notify>,
}

/// A text with orders.
pub(super) struct Text {
    /// Whose it is, as stored.
    pub(super) source: String,
    /// Who was at the other end.
    pub(super) peer: String,
    pub(super) content: Vec<u8>,
    /// Its messages: where each ends, and what it says.
    pub(super) messages: Vec<(usize, Told)>,
    pub(super) again: Again,
    pub(super) manner: Manner,
    /// Where to go on asking from now on.
    pub(super) cursor: Option<String>,
}

impl Taking {
    /// Takes a text as a transfer of its own. `answer` is written from what became of each request, and committed with
    /// it; for a text that was taken before, the first answer comes back.
    pub(super) async fn take(
        &self,
        text: Text,
        answer: impl FnOnce(&[Vec<Applied>]) -> Vec<Vec<u8>> + Send + 'static,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, JournalError> {
        let Text { source, peer, content, messages, again, manner, cursor } = text;
        let (message_ends, told) = messages.into_iter().unzip();
        let parcel = Parcel { id: ParcelId(0), content: 0..content.len(), raw: content, message_ends };
        let within = Within::New { source: source.clone(), peer };
        let block = Block { source, within, parcel, told, compose: Box::new(answer), again, manner, cursor };
        let taken = self.journal.take_orders(block, now).await?;
        self.arrived.notify_one();
        self.journal.end_transfer(taken.transfer, Ending::Ended { completes: false }, now).await?;
        Ok(taken.texts)
    }
}
