//! The rules by which values are converted and judged, as one text that can be signed, kept and read again: every file of
//! theirs with its name and length.

use std::path::Path;

use labwire_units::Analytes;
use sha2::{Digest, Sha256};

use super::complaint::Remarks;
use super::finding::{Errors, Finding, Source};
use super::{analytes, calls, checks, load, reader};
use crate::domain::Rules;
use crate::domain::call::CallPolicy;

/// The folder of the files that judge; all others say what may be converted.
pub(super) const FOLDER: &str = "rules.d";

/// Reads rules that were kept as one text.
///
/// # Errors
/// Everything in them that this version of the program doesn't take.
pub fn read(text: &str) -> Result<Rules, Errors> {
    let Some(sources) = unbundled(text) else {
        return Err(Errors(vec![Finding::about("the signed rules", "they aren't as labwire keeps them")]));
    };
    let (rules, errors) = assembled(&sources);
    if errors.is_empty() { Ok(rules) } else { Err(Errors(errors)) }
}

/// The rules of a folder with `rules.d` and `analytes.toml`, whatever else is in it; with a policy of critical calls.
///
/// # Errors
/// Everything that is wrong in any of their files.
pub fn of_folder(folder: &Path, policy: &CallPolicy) -> Result<Rules, Errors> {
    load::rules_of(folder, policy)
}

/// The rules that files make, later ones before earlier ones, and what is wrong with them.
pub(super) fn assembled(sources: &[Source]) -> (Rules, Vec<Finding>) {
    let mut analytes = Analytes::default();
    let mut findings = Vec::new();
    let judges = |source: &&Source| source.name.starts_with(FOLDER);
    let of_calls = |source: &&Source| source.name == calls::SIGNED;
    for source in sources.iter().filter(|source| !judges(source) && !of_calls(source)) {
        let remarks = Remarks::default();
        analytes.add(reader::document(&source.text, &remarks, analytes::read).unwrap_or_default());
        findings.extend(remarks.into_parts().0.iter().map(|complaint| source.finding(complaint)));
    }
    let judging: Vec<&Source> = sources.iter().filter(judges).collect();
    let (checks, wrong) = checks::assembled(&judging, &analytes);
    findings.extend(wrong);
    let (policy, wrong) = sources.iter().find(of_calls).map(calls::read_signed).unwrap_or_default();
    findings.extend(wrong);
    let text = bundled(sources);
    let sha256 = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    (Rules { text, sha256, analytes, checks, calls: policy }, findings)
}

/// Each file as its length in bytes, its name, and itself.
fn bundled(sources: &[Source]) -> String {
    let file = |source: &Source| format!("{} {}\n{}\n", source.text.len(), source.name, source.text);
    sources.iter().map(file).collect()
}

fn unbundled(text: &str) -> Option<Vec<Source>> {
    let mut sources = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (head, after) = rest.split_once('\n')?;
        let (length, name) = head.split_once(' ')?;
        let (text, after) = after.split_at_checked(length.parse().ok()?)?;
        sources.push(Source { name: name.to_owned(), text: text.to_owned() });
        rest = after.strip_prefix('\n')?;
    }
    Some(sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: &str) -> Source {
        Source { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn rules_that_were_kept_read_back_as_they_were() {
        let own = "[analyte.x]\nname = \"X\"\nunit = \"µ\"\n".replace('µ', "mmol/L");
        let sources =
            [source("(shipped) analytes.toml", super::super::ANALYTES), source("analytes.toml", &own)];
        let (rules, findings) = assembled(&sources);
        assert_eq!(findings, []);
        assert_eq!(unbundled(&rules.text).unwrap(), sources);
        let again = read(&rules.text).unwrap();
        assert!(again == rules && again.analytes.named("x").is_some());
    }

    #[test]
    fn a_changed_byte_or_name_is_another_set() {
        let sha256 = |sources: &[Source]| assembled(sources).0.sha256;
        let all = [
            sha256(&[source("a", "# 1\n")]),
            sha256(&[source("a", "# 2\n")]),
            sha256(&[source("b", "# 1\n")]),
            sha256(&[source("a", "# 1\n"), source("b", "")]),
            sha256(&[]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(one.len() == 64 && all.iter().skip(at + 1).all(|other| one != other), "{all:?}");
        }
    }

    #[test]
    fn what_is_not_as_it_was_kept_is_refused_with_its_place() {
        for text in ["x", "5 a\nab\n", "1 a\nab\n", "2 a\n", "é a\n\n"] {
            assert!(read(text).is_err(), "{text:?}");
        }
        let error = read("16 analytes.toml\n[analyte.x]\n#123\n").unwrap_err().to_string();
        assert!(error.starts_with("analytes.toml:1:1: [analyte.x] has no name"), "{error}");
    }
}
