//! `[destination.NAME]`: where results go. What every destination has is read here, what its kind adds beside it. It
//! reads the token and certificate files that a destination names; it never connects.

mod fhir;
mod folder;
mod hl7;
mod http;
mod mllp;
pub(super) mod takes;
pub(super) mod web;

use std::path::Path;
use std::time::Duration;

use super::complaint::Complaint;
use super::reader::{Name, Table};
use super::settings::{
    Backoff, Breaker, Destination, Folder, Format, Kind, Mode, OnUnknown, Release, VerdictKind, WhileHeld,
};
use crate::domain::DestinationId;

const KINDS: [(&str, Reader); 4] =
    [("http", http::read), ("fhir", fhir::read), ("mllp", mllp::read), ("file", folder::read)];
const MODES: [(&str, Mode); 3] = [("live", Mode::Live), ("test", Mode::Test), ("drain", Mode::Drain)];
const RELEASES: [(&str, Release); 3] = [
    ("pass-through", Release::PassThrough),
    ("hold-exceptions", Release::HoldExceptions),
    ("full", Release::Full),
];
const WHILE_HELD: [(&str, WhileHeld); 2] =
    [("nothing", WhileHeld::Nothing), ("preliminary", WhileHeld::Preliminary)];
const VERDICTS: [(&str, VerdictKind); 6] = [
    ("accepted", VerdictKind::Accepted),
    ("staged", VerdictKind::Staged),
    ("duplicate", VerdictKind::Duplicate),
    ("retry", VerdictKind::Retry),
    ("refused", VerdictKind::Refused),
    ("unknown", VerdictKind::Unknown),
];

/// Reads the keys of one kind. Paths in them are relative to the folder.
type Reader = fn(&mut Table<'_>, &Path) -> Read;

/// What a kind's keys say.
struct Read {
    kind: Kind,
    parallel: usize,
    on_unknown: OnUnknown,
}

/// A destination as far as it could be read. Errors were noted: with any of them it is not used.
pub(super) struct Draft {
    pub(super) destination: Destination,
    /// The instruments that its file names, each with its place.
    pub(super) instruments: Vec<Complaint>,
}

/// Reads one destination; `None` where its kind is unknown. Paths in it are relative to `folder`.
pub(super) fn read(name: Name<'_>, table: &mut Table<'_>, folder: &Path) -> Option<Draft> {
    if let Err(message) = super::id("a destination's name", name.text) {
        name.error(message);
    }
    let reader = match table.entry("kind").map(|entry| entry.choice(&KINDS)) {
        None => http::read,
        Some(Some(reader)) => reader,
        Some(None) => {
            // Which keys belong here can't be told.
            table.free_entries();
            return None;
        }
    };
    let Read { kind, parallel, on_unknown } = reader(table, folder);
    let (takes, instruments) = takes::read(table, &kind);
    let critical_calls = critical_calls(table, &kind);
    let release = table.choice("release", &RELEASES).unwrap_or_default();
    let held = while_held(table, release);
    let destination = Destination {
        id: DestinationId::new(name.text),
        kind,
        parallel,
        backoff: backoff(table),
        breaker: Breaker {
            failures: table.number("breaker_failures", 1..=1_000).unwrap_or(5),
            rest: table.seconds("breaker_rest_secs", 1..=3_600).unwrap_or(Duration::from_secs(60)),
        },
        on_unknown,
        per_second: table.number("per_second", 1..=10_000).unwrap_or(100),
        mode: table.choice("mode", &MODES).unwrap_or_default(),
        release,
        held,
        critical_calls,
        takes,
    };
    Some(Draft { destination, instruments })
}

fn while_held(table: &mut Table<'_>, release: Release) -> WhileHeld {
    let Some(entry) = table.entry("while_held") else { return WhileHeld::default() };
    let held = entry.choice(&WHILE_HELD).unwrap_or_default();
    if (held, release) == (WhileHeld::Preliminary, Release::PassThrough) {
        entry.error(
            "with release = \"pass-through\" nothing is held back that could be told so; remove this line, or write release = \"hold-exceptions\" or \"full\"",
        );
    }
    held
}

/// A line of CSV is a result: it has no place for what isn't one, and a repeated line would be a doubled result.
fn critical_calls(table: &mut Table<'_>, kind: &Kind) -> bool {
    let has_place = !matches!(kind, Kind::Folder(Folder { format: Format::Csv, .. }));
    let entry = table.entry("critical_calls");
    let wanted = entry.as_ref().and_then(|entry| entry.flag());
    if let (Some(entry), Some(true), false) = (entry, wanted, has_place) {
        entry.error(
            "csv has one line a result and no place for calls; remove this line, or write format = \"hl7\"",
        );
    }
    wanted.unwrap_or(has_place)
}

fn backoff(table: &mut Table<'_>) -> Backoff {
    let first = table.seconds("backoff_first_secs", 1..=3_600).unwrap_or(Duration::from_secs(1));
    let longest = table.seconds("backoff_longest_secs", 1..=86_400).unwrap_or(Duration::from_secs(300));
    if first > longest {
        table.error(format!(
            "backoff_first_secs is {} and backoff_longest_secs {}; let the longest be no less than the first",
            first.as_secs(),
            longest.as_secs()
        ));
    }
    Backoff { first, longest }
}
