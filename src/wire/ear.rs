//! A serial port that is only listened to: it takes one setting after another, and tells each character with whether it came
//! with an error. It is opened for reading, so nothing can be sent through it; like every opened port it says that it is ready
//! (DTR and RTS).

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use labwire_hearing::{Heard, Parity, Setting, Unmarked};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{
    ControlModes, InputModes, OptionalActions, QueueSelector, Termios, ioctl_tiocexcl, tcflush, tcgetattr,
    tcsetattr,
};
use tokio::io::unix::AsyncFd;
use tokio_serial::{SerialPort, SerialPortBuilderExt};

/// The open port. Needs a running tokio runtime.
#[derive(Debug)]
pub struct Ear {
    port: AsyncFd<OwnedFd>,
    /// The settings it was found with, which it gets back.
    found: Termios,
    unmarked: Unmarked,
}

/// Whether a driver took a setting as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    AsAsked,
    Otherwise,
}

impl Ear {
    /// Opens the port for our use alone.
    pub fn open(device: &Path) -> io::Result<Ear> {
        let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let port = rustix::fs::open(device, flags, Mode::empty())?;
        // Fails on what is no terminal at all.
        let found = tcgetattr(&port)?;
        ioctl_tiocexcl(&port)?;
        #[expect(deprecated, reason = "its successor is unsafe; an OwnedFd keeps what that one asks for")]
        let port = AsyncFd::new(port)?;
        Ok(Ear { port, found, unmarked: Unmarked::default() })
    }

    /// Sets the port, and forgets what came before and wasn't read yet.
    pub fn set(&mut self, setting: Setting) -> io::Result<Taken> {
        let mut asked = tcgetattr(&self.port)?;
        asked.make_raw();
        asked.input_modes.insert(InputModes::INPCK | InputModes::PARMRK);
        asked.input_modes.remove(InputModes::IGNPAR | InputModes::IGNBRK | InputModes::BRKINT);
        asked.input_modes.remove(InputModes::IXON | InputModes::IXOFF);
        asked.control_modes.remove(form_modes() | ControlModes::CRTSCTS);
        asked.control_modes.insert(ControlModes::CREAD | ControlModes::CLOCAL | form(setting));
        asked.set_speed(setting.baud)?;
        tcsetattr(&self.port, OptionalActions::Now, &asked)?;
        tcflush(&self.port, QueueSelector::IFlush)?;
        self.unmarked = Unmarked::default();
        Ok(taken(&asked, &tcgetattr(&self.port)?))
    }

    /// The next characters, as soon as there are any. It may be dropped while it waits.
    pub async fn hear(&mut self) -> io::Result<Vec<Heard>> {
        loop {
            let mut ready = self.port.readable().await?;
            let mut space = [0; 1024];
            let Ok(read) = ready.try_io(|port| Ok(rustix::io::read(port, &mut space)?)) else { continue };
            let heard = self.unmarked.take(space.get(..read?).unwrap_or_default());
            if heard.is_empty() && !self.unmarked.is_within() {
                let gone = "the adapter was unplugged or the port hung up";
                return Err(io::Error::new(io::ErrorKind::BrokenPipe, gone));
            }
            if !heard.is_empty() {
                return Ok(heard);
            }
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // A port that is gone takes no settings.
        let _ = tcsetattr(&self.port, OptionalActions::Now, &self.found);
    }
}

/// What the other end says by the wires beside the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modem {
    /// DSR: it is there.
    pub is_there: bool,
    /// CTS: we may send.
    pub is_clear: bool,
    /// DCD.
    pub has_carrier: bool,
}

/// Asks a port that nobody has open; its settings are the same afterwards. `None` where it has no such wires, or doesn't say. Needs
/// a running tokio runtime.
pub fn modem(device: &Path) -> Option<Modem> {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let before = rustix::fs::open(device, flags, Mode::empty()).ok()?;
    let found = tcgetattr(&before).ok()?;
    let modem = wires(device);
    tcsetattr(&before, OptionalActions::Now, &found).ok()?;
    modem
}

