//! What a candidate set of rules would have decided otherwise, put into words for the person who is to sign it: Markdown to
//! read and sign, CSV with each difference. It judges nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::clinic::{Check, Checks, Expected};
use crate::pipeline::rules::Trial;
use crate::pipeline::runner::{Compared, Converted, Made, Reproduced};

const NOT_ASKED: &str = "not asked";
const COLUMNS: &str = "observation,received_at,specimen,instrument,test,check,rules_in_force,in_force,held_in_force,\
                       rules_candidate,candidate,held_candidate";

/// What is known before the first result is compared.
pub(super) struct Head {
    pub(super) site: String,
    pub(super) written_at: Timestamp,
    pub(super) since: Timestamp,
    /// What is in force, and who signed it.
    pub(super) signed: String,
    pub(super) candidate: String,
    pub(super) again: Reproduced,
    pub(super) trial: Trial,
}

/// The whole comparison.
pub(super) struct Report {
    head: Head,
    results: usize,
    pub(super) left_out: usize,
    differing: usize,
    /// How many results would wait for a person, by each set.
    waits: (usize, usize),
    /// By what it is about and what each set says of it.
    changes: BTreeMap<(About, String, String), usize>,
    /// Each rule of the candidate by how often it came out how.
    rules: BTreeMap<String, BTreeMap<&'static str, usize>>,
    lines: Vec<String>,
}

/// What two sets may say different things of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Conversion,
    HeldForConversion,
    Check(Check),
}

impl About {
    fn name(self) -> &'static str {
        match self {
            About::Conversion => "conversion",
            About::HeldForConversion => "held for conversion",
            About::Check(check) => check.name(),
        }
    }
}

/// What a set says of one thing.
#[derive(Clone)]
struct Said {
    rules: String,
    ruling: String,
    /// The same of all results that it says this of.
    in_sum: String,
    holds: bool,
}

