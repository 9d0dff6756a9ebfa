//! One held result: why it waits, what the rules decided of it, what stands beside it, and the form to decide.

mod json;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::Page;
use super::act::{Desk, Done};
use super::anew::Anew;
use super::bench::state_words;
use super::clock::Clock;
use super::failure::{Failure, html};
use super::shell::{self, HeldRow, Shell, unit_and_flags};
use super::snapshot::Snapshot;
use super::specimen::hold_closed;
use super::who::Who;
use super::words::{filters, ruled};
use crate::domain::{Observation, Patient, Private, SpecimenId, Words, words};
use crate::journal::ObservationId;
use crate::journal::views::{Beside, Evidence, HoldView, Previous, Way};
pub(super) use json::{
    EvidenceItem, Told, evidence as evidence_as_json, held as held_as_json, told as told_as_json,
};

#[derive(Template)]
#[template(path = "hold.html")]
struct Hold {
    shell: Shell,
    row: HeldRow,
    patient: Vec<(Words, String)>,
    evidence: EvidenceRows,
    anew: Option<Anew>,
    desk: Desk,
}

/// What stands beside a result, in words.
pub(super) struct EvidenceRows {
    /// How it stands at each destination.
    pub at: Vec<(String, Words)>,
    /// What is known of each patient whom the LIMS's orders name.
    pub ordered: Vec<Vec<(Words, String)>>,
    /// The analyzer named another one.
    pub is_other: bool,
    pub decisions: Vec<Words>,
    pub previous: Vec<Words>,
    /// What it is to the result, and the result itself.
    pub beside: Vec<(Words, Words)>,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (snapshot, view, evidence) = match page.hold(&id).await {
        Err(Failure::NotFound(why)) => {
            return match page.instead(&who, "/held") {
                Some(elsewhere) => Ok(elsewhere),
                None => page.not_held(&id).await?.ok_or(Failure::NotFound(why)),
            };
        }
        found => found?,
    };
    let (id, number) = (view.observation, view.observation.0);
    let clock = page.clock(&snapshot);
    let anew = page.would_become(id, &view.detail).await;
    html(
        &Hold {
            anew,
            desk: Desk::of(&who),
            shell: Shell::new(
                words!("Held result {number}", number = number.to_string()),
                "/held",
                &page.site,
                &snapshot,
                &clock,
            )
            .seen_by(who, format!("/held/{number}")),
            row: shell::held(&view, &clock),
            patient: patient(&view.detail),
            evidence: rows(&evidence, &view.detail, &clock),
        },
        page.language,
    )
}

impl Page {
    /// A held result by its number, with what stands beside it.
    async fn hold(&self, id: &str) -> Result<(Snapshot, HoldView, Evidence), Failure> {
        const NONE: Failure = Failure::NotFound("This result isn't held.");
        let id = ObservationId(id.parse().map_err(|_| NONE)?);
        let sources = self.sources_of_orders();
        let (snapshot, found) = self
            .read(move |reader| {
                let Some(view) = reader.hold(id)? else { return Ok(None) };
                let evidence = reader.evidence(id, &view.detail, &[], &sources)?;
                Ok(Some((view, evidence)))
            })
            .await?;
        let (view, evidence) = found.ok_or(NONE)?;
        Ok((snapshot, view, evidence))
    }
}

/// Who ended a hold and how, in a sentence, and the specimen that tells the rest.
pub(super) struct Decided {
    pub what: Words,
    specimen: SpecimenId,
}

impl Page {
    /// What became of a result that was held and isn't any more.
    pub(super) async fn decided(&self, id: ObservationId) -> Result<Option<Decided>, Failure> {
        let (_, decided) = self
            .read(move |reader| {
                let Some(stored) = reader.as_stored(id)? else { return Ok(None) };
                let specimen = stored.reveal().specimen.clone();
                let way = reader.way(&specimen)?;
                let what = way.iter().rev().find_map(|step| match &step.what {
                    Way::HoldClosed { observation, closing, by, reason } if *observation == id => {
                        let result = words!("Result {id}", id = id.to_string());
                        Some(hold_closed(result, closing, by.as_deref(), reason))
                    }
                    _ => None,
                });
                Ok(what.map(|what| Decided { what, specimen }))
            })
            .await?;
        Ok(decided)
    }

    /// What stands in the place of a hold that is over.
    async fn not_held(&self, id: &str) -> Result<Option<Response>, Failure> {
        let Ok(id) = id.parse() else { return Ok(None) };
        let Some(Decided { what, specimen }) = self.decided(ObservationId(id)).await? else {
            return Ok(None);
        };
        let specimen = specimen.reveal();
        let way = (!specimen.is_empty())
            .then(|| (super::specimen::path(specimen), words!("Specimen {id}", id = specimen)));
        let on = way.into_iter().chain([("/held".to_owned(), words!("Held results"))]).collect();
        let page =
            html(&Done { headline: what, then: words!("This result isn't held."), on }, self.language)?;
        Ok(Some((StatusCode::NOT_FOUND, page).into_response()))
    }
}

/// What the analyzer said of the patient.
pub(super) fn patient(detail: &Observation) -> Vec<(Words, String)> {
    told(detail.patient.reveal())
}

/// What is known of a patient, by what it is.
pub(super) fn told(patient: &Patient) -> Vec<(Words, String)> {
    let told = [
        (words!("Name"), &patient.name),
        (words!("Birth date"), &patient.birth_date),
        (words!("Number"), &patient.id),
        (words!("Sex"), &patient.sex),
        (words!("Ward"), &patient.location),
    ];
    told.into_iter()
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(what, text)| (what, text.clone()))
        .collect()
}

/// `detail`: the result that the evidence is about.
pub(super) fn rows(evidence: &Evidence, detail: &Observation, clock: &Clock) -> EvidenceRows {
    let ordered = evidence.ordered.iter().map(Private::reveal);
    let is_other = ordered.clone().any(|it| detail.patient.reveal().is_other(it));
    EvidenceRows {
        at: evidence.at.iter().map(|(name, state)| (name.clone(), state_words(state))).collect(),
        ordered: ordered.map(told).collect(),
        is_other,
        decisions: evidence.decisions.iter().map(|it| ruled(it, clock)).collect(),
        previous: evidence.previous.iter().map(|it| previous(it, clock)).collect(),
        beside: evidence.beside.iter().map(|it| (Words::fixed(it.is.words()), beside(it))).collect(),
    }
}

/// An earlier value of the patient.
pub(super) fn previous(past: &Previous, clock: &Clock) -> Words {
    let unknown = || words!("at a time that isn't known");
    let at = past.at.map_or_else(unknown, |at| clock.at(at).into());
    let (value, instrument) = (&past.value, &past.instrument);
    match past.is_held {
        true => words!("{value}, {at}, from {instrument}; it waits for a person", value, at, instrument),
        false => words!("{value}, {at}, from {instrument}", value, at, instrument),
    }
}

/// What else was measured of the specimen.
pub(super) fn beside(it: &Beside) -> Words {
    let detail = &it.detail;
    let value = Words::row([detail.value_as_sent.as_str().into(), unit_and_flags(detail)], " ");
    let (test, instrument) = (shell::test_name(&detail.test), detail.instrument.to_string());
    words!("{test} {value} from {instrument}", test, value, instrument)
}
