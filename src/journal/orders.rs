//! What the LIMS wants done. A block of its messages, what they change and what is said about them are one transaction;
//! a block that comes again, byte for byte, changes nothing and gets what was said the first time. Never takes an
//! instrument's word for anything about an order.

mod apply;
mod downloads;
mod find;
mod links;
mod particulars;
mod patients;
mod reading;
mod rows;
mod steps;
mod whose;

use std::collections::BTreeSet;

use jiff::Timestamp;
use labwire_link::Parcel;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::audit::{self, GATEWAY, Step};
use super::parcels::{Within, begin, sign, store, write_texts};
use super::writer::Urgency;
use super::{Journal, JournalError, MessageId, TransferId};
use crate::domain::{Asks, Numbering, OrderRequest, PatientChange, Problem, ProblemKind, SpecimenId};

pub use apply::Applied;
pub use downloads::{Download, DownloadFate, DownloadId, DownloadStep, Wanted};
pub use links::{Link, Ordered};
pub(super) use links::{identity_doubts, ordered, relink, write as write_link};
pub use reading::{CachedOrder, OrderId, OrderWord};
pub(super) use steps::told as step_told;
pub use steps::{Stepping, Steps, Telling};
pub use whose::{Owner, by_analyzer, distinct, standing, whose};

/// What one message of the LIMS says.
#[derive(Debug, Default)]
pub struct Told {
    pub requests: Vec<OrderRequest>,
    pub patients: Vec<PatientChange>,
    /// What of it couldn't be read.
    pub problems: Vec<Problem>,
}

/// What a LIMS said at once.
pub struct Block {
    /// Whose it is, as [`source_name`] has it.
    pub source: String,
    pub within: Within,
    pub parcel: Parcel,
    /// One element for each message of the parcel.
    pub told: Vec<Told>,
    pub compose: Compose,
    pub again: Again,
    pub manner: Manner,
    /// Where to go on asking this LIMS from now on.
    pub cursor: Option<String>,
}

/// How the LIMS came to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// By itself, and what its numbers are.
    Told(Numbering),
    /// What has changed, a part of what there is, because it was asked for that when this was the last message on disk: what it
    /// has said of patients since counts before it.
    Fetched { as_of: MessageId },
    /// Because it was asked when this was the last message on disk: what it has said since counts before it, and it may be
    /// a part of what there is.
    Asked { as_of: MessageId },
}

impl Manner {
    /// The last message that it can know of; `None` where that is its own.
    fn as_of(self) -> Option<MessageId> {
        match self {
            Manner::Told(_) => None,
            Manner::Fetched { as_of } | Manner::Asked { as_of } => Some(as_of),
        }
    }
}

/// What becomes of a block whose bytes were taken before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It was sent again: nothing changes, and the first answer counts.
    SameAnswer,
    /// It names no message of its own, so that the same bytes may be said of another moment.
    Anew,
}

/// A block of the LIMS that is on disk, and what it is told about it.
#[derive(Debug)]
pub struct Taken {
    pub transfer: TransferId,
    pub receipt: labwire_link::Receipt,
    pub texts: Vec<Vec<u8>>,
}

/// Writes what is said about a block, from what became of each request of each of its messages.
pub type Compose = Box<dyn FnOnce(&[Vec<Applied>]) -> Vec<Vec<u8>> + Send>;

impl Journal {
    /// Stores a block of a LIMS, does what its messages ask for and says what came of it.
    pub async fn take_orders(&self, block: Block, now: Timestamp) -> Result<Taken, JournalError> {
        let Block { source, within, parcel, told, compose, again, manner, cursor } = block;
        let (id, sha256) = (parcel.id, Sha256::digest(&parcel.raw));
        let done = self.submit(Urgency::Frame, move |connection| {
            let transfer = match within {
                Within::Open(transfer) => transfer,
                Within::New { source, peer } => begin(connection, &source, &peer, now)?,
            };
            let content = Sha256::digest(parcel.content());
            let before = match again {
                Again::SameAnswer => said_before(connection, &source, &content)?,
                Again::Anew => None,
            };
            let (stored, messages) = store(connection, transfer, &parcel, &sha256, now)?;
            let texts = match before {
                Some(texts) => texts,
                None => compose(&take(connection, (&source, manner), &messages, &told, now)?),
            };
            write_texts(connection, stored, &source, &content, &texts)?;
            done_with(connection, &messages, now)?;
            if let Some(cursor) = &cursor {
                connection
                    .prepare_cached("INSERT OR REPLACE INTO order_cursor VALUES (?, ?, ?)")?
                    .execute(params![source, cursor, now.as_microsecond()])?;
            }
            Ok((transfer, texts))
        });
        let (transfer, texts) = done.await?;
        Ok(Taken { transfer, receipt: sign(id), texts })
    }
}

fn said_before(
    connection: &Connection,
    source: &str,
    content: &[u8],
) -> Result<Option<Vec<Vec<u8>>>, JournalError> {
    let joined: Option<Vec<u8>> = connection
        .prepare_cached("SELECT texts FROM reply WHERE sha256 = ? AND source = ? ORDER BY parcel LIMIT 1")?
        .query_row(params![content, source], |row| row.get(0))
        .optional()?;
    Ok(joined.map(|joined| super::parcels::read_texts(&joined)))
}

