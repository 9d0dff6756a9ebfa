//! The driver between a real link and a peer that doesn't wait for a slow disk.

use std::sync::Arc;
use std::time::Duration;

use labwire_astm::transfer::{AstmLink, Settings};
use labwire_link::{Admission, Note, Parcel, Receipt, Reply, SendId, Sent, Transfer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Bounds, Ended, Handler, Surroundings, drive};
use crate::domain::Direction;

const FRAME: &[u8] = b"\x021H|\\^&\r\x03E5\r\n";

/// Stores when it is told to.
struct SlowDisk {
    go_on: Arc<Notify>,
    began: mpsc::UnboundedSender<()>,
}

impl Handler for SlowDisk {
    async fn store(&mut self, parcel: Parcel) -> Result<(Receipt, Reply), Reply> {
        self.began.send(()).unwrap();
        self.go_on.notified().await;
        #[expect(clippy::disallowed_methods, reason = "this handler plays the journal")]
        Ok((Receipt::sign(parcel.id), Reply::Protocol))
    }

    async fn transfer(&mut self, _: Transfer) {}
    async fn sent(&mut self, _: SendId, _: Sent) {}
    fn note(&mut self, _: Note) {}
    fn trace(&mut self, _: Direction, _: &[u8]) {}
    fn doing(&mut self, _: &'static str) {}
}

/// An analyzer's end of the line, and what it needs to hold the gateway's disk up.
struct Peer {
    line: DuplexStream,
    go_on: Arc<Notify>,
    began: mpsc::UnboundedReceiver<()>,
    stop: CancellationToken,
    gateway: JoinHandle<Ended>,
    _surroundings: (mpsc::Sender<super::Outgoing>, watch::Sender<Admission>),
}

impl Peer {
    fn connect() -> Peer {
        let (line, mut other) = duplex(1 << 20);
        let (began, storing) = mpsc::unbounded_channel();
        let go_on = Arc::new(Notify::new());
        let mut disk = SlowDisk { go_on: Arc::clone(&go_on), began };
        let (outgoing_to, outgoing) = mpsc::channel(1);
        let (admission_to, admission) = watch::channel(Admission::Open);
        let stop = CancellationToken::new();
        let surroundings = Surroundings { outgoing, admission, stop: stop.clone() };
        let bounds = Bounds { idle: None, write: Duration::from_secs(5), grace: Duration::ZERO };
        let gateway = tokio::spawn(async move {
            let mut link = AstmLink::new(Settings::default());
            drive(&mut other, &mut link, &mut disk, surroundings, bounds).await
        });
        Peer { line, go_on, began: storing, stop, gateway, _surroundings: (outgoing_to, admission_to) }
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.line.write_all(bytes).await.unwrap();
    }

    /// Sends a frame and returns when the gateway is about to store it.
    async fn say_frame(&mut self) {
        self.say(FRAME).await;
        self.began.recv().await.unwrap();
    }

    /// Everything that the gateway has to say until it stops.
    async fn answers(mut self) -> Vec<u8> {
        self.go_on.notify_one();
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.stop.cancel();
        self.gateway.await.unwrap();
        let mut answers = Vec::new();
        self.line.read_to_end(&mut answers).await.unwrap();
        answers
    }
}

#[tokio::test]
async fn a_peer_that_gave_up_while_its_frame_was_stored_is_not_answered_for_it() {
    let mut peer = Peer::connect();
    peer.say(b"\x05").await;
    peer.say_frame().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    peer.say(b"\x04\x05").await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(peer.answers().await, b"\x06\x06", "to ENQ, and to ENQ again");
}

#[tokio::test]
async fn a_frame_that_came_twice_while_it_was_stored_is_answered_once() {
    let mut peer = Peer::connect();
    peer.say(b"\x05").await;
    peer.say_frame().await;
    peer.say(FRAME).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(peer.answers().await, b"\x06\x06", "to ENQ, and to the frame");
}

#[tokio::test]
async fn a_peer_that_never_waits_loses_nothing_however_much_it_sends() {
    let mut peer = Peer::connect();
    let frames = 40_000;
    let numbered: Vec<u8> = (1..=frames)
        .flat_map(|number: u32| {
            let text = format!("{}C|1|I|invented|G\r\x03", number % 8);
            let sum = text.bytes().fold(0_u8, u8::wrapping_add);
            format!("\x02{text}{sum:02X}\r\n").into_bytes()
        })
        .collect();
    let (mut from, mut to) = tokio::io::split(peer.line);
    let go_on = Arc::clone(&peer.go_on);
    tokio::spawn(async move {
        while peer.began.recv().await.is_some() {
            go_on.notify_one();
        }
    });
    let sending = tokio::spawn(async move {
        to.write_all(b"\x05").await.unwrap();
        to.write_all(&numbered).await.unwrap();
        to
    });
    let mut answers = vec![0; frames as usize + 1];
    from.read_exact(&mut answers).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == 0x06));
    sending.await.unwrap();
}
