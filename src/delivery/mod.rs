//! From the ledger to the LIMS: lease, send, judge the answer, settle. Only the LIMS's own answer settles anything.

pub mod hl7;
mod http;
mod kind;
mod mllp;
pub mod payload;
pub mod retry;
pub mod verdict;
mod worker;

pub use kind::{Client, ClientError};
pub use worker::{Delivery, run};
