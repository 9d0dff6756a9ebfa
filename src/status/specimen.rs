//! Where is specimen X? Its way from the wire to the LIMS's answer in plain words, and where each of its results is
//! now, with the next step.

mod judged;
mod plot;
mod sentence;
mod standing;

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::Page;
use super::bench::verdict_words;
use super::calls::{self, CallRow};
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::lead::{Lead, Severity};
use super::preview;
use super::shell::{Shell, encoded, test_name, unit, why_held};
use super::who::Who;
use super::words::{filters, kept};
use crate::domain::{ProblemKind, SpecimenId, SpecimenToken, Words, counted, words};
use crate::journal::ledger::{NO_ANSWER, NOT_SENT};
use crate::journal::views::{ProblemStanding, Step, Way, told};
use crate::journal::{DeliveryId, MessageId, ObservationId};
use judged::{Analyte, judged};
use plot::Plot;
use sentence::Doubts;
pub(super) use standing::Row;
use standing::{Standing, rows, standings};

/// The longest specimen number that is looked up, in bytes.
const LONGEST: usize = 200;
/// The most steps of a way that are shown: a control's number comes again for years.
const LATEST: usize = 500;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    id: String,
}

#[derive(Template)]
#[template(path = "specimen.html")]
pub(super) struct SpecimenPage {
    shell: Shell,
    pub(super) id: String,
    pub(super) lead: Lead,
    pub(super) now: Vec<Row>,
    /// A result came under this number, which may have been misread.
    was_read: bool,
    /// Steps before those that are shown.
    pub(super) earlier: usize,
    pub(super) way: Vec<WayRow>,
    /// What stands for it in the log.
    token: Option<SpecimenToken>,
    plots: Vec<Plot>,
    /// The critical calls about it that are open.
    calls: Vec<CallRow>,
    /// The destinations that have acknowledged something of it, and are still there.
    acknowledged: Vec<String>,
    /// Other messages that could not be read as a whole and in which its number stands: the message's, and whose it is.
    pub(super) named_in: Vec<(i64, String)>,
    /// Cut transmissions that name it: the message's number, and whose it is.
    pub(super) cut: Vec<(i64, String)>,
}

/// One step of the way.
pub(super) struct WayRow {
    pub(super) at: Moment,
    class: &'static str,
    pub(super) text: Words,
    /// Results read in this step: test, value, unit.
    pub(super) results: Vec<(String, String, Words)>,
    pub(super) link: Option<(String, Words)>,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(asked) = asked.map_err(|_| Failure::NotFound("No specimen has such a number."))?;
    let found = find(&page, &asked.id).await?;
    html(&SpecimenPage { shell: found.shell.seen_by(who, "/specimen"), ..found }, page.language)
}

/// Where a specimen is shown.
pub(super) fn path(id: &str) -> String {
    format!("/specimen?id={}", encoded(id))
}

