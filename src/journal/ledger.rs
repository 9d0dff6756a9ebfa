//! What each destination is owed: lease, attempt, settle. A payload never changes once leased, its key is on
//! disk before it is first sent, and an attempt is on disk before its first byte leaves.

mod aside;
mod calls;
mod item;
mod lease;
mod notices;
mod settle;
mod told;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::audit::{self, GATEWAY, Step};
use super::calls::Reason;
use super::came::Came;
use super::decisions::StoredDecision;
use super::orders::Ordered;
use super::writer::Urgency;
use super::{CallId, DeliveryId, Journal, JournalError, ObservationId, OpenError, standstill};
use crate::domain::call::{Agreement, Attempt, Tell};
use crate::domain::{
    DestinationId, Observation, Order, OrderDoubt, Patient, Private, SpecimenId, SpecimenToken,
};

pub(super) use lease::rendered_anew;
pub use notices::{Origin, Says, Void};
pub(super) use notices::{announce, revoke, unannounce, withdraw};
pub(super) use settle::reopen_lanes;
pub use told::Kept;
pub(super) use told::{Told, has_result, told};

/// How urgent a line can be; lower goes first.
pub(super) const URGENCIES: [u8; 3] = [0, 1, 2];

/// One attempt at one delivery, on disk before it begins.
#[derive(Debug)]
pub struct Lease {
    pub delivery: DeliveryId,
    pub attempt: i64,
    /// 1 for the first attempt.
    pub number: u32,
    pub kind: AttemptKind,
    /// Sent with every attempt; never reused for another payload.
    pub key: String,
    pub payload: Vec<u8>,
    pub carries: Carries,
    pub items: Vec<ObservationId>,
    /// What stands for its specimen in the log.
    pub token: Option<SpecimenToken>,
    /// Where what it carries came from.
    pub came: Vec<Came>,
}

/// What a delivery is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    Results,
    /// What somebody recorded of a critical call about its one item.
    Call,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptKind {
    Send,
    /// Ask the destination what became of an earlier attempt.
    Probe,
}

/// What to do with deliveries whose fate isn't known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    Probe,
    Resend,
    /// A person decides.
    Wait,
}

/// What a payload is made of: one specimen's observations for one destination, oldest first; or a record of a call.
#[derive(Debug)]
pub struct Consignment {
    pub destination: DestinationId,
    pub key: String,
    pub specimen: SpecimenId,
    /// When it was put together; its payload never changes afterwards.
    pub made_at: Timestamp,
    /// None where it is a record of a call.
    pub items: Vec<Item>,
    pub call: Option<Box<CallNote>>,
}

/// What a destination is told of a critical call: one attempt, or that it won't be called any more.
#[derive(Debug)]
pub struct CallNote {
    pub call: CallId,
    /// The record's own number.
    pub number: i64,
    /// The result that it is about.
    pub item: Item,
    pub reason: Reason,
    /// What was to be told.
    pub tell: Private<Tell>,
    /// Who had said that the value is right, and when.
    pub verified: Option<(String, Timestamp)>,
    pub noted: Noted,
    /// The system user who recorded it.
    pub account: String,
    pub recorded_at: Timestamp,
}

/// What of a call's records a destination is told; a verification goes along with these.
#[derive(Debug)]
pub enum Noted {
    Attempt { attempt: Attempt, agreement: Agreement },
    Ended { by: String, reason: Private<String> },
}

impl Noted {
    /// Who called, or ended the call.
    pub fn by(&self) -> &str {
        match self {
            Noted::Attempt { attempt, .. } => &attempt.by,
            Noted::Ended { by, .. } => by,
        }
    }
}

#[derive(Debug)]
pub struct Item {
    pub id: ObservationId,
    pub version: u32,
    /// The latest version before it that the destination was, or may have been, told of.
    pub supersedes: Option<ObservationId>,
    pub received_at: Timestamp,
    pub observation: Observation,
    /// The order it belongs to; `None` where nobody tells orders.
    pub ordered: Option<Ordered>,
    /// The versions that it supersedes, the first one first, whether they were delivered or not.
    pub earlier: Vec<Version>,
    pub says: Says,
    /// The destination was, or may have been, told of it as preliminary.
    pub announced: bool,
    /// Under which number it came, where a person has moved it; then it supersedes nothing of this specimen.
    pub moved: Option<Origin>,
    /// What was before it, and before `earlier`, is void there: it went by another code, and this begins anew.
    pub recoded: bool,
    /// What signed rules found of it.
    pub found: Vec<StoredDecision>,
}

