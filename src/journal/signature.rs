//! A day signed off by a named person, as a sheet of paper would be: what its sums and exceptions came to at that moment. A
//! signature is a row of the audit and stands nowhere else; it changes nothing, and a day may have several.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::days::Span;
use super::rows::instant;
use super::writer::Urgency;
use super::{Journal, JournalError, Reader, audit};

/// How long after its end a day may be signed off. It bounds what is read to find its signatures.
const OPEN_FOR: SignedDuration = SignedDuration::from_hours(31 * 24);
/// How far a clock may have been set back.
const SLACK: SignedDuration = SignedDuration::from_hours(24);
const STEP: &str = "day signed off";
/// The longest reason, in characters.
const LONGEST: usize = 500;

/// What somebody signs.
#[derive(Debug, Clone)]
pub struct SigningOff {
    /// As 2026-11-20.
    pub day: String,
    pub span: Span,
    /// How many lines of it are open.
    pub open: usize,
    pub balances: bool,
    /// SHA-256 of what it comes to, in hexadecimal.
    pub report: String,
    pub by: String,
    pub account: String,
    /// Why it is signed though something is open. May be empty where nothing is.
    pub reason: String,
}

/// What was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub at: Timestamp,
    pub by: String,
    pub open: usize,
    pub balanced: bool,
    pub reason: String,
    /// SHA-256 of what the day came to then, in hexadecimal.
    pub report: String,
}

/// As the audit keeps it.
#[derive(Serialize, Deserialize)]
struct Detail {
    by: String,
    open: usize,
    balanced: bool,
    reason: String,
    report: String,
}

impl Journal {
    /// Keeps a signature.
    ///
    /// # Errors
    /// Refused, with the reason, where nobody is named, where something is open and no reason is given, or where the day is long
    /// over.
    pub async fn sign_off(&self, it: SigningOff, now: Timestamp) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            let refused = |why: &str| Err(JournalError::Refused(why.to_owned()));
            if it.by.trim().is_empty() {
                return refused("a day is signed off by a named person");
            }
            if it.reason.trim().is_empty() && (it.open > 0 || !it.balances) {
                return refused("something of this day is open; say why it is signed off all the same");
            }
            if it.reason.chars().count() > LONGEST {
                return refused("a reason has at most 500 characters");
            }
            if now < it.span.from || now.duration_since(it.span.to) > OPEN_FOR {
                return refused("a day is signed off from its beginning on and up to 31 days after its end");
            }
            let detail = Detail {
                by: it.by.trim().to_owned(),
                open: it.open,
                balanced: it.balances,
                reason: it.reason.trim().to_owned(),
                report: it.report.clone(),
            };
            let detail = serde_json::to_string(&detail).map_err(|error| {
                JournalError::Refused(format!("failed to write a signature as JSON: {error}"))
            })?;
            let subject = subject(&it.day);
            let step = audit::Step { at: now, actor: &it.account, step: STEP, subject, detail };
            audit::append(connection, &step)
        })
        .await
    }
}

fn subject(day: &str) -> String {
    format!("day {day}")
}

impl Reader {
    /// Who signed a day off, in the order of time.
    pub fn signatures(&self, day: &str, span: Span) -> Result<Vec<Signature>, JournalError> {
        let _moment = self.moment()?;
        let first = self.first_of_audit(span.from.saturating_sub(SLACK).unwrap_or(Timestamp::MIN))?;
        let end = span.to.saturating_add(OPEN_FOR + SLACK).unwrap_or(Timestamp::MAX);
        let last = self.first_of_audit(end)?;
        let mut statement = self.connection.prepare_cached(
            "SELECT at, detail FROM audit WHERE id >= ?1 AND id < ?2 AND step = ?3 AND subject = ?4 ORDER BY id",
        )?;
        let rows = statement.query_map(params![first, last, STEP, subject(day)], |row| {
            Ok((instant(row.get(0)?), row.get::<_, String>(1)?))
        })?;
        rows.map(|row| {
            let (at, detail) = row?;
            let Detail { by, open, balanced, reason, report } = serde_json::from_str(&detail)
                .map_err(|error| JournalError::Refused(format!("failed to read a signature: {error}")))?;
            Ok(Signature { at, by, open, balanced, reason, report })
        })
        .collect()
    }

    /// The number of the first row of the audit that was written then or later. Its rows are numbered without gaps, in the order
    /// of time.
    fn first_of_audit(&self, at: Timestamp) -> Result<i64, JournalError> {
        let count: i64 = self
            .connection
            .prepare_cached("SELECT coalesce(max(id), 0) FROM audit")?
            .query_row([], |row| row.get(0))?;
        let mut written = self.connection.prepare_cached("SELECT at FROM audit WHERE id = ?")?;
        let (mut low, mut high) = (1, count + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let then: Option<i64> = written.query_row([middle], |row| row.get(0)).optional()?;
            if then.is_some_and(|then| then < at.as_microsecond()) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }
}
