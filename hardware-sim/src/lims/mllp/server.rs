//! The listener around the ledger.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::answer::{acknowledge, garbage};
use super::block::{next_block, write_block};
use super::ledger::{Ledger, Received};
use super::mode::Mode;
use crate::chance::Chance;
use crate::lims::Outcome;

/// How a LIMS starts.
#[derive(Debug, Clone)]
pub struct Setup {
    /// On loopback; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How messages are met once `first` is used up.
    pub mode: Mode,
    /// How the first messages are met, one each.
    pub first: Vec<Mode>,
    /// For [`Mode::Mix`].
    pub seed: u64,
}

impl Default for Setup {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Setup { listen, mode: Mode::Accept, first: Vec::new(), seed: 0 }
    }
}

/// A running LIMS. Dropping it ends it and every connection to it.
#[derive(Debug)]
pub struct MllpLims {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    server: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    ledger: Ledger,
    mode: Mode,
    chance: Chance,
    next: VecDeque<Mode>,
    /// An answer that is sent in front of the next one.
    late: Option<Vec<u8>>,
    /// The last answer can be taken for the next message's.
    is_mistakable: bool,
}

impl Shared {
    /// What the next message meets. In a mixture half of those that another's answer could be taken for aren't taken, so
    /// that the mistake loses them.
    fn next(&mut self) -> Mode {
        let mode = self.next.pop_front().unwrap_or_else(|| self.mode.clone());
        let drawn = match mode {
            Mode::Mix(_) if self.is_mistakable && self.chance.hits(0.5) => Mode::Ignore,
            mode => mode.drawn(&mut self.chance),
        };
        self.is_mistakable = matches!(drawn, Mode::Doubled | Mode::Again | Mode::Late);
        drawn
    }
}

impl MllpLims {
    /// Fails where the address isn't on loopback or is taken.
    pub async fn start(setup: Setup) -> io::Result<MllpLims> {
        if !setup.listen.ip().is_loopback() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the simulated LIMS listens on loopback only",
            ));
        }
        let listener = TcpListener::bind(setup.listen).await?;
        let address = listener.local_addr()?;
        let shared = Shared {
            ledger: Ledger::default(),
            mode: setup.mode,
            chance: Chance::seeded_for(setup.seed, "mllp lims"),
            next: setup.first.into(),
            late: None,
            is_mistakable: false,
        };
        let shared = Arc::new(Mutex::new(shared));
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(MllpLims { address, shared, server: Some(server) })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How messages are met from now on.
    pub fn set_mode(&self, mode: Mode) {
        lock(&self.shared).mode = mode;
    }

    /// How the next messages are met, one each, before the mode counts again.
    pub fn meet(&self, modes: impl IntoIterator<Item = Mode>) {
        lock(&self.shared).next.extend(modes);
    }

    /// Ends it; its address is free when this returns.
    pub async fn stop(mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            // It was cancelled, which is its end.
            let _ = server.await;
        }
    }

    /// A copy of what is held.
    pub fn ledger(&self) -> Ledger {
        lock(&self.shared).ledger.clone()
    }

    /// Looks at what is held without copying it. Deliveries wait meanwhile.
    pub fn with_ledger<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&lock(&self.shared).ledger)
    }
}

impl Drop for MllpLims {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, shared: Arc<Mutex<Shared>>) {
    let mut connections = JoinSet::new();
    for number in 1.. {
        let Ok((stream, _)) = listener.accept().await else { return };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            // A connection that fails is over, as it is for a LIMS.
            let _ = converse(stream, number, &shared).await;
        });
    }
}

async fn converse(mut stream: TcpStream, number: usize, shared: &Mutex<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some(message) = next_block(&mut stream).await? {
        let (mode, received, late) = receive(shared, &message, number);
        let answers = answers(&mode, &received);
        match mode {
            Mode::Slow(by) => tokio::time::sleep(by).await,
            Mode::HangUp | Mode::Close => return Ok(()),
            Mode::Cut => {
                let answer = acknowledge("AA", &received.control_id, None);
                stream.write_all(&[&[0x0B], answer.split_at(answer.len() / 2).0].concat()).await?;
                return stream.shutdown().await;
            }
            _ => {}
        }
        for answer in late.iter().chain(&answers) {
            write_block(&mut stream, answer).await?;
        }
    }
    Ok(())
}

/// Puts a message into the ledger; tells what it meets, and the answer that is still owed for one before it.
fn receive(shared: &Mutex<Shared>, message: &[u8], connection: usize) -> (Mode, Received, Option<Vec<u8>>) {
    let mut shared = lock(shared);
    let mode = shared.next();
    let received = shared.ledger.receive(message, &mode.to_string(), mode.takes(), connection);
    let late = shared.late.take();
    if matches!(mode, Mode::Late | Mode::Again) {
        shared.late = Some(acknowledge("AA", &received.control_id, None));
    }
    (mode, received, late)
}

/// What is said at once.
fn answers(mode: &Mode, received: &Received) -> Vec<Vec<u8>> {
    let id = received.control_id.as_str();
    match received.outcome {
        Outcome::Unreadable => return vec![acknowledge("AR", id, Some(200))],
        Outcome::Conflict => return vec![acknowledge("AR", id, Some(205))],
        Outcome::Taken | Outcome::NotTaken | Outcome::Replayed => {}
    }
    let accept = acknowledge("AA", id, None);
    match mode {
        Mode::Accept | Mode::Again | Mode::Slow(_) | Mode::Mix(_) => vec![accept],
        Mode::Commit => vec![acknowledge("CA", id, None)],
        Mode::CommitThenAccept => vec![acknowledge("CA", id, None), accept],
        Mode::Doubled => vec![accept.clone(), accept],
        Mode::Refuse(code, error) => vec![acknowledge(code, id, *error)],
        Mode::Garbage => vec![garbage(id)],
        Mode::OddCode => vec![acknowledge("AAX", id, None)],
        Mode::WrongId => vec![acknowledge("AA", &format!("{id}0"), None)],
        Mode::LoseAnswer | Mode::Ignore | Mode::Late | Mode::HangUp | Mode::Close | Mode::Cut => Vec::new(),
    }
}
