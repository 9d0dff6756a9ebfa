//! Decisions, handed to the running gateway: it alone writes.

use std::io::Write;

use super::Outcome;
use super::arguments::{DecideCommand, Release};
use crate::config::Bearings;
use crate::exit::Exit;
use crate::host::control::{self, Request, Response};
use crate::journal::{ObservationId, Reader};

pub(super) fn run(bearings: &Bearings, command: &DecideCommand, out: &mut impl Write) -> Outcome {
    let ids: Vec<i64> = match command {
        DecideCommand::Retry(retry) if retry.all => {
            let letters = Reader::open(&bearings.journal.path)?.dead_letters(usize::MAX >> 1)?;
            letters.iter().map(|letter| letter.delivery.0).collect()
        }
        DecideCommand::Retry(retry) => retry.ids.clone(),
        DecideCommand::Release(release) => released(bearings, release)?,
        DecideCommand::GiveUp(item)
        | DecideCommand::Confirm(item)
        | DecideCommand::Reject(item)
        | DecideCommand::Reread(item) => vec![item.id],
        DecideCommand::Dismiss(dismiss) => dismiss.id.into_iter().chain(dismiss.message).collect(),
    };
    let word = command.word();
    let mut exit = Exit::Done;
    if ids.is_empty() {
        writeln!(out, "Nothing waits of that kind.")?;
    }
    for id in ids {
        let (by, reason) = (word.by.clone(), word.reason.clone());
        let request = Request::Decide { decision: command.asked(), id, by, reason };
        match control::ask(&bearings.control_socket, &request)? {
            Response::Done => {
                writeln!(out, "{id}: done")?;
                if let DecideCommand::Reject(_) = command {
                    for kept in Reader::open(&bearings.journal.path)?.kept_of_rejected(ObservationId(id))? {
                        writeln!(out, "    {}", kept.words().english())?;
                    }
                }
            }
            Response::Refused { why } => {
                exit = Exit::Failed;
                writeln!(out, "{id}: refused: {why}")?;
            }
            _ => {
                return Err("the gateway answered another question".into());
            }
        }
    }
    Ok(exit)
}

/// The results that are to leave: those named, or those that wait for one reason and no other.
fn released(bearings: &Bearings, release: &Release) -> Result<Vec<i64>, Box<dyn std::error::Error>> {
    let Some(reason) = release.held_for else { return Ok(release.ids.clone()) };
    let mut held = Reader::open(&bearings.journal.path)?.held(usize::MAX >> 1)?;
    held.retain(|it| {
        let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|it| it == name);
        it.reasons == [reason.name()]
            && is(&release.instrument, it.detail.instrument.as_str())
            && is(&release.test, &it.detail.test.code)
    });
    Ok(held.into_iter().map(|it| it.observation.0).collect())
}
