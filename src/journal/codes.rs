//! Which of an instrument's codes came of late. It is asked by a command, never by the page: it reads many rows.

use std::collections::BTreeMap;

use rusqlite::params;

use super::{JournalError, Reader};
use crate::domain::InstrumentId;

impl Reader {
    /// The codes of an instrument's latest messages, each with how many results had it, whatever a person had made of them here.
    pub fn codes_of_late(
        &self,
        instrument: &InstrumentId,
        messages: usize,
    ) -> Result<BTreeMap<String, usize>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT o.code, count(*) FROM (SELECT id FROM message WHERE instrument = ? ORDER BY id DESC LIMIT ?) n
             CROSS JOIN observation o ON o.message = n.id
             WHERE NOT EXISTS (SELECT 1 FROM remade r WHERE r.observation = o.supersedes) GROUP BY o.code",
        )?;
        let rows = statement
            .query_map(params![instrument.as_str(), messages], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many open problems say that nobody has named an instrument's code.
    pub fn unknown_codes(&self, instrument: &InstrumentId) -> Result<usize, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT count(*) FROM problem WHERE kind = 'unknown-code' AND closed_at IS NULL AND +instrument = ?",
        )?;
        Ok(statement.query_row([instrument.as_str()], |row| row.get(0))?)
    }
}
