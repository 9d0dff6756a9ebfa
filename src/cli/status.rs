//! `labwire status`: the sums, what waits, what every link is doing, and whether a person must act, which its exit code says too.

use std::io::Write;
use std::path::Path;

use super::Outcome;
use super::local::here;
use crate::clock;
use crate::config::settings::Mode;
use crate::config::{Bearings, Settings};
use crate::exit::Exit;
use crate::host::control::{self, Live, Request, Response, Weight};
use crate::journal::notes::LinkNotes;
use crate::journal::{Reader, Sums};

pub(super) fn run(bearings: &Bearings, out: &mut impl Write) -> Outcome {
    let mut exit = match control::ask(&bearings.control_socket, &Request::Live) {
        Ok(Response::Live { journal, configuration, links, destinations }) => {
            writeln!(out, "labwire is running.")?;
            let exit = said(&bearings.control_socket, out)?;
            writeln!(out, "\nJournal: {journal}")?;
            if let Some(differing) = configuration {
                writeln!(out, "{differing}")?;
            }
            live(out, "Links", &links)?;
            let destinations = destinations
                .into_iter()
                .map(|it| Live { name: with_mode(it.name, bearings.whole.as_ref().ok()), ..it });
            live(out, "Destinations", &destinations.collect::<Vec<_>>())?;
            exit
        }
        Ok(_) => {
            writeln!(out, "labwire is running, but of another version than this command.")?;
            Exit::Failed
        }
        Err(error) => {
            let what = if error.nobody_listens() { "is not running" } else { "can't be asked" };
            writeln!(out, "labwire {what} ({error}).")?;
            Exit::Unavailable
        }
    };
    let reader = Reader::open(&bearings.journal.path)?;
    if let Some(it) = reader.standstill()? {
        exit = Exit::Failed;
        writeln!(out, "\nNOTHING IS DELIVERED since {}: {}.", here(it.since), it.why)?;
        writeln!(out, "Compare with the LIMS, then: labwire resume --reason …")?;
    }
    if let Some(days) = reader.days_left(bearings.journal.reserve_bytes, clock::now())? {
        let days = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        writeln!(out, "\nDisk: room for {days} at the pace of the last weeks")?;
    }
    let archives = reader.archives()?;
    if let Some(last) = archives.iter().map(|it| it.last_at).max() {
        let mebibytes = archives.iter().map(|it| it.holds.bytes).sum::<u64>() / (1024 * 1024);
        writeln!(
            out,
            "Archives: {mebibytes} MiB of old messages have left, last {last}; see labwire archive"
        )?;
    }
    notes(&reader.link_notes()?, out)?;
    let waiting = reader.waiting()?;
    writeln!(out, "\nWaiting")?;
    for (what, count) in [
        ("messages to be read", waiting.unread),
        ("messages of an unknown sender", waiting.unattributed),
        ("transmissions cut short", waiting.incomplete),
        ("files that need somebody, and places of files that fail", waiting.stuck),
        ("changes in what analyzers send", waiting.drifts),
        ("held results", waiting.held),
        ("dead letters", waiting.dead_letters),
        ("open problems, those of the above among them", waiting.open_problems),
        ("host queries without orders", waiting.unanswered_queries),
    ] {
        writeln!(out, "  {count:>9}  {what}")?;
    }
    let overdue = calls(&reader, out)?;
    let rules = match (reader.signed_rules()?, &bearings.whole) {
        (None, _) => "none are signed; units pass unchanged, and no rule holds anything".to_owned(),
        (Some(signed), Err(_)) => {
            format!(
                "signed by {}; whether they are the configured ones can't be told while the configuration has a mistake",
                signed.signing.by
            )
        }
        (Some(signed), Ok(settings)) if signed.sha256 == settings.rules.sha256 => {
            format!("signed by {}", signed.signing.by)
        }
        (Some(signed), Ok(_)) => {
            format!("another set, signed by {}, stays in force; see labwire rules", signed.signing.by)
        }
    };
    writeln!(out, "\nRules: {rules}")?;
    for suspension in bearings.whole.iter().flat_map(|settings| &settings.suspended) {
        writeln!(out, "Suspended, where rules or a person release: {suspension}")?;
    }
    let sums = reader.sums()?;
    write_sums(&sums, out)?;
    Ok(match exit {
        _ if !sums.imbalances().is_empty() => Exit::Failed,
        Exit::Done if overdue => Exit::Open,
        exit => exit,
    })
}

