//! Reports as files. A report never replaces one that says something else: it gets the next revision's name.

use std::io;

use sha2::{Digest, Sha256};
use tokio::fs;

use super::report::Report;
use super::{csv, json};
use crate::config::settings::{ReportFormat, ReportSettings};
use crate::host::deposit::{self, PATIENCE, why};

/// Nobody revises a day's report so often.
const REVISIONS: u32 = 999;

/// SHA-256 of what a report says, without when and as which revision.
///
/// # Errors
/// Never in practice: every value can be JSON.
pub fn digest(report: &Report) -> Result<Vec<u8>, String> {
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
            deposit::put(&place, text.as_bytes()).await.map_err(|error| why(&error))?;
        }
        // A file that was found may be one whose rename a power cut would still undo.
        return deposit::sync(&settings.folder).await.map(|()| revision).map_err(|error| why(&error));
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
