//! Results that a destination has acknowledged, sent there once more because a named person says so: for a LIMS that lost
//! them. A delivery goes as it was, byte for byte under its key, and is owed again until the destination settles it. It
//! sends nothing itself, and brings nothing back that is held, rejected, void or replaced.

mod choice;

use jiff::Timestamp;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::audit::{self, Step};
use super::ledger::{Render, move_lines, rendered_anew};
use super::writer::Urgency;
use super::{DeliveryId, Journal, JournalError, ObservationId, Reader, restoration, retention};
use crate::domain::{DestinationId, InstrumentId, Observation, OnceMore, Private, SpecimenId, Words};
use choice::preview;

/// Which results are wanted once more, and where.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub destination: DestinationId,
    pub of: Of,
    pub instrument: Option<InstrumentId>,
    /// By the instrument's code.
    pub test: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Of {
    Specimen(SpecimenId),
    /// From the first to the last, both among them: numbers as long as these two, in the order of their characters.
    Specimens(SpecimenId, SpecimenId),
    /// From the first moment on and before the second, by when their message was on disk.
    Received(Timestamp, Timestamp),
}

/// What a person says of them.
#[derive(Debug, Clone)]
pub struct Resending {
    pub wanted: Wanted,
    /// Who says so.
    pub by: String,
    /// The system user who gave the command.
    pub account: String,
    pub reason: String,
    /// The fingerprint of the preview that was looked at; `None` where nobody says which.
    pub seen: Option<String>,
}

/// What would be sent once more, and what not.
#[derive(Debug, Default)]
pub struct Preview {
    pub sent: Vec<Sent>,
    pub stays: Vec<Stays>,
}

impl Preview {
    /// How many results would be sent.
    pub fn results(&self) -> usize {
        self.sent.iter().map(|it| it.results.len()).sum()
    }

    /// What tells it from any other: which deliveries go, as what, which results of them, and when each was answered last, so that
    /// what went once more since then was not looked at. SHA-256 in hexadecimal.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for sent in &self.sent {
            hash.update(sent.delivery.0.to_be_bytes());
            hash.update(sent.how.name());
            let answered = sent.answer.as_ref().map_or(0, |it| it.at.as_microsecond());
            hash.update(answered.to_be_bytes());
            hash.update(sent.results.len().to_be_bytes());
            sent.results.iter().for_each(|it| hash.update(it.id.0.to_be_bytes()));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A delivery that the destination has acknowledged.
#[derive(Debug)]
pub struct Sent {
    pub delivery: DeliveryId,
    pub key: String,
    pub specimen: SpecimenId,
    pub how: OnceMore,
    /// The last answer.
    pub answer: Option<LastAnswer>,
    /// Who had some of it sent there once more before, the latest first, at most [`SHOWN_BEFORE`].
    pub before: Vec<Before>,
    /// Those of it that go once more. As it was, they are all that it carries.
    pub results: Vec<Again>,
}

/// How many earlier times are told.
pub const SHOWN_BEFORE: usize = 10;

/// An earlier time that some of these results were sent once more.
#[derive(Debug)]
pub struct Before {
    pub at: Timestamp,
    /// Who said so.
    pub by: String,
    pub reason: Private<String>,
}

/// What a destination said last of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAnswer {
    pub at: Timestamp,
    /// The verdict's name.
    pub verdict: String,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
    /// Why, in words without patient data.
    pub detail: String,
}

/// A result that goes once more.
#[derive(Debug)]
pub struct Again {
    pub id: ObservationId,
    pub result: Private<Observation>,
    /// Otherwise it goes along with what was asked for.
    pub is_wanted: bool,
}

/// A result that doesn't.
#[derive(Debug)]
pub struct Stays {
    pub id: ObservationId,
    pub result: Private<Observation>,
    pub why: Words,
}

impl Reader {
    /// What [`Journal::resend`] would do now.
    ///
    /// # Errors
    /// Refused where that would be too many results.
    pub fn resending(&self, wanted: &Wanted) -> Result<Preview, JournalError> {
        let _moment = self.moment()?;
        preview(&self.connection, wanted)
    }

