//! Who listened to an analyzer's connection, and when: what passes there names patients.

use jiff::Timestamp;

use super::audit::{self, Step};
use super::writer::Urgency;
use super::{Journal, JournalError};

/// What somebody who listens does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    Begins,
    Ends,
}

impl Journal {
    /// Keeps in the audit that `account`, a system user, begins or ends to listen to these instruments; to all where none
    /// is named.
    pub async fn keep_tap(
        &self,
        account: String,
        listener: Listener,
        instruments: &[String],
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let of = match instruments {
            [] => "all instruments".to_owned(),
            named => format!("instrument {}", named.join(", ")),
        };
        self.submit(Urgency::Other, move |connection| {
            let detail = match listener {
                Listener::Begins => "reads what passes",
                Listener::Ends => "reads no more",
            };
            let step = Step {
                at: now,
                actor: &account,
                step: "tap",
                subject: of.clone(),
                detail: detail.to_owned(),
            };
            audit::append(connection, &step)
        })
        .await
    }
}
