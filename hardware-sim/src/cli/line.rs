//! `labsim line`: an analyzer on a serial line whose setting the other end doesn't know. A pseudo-terminal carries bytes at any
//! speed, so what is written to it is what a port with the speed that the other end asked for would have read; errors, which no
//! pseudo-terminal knows, are lost.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use super::{Failure, say, stopped};
use crate::chance::Chance;
use crate::duration;
use crate::frame::{self, ENQ, EOT};
use crate::generate::{Generator, Protocol, Style};
use crate::serial::{PtyEnd, pty_at};
use crate::uart::{Parity, Sender, Setting, as_read_at};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Make a pseudo-terminal and this link to the other end of it
    #[arg(long, value_name = "LINK")]
    pty: PathBuf,
    /// How the analyzer is set
    #[arg(long, value_name = "SETTING", default_value = "9600,8N1")]
    runs: Setting,
    /// Write what a port with this setting reads; without it, the setting is what the other end asks for, with 8N1
    #[arg(long, value_name = "SETTING")]
    as_read_at: Option<Setting>,
    /// The model, as for labsim analyzer
    #[arg(long, value_name = "MODEL", default_value = "vitros-3600")]
    style: Style,
    /// Say frames too, as on a line where another host answers; without it, ENQ alone and then EOT, as when nobody does
    #[arg(long)]
    answered: bool,
    /// How many transmissions; without it, until stopped
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// From one transmission to the next
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration::parse)]
    every: Duration,
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// Between the parts of a transmission that wait for an answer.
const PAUSE: Duration = Duration::from_millis(1500);

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut end = pty_at(&arguments.pty)?;
    say(format_args!("an analyzer at {} on {}", arguments.runs, arguments.pty.display()))?;
    tokio::select! {
        played = play(&arguments, &mut end) => played,
        () = stopped() => Ok(()),
    }
}

async fn play(arguments: &Arguments, end: &mut PtyEnd) -> Result<(), Failure> {
    let mut generator = Generator::new(arguments.style, arguments.seed);
    let mut chance = Chance::seeded_for(arguments.seed, "line");
    let sender = Sender::plain(arguments.runs);
    let mut said = 0;
    while arguments.count.is_none_or(|count| said < count) {
        sleep(arguments.every).await;
        let message = generator.message().records;
        for part in parts(arguments, &message) {
            let asked =
                Setting { baud: end.asked_speed()?, data_bits: 8, parity: Parity::None, stop_bits: 1 };
            let port = arguments.as_read_at.unwrap_or(asked);
            let read = as_read_at(port, &sender, &part, &mut chance);
            end.write_all(&read).await?;
            say(format_args!("said {} characters, read at {port} as {}", part.len(), read.len()))?;
            sleep(PAUSE).await;
        }
        said += 1;
    }
    Ok(())
}

fn parts(arguments: &Arguments, message: &[u8]) -> Vec<Vec<u8>> {
    match (arguments.style.protocol(), arguments.answered) {
        (Protocol::Mllp, _) => vec![[b"\x0b", message, b"\x1c\r"].concat()],
        (Protocol::Astm, false) => vec![vec![ENQ], vec![EOT]],
        (Protocol::Astm, true) => {
            let cut = frame::cut(message, arguments.style.framing());
            let frames = (1..).zip(&cut).flat_map(|(number, part)| frame::emit(number, part));
            vec![vec![ENQ], frames.collect(), vec![EOT]]
        }
    }
}
