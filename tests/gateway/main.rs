//! The real program between simulated neighbours, one module a promise.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "../support/analyzers.rs"]
mod analyzers;
mod attempts;
mod calling;
mod clock;
mod delivery;
mod destinations;
mod diluting;
#[path = "../support/fhir_by_hand.rs"]
mod fhir_by_hand;
#[path = "../support/fhir_held.rs"]
mod fhir_held;
mod findings;
mod history;
mod intake;
mod judging;
mod kill;
#[path = "../support/lims_by_hand.rs"]
mod lims_by_hand;
mod oracle;
#[path = "../support/page.rs"]
mod page;
mod reassigning;
mod recoded;
mod reconcile;
mod reevaluating;
mod resending;
mod restore;
mod rules;
mod serial;
mod standing;
mod support;