impl Report {
    pub(super) fn new(head: Head, candidate: &Checks) -> Report {
        let rules = candidate.rules.iter().map(|rule| (rule.name.clone(), BTreeMap::new())).collect();
        Report {
            head,
            results: 0,
            left_out: 0,
            differing: 0,
            waits: (0, 0),
            changes: BTreeMap::new(),
            rules,
            lines: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, it: &Compared) {
        self.results += 1;
        self.waits.0 += usize::from(it.in_force.waits());
        self.waits.1 += usize::from(it.candidate.waits());
        for decision in &it.candidate.decisions {
            for rule in &decision.rules {
                let ways = self.rules.entry(rule.clone()).or_default();
                *ways.entry(Expected::from(&decision.ruling).name()).or_default() += 1;
            }
        }
        let (before, after) = (said(&it.in_force, &it.test), said(&it.candidate, &it.test));
        let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
        let mut differs = false;
        for key in keys {
            let (one, other) = (before.get(key), after.get(key));
            let ruling = |said: Option<&Said>| said.map_or(NOT_ASKED.to_owned(), |it| it.ruling.clone());
            let held = |said: Option<&Said>| said.is_some_and(|it| it.holds);
            if ruling(one) == ruling(other) && held(one) == held(other) {
                continue;
            }
            differs = true;
            let in_sum = |said: Option<&Said>| said.map_or(NOT_ASKED, |it| &it.in_sum).to_owned();
            let words =
                |said: Option<&Said>| format!("{}{}", in_sum(said), if held(said) { ", waits" } else { "" });
            let (was, is) = (words(one), words(other));
            let is = if was == is { format!("{is}, another number") } else { is };
            *self.changes.entry((key.0, was, is)).or_default() += 1;
            self.lines.push(line(it, key.0, one, other));
        }
        self.differing += usize::from(differs);
    }

    /// In two lines.
    pub(super) fn summary(&self) -> String {
        let Report { results, differing, waits, left_out, .. } = self;
        format!(
            "{results} results were compared ({left_out} couldn't be), {differing} would be decided otherwise.\n\
             For a person wait {} by the rules in force, {} by the others: what rules, and conversions, hold by themselves. What \
             waits for another reason, as a flag of the analyzer's, an order or a release, isn't counted.",
            waits.0, waits.1
        )
    }

    pub(super) fn markdown(&self) -> String {
        let Head { site, written_at, since, signed, candidate, again, trial } = &self.head;
        let mut text = format!(
            "# Rules replayed: {site}\n\n| | |\n|---|---|\n| written at | {written_at} |\n\
             | results received | from {since} to {written_at} |\n| in force | {signed} |\n| candidate | {candidate} |\n\
             | the candidate's own cases | {} passed, {} failed, {} ways through a rule without a case |\n\
             | stored decisions made again | {}; otherwise: {}; not readable: {} |\n\n{}\n\n",
            trial.passed,
            trial.failures.len(),
            trial.untried.len(),
            again.cases,
            again.otherwise.len(),
            again.unread.len(),
            self.summary(),
        );
        text += "Each result was looked at with what the journal knows now of its specimen and its patient, by both sets \
                 alike. Results without a specimen number, and versions that were replaced or rejected, are left out.\n\n\
                 ## What comes out otherwise\n\n";
        text += "| check | in force | candidate | results |\n|---|---|---|---|\n";
        for ((about, before, after), count) in &self.changes {
            text += &format!("| {} | {} | {} | {count} |\n", about.name(), cell(before), cell(after));
        }
        if self.changes.is_empty() {
            text += "| nothing | | | |\n";
        }
        text += "\n## How often each rule of the candidate was asked\n\n| rule | asked | came out |\n|---|---|---|\n";
        for (rule, ways) in &self.rules {
            let asked: usize = ways.values().sum();
            let ways: Vec<String> = ways.iter().map(|(way, count)| format!("{way} {count}")).collect();
            let ways = if ways.is_empty() {
                "never: these results show nothing of it".to_owned()
            } else {
                ways.join(", ")
            };
            text += &format!("| {} | {asked} | {} |\n", cell(rule), cell(&ways));
        }
        text += "\nThis compares two sets of rules. Whether the candidate is right is for a person to say.\n\n\
                 Looked at by: ____________________  on: ____________  \n";
        text
    }

    pub(super) fn csv(&self) -> String {
        format!("{COLUMNS}\r\n{}", self.lines.concat())
    }
}

/// What a set says of a result of a test, by what it says it of: where the first rule that fits counts, the check; else the
/// rule.
fn said(made: &Made, test: &str) -> BTreeMap<(About, String), Said> {
    let of_rules = made.decisions.iter().map(|it| {
        let rules = it.rules.join(" ");
        let of = match it.check {
            Check::Critical | Check::Range | Check::Delta => String::new(),
            _ => rules.clone(),
        };
        let ruling = it.ruling.to_string();
        ((About::Check(it.check), of), Said { rules, in_sum: ruling.clone(), ruling, holds: it.holds })
    });
    of_rules.chain(made.conversion.iter().flat_map(|it| of_conversion(it, test))).collect()
}

fn of_conversion(it: &Converted, test: &str) -> [((About, String), Said); 2] {
    let (ruling, in_sum) = match &it.value {
        Ok(value) => {
            let loinc = value.loinc.as_ref().map(|code| format!(", LOINC {code}")).unwrap_or_default();
            let decimals = value.number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            (
                format!("{} {}{loinc}", value.number, value.unit),
                format!("{test} in {}, {decimals} decimals{loinc}", value.unit),
            )
        }
        Err(why) => (format!("none: {why}"), format!("{test}: none: {why}")),
    };
    let held = it.held.map_or("no", |reason| reason.name()).to_owned();
    let said = |ruling, in_sum, holds| Said { rules: String::new(), ruling, in_sum, holds };
    [
        ((About::Conversion, String::new()), said(ruling, in_sum, false)),
        ((About::HeldForConversion, String::new()), said(held.clone(), held, it.held.is_some())),
    ]
}

fn line(it: &Compared, about: About, before: Option<&Said>, after: Option<&Said>) -> String {
    let side = |said: Option<&Said>| match said {
        None => [String::new(), NOT_ASKED.to_owned(), String::new()],
        Some(said) => {
            [said.rules.clone(), said.ruling.clone(), if said.holds { "yes" } else { "no" }.to_owned()]
        }
    };
    let of = [
        it.observation.to_string(),
        it.received_at.to_string(),
        it.specimen.reveal().to_owned(),
        it.instrument.to_string(),
        it.test.clone(),
        about.name().to_owned(),
    ];
    let fields: Vec<String> =
        of.into_iter().chain(side(before)).chain(side(after)).map(|it| quoted(&it)).collect();
    fields.join(",") + "\r\n"
}

fn quoted(field: &str) -> String {
    match field.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

/// A cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\r', '\n'], " ")
}
