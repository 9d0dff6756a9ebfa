//! Who asks by `/api/v1` that something be done: a program with a token, within its role and in its own name. A session doesn't
//! count there: a browser could be made to send one. And the answers of all who are turned away.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Page;
use super::entrance::Machine;
use super::failure::Failure;
use crate::domain::Role;

/// The longest reason of a decision, in characters, as on the page.
const LONGEST_REASON: usize = 500;

/// A program that may ask.
pub(super) struct Asker(Machine);

impl Page {
    /// Whose token it is, and what was sent; `form` says how to send it.
    pub(super) fn asker<T>(
        &self,
        headers: &HeaderMap,
        sent: Result<Json<T>, JsonRejection>,
        form: &str,
    ) -> Result<(Asker, T), TurnedAway> {
        let machine = self.entrance.machine(headers).cloned().ok_or(TurnedAway::Stranger)?;
        let Json(sent) = sent.map_err(|_| wrong(&format!("Send {form} as application/json.")))?;
        Ok((Asker(machine), sent))
    }
}

impl Asker {
    /// Turned away below the least role that may do it.
    pub(super) fn needs(&self, least: Role) -> Result<(), TurnedAway> {
        if self.0.role >= least { Ok(()) } else { Err(TurnedAway::Role) }
    }

    /// By whom it was done, where people's names stand.
    pub(super) fn name(&self) -> String {
        self.0.name.to_string()
    }

    /// As the audit shows it.
    pub(super) fn account(&self) -> String {
        format!("{} by token", self.0.name)
    }
}

/// A reason that may stand in the audit.
pub(super) fn reasoned(reason: &str) -> Result<String, TurnedAway> {
    let reason = reason.trim();
    match !reason.is_empty() && reason.chars().count() <= LONGEST_REASON {
        true => Ok(reason.to_owned()),
        false => Err(wrong("A decision needs a reason, of 500 characters at most.")),
    }
}

/// Why nothing is done or told.
pub(super) enum TurnedAway {
    /// No token, or none that is known.
    Stranger,
    Role,
    /// What was sent can't be asked, and what can.
    Wrong(String),
}

impl From<TurnedAway> for Response {
    fn from(why: TurnedAway) -> Response {
        match why {
            TurnedAway::Stranger => {
                (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response()
            }
            TurnedAway::Role => refusal(StatusCode::FORBIDDEN, "This token's role may not do this."),
            TurnedAway::Wrong(how) => refusal(StatusCode::BAD_REQUEST, &how),
        }
    }
}

/// Why there is no answer, in a sentence.
#[derive(Serialize)]
struct Refusal {
    error: String,
}

pub(super) fn refusal(status: StatusCode, error: &str) -> Response {
    (status, Json(Refusal { error: error.to_owned() })).into_response()
}

/// What was asked isn't what can be asked.
pub(super) fn wrong(how: &str) -> TurnedAway {
    TurnedAway::Wrong(how.to_owned())
}

pub(super) fn refused(failure: Failure) -> Response {
    match failure {
        Failure::NotFound(what) => refusal(StatusCode::NOT_FOUND, what),
        Failure::Refused(why) => refusal(StatusCode::CONFLICT, &why.english()),
        other => {
            let status = other.into_response().status();
            refusal(status, "labwire can't answer now.")
        }
    }
}
