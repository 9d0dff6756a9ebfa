//! Where is specimen X? Its way from the wire to the LIMS's answer in plain words, and where each of its results is
//! now, with the next step.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::Page;
use super::bench::state_words;
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::lead::{Lead, Severity, count};
use super::shell::{Mark, Shell, test_name, why_held};
use super::snapshot::Snapshot;
use crate::domain::{ProblemKind, SpecimenId};
use crate::journal::views::{Step, Way};
use crate::journal::{DeliveryId, MessageId, ObservationId};

/// The longest specimen number that is looked up, in bytes.
const LONGEST: usize = 200;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    id: String,
}

#[derive(Template)]
#[template(path = "specimen.html")]
struct SpecimenPage {
    shell: Shell,
    id: String,
    lead: Lead,
    now: Vec<NowRow>,
    way: Vec<WayRow>,
}

/// Where some of the results are at one destination.
struct NowRow {
    mark: Mark,
    destination: String,
    tests: Vec<String>,
    next: String,
}

/// One step of the way.
struct WayRow {
    at: Moment,
    class: &'static str,
    text: String,
    /// Results read in this step: test, value, unit.
    results: Vec<(String, String, String)>,
    link: Option<(String, String)>,
}

pub(super) async fn show(
    State(page): State<Page>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(asked) = asked.map_err(|_| Failure::NotFound("No specimen has such a number."))?;
    let id = asked.id.trim().to_owned();
    if id.len() > LONGEST {
        return Err(Failure::NotFound("No specimen has such a long number."));
    }
    let specimen = SpecimenId::new(id.clone());
    let (snapshot, steps) = page
        .read(move |reader| if specimen.is_blank() { Ok(Vec::new()) } else { reader.way(&specimen) })
        .await?;
    let clock = page.clock(&snapshot);
    html(&SpecimenPage {
        shell: Shell::new("Specimen", "/specimen", &page.site, &snapshot, &clock),
        lead: lead(&id, &steps, &clock),
        now: now(&steps, &snapshot),
        way: way(&steps, &clock),
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

/// What each destination has of the results: state, reason, and the observations.
fn lines(steps: &[Step]) -> BTreeMap<(String, String, String), Vec<ObservationId>> {
    let mut lines: BTreeMap<_, Vec<ObservationId>> = BTreeMap::new();
    for step in steps {
        if let Way::Line { observation, destination, state, reason } = &step.what {
            let reason = reason.as_ref().map(|reason| reason.reveal().clone()).unwrap_or_default();
            lines.entry((destination.clone(), state.clone(), reason)).or_default().push(*observation);
        }
    }
    lines
}

fn severity(state: &str) -> Severity {
    match state {
        "refused" | "quarantined" => Severity::Danger,
        "held" => Severity::Act,
        "unknown" => Severity::Odd,
        _ => Severity::Calm,
    }
}

/// One sentence: is it in the LIMS, and if not, where it stopped.
fn lead(id: &str, steps: &[Step], clock: &Clock) -> Lead {
    if id.is_empty() {
        let then = "Scan the tube or type its number as the LIMS knows it.".to_owned();
        return Lead { severity: Severity::Calm, headline: "Which specimen?".to_owned(), then };
    }
    let Some(latest) = steps.last() else {
        return Lead {
            severity: Severity::Odd,
            headline: "Nothing has been received for this specimen.".to_owned(),
            then:
                "Check the number, then on the analyzer whether it was measured and sent. A number that the \
                   analyzer sends in another form is found by that form."
                    .to_owned(),
        };
    };
    let mut counts: BTreeMap<&str, (i64, String)> = BTreeMap::new();
    let lines = lines(steps);
    for ((destination, state, _), observations) in &lines {
        let entry = counts.entry(state.as_str()).or_insert((0, destination.clone()));
        entry.0 += i64::try_from(observations.len()).unwrap_or(i64::MAX);
    }
    let worst = ["refused", "quarantined", "held", "unknown", "pending", "in-flight"]
        .into_iter()
        .find_map(|state| counts.get(state).map(|found| (state, found)));
    let then = format!("The latest step was at {}.", clock.at(latest.at).text);
    let headline = match worst {
        Some((state, (number, destination))) => {
            let results = count(*number, "result is", "results are");
            let words = state_words(state);
            let sure = if state == "unknown" { "" } else { " and not yet in the LIMS" };
            format!("{results} {words} for {destination}{sure}.")
        }
        None if lines.is_empty() => "No result of this specimen could be read.".to_owned(),
        None => match counts.get("accepted").or_else(|| counts.get("staged")) {
            Some((1, destination)) => format!("Its result is in {destination}."),
            Some((number, destination)) => format!("All {number} results are in {destination}."),
            None => "No result of this specimen is meant for a LIMS.".to_owned(),
        },
    };
    let severity = match worst {
        Some((state, _)) => severity(state),
        None if lines.is_empty() => Severity::Act,
        None => Severity::Calm,
    };
    Lead { severity, headline, then }
}

fn now(steps: &[Step], snapshot: &Snapshot) -> Vec<NowRow> {
    let tests = tests(steps);
    let mut rows: Vec<(Severity, NowRow)> = lines(steps)
        .into_iter()
        .map(|((destination, state, reason), observations)| {
            let severity = severity(&state);
            let next = next(&state, &reason, &destination, &observations, steps, snapshot);
            let tests = observations
                .iter()
                .map(|id| tests.get(id).cloned().unwrap_or_else(|| id.to_string()))
                .collect();
            (severity, NowRow { mark: Mark::new(severity, state_words(&state)), destination, tests, next })
        })
        .collect();
    rows.sort_by_key(|(severity, _)| *severity);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// What to do about results in one state.
fn next(
    state: &str,
    reason: &str,
    destination: &str,
    observations: &[ObservationId],
    steps: &[Step],
    snapshot: &Snapshot,
) -> String {
    let delivery = steps.iter().rev().find_map(|step| match &step.what {
        Way::Attempted { delivery, destination: to, .. } if to == destination => Some(delivery.to_string()),
        _ => None,
    });
    let delivery = delivery.unwrap_or_default();
    let first = observations.first().map(ToString::to_string).unwrap_or_default();
    let asks = snapshot.destinations.iter().any(|it| it.name == destination && it.asks_person);
    let because = if reason.is_empty() { String::new() } else { format!("Because: {reason}. ") };
    let what = match state {
        "accepted" => "Nothing to do: the LIMS has confirmed it.".to_owned(),
        "staged" => "The LIMS has it and hasn't applied it yet: look in its worklist.".to_owned(),
        "pending" => "Nothing to do: it leaves by itself when its turn comes.".to_owned(),
        "in-flight" => "Nothing to do: it is on its way at this moment.".to_owned(),
        "held" => format!(
            "Next: look at the result on the analyzer, then labwire release {first} --reason … or labwire reject {first} --reason …."
        ),
        "refused" => {
            format!("Next: mend what the LIMS complains of, then labwire retry {delivery} --reason ….")
        }
        "quarantined" => {
            "It waits until the earlier result of this test is settled, so that none overtakes it.".to_owned()
        }
        "unknown" if asks => format!(
            "Next: look in the LIMS. If it is there, labwire confirm {delivery} --reason …; if not, labwire retry {delivery} --reason …."
        ),
        "unknown" => "Nothing to do: labwire finds out by itself.".to_owned(),
        "superseded" => "A later result took its place before it left.".to_owned(),
        "rejected" => "A person decided that it stays here.".to_owned(),
        _ => "This destination doesn't get results of this kind.".to_owned(),
    };
    format!("{because}{what}")
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
            let result = (
                test_name(&detail.test),
                detail.value_as_sent.clone(),
                detail.unit.clone().unwrap_or_default(),
            );
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
        Way::Received { message, instrument, peer, frames } => {
            let from = if instrument.is_empty() { "an unknown analyzer" } else { instrument };
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
        Way::Problem { id, kind, text } => {
            let remedy = ProblemKind::from_name(kind).map_or("", ProblemKind::remedy);
            (Severity::Act, format!("Problem {id}: {}. Next: {remedy}.", text.reveal()), None)
        }
        Way::Held { observation, reason } => {
            (Severity::Act, format!("{} was held: {}.", named(observation), why_held(reason)), None)
        }
        Way::HoldClosed { observation, closing, by } => {
            (Severity::Calm, format!("{} was {closing} by {by}.", named(observation)), None)
        }
        Way::Attempted { delivery, destination, number, kind } => {
            let what = if kind == "probe" { "asked what became of it" } else { "sent" };
            (
                Severity::Calm,
                format!("Delivery {delivery} to {destination}: {what}, attempt {number}."),
                sent(delivery, "see what was sent"),
            )
        }
        Way::Answered { delivery, destination, verdict, status, detail } => {
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
        Way::Read { .. } | Way::Line { .. } => return None,
    };
    Some(WayRow { at: clock.at(step.at), class: severity.class(), text, results: Vec::new(), link })
}
