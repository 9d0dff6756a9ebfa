//! What arrives: transfers, parcels, and the messages that they complete; and what was said about them.

use jiff::Timestamp;
use labwire_link::{Parcel, ParcelId, Receipt};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::audit::{self, GATEWAY, Step};
use super::writer::Urgency;
use super::{Journal, JournalError, MessageId, OpenError, TransferId, files};

/// How a transfer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// As the protocol says. `completes` where the end of the transfer is what completes its last message.
    Ended { completes: bool },
    /// Cut short, with the reason in words.
    Cut(String),
}

/// The transfer that a parcel belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Within {
    Open(TransferId),
    /// It is the first of a new one, from a port or listener with a peer at its other end.
    New {
        source: String,
        peer: String,
    },
}

impl From<TransferId> for Within {
    fn from(transfer: TransferId) -> Within {
        Within::Open(transfer)
    }
}

/// A parcel that is on disk, and what its peer is told about it.
#[derive(Debug)]
pub struct Stored {
    pub transfer: TransferId,
    pub receipt: Receipt,
    /// The texts that were given, or those of the first time where the same content came again.
    pub texts: Vec<Vec<u8>>,
    pub messages: Vec<MessageId>,
}

impl Journal {
    /// Stores a parcel, the messages that it completes and what is said about it, and signs for it once that is
    /// committed. Where the protocol answers in words, content that came from the same source before, byte for byte,
    /// gets the texts of the first time.
    pub async fn store_parcel(
        &self,
        within: impl Into<Within>,
        parcel: Parcel,
        texts: Vec<Vec<u8>>,
        now: Timestamp,
    ) -> Result<Stored, JournalError> {
        let (id, sha256, within) = (parcel.id, Sha256::digest(&parcel.raw), within.into());
        let stored = self.submit(Urgency::Frame, move |connection| {
            let transfer = match within {
                Within::Open(transfer) => transfer,
                Within::New { source, peer } => begin(connection, &source, &peer, now)?,
            };
            let (stored, messages) = store(connection, transfer, &parcel, &sha256, now)?;
            let texts = said(connection, stored, parcel.content(), texts)?;
            Ok((transfer, texts, messages))
        });
        let (transfer, texts, messages) = stored.await?;
        Ok(Stored { transfer, receipt: sign(id), texts, messages })
    }

    /// Closes a transfer. What follows its last complete message becomes a message if the transfer's end
    /// completes it, and is kept as incomplete if not.
    pub async fn end_transfer(
        &self,
        transfer: TransferId,
        ending: Ending,
        now: Timestamp,
    ) -> Result<Option<MessageId>, JournalError> {
        self.submit(Urgency::Other, move |connection| end(connection, transfer, &ending, now)).await
    }
}

/// The one place that signs: what it is called after has been committed.
#[expect(clippy::disallowed_methods, reason = "the parcel is on disk: its commit has been awaited")]
pub(super) fn sign(parcel: ParcelId) -> Receipt {
    Receipt::sign(parcel)
}

pub(super) fn begin(
    connection: &Connection,
    source: &str,
    peer: &str,
    now: Timestamp,
) -> Result<TransferId, JournalError> {
    connection
        .prepare_cached("INSERT INTO transfer (source, peer, began_at) VALUES (?, ?, ?)")?
        .execute(params![source, peer, now.as_microsecond()])?;
    Ok(TransferId(connection.last_insert_rowid()))
}

/// What ends each text of a reply; no text in a block can hold it.
pub(super) const TEXT_END: u8 = 0x1C;

/// Keeps what is said about a parcel. The same content gets what was said the first time.
fn said(
    connection: &Connection,
    parcel: i64,
    content: &[u8],
    texts: Vec<Vec<u8>>,
) -> Result<Vec<Vec<u8>>, JournalError> {
    if texts.is_empty() {
        return Ok(texts);
    }
    let sha256 = Sha256::digest(content);
    let source: String = connection
        .prepare_cached("SELECT t.source FROM parcel p JOIN transfer t ON t.id = p.transfer WHERE p.id = ?")?
        .query_row([parcel], |row| row.get(0))?;
    let before: Option<Vec<u8>> = connection
        .prepare_cached("SELECT texts FROM reply WHERE sha256 = ? AND source = ? ORDER BY parcel LIMIT 1")?
        .query_row(params![sha256.as_slice(), source], |row| row.get(0))
        .optional()?;
    let texts = before.map_or(texts, |joined| read_texts(&joined));
    write_texts(connection, parcel, &source, &sha256, &texts)?;
    Ok(texts)
}

