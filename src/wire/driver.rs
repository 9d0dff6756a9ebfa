//! Drives one [`Link`] over one connection until it ends. Storing is awaited before anything else is written, so that
//! an acknowledgement can't overtake its commit. What arrives meanwhile reaches the link before the receipt does: a
//! peer that gave up waiting, or that sent its frame again, must not get an answer that it takes for another's.

use std::io;
use std::pin::pin;
use std::time::{Duration, Instant};

use labwire_link::{
    Action, Admission, End, Input, Link, Note, Parcel, Receipt, Reply, SendId, Sent, Transfer,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::domain::Direction;

/// The most bytes taken in one read.
const READ: usize = 16 * 1024;

/// What the driver needs from its owner.
pub trait Handler: Send {
    /// Stores a parcel durably; the receipt proves it. With it, or in its place, comes what to tell the peer.
    fn store(&mut self, parcel: Parcel) -> impl Future<Output = Result<(Receipt, Reply), Reply>> + Send;
    /// A transfer began or ended.
    fn transfer(&mut self, transfer: Transfer) -> impl Future<Output = ()> + Send;
    /// What became of an [`Outgoing`].
    fn sent(&mut self, id: SendId, sent: Sent) -> impl Future<Output = ()> + Send;
    fn note(&mut self, note: Note);
    /// Every byte that passes, in order.
    fn trace(&mut self, direction: Direction, bytes: &[u8]);
    /// What the link is doing, whenever that may have changed.
    fn doing(&mut self, doing: &'static str);
}

/// A message to transmit on this connection.
#[derive(Debug)]
pub struct Outgoing {
    pub id: SendId,
    pub content: Vec<u8>,
}

/// How long a connection may last in which way.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Close when nothing arrived for this long; `None` waits for ever.
    pub idle: Option<Duration>,
    /// Close when one write takes longer than this.
    pub write: Duration,
    /// How long what is under way may go on once the gateway stops.
    pub grace: Duration,
}

/// Why a connection ended.
#[derive(Debug)]
pub enum Ended {
    /// The peer closed it, or the device is gone.
    Closed,
    Failed(io::Error),
    Idle,
    /// The link asked for it.
    Link(End),
    /// The gateway stops, or a newer connection took this one's place.
    Stopped,
    /// The same, between two transmissions: who has the connection next can go on with it.
    StoppedBetween,
}

enum Event {
    Read(io::Result<usize>),
    Outgoing(Outgoing),
    Admission(Admission),
    Deadline,
    Stopping,
    GraceOver,
    Idle,
}

/// What the outside tells a connection while it stands.
pub struct Surroundings {
    pub outgoing: mpsc::Receiver<Outgoing>,
    pub admission: watch::Receiver<Admission>,
    pub stop: CancellationToken,
}

/// Runs until the connection ends; the link has been told of the end when this returns.
pub async fn drive<S, H>(
    mut stream: S,
    link: &mut dyn Link,
    handler: &mut H,
    mut surroundings: Surroundings,
    bounds: Bounds,
) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    let last_heard = clock::monotonic();
    let mut driver = Driver { stream: &mut stream, link, handler, write: bounds.write, last_heard };
    let admission = *surroundings.admission.borrow_and_update();
    let opening = match driver.take(Input::Admission(admission)).await {
        Ok(()) => driver.take(Input::Connected).await,
        ended => ended,
    };
    let ended = match opening {
        Ok(()) => driver.run(&mut surroundings, bounds).await,
        Err(ended) => ended,
    };
    // The connection is gone: whatever the link still wants to write is moot, but transfers must be closed.
    let _ = driver.take(Input::Disconnected).await;
    ended
}

struct Driver<'a, S, H> {
    stream: &'a mut S,
    link: &'a mut dyn Link,
    handler: &'a mut H,
    write: Duration,
    last_heard: Instant,
}

