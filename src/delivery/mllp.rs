//! Attempts over MLLP: one message at a time on a connection, which is kept for the next. An answer counts for the
//! message that it names and for no other; what got none is unknown, and its connection is given up.

mod connection;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use labwire_hl7::transfer::{Answer, Settings, SettledBy, Timing, Unasked};

use self::connection::Connection;
use super::kind::Attempted;
use super::verdict::Reply;
use super::verdict::mllp::judge;
use crate::config::settings::{Awaited, Mllp, TcpLimits};
use crate::host::tls::{Connector, TlsError};
use crate::journal::ledger::Lease;
use crate::shutdown::Tasks;
use crate::wire::{Bounds, tcp};

/// The longest answer, in bytes.
const ANSWER: usize = 1024 * 1024;
/// An idle connection is probed this often, so that a dead LIMS is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// How long an answer is still awaited once the gateway stops.
const GRACE: Duration = Duration::from_secs(3);

/// The way to one destination.
pub struct Client {
    settings: Mllp,
    tls: Option<Connector>,
    tasks: Tasks,
    /// Connections on which no answer is awaited.
    standing: Mutex<Vec<Connection>>,
}

impl Client {
    /// Fails where the certificates can't be used. It doesn't connect.
    pub fn new(settings: &Mllp, tasks: &Tasks) -> Result<Client, TlsError> {
        let tls = settings.tls.as_ref().map(Connector::new).transpose()?;
        Ok(Client { settings: settings.clone(), tls, tasks: tasks.clone(), standing: Mutex::default() })
    }

    /// Makes the attempt and judges it. Never fails: what goes wrong is a reply too.
    pub async fn attempt(&self, lease: &Lease) -> Attempted {
        let (reply, heard) = self.exchange(&lease.payload).await;
        let judgement = judge(&reply, &self.settings.rules, &lease.items);
        Attempted { judgement, status: None, body: (!heard.is_empty()).then_some(heard) }
    }

    /// What came of a message, and every byte that was heard meanwhile.
    async fn exchange(&self, message: &[u8]) -> (Reply<Answer>, Vec<u8>) {
        while let Some(connection) = self.take_standing() {
            let (reply, heard) = self.ask(connection, message).await;
            // The LIMS closed it while it was idle: nothing was sent, so another connection may be tried.
            if !matches!(reply, Reply::NotSent(_)) {
                return (reply, heard);
            }
        }
        match self.connect().await {
            Ok(connection) => self.ask(connection, message).await,
            Err(why) => (Reply::NotSent(why), Vec::new()),
        }
    }

    async fn ask(&self, mut connection: Connection, message: &[u8]) -> (Reply<Answer>, Vec<u8>) {
        let reply = connection.ask(message, self.settings.awaited).await;
        let heard = connection.heard();
        if matches!(reply, Reply::Answered(_)) {
            self.standing().push(connection);
        }
        (reply, heard)
    }

    /// A new connection, or why there is none.
    async fn connect(&self) -> Result<Connection, String> {
        let limits = TcpLimits { keep_alive: KEEP_ALIVE, user_timeout: self.settings.timeout, idle: None };
        let stream =
            tcp::connect(&self.settings.connect, &limits).await.map_err(|error| error.to_string())?;
        let bounds = Bounds { idle: None, write: self.settings.timeout, grace: GRACE };
        let Some(tls) = &self.tls else {
            return Ok(Connection::start(stream, self.link(), bounds, &self.tasks));
        };
        let secured =
            tls.connect(stream).await.map_err(|error| format!("the TLS handshake failed: {error}"))?;
        Ok(Connection::start(secured, self.link(), bounds, &self.tasks))
    }

    fn link(&self) -> Settings {
        let settled_by = match self.settings.awaited {
            Awaited::Commit => SettledBy::FirstAnswer,
            Awaited::Application | Awaited::Both => SettledBy::FinalAnswer,
        };
        let timing = Timing {
            reply: self.settings.timeout,
            application: self.settings.application_timeout,
            ..Timing::default()
        };
        Settings { timing, max_block: ANSWER, unasked: Unasked::Discard, settled_by, ..Settings::default() }
    }

    fn take_standing(&self) -> Option<Connection> {
        let mut standing = self.standing();
        standing.retain(Connection::is_up);
        standing.pop()
    }

    fn standing(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
