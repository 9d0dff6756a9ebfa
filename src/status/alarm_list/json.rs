//! The alarms that are on, as JSON, and what a technician's token does about them.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Doing;
use crate::config::settings::Least;
use crate::domain::Role;
use crate::status::Page;
use crate::status::annunciator::On;
use crate::status::asker::{refused, wrong};
use crate::status::failure::Failure;

#[derive(Serialize)]
struct Alarms {
    as_of: String,
    total: usize,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    id: u64,
    alert: String,
    severity: &'static str,
    text: String,
    since: String,
    /// Nobody has acknowledged or shelved it.
    rings: bool,
    acknowledged: Option<Acknowledged>,
    shelved: Option<Shelved>,
    may_be_shelved: bool,
}

#[derive(Serialize)]
struct Acknowledged {
    by: String,
    at: String,
}

#[derive(Serialize)]
struct Shelved {
    by: String,
    until: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::status) struct Wish {
    what: String,
    id: u64,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    hours: u8,
}

#[derive(Serialize)]
struct SeenTo {
    what: String,
    id: u64,
    by: String,
}

pub(in crate::status) async fn alarms(State(page): State<Page>) -> Result<Response, Response> {
    let snapshot = page.snapshot().await.map_err(|error| refused(Failure::Journal(error)))?;
    let items: Vec<Item> = snapshot.alarms.iter().map(item).collect();
    Ok(Json(Alarms { as_of: snapshot.as_of.to_string(), total: items.len(), items }).into_response())
}

fn item(it: &On) -> Item {
    Item {
        id: it.id,
        alert: it.alert.clone(),
        severity: match it.severity {
            Least::Danger => "danger",
            Least::Act => "act",
        },
        text: it.text.english(),
        since: it.since.to_string(),
        rings: it.rings(),
        acknowledged: it
            .acknowledged
            .as_ref()
            .map(|(by, at)| Acknowledged { by: by.clone(), at: at.to_string() }),
        shelved: it.shelved.as_ref().map(|shelf| Shelved {
            by: shelf.by.clone(),
            until: shelf.until.to_string(),
            reason: shelf.reason.clone(),
        }),
        may_be_shelved: it.may_be_shelved(),
    }
}

/// Acknowledges or shelves in the name of a token.
pub(in crate::status) async fn see_to(
    State(page): State<Page>,
    headers: HeaderMap,
    sent: Result<Json<Wish>, JsonRejection>,
) -> Result<Response, Response> {
    let form = "{\"what\": \"acknowledge\", \"id\": …} or {\"what\": \"shelve\", \"id\": …, \"reason\": …, \"hours\": …}";
    let (asker, Wish { what, id, reason, hours }) = page.asker(&headers, sent, form)?;
    let doing =
        Doing::from_name(&what, &reason, hours).ok_or_else(|| wrong("Say \"acknowledge\" or \"shelve\"."))?;
    asker.needs(Role::Technician)?;
    let by = asker.account();
    page.see_to(id, doing, by.clone(), by.clone()).await.map_err(refused)?;
    Ok(Json(SeenTo { what, id, by }).into_response())
}
