//! One held result: why it waits, what the rules decided of it, what stands beside it, and the form to decide.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::Page;
use super::act::Desk;
use super::clock::Clock;
use super::failure::{Failure, html};
use super::shell::{self, HeldRow, Shell};
use super::who::Who;
use crate::domain::clinic::Amount;
use crate::domain::{Comparator, Observation, Patient};
use crate::journal::ObservationId;
use crate::journal::views::Evidence;

#[derive(Template)]
#[template(path = "hold.html")]
struct Hold {
    shell: Shell,
    row: HeldRow,
    patient: Vec<(&'static str, String)>,
    evidence: EvidenceRows,
    desk: Desk,
}

/// What stands beside a result, in words.
pub(super) struct EvidenceRows {
    pub decisions: Vec<String>,
    pub previous: Vec<String>,
    /// What it is to the result, and the result itself.
    pub beside: Vec<(&'static str, String)>,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    const NONE: Failure = Failure::NotFound("This result isn't held.");
    let number: i64 = id.parse().map_err(|_| NONE)?;
    let id = ObservationId(number);
    let (snapshot, found) = page
        .read(move |reader| {
            let Some(view) = reader.hold(id)? else { return Ok(None) };
            let evidence = reader.evidence(id, &view.detail, &[])?;
            Ok(Some((view, evidence)))
        })
        .await?;
    let (view, evidence) = found.ok_or(NONE)?;
    let clock = page.clock(&snapshot);
    html(&Hold {
        desk: Desk::of(&who),
        shell: Shell::new(&format!("Held result {number}"), "/held", &page.site, &snapshot, &clock)
            .seen_by(who, format!("/held/{number}")),
        row: shell::held(&view, &clock),
        patient: patient(&view.detail),
        evidence: rows(&evidence, &clock),
    })
}

/// What the analyzer said of the patient.
pub(super) fn patient(detail: &Observation) -> Vec<(&'static str, String)> {
    told(detail.patient.reveal())
}

/// What is known of a patient, by what it is.
pub(super) fn told(patient: &Patient) -> Vec<(&'static str, String)> {
    let told = [
        ("Name", &patient.name),
        ("Birth date", &patient.birth_date),
        ("Number", &patient.id),
        ("Sex", &patient.sex),
        ("Ward", &patient.location),
    ];
    told.into_iter()
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(what, text)| (what, text.clone()))
        .collect()
}

pub(super) fn rows(evidence: &Evidence, clock: &Clock) -> EvidenceRows {
    let previous = evidence.previous.iter().filter_map(|past| {
        let Amount::Number { comparator, reported, .. } = &past.amount else { return None };
        let at = past.at.map_or_else(|| "at a time that isn't known".to_owned(), |at| clock.at(at).text);
        let comparator = comparator.map_or("", Comparator::as_str);
        Some(format!("{comparator}{reported}, {at}, from {}", past.instrument))
    });
    let beside = evidence.beside.iter().map(|it| {
        let detail = &it.detail;
        let flags = detail.flags.iter().filter(|flag| !flag.is_empty());
        let flags: Vec<&str> = flags.map(String::as_str).collect();
        let flags = if flags.is_empty() { String::new() } else { format!(", flags {}", flags.join(" ")) };
        let test = shell::test_name(&detail.test);
        let unit = shell::unit(detail);
        (it.is.words(), format!("{test} {} {unit}{flags} from {}", detail.value_as_sent, detail.instrument))
    });
    EvidenceRows {
        decisions: evidence.decisions.iter().map(ToString::to_string).collect(),
        previous: previous.collect(),
        beside: beside.collect(),
    }
}
