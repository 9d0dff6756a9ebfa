//! `labwire trace`: one specimen's way in plain words.

use std::io::Write;

use super::Outcome;
use crate::config::Settings;
use crate::domain::{HoldReason, SpecimenId, visible};
use crate::exit::Exit;
use crate::journal::Reader;
use crate::journal::views::Way;

pub(super) fn run(settings: &Settings, specimen: &str, out: &mut impl Write) -> Outcome {
    let reader = Reader::open(&settings.journal.path)?;
    let way = reader.way(&SpecimenId::new(specimen))?;
    if way.is_empty() {
        writeln!(out, "Nothing is known of {specimen}.")?;
        return Ok(Exit::Failed);
    }
    for step in way {
        writeln!(out, "{}  {}", step.at, sentence(&step.what))?;
        if let Way::Received { message, .. } = step.what {
            for frame in reader.frames(message)? {
                writeln!(out, "    {}  sha256 {}", visible(frame.raw.reveal()), frame.sha256)?;
            }
        }
    }
    Ok(Exit::Done)
}

/// One step, for a person who is allowed to see patient data.
fn sentence(way: &Way) -> String {
    match way {
        Way::Received { message, instrument, peer, frames } => {
            format!(
                "received from {instrument} ({peer}) as message {message}, {frames} frames, on disk before acknowledged"
            )
        }
        Way::Read { observation, version, supersedes, detail } => {
            let before = supersedes.map(|earlier| format!(", in place of {earlier}")).unwrap_or_default();
            format!(
                "read as observation {observation}: {} {} {} (version {version}{before}), by profile {}",
                detail.test.code,
                detail.value_as_sent,
                detail.unit.as_deref().unwrap_or_default(),
                detail.profile
            )
        }
        Way::Repeated { message, observation } => {
            format!("received again in message {message}; it repeats observation {observation}")
        }
        Way::Problem { id, kind, text, .. } => format!("problem {id}, {kind}: {}", text.reveal()),
        Way::Held { observation, reason } => {
            let why = HoldReason::from_name(reason).map_or(reason.as_str(), |reason| reason.text());
            format!("observation {observation} held: {why}")
        }
        Way::HoldClosed { observation, closing, by } => {
            format!("observation {observation} {closing} by {by}")
        }
        Way::Attempted { delivery, destination, number, kind } => {
            format!("delivery {delivery} to {destination}: attempt {number} ({kind})")
        }
        Way::Answered { delivery, destination, verdict, detail, .. } => {
            format!("delivery {delivery} to {destination}: {verdict}, {detail}")
        }
        Way::Line { observation, destination, state, reason, .. } => {
            let why = reason.as_ref().map(|reason| format!(": {}", reason.reveal())).unwrap_or_default();
            format!("observation {observation} is {state} at {destination}{why}")
        }
    }
}
