//! What an HTTP answer means: its status, its JSON, and what it says of each result.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::{Judgement, Reply, answered, bounded, fate, reason};
use crate::board::Cause;
use crate::config::settings::{Http, ItemReply, ReplyRule, VerdictKind};
use crate::journal::ObservationId;
use crate::journal::ledger::{AttemptKind, Fate};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// The answer is one that the LIMS gave to this key before.
    pub replayed: bool,
    pub body: Vec<u8>,
}

/// Judges a reply to a send or a probe of these observations.
pub fn judge(reply: &Reply<Answer>, kind: AttemptKind, http: &Http, items: &[ObservationId]) -> Judgement {
    let answer = match answered(reply, items) {
        Ok(answer) => answer,
        // A question that wasn't heard tells nothing of the delivery that it was about.
        Err(judgement) if kind == AttemptKind::Probe => {
            let cause = judgement.cause;
            let unheard = Judgement::of_all(VerdictKind::Unknown, judgement.detail, "", items);
            return Judgement { cause, ..unheard };
        }
        Err(judgement) => return judgement,
    };
    let (verdict, detail) = overall(answer, kind, &http.rules);
    let fates = match &http.items {
        Some(shape) if is_positive(verdict) => item_fates(shape, &answer.body, verdict, items),
        _ => {
            let reason = reason(&detail, &String::from_utf8_lossy(&answer.body));
            items.iter().map(|id| (*id, fate(verdict, &reason))).collect()
        }
    };
    let unclear = is_positive(verdict) && fates.iter().any(|(_, fate)| *fate == Fate::Unknown);
    Judgement {
        verdict: if unclear { VerdictKind::Unknown } else { verdict },
        detail: if unclear {
            format!("{detail}, but it does not say what became of every result")
        } else {
            detail
        },
        cause: Cause::Declines,
        retry_after: answer.retry_after,
        fates,
    }
}

fn is_positive(verdict: VerdictKind) -> bool {
    matches!(verdict, VerdictKind::Accepted | VerdictKind::Staged | VerdictKind::Duplicate)
}

fn overall(answer: &Answer, kind: AttemptKind, rules: &[ReplyRule]) -> (VerdictKind, String) {
    let status = answer.status;
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if let Some(ruled) = ruled(answer, body.as_ref(), rules) {
        return ruled;
    }
    let unreadable = !answer.body.is_empty() && body.is_none();
    match (status, kind) {
        (404, AttemptKind::Probe) => (VerdictKind::Retry, "the LIMS doesn't know this delivery".to_owned()),
        (200..=299, _) if unreadable => {
            (VerdictKind::Unknown, format!("answered {status} with something that is no JSON"))
        }
        (200..=299, _) if answer.replayed => {
            (VerdictKind::Duplicate, format!("answered {status} as it had before"))
        }
        (200..=299, _) => (VerdictKind::Accepted, format!("answered {status}")),
        (_, AttemptKind::Probe) => (VerdictKind::Unknown, format!("answered {status} to a probe")),
        (300..=399, _) => (VerdictKind::Refused, format!("answered {status}: redirects are never followed")),
        (408 | 409 | 425 | 429 | 500..=599, _) => (VerdictKind::Retry, format!("answered {status}")),
        (400..=499, _) => (VerdictKind::Refused, format!("answered {status}")),
        _ => (VerdictKind::Unknown, format!("answered {status}")),
    }
}

/// What the destination's own rules make of an answer, if they speak of it.
pub(super) fn ruled(
    answer: &Answer,
    body: Option<&Value>,
    rules: &[ReplyRule],
) -> Option<(VerdictKind, String)> {
    let fits = |rule: &&ReplyRule| {
        let (from, to) = rule.status;
        let body_fits = rule.body.as_ref().is_none_or(|(pointer, text)| {
            body.and_then(|body| body.pointer(pointer)).is_some_and(|found| says(found, text))
        });
        (from..=to).contains(&answer.status) && body_fits
    };
    let rule = rules.iter().find(fits)?;
    Some((rule.verdict, format!("answered {}, which a rule of this destination decides", answer.status)))
}

/// Whether a JSON value is this text, whatever its type.
fn says(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found == text,
        Value::Bool(found) => text == if *found { "true" } else { "false" },
        Value::Number(found) => text == found.as_str(),
        Value::Null => text == "null",
        Value::Array(_) | Value::Object(_) => false,
    }
}

/// What the answer says of each of ours. An item that it doesn't name, names twice differently, or names with an
/// outcome that isn't configured is unknown.
fn item_fates(
    shape: &ItemReply,
    body: &[u8],
    overall: VerdictKind,
    items: &[ObservationId],
) -> Vec<(ObservationId, Fate)> {
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let mut said: BTreeMap<String, Fate> = BTreeMap::new();
    for entry in body.pointer(&shape.array).and_then(Value::as_array).into_iter().flatten() {
        let Some(id) = entry.pointer(&shape.id).map(text) else { continue };
        let outcome = entry.pointer(&shape.outcome).map(text).unwrap_or_default();
        let reason = shape
            .reason
            .as_ref()
            .and_then(|pointer| entry.pointer(pointer))
            .map(|said| bounded(&text(said)))
            .filter(|said| !said.is_empty());
        let found = match shape.outcomes.get(&outcome) {
            Some(VerdictKind::Accepted) if overall == VerdictKind::Staged => Fate::Staged,
            Some(verdict) => fate(*verdict, reason.as_deref().unwrap_or("refused without a reason")),
            None => Fate::Unknown,
        };
        said.entry(id)
            .and_modify(|earlier| {
                if *earlier != found {
                    *earlier = Fate::Unknown;
                }
            })
            .or_insert(found);
    }
    items.iter().map(|id| (*id, said.remove(&id.to_string()).unwrap_or(Fate::Unknown))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
