//! A LIMS that posts its orders as JSON over one connection. Who hasn't the token gets nothing; a text is on disk, with
//! all that it changes, before it is answered. Nothing that was sent is logged.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use labwire_link::Admission;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;

use super::json;
use super::listener::Listener;
use super::taking::{Taking, Text};
use crate::clock;
use crate::domain::{Numbering, Private};
use crate::journal::orders::{Again, Applied, Manner};

/// The longest text, in bytes.
const LONGEST: usize = 4 * 1024 * 1024;
/// The longest request line and headers together, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// How long a request's line and headers may take, from the moment the connection stands or the last answer went.
const ASKING: Duration = Duration::from_secs(60);
/// How long one text may take to arrive and be taken.
const TAKING: Duration = Duration::from_secs(60);
/// How long what is under way may go on once the connection is to end.
const GRACE: Duration = Duration::from_secs(3);

/// One connection.
#[derive(Clone)]
struct Desk {
    listener: Listener,
    name: Arc<str>,
    peer: Arc<str>,
    /// SHA-256, so that comparing takes no longer for a better guess.
    token: [u8; 32],
    numbers: Numbering,
}

/// Answers on one connection until it ends.
pub(super) async fn serve<S>(
    listener: &Listener,
    name: &str,
    (token, numbers): (&Private<String>, Numbering),
    stream: S,
    peer: SocketAddr,
    end: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let desk = Desk {
        listener: listener.clone(),
        name: name.into(),
        peer: peer.to_string().into(),
        token: Sha256::digest(token.reveal().as_bytes()).into(),
        numbers,
    };
    let app = Router::new()
        .route("/orders", post(within_time))
        .layer(RequestBodyLimitLayer::new(LONGEST))
        .with_state(desk);
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(ASKING).max_buf_size(LONGEST_HEAD);
    let serving = protocol.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        // How it went is the other end's affair, and may quote what it sent.
        _ = serving.as_mut() => return,
        () = end.cancelled() => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(GRACE, serving).await;
}

async fn within_time(State(desk): State<Desk>, headers: HeaderMap, body: axum::body::Body) -> Response {
    if !desk.knows(&headers) {
        let (name, peer) = (&desk.name, &desk.peer);
        tracing::warn!(source = %name, %peer, "orders came without the right token; they were refused");
        desk.listener.board.note(name, clock::now(), "refused-token", "orders came without the right token");
        return refusal(StatusCode::UNAUTHORIZED, "the token is missing or wrong");
    }
    let taking = async {
        match axum::body::to_bytes(body, LONGEST).await {
            Ok(text) => desk.take(text).await,
            Err(_) => refusal(StatusCode::PAYLOAD_TOO_LARGE, "the text is too long or broke off"),
        }
    };
    match tokio::time::timeout(TAKING, taking).await {
        Ok(response) => response,
        Err(_) => refusal(StatusCode::REQUEST_TIMEOUT, "the text took too long to arrive"),
    }
}

fn refusal(status: StatusCode, why: &str) -> Response {
    let body = serde_json::json!({ "error": why }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

impl Desk {
    fn knows(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        given.is_some_and(|given| <[u8; 32]>::from(Sha256::digest(given)) == self.token)
    }

    async fn take(&self, text: Bytes) -> Response {
        if *self.listener.admission.borrow() == Admission::Busy {
            return self.later();
        }
        let read = match json::read(&text) {
            Ok(read) if read.id.is_empty() => {
                let why =
                    "it has no id; give each text an id of its own, and the same when you send it again";
                return refusal(StatusCode::UNPROCESSABLE_ENTITY, why);
            }
            Ok(read) => read,
            Err(why) => return refusal(StatusCode::BAD_REQUEST, &why),
        };
        let id = read.id.clone();
        let readable: Vec<Result<(), String>> =
            read.requests.iter().map(|request| request.as_ref().map(drop).map_err(Clone::clone)).collect();
        let told = json::told(&read.requests, read.patient);
        let content = text.to_vec();
        let text = Text {
            source: self.name.to_string(),
            peer: self.peer.to_string(),
            messages: vec![(content.len(), told)],
            content,
            again: Again::SameAnswer,
            manner: Manner::Told(self.numbers),
            cursor: None,
        };
        let answer = move |applied: &[Vec<Applied>]| {
            let applied = applied.first().map(Vec::as_slice).unwrap_or_default();
            vec![json::answer(&id, &readable, applied)]
        };
        let taking =
            Taking { journal: self.listener.journal.clone(), arrived: Arc::clone(&self.listener.arrived) };
        match taking.take(text, answer, clock::now()).await {
            Ok(mut texts) => {
                self.listener.presence.heard(clock::now());
                let body = texts.pop().unwrap_or_default();
                (StatusCode::OK, [(CONTENT_TYPE, "application/json")], body).into_response()
            }
            Err(error) => {
                tracing::error!(source = %self.name, %error, "failed to store orders; they were not accepted");
                self.later()
            }
        }
    }

    fn later(&self) -> Response {
        let body = serde_json::json!({ "error": "it can't be stored now; send it again" }).to_string();
        let headers = [(CONTENT_TYPE, "application/json"), (RETRY_AFTER, "5")];
        (StatusCode::SERVICE_UNAVAILABLE, headers, body).into_response()
    }
}
