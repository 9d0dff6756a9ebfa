//! `labwire trace`: one specimen's way in plain words, and what could be read of it in transmissions that were cut.

use std::io::{self, Write};

use super::Outcome;
use super::local::here;
use crate::config::Bearings;
use crate::domain::clinic::Force;
use crate::domain::{HoldReason, InstrumentId, Private, SpecimenId, SpecimenToken, visible};
use crate::exit::Exit;
use crate::journal::views::{Step, Way, told};
use crate::journal::{JournalError, MessageId, Reader};
use crate::pipeline::runner::reading;
use crate::pipeline::{Preview, forms, preview};

/// The most cut transmissions that are searched, the newest first.
const SEARCHED: usize = 500;

/// How much of the way is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Steps,
    /// With every byte that was sent to the LIMS and came back.
    Raw,
}

pub(super) fn run(bearings: &Bearings, specimen: &str, detail: Detail, out: &mut impl Write) -> Outcome {
    let reader = Reader::open(&bearings.journal.path)?;
    let rules = bearings.instruments().iter().map(|instrument| &instrument.specimen);
    for id in forms(specimen, rules) {
        let (way, cut) = (reader.way(&id)?, cut_with(bearings, &reader, &id)?);
        if !way.is_empty() || !cut.is_empty() {
            if id.reveal() != specimen {
                writeln!(out, "{specimen} is known as {}, by an instrument's rules.", id.reveal())?;
            }
            return tell(&reader, &id, (way, cut), detail, out);
        }
    }
    writeln!(out, "Nothing is known of {specimen}.")?;
    if let (count, Some(since)) = reader.nameless_problems()? {
        writeln!(
            out,
            "Open problems that name no specimen: {count}, the oldest since {since}. Any may be about it; see labwire problems.",
            since = here(since)
        )?;
    }
    Ok(Exit::Failed)
}

/// The same of the specimen that a token in the log stands for.
pub(super) fn by_token(bearings: &Bearings, token: &str, detail: Detail, out: &mut impl Write) -> Outcome {
    let Some(sought) = SpecimenToken::parse(token) else {
        writeln!(out, "{token} is no token: those are twelve letters and digits, as the log has them.")?;
        return Ok(Exit::Failed);
    };
    let reader = Reader::open(&bearings.journal.path)?;
    let Some(id) = reader.specimen_of(&sought)? else {
        writeln!(out, "No specimen in this journal has the token {sought}.")?;
        return Ok(Exit::Failed);
    };
    let known = (reader.way(&id)?, cut_with(bearings, &reader, &id)?);
    tell(&reader, &id, known, detail, out)
}

/// Each step of a way in words, without the bytes.
pub(super) fn steps(way: &[Step], out: &mut impl Write) -> io::Result<()> {
    way.iter().try_for_each(|step| writeln!(out, "{}  {}", here(step.at), sentence(&step.what)))
}

fn tell(
    reader: &Reader,
    id: &SpecimenId,
    (way, cut): (Vec<Step>, Vec<Cut>),
    detail: Detail,
    out: &mut impl Write,
) -> Outcome {
    if let Some(token) = reader.token(id)? {
        writeln!(out, "Specimen {}, in the log as {token}", id.reveal())?;
    }
    for step in way {
        writeln!(out, "{}  {}", here(step.at), sentence(&step.what))?;
        match &step.what {
            Way::Received { message, .. } => {
                frames(reader, *message, out)?;
            }
            Way::Attempted { delivery, kind, .. } if detail == Detail::Raw && kind == "send" => {
                bytes("sent", reader.payload(*delivery), out)?;
            }
            Way::Answered { delivery, number, .. } if detail == Detail::Raw => {
                bytes("received", reader.received(*delivery, *number), out)?;
            }
            _ => {}
        }
    }
    for cut in cut {
        cut.write(id, out)?;
        frames(reader, cut.message, out)?;
    }
    Ok(Exit::Done)
}

/// Bytes as they went over the wire, without what frames a message there; or where they are.
fn bytes(what: &str, bytes: Result<Option<Private<Vec<u8>>>, JournalError>, out: &mut impl Write) -> Outcome {
    match bytes {
        Ok(Some(bytes)) => {
            let bytes = bytes.reveal();
            writeln!(out, "    {what}, {} bytes: {}", bytes.len(), visible(bytes))?;
        }
        Ok(None) => writeln!(out, "    {what}: nothing")?,
        Err(JournalError::Elsewhere(why)) => writeln!(out, "    {what}: {why}")?,
        Err(error) => return Err(error.into()),
    }
    Ok(Exit::Done)
}

fn frames(reader: &Reader, message: MessageId, out: &mut impl Write) -> Outcome {
    let frames = match reader.frames(message) {
        Err(JournalError::Elsewhere(why)) => {
            writeln!(out, "    {why}")?;
            return Ok(Exit::Done);
        }
        frames => frames?,
    };
    for frame in frames {
        writeln!(out, "    {}  sha256 {}", visible(frame.raw.reveal()), frame.sha256)?;
    }
    Ok(Exit::Done)
}

/// A cut transmission in which a specimen can be read.
struct Cut {
    at: jiff::Timestamp,
    message: MessageId,
    instrument: InstrumentId,
    preview: Preview,
}

