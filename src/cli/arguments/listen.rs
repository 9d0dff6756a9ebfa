//! What can be said to the command that listens to a line.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::Args;

use super::Config;

#[derive(Args)]
pub(in crate::cli) struct Listen {
    #[command(flatten)]
    pub(in crate::cli) config: Config,
    /// A serial device, or the HOST:PORT of an analyzer that is connected to
    #[arg(value_name = "DEVICE|HOST:PORT", required_unless_present = "listen")]
    pub(in crate::cli) place: Option<String>,
    /// Wait here for an analyzer that connects
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "place")]
    pub(in crate::cli) listen: Option<SocketAddr>,
    /// Stop after so many; without it, once the line is known, or at Ctrl-C
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) seconds: Option<NonZeroU64>,
    /// The model's profile, for the draft, where what was heard doesn't say
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) profile: Option<String>,
    /// Of the analyzer's clock, such as Europe/Berlin; by default this machine's
    #[arg(long, value_name = "ZONE")]
    pub(in crate::cli) time_zone: Option<String>,
    /// Write the draft of the instrument's file here; without it, it is printed
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) write: Option<PathBuf>,
}
