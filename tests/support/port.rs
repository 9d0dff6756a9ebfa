//! Ports for programs that must be told theirs before they start. No two callers get the same one, whichever test or
//! process they are in, and no outgoing connection is given one either.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process;
use std::sync::{Mutex, PoisonError};

/// Below the range from which Linux takes the ports of outgoing connections, which begins at 32,768.
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;

/// What this process has been given. The UDP port of the same number, kept until it ends, tells others that it is taken.
static TAKEN: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());

/// An address that nobody listens at, and that nobody else is given.
pub(crate) fn free_port() -> SocketAddr {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let start = process::id().wrapping_mul(97) % u32::from(COUNT);
    let mut candidates =
        (0..COUNT).map(|step| FIRST + u16::try_from((start + u32::from(step)) % u32::from(COUNT)).unwrap());
    let found = candidates.find_map(|port| {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let claim = UdpSocket::bind(address).ok()?;
        TcpListener::bind(address).ok()?;
        taken.push(claim);
        Some(address)
    });
    found.unwrap()
}
