//! What rules in force have found of a stored result and no later answer has taken back. That a rule can't be asked any more
//! is no answer: what it found stands until rules decide otherwise.

use rusqlite::Connection;

use super::{StoredDecision, read};
use crate::domain::clinic::Force;
use crate::journal::{JournalError, ObservationId};

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

/// What the last set of rules that judged a result found of it, in the order in which it was found, as far as it was asked of
/// the result the last time too: a rule that isn't for its patient or test any more has found nothing.
pub(in crate::journal) fn found(
    connection: &Connection,
    id: ObservationId,
) -> Result<Vec<StoredDecision>, JournalError> {
    let judged: Vec<(String, String)> = connection
        .prepare_cached(
            "SELECT rules, decisions FROM evaluation WHERE observation = ? AND force = ? ORDER BY id",
        )?
        .query_map((id.0, Force::InForce.name()), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let Some((last, _)) = judged.last() else { return Ok(Vec::new()) };
    let by_last = judged.iter().filter(|(rules, _)| rules == last);
    let decided: Vec<Vec<StoredDecision>> =
        by_last.map(|(_, decisions)| read(decisions)).collect::<Result<_, _>>()?;
    let asked = decided.last().map_or(&[][..], Vec::as_slice);
    let standing = standing(decided.iter().flatten()).into_iter();
    Ok(standing.filter(|it| asked.iter().any(|now| now.shares_a_rule(it))).cloned().collect())
}
