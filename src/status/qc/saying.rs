//! What a supervisor says of controls by a form: a run is accepted all the same, or a result is taken out. It is asked of the
//! gateway, as the command does, and stands in the audit with what it changed.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::domain::{Role, Words, words};
use crate::host::control::{QcAsked, Request};
use crate::journal::qc::{PointView, SeriesView};
use crate::status::Page;
use crate::status::act::Done;
use crate::status::clock::Clock;
use crate::status::failure::{Failure, html};
use crate::status::form::Form;
use crate::status::shell::test_name;
use crate::status::who::Who;

/// The most results of a test that are offered to be taken out.
const OFFERED: usize = 20;

/// Something to say: as the form sends it, and in words.
pub(super) struct Choice {
    pub value: String,
    pub says: Words,
}

/// What may be said of these tests: runs that aren't acceptable, and results that count.
pub(super) fn choices(series: &[&SeriesView], points: &[PointView], clock: &Clock) -> Vec<Choice> {
    let runs = series.iter().flat_map(|it| it.open.iter().map(move |run| (it, run)));
    let accept = runs.map(|(it, run)| Choice {
        value: format!("accept:{}", run.id),
        says: words!(
            "Accept run {number} all the same: {test} on {instrument}, {outcome}, {at}",
            number = run.id.to_string(),
            test = test_name(&it.test),
            instrument = it.instrument.to_string(),
            outcome = Words::fixed(run.outcome.name()),
            at = clock.at(run.measured_at)
        ),
    });
    let count = points.iter().filter(|it| it.excluded.is_none() && !it.is_superseded);
    let exclude = count.take(OFFERED).map(|it| Choice {
        value: format!("exclude:{}", it.id),
        says: words!(
            "Take out {value}, no. {id}, of run {number}, {at}",
            value = format!("{} {}", it.value, it.unit).trim_end(),
            id = it.id.to_string(),
            number = it.run.to_string(),
            at = clock.at(it.measured_at)
        ),
    });
    accept.chain(exclude).collect()
}

#[derive(Deserialize)]
pub(in crate::status) struct SayingForm {
    guard: String,
    /// What, and of which: `accept:12`.
    said: String,
    reason: String,
}

pub(in crate::status) async fn say(
    State(page): State<Page>,
    who: Who,
    Form(form): Form<SayingForm>,
) -> Result<Response, Failure> {
    const NONE: Failure = Failure::NotFound("There is no such decision.");
    let (name, id) = form.said.split_once(':').ok_or(NONE)?;
    let (asked, id) = (asked(name).ok_or(NONE)?, id.parse().map_err(|_| NONE)?);
    let visitor = page.authorised(who, &form.guard, Role::Supervisor).await?;
    let reason = form.reason.trim().to_owned();
    if reason.is_empty() {
        return Err(Failure::Refused(words!("A decision needs a reason. Go back and write one.")));
    }
    page.ask(&visitor, Request::Qc { asked, id, by: visitor.shown.clone(), reason }).await?;
    let id = id.to_string();
    html(
        &Done {
            headline: match asked {
                QcAsked::Accept => words!("Accepted: run {id}.", id),
                QcAsked::Exclude => words!("Taken out: result {id}.", id),
            },
            then: words!("By {name}, in the audit with the reason.", name = visitor.shown),
            on: vec![("/qc".to_owned(), words!("Quality control"))],
        },
        page.language,
    )
}

pub(super) fn asked(name: &str) -> Option<QcAsked> {
    match name {
        "accept" => Some(QcAsked::Accept),
        "exclude" => Some(QcAsked::Exclude),
        _ => None,
    }
}