/// The page's one sentence, with what to do, and what a monitor is to make of it.
fn said(socket: &Path, out: &mut impl Write) -> std::io::Result<Exit> {
    let Ok(Response::Overview(overview)) = control::ask(socket, &Request::Overview) else {
        writeln!(out, "What it comes to can't be told now: the journal isn't read, or too slowly.")?;
        return Ok(Exit::Failed);
    };
    writeln!(out, "{} {}", overview.headline, overview.then)?;
    Ok(match overview.weight {
        Weight::Danger => Exit::Failed,
        Weight::Act => Exit::Open,
        Weight::Odd | Weight::Wait | Weight::Calm => Exit::Done,
    })
}

/// The critical calls that are open. Tells whether one is overdue.
fn calls(reader: &Reader, out: &mut impl Write) -> Result<bool, Box<dyn std::error::Error>> {
    let (open, now) = (reader.open_calls()?, clock::now());
    let overdue = open.iter().filter(|call| call.is_overdue(now)).count();
    writeln!(out, "  {:>9}  open critical calls", open.len())?;
    if overdue > 0 {
        writeln!(out, "  {overdue:>9}  OF THEM OVERDUE: see labwire calls, and call now")?;
    }
    Ok(overdue > 0)
}

fn live(out: &mut impl Write, title: &str, all: &[Live]) -> std::io::Result<()> {
    writeln!(out, "\n{title}")?;
    for Live { name, state, since, more } in all {
        writeln!(out, "  {name}: {state} (since {})", here(*since))?;
        for line in more {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(())
}

/// A destination's name, and what it is there for where that isn't what it usually is.
fn with_mode(name: String, settings: Option<&Settings>) -> String {
    let mut destinations = settings.into_iter().flat_map(|settings| &settings.destinations);
    match destinations.find(|it| it.id.as_str() == name).map(|it| it.mode) {
        Some(Mode::Test) => format!("{name} (under test)"),
        Some(Mode::Drain) => format!("{name} (drains)"),
        Some(Mode::Live) | None => name,
    }
}

/// What links did wrong, also before the last start.
pub(super) fn notes(notes: &[LinkNotes], out: &mut impl Write) -> std::io::Result<()> {
    if notes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nNotes on links")?;
    for it in notes {
        writeln!(
            out,
            "  {:>9}  {} on {}, since {}, the last at {}",
            it.count, it.code, it.source, it.first_at, it.last_at
        )?;
    }
    Ok(())
}

/// Both sums as tables, and whether they balance.
pub(super) fn write_sums(sums: &Sums, out: &mut impl Write) -> std::io::Result<()> {
    let intake = sums.intake;
    writeln!(out, "\nReceived results")?;
    for (what, count) in [
        ("received", intake.received),
        ("= new", intake.new),
        ("+ repeated", intake.duplicate),
        ("+ problems", intake.problem),
    ] {
        writeln!(out, "  {count:>9}  {what}")?;
    }
    for (destination, sums) in &sums.destinations {
        writeln!(out, "\nOwed to {destination}")?;
        writeln!(out, "  {:>9}  owed", sums.owed)?;
        for (index, (state, count)) in sums.states.iter().enumerate() {
            writeln!(out, "  {count:>9}  {} {state}", if index == 0 { "=" } else { "+" })?;
        }
    }
    let imbalances = sums.imbalances();
    if imbalances.is_empty() {
        return writeln!(out, "\nThe sums balance.");
    }
    for imbalance in imbalances {
        writeln!(out, "\nTHE SUMS DO NOT BALANCE: {}", imbalance.english())?;
    }
    Ok(())
}
