//! The same for programs: `/api/v1/resend` shows what would be sent once more, and a token of a supervisor has it sent.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::rows::{DeliveryRow, ResultRow, StaysRow};
use super::{Asked, Found};
use crate::domain::Role;
use crate::status::Page;
use crate::status::asker::{reasoned, refusal, refused, wrong};
use crate::status::failure::Failure;

#[derive(Serialize)]
struct PreviewItem {
    as_of: String,
    to: String,
    results: usize,
    deliveries: Vec<DeliveryItem>,
    stays: Vec<StaysItem>,
    seen: String,
}

#[derive(Serialize)]
struct DeliveryItem {
    id: i64,
    key: String,
    answer: Option<AnswerItem>,
    before: Vec<BeforeItem>,
    how: String,
    makes: String,
    payload: Option<PayloadItem>,
    results: Vec<ResultItem>,
}

/// An earlier time that some of it was sent once more.
#[derive(Serialize)]
struct BeforeItem {
    at: String,
    by: String,
    reason: String,
}

#[derive(Serialize)]
struct AnswerItem {
    at: String,
    verdict: String,
    status: Option<u16>,
    detail: String,
}

/// The bytes as text; in hexadecimal where they are none.
#[derive(Serialize)]
struct PayloadItem {
    length: usize,
    sha256: String,
    text: Option<String>,
    hex: Option<String>,
}

#[derive(Serialize)]
struct ResultItem {
    id: i64,
    specimen: String,
    test: String,
    value: String,
    unit: String,
    goes_along: bool,
}

#[derive(Serialize)]
struct StaysItem {
    result: ResultItem,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::status) struct Wish {
    to: String,
    #[serde(default)]
    specimen: String,
    #[serde(default)]
    through: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    instrument: String,
    #[serde(default)]
    test: String,
    seen: String,
    reason: String,
}

#[derive(Serialize)]
struct Resent {
    to: String,
    results: usize,
    by: String,
}

pub(in crate::status) async fn preview(
    State(page): State<Page>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Response> {
    let wrong = || wrong("Say where to and which: ?to=NAME&specimen=NUMBER, or from and until.");
    let Query(asked) = asked.map_err(|_| wrong())?;
    let (snapshot, found) = page.resending(asked).await.map_err(|error| refused(Failure::Journal(error)))?;
    let found = found.map_err(|why| refusal(StatusCode::CONFLICT, &why.english()))?.ok_or_else(wrong)?;
    Ok(Json(item(found, snapshot.as_of.to_string())).into_response())
}

/// Sends in the name of a token.
pub(in crate::status) async fn send(
    State(page): State<Page>,
    headers: HeaderMap,
    sent: Result<Json<Wish>, JsonRejection>,
) -> Result<Response, Response> {
    let form = "{\"to\": …, \"specimen\": … or \"from\": … and \"until\": …, \"seen\": …, \"reason\": …}";
    let (asker, wish) = page.asker(&headers, sent, form)?;
    asker.needs(Role::Supervisor)?;
    let reason = reasoned(&wish.reason)?;
    let by = asker.account();
    let Wish { to, specimen, through, from, until, instrument, test, seen, .. } = wish;
    let asked = Asked { to: to.clone(), specimen, through, from, until, instrument, test };
    let results =
        page.send_again(asked, (asker.name(), by.clone()), (seen, reason)).await.map_err(refused)?;
    Ok(Json(Resent { to, results, by }).into_response())
}

fn item(found: Found, as_of: String) -> PreviewItem {
    PreviewItem {
        as_of,
        to: found.asked.to,
        results: found.results,
        deliveries: found.sent.into_iter().map(delivery).collect(),
        stays: found.stays.into_iter().map(stays).collect(),
        seen: found.fingerprint,
    }
}

fn delivery(it: DeliveryRow) -> DeliveryItem {
    DeliveryItem {
        id: it.id,
        key: it.key,
        answer: it.answer.map(|answer| AnswerItem {
            at: answer.at.exact(),
            verdict: answer.verdict.english(),
            status: answer.status,
            detail: answer.detail.english(),
        }),
        before: it
            .before
            .into_iter()
            .map(|before| BeforeItem { at: before.at.exact(), by: before.by, reason: before.reason })
            .collect(),
        how: it.how.english(),
        makes: it.makes.english(),
        payload: it.payload.map(|payload| {
            let (length, text) = (payload.bytes.len(), String::from_utf8(payload.bytes));
            let (text, hex) = match text {
                Ok(text) => (Some(text), None),
                Err(none) => (None, Some(none.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect())),
            };
            PayloadItem { length, sha256: payload.sha256, text, hex }
        }),
        results: it.results.into_iter().map(result).collect(),
    }
}

fn result(it: ResultRow) -> ResultItem {
    ResultItem {
        id: it.id,
        specimen: it.specimen,
        test: it.test,
        value: it.value,
        unit: it.unit.english(),
        goes_along: it.goes_along,
    }
}

fn stays(it: StaysRow) -> StaysItem {
    StaysItem { why: it.why.english(), result: result(it.result) }
}
