//! What a FHIR server's answers mean: to a transaction, entry by entry, and to the question what it has. What it had
//! before is compared with what was sent; an answer that leaves anything open is never an acceptance.

mod outcome;
mod seen;

use std::collections::BTreeMap;

use serde_json::Value;

use self::outcome::{codes, words};
pub use self::seen::{Seen, has_name_of, specimen_of};
use super::http::{Answer, ruled};
use super::{Judgement, Reply, answered, bounded, reason};
use crate::board::Cause;
use crate::config::settings::{ReplyRule, VerdictKind};
use crate::delivery::bundle::sent::{CALL, Entry, Sent, Way};
use crate::journal::ObservationId;
use crate::journal::ledger::{AttemptKind, Fate};

/// What the server said of one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    status: u16,
    reason: String,
    /// Where the server keeps it, as `Observation/7`.
    pub place: Option<String>,
    /// The server's copy, where the answer holds it.
    pub resource: Option<Value>,
}

/// What looking at the server came to, for each result that was looked for; `None` where it couldn't be done.
pub type Looked = BTreeMap<ObservationId, Option<Seen>>;

/// Reads the answer to a transaction.
///
/// # Errors
/// The judgement, where it isn't one that says of every entry what became of it.
pub fn read(
    reply: &Reply<Answer>,
    rules: &[ReplyRule],
    sent: &Sent,
    items: &[ObservationId],
) -> Result<Vec<Told>, Judgement> {
    let answer = answered(reply, items)?;
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let (verdict, detail) = match ruled(answer, body.as_ref(), rules) {
        Some(ruled) => ruled,
        None if (200..=299).contains(&answer.status) => match told(body.as_ref(), sent) {
            Ok(told) => return Ok(told),
            Err((verdict, why)) => (verdict, format!("answered {} {why}", answer.status)),
        },
        None => failed(answer.status),
    };
    Err(judgement(verdict, &detail, answer, body.as_ref(), items))
}

/// The same of every result, with the server's own words for a person.
fn judgement(
    verdict: VerdictKind,
    detail: &str,
    answer: &Answer,
    body: Option<&Value>,
    items: &[ObservationId],
) -> Judgement {
    let detail = format!("{detail}{}", codes(body));
    let reason = reason(&detail, &words(body));
    Judgement { retry_after: answer.retry_after, ..Judgement::of_all(verdict, detail, &reason, items) }
}

/// What a status that is no success means, of a transaction or of one of its entries.
fn failed(status: u16) -> (VerdictKind, String) {
    use VerdictKind::{Refused, Retry, Unknown};
    let (verdict, why) = match status {
        300..=399 => (Refused, ": redirects are never followed"),
        401 | 403 => {
            (Retry, ": the server doesn't let labwire in; check token_file and what the token permits")
        }
        404 => (Retry, ": no FHIR server is at this address; check url"),
        408 | 409 | 425 | 429 | 500..=599 => (Retry, ""),
        412 => (
            Refused,
            ": several resources have one identifier, or the server had another version than it is asked to replace",
        ),
        400..=499 => (Refused, ""),
        _ => (Unknown, ""),
    };
    (verdict, format!("answered {status}{why}"))
}

/// What the answer says of each entry, in their order.
fn told(body: Option<&Value>, sent: &Sent) -> Result<Vec<Told>, (VerdictKind, String)> {
    let unknown = |why: &str| Err((VerdictKind::Unknown, why.to_owned()));
    let Some(body) = body else { return unknown("with something that is no JSON") };
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    match (text("resourceType"), text("type")) {
        ("Bundle", "transaction-response") => {}
        ("OperationOutcome", _) if outcome::is_error(body) => {
            return Err((VerdictKind::Refused, "with an error".to_owned()));
        }
        _ => return unknown("with something that is no answer to a transaction"),
    }
    let entries = body.get("entry").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if entries.len() != sent.entries.len() {
        return unknown(&format!("of {} entries to {}", entries.len(), sent.entries.len()));
    }
    let told: Vec<Told> = entries.iter().map(Told::of).collect();
    // An answer counts for what was asked, and for nothing else.
    if told.iter().zip(&sent.entries).any(|(told, entry)| !told.is_of(&entry.kind)) {
        return unknown("of entries that weren't sent");
    }
    Ok(told)
}

