//! The machine around the gateway: its control socket, its TLS provider, its log, its users.

pub mod control;
pub mod logging;
pub mod tls;
mod users;
