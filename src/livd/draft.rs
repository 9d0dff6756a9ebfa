//! A code map as TOML, for a person to complete: what the table says without doubt is written, what it leaves open stands
//! commented out as a question. It writes no LIMS code: no manufacturer knows those.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::catalogue::{Catalogue, Entry, Unused};

/// A draft, and what of its table it leaves to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub text: String,
    /// Codes with one LOINC code and no doubt.
    pub written: usize,
    /// Codes that ask.
    pub asked: Vec<Question>,
    /// Every row that isn't in it, or only as a part of a question, in the order of the table.
    pub unused: Vec<Unused>,
}

/// A code of which the table doesn't say one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub code: String,
    pub rows: Vec<u64>,
    pub why: &'static str,
}

/// Writes the code map of one model.
///
/// # Errors
/// The table is about several models, none of which is `model`: one code may mean different things on them.
pub fn draft(catalogue: &Catalogue, model: Option<&str>, from: &str) -> Result<Draft, String> {
    let names: BTreeSet<&str> = catalogue.models().into_iter().map(|model| model.model.as_str()).collect();
    let listed = || names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    match model {
        Some(name) if !names.contains(name) => {
            return Err(format!("the table has no model {name:?}, but {}", listed()));
        }
        None if names.len() > 1 => {
            return Err(format!("the table is about several models; say which with --model: {}", listed()));
        }
        _ => {}
    }
    let wanted = |entry: &&Entry| model.is_none_or(|name| name == entry.model.model);
    let mut codes: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in catalogue.entries.iter().filter(wanted) {
        codes.entry(&entry.code).or_default().push(entry);
    }
    let mut draft = Draft {
        text: head(catalogue, from),
        written: 0,
        asked: Vec::new(),
        unused: catalogue.unused.clone(),
    };
    for (code, entries) in codes {
        let faulty = entries.iter().filter_map(|entry| Some((entry, entry.loinc.as_ref().err()?)));
        draft.unused.extend(faulty.map(|(entry, why)| Unused { row: entry.row, why: why.clone() }));
        match question(&entries) {
            None => {
                draft.written += 1;
                write_code(&mut draft.text, code, &entries);
            }
            Some(why) => {
                let rows = entries.iter().map(|entry| entry.row).collect();
                write_question(&mut draft.text, code, &entries, why);
                draft.asked.push(Question { code: code.to_owned(), rows, why });
            }
        }
    }
    // Which model such a row is about can't be told where one was asked for.
    let nameless = catalogue.entries.iter().filter(|it| model.is_some() && it.model.model.is_empty());
    let nameless = nameless.filter(|it| !wanted(it));
    draft.unused.extend(nameless.map(|it| Unused { row: it.row, why: "it names no model".to_owned() }));
    draft.unused.sort_by_key(|unused| unused.row);
    Ok(draft)
}

/// What a person must say of a code, if anything.
fn question(entries: &[&Entry]) -> Option<&'static str> {
    let known: BTreeSet<&String> = entries.iter().filter_map(|entry| entry.loinc.as_ref().ok()).collect();
    let makers: BTreeSet<&str> = entries.iter().map(|entry| entry.model.manufacturer.as_str()).collect();
    match known.len() {
        _ if makers.len() > 1 => Some("several manufacturers have a code and a model of this name"),
        0 => Some("no row has a LOINC code for it that is right"),
        _ if entries.iter().any(|entry| entry.may_go_on) => {
            Some("a row below it has a LOINC code and no code of its own, which may be this one's")
        }
        1 if entries.iter().all(|entry| entry.loinc.is_ok()) => None,
        1 => Some("one row has a LOINC code for it, and another has none that is right"),
        _ => Some("several LOINC codes are given for it"),
    }
}

fn head(catalogue: &Catalogue, from: &str) -> String {
    let about = catalogue.models().into_iter().map(|it| format!("{} {}", it.manufacturer, it.model));
    let about: BTreeSet<String> = about.collect();
    let about: Vec<String> = about.iter().map(|it| one_line(it)).filter(|it| !it.is_empty()).collect();
    let mut text = format!(
        "# A draft from {}. Review every line against what the laboratory measures.\n",
        one_line(from)
    );
    if !about.is_empty() {
        let _ = writeln!(text, "# The table is about: {}.", about.join("; "));
    }
    text.push_str(
        "# Keep it as codes.d/NAME.toml and name it in the instrument's file: code_map = \"NAME\". What stands behind # isn't\n\
         # read: a code that is only a question stays unknown, and its results are problems that a person sees.\n\
         # LOINC codes are copyright Regenstrief Institute, Inc., and the LOINC Committee; see https://loinc.org/license.\n",
    );
    text
}

fn write_code(text: &mut String, code: &str, entries: &[&Entry]) {
    text.push('\n');
    for entry in entries {
        let _ = writeln!(text, "# {}", told(entry));
    }
    zeros(text, entries);
    let loinc = entries.iter().find_map(|entry| entry.loinc.as_ref().ok());
    let _ = writeln!(text, "[codes.{}]", quoted(code));
    if let Some(loinc) = loinc {
        let _ = writeln!(text, "loinc = {}", quoted(loinc));
    }
    text.push_str("#lims_code = \"what the LIMS calls it\"\n");
}

fn write_question(text: &mut String, code: &str, entries: &[&Entry], why: &str) {
    let _ =
        writeln!(text, "\n# QUESTION: {why}. Keep what the laboratory measures, and remove the # before it.");
    zeros(text, entries);
    let _ = writeln!(text, "#[codes.{}]", quoted(code));
    for entry in entries {
        let _ = match &entry.loinc {
            Ok(loinc) => writeln!(text, "# {}\n#loinc = {}", told(entry), quoted(loinc)),
            Err(why) => writeln!(text, "# {}; {}", told(entry), one_line(why)),
        };
    }
    text.push_str("#lims_code = \"what the LIMS calls it\"\n");
}

fn zeros(text: &mut String, entries: &[&Entry]) {
    if entries.iter().any(|entry| entry.may_lack_zeros) {
        text.push_str("# Its code is a number in the workbook: compare it with what the analyzer sends (zeros before it).\n");
    }
}

/// What a row says for a person.
fn told(entry: &Entry) -> String {
    let mut parts = vec![format!("row {}", entry.row)];
    for (what, said) in [
        ("", &entry.name),
        ("specimen: ", &entry.specimen),
        ("result: ", &entry.result),
        ("comment: ", &entry.comment),
        ("LOINC: ", &entry.long_name),
    ] {
        if !said.is_empty() {
            parts.push(format!("{what}{}", one_line(said)));
        }
    }
    parts.join("; ")
}

/// A text that can't leave its comment.
fn one_line(text: &str) -> String {
    text.split(char::is_control)
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" / ")
}

/// A TOML basic string. It holds no control characters: what has some is no code.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
