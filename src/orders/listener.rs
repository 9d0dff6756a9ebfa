//! Where a LIMS connects to tell its orders. A message is on disk, and what it asks for is done, before it is answered;
//! the answer is committed with it. Never reads what an instrument sends.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use labwire_hl7::transfer::{MllpLink, Settings};
use labwire_link::Admission;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::presence::Presence;
use super::push;
use crate::board::{Board, LinkState};
use crate::clock;
use crate::config::settings::{OrderHl7, SecondConnection, TcpServerSettings};
use crate::domain::{Numbering, Private};
use crate::host::sockets::Sockets;
use crate::host::tls::Acceptor;
use crate::journal::Journal;
use crate::shutdown::Tasks;
use crate::wire::{Bounds, ControlIds, Ended, Surroundings, drive, tcp};

/// How long to wait before trying again to bind, or to accept when the system is out of descriptors.
const AGAIN: Duration = Duration::from_secs(2);
/// The longest a write may take.
const WRITE: Duration = Duration::from_secs(60);
/// How long what is under way may go on once the gateway stops.
const GRACE: Duration = Duration::from_secs(3);

/// What a listener works with.
#[derive(Clone)]
pub struct Listener {
    pub journal: Journal,
    pub board: Board,
    pub admission: watch::Receiver<Admission>,
    pub control_ids: ControlIds,
    pub presence: Presence,
    /// Rung when orders are on disk, so that results that wait for them are judged again.
    pub arrived: Arc<Notify>,
    pub sockets: Sockets,
    pub tasks: Tasks,
}

/// The connections that stand, oldest first.
type Standing = Arc<Mutex<Vec<(u64, CancellationToken)>>>;

/// A LIMS that connects.
pub(super) struct Caller {
    /// As stored.
    pub(super) name: String,
    pub(super) server: TcpServerSettings,
    /// What its numbers are.
    pub(super) numbers: Numbering,
    pub(super) speaks: Speaks,
}

/// What is spoken on a connection.
pub(super) enum Speaks {
    Hl7(OrderHl7),
    /// JSON by POST, with this token.
    Json(Private<String>),
}

/// Listens for one LIMS until the gateway stops.
pub(super) async fn listen(listener: Listener, source: Arc<Caller>) {
    let (name, stop) = (source.name.clone(), listener.tasks.stopping());
    listener.board.add_link(&name, Vec::new(), clock::now());
    let acceptor = match source.server.tls.as_ref().map(Acceptor::new).transpose() {
        Ok(acceptor) => acceptor,
        Err(error) => {
            tracing::error!(source = name, %error, "failed to set up TLS; no orders are taken");
            listener.board.set_link(&name, clock::now(), LinkState::Down(error.to_string()));
            return;
        }
    };
    let Some(socket) = bind(&listener, &name, source.server.listen).await else { return };
    listener.board.set_link(&name, clock::now(), LinkState::Listening);
    let standing = Standing::default();
    let mut number = 0;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                number += 1;
                let Some(end) = listener.admit(&source, &name, &standing, peer, number) else { continue };
                let (one, acceptor) = (listener.clone(), acceptor.clone());
                let (source, name, standing) = (Arc::clone(&source), name.clone(), Arc::clone(&standing));
                listener.tasks.spawn(async move {
                    one.talk(&source, &name, stream, peer, acceptor, end).await;
                    seats(&standing, |seats| seats.retain(|(other, _)| *other != number));
                    let peer = peer.to_string();
                    one.board.peer_left(&name, &peer, clock::now(), LinkState::Listening);
                });
            }
            Err(error) => {
                tracing::warn!(source = name, %error, "failed to accept a connection");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn bind(listener: &Listener, name: &str, address: SocketAddr) -> Option<TcpListener> {
    let stop = listener.tasks.stopping();
    loop {
        match listener.sockets.listen(address).await {
            Ok(socket) => return Some(socket),
            Err(error) => {
                tracing::error!(source = name, %error, "failed to listen; trying again");
                let state = LinkState::Down(format!("can't listen at {address}: {error}"));
                listener.board.set_link(name, clock::now(), state);
            }
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

fn seats<T>(standing: &Standing, change: impl FnOnce(&mut Vec<(u64, CancellationToken)>) -> T) -> T {
    change(&mut standing.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Listener {
    /// Seats a connection; `None` for one from elsewhere or one too many.
    fn admit(
        &self,
        source: &Caller,
        name: &str,
        standing: &Standing,
        peer: SocketAddr,
        number: u64,
    ) -> Option<CancellationToken> {
        let server = &source.server;
        if !server.allow.is_empty() && !server.allow.iter().any(|network| network.contains(peer.ip())) {
            self.refuse(name, peer, "refused-address", "a connection from an address that isn't allowed");
            return None;
        }
        let end = self.tasks.stopping().child_token();
        let seated = seats(standing, |seats| {
            if seats.len() >= server.max_connections {
                if server.second_connection == SecondConnection::Refuse {
                    return false;
                }
                seats.remove(0).1.cancel();
            }
            seats.push((number, end.clone()));
            true
        });
        if !seated {
            self.refuse(name, peer, "refused-connection", "a connection beyond max_connections");
            return None;
        }
        Some(end)
    }

    fn refuse(&self, name: &str, peer: SocketAddr, code: &'static str, text: &str) {
        tracing::warn!(source = name, %peer, "{text}");
        self.board.note(name, clock::now(), code, &format!("{text} ({peer})"));
    }

    async fn talk(
        &self,
        source: &Caller,
        name: &str,
        stream: TcpStream,
        peer: SocketAddr,
        acceptor: Option<Acceptor>,
        end: CancellationToken,
    ) {
        if let Err(error) = tcp::prepare(&stream, &source.server.limits) {
            tracing::warn!(source = name, %error, "failed to set socket options");
        }
        let ended = match acceptor {
            None => self.run(source, name, stream, peer, end).await,
            Some(acceptor) => match acceptor.accept(stream).await {
                Ok(stream) => self.run(source, name, stream, peer, end).await,
                Err(error) => {
                    let text = format!("the TLS handshake failed: {error}");
                    self.refuse(name, peer, "tls-handshake", &text);
                    return;
                }
            },
        };
        tracing::info!(source = name, %peer, ?ended, "the LIMS's connection ended");
    }

    async fn run<S>(
        &self,
        source: &Caller,
        name: &str,
        stream: S,
        peer: SocketAddr,
        end: CancellationToken,
    ) -> Ended
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        tracing::info!(source = name, %peer, "the LIMS connected");
        let hl7 = match &source.speaks {
            Speaks::Hl7(hl7) => hl7,
            Speaks::Json(token) => {
                push::serve(self, name, (token, source.numbers), stream, peer, end).await;
                return Ended::Closed;
            }
        };
        // Nothing is ever sent but answers; the other end must live as long as the connection.
        let (_unused, outgoing) = tokio::sync::mpsc::channel(1);
        let surroundings = Surroundings { outgoing, admission: self.admission.clone(), stop: end };
        let bounds = Bounds { idle: source.server.limits.idle, write: WRITE, grace: GRACE };
        let mut link = MllpLink::new(Settings::default());
        let mut connection = Connection::new(self, (hl7, source.numbers), name, peer.to_string());
        self.presence.arrived();
        let ended = drive(stream, &mut link, &mut connection, surroundings, bounds).await;
        self.presence.left(clock::now());
        ended
    }
}
