//! Whom labwire tells by itself that something is wrong, and that it lives.

use std::time::Duration;

use super::Web;

/// What is told beyond the page. The default tells nobody.
#[derive(Debug, Clone, Default)]
pub struct AlertSettings {
    pub webhook: Option<Webhook>,
    pub heartbeat: Option<Heartbeat>,
}

/// Told once when something has begun, and once when it is over.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub url: String,
    pub web: Web,
    /// How long something must last before it is told, and be gone before it is over.
    pub after: Duration,
    pub least: Least,
}

/// How bad a thing must be to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Least {
    /// Results are stopped or in danger.
    Danger,
    /// A person must act.
    Act,
}

/// Asked for regularly while labwire is at work: who waits for it in vain knows that the PC is dead.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    pub url: String,
    pub web: Web,
    pub every: Duration,
}
