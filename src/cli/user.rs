//! `labwire user`: who may act on the page. Listing only reads; changes are handed to the running gateway.

use std::io::Write;

use super::Outcome;
use super::arguments::UserCommand;
use super::local::here;
use crate::clock;
use crate::config::Bearings;
use crate::exit::Exit;
use crate::host::control::{self, PersonAsked, Request, Response};
use crate::journal::Reader;
use crate::journal::people::Person;

pub(super) fn run(bearings: &Bearings, command: Option<&UserCommand>, out: &mut impl Write) -> Outcome {
    let Some(command) = command else { return list(bearings, out) };
    let asked = match command {
        UserCommand::Add { shown, role, who } => {
            let known = Reader::open(&bearings.journal.path)?.person(&who.name)?.is_some();
            if known {
                writeln!(out, "Refused: {} is known already; see labwire user reset", who.name)?;
                return Ok(Exit::Failed);
            }
            PersonAsked::Invite { shown: Some(shown.clone()), role: Some(role.name().to_owned()) }
        }
        UserCommand::Reset(_) => PersonAsked::Invite { shown: None, role: None },
        UserCommand::Role { role, .. } => PersonAsked::Role { role: role.name().to_owned() },
        UserCommand::Lock(_) => PersonAsked::Lock,
    };
    let name = command.who().name.to_string();
    match control::ask(&bearings.control_socket, &Request::Person { name: name.clone(), asked })? {
        Response::Done => writeln!(out, "{name}: done")?,
        Response::Invited { token, until } => writeln!(
            out,
            "{name} chooses a password {} with this token, once, before {}:\n\n    {}\n",
            match &bearings.whole {
                Ok(settings) => format!("at http://{}/set-up", settings.page.listen),
                Err(_) => "on the page, at /set-up,".to_owned(),
            },
            here(until),
            token.0
        )?,
        Response::Refused { why } => {
            writeln!(out, "Refused: {why}")?;
            return Ok(Exit::Failed);
        }
        _ => return Err("the gateway answered another question".into()),
    }
    Ok(Exit::Done)
}

fn list(bearings: &Bearings, out: &mut impl Write) -> Outcome {
    let people = Reader::open(&bearings.journal.path)?.people()?;
    if people.is_empty() {
        writeln!(out, "Nobody may act on the page yet: labwire user add NAME --shown NAME --role ROLE")?;
    }
    for person in &people {
        writeln!(
            out,
            "{:<20} {:<11} {}  ({})",
            person.name,
            person.role.name(),
            person.shown,
            standing(person)
        )?;
    }
    Ok(Exit::Done)
}

fn standing(person: &Person) -> String {
    match (person.locked_at, &person.password, person.invited_until) {
        (Some(at), ..) => format!("may not sign in since {}", here(at)),
        (None, Some(_), _) => "signs in".to_owned(),
        (None, None, Some(until)) if clock::now() < until => format!("has a token until {}", here(until)),
        (None, None, _) => "its token is too old; see labwire user reset".to_owned(),
    }
}
