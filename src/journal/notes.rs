//! How often each link's other end did something odd, and since when: what a restart must not forget of a bad cable.
//! Counts lag a few seconds behind the line, and no byte of content is in here.

use jiff::Timestamp;
use rusqlite::params;

use super::rows::instant;
use super::writer::Urgency;
use super::{Journal, JournalError, Reader};

/// One kind of note of one link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkNotes {
    /// The port, listener or connection.
    pub source: String,
    /// The note's stable code, one of the few of its protocol.
    pub code: String,
    pub count: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

impl Journal {
    /// Adds these to what is kept, all in one step. Whoever counts should hand over many at once.
    pub async fn add_notes(&self, notes: Vec<LinkNotes>) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            for it in &notes {
                connection
                    .prepare_cached(
                        "INSERT INTO link_note VALUES (?1, ?2, ?3, ?4, ?5)
                         ON CONFLICT DO UPDATE SET count = count + ?3, last_at = max(last_at, ?5)",
                    )?
                    .execute(params![
                        it.source,
                        it.code,
                        i64::try_from(it.count).unwrap_or(i64::MAX),
                        it.first_at.as_microsecond(),
                        it.last_at.as_microsecond()
                    ])?;
            }
            Ok(())
        })
        .await
    }
}

impl Reader {
    /// The notes of every link that ever was, by link and code.
    pub fn link_notes(&self) -> Result<Vec<LinkNotes>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT source, code, count, first_at, last_at FROM link_note ORDER BY source, code",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(LinkNotes {
                source: row.get(0)?,
                code: row.get(1)?,
                count: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
                first_at: instant(row.get(3)?),
                last_at: instant(row.get(4)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
