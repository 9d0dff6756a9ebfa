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

/// Newer particulars; what they leave out stays.
pub(super) fn newer(new: &Patient, old: &Patient) -> Patient {
    let either = |new: &str, old: &str| if new.is_empty() { old } else { new }.to_owned();
    Patient {
        id: either(&new.id, &old.id),
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
        let last = self.last_of(&into.id, &change.authority)?;
        let is_overtaken = last.as_ref().is_some_and(|last| self.is_older_than(last));
        let whole = match &last {
            Some(last) if is_overtaken => newer(&last.patient, into),
            Some(last) => newer(into, &last.patient),
            None => into.clone(),
        };
        if !is_overtaken {
            self.keep_last(&whole, &change.authority, Said::Patient)?;
        }
        // Where the patient lies is only said by what names a ward, and of what is still to be done.
        let told = Patient { location: into.location.clone(), ..whole };
        let mut theirs: Vec<(Theirs, &Option<Last>)> =
            self.of_patient(id, authority)?.into_iter().map(|it| (it, &before)).collect();
        if is_merge(change) {
            theirs.extend(self.of_patient(&into.id, &change.authority)?.into_iter().map(|it| (it, &last)));
        }
        let mut orders = Vec::new();
        for (Theirs { id, is_open, mut order }, last) in theirs {
            let now = order.patient.reveal();
            let location = if is_open { told.location.clone() } else { String::new() };
            let told = Patient { location, ..told.clone() };
            let is_anothers = now.may_be_another(&told)
                && last.as_ref().is_some_and(|last| now.may_be_another(&last.patient));
            let after = match is_anothers {
                true => Patient { id: told.id.clone(), ..now.clone() },
                false => newer(&told, now),
            };
            if after != *now || order.authority != change.authority {
                order.patient = Private::new(after);
                order.authority.clone_from(&change.authority);
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
            .execute(params![scope(self.source, &change.authority), into.id, change.authority])?;
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
                change.authority,
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
            let Some((patient, authority)) = survivor(self.connection, self.source, &order)? else { break };
            order.patient = Private::new(newer(&patient, order.patient.reveal()));
            order.authority = authority;
        }
        Ok(order)
    }
}

fn is_merge(change: &PatientChange) -> bool {
    let ((id, authority), into) = (change.known_as.reveal(), change.patient.reveal());
    (id, authority) != (&into.id, &change.authority)
}

fn survivor(
    connection: &Connection,
    source: &str,
    order: &Order,
) -> Result<Option<(Patient, String)>, JournalError> {
    let id = &order.patient.reveal().id;
    if id.is_empty() {
        return Ok(None);
    }
    let found: Option<(String, String)> = connection
        .prepare_cached(
            "SELECT patient, into_authority FROM patient_merge WHERE scope = ? AND id = ? AND authority = ?",
        )?
        .query_row(params![scope(source, &order.authority), id, order.authority], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    found.map(|(patient, authority)| Ok((rows::read_patient(&patient)?, authority))).transpose()
}

impl Reader {
    /// How the patient of an order was known before the LIMS said that the patient has another number or other particulars:
    /// an analyzer that was told of the tube earlier still says so.
    pub fn earlier_patients(&self, order: &CachedOrder) -> Result<Vec<Patient>, JournalError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT word, detail FROM order_word WHERE lab_order = ? ORDER BY id")?;
        let mut rows = statement.query([order.id.0])?;
        let (mut earlier, mut before): (Vec<Patient>, Option<(Patient, String)>) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            let told = rows::read(&row.get::<_, String>(1)?)?;
            let (now, authority) = (told.patient.reveal().clone(), told.authority);
            let is_same = |(it, by): &(Patient, String)| {
                !now.id.is_empty() && (&it.id, by) == (&now.id, &authority) && !it.may_be_another(&now)
            };
            match (row.get_ref(0)?.as_str() == Ok("patient"), &before) {
                (true, Some((it, _))) => earlier.push(it.clone()),
                (false, Some(it)) if is_same(it) && it.0 != now => earlier.push(it.0.clone()),
                // It may mean another person.
                (false, Some((it, _))) if it.id != now.id => earlier.clear(),
                _ => {}
            }
            before = Some((now, authority));
        }
        drop(rows);
        let patient = order.order.patient.reveal();
        let mut merged = self.connection.prepare_cached(
            "SELECT id FROM patient_merge WHERE into_id = ? AND into_authority = ? AND scope IN ('', ?)",
        )?;
        let numbers =
            merged.query_map(params![patient.id, order.order.authority, order.source], |row| row.get(0))?;
        for id in numbers {
            // Under which name is nobody's to say.
            earlier.push(Patient { id: id?, name: String::new(), ..patient.clone() });
        }
        Ok(earlier)
    }
}
