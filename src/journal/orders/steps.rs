//! Which work an analyzer was told of, test by test: written before a byte of it leaves, so that the same work keeps its
//! number and is taken back under it. It sends nothing.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::domain::{InstrumentId, SpecimenId};
use crate::journal::writer::Urgency;
use crate::journal::{Journal, JournalError};

/// What is about to be told of a tube.
#[derive(Debug, Clone)]
pub struct Telling {
    pub instrument: InstrumentId,
    pub specimen: SpecimenId,
    /// The instrument's codes.
    pub tests: Vec<String>,
    /// Stands for the patient, the priority and the specimen.
    pub particulars: String,
    pub steps: Stepping,
    /// Numbers that were never used, at least one for each test.
    pub fresh: Vec<String>,
}

/// What a step is in the instrument's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepping {
    /// Told once under its number; what changed is taken back and told anew under another.
    Numbered,
    /// Without a number: it is told again.
    Unnumbered,
}

/// How it is to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// One for each test.
    pub numbers: Vec<String>,
    /// Code and number of what is to be taken back.
    pub withdrawn: Vec<(String, String)>,
    /// Whether the instrument was told of the tube before.
    pub is_known: bool,
}

struct Row {
    id: i64,
    code: String,
    number: String,
    particulars: String,
    state: String,
}

impl Journal {
    /// Puts down what an instrument may know of a tube from now on.
    pub async fn tell_work(&self, telling: Telling, now: Timestamp) -> Result<Steps, JournalError> {
        self.submit(Urgency::Frame, move |connection| tell(connection, &telling, now)).await
    }
}

fn tell(connection: &Connection, it: &Telling, now: Timestamp) -> Result<Steps, JournalError> {
    let (instrument, specimen) = (it.instrument.as_str(), it.specimen.reveal());
    let rows = open(connection, instrument, specimen)?;
    let becomes = |id: i64, state: &str| -> Result<(), JournalError> {
        connection
            .prepare_cached("UPDATE work_step SET state = ?, particulars = ?, at = ? WHERE id = ?")?
            .execute(params![state, it.particulars, now.as_microsecond(), id])?;
        Ok(())
    };
    let is_numbered = it.steps == Stepping::Numbered;
    let is_known = rows.iter().any(|row| row.state != "telling");
    let mut steps = Steps { is_known, ..Steps::default() };
    let mut fresh = it.fresh.iter();
    let withdraws = |row: &Row| row.state == "withdrawing";
    for row in rows.iter().filter(|row| withdraws(row)) {
        steps.withdrawn.push((row.code.clone(), row.number.clone()));
    }
    for code in &it.tests {
        let stands = rows.iter().find(|row| row.code == *code && !withdraws(row));
        match stands {
            Some(row) if !is_numbered || row.particulars == it.particulars => {
                becomes(row.id, &row.state)?;
                steps.numbers.push(row.number.clone());
                continue;
            }
            Some(row) => {
                becomes(row.id, "withdrawing")?;
                steps.withdrawn.push((row.code.clone(), row.number.clone()));
            }
            None => {}
        }
        let number = fresh.next().ok_or_else(|| JournalError::Refused("a step has no number".to_owned()))?;
        connection
            .prepare_cached(
                "INSERT INTO work_step (instrument, specimen, code, number, particulars, state, at)
                 VALUES (?, ?, ?, ?, ?, 'telling', ?)",
            )?
            .execute(params![instrument, specimen, code, number, it.particulars, now.as_microsecond()])?;
        steps.numbers.push(number.clone());
    }
    for row in rows.iter().filter(|row| is_numbered && !withdraws(row) && !it.tests.contains(&row.code)) {
        // What is measured already can't be taken back.
        let is_done = connection
            .prepare_cached("SELECT 1 FROM observation WHERE specimen = ? AND code = ? AND instrument = ?")?
            .exists(params![specimen, row.code, instrument])?;
        if !is_done {
            becomes(row.id, "withdrawing")?;
            steps.withdrawn.push((row.code.clone(), row.number.clone()));
        }
    }
    Ok(steps)
}

fn open(connection: &Connection, instrument: &str, specimen: &str) -> Result<Vec<Row>, JournalError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, code, number, particulars, state FROM work_step
         WHERE instrument = ? AND specimen = ? AND state IN ('telling', 'told', 'withdrawing') ORDER BY id",
    )?;
    let rows = statement.query_map([instrument, specimen], |row| {
        Ok(Row {
            id: row.get(0)?,
            code: row.get(1)?,
            number: row.get(2)?,
            particulars: row.get(3)?,
            state: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What was being told of a tube is known to have left.
pub(in crate::journal) fn told(
    connection: &Connection,
    instrument: &str,
    specimen: &str,
) -> Result<(), JournalError> {
    connection
        .prepare_cached(
            "UPDATE work_step SET state = CASE state WHEN 'telling' THEN 'told' ELSE 'over' END
             WHERE instrument = ? AND specimen = ? AND state IN ('telling', 'withdrawing')",
        )?
        .execute([instrument, specimen])?;
    Ok(())
}
