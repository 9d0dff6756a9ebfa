//! `labwire backup`, `verify`, `restore` and `resume`: copies of the journal, and the way back from one.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Outcome;
use crate::clock;
use crate::config::Bearings;
use crate::exit::Exit;
use crate::host::control::{self, Request, Response};
use crate::journal::OpenError;
use crate::journal::backup::{self, BackupError, Keep};
use crate::journal::verify::{Verified, verify};

/// Makes a copy in `to`, or where the configuration says, and removes those that are too many there.
pub(super) fn back_up(bearings: &Bearings, to: Option<&Path>, out: &mut impl Write) -> Outcome {
    if !bearings.journal.path.exists() {
        writeln!(out, "There is no journal yet, and so nothing to copy.")?;
        return Ok(Exit::Done);
    }
    let folder = match (to, &bearings.backup, &bearings.whole) {
        (Some(folder), ..) => folder,
        (None, Some(backup), _) => &backup.folder,
        (None, None, whole) => {
            if let Err(errors) = whole {
                writeln!(io::stderr(), "{errors}")?;
            }
            return Ok(Exit::Configuration);
        }
    };
    if !folder.is_dir() {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    let copied =
        match backup::back_up(&bearings.journal.path, folder, bearings.journal.reserve_bytes, clock::now()) {
            Ok(copied) => copied,
            Err(error) => return failed(&error),
        };
    writeln!(out, "{}: {} bytes, SHA-256 {}", copied.path.display(), copied.bytes, copied.sha256)?;
    say(&copied.verified, out)?;
    // Copies in another folder are somebody else's to count.
    if let (None, Some(backup)) = (to, &bearings.backup) {
        let copies = backup::copies(folder)?;
        let made: Vec<_> = copies.iter().map(|(at, _)| *at).collect();
        let keep = Keep { days: backup.keep_days, weeks: backup.keep_weeks, months: backup.keep_months };
        let gone = backup::too_many(&made, keep);
        for (_, path) in copies.iter().filter(|(at, _)| gone.contains(at)) {
            backup::discard(path)?;
            writeln!(out, "{}: removed, there are newer ones", path.display())?;
        }
    }
    Ok(Exit::Done)
}

/// Reads the journal, or a file, to its end.
pub(super) fn check(bearings: &Bearings, file: Option<&Path>, out: &mut impl Write) -> Outcome {
    let verified = match verify(file.unwrap_or(&bearings.journal.path)) {
        Ok(verified) => verified,
        Err(error) => return failed(&BackupError::Open(error)),
    };
    for fault in &verified.faults {
        writeln!(out, "FAULT: {fault}")?;
    }
    say(&verified, out)?;
    Ok(if verified.faults.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Puts a copy in the journal's place.
pub(super) fn restore(bearings: &Bearings, copy: &Path, out: &mut impl Write) -> Outcome {
    let restored = match backup::restore(copy, &bearings.journal.path, clock::now()) {
        Ok(restored) => restored,
        Err(error) => return failed(&error),
    };
    say(&restored.verified, out)?;
    writeln!(out, "{} stands in for the journal {}.", copy.display(), bearings.journal.path.display())?;
    if let Some(aside) = restored.aside {
        writeln!(out, "The journal that stood there is kept as {}.", aside.display())?;
    }
    writeln!(
        out,
        "Start labwire: it receives, and delivers nothing. Compare with the LIMS, decide over what `labwire held` and \
         `labwire dead-letters` show, then `labwire resume --reason …`."
    )?;
    Ok(Exit::Done)
}

/// Lets deliveries go on.
pub(super) fn resume(bearings: &Bearings, send: bool, reason: &str, out: &mut impl Write) -> Outcome {
    let request = Request::Resume { send_waiting: send, reason: reason.to_owned() };
    match control::ask(&bearings.control_socket, &request)? {
        Response::Done => {
            writeln!(out, "Results are delivered again.")?;
            Ok(Exit::Done)
        }
        Response::Refused { why } => {
            writeln!(out, "Refused: {why}")?;
            Ok(Exit::Failed)
        }
        _ => Err("the gateway answered another question".into()),
    }
}

fn say(verified: &Verified, out: &mut impl Write) -> io::Result<()> {
    let Verified { parcels, deliveries, audit_rows, elsewhere, faults } = verified;
    for (name, rows) in elsewhere {
        writeln!(
            out,
            "Not looked at: the bytes of {rows} rows are in the archive {name}, which isn't here."
        )?;
    }
    let end = if faults.is_empty() { "all as they were written" } else { "NOT all as they were written" };
    writeln!(out, "Read: {parcels} parcels, {deliveries} deliveries, {audit_rows} steps of the audit; {end}.")
}

fn failed(error: &BackupError) -> Outcome {
    writeln!(io::stderr(), "labwire: {error}")?;
    Ok(match error {
        BackupError::Open(OpenError::InUse(_)) => Exit::Busy,
        BackupError::Open(_)
        | BackupError::Faulty { .. }
        | BackupError::Checksum { .. }
        | BackupError::NoCopy { .. } => Exit::Journal,
        _ => Exit::Failed,
    })
}
