//! How each test stands by its controls, as JSON, and what a supervisor's token says of them.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::saying::asked;
use super::why;
use crate::domain::Role;
use crate::host::control::Request;
use crate::journal::qc::{RunView, SeriesView};
use crate::status::Page;
use crate::status::asker::{reasoned, refused, wrong};
use crate::status::failure::Failure;

#[derive(Serialize)]
struct Controls {
    as_of: String,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    instrument: String,
    code: String,
    aspect: String,
    component: String,
    state: &'static str,
    last: Option<Run>,
    acceptable: Option<Run>,
    /// Those that somebody may accept all the same.
    open: Vec<Run>,
}

#[derive(Serialize)]
struct Run {
    id: i64,
    measured: String,
    outcome: &'static str,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::status) struct Wish {
    say: String,
    /// A run, or a control result.
    id: i64,
    reason: String,
}

#[derive(Serialize)]
struct Said {
    say: String,
    id: i64,
    by: String,
}

pub(in crate::status) async fn series(State(page): State<Page>) -> Result<Response, Response> {
    let (valid_for, now) = (page.qc.valid_for, crate::clock::now());
    let read = page.readers.read(move |reader| reader.qc(valid_for, now)).await;
    let series = read.map_err(|error| refused(Failure::Journal(error)))?;
    let items = series.into_iter().map(item).collect();
    Ok(Json(Controls { as_of: now.to_string(), items }).into_response())
}

fn item(it: SeriesView) -> Item {
    Item {
        instrument: it.instrument.to_string(),
        code: it.test.code,
        aspect: it.test.aspect,
        component: it.test.component,
        state: it.state.name(),
        last: it.last.as_ref().map(run),
        acceptable: it.acceptable.as_ref().map(run),
        open: it.open.iter().map(run).collect(),
    }
}

fn run(it: &RunView) -> Run {
    Run {
        id: it.id,
        measured: it.measured_at.to_string(),
        outcome: it.outcome.name(),
        why: why(it).english(),
    }
}

/// Says something in the name of a token.
pub(in crate::status) async fn say(
    State(page): State<Page>,
    headers: HeaderMap,
    sent: Result<Json<Wish>, JsonRejection>,
) -> Result<Response, Response> {
    let form = "{\"say\": \"accept\" or \"exclude\", \"id\": …, \"reason\": …}";
    let (asker, wish) = page.asker(&headers, sent, form)?;
    let asked = asked(&wish.say).ok_or_else(|| wrong("Say \"accept\" or \"exclude\"."))?;
    asker.needs(Role::Supervisor)?;
    let reason = reasoned(&wish.reason)?;
    let by = asker.account();
    let request = Request::Qc { asked, id: wish.id, by: asker.name(), reason };
    page.ask_as(by.clone(), request).await.map_err(refused)?;
    Ok(Json(Said { say: wish.say, id: wish.id, by }).into_response())
}
