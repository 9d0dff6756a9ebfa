//! Links with one classic mistake each. A simulation that doesn't notice them proves nothing.

use std::collections::VecDeque;
use std::time::Instant;

use labwire_hl7::transfer::MllpLink;
use labwire_link::{Action, Input, Link, Receipt, Reply, SendId, Sent};

use super::world::accepted;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// The message is acknowledged when it arrives, and stored some time later.
    AcknowledgesBeforeStoring,
    /// Whatever comes while an answer is awaited counts as the answer.
    CreditsAnyAnswer,
    /// A block that is begun anew ends the one before it.
    TakesHalves,
    /// Each answer is sent twice.
    AnswersTwice,
    /// Now and then one bit of a message is stored otherwise than it came.
    AltersContent,
}

pub(crate) struct Broken {
    link: MllpLink,
    mistake: Mistake,
    sent: Option<SendId>,
    more: VecDeque<Action>,
}

impl Broken {
    pub(crate) fn new(link: MllpLink, mistake: Mistake) -> Broken {
        Broken { link, mistake, sent: None, more: VecDeque::new() }
    }

    fn spoil(&mut self, now: Instant, action: Action) {
        match (self.mistake, action) {
            (Mistake::AcknowledgesBeforeStoring, Action::Store(parcel)) => {
                let reply = accepted(parcel.content());
                #[expect(clippy::disallowed_methods, reason = "this is the mistake")]
                self.link.handle(now, Input::Stored(Receipt::sign(parcel.id), reply));
                self.more.push_back(Action::Store(parcel));
            }
            (Mistake::CreditsAnyAnswer, Action::Note(note)) if note.code == "mismatched-answer" => {
                let sent = self.sent.take();
                let answer = Sent::Answered(b"MSH|^~\\&|X\rMSA|AA|M999\r".to_vec());
                self.more.extend(sent.map(|id| Action::Sent(id, answer)));
                self.more.push_back(Action::Note(note));
            }
            (Mistake::AltersContent, Action::Store(mut parcel)) if parcel.id.0 % 5 == 4 => {
                let last = parcel.content.end - 2;
                parcel.raw[last] ^= 0x01;
                self.more.push_back(Action::Store(parcel));
            }
            (_, action) => self.more.push_back(action),
        }
    }
}

impl Link for Broken {
    fn handle(&mut self, now: Instant, input: Input<'_>) {
        match (self.mistake, input) {
            (Mistake::TakesHalves, Input::Bytes(bytes)) => {
                let ended = |byte: &u8| if *byte == 0x0B { vec![0x1C, b'\r', 0x0B] } else { vec![*byte] };
                let bytes: Vec<u8> = bytes.iter().flat_map(ended).collect();
                self.link.handle(now, Input::Bytes(&bytes));
            }
            (Mistake::AnswersTwice, Input::Stored(receipt, Reply::Texts(texts))) => {
                self.link.handle(now, Input::Stored(receipt, Reply::Texts([texts.clone(), texts].concat())));
            }
            (_, Input::Send(id, text)) => {
                self.sent = Some(id);
                self.link.handle(now, Input::Send(id, text));
            }
            (_, input) => self.link.handle(now, input),
        }
        while let Some(action) = self.link.poll() {
            self.spoil(now, action);
        }
    }

    fn poll(&mut self) -> Option<Action> {
        self.more.pop_front()
    }

    fn deadline(&self) -> Option<Instant> {
        self.link.deadline()
    }

    fn room(&self) -> usize {
        self.link.room()
    }

    fn doing(&self) -> &'static str {
        self.link.doing()
    }

    fn is_idle(&self) -> bool {
        self.link.is_idle()
    }

    fn is_fresh(&self) -> bool {
        self.link.is_fresh()
    }
}
