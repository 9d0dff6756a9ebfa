//! A held result as JSON, and what stands beside a result, for whoever tells of one.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::{EvidenceRows, patient, rows};
use crate::domain::Words;
use crate::status::Page;
use crate::status::api::{HeldItem, held_item};
use crate::status::asker::refused;
use crate::status::shell;

#[derive(Serialize)]
struct Hold {
    as_of: String,
    #[serde(flatten)]
    result: HeldItem,
    patient: Vec<Told>,
    evidence: EvidenceItem,
}

/// What stands beside a result.
#[derive(Serialize)]
pub(in crate::status) struct EvidenceItem {
    at: Vec<At>,
    ordered: Vec<Vec<Told>>,
    /// The analyzer named another patient than the orders.
    is_other: bool,
    decisions: Vec<String>,
    previous: Vec<String>,
    beside: Vec<Told>,
}

#[derive(Serialize)]
struct At {
    destination: String,
    state: String,
}

/// What is known, and by what name.
#[derive(Serialize)]
pub(in crate::status) struct Told {
    what: String,
    text: String,
}

pub(in crate::status) async fn held(
    State(page): State<Page>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let (snapshot, view, beside) = page.hold(&id).await.map_err(refused)?;
    let clock = page.clock(&snapshot);
    Ok(Json(Hold {
        as_of: snapshot.as_of.to_string(),
        result: held_item(shell::held(&view, &clock)),
        patient: told(patient(&view.detail)),
        evidence: evidence(rows(&beside, &view.detail, &clock)),
    })
    .into_response())
}

pub(in crate::status) fn told(told: Vec<(Words, String)>) -> Vec<Told> {
    told.into_iter().map(|(what, text)| Told { what: what.english(), text }).collect()
}

pub(in crate::status) fn evidence(it: EvidenceRows) -> EvidenceItem {
    let english = |words: &[Words]| words.iter().map(Words::english).collect();
    EvidenceItem {
        at: it
            .at
            .into_iter()
            .map(|(destination, state)| At { destination, state: state.english() })
            .collect(),
        ordered: it.ordered.into_iter().map(told).collect(),
        is_other: it.is_other,
        decisions: english(&it.decisions),
        previous: english(&it.previous),
        beside: told(it.beside.into_iter().map(|(is, result)| (is, result.english())).collect()),
    }
}
