//! What is said of a day that a named person signs off.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Control, Response};
use crate::clock;
use crate::journal::days::Span;
use crate::journal::signature::SigningOff;

/// Which day, what it came to when it was looked at, who signs it and why so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignOffRequest {
    /// As 2026-11-20.
    pub day: String,
    /// Its first moment and the one after its last, in microseconds since 1970.
    pub span: (i64, i64),
    /// How many lines of it are open.
    pub open: usize,
    pub balances: bool,
    /// SHA-256 of what it comes to, in hexadecimal.
    pub report: String,
    pub by: String,
    #[serde(default)]
    pub reason: String,
}

impl Control {
    pub(super) async fn sign_off(&self, request: SignOffRequest, account: String) -> Response {
        let SignOffRequest { day, span, open, balances, report, by, reason } = request;
        let moment = |at: i64| Timestamp::from_microsecond(at).map_err(|error| error.to_string());
        let span = match (moment(span.0), moment(span.1)) {
            (Ok(from), Ok(to)) => Span { from, to },
            (Err(why), _) | (_, Err(why)) => return Response::Refused { why },
        };
        tracing::info!(account, day, open, "a day is signed off");
        let signed = SigningOff { day, span, open, balances, report, by, account, reason };
        match self.journal.sign_off(signed, clock::now()).await {
            Ok(()) => Response::Done,
            Err(error) => Response::Refused { why: error.to_string() },
        }
    }
}
