//! `labwire codes`: what each analyzer's test codes are called here, and which of them nobody has given a name yet. It reads
//! the configuration, and of the journal which codes came of late.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;

use super::Outcome;
use crate::config::Settings;
use crate::config::settings::Instrument;
use crate::domain::Rules;
use crate::domain::clinic::{Rule, RuleKind};
use crate::exit::Exit;
use crate::journal::Reader;
use crate::pipeline::rules::analyte_of_code;
use crate::pipeline::runner::reading_by;

/// In how many of an analyzer's latest messages codes are looked for.
const MESSAGES: usize = 2_000;

pub(super) fn run(settings: &Settings, instrument: Option<&str>, out: &mut impl Write) -> Outcome {
    let wanted = |it: &&Arc<Instrument>| instrument.is_none_or(|name| it.id.as_str() == name);
    let instruments: Vec<_> = settings.instruments.iter().filter(wanted).collect();
    if instruments.is_empty() {
        let names: Vec<&str> = settings.instruments.iter().map(|it| it.id.as_str()).collect();
        writeln!(out, "There is no such instrument; there are {}.", names.join(", "))?;
        return Ok(Exit::Failed);
    }
    let reader = match Reader::open(&settings.journal.path) {
        Ok(reader) => Some(reader),
        Err(error) => {
            writeln!(out, "Which codes came of late isn't known: {error}")?;
            None
        }
    };
    let mut unmapped = 0;
    for it in instruments {
        let came = match &reader {
            Some(reader) => reader.codes_of_late(&it.id, MESSAGES)?,
            None => BTreeMap::new(),
        };
        unmapped += table(it, &came, &settings.rules, out)?;
        let unknown = reader.as_ref().map_or(Ok(0), |reader| reader.unknown_codes(&it.id))?;
        if unknown > 0 {
            writeln!(out, "  {unknown} open problems with codes that nobody has named: labwire problems")?;
        }
        unmapped += unknown;
    }
    Ok(if unmapped == 0 { Exit::Done } else { Exit::Open })
}

/// One analyzer's codes: those with a name, those that came, and those that its profile knows. How many came and have none.
fn table(
    it: &Instrument,
    came: &BTreeMap<String, usize>,
    rules: &Arc<Rules>,
    out: &mut impl Write,
) -> Result<usize, std::io::Error> {
    let reading = reading_by(it, rules);
    writeln!(out, "{} ({})", it.id, it.profile.identity())?;
    let codes: BTreeSet<&String> =
        it.codes.keys().chain(came.keys()).chain(it.profile.tests.keys()).collect();
    if codes.is_empty() {
        writeln!(out, "  no code is known, and none came of late")?;
    }
    let mut unmapped = 0;
    for code in codes {
        let mapping = it.codes.get(code);
        let test = it.profile.tests.get(code);
        let or_none = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let loinc =
            mapping.and_then(|it| it.loinc.as_deref()).or_else(|| test.and_then(|it| it.loinc.as_deref()));
        let lims_code = mapping.and_then(|it| it.lims_code.as_deref());
        let named = mapping.and_then(|it| it.analyte.as_deref());
        let analyte = analyte_of_code(code, &reading).or(named);
        let of_late = came.get(code).copied().unwrap_or_default();
        let is_unmapped = of_late > 0 && lims_code.is_none() && loinc.is_none();
        unmapped += usize::from(is_unmapped);
        writeln!(
            out,
            "  {code}  analyte {}  LOINC {}  LIMS {}  {}{}{}",
            or_none(analyte),
            or_none(loinc),
            or_none(lims_code),
            match of_late {
                0 => "not seen of late".to_owned(),
                1 => "1 result of late".to_owned(),
                some => format!("{some} results of late"),
            },
            applied(code, analyte, it, rules),
            if is_unmapped { "  NOT MAPPED: the LIMS gets the analyzer's own code alone" } else { "" },
        )?;
    }
    Ok(unmapped)
}