/// All that is known of a specimen, by any form of its number.
pub(super) async fn find(page: &Page, asked: &str) -> Result<SpecimenPage, Failure> {
    let id = asked.trim().to_owned();
    if id.len() > LONGEST {
        return Err(Failure::NotFound("No specimen has such a long number."));
    }
    let forms = preview::known_as(&id, &page.instruments);
    let (sought, asks) = (forms.clone(), !id.is_empty());
    let (snapshot, (found, token, cut, (doubtful, naming))) = page
        .read(move |reader| {
            let mut found = None;
            for form in sought.iter().filter(|form| !form.is_blank()) {
                let steps = reader.way(form)?;
                if !steps.is_empty() {
                    found = Some((form.clone(), steps));
                    break;
                }
            }
            let token = found.as_ref().map_or(Ok(None), |(form, _)| reader.token(form))?;
            if !asks {
                return Ok((found, token, Vec::new(), (0, Vec::new())));
            }
            let doubtful = reader.messages_in_doubt()?;
            let naming = preview::holding(reader, &sought, &doubtful)?;
            Ok((found, token, reader.incomplete(preview::SEARCHED)?, (doubtful.len(), naming)))
        })
        .await?;
    let clock = page.clock(&snapshot);
    let cuts = |form: &SpecimenId| preview::naming(form, &cut, &page.instruments);
    let (specimen, steps) = found.unwrap_or_else(|| {
        let of_a_cut = forms.iter().find(|form| !cuts(form).is_empty()).or(forms.first());
        (of_a_cut.cloned().unwrap_or_else(|| SpecimenId::new(id.clone())), Vec::new())
    });
    let cut = cuts(&specimen);
    // What its way or the cut transmissions tell already is told once.
    let is_told = |id: i64| {
        let received = |step: &Step| matches!(&step.what, Way::Received { message, .. } if message.0 == id);
        steps.iter().any(received) || cut.iter().any(|(message, _)| *message == id)
    };
    let named_in: Vec<(i64, String)> = naming.into_iter().filter(|(id, _)| !is_told(*id)).collect();
    let id = specimen.reveal().to_owned();
    let doubts = Doubts { messages: doubtful, naming: named_in.len() };
    let standings = standings(&steps, &snapshot);
    let plots = plot::plots(&steps, &clock);
    let mut way = way(&steps, &clock);
    let earlier = way.len().saturating_sub(LATEST);
    way.drain(..earlier);
    let of_it = snapshot.calls.iter().filter(|call| call.specimen == specimen);
    let calls: Vec<CallRow> = of_it.filter_map(|call| calls::row(call, &snapshot, &clock)).collect();
    let of_results = match !steps.iter().any(|step| step.what.is_of_results()) && !cut.is_empty() {
        true => preview::lead(),
        false => sentence::lead(&id, &steps, &standings, doubts, (&snapshot, &clock)),
    };
    Ok(SpecimenPage {
        shell: Shell::new(words!("Specimen"), "/specimen", &page.site, &snapshot, &clock),
        lead: calls::over_results(&calls, of_results),
        calls,
        now: rows(&steps, &standings, &results(&steps)),
        was_read: steps.iter().any(|step| matches!(step.what, Way::Read { .. })),
        acknowledged: acknowledged(&standings),
        earlier,
        way,
        token,
        plots,
        named_in,
        cut,
        id,
    })
}

fn acknowledged(standings: &[(Standing, ObservationId)]) -> Vec<String> {
    let has = |it: &&Standing| it.is_configured && matches!(it.state.as_str(), "accepted" | "staged");
    let names: BTreeSet<&String> =
        standings.iter().map(|(it, _)| it).filter(has).map(|it| &it.destination).collect();
    names.into_iter().cloned().collect()
}

/// Test, value as sent and unit of a way's results, by observation.
fn results(steps: &[Step]) -> BTreeMap<ObservationId, (String, String, Words)> {
    let result = |step: &Step| match &step.what {
        Way::Read { observation, detail, .. } => {
            let result = (test_name(&detail.test), detail.value_as_sent.clone(), unit(detail));
            Some((*observation, result))
        }
        _ => None,
    };
    steps.iter().filter_map(result).collect()
}

/// The tests of a way's results, by observation.
fn tests(steps: &[Step]) -> BTreeMap<ObservationId, String> {
    let test = |step: &Step| match &step.what {
        Way::Read { observation, detail, .. } => Some((*observation, test_name(&detail.test))),
        _ => None,
    };
    steps.iter().filter_map(test).collect()
}

fn way(steps: &[Step], clock: &Clock) -> Vec<WayRow> {
    let tests = tests(steps);
    let named = |id: &ObservationId| match tests.get(id) {
        Some(test) => words!("{test} (no. {id})", test, id = id.to_string()),
        None => words!("no. {id}", id = id.to_string()),
    };
    let mut rows: Vec<WayRow> = Vec::new();
    let mut read_by: Option<(jiff::Timestamp, &str)> = None;
    for step in steps {
        if let Way::Read { observation, version, supersedes, detail } = &step.what {
            let result = (test_name(&detail.test), detail.value_as_sent.clone(), unit(detail));
            let same = read_by == Some((step.at, detail.profile.as_str())) && supersedes.is_none();
            if let (true, Some(row)) = (same, rows.last_mut()) {
                row.results.push(result);
                continue;
            }
            read_by = Some((step.at, detail.profile.as_str()));
            let text = match supersedes {
                Some(earlier) => words!(
                    "Read as version {version} of a result: no. {id} takes the place of no. {earlier}. Profile {profile}.",
                    version = *version,
                    id = observation.to_string(),
                    earlier = earlier.to_string(),
                    profile = &detail.profile
                ),
                None => words!("Read by profile {profile}, values as sent:", profile = &detail.profile),
            };
            rows.push(WayRow {
                at: clock.at(step.at),
                class: "calm",
                text,
                results: vec![result],
                link: None,
            });
            continue;
        }
        if let Some(row) = step_row(step, &named, clock) {
            rows.push(row);
        }
    }
    rows
}

