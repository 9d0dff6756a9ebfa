//! Signing in and out, choosing a password with a set-up token, and coming back with a PIN or a badge. What was typed is
//! never repeated, shown or logged, and a wrong name is told like a wrong password (but that only a known
//! name is ever made to wait).

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Page;
use super::failure::{Failure, html};
use super::form::Form;
use super::secret::{PASSWORD, PIN};
use super::sessions::Visitor;
use super::who::{Who, cookie, no_cookie};
use super::words::filters;
use crate::clock;
use crate::domain::{PersonName, Private, Role, Words, words};
use crate::journal::JournalError;
use crate::journal::people::{Person, Visit};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    /// Who is signed in and away, or present.
    visitor: Option<Visitor>,
    /// Where to go then.
    next: String,
    said: Option<Said>,
    has_pin: bool,
}

/// What stands over the form.
enum Said {
    /// Their password is chosen.
    Chosen,
    /// What was wrong with the last try.
    Complaint(Words),
}

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUp {
    complaint: Option<Words>,
    shortest: usize,
}

/// Where to go after signing in.
#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
    /// There where they have just chosen their password.
    chosen: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct SignInForm {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(super) struct BackForm {
    guard: String,
    pin: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(super) struct SetUpForm {
    name: String,
    token: String,
    password: String,
    again: String,
}

#[derive(Deserialize)]
pub(super) struct PinForm {
    guard: String,
    pin: String,
}

#[derive(Deserialize)]
pub(super) struct Guarded {
    guard: String,
}

pub(super) async fn show(
    State(page): State<Page>,
    who: Who,
    Query(asked): Query<Next>,
) -> Result<Response, Failure> {
    // Whoever asks for a place gets there; what was typed elsewhere waits for them.
    let kept = || who.0.as_ref().and_then(|visitor| page.sessions.kept_place(visitor));
    let next = if asked.next.is_empty() { kept().unwrap_or_default() } else { asked.next };
    page.sign_in(who.0, next, asked.chosen.map(|_| Said::Chosen)).await
}

/// Signs somebody in. Whoever was signed in at this screen is signed out by it.
pub(super) async fn sign_in(
    State(page): State<Page>,
    who: Who,
    Form(form): Form<SignInForm>,
) -> Result<Response, Failure> {
    let wrong = || Some(Said::Complaint(words!("That name and password don't belong together.")));
    let now = clock::monotonic();
    let name = PersonName::parse(form.name.trim()).ok();
    if name.as_ref().is_some_and(|name| !page.sessions.may_try(name, now)) {
        let wait =
            words!("Too many wrong passwords. Wait a minute, or ask for a new token: labwire user reset.");
        return page.sign_in(who.0, form.next, Some(Said::Complaint(wait))).await;
    }
    let person = page.person(name).await?.filter(|person| person.locked_at.is_none());
    let hash = person.as_ref().and_then(|person| person.password.clone());
    let right = page.secrets.is_right(Private::new(form.password), hash).await;
    match person {
        Some(person) if right => {
            let token = page.sessions.begin(&person, now);
            if let Some(before) = who.0 {
                page.sessions.follow(&before, &token, &person.name);
                page.people.note_visit(before.name, Visit::SignedOut, clock::now()).await?;
            }
            page.people.note_visit(person.name, Visit::SignedIn, clock::now()).await?;
            Ok((
                [(header::SET_COOKIE, cookie(&token, page.entrance.is_secure))],
                Redirect::to(&inside(&form.next)),
            )
                .into_response())
        }
        Some(person) => {
            page.sessions.wrong_password(&person.name, now);
            page.people.note_visit(person.name, Visit::Failed, clock::now()).await?;
            page.sign_in(who.0, form.next, wrong()).await
        }
        None => page.sign_in(who.0, form.next, wrong()).await,
    }
}

/// Somebody who was away is back.
pub(super) async fn back(
    State(page): State<Page>,
    who: Who,
    Form(form): Form<BackForm>,
) -> Result<Response, Failure> {
    let visitor = who.0.filter(|visitor| visitor.guard == form.guard).ok_or(Failure::SignIn)?;
    let person = page.person(Some(visitor.name.clone())).await?.filter(|it| it.locked_at.is_none());
    let Some(person) = person.filter(|person| person.role == visitor.role) else {
        page.sessions.end_all(&visitor.name);
        return Err(Failure::SignIn);
    };
    if page.secrets.is_right(Private::new(form.pin), person.pin).await {
        page.sessions.back(&visitor, clock::monotonic());
        return Ok(Redirect::to(&inside(&form.next)).into_response());
    }
    page.sessions.wrong_pin(&visitor);
    page.people.note_visit(person.name, Visit::Failed, clock::now()).await?;
    let wrong = words!("That is not it. After five wrong ones, sign in again.");
    page.sign_in(Some(visitor), form.next, Some(Said::Complaint(wrong))).await
}

pub(super) async fn sign_out(
    State(page): State<Page>,
    who: Who,
    Form(form): Form<Guarded>,
) -> Result<Response, Failure> {
    if let Some(visitor) = who.0.filter(|visitor| visitor.guard == form.guard) {
        page.sessions.end(&visitor);
        page.people.note_visit(visitor.name, Visit::SignedOut, clock::now()).await?;
    }
    Ok(([(header::SET_COOKIE, no_cookie())], Redirect::to("/sign-in")).into_response())
}

/// Keeps a PIN or a badge; an empty one keeps none.
pub(super) async fn choose_pin(
    State(page): State<Page>,
    who: Who,
    Form(form): Form<PinForm>,
) -> Result<Response, Failure> {
    let visitor = page.authorised(who, &form.guard, Role::Viewer).await?;
    let pin = form.pin.trim().to_owned();
    let hash = if pin.is_empty() {
        None
    } else if PIN.contains(&pin.chars().count()) {
        Some(page.secrets.hash(Private::new(pin)).await.ok_or(Failure::Render)?)
    } else {
        let complaint = words!("A PIN or a badge's number has 4 characters at least.");
        return page.sign_in(Some(visitor), String::new(), Some(Said::Complaint(complaint))).await;
    };
    page.people.choose_pin(visitor.name, hash, clock::now()).await?;
    Ok(Redirect::to("/sign-in").into_response())
}

pub(super) async fn show_set_up(State(page): State<Page>) -> Result<Response, Failure> {
    html(&SetUp { complaint: None, shortest: *PASSWORD.start() }, page.language)
}

pub(super) async fn set_up(
    State(page): State<Page>,
    Form(form): Form<SetUpForm>,
) -> Result<Response, Failure> {
    let language = page.language;
    let complain =
        |complaint: Words| html(&SetUp { complaint: Some(complaint), shortest: *PASSWORD.start() }, language);
    let wrong = || {
        words!(
            "The name or the token is wrong, or the token was used or is too old. labwire user reset makes another."
        )
    };
    if form.password != form.again {
        return complain(words!("The two passwords differ."));
    }
    if !PASSWORD.contains(&form.password.chars().count()) {
        return complain(words!("A password has 10 to 200 characters."));
    }
    let now = clock::now();
    let token = Sha256::digest(form.token.trim()).to_vec();
    let person = page.person(PersonName::parse(form.name.trim()).ok()).await?;
    let Some(person) = person.filter(|person| person.accepts(&token, now)) else {
        return complain(wrong());
    };
    let hash = page.secrets.hash(Private::new(form.password)).await.ok_or(Failure::Render)?;
    page.sessions.end_all(&person.name);
    match page.people.choose_password(person.name, Private::new(token), hash, now).await {
        Ok(()) => Ok(Redirect::to("/sign-in?chosen").into_response()),
        Err(JournalError::Refused(_)) => complain(wrong()),
        Err(error) => Err(error.into()),
    }
}

impl Page {
    async fn person(&self, name: Option<PersonName>) -> Result<Option<Person>, Failure> {
        let Some(name) = name else { return Ok(None) };
        Ok(self.readers.read(move |reader| reader.person(&name)).await?)
    }

    async fn sign_in(
        &self,
        visitor: Option<Visitor>,
        next: String,
        said: Option<Said>,
    ) -> Result<Response, Failure> {
        let person = self.person(visitor.as_ref().map(|visitor| visitor.name.clone())).await?;
        let has_pin = person.is_some_and(|person| person.pin.is_some());
        let status = match said {
            Some(Said::Complaint(_)) => StatusCode::FORBIDDEN,
            Some(Said::Chosen) | None => StatusCode::OK,
        };
        let shown = html(&SignIn { visitor, next: inside(&next), said, has_pin }, self.language)?;
        Ok((status, shown).into_response())
    }
}

/// A place on this page, or the bench: a form never leads elsewhere.
pub(super) fn inside(next: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let is_inside = next.starts_with('/') && !next.starts_with("//") && next.bytes().all(plain);
    if is_inside && next.len() <= 300 { next.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_nowhere_else() {
        for next in ["/", "/held", "/held/12", "/specimen?id=24-000007%20x"] {
            assert_eq!(inside(next), next);
        }
        for next in [
            "",
            "held",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nSet-Cookie: a=b",
            "/ä",
        ] {
            assert_eq!(inside(next), "/", "{next}");
        }
    }
}