impl Item {
    /// What the LIMS ordered it by.
    pub fn order(&self) -> Option<&Order> {
        self.ordered.as_ref()?.order.as_ref().map(|it| &it.order)
    }

    /// What is told of its way to this specimen, where a person has moved it.
    pub fn told_of_move(&self) -> Option<String> {
        let it = self.moved.as_ref()?;
        let (from, reason) = (it.specimen.reveal(), it.reason.reveal());
        let from = if from.is_empty() { "no specimen number" } else { from };
        Some(format!("came under {from}; moved here by {}: {reason}", it.by))
    }

    /// What signed rules found of it; of what is void nothing is told.
    pub fn findings(&self) -> &[StoredDecision] {
        match self.says {
            Says::Void(_) => &[],
            Says::Result | Says::Preliminary => &self.found,
        }
    }

    /// The same, each in words.
    pub fn told_of_findings(&self) -> impl Iterator<Item = String> {
        self.findings().iter().map(|it| format!("by the laboratory's rules: {}", it.finding()))
    }

    /// What speaks against its order and is told with it.
    pub fn marked(&self) -> &[OrderDoubt] {
        self.ordered.as_ref().map(|ordered| ordered.marked.as_slice()).unwrap_or_default()
    }

    /// The patient as the LIMS knows them; as the analyzer sent them only where no order says.
    pub fn patient(&self) -> &Patient {
        let told = self.order().map(|order| order.patient.reveal()).filter(|patient| !patient.id.is_empty());
        told.unwrap_or_else(|| self.observation.patient.reveal())
    }
}

/// An earlier version of a result.
#[derive(Debug)]
pub struct Version {
    pub received_at: Timestamp,
    pub observation: Observation,
    /// As of an item.
    pub announced: bool,
}

/// Turns a consignment into the bytes to send. Pure: it runs inside the lease's transaction.
pub type Render = Arc<dyn Fn(&Consignment) -> Result<Vec<u8>, String> + Send + Sync>;

/// How a settlement's detail begins where nothing left, and where nothing came back.
pub const NOT_SENT: &str = "not sent";
pub const NO_ANSWER: &str = "no answer";

/// The end of an attempt.
#[derive(Debug)]
pub struct Settlement {
    pub fates: Vec<(ObservationId, Fate)>,
    pub next: Next,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The answer's bytes, up to a bound.
    pub body: Option<Vec<u8>>,
    /// The verdict's name, for people.
    pub verdict: String,
    /// Why, in words without patient data.
    pub detail: String,
    /// Over what it went: addresses and whether under TLS, or a file. `None` where nothing left.
    pub connection: Option<String>,
}

/// What became of one observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Accepted,
    /// The destination has it and hasn't applied it yet.
    Staged,
    Refused(String),
    /// It may or may not have arrived.
    Unknown,
    /// It certainly hasn't arrived and goes out again.
    Again,
}

/// What happens to the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Settled,
    Retry {
        at: Timestamp,
    },
    Unknown {
        at: Timestamp,
    },
    /// A dead letter until a person acts: refused, or of unknown fate where a person is to be asked.
    Dead,
}

impl Journal {
    /// The next attempt that this destination may make now, if there is one.
    pub async fn lease(
        &self,
        destination: DestinationId,
        resolve: Resolve,
        render: Render,
        now: Timestamp,
    ) -> Result<Option<Lease>, JournalError> {
        self.submit(Urgency::Other, move |connection| {
            lease::lease(connection, &destination, resolve, &render, now)
        })
        .await
    }

