//! `labsim lims`.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::lims::{Lims, Mode, Setup};
use clap::Args;

use super::{Failure, say, stopped};

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Arguments {
    /// Where deliveries are taken, on loopback; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8900")]
    listen: SocketAddr,
    #[arg(long, default_value = "accept", help = format!("How deliveries are met at first: one of {}", Mode::GRAMMAR))]
    mode: Mode,
    /// Keep the ledger in this file, on disk before each answer
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// For mix: the same seed fails the same deliveries
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How long a delivery without an answer is left waiting before a 504 ends it
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = crate::duration::parse)]
    hold: std::time::Duration,
}

const AFTER: &str = "While it runs:
  POST /results              a delivery; needs an Idempotency-Key
  GET  /results/KEY          what became of it
  POST /control              {\"mode\":\"status:503\",\"times\":3}: how the next deliveries are met
  GET  /ledger               what is held, and how much of it twice

Example: labsim lims --mode mix:0.3 --ledger lims.jsonl";

pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let setup = Setup {
        listen: arguments.listen,
        mode: arguments.mode,
        ledger: arguments.ledger,
        seed: arguments.seed,
        hold: arguments.hold,
    };
    let lims = Lims::start(setup).await?;
    // Whoever reads the address may end this at once.
    let stopped = stopped();
    say(format_args!("deliveries to {}", lims.url()))?;
    stopped.await;
    let (held, doubled) = lims.with_ledger(|ledger| (ledger.held().len(), ledger.doubled().len()));
    Ok(say(format_args!("{held} results held, {doubled} of them twice"))?)
}
