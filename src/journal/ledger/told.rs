//! What of a result a destination has been told, or may have been, under the number and the code that it goes by. It changes
//! nothing.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::domain::{DestinationId, Words, words};
use crate::journal::{JournalError, ObservationId, Reader};

/// What a destination has of the versions of a result, or may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct Told {
    /// The last version that it was told of, as a result or as preliminary.
    pub(in crate::journal) last: ObservationId,
    /// The last one that it was told of as a result.
    pub(in crate::journal) result: Option<ObservationId>,
}

/// By destination, for a version and those before it. What is void there by its code counts no more, nor what was before
/// that; nor what is another specimen's.
pub(in crate::journal) fn told(
    connection: &Connection,
    id: ObservationId,
) -> Result<BTreeMap<String, Told>, JournalError> {
    let mut statement = connection.prepare_cached(
        "WITH RECURSIVE version(id) AS (SELECT ?1 UNION ALL SELECT o.supersedes FROM observation o
            JOIN version v ON v.id = o.id WHERE o.supersedes IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM reassignment r WHERE r.observation = o.supersedes)),
         told(destination, observation, is_result) AS (
            SELECT l.destination, l.observation, 1 FROM version v JOIN ledger l ON l.observation = v.id
                WHERE l.state IN ('in-flight', 'unknown', 'accepted', 'staged') OR EXISTS (SELECT 1 FROM resend_line s
                    WHERE s.observation = l.observation AND s.destination = l.destination)
            UNION ALL SELECT n.destination, n.observation, 0 FROM version v JOIN notice n ON n.observation = v.id
                WHERE n.says = 'preliminary' AND n.state IN ('in-flight', 'unknown', 'accepted', 'staged'))
         SELECT destination, max(observation), max(CASE WHEN is_result THEN observation END) FROM told
            WHERE NOT EXISTS (SELECT 1 FROM version v JOIN notice n ON n.observation = v.id WHERE v.id >= told.observation
                AND n.destination = told.destination AND n.says = 'recoded' AND n.state <> 'superseded')
            GROUP BY destination",
    )?;
    let rows = statement.query_map([id.0], |row| {
        let result = row.get::<_, Option<i64>>(2)?.map(ObservationId);
        Ok((row.get(0)?, Told { last: ObservationId(row.get(1)?), result }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A version that a destination keeps where a newer one was rejected here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub destination: DestinationId,
    pub observation: ObservationId,
    pub version: u32,
}

impl Kept {
    /// For whoever has rejected the newer one.
    pub fn words(&self) -> Words {
        words!(
            "{lims} keeps version {version} of it, result {id}, as it was sent: where that is wrong, correct it there by hand.",
            lims = self.destination.to_string(),
            version = self.version,
            id = self.observation.to_string()
        )
    }
}

impl Reader {
    /// What each destination keeps of a rejected result: the last version that it has as a result, or may have, be it the
    /// rejected one itself where nothing held that.
    pub fn kept_of_rejected(&self, id: ObservationId) -> Result<Vec<Kept>, JournalError> {
        let mut version = self.connection.prepare_cached("SELECT version FROM observation WHERE id = ?")?;
        let mut kept = Vec::new();
        for (destination, told) in told(&self.connection, id)? {
            let Some(observation) = told.result else { continue };
            let version = version.query_row([observation.0], |row| row.get(0))?;
            kept.push(Kept { destination: DestinationId::new(destination), observation, version });
        }
        Ok(kept)
    }
}

/// Whether a destination has some version of a result as one, or may have.
pub(in crate::journal) fn has_result(
    connection: &Connection,
    id: ObservationId,
    destination: &str,
) -> Result<bool, JournalError> {
    Ok(told(connection, id)?.get(destination).is_some_and(|told| told.result.is_some()))
}

/// Whether a destination was told of a version that it is void by its code.
pub(super) fn is_recoded(
    connection: &Connection,
    id: ObservationId,
    destination: &str,
) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM notice WHERE observation = ? AND destination = ? AND says = 'recoded' AND state <> 'superseded'",
        )?
        .exists(params![id.0, destination])?)
}
