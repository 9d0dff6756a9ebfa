//! What can be said on the command line.

mod call;
mod decide;
mod keeping;
mod listen;
mod qc;
mod reevaluate;
mod resend;
mod rules;
mod setup;
mod support;
mod tap;
mod user;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::environment;
use crate::reconciliation::Wanted;

pub(super) use call::{CallCommand, More, Reached, ReadBack};
pub(super) use decide::{DecideCommand, Release};
pub(super) use keeping::{Archive, Backup};
pub(super) use listen::Listen;
pub(super) use qc::{QcCommand, QcSeries, QcSince};
pub(super) use reevaluate::Reevaluate;
pub(super) use resend::Resend;
pub(super) use rules::{Replay, RulesCommand, Sign};
pub(super) use setup::{Add, Connection, Init, NewInstrument, Schema};
pub(super) use support::SupportBundle;
pub(super) use tap::{Capture, Side, Tap};
pub(super) use user::UserCommand;

/// The gateway between a laboratory's analyzers and its LIMS.
#[derive(Parser)]
#[command(version, about, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done; 1 refused, or sums that don't balance; 2 something is \
left for a person; 64 usage; 69 something needed \
is unavailable; 74 the journal failed; 75 another gateway runs; 78 the configuration is wrong.";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Run the gateway until it is told to stop (SIGTERM or Ctrl-C)
    Run {
        #[command(flatten)]
        config: Config,
    },
    /// Put a changed configuration in force: the running gateway tries it, and ends to be started with it
    Reload {
        #[command(flatten)]
        config: Config,
    },
    /// Check the whole configuration and the machine, naming every mistake at once
    Check {
        #[command(flatten)]
        config: Config,
    },
    /// Write a first configuration; on a terminal it asks what wasn't said
    Init(Init),
    /// Add to the configuration; nothing that is there is written over
    #[command(subcommand)]
    Add(Add),
    /// List the serial devices of this machine, what to write for each, and who has it open
    Ports,
    /// Listen to a line that nobody knows the settings of, and tell how it is set, what it speaks and who sends
    ///
    /// Nothing is ever sent or acknowledged. An analyzer that wants an answer stops after its ENQ and asks again, with its results
    /// still its own, and that is enough to know how the line is set. Nothing makes this command answer, since some analyzers
    /// go on to the next result once a frame was refused.
    Listen(Listen),
    /// Print a JSON Schema of a file of the configuration, by which editors complete and explain it
    Schema(Schema),
    /// Show the gateway at work with simulated analyzers and two simulated LIMS
    Demo(DemoOptions),
    /// Tell what every link and destination is doing and whether the sums balance
    Status {
        #[command(flatten)]
        config: Config,
    },
    /// Show on a terminal what status tells, anew each second, until q is pressed
    Top {
        #[command(flatten)]
        config: Config,
    },
    /// Add one day up: what came in, what became of it at each destination, and what isn't over
    Reconcile {
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        options: ReconcileOptions,
    },
    /// Tell the way of a specimen's results, from the wire to the LIMS's answer
    Trace {
        #[command(flatten)]
        config: Config,
        /// The specimen's number as the LIMS knows it
        #[arg(required_unless_present = "token")]
        specimen: Option<String>,
        /// What stands for it in the log instead of its number (specimen_token)
        #[arg(long, conflicts_with = "specimen")]
        token: Option<String>,
        /// Show every byte that was sent to the LIMS and came back
        #[arg(long)]
        raw: bool,
    },
    /// Show what passes on the analyzers' connections, now and decoded; the audit keeps who looked
    Tap(Tap),
    /// Keep what passes on an analyzer's connections in a file, byte by byte with its times; labsim replay plays it
    Capture(Capture),
    /// Gather what somebody needs who is asked for help, with patients' data replaced by stable pseudonyms
    SupportBundle(SupportBundle),
    /// List deliveries that the LIMS refused, or whose fate isn't known
    DeadLetters {
        #[command(flatten)]
        config: Config,
    },
    /// List results that wait for a person
    Held {
        #[command(flatten)]
        config: Config,
    },
    /// List data that couldn't be used, with its remedy
    Problems {
        #[command(flatten)]
        config: Config,
    },
    /// What is to be done by which analyzer, and which of them asked and got no orders
    Orders {
        #[command(flatten)]
        config: Config,
        /// A tube's label: its orders, whatever their state, and their way to its results and to the LIMS
        specimen: Option<String>,
    },
    /// List critical values that must be told to somebody: by when, and whom to call
    Calls {
        #[command(flatten)]
        config: Config,
        /// A call's number or a specimen's: everything about it
        call: Option<String>,
        /// Also those that are closed, the newest first
        #[arg(long, conflicts_with = "call")]
        all: bool,
    },
    /// Write down what was done about a critical call
    Call {
        #[command(subcommand)]
        command: CallCommand,
    },
    /// List who may act on the page, and say who may
    #[command(args_conflicts_with_subcommands = true)]
    User {
        #[command(flatten)]
        config: Config,
        #[command(subcommand)]
        command: Option<UserCommand>,
    },
    /// Try an instrument's specimen rules on a number
    SpecimenId {
        #[command(flatten)]
        config: Config,
        instrument: String,
        /// The number as the analyzer sends it
        id: String,
    },
    /// List what each analyzer's test codes are called here, and which of them nobody has named
    Codes {
        #[command(flatten)]
        config: Config,
        /// This analyzer alone
        instrument: Option<String>,
    },
    /// Convert a value as an analyte allows it, and say by what; it changes nothing
    Convert(Convert),
    /// Copy the journal, running or not, and read the copy back
    Backup(Backup),
    /// Show which bytes of old messages would leave the journal, and where those are that have; it changes nothing
    Archive(Archive),
    /// Read the whole journal, or a copy, and name what isn't as it was written
    Verify {
        #[command(flatten)]
        config: Config,
        /// A copy instead of the journal
        file: Option<PathBuf>,
    },
    /// List what can be read of a damaged journal that was put aside, and what the LIMS had said of it
    Salvage {
        /// The file that status names; what stands beside it under its name goes with it
        file: PathBuf,
        /// What was received from this time on: 14:05 of today, "2026-11-20 14:05", or with its zone
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
    },
    /// Put a copy in the journal's place; nothing is delivered until somebody resumes
    Restore {
        #[command(flatten)]
        config: Config,
        copy: PathBuf,
    },
    /// Deliver again after a restore, once the LIMS was compared
    Resume {
        #[command(flatten)]
        config: Config,
        /// Let what came in meanwhile leave at once; without it each such result waits for a decision
        #[arg(long)]
        send_waiting: bool,
        /// What you compared, in your words
        #[arg(long)]
        reason: String,
    },
    /// Tell which rules are configured, and which are signed and so in force
    #[command(args_conflicts_with_subcommands = true)]
    Rules {
        #[command(flatten)]
        config: Config,
        #[command(subcommand)]
        command: Option<RulesCommand>,
    },
    /// Make a draft of a code map from a manufacturer's table, for a person to review
    #[command(subcommand)]
    Import(Import),
    /// How each test stands by its controls, and what they gave
    #[command(args_conflicts_with_subcommands = true)]
    Qc {
        #[command(flatten)]
        config: Config,
        #[command(subcommand)]
        what: Option<QcCommand>,
    },
    /// Move results whose specimen number was misread to the right specimen
    Reassign(Reassign),
    /// Read held results anew by the present configuration; without --yes it shows what they would become
    Reevaluate(Reevaluate),
    /// Send results once more that a destination has acknowledged; without --yes it shows what that would be
    Resend(Resend),
    #[command(flatten)]
    Decide(DecideCommand),
}

