//! Stored results that rules were asked about again: what they decide now is put beside what they decided before, and a hold
//! that only rules or the want of an order had opened stands or falls with it. What a person has let go or kept back, and
//! what has left, stays as it is; what was only to leave is held where a later message puts it in doubt.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::beside::{forget, is_due};
use super::{Judged, StoredDecision, keep_rules, kept, read, write};
use crate::domain::clinic::{Evaluation, Force};
use crate::domain::{DestinationId, HoldReason, ProblemKind};
use crate::journal::audit::{self, GATEWAY, Step};
use crate::journal::calls;
use crate::journal::history::Unanswered;
use crate::journal::ledger::{reopen_lanes, unannounce};
use crate::journal::orders::{self, Link};
use crate::journal::reassign::let_go;
use crate::journal::writer::Urgency;
use crate::journal::{Journal, JournalError, ObservationId};

/// Why rules are asked again where a later message has brought something of a specimen.
pub const MORE_WAS_MEASURED: &str = "more was measured of the specimen";
/// Or the LIMS has told an order, and with it whose the specimen is.
pub const THE_LIMS_SPOKE: &str = "the LIMS spoke of its orders";
/// Or the LIMS has told the patient's earlier values, or let the time run out.
pub const HISTORY_WAS_ASKED: &str = "the LIMS was asked for the patient's history";

/// A result that rules were asked about again.
#[derive(Debug)]
pub struct Again {
    pub observation: ObservationId,
    pub judged: Judged,
    /// Which order it belongs to; `None` where nobody tells orders.
    pub link: Option<Link>,
}

impl Journal {
    /// Keeps what rules decide now of stored results, and lets go what nothing holds any more. `why` they were asked again
    /// stands in the audit.
    pub async fn judge_again(
        &self,
        all: Vec<Again>,
        why: &'static str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.submit(Urgency::Other, move |connection| {
            keep_rules(connection, all.iter().map(|it| &it.judged))?;
            all.iter().try_for_each(|it| again(connection, it, why, now))?;
            all.iter().try_for_each(|it| forget(connection, it.observation))
        })
        .await
    }
}

fn again(connection: &Connection, it: &Again, why: &str, now: Timestamp) -> Result<(), JournalError> {
    let id = it.observation;
    if is_over(connection, id)? {
        return Ok(());
    }
    // Other rules or settings are no news of the patient.
    let more =
        [MORE_WAS_MEASURED, THE_LIMS_SPOKE, HISTORY_WAS_ASKED].contains(&why) || is_due(connection, id)?;
    let doubts = if more { new_doubts(connection, it)? } else { Vec::new() };
    let pulled_back = pull_back(connection, it, &doubts, now)?;
    tell_of_what_has_left(connection, it, &doubts, now)?;
    let new = it.judged.evaluations.iter().map(|one| Ok((is_new(connection, id, one)?, one)));
    let new = new.collect::<Result<Vec<_>, JournalError>>()?;
    let evaluations = new.into_iter().filter(|(is_new, _)| *is_new).map(|(_, one)| one.clone()).collect();
    let news = Judged { evaluations, asks: it.judged.asks.clone(), ..Judged::default() };
    write(connection, id, &news, Unanswered::Leave, now)?;
    calls::on_judged_again(connection, id, &it.judged, now)?;
    if let Some(link) = &it.link {
        orders::relink(connection, id, link, now)?;
    }
    let by_order = it.link.as_ref().map_or(&[][..], |link| &link.holds);
    let open = open_holds(connection, id)?;
    if open.is_empty() && pulled_back.is_empty() {
        return Ok(());
    }
    let waiting = waiting_at(connection, id)?;
    let waits = waiting.iter().any(|line| it.judged.waits_at.iter().any(|at| at.as_str() == line));
    // What a person had let go before something new was found stays so.
    let by_rules = match pulled_back.is_empty() {
        true => it.judged.reasons.as_slice(),
        false => pulled_back.as_slice(),
    };
    let by_rules = by_rules.iter().filter(|_| waits);
    let wanted: Vec<HoldReason> = by_rules.chain(by_order).copied().collect();
    let changed = turn(connection, id, &open, &wanted, why, now)?;
    // What rules hold now may be in doubt, and mustn't be told any more.
    for line in waiting.iter().filter(|line| !it.judged.announced_at.iter().any(|at| at.as_str() == *line)) {
        unannounce(connection, id, Some(line.as_str()), why, now)?;
    }
    let by_reading = open.iter().any(|reason| !reason.is_by_rules());
    if !by_reading && by_order.is_empty() {
        for line in waiting.iter().filter(|line| !it.judged.waits_at.iter().any(|at| at.as_str() == *line)) {
            connection
                .prepare_cached(
                    "UPDATE ledger SET state = 'pending', changed_at = ?, reason = NULL
                     WHERE observation = ? AND destination = ? AND state = 'held'",
                )?
                .execute(params![now.as_microsecond(), id.0, line])?;
        }
        reopen_lanes(connection, id, now)?;
    }
    if open_holds(connection, id)?.is_empty() {
        calls::on_believed(connection, id, now)?;
    }
    if !changed {
        return Ok(());
    }
    let left: Vec<&str> = wanted.iter().map(|reason| reason.name()).collect();
    let detail = format!(
        "{why}: by rules it waits for {}",
        if left.is_empty() { "nothing".to_owned() } else { left.join(", ") }
    );
    let subject = format!("observation {id}");
    audit::append(connection, &Step { at: now, actor: GATEWAY, step: "judged again", subject, detail })
}

