//! What every request passes and every response carries: only this page's own names, only asking and forms, and headers that
//! let a browser load nothing but what labwire itself serves. Echoes nothing of a refused request.

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Page;
use super::failure::Notice;

const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// How long a browser asks over TLS only.
const YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

pub(super) async fn guard(State(page): State<Page>, request: Request, next: Next) -> Response {
    let mut response = if !is_ours(&page.entrance.hosts, request.headers(), request.uri()) {
        (StatusCode::MISDIRECTED_REQUEST, "This page does not answer to that name.\n").into_response()
    } else if !matches!(*request.method(), Method::GET | Method::HEAD | Method::POST) {
        let allowed = [(header::ALLOW, "GET, HEAD, POST")];
        (StatusCode::METHOD_NOT_ALLOWED, allowed, "This page can't do that.\n").into_response()
    } else if let Some(turned_away) = page.turn_away(&request) {
        turned_away
    } else {
        let mut response = next.run(request).await;
        match response.extensions_mut().remove::<Notice>() {
            Some(notice) => notice.response(response.status(), page.language),
            None => response,
        }
    };
    if page.entrance.is_secure {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, YEAR);
    }
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether the request names this page by one of its own names, and by one only.
fn is_ours(hosts: &[String], headers: &HeaderMap, uri: &Uri) -> bool {
    let mut named = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else { return false };
    let is_named = |host: &str| without_port(host).is_some_and(|name| hosts.iter().any(|ours| ours == name));
    let by_header = host.to_str().is_ok_and(|host| is_named(&host.to_ascii_lowercase()));
    by_header && uri.authority().is_none_or(|authority| is_named(&authority.as_str().to_ascii_lowercase()))
}

/// A host's name: `[::1]:8480` is `::1`. Nothing where anything but a port stands behind it.
fn without_port(host: &str) -> Option<&str> {
    let in_brackets = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (name, behind) = in_brackets.unwrap_or_else(|| host.split_at(host.find(':').unwrap_or(host.len())));
    let is_port = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    (behind.is_empty() || behind.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_must_use_a_name_of_this_page() {
        let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        for (sent, uri, expected) in [
            (&["localhost"][..], "/", true),
            (&["LocalHost:8480"], "/", true),
            (&["127.0.0.1:1"], "/", true),
            (&["[::1]:8480"], "/", true),
            (&["[::1]"], "/", true),
            (&[], "/", false),
            (&[""], "/", false),
            (&["evil.example"], "/", false),
            (&["localhost.evil.example"], "/", false),
            (&["evil.example:localhost"], "/", false),
            (&["localhost:8480.evil.example"], "/", false),
            (&["[::1].evil.example"], "/", false),
            (&["localhost", "evil.example"], "/", false),
            (&["localhost"], "http://evil.example/", false),
            (&["localhost"], "http://localhost:8480/", true),
        ] {
            let mut headers = HeaderMap::new();
            for host in sent {
                headers.append(header::HOST, HeaderValue::from_static(host));
            }
            assert_eq!(is_ours(&hosts, &headers, &uri.parse().unwrap()), expected, "{sent:?} {uri}");
        }
    }
}
