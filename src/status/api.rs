//! What the page shows, as JSON for programs: `/api/v1`, described by docs/openapi.json. The same numbers and words, made
//! from the same rows; who may read the page may read this, and a machine's token decides within its role.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::Page;
use super::act::needed;
use super::alarm_list::{alarms_as_json, see_to_as_json};
use super::anew::{preview_as_json as anew_as_json, record_as_json as read_anew_as_json};
use super::asker::{reasoned, refused, wrong};
use super::call::{call_as_json, record_as_json as record_call_as_json};
use super::calls::{self, CallRow};
use super::downtime::{downtime_as_json, keep_as_json, since_as_json};
use super::failure::Failure;
use super::hold::held_as_json;
use super::misread::{both_as_json, record_as_json};
use super::orders::orders_as_json;
use super::qc::{say_as_json, series_as_json};
use super::reconciliation::{as_json as day_as_json, sign_as_json, signatures_as_json};
use super::resend::{preview_as_json, send_as_json};
use super::shell::{self, HeldRow, LetterRow, ProblemRow};
use super::specimen::{self, Row, WayRow};
use super::{machine, snapshot::Snapshot};
use crate::domain::Words;
use crate::host::control::{Asked, Request};

/// What describes all this.
const DOCUMENT: &str = include_str!("../../docs/openapi.json");

pub(super) fn router() -> Router<Page> {
    Router::new()
        .route("/api/v1/openapi.json", get(document))
        .route("/api/v1/status", get(machine::status))
        .route("/api/v1/held", get(held))
        .route("/api/v1/held/{id}", get(held_as_json))
        .route("/api/v1/alarms", get(alarms_as_json).post(see_to_as_json))
        .route("/api/v1/orders", get(orders_as_json))
        .route("/api/v1/downtime", get(downtime_as_json).post(keep_as_json))
        .route("/api/v1/downtime/{id}", get(since_as_json))
        .route("/api/v1/problems", get(problems))
        .route("/api/v1/dead-letters", get(dead_letters))
        .route("/api/v1/calls", get(critical_calls))
        .route("/api/v1/calls/{id}", get(call_as_json).post(record_call_as_json))
        .route("/api/v1/specimen", get(specimen_way))
        .route("/api/v1/decisions", post(decide))
        .route("/api/v1/resend", get(preview_as_json).post(send_as_json))
        .route("/api/v1/reconciliation", get(day_as_json))
        .route("/api/v1/signatures", get(signatures_as_json).post(sign_as_json))
        .route("/api/v1/qc", get(series_as_json).post(say_as_json))
        .route("/api/v1/reevaluations", get(anew_as_json).post(read_anew_as_json))
        .route("/api/v1/misread", get(both_as_json).post(record_as_json))
}

/// A list of one moment. Where there is more than is listed, `total` says so.
#[derive(Serialize)]
struct List<T> {
    as_of: String,
    total: i64,
    items: Vec<T>,
}

#[derive(Serialize)]
pub(super) struct HeldItem {
    id: i64,
    instrument: String,
    specimen: String,
    test: String,
    value: String,
    unit: String,
    reasons: Vec<String>,
    lacking: Vec<String>,
    since: String,
    message: i64,
    may_leave: bool,
    /// Why it is held, for a decision that says so.
    seen: String,
}

#[derive(Serialize)]
struct ProblemItem {
    id: i64,
    kind: String,
    text: String,
    remedy: String,
    seen: String,
    instrument: String,
    specimen: Option<String>,
    message: Option<i64>,
}

#[derive(Serialize)]
struct LetterItem {
    id: i64,
    state: String,
    destination: String,
    specimen: String,
    results: String,
    attempts: String,
    reason: String,
    since: String,
    remedy: String,
    places: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct CallItem {
    id: i64,
    state: String,
    specimen: String,
    test: String,
    tell: String,
    why: String,
    due: String,
    whom: Option<String>,
    attempts: String,
}

#[derive(Serialize)]
struct SpecimenItem {
    id: String,
    severity: &'static str,
    headline: String,
    then: String,
    now: Vec<Now>,
    /// Steps before those of `way`.
    earlier: usize,
    way: Vec<WayItem>,
    cut_messages: Vec<i64>,
    /// Other messages in which the number stands, of which something could not be read.
    named_in: Vec<i64>,
}

#[derive(Serialize)]
struct Now {
    severity: &'static str,
    state: String,
    destination: String,
    tests: Vec<String>,
    results: Vec<Value>,
    next: String,
    places: Vec<String>,
}

#[derive(Serialize)]
struct WayItem {
    at: String,
    text: String,
    results: Vec<Value>,
    see: Option<String>,
}

#[derive(Serialize)]
struct Value {
    test: String,
    value: String,
    unit: String,
}

#[derive(Deserialize)]
struct Sought {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    decision: String,
    id: i64,
    reason: String,
    /// Of what is to be released, and needed there: why it was held when it was looked at.
    #[serde(default)]
    seen: Option<String>,
}

#[derive(Serialize)]
struct Decided {
    decision: &'static str,
    id: i64,
    by: String,
    /// What destinations keep of what was rejected.
    kept: Vec<String>,
}

async fn document() -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], DOCUMENT).into_response()
}

async fn held(State(page): State<Page>) -> Result<Response, Response> {
    list(
        &page,
        |it| it.waiting.held,
        |it, clock| it.held.iter().map(|view| held_item(shell::held(view, clock))).collect(),
    )
    .await
}

async fn problems(State(page): State<Page>) -> Result<Response, Response> {
    list(
        &page,
        |it| it.waiting.open_problems,
        |it, clock| it.problems.iter().map(|view| problem_item(shell::problem(view, clock))).collect(),
    )
    .await
}

