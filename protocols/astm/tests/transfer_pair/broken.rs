//! Links with one classic mistake each. A simulation that doesn't notice them proves nothing.

use std::collections::VecDeque;
use std::time::Instant;

use labwire_astm::transfer::AstmLink;
use labwire_link::{Action, Input, Link, Parcel, ParcelId, Receipt, Reply};

const ACK: u8 = 0x06;
const NAK: u8 = 0x15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// The frame is acknowledged when it arrives, and stored some time later.
    AcknowledgesBeforeStoring,
    /// A frame that comes again is stored again.
    StoresRepetitions,
    /// The next frame is sent after a NAK.
    TakesNakForAck,
    /// Now and then one bit of a frame is stored otherwise than it came.
    AltersContent,
}

pub(crate) struct Broken {
    link: AstmLink,
    mistake: Mistake,
    last: Option<Parcel>,
    more: VecDeque<Action>,
}

impl Broken {
    pub(crate) fn new(link: AstmLink, mistake: Mistake) -> Broken {
        Broken { link, mistake, last: None, more: VecDeque::new() }
    }

    fn spoil(&mut self, action: Action) -> Action {
        match (self.mistake, action) {
            (Mistake::StoresRepetitions, Action::Store(parcel)) => {
                self.last = Some(parcel.clone());
                Action::Store(parcel)
            }
            (Mistake::StoresRepetitions, Action::Note(note)) if note.code == "repeated-frame" => {
                let again =
                    self.last.clone().map(|last| Parcel { id: ParcelId(last.id.0 + 1_000_000), ..last });
                self.more.extend(again.map(Action::Store));
                Action::Note(note)
            }
            (Mistake::AltersContent, Action::Store(mut parcel)) if parcel.id.0 % 10 == 9 => {
                parcel.raw[parcel.content.start] ^= 0x01;
                Action::Store(parcel)
            }
            (_, action) => action,
        }
    }
}

impl Link for Broken {
    fn handle(&mut self, now: Instant, input: Input<'_>) {
        match (self.mistake, input) {
            (Mistake::TakesNakForAck, Input::Bytes(bytes)) => {
                let bytes: Vec<u8> = bytes.iter().map(|&byte| if byte == NAK { ACK } else { byte }).collect();
                self.link.handle(now, Input::Bytes(&bytes));
            }
            (_, input) => self.link.handle(now, input),
        }
        while let Some(action) = self.link.poll() {
            if let (Mistake::AcknowledgesBeforeStoring, Action::Store(parcel)) = (self.mistake, &action) {
                #[expect(clippy::disallowed_methods, reason = "this is the mistake")]
                self.link.handle(now, Input::Stored(Receipt::sign(parcel.id), Reply::Protocol));
            }
            let action = self.spoil(action);
            self.more.push_back(action);
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