impl Told {
    fn of(entry: &Value) -> Told {
        let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
        let status =
            text("/response/status").and_then(|status| status.split_whitespace().next()?.parse().ok());
        Told {
            status: status.unwrap_or_default(),
            reason: bounded(&words(entry.pointer("/response/outcome"))),
            place: text("/response/location").and_then(seen::place),
            resource: entry.get("resource").cloned(),
        }
    }

    /// Whether nothing in it speaks of another kind of resource.
    fn is_of(&self, kind: &str) -> bool {
        let place = self.place.as_deref().and_then(|place| place.split('/').next());
        let copy = self.resource.as_ref().and_then(|copy| copy.get("resourceType")).and_then(Value::as_str);
        [place, copy.filter(|kind| *kind != "OperationOutcome")]
            .into_iter()
            .flatten()
            .all(|told| told == kind)
    }

    fn verdict(&self) -> (VerdictKind, String) {
        match self.status {
            200 | 201 => (VerdictKind::Accepted, String::new()),
            status => {
                let (verdict, detail) = failed(status);
                (verdict, [detail.as_str(), &self.reason].join(": ").trim_end_matches(": ").to_owned())
            }
        }
    }
}

/// The results that were on the server already, whose copies must be compared with ours.
pub fn to_compare<'a>(
    sent: &'a Sent,
    told: &'a [Told],
) -> impl Iterator<Item = (ObservationId, &'a Entry, &'a Told)> {
    let both = sent.entries.iter().zip(told);
    both.filter(|(entry, told)| is_compared(entry, told))
        .filter_map(|(entry, told)| Some((entry.result?, entry, told)))
}

/// What is there already must say what ours says. The record of a call is named by all that it says: one of that name
/// is the same.
fn is_compared(entry: &Entry, told: &Told) -> bool {
    entry.way == Way::Create && told.status == 200 && entry.kind != CALL
}

/// Judges a transaction of whose every entry the server spoke. `looked` has each result of [`to_compare`].
pub fn judge(sent: &Sent, told: &[Told], looked: &Looked, items: &[ObservationId]) -> Judgement {
    let both = || sent.entries.iter().zip(told);
    // Without its Specimen, its Device or its report a result isn't what was sent.
    let around = both().filter(|(entry, _)| entry.result.is_none());
    let around =
        around.map(|(entry, told)| (&entry.kind, told.verdict())).find(|(_, verdict)| !is_good(verdict));
    let fates = items.iter().map(|id| {
        let of_this = both().find(|(entry, _)| entry.result == Some(*id));
        let Some((entry, told)) = of_this else { return (*id, Fate::Unknown) };
        let own = match told.verdict() {
            (VerdictKind::Accepted, _) if is_compared(entry, told) => compared(looked, *id),
            own => own,
        };
        let (verdict, reason) = match &around {
            Some((kind, (verdict, why))) if is_good(&own) => (*verdict, format!("its {kind}: {why}")),
            _ => own,
        };
        (*id, super::fate(verdict, &reason))
    });
    let fates: Vec<_> = fates.collect();
    let created = sent.results().count() - to_compare(sent, told).count();
    let verdict = match overall(&fates) {
        VerdictKind::Accepted if created == 0 => VerdictKind::Duplicate,
        verdict => verdict,
    };
    let detail = match verdict {
        VerdictKind::Accepted => format!(
            "answered 200: {created} written, {} there already",
            items.len() - created.min(items.len())
        ),
        VerdictKind::Duplicate => "answered 200: all were there already, the same".to_owned(),
        VerdictKind::Refused => "answered 200, and has or takes not all as it was sent".to_owned(),
        _ => "answered 200, and not every result is settled".to_owned(),
    };
    Judgement { verdict, detail, cause: Cause::Declines, retry_after: None, fates }
}

fn is_good((verdict, _): &(VerdictKind, String)) -> bool {
    *verdict == VerdictKind::Accepted
}

/// What a result is that the server says it had.
fn compared(looked: &Looked, id: ObservationId) -> (VerdictKind, String) {
    match looked.get(&id).and_then(Option::as_ref) {
        Some(Seen::Same { .. }) => (VerdictKind::Accepted, String::new()),
        Some(Seen::Missing) | None => (VerdictKind::Unknown, String::new()),
        Some(seen) => (VerdictKind::Refused, seen.to_string()),
    }
}

/// What is true of all, the worst first.
fn overall(fates: &[(ObservationId, Fate)]) -> VerdictKind {
    let any = |wanted: fn(&Fate) -> bool| fates.iter().any(|(_, fate)| wanted(fate));
    if any(|fate| *fate == Fate::Unknown) {
        VerdictKind::Unknown
    } else if any(|fate| *fate == Fate::Again) {
        VerdictKind::Retry
    } else if any(|fate| matches!(fate, Fate::Refused(_))) {
        VerdictKind::Refused
    } else {
        VerdictKind::Accepted
    }
}