pub(super) fn write_texts(
    connection: &Connection,
    parcel: i64,
    source: &str,
    sha256: &[u8],
    texts: &[Vec<u8>],
) -> Result<(), JournalError> {
    let joined: Vec<u8> = texts.iter().flat_map(|text| text.iter().copied().chain([TEXT_END])).collect();
    connection
        .prepare_cached("INSERT INTO reply VALUES (?, ?, ?, ?)")?
        .execute(params![parcel, source, sha256, joined])?;
    Ok(())
}

pub(super) fn read_texts(joined: &[u8]) -> Vec<Vec<u8>> {
    let mut parts: Vec<Vec<u8>> = joined.split(|byte| *byte == TEXT_END).map(<[u8]>::to_vec).collect();
    parts.pop();
    parts
}

/// Stores a parcel; returns its number and the messages that it completes.
pub(super) fn store(
    connection: &Connection,
    transfer: TransferId,
    parcel: &Parcel,
    sha256: &[u8],
    now: Timestamp,
) -> Result<(i64, Vec<MessageId>), JournalError> {
    check(connection, transfer, parcel)?;
    let at = now.as_microsecond();
    connection
        .prepare_cached(
            "INSERT INTO parcel (transfer, received_at, content_start, content_end, sha256, raw)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![transfer.0, at, parcel.content.start, parcel.content.end, sha256, parcel.raw])?;
    let stored = connection.last_insert_rowid();
    audit::append(
        connection,
        &Step {
            at: now,
            actor: GATEWAY,
            step: "parcel stored",
            subject: format!("parcel {stored}"),
            detail: hex(sha256),
        },
    )?;
    let mut messages = Vec::with_capacity(parcel.message_ends.len());
    for end in &parcel.message_ends {
        messages.push(complete(connection, transfer, (stored, *end), "stored", now)?);
    }
    Ok((stored, messages))
}

/// A parcel that no message could ever cover, or cover rightly, must not be signed for.
fn check(connection: &Connection, transfer: TransferId, parcel: &Parcel) -> Result<(), JournalError> {
    let is_open = connection
        .prepare_cached("SELECT 1 FROM transfer WHERE id = ? AND ended_at IS NULL")?
        .exists([transfer.0])?;
    let Some(content) = parcel.raw.get(parcel.content.clone()).filter(|_| is_open) else {
        return Err(JournalError::Refused(format!("transfer {transfer} takes no such parcel")));
    };
    let ascending = parcel.message_ends.iter().zip(parcel.message_ends.iter().skip(1)).all(|(a, b)| a < b);
    if !ascending || parcel.message_ends.last().is_some_and(|end| *end > content.len()) {
        return Err(JournalError::Refused("a parcel's message ends lie outside its content".to_owned()));
    }
    Ok(())
}

/// Turns what is open in a transfer, up to and without `end` (a parcel and an offset into its content), into a
/// message, and opens the next one there.
fn complete(
    connection: &Connection,
    transfer: TransferId,
    end: (i64, usize),
    state: &str,
    now: Timestamp,
) -> Result<MessageId, JournalError> {
    let (first, offset) = opening(connection, transfer)?
        .ok_or_else(|| JournalError::Refused(format!("transfer {} holds no parcel", transfer.0)))?;
    connection
        .prepare_cached(
            "INSERT INTO message (transfer, first_parcel, first_offset, last_parcel, end_offset, received_at, state)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![transfer.0, first, offset, end.0, end.1, now.as_microsecond(), state])?;
    let message = MessageId(connection.last_insert_rowid());
    connection
        .prepare_cached("UPDATE transfer SET open_parcel = ?, open_offset = ? WHERE id = ?")?
        .execute(params![end.0, end.1, transfer.0])?;
    Ok(message)
}

/// Where the message under way begins: a parcel and an offset into its content.
fn opening(connection: &Connection, transfer: TransferId) -> Result<Option<(i64, usize)>, JournalError> {
    let found = connection
        .prepare_cached(
            "SELECT coalesce(t.open_parcel, (SELECT min(p.id) FROM parcel p WHERE p.transfer = t.id)), t.open_offset
             FROM transfer t WHERE t.id = ?",
        )?
        .query_row([transfer.0], |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, usize>(1)?)))
        .optional()?;
    Ok(found.and_then(|(parcel, offset)| parcel.map(|parcel| (parcel, offset))))
}

