//! Files that were fetched: their bytes as parcels of a transfer, their parts as messages, and the ledger of contents by
//! which no content is read twice. Nothing is removed from where it was but on a [`FileReceipt`].

use std::ops::Range;

use jiff::Timestamp;
use labwire_link::{Parcel, ParcelId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::archive::Archives;
use super::audit::{self, GATEWAY, Step};
use super::parcels::{self, hex};
use super::read::PartPlace;
use super::rows::instant;
use super::writer::Urgency;
use super::{FileId, Journal, JournalError, MessageId, Reader, TransferId};
use crate::domain::InstrumentId;

/// How many parts become messages in one step: analyzers on a line wait for their acknowledgements meanwhile.
const STEP: usize = 500;
/// How many steps of other work a piece of a file counts as.
const PIECE: usize = 50;

/// A file as its place tells of it, and its content's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    pub instrument: InstrumentId,
    /// As transfers are stored under.
    pub source: String,
    pub name: String,
    /// In bytes.
    pub size: u64,
    /// Its time in the words of its place.
    pub stamp: String,
    pub sha256: Vec<u8>,
    /// The bytes of it that each part needs before its own.
    pub head: Range<u64>,
}

/// A part whose last byte is in the piece that is being stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub number: u32,
    /// In bytes of the file.
    pub bytes: Range<u64>,
    /// The line of the file, from 1.
    pub first_line: u64,
}

/// A file that is being stored: the pieces that are, in order.
#[derive(Debug)]
pub struct Storing {
    file: FileId,
    transfer: TransferId,
    /// The parcels that parts which haven't ended begin in, each with the offset of its first byte in the file.
    pieces: Vec<(u64, i64)>,
    stored: u64,
}

/// Proof that a file's content survives a power cut. Only the journal makes one, after its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileReceipt(FileId);

impl FileReceipt {
    pub fn file(&self) -> FileId {
        self.0
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> FileReceipt {
        FileReceipt(FileId(1))
    }
}

/// A file of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub file: FileId,
    pub name: String,
    pub size: u64,
    pub stamp: String,
    pub sha256: Vec<u8>,
    pub seen_at: Timestamp,
    /// It was deleted or moved since.
    pub is_gone: bool,
    /// Its content had come before.
    pub repeats: bool,
}

impl Journal {
    /// Opens a file. Until [`Journal::finish_file`] it is nothing but bytes.
    pub async fn begin_file(&self, fetched: Fetched, now: Timestamp) -> Result<Storing, JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let transfer = parcels::begin(connection, &fetched.source, &fetched.name, now)?;
            let file = enter(connection, &fetched, ("storing", Some(transfer), None), now)?;
            Ok(Storing { file, transfer, pieces: Vec::new(), stored: 0 })
        })
        .await
    }

    /// Stores the next piece, and the parts that end in it.
    pub async fn store_piece(
        &self,
        mut storing: Storing,
        bytes: Vec<u8>,
        parts: Vec<Part>,
        now: Timestamp,
    ) -> Result<Storing, JournalError> {
        let sha256 = Sha256::digest(&bytes);
        let (id, content) = (ParcelId(0), 0..bytes.len());
        let parcel = Parcel { id, raw: bytes, content, message_ends: Vec::new() };
        self.submit(Urgency::Bulk(PIECE), move |connection| {
            let (stored, _) = parcels::store(connection, storing.transfer, &parcel, &sha256, now)?;
            storing.pieces.push((storing.stored, stored));
            storing.stored += u64::try_from(parcel.raw.len()).unwrap_or(u64::MAX);
            for part in &parts {
                storing.enter(connection, part)?;
            }
            Ok(storing)
        })
        .await
    }

    /// Says that every byte and every part is stored: from here on the file is taken, whatever happens.
    pub async fn finish_file(&self, storing: Storing, now: Timestamp) -> Result<FileReceipt, JournalError> {
        let file = storing.file;
        self.submit(Urgency::Other, move |connection| {
            settle(connection, file, "stored")?;
            parcels::close(connection, storing.transfer, "ended", now)?;
            let sha256: Vec<u8> = connection
                .prepare_cached("SELECT sha256 FROM file WHERE id = ?")?
                .query_row([file.0], |row| row.get(0))?;
            told(connection, file, "file taken", hex(&sha256), now)
        })
        .await?;
        Ok(FileReceipt(file))
    }

    /// Makes messages of a taken file's parts, some at a time. Tells how many were left to make.
    pub async fn release_parts(&self, receipt: FileReceipt, now: Timestamp) -> Result<usize, JournalError> {
        self.submit(Urgency::Bulk(STEP / 25), move |connection| release(connection, receipt.0, now)).await
    }

    /// Closes a file that can't be stored to its end. Its bytes stay, and nothing is read of them.
    pub async fn cut_file(&self, begun: Begun, why: String, now: Timestamp) -> Result<(), JournalError> {
        let Begun(file, transfer) = begun;
        self.submit(Urgency::Other, move |connection| cut(connection, file, transfer, &why, now)).await
    }

    /// Remembers that a content which is known came again.
    pub async fn repeat_file(
        &self,
        fetched: Fetched,
        of: FileId,
        now: Timestamp,
    ) -> Result<FileReceipt, JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let file = enter(connection, &fetched, ("repeated", None, Some(of)), now)?;
            told(connection, file, "file repeated", format!("file {of}"), now)?;
            Ok(FileReceipt(file))
        })
        .await
    }

    /// Signs for a file that was taken before and is still where it was, under the time that is told of it now.
    pub async fn recognize_file(
        &self,
        file: FileId,
        size: u64,
        stamp: String,
    ) -> Result<FileReceipt, JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE file SET size = ?, stamp = ? WHERE id = ? AND state IN ('stored', 'taken', 'repeated')",
                )?
                .execute(params![size, stamp, file.0])?;
            match changed {
                1 => Ok(FileReceipt(file)),
                _ => Err(JournalError::Refused(format!("file {file} was never taken"))),
            }
        })
        .await
    }

    /// Remembers that a file was deleted or moved, as `how` says.
    pub async fn file_gone(
        &self,
        receipt: FileReceipt,
        how: String,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            connection
                .prepare_cached("UPDATE file SET gone_at = ? WHERE id = ?")?
                .execute(params![now.as_microsecond(), receipt.0.0])?;
            told(connection, receipt.0, "file removed", how, now)
        })
        .await
    }
}

