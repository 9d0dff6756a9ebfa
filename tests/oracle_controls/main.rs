//! The oracle that judges the gateway, set on hosts that are wrong on purpose and on the same hosts when they behave. It
//! must speak up at the first and be silent at the second, or its silence about the gateway would mean nothing.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and says what it saw"
)]

#[path = "../support/analyzers.rs"]
mod analyzers;
mod fhir;
#[path = "../support/fhir_by_hand.rs"]
mod fhir_by_hand;
#[path = "../support/fhir_held.rs"]
mod fhir_held;
mod folder;
mod http;
#[path = "../support/lims_by_hand.rs"]
mod lims_by_hand;
mod mllp;
#[path = "../gateway/oracle.rs"]
mod oracle;
#[expect(dead_code, reason = "shared with the other end-to-end tests, which use the rest")]
#[path = "../gateway/support.rs"]
mod support;
