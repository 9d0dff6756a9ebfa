//! What a reply means, by the destination's rule table and then the built-in one. Pure. A reply that can't be
//! understood is never taken for an acceptance.

pub mod fhir;
pub mod folder;
pub mod http;
pub mod mllp;

use std::time::Duration;

use crate::board::Cause;
use crate::config::settings::VerdictKind;
use crate::journal::ObservationId;
use crate::journal::ledger::{Fate, NO_ANSWER, NOT_SENT};

/// The most characters of the LIMS's own words that are kept as the reason of a refusal.
const LONGEST_REASON: usize = 500;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    pub text: String,
    pub cause: Cause,
}

impl Why {
    /// Where the cause can't be told.
    pub fn unknown(text: &str) -> Why {
        Why { text: text.to_owned(), cause: Cause::Unknown }
    }
}

/// What came of an attempt on the wire; `A` is the answer of a destination's kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<A> {
    Answered(A),
    /// Nothing was sent: no connection.
    NotSent(Why),
    /// It was sent, wholly or in part, and no whole answer came.
    NoAnswer(Why),
}

/// The judgement of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    pub verdict: VerdictKind,
    /// Why, without content of the payload or the answer.
    pub detail: String,
    /// Of a failure: what was in the way.
    pub cause: Cause,
    pub retry_after: Option<Duration>,
    /// One for each observation of the delivery.
    pub fates: Vec<(ObservationId, Fate)>,
}

impl Judgement {
    /// The same verdict for every observation. `reason` is told of each that is refused.
    fn of_all(verdict: VerdictKind, detail: String, reason: &str, items: &[ObservationId]) -> Judgement {
        let fates = items.iter().map(|id| (*id, fate(verdict, reason))).collect();
        Judgement { verdict, detail, cause: Cause::Declines, retry_after: None, fates }
    }

    /// A stored payload that isn't what its destination sends: somebody changed the destination's kind.
    pub(super) fn unreadable(why: &str, items: &[ObservationId]) -> Judgement {
        let detail = format!("not sent: the stored payload isn't of this destination's kind ({why})");
        Judgement::of_all(VerdictKind::Refused, detail.clone(), &detail, items)
    }
}

/// The answer, or the judgement where there is none.
fn answered<'a, A>(reply: &'a Reply<A>, items: &[ObservationId]) -> Result<&'a A, Judgement> {
    let (verdict, what, why) = match reply {
        Reply::Answered(answer) => return Ok(answer),
        Reply::NotSent(why) => (VerdictKind::Retry, NOT_SENT, why),
        Reply::NoAnswer(why) => (VerdictKind::Unknown, NO_ANSWER, why),
    };
    let judgement = Judgement::of_all(verdict, format!("{what}: {}", why.text), "", items);
    Err(Judgement { cause: why.cause, ..judgement })
}

/// The LIMS's own words on one line, as much of them as is kept. They may name a patient: for the ledger and a person's eyes.
fn bounded(said: &str) -> String {
    let line = said.split(|it: char| it.is_whitespace() || it.is_control()).filter(|word| !word.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_REASON) {
        Some((end, _)) => format!("{} …", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// What is told of each that is refused: why in our words, then in the LIMS's own, if it said any.
fn reason(detail: &str, said: &str) -> String {
    match bounded(said) {
        said if said.is_empty() => detail.to_owned(),
        said => format!("{detail}: {said}"),
    }
}

fn fate(verdict: VerdictKind, reason: &str) -> Fate {
    match verdict {
        VerdictKind::Accepted | VerdictKind::Duplicate => Fate::Accepted,
        VerdictKind::Staged => Fate::Staged,
        VerdictKind::Retry => Fate::Again,
        VerdictKind::Refused => Fate::Refused(reason.to_owned()),
        VerdictKind::Unknown => Fate::Unknown,
    }
}
