//! Decisions from the page: a form of somebody who signed in becomes the request that a command makes, and its answer a
//! page that says what was done. It decides nothing itself, and nothing is changed but by a form.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::Page;
use super::failure::{Failure, html};
use super::form::Form;
use super::sessions::Visitor;
use super::who::Who;
use super::words::{filters, refused};
use crate::domain::{Role, Words, words};
use crate::host::control::{self, Asked, Request};
use crate::journal::ObservationId;
use crate::journal::calls::{CallView, Reason};
use crate::journal::ledger::Kept;
use crate::journal::people::on_the_page;

/// What was done, and where to go on.
#[derive(Template)]
#[template(path = "done.html")]
pub(super) struct Done {
    pub headline: Words,
    pub then: Words,
    /// Places to go on to, and their names.
    pub on: Vec<(String, Words)>,
}

/// A decision about one thing.
#[derive(Deserialize)]
pub(super) struct DecisionForm {
    guard: String,
    /// What, and about which: `release:12`.
    decision: String,
    reason: String,
    /// Of what is to be released: why it is held, as the page showed it.
    #[serde(default)]
    seen: String,
}

/// What a form to decide needs beside its own fields. Nothing where nobody may decide now.
pub(super) struct Desk {
    /// Empty where nobody is signed in and present.
    pub guard: String,
    pub is_away: bool,
    /// A supervisor is at it.
    pub supervises: bool,
    pub may_decide: bool,
}

impl Desk {
    pub(super) fn of(who: &Who) -> Desk {
        let present = who.0.as_ref().filter(|visitor| !visitor.is_away);
        let role = present.map(|visitor| visitor.role);
        Desk {
            guard: present.map(|visitor| visitor.guard.clone()).unwrap_or_default(),
            is_away: who.0.as_ref().is_some_and(|visitor| visitor.is_away),
            supervises: role.is_some_and(|role| role >= Role::Supervisor),
            may_decide: role.is_some_and(|role| role >= Role::Technician),
        }
    }
}

