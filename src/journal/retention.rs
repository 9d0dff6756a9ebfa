//! What of the journal's bytes may leave for an archive, and their leaving: the bytes of messages that are old and settled,
//! of what was sent of them, of its answers, and of what rules were asked. The rows stay, with their hashes. Bytes are taken
//! out only once an archive has them on the disk and they were read back; whoever isn't done with a message keeps it here.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::archive::{self, ArchiveError, Archives, Piece};
use super::audit::{self, GATEWAY, Step};
use super::opening::free_bytes;
use super::rows::instant;
use super::writer::Urgency;
use super::{DeliveryId, Journal, JournalError, MessageId, Reader, restoration};

/// The most rows and bytes of one step: frames wait while its transaction is committed.
const ROWS: usize = 32;
const BYTES: usize = 512 * 1024;
/// How many rows one step looks at.
const LOOKED_AT: i64 = 1_000;

/// What of a row may leave.
struct Kind {
    /// The table's name.
    name: &'static str,
    /// The number that so many rows after the first parameter have come to.
    end: &'static str,
    /// Whether any row after the first and up to the second parameter is older than the third.
    older: &'static str,
    /// Number, time, SHA-256 and bytes of those numbered after the first and up to the second parameter that are older than the
    /// third and may leave.
    chosen: &'static str,
    /// Writes the row of the first parameter anew, without its bytes, for the archive of the second, with the SHA-256 of the third.
    anew: &'static str,
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "parcel",
        end: "SELECT id FROM parcel WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2",
        older: "SELECT 1 FROM parcel WHERE id > ?1 AND id <= ?2 AND received_at < ?3",
        chosen: "SELECT p.id, p.received_at, p.sha256, p.raw FROM parcel p
            WHERE p.id > ?1 AND p.id <= ?2 AND p.archive IS NULL AND p.received_at < ?3
            AND NOT EXISTS (SELECT 1 FROM transfer t WHERE t.id = p.transfer AND t.ended_at IS NULL
                AND coalesce(t.open_parcel, 0) <= p.id)
            AND NOT EXISTS (SELECT 1 FROM message m JOIN unsettled_message u ON u.id = m.id WHERE m.first_parcel = p.id)
            AND NOT EXISTS (SELECT 1 FROM message m JOIN unsettled_message u ON u.id = m.id WHERE m.last_parcel = p.id)
            AND NOT EXISTS (SELECT 1 FROM unsettled_message u WHERE u.id = (SELECT m.id FROM message m
                WHERE m.transfer = p.transfer AND m.first_parcel < p.id ORDER BY m.first_parcel DESC, m.id DESC LIMIT 1)
                AND EXISTS (SELECT 1 FROM message m WHERE m.id = u.id AND m.last_parcel > p.id))
            AND NOT EXISTS (SELECT 1 FROM file f WHERE f.transfer = p.transfer AND (f.state <> 'taken'
                OR f.head_end > f.head_start AND p.id = (SELECT min(h.id) FROM parcel h WHERE h.transfer = f.transfer)))
            ORDER BY p.id",
        anew: "REPLACE INTO parcel (id, transfer, received_at, content_start, content_end, sha256, raw, archive)
            SELECT id, transfer, received_at, content_start, content_end, sha256, x'', ?2 FROM parcel WHERE id = ?1 AND sha256 = ?3",
    },
    Kind {
        name: "delivery",
        end: "SELECT id FROM delivery WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2",
        older: "SELECT 1 FROM delivery WHERE id > ?1 AND id <= ?2 AND created_at < ?3",
        chosen: "SELECT d.id, d.created_at, d.sha256, d.payload FROM delivery d
            WHERE d.id > ?1 AND d.id <= ?2 AND d.archive IS NULL AND d.created_at < ?3 AND d.settled_at < ?3
            AND NOT EXISTS (SELECT 1 FROM unsettled_delivery u WHERE u.id = d.id) ORDER BY d.id",
        anew: "REPLACE INTO delivery (id, destination, specimen, key, payload, sha256, priority, state, due_at, attempts,
                created_at, settled_at, items, archive)
            SELECT id, destination, specimen, key, x'', sha256, priority, state, due_at, attempts,
                created_at, settled_at, items, ?2 FROM delivery WHERE id = ?1 AND sha256 = ?3",
    },
    Kind {
        name: "answer",
        end: "SELECT attempt FROM answer WHERE attempt > ?1 ORDER BY attempt LIMIT 1 OFFSET ?2",
        older: "SELECT 1 FROM answer WHERE attempt > ?1 AND attempt <= ?2 AND ended_at < ?3",
        chosen: "SELECT w.attempt, w.ended_at, NULL, w.body FROM answer w JOIN attempt a ON a.id = w.attempt
            JOIN delivery d ON d.id = a.delivery
            WHERE w.attempt > ?1 AND w.attempt <= ?2 AND w.archive IS NULL AND length(w.body) > 0
            AND w.ended_at < ?3 AND d.settled_at < ?3
            AND NOT EXISTS (SELECT 1 FROM unsettled_delivery u WHERE u.id = d.id) ORDER BY w.attempt",
        anew: "REPLACE INTO answer (attempt, ended_at, status, body, verdict, detail, connection, archive, sha256, size)
            SELECT attempt, ended_at, status, x'', verdict, detail, connection, ?2, ?3, length(body) FROM answer WHERE attempt = ?1",
    },
    Kind {
        name: "evaluation",
        end: "SELECT id FROM evaluation WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2",
        older: "SELECT 1 FROM evaluation WHERE id > ?1 AND id <= ?2 AND decided_at < ?3",
        chosen: "SELECT e.id, e.decided_at, NULL, CAST(e.facts AS BLOB) FROM evaluation e
            JOIN observation o ON o.id = e.observation
            WHERE e.id > ?1 AND e.id <= ?2 AND e.archive IS NULL AND e.decided_at < ?3
            AND NOT EXISTS (SELECT 1 FROM unsettled_message u WHERE u.id = o.message) ORDER BY e.id",
        anew: "REPLACE INTO evaluation (id, observation, rules, force, facts, decisions, decided_at, archive, sha256)
            SELECT id, observation, rules, force, '', decisions, decided_at, ?2, ?3 FROM evaluation WHERE id = ?1",
    },
];