/// Which rules come to a result of this code. Nothing where there is none about any analyte.
fn applied(code: &str, analyte: Option<&str>, it: &Instrument, rules: &Rules) -> String {
    let all = &rules.checks.rules;
    if all.iter().all(|rule| rule.analytes.is_empty()) {
        return String::new();
    }
    let here: Vec<_> = all.iter().filter(|rule| rule.criteria.may_be_of(it.id.as_str())).collect();
    let is_index = |rule: &&&Rule| matches!(&rule.kind, RuleKind::Index(index) if index.is_coded(code));
    let index_of: Vec<String> = here.iter().filter(is_index).map(|rule| format!("{:?}", rule.name)).collect();
    let is_about = |rule: &&&Rule| rule.analytes.iter().any(|it| Some(it.as_str()) == analyte);
    let about = here.iter().filter(is_about).count();
    let of_every_test = here.iter().filter(|rule| rule.analytes.is_empty()).count();
    let told = match (about, analyte) {
        (0, None) if !index_of.is_empty() => String::new(),
        (0, None) => "  no rule is applied: this code isn't named as an analyte".to_owned(),
        (0, Some(analyte)) => format!("  no rule is about {analyte}"),
        (1, _) => "  1 rule is about it".to_owned(),
        (several, _) => format!("  {several} rules are about it"),
    };
    let told = match of_every_test {
        0 => told,
        1 => format!("{told}  1 rule is for every test"),
        some => format!("{told}  {some} rules are for every test"),
    };
    match index_of.join(", ") {
        names if names.is_empty() => told,
        names => format!("{told}  the index of {names}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
[[index]]
name = "haemolysis"
analytes = ["potassium"]
codes = ["HEM"]
limit = ">= 2"
source = "a test"

[[qc]]
name = "controls"
analytes = ["glucose"]
source = "a test"

[[qc]]
name = "elsewhere"
analytes = ["glucose"]
instruments = ["h500"]
source = "a test"

[[demographics]]
name = "who"
required = ["id"]
source = "a test"
"#;

    #[test]
    fn each_code_has_what_is_applied_to_it_beside_it_by_analyte_by_index_and_by_every_test() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("labwire.toml", "site = \"Example Laboratory\"\n");
        let head = "time_zone = \"UTC\"\n[tcp_client]\nconnect =";
        write(
            "instruments.d/erba.toml",
            &format!(
                "profile = \"erba-xl\"\n{head} \"a:1\"\n[codes.K]\nanalyte = \"potassium\"\n[codes.GLU]\nanalyte = \"glucose\"\n\
                 [codes.NA]\nanalyte = \"sodium\"\n[codes.HEM]\nlims_code = \"H\"\n[codes.ODD]\nlims_code = \"O\"\n"
            ),
        );
        write("instruments.d/h500.toml", &format!("profile = \"horiba-yumizen-h500\"\n{head} \"b:1\"\n"));
        let said = |rules: &str| {
            write("rules.d/own.toml", rules);
            let (settings, _) = Settings::load(folder.path()).unwrap();
            let mut out = Vec::new();
            run(&settings, Some("erba"), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let of = |said: &str, code: &str| {
            let line = said.lines().find(|line| line.starts_with(&format!("  {code}  "))).unwrap();
            line.split_once("not seen of late").unwrap().1.to_owned()
        };
        let told = said(RULES);
        for (code, applied) in [
            ("K", "  1 rule is about it  1 rule is for every test"),
            ("GLU", "  1 rule is about it  1 rule is for every test"),
            ("NA", "  no rule is about sodium  1 rule is for every test"),
            ("HEM", "  1 rule is for every test  the index of \"haemolysis\""),
            ("ODD", "  no rule is applied: this code isn't named as an analyte  1 rule is for every test"),
        ] {
            assert_eq!(of(&told, code), applied, "{code}");
        }
        assert_eq!(of(&said("[[identity]]\nname = \"who\"\nsource = \"a test\"\n"), "ODD"), "");
    }
}
