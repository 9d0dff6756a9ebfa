//! What of a day isn't over: each thing that a person signs off, or that only time brings on.

use jiff::{SignedDuration, Timestamp};

use super::remedy;
use super::report::Rules;
use crate::domain::{HoldReason, Private, ProblemKind, SpecimenId, Words, words};
use crate::journal::days::{Arrival, Came, LineNow, Trouble};
use crate::journal::{DeliveryId, JournalError, MessageId, ObservationId, ProblemId, Reader};

/// The kinds, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The LIMS refused it.
    Refused,
    /// It isn't known whether the LIMS has it.
    Unknown,
    /// It waits behind one that was refused.
    Quarantined,
    Held,
    /// It should have left long ago.
    Late,
    /// Its transmission was cut.
    Incomplete,
    /// A message that should have been read long ago.
    Unread,
    PossibleDuplicate,
    /// Any other open problem.
    Problem,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::Refused,
        Kind::Unknown,
        Kind::Quarantined,
        Kind::Held,
        Kind::Late,
        Kind::Incomplete,
        Kind::Unread,
        Kind::PossibleDuplicate,
        Kind::Problem,
    ];

    /// Stable, for files.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Refused => "refused",
            Kind::Unknown => "unknown",
            Kind::Quarantined => "quarantined",
            Kind::Held => "held",
            Kind::Late => "late",
            Kind::Incomplete => "incomplete-transmission",
            Kind::Unread => "unread",
            Kind::PossibleDuplicate => "possible-duplicate",
            Kind::Problem => "problem",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Refused => "refused by the LIMS",
            Kind::Unknown => "of unknown fate",
            Kind::Quarantined => "behind a refused one",
            Kind::Held => "held",
            Kind::Late => "late",
            Kind::Incomplete => "cut short",
            Kind::Unread => "not read yet",
            Kind::PossibleDuplicate => "possible duplicate",
            Kind::Problem => "problem",
        }
    }
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Exception {
    pub kind: Kind,
    pub result: Option<ObservationId>,
    pub specimen: Option<SpecimenId>,
    /// Empty where the sender isn't known.
    pub instrument: String,
    /// Empty where it is about no single test.
    pub test: String,
    pub destination: Option<String>,
    /// The ledger's state, or the problem's kind.
    pub state: String,
    pub since: Timestamp,
    /// Only a person brings a delivery on.
    pub is_dead_letter: bool,
    pub reason: Private<Words>,
    pub remedy: Words,
    pub message: Option<MessageId>,
    pub delivery: Option<DeliveryId>,
    pub problem: Option<ProblemId>,
}

/// A message that has been waiting to be read for too long.
pub(super) fn of_unread(arrival: &Arrival, now: Timestamp, late_after: SignedDuration) -> Option<Exception> {
    let is_late = now.duration_since(arrival.received_at).abs() > late_after;
    (!arrival.is_read && is_late).then(|| Exception {
        kind: Kind::Unread,
        result: None,
        specimen: None,
        instrument: arrival.instrument.clone().unwrap_or_default(),
        test: String::new(),
        destination: None,
        state: "unread".to_owned(),
        since: arrival.received_at,
        is_dead_letter: false,
        reason: Private::new(words!("it waits to be read")),
        remedy: remedy::to_be_read(),
        message: Some(arrival.message),
        delivery: None,
        problem: None,
    })
}

/// An open problem. `arrival` is the message that it came with.
pub(super) fn of_problem(trouble: &Trouble, arrival: Option<&Arrival>) -> Exception {
    let kind = match ProblemKind::from_name(&trouble.kind) {
        Some(ProblemKind::Incomplete) => Kind::Incomplete,
        Some(ProblemKind::PossibleDuplicate) => Kind::PossibleDuplicate,
        _ => Kind::Problem,
    };
    let cut = arrival.filter(|_| kind == Kind::Incomplete).and_then(|it| it.cut.as_ref());
    let reason = match cut {
        Some(why) => words!("{what} ({note})", what = trouble.text.reveal(), note = why),
        None => trouble.text.reveal().into(),
    };
    let instrument = trouble.instrument.clone().or_else(|| arrival?.instrument.clone());
    let remedy = ProblemKind::from_name(&trouble.kind).map_or("", ProblemKind::remedy);
    Exception {
        kind,
        result: None,
        specimen: trouble.specimen.clone().filter(|specimen| !specimen.is_blank()),
        instrument: instrument.unwrap_or_default(),
        test: String::new(),
        destination: None,
        state: trouble.kind.clone(),
        since: trouble.seen_at,
        is_dead_letter: false,
        reason: Private::new(reason),
        remedy: words!(
            "{remedy}; seen to: labwire dismiss {id} --reason …",
            remedy = Words::fixed(remedy),
            id = trouble.id.to_string()
        ),
        message: arrival.map(|it| it.message),
        delivery: None,
        problem: Some(trouble.id),
    }
}

