//! What is shown where a page can't be: said plainly, in the house's look, without repeating what was asked for.

use std::any::Any;
use std::time::Duration;

use askama::Template;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::journal::JournalError;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Failure {
    NotFound(&'static str),
    /// Somebody must sign in first, or come back.
    SignIn,
    Forbidden(&'static str),
    /// What was asked for can't be done, and why.
    Refused(String),
    Journal(JournalError),
    Render,
    Panic,
    TooLong,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct Notice<'a> {
    headline: &'a str,
    then: &'a str,
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Failure::Journal(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let refusal;
        let (status, headline, then) = match self {
            Failure::SignIn => return Redirect::to("/sign-in").into_response(),
            Failure::Forbidden(why) => (StatusCode::FORBIDDEN, why, "Nothing was changed."),
            Failure::Refused(why) => {
                refusal = why;
                (StatusCode::CONFLICT, "That can't be done.", refusal.as_str())
            }
            Failure::NotFound(what) => {
                (StatusCode::NOT_FOUND, what, "It may have been typed wrongly, or belong to another journal.")
            }
            Failure::Journal(JournalError::Full) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The disk is full: no new transmission is accepted.",
                "Make room on the journal's file system; labwire goes on by itself. Analyzers keep their results until then.",
            ),
            Failure::Journal(error) => {
                tracing::error!(%error, "the page failed to read the journal");
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The journal can't be read at this moment.",
                    "Reload in a moment. If this stays, check the disk and labwire's log; analyzers and LIMS don't depend on this page.",
                )
            }
            Failure::TooLong => (
                StatusCode::GATEWAY_TIMEOUT,
                "This page takes too long to make.",
                "Reload in a moment. If this stays, check the disk and labwire's log; analyzers and LIMS don't depend on this page.",
            ),
            Failure::Render | Failure::Panic => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "This page could not be made.",
                "That is a fault in labwire. Receiving and sending go on; please have it looked at.",
            ),
        };
        let page = Notice { headline, then }.render().unwrap_or_else(|_| headline.to_owned());
        (status, Html(page)).into_response()
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
pub(super) fn html(page: &impl Template) -> Result<Response, Failure> {
    page.render().map(|text| Html(text).into_response()).map_err(|_| Failure::Render)
}
