//! Arguments, command, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    labwire::cli::main().into()
}
