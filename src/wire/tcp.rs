//! TCP as analyzers need it: a dead peer is noticed, and small frames leave at once.

use std::io;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::TcpStream;

use crate::config::settings::TcpLimits;

/// How often a silent peer is probed before it is given up.
const PROBES: u32 = 3;
const CONNECT: Duration = Duration::from_secs(10);

/// Connects to `host:port`, within ten seconds.
pub async fn connect(address: &str, limits: &TcpLimits) -> io::Result<TcpStream> {
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect(address))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer to the connection attempt"))??;
    prepare(&stream, limits)?;
    Ok(stream)
}

/// Sets keep-alive, the user timeout and no delay.
pub fn prepare(stream: &TcpStream, limits: &TcpLimits) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, limits.keep_alive)?;
    sockopt::set_tcp_keepintvl(stream, (limits.keep_alive / PROBES).max(Duration::from_secs(1)))?;
    sockopt::set_tcp_keepcnt(stream, PROBES)?;
    let milliseconds = u32::try_from(limits.user_timeout.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(stream, milliseconds)?;
    Ok(())
}