fn take(
    connection: &Connection,
    (source, manner): (&str, Manner),
    messages: &[MessageId],
    told: &[Told],
    now: Timestamp,
) -> Result<Vec<Vec<Applied>>, JournalError> {
    let mut all = Vec::with_capacity(told.len());
    for (message, told) in messages.iter().zip(told) {
        let requests = &told.requests;
        let word = apply::Word { connection, source, manner, requests, message: *message, now };
        let mut applied = Vec::with_capacity(told.requests.len());
        let mut changed = Vec::new();
        for request in &told.requests {
            let (done, tube) = (word.request(request)?, &request.order.key.specimen);
            if let Applied::Refused(why) = &done {
                problem(connection, *message, Some(tube), UNREADABLE, why, now)?;
            }
            if done == Applied::Done && !matches!(request.asks, Asks::Become(_)) {
                let heard = word.heard_of(&request.order)?;
                if heard.names_another {
                    problem(connection, *message, Some(tube), ProblemKind::OtherPatient, ANOTHER, now)?;
                }
                changed.extend(heard.orders);
            }
            applied.push(done);
        }
        for tube in word.replace_others()? {
            problem(connection, *message, Some(&tube), UNREADABLE, REPLACED, now)?;
        }
        for change in &told.patients {
            changed.extend(word.patient(change)?);
        }
        let requested = told.requests.iter().filter(|it| !matches!(it.asks, Asks::Become(_)));
        for order in requested.map(|it| &it.order).chain(&changed) {
            for tube in word.contested(order)? {
                problem(connection, *message, Some(&tube), ProblemKind::OtherPatient, CONTESTED, now)?;
            }
        }
        for it in &told.problems {
            problem(connection, *message, it.specimen.as_ref(), UNREADABLE, it.text.reveal(), now)?;
        }
        let (step, subject) = ("orders taken", format!("message {message}"));
        let count = |wanted: fn(&Applied) -> bool| applied.iter().filter(|it| wanted(it)).count();
        let detail = format!(
            "{} done, {} unknown, {} overtaken, {} refused, {} of a patient, {} unreadable",
            count(|it| matches!(it, Applied::Done)),
            count(|it| matches!(it, Applied::Unknown)),
            count(|it| matches!(it, Applied::Overtaken)),
            count(|it| matches!(it, Applied::Refused(_))),
            changed.len(),
            told.problems.len()
        );
        audit::append(connection, &Step { at: now, actor: GATEWAY, step, subject, detail })?;
        all.push(applied);
    }
    Ok(all)
}

const UNREADABLE: ProblemKind = ProblemKind::UnreadableOrder;
const REPLACED: &str = "the LIMS placed an order whose number was known with other tests or for another specimen: those are \
     replaced and not done any more. If it sends the orders of a request one by one under one number, write \
     numbers = \"request\" in its [orders] table";
const CONTESTED: &str = "the LIMS has open orders of several patients for this label: no analyzer is told of it, and its results \
     wait; cancel or correct there all but one patient's";
const ANOTHER: &str = "the LIMS told an order of this label with another name and another day of birth than it told under the \
     patient's number before: what it told before stays as it was; correct the number there, or send the change of the patient";

/// Nothing that stands open in just these words is said twice.
fn problem(
    connection: &Connection,
    message: MessageId,
    specimen: Option<&SpecimenId>,
    kind: ProblemKind,
    text: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    let specimen = specimen.filter(|specimen| !specimen.is_blank()).map(SpecimenId::reveal);
    let stands = specimen.is_some()
        && connection
            .prepare_cached(
                "SELECT 1 FROM problem WHERE specimen = ? AND kind = ? AND text = ? AND closed_at IS NULL AND NOT withdrawn",
            )?
            .exists(params![specimen, kind.name(), text])?;
    if stands {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO problem (message, specimen, kind, text, replaces_result, seen_at)
             VALUES (?, ?, ?, ?, 0, ?)",
        )?
        .execute(params![message.0, specimen, kind.name(), text, now.as_microsecond()])?;
    Ok(())
}

/// What the LIMS says isn't for the runner, which reads instruments.
fn done_with(connection: &Connection, messages: &[MessageId], now: Timestamp) -> Result<(), JournalError> {
    for message in messages {
        connection
            .prepare_cached("UPDATE message SET processed_at = ?, state = 'processed' WHERE id = ?")?
            .execute(params![now.as_microsecond(), message.0])?;
    }
    Ok(())
}

/// Whether a message came from a LIMS: nobody reads it but who took it.
pub(super) fn is_from_lims(connection: &Connection, message: MessageId) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached("SELECT t.source FROM message m JOIN transfer t ON t.id = m.transfer WHERE m.id = ?")?
        .query_row([message.0], |row| row.get::<_, String>(0))?
        .starts_with(SOURCE))
}

/// What the name of every LIMS as a source begins with.
const SOURCE: &str = "orders ";

/// A LIMS by the name under which its transfers are stored, in words; nothing for what comes from anybody else.
pub(super) fn lims_in_words(source: &str) -> Option<String> {
    source.strip_prefix(SOURCE).map(|name| format!("the LIMS ({name})"))
}

/// The name under which a LIMS's transfers are stored.
pub fn source_name(name: &str) -> String {
    format!("{SOURCE}{name}")
}

/// Who tells orders under this name as a source; `None` where it is another kind of source.
pub fn teller(source: &str) -> Option<&str> {
    source.strip_prefix(SOURCE)
}

/// The names under which the transfers of those are stored who tell orders: theirs count.
pub fn source_names<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(source_name).collect()
}
