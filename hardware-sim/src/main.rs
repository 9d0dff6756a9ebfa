//! `labsim`: an analyzer or a LIMS on the command line.

use std::process::ExitCode;

use clap::Parser;
use labsim::cli;

#[tokio::main]
async fn main() -> ExitCode {
    cli::run(cli::Arguments::parse()).await
}
