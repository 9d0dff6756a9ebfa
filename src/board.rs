//! What every link is doing at this moment, for the page and the status command. Kept in memory: the journal holds
//! what must last.

mod lag;
mod whole;

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::domain::{Private, Words, counted, words};

pub use lag::Lag;
pub use whole::{Chore, Differing};

/// A shared board. Every change is announced.
#[derive(Clone)]
pub struct Board {
    state: Arc<Mutex<State>>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    links: BTreeMap<String, LinkView>,
    destinations: BTreeMap<String, DestinationView>,
    chores: BTreeMap<Chore, (Timestamp, String)>,
    configuration: Option<Differing>,
    refused: Option<String>,
    dropped_spans: Option<u64>,
    lags: BTreeMap<String, Lag>,
}

/// One serial port, listener or outgoing connection, by its source name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// The instruments that may be at the other end.
    pub instruments: Vec<String>,
    pub state: LinkState,
    /// While it is down.
    pub cause: Cause,
    pub since: Timestamp,
    pub last_bytes_at: Option<Timestamp>,
    /// How often each kind of note was made since the gateway started, by its code.
    pub notes: BTreeMap<&'static str, Noted>,
    /// The latest note, in words.
    pub last_note: Option<(Timestamp, String)>,
    /// Where files are fetched.
    pub drop: Option<DropView>,
}

/// What is known of the files at one place. Names may say whose results they hold: they are for the page, not the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DropView {
    pub looked_at: Option<Timestamp>,
    /// The latest file that is in the journal.
    pub last: Option<(Private<String>, Timestamp)>,
    /// The files that are there and not taken.
    pub waiting: Vec<FileWaits>,
    /// The file that is on its way.
    pub taking: Option<Taking>,
}

/// How far a file is, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taking {
    pub name: Private<String>,
    pub stage: Stage,
    pub done: u64,
    pub of: u64,
}

/// What happens to a file on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It comes from its place.
    Fetched,
    /// It goes into the journal.
    Stored,
}

/// A file that is there and not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWaits {
    pub name: Private<String>,
    pub why: String,
    /// It will be taken by itself, as far as can be told; otherwise somebody has to see to it.
    pub by_itself: bool,
}

impl DropView {
    /// The same in words, one thing a line, with no more than a few of the files that wait. `moment` words a time.
    pub fn words(&self, moment: impl Fn(Timestamp) -> Words) -> Vec<Words> {
        const FEW: usize = 5;
        const MIB: u64 = 1024 * 1024;
        let taking = self.taking.as_ref().map(|Taking { name, stage, done, of }| {
            let (name, done, of) = (name.reveal(), (done / MIB).to_string(), of.div_ceil(MIB).to_string());
            match stage {
                Stage::Fetched => words!("fetching {name}: {done} of {of} MiB", name, done, of),
                Stage::Stored => words!("storing {name}: {done} of {of} MiB", name, done, of),
            }
        });
        let last = self.last.as_ref().map(|(name, at)| {
            words!("the last file was {name} at {at}", name = name.reveal(), at = moment(*at))
        });
        let mut waiting: Vec<&FileWaits> = self.waiting.iter().collect();
        waiting.sort_by_key(|file| file.by_itself);
        let more = waiting.len().saturating_sub(FEW);
        let waits = |it: &FileWaits| words!("{name} waits: {why}", name = it.name.reveal(), why = &it.why);
        let waiting = waiting.into_iter().take(FEW).map(waits);
        let more = (more > 0).then(|| counted!(more, "{n} more file waits", "{n} more files wait"));
        let looked = self.looked_at.map(|at| words!("looked at {at}", at = moment(at)));
        taking.into_iter().chain(waiting).chain(more).chain(last).chain(looked).collect()
    }

    /// The same as commands say it.
    pub fn english(&self) -> Vec<String> {
        self.words(|at| at.to_string().into()).iter().map(Words::english).collect()
    }

    /// How many files somebody has to see to.
    pub fn stuck(&self) -> usize {
        self.waiting.iter().filter(|file| !file.by_itself).count()
    }
}

/// One kind of note, since the gateway started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    pub count: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Nobody has looked yet.
    Starting,
    /// Nothing is at the other end, and why.
    Down(String),
    /// A listener that waits for the analyzer to connect.
    Listening,
    /// A place that is looked at for files now and then.
    Polling,
    /// Who is connected, and what the protocol is doing.
    Connected { peers: BTreeMap<String, Doing> },
}

/// What the protocol is doing with a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doing {
    /// In words: a lowercase fragment such as "waiting for a transmission".
    pub what: &'static str,
    /// Since when it does just that.
    pub since: Timestamp,
}

