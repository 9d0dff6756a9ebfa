//! A host for tests: takes frames in order, keeps whole messages, and can be told to lie.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use labsim::frame::{ACK, NAK, Reader, Token, ends_message};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How often each message arrived whole.
pub(crate) type Store = Arc<Mutex<BTreeMap<Vec<u8>, usize>>>;

/// Whether the host keeps what it acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Honesty {
    Honest,
    /// Every fifth message is acknowledged and thrown away.
    Forgetful,
}

/// Serves one connection until it ends.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, store: Store, honesty: Honesty) {
    let mut reader = Reader::default();
    let mut last = None;
    let mut text = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        let answer = match reader.push(byte) {
            Token::Pending => continue,
            Token::Enq | Token::Eot => {
                (last, text) = (None, Vec::new());
                if byte == labsim::frame::EOT {
                    continue;
                }
                ACK
            }
            Token::Broken => NAK,
            Token::Frame(frame) if last.as_ref() == Some(&frame) => ACK,
            Token::Frame(frame) => {
                let expected =
                    last.as_ref().map_or(1, |last: &labsim::frame::Received| (last.number + 1) & 7);
                if frame.number == expected {
                    text.extend_from_slice(&frame.text);
                    last = Some(frame);
                    if ends_message(&text) {
                        keep(&store, std::mem::take(&mut text), honesty);
                    }
                    ACK
                } else {
                    NAK
                }
            }
        };
        if stream.write_all(&[answer]).await.is_err() {
            return;
        }
    }
}

fn keep(store: &Store, message: Vec<u8>, honesty: Honesty) {
    let mut store = store.lock().unwrap();
    let forgotten = honesty == Honesty::Forgetful && (store.len() + 1).is_multiple_of(5);
    *store.entry(message).or_default() += usize::from(!forgotten);
}
