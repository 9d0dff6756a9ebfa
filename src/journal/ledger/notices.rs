//! What a destination is told of a result beside the result itself: that it is preliminary while it is held, or void once
//! it was moved to another specimen, goes by another code, or was rejected. A word never overtakes what it is about, and nothing newer of its lane
//! overtakes it. It is in no sum: sums count results.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::item::item;
use super::lease::{Waiting, consignment, insert, next};
use super::told::{Told, told};
use super::{Render, reopen_lanes};
use crate::domain::{DestinationId, Private, SpecimenId};
use crate::journal::audit::{self, GATEWAY, Step};
use crate::journal::{JournalError, ObservationId};

/// The most words in one payload.
const WORDS_A_PAYLOAD: usize = 250;

/// What a destination is told of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Result,
    /// It is held here, and may yet come otherwise or not at all.
    Preliminary,
    Void(Void),
}

/// Why a result that was told counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Void {
    /// It is another specimen's.
    Misread,
    /// It goes by another code at the LIMS.
    Recoded,
    /// A person rejected it after it had been told as preliminary.
    Rejected,
    /// The analyzer took it back, and a person let that leave: said in the result's own place, and never owed beside it.
    Withdrawn,
}

/// Under which number a result came that a person has moved, and who moved it.
#[derive(Debug, Clone)]
pub struct Origin {
    pub specimen: SpecimenId,
    pub by: String,
    pub reason: Private<String>,
    pub at: Timestamp,
}

impl Void {
    /// Why, for a person at the destination.
    pub fn text(self) -> &'static str {
        match self {
            Void::Misread => "void: its specimen number was misread; it is another specimen's",
            Void::Recoded => "void: it was told under the wrong test code; it goes by another one now",
            Void::Rejected => "void: the laboratory rejected it",
            Void::Withdrawn => "void: the analyzer took it back",
        }
    }

    /// Why it doesn't leave, for a person here.
    fn why(self) -> &'static str {
        match self {
            Void::Misread => "its specimen number was misread",
            Void::Recoded => "it goes by another code now",
            Void::Rejected => "it was rejected",
            Void::Withdrawn => "the analyzer took it back",
        }
    }
}

impl Says {
    fn name(self) -> &'static str {
        match self {
            Says::Result => "result",
            Says::Preliminary => "preliminary",
            Says::Void(Void::Misread) => "misread",
            Says::Void(Void::Recoded) => "recoded",
            Says::Void(Void::Rejected) => "rejected",
            Says::Void(Void::Withdrawn) => "withdrawn",
        }
    }

    fn from_name(name: &str) -> Option<Says> {
        let voids = [Void::Misread, Void::Recoded, Void::Rejected].map(Says::Void);
        [Says::Preliminary].into_iter().chain(voids).find(|says| says.name() == name)
    }
}

/// Tells a destination that a held result is preliminary.
pub(in crate::journal) fn announce(
    connection: &Connection,
    id: ObservationId,
    destination: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    owe(connection, id, destination, Says::Preliminary, now)
}

fn owe(
    connection: &Connection,
    id: ObservationId,
    destination: &str,
    says: Says,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO notice (observation, destination, says, specimen, lane, state, changed_at)
             SELECT observation, destination, ?3, specimen, lane, 'pending', ?4 FROM ledger
             WHERE observation = ?1 AND destination = ?2",
        )?
        .execute(params![id.0, destination, says.name(), now.as_microsecond()])?;
    Ok(())
}

/// The result itself goes now, or nothing of it: what wasn't told yet need not be told. Where no destination is named, that
/// is so at all of them.
pub(in crate::journal) fn unannounce(
    connection: &Connection,
    id: ObservationId,
    destination: Option<&str>,
    why: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    let at = now.as_microsecond();
    connection
        .prepare_cached(
            "UPDATE notice SET state = 'superseded', reason = ?2, changed_at = ?3
             WHERE observation = ?1 AND says = 'preliminary' AND state = 'pending' AND delivery IS NULL
             AND (?4 IS NULL OR destination = ?4)",
        )?
        .execute(params![id.0, why, at, destination])?;
    let refused: Vec<i64> = connection
        .prepare_cached(
            "UPDATE notice SET state = 'rejected', reason = ?2, changed_at = ?3
             WHERE observation = ?1 AND says = 'preliminary' AND state = 'refused'
             AND (?4 IS NULL OR destination = ?4) RETURNING delivery",
        )?
        .query_map(params![id.0, why, at, destination], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    refused.into_iter().try_for_each(|delivery| close_if_over(connection, delivery, now))
}

/// A delivery of which nothing is left to decide is over.
fn close_if_over(connection: &Connection, delivery: i64, now: Timestamp) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE delivery SET state = 'settled', settled_at = ?2 WHERE id = ?1 AND state IN ('due', 'dead')
             AND NOT EXISTS (SELECT 1 FROM ledger WHERE delivery = ?1 AND state IN ('in-flight', 'unknown', 'refused'))
             AND NOT EXISTS (SELECT 1 FROM notice WHERE delivery = ?1 AND state IN ('in-flight', 'unknown', 'refused'))",
        )?
        .execute(params![delivery, now.as_microsecond()])?;
    Ok(())
}

