//! A preview of what would be sent once more, ready to show.

use sha2::{Digest, Sha256};

use crate::config::settings::Kind;
use crate::domain::{Observation, Private, Words};
use crate::journal::ObservationId;
use crate::journal::resend::{Again, Before, LastAnswer, Sent, Stays};
use crate::status::bench::verdict_words;
use crate::status::clock::{Clock, Moment};
use crate::status::raw::{Body, Piece, body, lines};
use crate::status::shell::{test_name, unit};
use crate::status::words::kept;

/// A delivery that would go once more.
pub(super) struct DeliveryRow {
    pub id: i64,
    pub key: String,
    pub answer: Option<AnswerRow>,
    /// Who had some of it sent once more before.
    pub before: Vec<BeforeRow>,
    pub how: Words,
    /// What the destination would make of it.
    pub makes: Words,
    /// Nothing where too many would go to show the bytes of each.
    pub payload: Option<Payload>,
    pub results: Vec<ResultRow>,
}

/// An earlier time that it, or something of it, was sent once more.
pub(super) struct BeforeRow {
    pub at: Moment,
    pub by: String,
    pub reason: String,
}

/// What the destination said of it last.
pub(super) struct AnswerRow {
    pub at: Moment,
    pub verdict: Words,
    pub status: Option<u16>,
    pub detail: Words,
}

impl AnswerRow {
    pub(super) fn by_http(&self) -> Option<String> {
        self.status.map(|status| format!("HTTP {status}"))
    }
}

/// The bytes that would be sent.
pub(super) struct Payload {
    pub bytes: Vec<u8>,
    pub body: Body,
    /// The same, every byte by name.
    pub lines: Vec<Vec<Piece>>,
    pub sha256: String,
}

pub(super) struct ResultRow {
    pub id: i64,
    pub specimen: String,
    pub test: String,
    pub value: String,
    pub unit: Words,
    /// It wasn't asked for, and went with what was.
    pub goes_along: bool,
}

/// A result that stays, and why.
pub(super) struct StaysRow {
    pub result: ResultRow,
    pub why: Words,
}

pub(super) fn delivery(
    it: Sent,
    payload: Option<Private<Vec<u8>>>,
    kind: &Kind,
    clock: &Clock,
) -> DeliveryRow {
    let again = |Again { id, result: found, is_wanted }: &Again| result(*id, found, !is_wanted);
    DeliveryRow {
        id: it.delivery.0,
        answer: it.answer.as_ref().map(|answer| answered(answer, clock)),
        before: it.before.into_iter().map(|before| sent_before(before, clock)).collect(),
        how: it.how.words(),
        makes: kind.makes_of(it.how),
        payload: payload.map(|bytes| opened(bytes.reveal())),
        results: it.results.iter().map(again).collect(),
        key: it.key,
    }
}

fn sent_before(it: Before, clock: &Clock) -> BeforeRow {
    BeforeRow { at: clock.at(it.at), by: it.by, reason: it.reason.reveal().clone() }
}

pub(super) fn stays(it: Stays) -> StaysRow {
    StaysRow { result: result(it.id, &it.result, false), why: it.why }
}

fn answered(answer: &LastAnswer, clock: &Clock) -> AnswerRow {
    AnswerRow {
        at: clock.at(answer.at),
        verdict: verdict_words(&answer.verdict),
        status: answer.status,
        detail: kept(&answer.detail),
    }
}

fn opened(bytes: &[u8]) -> Payload {
    let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Payload { body: body(bytes), lines: lines(bytes), sha256, bytes: bytes.to_owned() }
}

fn result(id: ObservationId, found: &Private<Observation>, goes_along: bool) -> ResultRow {
    let it = found.reveal();
    ResultRow {
        id: id.0,
        specimen: it.specimen.reveal().to_owned(),
        test: test_name(&it.test),
        value: it.value_as_sent.clone(),
        unit: unit(it),
        goes_along,
    }
}
