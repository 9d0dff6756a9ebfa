//! A patient's earlier results, as far as rules may compare with them: who may be meant by a number, and which results are
//! theirs. Only what tells which result it is is read of all of them; whether it counts, and what it says, is looked up of the few
//! that a rule may look at.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::json;
use crate::domain::{InstrumentId, Observation, Patient, Private, TestIdentity};
use crate::journal::read::observation;
use crate::journal::rows::{Alike, Outline, instant};
use crate::journal::{JournalError, MessageId, ObservationId, Reader};

/// A patient, by a number and who assigned it. Without an authority the same number of another source is another patient's.
#[derive(Clone, Copy)]
pub struct PatientKey<'a> {
    /// Found by the number and its authority alone; where an order tells a day of birth, an order that tells another one is another person's.
    pub patient: &'a Patient,
    /// Whose order named the patient; `None` where only an analyzer did.
    pub source: Option<&'a str>,
    /// Whose orders count.
    pub sources: &'a BTreeSet<String>,
}

impl<'a> PatientKey<'a> {
    /// The sources that mean this patient by this number. What an analyzer says can only be of the one source that there is.
    fn meant_by(&self) -> Vec<&'a str> {
        let all = self.sources.iter().map(String::as_str);
        match self.source {
            _ if !self.patient.authority.is_empty() => all.collect(),
            Some(source) => all.filter(|it| *it == source).collect(),
            None if self.sources.len() == 1 => all.collect(),
            None => Vec::new(),
        }
    }

    /// The day of birth where an order tells it: orders of one number tell one day.
    fn born(&self) -> String {
        self.source.map(|_| self.patient.day_of_birth()).unwrap_or_default()
    }

    /// Whether an analyzer that says this number, and the same of who assigned it, can't mean another source's patient.
    fn is_what_analyzers_mean(&self) -> bool {
        !self.patient.authority.is_empty() || self.source.is_none() || self.sources.len() == 1
    }
}

/// An earlier result of a patient.
pub struct Earlier {
    pub id: ObservationId,
    pub message: MessageId,
    pub received_at: Timestamp,
    outline: Outline,
    counts: OnceCell<bool>,
}

impl Earlier {
    pub fn instrument(&self) -> &InstrumentId {
        &self.outline.test.instrument
    }

    pub fn test(&self) -> &TestIdentity {
        &self.outline.test.test
    }

    pub fn loinc(&self) -> Option<&str> {
        self.outline.test.loinc.as_deref()
    }

    /// Whom the analyzer named.
    pub fn patient(&self) -> &Private<Patient> {
        &self.outline.patient
    }

    /// As [`Observation::told_at`].
    pub fn told_at(&self) -> Option<Timestamp> {
        self.outline.told_at
    }

    /// Whether it is the current version, nobody has rejected it, nothing puts it in doubt, and its message is of no test or
    /// training. That a destination takes nothing which nobody has released doubts no value.
    pub fn counts(&self, reader: &Reader) -> Result<bool, JournalError> {
        if let Some(counts) = self.counts.get() {
            return Ok(*counts);
        }
        let is_out = reader
            .connection
            .prepare_cached(
                "SELECT 1 FROM observation WHERE supersedes = ?1
                 UNION ALL SELECT 1 FROM hold WHERE observation = ?1 AND (closing = 'rejected'
                    OR closed_at IS NULL AND reason <> 'not-released')
                 UNION ALL SELECT 1 FROM problem WHERE message = ?2 AND kind = 'not-production'",
            )?
            .exists([self.id.0, self.message.0])?;
        Ok(*self.counts.get_or_init(|| !is_out))
    }

    /// Whether it waits for a person; nothing where it is no current version, somebody has rejected it, or its message is of a
    /// test or training.
    pub fn waits(&self, reader: &Reader) -> Result<Option<bool>, JournalError> {
        let held = reader
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM hold WHERE observation = ?1 AND closed_at IS NULL)
                 WHERE NOT EXISTS (SELECT 1 FROM observation WHERE supersedes = ?1)
                 AND NOT EXISTS (SELECT 1 FROM hold WHERE observation = ?1 AND closing = 'rejected')
                 AND NOT EXISTS (SELECT 1 FROM problem WHERE message = ?2 AND kind = 'not-production')",
            )?
            .query_row([self.id.0, self.message.0], |row| row.get(0))
            .optional()?;
        Ok(held)
    }

    /// Whether it tells whose the patient ID is: it need not have left for that, where nothing puts it in doubt but that nobody has
    /// released it, or its value.
    pub fn identifies(&self, reader: &Reader) -> Result<bool, JournalError> {
        let is_out = reader
            .connection
            .prepare_cached(
                "SELECT 1 FROM observation WHERE supersedes = ?1
                 UNION ALL SELECT 1 FROM hold WHERE observation = ?1 AND (closing = 'rejected'
                    OR closed_at IS NULL AND reason NOT IN ('not-released', 'critical', 'delta', 'suspended'))
                 UNION ALL SELECT 1 FROM problem WHERE message = ?2 AND kind = 'not-production'",
            )?
            .exists([self.id.0, self.message.0])?;
        Ok(!is_out)
    }

    /// The whole of it.
    ///
    /// # Errors
    /// The journal holds something else than an observation.
    pub fn observation(&self, reader: &Reader) -> Result<Observation, JournalError> {
        reader
            .connection
            .prepare_cached("SELECT detail FROM observation WHERE id = ?")?
            .query_row([self.id.0], |row| Ok(observation(row, 0)))?
    }
}

