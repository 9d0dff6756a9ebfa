//! Sockets that outlive one run: systemd keeps them from the one to the next (its file descriptor store). Those that listen, so that
//! whoever connects meanwhile waits and isn't refused; and connections that were left between two transmissions, which
//! the next run goes on with. Without systemd each run has its own.

use std::io;
use std::net::{SocketAddr, TcpListener as Socket, TcpStream as Connection};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use listenfd::ListenFd;
use rustix::net::sockopt;
use sd_notify::NotifyState;
use tokio::net::{TcpListener, TcpStream};

/// What an earlier run left and nobody has taken yet.
#[derive(Clone, Default)]
pub struct Sockets(Arc<Mutex<Vec<Left>>>);

struct Left {
    /// This machine's.
    address: SocketAddr,
    socket: Kind,
}

enum Kind {
    Listening(Socket),
    Connected(Connection, SocketAddr),
}

impl Left {
    /// What systemd passed; nothing where its peer is gone.
    fn of(socket: Socket) -> io::Result<Left> {
        let address = socket.local_addr()?;
        if sockopt::socket_acceptconn(&socket)? {
            return Ok(Left { address, socket: Kind::Listening(socket) });
        }
        let connection = Connection::from(OwnedFd::from(socket));
        let peer = connection.peer_addr()?;
        Ok(Left { address, socket: Kind::Connected(connection, peer) })
    }

    fn name(&self) -> String {
        match &self.socket {
            Kind::Listening(_) => name(self.address),
            Kind::Connected(_, peer) => name_of_connection(self.address, *peer),
        }
    }

    fn listens_at(&self, which: impl Fn(&SocketAddr) -> bool) -> bool {
        matches!(self.socket, Kind::Listening(_)) && which(&self.address)
    }
}

impl Sockets {
    /// What systemd kept of the run before. To be asked for once in a run: it then owns these sockets.
    pub fn inherited() -> Sockets {
        let mut passed = ListenFd::from_env();
        let mut left = Vec::new();
        for at in 0..passed.len() {
            match passed.take_tcp_listener(at).and_then(|socket| socket.map(Left::of).transpose()) {
                Ok(it) => left.extend(it),
                Err(error) => tracing::warn!(%error, "systemd passed what is no socket that could be used"),
            }
        }
        Sockets(Arc::new(Mutex::new(left)))
    }

    /// Listens at an address: by the socket that was left there, or by a new one, which is kept from now on.
    pub async fn listen(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let left = self.with(|left| {
            let at = left.iter().position(|it| it.listens_at(|its| *its == address))?;
            Some(left.swap_remove(at).socket)
        });
        if let Some(Kind::Listening(socket)) = left {
            socket.set_nonblocking(true)?;
            return TcpListener::from_std(socket);
        }
        let listener = match TcpListener::bind(address).await {
            // It was left for another address of this port, as 0.0.0.0 is for all.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                self.close(|it| it.listens_at(|its| its.port() == address.port()));
                TcpListener::bind(address).await?
            }
            other => other?,
        };
        // With the port that was really taken, by which it is known again.
        let name = name(listener.local_addr()?);
        let keep = [NotifyState::FdStore, NotifyState::FdName(&name)];
        if let Err(error) = sd_notify::notify_with_fds(&keep, &[listener.as_fd()]) {
            tracing::warn!(%address, %error, "systemd can't keep a socket; whoever connects during a restart is refused");
        }
        Ok(listener)
    }

    /// Leaves a connection for the next run, which must find nothing of it under way. It goes on only where systemd keeps it.
    pub fn leave(&self, connection: &TcpStream) {
        let kept = connection.local_addr().and_then(|address| {
            let name = name_of_connection(address, connection.peer_addr()?);
            let keep = [NotifyState::FdStore, NotifyState::FdName(&name)];
            sd_notify::notify_with_fds(&keep, &[connection.as_fd()])
        });
        if let Err(error) = kept {
            tracing::warn!(%error, "systemd can't keep a connection; it ends here");
        }
    }

    /// The connections that were made to this address and left, with who is at their other ends. From now on they end with this
    /// run unless they are left again.
    pub fn connections(&self, address: SocketAddr) -> Vec<(TcpStream, SocketAddr)> {
        let is_at = |its: SocketAddr| {
            its.port() == address.port() && (its.ip() == address.ip() || address.ip().is_unspecified())
        };
        let of_it = |it: &mut Left| matches!(it.socket, Kind::Connected(..)) && is_at(it.address);
        let left: Vec<Left> = self.with(|left| left.extract_if(.., of_it).collect());
        let taken = left.into_iter().filter_map(|left| {
            forget(&left);
            let Kind::Connected(connection, peer) = left.socket else { return None };
            connection.set_nonblocking(true).ok()?;
            Some((TcpStream::from_std(connection).ok()?, peer))
        });
        taken.collect()
    }

    /// Closes what nobody listens at any more: without this, whoever connects there would wait for ever. Once everybody who
    /// listens has begun.
    pub fn close_the_rest(&self) {
        self.close(|_| true);
    }

    fn close(&self, which: impl Fn(&Left) -> bool) {
        let closed: Vec<Left> = self.with(|left| left.extract_if(.., |it| which(it)).collect());
        closed.iter().for_each(forget);
    }

    fn with<T>(&self, change: impl FnOnce(&mut Vec<Left>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Has systemd keep it no longer: a connection that it keeps stands, whatever is done here.
fn forget(left: &Left) {
    if let Err(error) = sd_notify::notify(&[NotifyState::FdStoreRemove, NotifyState::FdName(&left.name())]) {
        tracing::warn!(address = %left.address, %error, "failed to have systemd close a socket");
    }
}

/// What systemd calls a connection.
fn name_of_connection(address: SocketAddr, peer: SocketAddr) -> String {
    format!("{} to {}", name(peer), name(address))
}

/// What systemd calls a socket; a colon may not be in it.
fn name(address: SocketAddr) -> String {
    address.to_string().replace(':', "-")
}
