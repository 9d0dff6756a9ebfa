//! What arrives: transfers, parcels, and the messages that they complete.

use jiff::Timestamp;
use labwire_link::{Parcel, ParcelId, Receipt};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::audit::{self, GATEWAY, Step};
use super::writer::Urgency;
use super::{Journal, JournalError, MessageId, OpenError, TransferId};

/// How a transfer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// As the protocol says. `completes` where the end of the transfer is what completes its last message.
    Ended { completes: bool },
    /// Cut short, with the reason in words.
    Cut(String),
}

impl Journal {
    /// Opens a transfer from `source` (a port or listener), with `peer` at the other end, by its first parcel.
    pub async fn store_first_parcel(
        &self,
        source: String,
        peer: String,
        parcel: Parcel,
        now: Timestamp,
    ) -> Result<(TransferId, Receipt, Vec<MessageId>), JournalError> {
        let (id, sha256) = (parcel.id, Sha256::digest(&parcel.raw));
        let stored = self.submit(Urgency::Frame, move |connection| {
            connection
                .prepare_cached("INSERT INTO transfer (source, peer, began_at) VALUES (?, ?, ?)")?
                .execute(params![source, peer, now.as_microsecond()])?;
            let transfer = TransferId(connection.last_insert_rowid());
            Ok((transfer, store(connection, transfer, &parcel, &sha256, now)?))
        });
        let (transfer, messages) = stored.await?;
        Ok((transfer, sign(id), messages))
    }

    /// Stores a further parcel and whatever messages it completes, and signs for it once that is committed.
    pub async fn store_parcel(
        &self,
        transfer: TransferId,
        parcel: Parcel,
        now: Timestamp,
    ) -> Result<(Receipt, Vec<MessageId>), JournalError> {
        let (id, sha256) = (parcel.id, Sha256::digest(&parcel.raw));
        let stored =
            self.submit(Urgency::Frame, move |connection| store(connection, transfer, &parcel, &sha256, now));
        let messages = stored.await?;
        Ok((sign(id), messages))
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
fn sign(parcel: ParcelId) -> Receipt {
    Receipt::sign(parcel)
}

fn store(
    connection: &Connection,
    transfer: TransferId,
    parcel: &Parcel,
    sha256: &[u8],
    now: Timestamp,
) -> Result<Vec<MessageId>, JournalError> {
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
    Ok(messages)
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
fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.filter_map(|nibble| char::from_digit(u32::from(nibble), 16)).collect()
}