impl Reader {
    /// The latest final results of a patient, at most `limit`, without those of some specimens; not each
    /// [counts](Earlier::counts). A specimen belongs to whom its orders name; the analyzer's own word is taken where there is no
    /// order and it can't mean another source's patient.
    pub fn history(
        &self,
        patient: PatientKey<'_>,
        except: &[&str],
        limit: usize,
    ) -> Result<Vec<Earlier>, JournalError> {
        let (meant_by, except) = (patient.meant_by(), json(&except)?);
        let mut alike = Alike::default();
        let mut known = match meant_by.is_empty() {
            true => Vec::new(),
            false => self.history_by_orders(&patient, &json(&meant_by)?, &except, limit, &mut alike)?,
        };
        if patient.is_what_analyzers_mean() {
            known.extend(self.history_by_analyzers(patient.patient, &except, limit, &mut alike)?);
        }
        known.sort_by_key(|it| std::cmp::Reverse(it.id));
        known.truncate(limit);
        Ok(known)
    }

    fn history_by_orders(
        &self,
        patient: &PatientKey<'_>,
        sources: &str,
        except: &str,
        limit: usize,
        alike: &mut Alike,
    ) -> Result<Vec<Earlier>, JournalError> {
        let Patient { id, authority, .. } = patient.patient;
        let mut statement = self.connection.prepare_cached(
                "SELECT o.id, o.message, m.received_at, o.detail
                 FROM observation o JOIN message m ON m.id = o.message
                 WHERE o.specimen IN (SELECT l.label FROM lab_order p JOIN order_label l ON l.lab_order = p.id
                     WHERE p.source IN (SELECT value FROM json_each(?1)) AND p.patient = ?2 AND p.authority = ?3)
                 AND NOT EXISTS (SELECT 1 FROM order_label l JOIN lab_order q ON q.id = l.lab_order
                     WHERE l.label = o.specimen AND (q.patient <> ?2 OR q.authority <> ?3
                         OR ?3 = '' AND q.source NOT IN (SELECT value FROM json_each(?1))
                         OR ?6 <> '' AND substr(replace(json_extract(q.detail, '$.patient.birth_date'), '-', ''), 1, 8)
                             NOT IN ('', ?6)))
                 AND o.specimen NOT IN (SELECT value FROM json_each(?4)) AND o.class = 'patient'
                 AND o.status IN ('final', 'correction')
                 ORDER BY o.id DESC LIMIT ?5",
        )?;
        let known = params![sources, id, authority, except, limit, patient.born()];
        statement.query_and_then(known, |row| earlier(row, alike))?.collect()
    }

    fn history_by_analyzers(
        &self,
        patient: &Patient,
        except: &str,
        limit: usize,
        alike: &mut Alike,
    ) -> Result<Vec<Earlier>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT o.id, o.message, m.received_at, o.detail FROM observation o JOIN message m ON m.id = o.message
             WHERE json_extract(o.detail, '$.patient.id') = ?1
             AND coalesce(json_extract(o.detail, '$.patient.authority'), '') = ?2 AND o.class = 'patient'
             AND o.specimen NOT IN (SELECT value FROM json_each(?3))
             AND NOT EXISTS (SELECT 1 FROM order_label l WHERE l.label = o.specimen)
             AND o.status IN ('final', 'correction')
             ORDER BY o.id DESC LIMIT ?4",
        )?;
        let known = params![patient.id, patient.authority, except, limit];
        statement.query_and_then(known, |row| earlier(row, alike))?.collect()
    }
}

fn earlier(row: &rusqlite::Row<'_>, alike: &mut Alike) -> Result<Earlier, JournalError> {
    Ok(Earlier {
        id: ObservationId(row.get(0)?),
        message: MessageId(row.get(1)?),
        received_at: instant(row.get(2)?),
        outline: Outline::read(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?, alike)?,
        counts: OnceCell::new(),
    })
}