/// How far a walk through what may leave has come: the oldest first, kind by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walk {
    kind: usize,
    after: i64,
}

impl Walk {
    /// Whether everything was looked at.
    pub fn is_over(&self) -> bool {
        self.kind >= KINDS.len()
    }
}

/// What left, or may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Rows.
    pub items: u64,
    pub bytes: u64,
}

impl Moved {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Moved) -> Moved {
        Moved { items: self.items + other.items, bytes: self.bytes + other.bytes }
    }
}

/// An archive as the journal knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    pub name: String,
    /// When bytes left for it last.
    pub last_at: Timestamp,
    pub holds: Moved,
    /// Whether the file is in the folder.
    pub is_there: bool,
}

/// Pieces that archives have on the disk. Only what is among them is taken out of the journal.
pub struct Copied {
    pieces: Vec<Kept>,
    before: Timestamp,
}

impl Copied {
    /// How many rows' bytes.
    pub fn items(&self) -> usize {
        self.pieces.len()
    }
}

struct Kept {
    kind: usize,
    item: i64,
    sha256: [u8; 32],
    bytes: u64,
    archive: String,
}

impl Reader {
    /// Whether a message came between a day and a week before `now`. A clock that has jumped ahead has no such week behind it.
    pub fn bears_out(&self, now: Timestamp) -> Result<bool, JournalError> {
        const DAY: SignedDuration = SignedDuration::from_hours(24);
        let ago = |days: i32| now.saturating_sub(DAY * days).unwrap_or(Timestamp::MIN).as_microsecond();
        let mut statement = self
            .connection
            .prepare_cached("SELECT 1 FROM message WHERE received_at BETWEEN ? AND ? LIMIT 1")?;
        Ok(statement.exists(params![ago(7), ago(1)])?)
    }

    /// The next few rows whose bytes may leave, of those older than `before`.
    fn leaving(&self, walk: &mut Walk, before: Timestamp) -> Result<Vec<Piece>, JournalError> {
        let Some(kind) = KINDS.get(walk.kind) else { return Ok(Vec::new()) };
        let sought = params![walk.after, LOOKED_AT - 1];
        let end: Option<i64> =
            self.connection.prepare_cached(kind.end)?.query_row(sought, |row| row.get(0)).optional()?;
        let range = params![walk.after, end.unwrap_or(i64::MAX), before.as_microsecond()];
        if !self.connection.prepare_cached(kind.older)?.exists(range)? {
            (walk.kind, walk.after) = (walk.kind + 1, 0);
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        let mut size = 0;
        let mut statement = self.connection.prepare_cached(kind.chosen)?;
        let mut rows = statement.query(range)?;
        while found.len() < ROWS
            && size < BYTES
            && let Some(row) = rows.next()?
        {
            let piece = piece(kind, row)?;
            size += piece.bytes.len();
            found.push(piece);
        }
        let is_all = found.len() < ROWS && size < BYTES;
        (walk.kind, walk.after) = match (is_all, end) {
            (true, None) => (walk.kind + 1, 0),
            (true, Some(end)) => (walk.kind, end),
            (false, _) => (walk.kind, found.last().map_or(walk.after, |it| it.item)),
        };
        Ok(found)
    }

    /// Copies the bytes of the next few rows that may leave into archives, of those older than `before`: when this returns they
    /// are there as well as here, on the disk and read back. It waits for the disk. `reserve_bytes` is what must stay free.
    ///
    /// # Errors
    /// Whatever keeps bytes from an archive. None of them is taken out then.
    pub fn copy_into_archives(
        &self,
        walk: &mut Walk,
        before: Timestamp,
        reserve_bytes: u64,
    ) -> Result<Copied, ArchiveError> {
        let pieces = self.leaving(walk, before)?;
        let pieces = if pieces.is_empty() { Vec::new() } else { keep(self, &pieces, reserve_bytes)? };
        Ok(Copied { pieces, before })
    }

    /// What would leave now if everything older than `before` may. Reads all that is older, some at a time.
    pub fn would_leave(&self, before: Timestamp) -> Result<BTreeMap<&'static str, Moved>, JournalError> {
        let (mut walk, mut found) = (Walk::default(), BTreeMap::<_, Moved>::new());
        while !walk.is_over() {
            for piece in self.leaving(&mut walk, before)? {
                let sum = found.entry(piece.kind).or_default();
                *sum = sum.and(Moved { items: 1, bytes: piece.bytes.len() as u64 });
            }
        }
        Ok(found)
    }

