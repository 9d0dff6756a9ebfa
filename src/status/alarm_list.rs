//! The alarms that are on: one line each, with who acknowledged or shelved it, the forms for that, and what happened since the
//! start. It decides about no result.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::SignedDuration;
use serde::Deserialize;

use super::Page;
use super::act::Desk;
use super::annunciator::{On, Shelf};
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::lead::Severity;
use super::shell::{Mark, Shell};
use super::who::Who;
use super::words::filters;
use crate::config::settings::Least;
use crate::domain::{Role, Words, words};

#[derive(Template)]
#[template(path = "alarms.html")]
struct Alarms {
    shell: Shell,
    alarms: Vec<AlarmRow>,
    happened: Vec<(Moment, Words)>,
    desk: Desk,
}

struct AlarmRow {
    id: u64,
    mark: Mark,
    rings: bool,
    since: Moment,
    state: Words,
    may_be_shelved: bool,
}

#[derive(Deserialize)]
pub(super) struct AlarmForm {
    guard: String,
    /// What, and of which alarm: `acknowledge:12`.
    what: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    hours: u8,
}

pub(super) async fn show(State(page): State<Page>, who: Who) -> Result<Response, Failure> {
    let snapshot = page.snapshot().await?;
    let clock = page.clock(&snapshot);
    let happened = page.annunciator.happened().into_iter().map(|(at, text)| (clock.at(at), text));
    html(
        &Alarms {
            desk: Desk::of(&who),
            alarms: snapshot.alarms.iter().map(|it| row(it, &clock)).collect(),
            happened: happened.collect(),
            shell: Shell::new(words!("Alarms"), "/alarms", &page.site, &snapshot, &clock)
                .seen_by(who, "/alarms"),
        },
        page.language,
    )
}

fn row(it: &On, clock: &Clock) -> AlarmRow {
    let severity = match (it.severity, &it.shelved) {
        (_, Some(_)) => Severity::Wait,
        (Least::Danger, None) => Severity::Danger,
        (Least::Act, None) => Severity::Act,
    };
    let state = match (&it.shelved, &it.acknowledged) {
        (Some(shelf), _) => {
            let (name, until, reason) = (&shelf.by, clock.at(shelf.until), &shelf.reason);
            words!("shelved by {name} until {until}: {reason}", name, until, reason)
        }
        (None, Some((by, at))) => words!("acknowledged by {name} at {at}", name = by, at = clock.at(*at)),
        (None, None) => words!("nobody has acknowledged it"),
    };
    AlarmRow {
        id: it.id,
        mark: Mark::new(severity, it.text.clone()),
        rings: it.rings(),
        since: clock.at(it.since),
        state,
        may_be_shelved: it.may_be_shelved(),
    }
}

/// Acknowledges or shelves, in the name of whoever signed in.
pub(super) async fn record(
    State(page): State<Page>,
    who: Who,
    Form(form): Form<AlarmForm>,
) -> Result<Response, Failure> {
    const NONE: Failure = Failure::NotFound("There is no such alarm.");
    let visitor = page.authorised(who, &form.guard, Role::Technician).await?;
    let (what, id) = form.what.split_once(':').ok_or(NONE)?;
    let id: u64 = id.parse().map_err(|_| NONE)?;
    let now = crate::clock::now();
    // It counts once it is on disk who did it.
    match what {
        "acknowledge" => {
            let text = page.annunciator.about(id).ok_or(NONE)?;
            page.people.note_alarm(visitor.name, text.english(), "acknowledged".to_owned(), now).await?;
            page.annunciator.acknowledge(id, &visitor.shown, now);
        }
        "shelve" => {
            let hours = SignedDuration::from_hours(form.hours.into());
            let until = now.saturating_add(hours).unwrap_or(now);
            let reason = form.reason.trim().to_owned();
            let done = format!("shelved for {} hours: {reason}", form.hours);
            let shelf = Shelf { by: visitor.shown.clone(), reason, until };
            let text = page.annunciator.may_shelve(id, &shelf, now).map_err(Failure::Refused)?;
            page.people.note_alarm(visitor.name, text.english(), done, now).await?;
            page.annunciator.shelve(id, shelf, now);
        }
        _ => return Err(NONE),
    }
    Ok(Redirect::to("/alarms").into_response())
}
