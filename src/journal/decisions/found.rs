//! What rules in force have found of a stored result and no later answer has taken back. That a rule can't be asked any more
//! is no answer: what it found stands until rules decide otherwise.

use rusqlite::Connection;

use super::{StoredDecision, read};
use crate::domain::clinic::Force;
use crate::journal::{JournalError, ObservationId, Reader};

/// Of what rules in force decided of one result, oldest first: what a person should see, as far as nothing decided later
/// answers the same question.
pub fn standing<'a>(decided: impl IntoIterator<Item = &'a StoredDecision>) -> Vec<&'a StoredDecision> {
    let mut standing: Vec<&StoredDecision> = Vec::new();
    for decision in decided {
        standing.retain(|before| !decision.answers(before));
        if decision.wants_a_person() {
            standing.push(decision);
        }
    }
    standing
}

/// What the last set of rules that judged a result made of it.
struct Judged {
    /// What it decided the last time.
    last: Vec<StoredDecision>,
    /// What it found, in the order in which it was found, as far as that was asked the last time too: a rule that isn't for the
    /// result's patient or test any more has found nothing.
    found: Vec<StoredDecision>,
}

impl Judged {
    fn of(connection: &Connection, id: ObservationId) -> Result<Option<Judged>, JournalError> {
        let judged: Vec<(String, String)> = connection
            .prepare_cached(
                "SELECT rules, decisions FROM evaluation WHERE observation = ? AND force = ? ORDER BY id",
            )?
            .query_map((id.0, Force::InForce.name()), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let Some((rules, _)) = judged.last() else { return Ok(None) };
        let mut decided: Vec<Vec<StoredDecision>> = judged
            .iter()
            .filter(|(by, _)| by == rules)
            .map(|(_, decisions)| read(decisions))
            .collect::<Result<_, _>>()?;
        let standing: Vec<StoredDecision> = standing(decided.iter().flatten()).into_iter().cloned().collect();
        let Some(last) = decided.pop() else { return Ok(None) };
        let is_asked = |it: &StoredDecision| last.iter().any(|now| now.shares_a_rule(it));
        let found = standing.into_iter().filter(is_asked).collect();
        Ok(Some(Judged { last, found }))
    }
}

/// What the last set of rules that judged a result found of it, in the order in which it was found.
pub(in crate::journal) fn found(
    connection: &Connection,
    id: ObservationId,
) -> Result<Vec<StoredDecision>, JournalError> {
    Ok(Judged::of(connection, id)?.map(|it| it.found).unwrap_or_default())
}

impl Reader {
    /// What rules in force say of a result: what was decided the last time, and in the place of a rule that couldn't be asked then,
    /// what it had found before.
    pub fn decided(&self, id: ObservationId) -> Result<Vec<StoredDecision>, JournalError> {
        let Some(Judged { last, found }) = Judged::of(&self.connection, id)? else { return Ok(Vec::new()) };
        let had_found = |now: &StoredDecision| {
            !now.is_evaluated() && found.iter().any(|before| before != now && before.shares_a_rule(now))
        };
        let (mut decided, mut before) = (last, found.clone());
        decided.retain(|now| !had_found(now));
        before.retain(|it| !decided.contains(it));
        Ok(decided.into_iter().chain(before).collect())
    }
}