/// The cut transmissions that nobody has seen to and that name this specimen, oldest first.
fn cut_with(
    bearings: &Bearings,
    reader: &Reader,
    specimen: &SpecimenId,
) -> Result<Vec<Cut>, Box<dyn std::error::Error>> {
    let mut found = Vec::new();
    for (sender, pending) in reader.incomplete(SEARCHED)? {
        let Some(instrument) = bearings.instruments().iter().find(|it| it.id == sender) else { continue };
        let preview = preview(&pending.content, &reading(instrument));
        if preview.specimens.iter().any(|tube| tube.specimen == *specimen) {
            let (at, message) = (pending.received_at, pending.message);
            found.push(Cut { at, message, instrument: sender, preview });
        }
    }
    found.reverse();
    Ok(found)
}

impl Cut {
    fn write(&self, specimen: &SpecimenId, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "{}  INCOMPLETE: a transmission of {} was cut, kept as message {}; it is never delivered: have it sent again",
            here(self.at),
            self.instrument,
            self.message
        )?;
        let tubes = self.preview.specimens.iter().filter(|tube| tube.specimen == *specimen);
        let results: Vec<_> = tubes.flat_map(|tube| &tube.results).collect();
        for it in &results {
            let unit = it.unit.as_deref().unwrap_or_default();
            writeln!(out, "    could be read, incomplete: {} {} {unit}", it.test.code, it.value)?;
        }
        if results.is_empty() {
            writeln!(out, "    its number could be read, and no result")?;
        }
        if self.preview.unfinished {
            writeln!(out, "    the last record broke off and isn't shown here")?;
        }
        Ok(())
    }
}

/// A number as it was read, if it was.
fn shown(specimen: &SpecimenId) -> &str {
    if specimen.is_blank() { "no number" } else { specimen.reveal() }
}

/// One step, for a person who is allowed to see patient data.
fn sentence(way: &Way) -> String {
    match way {
        Way::Received { message, from, peer, frames } => {
            format!(
                "received from {from} ({peer}) as message {message}, {frames} frames, on disk before acknowledged"
            )
        }
        Way::Read { observation, version, supersedes, detail } => {
            let before = supersedes.map(|earlier| format!(", in place of {earlier}")).unwrap_or_default();
            format!(
                "read as observation {observation}: {} (version {version}{before}), by profile {}",
                detail.in_words(),
                detail.profile
            )
        }
        Way::Repeated { message, observation } => {
            format!("received again in message {message}; it repeats observation {observation}")
        }
        Way::Problem { id, kind, text, .. } => format!("problem {id}, {kind}: {}", text.reveal()),
        Way::Decided { observation, force, rules, analyte, decisions } => {
            let which = rules.get(..12).unwrap_or(rules);
            let standing = match force {
                Force::InForce => "rules in force",
                Force::Shadow => "rules that nobody has signed, which do nothing",
            };
            let mut said: String = decisions.iter().map(|it| format!("\n    {it}")).collect();
            match analyte {
                None => said += "\n    no rule about an analyte is applied: this code isn't named as one",
                Some(analyte) if said.is_empty() => said += &format!("\n    no rule is about {analyte}"),
                Some(_) => {}
            }
            format!("observation {observation} judged by {standing}, {which}:{said}")
        }
        Way::Held { observation, reason } => {
            let why = HoldReason::from_name(reason).map_or(reason.as_str(), |reason| reason.text());
            format!("observation {observation} held: {why}")
        }
        Way::HoldClosed { observation, closing, by: Some(by), .. } => {
            format!("observation {observation} {closing} by {by}")
        }
        Way::HoldClosed { observation, by: None, reason, .. } => {
            let why = HoldReason::from_name(reason).map_or(reason.as_str(), |reason| reason.text());
            format!("observation {observation} no longer held for this: {why}")
        }
        Way::Attempted { delivery, destination, number, kind } => {
            format!("delivery {delivery} to {destination}: attempt {number} ({kind})")
        }
        Way::Answered { delivery, destination, known_as, verdict, detail, connection, .. } => {
            let way = connection.as_ref().map(|it| format!(", by way of {it}")).unwrap_or_default();
            let key = known_as.as_ref().map(|key| format!(" as {key}")).unwrap_or_default();
            format!("delivery {delivery} to {destination}: {verdict}{key}, {detail}{way}")
        }
        Way::Order(step) => step.words().english(),
        Way::Call { call, happened } => {
            format!("critical call {call}: {}", happened.words(&|at| here(at).into()).english())
        }
        Way::Moved { observation, from, to, by, reason } => format!(
            "observation {observation} moved from {} to {} by {by}: {}",
            shown(from),
            to.reveal(),
            reason.reveal()
        ),
        Way::Reevaluated { observation, by, reason } => {
            format!("{by} had observation {observation} read anew: {}", reason.reveal())
        }
        Way::SentAgain { delivery, destination, how, results, by, reason } => format!(
            "{by} had {} results of delivery {delivery} sent to {destination} once more, {}: {}",
            results.len(),
            how.words().english(),
            reason.reveal()
        ),
        Way::Notice { observation, destination, says, state } => {
            format!("observation {observation}: {}", told(destination, says, state).english())
        }
        Way::Line { observation, destination, state, reason, behind, .. } => {
            let behind =
                behind.as_ref().map(|(older, its)| format!(" behind observation {older}, which is {its}"));
            let behind = behind.unwrap_or_default();
            let why = reason.as_ref().map(|reason| format!(": {}", reason.reveal())).unwrap_or_default();
            format!("observation {observation} is {state} at {destination}{behind}{why}")
        }
    }
}
