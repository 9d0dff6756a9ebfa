//! The list for a downtime as JSON, a token that keeps one, and what became of a kept one. As on the page, it is no report.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{Listed, Otherwise, ResultRow, SinceRow, Specimen, Ward, by_hand, is_doubtful, lines, wards};
use crate::domain::{Role, Words};
use crate::status::Page;
use crate::status::asker::refused;
use crate::status::failure::Failure;
use crate::status::hold::{Told, told_as_json};
use crate::status::shell::Mark;

#[derive(Serialize)]
struct Downtime {
    as_of: String,
    /// Results that aren't in the LIMS.
    total: usize,
    /// There are more.
    is_cut: bool,
    by_hand: Vec<String>,
    wards: Vec<WardItem>,
    lists: Vec<ListItem>,
}

#[derive(Serialize)]
struct ListItem {
    id: i64,
    kept: String,
    by: String,
}

#[derive(Serialize)]
struct WardItem {
    name: String,
    specimens: Vec<SpecimenItem>,
}

#[derive(Serialize)]
struct SpecimenItem {
    specimen: String,
    patient: Vec<Told>,
    /// Why it is in doubt whose it is, and whom the analyzer named.
    doubts: Vec<Doubt>,
    results: Vec<ResultItem>,
}

#[derive(Serialize)]
struct Doubt {
    why: String,
    named: Vec<Told>,
}

#[derive(Serialize)]
struct ResultItem {
    test: String,
    value: String,
    flags: String,
    at: String,
    states: Vec<String>,
}

#[derive(Serialize)]
struct SinceItem {
    as_of: String,
    id: i64,
    kept: String,
    by: String,
    summary: String,
    is_doubtful: bool,
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    specimen: String,
    patient: String,
    test: String,
    listed: String,
    now: String,
    became: Vec<String>,
}

/// Nothing: a list is of everything that isn't in the LIMS.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::status) struct Wish {}

#[derive(Serialize)]
struct Kept {
    id: i64,
    by: String,
}

pub(in crate::status) async fn downtime(State(page): State<Page>) -> Result<Response, Response> {
    let (snapshot, listed) = page.listed().await.map_err(|error| refused(Failure::Journal(error)))?;
    let Listed { missing, is_cut, lists, .. } = listed;
    let clock = page.clock(&snapshot);
    let list =
        |it: crate::journal::downtime::Kept| ListItem { id: it.id.0, kept: it.at.to_string(), by: it.by };
    Ok(Json(Downtime {
        as_of: snapshot.as_of.to_string(),
        total: missing.len(),
        is_cut,
        by_hand: by_hand(&missing).iter().map(Words::english).collect(),
        wards: wards(&missing, &clock).into_iter().map(ward).collect(),
        lists: lists.into_iter().map(list).collect(),
    })
    .into_response())
}

/// Keeps the list of this moment in the name of a token.
pub(in crate::status) async fn keep(
    State(page): State<Page>,
    headers: HeaderMap,
    sent: Result<Json<Wish>, JsonRejection>,
) -> Result<Response, Response> {
    let (asker, _) = page.asker(&headers, sent, "{}")?;
    asker.needs(Role::Technician)?;
    let by = asker.account();
    let list = page.keep_list(by.clone()).await.map_err(refused)?;
    Ok(Json(Kept { id: list.0, by }).into_response())
}

pub(in crate::status) async fn since(
    State(page): State<Page>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let (snapshot, kept, since) = page.kept_list(&id).await.map_err(refused)?;
    let (summary, lines) = lines(&since);
    Ok(Json(SinceItem {
        as_of: snapshot.as_of.to_string(),
        id: kept.id.0,
        kept: kept.at.to_string(),
        by: kept.by,
        summary: summary.english(),
        is_doubtful: is_doubtful(&since),
        lines: lines.into_iter().map(line).collect(),
    })
    .into_response())
}

fn ward(it: Ward) -> WardItem {
    WardItem { name: it.name.english(), specimens: it.specimens.into_iter().map(specimen).collect() }
}

fn specimen(it: Specimen) -> SpecimenItem {
    let doubt = |it: Otherwise| Doubt { why: it.why.english(), named: told_as_json(it.named) };
    SpecimenItem {
        specimen: it.id,
        patient: told_as_json(it.patient),
        doubts: it.otherwise.into_iter().map(doubt).collect(),
        results: it.results.into_iter().map(result).collect(),
    }
}

fn result(it: ResultRow) -> ResultItem {
    ResultItem {
        test: it.test,
        value: it.value.english(),
        flags: it.flags,
        at: it.at.exact(),
        states: english(&it.marks),
    }
}

fn line(it: SinceRow) -> Line {
    Line {
        specimen: it.specimen,
        patient: it.patient.english(),
        test: it.test,
        listed: it.listed.english(),
        now: it.now.english(),
        became: english(&it.marks),
    }
}

fn english(marks: &[Mark]) -> Vec<String> {
    marks.iter().map(|mark| mark.words.english()).collect()
}
