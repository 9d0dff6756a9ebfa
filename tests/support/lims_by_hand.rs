//! A LIMS that answers whatever a test makes it answer, echoes included. It keeps what it was sent and judges nothing.

#![allow(dead_code, reason = "every test program uses its own part of this")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// In the place of an answer: none, and the connection stays open until the gateway gives it up.
pub(crate) const SILENCE: &str = "(silence)";

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Asked {
    /// A header's value; `name` in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            (found.to_ascii_lowercase() == name).then(|| value.trim())
        })
    }
}

/// Answers until it is dropped.
pub(crate) struct LimsByHand {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl LimsByHand {
    /// `answer` gets a request and how many came before, and gives the whole answer from its status line on.
    pub(crate) async fn start(
        answer: impl Fn(&Asked, usize) -> String + Send + Sync + 'static,
    ) -> LimsByHand {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (all, answer) = (Arc::clone(&asked), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((line, _)) = listener.accept().await {
                let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                tokio::spawn(serve(line, all, answer));
            }
        });
        LimsByHand { address, asked, task }
    }

    /// How many requests came so far.
    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for LimsByHand {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request a connection.
async fn serve(
    mut line: TcpStream,
    all: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<impl Fn(&Asked, usize) -> String>,
) {
    let Some(asked) = request(&mut line).await else { return };
    let answer = {
        let mut all = all.lock().unwrap();
        all.push(asked.clone());
        answer(&asked, all.len() - 1)
    };
    if answer == SILENCE {
        let _ = line.read_u8().await;
        return;
    }
    // A gateway that no longer listens is its own affair.
    let _ = line.write_all(answer.as_bytes()).await;
}

async fn request(line: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        if line.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let asked = Asked { at: Instant::now(), head: head.to_owned(), body: body.to_owned() };
        let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if asked.body.len() >= length {
            return Some(asked);
        }
    }
}

/// An answer with a body of JSON.
pub(crate) fn json(status: &str, more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{more}\r\n{body}",
        body.len()
    )
}
