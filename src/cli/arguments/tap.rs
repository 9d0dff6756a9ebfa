//! What can be said to the commands that listen to connections.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Config;

#[derive(Args)]
pub(in crate::cli) struct Tap {
    #[command(flatten)]
    pub(in crate::cli) config: Config,
    /// These instruments alone; those that share a listener from the same address can't be told apart
    #[arg(value_name = "INSTRUMENT")]
    pub(in crate::cli) instruments: Vec<String>,
    /// What one side says alone
    #[arg(long, value_enum, value_name = "SIDE")]
    pub(in crate::cli) only: Option<Side>,
    /// As it came, in the lines of a capture
    #[arg(long, conflicts_with = "only")]
    pub(in crate::cli) raw: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Side {
    Analyzer,
    Gateway,
}

#[derive(Args)]
pub(in crate::cli) struct Capture {
    #[command(flatten)]
    pub(in crate::cli) config: Config,
    pub(in crate::cli) instrument: String,
    /// A new file; only its owner may read it
    pub(in crate::cli) file: PathBuf,
    /// Stop after this long, such as 30m; without it, at Ctrl-C
    #[arg(long = "for", value_name = "TIME", value_parser = labsim::duration::parse)]
    pub(in crate::cli) duration: Option<Duration>,
}
