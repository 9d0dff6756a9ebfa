//! One connection to a LIMS: a task that drives its link, and the handle by which messages are sent and settled. It
//! judges no answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use labwire_hl7::transfer::{Answer, MllpLink, Settings};
use labwire_link::{Admission, Note, Parcel, Receipt, SendId, Sent, Transfer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::DropGuard;

use crate::board::Cause;
use crate::config::settings::Awaited;
use crate::delivery::verdict::{Reply, Why};
use crate::domain::Direction;
use crate::shutdown::Tasks;
use crate::wire::{Bounds, Handler, Outgoing, Surroundings, drive};

/// The most bytes that are kept of what was heard during one attempt.
const HEARD: usize = 1024 * 1024;

/// The most notes of one attempt that are told. A server that answers many times over says no more than once.
const NOTED: usize = 4;

/// A connection; it ends when this is dropped.
pub(super) struct Connection {
    outgoing: mpsc::Sender<Outgoing>,
    sent: mpsc::Receiver<(SendId, Sent)>,
    line: Arc<Mutex<Line>>,
    last: SendId,
    place: String,
    _stop: DropGuard,
}

/// What passed on the line since the last message was handed over.
#[derive(Default)]
struct Line {
    /// Whether any of the message may have left.
    wrote: bool,
    heard: Vec<u8>,
    /// What the link noticed, at most [`NOTED`] of them; it never holds content.
    noted: Vec<String>,
}

impl Connection {
    /// `place` tells both ends, for the record.
    pub(super) fn start<S>(
        stream: S,
        place: String,
        link: Settings,
        bounds: Bounds,
        tasks: &Tasks,
    ) -> Connection
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stop = tasks.stopping().child_token();
        let (outgoing, messages) = mpsc::channel(1);
        let (settled, sent) = mpsc::channel(4);
        let (_, admission) = watch::channel(Admission::Open);
        let line = Arc::new(Mutex::new(Line::default()));
        let surroundings = Surroundings { outgoing: messages, admission, stop: stop.clone() };
        let mut watcher = Watcher { sent: settled, line: Arc::clone(&line) };
        tasks.spawn(async move {
            let ended = drive(stream, &mut MllpLink::new(link), &mut watcher, surroundings, bounds).await;
            tracing::debug!(?ended, "a connection to the LIMS ended");
        });
        Connection { outgoing, sent, line, last: SendId(0), place, _stop: stop.drop_guard() }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether the connection stands, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        !self.outgoing.is_closed()
    }

    /// Sends a message and waits for the answer that settles it. The link bounds the wait.
    pub(super) async fn ask(&mut self, message: &[u8], awaited: Awaited) -> Reply<Answer> {
        *self.line() = Line::default();
        self.last = SendId(self.last.0 + 1);
        let outgoing = Outgoing { id: self.last, content: message.to_vec() };
        if self.outgoing.send(outgoing).await.is_err() {
            return Reply::NotSent(self.why("the connection was gone"));
        }
        loop {
            match self.sent.recv().await {
                Some((id, _)) if id != self.last => {}
                Some((_, Sent::Answered(content))) => return read(&content),
                Some((_, Sent::Staged(content))) if awaited == Awaited::Commit => return read(&content),
                Some((_, Sent::Staged(_))) => {}
                Some((_, Sent::Refused)) => return Reply::NotSent(self.why("the connection was gone")),
                Some((_, Sent::Unknown | Sent::Interrupted | Sent::Delivered)) => {
                    return Reply::NoAnswer(self.why("the connection was lost"));
                }
                None if self.line().wrote => return Reply::NoAnswer(self.why("the connection was lost")),
                None => return Reply::NotSent(self.why("the connection was gone")),
            }
        }
    }

    /// What was heard since the last message was handed over.
    pub(super) fn heard(&self) -> Vec<u8> {
        std::mem::take(&mut self.line().heard)
    }

    fn why(&self, otherwise: &str) -> Why {
        let mut line = self.line();
        let noted = std::mem::take(&mut line.noted);
        match noted.is_empty() {
            true => Why { text: otherwise.to_owned(), cause: Cause::HungUp },
            // The link has waited for as long as it may.
            false if line.heard.is_empty() => Why { text: noted.join("; "), cause: Cause::NoAnswer },
            false => Why::unknown(&noted.join("; ")),
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(content: &[u8]) -> Reply<Answer> {
    match Answer::parse(content) {
        Ok(answer) => Reply::Answered(answer),
        Err(why) => Reply::NoAnswer(Why::unknown(&why.to_string())),
    }
}

/// Tells the handle what the driver sees.
struct Watcher {
    sent: mpsc::Sender<(SendId, Sent)>,
    line: Arc<Mutex<Line>>,
}

impl Watcher {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handler for Watcher {
    /// Nothing is taken from a LIMS on this connection.
    async fn store(&mut self, _: Parcel) -> Result<(Receipt, labwire_link::Reply), labwire_link::Reply> {
        Err(labwire_link::Reply::Silent)
    }

    async fn transfer(&mut self, _: Transfer) {}

    async fn sent(&mut self, id: SendId, sent: Sent) {
        // Nobody waits once the attempt is over.
        let _ = self.sent.send((id, sent)).await;
    }

    fn note(&mut self, note: Note) {
        tracing::debug!(code = note.code, "{}", note.text);
        let mut line = self.line();
        if line.noted.len() < NOTED && !line.noted.contains(&note.text) {
            line.noted.push(note.text);
        }
    }

    fn trace(&mut self, direction: Direction, bytes: &[u8]) {
        let mut line = self.line();
        match direction {
            Direction::Out => line.wrote = true,
            Direction::In => {
                let room = HEARD.saturating_sub(line.heard.len());
                line.heard.extend(bytes.iter().take(room));
            }
        }
    }

    fn doing(&mut self, _: &'static str) {}
}
