//! Which results a destination could get once more, as what, and why others stay. It only reads.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Again, Before, LastAnswer, Of, Preview, SHOWN_BEFORE, Sent, Stays, Wanted};
use crate::domain::{DestinationId, InstrumentId, Observation, OnceMore, Private, SpecimenId, Words, words};
use crate::journal::read::observation;
use crate::journal::rows::instant;
use crate::journal::{DeliveryId, JournalError, ObservationId};

/// The most results at once: more would keep intake waiting.
const TOGETHER: usize = 5_000;

pub(super) fn preview(connection: &Connection, wanted: &Wanted) -> Result<Preview, JournalError> {
    let mut preview = Preview::default();
    let mut by_delivery: BTreeMap<DeliveryId, Vec<Again>> = BTreeMap::new();
    for id in chosen(connection, wanted)? {
        let Some(line) = line(connection, &wanted.destination, id)? else { continue };
        match line.way {
            Ok(delivery) => by_delivery.entry(delivery).or_default().push(Again {
                id,
                result: line.result,
                is_wanted: true,
            }),
            Err(why) => preview.stays.push(Stays { id, result: line.result, why }),
        }
    }
    for (delivery, wanted_of_it) in by_delivery {
        preview.sent.push(sent(connection, &wanted.destination, delivery, wanted_of_it)?);
    }
    if preview.results() > TOGETHER {
        return too_many();
    }
    Ok(preview)
}

fn too_many<T>() -> Result<T, JournalError> {
    Err(JournalError::Refused(format!("these are more than {TOGETHER} results; choose a shorter time")))
}

fn chosen(connection: &Connection, wanted: &Wanted) -> Result<Vec<ObservationId>, JournalError> {
    let (instrument, test) = (wanted.instrument.as_ref().map(InstrumentId::as_str), wanted.test.as_deref());
    let id = |row: &rusqlite::Row<'_>| row.get(0).map(ObservationId);
    let found: Vec<ObservationId> = match &wanted.of {
        Of::Specimen(specimen) => connection
            .prepare_cached(
                "SELECT id FROM observation WHERE specimen = ?1 AND (?2 IS NULL OR instrument = ?2)
                 AND (?3 IS NULL OR code = ?3) ORDER BY id LIMIT ?4",
            )?
            .query_map(params![specimen.reveal(), instrument, test, TOGETHER + 1], id)?
            .collect::<Result<_, _>>()?,
        Of::Specimens(first, last) => {
            if first.reveal().len() != last.reveal().len() || first.reveal() > last.reveal() {
                let why =
                    "the first and the last number must be equally long, and the last not before the first";
                return Err(JournalError::Refused(why.to_owned()));
            }
            connection
                .prepare_cached(
                    "SELECT id FROM observation WHERE specimen >= ?1 AND specimen <= ?5
                     AND length(specimen) = length(?1) AND (?2 IS NULL OR instrument = ?2)
                     AND (?3 IS NULL OR code = ?3) ORDER BY specimen, id LIMIT ?4",
                )?
                .query_map(params![first.reveal(), instrument, test, TOGETHER + 1, last.reveal()], id)?
                .collect::<Result<_, _>>()?
        }
        // The messages come first, by their time: a search through all results would read the whole journal.
        Of::Received(from, to) => connection
            .prepare_cached(
                "SELECT o.id FROM message m CROSS JOIN observation o ON o.message = m.id
                 WHERE m.received_at >= ?5 AND m.received_at < ?1 AND (?2 IS NULL OR o.instrument = ?2)
                 AND (?3 IS NULL OR o.code = ?3) ORDER BY m.received_at, o.id LIMIT ?4",
            )?
            .query_map(
                params![to.as_microsecond(), instrument, test, TOGETHER + 1, from.as_microsecond()],
                id,
            )?
            .collect::<Result<_, _>>()?,
    };
    if found.len() > TOGETHER { too_many() } else { Ok(found) }
}

/// A result at a destination: the delivery that may go once more, or why it stays.
struct Line {
    result: Private<Observation>,
    way: Result<DeliveryId, Words>,
}

