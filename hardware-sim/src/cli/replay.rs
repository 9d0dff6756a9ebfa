//! `labsim replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::place::Where;
use super::{Failure, say};
use crate::duration;
use crate::replay::{Manner, Recording, play};

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Arguments {
    /// A capture that labwire made, or a trace of its trace folder
    file: PathBuf,
    /// Nobody is treated by what comes out at the other end: it is asked for, since a gateway in use takes what is played
    /// for an analyzer's new results and sends them to its LIMS
    #[arg(long)]
    onto_test_system: bool,
    #[command(flatten)]
    place: Where,
    /// The speed of a device
    #[arg(long, default_value_t = 9600, value_parser = clap::value_parser!(u32).range(1..), help_heading = "How")]
    baud: u32,
    /// Make every pause this many times shorter
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed, help_heading = "How")]
    speed: f64,
    /// Make no pause: wait for answers alone
    #[arg(long, conflicts_with = "speed", help_heading = "How")]
    as_fast: bool,
    /// How much longer than in the capture an answer may take, and how long the other end may take to be there
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration::parse, help_heading = "How")]
    patience: Duration,
}

const AFTER: &str = "What the gateway answers is compared with what it answered then, but for the time and the number of a \
message of its own. Where it says otherwise, each difference is shown (it may name a patient), and the exit code is 1.";

const DANGER: &str = "a replay says an analyzer's old results as if they were new, with the patients of that day. A gateway in use \
takes them for new ones and sends them to its LIMS. Say --onto-test-system where nobody is treated by what comes out there.";

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed: &f64| (0.01..=10_000.0).contains(speed));
    speed.ok_or_else(|| "write a number from 0.01 to 10000".into())
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    if !arguments.onto_test_system {
        return Err(Failure::usage(DANGER));
    }
    let text = std::fs::read_to_string(&arguments.file)?;
    let wrong = |what: String| Failure::nothing_to_play(format!("{}: {what}", arguments.file.display()));
    let recording = Recording::read(&text).map_err(|line| wrong(line.to_string()))?;
    if recording.connections() == 0 {
        return Err(wrong("the analyzer says nothing in it".to_owned()));
    }
    say(format_args!(
        "{} connections, {} bytes of the analyzer",
        recording.connections(),
        recording.bytes()
    ))?;
    for warning in &recording.warnings {
        say(warning)?;
    }
    if recording.overlaps {
        say("some connections stood at once; they are played one after another")?;
    }
    let place = arguments.place.place(arguments.baud).await?;
    if let Some(address) = place.address() {
        say(format_args!("waiting for the gateway on {address}"))?;
    }
    let speed = (!arguments.as_fast).then_some(arguments.speed);
    let played = play(&recording, &place, Manner { speed, patience: arguments.patience }).await?;
    let mut differences = 0;
    for it in &played {
        for difference in &it.differences {
            say(difference)?;
        }
        differences += it.differences.len();
        let end = if it.is_whole { "to its end" } else { "and broke off" };
        say(format_args!(
            "{}: said {} times, {} answers as in the capture, {} otherwise, {end}",
            it.who,
            it.said,
            it.alike,
            it.differences.len()
        ))?;
    }
    if differences > 0 {
        return Err(Failure::otherwise(format_args!("{differences} answers weren't as in the capture")));
    }
    Ok(())
}
