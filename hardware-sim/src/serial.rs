//! Serial lines: a pair of pseudo-terminals whose one end is a device for the gateway, and real devices.
//!
//! A pseudo-terminal has no speed, no parity and no modem lines: [`crate::pace`] makes the speed.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, inotify};
use rustix::pty::OpenptFlags;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::sleep;
use tokio_serial::{SerialPortBuilderExt, SerialStream};

/// The analyzer's end. Dropping it unplugs the cable: the gateway's end reads and writes fail.
#[derive(Debug)]
pub struct PtyEnd {
    master: AsyncFd<OwnedFd>,
    /// Kept open, so that the gateway may come and go without ending the line.
    slave: OwnedFd,
    /// Tells of whoever opens the gateway's device from now on.
    openings: OwnedFd,
    name: Option<Name>,
}

/// How often it is looked whether the gateway has come.
const LOOK: Duration = Duration::from_millis(20);
/// What the gateway has to set its end up. What arrives before may be thrown away, as on a real port.
const SETTING_UP: Duration = Duration::from_millis(200);

/// A link to the gateway's device, gone with the device.
#[derive(Debug)]
struct Name {
    link: PathBuf,
    device: PathBuf,
}

impl Drop for Name {
    fn drop(&mut self) {
        if std::fs::read_link(&self.link).is_ok_and(|device| device == self.device) {
            // A link that stays behind leads nowhere and is replaced by the next one.
            let _ = std::fs::remove_file(&self.link);
        }
    }
}

impl PtyEnd {
    /// The speed that the gateway's end is set to, in bits a second; nothing but this tells of it.
    pub fn asked_speed(&self) -> io::Result<u32> {
        Ok(tcgetattr(&self.slave)?.input_speed())
    }

    /// Waits until the gateway has opened its end and had 200 ms to set it up. Waits for ever: drop the future to stop.
    pub async fn opened(&self) -> io::Result<()> {
        let mut event = [0; 64];
        loop {
            match rustix::io::read(&self.openings, &mut event) {
                Ok(_) => break,
                Err(rustix::io::Errno::WOULDBLOCK) => sleep(LOOK).await,
                Err(error) => return Err(error.into()),
            }
        }
        sleep(SETTING_UP).await;
        Ok(())
    }
}

/// Makes a pair in raw mode. The path is the gateway's device. Needs a running tokio runtime.
pub fn pty_pair() -> io::Result<(PtyEnd, PathBuf)> {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let name = rustix::pty::ptsname(&master, Vec::new())?;
    let path = PathBuf::from(name.to_string_lossy().into_owned());
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(&path, flags, Mode::empty())?;
    let mut settings = tcgetattr(&slave)?;
    settings.make_raw();
    tcsetattr(&slave, OptionalActions::Now, &settings)?;
    let openings = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
    inotify::add_watch(&openings, &path, inotify::WatchFlags::OPEN)?;
    rustix::fs::fcntl_setfl(&master, rustix::fs::fcntl_getfl(&master)? | OFlags::NONBLOCK)?;
    #[expect(deprecated, reason = "its successor is unsafe; an OwnedFd keeps what that one asks for")]
    let master = AsyncFd::new(master)?;
    Ok((PtyEnd { master, slave, openings, name: None }, path))
}

/// Makes a pair and a link with a lasting name to the gateway's device, as udev does; dropping the
/// end removes it. An older link there is replaced; anything else there is an error.
pub fn pty_at(link: &Path) -> io::Result<PtyEnd> {
    let (mut end, device) = pty_pair()?;
    match std::fs::symlink_metadata(link) {
        Ok(existing) if existing.is_symlink() => std::fs::remove_file(link)?,
        Ok(_) => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file with the link's name"));
        }
        Err(_) => {}
    }
    std::os::unix::fs::symlink(&device, link)?;
    end.name = Some(Name { link: link.into(), device });
    Ok(end)
}

/// Opens a real device, 8N1 without flow control.
pub fn open_device(path: &Path, baud: u32) -> io::Result<SerialStream> {
    let name = path.to_string_lossy();
    tokio_serial::new(name, baud).open_native_async().map_err(io::Error::from)
}

impl AsyncRead for PtyEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.master.poll_read_ready(context))?;
            let mut space = [0; 1024];
            let fitting = buffer.remaining().min(space.len());
            let (space, _) = space.split_at_mut(fitting);
            let read = ready.try_io(|master| Ok(rustix::io::read(master, &mut *space)?));
            if let Ok(read) = read {
                let count = read?;
                buffer.put_slice(space.get(..count).unwrap_or_default());
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for PtyEnd {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = ready!(self.master.poll_write_ready(context))?;
            if let Ok(written) = ready.try_io(|master| Ok(rustix::io::write(master, bytes)?)) {
                return Poll::Ready(written);
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn bytes_pass_both_ways_unchanged_even_control_bytes() {
        let (mut analyzer, path) = pty_pair().unwrap();
        let mut gateway = open_device(&path, 9600).unwrap();
        let bytes: Vec<u8> = (0..=255).collect();
        analyzer.write_all(&bytes).await.unwrap();
        let mut arrived = vec![0; 256];
        gateway.read_exact(&mut arrived).await.unwrap();
        assert_eq!(arrived, bytes);
        gateway.write_all(&bytes).await.unwrap();
        let mut arrived = vec![0; 256];
        analyzer.read_exact(&mut arrived).await.unwrap();
        assert_eq!(arrived, bytes);
    }

    #[tokio::test]
    async fn who_opens_the_gateways_end_is_noticed_and_nobody_before() {
        let (analyzer, path) = pty_pair().unwrap();
        let early = tokio::time::timeout(SETTING_UP * 2, analyzer.opened()).await;
        assert!(early.is_err());
        let _gateway = open_device(&path, 9600).unwrap();
        tokio::time::timeout(Duration::from_secs(10), analyzer.opened()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn unplugging_ends_the_gateways_line() {
        let (analyzer, path) = pty_pair().unwrap();
        let mut gateway = open_device(&path, 9600).unwrap();
        drop(analyzer);
        let read = tokio::time::timeout(Duration::from_secs(10), gateway.read(&mut [0; 8])).await.unwrap();
        assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    }

    #[tokio::test]
    async fn plugging_in_again_keeps_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("analyzer");
        drop(pty_at(&link).unwrap());
        assert!(std::fs::symlink_metadata(&link).is_err());
        let mut analyzer = pty_at(&link).unwrap();
        let mut gateway = open_device(&link, 9600).unwrap();
        analyzer.write_all(b"\x05").await.unwrap();
        assert_eq!(gateway.read_u8().await.unwrap(), 5);
    }

    #[tokio::test]
    async fn a_link_never_replaces_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("analyzer");
        std::fs::write(&link, "precious").unwrap();
        assert!(pty_at(&link).is_err());
        assert_eq!(std::fs::read_to_string(&link).unwrap(), "precious");
    }
}
