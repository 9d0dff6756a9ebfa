//! The same for programs: `/api/v1/misread` shows both tubes, and a token of a technician has results moved.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{Asked, Fields, Row, Seen, Tube, reassign};
use crate::domain::Role;
use crate::status::Page;
use crate::status::asker::{reasoned, refused, wrong};
use crate::status::hold::{Told, told_as_json};

#[derive(Serialize)]
struct Both {
    as_of: String,
    here: TubeItem,
    /// Nothing until another specimen and at least one result are named.
    there: Option<TubeItem>,
    /// What is told of both patients and differs; nothing where nothing is told of both.
    differs: Option<Vec<String>>,
}

#[derive(Serialize)]
struct TubeItem {
    specimen: String,
    is_ordered: bool,
    patients: Vec<Vec<Told>>,
    results: Vec<ResultItem>,
}

#[derive(Serialize)]
struct ResultItem {
    id: i64,
    test: String,
    value: String,
    unit: String,
    instrument: String,
    is_chosen: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::status) struct Wish {
    to: String,
    results: Vec<i64>,
    reason: String,
}

#[derive(Serialize)]
struct Moved {
    to: String,
    results: usize,
    by: String,
}

pub(in crate::status) async fn both(
    State(page): State<Page>,
    fields: Result<Query<Fields>, QueryRejection>,
) -> Result<Response, Response> {
    let wrong = || wrong("Say which: ?id=NUMBER, then also to=NUMBER and a result=ID for each.");
    let Query(fields) = fields.map_err(|_| wrong())?;
    let asked = Asked::of(&fields);
    if asked.here.is_empty() {
        return Err(wrong().into());
    }
    let (snapshot, seen) = page.both(&asked).await.map_err(refused)?;
    let Seen { here, there, comparison, .. } = seen;
    let differs = comparison.filter(|it| it.is_comparable).map(|it| it.differs);
    Ok(Json(Both { as_of: snapshot.as_of.to_string(), here: tube(here), there: there.map(tube), differs })
        .into_response())
}

/// Moves in the name of a token.
pub(in crate::status) async fn record(
    State(page): State<Page>,
    headers: HeaderMap,
    sent: Result<Json<Wish>, JsonRejection>,
) -> Result<Response, Response> {
    let (asker, wish) = page.asker(&headers, sent, "{\"to\": …, \"results\": […], \"reason\": …}")?;
    asker.needs(Role::Technician)?;
    let reason = reasoned(&wish.reason)?;
    let (by, count) = (asker.account(), wish.results.len());
    let request = reassign(wish.results, wish.to.clone(), asker.name(), reason);
    page.ask_as(by.clone(), request).await.map_err(refused)?;
    Ok(Json(Moved { to: wish.to, results: count, by }).into_response())
}

fn tube(it: Tube) -> TubeItem {
    TubeItem {
        specimen: it.number,
        is_ordered: it.is_ordered,
        patients: it.patients.into_iter().map(told_as_json).collect(),
        results: it.results.into_iter().map(result).collect(),
    }
}

fn result(it: Row) -> ResultItem {
    ResultItem {
        id: it.id,
        test: it.test,
        value: it.value,
        unit: it.unit.english(),
        instrument: it.instrument,
        is_chosen: it.is_chosen,
    }
}
