//! `labsim analyzer`.

use std::path::PathBuf;
use std::time::Duration;

use crate::acknowledged::AcknowledgedFile;
use crate::analyzer::{Analyzer, Options, Timing};
use crate::capture;
use crate::duration;
use crate::faults::Faults;
use crate::frame::Framing;
use crate::generate::{Generator, Style};
use crate::load::{Event, Load, Summary, play};
use crate::mllp::{MllpAnalyzer, Way};
use crate::net::Place;
use crate::pace::Pace;
use crate::script::Script;
use clap::{ArgGroup, Args};

use super::place::Where;
use super::{Failure, say, stopped};

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("source").args(["file", "script", "query"])),
    after_help = AFTER
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Where,

    #[arg(long, value_name = "MODEL", help_heading = "What", help = style_help())]
    style: Option<Style>,
    /// Send a capture, or a file of records, once
    #[arg(long, value_name = "FILE", help_heading = "What")]
    file: Option<PathBuf>,
    /// Play a script, once
    #[arg(long, value_name = "FILE", help_heading = "What")]
    script: Option<PathBuf>,
    /// Ask for the orders of a specimen and show the answer
    #[arg(long, value_name = "SPECIMEN", help_heading = "What")]
    query: Option<String>,
    #[arg(long, value_name = "WAY", requires = "query", help_heading = "What", help = way_help())]
    ask_as: Option<Way>,
    /// How long the answer to a query may take
    #[arg(long, value_name = "TIME", requires = "query", value_parser = duration::parse, help_heading = "What")]
    within: Option<Duration>,
    /// How many transfers of generated messages; without it, until stopped
    #[arg(long, value_name = "N", help_heading = "What")]
    count: Option<u64>,
    /// From one transfer to the next
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration::parse, help_heading = "What")]
    every: Duration,
    /// How often a transfer is tried before it is given up; without it, never
    #[arg(long, value_name = "N", help_heading = "What")]
    tries: Option<u32>,
    /// The same seed gives the same messages and the same faults
    #[arg(long, default_value_t = 7, help_heading = "What")]
    seed: u64,
    /// Append each acknowledged result to this file as a line of JSON
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "script", "query"], help_heading = "What")]
    ledger: Option<PathBuf>,

    /// How often something goes wrong, from 0.0 to 1.0
    #[arg(long, value_name = "RATE", default_value_t = 0.0, value_parser = rate, help_heading = "How")]
    faults: f64,
    /// Send at the speed of a serial line (and open a device with it)
    #[arg(long, default_value_t = 9600, value_parser = clap::value_parser!(u32).range(1..), help_heading = "How")]
    baud: u32,
    /// Send as fast as the line takes it
    #[arg(long, help_heading = "How")]
    full_speed: bool,
    /// The most text in one frame, in bytes; without it, what the model does
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=64_000), help_heading = "How")]
    max_text: Option<u32>,
    /// Make every protocol wait this many times shorter
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..), help_heading = "How")]
    hurry: u32,
}

const AFTER: &str = "Examples:
  labsim analyzer --connect 127.0.0.1:4001 --style yumizen-h500 --count 10 --ledger acked.jsonl
  labsim analyzer --pty /tmp/analyzer --style vitros-3600 --baud 9600 --faults 0.05
  labsim analyzer --connect 127.0.0.1:4001 --script dialogue.txt
  labsim analyzer --connect 127.0.0.1:4001 --style erba-xl --query T1 --within 15s
  labsim analyzer --connect 127.0.0.1:4002 --ask-as law --query T1 --within 60s

A script has one step a line:
  > ENQ                          send
  < ACK                          expect
  > STX 1H|\\^& CR ETX cs CR LF   send a frame; cs stands for its checksum
  < frame                        expect any good frame
  wait 2s, silent 2s, patience 20s, cut";

fn style_help() -> String {
    let models = Style::ALL.map(Style::name).join(", ");
    format!("Generate messages, frame a file, or ask, in the style of {models}; the first unless set")
}

fn way_help() -> String {
    format!("Ask over HL7, in the way of one of {}", Way::ALL.map(Way::name).join(", "))
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| "write a rate from 0.0 to 1.0".into())
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let place = arguments.place.place(arguments.baud).await?;
    if let Some(address) = place.address() {
        say(format_args!("waiting for the gateway on {address}"))?;
    }
    if let Some(path) = &arguments.script {
        play_script(&place, path).await
    } else if let Some(path) = &arguments.file {
        play_file(&place, path, options(&arguments)).await
    } else if let Some(specimen) = &arguments.query {
        ask(&place, specimen, &arguments).await
    } else {
        play_load(&place, &arguments).await
    }
}

