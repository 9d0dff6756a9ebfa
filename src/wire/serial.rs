//! Serial ports: opening with every line setting, reading back what the driver really took, and a stream on which
//! an unplugged adapter reads as the end.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::fs::{Mode, OFlags};
use rustix::termios::{ControlModes, InputModes, Termios, tcgetattr};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_serial::{SerialPort, SerialPortBuilderExt, SerialStream};

use crate::config::settings::{FlowControl, Parity, SerialSettings};

/// An open port.
#[derive(Debug)]
pub struct Port {
    stream: SerialStream,
}

/// Opens the port for our use alone. Returns it with a sentence for each setting that the driver did not take.
pub fn open(settings: &SerialSettings) -> io::Result<(Port, Vec<String>)> {
    let path = settings.device.to_string_lossy();
    let mut stream = tokio_serial::new(path, settings.baud)
        .data_bits(match settings.data_bits {
            5 => tokio_serial::DataBits::Five,
            6 => tokio_serial::DataBits::Six,
            7 => tokio_serial::DataBits::Seven,
            _ => tokio_serial::DataBits::Eight,
        })
        .parity(match settings.parity {
            Parity::None => tokio_serial::Parity::None,
            Parity::Even => tokio_serial::Parity::Even,
            Parity::Odd => tokio_serial::Parity::Odd,
        })
        .stop_bits(if settings.stop_bits == 2 {
            tokio_serial::StopBits::Two
        } else {
            tokio_serial::StopBits::One
        })
        .flow_control(match settings.flow_control {
            FlowControl::None => tokio_serial::FlowControl::None,
            FlowControl::Software => tokio_serial::FlowControl::Software,
            FlowControl::Hardware => tokio_serial::FlowControl::Hardware,
        })
        .open_native_async()?;
    // It is opened exclusively, and that keeps out our own second handle too unless we are root.
    stream.set_exclusive(false)?;
    let found = line_settings(&settings.device)?;
    stream.set_exclusive(true)?;
    // What came before the port was open was sent to nobody, and its sender has given up on an answer or is about to: one that
    // comes now would count for what is sent next. A port that nobody has open hears nothing; a pseudo-terminal keeps it.
    stream.clear(tokio_serial::ClearBuffer::Input)?;
    // Best effort: a pseudo-terminal has no modem lines.
    let _ = stream.write_data_terminal_ready(true);
    Ok((Port { stream }, differences(settings, &found)))
}

/// Reads the settings back through a second handle: the stream lends its own only as a bare number.
fn line_settings(device: &Path) -> io::Result<Termios> {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let port = rustix::fs::open(device, flags, Mode::empty())?;
    Ok(tcgetattr(&port)?)
}

/// What was asked for and isn't so.
fn differences(asked: &SerialSettings, found: &Termios) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, asked: String, found: String| {
        if asked != found {
            differences.push(format!("{what} is {found} where {asked} was asked for"));
        }
    };
    compare("the speed in", asked.baud.to_string(), found.input_speed().to_string());
    compare("the speed out", asked.baud.to_string(), found.output_speed().to_string());
    let modes = found.control_modes;
    let data_bits = match modes & ControlModes::CSIZE {
        ControlModes::CS5 => 5,
        ControlModes::CS6 => 6,
        ControlModes::CS7 => 7,
        _ => 8,
    };
    compare("the number of data bits", asked.data_bits.to_string(), data_bits.to_string());
    let parity = match (modes.contains(ControlModes::PARENB), modes.contains(ControlModes::PARODD)) {
        (false, _) => Parity::None,
        (true, false) => Parity::Even,
        (true, true) => Parity::Odd,
    };
    compare("parity", format!("{:?}", asked.parity), format!("{parity:?}"));
    let stop_bits = if modes.contains(ControlModes::CSTOPB) { 2 } else { 1 };
    compare("the number of stop bits", asked.stop_bits.to_string(), stop_bits.to_string());
    let flow = match (modes.contains(ControlModes::CRTSCTS), found.input_modes.contains(InputModes::IXON)) {
        (true, _) => FlowControl::Hardware,
        (false, true) => FlowControl::Software,
        (false, false) => FlowControl::None,
    };
    compare("flow control", format!("{:?}", asked.flow_control), format!("{flow:?}"));
    differences
}

impl AsyncRead for Port {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() == before {
            let gone = "the adapter was unplugged or the port hung up";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, gone)));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Port {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    /// Does nothing: draining the line would block the thread, and no reader waits for it.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
