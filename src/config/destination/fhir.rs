//! The keys of a destination that is a FHIR R4 server. It never connects.

use std::collections::BTreeMap;
use std::path::Path;

use super::Read;
use super::web::{self, rule, web_address};
use crate::config::reader::{Entry, Name, Table};
use crate::config::settings::{Fhir, FhirNames, Kind, OnUnknown};

const ON_UNKNOWN: [(&str, OnUnknown); 3] =
    [("probe", OnUnknown::Probe), ("resend", OnUnknown::Resend), ("ask", OnUnknown::Ask)];

pub(super) fn read(table: &mut Table<'_>, folder: &Path) -> Read {
    let url = table.required("url", "\"https://lims.example/fhir\"");
    let url = url.and_then(|entry| base(&entry)).unwrap_or_default();
    let fhir =
        Fhir { url, web: web::read(table, folder), names: names(table), rules: table.tables("rule", rule) };
    let on_unknown = table.choice("on_unknown", &ON_UNKNOWN).unwrap_or(OnUnknown::Probe);
    let parallel = table.number("parallel", 1..=64).unwrap_or(4);
    Read { kind: Kind::Fhir(fhir), parallel, on_unknown }
}

/// Paths are put behind it, so it has none of the rest of an address.
fn base(entry: &Entry<'_>) -> Option<String> {
    let address = web_address(entry)?;
    if address.contains(['?', '#']) {
        entry.error(
            "a server's base address ends before ? and #; write one such as \"https://lims.example/fhir\"",
        );
        return None;
    }
    Some(address.trim_end_matches('/').to_owned())
}

fn names(table: &mut Table<'_>) -> FhirNames {
    let base = table.required("system", "\"https://lab.example/labwire\"");
    let base = base.and_then(|entry| entry.parsed(web_system)).unwrap_or_default();
    let below = |what: &str| format!("{base}/{what}");
    let ucum = table.table("ucum", |table| {
        let code = |(unit, entry): (Name<'_>, Entry<'_>)| {
            Some((unit.text.to_owned(), entry.named("the UCUM code").parsed(ucum)?))
        };
        table.free_entries().into_iter().filter_map(code).collect::<BTreeMap<_, _>>()
    });
    FhirNames {
        specimen_system: table.parsed("specimen_system", system).unwrap_or_else(|| below("specimen")),
        patient_system: table.parsed("patient_system", system),
        code_system: table.parsed("code_system", system).unwrap_or_else(|| below("test")),
        ucum: ucum.unwrap_or_default(),
        system: base,
    }
}

/// A system under which others stand.
fn web_system(text: &str) -> Result<String, String> {
    let no_address =
        || format!("{text:?} is no address of yours; write one such as \"https://lab.example/labwire\"");
    let system = system(text).map_err(|_| no_address())?;
    match system.split_once("://") {
        Some(("http" | "https", host)) if !host.is_empty() => Ok(system.trim_end_matches('/').to_owned()),
        _ => Err(no_address()),
    }
}

/// An identifier system: any URI.
fn system(text: &str) -> Result<String, String> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '|' | '"' | '<' | '>' | '\\');
    if text.contains(':') && !text.contains(odd) && text.len() <= 255 {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no identifier system; write a URI such as \"urn:oid:2.999.1\""))
}

/// A UCUM code is visible ASCII; whether it is the right one, only the site knows.
fn ucum(text: &str) -> Result<String, String> {
    if (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no UCUM code; write one such as \"mg/dL\" or \"10*3/uL\""))
}
