//! The machine around the gateway: its control socket, its TLS provider, its log, what is said of panics, its users, files
//! for others, its serial devices, its listening sockets.

pub mod certificate;
pub mod control;
pub mod deposit;
mod journald;
pub mod logging;
mod panics;
pub mod said;
pub mod serial;
pub mod sockets;
pub mod systemd;
pub mod tls;
pub mod users;
pub mod web;