fn options(arguments: &Arguments) -> Options {
    let model = arguments.style.unwrap_or(Style::Vitros3600).framing();
    let max_text = arguments.max_text.map_or(model.max_text, |bytes| bytes as usize);
    // A real device keeps its own pace.
    let paced = !arguments.full_speed && !arguments.place.is_device();
    let timing = Timing::default().hurried(arguments.hurry);
    Options {
        faults: Faults::at_rate(arguments.seed, arguments.faults),
        pace: if paced { Pace::LineSpeed { baud: arguments.baud } } else { Pace::Full },
        timing: Timing { answer: arguments.within.unwrap_or(timing.answer), ..timing },
        framing: Framing { max_text, ..model },
    }
}

async fn play_script(place: &Place, path: &std::path::Path) -> Result<(), Failure> {
    let text = std::fs::read_to_string(path)?;
    let script = Script::parse(&text).map_err(|wrong| {
        let lines: Vec<String> =
            wrong.iter().map(|mismatch| format!("{}: {mismatch}", path.display())).collect();
        Failure::nothing_to_play(lines.join("\n"))
    })?;
    let stream = place.open().await?;
    script.play(stream).await.map_err(Failure::otherwise)?;
    Ok(say("the script was played to its end")?)
}

async fn play_file(place: &Place, path: &std::path::Path, options: Options) -> Result<(), Failure> {
    let transfers = capture::read(&std::fs::read(path)?, options.framing);
    if transfers.is_empty() {
        return Err(Failure::nothing_to_play(format_args!("{}: no frame and no record", path.display())));
    }
    let mut analyzer = Analyzer::new(place.open().await?, options);
    for (at, transfer) in transfers.iter().enumerate() {
        let report = analyzer.transfer_parts(&transfer.messages).await;
        let acknowledged = report.acknowledged.iter().filter(|message| **message).count();
        let of = report.acknowledged.len();
        say(format_args!(
            "transfer {}: {acknowledged} of {of} messages acknowledged, {} frames, {} of them repeated",
            at + 1,
            report.frames_sent,
            report.repeats
        ))?;
        if !report.is_complete() {
            return Err(Failure::otherwise(format_args!("transfer {} ended as {:?}", at + 1, report.end)));
        }
    }
    Ok(())
}

async fn ask(place: &Place, specimen: &str, arguments: &Arguments) -> Result<(), Failure> {
    let shown = |text: &[u8]| say(String::from_utf8_lossy(text).trim_end().replace('\r', "\n"));
    if let Some(way) = arguments.ask_as {
        let mut analyzer = MllpAnalyzer::new(place.open().await?, options(arguments));
        let Some(answer) = analyzer.query(way, specimen, &arguments.seed.to_string()).await else {
            return Err(Failure::otherwise("no whole answer came in time"));
        };
        return Ok(answer.iter().try_for_each(|message| shown(message))?);
    }
    let style = arguments.style.unwrap_or(Style::Vitros3600);
    let question = Generator::new(style, arguments.seed).query(specimen);
    let mut analyzer = Analyzer::new(place.open().await?, options(arguments));
    match analyzer.query(&question).await {
        Some(answer) => Ok(shown(&answer)?),
        None => Err(Failure::otherwise("no answer came")),
    }
}

async fn play_load(place: &Place, arguments: &Arguments) -> Result<(), Failure> {
    let mut ledger = arguments.ledger.as_deref().map(AcknowledgedFile::open).transpose()?;
    let load = Load {
        generator: Generator::new(arguments.style.unwrap_or(Style::Vitros3600), arguments.seed),
        count: arguments.count,
        every: arguments.every,
        clock: None,
        tries: arguments.tries,
        options: options(arguments),
    };
    let mut summary = Summary::default();
    let playing = play(place, load, &mut summary, |event| match (event, &mut ledger) {
        (Event::Acknowledged(message), Some(ledger)) => ledger.record(message),
        (Event::Received(_), _) => say("the host sent a message"),
        _ => Ok(()),
    });
    tokio::select! {
        played = playing => played?,
        () = stopped() => {}
    }
    say(told(&summary))?;
    match summary.messages_given_up {
        0 => Ok(()),
        given_up => Err(Failure::otherwise(format_args!("{given_up} messages were not acknowledged"))),
    }
}

fn told(summary: &Summary) -> String {
    format!(
        "{} messages with {} results acknowledged; {} transfers, {} frames ({} repeated, {} refused), {} connections",
        summary.messages_acknowledged,
        summary.results_acknowledged,
        summary.transfers,
        summary.frames_sent,
        summary.repeats,
        summary.naks,
        summary.connections
    )
}
