//! Decides every decision on controls again, from what is stored of it alone. It changes nothing.

use super::super::{JournalError, Reader};
use super::judge::{Known, decide, known};
use super::rows::{read_ids, read_rules, written_violations};
use crate::domain::qc::Program;

/// How many decisions are read at once.
const PAGE: usize = 500;

/// A decision as it was written.
struct Written {
    id: i64,
    run: i64,
    program: String,
    rules: String,
    points: String,
    outcome: String,
    violations: String,
}

impl Reader {
    /// Tells how many decisions there are, and which come out otherwise.
    pub fn qc_replay(&self) -> Result<(usize, Vec<String>), JournalError> {
        let (mut count, mut otherwise, mut after) = (0, Vec::new(), 0);
        loop {
            let page = self.qc_decisions(after)?;
            let Some(last) = page.last() else { return Ok((count, otherwise)) };
            (after, count) = (last.id, count + page.len());
            for written in &page {
                otherwise.extend(self.otherwise(written)?);
            }
        }
    }

    fn qc_decisions(&self, after: i64) -> Result<Vec<Written>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT d.id, d.run, d.program, s.text, d.points, d.outcome, d.violations
             FROM qc_decision d JOIN qc_rules s ON s.sha256 = d.rules WHERE d.id > ? ORDER BY d.id LIMIT ?",
        )?;
        let rows = statement.query_map([after, i64::try_from(PAGE).unwrap_or(i64::MAX)], |row| {
            Ok(Written {
                id: row.get(0)?,
                run: row.get(1)?,
                program: row.get(2)?,
                rules: row.get(3)?,
                points: row.get(4)?,
                outcome: row.get(5)?,
                violations: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What is other now than it was then.
    fn otherwise(&self, then: &Written) -> Result<Option<String>, JournalError> {
        let Written { id, run, program, outcome, .. } = then;
        let Some(reading) = Program::from_name(program) else {
            return Ok(Some(format!("decision {id} was made by {program}, which this version doesn't have")));
        };
        let points = self.qc_points_of(&read_ids(&then.points)?)?;
        let (_, again, broken) = decide(&points, *run, &read_rules(&then.rules)?, reading);
        let is_same = again.name() == outcome && written_violations(&broken)? == then.violations;
        Ok((!is_same).then(|| format!("decision {id} of run {run}: {outcome} then, {} now", again.name())))
    }

    fn qc_points_of(&self, ids: &[i64]) -> Result<Vec<Known>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT p.observation, p.run, r.began_at, p.lot, p.level, p.value, p.mean, p.sd, p.measured_at, 0
             FROM qc_point p JOIN qc_run r ON r.id = p.run WHERE p.observation = ?",
        )?;
        ids.iter().map(|id| Ok(statement.query_row([id], known)?)).collect()
    }
}
