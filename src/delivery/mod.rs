//! From the ledger to the LIMS: lease, send, judge the answer, settle. Only the LIMS's own answer settles anything.

mod http;
pub mod payload;
pub mod retry;
pub mod verdict;
mod worker;

pub use http::{Client, ClientError};
pub use worker::{Delivery, run};
