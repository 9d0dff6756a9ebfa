//! Whose orders are, when the LIMS says that two numbers are one patient's: the orders that are known, and every later word
//! about the number that is gone, follow the one that survives. It never takes a merge back by itself.

use rusqlite::{Connection, OptionalExtension, params};

use super::apply::Word;
use super::particulars::{Last, Said, Theirs};
use super::{CachedOrder, rows};
use crate::domain::{Order, Patient, PatientChange, Private};
use crate::journal::{JournalError, Reader};

/// How many merges one number is followed through.
const MERGES: usize = 16;

/// Newer particulars; what they leave out stays. A number goes with who assigned it.
pub(super) fn newer(new: &Patient, old: &Patient) -> Patient {
    let either = |new: &str, old: &str| if new.is_empty() { old } else { new }.to_owned();
    let number = if new.id.is_empty() { old } else { new };
    Patient {
        id: number.id.clone(),
        authority: number.authority.clone(),
        name: either(&new.name, &old.name),
        birth_date: either(&new.birth_date, &old.birth_date),
        sex: either(&new.sex, &old.sex),
        location: either(&new.location, &old.location),
    }
}

/// Whose a number is: an authority's is everybody's, one without is its source's own.
pub(super) fn scope<'a>(source: &'a str, authority: &str) -> &'a str {
    if authority.is_empty() { source } else { "" }
}

impl Word<'_> {
    /// Gives the patient's orders the new particulars: those of the number until now, and those of the number that survives.
    /// What was another person's under it before stays that person's. Returns what changed, as it is now.
    pub(super) fn patient(&self, change: &PatientChange) -> Result<Vec<Order>, JournalError> {
        let ((id, authority), into) = (change.known_as.reveal(), change.patient.reveal());
        let before = self.last_of(id, authority)?;
        self.remember_merge(change)?;
        let last = self.last_of(&into.id, &into.authority)?;
        let is_overtaken = last.as_ref().is_some_and(|last| self.is_older_than(last));
        let whole = match &last {
            Some(last) if is_overtaken => newer(&last.patient, into),
            Some(last) => newer(into, &last.patient),
            None => into.clone(),
        };
        if !is_overtaken {
            self.keep_last(&whole, Said::Patient)?;
        }
        // Where the patient lies is only said by what names a ward, and of what is still to be done.
        let told = Patient { location: into.location.clone(), ..whole };
        let mut theirs: Vec<(Theirs, &Option<Last>)> =
            self.of_patient(id, authority)?.into_iter().map(|it| (it, &before)).collect();
        if is_merge(change) {
            theirs.extend(self.of_patient(&into.id, &into.authority)?.into_iter().map(|it| (it, &last)));
        }
        let mut orders = Vec::new();
        for (Theirs { id, is_open, mut order }, last) in theirs {
            let now = order.patient.reveal();
            let location = if is_open { told.location.clone() } else { String::new() };
            let told = Patient { location, ..told.clone() };
            let is_anothers = now.may_be_another(&told)
                && last.as_ref().is_some_and(|last| now.may_be_another(&last.patient));
            let after = match is_anothers {
                true => Patient { id: told.id, authority: told.authority, ..now.clone() },
                false => newer(&told, now),
            };
            if after != *now {
                order.patient = Private::new(after);
                self.write(id, &order, None, "patient")?;
                orders.push(order);
            }
        }
        Ok(orders)
    }

    /// A number that survives is nobody else's any more.
    fn remember_merge(&self, change: &PatientChange) -> Result<(), JournalError> {
        let ((id, authority), into) = (change.known_as.reveal(), change.patient.reveal());
        if !is_merge(change) {
            return Ok(());
        }
        self.connection
            .prepare_cached("DELETE FROM patient_merge WHERE scope = ? AND id = ? AND authority = ?")?
            .execute(params![scope(self.source, &into.authority), into.id, into.authority])?;
        // Should somebody else get the number one day, nothing of this patient is theirs.
        self.connection
            .prepare_cached("DELETE FROM patient_word WHERE scope = ? AND id = ? AND authority = ?")?
            .execute(params![scope(self.source, authority), id, authority])?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO patient_merge VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![
                scope(self.source, authority),
                id,
                authority,
                into.id,
                into.authority,
                rows::write_patient(into)?,
                self.message.0,
                self.now.as_microsecond()
            ])?;
        Ok(())
    }

    /// An order under a number that the LIMS has merged into another is the other's.
    pub(super) fn of_survivor(&self, order: &Order) -> Result<Order, JournalError> {
        let mut order = order.clone();
        for _ in 0..MERGES {
            let now = order.patient.reveal();
            let Some(survivor) = survivor(self.connection, self.source, now)? else { break };
            order.patient = Private::new(newer(&survivor, now));
        }
        Ok(order)
    }
}

fn is_merge(change: &PatientChange) -> bool {
    let ((id, authority), into) = (change.known_as.reveal(), change.patient.reveal());
    (id, authority) != (&into.id, &into.authority)
}

fn survivor(connection: &Connection, source: &str, gone: &Patient) -> Result<Option<Patient>, JournalError> {
    let Patient { id, authority, .. } = gone;
    if id.is_empty() {
        return Ok(None);
    }
    let found: Option<String> = connection
        .prepare_cached("SELECT patient FROM patient_merge WHERE scope = ? AND id = ? AND authority = ?")?
        .query_row(params![scope(source, authority), id, authority], |row| row.get(0))
        .optional()?;
    found.map(|patient| rows::read_patient(&patient)).transpose()
}

impl Reader {
    /// How the patient of an order was known before the LIMS said that the patient has another number or other particulars:
    /// an analyzer that was told of the tube earlier still says so.
    pub fn earlier_patients(&self, order: &CachedOrder) -> Result<Vec<Patient>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT word, detail FROM order_word WHERE lab_order = ? ORDER BY id")?;
        let mut rows = statement.query([order.id.0])?;
        let (mut earlier, mut before): (Vec<Patient>, Option<Patient>) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            let now = rows::read(&row.get::<_, String>(1)?)?.patient.into_inner();
            let is_same = |it: &Patient| {
                !now.id.is_empty()
                    && (&it.id, &it.authority) == (&now.id, &now.authority)
                    && !it.may_be_another(&now)
            };
            match (row.get_ref(0)?.as_str() == Ok("patient"), &before) {
                (true, Some(it)) => earlier.push(it.clone()),
                (false, Some(it)) if is_same(it) && *it != now => earlier.push(it.clone()),
                // It may mean another person.
                (false, Some(it)) if it.id != now.id => earlier.clear(),
                _ => {}
            }
            before = Some(now);
        }
        drop(rows);
        let patient = order.order.patient.reveal();
        let mut merged = self.connection.prepare_cached(
            "SELECT id FROM patient_merge WHERE into_id = ? AND into_authority = ? AND scope IN ('', ?)",
        )?;
        let numbers =
            merged.query_map(params![patient.id, patient.authority, order.source], |row| row.get(0))?;
        for id in numbers {
            // Under which name is nobody's to say.
            earlier.push(Patient { id: id?, name: String::new(), ..patient.clone() });
        }
        Ok(earlier)
    }
}
