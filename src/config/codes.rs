//! What a laboratory makes of an analyzer's test codes: `[codes]` of an instrument's file, and of the files in `codes.d`
//! that several instruments may share, with the panels made of them. What is wrong with one is told at its place; nothing is
//! filled in.

use std::collections::BTreeMap;

use labwire_units::Analytes;

use super::nearest::nearest;
use super::panels::Reported;
use super::reader::{Name, Table};
use super::settings::CodeMapping;
use super::{panels, ranges};
use crate::domain::profile::Profile;
use crate::domain::{CodeSystem, Coding, Panels, UnknownValue, ValueKind, is_loinc};

const KINDS: [(&str, ValueKind); 4] = [
    ("quantity", ValueKind::Quantity),
    ("coded", ValueKind::Coded),
    ("titre", ValueKind::Titre),
    ("text", ValueKind::Text),
];
const UNKNOWN_VALUES: [(&str, UnknownValue); 2] =
    [("hold", UnknownValue::Hold), ("show", UnknownValue::Show)];
const SYSTEMS: [(&str, CodeSystem); 3] =
    [("local", CodeSystem::Local), ("snomed", CodeSystem::Snomed), ("loinc", CodeSystem::Loinc)];

#[derive(Debug, Clone, Default)]
pub(super) struct Codes {
    /// By the analyzer's code.
    pub(super) codes: BTreeMap<String, CodeMapping>,
    pub(super) panels: Panels,
}

/// Reads a file of `codes.d`.
pub(super) fn read(file: &mut Table<'_>, analytes: &Analytes) -> Codes {
    let codes = named(file, analytes);
    let panels = panels::read(file, &Reported { codes: &codes, profile: None });
    Codes { codes, panels }
}

fn named(file: &mut Table<'_>, analytes: &Analytes) -> BTreeMap<String, CodeMapping> {
    file.named_tables("codes", |name, table| code(&name, table, analytes)).into_iter().collect()
}

/// An instrument's codes: those of the map that it names, and its own, each whole in the place of the map's; its panels
/// likewise.
pub(super) fn of_instrument(
    file: &mut Table<'_>,
    maps: &BTreeMap<String, Codes>,
    analytes: &Analytes,
    profile: Option<&Profile>,
) -> Codes {
    let shared = file.parsed("code_map", |name| known_map(name, maps)).unwrap_or_default();
    let Codes { mut codes, mut panels } = shared;
    codes.extend(named(file, analytes));
    let reported = Reported { codes: &codes, profile };
    let own = panels::read(file, &reported);
    panels.retain(|name, _| !own.contains_key(name));
    reported.objections(&panels).into_iter().for_each(|why| file.error(why));
    panels.extend(own);
    Codes { codes, panels }
}

fn known_map(name: &str, maps: &BTreeMap<String, Codes>) -> Result<Codes, String> {
    if let Some(codes) = maps.get(name) {
        return Ok(codes.clone());
    }
    Err(match nearest(name, maps.keys().map(String::as_str)) {
        Some(known) => format!("there is no codes.d/{name}.toml; did you mean \"{known}\"?"),
        None => format!("there is no codes.d/{name}.toml; write the name of a file that is there"),
    })
}

fn code(name: &Name<'_>, table: &mut Table<'_>, analytes: &Analytes) -> (String, CodeMapping) {
    let mapping = CodeMapping {
        lims_code: table.parsed("lims_code", |text| filled("lims_code", text)),
        loinc: table.parsed("loinc", loinc),
        unit: table.parsed("unit", |text| filled("unit", text)),
        analyte: table.parsed("analyte", |text| known_analyte(text, analytes)),
        kind: table.choice("result", &KINDS),
        values: table.named_tables("values", value).into_iter().flatten().collect(),
        unknown_value: table.choice("unknown_value", &UNKNOWN_VALUES).unwrap_or_default(),
        ranges: ranges::read(table),
    };
    if mapping.kind == Some(ValueKind::Coded)
        && mapping.values.is_empty()
        && mapping.unknown_value == UnknownValue::Hold
    {
        table.error(format!(
            "{} is \"coded\" and has no values; write [codes.{}.values], or unknown_value = \"show\" to let all leave as they come",
            table.title(), name.text
        ));
    }
    (name.text.to_owned(), mapping)
}

/// One value as sent, and what it is called; nothing where its code is missing or can't be right.
fn value(name: Name<'_>, table: &mut Table<'_>) -> Option<(String, Coding)> {
    if name.text.trim() != name.text || name.text.is_empty() {
        name.error("a value is compared without the spaces around it; write it without them");
    }
    let system = table.choice("system", &SYSTEMS).unwrap_or(CodeSystem::Local);
    let text = table.parsed("text", |text| filled("text", text));
    let code = table.required("code", "\"what it is called\"")?;
    let code = code.parsed(|code| match system.can_be(code) {
        true => Ok(code.to_owned()),
        false => Err(wrong_code(system, code)),
    })?;
    Some((name.text.to_owned(), Coding { code, system, text }))
}

fn wrong_code(system: CodeSystem, code: &str) -> String {
    match system {
        CodeSystem::Local => "code is empty; fill it in or remove the value".to_owned(),
        CodeSystem::Snomed => {
            format!(
                "{code:?} is no SNOMED CT code: its check digit doesn't fit; write one such as \"260373001\""
            )
        }
        CodeSystem::Loinc => format!("{code:?} is no answer of LOINC; write one such as \"LA6576-8\""),
    }
}

fn known_analyte(name: &str, analytes: &Analytes) -> Result<String, String> {
    if analytes.named(name).is_some() {
        return Ok(name.to_owned());
    }
    Err(match nearest(name, analytes.iter().map(|analyte| analyte.id.as_str())) {
        Some(known) => format!("unknown analyte \"{name}\"; did you mean \"{known}\"?"),
        None => format!("unknown analyte \"{name}\"; describe it in analytes.toml"),
    })
}

pub(super) fn filled(key: &str, text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err(format!("{key} is empty; fill it in or remove the line"));
    }
    Ok(text.to_owned())
}

/// A LOINC number, with its check digit.
pub(super) fn loinc(text: &str) -> Result<String, String> {
    if is_loinc(text) {
        return Ok(text.to_owned());
    }
    Err(format!("{text:?} is no LOINC number; write one such as \"2345-7\""))
}
