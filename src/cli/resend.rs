//! `labwire resend`: shows which results a destination would get once more and what it would make of them, and, where a
//! named person says so, hands that to the running gateway, which alone writes.

use std::io::{self, Write};

use jiff::tz::TimeZone;

use super::Outcome;
use super::arguments::Resend;
use super::local::here;
use crate::clock;
use crate::config::Bearings;
use crate::config::settings::Kind;
use crate::domain::written::moment;
use crate::domain::{Observation, OnceMore, Private};
use crate::exit::Exit;
use crate::host::control::{self, Request, ResendOf, ResendRequest, Response};
use crate::journal::resend::{LastAnswer, Preview, Sent};
use crate::journal::{JournalError, ObservationId, Reader};

pub(super) fn run(bearings: &Bearings, asked: &Resend, out: &mut impl Write) -> Outcome {
    let to = match &bearings.whole {
        Ok(settings) => {
            let to = settings.destinations.iter().find(|it| it.id.as_str() == asked.to_destination);
            if to.is_none() {
                writeln!(out, "Refused: labwire.toml names no destination {}", asked.to_destination)?;
                return Ok(Exit::Failed);
            }
            to
        }
        Err(_) => None,
    };
    let request = match request(asked) {
        Ok(request) => request,
        Err(why) => {
            writeln!(out, "Refused: {why}")?;
            return Ok(Exit::Failed);
        }
    };
    if asked.yes {
        return send(bearings, request, out);
    }
    let preview = match Reader::open(&bearings.journal.path)?.resending(&request.wanted()?) {
        Err(JournalError::Refused(why)) => {
            writeln!(out, "Refused: {why}")?;
            return Ok(Exit::Failed);
        }
        preview => preview?,
    };
    show(&preview, &request.destination, to.map(|it| &it.kind), out)?;
    Ok(if preview.sent.is_empty() { Exit::Failed } else { Exit::Done })
}

fn request(asked: &Resend) -> Result<ResendRequest, String> {
    let now = clock::now().to_zoned(TimeZone::system());
    let of = match (&asked.specimen, &asked.specimens, &asked.from, &asked.to) {
        (Some(specimen), ..) => ResendOf::Specimen(specimen.trim().to_owned()),
        (None, Some(range), ..) => match range.split_once("..") {
            Some((first, last)) => ResendOf::Specimens(first.trim().to_owned(), last.trim().to_owned()),
            None => {
                return Err(
                    "name the first and the last specimen with two dots between: FIRST..LAST".to_owned()
                );
            }
        },
        (None, None, Some(from), Some(to)) => ResendOf::Received(
            moment(from, &now).map_err(|why| why.english())?.as_microsecond(),
            moment(to, &now).map_err(|why| why.english())?.as_microsecond(),
        ),
        _ => {
            return Err(
                "name a specimen, a first and a last one, or a time from which and to which".to_owned()
            );
        }
    };
    Ok(ResendRequest {
        destination: asked.to_destination.clone(),
        of,
        instrument: asked.instrument.clone(),
        test: asked.test.clone(),
        by: asked.by.clone().unwrap_or_default(),
        reason: asked.reason.clone().unwrap_or_default(),
        seen: None,
    })
}

fn send(bearings: &Bearings, request: ResendRequest, out: &mut impl Write) -> Outcome {
    let destination = request.destination.clone();
    match control::ask(&bearings.control_socket, &Request::Resend(Box::new(request)))? {
        Response::Resent { results } => {
            writeln!(out, "{results} results leave for {destination} once more, as everything else does.")?;
            Ok(Exit::Done)
        }
        Response::Refused { why } => {
            writeln!(out, "Refused, and nothing is sent: {why}")?;
            Ok(Exit::Failed)
        }
        _ => Err("the gateway answered another question".into()),
    }
}

fn show(preview: &Preview, destination: &str, kind: Option<&Kind>, out: &mut impl Write) -> io::Result<()> {
    for it in &preview.sent {
        let made = match kind {
            Some(kind) => kind.makes_of(it.how).english(),
            None => "what it makes of that can't be told while the configuration has a mistake".to_owned(),
        };
        writeln!(out, "{} {}; {made}", already(it), how(it.how))?;
        for again in &it.results {
            let along = if again.is_wanted { "" } else { " (goes along: it went with the others)" };
            writeln!(out, "  {}{along}", result(again.id, &again.result))?;
        }
    }
    if !preview.stays.is_empty() {
        writeln!(out, "Not sent once more:")?;
    }
    for it in &preview.stays {
        writeln!(out, "  {}: {}", result(it.id, &it.result), it.why.english())?;
    }
    if preview.sent.is_empty() {
        return writeln!(out, "{destination} would be sent nothing once more.");
    }
    writeln!(
        out,
        "{destination} would be sent {} results in {} deliveries. Nothing was sent: --yes --by NAME --reason WORDS does.",
        preview.results(),
        preview.sent.len()
    )
}

/// What the destination has said of a delivery.
fn already(sent: &Sent) -> String {
    let Sent { delivery, key, answer, .. } = sent;
    match answer {
        Some(LastAnswer { at, verdict, status: Some(status), .. }) => {
            format!("Delivery {delivery}, key {key}: {verdict} ({status}) at {}.", here(*at))
        }
        Some(LastAnswer { at, verdict, status: None, .. }) => {
            format!("Delivery {delivery}, key {key}: {verdict} at {}.", here(*at))
        }
        None => format!("Delivery {delivery}, key {key}: never answered."),
    }
}

fn how(how: OnceMore) -> &'static str {
    match how {
        OnceMore::AsItWas => "Would go as it was, byte for byte",
        OnceMore::Anew => "Of it would go anew, without what may not go any more",
    }
}

fn result(id: ObservationId, result: &Private<Observation>) -> String {
    let it = result.reveal();
    let unit = it.unit.as_deref().unwrap_or_default();
    format!("observation {id}: {} {} {} {unit}", it.specimen.reveal(), it.test.code, it.value_as_sent)
}