fn wires(device: &Path) -> Option<Modem> {
    let mut port =
        tokio_serial::new(device.to_string_lossy(), Setting::FIRST.baud).open_native_async().ok()?;
    Some(Modem {
        is_there: port.read_data_set_ready().ok()?,
        is_clear: port.read_clear_to_send().ok()?,
        has_carrier: port.read_carrier_detect().ok()?,
    })
}

/// Everything that makes a form of characters.
fn form_modes() -> ControlModes {
    ControlModes::CSIZE | ControlModes::PARENB | ControlModes::PARODD | ControlModes::CSTOPB
}

fn form(setting: Setting) -> ControlModes {
    let data_bits = if setting.data_bits == 7 { ControlModes::CS7 } else { ControlModes::CS8 };
    let parity = match setting.parity {
        Parity::None => ControlModes::empty(),
        Parity::Even => ControlModes::PARENB,
        Parity::Odd => ControlModes::PARENB | ControlModes::PARODD,
    };
    let stop_bits = if setting.stop_bits == 2 { ControlModes::CSTOPB } else { ControlModes::empty() };
    data_bits | parity | stop_bits
}

fn taken(asked: &Termios, found: &Termios) -> Taken {
    let form = |settings: &Termios| settings.control_modes & form_modes();
    let is_same = form(asked) == form(found) && asked.input_speed() == found.input_speed();
    if is_same { Taken::AsAsked } else { Taken::Otherwise }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use labsim::serial::pty_pair;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A pseudo-terminal has a speed that nothing keeps to, and no parity. Its FF comes twice, as it does from a port.
    #[tokio::test]
    async fn a_port_is_heard_byte_by_byte_and_nothing_goes_back() {
        let (mut analyzer, device) = pty_pair().unwrap();
        let mut ear = Ear::open(&device).unwrap();
        let at = |baud, parity| Setting { baud, parity, ..Setting::FIRST };
        assert_eq!(ear.set(at(19_200, Parity::None)).unwrap(), Taken::AsAsked);
        assert_eq!(ear.set(at(19_200, Parity::Even)).unwrap(), Taken::Otherwise);
        assert_eq!(ear.set(at(14_400, Parity::None)).unwrap(), Taken::AsAsked);
        let bytes: Vec<u8> = (0..=255).collect();
        analyzer.write_all(&bytes).await.unwrap();
        let mut heard = Vec::new();
        while heard.len() < 256 {
            heard.extend(ear.hear().await.unwrap());
        }
        assert_eq!(heard, bytes.into_iter().map(Heard::good).collect::<Vec<_>>());
        let answer = tokio::time::timeout(Duration::from_millis(200), analyzer.read_u8()).await;
        assert!(answer.is_err(), "{answer:?}");
    }

    #[tokio::test]
    async fn a_port_keeps_the_settings_that_it_was_found_with() {
        let (analyzer, device) = pty_pair().unwrap();
        let before = analyzer.asked_speed().unwrap();
        let mut ear = Ear::open(&device).unwrap();
        ear.set(Setting { baud: 1200, ..Setting::FIRST }).unwrap();
        assert_eq!((before, analyzer.asked_speed().unwrap()), (38_400, 1200));
        drop(ear);
        assert_eq!(analyzer.asked_speed().unwrap(), before);
        // A pseudo-terminal has no other wires.
        assert_eq!(modem(&device), None);
        assert_eq!(analyzer.asked_speed().unwrap(), before);
    }

    #[tokio::test]
    async fn an_unplugged_adapter_is_told_at_once() {
        let (analyzer, device) = pty_pair().unwrap();
        let mut ear = Ear::open(&device).unwrap();
        drop(analyzer);
        assert!(ear.hear().await.is_err());
    }

    #[tokio::test]
    async fn what_is_no_terminal_is_no_port() {
        assert!(Ear::open(Path::new("/dev/null")).is_err());
    }
}