/// What rules in force doubt now and didn't before.
fn new_doubts<'a>(connection: &Connection, it: &'a Again) -> Result<Vec<&'a Evaluation>, JournalError> {
    let mut doubts = Vec::new();
    for evaluation in it.judged.evaluations.iter().filter(|it| it.force == Force::InForce) {
        let holds = evaluation.decisions.iter().any(|decision| decision.holds);
        if holds && is_new(connection, it.observation, evaluation)? {
            doubts.push(evaluation);
        }
    }
    Ok(doubts)
}

/// Holds what was to leave and isn't on its way yet, where rules verify and doubt it now. For what it waits then; nothing where
/// it doesn't, or a person has let go all of that.
fn pull_back(
    connection: &Connection,
    it: &Again,
    doubts: &[&Evaluation],
    now: Timestamp,
) -> Result<Vec<HoldReason>, JournalError> {
    let id = it.observation;
    let let_go = let_go(connection, id)?;
    let mut reasons: Vec<HoldReason> = doubts.iter().flat_map(|it| it.holds()).collect();
    reasons.retain(|it| !let_go.contains(it));
    reasons.sort();
    reasons.dedup();
    if reasons.is_empty() {
        return Ok(reasons);
    }
    let mut held = 0;
    for at in &it.judged.waits_at {
        held += connection
            .prepare_cached(
                "UPDATE ledger SET state = 'held', changed_at = ?, reason = NULL
                 WHERE observation = ? AND destination = ? AND state = 'pending' AND delivery IS NULL",
            )?
            .execute(params![now.as_microsecond(), id.0, at.as_str()])?;
    }
    Ok(if held > 0 { reasons } else { Vec::new() })
}

/// A problem, where a rule doubts now what it let go before, and a live destination has it or may have it without that, be it
/// as preliminary where rules verify: what was told so mustn't be in doubt.
fn tell_of_what_has_left(
    connection: &Connection,
    it: &Again,
    doubts: &[&Evaluation],
    now: Timestamp,
) -> Result<(), JournalError> {
    let id = it.observation;
    let doubts = doubts.iter().flat_map(|it| it.decisions.iter().filter(|decision| decision.holds));
    let mut doubts = kept(&doubts.cloned().collect::<Vec<_>>());
    // Of what was doubted so before a person has heard.
    let before = last(connection, id, Force::InForce)?.map(|(_, decisions)| decisions).unwrap_or_default();
    doubts.retain(|it| !before.contains(it));
    let doubts: Vec<String> = doubts.iter().map(ToString::to_string).collect();
    if doubts.is_empty() {
        return Ok(());
    }
    let is_in = |at: &[&DestinationId], states: &'static str| {
        let mut statement = connection.prepare_cached(states)?;
        at.iter().try_fold(false, |any, at| {
            Ok::<_, JournalError>(any || statement.exists(params![id.0, at.as_str()])?)
        })
    };
    let waits_at = it.judged.waits_at.iter();
    let silent: Vec<&DestinationId> =
        waits_at.clone().filter(|at| !it.judged.announced_at.contains(at)).collect();
    let all: Vec<&DestinationId> = waits_at.chain(&it.judged.leaves_to).collect();
    let has_left = is_in(
        &all,
        "SELECT 1 FROM ledger WHERE observation = ? AND destination = ? AND state IN ('unknown', 'accepted', 'staged')",
    )?;
    let is_leaving = is_in(
        &all,
        "SELECT 1 FROM ledger WHERE observation = ? AND destination = ? AND delivery IS NOT NULL
         AND state IN ('pending', 'in-flight')",
    )?;
    // What hasn't begun to leave isn't told any more.
    let is_preliminary = is_in(
        &silent,
        "SELECT 1 FROM notice WHERE observation = ? AND destination = ? AND says = 'preliminary'
         AND (state IN ('in-flight', 'unknown', 'accepted', 'staged') OR state = 'pending' AND delivery IS NOT NULL)",
    )?;
    let how = match (has_left, is_leaving, is_preliminary) {
        (true, ..) => "has left",
        (false, true, _) => "is on its way",
        (false, false, true) => "was told as preliminary",
        (false, false, false) => return Ok(()),
    };
    connection
        .prepare_cached(
            "INSERT INTO problem (message, record, instrument, specimen, kind, text, replaces_result, seen_at)
             SELECT message, record, instrument, specimen, ?2, 'observation ' || id || ', ' || code || ', ' || ?5 || ': ' || ?3, 0, ?4
             FROM observation WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            ProblemKind::FoundLater.name(),
            doubts.join("; "),
            now.as_microsecond(),
            how
        ])?;
    Ok(())
}

