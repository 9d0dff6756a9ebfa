//! One end of a line as a protocol needs it: hear a byte within a time, say bytes, know when it is gone.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    Byte(u8),
    /// Nothing came in time.
    Nothing,
    /// The other end, or the line, is gone.
    Gone,
}

#[derive(Debug)]
pub(crate) struct Line<S> {
    stream: Option<S>,
    heard: VecDeque<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    pub(crate) fn new(stream: S) -> Self {
        Line { stream: Some(stream), heard: VecDeque::new() }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Drops the stream: both sides lose the connection.
    pub(crate) fn hang_up(&mut self) {
        self.stream = None;
    }

    pub(crate) async fn hear(&mut self, within: Duration) -> Heard {
        self.hear_until(Instant::now() + within).await
    }

    /// Loses nothing when dropped before it is done.
    pub(crate) async fn hear_until(&mut self, deadline: Instant) -> Heard {
        if let Some(byte) = self.heard.pop_front() {
            return Heard::Byte(byte);
        }
        let Some(stream) = &mut self.stream else { return Heard::Gone };
        let mut space = [0; 1024];
        match timeout_at(deadline, stream.read(&mut space)).await {
            Err(_) => Heard::Nothing,
            Ok(Ok(count)) if count > 0 => {
                self.heard.extend(space.iter().take(count));
                self.heard.pop_front().map_or(Heard::Nothing, Heard::Byte)
            }
            Ok(_) => {
                self.hang_up();
                Heard::Gone
            }
        }
    }

    /// False once the line is gone or didn't take the bytes in time.
    pub(crate) async fn say(&mut self, bytes: &[u8], within: Duration) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let written = timeout(within, async {
            stream.write_all(bytes).await?;
            stream.flush().await
        })
        .await;
        let said = matches!(written, Ok(Ok(())));
        if !said {
            self.hang_up();
        }
        said
    }

    /// Everything that arrives until nothing has come for `quiet`.
    pub(crate) async fn drain(&mut self, quiet: Duration) -> Vec<u8> {
        let mut drained = Vec::new();
        while let Heard::Byte(byte) = self.hear(quiet).await {
            drained.push(byte);
        }
        drained
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_and_a_lost_line_are_told_apart() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut line = Line::new(near);
        assert_eq!(line.hear(Duration::from_secs(15)).await, Heard::Nothing);
        far.write_all(b"ab").await.unwrap();
        assert_eq!(line.drain(Duration::ZERO).await, b"ab");
        drop(far);
        assert_eq!(line.hear(Duration::from_secs(15)).await, Heard::Gone);
        assert!(!line.is_open());
        assert!(!line.say(b"x", Duration::from_secs(1)).await);
    }
}
