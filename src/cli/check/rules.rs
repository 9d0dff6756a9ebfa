//! What a check says of rules and suspensions: that some result can come to each. One that none comes to is a warning and no
//! error: an analyzer may be away or still to come, and that must not keep the others from being received.

use std::collections::BTreeSet;

use crate::config::settings::Suspension;
use crate::config::{Finding, Settings};
use crate::domain::Glob;
use crate::domain::clinic::{Index, Missing, QcRule, Rule, RuleKind};
use crate::pipeline::Reading;
use crate::pipeline::rules::{OutOfReach, Overlooked, codes_of, out_of_reach, overlooked};
use crate::pipeline::runner::reading_by;

/// Without any analyzer nothing is said.
pub(in crate::cli) fn findings(settings: &Settings) -> Vec<Finding> {
    let readings: Vec<_> = settings.instruments.iter().map(|it| reading_by(it, &settings.rules)).collect();
    if readings.is_empty() {
        return Vec::new();
    }
    let OutOfReach { never, by_loinc_alone, without_index, incomplete, without_target } =
        out_of_reach(&settings.rules.checks, &settings.qc, &readings);
    let never = never.into_iter().map(|rule| {
        let analytes = rule.analytes.join(" or ");
        let whose = match &rule.criteria.instruments[..] {
            [] => "no analyzer's code".to_owned(),
            some => format!("no code of {}", some.iter().map(Glob::as_str).collect::<Vec<_>>().join(" or ")),
        };
        about(rule, format!(
            "no result comes to {:?}: {whose} is named as {analytes}; write analyte = … under its [codes], or a LOINC code of it",
            rule.name,
        ))
    });
    let incomplete = incomplete.into_iter().map(|(rule, missing)| about(rule, format!(
        "{:?} compares several analytes and finds nothing: no analyzer's code is named as {}; write analyte = … under its [codes], or a LOINC code of it",
        rule.name,
        joined(&missing),
    )));
    let judges = settings.qc.multirule.is_some();
    let without_target =
        without_target.into_iter().map(|(rule, missing)| about(rule, no_target(rule, &missing, judges)));
    let without_index =
        without_index.into_iter().map(|(rule, index)| about(rule, unknown_index(rule, index)));
    let suspended = settings.suspended.iter().filter(|it| suspends_nothing_known(it, &readings)).map(|it| Finding {
        file: "labwire.toml".to_owned(),
        place: None,
        message: format!(
            "[[suspend]] for {:?}: no code of these analyzers that is known here is one of its tests, by lims_code or by their own",
            it.reason
        ),
    });
    let unreached = never.chain(by_loinc(&by_loinc_alone)).chain(without_index);
    let overlooked = overlooked(&settings.rules.checks, &readings).into_iter().map(not_named);
    unreached.chain(incomplete).chain(without_target).chain(overlooked).chain(suspended).collect()
}

fn not_named(it: Overlooked<'_>) -> Finding {
    let Overlooked { instrument, code, analyte, other: (other, theirs) } = it;
    Finding {
        file: format!("instruments.d/{instrument}.toml"),
        place: None,
        message: format!(
            "no rule about {analyte} is asked of what comes as {code}, which isn't named as one: {theirs} of {other} is the same test, and is; write analyte = {analyte:?} under [codes.{code}]"
        ),
    }
}

fn about(rule: &Rule, message: String) -> Finding {
    Finding { file: rule.place.clone(), place: None, message }
}

/// One finding for all of them: where analyzers do send LOINC codes there is nothing to be done.
fn by_loinc(rules: &[&Rule]) -> Option<Finding> {
    let first = rules.first()?;
    let analytes: BTreeSet<&str> = rules.iter().flat_map(|it| &it.analytes).map(String::as_str).collect();
    let analytes = analytes.into_iter().collect::<Vec<_>>().join(", ");
    let (which, come) = match rules.len() {
        1 => (format!("{:?}", first.name), "comes"),
        several => (format!("{several} rules, {:?} the first,", first.name), "come"),
    };
    Some(about(
        first,
        format!(
            "{which} {come} only to results that an analyzer names by a LOINC code itself, as no code is named as {analytes}; labwire codes says what those that came are called"
        ),
    ))
}

fn unknown_index(rule: &Rule, index: &Index) -> String {
    let codes: Vec<&str> = index.codes.iter().map(|it| it.as_str()).collect();
    format!(
        "{:?} looks for an index by {}, which no profile or [codes] of an analyzer has; labwire codes says which codes have come",
        rule.name,
        codes.join(" or ")
    )
}

/// `judges`: controls are judged at all.
fn no_target(rule: &Rule, missing: &BTreeSet<&str>, judges: bool) -> String {
    let of = if missing.is_empty() { String::new() } else { format!(" for {}", joined(missing)) };
    let why = match judges {
        true => format!("no lot of qc.d that its analyzers measure has a target{of}"),
        false => "labwire.toml has no [qc], so that controls aren't judged".to_owned(),
    };
    let RuleKind::Qc(QcRule { missing: then }) = &rule.kind else { return why };
    let then = match then {
        Missing::Undecided => "each of those results waits for a person",
        Missing::NotEvaluated => "it finds nothing there",
    };
    format!("{:?} asks how controls stand, and {why}: {then}", rule.name)
}

fn joined(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(" or ")
}

