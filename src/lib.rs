//! The gateway between a laboratory's analyzers and its LIMS. The modules stand in the order data visits them.

pub mod config;
pub mod delivery;
pub mod domain;
pub mod intake;
pub mod journal;
pub mod orders;
pub mod pipeline;
pub mod reconciliation;
pub mod wire;

pub mod alerts;
pub mod board;
pub mod cli;
pub mod clock;
pub mod exit;
pub mod gateway;
pub mod host;
pub mod livd;
pub mod pseudonym;
pub mod shutdown;
pub mod status;
pub mod tap;
#[cfg(feature = "otlp")]
pub mod traces;
