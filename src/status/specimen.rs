//! Where is specimen X? Its way from the wire to the LIMS's answer in plain words, and where each of its results is
//! now, with the next step.

mod sentence;
mod standing;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::Page;
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::lead::{Lead, Severity, count};
use super::preview;
use super::shell::{Shell, test_name, unit, why_held};
use super::who::Who;
use crate::domain::clinic::Force;
use crate::domain::{ProblemKind, SpecimenId};
use crate::journal::decisions::StoredDecision;
use crate::journal::views::{ProblemStanding, Step, Way, told};
use crate::journal::{DeliveryId, MessageId, ObservationId};
pub(super) use standing::Row;
use standing::{rows, standings};

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
    /// Steps before those that are shown.
    pub(super) earlier: usize,
    pub(super) way: Vec<WayRow>,
    /// Cut transmissions that name it: the message's number, and whose it is.
    pub(super) cut: Vec<(i64, String)>,
}

/// One step of the way.
pub(super) struct WayRow {
    pub(super) at: Moment,
    class: &'static str,
    pub(super) text: String,
    /// Results read in this step: test, value, unit.
    pub(super) results: Vec<(String, String, String)>,
    pub(super) link: Option<(String, String)>,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(asked) = asked.map_err(|_| Failure::NotFound("No specimen has such a number."))?;
    let found = find(&page, &asked.id).await?;
    html(&SpecimenPage { shell: found.shell.seen_by(who, "/specimen"), ..found })
}

