//! `labwire archive`: which bytes would leave the journal now, and where those are that have. It changes nothing.

use std::io::Write;

use jiff::SignedDuration;

use super::Outcome;
use super::arguments::Archive;
use crate::clock;
use crate::config::Bearings;
use crate::exit::Exit;
use crate::journal::retention::Moved;
use crate::journal::{Reader, folder_of_archives};

const MIB: u64 = 1024 * 1024;

pub(super) fn run(bearings: &Bearings, asked: &Archive, out: &mut impl Write) -> Outcome {
    let (journal, retention) = (&bearings.journal.path, bearings.journal.retention);
    let reader = Reader::open(journal)?;
    match retention.most_bytes {
        Some(most) => {
            let (used, most) = (reader.bytes_in_use()? / MIB, most / MIB);
            writeln!(
                out,
                "The journal uses {used} MiB; above {most} the oldest leave sooner, from two years on."
            )?;
        }
        None => writeln!(
            out,
            "The journal uses {} MiB; [journal.retention] sets no most_mib.",
            reader.bytes_in_use()? / MIB
        )?,
    }
    match asked.keep_days.or(retention.keep_days) {
        Some(days) => {
            let age = SignedDuration::from_hours(24 * i64::from(days));
            let would = reader.would_leave(clock::now().saturating_sub(age)?)?;
            writeln!(out, "What is settled and older than {days} days, and would leave:")?;
            for (kind, Moved { items, bytes }) in &would {
                writeln!(out, "  {items:>9}  {} ({bytes} bytes)", in_words(kind))?;
            }
            if would.is_empty() {
                writeln!(out, "  nothing")?;
            }
        }
        None => writeln!(
            out,
            "Nothing leaves by its age: [journal.retention] has no keep_days. Try --keep-days."
        )?,
    }
    let archives = reader.archives()?;
    if archives.is_empty() {
        writeln!(out, "Nothing has left yet.")?;
        return Ok(Exit::Done);
    }
    writeln!(out, "Archives, in {}:", folder_of_archives(journal).display())?;
    for it in archives {
        let where_it_is = if it.is_there { "" } else { "; NOT THERE, bring it back to see what it holds" };
        let Moved { items, bytes } = it.holds;
        writeln!(out, "  {}: {items} rows, {bytes} bytes, last {}{where_it_is}", it.name, it.last_at)?;
    }
    Ok(Exit::Done)
}

fn in_words(kind: &str) -> &str {
    match kind {
        "parcel" => "parcels, as they arrived",
        "delivery" => "payloads, as they were sent",
        "answer" => "answers to them",
        _ => "cases that rules were asked about",
    }
}
