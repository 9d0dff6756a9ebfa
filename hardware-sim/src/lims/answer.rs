//! What the LIMS says over HTTP, well-behaved and otherwise. It decides nothing.

use std::io;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio_stream::StreamExt;

use super::ledger::Answer;

/// The key without the quotes and escapes of a structured string; a bare key as it is.
pub(super) fn key_in(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get("idempotency-key")?.to_str().ok()?.trim();
    let quoted = sent.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let key = match quoted {
        Some(quoted) => quoted.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => sent.to_owned(),
    };
    Some(key).filter(|key| !key.is_empty())
}

pub(super) fn accepted(answer: &Answer) -> Response {
    Json(told(answer)).into_response()
}

fn told(answer: &Answer) -> Value {
    json!({"receipt": answer.receipt, "items": answer.items})
}

pub(super) fn replayed(answer: &Answer) -> Response {
    ([("idempotent-replayed", "true")], Json(told(answer))).into_response()
}

/// What became of a key.
pub(super) fn state(key: &str, answer: Option<&Answer>) -> Response {
    match answer {
        Some(answer) => {
            let state =
                json!({"key": key, "state": "accepted", "receipt": answer.receipt, "items": answer.items});
            Json(state).into_response()
        }
        None => (StatusCode::NOT_FOUND, Json(json!({"key": key, "state": "unknown"}))).into_response(),
    }
}

pub(super) fn failure(status: u16, reason: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(json!({"error": reason}))).into_response()
}

pub(super) fn too_many_requests(after: Duration) -> Response {
    let mut response = failure(429, "too many requests");
    let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// A 200 that says no.
pub(super) fn error_body() -> Response {
    Json(json!({"error": {"code": "E17", "message": "the delivery could not be stored"}})).into_response()
}

pub(super) fn garbage() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], &b"\x00\xFFOK? {\"recei"[..]).into_response()
}

/// Promises the whole answer, sends half of it, and drops the connection.
pub(super) fn cut(answer: &Answer) -> Response {
    let whole = told(answer).to_string().into_bytes();
    let half = whole.get(..whole.len() / 2).unwrap_or_default().to_vec();
    let pieces = tokio_stream::iter([Ok(half), Err(io::Error::other("cut on command"))]);
    let body = Body::from_stream(pieces.then(|piece| async move {
        if piece.is_err() {
            // Time for the first half to leave.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        piece
    }));
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CONTENT_LENGTH, whole.len().to_string()),
    ];
    (headers, body).into_response()
}
