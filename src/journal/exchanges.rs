//! What passed on an instrument's connections lately, by what the journal keeps of it: what arrived, and what was said in
//! answer where the protocol answers in words.

use std::ops::Range;

use jiff::Timestamp;

use super::archive::Archives;
use super::parcels::TEXT_END;
use super::rows::instant;
use super::{JournalError, MessageId, Reader};
use crate::domain::{InstrumentId, Private};

/// The parcels of one transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub parcels: Vec<KeptParcel>,
}

/// One parcel as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptParcel {
    pub received_at: Timestamp,
    pub raw: Private<Vec<u8>>,
    /// Where the content lies within it.
    pub content: Range<usize>,
    /// The texts that answered it.
    pub said: Vec<Private<Vec<u8>>>,
}

/// From the newest on, so that it ends after as many as are wanted.
const MESSAGES: &str =
    "SELECT id, transfer FROM message WHERE instrument = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
const PARCELS: &str = "SELECT p.received_at, p.raw, p.content_start, p.content_end, r.texts, p.archive,
    p.sha256 FROM parcel p
    LEFT JOIN reply r ON r.parcel = p.id WHERE p.transfer = ? ORDER BY p.id LIMIT 10000";

impl Reader {
    /// The last transfers in which this instrument sent a message, the oldest first: `most` at most, and of those none that
    /// lies more than a hundred messages for each back.
    pub fn exchanges(&self, instrument: &InstrumentId, most: u32) -> Result<Vec<Exchange>, JournalError> {
        let mut last: Vec<i64> = Vec::new();
        for (_, transfer) in self.newest(instrument, most.saturating_mul(100))? {
            if last.len() < most as usize && !last.contains(&transfer) {
                last.push(transfer);
            }
        }
        let (mut found, archives) = (Vec::new(), Archives::of(&self.connection));
        for transfer in last {
            let mut parcels = self.connection.prepare_cached(PARCELS)?;
            let parcels = parcels.query_and_then([transfer], |row| {
                let texts: Option<Vec<u8>> = row.get(4)?;
                let texts = texts.unwrap_or_default();
                let said = texts.split(|byte| *byte == TEXT_END).filter(|text| !text.is_empty());
                Ok(KeptParcel {
                    received_at: instant(row.get(0)?),
                    raw: Private::new(archives.of_row(row, (1, 5, 6))?.into_owned()),
                    content: row.get(2)?..row.get(3)?,
                    said: said.map(|text| Private::new(text.to_vec())).collect(),
                })
            })?;
            found.push(Exchange { parcels: parcels.collect::<Result<_, JournalError>>()? });
        }
        found.reverse();
        Ok(found)
    }

    /// The last messages of an instrument, the oldest first: `most` at most.
    pub fn last_messages(
        &self,
        instrument: &InstrumentId,
        most: u32,
    ) -> Result<Vec<MessageId>, JournalError> {
        let mut found: Vec<MessageId> =
            self.newest(instrument, most)?.into_iter().map(|(message, _)| message).collect();
        found.reverse();
        Ok(found)
    }

    /// The newest messages of an instrument with their transfers, the newest first.
    fn newest(&self, instrument: &InstrumentId, most: u32) -> Result<Vec<(MessageId, i64)>, JournalError> {
        let mut statement = self.connection.prepare_cached(MESSAGES)?;
        let rows = statement.query_map((instrument.as_str(), i64::MAX, most), |row| {
            Ok((MessageId(row.get(0)?), row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
