//! From a profile's TOML to a checked [`Profile`]. All faults are found at once, each with the place it stands at.
//! Reads no file but the profiles that are part of the program.

mod astm;
mod hl7;
mod raw;
mod shipped;
mod table;
mod tests_section;

use std::collections::BTreeMap;
use std::ops::Range;

use serde_spanned::Spanned;

use super::complaint::{Complaint, Remarks};
use super::reader::{self, Table};
use crate::domain;
use crate::domain::profile::{Aspect, Dialect, FlagMeaning, Profile, StatusMeaning, Trust};

pub use shipped::shipped;
pub(super) use table::time_format;

/// Reads a profile.
///
/// # Errors
/// Every fault in it, in the order of the text.
pub fn parse(text: &str) -> Result<Profile, Vec<Complaint>> {
    let raw: raw::Profile = toml::from_str(text)
        .map_err(|error| vec![Complaint::new(error.span().unwrap_or_default(), error.message())])?;
    let mut faults = Faults::default();
    let profile = profile(raw, text, &mut faults);
    faults.0.sort_by_key(|fault| fault.span.start);
    if faults.0.is_empty() { Ok(profile) } else { Err(faults.0) }
}

#[derive(Default)]
struct Faults(Vec<Complaint>);

impl Faults {
    fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.0.push(Complaint::new(span, message));
    }
}

fn profile(mut raw: raw::Profile, text: &str, faults: &mut Faults) -> Profile {
    name(&raw.name, faults);
    if *raw.revision.get_ref() == 0 {
        faults.add(raw.revision.span(), "revision is 0; revisions count from 1");
    }
    let dialect = match raw.protocol {
        raw::Protocol::Astm => Dialect::Astm(Box::new(astm::dialect(&mut raw, text, faults))),
        raw::Protocol::Hl7 => Dialect::Hl7(Box::new(hl7::dialect(&mut raw, text, faults))),
        raw::Protocol::Table => Dialect::Table(Box::new(table::dialect(&mut raw, faults))),
    };
    if let Some(table) = &raw.table {
        faults.add(table.span(), "[table] is of files; write protocol = \"table\"");
    }
    let sources = sources(raw.sources, faults);
    let tests = tests_section::tests(raw.tests, &sources, faults);
    let aspects = raw.aspects.into_iter().map(|(name, aspect)| {
        let result = aspect.result.map(|kind| tests_section::result_type(kind, aspect.values, faults));
        (name, Aspect { meaning: aspect.meaning, result, unit: aspect.unit })
    });
    let aspects = aspects.collect();
    for (letter, status) in &raw.statuses {
        let ready = matches!(status.means, raw::StatusKind::Final | raw::StatusKind::Correction);
        if ready && dialect.is_never_final(letter.get_ref()) {
            let text = format!(
                "HL7's {} says that a result isn't ready (R: not verified); it can't be final; write \"preliminary\"",
                letter.get_ref()
            );
            faults.add(letter.span(), text);
        }
    }
    Profile {
        name: raw.name.into_inner(),
        revision: raw.revision.into_inner(),
        vendor: raw.vendor,
        model: raw.model,
        note: raw.note,
        dialect,
        thousands_separator: raw.thousands_separator.and_then(|sign| thousands(&sign, faults)),
        dilutions: raw.dilutions.map(domain::Dilutions::from),
        tests,
        aspects,
        failed_values: raw.failed_values,
        statuses: raw
            .statuses
            .into_iter()
            .map(|(letter, status)| (letter.into_inner(), status_meaning(&status)))
            .collect(),
        flags: raw.flags.into_iter().map(|(flag, meaning)| (flag, flag_meaning(meaning))).collect(),
        unknown_status: raw.unknown_status.into(),
        unknown_flag: raw.unknown_flag.into(),
        equal_without_hour: raw.equal_without_hour.map(Into::into),
    }
}

/// What says how values are read would be taken for a document's name where it stands below the heading.
fn sources(raw: BTreeMap<Spanned<String>, String>, faults: &mut Faults) -> BTreeMap<String, String> {
    let settings = [
        "dilutions",
        "equal_without_hour",
        "protocol",
        "records",
        "segments",
        "thousands_separator",
        "unknown_flag",
        "unknown_status",
    ];
    for name in raw.keys().filter(|name| settings.contains(&name.get_ref().as_str())) {
        let text = format!("{} names no source here; write it above the first [table]", name.get_ref());
        faults.add(name.span(), text);
    }
    raw.into_iter().map(|(name, text)| (name.into_inner(), text)).collect()
}

/// A sign that can't be mistaken for a part of a number.
fn thousands(sign: &Spanned<String>, faults: &mut Faults) -> Option<char> {
    let mut signs = sign.get_ref().chars();
    match (signs.next(), signs.next()) {
        (Some(only @ (',' | '.' | '\'' | ' ' | '\u{a0}')), None) => Some(only),
        _ => {
            faults.add(sign.span(), "write one comma, full stop, apostrophe or space");
            None
        }
    }
}

fn name(name: &Spanned<String>, faults: &mut Faults) {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.get_ref().is_empty() || !name.get_ref().chars().all(allowed) {
        faults.add(name.span(), "a profile's name is made of lower-case letters, digits and hyphens");
    }
}

fn status_meaning(raw: &raw::Status) -> StatusMeaning {
    StatusMeaning { status: raw.means.into(), trust: trust(raw.in_doubt) }
}

fn flag_meaning(raw: raw::Flag) -> FlagMeaning {
    FlagMeaning { meaning: raw.meaning, trust: trust(raw.in_doubt) }
}

fn trust(in_doubt: bool) -> Trust {
    if in_doubt { Trust::InDoubt } else { Trust::Plain }
}

/// The `[link]` table, written as in an instrument file; the standard's where there is none.
fn link<T>(text: &str, faults: &mut Faults, standard: T, read: impl FnOnce(T, &mut Table<'_>) -> T) -> T
where
    T: Clone,
{
    let remarks = Remarks::default();
    let from = standard.clone();
    let changed = reader::document(text, &remarks, |file| {
        file.free_entries();
        file.table("link", |table| read(from, table))
    });
    faults.0.extend(remarks.into_parts().0);
    changed.flatten().unwrap_or(standard)
}

#[cfg(test)]
mod tests;