/// What keeps a link or a destination down, as far as it decides what a person tries first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cause {
    #[default]
    Unknown,
    /// The port, or this machine's address, isn't there.
    NotThere,
    /// labwire may not open it.
    NotAllowed,
    /// Another program has it.
    InUse,
    /// The other machine answers, and takes no connection.
    Refused,
    /// The other machine can't be reached.
    NoAnswer,
    /// The other end closed the connection.
    HungUp,
    /// The TLS handshake failed.
    Untrusted,
    /// It answers, and takes nothing for now.
    Declines,
}

impl Cause {
    /// By what the system said.
    pub fn of(error: &io::Error) -> Cause {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::AddrNotAvailable => Cause::NotThere,
            io::ErrorKind::PermissionDenied => Cause::NotAllowed,
            io::ErrorKind::ResourceBusy | io::ErrorKind::AddrInUse => Cause::InUse,
            io::ErrorKind::ConnectionRefused => Cause::Refused,
            io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown => Cause::NoAnswer,
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Cause::HungUp,
            _ => Cause::Unknown,
        }
    }
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationView {
    pub state: DestinationState,
    /// Of its last failure.
    pub cause: Cause,
    pub since: Timestamp,
    pub last_accepted_at: Option<Timestamp>,
    /// How often an attempt came to each verdict since the gateway started.
    pub attempts: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationState {
    /// Nothing has been sent since the gateway started.
    Untried,
    Up,
    /// The last attempt failed, and how.
    Failing(String),
    /// Too many failures in a row: it rests until then.
    Resting {
        until: Timestamp,
        why: String,
    },
}

impl Default for Board {
    fn default() -> Self {
        Board { state: Arc::default(), changes: watch::Sender::new(0) }
    }
}

impl Board {
    /// Told of every change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub fn links(&self) -> BTreeMap<String, LinkView> {
        self.lock().links.clone()
    }

    pub fn destinations(&self) -> BTreeMap<String, DestinationView> {
        self.lock().destinations.clone()
    }

    /// Puts a link up, of which nothing is known yet.
    pub fn add_link(&self, source: &str, instruments: Vec<String>, now: Timestamp) {
        let link = LinkView {
            instruments,
            state: LinkState::Starting,
            cause: Cause::Unknown,
            since: now,
            last_bytes_at: None,
            notes: BTreeMap::new(),
            last_note: None,
            drop: None,
        };
        self.change(|state| drop(state.links.insert(source.to_owned(), link)));
    }

    pub fn set_link(&self, source: &str, now: Timestamp, to: LinkState) {
        self.with_link(source, |link| {
            // For another reason it is down for as long.
            if mem::discriminant(&link.state) != mem::discriminant(&to) {
                link.since = now;
            }
            link.state = to;
        });
    }

    /// A peer connected, or does something else than before.
    pub fn peer_does(&self, source: &str, peer: &str, now: Timestamp, doing: &'static str) {
        let begins = Doing { what: doing, since: now };
        self.with_link(source, |link| {
            if let LinkState::Connected { peers } = &mut link.state {
                if peers.get(peer).map(|it| it.what) != Some(doing) {
                    peers.insert(peer.to_owned(), begins);
                }
            } else {
                link.state = LinkState::Connected { peers: BTreeMap::from([(peer.to_owned(), begins)]) };
                link.since = now;
            }
        });
    }

    /// Nothing is at the other end, for this reason.
    pub fn set_down(&self, source: &str, now: Timestamp, why: String, cause: Cause) {
        self.with_link(source, |link| link.cause = cause);
        self.set_link(source, now, LinkState::Down(why));
    }

    /// A peer is gone. When it was the last one the link is in the state `otherwise`.
    pub fn peer_left(&self, source: &str, peer: &str, now: Timestamp, otherwise: LinkState) {
        self.with_link(source, |link| {
            if let LinkState::Connected { peers } = &mut link.state {
                peers.remove(peer);
                if peers.is_empty() {
                    (link.state, link.since) = (otherwise, now);
                }
            }
        });
    }

    pub fn bytes_arrived(&self, source: &str, now: Timestamp) {
        self.with_link(source, |link| link.last_bytes_at = Some(now));
    }

    pub fn note(&self, source: &str, now: Timestamp, code: &'static str, text: &str) {
        self.with_link(source, |link| {
            let noted = link.notes.entry(code).or_insert(Noted { count: 0, first_at: now, last_at: now });
            noted.count += 1;
            noted.last_at = now;
            link.last_note = Some((now, text.to_owned()));
        });
    }

    /// A place was looked at.
    pub fn drop_looked(&self, source: &str, now: Timestamp) {
        self.with_drop(source, |drop| drop.looked_at = Some(now));
    }

    /// These files are there and not taken.
    pub fn drop_waits(&self, source: &str, waiting: Vec<FileWaits>, now: Timestamp) {
        self.with_drop(source, |drop| (drop.waiting, drop.looked_at) = (waiting, Some(now)));
    }

    /// How far a file is.
    pub fn drop_takes(&self, source: &str, taking: Taking, now: Timestamp) {
        self.with_link(source, |link| {
            link.drop.get_or_insert_default().taking = Some(taking);
            link.last_bytes_at = Some(now);
        });
    }

    /// A file is in the journal.
    pub fn drop_has(&self, source: &str, name: &str, now: Timestamp) {
        self.with_drop(source, |drop| drop.last = Some((Private::new(name.to_owned()), now)));
    }

    /// No file is being fetched any more.
    pub fn drop_took(&self, source: &str, now: Timestamp) {
        self.with_drop(source, |drop| (drop.taking, drop.looked_at) = (None, Some(now)));
    }

    fn with_drop(&self, source: &str, change: impl FnOnce(&mut DropView)) {
        self.with_link(source, |link| change(link.drop.get_or_insert_default()));
    }

    /// `cause` is what was in the way, where something was.
    pub fn set_destination(&self, name: &str, now: Timestamp, to: DestinationState, cause: Cause) {
        self.change(|state| {
            let view = state.destinations.entry(name.to_owned()).or_insert(DestinationView {
                state: DestinationState::Untried,
                cause,
                since: now,
                last_accepted_at: None,
                attempts: BTreeMap::new(),
            });
            view.cause = cause;
            if to == DestinationState::Up {
                view.last_accepted_at = Some(now);
            }
            if view.state != to {
                (view.state, view.since) = (to, now);
            }
        });
    }

    /// An attempt at a destination came to this verdict.
    pub fn attempted(&self, name: &str, verdict: &'static str) {
        self.change(|state| {
            if let Some(view) = state.destinations.get_mut(name) {
                *view.attempts.entry(verdict).or_default() += 1;
            }
        });
    }

    /// Since when a chore can't be done, and why.
    pub fn failing(&self, chore: Chore) -> Option<(Timestamp, String)> {
        self.lock().chores.get(&chore).cloned()
    }

    /// Why a chore can't be done; `None`: it is.
    pub fn set_chore(&self, chore: Chore, now: Timestamp, failure: Option<String>) {
        self.change(|state| {
            let since = state.chores.remove(&chore).map_or(now, |(since, _)| since);
            state.chores.extend(failure.map(|why| (chore, (since, why))));
        });
    }

    fn with_link(&self, source: &str, change: impl FnOnce(&mut LinkView)) {
        self.change(|state| {
            if let Some(link) = state.links.get_mut(source) {
                change(link);
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_on_its_way_says_what_happens_to_it_and_how_far_it_is() {
        let mut view = DropView::default();
        let mut words = |stage, done| {
            let name = Private::new("day.csv".to_owned());
            view.taking = Some(Taking { name, stage, done, of: 2_006_550_243 });
            view.words(|_| Words::none())
        };
        assert_eq!(words(Stage::Fetched, 1024 * 1024 * 1024), ["fetching day.csv: 1024 of 1914 MiB"]);
        assert_eq!(words(Stage::Stored, 0), ["storing day.csv: 0 of 1914 MiB"]);
        assert_eq!(words(Stage::Stored, 7 * 256 * 1024), ["storing day.csv: 1 of 1914 MiB"]);
    }

    #[test]
    fn what_a_peer_does_has_its_own_begin_and_keeps_it_while_it_goes_on() {
        let (board, at) = (Board::default(), |second| Timestamp::from_second(second).unwrap());
        board.add_link("port 1", Vec::new(), at(0));
        let doing = |second, what| {
            board.peer_does("port 1", "port 1", at(second), what);
            let link = board.links().remove("port 1").unwrap();
            let LinkState::Connected { peers } = link.state else { unreachable!("it is connected") };
            assert_eq!(link.since, at(10), "the link's own");
            peers["port 1"].since
        };
        let began = [(10, "idle"), (20, "receiving"), (25, "receiving"), (30, "idle")];
        assert_eq!(began.map(|(second, what)| doing(second, what)), [at(10), at(20), at(20), at(30)]);
    }
}
