//! The places where an analyzer meets the gateway: a TCP connection either way, a pseudo-terminal, a device.
//!
//! A place is opened again and again; who closes what is the analyzer's affair.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::serial;

/// Either end of a line.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Where the gateway is met.
#[derive(Debug)]
pub enum Place {
    /// The analyzer connects to this `host:port`.
    Connect(String),
    /// The gateway connects here.
    Listen(TcpListener),
    /// A pseudo-terminal whose device gets this name. Each opening is a new one, as after replugging.
    Pty(PathBuf),
    /// A serial device of this machine, at this baud rate.
    Device(PathBuf, u32),
}

impl Place {
    pub fn connect(address: impl Into<String>) -> Self {
        Place::Connect(address.into())
    }

    pub async fn listen(address: SocketAddr) -> io::Result<Self> {
        Ok(Place::Listen(TcpListener::bind(address).await?))
    }

    /// Where the gateway connects to; `None` unless this place listens.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Place::Listen(listener) => listener.local_addr().ok(),
            Place::Connect(_) | Place::Pty(_) | Place::Device(..) => None,
        }
    }

    /// One connection. Connecting is tried for ever, listening and a pseudo-terminal wait for the gateway for ever: drop
    /// the future to stop.
    /// A pseudo-terminal or a device that can't be opened is an error.
    pub async fn open(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Place::Connect(address) => Ok(Box::new(connect(address).await)),
            Place::Listen(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Place::Pty(link) => {
                let end = serial::pty_at(link)?;
                end.opened().await?;
                Ok(Box::new(end))
            }
            Place::Device(path, baud) => Ok(Box::new(serial::open_device(path, *baud)?)),
        }
    }

    /// Whether it is worth a fresh connection to be sure that no late answer comes. A cable stays plugged in.
    pub(crate) fn begins_anew(&self) -> bool {
        matches!(self, Place::Connect(_) | Place::Listen(_))
    }
}

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Connects, however often it takes; waits from 50 ms up to 2 s in between.
pub async fn connect(address: &str) -> TcpStream {
    let mut wait = FIRST_WAIT;
    loop {
        let connected = TcpStream::connect(address).await;
        if let Ok(stream) = connected
            && stream.set_nodelay(true).is_ok()
        {
            return stream;
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn connecting_waits_for_a_listener_that_comes_later() {
        let reserved = Place::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = reserved.address().unwrap();
        drop(reserved);
        let connecting =
            tokio::spawn(async move { Place::connect(address.to_string()).open().await.unwrap() });
        let listening = Place::listen(address).await.unwrap();
        let mut accepted = listening.open().await.unwrap();
        accepted.write_all(b"\x06").await.unwrap();
        assert_eq!(connecting.await.unwrap().read_u8().await.unwrap(), 6);
    }
}
