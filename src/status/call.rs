//! One critical call: what is to be told, by when and to whom, what verifies it beside, everything that happened, and the
//! forms that write down what somebody did. What is written names a patient and is never logged.

mod json;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::{Timestamp, Zoned};
use serde::Deserialize;

use super::Page;
use super::act::{Desk, Done};
use super::calls::{self, CallRow};
use super::clock::Moment;
use super::failure::{Failure, html};
use super::form::Form;
use super::hold::{EvidenceRows, patient, rows};
use super::measured::Verifier;
use super::shell::Shell;
use super::snapshot::Snapshot;
use super::who::Who;
use super::words::filters;
use crate::clock;
use crate::domain::call::{CallOutcome, IdentifierKind};
use crate::domain::written::moment;
use crate::domain::{Role, Words, words};
use crate::host::control::{CallRequest, Recorded, Request};
use crate::journal::calls::CallView;
use crate::journal::views::Evidence;
use crate::journal::{CallId, ObservationId};
pub(super) use json::{call as call_as_json, record as record_as_json};

#[derive(Template)]
#[template(path = "call.html")]
struct Call {
    shell: Shell,
    id: i64,
    /// What is to be done; nothing once it is closed.
    row: Option<CallRow>,
    test: String,
    /// What the test measures, where that is known.
    name: Option<String>,
    tell: Words,
    specimen: String,
    patient: Vec<(Words, String)>,
    /// What verifies the value, and what else is known beside it.
    verifiers: Vec<Verifier>,
    evidence: EvidenceRows,
    happened: Vec<(Moment, Words)>,
    is_verified: bool,
    outcomes: [(&'static str, CallOutcome); 3],
    kinds: [(&'static str, IdentifierKind); 6],
    desk: Desk,
    /// What somebody wrote that could not be recorded, and why: it stands in the form again.
    typed: CallForm,
    complaint: Option<Words>,
}

/// What somebody did. The fields that `what` doesn't need are empty.
#[derive(Default, Deserialize)]
pub(super) struct CallForm {
    guard: String,
    what: String,
    #[serde(default)]
    outcome: String,
    /// Empty where it was just now.
    #[serde(default)]
    made_at: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    kind_1: String,
    #[serde(default)]
    identifier_1: String,
    #[serde(default)]
    kind_2: String,
    #[serde(default)]
    identifier_2: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    differs: Option<String>,
    #[serde(default)]
    note: String,
}

const NONE: Failure = Failure::NotFound("There is no critical call of that number.");

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let number: i64 = id.parse().map_err(|_| NONE)?;
    page.call(number, who, CallForm::default(), None).await
}

impl Page {
    /// A call with its forms, in which stands what was typed before.
    async fn call(
        &self,
        number: i64,
        who: Who,
        typed: CallForm,
        complaint: Option<Words>,
    ) -> Result<Response, Failure> {
        let (snapshot, view, mut evidence) = self.called(number).await?;
        let clock = self.clock(&snapshot);
        let result = view.result.reveal();
        let verifiers = snapshot.measured.verifiers(result, &mut evidence, &clock);
        html(
            &Call {
                desk: Desk::of(&who),
                shell: Shell::new(
                    words!("Critical call {number}", number = number.to_string()),
                    "",
                    &self.site,
                    &snapshot,
                    &clock,
                )
                .seen_by(who, format!("/call/{number}")),
                id: number,
                row: calls::row(&view, &snapshot, &clock).filter(|_| view.course.is_open()),
                test: result.test.code.clone(),
                tell: view.tell.reveal().words(),
                specimen: view.specimen.reveal().to_owned(),
                patient: patient(result),
                verifiers,
                name: snapshot.measured.name(result),
                evidence: rows(&evidence, result, &clock),
                happened: view
                    .happened
                    .iter()
                    .map(|it| (clock.at(it.at), it.words(&|at| clock.at(at).into())))
                    .collect(),
                is_verified: view.course.is_verified(),
                outcomes: CallOutcome::ALL,
                kinds: IdentifierKind::ALL,
                typed,
                complaint,
            },
            self.language,
        )
    }
}

impl Page {
    /// A call by its number, with what stands beside its result.
    async fn called(&self, number: i64) -> Result<(Snapshot, CallView, Evidence), Failure> {
        let sources = self.sources_of_orders();
        let (snapshot, found) = self
            .read(move |reader| {
                let Some(view) = reader.call(CallId(number))? else { return Ok(None) };
                let versions: Vec<ObservationId> = view.happened.iter().map(|it| it.observation).collect();
                let evidence =
                    reader.evidence(view.observation, view.result.reveal(), &versions, &sources)?;
                Ok(Some((view, evidence)))
            })
            .await?;
        let (view, evidence) = found.ok_or(NONE)?;
        Ok((snapshot, view, evidence))
    }
}

pub(super) async fn record(
    State(page): State<Page>,
    who: Who,
    Path(id): Path<String>,
    Form(form): Form<CallForm>,
) -> Result<Response, Failure> {
    let call: i64 = id.parse().map_err(|_| NONE)?;
    let visitor = page.authorised(who.clone(), &form.guard, Role::Technician).await?;
    let asked = match form.recorded(&clock::now().to_zoned(page.zone.clone())) {
        Err(why) => Err(why),
        Ok(recorded) => {
            let request = CallRequest { call, by: visitor.shown.clone(), recorded };
            page.ask(&visitor, Request::Call(Box::new(request))).await
        }
    };
    let stays_open = match asked {
        Err(Failure::Refused(why)) => {
            let again = page.call(call, who, form, Some(why)).await?;
            return Ok((StatusCode::CONFLICT, again).into_response());
        }
        asked => asked?,
    };
    let then = if stays_open { words!("It stays open.") } else { words!("It is closed.") };
    html(
        &Done {
            headline: words!("Recorded: critical call {number}.", number = call.to_string()),
            then,
            on: Vec::new(),
        },
        page.language,
    )
}

impl CallForm {
    fn recorded(&self, now: &Zoned) -> Result<Recorded, Failure> {
        let reached = self.outcome != CallOutcome::NotReached.name();
        let made_at = Some(self.made_at.trim()).filter(|text| !text.is_empty());
        match self.what.as_str() {
            "verified" => Ok(Recorded::Verified { note: self.note.clone() }),
            "ended" => Ok(Recorded::Ended { reason: self.note.clone() }),
            "attempt" => Ok(Recorded::Attempt {
                made_at: made_at
                    .map(|text| moment(text, now))
                    .transpose()
                    .map_err(Failure::Refused)?
                    .map(Timestamp::as_microsecond),
                outcome: self.outcome.clone(),
                to: self.to.clone(),
                role: self.role.clone(),
                identifiers: [(&self.kind_1, &self.identifier_1), (&self.kind_2, &self.identifier_2)]
                    .into_iter()
                    .filter(|(_, text)| reached && !text.trim().is_empty())
                    .map(|(kind, text)| (kind.clone(), text.clone()))
                    .collect(),
                value: if reached { self.value.clone() } else { String::new() },
                note: self.note.clone(),
                differs: self.differs.is_some(),
            }),
            _ => Err(NONE),
        }
    }

    /// What was typed as the note of this form.
    fn note_of(&self, what: &str) -> &str {
        if self.what == what { &self.note } else { "" }
    }

    /// The patient's identifiers: which of them, the kind to choose first, and what was typed.
    fn identifiers(&self) -> [(&'static str, &str, &str); 2] {
        fn chosen<'a>(kind: &'a str, otherwise: &'a str) -> &'a str {
            if kind.is_empty() { otherwise } else { kind }
        }
        let [(first, _), (second, _), ..] = IdentifierKind::ALL;
        [
            ("1", chosen(&self.kind_1, first), &self.identifier_1),
            ("2", chosen(&self.kind_2, second), &self.identifier_2),
        ]
    }
}
