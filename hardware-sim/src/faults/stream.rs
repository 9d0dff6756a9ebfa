//! A stream that suffers the faults of the line. Neither end knows of it.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::Faults;
use super::injector::{Direction, Injector, Step};
use crate::chance::Chance;

/// Wraps the analyzer's end of a stream: writes go to the host, reads come from it.
///
/// A cut drops the stream inside; from then on reads end and writes fail.
#[derive(Debug)]
pub struct Faulty<S> {
    inner: Option<S>,
    pause: Duration,
    outward: Lane,
    inward: Lane,
}

impl<S> Faulty<S> {
    pub fn new(inner: S, faults: &Faults) -> Self {
        let lane = |direction, label| {
            let chance = Chance::seeded_for(faults.seed, label);
            Lane::new(Injector::new(faults.line.clone(), direction, chance))
        };
        Faulty {
            inner: Some(inner),
            pause: faults.line.pause,
            outward: lane(Direction::ToHost, "to the host"),
            inward: lane(Direction::ToAnalyzer, "to the analyzer"),
        }
    }
}

/// One direction: what was decided and hasn't happened yet.
#[derive(Debug)]
struct Lane {
    injector: Injector,
    steps: VecDeque<Step>,
    pausing: Option<Pin<Box<Sleep>>>,
}

/// What a lane asks for once its pauses are over.
enum Due {
    Bytes(Vec<u8>),
    Cut,
    Nothing,
}

impl Lane {
    fn new(injector: Injector) -> Self {
        Lane { injector, steps: VecDeque::new(), pausing: None }
    }

    fn take_in(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.injector.pass(*byte, &mut self.steps);
        }
    }

    /// The bytes up to the next pause or cut, still in the lane: [`Lane::passed`] removes them.
    fn poll_due(&mut self, pause: Duration, context: &mut Context<'_>) -> Poll<Due> {
        loop {
            if let Some(pausing) = &mut self.pausing {
                ready!(pausing.as_mut().poll(context));
                self.pausing = None;
            }
            match self.steps.front() {
                None => return Poll::Ready(Due::Nothing),
                Some(Step::Cut) => return Poll::Ready(Due::Cut),
                Some(Step::Pause) => {
                    self.steps.pop_front();
                    self.pausing = Some(Box::pin(sleep(pause)));
                }
                Some(Step::Byte(_)) => return Poll::Ready(Due::Bytes(self.leading_bytes())),
            }
        }
    }

    fn leading_bytes(&self) -> Vec<u8> {
        let byte = |step: &Step| match step {
            Step::Byte(byte) => Some(*byte),
            Step::Pause | Step::Cut => None,
        };
        self.steps.iter().map_while(byte).collect()
    }

    fn passed(&mut self, bytes: usize) {
        self.steps.drain(..bytes.min(self.steps.len()));
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the simulated line was cut")
}

impl<S: AsyncWrite + Unpin> Faulty<S> {
    /// Hands on what is due to the host, to the last byte.
    fn poll_outward(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let due = ready!(self.outward.poll_due(self.pause, context));
            let Some(inner) = &mut self.inner else { return Poll::Ready(Err(gone())) };
            match due {
                Due::Nothing => return Poll::Ready(Ok(())),
                Due::Cut => self.inner = None,
                Due::Bytes(bytes) => {
                    let written = ready!(Pin::new(inner).poll_write(context, &bytes))?;
                    if written == 0 {
                        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                    }
                    self.outward.passed(written);
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Faulty<S> {
    /// Takes all bytes at once; they leave with the next write or flush at the latest.
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_outward(context))?;
        self.outward.take_in(bytes);
        match self.poll_outward(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_outward(context))?;
        match &mut self.inner {
            Some(inner) => Pin::new(inner).poll_flush(context),
            None => Poll::Ready(Err(gone())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_outward(context))?;
        match &mut self.inner {
            Some(inner) => Pin::new(inner).poll_shutdown(context),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Faulty<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match ready!(this.inward.poll_due(this.pause, context)) {
                Due::Cut => this.inner = None,
                Due::Bytes(bytes) => {
                    let fitting = bytes.chunks(buffer.remaining().max(1)).next().unwrap_or_default();
                    buffer.put_slice(fitting);
                    this.inward.passed(fitting.len());
                    return Poll::Ready(Ok(()));
                }
                Due::Nothing => {}
            }
            let Some(inner) = &mut this.inner else { return Poll::Ready(Ok(())) };
            let mut space = [0; 1024];
            let mut arriving = ReadBuf::new(&mut space);
            ready!(Pin::new(inner).poll_read(context, &mut arriving))?;
            if arriving.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.inward.take_in(arriving.filled());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use super::*;

    fn certain(set: impl FnOnce(&mut Faults)) -> Faults {
        let mut faults = Faults::none();
        set(&mut faults);
        faults
    }

    #[tokio::test(start_paused = true)]
    async fn without_faults_both_directions_pass_unchanged() {
        let (near, mut far) = tokio::io::duplex(4096);
        let mut faulty = Faulty::new(near, &Faults::none());
        faulty.write_all(b"\x05\x021H\r\x03\r\n").await.unwrap();
        faulty.flush().await.unwrap();
        far.write_all(b"\x06\x15").await.unwrap();
        let mut buffer = [0; 2];
        faulty.read_exact(&mut buffer).await.unwrap();
        assert_eq!(buffer, *b"\x06\x15");
        drop(faulty);
        let mut arrived = Vec::new();
        far.read_to_end(&mut arrived).await.unwrap();
        assert_eq!(arrived, b"\x05\x021H\r\x03\r\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_ends_the_stream_for_both_ends() {
        let (near, mut far) = tokio::io::duplex(4096);
        let mut faulty = Faulty::new(near, &certain(|faults| faults.line.cut = 1.0));
        assert!(faulty.write_all(b"\x05").await.is_err());
        let mut arrived = Vec::new();
        far.read_to_end(&mut arrived).await.unwrap();
        assert_eq!(arrived, b"");
        assert_eq!(faulty.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_delayed_reply_comes_after_the_pause() {
        let (near, mut far) = tokio::io::duplex(4096);
        let mut faulty = Faulty::new(near, &certain(|faults| faults.line.delay = 1.0));
        far.write_all(b"\x06").await.unwrap();
        let began = Instant::now();
        assert_eq!(faulty.read_u8().await.unwrap(), 0x06);
        assert!(began.elapsed() >= Duration::from_millis(200));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_reply_never_comes() {
        let (near, mut far) = tokio::io::duplex(4096);
        let mut faulty = Faulty::new(near, &certain(|faults| faults.line.lose = 1.0));
        far.write_all(b"\x06").await.unwrap();
        let wait = tokio::time::timeout(Duration::from_secs(60), faulty.read_u8()).await;
        assert!(wait.is_err(), "{wait:?}");
    }
}
