//! The command line. Commands that read open the journal read-only; commands that act ask the running gateway through
//! its control socket.

mod add;
mod archive;
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
mod listen;
mod lists;
mod local;
mod orders;
mod ports;
mod qc;
mod reassign;
mod reconcile;
mod reevaluate;
mod reload;
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
mod top;
mod trace;
mod user;

use std::error::Error;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use clap::Parser;

use crate::config::{Bearings, Errors, Secrets, Settings};
use crate::exit::Exit;
use crate::host::serial::Machine;
use crate::host::tls;
use crate::journal::is_in_use;

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
        Command::Run { config } => match Settings::load(config) {
            Ok((settings, _)) => run::run(&settings, config),
            Err(errors) => wrong(&errors),
        },
        Command::Reload { config } => beside(config, |bearings| reload::run(bearings, out)),
        Command::Check { config } => Ok(check::run(config, out)),
        Command::Init(asked) => at_a_terminal(|dialogue| init::run(asked, dialogue, &mut io::stdout())),
        Command::Add(Add::Instrument(asked)) => at_a_terminal(|dialogue| {
            let zone = jiff::tz::TimeZone::system();
            add::instrument(asked, zone.iana_name(), dialogue, &mut io::stdout())
        }),
        Command::Ports => ports::run(&Machine::at(Path::new("/")), out),
        Command::Listen(asked) => listen::run(asked, &Machine::at(Path::new("/")), out),
        Command::Schema(asked) => {
            write!(out, "{}", asked.file.schema()).map(|()| Exit::Done).map_err(Into::into)
        }
        Command::Demo(options) => demo::run(options, out),
        Command::Status { config } => beside(config, |bearings| status::run(bearings, out)),
        Command::Top { config } => beside(config, top::run),
        Command::Reconcile { config, options } => {
            with(config, |settings| reconcile::run(settings, options, out))
        }
        Command::Trace { config, specimen, token, raw } => {
            let detail = if *raw { Detail::Raw } else { Detail::Steps };
            beside(config, |bearings| match token {
                Some(token) => trace::by_token(bearings, token, detail, out),
                None => trace::run(bearings, specimen.as_deref().unwrap_or_default(), detail, out),
            })
        }
        Command::Tap(asked) => beside(&asked.config, |bearings| tap::tap(bearings, asked, out)),
        Command::Capture(asked) => beside(&asked.config, |bearings| tap::capture(bearings, asked, out)),
        Command::SupportBundle(asked) => beside(&asked.config, |bearings| support::run(bearings, asked, out)),
        Command::DeadLetters { config } => beside(config, |bearings| lists::dead_letters(bearings, out)),
        Command::Held { config } => beside(config, |bearings| lists::held(bearings, out)),
        Command::Problems { config } => beside(config, |bearings| lists::problems(bearings, out)),
        Command::Orders { config, specimen: Some(label) } => {
            beside(config, |bearings| orders::tube(bearings, label, out))
        }
        Command::Orders { config, specimen: None } => with(config, |settings| orders::all(settings, out)),
        Command::Calls { config, call: Some(named), .. } => {
            beside(config, |bearings| calls::show(bearings, named, out))
        }
        Command::Calls { config, call: None, all } => {
            beside(config, |bearings| calls::run(bearings, *all, out))
        }
        Command::Call { command } => beside(command.config(), |bearings| call::run(bearings, command, out)),
        Command::User { config, command } => {
            let config = command.as_ref().map_or(&**config, |command| command.config());
            beside(config, |bearings| user::run(bearings, command.as_ref(), out))
        }
        Command::SpecimenId { config, instrument, id } => {
            with(config, |settings| specimen::run(settings, instrument, id, out))
        }
        Command::Import(Import::Livd(asked)) => import::livd(asked, out, &mut io::stderr()),
        Command::Convert(asked) => with(&asked.config, |settings| convert::run(settings, asked, out)),
        Command::Backup(asked) => {
            beside(&asked.config, |bearings| backup::back_up(bearings, asked.to.as_deref(), out))
        }
        Command::Archive(asked) => beside(&asked.config, |bearings| archive::run(bearings, asked, out)),
        Command::Verify { config, file } => {
            beside(config, |bearings| backup::check(bearings, file.as_deref(), out))
        }
        Command::Restore { config, copy } => beside(config, |bearings| backup::restore(bearings, copy, out)),
        Command::Resume { config, send_waiting, reason } => {
            beside(config, |bearings| backup::resume(bearings, *send_waiting, reason, out))
        }
        Command::Salvage { file, since } => salvage::run(file, since.as_deref(), out),
        Command::Rules { command: Some(RulesCommand::Sign(sign)), .. } => {
            with(sign.config(), |settings| rules::sign(settings, sign, out))
        }
        Command::Qc { what: Some(what), .. } => {
            beside(what.config(), |bearings| qc::run(bearings, what, out))
        }
        Command::Qc { config, what: None } => with(config, |settings| qc::overview(settings, out)),
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
        Command::Reassign(asked) => beside(&asked.config, |bearings| reassign::run(bearings, asked, out)),
        Command::Reevaluate(asked) => beside(&asked.config, |bearings| reevaluate::run(bearings, asked, out)),
        Command::Resend(asked) => beside(&asked.config, |bearings| resend::run(bearings, asked, out)),
        Command::Decide(decision) => {
            beside(decision.config(), |bearings| decide::run(bearings, decision, out))
        }
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

/// Runs a command that needs the journal's place and the gateway's socket, and goes on without the rest of the configuration
/// where that has a mistake: a gateway that runs was started with another.
fn beside(folder: &Path, command: impl FnOnce(&Bearings) -> Outcome) -> Outcome {
    match Bearings::load(folder) {
        Ok(bearings) => {
            if let Err(Errors(mistakes)) = &bearings.whole {
                let count = match mistakes.len() {
                    1 => "a mistake".to_owned(),
                    more => format!("{more} mistakes"),
                };
                writeln!(
                    io::stderr(),
                    "labwire: the configuration on disk has {count}, see labwire check; this is told without it, and \
                     specimen numbers are taken as they are written"
                )?;
            }
            if let Some(why) = elsewhere(&bearings) {
                writeln!(io::stderr(), "labwire: {why}")?;
                return Ok(Exit::Configuration);
            }
            command(&bearings)
        }
        Err(errors) => wrong(&errors),
    }
}

/// Why the journal that the configuration on disk means may not be the one that is asked about.
fn elsewhere(bearings: &Bearings) -> Option<String> {
    let journal = bearings.journal.path.display();
    if UnixStream::connect(&bearings.control_socket).is_ok() {
        return (!is_in_use(&bearings.journal.path)).then(|| {
            format!("labwire runs, and not with the journal {journal}: the configuration on disk means another, see labwire check")
        });
    }
    bearings.is_journal_assumed.then(|| {
        format!(
            "labwire.toml doesn't say where the journal is, has mistakes and may have said it: {journal} isn't taken for it; mend \
             what labwire check names"
        )
    })
}

/// Runs a command that needs the whole configuration short of its secrets, or says everything that is wrong with it.
fn with(folder: &Path, command: impl FnOnce(&Settings) -> Outcome) -> Outcome {
    match Settings::load_for(folder, Secrets::Unused) {
        Ok((settings, _)) => command(&settings),
        Err(errors) => wrong(&errors),
    }
}

fn wrong(errors: &Errors) -> Outcome {
    writeln!(io::stderr(), "{errors}")?;
    Ok(Exit::Configuration)
}