/// Says of a result that it is void, wherever some version of it is or may be, whatever came of sending it once more. Of a rejected one only where the last that
/// was told is preliminary: what was told before it as a result still stands.
pub(in crate::journal) fn revoke(
    connection: &Connection,
    id: ObservationId,
    void: Void,
    now: Timestamp,
) -> Result<(), JournalError> {
    for (destination, Told { last, result }) in told(connection, id)? {
        let is_preliminary = result != Some(last);
        if void != Void::Rejected || is_preliminary {
            owe(connection, last, &destination, Says::Void(void), now)?;
        }
    }
    Ok(())
}

/// Has a result count no more under the number and code that it goes by: what hasn't left doesn't leave any more, and whoever
/// has it, or may, is told that it is void.
pub(in crate::journal) fn withdraw(
    connection: &Connection,
    id: ObservationId,
    void: Void,
    now: Timestamp,
) -> Result<(), JournalError> {
    let why = void.why();
    unannounce(connection, id, None, why, now)?;
    take_back(connection, id, why, now)?;
    revoke(connection, id, void, now)
}

/// Takes a result out of what it was to leave by, as far as it certainly hasn't arrived. What shares its delivery leaves by
/// another one.
fn take_back(
    connection: &Connection,
    id: ObservationId,
    why: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    let at = now.as_microsecond();
    let waiting: Vec<i64> = connection
        .prepare_cached(
            "SELECT d.id FROM ledger l JOIN delivery d ON d.id = l.delivery
             WHERE l.observation = ? AND l.state IN ('pending', 'in-flight') AND d.state = 'due' AND NOT EXISTS
                (SELECT 1 FROM attempt a JOIN answer w ON w.attempt = a.id
                 WHERE a.delivery = d.id AND w.verdict <> 'retry')",
        )?
        .query_map([id.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for delivery in waiting {
        connection
            .prepare_cached(
                "UPDATE ledger SET state = CASE WHEN EXISTS
                    (SELECT 1 FROM observation o WHERE o.supersedes = ledger.observation)
                    THEN 'superseded' ELSE 'pending' END, delivery = NULL, reason = NULL, changed_at = ?2
                 WHERE delivery = ?1 AND state IN ('pending', 'in-flight')",
            )?
            .execute(params![delivery, at])?;
        close_if_over(connection, delivery, now)?;
    }
    let dead: Vec<i64> = connection
        .prepare_cached("SELECT delivery FROM ledger WHERE observation = ? AND state = 'refused'")?
        .query_map([id.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    connection
        .prepare_cached(
            "UPDATE ledger SET state = 'superseded', reason = ?2, changed_at = ?3 WHERE observation = ?1
             AND (state IN ('held', 'quarantined', 'refused') OR state = 'pending' AND delivery IS NULL)",
        )?
        .execute(params![id.0, why, at])?;
    dead.into_iter().try_for_each(|delivery| close_if_over(connection, delivery, now))?;
    reopen_lanes(connection, id, now)
}

/// The specimen of the oldest word that may be told: nothing of its result, and no other word about it, is on its way.
pub(super) fn fresh_notice(
    connection: &Connection,
    destination: &DestinationId,
) -> Result<Option<String>, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT n.specimen FROM notice n WHERE n.destination = ?1 AND n.state = 'pending'
             AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.observation = n.observation
                AND l.destination = n.destination AND l.state IN ('in-flight', 'unknown'))
             AND NOT EXISTS (SELECT 1 FROM notice p WHERE p.observation = n.observation
                AND p.destination = n.destination AND p.id <> n.id AND p.state IN ('in-flight', 'unknown'))
             AND NOT EXISTS (SELECT 1 FROM delivery s WHERE s.destination = ?1 AND s.state = 'sending'
                AND s.specimen = n.specimen)
             ORDER BY n.id LIMIT 1",
        )?
        .query_row([destination.as_str()], |row| row.get(0))
        .optional()?)
}