/// A file that was begun, to be named when storing it has failed.
#[derive(Debug, Clone, Copy)]
pub struct Begun(FileId, TransferId);

impl Storing {
    pub fn begun(&self) -> Begun {
        Begun(self.file, self.transfer)
    }

    /// Enters a part: where its first and its last byte are stored.
    fn enter(&mut self, connection: &Connection, part: &Part) -> Result<(), JournalError> {
        let beyond = || JournalError::Refused(format!("part {} reaches beyond its file", part.number));
        if part.bytes.end > self.stored {
            return Err(beyond());
        }
        let holding = |at: u64| self.pieces.iter().rev().find(|(start, _)| *start <= at);
        let (first, first_parcel) = *holding(part.bytes.start).ok_or_else(beyond)?;
        let (last, last_parcel) = *holding(part.bytes.end.saturating_sub(1)).ok_or_else(beyond)?;
        connection
            .prepare_cached(
                "INSERT INTO part (file, number, first_parcel, first_offset, last_parcel, end_offset, first_line)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                self.file.0,
                part.number,
                first_parcel,
                part.bytes.start - first,
                last_parcel,
                part.bytes.end - last,
                part.first_line
            ])?;
        // What lies before the piece that this part ends in is asked for no more.
        self.pieces.retain(|(start, _)| *start >= last);
        Ok(())
    }
}

fn enter(
    connection: &Connection,
    fetched: &Fetched,
    (state, transfer, repeats): (&str, Option<TransferId>, Option<FileId>),
    now: Timestamp,
) -> Result<FileId, JournalError> {
    connection
        .prepare_cached(
            "INSERT INTO file (instrument, name, size, stamp, sha256, head_start, head_end, transfer, repeats, state,
                 seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            fetched.instrument.as_str(),
            fetched.name,
            fetched.size,
            fetched.stamp,
            fetched.sha256,
            fetched.head.start,
            fetched.head.end,
            transfer.map(|it| it.0),
            repeats.map(|it| it.0),
            state,
            now.as_microsecond()
        ])?;
    Ok(FileId(connection.last_insert_rowid()))
}

fn settle(connection: &Connection, file: FileId, state: &str) -> Result<(), JournalError> {
    let changed = connection
        .prepare_cached("UPDATE file SET state = ? WHERE id = ? AND state IN ('storing', 'stored')")?
        .execute(params![state, file.0])?;
    match changed {
        1 => Ok(()),
        _ => Err(JournalError::Refused(format!("file {file} is settled"))),
    }
}

fn told(
    connection: &Connection,
    file: FileId,
    step: &'static str,
    detail: String,
    now: Timestamp,
) -> Result<(), JournalError> {
    let subject = format!("file {file}");
    audit::append(connection, &Step { at: now, actor: GATEWAY, step, subject, detail })
}

fn cut(
    connection: &Connection,
    file: FileId,
    transfer: TransferId,
    why: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    settle(connection, file, "cut")?;
    parcels::close(connection, transfer, why, now)
}