    /// The bytes that would leave: those that left before, or, where it goes anew, those that would be made if it left now
    /// and nothing else waited for its specimen. `render` is the destination's.
    ///
    /// # Errors
    /// Refused where no payload can be made of it.
    pub fn would_send(
        &self,
        destination: &DestinationId,
        sent: &Sent,
        render: &Render,
        now: Timestamp,
    ) -> Result<Private<Vec<u8>>, JournalError> {
        match sent.how {
            OnceMore::AsItWas => self
                .payload(sent.delivery)?
                .ok_or_else(|| JournalError::Refused(format!("there is no delivery {}", sent.delivery))),
            OnceMore::Anew => {
                let results: Vec<ObservationId> = sent.results.iter().map(|it| it.id).collect();
                let specimen = sent.specimen.reveal();
                rendered_anew(&self.connection, destination, (specimen, &results), render, now)
                    .map(Private::new)
            }
        }
    }
}

impl Journal {
    /// Lets a destination's results leave once more, and says what leaves. All of it is on disk when this returns.
    ///
    /// # Errors
    /// Refused, with the reason, where nothing may leave, or nobody is named, or no reason.
    pub async fn resend(&self, it: Resending, now: Timestamp) -> Result<Preview, JournalError> {
        self.submit(Urgency::Other, move |connection| resend(connection, &it, now)).await
    }
}

fn resend(connection: &Connection, it: &Resending, now: Timestamp) -> Result<Preview, JournalError> {
    let refused = |why: &str| Err(JournalError::Refused(why.to_owned()));
    if it.by.trim().is_empty() || it.reason.trim().is_empty() {
        return refused("it takes a name and a reason to send results once more");
    }
    if restoration::stands_still(connection)? {
        return refused("nothing is delivered until somebody has resumed; see labwire resume");
    }
    let preview = preview(connection, &it.wanted)?;
    if it.seen.as_ref().is_some_and(|seen| *seen != preview.fingerprint()) {
        return refused("what would be sent has changed since it was looked at; look again");
    }
    if preview.sent.is_empty() {
        return refused("none of it may be sent once more; labwire resend without --yes says why");
    }
    for sent in &preview.sent {
        keep(connection, it, sent, now)?;
        match sent.how {
            OnceMore::AsItWas => reopen(connection, sent.delivery, now)?,
            OnceMore::Anew => owe_again(connection, &it.wanted.destination, sent, now)?,
        }
        let how = match sent.how {
            OnceMore::AsItWas => "as it was",
            OnceMore::Anew => "in part, anew",
        };
        let step = Step {
            at: now,
            actor: &it.account,
            step: "sent once more",
            subject: format!("delivery {}", sent.delivery),
            detail: format!("{how}, by {}: {}", it.by, it.reason),
        };
        audit::append(connection, &step)?;
    }
    Ok(preview)
}

/// Who says so, and when each result had been acknowledged before.
fn keep(connection: &Connection, it: &Resending, sent: &Sent, now: Timestamp) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "INSERT INTO resend (delivery, how, named, account, reason, at) VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            sent.delivery.0,
            sent.how.name(),
            it.by,
            it.account,
            it.reason,
            now.as_microsecond()
        ])?;
    let resend = connection.last_insert_rowid();
    let mut line = connection.prepare_cached(
        "INSERT INTO resend_line SELECT ?1, observation, destination, changed_at FROM ledger
         WHERE observation = ?2 AND destination = ?3",
    )?;
    for again in &sent.results {
        line.execute(params![resend, again.id.0, it.wanted.destination.as_str()])?;
    }
    Ok(())
}

/// The same bytes under the same key are due again. Nothing newer of their lanes overtakes them.
fn reopen(connection: &Connection, delivery: DeliveryId, now: Timestamp) -> Result<(), JournalError> {
    retention::bring_payload_back(connection, delivery)?;
    move_lines(connection, delivery.0, "in-flight", &["accepted", "staged"], None, now)?;
    connection
        .prepare_cached("UPDATE delivery SET state = 'due', due_at = ?, settled_at = NULL WHERE id = ?")?
        .execute(params![now.as_microsecond(), delivery.0])?;
    Ok(())
}

/// The results are owed as if they had never left, and leave by another delivery.
fn owe_again(
    connection: &Connection,
    destination: &DestinationId,
    sent: &Sent,
    now: Timestamp,
) -> Result<(), JournalError> {
    for again in &sent.results {
        connection
            .prepare_cached(
                "UPDATE ledger SET state = 'pending', delivery = NULL, reason = NULL, changed_at = ?
                 WHERE observation = ? AND destination = ?",
            )?
            .execute(params![now.as_microsecond(), again.id.0, destination.as_str()])?;
    }
    Ok(())
}