pub(super) async fn decide(
    State(page): State<Page>,
    who: Who,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Failure> {
    const NONE: Failure = Failure::NotFound("There is no such decision.");
    let (name, id) = form.decision.split_once(':').ok_or(NONE)?;
    let id: i64 = id.parse().map_err(|_| NONE)?;
    if name == ANEW {
        return read_anew(&page, who, &form, id).await;
    }
    let decision = Asked::from_name(name).ok_or(NONE)?;
    let visitor = page.authorised(who, &form.guard, needed(decision)).await?;
    let reason = reason(&form.reason)?;
    if decision == Asked::Release {
        page.is_as_seen(&[form.seen], &[id]).await?;
    }
    let asked = page.ask(&visitor, Request::Decide { decision, id, by: None, reason }).await;
    if let (Err(Failure::Refused(why)), Asked::Release | Asked::Reject) = (&asked, decision)
        && let Some(decided) = page.decided(ObservationId(id)).await?
    {
        return Err(Failure::Refused(Words::row([why.clone(), decided.what], ". ")));
    }
    asked?;
    let (headline, on) = done(decision, id);
    let by = words!("By {name}, in the audit with the reason.", name = visitor.shown);
    let calls = page.calls_by(decision, id).await?;
    let again = (!calls.is_empty()).then(|| words!("Somebody was told of it: call again."));
    let then = [by].into_iter().chain(again).chain(page.kept(decision, id).await?);
    html(
        &Done { headline, then: Words::row(then, " "), on: calls.into_iter().chain([on]).collect() },
        page.language,
    )
}

/// The decision to have a held result read anew.
const ANEW: &str = "reevaluate";

async fn read_anew(page: &Page, who: Who, form: &DecisionForm, id: i64) -> Result<Response, Failure> {
    let visitor = page.authorised(who, &form.guard, Role::Technician).await?;
    let became = page.reevaluate(&visitor, ObservationId(id), reason(&form.reason)?).await?;
    let by = words!("By {name}, in the audit with the reason.", name = visitor.shown);
    let headline = words!("Re-evaluated: result {id}.", id = id.to_string());
    let on = vec![("/held".to_owned(), words!("Held results"))];
    html(&Done { headline, then: Words::row([became, by], " "), on }, page.language)
}

/// The reason that was written, which a decision needs.
pub(super) fn reason(written: &str) -> Result<String, Failure> {
    let reason = written.trim().to_owned();
    match reason.is_empty() {
        true => Err(Failure::Refused(words!("A decision needs a reason. Go back and write one."))),
        false => Ok(reason),
    }
}

impl Page {
    /// Asks as a command would, for somebody who signed in. Tells whether what was recorded leaves something to do.
    pub(super) async fn ask(&self, visitor: &Visitor, request: Request) -> Result<bool, Failure> {
        self.ask_as(on_the_page(&visitor.name), request).await
    }

    /// What destinations keep of a result that was rejected, and what to do.
    pub(super) async fn kept(&self, decision: Asked, id: i64) -> Result<Vec<Words>, Failure> {
        if decision != Asked::Reject {
            return Ok(Vec::new());
        }
        let (_, kept) = self.read(move |reader| reader.kept_of_rejected(ObservationId(id))).await?;
        Ok(kept.iter().map(Kept::words).collect())
    }

    /// The calls that a rejection has left open, as somebody was told of the result: where each is, and its name.
    async fn calls_by(&self, decision: Asked, id: i64) -> Result<Vec<(String, Words)>, Failure> {
        if decision != Asked::Reject {
            return Ok(Vec::new());
        }
        let (_, calls) = self
            .read(move |reader| {
                let Some(rejected) = reader.as_stored(ObservationId(id))? else { return Ok(Vec::new()) };
                let mut calls = reader.open_calls()?;
                calls.retain(|call| {
                    matches!(call.reason, Reason::Reopened(_))
                        && call.specimen == rejected.reveal().specimen
                        && call.result.reveal().test == rejected.reveal().test
                });
                Ok(calls)
            })
            .await?;
        let named = |call: CallView| {
            let number = call.id.0.to_string();
            (format!("/call/{number}"), words!("Critical call {number}", number))
        };
        Ok(calls.into_iter().map(named).collect())
    }

    /// The same, in the name that the audit is to show.
    pub(super) async fn ask_as(&self, actor: String, request: Request) -> Result<bool, Failure> {
        match self.control.answer(request, actor).await {
            control::Response::Done => Ok(false),
            control::Response::Recorded { open } => Ok(open),
            control::Response::Refused { why } => Err(Failure::Refused(refused(&why))),
            _ => Err(Failure::Render),
        }
    }
}

/// The least role that may decide so.
pub(super) fn needed(decision: Asked) -> Role {
    match decision {
        Asked::GiveUp | Asked::Confirm => Role::Supervisor,
        Asked::Release
        | Asked::Reject
        | Asked::Retry
        | Asked::Reread
        | Asked::Dismiss
        | Asked::DismissMessage => Role::Technician,
    }
}

/// What was done about which, and where more of the kind waits.
fn done(decision: Asked, id: i64) -> (Words, (String, Words)) {
    let id = id.to_string();
    let held = || ("/held".to_owned(), words!("Held results"));
    let letters = || ("/dead-letters".to_owned(), words!("Dead letters"));
    let problems = || ("/problems".to_owned(), words!("Problems"));
    match decision {
        Asked::Release => (words!("Released: result {id}.", id), held()),
        Asked::Reject => (words!("Rejected: result {id}.", id), held()),
        Asked::Retry => (words!("Sent once more: delivery {id}.", id), letters()),
        Asked::GiveUp => (words!("Given up: delivery {id}.", id), letters()),
        Asked::Confirm => (words!("Confirmed: delivery {id}.", id), letters()),
        Asked::Reread => (words!("Read again: message {id}.", id), problems()),
        Asked::Dismiss => (words!("Seen to: problem {id}.", id), problems()),
        Asked::DismissMessage => (words!("Seen to: all problems of message {id}.", id), problems()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn giving_up_needs_a_supervisor_and_nothing_is_left_to_a_viewer() {
        for decision in Asked::ALL {
            assert!(needed(decision) > Role::Viewer);
            assert_eq!(Asked::from_name(decision.name()), Some(decision));
        }
        assert_eq!(needed(Asked::GiveUp), Role::Supervisor);
        assert_eq!(needed(Asked::Release), Role::Technician);
    }
}
