//! The command line. Commands that read open the journal read-only; commands that act ask the running gateway through
//! its control socket.

mod add;
mod arguments;
mod ask;
mod backup;
mod call;
mod calls;
mod check;
mod codes;
mod convert;
mod decide;
mod demo;
mod import;
mod init;
mod lists;
mod orders;
mod ports;
mod qc;
mod reassign;
mod reconcile;
mod replay;
mod resend;
mod rules;
mod run;
mod salvage;
mod specimen;
mod status;
mod support;
mod tap;
#[cfg(test)]
mod tests;
mod trace;
mod user;

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use clap::Parser;

use crate::config::Settings;
use crate::exit::Exit;
use crate::host::serial::Machine;
use crate::host::tls;

use arguments::{Add, Arguments, Command, Import, RulesCommand};
use ask::Dialogue;
use trace::Detail;

/// What a command that began came to, or why it could not do what it was asked.
type Outcome = Result<Exit, Box<dyn Error>>;

/// Everything that can be said, for manuals and completions.
pub fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}

/// Reads the arguments and does what they say.
pub fn main() -> Exit {
    tls::install_provider();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing can be done about a terminal that takes no text.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let out = &mut io::stdout();
    let outcome = match &arguments.command {
        Command::Run { config } => with(config, |settings| run::run(settings, config)),
        Command::Check { config } => Ok(check::run(config, out)),
        Command::Init(asked) => at_a_terminal(|dialogue| init::run(asked, dialogue, &mut io::stdout())),
        Command::Add(Add::Instrument(asked)) => at_a_terminal(|dialogue| {
            let zone = jiff::tz::TimeZone::system();
            add::instrument(asked, zone.iana_name(), dialogue, &mut io::stdout())
        }),
        Command::Ports => ports::run(&Machine::at(Path::new("/")), out),
        Command::Schema(asked) => {
            write!(out, "{}", asked.file.schema()).map(|()| Exit::Done).map_err(Into::into)
        }
        Command::Demo(options) => demo::run(options, out),
        Command::Status { config } => with(config, |settings| status::run(settings, out)),
        Command::Reconcile { config, options } => {
            with(config, |settings| reconcile::run(settings, options, out))
        }
        Command::Trace { config, specimen, raw } => {
            let detail = if *raw { Detail::Raw } else { Detail::Steps };
            with(config, |settings| trace::run(settings, specimen, detail, out))
        }
        Command::Tap(asked) => with(&asked.config, |settings| tap::tap(settings, asked, out)),
        Command::Capture(asked) => with(&asked.config, |settings| tap::capture(settings, asked, out)),
        Command::SupportBundle(asked) => with(&asked.config, |settings| support::run(settings, asked, out)),
        Command::DeadLetters { config } => with(config, |settings| lists::dead_letters(settings, out)),
        Command::Held { config } => with(config, |settings| lists::held(settings, out)),
        Command::Problems { config } => with(config, |settings| lists::problems(settings, out)),
        Command::Orders { config, specimen } => {
            with(config, |settings| orders::run(settings, specimen.as_deref(), out))
        }
        Command::Calls { config, call: Some(named), .. } => {
            with(config, |settings| calls::show(settings, named, out))
        }
        Command::Calls { config, call: None, all } => {
            with(config, |settings| calls::run(settings, *all, out))
        }
        Command::Call { command } => with(command.config(), |settings| call::run(settings, command, out)),
        Command::User { config, command } => {
            let config = command.as_ref().map_or(&**config, |command| command.config());
            with(config, |settings| user::run(settings, command.as_ref(), out))
        }
        Command::SpecimenId { config, instrument, id } => {
            with(config, |settings| specimen::run(settings, instrument, id, out))
        }
        Command::Import(Import::Livd(asked)) => import::livd(asked, out, &mut io::stderr()),
        Command::Convert(asked) => with(&asked.config, |settings| convert::run(settings, asked, out)),
        Command::Backup { config, to } => {
            with(config, |settings| backup::back_up(settings, to.as_deref(), out))
        }
        Command::Verify { config, file } => {
            with(config, |settings| backup::check(settings, file.as_deref(), out))
        }
        Command::Restore { config, copy } => with(config, |settings| backup::restore(settings, copy, out)),
        Command::Resume { config, send_waiting, reason } => {
            with(config, |settings| backup::resume(settings, *send_waiting, reason, out))
        }
        Command::Salvage { file, since } => salvage::run(file, since.as_deref(), out),
        Command::Rules { command: Some(RulesCommand::Sign(sign)), .. } => {
            with(sign.config(), |settings| rules::sign(settings, sign, out))
        }
        Command::Qc { config, what } => {
            let config = what.as_ref().map_or(&**config, |what| what.config());
            with(config, |settings| qc::run(settings, what.as_ref(), out))
        }
        Command::Rules { command: Some(RulesCommand::Test { config }), .. } => {
            with(config, |settings| rules::test(settings, out))
        }
        Command::Rules { command: Some(RulesCommand::Replay(asked)), .. } => {
            with(asked.config(), |settings| replay::run(settings, asked, out))
        }
        Command::Rules { config, command: None } => with(config, |settings| rules::show(settings, out)),
        Command::Codes { config, instrument } => {
            with(config, |settings| codes::run(settings, instrument.as_deref(), out))
        }
        Command::Reassign(asked) => with(&asked.config, |settings| reassign::run(settings, asked, out)),
        Command::Resend(asked) => with(&asked.config, |settings| resend::run(settings, asked, out)),
        Command::Decide(decision) => with(decision.config(), |settings| decide::run(settings, decision, out)),
    };
    outcome.unwrap_or_else(|error| {
        if is_cut_short(error.as_ref()) {
            return Exit::Done;
        }
        let _ = writeln!(io::stderr(), "labwire: {error}");
        Exit::Unavailable
    })
}

/// Whether whoever reads what is printed has seen enough, as `head` has.
fn is_cut_short(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Runs a command that asks questions where there is somebody to ask.
fn at_a_terminal(command: impl FnOnce(Option<Dialogue<'_>>) -> Outcome) -> Outcome {
    if !ask::is_possible() {
        return command(None);
    }
    let (mut input, mut out) = (io::stdin().lock(), io::stdout());
    command(Some(Dialogue { input: &mut input, out: &mut out }))
}

/// Loads the configuration, or says everything that is wrong with it.
fn with(folder: &Path, command: impl FnOnce(&Settings) -> Outcome) -> Outcome {
    match Settings::load(folder) {
        Ok((settings, _)) => command(&settings),
        Err(errors) => {
            writeln!(io::stderr(), "{errors}")?;
            Ok(Exit::Configuration)
        }
    }
}
