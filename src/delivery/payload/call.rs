//! What was recorded of a critical call, as JSON: who called whom, what was told, and what came of it.

use serde::Serialize;

use super::{TestTwin, ValueTwin};
use crate::domain::Private;
use crate::domain::call::{Agreement, Attempt, IdentifierKind};
use crate::journal::ledger::{CallNote, Noted};

#[derive(Serialize)]
pub(super) struct CallTwin<'a> {
    /// The record's own number.
    id: String,
    call: String,
    /// The version of the result that it is about.
    result: String,
    test: TestTwin<'a>,
    value: ValueTwin<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    why: &'static str,
    /// What was to be told, in words.
    to_tell: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<VerifiedTwin<'a>>,
    by: &'a str,
    account: &'a str,
    recorded_at: String,
    #[serde(flatten)]
    what: WhatTwin<'a>,
}

#[derive(Serialize)]
struct VerifiedTwin<'a> {
    by: &'a str,
    at: String,
}

#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum WhatTwin<'a> {
    /// The value was read back.
    Confirmed(AttemptTwin<'a>),
    NoReadBack(AttemptTwin<'a>),
    NotReached(AttemptTwin<'a>),
    /// It won't be called any more.
    Ended {
        reason: &'a str,
    },
}

#[derive(Serialize)]
struct AttemptTwin<'a> {
    called_at: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    to: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    role: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    identifiers: Vec<IdentifierTwin<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    told: Option<ToldTwin<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
}

#[derive(Serialize)]
struct IdentifierTwin<'a> {
    kind: &'static str,
    text: &'a str,
}

#[derive(Serialize)]
struct ToldTwin<'a> {
    value: &'a str,
    /// Whether that is the result's value.
    agrees: bool,
    /// Whether the identifiers are the patient's, as far as is known.
    of_patient: bool,
}

impl<'a> CallTwin<'a> {
    pub(super) fn of(note: &'a CallNote) -> Self {
        let it = &note.item.observation;
        CallTwin {
            id: note.number.to_string(),
            call: note.call.to_string(),
            result: note.item.id.to_string(),
            test: TestTwin::of(&it.test, it.lims_code.as_deref(), it.loinc.as_deref()),
            value: ValueTwin::of(&it.value, &it.value_as_sent),
            unit: it.unit.as_deref(),
            why: note.reason.words(),
            to_tell: note.tell.reveal().words().english(),
            verified: note.verified.as_ref().map(|(by, at)| VerifiedTwin { by, at: at.to_string() }),
            by: note.noted.by(),
            account: &note.account,
            recorded_at: note.recorded_at.to_string(),
            what: WhatTwin::of(note),
        }
    }
}

impl<'a> WhatTwin<'a> {
    fn of(note: &'a CallNote) -> Self {
        use crate::domain::call::CallOutcome::{Confirmed, NoReadBack, NotReached};
        match &note.noted {
            Noted::Ended { reason, .. } => WhatTwin::Ended { reason: reason.reveal() },
            Noted::Attempt { attempt, agreement } => {
                let twin = AttemptTwin::of(attempt, *agreement);
                match attempt.outcome {
                    Confirmed => WhatTwin::Confirmed(twin),
                    NoReadBack => WhatTwin::NoReadBack(twin),
                    NotReached => WhatTwin::NotReached(twin),
                }
            }
        }
    }
}

impl<'a> AttemptTwin<'a> {
    fn of(it: &'a Attempt, agreement: Agreement) -> Self {
        let identifier = |(kind, text): &'a (IdentifierKind, Private<String>)| IdentifierTwin {
            kind: kind.name(),
            text: text.reveal(),
        };
        AttemptTwin {
            called_at: it.made_at.to_string(),
            to: &it.to,
            role: &it.role,
            identifiers: it.identifiers.iter().map(identifier).collect(),
            told: it.reached().then(|| ToldTwin {
                value: it.value.reveal(),
                agrees: agreement.value,
                of_patient: agreement.patient,
            }),
            note: it.note.reveal(),
        }
    }
}
