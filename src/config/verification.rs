//! The keys of `labwire.toml` about who verifies: who may put rules in force, and what is suspended for the time being.

use super::complaint::Complaint;
use super::destination::takes;
use super::reader::Table;
use super::settings::{Selection, Suspension};
use crate::domain::profile::Pattern;

/// The accounts that may sign rules; none: whoever may use the control socket.
pub(super) fn signers(table: &mut Table<'_>) -> Vec<String> {
    table.list("signers", |entry| entry.parsed(account)).unwrap_or_default()
}

fn account(name: &str) -> Result<String, String> {
    if name.is_empty() || name.contains(|sign: char| sign.is_whitespace() || sign == ':') {
        return Err(format!("{name:?} is no system user; write one such as \"mgarcia\""));
    }
    Ok(name.to_owned())
}

/// What is suspended, and the instruments that are named, each with its place.
pub(super) fn suspension(table: &mut Table<'_>) -> Option<(Suspension, Vec<Complaint>)> {
    let named = takes::names(table, "instruments");
    let instruments = named.iter().map(|it| Pattern::new(it.message.as_str())).collect();
    let chosen = |only| Selection { only, except: Vec::new() };
    let (instruments, tests) = (chosen(instruments), chosen(takes::choices(table, "tests")));
    let reason = table.required("reason", "\"why, and since when\"").and_then(|entry| {
        entry.parsed(|text| match text.trim() {
            "" => Err("reason is empty; write why, for who comes after you".to_owned()),
            reason => Ok(reason.to_owned()),
        })
    })?;
    Some((Suspension { instruments, tests, reason }, named))
}