    /// Once a destination that was away is tried again: what it never heard needn't wait for its turn to be repeated, and
    /// the oldest goes first. What it asked to have again later waits.
    pub async fn after_an_outage(
        &self,
        destination: DestinationId,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| lease::after_an_outage(connection, &destination, now))
            .await
    }

    /// After the clock was set back by this much: what waits goes on waiting for as long as it was to. What would wait for
    /// more than `longest` is due now: the clock was set back by more than is known.
    pub async fn after_a_step(
        &self,
        destination: DestinationId,
        set_back: Duration,
        longest: Duration,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            lease::after_a_step(connection, &destination, set_back, longest, now)
        })
        .await
    }

    /// Writes what an attempt came to.
    pub async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let (delivery, attempt) = (lease.delivery, lease.attempt);
        self.submit(Urgency::Other, move |connection| {
            settle::settle(connection, delivery, attempt, &settlement, now)
        })
        .await
    }
}

/// Moves the lines of a delivery that are in one of the `from` states.
pub(super) fn move_lines(
    connection: &Connection,
    delivery: i64,
    to: &str,
    from: &[&str],
    reason: Option<&str>,
    now: Timestamp,
) -> Result<(), JournalError> {
    for from in from {
        connection
            .prepare_cached(
                "UPDATE ledger SET state = ?1, changed_at = ?2, reason = ?3 WHERE delivery = ?4 AND state = ?5",
            )?
            .execute(params![to, now.as_microsecond(), reason, delivery, from])?;
        connection
            .prepare_cached(
                "UPDATE call_line SET state = ?1, changed_at = ?2, reason = ?3 WHERE delivery = ?4 AND state = ?5",
            )?
            .execute(params![to, now.as_microsecond(), reason, delivery, from])?;
        connection
            .prepare_cached(
                "UPDATE notice SET state = ?1, changed_at = ?2, reason = ?3 WHERE delivery = ?4 AND state = ?5",
            )?
            .execute(params![to, now.as_microsecond(), reason, delivery, from])?;
    }
    Ok(())
}

/// An attempt that a stop of the gateway cut off may or may not have arrived.
/// With a reason, nothing is delivered until somebody resumed.
pub(super) fn recover(
    connection: &mut Connection,
    epoch: &str,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<(), OpenError> {
    let transaction = connection.transaction()?;
    let at = now.as_microsecond();
    let cut_off: Vec<i64> = transaction
        .prepare("SELECT id FROM delivery WHERE state = 'sending'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    transaction.execute(
        "INSERT INTO answer (attempt, ended_at, status, body, verdict, detail, connection)
         SELECT a.id, ?1, NULL, NULL, 'unknown', ?2, NULL
         FROM attempt a JOIN delivery d ON d.id = a.delivery
         WHERE d.state = 'sending' AND NOT EXISTS (SELECT 1 FROM answer w WHERE w.attempt = a.id)",
        params![at, "the gateway stopped before the answer came"],
    )?;
    transaction.execute(
        "UPDATE ledger SET state = 'unknown', changed_at = ?1 WHERE state = 'in-flight'
         AND delivery IN (SELECT id FROM delivery WHERE state = 'sending')",
        [at],
    )?;
    for beside in [
        "UPDATE call_line SET state = 'unknown', changed_at = ?1 WHERE state = 'in-flight'
         AND delivery IN (SELECT id FROM delivery WHERE state = 'sending')",
        "UPDATE notice SET state = 'unknown', changed_at = ?1 WHERE state = 'in-flight'
         AND delivery IN (SELECT id FROM delivery WHERE state = 'sending')",
    ] {
        transaction.execute(beside, [at])?;
    }
    transaction
        .execute("UPDATE delivery SET state = 'unknown', due_at = ?1 WHERE state = 'sending'", [at])?;
    transaction.execute(
        "INSERT INTO journal VALUES (1, ?1, ?2) ON CONFLICT DO UPDATE SET epoch = ?1",
        params![epoch, at],
    )?;
    for delivery in cut_off {
        let step = Step {
            at: now,
            actor: GATEWAY,
            step: "delivery of unknown fate",
            subject: format!("delivery {delivery}"),
            detail: "the gateway stopped before the answer came".to_owned(),
        };
        audit::append(&transaction, &step)?;
    }
    if let Some(why) = reason {
        standstill::stand_still(&transaction, why, now)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Eight random characters, new at every start: a journal that was restored from a copy can't use a key again.
pub(super) fn epoch() -> String {
    uuid::Uuid::new_v4().simple().to_string().chars().take(8).collect()
}
