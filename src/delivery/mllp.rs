//! Attempts over MLLP: one message at a time on a connection, which is kept for the next. An answer counts for the
//! message that it names and for no other; what got none is unknown, and its connection is given up.

mod connection;

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use labwire_hl7::transfer::{Answer, Settings, SettledBy, Timing, Unasked};
use tokio::net::TcpStream;

use self::connection::Connection;
use super::kind::Attempted;
use super::verdict::mllp::judge;
use super::verdict::{Reply, Why};
use crate::board::Cause;
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

/// What came of a message.
struct Exchange {
    reply: Reply<Answer>,
    /// Every byte that was heard meanwhile.
    heard: Vec<u8>,
    /// Over what it went, where anything left.
    connection: Option<String>,
}

impl Client {
    /// Fails where the certificates can't be used. It doesn't connect.
    pub fn new(settings: &Mllp, tasks: &Tasks) -> Result<Client, TlsError> {
        let tls = settings.tls.as_ref().map(Connector::new).transpose()?;
        Ok(Client { settings: settings.clone(), tls, tasks: tasks.clone(), standing: Mutex::default() })
    }

    /// Makes the attempt and judges it. Never fails: what goes wrong is a reply too.
    pub async fn attempt(&self, lease: &Lease) -> Attempted {
        let Exchange { reply, heard, connection } = self.exchange(&lease.payload).await;
        let judgement = judge(&reply, &self.settings.rules, &lease.items);
        Attempted { judgement, status: None, body: (!heard.is_empty()).then_some(heard), connection }
    }

    async fn exchange(&self, message: &[u8]) -> Exchange {
        while let Some(connection) = self.take_standing() {
            let exchange = self.ask(connection, message).await;
            // The LIMS closed it while it was idle: nothing was sent, so another connection may be tried.
            if !matches!(exchange.reply, Reply::NotSent(_)) {
                return exchange;
            }
        }
        match self.connect().await {
            Ok(connection) => self.ask(connection, message).await,
            Err(why) => Exchange { reply: Reply::NotSent(why), heard: Vec::new(), connection: None },
        }
    }

    async fn ask(&self, mut connection: Connection, message: &[u8]) -> Exchange {
        let reply = connection.ask(message, self.settings.awaited).await;
        let heard = connection.heard();
        let place = (!matches!(reply, Reply::NotSent(_))).then(|| connection.place().to_owned());
        if matches!(reply, Reply::Answered(_)) {
            self.standing().push(connection);
        }
        Exchange { reply, heard, connection: place }
    }

    /// A new connection, or why there is none.
    async fn connect(&self) -> Result<Connection, Why> {
        let limits = TcpLimits { keep_alive: KEEP_ALIVE, user_timeout: self.settings.timeout, idle: None };
        let stream = tcp::connect(&self.settings.connect, &limits)
            .await
            .map_err(|error| Why { text: error.to_string(), cause: Cause::of(&error) })?;
        let bounds = Bounds { idle: None, write: self.settings.timeout, grace: GRACE };
        let Some(tls) = &self.tls else {
            let place = place(&stream, "in the clear");
            return Ok(Connection::start(stream, place, self.link(), bounds, &self.tasks));
        };
        let place = place(&stream, "TLS");
        let secured = tls.connect(stream).await.map_err(|error| Why {
            text: format!("the TLS handshake failed: {error}"),
            cause: Cause::Untrusted,
        })?;
        Ok(Connection::start(secured, place, self.link(), bounds, &self.tasks))
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

/// Both ends of a connection. An end that is gone already has no address.
fn place(stream: &TcpStream, security: &str) -> String {
    let end = |address: std::io::Result<SocketAddr>| match address {
        Ok(address) => address.to_string(),
        Err(_) => "?".to_owned(),
    };
    format!("{} to {}, {security}", end(stream.local_addr()), end(stream.peer_addr()))
}
