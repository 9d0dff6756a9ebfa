//! The keys that say which results a destination takes. Whether the instruments that they name exist isn't known here.

use crate::config::complaint::Complaint;
use crate::config::reader::{Entry, Table};
use crate::config::settings::{Kind, Selection, Takes, Whose};
use crate::domain::profile::Pattern;

/// What is taken, and the instruments that are named, each with its place.
pub(super) fn read(table: &mut Table<'_>, kind: &Kind) -> (Takes, Vec<Complaint>) {
    let (only, except) = (names(table, "instruments"), names(table, "except_instruments"));
    let patterns = |named: &[Complaint]| named.iter().map(|it| Pattern::new(it.message.as_str())).collect();
    let takes = Takes {
        instruments: Selection { only: patterns(&only), except: patterns(&except) },
        tests: Selection {
            only: table.list("tests", choice).unwrap_or_default(),
            except: table.list("except_tests", choice).unwrap_or_default(),
        },
        specimen_kinds: Selection {
            only: table.list("specimen_kinds", choice).unwrap_or_default(),
            except: table.list("except_specimen_kinds", choice).unwrap_or_default(),
        },
        whose: whose(table, kind),
    };
    (takes, only.into_iter().chain(except).collect())
}

fn whose(table: &mut Table<'_>, kind: &Kind) -> Whose {
    let Some(entry) = table.entry("qc") else { return Whose::Patients };
    match entry.flag() {
        Some(true) if matches!(kind, Kind::Fhir(_)) => {
            entry.error("FHIR has no place for control results; write qc = false, or another kind");
            Whose::Controls
        }
        Some(true) => Whose::Controls,
        Some(false) | None => Whose::Patients,
    }
}

/// The names of a list of instruments, each with its place.
pub(in crate::config) fn names(table: &mut Table<'_>, key: &'static str) -> Vec<Complaint> {
    table.list(key, name).unwrap_or_default()
}

fn name(entry: Entry<'_>) -> Option<Complaint> {
    entry.parsed(|text| pattern(text).map(|_| Complaint::new(entry.span(), text)))
}

/// A list of names.
pub(in crate::config) fn choices(table: &mut Table<'_>, key: &'static str) -> Vec<Pattern> {
    table.list(key, choice).unwrap_or_default()
}

fn choice(entry: Entry<'_>) -> Option<Pattern> {
    entry.parsed(pattern)
}

/// A name; a star at its start or end stands for anything.
fn pattern(text: &str) -> Result<Pattern, String> {
    let inner = text.strip_prefix('*').unwrap_or(text);
    let inner = inner.strip_suffix('*').unwrap_or(inner);
    if inner.contains('*') {
        return Err(format!("{text:?} has a * in the middle; one may stand at the start and at the end"));
    }
    Ok(Pattern::new(text))
}
