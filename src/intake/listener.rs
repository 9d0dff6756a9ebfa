//! A TCP listener that one or several instruments connect to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{Intake, Source, connection};
use crate::board::{Cause, LinkState};
use crate::clock;
use crate::config::settings::{Instrument, SecondConnection, Transport};
use crate::host::tls::{Acceptor, TlsError};
use crate::wire::{Ended, tcp};

/// How long to wait before trying again to bind, or to accept when the system is out of descriptors.
const AGAIN: Duration = Duration::from_secs(2);

/// The connections that stand, oldest first.
#[derive(Clone, Default)]
struct Standing(Arc<Mutex<Vec<Seat>>>);

/// One connection: which instruments it may be, and how to end it.
#[derive(Clone)]
struct Seat {
    candidates: Vec<String>,
    end: CancellationToken,
    number: u64,
}

pub(super) async fn run(intake: Intake, source: Source, address: SocketAddr) {
    let stop = intake.tasks.stopping();
    let acceptor = match acceptor(&source) {
        Ok(acceptor) => acceptor,
        Err(error) => {
            tracing::error!(source = source.name, %error, "failed to set up TLS; nobody is let in");
            intake.board.set_down(&source.name, clock::now(), error.to_string(), Cause::Untrusted);
            return;
        }
    };
    let Some(listener) = bind(&intake, &source, address).await else { return };
    let left = intake.sockets.connections(address);
    intake.board.set_link(&source.name, clock::now(), LinkState::Listening);
    let standing = Standing::default();
    let mut number = 0;
    for (stream, peer) in left {
        // What was agreed on for TLS ended with the run before.
        if acceptor.is_none() {
            number += 1;
            admit(&intake, &source, &standing, Arrival { stream, peer, number, acceptor: None });
        }
    }
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                number += 1;
                let arrival = Arrival { stream, peer, number, acceptor: acceptor.clone() };
                admit(&intake, &source, &standing, arrival);
            }
            Err(error) => {
                tracing::warn!(source = source.name, %error, "failed to accept a connection");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// A connection that asks to come in.
struct Arrival {
    stream: TcpStream,
    peer: SocketAddr,
    number: u64,
    acceptor: Option<Acceptor>,
}

/// What takes TLS connections, where the listener's instruments speak it; they all do then, in the same way.
fn acceptor(source: &Source) -> Result<Option<Acceptor>, TlsError> {
    let settings = source.instruments.iter().find_map(|instrument| match &instrument.transport {
        Transport::TcpServer(server) => server.tls.as_ref(),
        _ => None,
    });
    settings.map(Acceptor::new).transpose()
}

async fn bind(intake: &Intake, source: &Source, address: SocketAddr) -> Option<TcpListener> {
    let stop = intake.tasks.stopping();
    loop {
        match intake.sockets.listen(address).await {
            Ok(listener) => return Some(listener),
            Err(error) => {
                tracing::error!(source = source.name, %error, "failed to listen; trying again");
                let why = format!("can't listen at {address}: {error}");
                intake.board.set_down(&source.name, clock::now(), why, Cause::of(&error));
            }
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

/// Seats a connection or closes it: not on any instrument's list, or one too many.
fn admit(intake: &Intake, source: &Source, standing: &Standing, arrival: Arrival) {
    let Arrival { stream, peer, number, acceptor } = arrival;
    let candidates: Vec<Arc<Instrument>> = source
        .instruments
        .iter()
        .filter(|instrument| instrument.transport.allows(peer.ip()))
        .cloned()
        .collect();
    let Some((first, server)) = candidates.first().and_then(|first| match &first.transport {
        Transport::TcpServer(server) => Some((Arc::clone(first), server.clone())),
        _ => None,
    }) else {
        refuse(
            intake,
            source,
            peer,
            "refused-address",
            "a connection from an address on no instrument's list",
        );
        return;
    };
    let seat = Seat {
        candidates: candidates.iter().map(|instrument| instrument.id.to_string()).collect(),
        end: intake.tasks.stopping().child_token(),
        number,
    };
    if let Err(text) = standing.seat(&seat, room(&candidates), server.second_connection) {
        refuse(intake, source, peer, "refused-connection", text);
        return;
    }
    if let Err(error) = tcp::prepare(&stream, &server.limits) {
        tracing::warn!(source = source.name, %error, "failed to set socket options");
    }
    tracing::info!(source = source.name, %peer, "connection accepted");
    let (intake, source, standing) = (intake.clone(), source.clone(), standing.clone());
    let tasks = intake.tasks.clone();
    tasks.spawn(async move {
        let (name, end) = (peer.to_string(), seat.end.clone());
        match acceptor {
            None => {
                let mut stream = stream;
                let ended = connection::run(&intake, &source, &first, &name, &mut stream, end).await;
                if matches!(ended, Ended::StoppedBetween) && intake.tasks.stopping().is_cancelled() {
                    intake.sockets.leave(&stream);
                }
            }
            Some(acceptor) => match acceptor.accept(stream).await {
                Ok(stream) => drop(connection::run(&intake, &source, &first, &name, stream, end).await),
                Err(error) => {
                    let text = format!("the TLS handshake failed: {error}");
                    refuse(&intake, &source, peer, "tls-handshake", &text);
                }
            },
        }
        standing.leave(&seat);
        intake.board.peer_left(&source.name, &name, clock::now(), LinkState::Listening);
    });
}

fn refuse(intake: &Intake, source: &Source, peer: SocketAddr, code: &'static str, text: &str) {
    tracing::warn!(source = source.name, %peer, "{text}");
    intake.board.note(&source.name, clock::now(), code, &format!("{text} ({peer})"));
}

/// How many connections these instruments may have at once, together.
fn room(candidates: &[Arc<Instrument>]) -> usize {
    let of = |instrument: &Arc<Instrument>| match &instrument.transport {
        Transport::TcpServer(server) => server.max_connections,
        Transport::Serial(_) | Transport::TcpClient(_) | Transport::Drop(_) => 0,
    };
    candidates.iter().map(of).sum()
}

impl Standing {
    /// Takes a seat among the connections that may be the same instruments.
    fn seat(&self, seat: &Seat, room: usize, second: SecondConnection) -> Result<(), &'static str> {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same: Vec<usize> = seats
            .iter()
            .enumerate()
            .filter(|(_, other)| other.candidates == seat.candidates)
            .map(|(index, _)| index)
            .collect();
        if same.len() >= room {
            match (second, same.first()) {
                (SecondConnection::Replace, Some(oldest)) => seats.remove(*oldest).end.cancel(),
                _ => return Err("a connection beyond the instrument's limit"),
            }
        }
        seats.push(seat.clone());
        Ok(())
    }

    fn leave(&self, seat: &Seat) {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seats.retain(|other| other.number != seat.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(number: u64, candidate: &str) -> Seat {
        Seat { candidates: vec![candidate.to_owned()], end: CancellationToken::new(), number }
    }

    #[test]
    fn a_second_connection_replaces_the_oldest_of_its_own_instrument_only() {
        let standing = Standing::default();
        let (first, other, second) = (seat(1, "h500"), seat(2, "c311"), seat(3, "h500"));
        for seat in [&first, &other] {
            assert_eq!(standing.seat(seat, 1, SecondConnection::Replace), Ok(()));
        }
        assert_eq!(standing.seat(&second, 1, SecondConnection::Replace), Ok(()));
        assert!(first.end.is_cancelled());
        assert!(!other.end.is_cancelled());
        assert!(!second.end.is_cancelled());
    }

    #[test]
    fn a_second_connection_is_refused_where_the_setting_says_so() {
        let standing = Standing::default();
        let (first, second) = (seat(1, "h500"), seat(2, "h500"));
        assert_eq!(standing.seat(&first, 1, SecondConnection::Refuse), Ok(()));
        assert!(standing.seat(&second, 1, SecondConnection::Refuse).is_err());
        assert!(!first.end.is_cancelled());
        standing.leave(&first);
        assert_eq!(standing.seat(&second, 1, SecondConnection::Refuse), Ok(()));
    }
}