impl<S, H> Driver<'_, S, H>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    H: Handler,
{
    async fn run(&mut self, surroundings: &mut Surroundings, bounds: Bounds) -> Ended {
        let mut buffer = vec![0; READ];
        let mut grace_over: Option<Instant> = None;
        loop {
            if grace_over.is_some() && self.link.is_idle() {
                return if self.link.is_fresh() { Ended::StoppedBetween } else { Ended::Stopped };
            }
            let event = tokio::select! {
                biased;
                () = surroundings.stop.cancelled(), if grace_over.is_none() => Event::Stopping,
                () = until(grace_over), if grace_over.is_some() => Event::GraceOver,
                read = self.stream.read(&mut buffer) => Event::Read(read),
                () = until(self.link.deadline()) => Event::Deadline,
                Some(outgoing) = surroundings.outgoing.recv() => Event::Outgoing(outgoing),
                Ok(()) = surroundings.admission.changed() =>
                    Event::Admission(*surroundings.admission.borrow_and_update()),
                () = until(bounds.idle.map(|idle| self.last_heard + idle)) => Event::Idle,
            };
            let taken = match event {
                Event::Read(Ok(0)) => Err(Ended::Closed),
                Event::Read(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                Event::Read(Err(error)) => Err(Ended::Failed(error)),
                Event::Read(Ok(count)) => {
                    self.last_heard = clock::monotonic();
                    let bytes = buffer.get(..count).unwrap_or_default();
                    self.handler.trace(Direction::In, bytes);
                    self.take(Input::Bytes(bytes)).await
                }
                Event::Outgoing(outgoing) => self.take(Input::Send(outgoing.id, &outgoing.content)).await,
                Event::Admission(admission) => self.take(Input::Admission(admission)).await,
                Event::Deadline => self.take(Input::Tick).await,
                Event::Stopping => {
                    grace_over = Some(clock::monotonic() + bounds.grace);
                    self.take(Input::Admission(Admission::Busy)).await
                }
                Event::GraceOver => Err(Ended::Stopped),
                Event::Idle => Err(Ended::Idle),
            };
            if let Err(ended) = taken {
                return ended;
            }
        }
    }

    /// Hands the link one input and does everything that follows from it.
    async fn take(&mut self, input: Input<'_>) -> Result<(), Ended> {
        let gone = matches!(input, Input::Disconnected);
        self.link.handle(clock::monotonic(), input);
        while let Some(action) = self.link.poll() {
            self.act(action, gone).await?;
        }
        self.handler.doing(self.link.doing());
        Ok(())
    }

    async fn act(&mut self, action: Action, gone: bool) -> Result<(), Ended> {
        match action {
            Action::Transmit(_) if gone => {}
            Action::Transmit(bytes) => {
                self.transmit(&bytes).await?;
                self.link.handle(clock::monotonic(), Input::Written);
            }
            Action::Store(parcel) => {
                let id = parcel.id;
                let stored = match self.store(parcel).await {
                    Ok((receipt, reply)) => Input::Stored(receipt, reply),
                    Err(reply) => Input::StoreFailed(id, reply),
                };
                self.link.handle(clock::monotonic(), stored);
            }
            Action::Transfer(transfer) => self.handler.transfer(transfer).await,
            Action::Sent(id, sent) => self.handler.sent(id, sent).await,
            Action::Note(note) => self.handler.note(note),
            Action::Close(_) if gone => {}
            Action::Close(end) => return Err(Ended::Link(end)),
        }
        Ok(())
    }

    /// Stores a parcel. What the peer says meanwhile is read as far as the link has room, and handed to it with the
    /// time at which it came. The end of the connection is left for the next read to find.
    async fn store(&mut self, parcel: Parcel) -> Result<(Receipt, Reply), Reply> {
        let mut heard = Vec::new();
        let mut room = self.link.room();
        let told = {
            let mut stored = pin!(self.handler.store(parcel));
            let mut buffer = vec![0; READ];
            loop {
                let within = buffer.get_mut(..room.min(READ)).unwrap_or_default();
                tokio::select! {
                    biased;
                    told = &mut stored => break told,
                    read = self.stream.read(within), if room > 0 => match read {
                        Ok(count) if count > 0 => {
                            room -= count;
                            heard.push((clock::monotonic(), buffer.get(..count).unwrap_or_default().to_vec()));
                        }
                        _ => room = 0,
                    },
                }
            }
        };
        for (came, bytes) in heard {
            self.last_heard = came;
            self.handler.trace(Direction::In, &bytes);
            self.link.handle(came, Input::Bytes(&bytes));
        }
        told
    }

    /// Writes everything. Never flushes: on a serial port that blocks the thread until the line has drained.
    async fn transmit(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        self.handler.trace(Direction::Out, bytes);
        match tokio::time::timeout(self.write, self.stream.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Ended::Failed(error)),
            Err(_) => Err(Ended::Failed(io::Error::new(io::ErrorKind::TimedOut, "the peer takes no bytes"))),
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