/// One step that isn't a reading. Where results are now is shown beside the way.
fn step_row(step: &Step, named: &impl Fn(&ObservationId) -> Words, clock: &Clock) -> Option<WayRow> {
    let bytes = |id: &MessageId| Some((format!("/message/{id}"), words!("see the bytes")));
    let sent = |id: &DeliveryId, words: Words| Some((format!("/delivery/{id}"), words));
    let (severity, text, link) = match &step.what {
        Way::Received { message, from, peer, frames } => {
            let text = counted!(
                *frames,
                "Received from {from} ({peer}) in {n} frame, on disk before it was acknowledged.",
                "Received from {from} ({peer}) in {n} frames, on disk before it was acknowledged.",
                from,
                peer
            );
            (Severity::Calm, text, bytes(message))
        }
        Way::Repeated { message, observation } => {
            let result = named(observation);
            let text = words!("{result} was received again, the same; nothing new was stored.", result);
            (Severity::Calm, text, bytes(message))
        }
        Way::Problem { id, kind, text, standing, .. } => {
            let (severity, then) = of_problem(kind, standing);
            let text = words!(
                "Problem {id}: {what}. {then}.",
                id = id.to_string(),
                what = kept(text.reveal()),
                then
            );
            (severity, text, None)
        }
        Way::Decided { observation, force, analyte, decisions, .. } => {
            let (severity, text) = judged(named(observation), *force, decisions, Analyte::of(analyte), clock);
            (severity, text, None)
        }
        Way::Held { observation, reason } => {
            let (result, why) = (named(observation), why_held(reason));
            (Severity::Act, words!("{result} was held: {why}.", result, why), None)
        }
        Way::HoldClosed { observation, closing, by, reason } => {
            (Severity::Calm, hold_closed(named(observation), closing, by.as_deref(), reason), None)
        }
        Way::Attempted { delivery, destination, number, kind } => {
            let (id, number) = (delivery.to_string(), *number);
            let text = match kind.as_str() {
                "probe" => words!(
                    "Delivery {id} to {destination}: asked what became of it, attempt {number}.",
                    id,
                    destination,
                    number
                ),
                _ => {
                    words!("Delivery {id} to {destination}: sent, attempt {number}.", id, destination, number)
                }
            };
            (Severity::Calm, text, sent(delivery, words!("see what was sent")))
        }
        Way::Answered { delivery, destination, known_as, verdict, status, detail, .. } => {
            let severity = match verdict.as_str() {
                _ if known_as.is_some() => Severity::Calm,
                "refused" => Severity::Danger,
                _ => Severity::Odd,
            };
            let verdict = (verdict.as_str(), known_as.as_deref());
            let text = answered(&delivery.to_string(), destination, verdict, *status, detail);
            (severity, text, sent(delivery, words!("see the answer")))
        }
        Way::Moved { observation, from, to, by, reason } => {
            let from = if from.is_blank() { words!("an empty number") } else { from.reveal().into() };
            let text = words!(
                "{result} came under {from}; {by} moved it to {to}: {reason}.",
                result = named(observation),
                from,
                by,
                to = to.reveal(),
                reason = reason.reveal()
            );
            (Severity::Odd, text, None)
        }
        Way::Reevaluated { observation, by, reason } => {
            let (result, reason) = (named(observation), reason.reveal());
            (Severity::Odd, words!("{by} had {result} read anew: {reason}.", by, result, reason), None)
        }
        Way::SentAgain { delivery, destination, how, results, by, reason } => {
            let text = counted!(
                results.len(),
                "{by} had {n} result of delivery {id} sent to {destination} once more, {how}: {reason}.",
                "{by} had {n} results of delivery {id} sent to {destination} once more, {how}: {reason}.",
                by,
                id = delivery.to_string(),
                destination,
                how = how.words(),
                reason = reason.reveal()
            );
            (Severity::Odd, text, sent(delivery, words!("see what was sent")))
        }
        Way::Notice { observation, destination, says, state } => {
            let severity = match state.as_str() {
                "refused" | "rejected" => Severity::Act,
                "pending" | "in-flight" | "unknown" => Severity::Odd,
                _ => Severity::Calm,
            };
            let (result, what) = (named(observation), told(destination, says, state));
            (severity, words!("{result}: {what}.", result, what), None)
        }
        Way::Order(step) => {
            let link = step.message().and_then(|message| bytes(&message));
            (Severity::Calm, words!("About its orders: {what}.", what = step.words()), link)
        }
        Way::Call { call, happened } => {
            let text = words!(
                "Critical call {id}: {what}.",
                id = call.to_string(),
                what = happened.words(&|at| clock.at(at).into())
            );
            (Severity::Calm, text, None)
        }
        Way::Read { .. } | Way::Line { .. } => return None,
    };
    Some(WayRow { at: clock.at(step.at), class: severity.class(), text, results: Vec::new(), link })
}

