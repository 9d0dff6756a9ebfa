//! Who gets in: on a loopback address whoever asks, on a network address only who signed in or has a machine's token. It
//! knows no password, and never says what was wrong with a token.

use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use sha2::{Digest, Sha256};

use super::Page;
use crate::config::settings::PageSettings;
use crate::domain::{PersonName, Role};

/// What shows neither a patient nor a specimen, and what one signs in with.
const FREE: [&str; 6] = ["/sign-in", "/set-up", "/wall", "/events", "/health", "/ready"];
const FREE_FOLDER: &str = "/assets/";
/// What programs ask for; they are told by a status, not sent to a form.
const FOR_PROGRAMS: [&str; 2] = ["/api/", "/metrics"];

/// By which names and for whom the page is there.
pub(super) struct Entrance {
    pub hosts: Vec<String>,
    /// It speaks TLS.
    pub is_secure: bool,
    /// Other machines reach it.
    is_open: bool,
    tokens: Vec<(Machine, [u8; 32])>,
}

/// A program that has a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    pub name: PersonName,
    pub role: Role,
}

impl Entrance {
    pub(super) fn new(settings: &PageSettings) -> Entrance {
        let token = |it: &crate::config::settings::MachineToken| {
            let machine = Machine { name: it.name.clone(), role: it.role };
            (machine, hash(it.token.reveal()))
        };
        Entrance {
            hosts: settings.hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            is_secure: settings.tls.is_some(),
            is_open: settings.is_open(),
            tokens: settings.tokens.iter().map(token).collect(),
        }
    }

    /// Whose token a request bears. Tokens are compared by their hashes, which tell nothing by how long that takes.
    pub(super) fn machine(&self, headers: &HeaderMap) -> Option<&Machine> {
        let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = sent.split_once(' ')?;
        let sent = hash(token.trim());
        let known = scheme.eq_ignore_ascii_case("bearer");
        self.tokens.iter().find(|(_, hash)| known && *hash == sent).map(|(machine, _)| machine)
    }
}

impl Page {
    /// The answer to a request that isn't let in.
    pub(super) fn turn_away(&self, request: &Request) -> Option<Response> {
        let path = request.uri().path();
        let headers = request.headers();
        let is_free = FREE.contains(&path) || path.starts_with(FREE_FOLDER);
        if !self.entrance.is_open || is_free || self.entrance.machine(headers).is_some() {
            return None;
        }
        if self.who(headers).0.is_some() {
            return None;
        }
        if FOR_PROGRAMS.iter().any(|it| path.starts_with(it)) {
            let asks = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
            return Some((StatusCode::UNAUTHORIZED, asks, "Sign in, or send a token.\n").into_response());
        }
        // Where somebody wanted to go is kept, without what they looked for.
        let next = if *request.method() == Method::GET { path } else { "/" };
        Some(Redirect::to(&format!("/sign-in?next={}", encoded(next))).into_response())
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// A path as a query's value.
pub(super) fn encoded(path: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    path.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::MachineToken;
    use crate::domain::Private;

    fn entrance() -> Entrance {
        Entrance::new(&PageSettings {
            listen: "10.0.0.1:8480".parse().unwrap(),
            tls: None,
            tokens: vec![MachineToken {
                name: PersonName::parse("monitoring").unwrap(),
                role: Role::Viewer,
                token: Private::new("invented-token".to_owned()),
            }],
            hosts: vec!["Bench-PC.example".to_owned()],
            away_after: std::time::Duration::from_secs(1),
            paper_after: std::time::Duration::from_secs(1),
            language: Default::default(),
        })
    }

    #[test]
    fn only_a_whole_token_after_bearer_names_its_machine() {
        let entrance = entrance();
        for (sent, expected) in [
            (Some("Bearer invented-token"), true),
            (Some("bearer invented-token"), true),
            (Some("Bearer invented-toke"), false),
            (Some("Basic invented-token"), false),
            (Some("invented-token"), false),
            (Some("Bearer "), false),
            (None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(sent) = sent {
                headers.insert(header::AUTHORIZATION, HeaderValue::from_static(sent));
            }
            assert_eq!(entrance.machine(&headers).is_some(), expected, "{sent:?}");
        }
        assert_eq!(entrance.hosts, ["bench-pc.example"]);
    }

    #[test]
    fn a_path_comes_back_as_it_was() {
        assert_eq!(encoded("/held/3"), "/held/3");
        assert_eq!(encoded("/a&next=//evil"), "/a%26next%3D//evil");
    }
}
