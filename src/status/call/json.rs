//! A critical call as JSON, and what a technician's token writes down of it: who called is named by whoever sends it, and the
//! token stands beside them in the audit.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::NONE;
use crate::domain::call::CallOutcome;
use crate::domain::{Role, Words};
use crate::host::control::{CallRequest, Recorded, Request};
use crate::status::Page;
use crate::status::api::{CallItem, call_item};
use crate::status::asker::{TurnedAway, refused, wrong};
use crate::status::calls;
use crate::status::hold::{EvidenceItem, Told, evidence_as_json, patient, rows, told_as_json};
use crate::status::measured::Verifier;

#[derive(Serialize)]
struct Call {
    as_of: String,
    id: i64,
    specimen: String,
    test: String,
    /// What it measures, where that is known.
    name: Option<String>,
    /// The value with its unit, as it is to be told.
    tell: String,
    is_verified: bool,
    /// What is to be done; nothing once it is closed.
    open: Option<CallItem>,
    patient: Vec<Told>,
    /// What was looked for to verify it, found or not. The evidence is what there is besides.
    verifiers: Vec<Sought>,
    evidence: EvidenceItem,
    happened: Vec<Event>,
}

#[derive(Serialize)]
struct Sought {
    what: String,
    found: Vec<String>,
    /// What it means that nothing was.
    without: String,
}

#[derive(Serialize)]
struct Event {
    at: String,
    text: String,
}

/// What somebody did. It names a patient, and is shown to nobody who debugs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::status) struct Done {
    what: String,
    /// First and last name.
    by: String,
    #[serde(default)]
    made_at: Option<String>,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    identifiers: Vec<Identifier>,
    #[serde(default)]
    value: String,
    #[serde(default)]
    differs: bool,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Identifier {
    kind: String,
    text: String,
}

#[derive(Serialize)]
struct Written {
    id: i64,
    by: String,
    account: String,
    /// Something is still to be done.
    is_open: bool,
}

pub(in crate::status) async fn call(
    State(page): State<Page>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let number: i64 = id.parse().map_err(|_| refused(NONE))?;
    let (snapshot, view, mut beside) = page.called(number).await.map_err(refused)?;
    let clock = page.clock(&snapshot);
    let result = view.result.reveal();
    let verifiers = snapshot.measured.verifiers(result, &mut beside, &clock);
    let row = calls::row(&view, &snapshot, &clock).filter(|_| view.course.is_open());
    Ok(Json(Call {
        as_of: snapshot.as_of.to_string(),
        id: number,
        specimen: view.specimen.reveal().to_owned(),
        test: result.test.code.clone(),
        name: snapshot.measured.name(result),
        tell: view.tell.reveal().words().english(),
        is_verified: view.course.is_verified(),
        open: row.map(call_item),
        patient: told_as_json(patient(result)),
        verifiers: verifiers.into_iter().map(sought).collect(),
        evidence: evidence_as_json(rows(&beside, result, &clock)),
        happened: view
            .happened
            .iter()
            .map(|it| Event { at: it.at.to_string(), text: it.words(&|at| at.to_string().into()).english() })
            .collect(),
    })
    .into_response())
}

fn sought(it: Verifier) -> Sought {
    Sought {
        what: it.what.english(),
        found: it.says.iter().map(Words::english).collect(),
        without: it.without.english(),
    }
}

/// Writes down what somebody did, sent by a token.
pub(in crate::status) async fn record(
    State(page): State<Page>,
    Path(id): Path<String>,
    headers: HeaderMap,
    sent: Result<Json<Done>, JsonRejection>,
) -> Result<Response, Response> {
    let form = "{\"what\": \"attempt\", \"verified\" or \"ended\", \"by\": …} and what belongs to it";
    let (asker, done) = page.asker(&headers, sent, form)?;
    asker.needs(Role::Technician)?;
    let call: i64 = id.parse().map_err(|_| refused(NONE))?;
    let (by, account) = (done.by.clone(), asker.account());
    let request = CallRequest { call, by: by.clone(), recorded: done.recorded()? };
    let is_open = page.ask_as(account.clone(), Request::Call(Box::new(request))).await.map_err(refused)?;
    Ok(Json(Written { id: call, by, account, is_open }).into_response())
}

impl Done {
    fn recorded(self) -> Result<Recorded, TurnedAway> {
        match self.what.as_str() {
            "verified" => Ok(Recorded::Verified { note: self.note }),
            "ended" => Ok(Recorded::Ended { reason: self.note }),
            "attempt" => {
                let no_time = |_| wrong("made_at is no time: write 2026-01-05T10:40:00Z.");
                let made_at = self.made_at.map(|at| at.parse::<Timestamp>().map_err(no_time)).transpose()?;
                if CallOutcome::from_name(&self.outcome).is_none() {
                    return Err(wrong("The outcome is \"confirmed\", \"no-read-back\" or \"not-reached\"."));
                }
                Ok(Recorded::Attempt {
                    made_at: made_at.map(Timestamp::as_microsecond),
                    outcome: self.outcome,
                    to: self.to,
                    role: self.role,
                    identifiers: self.identifiers.into_iter().map(|it| (it.kind, it.text)).collect(),
                    value: self.value,
                    note: self.note,
                    differs: self.differs,
                })
            }
            _ => Err(wrong("Say \"attempt\", \"verified\" or \"ended\".")),
        }
    }
}
