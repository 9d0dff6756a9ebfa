//! How each test stands by its controls, as JSON, and what a supervisor's token says of them.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::saying::asked;
use super::why;
use crate::domain::Role;
use crate::host::control::Request;
use crate::journal::qc::{RunView, SeriesView};
use crate::status::Page;
use crate::status::api::{no_reason, no_token, reasoned, refusal, refused, token};
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

/// Says something in the name of a machine. A session doesn't count here: a browser could be made to send one.
pub(in crate::status) async fn say(
    State(page): State<Page>,
    headers: HeaderMap,
    sent: Result<Json<Wish>, JsonRejection>,
) -> Result<Response, Response> {
    let machine = token(&page, &headers).ok_or_else(no_token)?;
    let form = "Send {\"say\": \"accept\" or \"exclude\", \"id\": …, \"reason\": …} as application/json.";
    let Json(wish) = sent.map_err(|_| refusal(StatusCode::BAD_REQUEST, form))?;
    let asked = asked(&wish.say).ok_or_else(|| refusal(StatusCode::BAD_REQUEST, form))?;
    if machine.role < Role::Supervisor {
        return Err(refusal(StatusCode::FORBIDDEN, "This token's role may not do this."));
    }
    let reason = reasoned(&wish.reason).ok_or_else(no_reason)?;
    let by = format!("{} by token", machine.name);
    let request = Request::Qc { asked, id: wish.id, by: machine.name.to_string(), reason };
    page.ask_as(by.clone(), request).await.map_err(refused)?;
    Ok(Json(Said { say: wish.say, id: wish.id, by }).into_response())
}
