//! `labsim mllp-lims`.

use std::net::SocketAddr;

use crate::lims::mllp::{MllpLims, Mode, Setup};
use clap::Args;

use super::{Failure, say, stopped};

#[derive(Debug, Args)]
#[command(after_help = "Example: labsim mllp-lims --first lose-answer --first refuse:AR")]
pub(crate) struct Arguments {
    /// Where messages are taken, on loopback; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2575")]
    listen: SocketAddr,
    #[arg(long, default_value = "accept", help = format!("How messages are met: one of {}", Mode::GRAMMAR))]
    mode: Mode,
    /// How the first messages are met before that; may be given several times, one for each message
    #[arg(long, value_name = "MODE")]
    first: Vec<Mode>,
    /// For mix: the same seed fails the same messages
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { listen, mode, first, seed } = arguments;
    let lims = MllpLims::start(Setup { listen, mode, first, seed }).await?;
    // Whoever reads the address may end this at once.
    let stopped = stopped();
    say(format_args!("messages to {}", lims.address()))?;
    stopped.await;
    let (came, held, doubled) =
        lims.with_ledger(|ledger| (ledger.attempts().len(), ledger.taken().len(), ledger.doubled().len()));
    Ok(say(format_args!("{came} messages came, {held} results held, {doubled} of them twice"))?)
}
