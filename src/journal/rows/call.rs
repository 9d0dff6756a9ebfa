//! The journal's own twin of what happened to a critical call.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::instant;
use crate::domain::Private;
use crate::domain::call::{
    Agreement, Attempt, CallEntry, CallEvent, CallOutcome, CallPolicy, Cause, ClockStart, IdentifierKind,
    Keeper, Opening, Reopening,
};

/// An event as stored. Its kind has a column of its own.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredEvent {
    Attempt(StoredAttempt),
    Ended { by: String, reason: String },
    Verified { by: String, note: String },
    Cause(StoredCause),
    Nothing {},
}

#[derive(Serialize, Deserialize)]
struct StoredCause {
    clock: String,
    due_minutes: u32,
    again_minutes: u32,
    verify_minutes: u32,
    found_at: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredAttempt {
    by: String,
    made_at: i64,
    outcome: String,
    to: String,
    role: String,
    identifiers: Vec<(String, String)>,
    value: String,
    note: String,
    /// Whether the value that was told is the journal's.
    agrees: bool,
    /// Whether the identifiers are the patient's, as far as is known. Older records weren't compared.
    #[serde(default = "yes")]
    is_of_patient: bool,
}

fn yes() -> bool {
    true
}

/// The name of an event's kind.
pub(in crate::journal) fn kind(event: &CallEvent) -> &'static str {
    match event {
        CallEvent::Opened(Opening::Critical, _) => "critical",
        CallEvent::Opened(Opening::Undecided, _) => "undecided",
        CallEvent::Reopened(Reopening::Corrected, _) => "corrected",
        CallEvent::Reopened(Reopening::Withdrawn, _) => "withdrawn",
        CallEvent::Newer => "newer",
        CallEvent::Changed => "changed",
        CallEvent::Cleared => "cleared",
        CallEvent::Dropped => "dropped",
        CallEvent::Entry(CallEntry::Verified { .. }) => "verified",
        CallEvent::Entry(CallEntry::Attempt(_)) => "attempt",
        CallEvent::Entry(CallEntry::Ended { .. }) => "ended",
    }
}

/// An event as JSON.
pub(in crate::journal) fn to_json(event: &CallEvent, agreement: Agreement) -> Result<String, String> {
    let stored = match event {
        CallEvent::Opened(_, cause) | CallEvent::Reopened(_, cause) => {
            let CallPolicy { clock, due_minutes, again_minutes, verify_minutes, .. } = cause.policy;
            let (clock, found_at) = (clock.name().to_owned(), cause.found_at.as_microsecond());
            StoredEvent::Cause(StoredCause { clock, due_minutes, again_minutes, verify_minutes, found_at })
        }
        CallEvent::Newer | CallEvent::Changed | CallEvent::Cleared | CallEvent::Dropped => {
            StoredEvent::Nothing {}
        }
        CallEvent::Entry(CallEntry::Verified { by, note }) => {
            StoredEvent::Verified { by: by.clone(), note: note.reveal().clone() }
        }
        CallEvent::Entry(CallEntry::Ended { by, reason }) => {
            StoredEvent::Ended { by: by.clone(), reason: reason.reveal().clone() }
        }
        CallEvent::Entry(CallEntry::Attempt(it)) => StoredEvent::Attempt(StoredAttempt::of(it, agreement)),
    };
    serde_json::to_string(&stored).map_err(|error| error.to_string())
}

/// An event and what of it is as the journal has it; or why the stored text is none.
pub(in crate::journal) fn from_json(kind: &str, text: &str) -> Result<(CallEvent, Agreement), String> {
    // Without the error's own text: it quotes what it stumbled over.
    let stored: StoredEvent = serde_json::from_str(text).map_err(|_| "it is no JSON".to_owned())?;
    let event = match (kind, stored) {
        ("newer", _) => CallEvent::Newer,
        ("changed", _) => CallEvent::Changed,
        ("cleared", _) => CallEvent::Cleared,
        ("dropped", _) => CallEvent::Dropped,
        ("critical", StoredEvent::Cause(cause)) => CallEvent::Opened(Opening::Critical, cause.into_cause()?),
        ("undecided", StoredEvent::Cause(it)) => CallEvent::Opened(Opening::Undecided, it.into_cause()?),
        ("corrected", StoredEvent::Cause(it)) => CallEvent::Reopened(Reopening::Corrected, it.into_cause()?),
        ("withdrawn", StoredEvent::Cause(it)) => CallEvent::Reopened(Reopening::Withdrawn, it.into_cause()?),
        ("verified", StoredEvent::Verified { by, note }) => {
            CallEvent::Entry(CallEntry::Verified { by, note: Private::new(note) })
        }
        ("ended", StoredEvent::Ended { by, reason }) => {
            CallEvent::Entry(CallEntry::Ended { by, reason: Private::new(reason) })
        }
        ("attempt", StoredEvent::Attempt(it)) => {
            let agreement = Agreement { value: it.agrees, patient: it.is_of_patient };
            return Ok((CallEvent::Entry(CallEntry::Attempt(it.into_attempt()?)), agreement));
        }
        _ => return Err(format!("{kind} and its detail don't fit")),
    };
    Ok((event, Agreement::WHOLE))
}