/// Whether what a Bundle writes after its results is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    There,
    Missing,
}

/// Judges what a probe saw. A server that is no good at transactions may have the results and not what belongs to them.
pub fn judge_probe(looked: &Looked, closing: Closing, sent: &Sent, items: &[ObservationId]) -> Judgement {
    let fates = items.iter().map(|id| {
        let entry = sent.results().find(|(result, _)| result == id).map(|(_, entry)| entry);
        let fate = match (looked.get(id).and_then(Option::as_ref), entry) {
            (Some(Seen::Same { .. }), _) if closing == Closing::There => Fate::Accepted,
            (Some(Seen::Same { .. } | Seen::Missing), _) => Fate::Again,
            (Some(Seen::Earlier { .. }), Some(Entry { way: Way::Update, .. })) => Fate::Again,
            (Some(seen), Some(_)) => Fate::Refused(seen.to_string()),
            _ => Fate::Unknown,
        };
        (*id, fate)
    });
    let fates: Vec<_> = fates.collect();
    let (verdict, detail) = match overall(&fates) {
        VerdictKind::Accepted => (VerdictKind::Duplicate, "the server has them all, as they were sent"),
        VerdictKind::Retry => (VerdictKind::Retry, "the server doesn't have them all"),
        VerdictKind::Refused => (VerdictKind::Refused, "the server has one otherwise than it was sent"),
        verdict => (verdict, "the server could not be asked for every result"),
    };
    Judgement { verdict, detail: detail.to_owned(), cause: Cause::Declines, retry_after: None, fates }
}

/// Whether the copies that newer versions are to replace may be replaced. The judgement, where they may not: a
/// transaction goes out whole or not at all.
pub fn judge_before(looked: &Looked, items: &[ObservationId]) -> Option<Judgement> {
    let kept = |seen: &Option<Seen>| match seen {
        Some(Seen::Missing) => None,
        Some(Seen::Same { added } | Seen::Earlier { added }) if added.is_empty() => None,
        Some(Seen::Same { added } | Seen::Earlier { added }) => Some(format!(
            "not corrected: the server's copy has {}, which a correction would lose; correct it there",
            added.join(", ")
        )),
        Some(seen) => Some(format!("not corrected: {seen}")),
        None => Some("not corrected: the server's copy can't be read".to_owned()),
    };
    let kept: BTreeMap<ObservationId, String> =
        looked.iter().filter_map(|(id, seen)| Some((*id, kept(seen)?))).collect();
    if kept.is_empty() {
        return None;
    }
    let other = "not sent: another result of this delivery can't be corrected";
    let fates = items
        .iter()
        .map(|id| (*id, Fate::Refused(kept.get(id).map_or(other, String::as_str).to_owned())))
        .collect();
    let detail = "not sent: the server's copy of a result may not be replaced".to_owned();
    let verdict = VerdictKind::Refused;
    Some(Judgement { verdict, detail, cause: Cause::Declines, retry_after: None, fates })
}

/// Judges an answer to a question that shows nothing of what was asked for. Before a send it puts the send off; to a
/// probe it proves nothing.
pub fn judge_unseen(reply: &Reply<Answer>, kind: AttemptKind, items: &[ObservationId]) -> Judgement {
    let put_off = match kind {
        AttemptKind::Send => VerdictKind::Retry,
        AttemptKind::Probe => VerdictKind::Unknown,
    };
    let (verdict, detail, answer) = match reply {
        Reply::Answered(answer) if (200..=299).contains(&answer.status) => {
            (put_off, format!("answered {} to a search with something else", answer.status), answer)
        }
        Reply::Answered(answer) => {
            let (verdict, detail) = failed(answer.status);
            let verdict = if kind == AttemptKind::Probe { put_off } else { verdict };
            (verdict, format!("{detail} (to a search)"), answer)
        }
        Reply::NotSent(why) | Reply::NoAnswer(why) => {
            let detail = format!("no answer to a search: {}", why.text);
            return Judgement { cause: why.cause, ..Judgement::of_all(put_off, detail, "", items) };
        }
    };
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    judgement(verdict, &detail, answer, body.as_ref(), items)
}

#[cfg(test)]
mod tests;
