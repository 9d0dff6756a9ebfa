//! Listening sockets that outlive one run: systemd keeps them from the one to the next (its file descriptor store), so that
//! whoever connects meanwhile waits and isn't refused. Without systemd each run has its own.

use std::io;
use std::net::{SocketAddr, TcpListener as Socket};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::net::TcpListener;

/// What an earlier run left and nobody has taken yet.
#[derive(Clone, Default)]
pub struct Sockets(Arc<Mutex<Vec<Left>>>);

struct Left {
    address: SocketAddr,
    socket: Socket,
}

impl Sockets {
    /// What systemd kept of the run before. To be asked for once in a run: it then owns these sockets.
    pub fn inherited() -> Sockets {
        let mut passed = ListenFd::from_env();
        let mut left = Vec::new();
        for at in 0..passed.len() {
            let taken = passed.take_tcp_listener(at).and_then(|socket| {
                let address = socket.as_ref().map(Socket::local_addr).transpose()?;
                Ok(socket.zip(address))
            });
            match taken {
                Ok(it) => left.extend(it.map(|(socket, address)| Left { address, socket })),
                Err(error) => tracing::warn!(%error, "systemd passed what is no listening socket"),
            }
        }
        Sockets(Arc::new(Mutex::new(left)))
    }

    /// Listens at an address: by the socket that was left there, or by a new one, which is kept from now on.
    pub async fn listen(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let left = self.with(|left| {
            let at = left.iter().position(|it| it.address == address)?;
            Some(left.swap_remove(at).socket)
        });
        if let Some(socket) = left {
            socket.set_nonblocking(true)?;
            return TcpListener::from_std(socket);
        }
        let listener = match TcpListener::bind(address).await {
            // It was left for another address of this port, as 0.0.0.0 is for all.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                self.close(|it| it.port() == address.port());
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

    /// Closes what nobody listens at any more: without this, whoever connects there would wait for ever. Once everybody who
    /// listens has begun.
    pub fn close_the_rest(&self) {
        self.close(|_| true);
    }

    fn close(&self, which: impl Fn(&SocketAddr) -> bool) {
        let closed: Vec<Left> = self.with(|left| left.extract_if(.., |it| which(&it.address)).collect());
        for Left { address, socket } in closed {
            let name = name(address);
            if let Err(error) = sd_notify::notify(&[NotifyState::FdStoreRemove, NotifyState::FdName(&name)]) {
                tracing::warn!(%address, %error, "failed to have systemd close a socket");
            }
            drop(socket);
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Vec<Left>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What systemd calls a socket; a colon may not be in it.
fn name(address: SocketAddr) -> String {
    address.to_string().replace(':', "-")
}