/// Makes messages of the next parts; tells how many it made. When none is left the file is over.
fn release(connection: &Connection, file: FileId, now: Timestamp) -> Result<usize, JournalError> {
    let transfer: Option<i64> = connection
        .prepare_cached("SELECT transfer FROM file WHERE id = ? AND state = 'stored'")?
        .query_row([file.0], |row| row.get(0))
        .optional()?
        .flatten();
    let Some(transfer) = transfer else { return Ok(0) };
    let parts: Vec<i64> = connection
        .prepare_cached("SELECT number FROM part WHERE file = ? AND message IS NULL ORDER BY number LIMIT ?")?
        .query_map(params![file.0, STEP], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for part in &parts {
        connection
            .prepare_cached(
                "INSERT INTO message (transfer, first_parcel, first_offset, last_parcel, end_offset, received_at, state)
                 SELECT ?, first_parcel, first_offset, last_parcel, end_offset, ?, 'stored' FROM part
                 WHERE file = ? AND number = ?",
            )?
            .execute(params![transfer, now.as_microsecond(), file.0, part])?;
        connection
            .prepare_cached("UPDATE part SET message = ? WHERE file = ? AND number = ?")?
            .execute(params![connection.last_insert_rowid(), file.0, part])?;
    }
    if parts.len() < STEP {
        settle(connection, file, "taken")?;
    }
    Ok(parts.len())
}

/// What a stop of the gateway left: half a file is cut and will be fetched again, a whole one becomes its messages.
pub(super) fn recover(connection: &Connection, now: Timestamp) -> Result<(), JournalError> {
    let open: Vec<(i64, i64, String)> = connection
        .prepare("SELECT id, transfer, state FROM file WHERE state IN ('storing', 'stored') ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (file, transfer, state) in open {
        let (file, transfer) = (FileId(file), TransferId(transfer));
        if state == "storing" {
            cut(connection, file, transfer, "the gateway stopped before the whole file was stored", now)?;
            continue;
        }
        while release(connection, file, now)? == STEP {}
    }
    Ok(())
}

impl Reader {
    /// The file of an instrument that had this content first, if it was ever taken.
    pub fn file_of_content(
        &self,
        instrument: &InstrumentId,
        sha256: &[u8],
    ) -> Result<Option<Known>, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT id, name, size, stamp, sha256, seen_at, gone_at IS NOT NULL, state = 'repeated' FROM file
                 WHERE instrument = ? AND sha256 = ? AND state IN ('stored', 'taken') ORDER BY id LIMIT 1",
            )?
            .query_row(params![instrument.as_str(), sha256], known)
            .optional()?)
    }

    /// The latest file that was taken under this name, or came again under it.
    pub fn file_of_name(&self, instrument: &InstrumentId, name: &str) -> Result<Option<Known>, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT id, name, size, stamp, sha256, seen_at, gone_at IS NOT NULL, state = 'repeated' FROM file
                 WHERE instrument = ? AND name = ? AND +state IN ('stored', 'taken', 'repeated')
                 ORDER BY id DESC LIMIT 1",
            )?
            .query_row(params![instrument.as_str(), name], known)
            .optional()?)
    }

    /// Which file a message is a part of, and where it stood in it.
    pub fn part_of(&self, message: MessageId) -> Result<Option<(Known, u32, PartPlace)>, JournalError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT f.id, f.name, f.size, f.stamp, f.sha256, f.seen_at, f.gone_at IS NOT NULL,
                     f.state = 'repeated', p.number, f.head_end - f.head_start, p.first_line
                 FROM part p JOIN file f ON f.id = p.file WHERE p.message = ?",
            )?
            .query_row([message.0], |row| {
                let place = PartPlace { head: row.get(9)?, first_line: row.get(10)? };
                Ok((known(row)?, row.get(8)?, place))
            })
            .optional()?)
    }

    /// The bytes of a file that a message of it needs before its own. Empty for every other message.
    pub(super) fn head(&self, message: MessageId) -> Result<Vec<u8>, JournalError> {
        let head: Option<(i64, usize, usize)> = self
            .connection
            .prepare_cached(
                "SELECT f.transfer, f.head_start, f.head_end FROM part p JOIN file f ON f.id = p.file
                 WHERE p.message = ? AND f.head_end > f.head_start",
            )?
            .query_row([message.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((transfer, start, end)) = head else { return Ok(Vec::new()) };
        let mut statement = self
            .connection
            .prepare_cached("SELECT raw, archive, sha256 FROM parcel WHERE transfer = ? ORDER BY id")?;
        let mut rows = statement.query([transfer])?;
        let (mut first, archives) = (Vec::new(), Archives::of(&self.connection));
        while let Some(row) = rows.next()?.filter(|_| first.len() < end) {
            first.extend_from_slice(&archives.of_row(row, (0, 1, 2))?);
        }
        let head = first.get(start..end);
        Ok(head
            .ok_or_else(|| JournalError::Refused(format!("the head of message {message} isn't there")))?
            .to_vec())
    }
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known {
        file: FileId(row.get(0)?),
        name: row.get(1)?,
        size: row.get(2)?,
        stamp: row.get(3)?,
        sha256: row.get(4)?,
        seen_at: instant(row.get(5)?),
        is_gone: row.get(6)?,
        repeats: row.get(7)?,
    })
}