async fn dead_letters(State(page): State<Page>) -> Result<Response, Response> {
    list(
        &page,
        |it| it.waiting.dead_letters,
        |it, clock| it.letters.iter().map(|view| letter_item(shell::letter(view, it, clock))).collect(),
    )
    .await
}

async fn critical_calls(State(page): State<Page>) -> Result<Response, Response> {
    let total = |it: &Snapshot| i64::try_from(it.calls.len()).unwrap_or(i64::MAX);
    list(&page, total, |it, clock| calls::rows(it, clock).into_iter().map(call_item).collect()).await
}

async fn list<T: Serialize>(
    page: &Page,
    total: impl FnOnce(&Snapshot) -> i64,
    items: impl FnOnce(&Snapshot, &super::clock::Clock) -> Vec<T>,
) -> Result<Response, Response> {
    let snapshot = page.snapshot().await.map_err(|error| refused(Failure::Journal(error)))?;
    let clock = page.clock(&snapshot);
    let items = items(&snapshot, &clock);
    Ok(Json(List { as_of: snapshot.as_of.to_string(), total: total(&snapshot), items }).into_response())
}

async fn specimen_way(
    State(page): State<Page>,
    sought: Result<Query<Sought>, QueryRejection>,
) -> Result<Response, Response> {
    let Query(sought) = sought.map_err(|_| wrong("Say which: ?id=NUMBER."))?;
    let found = specimen::find(&page, &sought.id).await.map_err(refused)?;
    Ok(Json(SpecimenItem {
        severity: found.lead.severity.class(),
        headline: found.lead.headline.english(),
        then: found.lead.then.english(),
        now: found.now.into_iter().map(now).collect(),
        earlier: found.earlier,
        way: found.way.into_iter().map(way_item).collect(),
        named_in: found.named_in.into_iter().map(|(message, _)| message).collect(),
        cut_messages: found.cut.into_iter().map(|(message, _)| message).collect(),
        id: found.id,
    })
    .into_response())
}

/// Decides in the name of a token.
async fn decide(
    State(page): State<Page>,
    headers: HeaderMap,
    sent: Result<Json<Decision>, JsonRejection>,
) -> Result<Response, Response> {
    let form = "{\"decision\": …, \"id\": …, \"reason\": …}";
    let (asker, sent) = page.asker(&headers, sent, form)?;
    let decision = Asked::from_name(&sent.decision).ok_or_else(|| wrong("There is no such decision."))?;
    asker.needs(needed(decision))?;
    let reason = reasoned(&sent.reason)?;
    if decision == Asked::Release {
        let seen =
            sent.seen.ok_or_else(|| wrong("A release says what it saw: `seen` of the held result."))?;
        page.is_as_seen(&[format!("{} {seen}", sent.id)], &[sent.id]).await.map_err(refused)?;
    }
    let by = asker.account();
    let request = Request::Decide { decision, id: sent.id, by: None, reason };
    page.ask_as(by.clone(), request).await.map_err(refused)?;
    let kept = page.kept(decision, sent.id).await.map_err(refused)?;
    let kept = kept.iter().map(Words::english).collect();
    Ok(Json(Decided { decision: decision.name(), id: sent.id, by, kept }).into_response())
}

pub(super) fn held_item(it: HeldRow) -> HeldItem {
    HeldItem {
        id: it.id,
        instrument: it.instrument,
        specimen: it.specimen,
        test: it.test,
        value: it.value,
        unit: it.unit.english(),
        reasons: it.reasons.iter().map(Words::english).collect(),
        lacking: it.lacking,
        since: it.since.exact(),
        message: it.message,
        may_leave: it.may_leave,
        seen: it.seen,
    }
}

fn problem_item(it: ProblemRow) -> ProblemItem {
    ProblemItem {
        id: it.id,
        kind: it.kind.english(),
        text: it.text.english(),
        remedy: it.remedy.english(),
        seen: it.seen.exact(),
        instrument: it.instrument,
        specimen: it.specimen,
        message: it.message,
    }
}

fn letter_item(it: LetterRow) -> LetterItem {
    LetterItem {
        id: it.id,
        state: it.mark.words.english(),
        destination: it.destination,
        specimen: it.specimen,
        results: it.results.english(),
        attempts: it.attempts.english(),
        reason: it.reason.english(),
        since: it.since.exact(),
        remedy: it.next.english(),
        places: it.next.paths(),
    }
}

pub(super) fn call_item(it: CallRow) -> CallItem {
    CallItem {
        id: it.id,
        state: it.mark.words.english(),
        specimen: it.specimen,
        test: it.test,
        tell: it.tell.english(),
        why: it.why.english(),
        due: it.due.exact(),
        whom: it.whom,
        attempts: it.attempts.english(),
    }
}

fn now(it: Row) -> Now {
    Now {
        severity: it.mark.class,
        state: it.mark.words.english(),
        destination: it.destination,
        tests: it.results.iter().map(|(what, ..)| what.english()).collect(),
        results: it
            .results
            .into_iter()
            .map(|(what, given, unit)| value((what.english(), given, unit)))
            .collect(),
        next: it.next.english(),
        places: it.next.paths(),
    }
}

fn value((test, value, unit): (String, String, Words)) -> Value {
    Value { test, value, unit: unit.english() }
}

fn way_item(it: WayRow) -> WayItem {
    WayItem {
        at: it.at.exact(),
        text: it.text.english(),
        results: it.results.into_iter().map(value).collect(),
        see: it.link.map(|(path, _)| path),
    }
}
