//! What passes on the analyzers' connections, sent over the control socket line by line for as long as the other end reads.
//! Who may open the socket reads patient data; the audit has who did, before the first line leaves.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::sync::CancellationToken;

use super::{Control, ControlError, PATIENCE, Request, Response};
use crate::clock;
use crate::journal::taps::Listener;
use crate::tap::Listening;

/// How long the other end may take for a line before it is hung up on.
const STUCK: Duration = Duration::from_secs(60);
/// How soon it is told what was left out where nothing more comes.
const SETTLED: Duration = Duration::from_secs(1);

/// A tap that was granted.
pub(super) struct Granted {
    pub(super) account: String,
    pub(super) instruments: Vec<String>,
    pub(super) listening: Listening,
}

impl Control {
    /// Whether `account` may listen: there is room, and the audit has it.
    pub(super) async fn grant(&self, account: String, instruments: Vec<String>) -> Result<Granted, String> {
        let listening = self.tap.listen(instruments.clone())?;
        let kept = self.journal.keep_tap(account.clone(), Listener::Begins, &instruments, clock::now()).await;
        kept.map_err(|error| format!("the audit can't keep who listens: {error}"))?;
        tracing::info!(actor = account, ?instruments, "a tap begins");
        Ok(Granted { account, instruments, listening })
    }

    /// Sends lines until the other end hangs up or is stuck, or the gateway stops.
    pub(super) async fn send_lines(
        &self,
        mut granted: Granted,
        (reading, writing): (OwnedReadHalf, OwnedWriteHalf),
        stop: CancellationToken,
    ) {
        if let Err(error) = pass_on(&mut granted.listening, reading, writing, stop).await {
            tracing::info!(%error, "a tap broke off");
        }
        let Granted { account, instruments, .. } = granted;
        let kept = self.journal.keep_tap(account, Listener::Ends, &instruments, clock::now()).await;
        if let Err(error) = kept {
            tracing::warn!(%error, "failed to keep in the audit that a tap ended");
        }
    }
}

async fn pass_on(
    listening: &mut Listening,
    mut reading: OwnedReadHalf,
    mut writing: OwnedWriteHalf,
    stop: CancellationToken,
) -> io::Result<()> {
    let mut nothing = [0; 1];
    loop {
        let line = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            // The other end says nothing more: this is its leaving.
            _ = reading.read(&mut nothing) => return Ok(()),
            line = listening.next() => line,
            () = tokio::time::sleep(SETTLED) => match listening.left_out(clock::now()) {
                Some(line) => line,
                None => continue,
            },
        };
        let line = format!("{line}\n");
        let sent = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            sent = tokio::time::timeout(STUCK, writing.write_all(line.as_bytes())) => sent,
        };
        sent.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the other end takes no lines"))??;
    }
}

/// The command's side: the lines as they come.
pub struct Tapped(Lines<BufReader<UnixStream>>);

impl Tapped {
    /// Asks a running gateway for what passes on these instruments' connections, or on all.
    pub async fn begin(path: &Path, instruments: Vec<String>) -> Result<Tapped, ControlError> {
        let failed = |error| ControlError::Connect { path: path.to_owned(), error };
        let understood = |error: serde_json::Error| ControlError::Answer(error.to_string());
        let mut stream = UnixStream::connect(path).await.map_err(failed)?;
        let mut request = serde_json::to_vec(&Request::Tap { instruments }).map_err(understood)?;
        request.push(b'\n');
        stream.write_all(&request).await.map_err(failed)?;
        let mut lines = BufReader::new(stream).lines();
        let answer = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        let answer = answer.unwrap_or_else(|late| Err(late.into())).map_err(failed)?;
        match serde_json::from_str(&answer.unwrap_or_default()).map_err(understood)? {
            Response::Done => Ok(Tapped(lines)),
            Response::Refused { why } => Err(ControlError::Refused(why)),
            _ => Err(ControlError::Answer("it answered another question".to_owned())),
        }
    }

    /// The next line; nothing once the gateway has ended. Loses nothing when dropped before it is done.
    ///
    /// # Errors
    /// Where the connection broke.
    pub async fn next(&mut self) -> io::Result<Option<String>> {
        self.0.next_line().await
    }
}