struct Word {
    id: i64,
    observation: ObservationId,
    says: Says,
    /// Some of it is there.
    arrived: bool,
}

fn ready(
    connection: &Connection,
    destination: &DestinationId,
    specimen: &str,
) -> Result<Vec<Word>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT n.id, n.observation, n.says,
            EXISTS (SELECT 1 FROM ledger l WHERE l.observation = n.observation AND l.destination = n.destination
                AND l.state IN ('accepted', 'staged'))
            OR EXISTS (SELECT 1 FROM resend_line s WHERE s.observation = n.observation AND s.destination = n.destination)
            OR EXISTS (SELECT 1 FROM notice p WHERE p.observation = n.observation AND p.destination = n.destination
                AND p.says = 'preliminary' AND p.state IN ('accepted', 'staged'))
         FROM notice n INDEXED BY notice_in_the_way WHERE n.destination = ?1 AND n.specimen = ?2
             AND n.state IN ('pending', 'in-flight', 'unknown', 'refused') AND n.state = 'pending'
             AND NOT EXISTS (SELECT 1 FROM ledger l WHERE l.observation = n.observation
                AND l.destination = n.destination AND l.state IN ('in-flight', 'unknown'))
             AND NOT EXISTS (SELECT 1 FROM notice p WHERE p.observation = n.observation
                AND p.destination = n.destination AND p.id <> n.id AND p.state IN ('in-flight', 'unknown')) ORDER BY n.id LIMIT ?3",
    )?;
    let mut rows = statement.query(params![destination.as_str(), specimen, WORDS_A_PAYLOAD])?;
    let mut words = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(2)?;
        let says = Says::from_name(&name)
            .ok_or_else(|| JournalError::Refused(format!("unknown word of a result {name:?}")))?;
        words.push(Word {
            id: row.get(0)?,
            observation: ObservationId(row.get(1)?),
            says,
            arrived: row.get(3)?,
        });
    }
    Ok(words)
}

/// Makes a delivery of all that may be told of one specimen; nothing where there is nothing to say any more, or the
/// destination has no place for it: then it stays here, visibly.
pub(super) fn consign_notices(
    connection: &Connection,
    destination: &DestinationId,
    specimen: &str,
    render: &Render,
    now: Timestamp,
) -> Result<Option<Waiting>, JournalError> {
    let (words, moot): (Vec<Word>, Vec<Word>) = ready(connection, destination, specimen)?
        .into_iter()
        .partition(|word| word.arrived || word.says == Says::Preliminary);
    for word in moot {
        let why = "nothing of it has arrived";
        take_back(connection, word.observation, why, now)?;
        turn(connection, &word, "superseded", why, now)?;
    }
    if words.is_empty() {
        return Ok(None);
    }
    let mut items = Vec::new();
    for word in &words {
        let mut item = item(connection, destination, word.observation)?;
        item.says = word.says;
        items.push(item);
    }
    let (id, key) = next(connection)?;
    let consignment = consignment(destination, specimen, key, items, now);
    let payload = match render(&consignment) {
        Ok(payload) => payload,
        Err(why) => {
            for word in &words {
                turn(connection, word, "rejected", "no payload could be made of it", now)?;
                let subject = format!("observation {}", word.observation);
                let detail = format!("{} for {destination}: {why}", word.says.name());
                let step = "word of a result set aside";
                audit::append(connection, &Step { at: now, actor: GATEWAY, step, subject, detail })?;
            }
            return Ok(None);
        }
    };
    insert(connection, id, &consignment, &payload, 0, now)?;
    for word in &words {
        connection
            .prepare_cached("UPDATE notice SET delivery = ? WHERE id = ?")?
            .execute(params![id, word.id])?;
    }
    Ok(Some(Waiting { id, priority: 0, unknown: false }))
}

fn turn(
    connection: &Connection,
    word: &Word,
    state: &str,
    why: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    connection
        .prepare_cached("UPDATE notice SET state = ?2, reason = ?3, changed_at = ?4 WHERE id = ?1")?
        .execute(params![word.id, state, why, now.as_microsecond()])?;
    Ok(())
}