/// Who was asked, and what came of it: an answer, or none.
fn answered(
    id: &str,
    destination: &str,
    (verdict, known_as): (&str, Option<&str>),
    status: Option<u16>,
    detail: &str,
) -> Words {
    match detail.split_once(": ") {
        Some((NOT_SENT, why)) if status.is_none() => words!(
            "{destination} was not reached, and delivery {id} did not leave: {why}. It stays here.",
            destination,
            id,
            why = kept(why)
        ),
        Some((NO_ANSWER, why)) if status.is_none() => words!(
            "{destination} gave no answer to delivery {id}, which may or may not have arrived: {why}.",
            destination,
            id,
            why = kept(why)
        ),
        _ if status.is_none() && verdict == "unknown" => words!(
            "What {destination} made of delivery {id} is not known: {why}.",
            destination,
            id,
            why = kept(detail)
        ),
        _ => {
            let said_twice = status.is_some_and(|status| detail == format!("answered {status}"));
            let status = status.map_or_else(Words::none, |status| format!("HTTP {status}").into());
            let verdict = match (verdict_words(verdict), known_as) {
                (verdict, Some(key)) => words!("{verdict} as {key}", verdict, key),
                (verdict, None) => verdict,
            };
            let verdict = Words::row([verdict, status], ", ");
            match said_twice {
                true => words!("{destination} answered delivery {id}: {verdict}.", destination, id, verdict),
                false => words!(
                    "{destination} answered delivery {id}: {verdict}; {detail}.",
                    destination,
                    id,
                    verdict,
                    detail = kept(detail)
                ),
            }
        }
    }
}

/// What is to be done about a problem, or was.
fn of_problem(kind: &str, standing: &ProblemStanding) -> (Severity, Words) {
    let remedy = ProblemKind::from_name(kind).map_or("", ProblemKind::remedy);
    match standing {
        ProblemStanding::Open => (Severity::Act, words!("Next: {remedy}", remedy = Words::fixed(remedy))),
        ProblemStanding::SeenTo(by) => (Severity::Calm, words!("Seen to by {by}", by)),
        ProblemStanding::Withdrawn => (Severity::Calm, words!("Its message was read again")),
    }
}

pub(super) fn hold_closed(result: Words, closing: &str, by: Option<&str>, reason: &str) -> Words {
    match (by, closing) {
        (Some(by), "released") => words!("{result} was released by {by}.", result, by),
        (Some(by), "rejected") => words!("{result} was rejected by {by}.", result, by),
        (Some(by), _) => words!("{result} was {closing} by {by}.", result, closing, by),
        (None, _) => words!("{result} is no longer held for this: {why}.", result, why = why_held(reason)),
    }
}

#[cfg(test)]
pub(super) mod tests;