impl StoredCause {
    fn into_cause(self) -> Result<Cause, String> {
        let StoredCause { clock, due_minutes, again_minutes, verify_minutes, found_at } = self;
        let clock = ClockStart::from_name(&clock).ok_or("an unknown start of the clock")?;
        let policy =
            CallPolicy { keeper: Keeper::Labwire, clock, due_minutes, again_minutes, verify_minutes };
        Ok(Cause { policy, found_at: instant(found_at) })
    }
}

impl StoredAttempt {
    fn of(it: &Attempt, agreement: Agreement) -> StoredAttempt {
        StoredAttempt {
            by: it.by.clone(),
            made_at: it.made_at.as_microsecond(),
            outcome: it.outcome.name().to_owned(),
            to: it.to.clone(),
            role: it.role.clone(),
            identifiers: it
                .identifiers
                .iter()
                .map(|(kind, text)| (kind.name().to_owned(), text.reveal().clone()))
                .collect(),
            value: it.value.reveal().clone(),
            note: it.note.reveal().clone(),
            agrees: agreement.value,
            is_of_patient: agreement.patient,
        }
    }

    fn into_attempt(self) -> Result<Attempt, String> {
        let identifier = |(kind, text): (String, String)| {
            let kind = IdentifierKind::from_name(&kind).ok_or("an unknown kind of identifier")?;
            Ok::<_, String>((kind, Private::new(text)))
        };
        let made_at = Timestamp::from_microsecond(self.made_at).map_err(|_| "a time that is none")?;
        Ok(Attempt {
            by: self.by,
            made_at,
            outcome: CallOutcome::from_name(&self.outcome).ok_or("an unknown outcome")?,
            to: self.to,
            role: self.role,
            identifiers: self.identifiers.into_iter().map(identifier).collect::<Result<_, _>>()?,
            value: Private::new(self.value),
            note: Private::new(self.note),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_comes_back_as_it_was_kept() {
        let private = |text: &str| Private::new(text.to_owned());
        let policy = CallPolicy { clock: ClockStart::Verified, due_minutes: 1, ..CallPolicy::default() };
        let cause = Cause { policy, found_at: instant(1_000_001) };
        let by = "Anna Example".to_owned();
        let attempt = Attempt {
            by: by.clone(),
            made_at: instant(7),
            outcome: CallOutcome::NoReadBack,
            to: "Bert Sample".to_owned(),
            role: "nurse".to_owned(),
            identifiers: vec![
                (IdentifierKind::Name, private("Test, Clara")),
                (IdentifierKind::Address, private("1 Road")),
            ],
            value: private("2.5"),
            note: private("asked for a rerun"),
        };
        for event in [
            CallEvent::Opened(Opening::Critical, cause),
            CallEvent::Opened(Opening::Undecided, cause),
            CallEvent::Reopened(Reopening::Corrected, cause),
            CallEvent::Reopened(Reopening::Withdrawn, cause),
            CallEvent::Newer,
            CallEvent::Changed,
            CallEvent::Cleared,
            CallEvent::Dropped,
            CallEvent::Entry(CallEntry::Verified { by: by.clone(), note: private("") }),
            CallEvent::Entry(CallEntry::Ended { by, reason: private("died") }),
            CallEvent::Entry(CallEntry::Attempt(attempt)),
        ] {
            for (value, patient) in [(true, true), (true, false), (false, true), (false, false)] {
                let agreement = Agreement { value, patient };
                let text = to_json(&event, agreement).unwrap();
                let (read, read_agreement) = from_json(kind(&event), &text).unwrap();
                assert_eq!(read, event);
                let expected = if kind(&event) == "attempt" { agreement } else { Agreement::WHOLE };
                assert_eq!(read_agreement, expected, "only an attempt may differ");
            }
        }
        assert!(from_json("attempt", "{}").is_err() && from_json("ended", "[").is_err());
    }
}
