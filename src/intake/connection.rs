//! One connection: what its link wants stored goes to the journal, what it says goes to the page and the log.

use std::time::Duration;

use labwire_astm::transfer::EndMark;
use labwire_hl7::transfer::{Answer, Code};
use labwire_link::{Note, Parcel, Receipt, Reply, SendId, Sent, Transfer};
use tokio_util::sync::CancellationToken;

use super::repeats::Repeats;
use super::screen::{Screened, screen};
use super::trace::Trace;
use super::{GRACE, Intake, Source, link};
use crate::board::Cause;
use crate::clock;
use crate::config::settings::{Instrument, Line, Transport};
use crate::domain::Direction;
use crate::domain::profile::{Dialect, Hl7Queries};
use crate::journal::orders::{DownloadFate, DownloadId};
use crate::journal::parcels::{Ending, Within};
use crate::journal::results::{QueryId, Taken};
use crate::journal::{JournalError, TransferId};
use crate::wire::{Bounds, Ended, Handler, Surroundings, drive};

/// The longest a write may take: 64,000 bytes at 9,600 baud take 67 s.
const WRITE: Duration = Duration::from_secs(120);

/// Runs a connection of `instrument`'s kind until it ends. `source` says who else it could be.
pub(super) async fn run<S>(
    intake: &Intake,
    source: &Source,
    instrument: &Instrument,
    peer: &str,
    stream: S,
    stop: CancellationToken,
) -> Ended
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
{
    let mut connection = Connection {
        intake,
        source,
        peer,
        instrument,
        state: State::Idle,
        repeats: Repeats::default(),
        trace: Trace::open(intake.trace.as_ref(), intake.tap.clone(), source, peer),
    };
    connection.trace.happened(clock::now(), format!("connected: {peer}"));
    let surroundings = Surroundings {
        outgoing: intake.mailboxes.open(&source.name, peer),
        admission: intake.admission.clone(),
        stop,
    };
    let bounds = Bounds { idle: idle(instrument), write: WRITE, grace: GRACE };
    let Some(mut link) = link(instrument) else { return Ended::Stopped };
    let ended = drive(stream, link.as_mut(), &mut connection, surroundings, bounds).await;
    connection.trace.happened(clock::now(), format!("ended: {}", reason(&ended)));
    intake.mailboxes.sweep();
    tracing::info!(source = source.name, peer, reason = reason(&ended), "connection ended");
    ended
}

/// Whether an analyzer says to work of ours that it won't do it.
fn is_refusal(answer: &[u8]) -> bool {
    let answer = Answer::parse(answer);
    answer.is_ok_and(|answer| !matches!(answer.code, Code::Accept | Code::CommitAccept))
}

fn completes(line: &Line) -> bool {
    matches!(line, Line::Astm(settings) if settings.end_mark == EndMark::EndOfTransfer)
}

/// Why a connection ended, in words.
pub(super) fn reason(ended: &Ended) -> String {
    match ended {
        Ended::Closed => "the analyzer closed the connection".to_owned(),
        Ended::Failed(error) => error.to_string(),
        Ended::Idle => "nothing arrived for longer than the idle limit".to_owned(),
        Ended::Link(_) => "the analyzer can't be understood on this connection".to_owned(),
        Ended::Stopped => "closed by the gateway".to_owned(),
        Ended::StoppedBetween => "left by the gateway between two transmissions".to_owned(),
    }
}

/// The same, as far as it decides what to try first.
pub(super) fn cause(ended: &Ended) -> Cause {
    match ended {
        Ended::Closed => Cause::HungUp,
        Ended::Failed(error) => Cause::of(error),
        Ended::Idle => Cause::NoAnswer,
        Ended::Link(_) | Ended::Stopped | Ended::StoppedBetween => Cause::Unknown,
    }
}

fn idle(instrument: &Instrument) -> Option<Duration> {
    match &instrument.transport {
        Transport::Serial(_) | Transport::Drop(_) => None,
        Transport::TcpServer(server) => server.limits.idle,
        Transport::TcpClient(client) => client.limits.idle,
    }
}

struct Connection<'a> {
    intake: &'a Intake,
    source: &'a Source,
    peer: &'a str,
    /// Says how the line is spoken; another instrument of the source may speak on it, in the same way.
    instrument: &'a Instrument,
    state: State,
    repeats: Repeats,
    trace: Trace,
}

/// A transfer is written down with its first parcel: a keep-alive leaves no row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Begun,
    Open(TransferId),
}