    /// Every archive that bytes of this journal have left for, the oldest first.
    pub fn archives(&self) -> Result<Vec<Archive>, JournalError> {
        let folder = archive::folder_of_archives(Path::new(self.connection.path().unwrap_or_default()));
        let mut statement = self
            .connection
            .prepare_cached("SELECT name, last_at, items, bytes FROM archive ORDER BY name")?;
        let rows = statement.query_map([], |row| {
            let name: String = row.get(0)?;
            let is_there = folder.join(&name).exists();
            let holds = Moved { items: row.get(2)?, bytes: row.get(3)? };
            Ok(Archive { name, last_at: instant(row.get(1)?), holds, is_there })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The journal's size without what it would write to first, in bytes.
    pub fn bytes_in_use(&self) -> Result<u64, JournalError> {
        Ok(self.pages("page_count")?.saturating_sub(self.bytes_unused()?))
    }

    /// What of the journal holds nothing any more, in bytes: the file doesn't shrink, and takes that much before it grows.
    pub(super) fn bytes_unused(&self) -> Result<u64, JournalError> {
        self.pages("freelist_count")
    }

    fn pages(&self, which: &str) -> Result<u64, JournalError> {
        let number = |pragma| self.connection.pragma_query_value(None, pragma, |row| row.get::<_, u64>(0));
        Ok(number(which)?.saturating_mul(number("page_size")?))
    }
}

fn piece(kind: &Kind, row: &rusqlite::Row<'_>) -> Result<Piece, JournalError> {
    let (item, bytes): (i64, Vec<u8>) = (row.get(0)?, row.get(3)?);
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    let stored: Option<Vec<u8>> = row.get(2)?;
    if stored.is_some_and(|stored| stored != sha256) {
        let why =
            format!("the bytes of {} {item} aren't those that were stored; see labwire verify", kind.name);
        return Err(JournalError::Refused(why));
    }
    Ok(Piece { kind: kind.name, item, at: instant(row.get(1)?), sha256, bytes })
}

impl Journal {
    /// Takes bytes out that archives have. Whatever somebody isn't done with any more stays, and while nothing is delivered
    /// everything does.
    pub async fn take_out(&self, copied: Copied, now: Timestamp) -> Result<Moved, JournalError> {
        let weight = copied.pieces.len();
        self.submit(Urgency::Bulk(weight), move |connection| {
            take_out(connection, &copied.pieces, copied.before, now)
        })
        .await
    }
}

/// Puts pieces into the archives of their months.
fn keep(reader: &Reader, pieces: &[Piece], reserve_bytes: u64) -> Result<Vec<Kept>, ArchiveError> {
    let journal = Path::new(reader.connection.path().unwrap_or_default());
    let folder = archive::make_folder(journal)?;
    let size: usize = pieces.iter().map(|it| it.bytes.len()).sum();
    // Twice: an archive keeps a log of what it changes until it has.
    if free_bytes(&folder) < reserve_bytes.saturating_add(2 * size as u64) {
        return Err(ArchiveError::NoRoom { path: folder });
    }
    let known: Vec<String> = reader.archives()?.into_iter().map(|it| it.name).collect();
    let mut months: BTreeMap<String, Vec<&Piece>> = BTreeMap::new();
    for piece in pieces {
        let name = archive::name_for(piece.at, &folder, |name| known.iter().any(|it| it == name));
        months.entry(name).or_default().push(piece);
    }
    let mut kept = Vec::new();
    for (name, pieces) in months {
        archive::keep(&folder.join(&name), &pieces)?;
        kept.extend(pieces.iter().map(|it| Kept {
            kind: KINDS.iter().position(|kind| kind.name == it.kind).unwrap_or(KINDS.len()),
            item: it.item,
            sha256: it.sha256,
            bytes: it.bytes.len() as u64,
            archive: name.clone(),
        }));
    }
    Ok(kept)
}

/// Takes bytes out that an archive has. Whatever somebody isn't done with any more, or is no longer the same, stays.
fn take_out(
    connection: &Connection,
    kept: &[Kept],
    before: Timestamp,
    now: Timestamp,
) -> Result<Moved, JournalError> {
    if restoration::stands_still(connection)? {
        return Ok(Moved::default());
    }
    let mut left: BTreeMap<&str, Moved> = BTreeMap::new();
    for it in kept {
        let Some(kind) = KINDS.get(it.kind) else { continue };
        let mut chosen = connection.prepare_cached(kind.chosen)?;
        let mut rows = chosen.query(params![it.item - 1, it.item, before.as_microsecond()])?;
        let is_same = match rows.next()? {
            Some(row) => piece(kind, row)?.sha256 == it.sha256,
            None => false,
        };
        drop(rows);
        if !is_same {
            continue;
        }
        let archive = archive_of(connection, &it.archive, now)?;
        connection
            .prepare_cached("INSERT INTO leaving (kind, item, archive, sha256) VALUES (?, ?, ?, ?)")?
            .execute(params![kind.name, it.item, archive, it.sha256])?;
        connection.prepare_cached(kind.anew)?.execute(params![it.item, archive, it.sha256])?;
        connection
            .prepare_cached("DELETE FROM leaving WHERE kind = ? AND item = ?")?
            .execute(params![kind.name, it.item])?;
        let sum = left.entry(&it.archive).or_default();
        *sum = sum.and(Moved { items: 1, bytes: it.bytes });
    }
    for (name, moved) in &left {
        connection
            .prepare_cached(
                "UPDATE archive SET last_at = ?, items = items + ?, bytes = bytes + ? WHERE name = ?",
            )?
            .execute(params![now.as_microsecond(), moved.items, moved.bytes, name])?;
        let step = Step {
            at: now,
            actor: GATEWAY,
            step: "bytes archived",
            subject: format!("archive {name}"),
            detail: format!("{} rows, {} bytes", moved.items, moved.bytes),
        };
        audit::append(connection, &step)?;
    }
    Ok(left.into_values().fold(Moved::default(), Moved::and))
}

fn archive_of(connection: &Connection, name: &str, now: Timestamp) -> Result<i64, JournalError> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO archive (name, began_at, last_at, items, bytes) VALUES (?1, ?2, ?2, 0, 0)",
        )?
        .execute(params![name, now.as_microsecond()])?;
    let mut statement = connection.prepare_cached("SELECT id FROM archive WHERE name = ?")?;
    Ok(statement.query_row([name], |row| row.get(0))?)
}

/// Puts bytes back into a row, so that they are here while somebody works with them.
fn bring_back(connection: &Connection, found: &str, back: &str, item: i64) -> Result<(), JournalError> {
    let away: Option<(Option<i64>, Vec<u8>)> = connection
        .prepare_cached(found)?
        .query_row([item], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((Some(archive), sha256)) = away else { return Ok(()) };
    let bytes = Archives::of(connection).bytes(archive, &sha256)?;
    connection.prepare_cached(back)?.execute(params![item, bytes])?;
    connection
        .prepare_cached("UPDATE archive SET items = items - 1, bytes = bytes - ?2 WHERE id = ?1")?
        .execute(params![archive, bytes.len()])?;
    Ok(())
}

/// Brings a delivery's payload back: it is to be sent once more.
pub(super) fn bring_payload_back(connection: &Connection, delivery: DeliveryId) -> Result<(), JournalError> {
    let found = "SELECT archive, sha256 FROM delivery WHERE id = ?";
    let back = "UPDATE delivery SET payload = ?2, archive = NULL WHERE id = ?1";
    bring_back(connection, found, back, delivery.0)
}

/// Brings a message's bytes back: it is to be read again.
pub(super) fn bring_message_back(connection: &Connection, message: MessageId) -> Result<(), JournalError> {
    let parcels: Vec<i64> = connection
        .prepare_cached(
            "SELECT p.id FROM message m JOIN parcel p ON p.transfer = m.transfer AND p.id BETWEEN m.first_parcel AND m.last_parcel
             WHERE m.id = ? AND p.archive IS NOT NULL",
        )?
        .query_map([message.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let found = "SELECT archive, sha256 FROM parcel WHERE id = ?";
    let back = "UPDATE parcel SET raw = ?2, archive = NULL WHERE id = ?1";
    parcels.into_iter().try_for_each(|parcel| bring_back(connection, found, back, parcel))
}
