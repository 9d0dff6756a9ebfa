//! The alarms that are on: one line each, with who acknowledged or shelved it, the forms for that, and what happened since the
//! start. It decides about no result.

mod json;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::SignedDuration;
use serde::Deserialize;

use super::Page;
use super::act::Desk;
use super::annunciator::{On, Shelf};
use super::clock::{Clock, Moment};
use super::failure::{Failure, html};
use super::form::Form;
use super::lead::Severity;
use super::shell::{Mark, Shell};
use super::who::Who;
use super::words::filters;
use crate::config::settings::Least;
use crate::domain::{Role, Words, words};
use crate::journal::people::on_the_page;
pub(super) use json::{alarms as alarms_as_json, see_to as see_to_as_json};

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

const NONE: Failure = Failure::NotFound("There is no such alarm.");

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
    let visitor = page.authorised(who, &form.guard, Role::Technician).await?;
    let (what, id) = form.what.split_once(':').ok_or(NONE)?;
    let id: u64 = id.parse().map_err(|_| NONE)?;
    let doing = Doing::from_name(what, &form.reason, form.hours).ok_or(NONE)?;
    page.see_to(id, doing, visitor.shown, on_the_page(&visitor.name)).await?;
    Ok(Redirect::to("/alarms").into_response())
}

/// What somebody does about an alarm.
enum Doing {
    Acknowledge,
    Shelve { reason: String, hours: u8 },
}

impl Doing {
    fn from_name(name: &str, reason: &str, hours: u8) -> Option<Doing> {
        match name {
            "acknowledge" => Some(Doing::Acknowledge),
            "shelve" => Some(Doing::Shelve { reason: reason.trim().to_owned(), hours }),
            _ => None,
        }
    }
}

impl Page {
    /// Does it in a name that the page shows and one that the audit does. It counts once it is on disk who did it.
    async fn see_to(&self, id: u64, doing: Doing, by: String, actor: String) -> Result<(), Failure> {
        let now = crate::clock::now();
        match doing {
            Doing::Acknowledge => {
                let text = self.annunciator.about(id).ok_or(NONE)?;
                self.people.note_alarm(actor, text.english(), "acknowledged".to_owned(), now).await?;
                self.annunciator.acknowledge(id, &by, now);
            }
            Doing::Shelve { reason, hours } => {
                let until = now.saturating_add(SignedDuration::from_hours(hours.into())).unwrap_or(now);
                let done = format!("shelved for {hours} hours: {reason}");
                let shelf = Shelf { by, reason, until };
                let text = self.annunciator.may_shelve(id, &shelf, now).map_err(Failure::Refused)?;
                self.people.note_alarm(actor, text.english(), done, now).await?;
                self.annunciator.shelve(id, shelf, now);
            }
        }
        Ok(())
    }
}