fn suspends_nothing_known(suspension: &Suspension, readings: &[Reading]) -> bool {
    let takes = |reading: &Reading| {
        codes_of(reading).into_iter().any(|code| {
            let lims_code = reading.codes.get(code).and_then(|it| it.lims_code.as_deref());
            suspension.takes(reading.instrument.as_str(), code, lims_code)
        })
    };
    !suspension.tests.only.is_empty() && !readings.iter().any(takes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
[[range]]
name = "here"
analyte = "glucose"
unit = "mmol/L"
instruments = ["h500"]
high = "> 30"
source = "a test"

[[consistency]]
name = "parts"
left = [{ analyte = "bilirubin-direct", unit = "umol/L" }]
relation = "<="
right = [{ analyte = "bilirubin-total", unit = "umol/L" }]
source = "a test"

[[qc]]
name = "controls"
analytes = ["glucose", "bilirubin-total"]
source = "a test"

[[qc]]
name = "all"
missing = "pass"
source = "a test"
"#;
    const LOT: &str = r#"
[[lot]]
lot = "4711"
material = "an invented one"
instruments = ["erba"]

[[lot.level]]
level = "1"
specimens = ["QC-1"]

[[lot.level.target]]
test = "GLU"
unit = "mg/dL"
mean = "90"
sd = "2"
from = "2026-01-01"
to = "2026-12-31"
source = "the lot's sheet"
"#;

    /// What a check says of these rules where erba measures glucose and total bilirubin, and h500 neither.
    fn said(site: &str, lots: Option<&str>, codes: &str) -> Vec<String> {
        let named = "[codes.GLU]\nanalyte = \"glucose\"\n[codes.BILT]\nanalyte = \"bilirubin-total\"\n";
        said_of(site, lots, &format!("{named}{codes}"), ("horiba-yumizen-h500", ""))
    }

    /// The same where erba has these codes, and h500 this profile and these.
    fn said_of(site: &str, lots: Option<&str>, erba: &str, h500: (&str, &str)) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("labwire.toml", &format!("site = \"Example Laboratory\"\n{site}"));
        for (name, host, (profile, codes)) in [("erba", "a", ("erba-xl", erba)), ("h500", "b", h500)] {
            let text = format!(
                "profile = \"{profile}\"\ntime_zone = \"UTC\"\n[tcp_client]\nconnect = \"{host}:1\"\n{codes}"
            );
            write(&format!("instruments.d/{name}.toml"), &text);
        }
        write("rules.d/own.toml", RULES);
        if let Some(lots) = lots {
            write("qc.d/lots.toml", lots);
        }
        let (settings, _) = Settings::load(folder.path()).unwrap();
        findings(&settings).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_code_without_the_analyte_that_another_analyzer_has_for_its_test_is_named() {
        let told = |erba: &str, profile: &str, h500: &str| -> Vec<String> {
            let all = said_of("", None, erba, (profile, h500));
            all.into_iter().filter(|it| it.starts_with("instruments.d")).collect()
        };
        let (other, same) = ("horiba-yumizen-h500", "[codes.GLUC]\nlims_code = \"G\"\n");
        let erba = "[codes.GLCC]\nanalyte = \"glucose\"\nlims_code = \"G\"\n";
        let expected = |code: &str| {
            format!(
                "instruments.d/h500.toml: no rule about glucose is asked of what comes as {code}, which isn't named as one: GLCC of erba is the same test, and is; write analyte = \"glucose\" under [codes.{code}]"
            )
        };
        assert_eq!(told(erba, other, same), [expected("GLUC")]);
        assert_eq!(told(erba, "erba-xl", ""), [expected("GLCC")], "one model calls it alike");
        let none: [String; 0] = [];
        for h500 in ["", "[codes.GLUC]\nlims_code = \"H\"\n", &format!("{same}analyte = \"glucose\"\n")] {
            assert_eq!(told(erba, other, h500), none);
        }
        assert_eq!(told(&erba.replace("glucose", "sodium"), other, same), none, "no rule is about it");
    }

    #[test]
    fn a_rule_that_can_find_nothing_is_named_with_its_place() {
        let here = "rules.d/own.toml:2:1: no result comes to \"here\": no code of h500 is named as glucose; write analyte = … under its [codes], or a LOINC code of it";
        let parts = "rules.d/own.toml:10:1: \"parts\" compares several analytes and finds nothing: no analyzer's code is named as bilirubin-direct; write analyte = … under its [codes], or a LOINC code of it";
        let asks = |line: u8, name: &str| {
            format!("rules.d/own.toml:{line}:1: \"{name}\" asks how controls stand, and ")
        };
        let (controls, all) = (asks(17, "controls"), asks(22, "all"));
        let (waits, nothing) = ("each of those results waits for a person", "it finds nothing there");
        let off = "labwire.toml has no [qc], so that controls aren't judged";
        assert_eq!(
            said("", None, ""),
            [
                here.to_owned(),
                parts.to_owned(),
                format!("{controls}{off}: {waits}"),
                format!("{all}{off}: {nothing}")
            ]
        );
        let (none, lots) = ("no lot of qc.d that its analyzers measure has a target", "[qc]\n");
        assert_eq!(
            said(lots, None, "")[2..],
            [
                format!("{controls}{none} for bilirubin-total or glucose: {waits}"),
                format!("{all}{none}: {nothing}")
            ]
        );
        let direct = "[codes.BILD]\nanalyte = \"bilirubin-direct\"\n";
        assert_eq!(
            said(lots, Some(LOT), direct),
            [here.to_owned(), format!("{controls}{none} for bilirubin-total: {waits}")]
        );
    }
}
