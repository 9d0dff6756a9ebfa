//! The keys that say which results a destination takes. Whether the instruments that they name exist isn't known here.

use crate::config::complaint::Complaint;
use crate::config::reader::{Entry, Table};
use crate::config::settings::{Selection, Takes};
use crate::domain::profile::Pattern;

/// What is taken, and the instruments that are named, each with its place.
pub(super) fn read(table: &mut Table<'_>) -> (Takes, Vec<Complaint>) {
    let only = names(table, "instruments");
    let except = names(table, "except_instruments");
    let patterns = |named: &[Complaint]| named.iter().map(|it| Pattern::new(it.message.as_str())).collect();
    let instruments = Selection { only: patterns(&only), except: patterns(&except) };
    let tests = Selection { only: choice(table, "tests"), except: choice(table, "except_tests") };
    let specimen_kinds =
        Selection { only: choice(table, "specimen_kinds"), except: choice(table, "except_specimen_kinds") };
    (Takes { instruments, tests, specimen_kinds }, only.into_iter().chain(except).collect())
}

fn names(table: &mut Table<'_>, key: &'static str) -> Vec<Complaint> {
    let name = |entry: Entry<'_>| entry.text().map(|name| Complaint::new(entry.span(), name));
    table.list(key, name).unwrap_or_default()
}

fn choice(table: &mut Table<'_>, key: &'static str) -> Vec<Pattern> {
    table.list(key, |entry| entry.parsed(pattern)).unwrap_or_default()
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
