//! One connection of a LIMS: each block is read, stored with all that it changes, and answered.

use labwire_hl7::message::{Charset, Message};
use labwire_hl7::transfer::Stamp;
use labwire_link::{Note, Parcel, Receipt, Reply, SendId, Sent, Transfer};

use super::acknowledge::{answers, not_stored};
use super::listener::Listener;
use super::message::{Read, read};
use crate::clock;
use crate::config::settings::OrderHl7;
use crate::domain::{Direction, Numbering, Private, Problem, ProblemKind};
use crate::journal::TransferId;
use crate::journal::orders::{Again, Applied, Block, Compose, Manner, Told};
use crate::journal::parcels::{Ending, Within};
use crate::wire::{ControlIds, Handler};

pub(super) struct Connection<'a> {
    listener: &'a Listener,
    hl7: &'a OrderHl7,
    numbers: Numbering,
    name: &'a str,
    peer: String,
    transfer: Option<TransferId>,
}

/// One message of a block, and what it says.
struct Part {
    content: Vec<u8>,
    read: Read,
}

impl<'a> Connection<'a> {
    pub(super) fn new(
        listener: &'a Listener,
        (hl7, numbers): (&'a OrderHl7, Numbering),
        name: &'a str,
        peer: String,
    ) -> Connection<'a> {
        Connection { listener, hl7, numbers, name, peer, transfer: None }
    }

    fn parts(&self, parcel: &Parcel) -> Vec<Part> {
        let content = parcel.content();
        let mut begin = 0;
        let mut parts = Vec::new();
        for end in &parcel.message_ends {
            let content = content.get(begin..*end).unwrap_or_default().to_vec();
            parts.push(Part { read: read_message(&content, self.hl7), content });
            begin = *end;
        }
        parts
    }
}

/// Reads one message.
pub(super) fn read_message(content: &[u8], hl7: &OrderHl7) -> Read {
    let message = match hl7.character_set.and_then(Charset::of_encoding) {
        Some(charset) => Message::parse_as(content, charset),
        None => Message::parse(content),
    };
    let Ok(message) = message else { return Read::Unreadable("it is no HL7 message") };
    match message.header() {
        Some(header) => read(&message, &header, &hl7.places),
        None => Read::Unreadable("it has no header"),
    }
}

/// What a message says, for the journal. The texts of its problems name no patient.
pub(super) fn told(read: &Read) -> Told {
    let problem = |text: String| Problem {
        kind: ProblemKind::UnreadableOrder,
        record: None,
        specimen: None,
        text: Private::new(text),
        replaces_result: false,
    };
    match read {
        Read::Orders(items) => Told {
            requests: items.iter().filter_map(|item| item.request.as_ref().ok().cloned()).collect(),
            problems: items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| {
                    let why = item.request.as_ref().err()?;
                    Some(problem(format!("order {} of the LIMS's message was not taken: {why}", index + 1)))
                })
                .collect(),
            patients: Vec::new(),
        },
        Read::Patients(changes) => Told { patients: changes.clone(), ..Told::default() },
        Read::NotForUs(condition) => Told {
            problems: vec![problem(format!(
                "the LIMS sent a message that isn't taken: {}",
                condition.text()
            ))],
            ..Told::default()
        },
        Read::Unreadable(why) => Told {
            problems: vec![problem(format!("a message of the LIMS about orders can't be read: {why}"))],
            ..Told::default()
        },
    }
}

/// Writes the answers to a block once the journal knows what became of its requests.
fn compose(parts: Vec<Part>, ids: ControlIds, sent: String) -> Compose {
    Box::new(move |applied: &[Vec<Applied>]| {
        let mut take = || ids.take();
        let mut stamp = Stamp { sent: &sent, next_control_id: &mut take };
        let told = parts.iter().zip(applied);
        told.flat_map(|(part, applied)| answers(&part.content, &part.read, applied, &mut stamp)).collect()
    })
}

/// What is said where the block can't be stored.
fn refusals(parts: &[Part], ids: &ControlIds, sent: &str) -> Vec<Vec<u8>> {
    let mut take = || ids.take();
    let mut stamp = Stamp { sent, next_control_id: &mut take };
    parts.iter().flat_map(|part| not_stored(&part.content, &mut stamp)).collect()
}

impl Handler for Connection<'_> {
    async fn store(&mut self, parcel: Parcel) -> Result<(Receipt, Reply), Reply> {
        let parts = self.parts(&parcel);
        let (now, ids) = (clock::now(), self.listener.control_ids.clone());
        let sent = now.strftime("%Y%m%d%H%M%S+0000").to_string();
        let failed = refusals(&parts, &ids, &sent);
        let within = match self.transfer {
            Some(transfer) => Within::Open(transfer),
            None => Within::New { source: self.name.to_owned(), peer: self.peer.clone() },
        };
        let told = parts.iter().map(|part| told(&part.read)).collect();
        let compose = compose(parts, ids, sent);
        let (source, again) = (self.name.to_owned(), Again::SameAnswer);
        let manner = Manner::Told(self.numbers);
        let block = Block { source, within, parcel, told, compose, again, manner, cursor: None };
        match self.listener.journal.take_orders(block, now).await {
            Ok(taken) => {
                self.listener.arrived.notify_one();
                self.transfer = Some(taken.transfer);
                Ok((taken.receipt, reply(taken.texts)))
            }
            Err(error) => {
                tracing::error!(source = self.name, %error, "failed to store orders; they were not accepted");
                Err(reply(failed))
            }
        }
    }

    async fn transfer(&mut self, transfer: Transfer) {
        let ending = match transfer {
            Transfer::Began => return,
            Transfer::Ended => Ending::Ended { completes: false },
            Transfer::Cut(cut) => Ending::Cut(cut.to_string()),
        };
        let Some(id) = self.transfer.take() else { return };
        if let Err(error) = self.listener.journal.end_transfer(id, ending, clock::now()).await {
            tracing::error!(source = self.name, %error, "failed to close a transfer; the next start will");
        }
    }

    /// Nothing but answers is ever sent here.
    async fn sent(&mut self, _: SendId, _: Sent) {}

    fn note(&mut self, note: Note) {
        tracing::info!(source = self.name, peer = self.peer, note = note.code, "{}", note.text);
        self.listener.board.note(self.name, clock::now(), note.code, &note.text);
    }

    fn trace(&mut self, direction: Direction, _: &[u8]) {
        if direction == Direction::In {
            self.listener.board.bytes_arrived(self.name, clock::now());
        }
    }

    fn doing(&mut self, doing: &'static str) {
        self.listener.board.peer_does(self.name, &self.peer, clock::now(), doing);
    }
}

fn reply(texts: Vec<Vec<u8>>) -> Reply {
    if texts.is_empty() { Reply::Silent } else { Reply::Texts(texts) }
}
