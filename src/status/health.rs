//! `/health` and `/ready`, for whoever starts and stops the gateway: a word and a status, and nothing of a patient. Neither
//! reads the journal, so that both answer when it can't be read.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Page;
use crate::board::LinkState;
use crate::clock;
use crate::journal::Condition;

/// How long the loops may be silent. They are looked at every ten seconds.
const SILENCE: Duration = Duration::from_secs(60);

/// 200 while labwire is at work, and 503 where only another start helps.
pub(super) async fn health(State(page): State<Page>) -> Response {
    answer(state(&page))
}

/// Whether labwire is at work, or why not.
pub(super) fn state(page: &Page) -> Result<&'static str, String> {
    let idle = clock::monotonic().duration_since(*page.alive.borrow());
    let condition = page.condition.borrow().clone();
    match condition {
        Condition::Failed(_) => Err("the journal has failed: nothing is acknowledged".to_owned()),
        Condition::Good | Condition::Full if idle > SILENCE => {
            Err(format!("the loops that results depend on are silent for {} s", idle.as_secs()))
        }
        Condition::Good | Condition::Full => Ok("at work"),
    }
}

/// 200 while analyzers are received and results delivered, and 503, with the reason, while they aren't. A LIMS that is down
/// is no reason: results wait for it.
pub(super) async fn ready(State(page): State<Page>) -> Response {
    let starting = page.board.links().values().filter(|link| link.state == LinkState::Starting).count();
    let condition = page.condition.borrow().clone();
    let standstill = page.standstill.borrow().clone();
    answer(match (condition, standstill) {
        (Condition::Failed(_), _) => Err("the journal has failed: nothing is acknowledged".to_owned()),
        (Condition::Full, _) => Err("the disk is full: no new transmission is accepted".to_owned()),
        (Condition::Good, Some(why)) => Err(format!("nothing is delivered: {why}")),
        (Condition::Good, None) if starting > 0 => Err(format!("{starting} links are starting")),
        (Condition::Good, None) => Ok("ready"),
    })
}

fn answer(state: Result<&str, String>) -> Response {
    let (status, words) = match state {
        Ok(words) => (StatusCode::OK, words.to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
    };
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{words}\n")).into_response()
}
