//! A day signed off on its page, as the printed sheet would be, by a named person or a program in its own name. What is signed is
//! what was looked at: where the day comes to something else meanwhile, nothing is signed.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{Asked, Looked, NO_DAY};
use crate::domain::{Role, Words, counted, words};
use crate::host::control::{Request, SignOffRequest};
use crate::journal::signature::Signature;
use crate::reconciliation::Day;
use crate::status::Page;
use crate::status::act::Done;
use crate::status::asker::refused;
use crate::status::failure::{Failure, html};
use crate::status::form::Form;
use crate::status::shell::encoded;
use crate::status::who::Who;

/// What is signed.
#[derive(Deserialize)]
pub(in crate::status) struct SignForm {
    #[serde(default)]
    guard: String,
    day: String,
    /// The fingerprint of what was looked at.
    fingerprint: String,
    #[serde(default)]
    reason: String,
}

/// Who signed, in words. A printed sheet says it too, so its time has a day.
pub(super) fn words_of(it: &Signature, day: &Day) -> Words {
    let (name, at, reason) = (it.by.as_str(), day.exact(it.at), it.reason.as_str());
    match (it.open, it.balanced) {
        (_, false) => {
            words!("Signed by {name} at {at}, though the sums do not balance: {reason}", name, at, reason)
        }
        (0, true) if reason.is_empty() => words!("Signed by {name} at {at}, with nothing open.", name, at),
        (0, true) => words!("Signed by {name} at {at}, with nothing open: {reason}", name, at, reason),
        (open, true) => counted!(
            open,
            "Signed by {name} at {at}, with {n} line open: {reason}",
            "Signed by {name} at {at}, with {n} lines open: {reason}",
            name,
            at,
            reason
        ),
    }
}

pub(in crate::status) async fn sign(
    State(page): State<Page>,
    who: Who,
    Form(form): Form<SignForm>,
) -> Result<Response, Failure> {
    let visitor = page.authorised(who, &form.guard, Role::Technician).await?;
    let request = page.signing_off(&form, visitor.shown.clone()).await?;
    let day = request.day.clone();
    page.ask(&visitor, Request::SignOff(Box::new(request))).await?;
    html(
        &Done {
            headline: words!("Signed off: {day}.", day = day.as_str()),
            then: words!("By {name}, in the audit with the reason.", name = visitor.shown),
            on: vec![(format!("/reconciliation?day={}", encoded(&day)), words!("Reconciliation"))],
        },
        page.language,
    )
}

impl Page {
    /// What is to be signed, where the day still comes to what was looked at.
    async fn signing_off(&self, form: &SignForm, by: String) -> Result<SignOffRequest, Failure> {
        let Looked { report, fingerprint, .. } = self.day(Asked { day: Some(form.day.clone()) }).await?;
        if fingerprint != form.fingerprint {
            return Err(Failure::Refused(words!(
                "The day comes to something else than when it was looked at. Look at it again, then sign."
            )));
        }
        let span = report.day.span();
        Ok(SignOffRequest {
            day: report.day.name(),
            span: (span.from.as_microsecond(), span.to.as_microsecond()),
            open: report.open_count(),
            balances: report.imbalances.is_empty(),
            report: fingerprint,
            by,
            reason: form.reason.trim().to_owned(),
        })
    }
}

/// Who signed a day, and by what to sign it.
#[derive(Serialize)]
struct Signatures {
    as_of: String,
    day: String,
    open: usize,
    balanced: bool,
    fingerprint: String,
    signatures: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    at: String,
    by: String,
    open: usize,
    balanced: bool,
    reason: String,
    /// The day still comes to what was signed.
    is_as_signed: bool,
}

#[derive(Serialize)]
struct Signed {
    day: String,
    by: String,
}

pub(in crate::status) async fn as_json(
    State(page): State<Page>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Response> {
    let Query(asked) = asked.map_err(|_| refused(NO_DAY))?;
    let Looked { report, signatures, fingerprint, .. } = page.day(asked).await.map_err(refused)?;
    let item = |it: Signature| Item {
        at: it.at.to_string(),
        by: it.by,
        open: it.open,
        balanced: it.balanced,
        reason: it.reason,
        is_as_signed: it.report == fingerprint,
    };
    let signatures = signatures.into_iter().map(item).collect();
    let (day, open, balanced) = (report.day.name(), report.open_count(), report.imbalances.is_empty());
    let as_of = report.as_of.to_string();
    Ok(Json(Signatures { as_of, day, open, balanced, fingerprint, signatures }).into_response())
}

/// Signs in the name of a token.
pub(in crate::status) async fn sign_as_json(
    State(page): State<Page>,
    headers: HeaderMap,
    sent: Result<Json<SignForm>, JsonRejection>,
) -> Result<Response, Response> {
    let form = "{\"day\": …, \"fingerprint\": …, \"reason\": …}";
    let (asker, sent) = page.asker(&headers, sent, form)?;
    asker.needs(Role::Technician)?;
    let by = asker.account();
    let request = page.signing_off(&sent, by.clone()).await.map_err(refused)?;
    let day = request.day.clone();
    page.ask_as(by.clone(), Request::SignOff(Box::new(request))).await.map_err(refused)?;
    Ok(Json(Signed { day, by }).into_response())
}
