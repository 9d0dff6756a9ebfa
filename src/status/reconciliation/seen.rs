//! A day's exceptions signed off from its page: the problems that somebody ticked were seen to, each a decision of its own. The
//! other exceptions are decided where each is shown whole. And the day as JSON.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::{Asked, NO_DAY};
use crate::domain::{Role, counted, words};
use crate::host::control;
use crate::reconciliation::json;
use crate::status::Page;
use crate::status::act::Done;
use crate::status::asker::refused;
use crate::status::failure::{Failure, html};
use crate::status::form::Form;
use crate::status::several::Ticked;
use crate::status::who::Who;

pub(in crate::status) async fn see(
    State(page): State<Page>,
    who: Who,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let form = Ticked::new(fields);
    let visitor = page.authorised(who, &form.text("guard"), Role::Technician).await?;
    let (day, reason) = (form.text("day"), form.reason()?);
    let ticked = form.numbers("problem");
    if ticked.is_empty() {
        return Err(Failure::Refused(words!("Nothing was ticked. Go back and tick what was seen to.")));
    }
    page.decide_each(&visitor, control::Asked::Dismiss, &ticked, &reason).await.map_err(stopped)?;
    html(
        &Done {
            headline: counted!(ticked.len(), "Seen to: {n} problem.", "Seen to: {n} problems."),
            then: words!("By {name}, in the audit with the reason.", name = visitor.shown),
            on: vec![(
                format!("/reconciliation?day={}", crate::status::shell::encoded(&day)),
                words!("Reconciliation"),
            )],
        },
        page.language,
    )
}

/// What was recorded before one was refused stays recorded, and is said.
fn stopped((done, id, failure): (usize, i64, Failure)) -> Failure {
    match failure {
        Failure::Refused(why) if done > 0 => Failure::Refused(words!(
            "{done}, and then problem {id} was not: {why}",
            done = counted!(
                done,
                "{n} problem was recorded as seen to",
                "{n} problems were recorded as seen to"
            ),
            id = id.to_string(),
            why
        )),
        other => other,
    }
}

/// The same document as `labwire reconcile --format json` writes.
pub(in crate::status) async fn as_json(
    State(page): State<Page>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Response> {
    let Query(asked) = asked.map_err(|_| refused(NO_DAY))?;
    let day = page.day(asked).await.map_err(refused)?;
    let revision = day.written.map_or(0, |written| written.revision);
    let text = json(&day.report, revision).map_err(|_| refused(Failure::Render))?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