/// Whether a result at one destination isn't over and should be. Nothing is open where the destination is under test.
pub(super) fn kind_of(arrival: &Arrival, line: &LineNow, rules: &Rules, now: Timestamp) -> Option<Kind> {
    let is_late = now.duration_since(owed_since(arrival, line)).abs() > rules.late_after;
    let kind = match line.state.as_str() {
        "refused" => Kind::Refused,
        "unknown" => Kind::Unknown,
        "quarantined" => Kind::Quarantined,
        "held" => Kind::Held,
        "pending" | "in-flight" if is_late => Kind::Late,
        _ => return None,
    };
    (!rules.is_under_test(&line.destination)).then_some(kind)
}

/// When a destination became owed a result: as it came, or as somebody had it sent once more.
fn owed_since(arrival: &Arrival, line: &LineNow) -> Timestamp {
    line.owed_again.unwrap_or(arrival.received_at)
}

/// The exception of such a result.
pub(super) fn of_line(
    reader: &Reader,
    arrival: &Arrival,
    came: &Came,
    line: &LineNow,
    kind: Kind,
    rules: &Rules,
) -> Result<Exception, JournalError> {
    let delivery = line.delivery.map(|(id, _)| id);
    let (reason, since) = reason(reader, arrival, came, line, kind)?;
    Ok(Exception {
        kind,
        result: Some(came.id),
        specimen: Some(came.specimen.clone()).filter(|specimen| !specimen.is_blank()),
        instrument: arrival.instrument.clone().unwrap_or_default(),
        test: came.test.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" "),
        destination: Some(line.destination.clone()),
        state: line.state.clone(),
        since,
        is_dead_letter: line.waits_for_person,
        reason: Private::new(reason),
        remedy: remedy(kind, came, line, rules.is_configured(&line.destination)),
        message: Some(arrival.message),
        delivery,
        problem: None,
    })
}

/// Why, and since when.
fn reason(
    reader: &Reader,
    arrival: &Arrival,
    came: &Came,
    line: &LineNow,
    kind: Kind,
) -> Result<(Words, Timestamp), JournalError> {
    let told = line.reason.as_ref().map(|reason| reason.reveal().clone());
    let answered = match line.delivery {
        Some((id, _)) if told.is_none() => reader.last_answer(id)?,
        _ => None,
    };
    let told = told.or(answered).map_or_else(Words::none, Words::from);
    Ok(match kind {
        Kind::Held => match reader.why_held(came.id)? {
            Some((reasons, since)) => (why_held(&reasons), since),
            None => (told, line.since),
        },
        Kind::Quarantined if told.is_none() => {
            (words!("an earlier result of this test was refused"), line.since)
        }
        // Its line moves with every attempt: it became unknown when it was first sent, or later.
        Kind::Unknown => (told, line.delivery.map_or(line.since, |(_, made)| made)),
        Kind::Late if line.is_behind => {
            (words!("an earlier result of this test isn't over"), owed_since(arrival, line))
        }
        Kind::Late if told.is_none() => (words!("it waits to be sent"), owed_since(arrival, line)),
        Kind::Late => (told, owed_since(arrival, line)),
        _ => (told, line.since),
    })
}

fn why_held(reasons: &[String]) -> Words {
    let text = |name: &String| match HoldReason::from_name(name) {
        Some(reason) => Words::fixed(reason.text()),
        None => name.into(),
    };
    Words::row(reasons.iter().map(text), "; ")
}

fn remedy(kind: Kind, came: &Came, line: &LineNow, is_configured: bool) -> Words {
    let decided = line.delivery.map(|(id, _)| id).filter(|_| line.waits_for_person);
    match (kind, decided) {
        (Kind::Refused | Kind::Unknown, Some(id)) if !is_configured => remedy::of_no_destination(id),
        (Kind::Refused, Some(id)) => remedy::after_refusal(id),
        (Kind::Unknown, Some(id)) => remedy::of_unknown_fate(id),
        (Kind::Held, _) => remedy::of_held(came.id, !came.specimen.is_blank()),
        (Kind::Quarantined, _) => remedy::behind_refused(),
        _ if !is_configured => remedy::nowhere(),
        (Kind::Late, _) if line.is_behind => remedy::behind(),
        (Kind::Late, _) => remedy::on_its_way(),
        _ => remedy::found_out(),
    }
}
