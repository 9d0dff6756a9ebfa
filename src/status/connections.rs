//! The page's connections: few at once, and none stays that doesn't ask, that stops in the middle of asking, or that
//! doesn't read its answer. All end with the gateway. What is asked and answered is not looked at here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::host::tls::Acceptor;

/// The longest request line and headers together, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;
/// How long to wait before accepting again when the system is out of descriptors.
const AGAIN: Duration = Duration::from_secs(1);

/// What the connections may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The most connections at once; more wait to be accepted.
    pub connections: usize,
    /// How long a request's line and headers may take, from the moment the connection stands or the last answer went.
    pub asking: Duration,
    /// How long what was sent may stay unread at the other end.
    pub unread: Duration,
    /// How long an answer under way may take once the gateway is to stop.
    pub grace: Duration,
}

impl Limits {
    /// Room for every page that is kept live, and for as many requests beside them.
    pub(super) const OF_THE_PAGE: Limits = Limits {
        connections: 128,
        asking: Duration::from_secs(5),
        unread: Duration::from_secs(20),
        grace: Duration::from_secs(1),
    };
}

/// Answers until `stop` is cancelled, and returns when every connection has ended: [`Limits::grace`] later at most.
/// Over TLS where there is an acceptor.
pub(super) async fn serve(
    listener: &TcpListener,
    tls: Option<Acceptor>,
    app: &Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    while let Some((stream, seat)) = next(listener, &room, &stop).await {
        connections.spawn(connection(stream, tls.clone(), seat, app.clone(), limits, stop.clone()));
        while connections.try_join_next().is_some() {}
    }
    while connections.join_next().await.is_some() {}
}

/// The next connection, when there is room for it. `None` at the end.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let accepted = async {
        let seat = Arc::clone(room).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, seat)),
                Err(error) => {
                    tracing::warn!(%error, "the page failed to accept a connection");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    };
    stop.run_until_cancelled(accepted).await.flatten()
}

/// One connection until its end. How it went is the other end's affair, and may quote what it sent: nothing is logged.
async fn connection(
    stream: TcpStream,
    tls: Option<Acceptor>,
    _seat: OwnedSemaphorePermit,
    app: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    if prepare(&stream, limits).is_err() {
        return;
    }
    match tls {
        None => talk(stream, app, limits, stop).await,
        Some(tls) => {
            if let Some(Ok(stream)) = stop.run_until_cancelled(tls.accept(stream)).await {
                talk(stream, app, limits, stop).await;
            }
        }
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send,
    app: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(limits.asking).max_buf_size(LONGEST_HEAD);
    let serving = protocol.serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        _ = serving.as_mut() => return,
        () = stop.cancelled() => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(limits.grace, serving).await;
}

/// Without delay for what is small, and without patience for an end that is gone or doesn't read.
fn prepare(stream: &TcpStream, limits: Limits) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let milliseconds = u32::try_from(limits.unread.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(stream, milliseconds)?;
    Ok(())
}

#[cfg(test)]
mod tests;
