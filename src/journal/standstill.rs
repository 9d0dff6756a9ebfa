//! The begin and the end of a standstill. What was received before and isn't over waits for a decision one by one: the LIMS
//! may have it under a key that isn't known here. Each walks through the ledger, once.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::audit::{self, GATEWAY, Step};
use super::desk::Decider;
use super::writer::Urgency;
use super::{Journal, JournalError};
use crate::domain::HoldReason;

/// What becomes of results that came in during a standstill, when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// Each waits for a decision.
    Hold,
    /// They leave.
    Send,
}

impl Journal {
    /// Ends a standstill. Refused where there is none.
    pub async fn resume(&self, since: Since, decider: Decider, now: Timestamp) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| resume(connection, since, &decider, now)).await
    }
}

/// Opens a standstill, in the transaction of the start.
pub(super) fn stand_still(connection: &Connection, why: &str, now: Timestamp) -> Result<(), JournalError> {
    let at = now.as_microsecond();
    connection.execute(
        "INSERT INTO restoration (at, why, last_message, first_observation)
         SELECT ?1, ?2, coalesce((SELECT max(id) FROM message), 0),
                max(coalesce((SELECT max(id) FROM observation), 0) + 1, ?3)",
        // Nobody has had a thousand results a second since 1970.
        params![at, why, now.as_millisecond()],
    )?;
    hold_what_waits(connection, now)?;
    // These have a key: the LIMS is asked, or gets the same bytes again, or a person decides, as for any of unknown fate.
    connection.execute(
        "UPDATE ledger SET state = 'unknown', changed_at = ? WHERE state IN ('pending', 'in-flight')
         AND delivery IN (SELECT id FROM delivery WHERE state = 'due')",
        [at],
    )?;
    for table in ["call_line", "notice"] {
        let with_key = format!(
            "UPDATE {table} SET state = 'unknown', changed_at = ? WHERE state IN ('pending', 'in-flight')
             AND delivery IN (SELECT id FROM delivery WHERE state = 'due')"
        );
        connection.execute(&with_key, [at])?;
    }
    // The LIMS may have the result itself by now: a preliminary one must not come after it.
    connection.execute(
        "UPDATE notice SET state = 'superseded', reason = 'the journal was restored', changed_at = ?
         WHERE says = 'preliminary' AND state = 'pending'",
        [at],
    )?;
    connection.execute("UPDATE delivery SET state = 'unknown' WHERE state = 'due'", [])?;
    let step = Step {
        at: now,
        actor: GATEWAY,
        step: "nothing is delivered",
        subject: "journal".to_owned(),
        detail: why.to_owned(),
    };
    audit::append(connection, &step)
}

/// Results that would leave under a new key wait for a person, also those that wait for something else: that may fall away by
/// itself, and who lets them go must know.
fn hold_what_waits(connection: &Connection, now: Timestamp) -> Result<(), JournalError> {
    let at = now.as_microsecond();
    connection.execute(
        "INSERT INTO hold (observation, reason, opened_at)
         SELECT DISTINCT l.observation, ?1, ?2 FROM ledger l LEFT JOIN delivery d ON d.id = l.delivery
         WHERE l.state IN ('pending', 'quarantined', 'held') AND (d.id IS NULL OR d.state = 'settled')
         AND NOT EXISTS (SELECT 1 FROM hold h WHERE h.observation = l.observation AND h.reason = ?1
             AND h.closed_at IS NULL)",
        params![HoldReason::MayBeDelivered.name(), at],
    )?;
    connection.execute(
        "UPDATE ledger SET state = 'held', changed_at = ? WHERE state IN ('pending', 'quarantined')
         AND (delivery IS NULL OR delivery IN (SELECT id FROM delivery WHERE state = 'settled'))",
        [at],
    )?;
    Ok(())
}

fn resume(
    connection: &Connection,
    since: Since,
    decider: &Decider,
    now: Timestamp,
) -> Result<(), JournalError> {
    if decider.reason.trim().is_empty() {
        return Err(JournalError::Refused("a decision needs a reason".to_owned()));
    }
    let ended = connection.execute(
        "UPDATE restoration SET resumed_at = ?, resumed_by = ?, note = ? WHERE resumed_at IS NULL",
        params![now.as_microsecond(), decider.actor, decider.reason],
    )?;
    if ended == 0 {
        return Err(JournalError::Refused(
            "nothing stands still: results are delivered as they come".to_owned(),
        ));
    }
    let what = match since {
        Since::Hold => {
            hold_what_waits(connection, now)?;
            "what came in meanwhile waits for decisions"
        }
        Since::Send => "what came in meanwhile leaves",
    };
    let detail = format!("{what}: {}", decider.reason);
    let subject = "journal".to_owned();
    audit::append(connection, &Step { at: now, actor: &decider.actor, step: "resumed", subject, detail })
}
