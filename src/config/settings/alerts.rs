//! Whom labwire tells by itself that something is wrong, and that it lives.

use std::time::Duration;

use super::Web;
use crate::domain::Private;

/// What is told beyond the page. The default tells nobody.
#[derive(Debug, Clone, Default)]
pub struct AlertSettings {
    pub webhook: Option<Webhook>,
    pub email: Option<Email>,
    pub heartbeat: Option<Heartbeat>,
}

/// Told once when something has begun, and once when it is over.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub url: String,
    pub web: Web,
    pub what: Told,
}

/// The same by e-mail.
#[derive(Debug, Clone)]
pub struct Email {
    pub host: String,
    pub port: u16,
    pub tls: EmailTls,
    /// The authority that the server is checked against; `None`: those that the system trusts.
    pub ca_pem: Option<Vec<u8>>,
    /// User and password, where it wants a login.
    pub login: Option<(String, Private<String>)>,
    pub from: String,
    pub to: Vec<String>,
    pub what: Told,
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailTls {
    None,
    /// It begins in the clear and turns to TLS, or nothing is sent.
    StartTls,
    Implicit,
}

/// What of all alarms is told.
#[derive(Debug, Clone, Copy)]
pub struct Told {
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

/// A collector of traces, asked by OTLP over HTTP.
#[derive(Debug, Clone)]
pub struct Otlp {
    pub url: String,
    pub web: Web,
}