#[derive(Subcommand)]
pub(super) enum Import {
    /// From a LIVD table (codes of an analyzer's tests and their LOINC codes), CSV or XLSX
    Livd(ImportLivd),
}

#[derive(Args)]
pub(super) struct ImportLivd {
    pub(super) file: PathBuf,
    /// The model, where the table is about several
    #[arg(long)]
    pub(super) model: Option<String>,
    /// The workbook's sheet, where several are such tables
    #[arg(long)]
    pub(super) sheet: Option<String>,
    /// Write the draft into this new file instead of showing it
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

#[derive(Args, Clone)]
pub(super) struct Config {
    /// The folder with labwire.toml, instruments.d and profiles.d
    #[arg(long, value_name = "DIR", default_value_os_t = environment::folder())]
    config: PathBuf,
}

impl std::ops::Deref for Config {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.config
    }
}

#[derive(Args)]
pub(super) struct Convert {
    #[command(flatten)]
    pub(super) config: Config,
    /// The number, with a comparator or without
    #[arg(allow_hyphen_values = true)]
    pub(super) value: String,
    /// The unit as the analyzer writes it
    pub(super) unit: String,
    /// What was measured: the name of an analyte, or its LOINC code
    #[arg(long)]
    pub(super) analyte: String,
    /// Whose aliases of units count; without it only UCUM is understood
    #[arg(long)]
    pub(super) instrument: Option<String>,
}

