//! Where to hand a message that must go out on the very connection an analyzer is using.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::Outgoing;

/// How many messages may wait for one connection.
const WAITING: usize = 64;

/// A source and a peer.
type Address = (String, String);

/// The mailbox of each standing connection.
#[derive(Clone, Default)]
pub struct Mailboxes(Arc<Mutex<Boxes>>);

type Boxes = HashMap<Address, mpsc::Sender<Outgoing>>;

impl Mailboxes {
    /// Opens a connection's mailbox. A newer connection of the same peer takes its place.
    pub fn open(&self, source: &str, peer: &str) -> mpsc::Receiver<Outgoing> {
        let (sender, receiver) = mpsc::channel(WAITING);
        self.lock().insert((source.to_owned(), peer.to_owned()), sender);
        receiver
    }

    /// Closes the mailboxes whose connections are gone.
    pub fn sweep(&self) {
        self.lock().retain(|_, sender| !sender.is_closed());
    }

    /// Hands a message over. Gives it back where the connection is gone or takes no more.
    pub fn send(&self, source: &str, peer: &str, outgoing: Outgoing) -> Result<(), Outgoing> {
        let sender = self.lock().get(&(source.to_owned(), peer.to_owned())).cloned();
        match sender {
            Some(sender) => sender.try_send(outgoing).map_err(|error| match error {
                mpsc::error::TrySendError::Full(outgoing) | mpsc::error::TrySendError::Closed(outgoing) => {
                    outgoing
                }
            }),
            None => Err(outgoing),
        }
    }

    /// Who is at the other end of a source's only connection; `None` where there is none, or nobody could say which.
    pub fn peer(&self, source: &str) -> Option<String> {
        let boxes = self.lock();
        let mut standing = boxes
            .iter()
            .filter(|((of, _), sender)| of == source && !sender.is_closed())
            .map(|((_, peer), _)| peer);
        match (standing.next(), standing.next()) {
            (Some(peer), None) => Some(peer.clone()),
            _ => None,
        }
    }

    /// Whether a connection is still there.
    pub fn stands(&self, source: &str, peer: &str) -> bool {
        self.lock().get(&(source.to_owned(), peer.to_owned())).is_some_and(|sender| !sender.is_closed())
    }

    fn lock(&self) -> MutexGuard<'_, Boxes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
