//! What stands for a specimen in the log, and which specimen it stands for. The key was made at random with the journal, is in each
//! copy of it, and is told to nobody.

use rusqlite::{Connection, OptionalExtension, params};

use super::desk::Decision;
use super::{CallId, JournalError, Reader};
use crate::domain::{SpecimenId, SpecimenToken, TokenKey};

/// How many rows are looked through in one query.
const AT_ONCE: usize = 10_000;

/// Where specimens are named, each the newest first: before this row, at most so many.
const NAMED: [&str; 5] = [
    "SELECT id, specimen FROM observation WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    "SELECT id, specimen FROM lab_order WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    "SELECT id, specimen FROM problem WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    "SELECT id, specimen FROM download WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    "SELECT n.id, json_each.value FROM (SELECT id, specimens FROM host_query WHERE id < ?1 ORDER BY id DESC LIMIT ?2) n
     LEFT JOIN json_each(n.specimens) ORDER BY n.id DESC",
];

impl Reader {
    /// What stands for a specimen in the log; `None` where it has no number.
    pub fn token(&self, specimen: &SpecimenId) -> Result<Option<SpecimenToken>, JournalError> {
        token(&self.connection, specimen)
    }

    /// The same of what somebody decides about; `None` for a message, which may be about several.
    pub fn token_of(&self, decision: Decision) -> Result<Option<SpecimenToken>, JournalError> {
        match decision {
            Decision::Release(id) | Decision::Reject(id) => {
                self.token_by("SELECT specimen FROM observation WHERE id = ?", id.0)
            }
            Decision::Retry(id) | Decision::GiveUp(id) | Decision::Confirm(id) => {
                self.token_by("SELECT specimen FROM delivery WHERE id = ?", id.0)
            }
            Decision::Dismiss(id) => self.token_by("SELECT specimen FROM problem WHERE id = ?", id.0),
            Decision::Reread(_) | Decision::DismissMessage(_) => Ok(None),
        }
    }

    /// The same of what a critical call is about.
    pub fn token_of_call(&self, call: CallId) -> Result<Option<SpecimenToken>, JournalError> {
        self.token_by("SELECT specimen FROM critical_call WHERE id = ?", call.0)
    }

    fn token_by(&self, sql: &str, id: i64) -> Result<Option<SpecimenToken>, JournalError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let specimen: Option<Option<String>> = statement.query_row([id], |row| row.get(0)).optional()?;
        specimen.flatten().map_or(Ok(None), |specimen| self.token(&SpecimenId::new(specimen)))
    }

    /// The specimen that a token of this journal stands for, by looking through all that are named in it, the newest first.
    pub fn specimen_of(&self, token: &SpecimenToken) -> Result<Option<SpecimenId>, JournalError> {
        let key = key(&self.connection)?;
        for named in NAMED {
            let mut before = i64::MAX;
            loop {
                let rows = self.named(named, before)?;
                let Some((oldest, _)) = rows.last() else { break };
                before = *oldest;
                let mut specimens = rows.into_iter().filter_map(|(_, specimen)| specimen);
                if let Some(found) = specimens.find(|specimen| key.token(specimen).as_ref() == Some(token)) {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    fn named(&self, sql: &str, before: i64) -> Result<Vec<(i64, Option<SpecimenId>)>, JournalError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![before, AT_ONCE], |row| {
            Ok((row.get(0)?, row.get::<_, Option<String>>(1)?.map(SpecimenId::new)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

pub(super) fn token(
    connection: &Connection,
    specimen: &SpecimenId,
) -> Result<Option<SpecimenToken>, JournalError> {
    Ok(key(connection)?.token(specimen))
}

fn key(connection: &Connection) -> Result<TokenKey, JournalError> {
    let key = connection
        .prepare_cached("SELECT key FROM token_key WHERE id = 1")?
        .query_row([], |row| row.get::<_, [u8; 32]>(0))?;
    Ok(TokenKey::new(key))
}
