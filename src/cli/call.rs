//! `labwire call`: hands what somebody did about a critical call to the running gateway, which alone writes. It finds the
//! call, and stops a slip of the keyboard before it is on record for good.

use std::error::Error;
use std::io::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Outcome;
use super::arguments::{CallCommand, More, Reached, ReadBack};
use crate::clock;
use crate::config::Bearings;
use crate::domain::call::CallOutcome;
use crate::domain::written::moment;
use crate::exit::Exit;
use crate::host::control::{self, CallRequest, Recorded, Request, Response};
use crate::journal::calls::CallView;
use crate::journal::{CallId, Reader};
use crate::pipeline::forms;

pub(super) fn run(bearings: &Bearings, command: &CallCommand, out: &mut impl Write) -> Outcome {
    let reader = Reader::open(&bearings.journal.path)?;
    let about = command.about();
    let call = match find(bearings, &reader, &about.call)? {
        Ok(call) => call,
        Err(why) => {
            writeln!(out, "Refused: {why}")?;
            return Ok(Exit::Failed);
        }
    };
    if let CallCommand::Reached(it) = command
        && let Some(why) = differs(&call, it)
    {
        writeln!(out, "Refused: {why}")?;
        return Ok(Exit::Failed);
    }
    let recorded = match recorded(command) {
        Ok(recorded) => recorded,
        Err(why) => {
            writeln!(out, "Refused: {why}")?;
            return Ok(Exit::Failed);
        }
    };
    let request = Request::Call(Box::new(CallRequest { call: call.id.0, by: about.by.clone(), recorded }));
    let result = call.result.reveal();
    let what = format!("call {}, {} of {}", call.id, result.test.code, call.specimen.reveal());
    match control::ask(&bearings.control_socket, &request)? {
        Response::Recorded { open: false } => writeln!(out, "Recorded: {what}. It is closed.")?,
        Response::Recorded { open: true } => writeln!(out, "Recorded: {what}. It stays open.")?,
        Response::Refused { why } => {
            writeln!(out, "Refused: {what}: {why}")?;
            return Ok(Exit::Failed);
        }
        _ => return Err("the gateway answered another question".into()),
    }
    Ok(Exit::Done)
}

/// The call that a person means, or why it can't be told which.
pub(super) fn find(
    bearings: &Bearings,
    reader: &Reader,
    named: &str,
) -> Result<Result<CallView, String>, Box<dyn Error>> {
    let (as_call, as_specimen) = match (named.strip_prefix("call:"), named.strip_prefix("specimen:")) {
        (Some(number), _) => (Some(number), None),
        (None, Some(specimen)) => (None, Some(specimen)),
        (None, None) => (Some(named), Some(named)),
    };
    let by_number = match as_call.and_then(|number| number.parse().ok()) {
        Some(id) => reader.call(CallId(id))?,
        None => None,
    };
    let mut by_specimen = Vec::new();
    if let Some(specimen) = as_specimen {
        for id in forms(specimen, bearings.instruments().iter().map(|instrument| &instrument.specimen)) {
            by_specimen.extend(reader.calls_of(&id)?);
        }
    }
    by_specimen.retain(|call| call.course.is_open());
    by_specimen.retain(|call| by_number.as_ref().is_none_or(|it| it.id != call.id));
    Ok(match (by_number, by_specimen.pop()) {
        (Some(call), None) => Ok(call),
        (None, Some(call)) if by_specimen.is_empty() => Ok(call),
        (None, None) => {
            Err(format!("there is no call {named}, and no open one of such a specimen; see labwire calls"))
        }
        (by_number, last) => {
            let all = by_number.into_iter().chain(by_specimen).chain(last);
            let all: Vec<String> = all.map(|it| described(&it)).collect();
            Err(format!("{named} may be {}; write call:NUMBER", all.join(" or ")))
        }
    })
}

fn described(call: &CallView) -> String {
    format!("call {} ({} of {})", call.id, call.result.reveal().test.code, call.specimen.reveal())
}

/// Why a value isn't taken without a word more: it isn't the journal's.
fn differs(call: &CallView, it: &Reached) -> Option<String> {
    let tell = call.tell.reveal();
    (!it.differs && !tell.agrees(&it.value)).then(|| {
        format!(
            "{} says {}, and you told {}. Mend it if that is a slip. If you did tell it so, add --differs: it is recorded, \
             and the call stays open until the right value is read back",
            described(call),
            tell.words().english(),
            it.value.trim(),
        )
    })
}

fn recorded(command: &CallCommand) -> Result<Recorded, String> {
    Ok(match command {
        CallCommand::Reached(it) => {
            let outcome = match it.read_back {
                ReadBack::Confirmed => CallOutcome::Confirmed,
                ReadBack::None => CallOutcome::NoReadBack,
            };
            let identifiers =
                it.identifiers.iter().map(|(kind, text)| (kind.name().to_owned(), text.clone()));
            attempt(outcome, (&it.to, &it.role), identifiers.collect(), (&it.value, it.differs), &it.more)?
        }
        CallCommand::NotReached(it) => {
            attempt(CallOutcome::NotReached, (&it.to, &it.role), Vec::new(), ("", false), &it.more)?
        }
        CallCommand::Verified(it) => Recorded::Verified { note: it.note.clone() },
        CallCommand::Ended(it) => Recorded::Ended { reason: it.reason.clone() },
    })
}

fn attempt(
    outcome: CallOutcome,
    (to, role): (&str, &str),
    identifiers: Vec<(String, String)>,
    (value, differs): (&str, bool),
    more: &More,
) -> Result<Recorded, String> {
    let now = clock::now().to_zoned(TimeZone::system());
    let made_at =
        more.at.as_deref().map(|text| moment(text, &now).map_err(|why| why.english())).transpose()?;
    Ok(Recorded::Attempt {
        made_at: made_at.map(Timestamp::as_microsecond),
        outcome: outcome.name().to_owned(),
        to: to.to_owned(),
        role: role.to_owned(),
        identifiers,
        value: value.to_owned(),
        note: more.note.clone(),
        differs,
    })
}
