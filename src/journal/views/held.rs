//! Held results, with why each is held and where it is missing.

use jiff::Timestamp;
use rusqlite::Row;

use crate::domain::{Observation, Private};
use crate::journal::read::observation;
use crate::journal::rows::instant;
use crate::journal::{JournalError, MessageId, ObservationId, ProblemId, Reader};

/// A held result.
#[derive(Debug, Clone)]
pub struct HoldView {
    pub observation: ObservationId,
    pub message: MessageId,
    pub reasons: Vec<String>,
    pub opened_at: Timestamp,
    pub detail: Observation,
    /// How many newer results of its test wait until it is over.
    pub in_the_way_of: usize,
    /// The destinations that it is held back from; others may have it.
    pub held_at: Vec<String>,
    /// The problems that were found in the same record, which say more.
    pub problems: Vec<(ProblemId, Private<String>)>,
}

/// A hold that keeps a result from no destination, such as a control's where none takes controls, waits for nobody.
const HELD: &str = "SELECT h.observation, o.message, group_concat(h.reason, ','), min(h.opened_at), o.detail,
        (SELECT count(DISTINCT p.observation) FROM ledger l JOIN ledger p ON p.destination = l.destination
            AND p.specimen = l.specimen AND p.lane = l.lane AND p.observation > l.observation
         WHERE l.observation = h.observation AND l.state = 'held' AND p.state = 'pending'),
        (SELECT json_group_array(l.destination) FROM ledger l WHERE l.observation = h.observation AND l.state = 'held'),
        (SELECT json_group_array(json_array(p.id, p.text)) FROM problem p
         WHERE p.message = o.message AND p.record = o.record AND NOT p.withdrawn)
     FROM hold h JOIN observation o ON o.id = h.observation WHERE h.closed_at IS NULL
     AND (SELECT coalesce(max(l.state = 'held'), 1) FROM ledger l WHERE l.observation = h.observation)";

impl Reader {
    /// Held results, oldest first, at most `limit`.
    pub fn held(&self, limit: usize) -> Result<Vec<HoldView>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{HELD} GROUP BY h.observation ORDER BY h.observation LIMIT ?"))?;
        statement.query_and_then([limit], hold)?.collect()
    }

    /// One held result; nothing where it isn't held.
    pub fn hold(&self, id: ObservationId) -> Result<Option<HoldView>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("{HELD} AND h.observation = ? GROUP BY h.observation"))?;
        statement.query_and_then([id.0], hold)?.next().transpose()
    }
}

fn hold(row: &Row<'_>) -> Result<HoldView, JournalError> {
    Ok(HoldView {
        observation: ObservationId(row.get(0)?),
        message: MessageId(row.get(1)?),
        reasons: row.get::<_, String>(2)?.split(',').map(str::to_owned).collect(),
        opened_at: instant(row.get(3)?),
        detail: observation(row, 4)?,
        in_the_way_of: row.get(5)?,
        held_at: serde_json::from_str(&row.get::<_, String>(6)?).unwrap_or_default(),
        problems: serde_json::from_str::<Vec<(i64, String)>>(&row.get::<_, String>(7)?)
            .unwrap_or_default()
            .into_iter()
            .map(|(id, text)| (ProblemId(id), Private::new(text)))
            .collect(),
    })
}
