//! Reports as files: written under a temporary name, synced, renamed, and the folder synced. A report never replaces one
//! that says something else: it gets the next revision's name.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::report::Report;
use super::{csv, json};
use crate::config::settings::{ReportFormat, ReportSettings};

/// A share that hangs longer than this is given up for now.
const PATIENCE: Duration = Duration::from_secs(60);
/// The owner writes and the group reads: it names specimens.
const MODE: u32 = 0o640;
/// Nobody revises a day's report so often.
const REVISIONS: u32 = 999;

/// SHA-256 of what a report says, without when and as which revision.
pub(super) fn digest(report: &Report) -> Result<Vec<u8>, String> {
    let mut hash = Sha256::new();
    for line in says(&json(report, 1)?) {
        hash.update(line);
        hash.update(b"\n");
    }
    Ok(hash.finalize().to_vec())
}

/// Writes a report as the first revision from `revision` on whose names are free, or taken by files that say the same.
/// Tells which. Errors are words for a person.
pub(super) async fn put(settings: &ReportSettings, report: &Report, revision: u32) -> Result<u32, String> {
    match tokio::time::timeout(PATIENCE, find_place(settings, report, revision)).await {
        Ok(put) => put,
        Err(_) => Err("the folder doesn't answer".to_owned()),
    }
}

async fn find_place(settings: &ReportSettings, report: &Report, first: u32) -> Result<u32, String> {
    'revisions: for revision in first..=REVISIONS {
        let mut missing = Vec::new();
        for format in &settings.formats {
            let (extension, text) = rendered(*format, report, revision)?;
            let place = settings.folder.join(name(report, revision, extension));
            match fs::read_to_string(&place).await {
                Ok(found) if says(&found).eq(says(&text)) => {}
                Ok(_) => continue 'revisions,
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push((place, text)),
                Err(error) => return Err(why(&error)),
            }
        }
        for (place, text) in missing {
            write(&settings.folder, &place, text.as_bytes()).await.map_err(|error| why(&error))?;
        }
        // A file that was found may be one whose rename a power cut would still undo.
        let synced = async { File::open(&settings.folder).await?.sync_all().await };
        return synced.await.map(|()| revision).map_err(|error| why(&error));
    }
    Err(format!("{} holds other reports of this day up to revision {REVISIONS}", settings.folder.display()))
}

fn rendered(format: ReportFormat, report: &Report, revision: u32) -> Result<(&'static str, String), String> {
    Ok(match format {
        ReportFormat::Json => ("json", json(report, revision)?),
        ReportFormat::Csv => ("csv", csv(report, revision)),
    })
}

fn name(report: &Report, revision: u32, extension: &str) -> String {
    let suffix = if revision > 1 { format!("-r{revision}") } else { String::new() };
    format!("reconciliation-{}{suffix}.{extension}", report.day.name())
}

/// The lines of a file but for those that tell when it was made and as which revision.
fn says(text: &str) -> impl Iterator<Item = &str> {
    let of_making = |line: &&str| {
        ["  \"as_of\": ", "  \"revision\": "].iter().any(|start| line.starts_with(start))
            || line.split_once(',').is_some_and(|(_, rest)| rest.starts_with("report,"))
    };
    text.lines().filter(move |line| !of_making(line))
}

async fn write(folder: &Path, place: &Path, content: &[u8]) -> io::Result<()> {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let draft: PathBuf = folder.join(format!(".{name}.tmp"));
    let written = async {
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(true).mode(MODE).open(&draft).await?;
        // Whatever the service's umask takes away: the folder is there for others to read from.
        file.set_permissions(Permissions::from_mode(MODE)).await?;
        file.write_all(content).await?;
        file.flush().await?;
        file.sync_all().await?;
        fs::rename(&draft, place).await
    };
    let written = written.await;
    if written.is_err() {
        // What is left of it is written over by the next attempt.
        let _ = fs::remove_file(&draft).await;
    }
    written
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the folder's disk is full; free some space there".to_owned()
        }
        io::ErrorKind::NotFound => "the folder doesn't exist; make it, or mount what it is on".to_owned(),
        io::ErrorKind::NotADirectory => "the folder is a file; name another".to_owned(),
        io::ErrorKind::PermissionDenied => "the service may not write into the folder".to_owned(),
        _ => error.to_string(),
    }
}
