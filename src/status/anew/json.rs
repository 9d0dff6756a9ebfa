//! The same for programs: `/api/v1/reevaluations` says what results would become, and a token of a technician has it so.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::domain::Role;
use crate::host::control::{self, Becomes, Reevaluated, Request};
use crate::status::Page;
use crate::status::asker::{reasoned, refused, wrong};
use crate::status::failure::Failure;
use crate::status::words;

#[derive(Serialize)]
struct Looked {
    items: Vec<Item>,
    /// In whose name they became so; null where they only would.
    by: Option<String>,
}

#[derive(Serialize)]
struct Item {
    id: i64,
    whose: String,
    was: String,
    becomes: Option<Other>,
    /// Why it stays as it is.
    stays: Option<String>,
}

#[derive(Serialize)]
struct Other {
    value: String,
    decisions: Vec<String>,
    holds: Vec<String>,
    leaves: Vec<String>,
    corrects: Vec<String>,
    voids: Vec<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::status) struct Wish {
    results: Vec<i64>,
    reason: String,
}

pub(in crate::status) async fn preview(
    State(page): State<Page>,
    fields: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Response> {
    let wrong = || wrong("Say which: ?result=ID for each.");
    let Query(fields) = fields.map_err(|_| wrong())?;
    let named = fields.iter().map(|(name, value)| value.parse().ok().filter(|_| name == "result"));
    let results: Vec<i64> =
        named.collect::<Option<_>>().filter(|it: &Vec<i64>| !it.is_empty()).ok_or_else(wrong)?;
    let request = Request::Reevaluate { results, by: None, reason: String::new() };
    looked(&page, request, String::new(), None).await
}

/// Has it so in the name of a token.
pub(in crate::status) async fn record(
    State(page): State<Page>,
    headers: HeaderMap,
    sent: Result<Json<Wish>, JsonRejection>,
) -> Result<Response, Response> {
    let (asker, wish) = page.asker(&headers, sent, "{\"results\": […], \"reason\": …}")?;
    asker.needs(Role::Technician)?;
    let reason = reasoned(&wish.reason)?;
    let by = asker.account();
    let request = Request::Reevaluate { results: wish.results, by: Some(asker.name()), reason };
    looked(&page, request, by.clone(), Some(by)).await
}

async fn looked(
    page: &Page,
    request: Request,
    account: String,
    by: Option<String>,
) -> Result<Response, Response> {
    match page.control.answer(request, account).await {
        control::Response::Reevaluated { results } => {
            Ok(Json(Looked { items: results.into_iter().map(item).collect(), by }).into_response())
        }
        control::Response::Refused { why } => Err(refused(Failure::Refused(words::refused(&why)))),
        _ => Err(refused(Failure::Render)),
    }
}

fn item(it: Reevaluated) -> Item {
    let Reevaluated { id, whose, was, became } = it;
    let (becomes, stays) = match became {
        Ok(Becomes { value, decisions, holds, leaves, corrects, voids, code }) => {
            (Some(Other { value, decisions, holds, leaves, corrects, voids, code }), None)
        }
        Err(why) => (None, Some(why)),
    };
    Item { id, whose, was, becomes, stays }
}
