//! The hash-chained record of every step. Each row's hash covers the row before it, so that a row that was
//! changed or taken out breaks the chain from there on.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::JournalError;

/// The actor of everything that no person asked for.
pub(super) const GATEWAY: &str = "labwire";

/// One step, told in ids and counts: an audit row carries no patient data.
pub(super) struct Step<'a> {
    pub(super) at: Timestamp,
    pub(super) actor: &'a str,
    pub(super) step: &'a str,
    pub(super) subject: String,
    pub(super) detail: String,
}

/// Appends a row, in the caller's transaction.
pub(super) fn append(connection: &Connection, step: &Step<'_>) -> Result<(), JournalError> {
    let last: Option<(i64, Vec<u8>)> = connection
        .prepare_cached("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (id, before) = last.map_or((1, Vec::new()), |(id, hash)| (id + 1, hash));
    let at = step.at.as_microsecond();
    let hash = link(&before, id, at, [step.actor, step.step, &step.subject, &step.detail]);
    connection.prepare_cached("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)")?.execute(params![
        id,
        at,
        step.actor,
        step.step,
        step.subject,
        step.detail,
        hash
    ])?;
    Ok(())
}

/// Follows the whole chain; returns the id of the first row that doesn't fit, if any.
pub(super) fn first_break(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let mut statement =
        connection.prepare("SELECT id, at, actor, step, subject, detail, hash FROM audit ORDER BY id")?;
    let mut rows = statement.query([])?;
    let (mut before, mut expected) = (Vec::new(), 1);
    while let Some(row) = rows.next()? {
        let (id, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let texts: [String; 4] = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
        let hash: Vec<u8> = row.get(6)?;
        if id != expected || hash != link(&before, id, at, texts.each_ref().map(String::as_str)) {
            return Ok(Some(id));
        }
        (before, expected) = (hash, id + 1);
    }
    Ok(None)
}

fn link(before: &[u8], id: i64, at: i64, texts: [&str; 4]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(id.to_be_bytes());
    hash.update(at.to_be_bytes());
    for text in texts {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    hash.finalize().to_vec()
}
