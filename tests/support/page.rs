//! Asks the gateway's page as a monitoring program does. It understands nothing of the answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The whole answer with its head, or nothing where nobody answers.
pub(crate) fn answer(page: SocketAddr, path: &str) -> Option<String> {
    let mut line = TcpStream::connect(page).ok()?;
    line.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(line, "GET {path} HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}
