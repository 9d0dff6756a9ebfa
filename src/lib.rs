//! The gateway between a laboratory's analyzers and its LIMS. The modules stand in the order data visits them.

pub mod config;
pub mod domain;
