//! What somebody typed into a form that was refused as they were away: it waits in their session, in memory, until they are
//! back at the place that they sent it from. Nobody else is shown it, and nothing of it is done, logged or put into an address.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::entrance::encoded;
use super::failure::{Failure, SignInFirst};
use super::form::Form;
use super::sign_in::inside;
use super::who::Who;
use super::{BODY, Page, routes};
use crate::domain::Private;

/// A form's names and values, as it sent them.
type Fields = Vec<(String, String)>;

/// One form that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typed {
    /// Where it was typed: a view of this page.
    pub place: String,
    /// Where it was sent to.
    action: String,
    fields: Private<Fields>,
}

impl Typed {
    /// What a page puts back: where the form went, and what stood in it.
    pub(super) fn json(&self) -> String {
        serde_json::json!({ "action": self.action, "fields": self.fields.reveal() }).to_string()
    }
}

/// Keeps the form of somebody who must come back first, and leads them to where they do.
pub(super) async fn keep(State(page): State<Page>, request: Request, next: Next) -> Response {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_form = kind.is_some_and(|it| it.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    if *request.method() != Method::POST || !is_form {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY).await else {
        return Failure::Form(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    };
    let again = Request::from_parts(parts.clone(), Body::from(body.clone()));
    let response = next.run(again).await;
    if response.extensions().get::<SignInFirst>().is_none() {
        return response;
    }
    let action = parts.uri.path().to_owned();
    let visitor = page.who(&parts.headers).0.filter(|visitor| visitor.is_away);
    let form = Request::from_parts(parts, Body::from(body));
    let Ok(Form(fields)) = Form::<Fields>::from_request(form, &()).await else { return response };
    let value = |name: &str| fields.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone());
    let Some(place) = value("place").filter(|place| is_ours(place)) else { return response };
    match visitor.filter(|visitor| value("guard").as_ref() == Some(&visitor.guard)) {
        Some(visitor) => {
            let fields = fields.into_iter().filter(|(name, _)| name != "guard" && name != "place").collect();
            page.sessions.keep(&visitor, Typed { place, action, fields: Private::new(fields) });
            response
        }
        // Whoever is nobody here any more comes back to the view, without what it was about.
        None => {
            let view = place.split('?').next().unwrap_or_default();
            Redirect::to(&format!("/sign-in?next={}", encoded(view))).into_response()
        }
    }
}

impl Page {
    /// Leads somebody who typed something here, where what it was about is gone, to where they can copy it.
    pub(super) fn instead(&self, who: &Who, place: &str) -> Option<Response> {
        let visitor = who.0.as_ref()?;
        let typed = visitor.typed.clone()?;
        self.sessions.keep(visitor, Typed { place: place.to_owned(), ..typed });
        Some(Redirect::to(place).into_response())
    }
}

/// A place where a view of this page stands.
fn is_ours(place: &str) -> bool {
    let path = place.split('?').next().unwrap_or_default();
    inside(place) == place && routes::is_view(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_view_of_this_page_is_a_place_to_come_back_to() {
        for place in ["/", "/held/3", "/call/7", "/alarms", "/reconciliation?day=2026-03-02", "/qc"] {
            assert!(is_ours(place), "{place}");
        }
        for place in [
            "",
            "held",
            "//evil.example/held",
            "https://evil.example/",
            "/nowhere",
            "/held/",
            "/held/3/4",
            "/decide",
            "/held/3\r\nX: y",
        ] {
            assert!(!is_ours(place), "{place}");
        }
    }

    #[test]
    fn what_was_typed_never_stands_in_what_a_log_would_show() {
        let fields = Private::new(vec![("reason".to_owned(), "CANARY".to_owned())]);
        let typed = Typed { place: "/held/3".to_owned(), action: "/decide".to_owned(), fields };
        assert!(typed.json().contains("CANARY") && !format!("{typed:?}").contains("CANARY"));
    }
}
