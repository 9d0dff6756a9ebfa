//! The machine around the gateway: its control socket, its TLS provider, its log, what is said of panics, its users.

pub mod control;
pub mod logging;
mod panics;
pub mod systemd;
pub mod tls;
mod users;
