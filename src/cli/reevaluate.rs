//! `labwire reevaluate`: shows what held results become when the running gateway reads them anew, and, where a named person
//! says so, has it done. The gateway's own configuration counts, not the files that may have been changed since.

use std::error::Error;
use std::io::{self, Write};

use super::Outcome;
use super::arguments::Reevaluate;
use crate::config::Bearings;
use crate::domain::{HoldReason, Observation};
use crate::exit::Exit;
use crate::host::control::{self, Becomes, ControlError, Reevaluated, Request, Response};
use crate::journal::Reader;

/// How many are asked about at once.
const TOGETHER: usize = 100;

pub(super) fn run(bearings: &Bearings, asked: &Reevaluate, out: &mut impl Write) -> Outcome {
    let ids = chosen(bearings, asked)?;
    if ids.is_empty() {
        match asked.released {
            true => writeln!(out, "Nothing was released that another configuration might read otherwise.")?,
            false => writeln!(out, "Nothing is held that another configuration might read otherwise.")?,
        }
        say_what_was_released(bearings, asked, out)?;
        return Ok(Exit::Done);
    }
    say_what_runs(bearings, out)?;
    let (mut become_other, mut stay) = (0_usize, 0_usize);
    for results in ids.chunks(TOGETHER) {
        let request = Request::Reevaluate {
            results: results.to_vec(),
            by: asked.by.clone().filter(|_| asked.yes),
            reason: asked.reason.clone().unwrap_or_default(),
        };
        let answer = match control::ask(&bearings.control_socket, &request) {
            Err(error @ ControlError::Gone) => {
                return Err(format!("{error}. Run it again once the gateway runs: it is safe, as what was done isn't done twice").into());
            }
            answer => answer?,
        };
        match answer {
            Response::Reevaluated { results } => {
                for it in &results {
                    *(if it.became.is_ok() { &mut become_other } else { &mut stay }) += 1;
                    // Most of what was ever released stays as it is.
                    if it.became.is_ok() || !asked.released {
                        show(it, out)?;
                    }
                }
            }
            Response::Refused { why } => {
                writeln!(out, "Refused, and nothing of these was changed: {why}")?;
                return Ok(Exit::Failed);
            }
            _ => return Err("the gateway answered another question".into()),
        }
    }
    match asked.yes {
        true => writeln!(out, "{become_other} results were re-evaluated, {stay} stay as they are.")?,
        false => writeln!(
            out,
            "{become_other} results would become another, {stay} stay as they are. Nothing was changed: --yes --by NAME --reason WORDS does it."
        )?,
    }
    say_what_was_released(bearings, asked, out)?;
    Ok(if become_other > 0 { Exit::Done } else { Exit::Failed })
}

/// Says where the files aren't what the gateway reads by: what it answers is by the configuration that runs.
fn say_what_runs(bearings: &Bearings, out: &mut impl Write) -> io::Result<()> {
    match control::ask(&bearings.control_socket, &Request::Live) {
        Ok(Response::Live { configuration: Some(differing), .. }) => {
            writeln!(out, "{differing}. Results are read by the one that runs.")
        }
        _ => Ok(()),
    }
}

/// Says beside what waits that more may be read anew, so that nobody takes the list for all.
fn say_what_was_released(
    bearings: &Bearings,
    asked: &Reevaluate,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    if asked.released || asked.yes || !asked.ids.is_empty() {
        return Ok(());
    }
    match released(bearings, asked)?.len() {
        0 => {}
        1 => {
            writeln!(out, "1 result that somebody released as it was sent may be read anew too: --released.")?
        }
        n => writeln!(
            out,
            "{n} results that somebody released as they were sent may be read anew too: --released."
        )?,
    }
    Ok(())
}

/// The results that are named, or all that wait, or were released, because something of them couldn't be read.
fn chosen(bearings: &Bearings, asked: &Reevaluate) -> Result<Vec<i64>, Box<dyn Error>> {
    if !asked.ids.is_empty() {
        return Ok(asked.ids.clone());
    }
    if asked.released {
        return released(bearings, asked);
    }
    let mut held = Reader::open(&bearings.journal.path)?.held(usize::MAX >> 1)?;
    held.retain(|it| {
        let may_change =
            it.detail.held_by_reading().any(|why| it.reasons.iter().any(|name| name == why.name()));
        let held_for = |reason: HoldReason| it.reasons.iter().any(|name| name == reason.name());
        may_change && is_wanted(asked, &it.detail, held_for)
    });
    Ok(held.into_iter().map(|it| it.observation.0).collect())
}

fn released(bearings: &Bearings, asked: &Reevaluate) -> Result<Vec<i64>, Box<dyn Error>> {
    let mut released = Reader::open(&bearings.journal.path)?.let_go_by_reading()?;
    released.retain(|it| is_wanted(asked, it.observation.reveal(), |reason| it.reasons.contains(&reason)));
    Ok(released.into_iter().map(|it| it.id.0).collect())
}

fn is_wanted(asked: &Reevaluate, it: &Observation, held_for: impl Fn(HoldReason) -> bool) -> bool {
    let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|it| it == name);
    asked.held_for.is_none_or(held_for)
        && is(&asked.instrument, it.instrument.as_str())
        && is(&asked.test, &it.test.code)
}

fn show(it: &Reevaluated, out: &mut impl Write) -> io::Result<()> {
    let Reevaluated { id, whose, was, became } = it;
    let Becomes { value, code, decisions, holds, leaves, corrects, voids } = match became {
        Ok(becomes) => becomes,
        Err(why) if was.is_empty() => return writeln!(out, "{id}: {why}"),
        Err(why) => return writeln!(out, "{id}  {whose}: {was}\n    stays: {why}"),
    };
    writeln!(out, "{id}  {whose}: {was}\n    becomes {value}")?;
    for decision in decisions {
        writeln!(out, "    {decision}")?;
    }
    if !holds.is_empty() {
        writeln!(out, "    held: {}", holds.join("; "))?;
    }
    if let Some(code) = code {
        writeln!(out, "    goes by another code: {code}")?;
    }
    if !voids.is_empty() {
        writeln!(out, "    void by its code before: {} is told so", voids.join(", "))?;
    }
    for (destinations, how) in [(leaves, "as a result"), (corrects, "as a correction of what is there")] {
        if !destinations.is_empty() {
            writeln!(out, "    leaves for {}, {how}", destinations.join(", "))?;
        }
    }
    Ok(())
}
