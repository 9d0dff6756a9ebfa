//! From the ledger to the LIMS: lease, send, judge the answer, settle. Only the LIMS's own answer settles anything.

pub mod bundle;
pub mod csv;
mod fhir;
mod folder;
pub mod hl7;
mod http;
mod kind;
mod mllp;
mod pace;
pub mod payload;
pub mod retry;
#[cfg(test)]
mod sample;
pub mod verdict;
mod web;
mod worker;

pub use kind::{Client, ClientError, profiles, renders};
pub use worker::{Delivery, run};