/// All that is known of a specimen, by any form of its number.
pub(super) async fn find(page: &Page, asked: &str) -> Result<SpecimenPage, Failure> {
    let id = asked.trim().to_owned();
    if id.len() > LONGEST {
        return Err(Failure::NotFound("No specimen has such a long number."));
    }
    let forms = preview::known_as(&id, &page.instruments);
    let (sought, asks) = (forms.clone(), !id.is_empty());
    let (snapshot, (found, cut)) = page
        .read(move |reader| {
            let mut found = None;
            for form in sought.iter().filter(|form| !form.is_blank()) {
                let steps = reader.way(form)?;
                if !steps.is_empty() {
                    found = Some((form.clone(), steps));
                    break;
                }
            }
            let cut = if asks { reader.incomplete(preview::SEARCHED)? } else { Vec::new() };
            Ok((found, cut))
        })
        .await?;
    let clock = page.clock(&snapshot);
    let cuts = |form: &SpecimenId| preview::naming(form, &cut, &page.instruments);
    let (specimen, steps) = found.unwrap_or_else(|| {
        let of_a_cut = forms.iter().find(|form| !cuts(form).is_empty()).or(forms.first());
        (of_a_cut.cloned().unwrap_or_else(|| SpecimenId::new(id.clone())), Vec::new())
    });
    let cut = cuts(&specimen);
    let id = specimen.reveal().to_owned();
    let standings = standings(&steps, &snapshot);
    let mut way = way(&steps, &clock);
    let earlier = way.len().saturating_sub(LATEST);
    way.drain(..earlier);
    Ok(SpecimenPage {
        shell: Shell::new("Specimen", "/specimen", &page.site, &snapshot, &clock),
        lead: match !steps.iter().any(|step| step.what.is_of_results()) && !cut.is_empty() {
            true => preview::lead(),
            false => sentence::lead(&id, &steps, &standings, &snapshot, &clock),
        },
        now: rows(&steps, &standings, &tests(&steps)),
        earlier,
        way,
        cut,
        id,
    })
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
        Some(test) => format!("{test} (no. {id})"),
        None => format!("no. {id}"),
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
                Some(earlier) => format!(
                    "Read as version {version} of a result: no. {observation} takes the place of no. {earlier}. Profile {}.",
                    detail.profile
                ),
                None => format!("Read by profile {}, values as sent:", detail.profile),
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
fn step_row(step: &Step, named: &impl Fn(&ObservationId) -> String, clock: &Clock) -> Option<WayRow> {
    let bytes = |id: &MessageId| Some((format!("/message/{id}"), "see the bytes".to_owned()));
    let sent = |id: &DeliveryId, words: &str| Some((format!("/delivery/{id}"), words.to_owned()));
    let (severity, text, link) = match &step.what {
        Way::Received { message, from, peer, frames } => {
            let frames = count(i64::from(*frames), "frame", "frames");
            (
                Severity::Calm,
                format!("Received from {from} ({peer}) in {frames}, on disk before it was acknowledged."),
                bytes(message),
            )
        }
        Way::Repeated { message, observation } => {
            let what =
                format!("{} was received again, the same; nothing new was stored.", named(observation));
            (Severity::Calm, what, bytes(message))
        }
        Way::Problem { id, kind, text, standing, .. } => {
            let remedy = ProblemKind::from_name(kind).map_or("", ProblemKind::remedy);
            let (severity, then) = match standing {
                ProblemStanding::Open => (Severity::Act, format!("Next: {remedy}")),
                ProblemStanding::SeenTo(by) => (Severity::Calm, format!("Seen to by {by}")),
                ProblemStanding::Withdrawn => (Severity::Calm, "Its message was read again".to_owned()),
            };
            (severity, format!("Problem {id}: {}. {then}.", text.reveal()), None)
        }
        Way::Decided { observation, force, decisions, .. } => {
            let (severity, text) = judged(*force, decisions);
            (severity, format!("{} {text}", named(observation)), None)
        }
        Way::Held { observation, reason } => {
            (Severity::Act, format!("{} was held: {}.", named(observation), why_held(reason)), None)
        }
        Way::HoldClosed { observation, closing, by: Some(by), .. } => {
            (Severity::Calm, format!("{} was {closing} by {by}.", named(observation)), None)
        }
        Way::HoldClosed { observation, by: None, reason, .. } => {
            let text = format!("{} is no longer held for this: {}.", named(observation), why_held(reason));
            (Severity::Calm, text, None)
        }
        Way::Attempted { delivery, destination, number, kind } => {
            let what = if kind == "probe" { "asked what became of it" } else { "sent" };
            (
                Severity::Calm,
                format!("Delivery {delivery} to {destination}: {what}, attempt {number}."),
                sent(delivery, "see what was sent"),
            )
        }
        Way::Answered { delivery, destination, verdict, status, detail, .. } => {
            let status = status.map(|status| format!(", HTTP {status}")).unwrap_or_default();
            let severity = match verdict.as_str() {
                "accepted" | "staged" | "duplicate" => Severity::Calm,
                "refused" => Severity::Danger,
                _ => Severity::Odd,
            };
            (
                severity,
                format!("{destination} answered delivery {delivery}: {verdict}{status}; {detail}."),
                sent(delivery, "see the answer"),
            )
        }
        Way::Moved { observation, from, to, by, reason } => {
            let from = if from.is_blank() { "no number" } else { from.reveal() };
            let (to, reason) = (to.reveal(), reason.reveal());
            (
                Severity::Odd,
                format!("{} came under {from}; {by} moved it to {to}: {reason}.", named(observation)),
                None,
            )
        }
        Way::Notice { observation, destination, says, state } => {
            let severity = match state.as_str() {
                "refused" | "rejected" => Severity::Act,
                "pending" | "in-flight" | "unknown" => Severity::Odd,
                _ => Severity::Calm,
            };
            (severity, format!("{}: {}.", named(observation), told(destination, says, state)), None)
        }
        Way::Order(step) => {
            let link = step.message().and_then(|message| bytes(&message));
            (Severity::Calm, format!("About its orders: {}.", step.words()), link)
        }
        Way::Call { call, happened } => {
            (Severity::Calm, format!("Critical call {call}: {}.", happened.words()), None)
        }
        Way::Read { .. } | Way::Line { .. } => return None,
    };
    Some(WayRow { at: clock.at(step.at), class: severity.class(), text, results: Vec::new(), link })
}

/// What rules found. What they asked in vain is told too: that isn't "nothing found".
fn judged(force: Force, decisions: &[StoredDecision]) -> (Severity, String) {
    let by = match force {
        Force::InForce => "the rules in force",
        Force::Shadow => "rules that nobody has signed and that do nothing",
    };
    let told: Vec<String> =
        decisions.iter().filter(|it| it.ruling != "clear").map(StoredDecision::to_string).collect();
    let clear = decisions.len() - told.len();
    let severity = match force {
        Force::InForce if decisions.iter().any(|it| it.holds) => Severity::Act,
        _ => Severity::Calm,
    };
    let found = match told.as_slice() {
        [] if decisions.is_empty() => "none is about it".to_owned(),
        [] => "nothing found".to_owned(),
        some => some.join(". "),
    };
    (
        severity,
        format!(
            "was judged by {by}: {found} ({}).",
            count(i64::try_from(clear).unwrap_or(i64::MAX), "check clear", "checks clear")
        ),
    )
}

#[cfg(test)]
mod tests;
