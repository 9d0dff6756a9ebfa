//! The card of a link that is broken: the likely cause, what to try in which order, what is safe meanwhile, and when to go to
//! paper. Each step can be done by somebody at the bench, in gloves, and none can lose a result; what needs more says who
//! does it.

use std::time::Duration;

use crate::domain::{Words, counted, words};

/// What stands on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    pub likely: Words,
    /// In this order.
    pub steps: Vec<Words>,
    pub safe: Vec<Words>,
    pub paper: Words,
}

/// The likely cause, and what to try.
pub(super) type Trouble = (Words, Vec<Words>);

pub(super) fn paper(after: Duration) -> Words {
    let minutes = counted!(after.as_secs() / 60, "{n} minute", "{n} minutes");
    words!(
        "After {minutes}, and at once for a critical or urgent result: read it from the analyzer, let a second person compare, and tell the ward as your laboratory's rules for a downtime say.",
        minutes
    )
}