#[derive(Args)]
pub(super) struct Reassign {
    #[command(flatten)]
    pub(super) config: Config,
    /// The results' numbers as trace shows them
    #[arg(required = true)]
    pub(super) results: Vec<i64>,
    /// The right specimen's number as the LIMS knows it
    #[arg(long, value_name = "SPECIMEN")]
    pub(super) to: String,
    /// Your name, as it shall stand in the journal
    #[arg(long)]
    pub(super) by: String,
    /// How you know, in your words
    #[arg(long)]
    pub(super) reason: String,
}

#[derive(Args)]
pub(super) struct ReconcileOptions {
    /// today, yesterday or a date such as 2026-11-20, of this machine's calendar
    #[arg(long, value_name = "DAY", default_value = "today")]
    pub(super) day: Wanted,
    /// This destination alone
    #[arg(long, value_name = "NAME")]
    pub(super) destination: Option<String>,
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: ReportFormat,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ReportFormat {
    Text,
    Json,
    Csv,
}

#[derive(Args)]
pub(super) struct DemoOptions {
    /// Stop after this long, such as 20s, and print the sums; without it, run until Ctrl-C
    #[arg(long = "for", value_name = "TIME", value_parser = labsim::duration::parse)]
    pub(super) duration: Option<Duration>,
    /// Where the page listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
    pub(super) page: std::net::SocketAddr,
    /// Makes the same analyzers and the same faults again
    #[arg(long, default_value_t = 7)]
    pub(super) seed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever tries something on another folder must not decide at the one that is in force.
    #[test]
    fn a_folder_that_is_named_before_what_is_asked_for_is_a_mistake_and_never_ignored() {
        for asked in [
            &["rules", "--config", "/elsewhere", "sign", "--by", "Dr. Example", "--statement", "checked"][..],
            &["rules", "--config", "/elsewhere", "test"],
            &["user", "--config", "/elsewhere", "lock", "anna"],
            &["qc", "--config", "/elsewhere", "replay"],
        ] {
            let whole = ["labwire"].iter().chain(asked);
            let error =
                Arguments::try_parse_from(whole).err().unwrap_or_else(|| panic!("{asked:?} was taken"));
            assert!(error.to_string().contains("--config"), "{error}");
        }
        for asked in [&["rules", "--config", "/elsewhere"][..], &["rules", "test", "--config", "/elsewhere"]]
        {
            assert!(Arguments::try_parse_from(["labwire"].iter().chain(asked)).is_ok(), "{asked:?}");
        }
    }
}
