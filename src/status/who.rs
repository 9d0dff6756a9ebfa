//! Who asks: the session's cookie, read for each request; and what a form must carry before anything is done with it.

use std::convert::Infallible;
use std::future::Future;

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::header::{self, HeaderMap};
use axum::http::request::Parts;

use super::Page;
use super::failure::Failure;
use super::sessions::{LONGEST, Visitor};
use crate::domain::Role;

/// The cookie's name.
const COOKIE: &str = "labwire";
/// What an open page says when it fetches itself anew: nobody did anything.
const BY_ITSELF: &str = "x-labwire-refresh";

/// Who asks, if they are signed in.
#[derive(Debug, Clone)]
pub(super) struct Who(pub Option<Visitor>);

impl FromRequestParts<Page> for Who {
    type Rejection = Infallible;

    fn from_request_parts(
        parts: &mut Parts,
        page: &Page,
    ) -> impl Future<Output = Result<Self, Self::Rejection>> + Send {
        std::future::ready(Ok(page.looks(parts)))
    }
}

impl Page {
    /// Who looks at a view, with what they typed there before they were away.
    fn looks(&self, parts: &Parts) -> Who {
        let mut who = self.who(&parts.headers);
        let is_asked = parts.method == Method::GET && !parts.headers.contains_key(BY_ITSELF);
        if let (Some(visitor), true) = (&mut who.0, is_asked) {
            let place = parts.uri.path_and_query().map_or("/", |it| it.as_str());
            visitor.typed = (!visitor.is_away).then(|| self.sessions.take_typed(visitor, place)).flatten();
        }
        who
    }

    pub(super) fn who(&self, headers: &HeaderMap) -> Who {
        let acts = !headers.contains_key(BY_ITSELF);
        let visit = |token: &str| self.sessions.visit(token, acts, crate::clock::monotonic());
        Who(token(headers).and_then(visit))
    }

    /// Whoever sent a form, if they are signed in, present, known by that role today, and the form is of this session.
    pub(super) async fn authorised(&self, who: Who, guard: &str, role: Role) -> Result<Visitor, Failure> {
        let visitor = who.0.filter(|visitor| !visitor.is_away).ok_or(Failure::SignIn)?;
        if visitor.guard != guard {
            return Err(Failure::Forbidden(
                "This form is of an earlier session. Go back, reload and try again.",
            ));
        }
        let name = visitor.name.clone();
        let person = self.readers.read(move |reader| reader.person(&name)).await?;
        let Some(person) = person.filter(|person| person.locked_at.is_none() && person.role == visitor.role)
        else {
            self.sessions.end_all(&visitor.name);
            return Err(Failure::SignIn);
        };
        if person.role < role {
            return Err(Failure::Forbidden("Your role may not do this. Ask a supervisor."));
        }
        Ok(visitor)
    }
}

/// The cookie that begins a session.
pub(super) fn cookie(token: &str, is_secure: bool) -> String {
    let secure = if is_secure { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{secure}", LONGEST.as_secs())
}

/// The cookie that ends one.
pub(super) fn no_cookie() -> String {
    format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}
