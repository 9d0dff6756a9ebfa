//! The gateway between a laboratory's analyzers and its LIMS. The modules stand in the order data visits them.

pub mod board;
pub mod clock;
pub mod config;
pub mod domain;
pub mod journal;
pub mod shutdown;
