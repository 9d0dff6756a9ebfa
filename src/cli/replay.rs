//! `labwire rules replay`: every decision is made again from what is kept beside it, and must come out the same; against
//! the rules of another folder, what they would have decided otherwise, with a report. It changes nothing.

mod report;

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::Outcome;
use super::arguments::Replay as Asked;
use crate::clock;
use crate::config::{self, Settings};
use crate::domain::Rules;
use crate::exit::Exit;
use crate::gateway;
use crate::journal::Reader;
use crate::pipeline::rules::try_examples;
use crate::pipeline::runner::{Replay, Reproduced};

use report::{Head, Report};

/// Who signed what is in force.
const NOBODY: &str = "nothing: nobody has signed any rules";

pub(super) fn run(settings: &Settings, asked: &Asked, out: &mut impl Write) -> Outcome {
    let now = clock::now();
    let since = now.saturating_sub(asked.last).unwrap_or(Timestamp::MIN);
    let reader = Mutex::new(Reader::open(&settings.journal.path)?);
    let again = Reproduced::since(&reader, since)?;
    tell(&again, out)?;
    let is_same = again.otherwise.is_empty() && again.unread.is_empty();
    let Some(folder) = &asked.against else { return Ok(if is_same { Exit::Done } else { Exit::Failed }) };

    let candidate = match config::rules::of_folder(folder, &settings.rules.calls) {
        Ok(candidate) => candidate,
        Err(errors) => {
            writeln!(io::stderr(), "{errors}")?;
            return Ok(Exit::Configuration);
        }
    };
    let (in_force, signed) = in_force(settings)?;
    if in_force.as_ref().is_some_and(|it| it.sha256 == candidate.sha256) {
        writeln!(
            out,
            "The rules of {} are those in force: nothing can come out otherwise.",
            folder.display()
        )?;
        return Ok(if is_same { Exit::Done } else { Exit::Failed });
    }
    let trial = try_examples(&candidate.checks);
    let head = Head {
        site: settings.site.clone(),
        written_at: now,
        since,
        signed,
        candidate: format!("{}, SHA-256 {}", folder.display(), candidate.sha256),
        again,
        trial,
    };
    let mut report = Report::new(head, &candidate.checks);
    let candidate = Arc::new(candidate);
    let replay =
        Replay { reader, site: gateway::site(settings), in_force, candidate: Arc::clone(&candidate) };
    let left_out = replay.compare(since, |it| report.add(it))?;
    report.left_out = left_out;
    let stem = format!("rules-replay-{}-{}", candidate.sha256.get(..12).unwrap_or_default(), stamp(now));
    let place = |extension: &str| asked.report.join(format!("{stem}.{extension}"));
    write_new(&place("md"), &report.markdown())?;
    write_new(&place("csv"), &report.csv())?;
    writeln!(out, "{}", report.summary())?;
    writeln!(out, "Written: {} and .csv. The CSV names specimens.", place("md").display())?;
    Ok(if is_same { Exit::Done } else { Exit::Failed })
}

fn tell(again: &Reproduced, out: &mut impl Write) -> io::Result<()> {
    let Reproduced { cases, otherwise, unread } = again;
    writeln!(out, "{cases} decisions were made again, {} came out otherwise.", otherwise.len())?;
    for id in otherwise {
        writeln!(out, "    observation {id} is decided otherwise")?;
    }
    if !unread.is_empty() {
        writeln!(
            out,
            "{} couldn't be: this version doesn't read their rules, or not as they were read then.",
            unread.len()
        )?;
    }
    Ok(())
}

type InForce = (Option<Arc<Rules>>, String);

/// The rules in force, and who signed them.
fn in_force(settings: &Settings) -> Result<InForce, Box<dyn std::error::Error>> {
    let reader = Reader::open(&settings.journal.path)?;
    let Some(signed) = reader.signed_rules()? else { return Ok((None, NOBODY.to_owned())) };
    let rules = config::rules::read(&reader.rules_text(&signed)?)?;
    let by = format!("SHA-256 {}, signed by {} at {}", signed.sha256, signed.signing.by, signed.at);
    Ok((Some(Arc::new(rules)), by))
}

fn stamp(now: Timestamp) -> String {
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Never over a file that is there: somebody may have signed it.
fn write_new(path: &PathBuf, text: &str) -> Result<(), String> {
    let written = || -> io::Result<()> {
        // It names specimens.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    written().map_err(|error| format!("failed to write {}: {error}", Path::display(path)))
}
