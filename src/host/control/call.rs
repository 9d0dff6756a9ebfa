//! What a command says of a critical call. It travels over the control socket alone and is never logged.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::call::{Attempt, CallEntry, CallOutcome, Differing, IdentifierKind};
use crate::domain::{DestinationId, Private};
use crate::journal::CallId;
use crate::journal::calls::Recording;

/// One record of one call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRequest {
    pub call: i64,
    pub by: String,
    #[serde(flatten)]
    pub recorded: Recorded,
}

/// What was done.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Recorded {
    Verified {
        note: String,
    },
    Attempt {
        /// In microseconds since 1970; without it, now.
        made_at: Option<i64>,
        /// By its name in the domain.
        outcome: String,
        to: String,
        role: String,
        /// Kinds by their names in the domain.
        identifiers: Vec<(String, String)>,
        value: String,
        note: String,
        /// The value was told so, though the journal has another.
        differs: bool,
    },
    Ended {
        reason: String,
    },
}

/// Patient data: shown to nobody who debugs.
impl std::fmt::Debug for CallRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CallRequest(call {})", self.call)
    }
}

impl CallRequest {
    /// What the journal is to write down, or why it can't.
    pub(super) fn recording(
        self,
        account: String,
        tells: Vec<DestinationId>,
        now: Timestamp,
    ) -> Result<Recording, String> {
        let CallRequest { call, by, recorded } = self;
        let mut differing = Differing::Refused;
        let entry = match recorded {
            Recorded::Verified { note } => CallEntry::Verified { by, note: Private::new(note) },
            Recorded::Ended { reason } => CallEntry::Ended { by, reason: Private::new(reason) },
            Recorded::Attempt { made_at, outcome, to, role, identifiers, value, note, differs } => {
                if differs {
                    differing = Differing::Told;
                }
                let made_at = made_at.map_or(Ok(now), Timestamp::from_microsecond);
                let identifier = |(kind, text): (String, String)| {
                    let kind = IdentifierKind::from_name(&kind).ok_or("unknown kind of identifier")?;
                    Ok::<_, String>((kind, Private::new(text)))
                };
                CallEntry::Attempt(Attempt {
                    by,
                    made_at: made_at.map_err(|_| "the time of the call is none")?,
                    outcome: CallOutcome::from_name(&outcome).ok_or("unknown outcome")?,
                    to,
                    role,
                    identifiers: identifiers.into_iter().map(identifier).collect::<Result<_, _>>()?,
                    value: Private::new(value),
                    note: Private::new(note),
                })
            }
        };
        Ok(Recording { call: CallId(call), entry, differing, account, tells })
    }
}