/// `None` where the destination was never meant to have it.
fn line(
    connection: &Connection,
    destination: &DestinationId,
    id: ObservationId,
) -> Result<Option<Line>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT o.detail, l.state, l.delivery, coalesce(d.state = 'settled', 0),
            EXISTS (SELECT 1 FROM reassignment r WHERE r.observation = o.id)
            OR EXISTS (SELECT 1 FROM notice n WHERE n.observation = o.id AND n.destination = l.destination
                AND n.says NOT IN ('preliminary', 'recoded')),
            EXISTS (SELECT 1 FROM observation n WHERE n.supersedes = o.id),
            EXISTS (SELECT 1 FROM hold h WHERE h.observation = o.id AND h.closed_at IS NULL),
            EXISTS (SELECT 1 FROM hold h WHERE h.observation = o.id AND h.closing = 'rejected'),
            EXISTS (SELECT 1 FROM problem p WHERE p.message = o.message AND p.kind = 'not-production')
         FROM observation o JOIN ledger l ON l.observation = o.id LEFT JOIN delivery d ON d.id = l.delivery
         WHERE o.id = ?1 AND l.destination = ?2 AND l.state <> 'not-for-it'",
    )?;
    let mut rows = statement.query(params![id.0, destination.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let state: String = row.get(1)?;
    let delivery: Option<i64> = row.get(2)?;
    let way = match (state.as_str(), delivery) {
        _ if row.get(4)? => Err(words!("it is void under this number")),
        _ if row.get(5)? => Err(words!("a newer version stands in its place")),
        _ if row.get(6)? => Err(words!("it is held")),
        _ if row.get(7)? => Err(words!("it was rejected here")),
        _ if row.get(8)? => Err(words!("the analyzer marked it as training")),
        ("accepted" | "staged", Some(delivery)) if row.get(3)? => Ok(DeliveryId(delivery)),
        ("held", _) => Err(words!("it is held")),
        ("rejected", _) => Err(words!("it was rejected here")),
        ("superseded", _) => Err(words!("it was replaced before it left")),
        ("refused" | "quarantined", _) => Err(words!("it was refused: see labwire dead-letters")),
        ("unknown", _) => Err(words!("whether it has arrived is still to be found out")),
        _ => Err(words!("it is on its way already")),
    };
    Ok(Some(Line { result: Private::new(observation(row, 0)?), way }))
}

/// How what is wanted of a delivery goes once more: with all that it carries, unless something of that may not.
fn sent(
    connection: &Connection,
    destination: &DestinationId,
    delivery: DeliveryId,
    wanted: Vec<Again>,
) -> Result<Sent, JournalError> {
    let (key, specimen, items): (String, String, usize) = connection
        .prepare_cached("SELECT key, specimen, items FROM delivery WHERE id = ?")?
        .query_row([delivery.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let answer = connection
        .prepare_cached(
            "SELECT w.ended_at, w.verdict, w.status, w.detail FROM attempt a JOIN answer w ON w.attempt = a.id
             WHERE a.delivery = ? ORDER BY a.id DESC LIMIT 1",
        )?
        .query_row([delivery.0], |row| {
            let (at, verdict, status) = (instant(row.get(0)?), row.get(1)?, row.get(2)?);
            Ok(LastAnswer { at, verdict, status, detail: row.get(3)? })
        })
        .optional()?;
    let carried: Vec<ObservationId> = connection
        .prepare_cached("SELECT observation FROM ledger WHERE delivery = ? ORDER BY observation")?
        .query_map([delivery.0], |row| row.get(0).map(ObservationId))?
        .collect::<Result<_, _>>()?;
    let mut all = Vec::new();
    for id in carried {
        let may_go = line(connection, destination, id)?.filter(|line| line.way == Ok(delivery));
        all.extend(may_go.map(|line| Again {
            id,
            result: line.result,
            is_wanted: wanted.iter().any(|it| it.id == id),
        }));
    }
    let (how, results) = if all.len() == items { (OnceMore::AsItWas, all) } else { (OnceMore::Anew, wanted) };
    let before = before(connection, destination, &results)?;
    Ok(Sent { delivery, key, specimen: SpecimenId::new(specimen), how, answer, before, results })
}

/// When some of these went to the destination once more before, and who said so.
fn before(
    connection: &Connection,
    destination: &DestinationId,
    results: &[Again],
) -> Result<Vec<Before>, JournalError> {
    let mut of_result = connection.prepare_cached(
        "SELECT r.id, r.at, r.named, r.reason FROM resend_line l JOIN resend r ON r.id = l.resend
         WHERE l.observation = ? AND l.destination = ?",
    )?;
    let mut known: BTreeMap<i64, Before> = BTreeMap::new();
    for again in results {
        let mut rows = of_result.query(params![again.id.0, destination.as_str()])?;
        while let Some(row) = rows.next()? {
            let reason = Private::new(row.get(3)?);
            known.insert(row.get(0)?, Before { at: instant(row.get(1)?), by: row.get(2)?, reason });
        }
    }
    Ok(known.into_values().rev().take(SHOWN_BEFORE).collect())
}
