//! Decisions, handed to the running gateway: it alone writes.

use std::io::Write;

use super::Outcome;
use super::arguments::DecideCommand;
use crate::config::Settings;
use crate::exit::Exit;
use crate::host::control::{self, Request, Response};
use crate::journal::Reader;

pub(super) fn run(settings: &Settings, command: &DecideCommand, out: &mut impl Write) -> Outcome {
    let (ids, reason) = match command {
        DecideCommand::Retry(retry) if retry.all => {
            let letters = Reader::open(&settings.journal.path)?.dead_letters(usize::MAX >> 1)?;
            (letters.iter().map(|letter| letter.delivery.0).collect(), &retry.reason)
        }
        DecideCommand::Retry(retry) => (retry.ids.clone(), &retry.reason),
        DecideCommand::GiveUp(item)
        | DecideCommand::Confirm(item)
        | DecideCommand::Release(item)
        | DecideCommand::Reject(item)
        | DecideCommand::Reread(item) => (vec![item.id], &item.reason),
        DecideCommand::Dismiss(dismiss) => {
            (dismiss.id.into_iter().chain(dismiss.message).collect(), &dismiss.reason)
        }
    };
    let mut exit = Exit::Done;
    for id in ids {
        let request = Request::Decide { decision: command.asked(), id, reason: reason.clone() };
        match control::ask(&settings.control_socket, &request)? {
            Response::Done => writeln!(out, "{id}: done")?,
            Response::Refused { why } => {
                exit = Exit::Failed;
                writeln!(out, "{id}: refused: {why}")?;
            }
            Response::Live { .. } => return Err("the gateway answered another question".into()),
        }
    }
    Ok(exit)
}
