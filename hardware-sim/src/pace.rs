//! The speed of a serial line in software: bytes leave one by one at their baud rate. Reading isn't slowed.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How fast bytes leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Ten bits a byte (8N1). 0 baud counts as 1.
    LineSpeed {
        baud: u32,
    },
    Full,
}

impl Pace {
    /// How long so many bytes take.
    pub fn duration(self, bytes: usize) -> Duration {
        match self {
            Pace::Full => Duration::ZERO,
            Pace::LineSpeed { baud } => {
                let nanos = (bytes as u64).saturating_mul(10_000_000_000);
                Duration::from_nanos(nanos / u64::from(baud.max(1)))
            }
        }
    }
}

/// The most bytes handed on at once at line speed, as a UART's buffer does.
const CHUNK: usize = 16;

/// A stream whose writes keep a pace.
#[derive(Debug)]
pub struct Paced<S> {
    inner: S,
    pace: Pace,
    busy: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    pub fn new(inner: S, pace: Pace) -> Self {
        Paced { inner, pace, busy: None }
    }

    fn poll_free(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(busy) = &mut self.busy {
            ready!(busy.as_mut().poll(context));
            self.busy = None;
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.pace == Pace::Full {
            return Pin::new(&mut self.inner).poll_write(context, bytes);
        }
        ready!(self.poll_free(context));
        let chunk = bytes.chunks(CHUNK).next().unwrap_or_default();
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, chunk))?;
        self.busy = Some(Box::pin(sleep_until(Instant::now() + self.pace.duration(written))));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_free(context));
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_thousand_bytes_take_about_a_second_at_9600_baud() {
        let (near, mut far) = tokio::io::duplex(4096);
        let mut paced = Paced::new(near, Pace::LineSpeed { baud: 9600 });
        let began = Instant::now();
        paced.write_all(&[b'x'; 960]).await.unwrap();
        paced.flush().await.unwrap();
        let took = began.elapsed();
        assert!((Duration::from_millis(1000)..Duration::from_millis(1150)).contains(&took), "{took:?}");
        let mut received = vec![0; 960];
        far.read_exact(&mut received).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn full_speed_takes_no_time() {
        let (near, _far) = tokio::io::duplex(4096);
        let began = Instant::now();
        Paced::new(near, Pace::Full).write_all(&[b'x'; 960]).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
