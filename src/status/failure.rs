//! What is shown where a page can't be: said plainly, in the house's look, without repeating what was asked for.

use std::any::Any;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::words::{filters, refused, values};
use crate::config::settings::Language;
use crate::domain::{Words, words};
use crate::journal::JournalError;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Failure {
    NotFound(&'static str),
    /// Somebody must sign in first, or come back.
    SignIn,
    Forbidden(&'static str),
    /// A form that can't be read, and what of it HTTP says.
    Form(StatusCode),
    /// What was asked for can't be done, and why.
    Refused(Words),
    Journal(JournalError),
    Render,
    Panic,
    TooLong,
}

/// On the answer to a request for which somebody must sign in first, or come back.
#[derive(Debug, Clone, Copy)]
pub(super) struct SignInFirst;

/// What stands in its place. It is put into words where the language is known.
#[derive(Clone, Template)]
#[template(path = "failure.html")]
pub(super) struct Notice {
    headline: Words,
    then: Words,
}

impl Notice {
    pub(super) fn response(&self, status: StatusCode, language: Language) -> Response {
        let text = self.render_with_values(&values(language));
        (status, Html(text.unwrap_or_else(|_| self.headline.english()))).into_response()
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Failure::Journal(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let again = || {
            words!(
                "Reload in a moment. If this stays, check the disk and labwire's log; analyzers and LIMS don't depend on this page."
            )
        };
        let (status, headline, then) = match self {
            Failure::SignIn => return (Extension(SignInFirst), Redirect::to("/sign-in")).into_response(),
            Failure::Forbidden(why) => {
                (StatusCode::FORBIDDEN, Words::fixed(why), words!("Nothing was changed."))
            }
            Failure::Form(status) => (
                status,
                words!("This form can't be read."),
                words!("Nothing was changed. Go back, reload and fill it in again."),
            ),
            Failure::Refused(why) => (StatusCode::CONFLICT, words!("That can't be done."), why),
            Failure::NotFound(what) => (
                StatusCode::NOT_FOUND,
                Words::fixed(what),
                words!("It may have been typed wrongly, or belong to another journal."),
            ),
            Failure::Journal(JournalError::Full) => (
                StatusCode::SERVICE_UNAVAILABLE,
                words!("The disk is full: no new transmission is accepted."),
                words!(
                    "Make room on the journal's file system; labwire goes on by itself. Analyzers keep their results until then."
                ),
            ),
            Failure::Journal(JournalError::Elsewhere(why)) => (
                StatusCode::CONFLICT,
                words!("Its bytes have left the journal for an archive."),
                refused(&why),
            ),
            Failure::Journal(error) => {
                tracing::error!(%error, "the page failed to read the journal");
                let headline = words!("The journal can't be read at this moment.");
                (StatusCode::SERVICE_UNAVAILABLE, headline, again())
            }
            Failure::TooLong => {
                (StatusCode::GATEWAY_TIMEOUT, words!("This page takes too long to make."), again())
            }
            Failure::Render | Failure::Panic => (
                StatusCode::INTERNAL_SERVER_ERROR,
                words!("This page could not be made."),
                words!("That is a fault in labwire. Receiving and sending go on; please have it looked at."),
            ),
        };
        (status, Extension(Notice { headline, then })).into_response()
    }
}

pub(super) async fn no_such_page() -> Failure {
    Failure::NotFound("There is no such page.")
}

/// Says nothing of the panic itself: it may quote what was being shown.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a page broke off");
    Failure::Panic.into_response()
}

/// A page that isn't made in time is given up.
pub(super) async fn in_time(limit: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure::TooLong.into_response(),
    }
}

/// A page as a response.
pub(super) fn html(page: &impl Template, language: Language) -> Result<Response, Failure> {
    page.render_with_values(&values(language))
        .map(|text| Html(text).into_response())
        .map_err(|_| Failure::Render)
}