impl Connection<'_> {
    /// Stores a parcel and what is said about it; tells what was said.
    async fn keep(
        &mut self,
        parcel: Parcel,
        texts: Vec<Vec<u8>>,
    ) -> Result<(Receipt, Vec<Vec<u8>>), JournalError> {
        let within = match self.state {
            State::Open(transfer) => Within::Open(transfer),
            State::Idle | State::Begun => {
                Within::New { source: self.source.name.clone(), peer: self.peer.to_owned() }
            }
        };
        let stored = self.intake.journal.store_parcel(within, parcel, texts, clock::now()).await?;
        self.state = State::Open(stored.transfer);
        if !stored.messages.is_empty() {
            self.intake.arrived.notify_one();
        }
        Ok((stored.receipt, stored.texts))
    }

    fn queries(&self) -> Hl7Queries {
        match &self.instrument.profile.dialect {
            Dialect::Hl7(dialect) => dialect.queries,
            Dialect::Astm(_) | Dialect::Table(_) => Hl7Queries::Unknown,
        }
    }

    /// What to say of a parcel, where the line's protocol answers in words.
    fn screen(&self, parcel: &Parcel) -> Screened {
        match &self.instrument.line {
            Line::Astm(_) | Line::Files => Screened { stored: Reply::Protocol, failed: Reply::Protocol },
            Line::Mllp(_, acknowledging) => {
                let (ids, zone) = (&self.intake.control_ids, &self.instrument.time_zone);
                screen(parcel.content(), acknowledging, self.queries(), ids, zone, clock::now())
            }
        }
    }
}

impl Handler for Connection<'_> {
    async fn store(&mut self, parcel: Parcel) -> Result<(Receipt, Reply), Reply> {
        let Screened { stored, failed } = self.screen(&parcel);
        let texts = match &stored {
            Reply::Texts(texts) => texts.clone(),
            Reply::Silent | Reply::Protocol => Vec::new(),
        };
        match self.keep(parcel, texts).await {
            Ok((receipt, texts)) if !texts.is_empty() => Ok((receipt, Reply::Texts(texts))),
            Ok((receipt, _)) => Ok((receipt, stored)),
            Err(error) => {
                let source = &self.source.name;
                tracing::error!(source, %error, "failed to store what arrived; it was not acknowledged");
                Err(failed)
            }
        }
    }

    async fn transfer(&mut self, transfer: Transfer) {
        let ending = match transfer {
            Transfer::Began => {
                self.state = State::Begun;
                return;
            }
            Transfer::Ended => Ending::Ended { completes: completes(&self.instrument.line) },
            Transfer::Cut(cut) => Ending::Cut(cut.to_string()),
        };
        let State::Open(id) = std::mem::replace(&mut self.state, State::Idle) else { return };
        match self.intake.journal.end_transfer(id, ending, clock::now()).await {
            Ok(Some(_)) => self.intake.arrived.notify_one(),
            Ok(None) => {}
            Err(error) => {
                tracing::error!(source = self.source.name, %error, "failed to close a transfer; the next start will");
            }
        }
    }

    async fn sent(&mut self, id: SendId, sent: Sent) {
        if let Some(download) = DownloadId::of_send(id.0) {
            let (fate, note) = match sent {
                Sent::Staged(_) => return,
                Sent::Answered(text) if is_refusal(&text) => {
                    (DownloadFate::Refused, "the analyzer refused it")
                }
                Sent::Delivered | Sent::Answered(_) => (DownloadFate::Taken, "taken"),
                Sent::Interrupted => (DownloadFate::Again, "the analyzer interrupted"),
                Sent::Refused => (DownloadFate::Again, "the analyzer did not take it"),
                Sent::Unknown => (DownloadFate::Again, "sent, not confirmed"),
            };
            let settled = self.intake.journal.settle_download(download, fate, note, clock::now()).await;
            if let Err(error) = settled {
                tracing::error!(source = self.source.name, %error, "failed to record what came of a download");
            }
            return;
        }
        let (fate, taken) = match sent {
            Sent::Staged(_) => return,
            Sent::Answered(text) if is_refusal(&text) => ("not answered, the analyzer refused it", Taken::No),
            Sent::Delivered | Sent::Answered(_) => ("delivered", Taken::Maybe),
            Sent::Interrupted => ("the analyzer interrupted", Taken::Maybe),
            Sent::Refused => ("not answered, the analyzer did not take it", Taken::No),
            Sent::Unknown => ("sent, not confirmed", Taken::Maybe),
        };
        let query = QueryId(i64::try_from(id.0).unwrap_or(i64::MAX));
        if let Err(error) = self.intake.journal.settle_answer(query, fate, taken, clock::now()).await {
            tracing::error!(source = self.source.name, %error, "failed to record the answer to a host query");
        }
    }

    fn note(&mut self, note: Note) {
        if let Some(unsaid) = self.repeats.due(note.code, clock::monotonic()) {
            tracing::info!(
                source = self.source.name,
                peer = self.peer,
                note = note.code,
                unsaid,
                "{}",
                note.text
            );
        }
        self.intake.board.note(&self.source.name, clock::now(), note.code, &note.text);
    }

    fn trace(&mut self, direction: Direction, bytes: &[u8]) {
        if direction == Direction::In {
            self.intake.board.bytes_arrived(&self.source.name, clock::now());
        }
        self.trace.write(clock::now(), direction, bytes);
    }

    fn doing(&mut self, doing: &'static str) {
        self.intake.board.peer_does(&self.source.name, self.peer, clock::now(), doing);
    }
}
