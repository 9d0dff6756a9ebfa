//! The command line: what can be asked for, and the exit codes. It plays nothing itself.

mod analyzer;
mod drop;
mod lims;
mod line;
mod mllp_lims;
mod orders;
mod place;
mod replay;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Simulated analyzers and a simulated LIMS, with faults that a seed repeats.
#[derive(Debug, Parser)]
#[command(name = "labsim", version, after_help = EXIT_CODES)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0   everything was acknowledged, or a load or the LIMS was stopped
  1   something was not acknowledged, or a script or a replay went otherwise
  2   the command line is wrong
  65  a file holds nothing that can be played
  74  a line, a device, an address or a file could not be opened or written";

#[derive(Debug, Subcommand)]
enum Command {
    /// Play an analyzer: generated messages, a capture, a script or a host query
    Analyzer(Box<analyzer::Arguments>),
    /// Play a capture of a gateway's connections, with its pauses, and compare the answers
    Replay(replay::Arguments),
    /// Play an analyzer that leaves files in a folder or uploads them to an FTP server
    Drop(drop::Arguments),
    /// Play a serial line of any setting, as a port of another reads it, on a pseudo-terminal: for trying labwire listen
    Line(line::Arguments),
    /// Play a LIMS that keeps a ledger and fails on command
    Lims(lims::Arguments),
    /// Play a LIMS that takes HL7 over MLLP and fails on command
    MllpLims(mllp_lims::Arguments),
    /// Play a LIMS that tells orders and changes its mind
    Orders(orders::Arguments),
}

/// Why a command ended other than well.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    what: String,
}

impl Failure {
    /// Something went otherwise than asked for.
    fn otherwise(what: impl Display) -> Self {
        Failure { code: 1, what: what.to_string() }
    }

    /// The command line doesn't say what it must.
    fn usage(what: impl Display) -> Self {
        Failure { code: 2, what: what.to_string() }
    }

    fn nothing_to_play(what: impl Display) -> Self {
        Failure { code: 65, what: what.to_string() }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure { code: 74, what: error.to_string() }
    }
}

/// Everything that can be said, for manuals and completions.
pub fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}

pub async fn run(arguments: Arguments) -> ExitCode {
    let outcome = match arguments.command {
        Command::Analyzer(arguments) => analyzer::run(*arguments).await,
        Command::Replay(arguments) => replay::run(arguments).await,
        Command::Drop(arguments) => drop::run(arguments).await,
        Command::Line(arguments) => line::run(arguments).await,
        Command::Lims(arguments) => lims::run(arguments).await,
        Command::MllpLims(arguments) => mllp_lims::run(arguments).await,
        Command::Orders(arguments) => orders::run(arguments).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to be told that this couldn't be said.
            let _ = writeln!(std::io::stderr(), "labsim: {}", failure.what);
            ExitCode::from(failure.code)
        }
    }
}

/// Until Ctrl-C or SIGTERM, either of which counts from this call on, whenever it is awaited.
fn stopped() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return std::future::pending().await };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

fn say(line: impl Display) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
