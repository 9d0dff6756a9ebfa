//! One version of a result as a destination is told of it: with the versions before it, as far as they are the same result
//! there. It changes nothing.

use rusqlite::{Connection, params};

use super::told::is_recoded;
use super::{Item, Says, Version, Void};
use crate::domain::{DestinationId, Status};
use crate::journal::decisions::found;
use crate::journal::orders::ordered;
use crate::journal::read::observation;
use crate::journal::reassign::origin;
use crate::journal::rows::instant;
use crate::journal::{JournalError, ObservationId};

pub(super) fn item(
    connection: &Connection,
    destination: &DestinationId,
    id: ObservationId,
) -> Result<Item, JournalError> {
    let mut versions = chain(connection, destination, id)?;
    let begins = begins_anew(&versions);
    versions.drain(..begins);
    correct_what_is_there(&mut versions, begins > 0);
    let Some(stored) = versions.pop() else {
        return Err(JournalError::Refused(format!("there is no observation {id}")));
    };
    let Version { received_at, observation, announced } = stored.version;
    let moved = origin(connection, id)?;
    let was_told = |it: &&StoredVersion| it.is_there || it.version.announced;
    let supersedes = versions.iter().rfind(was_told).map(|before| before.id);
    let earlier = versions.into_iter().map(|it| it.version).collect();
    let ordered = ordered(connection, id)?;
    let says = match observation.is_taken_back() {
        true => Says::Void(Void::Withdrawn),
        false => Says::Result,
    };
    let (version, recoded) = (stored.number, begins > 0);
    Ok(Item {
        id,
        version,
        supersedes,
        received_at,
        observation,
        ordered,
        earlier,
        says,
        announced,
        moved,
        recoded,
        found: found(connection, id)?,
    })
}

/// One version of a result as it is stored, and what a destination knows of it.
struct StoredVersion {
    id: ObservationId,
    number: u32,
    supersedes: Option<ObservationId>,
    version: Version,
    /// What it supersedes is another specimen's.
    is_moved: bool,
    /// A person had it read anew.
    is_anew: bool,
    /// The destination has it as a result, or may have it.
    is_there: bool,
    /// It was told that it is void by its code.
    is_recoded: bool,
}

/// A version and those before it that are the same specimen's, the first one first.
fn chain(
    connection: &Connection,
    destination: &DestinationId,
    id: ObservationId,
) -> Result<Vec<StoredVersion>, JournalError> {
    let mut versions = Vec::new();
    let mut next = Some(id);
    while let Some(id) = next {
        let it = version(connection, destination, id)?;
        next = it.supersedes.filter(|_| !it.is_moved);
        versions.push(it);
    }
    versions.reverse();
    Ok(versions)
}

/// How many versions are before the one with which another code begins, where the destination was told that they are void.
fn begins_anew(versions: &[StoredVersion]) -> usize {
    let another = |pair: &[StoredVersion]| match pair {
        [before, it] => it.version.observation.goes_by_another_code(&before.version.observation),
        _ => false,
    };
    let begins = versions.windows(2).rposition(another).map_or(0, |before| before + 1);
    let was_told = versions.iter().take(begins).any(|it| it.is_recoded);
    if was_told { begins } else { 0 }
}

/// What was read anew corrects what the destination has, and is a result where it has none; so is what an analyzer corrects
/// where that goes by another code.
fn correct_what_is_there(versions: &mut [StoredVersion], begins_anew: bool) {
    let mut is_there = false;
    for it in versions {
        let status = &mut it.version.observation.status;
        if is_there && it.is_anew && *status == Status::Final {
            *status = Status::Correction;
        }
        if !is_there && begins_anew && *status == Status::Correction {
            *status = Status::Final;
        }
        is_there |= it.is_there;
    }
}

fn version(
    connection: &Connection,
    destination: &DestinationId,
    id: ObservationId,
) -> Result<StoredVersion, JournalError> {
    connection
        .prepare_cached(
            "SELECT o.version, o.supersedes, m.received_at, o.detail,
                EXISTS (SELECT 1 FROM reassignment r WHERE r.observation = o.supersedes),
                EXISTS (SELECT 1 FROM notice n WHERE n.observation = o.id AND n.destination = ?2
                    AND n.says = 'preliminary' AND n.state IN ('in-flight', 'unknown', 'accepted', 'staged')),
                EXISTS (SELECT 1 FROM reevaluation r WHERE r.observation = o.supersedes),
                EXISTS (SELECT 1 FROM ledger l WHERE l.observation = o.id AND l.destination = ?2
                    AND l.state IN ('in-flight', 'unknown', 'accepted', 'staged'))
                OR EXISTS (SELECT 1 FROM resend_line s WHERE s.observation = o.id AND s.destination = ?2)
             FROM observation o JOIN message m ON m.id = o.message WHERE o.id = ?1",
        )?
        .query_and_then(params![id.0, destination.as_str()], |row| {
            Ok(StoredVersion {
                id,
                number: row.get(0)?,
                supersedes: row.get::<_, Option<i64>>(1)?.map(ObservationId),
                version: Version {
                    received_at: instant(row.get(2)?),
                    observation: observation(row, 3)?,
                    announced: row.get(5)?,
                },
                is_moved: row.get(4)?,
                is_anew: row.get(6)?,
                is_there: row.get(7)?,
                is_recoded: is_recoded(connection, id, destination.as_str())?,
            })
        })?
        .next()
        .unwrap_or_else(|| Err(JournalError::Refused(format!("there is no observation {id}"))))
}
