//! Specimens of which a later message brought more, so that what was there must be judged with that. They are noted with the
//! message and forgotten with the judgement: a crash between the two loses neither.

use rusqlite::{Connection, params};

use crate::domain::SpecimenId;
use crate::journal::writer::Urgency;
use crate::journal::{Journal, JournalError, MessageId, ObservationId, Reader};

impl Journal {
    /// Nothing is left of a specimen that could be judged.
    pub async fn forget_beside(&self, specimen: SpecimenId) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            connection
                .prepare_cached("DELETE FROM beside_due WHERE specimen = ?")?
                .execute([specimen.reveal()])?;
            Ok(())
        })
        .await
    }
}

impl Reader {
    /// The specimens that are to be judged with what came later, at most `limit`.
    pub fn beside_due(&self, limit: usize) -> Result<Vec<SpecimenId>, JournalError> {
        let mut statement = self.connection.prepare_cached("SELECT specimen FROM beside_due LIMIT ?")?;
        let specimens = statement.query_map([limit], |row| row.get::<_, String>(0).map(SpecimenId::new))?;
        Ok(specimens.collect::<Result<_, _>>()?)
    }
}

/// Notes a message's specimens of which something came in another one, in the transaction that stores the message.
pub(in crate::journal) fn note(connection: &Connection, message: MessageId) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO beside_due
             SELECT DISTINCT o.specimen FROM observation o WHERE o.message = ?1 AND o.class = 'patient' AND o.specimen <> ''
             AND EXISTS (SELECT 1 FROM observation b WHERE b.specimen = o.specimen AND b.message <> ?1 AND b.class = 'patient')",
        )?
        .execute([message.0])?;
    Ok(())
}

/// Whether a result's specimen is among them.
pub(super) fn is_due(connection: &Connection, id: ObservationId) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM observation o JOIN beside_due d ON d.specimen = o.specimen WHERE o.id = ?",
        )?
        .exists([id.0])?)
}

/// Its specimen was judged.
pub(super) fn forget(connection: &Connection, id: ObservationId) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "DELETE FROM beside_due WHERE specimen = (SELECT specimen FROM observation WHERE id = ?)",
        )?
        .execute(params![id.0])?;
    Ok(())
}