/// Whether a newer version or a person has put an end to it.
fn is_over(connection: &Connection, id: ObservationId) -> Result<bool, JournalError> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM observation WHERE supersedes = ?1
             UNION ALL SELECT 1 FROM reassignment WHERE observation = ?1
             UNION ALL SELECT 1 FROM hold WHERE observation = ?1 AND closing = 'rejected'",
        )?
        .exists([id.0])?)
}

/// Whether it says anything else than the last one of its kind.
fn is_new(connection: &Connection, id: ObservationId, it: &Evaluation) -> Result<bool, JournalError> {
    let Some((rules, decisions)) = last(connection, id, it.force)? else { return Ok(true) };
    Ok(rules != it.rules.sha256 || decisions != kept(&it.decisions))
}

/// By which rules it was decided about last, and what.
fn last(
    connection: &Connection,
    id: ObservationId,
    force: Force,
) -> Result<Option<(String, Vec<StoredDecision>)>, JournalError> {
    let last: Option<(String, String)> = connection
        .prepare_cached(
            "SELECT rules, decisions FROM evaluation WHERE observation = ? AND force = ? ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![id.0, force.name()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    last.map(|(rules, decisions)| Ok((rules, read(&decisions)?))).transpose()
}

fn open_holds(connection: &Connection, id: ObservationId) -> Result<Vec<HoldReason>, JournalError> {
    let names: Vec<String> = connection
        .prepare_cached("SELECT reason FROM hold WHERE observation = ? AND closed_at IS NULL")?
        .query_map([id.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let known = |name: &String| {
        HoldReason::from_name(name)
            .ok_or_else(|| JournalError::Refused(format!("unknown reason of a hold {name:?}")))
    };
    names.iter().map(known).collect()
}

/// The destinations at which it waits.
fn waiting_at(connection: &Connection, id: ObservationId) -> Result<Vec<String>, JournalError> {
    Ok(connection
        .prepare_cached("SELECT destination FROM ledger WHERE observation = ? AND state = 'held'")?
        .query_map([id.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}

/// Closes the holds by rules that no longer stand and opens those that do now. Whether there was anything to do.
fn turn(
    connection: &Connection,
    id: ObservationId,
    open: &[HoldReason],
    wanted: &[HoldReason],
    why: &str,
    now: Timestamp,
) -> Result<bool, JournalError> {
    let gone: Vec<_> = open.iter().filter(|it| it.is_by_rules() && !wanted.contains(it)).collect();
    let come: Vec<_> = wanted.iter().filter(|it| !open.contains(it)).collect();
    for reason in &gone {
        connection
            .prepare_cached(
                "UPDATE hold SET closed_at = ?, closed_by = ?, closing = 'released', closing_note = ?
                 WHERE observation = ? AND reason = ? AND closed_at IS NULL",
            )?
            .execute(params![now.as_microsecond(), GATEWAY, why, id.0, reason.name()])?;
    }
    for reason in &come {
        connection
            .prepare_cached("INSERT INTO hold (observation, reason, opened_at) VALUES (?, ?, ?)")?
            .execute(params![id.0, reason.name(), now.as_microsecond()])?;
    }
    Ok(!gone.is_empty() || !come.is_empty())
}
