//! What can be decided about one thing, by name.

use serde::{Deserialize, Serialize};

use crate::journal::desk::Decision;
use crate::journal::{DeliveryId, MessageId, ObservationId, ProblemId};

/// A decision by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    Release,
    Reject,
    Retry,
    GiveUp,
    Confirm,
    Reread,
    Dismiss,
    DismissMessage,
}

impl Asked {
    pub const ALL: [Asked; 8] = [
        Asked::Release,
        Asked::Reject,
        Asked::Retry,
        Asked::GiveUp,
        Asked::Confirm,
        Asked::Reread,
        Asked::Dismiss,
        Asked::DismissMessage,
    ];

    /// As a form names it.
    pub fn name(self) -> &'static str {
        match self {
            Asked::Release => "release",
            Asked::Reject => "reject",
            Asked::Retry => "retry",
            Asked::GiveUp => "give-up",
            Asked::Confirm => "confirm",
            Asked::Reread => "reread",
            Asked::Dismiss => "dismiss",
            Asked::DismissMessage => "dismiss-message",
        }
    }

    pub fn from_name(name: &str) -> Option<Asked> {
        Asked::ALL.into_iter().find(|asked| asked.name() == name)
    }

    pub(super) fn about(self, id: i64) -> Decision {
        match self {
            Asked::Release => Decision::Release(ObservationId(id)),
            Asked::Reject => Decision::Reject(ObservationId(id)),
            Asked::Retry => Decision::Retry(DeliveryId(id)),
            Asked::GiveUp => Decision::GiveUp(DeliveryId(id)),
            Asked::Confirm => Decision::Confirm(DeliveryId(id)),
            Asked::Reread => Decision::Reread(MessageId(id)),
            Asked::Dismiss => Decision::Dismiss(ProblemId(id)),
            Asked::DismissMessage => Decision::DismissMessage(MessageId(id)),
        }
    }
}