fn end(
    connection: &Connection,
    transfer: TransferId,
    ending: &Ending,
    now: Timestamp,
) -> Result<Option<MessageId>, JournalError> {
    let (state, text) = match ending {
        Ending::Ended { completes: true } => ("stored", "ended"),
        Ending::Ended { completes: false } => ("incomplete", "ended"),
        Ending::Cut(why) => ("incomplete", why.as_str()),
    };
    let message = match rest(connection, transfer)? {
        Some(end) => Some(complete(connection, transfer, end, state, now)?),
        None => None,
    };
    let ended = connection
        .prepare_cached("UPDATE transfer SET ended_at = ?, ending = ? WHERE id = ? AND ended_at IS NULL")?
        .execute(params![now.as_microsecond(), text, transfer.0])?;
    if ended > 0 {
        let rest = message.map(|message| format!(", message {message} is {state}")).unwrap_or_default();
        let (subject, detail) = (format!("transfer {transfer}"), format!("{text}{rest}"));
        audit::append(
            connection,
            &Step { at: now, actor: GATEWAY, step: "transfer ended", subject, detail },
        )?;
    }
    Ok(message)
}

/// Closes a transfer whose messages are made otherwise.
pub(super) fn close(
    connection: &Connection,
    transfer: TransferId,
    ending: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached("UPDATE transfer SET ended_at = ?, ending = ? WHERE id = ? AND ended_at IS NULL")?
        .execute(params![now.as_microsecond(), ending, transfer.0])?;
    let (subject, detail) = (format!("transfer {transfer}"), ending.to_owned());
    audit::append(connection, &Step { at: now, actor: GATEWAY, step: "transfer ended", subject, detail })
}

/// The end of what follows the transfer's last message, where that is more than line ends and blanks.
fn rest(connection: &Connection, transfer: TransferId) -> Result<Option<(i64, usize)>, JournalError> {
    let Some((first, offset)) = opening(connection, transfer)? else { return Ok(None) };
    let mut statement = connection.prepare_cached(
        "SELECT id, content_start, content_end, raw FROM parcel WHERE transfer = ? AND id >= ? ORDER BY id",
    )?;
    let mut rows = statement.query(params![transfer.0, first])?;
    let (mut last, mut says_something) = (None, false);
    while let Some(row) = rows.next()? {
        let (id, start, end): (i64, usize, usize) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let raw = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        let content = raw.get(start..end).unwrap_or_default();
        let open = if id == first { content.get(offset..).unwrap_or_default() } else { content };
        says_something |= !open.iter().all(u8::is_ascii_whitespace);
        last = Some((id, content.len()));
    }
    Ok(last.filter(|_| says_something))
}

/// Closes the transfers that a stop of the gateway left open.
pub(super) fn recover(connection: &mut Connection, now: Timestamp) -> Result<(), OpenError> {
    let transaction = connection.transaction()?;
    files::recover(&transaction, now)?;
    let open: Vec<i64> = transaction
        .prepare("SELECT id FROM transfer WHERE ended_at IS NULL")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let cut = Ending::Cut("the gateway stopped in mid-transmission".to_owned());
    for transfer in open {
        end(&transaction, TransferId(transfer), &cut, now)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Lowercase hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)).collect()
}
