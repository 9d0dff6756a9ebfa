//! `labwire salvage`: what can be read of a damaged journal, to be compared with the LIMS. It changes nothing.

use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Outcome;
use super::local::here;
use crate::clock;
use crate::domain::written::moment;
use crate::exit::Exit;
use crate::journal::salvage::{Found, Line, Open, salvage};

pub(super) fn run(file: &Path, since: Option<&str>, out: &mut impl Write) -> Outcome {
    let now = clock::now().to_zoned(TimeZone::system());
    let since = since
        .map(|text| moment(text, &now).map_err(|why| why.english()))
        .transpose()?
        .unwrap_or(Timestamp::MIN);
    let salvaged = salvage(file, since)?;
    let mut missing = 0;
    for found in &salvaged.results {
        missing += usize::from(is_missing(found));
        writeln!(out, "{}", sentence(found))?;
    }
    for (message, at) in &salvaged.unread {
        writeln!(
            out,
            "{}  message {message} was received and not read: have the analyzer send it again",
            here(*at)
        )?;
    }
    for open in &salvaged.problems {
        writeln!(out, "{}", of_problem(open))?;
    }
    let (results, unread, problems) =
        (salvaged.results.len(), salvaged.unread.len(), salvaged.problems.len());
    let lost = match salvaged.lost {
        0 => "no row is lost".to_owned(),
        // A table that can't be read at all doesn't say how many it had.
        lost => format!("{lost} rows or more are lost"),
    };
    writeln!(
        out,
        "Read: {results} results. Of them {missing} may be missing somewhere; {unread} messages were not read, {problems} problems were \
         open, and {lost}."
    )?;
    if salvaged.lost > 0 {
        writeln!(
            out,
            "NOT EVERYTHING COULD BE READ: results that aren't named here may have been received and never delivered. Compare the \
             analyzers' own lists with the LIMS for all of that time."
        )?;
    }
    let all_is_there = missing + unread + problems == 0 && salvaged.lost == 0;
    Ok(if all_is_there { Exit::Done } else { Exit::Open })
}

/// What was open may stand in the place of a result.
fn of_problem(it: &Open) -> String {
    let message = it.message.map(|message| format!(" of message {message}")).unwrap_or_default();
    let specimen = match it.specimen.reveal().as_str() {
        "" => String::new(),
        number => format!(", specimen {number}"),
    };
    let Open { at, id, kind, instrument, text, .. } = it;
    format!(
        "{}  problem {id}{message} from {instrument}{specimen}: OPEN: {kind}: {}",
        here(*at),
        text.reveal()
    )
}

fn is_missing(found: &Found) -> bool {
    found.lines.as_ref().is_none_or(|lines| lines.iter().any(Line::is_missing))
}

fn sentence(found: &Found) -> String {
    let it = found.result.reveal();
    let unit = it.unit.as_deref().unwrap_or_default();
    let what = format!(
        "{}  observation {} from {}: {} {} {} {unit}",
        here(found.recorded_at),
        found.id,
        it.instrument,
        it.specimen.reveal(),
        it.test.code,
        it.value_as_sent
    );
    let what = match found.over {
        Some(over) => format!("{what}; {over}"),
        None => what,
    };
    let Some(lines) = &found.lines else { return format!("{what}; WHERE IT IS CAN'T BE READ") };
    let lines = lines.iter().map(|line| {
        let key = line.key.as_ref().map(|key| format!(", key {key}")).unwrap_or_default();
        let Line { destination, state, since, .. } = line;
        let not = if line.is_missing() { "NOT SETTLED: " } else { "" };
        format!("; {destination}: {not}{state} since {}{key}", here(*since))
    });
    format!("{what}{}", lines.collect::<String>())
}
