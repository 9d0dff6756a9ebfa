//! Listening at a TCP connection. Nothing is written to it.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use labwire_hearing::{Content, Framing};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::Found;

/// After so long a silence a message is over.
const QUIET: Duration = Duration::from_secs(2);
/// So much is enough.
const ENOUGH: usize = 1 << 20;

pub(super) async fn connect(
    address: &str,
    over: &mut (impl Future<Output = ()> + Unpin),
    out: &mut impl Write,
) -> io::Result<Found> {
    let failed =
        |error: io::Error| io::Error::new(error.kind(), format!("failed to connect to {address}: {error}"));
    let stream = tokio::select! {
        stream = TcpStream::connect(address) => stream.map_err(failed)?,
        () = &mut *over => return Ok(found(&[])),
    };
    begun(out, &format!("connected to {address}"))?;
    let mut bytes = Vec::new();
    hear(stream, over, &mut bytes).await?;
    Ok(found(&bytes))
}

pub(super) async fn accept(
    address: SocketAddr,
    over: &mut (impl Future<Output = ()> + Unpin),
    out: &mut impl Write,
) -> io::Result<Found> {
    let failed =
        |error: io::Error| io::Error::new(error.kind(), format!("failed to listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    begun(out, &format!("on {}", listener.local_addr()?))?;
    let mut bytes = Vec::new();
    // Some connect once to see whether somebody is there.
    while bytes.is_empty() {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = &mut *over => break,
        };
        writeln!(out, "{} has connected.", peer.ip())?;
        out.flush()?;
        if hear(stream, over, &mut bytes).await? == End::Over {
            break;
        }
    }
    Ok(found(&bytes))
}

fn begun(out: &mut impl Write, place: &str) -> io::Result<()> {
    writeln!(
        out,
        "Listening, {place}. Nothing is sent and nothing answered. Let the analyzer send; Ctrl-C ends it."
    )?;
    out.flush()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Enough,
    Closed,
    Over,
}

/// Takes what comes, until that tells what the line speaks.
async fn hear(
    mut stream: TcpStream,
    over: &mut (impl Future<Output = ()> + Unpin),
    bytes: &mut Vec<u8>,
) -> io::Result<End> {
    let mut space = [0; 4096];
    loop {
        let read = tokio::select! {
            read = stream.read(&mut space) => read?,
            () = sleep(QUIET), if is_enough(bytes) => return Ok(End::Enough),
            () = &mut *over => return Ok(End::Over),
        };
        if read == 0 {
            return Ok(End::Closed);
        }
        bytes.extend_from_slice(space.get(..read).unwrap_or_default());
        if bytes.len() >= ENOUGH {
            return Ok(End::Enough);
        }
    }
}

fn is_enough(bytes: &[u8]) -> bool {
    let content = Content::in_bytes(bytes);
    match content.framing() {
        Framing::Unknown => false,
        Framing::Asking => content.eots > 0 || content.enqs > 1,
        _ => true,
    }
}

fn found(bytes: &[u8]) -> Found {
    Found { serial: None, content: Content::in_bytes(bytes) }
}
