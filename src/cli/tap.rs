//! `labwire tap` and `labwire capture`: what passes on the analyzers' connections now, decoded on a terminal or kept in a
//! file. Both only listen. What they tell is patient data.

mod units;

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::signal::unix::{SignalKind, signal};

use super::Outcome;
use super::arguments::{Capture, Tap};
use crate::clock;
use crate::config::Bearings;
use crate::config::settings::Transport;
use crate::domain::{Direction, Passage, Passed};
use crate::exit::Exit;
use crate::host::control::Tapped;

use units::Units;

/// How long a frame may lack its end before what came of it is shown.
const UNFINISHED: Duration = Duration::from_secs(1);
/// What a line about what was left out says.
const LEFT_OUT: &str = "left out:";

/// Shows what passes until it is interrupted.
pub(super) fn tap(bearings: &Bearings, asked: &Tap, out: &mut impl Write) -> Outcome {
    if let Some(why) = asked.instruments.iter().find_map(|name| deaf(bearings, name)) {
        return refused(&why);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut tapped = Tapped::begin(&bearings.control_socket, asked.instruments.clone()).await?;
        writeln!(out, "What passes from now on; it names patients. Stop with Ctrl-C.")?;
        out.flush()?;
        let mut units = Units::new(TimeZone::system(), asked.only);
        loop {
            let told = tokio::select! {
                line = tapped.next() => match line? {
                    Some(line) if asked.raw => format!("{line}\n"),
                    Some(line) => units.take(&line),
                    None => break,
                },
                () = tokio::time::sleep(UNFINISHED) => units.unfinished(),
            };
            if !told.is_empty() {
                out.write_all(told.as_bytes())?;
                out.flush()?;
            }
        }
        Err("the gateway has ended".into())
    })
}

/// Keeps what passes in a new file, until it is interrupted or the time is over.
pub(super) fn capture(bearings: &Bearings, asked: &Capture, out: &mut impl Write) -> Outcome {
    if let Some(why) = deaf(bearings, &asked.instrument) {
        return refused(&why);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let instruments = vec![asked.instrument.clone()];
        let mut tapped = Tapped::begin(&bearings.control_socket, instruments).await?;
        let mut file = BufWriter::new(new_file(&asked.file)?);
        write!(
            file,
            "# {name} on {site}, begun {at:.6} by labwire {version}. HOLDS PATIENT DATA.\n\
             # > from the analyzer, < from labwire, = what happened. Times are UTC.\n",
            name = asked.instrument,
            site =
                bearings.whole.as_ref().map_or("a site whose name can't be told", |settings| &settings.site),
            at = clock::now(),
            version = env!("CARGO_PKG_VERSION"),
        )?;
        file.flush()?;
        writeln!(out, "Keeping what passes on {} in {}.", asked.instrument, asked.file.display())?;
        out.flush()?;
        let mut kept = Kept::default();
        let end = listen(&mut tapped, &mut file, &mut kept, asked.duration).await;
        file.flush()?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        writeln!(
            out,
            "{}: {} bytes from the analyzer, {} bytes to it, {} lines. It holds patient data.",
            asked.file.display(),
            kept.from,
            kept.to,
            kept.lines
        )?;
        match end? {
            End::Gateway => Err("the gateway has ended before the capture did".into()),
            End::Asked if kept.left_out > 0 => {
                writeln!(
                    io::stderr(),
                    "labwire: the capture isn't whole: it says {} times what was left out",
                    kept.left_out
                )?;
                Ok(Exit::Failed)
            }
            End::Asked => Ok(Exit::Done),
        }
    })
}

/// What a capture holds so far.
#[derive(Default)]
struct Kept {
    lines: u64,
    from: u64,
    to: u64,
    left_out: u64,
}

/// Why a capture ended.
enum End {
    Asked,
    Gateway,
}

async fn listen(
    tapped: &mut Tapped,
    file: &mut impl Write,
    kept: &mut Kept,
    duration: Option<Duration>,
) -> io::Result<End> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let over = async {
        match duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(over);
    loop {
        let line = tokio::select! {
            line = tapped.next() => line?,
            _ = interrupt.recv() => return Ok(End::Asked),
            _ = terminate.recv() => return Ok(End::Asked),
            () = &mut over => return Ok(End::Asked),
        };
        let Some(line) = line else { return Ok(End::Gateway) };
        kept.lines += 1;
        match line.parse::<Passage>().map(|it| it.what) {
            Ok(Passed::Bytes(Direction::In, bytes)) => kept.from += bytes.len() as u64,
            Ok(Passed::Bytes(Direction::Out, bytes)) => kept.to += bytes.len() as u64,
            Ok(Passed::Event(words)) if words.starts_with(LEFT_OUT) => kept.left_out += 1,
            Ok(Passed::Event(_)) => {}
            Err(()) => return Err(io::Error::other("the gateway said what this command can't read")),
        }
        writeln!(file, "{line}")?;
        file.flush()?;
    }
}

/// Why nothing can be heard of an instrument.
fn deaf(bearings: &Bearings, name: &str) -> Option<String> {
    // Which there are can't be told where the configuration has a mistake.
    let instruments = &bearings.whole.as_ref().ok()?.instruments;
    match instruments.iter().find(|it| it.id.as_str() == name) {
        None => {
            let names: Vec<&str> = instruments.iter().map(|it| it.id.as_str()).collect();
            Some(format!("no instrument is called {name}; there are: {}", names.join(", ")))
        }
        Some(it) if matches!(it.transport, Transport::Drop(_)) => {
            Some(format!("{name} leaves files; nothing passes on a connection"))
        }
        Some(_) => None,
    }
}

fn new_file(path: &Path) -> io::Result<std::fs::File> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    opened
        .map_err(|error| io::Error::new(error.kind(), format!("failed to make {}: {error}", path.display())))
}

fn refused(why: &str) -> Outcome {
    writeln!(io::stderr(), "labwire: {why}")?;
    Ok(Exit::Failed)
}
